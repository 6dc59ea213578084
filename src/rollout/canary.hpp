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
// Why a step waits, for a person; empty where the part that does the step has said so.
std::optional<Wait> waitOf(const Facts& facts, const api::Step& step);

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

// --- step_plugins.cpp (spec/04 §26) ---

// How far a pass got: calls are made only where nothing was scaled, and (but for aborts) no pause is in progress.
enum class Reached { scaled, paused, plugins };
struct PluginOutcome {
  api::Carried statuses;  // status.canary.stepPluginStatuses
  bool complete = false;  // the step in progress is a plugin's, and done
};
// Takes the replies that the snapshot has, and asks for the calls that are due. A plugin's failure becomes an intent.
PluginOutcome reconcilePlugins(const Facts& facts, Draft& draft, Reached reached);

// --- experiments.cpp (spec/04 §16) ---

// Creates, terminates and deletes Experiments; verdicts become intents (pause, abort). Returns the one of the step in
// progress, or null.
ExperimentRef reconcileExperiments(const Facts& facts, Draft& draft);
// Where the traffic of a running Experiment goes: its templates that have a weight. spec/04 §16.3.
std::vector<SetTraffic::Destination> experimentDestinations(const Facts& facts);

// --- traffic.cpp (spec/04 §15) ---

struct TrafficOutcome {
  Boxed<api::Weights> weights = {};  // status.canary.weights; empty without routers
  bool held = false;                 // the stable side can't carry its share: routers weren't touched
  bool unverified_end = false;       // the last weight isn't taken yet: nothing may be promoted or scaled
};
TrafficOutcome reconcileTraffic(const Facts& facts, Draft& draft);

}  // namespace crossfade::rollout
