// From a life that fails to a small one that still does: what is left is what the failure needs.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "sim/life.hpp"

namespace crossfade::sim {

struct Failure {
  Script script;
  Faults faults;
  Verdict verdict;
};

// Tries, as long as the life still fails and at most `plays` times: fewer deeds, fewer kinds of faults, fewer steps and
// options, fewer replicas. `failing` must fail.
Failure shrink(Failure failing, std::uint64_t seed, int plays = 150);

// The Rollout's strategy, the deeds, the faults, and what happened, a line each.
std::vector<std::string> describe(const Failure& failure);

}  // namespace crossfade::sim
