// What makes a Rollout's spec invalid, in the words that users and tools know. spec/01 §6.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "api/analysis.hpp"
#include "api/rollout.hpp"
#include "api/workloads.hpp"

namespace crossfade::api {

// The first violation of the rules of spec/01 §6.3 to §6.6 and §6.10, as the text behind `The Rollout "x" is invalid:
// `; empty when there is none. `pod_template` and `selector` are those in force (the workload's, with workloadRef).
std::optional<std::string> validateSpec(const Rollout& rollout, const json::object& pod_template,
                                        const json::object* selector);

// The first violation concerning the Services that the Rollout names. `services` holds those that exist. spec/01 §6.7,
// §6.8.
std::optional<std::string> validateServices(
    const Rollout& rollout, const json::object& pod_template,
    const std::map<std::string, std::shared_ptr<const Service>, std::less<>>& services);

}  // namespace crossfade::api
