#include "rollout/replicas_routed.hpp"

#include <algorithm>
#include <ranges>

namespace crossfade::rollout {
namespace {

template <class Input>
std::int64_t atLeastMinPods(const Input& input, std::int64_t count) {
  if (count == 0 || !input.min_pods) return count;
  return std::max(count, std::min(*input.min_pods, input.replicas));
}

}  // namespace

std::int64_t portion(std::int64_t weight, std::int64_t replicas, std::int64_t max_weight) {
  if (max_weight <= 0) return 0;
  return (weight * replicas + max_weight - 1) / max_weight;
}

Split splitRouted(const RoutedInput& input) {
  const std::int64_t weight = input.canary_count ? 0 : input.weight;
  const std::int64_t by_weight = atLeastMinPods(input, portion(weight, input.replicas, input.max_weight));
  Split split{input.canary_count.value_or(by_weight), input.replicas};
  if (!input.dynamic) return split;

  split.stable = portion(input.max_weight - weight, input.replicas, input.max_weight);
  if (input.recorded) {
    split.stable = std::max(split.stable, portion(input.recorded->stable, input.replicas, input.max_weight));
    if (input.aborted)
      split.canary = std::max(split.canary, portion(input.recorded->canary, input.replicas, input.max_weight));
  }
  return {atLeastMinPods(input, split.canary), atLeastMinPods(input, split.stable)};
}

std::int64_t stepWeightOnAbort(const AbortWeightInput& input) {
  if (!input.aborted) return input.current_weight;
  if (!input.dynamic || !input.canary_available || !input.stable_available) return 0;
  const std::int64_t missing = input.replicas - *input.stable_available;
  const std::int64_t needed = input.explicit_delay ? missing : std::max(missing, *input.canary_available);
  for (const std::int64_t step : input.step_weights | std::views::reverse)
    if (atLeastMinPods(input, portion(step, input.replicas, input.max_weight)) < needed) return step;
  return 0;
}

std::int64_t abortWeight(const AbortWeightInput& input) {
  if (!input.dynamic || !input.stable_available || !input.canary_available || input.replicas == 0) return 0;
  const std::int64_t step = stepWeightOnAbort(input);
  const std::int64_t carried_by_stable = input.max_weight * *input.stable_available / input.replicas;
  const std::int64_t missing = std::max<std::int64_t>(0, input.max_weight - carried_by_stable);
  if (!input.recorded_canary_weight) return std::max(missing, step);
  const std::int64_t recorded = *input.recorded_canary_weight;
  if (step <= 0) return std::min(missing, recorded);
  if (carried_by_stable < input.max_weight - step) return recorded;
  return std::min(step, recorded);
}

}  // namespace crossfade::rollout
