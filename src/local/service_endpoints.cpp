#include "local/service_endpoints.hpp"

#include "local/object_facts.hpp"

namespace crossfade::local {

namespace {

// The name of the Service's port; empty when the Service has no such port.
std::optional<std::string> portName(const json::object& service, std::optional<std::uint16_t> port) {
  const auto* ports = getArray(service, {"spec", "ports"});
  if (ports == nullptr) return std::nullopt;
  for (const auto& item : *ports) {
    const auto* candidate = item.if_object();
    if (candidate != nullptr && (!port || getInt(*candidate, {"port"}) == *port))
      return std::string(getString(*candidate, {"name"}));
  }
  return std::nullopt;
}

}  // namespace

std::string podHash(const json::object& pod) {
  for (const std::string_view label : {"rollouts-pod-template-hash", "pod-template-hash"}) {
    if (const auto hash = getString(pod, {"metadata", "labels", label}); !hash.empty()) return std::string(hash);
  }
  return {};
}

std::vector<ServiceEndpoint> readyEndpoints(const Registry& registry, std::string_view ns, std::string_view service,
                                            std::optional<std::uint16_t> port) {
  std::vector<ServiceEndpoint> result;
  const auto stored = registry.get(*registry.resource("", "services"), ns, service);
  const auto endpoints = registry.get(*registry.resource("", "endpoints"), ns, service);
  if (!stored || !endpoints) return result;
  const auto name = portName(**stored, port);
  const auto* subsets = getArray(**endpoints, {"subsets"});
  if (!name || subsets == nullptr) return result;
  for (const auto& item : *subsets) {
    const auto* subset = item.if_object();
    const auto* ports = subset == nullptr ? nullptr : getArray(*subset, {"ports"});
    const auto* addresses = subset == nullptr ? nullptr : getArray(*subset, {"addresses"});
    if (ports == nullptr || addresses == nullptr) continue;
    const auto behind = std::ranges::find_if(*ports, [&name](const json::value& candidate) {
      return candidate.is_object() && getString(candidate.get_object(), {"name"}) == *name;
    });
    if (behind == ports->end()) continue;
    for (const auto& address : *addresses) {
      if (!address.is_object()) continue;
      ServiceEndpoint endpoint;
      endpoint.ns = ns;
      endpoint.ip = getString(address.get_object(), {"ip"});
      endpoint.port = static_cast<std::uint16_t>(getInt(behind->get_object(), {"port"}));
      if (getString(address.get_object(), {"targetRef", "kind"}) == "Pod") {
        endpoint.pod = getString(address.get_object(), {"targetRef", "name"});
        const auto pod = registry.get(*registry.resource("", "pods"), ns, endpoint.pod);
        if (pod) endpoint.pod_hash = podHash(**pod);
      }
      result.push_back(std::move(endpoint));
    }
  }
  return result;
}

}  // namespace crossfade::local
