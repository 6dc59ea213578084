// A life: a script, played in a simulated world from a seed, and judged.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "sim/faults.hpp"
#include "sim/script.hpp"
#include "sim/world.hpp"

namespace crossfade::sim {

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

// A script without faults and with them: the invariants hold in both, and both end alike.
struct Verdict {
  std::optional<std::string> broken;  // what is wrong, and in which of the two
  Outcome shown;                      // the run that shows it; the one with faults when nothing is wrong
  Duration virtual_time{};            // of both
};
Verdict judge(const Script& script, std::uint64_t seed, Faults faults);

}  // namespace crossfade::sim
