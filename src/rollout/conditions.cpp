#include <algorithm>

#include "rollout/status.hpp"

namespace crossfade::rollout {
namespace {

std::string inQuotes(std::string_view text) { return '"' + std::string(text) + '"'; }

// "ReplicaSet "x" ends", or "Rollout "y" ends" while there is none.
std::string aboutNew(const Facts& facts, std::string_view ends) {
  const api::ReplicaSet* fresh = facts.newRs();
  return (fresh ? "ReplicaSet " + inQuotes(fresh->metadata.name) : "Rollout " + inQuotes(facts.name())) +
         std::string(ends);
}

std::string_view reasonOf(const api::RolloutStatus& status, std::string_view type) {
  const api::Condition* condition = findCondition(status.conditions, type);
  return condition ? std::string_view(condition->reason) : std::string_view();
}

bool isTrue(const api::RolloutStatus& status, std::string_view type) {
  const api::Condition* condition = findCondition(status.conditions, type);
  return condition && condition->status == "True";
}

bool isPaused(const Facts& facts, const api::RolloutStatus& status) {
  return facts.spec().paused || !status.pause_conditions.empty();
}

bool isCompleted(const api::RolloutStatus& status) {
  return !status.stable_rs.empty() && status.stable_rs == status.current_pod_hash;
}

bool isHealthy(const Facts& facts, const api::RolloutStatus& status) {
  if (status.updated_replicas != facts.replicas || status.available_replicas != facts.replicas) return false;
  if (const auto& blue_green = facts.spec().blue_green) {
    if (status.blue_green.active_selector != status.current_pod_hash) return false;
    return blue_green->preview_service.empty() || status.blue_green.preview_selector == status.current_pod_hash;
  }
  if (!facts.spec().canary) return false;
  const auto& steps = facts.spec().canary->steps;
  const bool all_steps = steps.empty() || !status.current_step_index || *status.current_step_index == std::ssize(steps);
  return all_steps && isCompleted(status) && status.replicas == facts.replicas;
}

bool madeProgress(const Facts& facts, const api::RolloutStatus& after) {
  const api::RolloutStatus& before = facts.status;
  if (before.updated_replicas != after.updated_replicas ||
      after.replicas - after.updated_replicas < before.replicas - before.updated_replicas ||
      after.ready_replicas > before.ready_replicas || after.available_replicas > before.available_replicas)
    return true;
  if (facts.spec().blue_green)
    return before.blue_green.active_selector != after.blue_green.active_selector ||
           before.blue_green.preview_selector != after.blue_green.preview_selector;
  const bool stepped =
      before.current_step_index && after.current_step_index && *before.current_step_index != *after.current_step_index;
  return before.stable_rs != after.stable_rs || stepped || before.current_step_hash != after.current_step_hash;
}

// Pauses, analyses and experiments take the time that they take.
bool isOnIndefiniteStep(const Facts& facts) {
  if (isTrue(facts.status, "Paused")) return true;
  if (!isCanary(facts)) return false;
  const auto& steps = facts.spec().canary->steps;
  const std::int64_t index = facts.status.current_step_index.value_or(0);
  if (index < 0 || index >= std::ssize(steps)) return false;
  return steps[index].pause || steps[index].analysis || !steps[index].experiment.empty();
}

bool awaitsScaleDown(const Facts& facts) {
  // An aborted ReplicaSet that has been scaled to zero may still carry the deadline of its delay.
  return std::ranges::any_of(facts.others(),
                             [](const ReplicaSetRef& rs) { return rs->replicas > 0 && deadlineOf(*rs).present; });
}

bool isTimedOut(const Facts& facts, const api::RolloutStatus& status) {
  const api::Condition* progressing = findCondition(status.conditions, "Progressing");
  if (!progressing || progressing->reason == "RolloutAborted" || progressing->reason == "RolloutPaused") return false;
  if (progressing->reason == "ProgressDeadlineExceeded") return true;
  return progressing->last_update &&
         *progressing->last_update + seconds(facts.spec().progressDeadlineSeconds()) < facts.now;
}

void updateProgressing(const Facts& facts, Draft& draft, api::RolloutStatus& status, bool became_unhealthy) {
  const auto set = [&](std::string state, std::string reason, std::string message) {
    return setCondition(status.conditions, facts.now, "Progressing", std::move(state), std::move(reason),
                        std::move(message));
  };
  const api::ReplicaSet* fresh = facts.newRs();
  if (fresh && !findCondition(facts.status.conditions, "Progressing"))
    set("True", "FoundNewReplicaSet", "Found new replica set " + inQuotes(fresh->metadata.name));

  if (isAborted(facts, draft)) {
    std::string message = "Rollout aborted update to revision " + std::to_string(draft.world.revision);
    if (const auto& why = draft.intents.abort; why && !why->empty()) message += ": " + *why;
    if (set("False", "RolloutAborted", message)) draft.note(true, "RolloutAborted", message);
    return;
  }
  // A pause of an update that is not completed yet keeps the reason that mirrorPauses() gives it, and its time.
  if (isPaused(facts, status) && !isCompleted(status) && isHealthy(facts, status)) return;
  if (isHealthy(facts, status)) {
    set("True", "NewReplicaSetAvailable",
        "ReplicaSet " + inQuotes(fresh ? fresh->metadata.name : "") + " has successfully progressed.");
    return;
  }
  // A new template has a clock of its own, also where its ReplicaSet needs not be made.
  const bool starts_anew = templateChanged(facts) && isTimedOut(facts, status);
  if (madeProgress(facts, status) || became_unhealthy || starts_anew) {
    // Replaced even where nothing but its time changes: that is the clock of the progress deadline.
    const api::Condition* before = findCondition(facts.status.conditions, "Progressing");
    const auto transition = before && before->status == "True" ? before->last_transition : std::nullopt;
    removeCondition(status.conditions, "Progressing");
    if (became_unhealthy && status.stable_rs == status.current_pod_hash)
      set("True", "ReplicaSetNotAvailable", "Rollout does not have minimum availability");
    else
      set("True", "ReplicaSetUpdated", aboutNew(facts, " is progressing."));
    if (transition) status.conditions.back().last_transition = transition;
    return;
  }
  if (!isOnIndefiniteStep(facts) && !awaitsScaleDown(facts) && isTimedOut(facts, status))
    set("False", "ProgressDeadlineExceeded", aboutNew(facts, " has timed out progressing."));
}

void updateReplicaFailure(const Facts& facts, api::RolloutStatus& status) {
  const Boxed<api::Condition>* failure = nullptr;
  if (const api::ReplicaSet* fresh = facts.newRs(); fresh && fresh->replica_failure) failure = &fresh->replica_failure;
  for (const ReplicaSetRef& rs : facts.all())
    if (!failure && rs->replica_failure) failure = &rs->replica_failure;
  if (!failure) {
    removeCondition(status.conditions, "ReplicaFailure");
    return;
  }
  const api::Condition& seen = **failure;
  if (setCondition(status.conditions, facts.now, "ReplicaFailure", seen.status, seen.reason, seen.message)) {
    status.conditions.back().last_update = seen.last_transition;
    status.conditions.back().last_transition = seen.last_transition;
  }
}

}  // namespace

const api::Condition* findCondition(const std::vector<api::Condition>& conditions, std::string_view type) {
  const auto found = std::ranges::find(conditions, type, &api::Condition::type);
  return found == conditions.end() ? nullptr : &*found;
}

bool removeCondition(std::vector<api::Condition>& conditions, std::string_view type) {
  return std::erase_if(conditions, [type](const api::Condition& condition) { return condition.type == type; }) > 0;
}

bool setCondition(std::vector<api::Condition>& conditions, TimePoint now, std::string type, std::string status,
                  std::string reason, std::string message) {
  const TimePoint stamp = std::chrono::floor<seconds>(now);
  std::optional<TimePoint> transition = stamp;
  if (const api::Condition* before = findCondition(conditions, type)) {
    if (before->status == status && before->reason == reason) return false;
    if (before->status == status) transition = before->last_transition;
    removeCondition(conditions, type);
  }
  conditions.push_back({std::move(type), std::move(status), std::move(reason), std::move(message), stamp, transition});
  return true;
}

std::optional<api::RolloutStatus> mirrorPauses(const Facts& facts) {
  if (facts.status.observed_generation != std::to_string(facts.rollout.metadata.generation)) return std::nullopt;
  const std::string reason(reasonOf(facts.status, "Progressing"));
  const bool paused = isPaused(facts, facts.status);
  api::RolloutStatus status = facts.status;
  bool changed = false;
  const auto progressing = [&](std::string why, std::string message) {
    changed |= setCondition(status.conditions, facts.now, "Progressing", "Unknown", std::move(why), std::move(message));
  };
  if (reason == "RolloutAborted") {
    if (facts.status.abort) return std::nullopt;
    progressing("RolloutRetry", "Retrying Rollout after abort");
  } else {
    if (paused != (reason == "RolloutPaused") && !isCompleted(facts.status)) {
      if (paused)
        progressing("RolloutPaused", "Rollout is paused");
      else
        progressing("RolloutResumed", "Rollout is resumed");
    }
    if (paused != isTrue(facts.status, "Paused"))
      changed |= setCondition(status.conditions, facts.now, "Paused", paused ? "True" : "False", "RolloutPaused",
                              "Rollout is paused");
  }
  return changed ? std::optional(std::move(status)) : std::nullopt;
}

void abortWhenTimedOut(const Facts& facts, Draft& draft, const api::RolloutStatus& status) {
  if (!facts.spec().progress_deadline_abort || isAborted(facts, draft) || isCompleted(status)) return;
  // The clock that is persisted is the one of the version before.
  if (templateChanged(facts)) return;
  if (madeProgress(facts, status) || isOnIndefiniteStep(facts) || awaitsScaleDown(facts)) return;
  if (!isTimedOut(facts, facts.status)) return;
  const std::string message = aboutNew(facts, " has timed out progressing.");
  draft.abort(message);
  draft.note(true, "RolloutAborted", message);
}

void updateConditions(const Facts& facts, Draft& draft, api::RolloutStatus& status) {
  const bool healthy = !isPaused(facts, status) && isHealthy(facts, status);
  bool became_unhealthy = false;
  if (healthy)
    setCondition(status.conditions, facts.now, "Healthy", "True", "RolloutHealthy", "Rollout is healthy");
  else if (findCondition(status.conditions, "Healthy"))
    became_unhealthy =
        setCondition(status.conditions, facts.now, "Healthy", "False", "RolloutHealthy", "Rollout is not healthy");

  updateProgressing(facts, draft, status, became_unhealthy);

  const bool available = facts.spec().blue_green ? isSaturated(facts, facts.withHash(status.blue_green.active_selector))
                                                 : status.available_replicas >= facts.replicas;
  setCondition(status.conditions, facts.now, "Available", available ? "True" : "False", "AvailableReason",
               available ? "Rollout has minimum availability" : "Rollout does not have minimum availability");
  updateReplicaFailure(facts, status);

  const bool completed = isCompleted(status);
  const bool changed = setCondition(status.conditions, facts.now, "Completed", completed ? "True" : "False",
                                    "RolloutCompleted", "RolloutCompleted");
  if (changed && !completed)
    draft.note(false, "RolloutNotCompleted",
               "Rollout not completed, started update to revision " + std::to_string(draft.world.revision) + " (" +
                   status.current_pod_hash + ")");
}

std::optional<TimePoint> progressCheck(const Facts& facts, const api::RolloutStatus& status) {
  const api::Condition* progressing = findCondition(status.conditions, "Progressing");
  if (!progressing || !progressing->last_update || progressing->reason == "ProgressDeadlineExceeded")
    return std::nullopt;
  if (isHealthy(facts, status) || isPaused(facts, status) || status.abort || isOnIndefiniteStep(facts))
    return std::nullopt;
  return *progressing->last_update + seconds(facts.spec().progressDeadlineSeconds() + 1);
}

}  // namespace crossfade::rollout
