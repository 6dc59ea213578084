#include <algorithm>
#include <numeric>

#include "rollout/canary.hpp"
#include "rollout/replicas_routed.hpp"

namespace crossfade::rollout {
namespace {

std::optional<Size> sizeOf(const api::ReplicaSet* rs) {
  return rs ? std::optional(Size{rs->replicas, rs->available_replicas}) : std::nullopt;
}

Split basicCounts(const Facts& facts) {
  const std::vector<ReplicaSetRef> others = facts.others();
  const Limits allowed = limits(facts);
  const std::int64_t available =
      std::accumulate(facts.all().begin(), facts.all().end(), std::int64_t{0},
                      [](std::int64_t sum, const ReplicaSetRef& rs) { return sum + rs->available_replicas; });
  return splitBasicCanary({
      .replicas = facts.replicas,
      .weight = share(facts).weight,
      .limits = allowed,
      .canary = sizeOf(facts.newRs()),
      .stable = sizeOf(facts.stableRs()),
      .stable_is_canary = facts.newRs() && facts.newRs() == facts.stableRs(),
      .others_spec = std::accumulate(others.begin(), others.end(), std::int64_t{0},
                                     [](std::int64_t sum, const ReplicaSetRef& rs) { return sum + rs->replicas; }),
      .others_needed = available <= facts.replicas - allowed.unavailable,
  });
}

Split routedCounts(const Facts& facts, const Boxed<api::Weights>& recorded) {
  const api::Canary& canary = *facts.spec().canary;
  const Share wanted = share(facts);
  RoutedInput input{.replicas = facts.replicas,
                    .max_weight = maxWeight(facts),
                    .min_pods = canary.min_pods_per_replica_set,
                    .dynamic = canary.dynamic_stable_scale,
                    .aborted = facts.status.abort,
                    .canary_count = wanted.replicas,
                    .weight = wanted.weight};
  if (recorded) input.recorded = RoutedInput::Recorded{recorded->canary.weight, recorded->stable.weight};
  Split split = splitRouted(input);
  // When a step lowers the weight, pods stay until the traffic has left them. spec/04 §32, 6.
  const bool carries = recorded && recorded->canary.pod_template_hash == facts.newHash();
  if (carries && !wanted.scaled_apart && !facts.status.abort)
    split.canary = std::max(split.canary, portion(recorded->canary.weight, facts.replicas, input.max_weight));
  return split;
}

}  // namespace

Split canaryCounts(const Facts& facts, const Boxed<api::Weights>& recorded) {
  return isRouted(facts) ? routedCounts(facts, recorded) : basicCounts(facts);
}

bool isAtDesired(const Facts& facts, const Boxed<api::Weights>& recorded) {
  const Split desired = canaryCounts(facts, recorded);
  if (!progressThresholdMet(facts, facts.newRs(), desired.canary)) return false;
  const api::ReplicaSet* stable = facts.stableRs();
  if (!isDynamic(facts) && (!stable || stable->replicas != desired.stable || stable->status_replicas != desired.stable))
    return false;
  return isRouted(facts) ||
         std::ranges::all_of(facts.others(), [](const ReplicaSetRef& rs) { return rs->available_replicas == 0; });
}

AbortWeights weightsOnAbort(const Facts& facts) {
  AbortWeightInput input{.replicas = facts.replicas,
                         .max_weight = maxWeight(facts),
                         .dynamic = isDynamic(facts),
                         .aborted = facts.status.abort,
                         .explicit_delay = abortScaleDownDelay(facts).explicit_value,
                         .min_pods = facts.spec().canary->min_pods_per_replica_set,
                         .current_weight = currentSetWeight(facts)};
  for (const api::Step& step : facts.spec().canary->steps)
    if (step.set_weight) input.step_weights.push_back(*step.set_weight);
  if (const api::ReplicaSet* fresh = facts.newRs()) input.canary_available = fresh->available_replicas;
  if (const api::ReplicaSet* stable = facts.stableRs())
    input.stable_available = std::min(stable->available_replicas, stable->replicas);
  if (const auto& weights = facts.status.canary.weights) input.recorded_canary_weight = weights->canary.weight;
  return {stepWeightOnAbort(input), abortWeight(input)};
}

}  // namespace crossfade::rollout
