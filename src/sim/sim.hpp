// The simulator: the controller and the embedded cluster in one thread under a virtual clock, joined by a transport
// that loses, delays, duplicates and refuses, from a seed. The same seed gives the same run, byte for byte.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace crossfade::sim {

// Runs `crossfade sim` (--lives N, --seed S, --jobs N; --help tells the rest); returns the exit code.
int runSim(const std::vector<std::string>& arguments);

}  // namespace crossfade::sim
