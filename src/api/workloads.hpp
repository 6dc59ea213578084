// The built-in kinds as the controller reads them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/object.hpp"
#include "base/boxed.hpp"

namespace crossfade::api {

struct ReplicaSet {
  Metadata metadata;
  std::int64_t replicas = 1;  // spec.replicas, 1 when absent
  std::int64_t min_ready_seconds = 0;
  Carried selector;
  Carried pod_template;
  // status
  std::int64_t status_replicas = 0, fully_labeled_replicas = 0, ready_replicas = 0, available_replicas = 0;
  std::int64_t observed_generation = 0;
  Boxed<Condition> replica_failure;

  std::string_view hash() const { return metadata.label("rollouts-pod-template-hash"); }
};
ReplicaSet decodeReplicaSet(const json::object& object);

struct Service {
  Metadata metadata;
  Labels selector;
};
Service decodeService(const json::object& object);

// Enough of a pod for restarts, ephemeral metadata and the tree of `get rollout`.
struct Pod {
  Metadata metadata;
  std::string phase, node;
  std::string reason;  // as `kubectl get pods` shows it: "Running", "CrashLoopBackOff", "Init:0/1". spec/10 §2.4
  bool ready = false;
  std::int64_t restarts = 0, ready_containers = 0, containers = 0;
  std::optional<TimePoint> ready_since;
};
Pod decodePod(const json::object& object);

// An Experiment as far as a Rollout looks at it.
struct Experiment {
  Metadata metadata;
  std::string phase, message;
  bool terminate = false;
  Carried spec, status;
};
Experiment decodeExperiment(const json::object& object);

}  // namespace crossfade::api
