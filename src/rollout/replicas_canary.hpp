// Pod counts of a canary without traffic routing: the split of the requests is the split of the pods. spec/04 §11.
// Pure arithmetic on numbers; nothing here knows of Rollouts or of time.
#pragma once
#include <cstdint>
#include <optional>

#include "base/int_or_percent.hpp"

namespace crossfade::rollout {

// How far an update may leave `replicas`: `surge` pods above, `unavailable` pods below. spec/04 §11.1.
struct Limits {
  std::int64_t surge = 0;
  std::int64_t unavailable = 0;
  bool operator==(const Limits&) const = default;
};

// The share of `replicas` that a value stands for: an int is itself, any string a percentage, with or without "%".
// Empty when the string is no integer.
std::optional<std::int64_t> shareOf(const IntOrPercent& value, std::int64_t replicas, Rounding rounding);

// Limits of a canary. An absent value is 25 %; a value that can't be read makes both zero. Both zero otherwise becomes
// one unavailable; unavailable never exceeds `replicas`.
Limits canaryLimits(const std::optional<IntOrPercent>& max_surge, const std::optional<IntOrPercent>& max_unavailable,
                    std::int64_t replicas);

// Limits of a blue-green release, which only restarts ask for: no surge, no rise to one. spec/02 §7.8.
Limits blueGreenLimits(const std::optional<IntOrPercent>& max_unavailable, std::int64_t replicas);

// Pods of the two sides of a canary.
struct Split {
  std::int64_t canary = 0;
  std::int64_t stable = 0;
  bool operator==(const Split&) const = default;
};

// The split that comes nearest to `weight` percent with `replicas` pods, or one more where `surge` allows it.
// spec/04 §11.2. With two replicas or more and a weight inside 0..100 no side is ever empty.
Split idealSplit(std::int64_t replicas, std::int64_t weight, std::int64_t surge);

// One ReplicaSet as it is: the pods it asks for, and those that are available.
struct Size {
  std::int64_t spec = 0;
  std::int64_t available = 0;
};

struct BasicCanaryInput {
  std::int64_t replicas = 0;
  std::int64_t weight = 0;  // percent, 0..100
  Limits limits;
  std::optional<Size> canary;     // empty: no such ReplicaSet
  std::optional<Size> stable;     // empty: no such ReplicaSet
  bool stable_is_canary = false;  // both are the same ReplicaSet
  std::int64_t others_spec = 0;   // pods that all other ReplicaSets ask for
  bool others_needed = false;     // none of those can be spared: too few are available
};

// The sizes that the two ReplicaSets should take next on the way to the ideal split, never above replicas + surge and
// never (as far as it is in our hands) below replicas - unavailable available pods. spec/04 §11.3.
Split splitBasicCanary(const BasicCanaryInput& input);

}  // namespace crossfade::rollout
