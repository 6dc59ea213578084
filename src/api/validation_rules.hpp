// The parts of validateSpec(). Each returns the first violation of its rules.
#pragma once
#include "api/validation.hpp"

namespace crossfade::api {

using Violation = std::optional<std::string>;

// spec/01 §6.4. `selector` may be null: none matches.
Violation validatePodTemplate(const json::object& pod_template, const json::object* selector, std::int64_t replicas);
// spec/01 §6.6, and what of §6.10 concerns a canary.
Violation validateCanary(const Rollout& rollout);
// V-B3 and V-B4, V-C30.
Violation validateAntiAffinity(const Boxed<AntiAffinity>& anti_affinity);

}  // namespace crossfade::api
