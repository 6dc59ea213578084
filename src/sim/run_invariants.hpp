// What must hold of AnalysisRuns in a simulated world, whatever happens to those who measure for them.
#pragma once
#include <optional>
#include <string>

#include "sim/state.hpp"

namespace crossfade::sim {

// The first rule that a run breaks: what is complete stays as it is, what was counted stays counted and is never more
// than was asked for, and a verdict is the one that its metrics deserve. `before` may be null.
std::optional<std::string> checkRuns(const State* before, const State& now);

}  // namespace crossfade::sim
