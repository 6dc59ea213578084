// What the parts of a blue-green pass ask each other. spec/03.
#pragma once
#include "rollout/pass.hpp"

namespace crossfade::rollout {

// An analysis without templates counts as not configured. spec/06 §18, D4.
bool isConfigured(const Boxed<api::Analysis>& analysis);
// After an abort was taken back nothing of the old runs counts any more. spec/03 §10.4.
bool isRetrying(const Facts& facts);
// The runs of this update; null where there is none, and while it is being retried.
RunRef prePromotionRun(const Facts& facts);
RunRef postPromotionRun(const Facts& facts);
// The run has its place in this pass. spec/03 §10.4 ("Skip if", negated).
bool isPrePromotionDue(const Facts& facts);
bool isPostPromotionDue(const Facts& facts);
// Not configured, or successful.
bool isPrePromotionDone(const Facts& facts);

}  // namespace crossfade::rollout
