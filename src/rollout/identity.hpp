// Which ReplicaSets belong to a Rollout, which of them is the one of its template, and how that one is made. The rest
// of identity.cpp (revisions, history) is declared in pass.hpp.
#pragma once
#include <optional>
#include <vector>

#include "rollout/pass.hpp"

namespace crossfade::rollout {

// What makes an object the Rollout's own.
json::object ownerReference(const api::Rollout& rollout);

// Template, selector and hashes in force. Requires that the workload, if there is one, has no error.
Desired desiredOf(const Snapshot& snapshot);

struct Claim {
  std::vector<ReplicaSetRef> mine;  // by creation time, then name
  std::vector<Action> actions;      // adoptions and releases that must come first
};
// spec/02 §4.7. Nothing is claimed or released while the selector is not known.
Claim claimReplicaSets(const Snapshot& snapshot, const Desired& desired);

// Index of the ReplicaSet made from the desired template. spec/02 §4.3.
std::optional<std::size_t> findNew(const Desired& desired, const std::vector<ReplicaSetRef>& mine);

// The new ReplicaSet doesn't exist: creates it (with no pods), and tells the Rollout its revision. spec/02 §4.6.
void createNew(const Facts& facts, Draft& draft);

}  // namespace crossfade::rollout
