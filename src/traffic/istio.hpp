// Istio's two kinds of objects, as the router (istio.cpp) edits them. spec/05 §5.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "traffic/editing.hpp"

namespace crossfade::traffic::istio {

// `trafficRouting.istio`, understood. spec/05 §5.1.
struct TlsMatch {
  std::int64_t port = 0;
  std::vector<std::string> sni_hosts;
};
struct VirtualServiceConfig {
  std::string ns, name;  // ns "": the Rollout's. spec/05 §5.3
  std::vector<std::string> routes;
  std::vector<TlsMatch> tls_routes;
  std::vector<std::int64_t> tcp_ports;
};
struct Config {
  std::vector<VirtualServiceConfig> virtual_services;
  std::string destination_rule;  // "": destinations are told apart by their hosts alone
  std::string canary_subset, stable_subset;
  std::vector<std::string> additional_subsets;
  std::string problem;  // why it can't be used; "" where it can
};
Config parseConfig(const json::object& config);

// What the destinations of a route are told apart by.
struct Sides {
  std::string canary_service, stable_service;
  const Config& config;
  const RolloutView& rollout;
};

// --- istio_weights.cpp (spec/05 §5.4 to §5.8) ---

// The text before the first dot.
std::string_view shortHost(std::string_view host);
// The http routes that a configuration means, as indexes; fails where it is ambiguous or a name is missing.
Result<std::vector<std::size_t>> selectHttp(const json::object& virtual_service, const VirtualServiceConfig& config,
                                            const Sides& sides);
// The weights of all selected routes of all sections. Routes are checked before. spec/05 §5.6, §5.7.
Result<> setWeights(json::object& virtual_service, const VirtualServiceConfig& config, const Sides& sides,
                    const Shares& shares);
// Managed routes first, in their order; the others as they were.
void orderRoutes(json::array& http, const RolloutView& rollout);

// --- istio_routes.cpp (spec/05 §5.9 to §5.11) ---

// `rule_host`: the DestinationRule's; "" where there is none.
Result<> setHeaderRoute(json::object& virtual_service, const VirtualServiceConfig& config, const Sides& sides,
                        std::string_view rule_host, const SetHeaderRoute& set);
Result<> setMirrorRoute(json::object& virtual_service, const VirtualServiceConfig& config, const Sides& sides,
                        std::string_view rule_host, const json::object& step);
// Removes all routes of these names.
Result<> removeRoutes(json::object& virtual_service, const std::vector<std::string>& names);

// --- istio_rule.cpp (spec/05 §5.12) ---

void updateSubsets(json::object& destination_rule, const Config& config, const RolloutView& rollout,
                   const UpdateHash& hashes);
struct SubsetHashes {
  std::string canary, stable;
};
SubsetHashes subsetHashes(const json::object& destination_rule, const Config& config);

}  // namespace crossfade::traffic::istio
