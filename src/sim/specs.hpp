// The objects of a generated script: a Rollout of any strategy with any of its options, and what it refers to.
#pragma once
#include <vector>

#include "base/json.hpp"
#include "base/random.hpp"

namespace crossfade::sim {

// In the order of their creation; the Rollout last.
std::vector<json::object> generateObjects(Random& random);

// The parts, for scripts that are written by hand.
json::object makeService(std::string_view name);
json::object makeRoute();
// The trafficRouting of a canary whose weights stand in that route.
json::object makeRouting();
json::object makeRollout(std::int64_t replicas, json::object strategy);

}  // namespace crossfade::sim
