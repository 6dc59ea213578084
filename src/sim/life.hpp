// A life: a generated Rollout, and what its users do to it, played in a simulated world. Everything follows from the
// seed.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/json.hpp"
#include "base/time.hpp"
#include "sim/faults.hpp"
#include "sim/world.hpp"

namespace crossfade::sim {

// What a user does, and when: not at a time of the clock (faults shift it) but when the Rollout has come to rest, or
// has reached a step, so that the end of a life does not depend on the faults in it.
struct Deed {
  enum class Verb { set_image, promote, promote_full, abort, retry, pause, resume, scale, delete_pod };
  Verb verb = Verb::set_image;
  // Empty: at rest (nothing happens any more without a user). Otherwise: as soon as currentStepIndex is at least this,
  // or at rest.
  std::optional<std::int64_t> at_step;
  std::int64_t number = 0;  // image version, or replicas
};
std::string toString(const Deed& deed);

struct Script {
  std::vector<json::object> objects;  // the Rollout (named "web") last
  std::vector<Deed> deeds;
};

// A script from a seed: all strategies, several forms of steps and limits, one to five deeds.
Script generate(std::uint64_t seed);
// The issue's own example: five steps with pauses of an hour, one update, no deed but that.
Script fiveStepCanary();

struct Outcome {
  std::optional<std::string> broken;  // the invariant that broke, or what never ended
  std::string end;                    // State::summary() at the end
  std::string digest;                 // of the whole story: equal for equal runs
  std::uint64_t writes = 0;
  Duration virtual_time{};
  std::vector<std::string> story;
};

// Plays a script to its end: every deed done, the Rollout at rest, then an hour in which nothing may be written.
Outcome play(const Script& script, std::uint64_t seed, Faults faults, Kill kill = {});

}  // namespace crossfade::sim
