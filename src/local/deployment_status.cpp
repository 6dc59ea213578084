#include "local/deployment_status.hpp"

#include <fmt/format.h>

#include "local/deployment_scaling.hpp"
#include "local/object_facts.hpp"

namespace crossfade::local {

namespace {

std::int64_t sum(const std::vector<Object>& sets, std::initializer_list<std::string_view> path) {
  std::int64_t result = 0;
  for (const Object& set : sets) result += getInt(*set, path);
  return result;
}

TimePoint lastUpdate(const json::object& condition) {
  return parseTime(getString(condition, {"lastUpdateTime"})).value_or(TimePoint());
}

void judgeProgress(const json::object& deployment, const DeploymentSets& sets, const json::object& before,
                   json::object& status, TimePoint now) {
  constexpr std::int64_t no_deadline = 2147483647;
  const std::int64_t deadline = getInt(deployment, {"spec", "progressDeadlineSeconds"}, no_deadline);
  if (deadline == no_deadline) return removeCondition(status, "Progressing");
  const json::object holder{{"status", status}};
  const auto* progress = findCondition(holder, "Progressing");
  const std::string reason(progress == nullptr ? std::string_view() : getString(*progress, {"reason"}));
  const bool all_updated = getInt(status, {"replicas"}) == getInt(status, {"updatedReplicas"});
  if (all_updated && reason == "NewReplicaSetAvailable") return;

  const std::string who = sets.fresh ? fmt::format("ReplicaSet \"{}\"", nameOf(*sets.fresh))
                                     : fmt::format("Deployment \"{}\"", nameOf(deployment));
  const auto old_replicas = [](const json::object& counts) {
    return getInt(counts, {"replicas"}) - getInt(counts, {"updatedReplicas"});
  };
  const auto grew = [&](std::string_view key) { return getInt(status, {key}) > getInt(before, {key}); };
  if (isComplete(deployment, sets)) {
    setDeploymentCondition(status, "Progressing", "True", "NewReplicaSetAvailable",
                           who + " has successfully progressed.", now);
  } else if (grew("updatedReplicas") || grew("readyReplicas") || grew("availableReplicas") ||
             old_replicas(status) < old_replicas(before)) {
    setDeploymentCondition(status, "Progressing", "True", "ReplicaSetUpdated", who + " is progressing.", now, true);
  } else if (progress == nullptr && sets.fresh) {
    setDeploymentCondition(status, "Progressing", "True", "FoundNewReplicaSet",
                           fmt::format("Found new replica set \"{}\"", nameOf(*sets.fresh)), now);
  } else if (progress != nullptr && reason != "NewReplicaSetAvailable" &&
             now >= lastUpdate(*progress) + seconds(deadline)) {
    setDeploymentCondition(status, "Progressing", "False", "ProgressDeadlineExceeded",
                           who + " has timed out progressing.", now);
  }
}

// The new set's failure first, as that is what the user waits for.
void copyFailure(const DeploymentSets& sets, json::object& status, TimePoint now) {
  const json::object* failure = sets.fresh ? findCondition(*sets.fresh, "ReplicaFailure") : nullptr;
  for (const Object& set : sets.old) {
    if (failure == nullptr) failure = findCondition(*set, "ReplicaFailure");
  }
  if (failure == nullptr) return removeCondition(status, "ReplicaFailure");
  setDeploymentCondition(status, "ReplicaFailure", "True", getString(*failure, {"reason"}),
                         getString(*failure, {"message"}), now);
}

}  // namespace

bool isComplete(const json::object& deployment, const DeploymentSets& sets) {
  const std::int64_t replicas = getInt(deployment, {"spec", "replicas"}, 1);
  return sets.fresh && getInt(*sets.fresh, {"status", "replicas"}) == replicas &&
         sum(sets.all, {"status", "replicas"}) == replicas &&
         sum(sets.all, {"status", "availableReplicas"}) == replicas &&
         getInt(*sets.fresh, {"status", "observedGeneration"}) >= getInt(*sets.fresh, {"metadata", "generation"});
}

void fillDeploymentStatus(const json::object& deployment, const DeploymentSets& sets, json::object& status,
                          TimePoint now) {
  const json::object before = status;
  const DeploymentSize size = DeploymentSize::of(deployment);
  const std::int64_t available = sum(sets.all, {"status", "availableReplicas"});
  status["observedGeneration"] = getInt(deployment, {"metadata", "generation"});
  setCount(status, "replicas", sum(sets.all, {"status", "replicas"}));
  setCount(status, "updatedReplicas", sets.fresh ? getInt(*sets.fresh, {"status", "replicas"}) : 0);
  setCount(status, "readyReplicas", sum(sets.all, {"status", "readyReplicas"}));
  setCount(status, "availableReplicas", available);
  setCount(status, "unavailableReplicas", std::max<std::int64_t>(sum(sets.all, {"spec", "replicas"}) - available, 0));
  if (available >= size.replicas - size.max_unavailable) {
    setDeploymentCondition(status, "Available", "True", "MinimumReplicasAvailable",
                           "Deployment has minimum availability.", now);
  } else {
    setDeploymentCondition(status, "Available", "False", "MinimumReplicasUnavailable",
                           "Deployment does not have minimum availability.", now);
  }
  if (!getBool(deployment, {"spec", "paused"})) judgeProgress(deployment, sets, before, status, now);
  copyFailure(sets, status, now);
}

void setDeploymentCondition(json::object& status, std::string_view type, std::string_view value,
                            std::string_view reason, std::string_view message, TimePoint now, bool again) {
  const json::object holder{{"status", status}};
  const auto* before = findCondition(holder, type);
  if (before != nullptr && !again && getString(*before, {"status"}) == value &&
      getString(*before, {"reason"}) == reason)
    return;
  setCondition(status, type, value, reason, message, now);
  for (auto& item : status["conditions"].get_array()) {
    auto* condition = item.if_object();
    if (condition != nullptr && getString(*condition, {"type"}) == type)
      (*condition)["lastUpdateTime"] = formatTime(now);
  }
}

std::optional<TimePoint> progressDeadline(const json::object& deployment) {
  const auto* progress = findCondition(deployment, "Progressing");
  if (progress == nullptr || getBool(deployment, {"spec", "paused"})) return std::nullopt;
  const auto reason = getString(*progress, {"reason"});
  if (reason == "NewReplicaSetAvailable" || reason == "ProgressDeadlineExceeded") return std::nullopt;
  return lastUpdate(*progress) + seconds(getInt(deployment, {"spec", "progressDeadlineSeconds"}));
}

}  // namespace crossfade::local
