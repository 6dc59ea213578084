// What makes a Rollout's spec invalid, in the words that users and tools know. spec/01 §6. Each function returns the
// first violation of its rules, as the text behind `The Rollout "x" is invalid: `; empty when there is none. Which is
// shown when several rules are broken is part of the contract: the spec, then what is missing (the functions in their
// order here, templates between the first two), then what is wrong with what was found.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "api/analysis.hpp"
#include "api/rollout.hpp"
#include "api/workloads.hpp"

namespace crossfade::api {

// spec/01 §6.3 to §6.6 and §6.10. `pod_template` and `selector` are those in force (the workload's, with workloadRef);
// `selector` is null where there is none.
std::optional<std::string> validateSpec(const Rollout& rollout, const json::object& pod_template,
                                        const json::object* selector);

// Those that exist of the Services that a Rollout names, by name.
using Services = std::map<std::string, std::shared_ptr<const Service>, std::less<>>;

// A Service that the Rollout names and that isn't there. spec/01 §6.7, 1.
std::optional<std::string> missingService(const Rollout& rollout, const Services& services);
// What trafficRouting doesn't name, or names twice. spec/01 §6.7, 3 to 9, as far as no other object is needed.
std::optional<std::string> validateRouting(const Rollout& rollout);
// R-SVC1 and R-SVC2 of spec/01 §6.8. Services that are missing are no matter here.
std::optional<std::string> validateServices(const Rollout& rollout, const json::object& pod_template,
                                            const Services& services);

}  // namespace crossfade::api
