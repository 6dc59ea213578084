// The four things that the demo shows, each with its claims. A Result fails only where an act could not be played at
// all.
#pragma once
#include <optional>

#include "demo/stage.hpp"

namespace crossfade::demo {

// v1 to v2 in five steps, promoted by itself, the requests following the weights.
Task<Result<>> playCanary(Stage& stage);
// v3 fails one request of ten: analysis rolls it back. `last_bad`: from the abort to the last answer of v3.
Task<Result<>> playRollback(Stage& stage, std::optional<Duration>& last_bad);
// blue to green, looked at in preview, promoted by hand.
Task<Result<>> playBlueGreen(Stage& stage);
// A rolling update: a canary without steps.
Task<Result<>> playRollingUpdate(Stage& stage);

}  // namespace crossfade::demo
