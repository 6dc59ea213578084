#include "traffic/registry.hpp"

#include <fmt/format.h>
#include <map>

#include "traffic/gateway_api.hpp"

namespace crossfade::traffic {

namespace {

struct Entry {
  std::string_view key;
  std::unique_ptr<Router> (*make)(const json::object& config, const RouterSettings& settings);  // null: not there yet
};
// In the order in which they act. spec/05 §1.2.
constexpr Entry entries[] = {{"istio", makeIstio},     {"nginx", makeNginx},           {"alb", nullptr},
                             {"smi", makeSmi},         {"ambassador", makeAmbassador}, {"appMesh", makeAppMesh},
                             {"traefik", makeTraefik}, {"apisix", makeApisix}};

}  // namespace

Result<std::vector<std::unique_ptr<Router>>> makeRouters(const json::object* traffic_routing,
                                                         const RouterSettings& settings) {
  std::vector<std::unique_ptr<Router>> routers;
  if (traffic_routing == nullptr) return routers;
  for (const Entry& entry : entries) {
    const json::value* config = traffic_routing->if_contains(entry.key);
    if (config == nullptr || config->is_null()) continue;
    if (entry.make == nullptr)
      return fail(ErrorCode::invalid, fmt::format("traffic router '{}' is not supported yet", entry.key));
    if (!config->is_object())
      return fail(ErrorCode::invalid,
                  fmt::format("{}: an object is expected, found {}", entry.key, json::serialize(*config)));
    routers.push_back(entry.make(config->get_object(), settings));
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

RolloutView viewOf(const api::Rollout& rollout, TimePoint now) {
  RolloutView view;
  view.now = now;
  view.uid = rollout.metadata.uid;
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
  view.has_max_weight = canary.max_traffic_weight.has_value();
  const json::object routing = canary.traffic_routing.object();
  if (const json::array* routes = getArray(routing, {"managedRoutes"})) {
    for (const json::value& route : *routes) {
      if (const json::object* named = route.if_object()) view.managed_routes.emplace_back(getString(*named, {"name"}));
    }
  }
  for (const api::Step& step : canary.steps) {
    view.has_header_steps |= !step.set_header_route.empty();
    for (const api::Carried* route : {&step.set_header_route, &step.set_mirror_route})
      if (!route->empty()) view.step_routes.emplace_back(getString(route->object(), {"name"}));
  }
  return view;
}

bool isWatched(const ResourceKind& kind) { return kind != service_kind; }

}  // namespace crossfade::traffic
