#include "traffic/registry.hpp"

#include <map>

#include "traffic/gateway_api.hpp"

namespace crossfade::traffic {

Result<std::vector<std::unique_ptr<Router>>> makeRouters(const json::object* traffic_routing) {
  std::vector<std::unique_ptr<Router>> routers;
  if (traffic_routing == nullptr) return routers;
  for (const std::string_view name : {"istio", "nginx", "alb", "smi", "ambassador", "appMesh", "traefik", "apisix"}) {
    const json::value* config = traffic_routing->if_contains(name);
    if (config != nullptr && !config->is_null()) {
      return fail(ErrorCode::invalid, "traffic router '" + std::string(name) + "' is not supported yet");
    }
  }
  const json::object* plugins = getObject(*traffic_routing, {"plugins"});
  if (plugins == nullptr) return routers;
  std::map<std::string_view, const json::value*> sorted;
  for (const auto& [key, config] : *plugins) sorted.emplace(key, &config);
  for (const auto& [key, config] : sorted) {
    if (key != gateway_api_plugin) {
      return fail(ErrorCode::invalid, "traffic router plugin '" + std::string(key) + "' is not supported yet");
    }
    routers.push_back(makeGatewayApi(*config));
  }
  return routers;
}

RolloutView viewOf(const api::Rollout& rollout) {
  RolloutView view;
  view.ns = rollout.metadata.ns;
  view.name = rollout.metadata.name;
  view.stable_ping_pong = rollout.status.canary.stable_ping_pong;
  if (rollout.status.canary.weights) {
    for (const api::WeightDestination& destination : rollout.status.canary.weights->additional) {
      view.previous_extra.push_back(destination.service_name);
    }
  }
  if (!rollout.spec.canary) return view;
  const api::Canary& canary = *rollout.spec.canary;
  view.stable_service = canary.stable_service;
  view.canary_service = canary.canary_service;
  if (canary.ping_pong) {
    view.ping_service = canary.ping_pong->ping_service;
    view.pong_service = canary.ping_pong->pong_service;
  }
  view.max_weight = canary.maxTrafficWeight();
  const json::object routing = canary.traffic_routing.object();
  if (const json::array* routes = getArray(routing, {"managedRoutes"})) {
    for (const json::value& route : *routes) {
      if (const json::object* named = route.if_object()) view.managed_routes.emplace_back(getString(*named, {"name"}));
    }
  }
  view.has_header_steps =
      std::ranges::any_of(canary.steps, [](const api::Step& step) { return !step.set_header_route.empty(); });
  return view;
}

const std::vector<ResourceKind>& watchedKinds() {
  static const std::vector<ResourceKind> kinds = {http_route_kind, grpc_route_kind, tcp_route_kind, tls_route_kind};
  return kinds;
}

}  // namespace crossfade::traffic
