#include "rollout/replicas_canary.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace crossfade::rollout {
namespace {

const IntOrPercent quarter{std::string("25")};

std::int64_t divideUp(std::int64_t dividend, std::int64_t divisor) {
  return dividend / divisor + (dividend % divisor > 0 ? 1 : 0);
}

// Pods that can be counted on. The side that is being drained counts by what it asks for, so that its unavailable pods
// may be removed first.
std::int64_t countOf(const std::optional<Size>& side, bool draining) {
  if (!side) return 0;
  if (side->spec < side->available || draining) return side->spec;
  return side->available;
}

// Unavailable pods above the ideal number.
std::int64_t surplus(const Size& side, std::int64_t ideal) {
  return std::max<std::int64_t>(0, side.spec - std::max(side.available, ideal));
}

// Brings a drained and a kept side within `limit` pods together without giving up available pods that are needed.
void fit(std::int64_t& drained, std::int64_t& kept, const Size& drain, const std::optional<Size>& keep,
         std::int64_t limit, std::int64_t least_available) {
  if (!keep) return;
  kept -= std::max<std::int64_t>(0, drained + kept - limit);
  const std::int64_t available = std::min(drain.available, drained) + std::min(keep->available, kept);
  const std::int64_t lost = std::max<std::int64_t>(0, keep->available - kept);
  const std::int64_t need = std::max<std::int64_t>(0, least_available - available);
  kept += std::min(lost, need);
  drained -= std::max<std::int64_t>(0, drained + kept - limit);
}

}  // namespace

std::optional<std::int64_t> shareOf(const IntOrPercent& value, std::int64_t replicas, Rounding rounding) {
  const auto share = value.resolve(static_cast<int>(replicas), rounding);
  return share ? std::optional<std::int64_t>(*share) : std::nullopt;
}

Limits canaryLimits(const std::optional<IntOrPercent>& max_surge, const std::optional<IntOrPercent>& max_unavailable,
                    std::int64_t replicas) {
  const auto surge = shareOf(max_surge.value_or(quarter), replicas, Rounding::up);
  const auto unavailable = shareOf(max_unavailable.value_or(quarter), replicas, Rounding::down);
  if (!surge || !unavailable) return {};
  Limits limits{*surge, *unavailable};
  if (limits.surge == 0 && limits.unavailable == 0) limits.unavailable = 1;
  limits.unavailable = std::min(limits.unavailable, replicas);
  return limits;
}

Limits blueGreenLimits(const std::optional<IntOrPercent>& max_unavailable, std::int64_t replicas) {
  const auto unavailable = shareOf(max_unavailable.value_or(quarter), replicas, Rounding::down);
  return {0, std::min(unavailable.value_or(0), replicas)};
}

Split idealSplit(std::int64_t replicas, std::int64_t weight, std::int64_t surge) {
  if (replicas == 0) return {0, 0};
  const std::int64_t up = divideUp(replicas * weight, 100);
  const std::int64_t down = replicas * weight / 100;
  const auto isTie = [weight](std::int64_t total) { return total * weight % 100 == 50; };
  const bool may_be_empty = weight == 0 || weight == 100 || (replicas == 1 && surge == 0);

  struct Candidate {
    bool allowed;
    std::int64_t canary, total;
  };
  const std::array<Candidate, 4> candidates = {{
      {up < replicas || may_be_empty, up, replicas},
      {!isTie(replicas) && (down != 0 || may_be_empty), down, replicas},
      {surge > 0, up, replicas + 1},
      {surge > 0 && !isTie(replicas + 1) && (down != 0 || may_be_empty), down, replicas + 1},
  }};
  const Candidate* best = nullptr;
  const auto distance = [weight](const Candidate& candidate) {
    return std::abs(100 * candidate.canary - weight * candidate.total);
  };
  for (const Candidate& candidate : candidates) {
    if (!candidate.allowed) continue;
    // distance / total < best distance / best total, without fractions
    if (!best || distance(candidate) * best->total < distance(*best) * candidate.total) best = &candidate;
  }
  // No candidate: nothing may surge, and the weight rounds the canary up to everything. spec/04 §32.5.
  if (!best) return {replicas - 1, 1};
  return {best->canary, best->total - best->canary};
}

Split splitBasicCanary(const BasicCanaryInput& input) {
  const bool stable_exists = input.stable && !(input.canary && input.stable_is_canary);
  const Size canary = input.canary.value_or(Size{});
  const Size stable = input.stable.value_or(Size{});

  Split ideal = idealSplit(input.replicas, input.weight, input.limits.surge);
  if (!stable_exists) ideal = {input.replicas, 0};
  const std::int64_t limit = input.replicas + input.limits.surge;
  const std::int64_t stable_spec = stable_exists ? stable.spec : 0;
  Split next{canary.spec, stable_spec};

  std::int64_t room = limit - (canary.spec + stable_spec + input.others_spec);
  if (stable_exists && stable_spec < ideal.stable && room > 0) {
    next.stable = std::min(stable_spec + room, ideal.stable);
    room -= next.stable - stable_spec;
  }
  if (input.canary && canary.spec < ideal.canary && room > 0) next.canary = std::min(canary.spec + room, ideal.canary);
  // Nothing of the two is drained while others still have pods: those go first. But where none of them can be spared
  // and nothing can grow, pods that never came up would hold their places for ever.
  if (input.others_spec > 0) {
    if (input.others_needed && next == Split{canary.spec, stable_spec}) {
      next.canary -= surplus(canary, ideal.canary);
      if (stable_exists) next.stable -= surplus(stable, ideal.stable);
    }
    return next;
  }

  const std::int64_t least_available = input.replicas - input.limits.unavailable;
  const bool growing = !input.canary || ideal.canary >= canary.spec;
  const std::int64_t counted = countOf(input.canary, !growing) + countOf(input.stable, growing);
  const std::int64_t spare = counted - least_available;
  if (spare <= 0) return next;

  const std::optional<Size> stable_side = stable_exists ? input.stable : std::nullopt;
  if (!growing) {
    if (canary.spec > ideal.canary) next.canary = std::max(ideal.canary, canary.spec - spare);
    fit(next.canary, next.stable, canary, stable_side, limit, least_available);
  } else if (stable_exists) {
    if (stable_spec > ideal.stable) next.stable = std::max(ideal.stable, stable_spec - spare);
    fit(next.stable, next.canary, stable, input.canary, limit, least_available);
  }
  return next;
}

}  // namespace crossfade::rollout
