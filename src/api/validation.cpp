// The rules of a spec. spec/01 §6.3, §6.5, §6.10.
#include "api/validation.hpp"

#include "api/canonical.hpp"
#include "api/field_error.hpp"
#include "api/validation_rules.hpp"

namespace crossfade::api {
namespace {

// V-3: the syntax of a label selector.
Violation validateSelector(const json::object& selector) {
  for (const auto& [key, value] : labelsFromJson(getObject(selector, {"matchLabels"}))) {
    constexpr std::string_view path = "spec.selector.matchLabels";
    if (const auto error = qualifiedNameError(key)) return invalidValue(path, quote(key), *error);
    if (const auto error = labelValueError(value)) return invalidValue(path, quote(value), *error);
  }
  const auto* expressions = getArray(selector, {"matchExpressions"});
  for (std::size_t i = 0; expressions != nullptr && i < expressions->size(); ++i) {
    const std::string path = fmt::format("spec.selector.matchExpressions[{}]", i);
    const json::object* expression = (*expressions)[i].if_object();
    if (expression == nullptr) return requiredValue(path + ".key");
    const std::string_view op = getString(*expression, {"operator"});
    const json::array* values = getArray(*expression, {"values"});
    const bool has_values = values != nullptr && !values->empty();
    if (op == "In" || op == "NotIn") {
      if (!has_values) return requiredValue(path + ".values", "must be specified when `operator` is 'In' or 'NotIn'");
    } else if (op == "Exists" || op == "DoesNotExist") {
      if (has_values) {
        return forbidden(path + ".values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      }
    } else {
      return invalidValue(path + ".operator", quote(op), "not a valid selector operator");
    }
    const std::string_view key = getString(*expression, {"key"});
    if (const auto error = qualifiedNameError(key)) return invalidValue(path + ".key", quote(key), *error);
    for (std::size_t j = 0; has_values && j < values->size(); ++j) {
      const auto* value = (*values)[j].if_string();
      const std::string_view text = value == nullptr ? std::string_view() : std::string_view(*value);
      if (const auto error = labelValueError(text)) {
        return invalidValue(fmt::format("{}.values[{}]", path, j), quote(text), *error);
      }
    }
  }
  return std::nullopt;
}

// V-2 to V-7.
Violation validateSelectorAndTemplate(const Rollout& rollout, const json::object& pod_template,
                                      const json::object* selector) {
  const bool own = !rollout.spec.workload_ref;
  if (own) {
    if (selector == nullptr) return requiredValue("spec.selector", "Rollout has missing field '.spec.selector'");
    if (auto violation = validateSelector(*selector)) return violation;
  } else {
    const json::object written = rollout.spec.pod_template.object();
    const auto* labels = getObject(written, {"metadata", "labels"});
    const auto* annotations = getObject(written, {"metadata", "annotations"});
    if ((labels != nullptr && !labels->empty()) || (annotations != nullptr && !annotations->empty())) {
      return internalError("spec.template", "template must be empty for workload reference rollout");
    }
  }
  if (selector != nullptr) {
    const auto converted = Selector::fromJson(*selector);
    if (!converted) {
      return invalidValue("spec.selector", canonicalJson("LabelSelector", *selector), "invalid label selector");
    }
    if (own && converted->empty()) {
      return invalidValue("spec.selector", "{}", "empty selector is invalid for deployment");
    }
  }
  return validatePodTemplate(pod_template, selector, rollout.spec.replicasOrDefault());
}

// V-8 to V-11.
Violation validateNumbers(const RolloutSpec& spec) {
  const auto negative = [](std::string_view path, std::int64_t value) -> Violation {
    if (value >= 0) return std::nullopt;
    return invalidValue(path, std::to_string(value), not_negative);
  };
  if (auto violation = negative("spec.minReadySeconds", spec.min_ready_seconds)) return violation;
  if (auto violation = negative("spec.revisionHistoryLimit", spec.revisionHistoryLimit())) return violation;
  if (auto violation = negative("spec.progressDeadlineSeconds", spec.progressDeadlineSeconds())) return violation;
  if (spec.progressDeadlineSeconds() <= spec.min_ready_seconds) {
    return invalidValue("spec.progressDeadlineSeconds", std::to_string(spec.progressDeadlineSeconds()),
                        "must be greater than minReadySeconds");
  }
  return std::nullopt;
}

Violation validateBlueGreen(const RolloutSpec& spec) {
  const BlueGreen& blue_green = *spec.blue_green;
  if (blue_green.active_service == blue_green.preview_service) {
    return invalidValue("spec.strategy.activeService", quote(blue_green.active_service),
                        "This rollout uses the same service for the active and preview services, but two different "
                        "services are required.");
  }
  if (const auto limit = blue_green.scale_down_delay_revision_limit; limit > spec.revisionHistoryLimit()) {
    return invalidValue("spec.strategy.scaleDownDelayRevisionLimit", std::to_string(*limit),
                        "This rollout's revision history limit can not be smaller than the rollout's scale down limit");
  }
  if (auto violation = validateAntiAffinity(blue_green.anti_affinity)) return violation;
  // What the reference accepts and then stumbles over. spec/01 §6.10.
  const std::pair<std::string_view, std::optional<std::int64_t>> counts[] = {
      {"autoPromotionSeconds", blue_green.auto_promotion_seconds},
      {"previewReplicaCount", blue_green.preview_replica_count},
      {"scaleDownDelaySeconds", blue_green.scale_down_delay_seconds},
      {"scaleDownDelayRevisionLimit", blue_green.scale_down_delay_revision_limit},
      {"abortScaleDownDelaySeconds", blue_green.abort_scale_down_delay_seconds}};
  for (const auto& [name, value] : counts) {
    if (value && *value < 0) {
      return invalidValue(fmt::format("spec.strategy.{}", name), std::to_string(*value), not_negative);
    }
  }
  return std::nullopt;
}

}  // namespace

Violation validateAntiAffinity(const Boxed<AntiAffinity>& anti_affinity) {
  if (!anti_affinity) return std::nullopt;
  if (anti_affinity->preferred == anti_affinity->required) {
    return invalidValue("spec.strategy.antiAffinity",
                        quote(fmt::format("antiAffinity.PreferredDuringSchedulingIgnoredDuringExecution: {} "
                                          "antiAffinity.RequiredDuringSchedulingIgnoredDuringExecution: {}",
                                          anti_affinity->preferred, anti_affinity->required)),
                        "AntiAffinity must have exactly one strategy listed");
  }
  const std::int64_t weight = anti_affinity->preferred_weight.value_or(0);
  if (anti_affinity->preferred && (weight < 1 || weight > 100)) {
    return invalidValue("spec.strategy.antiAffinity.weight", std::to_string(weight),
                        "AntiAffinity weight must be between 1-100");
  }
  return std::nullopt;
}

std::optional<std::string> validateSpec(const Rollout& rollout, const json::object& pod_template,
                                        const json::object* selector) {
  const RolloutSpec& spec = rollout.spec;
  if (spec.replicasOrDefault() < 0) {
    return invalidValue("spec.replicas", std::to_string(spec.replicasOrDefault()), not_negative);
  }
  if (auto violation = validateSelectorAndTemplate(rollout, pod_template, selector)) return violation;
  if (auto violation = validateNumbers(spec)) return violation;
  constexpr std::string_view strategy = "spec.strategy.strategy";
  if (spec.blue_green && spec.canary) {
    return invalidValue(strategy, quote("blueGreen: true canary: true"), "Multiple Strategies can not be listed");
  }
  if (spec.blue_green) return validateBlueGreen(spec);
  if (spec.canary) return validateCanary(rollout);
  return requiredValue(strategy, "Rollout has missing field '.spec.strategy.canary or .spec.strategy.blueGreen'");
}

}  // namespace crossfade::api
