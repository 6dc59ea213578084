// The rules of a canary, in the order that decides which error is shown. spec/01 §6.6, §6.10.
#include <charconv>

#include "api/canonical.hpp"
#include "api/field_error.hpp"
#include "api/validation_rules.hpp"

namespace crossfade::api {
namespace {

constexpr std::string_view strategy = "spec.strategy";

// What the rules ask about trafficRouting: which routers it names.
struct Routing {
  explicit Routing(const Carried& carried) : present(!carried.empty()), json(carried.object()) {}

  bool has(std::string_view router) const {
    const auto* object = getObject(json, {router});
    // An empty map of plugins doesn't survive a decode; an empty router does.
    return object != nullptr && (router != "plugins" || !object->empty());
  }
  bool hasAny(std::initializer_list<std::string_view> routers) const {
    return std::ranges::any_of(routers, [&](std::string_view router) { return has(router); });
  }
  const json::array* managedRoutes() const {
    const auto* routes = getArray(json, {"managedRoutes"});
    return routes == nullptr || routes->empty() ? nullptr : routes;
  }

  bool present;
  json::object json;
};

std::string at(std::string_view path) { return fmt::format("{}.{}", strategy, path); }

// A fencepost as validation reads it: "30%" and "30" are 30, any other text is 0. spec/01 §7.1.
std::int64_t fencepostNumber(const std::optional<IntOrPercent>& value) {
  if (!value) return 25;
  if (const int* number = std::get_if<int>(&value->value)) return *number;
  std::string_view text = std::get<std::string>(value->value);
  if (text.ends_with('%')) {
    text.remove_suffix(1);
    if (text.starts_with('-')) return 0;
  }
  int number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && rest == text.data() + text.size() ? number : 0;
}

std::string shown(const IntOrPercent& value) {
  if (const int* number = std::get_if<int>(&value.value)) return std::to_string(*number);
  std::string text;
  appendCanonicalString(text, std::get<std::string>(value.value));
  return text;
}

// V-C1 to V-C10.
Violation validateServiceNames(const Canary& canary, const Routing& routing) {
  if (fencepostNumber(canary.max_surge) == 0 && fencepostNumber(canary.max_unavailable) == 0) {
    return invalidValue(at("maxSurge"), shown(*canary.max_surge), "MaxSurge and MaxUnavailable both can not be zero");
  }
  if (!canary.canary_service.empty() && canary.canary_service == canary.stable_service) {
    return invalidValue(at("stableService"), quote(canary.stable_service),
                        "This rollout uses the same service for the stable and canary services, but two different "
                        "services are required.");
  }
  if (canary.ping_pong) {
    const PingPong& pair = *canary.ping_pong;
    if (routing.present && !routing.hasAny({"alb", "istio", "plugins"})) {
      return invalidValue(at("trafficRouting.alb"), "null",
                          "Ping-pong feature works with the ALB, Istio, and plugin-based traffic routers only");
    }
    constexpr std::string_view both = "Ping service and Pong service must to be set to use Ping-Pong feature";
    if (pair.ping_service.empty()) return invalidValue(at("pingPong.pingService"), quote(""), both);
    if (pair.pong_service.empty()) return invalidValue(at("pingPong.pongService"), quote(""), both);
    if (pair.ping_service == pair.pong_service) {
      return invalidValue(
          at("pingPong.pingService"), quote(pair.ping_service),
          "This rollout uses the same service for the ping and pong services, but two different services "
          "are required.");
    }
    if (routing.has("alb") && getString(routing.json, {"alb", "rootService"}).empty()) {
      return invalidValue(
          at("trafficRouting.alb.rootService"), quote(""),
          "Root service field is required for the configuration with ALB and ping-pong feature enabled");
    }
  }
  const bool required =
      (routing.has("alb") && !canary.ping_pong) ||
      (routing.has("istio") && getObject(routing.json, {"istio", "destinationRule"}) == nullptr && !canary.ping_pong) ||
      routing.hasAny({"smi", "apisix", "ambassador", "nginx", "appMesh", "traefik"});
  constexpr std::string_view missing = "Canary service and Stable service must to be set to use Traffic Routing";
  if (required && canary.stable_service.empty()) return invalidValue(at("stableService"), quote(""), missing);
  if (required && canary.canary_service.empty()) return invalidValue(at("canaryService"), quote(""), missing);
  return std::nullopt;
}

// V-C11 to V-C14.
Violation validateRoutedOptions(const Canary& canary, const Routing& routing) {
  const auto delay = canary.scale_down_delay_seconds;
  if (!routing.present) {
    if (delay) {
      return invalidValue(at("scaleDownDelaySeconds"), std::to_string(*delay),
                          "Canary scaleDownDelaySeconds can only be used with traffic routing");
    }
    if (canary.dynamic_stable_scale) {
      return invalidValue(at("dynamicStableScale"), "true",
                          "Canary dynamicStableScale can only be used with traffic routing");
    }
    return std::nullopt;
  }
  if (canary.dynamic_stable_scale && delay) {
    return invalidValue(at("dynamicStableScale"), "true",
                        "Canary dynamicStableScale cannot be used with scaleDownDelaySeconds");
  }
  if (canary.max_traffic_weight && !routing.hasAny({"nginx", "plugins"})) {
    return invalidValue(at("trafficRouting.maxTrafficWeight"), std::to_string(*canary.max_traffic_weight),
                        "Canary maxTrafficWeight in traffic routing only supported in Nginx and Plugins");
  }
  return std::nullopt;
}

// V-C19 and V-C20.
Violation validateActions(const Step& step, const std::string& path) {
  constexpr std::string_view one_of =
      "Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause";
  const bool experiment = !step.experiment.empty(), pause = step.pause.has_value();
  const bool weight = step.set_weight.has_value(), analysis = step.analysis.has_value();
  if (experiment + pause + weight + analysis >= 2) {
    return invalidValue(path,
                        quote(fmt::format("step.Experiment: {} step.Pause: {} step.SetWeight: {} step.Analysis: {}",
                                          experiment, pause, weight, analysis)),
                        one_of);
  }
  const bool others =
      step.set_canary_scale || !step.set_header_route.empty() || !step.set_mirror_route.empty() || !step.plugin.empty();
  if (experiment || pause || weight || analysis || others) return std::nullopt;
  return invalidValue(path,
                      quote("step.Experiment: true step.Pause: true step.SetWeight: true step.Analysis: true "
                            "step.SetCanaryScale: true step.SetHeaderRoute: true step.SetMirrorRoute: true "
                            "step.Plugin: true"),
                      one_of);
}

// V-C24b: exactly one of the three kinds of match; `match` may be null.
Violation validateStringMatch(const std::string& path, const json::object* match) {
  const auto set = [&](std::string_view kind) { return match != nullptr && !getString(*match, {kind}).empty(); };
  const int count = set("exact") + set("regex") + set("prefix");
  if (count == 1) return std::nullopt;
  return invalidValue(path, match == nullptr ? "null" : canonicalJson("StringMatch", *match),
                      count == 0
                          ? "StringMatch value missed, match value must have one of the following: exact, regex, "
                            "prefix"
                          : "StringMatch match value must have exactly one of the following: exact, regex, prefix");
}

// V-C26 and V-C27.
Violation validateManagedRoute(const Routing& routing, const std::string& path, std::string_view name) {
  const json::array* routes = routing.managedRoutes();
  if (routes == nullptr) {
    return requiredValue(at("trafficRouting.managedRoutes"),
                         "Rollout has missing field 'spec.strategy.canary.trafficRouting.managedRoutes'");
  }
  const bool known = std::ranges::any_of(*routes, [&](const json::value& route) {
    return route.is_object() && getString(route.get_object(), {"name"}) == name;
  });
  if (known) return std::nullopt;
  return invalidValue(path, quote(name),
                      "Steps define a route that does not exist in spec.strategy.canary.trafficRouting.managedRoutes");
}

// V-C24.
Violation validateHeaderRoute(const json::object& route, const Routing& routing, const std::string& path) {
  if (!routing.hasAny({"istio", "alb", "apisix", "plugins"})) {
    return invalidValue(path, canonicalJson("SetHeaderRoute", route),
                        "SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix");
  }
  const auto* matches = getArray(route, {"match"});
  for (std::size_t j = 0; matches != nullptr && j < matches->size(); ++j) {
    const std::string match_path = fmt::format("{}.match[{}]", path, j);
    const json::value* found = find((*matches)[j], {"headerValue"});
    const json::object* value = found == nullptr ? nullptr : found->if_object();
    const bool exact_only = value != nullptr && !getString(*value, {"exact"}).empty() &&
                            getString(*value, {"regex"}).empty() && getString(*value, {"prefix"}).empty();
    if (routing.has("alb") && value != nullptr && !exact_only) {
      return invalidValue(match_path, canonicalJson("StringMatch", *value),
                          "SetHeaderRoute match value invalid. ALB supports 'exact' value only");
    }
    if (auto violation = validateStringMatch(match_path, value)) return violation;
  }
  return std::nullopt;
}

// V-C25.
Violation validateMirrorRoute(const json::object& route, const Routing& routing, const std::string& path) {
  if (!routing.hasAny({"istio", "plugins"})) {
    return invalidValue(path, canonicalJson("SetMirrorRoute", route),
                        "SetMirrorRoute requires TrafficRouting, supports Istio and Plugins");
  }
  const auto* matches = getArray(route, {"match"});
  for (std::size_t j = 0; matches != nullptr && j < matches->size(); ++j) {
    const json::object* match = (*matches)[j].if_object();
    if (match == nullptr) continue;
    const std::string match_path = fmt::format("{}.match[{}]", path, j);
    std::vector<const json::object*> values = {getObject(*match, {"method"}), getObject(*match, {"path"})};
    if (const auto* headers = getObject(*match, {"headers"})) {
      for (const auto& header : *headers) values.push_back(header.value().if_object());
    }
    for (const json::object* value : values) {
      if (value == nullptr) continue;
      if (auto violation = validateStringMatch(match_path, value)) return violation;
    }
  }
  return std::nullopt;
}

// V-C24 to V-C27.
Violation validateRoutes(const Step& step, const Routing& routing, const std::string& step_path) {
  struct Route {
    const Carried* step;
    std::string path;
    Violation (*validate)(const json::object&, const Routing&, const std::string&);
  };
  const Route routes[] = {{&step.set_header_route, step_path + ".setHeaderRoute", validateHeaderRoute},
                          {&step.set_mirror_route, step_path + ".setMirrorRoute", validateMirrorRoute}};
  for (const auto& [route, path, validate] : routes) {
    if (route->empty()) continue;
    if (auto violation = validate(route->object(), routing, path)) return violation;
  }
  for (const auto& [route, path, validate] : routes) {
    if (route->empty()) continue;
    if (auto violation = validateManagedRoute(routing, path, getString(route->object(), {"name"}))) return violation;
  }
  return std::nullopt;
}

// V-C28 and V-C28b.
Violation validateExperiment(const json::object& experiment, const Routing& routing, const std::string& step_path) {
  const auto* templates = getArray(experiment, {"templates"});
  for (std::size_t k = 0; templates != nullptr && k < templates->size(); ++k) {
    const json::object* item = (*templates)[k].if_object();
    if (item == nullptr) continue;
    const std::string path = fmt::format("{}.experiment.templates[{}]", step_path, k);
    if (const json::value* weight = item->if_contains("weight"); weight != nullptr && !weight->is_null()) {
      if (!routing.present) {
        return invalidValue(path + ".weight", canonicalNumber(*weight),
                            "Experiment template weight cannot be set unless TrafficRouting is enabled");
      }
      if (!routing.hasAny({"alb", "smi", "istio", "plugins"})) {
        return invalidValue(path + ".weight", canonicalNumber(*weight),
                            "Experiment template weight is only available for TrafficRouting with SMI, ALB, Istio and "
                            "Plugins at this time");
      }
    }
  }
  return std::nullopt;
}

bool isExtractable(std::string_view path) {
  for (const std::string_view plain :
       {"metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"}) {
    if (path == plain) return true;
  }
  for (std::string_view map : {"metadata.labels['", "metadata.annotations['"}) {
    if (!path.starts_with(map) || !path.ends_with("']") || path.size() < map.size() + 2) continue;
    return !qualifiedNameError(path.substr(map.size(), path.size() - map.size() - 2));
  }
  return false;
}

json::object toJson(const AnalysisArgument& argument) {
  json::object object{{"name", argument.name}, {"value", argument.value}};
  if (!argument.pod_template_hash_value.empty()) {
    ensureObject(object, {"valueFrom"})["podTemplateHashValue"] = argument.pod_template_hash_value;
  }
  if (!argument.field_path.empty()) ensureObject(object, {"valueFrom", "fieldRef"})["fieldPath"] = argument.field_path;
  return object;
}

// V-C29.
Violation validateArguments(const Step& step, const json::object& experiment, const std::string& step_path) {
  json::array arguments;
  if (const auto* analyses = getArray(experiment, {"analyses"})) {
    for (const json::value& analysis : *analyses) {
      const json::value* args = find(analysis, {"args"});
      if (args == nullptr || !args->is_array()) continue;
      for (const json::value& argument : args->get_array()) arguments.push_back(argument);
    }
  }
  if (step.analysis) {
    for (const AnalysisArgument& argument : step.analysis->args) arguments.push_back(toJson(argument));
  }
  for (const json::value& argument : arguments) {
    const json::value* path = find(argument, {"valueFrom", "fieldRef", "fieldPath"});
    if (path == nullptr || !path->is_string()) continue;
    const std::string_view text = path->get_string();
    if (!text.starts_with("metadata") || isExtractable(text)) continue;
    std::string list;
    for (const json::value& item : arguments) {
      list += (list.empty() ? "" : ",") + canonicalJson("AnalysisRunArgument", item);
    }
    return invalidValue(step_path + ".analyses", "[" + list + "]",
                        "Analyses arguments must refer to valid object metadata supported by downwardAPI");
  }
  return std::nullopt;
}

Violation validateStep(const Canary& canary, const Step& step, const Routing& routing, const std::string& path) {
  if (auto violation = validateActions(step, path)) return violation;
  if (step.set_weight && (*step.set_weight < 0 || *step.set_weight > canary.maxTrafficWeight())) {
    return invalidValue(path + ".setWeight", std::to_string(*step.set_weight),
                        fmt::format("SetWeight needs to be between 0 and {}", canary.maxTrafficWeight()));
  }
  if (step.pause && step.pause->seconds() < 0) {
    return invalidValue(path + ".pause.duration", std::to_string(step.pause->seconds()),
                        "Duration needs to be greater than 0");
  }
  if (step.set_canary_scale && !routing.present) {
    return requiredValue(at("trafficRouting"), "SetCanaryScale requires TrafficRouting to be set");
  }
  if (auto violation = validateRoutes(step, routing, path)) return violation;
  const json::object experiment = step.experiment.object();
  if (auto violation = validateExperiment(experiment, routing, path)) return violation;
  return validateArguments(step, experiment, path);
}

// What of a step the reference accepts and then stumbles over. spec/01 §6.10.
Violation validateStepGaps(const Canary& canary, const Step& step, const std::string& path) {
  if (const auto& scale = step.set_canary_scale) {
    if (scale->replicas && *scale->replicas < 0) {
      return invalidValue(path + ".setCanaryScale.replicas", std::to_string(*scale->replicas), not_negative);
    }
    if (scale->weight && (*scale->weight < 0 || *scale->weight > canary.maxTrafficWeight())) {
      return invalidValue(path + ".setCanaryScale.weight", std::to_string(*scale->weight),
                          fmt::format("must be between 0 and {}", canary.maxTrafficWeight()));
    }
  }
  if (const std::int64_t share = getInt(step.set_mirror_route.object(), {"percentage"}, 100);
      share < 0 || share > 100) {
    return invalidValue(path + ".setMirrorRoute.percentage", std::to_string(share), "must be between 0 and 100");
  }
  const json::object experiment = step.experiment.object();
  if (const std::int64_t delay = getInt(experiment, {"scaleDownDelaySeconds"}); delay < 0) {
    return invalidValue(path + ".experiment.scaleDownDelaySeconds", std::to_string(delay), not_negative);
  }
  const auto* templates = getArray(experiment, {"templates"});
  for (std::size_t k = 0; templates != nullptr && k < templates->size(); ++k) {
    const json::object* item = (*templates)[k].if_object();
    const std::string_view source = item == nullptr ? std::string_view() : getString(*item, {"specRef"});
    if (source != "canary" && source != "stable") {
      return invalidValue(fmt::format("{}.experiment.templates[{}].specRef", path, k), quote(source),
                          "must be canary or stable");
    }
  }
  return std::nullopt;
}

// What else. spec/01 §6.10.
Violation validateGaps(const RolloutSpec& spec, const Routing& routing) {
  const Canary& canary = *spec.canary;
  if (canary.max_traffic_weight && *canary.max_traffic_weight <= 0) {
    return invalidValue(at("trafficRouting.maxTrafficWeight"), std::to_string(*canary.max_traffic_weight),
                        "must be greater than 0");
  }
  const std::pair<std::string_view, const std::optional<IntOrPercent>*> fenceposts[] = {
      {"maxSurge", &canary.max_surge}, {"maxUnavailable", &canary.max_unavailable}};
  for (const auto& [name, value] : fenceposts) {
    if (!*value) continue;
    const auto pods = (*value)->resolve(100, Rounding::down);
    if (!pods) return invalidValue(at(name), shown(**value), "must be an integer or a percentage");
    if (*pods < 0) return invalidValue(at(name), shown(**value), not_negative);
  }
  const std::pair<std::string_view, std::optional<std::int64_t>> counts[] = {
      {"scaleDownDelaySeconds", canary.scale_down_delay_seconds},
      {"scaleDownDelayRevisionLimit", canary.scale_down_delay_revision_limit},
      {"abortScaleDownDelaySeconds", canary.abort_scale_down_delay_seconds},
      {"minPodsPerReplicaSet", canary.min_pods_per_replica_set}};
  for (const auto& [name, value] : counts) {
    if (value && *value < 0) return invalidValue(at(name), std::to_string(*value), not_negative);
  }
  if (const auto limit = canary.scale_down_delay_revision_limit; limit > spec.revisionHistoryLimit()) {
    return invalidValue(at("scaleDownDelayRevisionLimit"), std::to_string(*limit),
                        "This rollout's revision history limit can not be smaller than the rollout's scale down limit");
  }
  if (const auto& threshold = canary.replica_progress_threshold) {
    // "Pod" and "Pods" are both found in the wild.
    if (threshold->type != "Percent" && threshold->type != "Pods" && threshold->type != "Pod") {
      return unsupportedValue(at("replicaProgressThreshold.type"), threshold->type, {"Percent", "Pods"});
    }
    if (threshold->type == "Percent" && threshold->value > 100) {
      return invalidValue(at("replicaProgressThreshold.value"), std::to_string(threshold->value),
                          "must be at most 100 percent");
    }
  }
  for (std::size_t i = 0; i < canary.steps.size(); ++i) {
    const std::string path = fmt::format("{}.steps[{}]", strategy, i);
    if (auto violation = validateStepGaps(canary, canary.steps[i], path)) return violation;
  }
  // Their share is taken from the stable side, which can't give more than it has. spec/04 §33, 30.
  std::int64_t canary_weight = 0;
  for (std::size_t i = 0; i < canary.steps.size(); ++i) {
    canary_weight = canary.steps[i].set_weight.value_or(canary_weight);
    const json::object experiment = canary.steps[i].experiment.object();
    std::int64_t sum = 0;
    if (const auto* templates = getArray(experiment, {"templates"}))
      for (const json::value& item : *templates)
        if (item.is_object()) sum += getInt(item.get_object(), {"weight"});
    if (sum > 0 && canary_weight + sum > canary.maxTrafficWeight()) {
      return invalidValue(fmt::format("{}.steps[{}].experiment.templates", strategy, i), std::to_string(sum),
                          fmt::format("the weights of the templates and the canary must not exceed {} together",
                                      canary.maxTrafficWeight()));
    }
  }
  if (routing.has("appMesh") && getObject(routing.json, {"appMesh", "virtualNodeGroup"}) == nullptr) {
    return requiredValue(at("trafficRouting.appMesh.virtualNodeGroup"));
  }
  if (routing.has("apisix") && getObject(routing.json, {"apisix", "route"}) == nullptr) {
    return requiredValue(at("trafficRouting.apisix.route"));
  }
  return std::nullopt;
}

}  // namespace

Violation validateCanary(const Rollout& rollout) {
  const Canary& canary = *rollout.spec.canary;
  const Routing routing(canary.traffic_routing);
  if (auto violation = validateServiceNames(canary, routing)) return violation;
  if (auto violation = validateRoutedOptions(canary, routing)) return violation;
  for (std::size_t i = 0; i < canary.steps.size(); ++i) {
    const std::string path = fmt::format("{}.steps[{}]", strategy, i);
    if (auto violation = validateStep(canary, canary.steps[i], routing, path)) return violation;
  }
  if (auto violation = validateAntiAffinity(canary.anti_affinity)) return violation;
  return validateGaps(rollout.spec, routing);
}

}  // namespace crossfade::api
