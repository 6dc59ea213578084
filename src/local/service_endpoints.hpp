// Who answers for a Service right now, as its Endpoints object says.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "local/registry.hpp"

namespace crossfade::local {

struct ServiceEndpoint {
  std::string ns, pod;   // pod is empty for an address that is no pod
  std::string pod_hash;  // rollouts-pod-template-hash, else pod-template-hash
  std::string ip;
  std::uint16_t port = 0;  // of the container
};

// The ready endpoints behind a port of the Service (its first one without); none where the Service is missing.
std::vector<ServiceEndpoint> readyEndpoints(const Registry& registry, std::string_view ns, std::string_view service,
                                            std::optional<std::uint16_t> port);

// The pod's template hash as gateway and demo application tell it.
std::string podHash(const json::object& pod);

}  // namespace crossfade::local
