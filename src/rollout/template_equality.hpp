// Whether a live ReplicaSet's pod template is the one that the Rollout asks for, seen through the API server's
// defaults. spec/02 §4.3.1.
#pragma once
#include "base/json.hpp"

namespace crossfade::rollout {

// `desired` as a user wrote it, `live` as the API server returned it. Ignores the hash label and the deprecated
// serviceAccount; a member that only `live` has must hold the value that the API server fills in. Quantities compare
// by value. What the controller injected must have been stripped from `live` before.
bool sameTemplate(const json::object& desired, const json::object& live);

}  // namespace crossfade::rollout
