// The canary's pass, from top to bottom. spec/04 §4.
#include "rollout/canary.hpp"

#include <algorithm>

namespace crossfade::rollout {
namespace {

constexpr std::string_view pause_reason = "CanaryPauseStep";

struct PassParts {
  AnalysisOutcome analysis;
  ExperimentRef experiment;
  PluginOutcome plugins;
  TrafficOutcome traffic;
  std::optional<TimePoint> restarted_at;
};

std::optional<std::int64_t> stepCount(const Facts& facts) {
  const auto& steps = facts.spec().canary->steps;
  return steps.empty() ? std::nullopt : std::optional<std::int64_t>(std::ssize(steps));
}

// Pods of the stable side for the traffic that it had, and for what the routers give it in this pass.
std::int64_t stableTarget(const Facts& facts, const Boxed<api::Weights>& weights) {
  return std::max(canaryCounts(facts, facts.status.canary.weights).stable, canaryCounts(facts, weights).stable);
}

// Stable, then new, then the others: the first that changes its size ends it. spec/04 §11.4. Sizes are those of the
// start of the pass; what pods a side needs for its traffic is in the weights.
bool scale(const Facts& facts, Draft& draft, const Boxed<api::Weights>& weights) {
  removeStaleDeadlines(facts, draft);
  const api::ReplicaSet *fresh = facts.newRs(), *stable = facts.stableRs();
  if (stable && stable != fresh && scaleTo(facts, draft, *stable, stableTarget(facts, weights))) return true;
  if (fresh) {
    std::int64_t target = canaryCounts(facts, weights).canary;
    // abortScaleDownDelaySeconds: 0 means that an aborted canary is never scaled down. spec/04 §32, 8.
    const bool stays = isAborted(facts, draft) && isRouted(facts) && !isDynamic(facts) && stable &&
                       !abortScaleDownDelay(facts).seconds && !share(facts).scaled_apart;
    if (stays) target = fresh->replicas;
    if (scaleNew(facts, draft, target)) return true;
  }
  return scaleDownOthers(facts, draft);
}

// The step in progress is a pause, so the pass ends with it: true. spec/04 §7.2.
bool reconcilePause(const Facts& facts, Draft& draft) {
  const api::Step* step = currentStep(facts);
  if (facts.spec().paused || facts.status.promote_full || !step || !step->pause) return false;
  if (!facts.status.abort && !hasPause(facts.status, pause_reason) && !facts.status.controller_pause) {
    draft.pause(std::string(pause_reason));
    if (step->pause->duration) draft.lookAgain(facts.now + seconds(step->pause->seconds()));
  }
  return true;
}

// When the pause that is in progress ends by itself; empty where it doesn't.
std::optional<TimePoint> endOf(const Facts& facts, const api::PauseStep& pause) {
  if (!pause.duration) return std::nullopt;
  for (const api::PauseCondition& condition : facts.status.pause_conditions)
    if (condition.reason == pause_reason && condition.start_time)
      return *condition.start_time + seconds(pause.seconds());
  return std::nullopt;
}

// spec/04 §7.3.
bool isPauseOver(const Facts& facts, const api::PauseStep& pause) {
  // A person resumes by emptying the list; another reason that is still in it is not our pause's end.
  if (!hasPause(facts.status, pause_reason))
    return facts.status.controller_pause && facts.status.pause_conditions.empty();
  const std::optional<TimePoint> end = endOf(facts, pause);
  return end && facts.now > *end;
}

// spec/04 §6: the first kind that is present decides.
bool isComplete(const Facts& facts, const api::Step& step, const PassParts& parts) {
  const bool routed = parts.traffic.weights.has_value();
  if (step.pause) return isPauseOver(facts, *step.pause);
  if (step.set_canary_scale) return isAtDesired(facts, parts.traffic.weights);
  if (step.set_weight) {
    if (!isAtDesired(facts, parts.traffic.weights)) return false;
    // Scaled to zero there is nothing that could take a weight.
    return !routed || facts.replicas == 0 ||
           (parts.traffic.weights->canary.weight == *step.set_weight && parts.traffic.weights->verified.value_or(true));
  }
  if (!step.experiment.empty()) return parts.experiment && parts.experiment->phase == "Successful";
  if (step.analysis)
    return step.analysis->templates.empty() || (parts.analysis.step && parts.analysis.step->status == "Successful");
  if (!step.set_header_route.empty() || !step.set_mirror_route.empty()) return !parts.traffic.held;
  return parts.plugins.complete;
}

// Why the new ReplicaSet is the stable one from now on; empty when it isn't. spec/04 §20.
std::string promotionReason(const Facts& facts, const Draft& draft) {
  if (!facts.stableRs()) return facts.newRs() ? "Initial deploy" : "";
  if (isAborted(facts, draft)) return {};
  const api::ReplicaSet* fresh = facts.newRs();
  if (!fresh) return {};
  if (fresh->available_replicas < facts.replicas && !progressThresholdMet(facts, fresh, facts.replicas)) return {};
  if (facts.status.promote_full) return "Full promotion requested";
  if (isFastRollback(facts)) return isWithinWindow(facts) ? "Rollback within window" : "Fast rollback";
  if (!currentStep(facts)) return "Completed all " + std::to_string(stepCount(facts).value_or(0)) + " canary steps";
  return {};
}

void completeStep(const Facts& facts, Draft& draft, const api::Step& step, api::RolloutStatus& status) {
  const std::int64_t index = stepIndex(facts) + 1;
  status.current_step_index = index;
  status.canary.current_step_analysis_run.reset();
  status.canary.current_experiment.clear();
  draft.intents.remove.emplace_back(pause_reason);
  draft.note(false, "RolloutStepCompleted",
             "Rollout step " + std::to_string(index) + "/" + std::to_string(stepCount(facts).value_or(0)) +
                 " completed (" + describeStep(step) + ")");
}

// An Experiment is made, but nothing of this version runs it: said once, when its step is reached.
void warnOfUnsupported(const Facts& facts, Draft& draft, const api::RolloutStatus& status) {
  const auto& steps = facts.spec().canary->steps;
  const std::int64_t index = status.current_step_index.value_or(std::ssize(steps));
  const bool reached =
      index != facts.status.current_step_index || status.current_step_hash != facts.status.current_step_hash;
  if (!reached || index < 0 || index >= std::ssize(steps) || steps[index].experiment.empty()) return;
  draft.note(true, "StepNotSupported",
             "Rollout step " + std::to_string(index + 1) + "/" + std::to_string(steps.size()) +
                 " (experiment): this version makes the Experiment but doesn't run it: promote to skip it");
}

// spec/04 §4.2.
api::RolloutStatus statusOf(const Facts& facts, Draft& draft, const PassParts& parts) {
  api::RolloutStatus status = baseStatus(facts, nullptr);
  status.current_step_hash = facts.rollout.step_hash;
  status.current_step_index = stepCount(facts) ? std::optional(stepIndex(facts)) : std::nullopt;
  status.canary.weights = parts.traffic.weights;
  status.canary.current_step_analysis_run = parts.analysis.step;
  status.canary.current_background_analysis_run = parts.analysis.background;
  status.canary.stable_ping_pong = facts.status.canary.stable_ping_pong;
  status.canary.step_plugin_statuses = parts.plugins.statuses;
  status.canary.current_experiment = parts.experiment ? parts.experiment->metadata.name : std::string();
  if (parts.restarted_at) status.restarted_at = parts.restarted_at;

  const bool skips_steps = facts.status.promote_full || isWithinWindow(facts);
  if (skips_steps) {
    draft.intents.clear_pauses = true;
    draft.intents.remove_abort = true;
    status.current_step_index = stepCount(facts);
  }
  if (const std::string reason = promotionReason(facts, draft); !reason.empty()) {
    promoteToStable(facts, draft, status, reason);
    return status;
  }
  if (isAborted(facts, draft)) {
    status.canary.current_experiment.clear();
    if (stepCount(facts)) status.current_step_index = isFullyPromoted(facts) ? *stepCount(facts) : 0;
    return status;
  }
  const api::Step* step = currentStep(facts);
  if (!step || skips_steps || facts.spec().paused) return status;
  if (isComplete(facts, *step, parts)) {
    completeStep(facts, draft, *step, status);
  } else if (const std::optional<Wait> wait = waitOf(facts, *step)) {
    draft.wait(wait->kind, wait->sentence, wait->since, wait->until);
  }
  warnOfUnsupported(facts, draft, status);
  return status;
}

}  // namespace

void scaleCanary(const Facts& facts, Draft& draft) {
  if (!isHalted(facts)) {
    scale(facts, draft, facts.status.canary.weights);
    return;
  }
  // Halted: the canary keeps its size, but the stable side follows the Rollout, or nothing else would ever happen
  // again.
  const api::ReplicaSet *fresh = facts.newRs(), *stable = facts.stableRs();
  if (stable && stable != fresh)
    scaleTo(facts, draft, *stable, canaryCounts(facts, facts.status.canary.weights).stable);
  if (fresh) scaleTo(facts, draft, *fresh, fresh == stable ? facts.replicas : fresh->replicas);
}

std::optional<api::RolloutStatus> endTimedPause(const Facts& facts, Draft& draft) {
  const api::RolloutStatus& before = facts.status;
  if (!isCanary(facts) || templateChanged(facts) || stepsChanged(facts)) return std::nullopt;
  const bool overruled =
      facts.spec().paused || before.promote_full || before.abort || before.pause_conditions.size() > 1;
  if (overruled || !facts.stableRs() || isFastRollback(facts) || restartDue(facts.rollout, facts.now))
    return std::nullopt;
  if (before.canary.weights && !before.canary.weights->verified.value_or(true)) return std::nullopt;
  const api::Step* step = currentStep(facts);
  if (!step || !step->pause) return std::nullopt;
  const std::optional<TimePoint> end = endOf(facts, *step->pause);
  if (!end || facts.now <= *end) return std::nullopt;
  api::RolloutStatus status = before;
  completeStep(facts, draft, *step, status);
  warnOfUnsupported(facts, draft, status);
  draft.derived = true;
  draft.rest_until = *end + status_period;
  return status;
}

std::optional<api::RolloutStatus> canaryPass(const Facts& facts, Draft& draft) {
  if (templateChanged(facts) || stepsChanged(facts)) {
    api::RolloutStatus status = baseStatus(facts, nullptr);
    status.canary.weights = facts.status.canary.weights;
    status.canary.stable_ping_pong = facts.status.canary.stable_ping_pong;
    resetStatus(facts, draft, status);
    draft.world.plugin_replies.clear();   // of a step that isn't there anymore
    draft.derived = draft.notes.empty();  // where steps are skipped, pods have a say
    warnOfUnsupported(facts, draft, status);
    return status;
  }

  PassParts parts;
  parts.restarted_at = restartPods(facts, draft);
  syncPodMetadata(facts, draft);
  cleanUpHistory(facts, draft);
  reconcilePingPong(facts, draft);
  reconcileCanaryServices(facts, draft);
  parts.traffic = reconcileTraffic(facts, draft);
  if (parts.traffic.unverified_end) {
    api::RolloutStatus status = facts.status;
    status.canary.weights = parts.traffic.weights;
    return status;
  }
  parts.experiment = reconcileExperiments(facts, draft);
  parts.analysis = reconcileAnalysis(facts, draft);
  Reached reached = Reached::plugins;
  if (!draft.intents.add.empty() || (!isHalted(facts) && scale(facts, draft, parts.traffic.weights)))
    reached = Reached::scaled;
  else if (reconcilePause(facts, draft))
    reached = Reached::paused;
  parts.plugins = reconcilePlugins(facts, draft, reached);
  return statusOf(facts, draft, parts);
}

}  // namespace crossfade::rollout
