#include <algorithm>

#include "rollout/canary.hpp"

namespace crossfade::rollout {
namespace {

const std::vector<api::Step>& steps(const Facts& facts) { return facts.spec().canary->steps; }

// The nearest setWeight at or before `index`; 0 where there is none.
std::int64_t weightAt(const Facts& facts, std::int64_t index) {
  for (; index >= 0; --index)
    if (const auto& weight = steps(facts)[index].set_weight) return *weight;
  return 0;
}

// The setCanaryScale in force; null when the pods follow the traffic. spec/04 §8.
const api::SetCanaryScale* activeScale(const Facts& facts) {
  if (!isRouted(facts) || !currentStep(facts)) return nullptr;
  // An abort with a delay of 0 keeps the canary's size: its scale stays in force.
  if (facts.status.abort && abortScaleDownDelay(facts).seconds) return nullptr;
  for (std::int64_t index = stepIndex(facts); index >= 0; --index) {
    const auto& scale = steps(facts)[index].set_canary_scale;
    if (!scale) continue;
    return scale->match_traffic_weight || (!scale->replicas && !scale->weight) ? nullptr : &*scale;
  }
  return nullptr;
}

}  // namespace

std::int64_t stepIndex(const Facts& facts) {
  return std::clamp<std::int64_t>(facts.status.current_step_index.value_or(0), 0, std::ssize(steps(facts)));
}

const api::Step* currentStep(const Facts& facts) {
  const std::int64_t index = stepIndex(facts);
  return index < std::ssize(steps(facts)) ? &steps(facts)[index] : nullptr;
}

std::int64_t currentSetWeight(const Facts& facts) {
  if (facts.status.abort) return 0;
  return currentStep(facts) ? weightAt(facts, stepIndex(facts)) : maxWeight(facts);
}

std::int64_t previousSetWeight(const Facts& facts) { return weightAt(facts, stepIndex(facts) - 1); }

std::int64_t maxWeight(const Facts& facts) { return isRouted(facts) ? facts.spec().canary->maxTrafficWeight() : 100; }

Share share(const Facts& facts) {
  const api::RolloutStatus& status = facts.status;
  if (status.promote_full || status.stable_rs.empty() || status.current_pod_hash == status.stable_rs)
    return {.weight = maxWeight(facts)};
  if (const api::SetCanaryScale* scale = activeScale(facts))
    return {.replicas = scale->replicas, .weight = scale->weight.value_or(0), .scaled_apart = true};
  if (isDynamic(facts) && status.abort && facts.newRs() && facts.stableRs())
    return {.weight = weightsOnAbort(facts).step};
  return {.weight = currentSetWeight(facts)};
}

std::string describeStep(const api::Step& step) {
  if (step.set_weight) return "setWeight: " + std::to_string(*step.set_weight);
  if (step.pause) {
    if (!step.pause->duration) return "pause";
    const auto& written = step.pause->duration->value;
    return "pause: " + (std::holds_alternative<int>(written) ? std::to_string(std::get<int>(written))
                                                             : std::get<std::string>(written));
  }
  if (!step.experiment.empty()) return "experiment";
  if (step.analysis) return "analysis";
  if (const auto& scale = step.set_canary_scale) {
    if (scale->weight) return "setCanaryScale{weight: " + std::to_string(*scale->weight) + "}";
    if (scale->match_traffic_weight) return "setCanaryScale{matchTrafficWeight: true}";
    return "setCanaryScale{replicas: " + std::to_string(scale->replicas.value_or(0)) + "}";
  }
  if (!step.plugin_name.empty()) return "plugin: " + step.plugin_name;
  if (!step.set_header_route.empty())
    return "setHeaderRoute: " + std::string(getString(step.set_header_route.object(), {"name"}));
  if (!step.set_mirror_route.empty())
    return "setMirrorRoute: " + std::string(getString(step.set_mirror_route.object(), {"name"}));
  return "invalid";
}

std::optional<Wait> waitOf(const Facts& facts, const api::Step& step) {
  const std::string which = "Step " + std::to_string(stepIndex(facts) + 1) + "/" + std::to_string(steps(facts).size()) +
                            " (" + describeStep(step) + ") ";
  if (step.pause) {
    std::optional<TimePoint> since, until;
    for (const api::PauseCondition& pause : facts.status.pause_conditions)
      if (pause.reason == "CanaryPauseStep") since = pause.start_time;
    if (!step.pause->duration) return Wait{WaitKind::user, which + "lasts until somebody promotes.", since, {}};
    // The pause is over strictly after its time.
    if (since) until = *since + seconds(step.pause->seconds()) + milliseconds(1);
    return Wait{WaitKind::timer, which + "has to pass.", since, until};
  }
  if (!step.experiment.empty())
    return Wait{WaitKind::experiment,
                which + "waits for its Experiment, which this version doesn't run. Promote to skip it.",
                {},
                {}};
  if (step.analysis) return Wait{WaitKind::analysis, which + "waits for its AnalysisRun to succeed.", {}, {}};
  if (!step.plugin_name.empty() && !step.set_weight && !step.set_canary_scale) return std::nullopt;
  return Wait{WaitKind::pods, which + "waits for its pods and for the routers.", {}, {}};
}

}  // namespace crossfade::rollout
