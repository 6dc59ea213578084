// The status half of decodeRollout(). spec/01 §3.
#pragma once
#include "api/fields.hpp"
#include "api/rollout.hpp"

namespace crossfade::api {

RolloutStatus readRolloutStatus(const Fields& status);

}  // namespace crossfade::api
