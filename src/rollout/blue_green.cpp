// The blue-green pass, from top to bottom. spec/03.
#include "rollout/blue_green.hpp"

#include <algorithm>

namespace crossfade::rollout {
namespace {

constexpr std::string_view pause_reason = "BlueGreenPause";

const api::BlueGreen& strategy(const Facts& facts) { return *facts.spec().blue_green; }

std::string activeHash(const Facts& facts, const Draft& draft) {
  return selectedHash(facts, draft.world, strategy(facts).active_service);
}

// --- what decides (spec/03 §8, §9) ---

bool isReadyForPause(const Facts& facts) {
  const api::ReplicaSet* fresh = facts.newRs();
  const std::int64_t target = blueGreenTarget(facts);
  return fresh && fresh->replicas == target && fresh->available_replicas == target;
}

// Nothing is left to wait for but the pods.
bool isFastTracked(const Facts& facts, const Draft& draft) {
  if (isFastRollback(facts) || facts.status.promote_full) return true;
  const std::string active = activeHash(facts, draft);
  return active.empty() || active == facts.newHash();
}

bool promotesItself(const Facts& facts) { return strategy(facts).auto_promotion_enabled.value_or(true); }

const api::PauseCondition* currentPause(const Facts& facts) {
  for (const api::PauseCondition& pause : facts.status.pause_conditions)
    if (pause.reason == pause_reason) return &pause;
  return nullptr;
}

// The end of a timed pause; the pause is over strictly after it. Empty: it isn't timed, or hasn't begun.
std::optional<TimePoint> pauseEnd(const Facts& facts) {
  const api::PauseCondition* pause = currentPause(facts);
  const std::int64_t duration = strategy(facts).auto_promotion_seconds;
  if (!promotesItself(facts) || duration <= 0 || !pause || !pause->start_time) return std::nullopt;
  return *pause->start_time + seconds(duration);
}

// spec/03 §9.2.
bool isPauseComplete(const Facts& facts, const Draft& draft) {
  if (!draft.intents.add.empty()) return false;
  if (facts.status.blue_green.scale_up_preview_check_point) return true;
  if (promotesItself(facts) && strategy(facts).auto_promotion_seconds == 0) return true;
  if (currentPause(facts)) {
    const auto end = pauseEnd(facts);
    return end && facts.now > *end;
  }
  // The condition is gone although the controller once paused: a person resumed.
  return facts.status.controller_pause;
}

// --- the parts of the pass ---

void reconcilePreviewService(const Facts& facts, Draft& draft) {
  const std::string& service = strategy(facts).preview_service;
  if (!service.empty() && !isHalted(facts)) switchService(facts, draft, service, facts.newHash());
}

// spec/03 §9.1, row by row.
void reconcilePause(const Facts& facts, Draft& draft) {
  if (facts.status.abort || !isReadyForPause(facts) || isHalted(facts)) return;
  const bool no_gate = promotesItself(facts) && strategy(facts).auto_promotion_seconds == 0;
  if (isFastTracked(facts, draft) || facts.status.blue_green.scale_up_preview_check_point || no_gate) {
    draft.intents.remove.emplace_back(pause_reason);
    return;
  }
  if (!isPrePromotionDone(facts)) return;
  if (!currentPause(facts)) {
    if (!facts.status.controller_pause) draft.pause(std::string(pause_reason));
  } else if (isPauseComplete(facts, draft)) {
    draft.intents.remove.emplace_back(pause_reason);
  }
}

// The update is given up: the traffic goes back as soon as the stable side can serve anything at all, whatever became
// of the new pods and whoever paused; but never to where nobody answers. spec/03 §8 (defect).
void takeTrafficBack(const Facts& facts, Draft& draft) {
  if (isPartiallyAvailable(facts.stableRs()))
    switchService(facts, draft, strategy(facts).active_service, facts.status.stable_rs);
  else if (activeHash(facts, draft) != facts.status.stable_rs)
    draft.wait(WaitKind::service, "The active Service goes back when the stable version has an available pod.");
}

// spec/03 §8.
void reconcileActiveService(const Facts& facts, Draft& draft) {
  if (facts.status.abort && !isFullyPromoted(facts)) {
    takeTrafficBack(facts, draft);
    return;
  }
  if (isHalted(facts) || !isReadyForPause(facts) || !isSaturated(facts, facts.newRs())) return;
  const bool passed = isFastTracked(facts, draft) || (isPauseComplete(facts, draft) && isPrePromotionDone(facts));
  const std::string wanted = passed ? std::string(facts.newHash()) : activeHash(facts, draft);
  if (!wanted.empty()) switchService(facts, draft, strategy(facts).active_service, wanted);
}

// Why the new ReplicaSet is the stable one from now on; empty when it isn't. `active`: the hash that the active Service
// selects after this pass. spec/03 §12.
std::string promotionReason(const Facts& facts, const Draft& draft, std::string_view active, bool promote_full) {
  if (!facts.stableRs() || active.empty()) return "Initial deploy";
  if (active != facts.newHash() || facts.snapshot.targets_verified == false) return {};
  if (promote_full) return "Full promotion requested";
  if (isFastRollback(facts)) return isWithinWindow(facts) ? "Rollback within window" : "Fast rollback";
  if (isAborted(facts, draft)) return {};
  if (isConfigured(strategy(facts).post_promotion_analysis)) {
    const RunRef run = postPromotionRun(facts);
    if (!run || run->status.phase != "Successful") return {};
  }
  return "Completed blue-green update";
}

// The gate was passed at the size of the preview: from now on the new ReplicaSet grows to its full size. spec/03 §11.
bool passesCheckPoint(const Facts& facts, const Draft& draft) {
  const auto& preview = strategy(facts).preview_replica_count;
  if (!preview) return false;
  if (facts.status.blue_green.scale_up_preview_check_point) return true;
  return isPrePromotionDone(facts) && isPauseComplete(facts, draft) && facts.newRs() &&
         facts.newRs()->available_replicas == *preview;
}

struct PassParts {
  AnalysisOutcome analysis;
  std::optional<TimePoint> restarted_at;
};

api::RolloutStatus statusOf(const Facts& facts, Draft& draft, const PassParts& parts) {
  const std::string active = activeHash(facts, draft);
  api::RolloutStatus status = baseStatus(facts, facts.withHash(active));
  status.blue_green.active_selector = active;
  if (const std::string& preview = strategy(facts).preview_service; !preview.empty())
    status.blue_green.preview_selector = selectedHash(facts, draft.world, preview);
  status.blue_green.pre_promotion_analysis_run = parts.analysis.pre_promotion;
  status.blue_green.post_promotion_analysis_run = parts.analysis.post_promotion;
  if (parts.restarted_at) status.restarted_at = parts.restarted_at;
  const bool reset = templateChanged(facts);
  if (reset) resetStatus(facts, draft, status);

  if (status.promote_full || isWithinWindow(facts)) {
    draft.intents.clear_pauses = true;
    draft.intents.remove_abort = true;
  }
  if (const std::string reason = promotionReason(facts, draft, active, status.promote_full); !reason.empty())
    promoteToStable(facts, draft, status, reason);
  else if (!reset)
    status.blue_green.scale_up_preview_check_point = passesCheckPoint(facts, draft);
  return status;
}

// Why the update goes no further just now.
void explain(const Facts& facts, Draft& draft, const api::RolloutStatus& status) {
  const bool promoted = status.stable_rs == status.current_pod_hash;
  if (promoted || status.abort || facts.spec().paused || isHalted(facts)) return;
  const RunRef pre = prePromotionRun(facts), post = postPromotionRun(facts);
  if (status.blue_green.active_selector == status.current_pod_hash) {
    if (facts.snapshot.targets_verified == false)
      draft.wait(WaitKind::traffic, "The load balancer hasn't registered all targets yet.", std::nullopt,
                 facts.now + facts.snapshot.settings.verify_retry);
    else if (isConfigured(strategy(facts).post_promotion_analysis))
      draft.wait(WaitKind::analysis, "The post-promotion analysis has to succeed before the new version is stable.");
  } else if (!isReadyForPause(facts)) {
    draft.wait(WaitKind::pods, fmt::format("The new version needs {} available pods.", blueGreenTarget(facts)));
  } else if (!isPrePromotionDone(facts)) {
    draft.wait(WaitKind::analysis, "The pre-promotion analysis has to succeed before the active Service is switched.");
  } else if (const auto end = pauseEnd(facts)) {
    draft.wait(WaitKind::timer, "The active Service is switched after the pause.", currentPause(facts)->start_time,
               *end + milliseconds(1));
  } else if (!isPauseComplete(facts, draft) && !promotesItself(facts)) {
    const api::PauseCondition* pause = currentPause(facts);
    draft.wait(WaitKind::user, "The active Service is switched when somebody promotes.",
               pause ? pause->start_time : std::nullopt);
  } else {
    draft.wait(WaitKind::pods, fmt::format("The new version needs all of its {} pods available.", facts.replicas));
  }
}

}  // namespace

bool isConfigured(const Boxed<api::Analysis>& analysis) { return analysis && !analysis->templates.empty(); }

bool isRetrying(const Facts& facts) { return facts.status.aborted_at && !facts.status.abort; }

RunRef prePromotionRun(const Facts& facts) {
  const auto& entry = facts.status.blue_green.pre_promotion_analysis_run;
  return entry && !isRetrying(facts) ? facts.run(entry->name) : nullptr;
}

RunRef postPromotionRun(const Facts& facts) {
  const auto& entry = facts.status.blue_green.post_promotion_analysis_run;
  return entry && !isRetrying(facts) ? facts.run(entry->name) : nullptr;
}

bool isPrePromotionDue(const Facts& facts) {
  const std::string& active = facts.status.blue_green.active_selector;
  if (facts.newHash() == facts.status.stable_rs || active.empty() || active == facts.newHash()) return false;
  if (prePromotionRun(facts)) return true;
  const api::ReplicaSet* fresh = facts.newRs();
  const auto& preview = strategy(facts).preview_replica_count;
  if (!preview) return isSaturated(facts, fresh);
  return fresh && fresh->replicas == *preview && fresh->available_replicas == *preview;
}

bool isPostPromotionDue(const Facts& facts) {
  if (facts.newHash() == facts.status.stable_rs || facts.status.blue_green.active_selector != facts.newHash() ||
      facts.snapshot.targets_verified == false)
    return false;
  return postPromotionRun(facts) || isSaturated(facts, facts.newRs());
}

bool isPrePromotionDone(const Facts& facts) {
  if (!isConfigured(strategy(facts).pre_promotion_analysis)) return true;
  const RunRef run = prePromotionRun(facts);
  return run && run->status.phase == "Successful";
}

std::int64_t blueGreenTarget(const Facts& facts) {
  const auto& preview = strategy(facts).preview_replica_count;
  const api::ReplicaSet* active = facts.withHash(facts.status.blue_green.active_selector);
  if (!preview || !active || active == facts.newRs() || facts.status.promote_full) return facts.replicas;
  // What comes back without gates has no preview: at its size it would never be switched to. Least of all the stable
  // version, which keeps all of its pods. spec/03 §5.1, §13.4.
  if (isFastRollback(facts)) return facts.replicas;
  if (facts.newHash() != facts.status.current_pod_hash) return *preview;
  const bool grows = !facts.spec().paused && facts.status.pause_conditions.empty() &&
                     facts.status.blue_green.scale_up_preview_check_point;
  return grows ? facts.replicas : *preview;
}

void scaleBlueGreen(const Facts& facts, Draft& draft) {
  removeStaleDeadlines(facts, draft);
  const api::ReplicaSet *fresh = facts.newRs(), *stable = facts.stableRs();
  if (stable && stable != fresh) scaleTo(facts, draft, *stable, facts.replicas);
  scaleNew(facts, draft, blueGreenTarget(facts));
  scaleDownOthers(facts, draft);
  cleanUpHistory(facts, draft);
}

std::optional<api::RolloutStatus> blueGreenPass(const Facts& facts, Draft& draft) {
  PassParts parts;
  reconcilePreviewService(facts, draft);
  if (templateChanged(facts)) {
    api::RolloutStatus status = statusOf(facts, draft, parts);
    draft.derived = status.stable_rs == facts.status.stable_rs;
    return status;
  }

  parts.restarted_at = restartPods(facts, draft);
  scaleBlueGreen(facts, draft);
  reconcilePause(facts, draft);
  reconcileActiveService(facts, draft);
  parts.analysis = reconcileAnalysis(facts, draft);
  syncPodMetadata(facts, draft);
  api::RolloutStatus status = statusOf(facts, draft, parts);
  explain(facts, draft, status);
  return status;
}

}  // namespace crossfade::rollout
