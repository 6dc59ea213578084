// The arithmetic of a Deployment's ReplicaSets: how a rolling update and a change of size divide the pods. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace crossfade::local {

// One ReplicaSet of a Deployment, with what the arithmetic needs.
struct SetSize {
  std::string name;
  std::int64_t replicas = 0;          // spec
  std::int64_t available = 0;         // status
  std::int64_t max_before_scale = 0;  // annotation deployment.kubernetes.io/max-replicas; 0: unknown
};

struct DeploymentSize {
  std::int64_t replicas = 0;
  bool rolling = true;                              // else Recreate
  std::int64_t max_surge = 0, max_unavailable = 0;  // resolved; never both zero
  static DeploymentSize of(const json::object& deployment);
};

// Replicas of the new set in the next step of an update. `others` are all other sets.
std::int64_t nextNewReplicas(const DeploymentSize& size, const SetSize& fresh, const std::vector<SetSize>& others);

// Replicas of the old sets (oldest first, same order returned) in the next step: first those that aren't available,
// then as many as the minimum of available pods allows.
std::vector<std::int64_t> nextOldReplicas(const DeploymentSize& size, const SetSize& fresh,
                                          const std::vector<SetSize>& old);

// The sets of a Deployment whose size changed in the middle of an update, each by its share. `sets` are those with
// replicas, in the order in which the remainder is given out (same order returned); `replicas_before` is
// status.replicas.
std::vector<std::int64_t> proportionalReplicas(const DeploymentSize& size, const std::vector<SetSize>& sets,
                                               std::int64_t replicas_before);

}  // namespace crossfade::local
