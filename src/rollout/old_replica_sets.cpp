// Scaling down what is neither new nor stable. spec/02 §7.7, spec/03 §6, spec/04 §13.
#include <algorithm>

#include "rollout/blue_green.hpp"

namespace crossfade::rollout {
namespace {

// Gives superseded ReplicaSets their time, to the newest `limit` of them. spec/03 §6, 4c and 4d.
class Delay {
 public:
  Delay(const Facts& facts, Draft& draft) : facts_(facts), draft_(draft) {}

  // The size that `rs` should have now; `kept`: while its time runs.
  std::int64_t sizeOf(const api::ReplicaSet& rs, std::int64_t kept) {
    const std::int64_t delay = scaleDownDelaySeconds(facts_);
    const std::int64_t limit = scaleDownDelayRevisionLimit(facts_);
    const Deadline deadline = deadlineOf(rs);
    if (!deadline.present) {
      if (delay <= 0 || count_ >= limit) return 0;
      ++count_;
      setDeadline(draft_, rs, facts_.now + seconds(delay));
      return rs.replicas;
    }
    ++count_;
    if (count_ > limit || !deadline.until || *deadline.until <= facts_.now) return 0;
    draft_.wait(WaitKind::timer, "The superseded ReplicaSet " + rs.metadata.name + " is kept until its deadline.",
                std::nullopt, *deadline.until);
    return kept;
  }

 private:
  const Facts& facts_;
  Draft& draft_;
  std::int64_t count_ = 0;
};

bool newestRevisionFirst(const ReplicaSetRef& left, const ReplicaSetRef& right) {
  const auto a = revisionOf(*left), b = revisionOf(*right);  // the unreadable last
  return a != b ? a > b : left->metadata.created > right->metadata.created;
}

// The pods of the version before are still needed to go back to.
bool awaitsPostPromotion(const Facts& facts) {
  const api::BlueGreen& blue_green = *facts.spec().blue_green;
  if (!isConfigured(blue_green.post_promotion_analysis) || blue_green.scale_down_delay_seconds) return false;
  const RunRef run = postPromotionRun(facts);
  return isPostPromotionDue(facts) && (!run || run->status.phase != "Successful");
}

bool scaleDownBlueGreen(const Facts& facts, Draft& draft, std::vector<ReplicaSetRef> others) {
  if (hasPause(facts.status, "InconclusiveAnalysisRun") || awaitsPostPromotion(facts)) return false;
  std::ranges::sort(others, newestRevisionFirst);
  Delay delay(facts, draft);
  bool scaled = false;
  for (const ReplicaSetRef& rs : others) {
    if (isReferenced(facts, draft.world, *rs)) continue;
    // Inside its delay a ReplicaSet follows the Rollout's size: it might have to take everything back.
    const std::int64_t size = delay.sizeOf(*rs, facts.replicas);
    if (size != rs->replicas) scaled |= scaleTo(facts, draft, *rs, size);
  }
  return scaled;
}

bool scaleDownCanary(const Facts& facts, Draft& draft, std::vector<ReplicaSetRef> others) {
  bool scaled = false;
  // Pods that don't work needn't wait for anything. (More available than asked for: a count that is not up to date.)
  for (const ReplicaSetRef& rs : others)
    if (rs->available_replicas > rs->replicas) return false;
  for (const ReplicaSetRef& rs : others)
    if (rs->available_replicas < rs->replicas) scaled |= scaleTo(facts, draft, *rs, rs->available_replicas);
  // Without routers there is no delay: a deadline is left over from when there were some.
  if (!isRouted(facts))
    for (const ReplicaSetRef& rs : others) removeDeadline(draft, *rs);

  std::int64_t budget = limits(facts).unavailable - facts.replicas;
  for (const ReplicaSetRef& rs : facts.all()) budget += rs->available_replicas;
  const bool routed = isRouted(facts);
  if (routed && facts.snapshot.targets_verified == false &&
      std::ranges::any_of(others, [](const ReplicaSetRef& rs) { return !deadlineOf(*rs).present; }))
    return scaled;

  std::ranges::sort(others, newestRevisionFirst);
  Delay delay(facts, draft);
  for (const ReplicaSetRef& rs : others) {
    if (budget <= 0) break;
    const std::int64_t size = draft.now(*rs).replicas;
    if (size == 0 || (routed && isReferenced(facts, draft.world, *rs))) continue;
    std::int64_t target = 0;
    if (!routed)
      target = std::max<std::int64_t>(0, size - budget);
    else if (!isDynamic(facts) || !isFullyPromoted(facts))
      target = delay.sizeOf(draft.now(*rs), size);
    if (target == size) continue;
    scaled |= scaleTo(facts, draft, *rs, target);
    budget -= size - target;
  }
  return scaled;
}

bool isOneOf(const std::vector<ReplicaSetRef>& sets, std::string_view name) {
  return std::ranges::any_of(sets, [name](const ReplicaSetRef& rs) { return rs->metadata.name == name; });
}

}  // namespace

bool scaleDownOthers(const Facts& facts, Draft& draft) {
  std::vector<ReplicaSetRef> others = facts.others();
  std::erase_if(others, [](const ReplicaSetRef& rs) { return rs->replicas == 0; });
  if (others.empty()) return false;
  const bool scaled =
      isCanary(facts) ? scaleDownCanary(facts, draft, others) : scaleDownBlueGreen(facts, draft, others);
  for (Action& action : draft.actions) {
    if (auto* scale = std::get_if<ScaleReplicaSet>(&action)) scale->old = isOneOf(others, scale->name);
    if (auto* patch = std::get_if<PatchReplicaSet>(&action)) patch->old = isOneOf(others, patch->name);
  }
  return scaled;
}

}  // namespace crossfade::rollout
