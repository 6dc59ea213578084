// One ReplicaSet's size and deadline; and the new one while its update is aborted.
#include "api/names.hpp"
#include "rollout/pass.hpp"

namespace crossfade::rollout {
namespace {

// An annotation's merge patch; without a value the annotation goes.
json::object annotate(std::string_view key, std::optional<std::string_view> value) {
  json::object annotations;
  annotations[key] = value ? json::value(*value) : json::value();
  return {{"metadata", json::object{{"annotations", std::move(annotations)}}}};
}

// Blue-green: the active Service selects the new ReplicaSet.
bool isNewActive(const Facts& facts, const Draft& draft) {
  const auto& blue_green = facts.spec().blue_green;
  return blue_green && selectedHash(facts, draft.world, blue_green->active_service) == facts.newHash();
}

// The clock of an abort starts when nobody needs the new pods any more: the stable ones can take everything, and
// (routed) the routers have sent everything there. spec/04 §32, 10; spec/03 §8.
bool mayStartAbortClock(const Facts& facts, const Draft& draft) {
  const api::ReplicaSet* stable = facts.stableRs();
  if (!stable || stable->available_replicas < facts.replicas || isNewActive(facts, draft)) return false;
  const auto& weights = facts.status.canary.weights;
  return !weights || (weights->canary.weight == 0 && weights->verified.value_or(true));
}

// A version that is still inside its delay is taken back without gates. Its deadline is what says so, and stays until
// it is the stable one. spec/03 §13.4 (defect).
bool isComingBack(const Facts& facts) {
  return !isCanary(facts) && facts.newHash() != facts.status.stable_rs && isFastRollback(facts) && isWithinDelay(facts);
}

}  // namespace

bool scaleTo(const Facts& facts, Draft& draft, const api::ReplicaSet& rs, std::int64_t replicas, bool keep_deadline) {
  const api::ReplicaSet& live = draft.now(rs);
  const bool resize = live.replicas != replicas;
  const bool drops_deadline = replicas == 0 && !keep_deadline && deadlineOf(live).present;
  const std::string wanted = std::to_string(facts.replicas);
  const bool annotate_only =
      live.metadata.annotation(api::desired_replicas_annotation) != wanted || (facts.replicas == 0 && drops_deadline);
  if (!resize && !annotate_only) return false;

  json::object patch = annotate(api::desired_replicas_annotation, wanted);
  if (drops_deadline) ensureObject(patch, {"metadata", "annotations"})[api::scale_down_deadline_annotation] = nullptr;
  if (!resize) {
    draft.change(rs, patch, "desired replicas");
    return false;
  }
  const std::int64_t before = live.replicas;
  draft.change(rs, patch, "size", replicas);
  draft.event(false, "ScalingReplicaSet",
              std::string("Scaled ") + (replicas > before ? "up" : "down") + " ReplicaSet " + rs.metadata.name +
                  " (revision " + std::to_string(revisionOf(draft.now(rs)).value_or(0)) + ") from " +
                  std::to_string(before) + " to " + std::to_string(replicas));
  return true;
}

void setDeadline(Draft& draft, const api::ReplicaSet& rs, TimePoint until) {
  draft.change(rs, annotate(api::scale_down_deadline_annotation, formatTime(until)), "scale-down deadline");
  draft.lookAgain(until);
}

void removeDeadline(Draft& draft, const api::ReplicaSet& rs) {
  if (draft.now(rs).metadata.annotations.contains(api::scale_down_deadline_annotation))
    draft.change(rs, annotate(api::scale_down_deadline_annotation, std::nullopt), "scale-down deadline");
}

bool isAbortHeld(const Facts& facts, const Draft& draft) {
  if (!isAborted(facts, draft) || !facts.stableRs()) return false;
  if (isCanary(facts) && !isRouted(facts)) return false;
  const AbortDelay delay = abortScaleDownDelay(facts);
  if (!delay.seconds) return false;
  return !isDynamic(facts) || delay.explicit_value;
}

void removeStaleDeadlines(const Facts& facts, Draft& draft) {
  const api::ReplicaSet *fresh = facts.newRs(), *stable = facts.stableRs();
  if (fresh && !isAbortHeld(facts, draft) && !isComingBack(facts)) removeDeadline(draft, *fresh);
  if (stable && stable != fresh) removeDeadline(draft, *stable);
}

bool scaleNew(const Facts& facts, Draft& draft, std::int64_t target) {
  const api::ReplicaSet* fresh = facts.newRs();
  if (!fresh) return false;
  const auto reach = [&](std::int64_t replicas) {
    const bool scaled = scaleTo(facts, draft, *fresh, replicas);
    scaleWorkloadProgressively(facts, draft, replicas < fresh->replicas);
    return scaled;
  };
  if (!isAbortHeld(facts, draft)) return reach(target);

  const Deadline deadline = deadlineOf(*fresh);
  if (deadline.present && !deadline.until) return reach(target);
  const bool ends = deadline.present && facts.now >= *deadline.until;
  if (ends && !isNewActive(facts, draft)) return scaleTo(facts, draft, *fresh, 0, true);
  // Held at its size. The annotation has to follow the Rollout all the same, or every pass would be a scaling event.
  scaleTo(facts, draft, *fresh, fresh->replicas);
  if (fresh->replicas == 0) return false;
  if (deadline.present && !ends) {
    draft.wait(WaitKind::timer, "The aborted ReplicaSet " + fresh->metadata.name + " is kept until its deadline.",
               std::nullopt, deadline.until);
  } else if (!ends && mayStartAbortClock(facts, draft)) {
    setDeadline(draft, *fresh, facts.now + seconds(*abortScaleDownDelay(facts).seconds));
  } else {
    draft.wait(WaitKind::pods, "The aborted ReplicaSet " + fresh->metadata.name +
                                   " is kept until the stable one has all of its pods and all of the traffic.");
  }
  return false;
}

}  // namespace crossfade::rollout
