// The parts of a canary's pass: steps, counts, traffic. spec/04.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "rollout/pass.hpp"

namespace crossfade::rollout {

// --- canary_steps.cpp (spec/04 §5 to §8) ---

// Steps done; 0 where the status has no index, never more than there are steps.
std::int64_t stepIndex(const Facts& facts);
// The step in progress; null when all are done or there are none.
const api::Step* currentStep(const Facts& facts);
// The weight of the step in progress, and of the one before: the nearest setWeight at or before it.
std::int64_t currentSetWeight(const Facts& facts);
std::int64_t previousSetWeight(const Facts& facts);
std::int64_t maxWeight(const Facts& facts);

// What all pod counts follow ("ReplicasOrWeight").
struct Share {
  std::optional<std::int64_t> replicas = {};  // a setCanaryScale with a number of pods
  std::int64_t weight = 0;                    // otherwise
  bool scaled_apart = false;                  // by a setCanaryScale: pods needn't follow the traffic
};
Share share(const Facts& facts);

// "setWeight: 20": as events name it. spec/02 §15.
std::string describeStep(const api::Step& step);
// Why a step waits, for a person.
Wait waitOf(const Facts& facts, const api::Step& step);

// --- canary_counts.cpp (spec/04 §10 to §12) ---

// Pods that the two sides should have next. `recorded`: the weights to consider, see the three callers.
Split canaryCounts(const Facts& facts, const Boxed<api::Weights>& recorded);
// The pods are there that the step in progress asks for.
bool isAtDesired(const Facts& facts, const Boxed<api::Weights>& recorded);
// What stepWeightOnAbort and abortWeight need to know.
struct AbortWeights {
  std::int64_t step = 0;     // the weight that counts follow
  std::int64_t traffic = 0;  // the weight to set
};
AbortWeights weightsOnAbort(const Facts& facts);

// --- traffic.cpp (spec/04 §15) ---

struct TrafficOutcome {
  Boxed<api::Weights> weights = {};  // status.canary.weights; empty without routers
  bool held = false;                 // the stable side can't carry its share: routers weren't touched
  bool unverified_end = false;       // the last weight isn't taken yet: nothing may be promoted or scaled
};
TrafficOutcome reconcileTraffic(const Facts& facts, Draft& draft);

}  // namespace crossfade::rollout
