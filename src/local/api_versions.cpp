#include "local/api_versions.hpp"

#include <fmt/format.h>

#include "local/json_text.hpp"

namespace crossfade::local {

namespace {

// Where autoscaling/v1 keeps what it has no field for.
constexpr std::string_view metrics_annotation = "autoscaling.alpha.kubernetes.io/metrics";
constexpr std::string_view current_annotation = "autoscaling.alpha.kubernetes.io/current-metrics";
constexpr std::string_view behavior_annotation = "autoscaling.alpha.kubernetes.io/behavior";
constexpr std::string_view conditions_annotation = "autoscaling.alpha.kubernetes.io/conditions";

std::string apiVersionOf(const ResourceType& type, std::string_view version) {
  return type.group.empty() ? std::string(version) : fmt::format("{}/{}", type.group, version);
}

// The one metric that autoscaling/v1 speaks of: the use of cpu in percent. Taken out of the list.
std::optional<json::value> takeCpu(json::array& metrics, std::string_view part, std::string_view field) {
  for (auto it = metrics.begin(); it != metrics.end(); ++it) {
    const auto* metric = it->if_object();
    if (metric == nullptr || getString(*metric, {"resource", "name"}) != "cpu") continue;
    const auto* percent = find(*metric, {"resource", part, field});
    if (percent == nullptr) continue;
    json::value value = *percent;
    metrics.erase(it);
    return value;
  }
  return std::nullopt;
}

void keep(json::object& object, std::string_view annotation, const json::value& value) {
  ensureObject(object, {"metadata", "annotations"})[annotation] = jsonText(value);
}

std::optional<json::value> restore(json::object& object, std::string_view annotation) {
  auto* annotations = find(object, {"metadata", "annotations"});
  if (annotations == nullptr || !annotations->is_object()) return std::nullopt;
  const auto* text = annotations->get_object().if_contains(annotation);
  if (text == nullptr || !text->is_string()) return std::nullopt;
  auto value = parseJson(text->get_string());
  annotations->get_object().erase(annotation);
  if (annotations->get_object().empty()) find(object, {"metadata"})->get_object().erase("annotations");
  if (!value) return std::nullopt;
  return std::move(*value);
}

json::object autoscalerToV1(json::object object) {
  json::object& spec = ensureObject(object, {"spec"});
  if (auto* metrics = spec.if_contains("metrics"); metrics != nullptr && metrics->is_array()) {
    json::array rest = std::move(metrics->get_array());
    spec.erase("metrics");
    if (auto percent = takeCpu(rest, "target", "averageUtilization"))
      spec["targetCPUUtilizationPercentage"] = std::move(*percent);
    if (!rest.empty()) keep(object, metrics_annotation, rest);
  }
  if (const auto* behavior = spec.if_contains("behavior"); behavior != nullptr) {
    keep(object, behavior_annotation, *behavior);
    spec.erase("behavior");
  }
  auto* status = find(object, {"status"});
  if (status == nullptr || !status->is_object()) return object;
  json::object& told = status->get_object();
  if (auto* current = told.if_contains("currentMetrics"); current != nullptr && current->is_array()) {
    json::array rest = std::move(current->get_array());
    if (auto percent = takeCpu(rest, "current", "averageUtilization"))
      told["currentCPUUtilizationPercentage"] = std::move(*percent);
    if (!rest.empty()) keep(object, current_annotation, rest);
  }
  if (const auto* conditions = told.if_contains("conditions"); conditions != nullptr && conditions->is_array()) {
    keep(object, conditions_annotation, *conditions);
  }
  told.erase("currentMetrics");
  told.erase("conditions");
  if (!told.contains("currentReplicas")) told["currentReplicas"] = 0;
  return object;
}

json::object autoscalerFromV1(json::object object) {
  json::array metrics;
  json::object& spec = ensureObject(object, {"spec"});
  if (const auto* percent = spec.if_contains("targetCPUUtilizationPercentage")) {
    metrics.push_back(json::object{
        {"type", "Resource"},
        {"resource",
         json::object{{"name", "cpu"},
                      {"target", json::object{{"type", "Utilization"}, {"averageUtilization", *percent}}}}}});
    spec.erase("targetCPUUtilizationPercentage");
  }
  if (const auto rest = restore(object, metrics_annotation); rest && rest->is_array()) {
    for (const auto& metric : rest->get_array()) metrics.push_back(metric);
  }
  if (!metrics.empty()) ensureObject(object, {"spec"})["metrics"] = std::move(metrics);
  if (auto behavior = restore(object, behavior_annotation))
    ensureObject(object, {"spec"})["behavior"] = std::move(*behavior);
  json::array current;
  if (auto* status = find(object, {"status"}); status != nullptr && status->is_object()) {
    if (const auto* percent = status->get_object().if_contains("currentCPUUtilizationPercentage")) {
      current.push_back(json::object{
          {"type", "Resource"},
          {"resource", json::object{{"name", "cpu"}, {"current", json::object{{"averageUtilization", *percent}}}}}});
      status->get_object().erase("currentCPUUtilizationPercentage");
    }
  }
  if (const auto rest = restore(object, current_annotation); rest && rest->is_array()) {
    for (const auto& metric : rest->get_array()) current.push_back(metric);
  }
  if (!current.empty()) ensureObject(object, {"status"})["currentMetrics"] = std::move(current);
  if (auto conditions = restore(object, conditions_annotation))
    ensureObject(object, {"status"})["conditions"] = std::move(*conditions);
  return object;
}

}  // namespace

bool versionsDiffer(const ResourceType& type, std::string_view version) {
  return type.group == "autoscaling" && type.kind == "HorizontalPodAutoscaler" && version == "v1";
}

json::object toVersion(const ResourceType& type, std::string_view version, json::object stored) {
  if (versionsDiffer(type, version)) stored = autoscalerToV1(std::move(stored));
  stored["apiVersion"] = apiVersionOf(type, version);
  return stored;
}

json::object fromVersion(const ResourceType& type, std::string_view version, json::object sent) {
  if (versionsDiffer(type, version)) sent = autoscalerFromV1(std::move(sent));
  sent["apiVersion"] = type.apiVersion();
  return sent;
}

}  // namespace crossfade::local
