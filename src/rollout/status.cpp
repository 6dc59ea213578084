#include "rollout/status.hpp"

#include <algorithm>

#include "rollout/blue_green.hpp"

namespace crossfade::rollout {
namespace {

// A person has opened blue-green's gate, but the Service could not be switched in this pass (pods come and go, or the
// size changed): the answer must not be lost. A resume after an inconclusive analysis is no such answer. spec/02
// §19.18.
bool keepsResume(const Facts& facts, const api::RolloutStatus& status) {
  const api::RolloutStatus& before = facts.status;
  const auto& blue_green = facts.spec().blue_green;
  if (!blue_green || !before.controller_pause || !before.pause_conditions.empty()) return false;
  const auto& run = before.blue_green.pre_promotion_analysis_run;
  if (isConfigured(blue_green->pre_promotion_analysis) && !(run && run->status == "Successful")) return false;
  if (status.blue_green.scale_up_preview_check_point) return false;  // that remembers it, too
  return !status.blue_green.active_selector.empty() && status.blue_green.active_selector != status.current_pod_hash;
}

// spec/02 §6.2.
void applyIntents(const Facts& facts, const Draft& draft, api::RolloutStatus& status) {
  const Intents& intents = draft.intents;
  const api::RolloutStatus& before = facts.status;
  const TimePoint stamp = std::chrono::floor<seconds>(facts.now);
  status.pause_conditions.clear();
  status.controller_pause = false;
  status.abort = intents.abort || (!intents.remove_abort && before.abort);
  status.aborted_at.reset();
  if (status.abort) {
    status.aborted_at = before.aborted_at.value_or(stamp);
    // Or the next pass would take the abort back.
    status.promote_full = false;
    return;
  }
  if (intents.clear_pauses) return;
  bool added = false;
  for (const api::PauseCondition& pause : before.pause_conditions)
    if (std::ranges::find(intents.remove, pause.reason) == intents.remove.end())
      status.pause_conditions.push_back(pause);
  for (const std::string& reason : intents.add) {
    if (hasPause(before, reason)) continue;
    status.pause_conditions.push_back({reason, stamp});
    added = true;
  }
  if (status.pause_conditions.empty())
    status.controller_pause = keepsResume(facts, status);
  else
    status.controller_pause = before.controller_pause || added;
}

void noteTransitions(const Facts& facts, Draft& draft, const api::RolloutStatus& status) {
  const bool paused_before = !facts.status.pause_conditions.empty();
  const bool paused = !status.pause_conditions.empty();
  if (!paused_before && paused)
    draft.note(false, "RolloutPaused", "Rollout is paused (" + status.pause_conditions.front().reason + ")");
  if (paused_before && !paused && !status.abort) draft.note(false, "RolloutResumed", "Rollout is resumed");
}

struct Phase {
  std::string_view phase;
  std::string message;
};

Phase phaseOf(const api::RolloutSpec& spec, std::int64_t replicas, const api::RolloutStatus& status) {
  for (const api::Condition& condition : status.conditions) {
    if (condition.type == "InvalidSpec") return {"Degraded", "InvalidSpec: " + condition.message};
    if (condition.reason == "RolloutAborted" || condition.reason == "ProgressDeadlineExceeded")
      return {"Degraded", condition.reason + ": " + condition.message};
  }
  if (spec.paused) return {"Paused", "manually paused"};
  if (!status.pause_conditions.empty()) return {"Paused", status.pause_conditions.front().reason};
  if (spec.restart_at && status.restarted_at != spec.restart_at) return {"Progressing", "rollout is restarting"};
  if (status.updated_replicas < replicas) return {"Progressing", "more replicas need to be updated"};
  if (status.available_replicas < status.updated_replicas)
    return {"Progressing", "updated replicas are still becoming available"};
  const bool promoted = !status.stable_rs.empty() && status.stable_rs == status.current_pod_hash;
  if (spec.blue_green) {
    const std::string& active = status.blue_green.active_selector;
    if (active.empty() || active != status.current_pod_hash) return {"Progressing", "active service cutover pending"};
    if (promoted) return {"Healthy", {}};
    const auto& run = status.blue_green.post_promotion_analysis_run;
    const bool analysing =
        isConfigured(spec.blue_green->post_promotion_analysis) && (!run || !api::isCompletedPhase(run->status));
    return {"Progressing",
            analysing ? "waiting for analysis to complete" : "waiting for post-promotion verification to complete"};
  }
  if (spec.canary && !spec.canary->routed() && status.replicas > status.updated_replicas)
    return {"Progressing", "old replicas are pending termination"};
  if (!promoted) return {"Progressing", "waiting for all steps to complete"};
  return {"Healthy", {}};
}

}  // namespace

api::RolloutStatus baseStatus(const Facts& facts, const api::ReplicaSet* active) {
  const api::RolloutStatus& before = facts.status;
  api::RolloutStatus status;
  status.restarted_at = before.restarted_at;
  status.alb = before.alb;
  status.albs = before.albs;
  status.duration = before.duration;
  status.canary.weights = before.canary.weights;
  status.conditions = before.conditions;
  status.collision_count = before.collision_count;
  status.promote_full = before.promote_full;
  status.stable_rs = before.stable_rs;
  status.current_pod_hash = std::string(facts.newHash());

  for (const ReplicaSetRef& rs : facts.all()) {
    status.replicas += rs->status_replicas;
    status.ready_replicas += rs->ready_replicas;
    status.available_replicas += rs->available_replicas;
  }
  status.hpa_replicas = status.replicas;
  if (const api::ReplicaSet* fresh = facts.newRs()) status.updated_replicas = fresh->status_replicas;
  if (active) {
    status.ready_replicas = active->ready_replicas;
    status.available_replicas = active->available_replicas;
    status.hpa_replicas = active->status_replicas;
    status.selector = api::formatSelector(active->selector.object());
  } else {
    status.selector = api::formatSelector(facts.desired.selector.value_or(json::object()));
  }
  return status;
}

void resetStatus(const Facts& facts, Draft& draft, api::RolloutStatus& status) {
  draft.intents.clear_pauses = true;
  draft.intents.remove_abort = true;
  status.promote_full = false;
  status.blue_green.pre_promotion_analysis_run.reset();
  status.blue_green.post_promotion_analysis_run.reset();
  status.blue_green.scale_up_preview_check_point = false;
  status.canary.current_step_analysis_run.reset();
  status.canary.current_background_analysis_run.reset();
  status.canary.step_plugin_statuses = {};
  status.canary.current_experiment.clear();
  // The new pods are young: a restart that is under way is done with. One that is still to come will find them old.
  if (templateChanged(facts) && restartDue(facts.rollout, facts.now)) status.restarted_at = facts.spec().restart_at;
  if (!isCanary(facts)) return;

  status.current_step_hash = facts.rollout.step_hash;
  const auto& steps = facts.spec().canary->steps;
  if (steps.empty()) return;
  status.current_step_index = 0;
  const api::ReplicaSet* fresh = facts.newRs();
  if (!fresh) return;
  if (fresh == facts.stableRs()) {
    status.current_step_index = std::ssize(steps);
    draft.note(false, "SkipSteps", "Rollback to stable ReplicaSets");
  } else if (isWithinWindow(facts) && fresh->replicas > 0) {
    status.current_step_index = std::ssize(steps);
    draft.note(false, "SkipSteps", "Rollback to active ReplicaSets within RollbackWindow");
  }
}

void promoteToStable(const Facts& facts, Draft& draft, api::RolloutStatus& status, const std::string& reason) {
  draft.intents.clear_pauses = true;
  draft.intents.remove_abort = true;
  const bool in_full = status.promote_full;
  status.promote_full = false;
  status.blue_green.scale_up_preview_check_point = false;
  if (isCanary(facts)) {
    const auto& steps = facts.spec().canary->steps;
    status.current_step_index = steps.empty() ? std::nullopt : std::optional<std::int64_t>(std::ssize(steps));
  }
  if (status.stable_rs != status.current_pod_hash) {
    if (isCanary(facts) && facts.spec().canary->ping_pong)
      status.canary.stable_ping_pong = status.canary.stable_ping_pong == "ping" ? "pong" : "ping";
    if (status.duration && !status.duration->completion_status)
      status.duration->completion_status = in_full ? "FastPromoted" : "Promoted";
    status.stable_rs = status.current_pod_hash;
    draft.note(false, "RolloutCompleted",
               "Rollout completed update to revision " + std::to_string(draft.world.revision) + " (" +
                   status.current_pod_hash + "): " + reason);
  }
  scaleWorkloadOnSuccess(facts, draft);
}

void updatePhase(const api::RolloutSpec& spec, std::int64_t replicas, api::RolloutStatus& status) {
  Phase phase = phaseOf(spec, replicas, status);
  status.phase = phase.phase;
  status.message = std::move(phase.message);
}

void finishStatus(const Facts& facts, Draft& draft, api::RolloutStatus& status, Extent extent) {
  status.observed_generation = std::to_string(facts.rollout.metadata.generation);
  status.workload_observed_generation = workloadObservedGeneration(facts);
  if (extent != Extent::mirror) abortWhenTimedOut(facts, draft, status);
  if (extent == Extent::full) {
    applyIntents(facts, draft, status);
    removeCondition(status.conditions, "InvalidSpec");
  } else if (draft.intents.abort) {
    applyIntents(facts, draft, status);
  }
  if (extent != Extent::mirror) updateConditions(facts, draft, status);
  updatePhase(facts.spec(), facts.replicas, status);
  updateDuration(facts, draft, status);
  noteTransitions(facts, draft, status);
  if (const auto check = progressCheck(facts, status); check && *check > facts.now) draft.lookAgain(*check);
}

api::RolloutStatus invalidStatus(const api::Rollout& rollout, const std::string& message, TimePoint now) {
  api::RolloutStatus status = rollout.status;
  const api::Condition* before = findCondition(status.conditions, "InvalidSpec");
  const std::string generation = std::to_string(rollout.metadata.generation);
  if (before && before->message == message && status.observed_generation == generation) return status;
  if (before && before->message != message) removeCondition(status.conditions, "InvalidSpec");
  setCondition(status.conditions, now, "InvalidSpec", "True", "InvalidSpec", message);
  status.observed_generation = generation;
  updatePhase(rollout.spec, rollout.spec.replicasOrDefault(), status);
  return status;
}

bool onlyCountersDiffer(const api::RolloutStatus& left, const api::RolloutStatus& right) {
  const auto essence = [](api::RolloutStatus status) {
    status.replicas = status.updated_replicas = status.ready_replicas = 0;
    status.available_replicas = status.hpa_replicas = 0;
    status.message.clear();
    std::erase_if(status.conditions, [](const api::Condition& condition) {
      // Progress that is still being made: anything else that Progressing says is news.
      return condition.type == "Available" ||
             (condition.type == "Progressing" && condition.status == "True" && condition.reason == "ReplicaSetUpdated");
    });
    return status;
  };
  return essence(left) == essence(right);
}

}  // namespace crossfade::rollout
