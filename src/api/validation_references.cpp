// What a Rollout refers to: its Services, and what its traffic routing has to name. spec/01 §6.7, §6.8.
#include "api/field_error.hpp"
#include "api/names.hpp"
#include "api/validation_rules.hpp"

namespace crossfade::api {
namespace {

struct NamedService {
  std::string path;
  std::string_view name;
};

// In the order in which they are looked up.
std::vector<NamedService> servicesOf(const Rollout& rollout) {
  std::vector<NamedService> services;
  const auto add = [&](std::string_view path, std::string_view name) {
    if (!name.empty()) services.push_back({fmt::format("spec.strategy.{}", path), name});
  };
  if (const auto& blue_green = rollout.spec.blue_green) {
    add("blueGreen.activeService", blue_green->active_service);
    add("blueGreen.previewService", blue_green->preview_service);
  } else if (const auto& canary = rollout.spec.canary) {
    add("canary.stableService", canary->stable_service);
    add("canary.canaryService", canary->canary_service);
    if (canary->ping_pong) {
      add("canary.pingPong.pingService", canary->ping_pong->ping_service);
      add("canary.pingPong.pongService", canary->ping_pong->pong_service);
    }
  }
  return services;
}

// Exactly one of a single name and a list of names. An empty list does not survive the reference's decoding: absent.
Violation validateOneOf(const json::object& router, std::string_view path, std::string_view single,
                        std::string_view list) {
  const auto capital = [](std::string_view name) { return fmt::format("{:c}{}", name[0] - 'a' + 'A', name.substr(1)); };
  const bool has_single = !getString(router, {single}).empty();
  const auto* names = getArray(router, {list});
  const bool has_list = names != nullptr && !names->empty();
  if (has_single != has_list) return std::nullopt;
  return internalError(path, fmt::format("Either {} or {} must be configured. {} are configured.", capital(single),
                                         capital(list), has_single ? "Both" : "Neither"));
}

}  // namespace

std::optional<std::string> missingService(const Rollout& rollout, const Services& services) {
  for (const auto& [path, name] : servicesOf(rollout)) {
    if (!services.contains(name)) {
      return invalidValue(path, quote(name), fmt::format("service {} not found", quote(name)));
    }
  }
  return std::nullopt;
}

std::optional<std::string> validateRouting(const Rollout& rollout) {
  if (!rollout.spec.canary || !rollout.spec.canary->routed()) return std::nullopt;
  const std::string path = "spec.strategy.canary.trafficRouting.";
  const json::object routing = rollout.spec.canary->traffic_routing.object();
  if (const auto* nginx = getObject(routing, {"nginx"})) {
    if (auto violation = validateOneOf(*nginx, path + "nginx", "stableIngress", "stableIngresses")) return violation;
  }
  if (const auto* alb = getObject(routing, {"alb"})) {
    if (auto violation = validateOneOf(*alb, path + "alb", "ingress", "ingresses")) return violation;
  }
  if (const auto* istio = getObject(routing, {"istio"})) {
    const auto* several = getArray(*istio, {"virtualServices"});
    const bool has_several = several != nullptr && !several->empty();
    if (has_several == (getObject(*istio, {"virtualService"}) != nullptr)) {
      return internalError(path + "istio", "either VirtualService or VirtualServices must be configured");
    }
  }
  if (const auto* ambassador = getObject(routing, {"ambassador"})) {
    const auto* mappings = getArray(*ambassador, {"mappings"});
    if (mappings == nullptr || mappings->empty()) {
      return invalidValue(path + "ambassador.mappings", "null", "must provide at least one mapping");
    }
  }
  if (const auto* mesh = getObject(routing, {"appMesh"})) {
    if (getObject(*mesh, {"virtualService"}) == nullptr) {
      return invalidValue(path + "appmesh.virtualService", "null", "must provide virtual-service");
    }
  }
  return std::nullopt;
}

std::optional<std::string> validateServices(const Rollout& rollout, const json::object& pod_template,
                                            const Services& services) {
  const Labels labels = labelsFromJson(getObject(pod_template, {"metadata", "labels"}));
  for (const auto& [path, name] : servicesOf(rollout)) {
    const auto found = services.find(name);
    if (found == services.end()) continue;
    const Service& service = *found->second;
    for (const auto& [key, value] : service.selector) {
      const auto label = labels.find(key);
      if (key != hash_label && (label == labels.end() || label->second != value)) {
        return invalidValue(path, quote(name),
                            fmt::format("Service {} has unmatch label {} in rollout", quote(name), quote(key)));
      }
    }
    const auto owner = service.metadata.annotations.find(managed_by_annotation);
    if (owner != service.metadata.annotations.end() && owner->second != rollout.metadata.name) {
      return invalidValue(path, quote(name), fmt::format("Service {} is managed by another Rollout", quote(name)));
    }
  }
  return std::nullopt;
}

}  // namespace crossfade::api
