// The value behind an analysis argument's valueFrom.fieldRef. spec/06 §3.2.
#pragma once
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"

namespace crossfade::rollout {

// The value at `path` in the Rollout as text. "metadata.labels['app']" and the like follow the rules of the downward
// API (a missing key is ""); any other path, "spec.strategy.canary.steps[0].setWeight", must end at a single value.
Result<std::string> fieldOfRollout(const json::object& rollout, std::string_view path);

}  // namespace crossfade::rollout
