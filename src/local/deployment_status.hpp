// What a Deployment's status says about its ReplicaSets. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/time.hpp"
#include "local/registry.hpp"

namespace crossfade::local {

// The ReplicaSets of one Deployment, oldest first.
struct DeploymentSets {
  Object fresh;  // of the present template; null when there is none
  std::vector<Object> old, all;
};

// Every pod is of the present template and available.
bool isComplete(const json::object& deployment, const DeploymentSets& sets);

// Brings a status up to date: counts, and the conditions Available, Progressing and ReplicaFailure. What grew since the
// status as it was is progress.
void fillDeploymentStatus(const json::object& deployment, const DeploymentSets& sets, json::object& status,
                          TimePoint now);

// A condition with lastUpdateTime, which moves with status or reason, or when `again` says that it became true anew.
void setDeploymentCondition(json::object& status, std::string_view type, std::string_view value,
                            std::string_view reason, std::string_view message, TimePoint now, bool again = false);

// When a Deployment that shows no further progress is to be called stuck; empty when it isn't on its way.
std::optional<TimePoint> progressDeadline(const json::object& deployment);

}  // namespace crossfade::local
