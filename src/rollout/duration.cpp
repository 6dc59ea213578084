// status.duration: how long an update took, without the time in which it waited for a person. spec/02 §5.10.
#include <algorithm>

#include "rollout/status.hpp"

namespace crossfade::rollout {
namespace {

bool isFinished(const Boxed<api::DurationStatus>& duration) {
  return duration && duration->rollout_started_at && duration->finished_at;
}

void endManualPause(api::DurationStatus& duration, TimePoint now) {
  if (!duration.manual_pause_started_at) return;
  const auto passed = std::chrono::floor<seconds>(now - *duration.manual_pause_started_at).count();
  duration.total_manual_pause_duration_seconds = duration.total_manual_pause_duration_seconds.value_or(0) + passed;
  duration.manual_pause_started_at.reset();
}

void finish(Draft& draft, api::DurationStatus& duration, TimePoint now, std::string completion) {
  endManualPause(duration, now);
  duration.finished_at = std::chrono::floor<seconds>(now);
  duration.completion_status = std::move(completion);
  draft.ended.push_back(duration);
}

// A pause that only a person ends.
bool isManualPause(const Facts& facts, const api::RolloutStatus& status) {
  if (facts.spec().paused) return true;
  return std::ranges::any_of(status.pause_conditions, [&](const api::PauseCondition& pause) {
    if (pause.reason.starts_with("Inconclusive")) return true;
    if (pause.reason == "BlueGreenPause")
      return facts.spec().blue_green && facts.spec().blue_green->auto_promotion_enabled == false;
    if (pause.reason != "CanaryPauseStep" || !isCanary(facts)) return false;
    const auto& steps = facts.spec().canary->steps;
    const std::int64_t index = status.current_step_index.value_or(0);
    return index >= 0 && index < std::ssize(steps) && steps[index].pause && !steps[index].pause->duration;
  });
}

}  // namespace

void updateDuration(const Facts& facts, Draft& draft, api::RolloutStatus& status) {
  if (findCondition(status.conditions, "InvalidSpec")) return;
  Boxed<api::DurationStatus>& duration = status.duration;
  const auto& before = facts.status.duration;
  const bool running = before && before->rollout_started_at && !before->finished_at;
  const bool changed =
      facts.status.current_pod_hash.empty() || templateChanged(facts) || (isCanary(facts) && stepsChanged(facts));
  const api::ReplicaSet* fresh = facts.newRs();
  const bool done = status.stable_rs == status.current_pod_hash && fresh && fresh->available_replicas >= facts.replicas;
  const bool aborted = isAborted(facts, draft);
  const api::Condition* progressing = findCondition(facts.status.conditions, "Progressing");
  const bool retried = !aborted && progressing && progressing->reason == "RolloutAborted";

  if (running && changed && isRollback(facts))
    duration->completion_status = isFastRollback(facts) ? "FastRolledBack" : "RolledBack";
  else if (running && changed)
    finish(draft, *duration, facts.now, "Superseded");
  if (running && done && !isFinished(duration)) {
    finish(draft, *duration, facts.now, duration->completion_status.value_or("Promoted"));
    return;
  }
  if (running && aborted && !isFinished(duration))
    finish(draft, *duration, facts.now, duration->completion_status.value_or("Aborted"));
  if ((!duration || isFinished(duration)) && !done && (changed || retried)) {
    duration.emplace();
    duration->rollout_started_at = std::chrono::floor<seconds>(facts.now);
  }
  if (!duration || isFinished(duration)) return;
  if (!isManualPause(facts, status))
    endManualPause(*duration, facts.now);
  else if (!duration->manual_pause_started_at)
    duration->manual_pause_started_at = std::chrono::floor<seconds>(facts.now);
}

}  // namespace crossfade::rollout
