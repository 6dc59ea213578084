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

RolloutView viewOf(std::string_view ns, std::string_view name, const json::object& spec, const json::object& status) {
  RolloutView view;
  view.ns = ns;
  view.name = name;
  const json::object empty;
  const json::object* found = getObject(spec, {"strategy", "canary"});
  const json::object& canary = found != nullptr ? *found : empty;
  view.stable_service = getString(canary, {"stableService"});
  view.canary_service = getString(canary, {"canaryService"});
  view.ping_service = getString(canary, {"pingPong", "pingService"});
  view.pong_service = getString(canary, {"pingPong", "pongService"});
  view.stable_ping_pong = getString(status, {"canary", "stablePingPong"});
  view.max_weight = getInt(canary, {"trafficRouting", "maxTrafficWeight"}, 100);
  if (const json::array* routes = getArray(canary, {"trafficRouting", "managedRoutes"})) {
    for (const json::value& route : *routes) {
      if (route.is_object()) view.managed_routes.emplace_back(getString(route.get_object(), {"name"}));
    }
  }
  if (const json::array* steps = getArray(canary, {"steps"})) {
    for (const json::value& step : *steps) {
      if (find(step, {"setHeaderRoute"}) != nullptr) view.has_header_steps = true;
    }
  }
  if (const json::array* additional = getArray(status, {"canary", "weights", "additional"})) {
    for (const json::value& destination : *additional) {
      if (destination.is_object()) view.previous_extra.emplace_back(getString(destination.get_object(), {"serviceName"}));
    }
  }
  return view;
}

const std::vector<ResourceKind>& watchedKinds() {
  static const std::vector<ResourceKind> kinds = {http_route_kind, grpc_route_kind, tcp_route_kind, tls_route_kind};
  return kinds;
}

}  // namespace crossfade::traffic
