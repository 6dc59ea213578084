// Pod counts of a canary whose traffic is split by routers: the canary follows the weight, the stable side stays whole
// or (dynamicStableScale) shrinks as traffic leaves it. spec/04 §12, §15.5, §15.6. Pure arithmetic.
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "rollout/replicas_canary.hpp"

namespace crossfade::rollout {

struct RoutedInput {
  std::int64_t replicas = 0;
  std::int64_t max_weight = 100;
  std::optional<std::int64_t> min_pods = {};  // minPodsPerReplicaSet
  bool dynamic = false;
  bool aborted = false;                           // the persisted flag
  std::optional<std::int64_t> canary_count = {};  // a setCanaryScale with `replicas` in force
  std::int64_t weight = 0;                        // otherwise: the weight that the counts follow
  // Weights that the routers are known to hold; empty: not known, or not to be considered.
  struct Recorded {
    std::int64_t canary = 0;
    std::int64_t stable = 0;
  };
  std::optional<Recorded> recorded = {};
};

// Pods that carry `weight` of `max_weight` of the traffic of `replicas`, rounded up.
std::int64_t portion(std::int64_t weight, std::int64_t replicas, std::int64_t max_weight);

// spec/04 §12. The target of the step; what keeps pods under traffic that has not left yet is in canary.cpp.
Split splitRouted(const RoutedInput& input);

// What the weight of an abort or of a rollback to stable is computed from. spec/04 §15.5.
struct AbortWeightInput {
  std::int64_t replicas = 0;
  std::int64_t max_weight = 100;
  bool dynamic = false;
  bool aborted = false;                         // false: a rollback to the stable template
  bool explicit_delay = false;                  // abortScaleDownDelaySeconds is set, and not zero
  std::optional<std::int64_t> min_pods = {};    // minPodsPerReplicaSet: no step shrinks a side below it
  std::int64_t current_weight = 0;              // weight of the current step when not aborted
  std::vector<std::int64_t> step_weights = {};  // every setWeight, in order
  std::optional<std::int64_t> canary_available = {};
  std::optional<std::int64_t> stable_available = {};
  std::optional<std::int64_t> recorded_canary_weight = {};
};

// The weight that the sizes follow on the way back: the highest step that the stable side's missing pods justify.
std::int64_t stepWeightOnAbort(const AbortWeightInput& input);
// The weight to set on the way back; never above the recorded one.
std::int64_t abortWeight(const AbortWeightInput& input);

}  // namespace crossfade::rollout
