// The workload behind spec.workloadRef: scaling it down, and what the status says of it. spec/02 §9.
#include "api/names.hpp"
#include "rollout/pass.hpp"

namespace crossfade::rollout {
namespace {

// Plans the Deployment's size unless it has it already, or isn't known to be one.
void scaleWorkload(const Facts& facts, Draft& draft, std::int64_t replicas, bool required) {
  const auto& workload = facts.snapshot.workload;
  if (!workload || !workload->replicas || *workload->replicas == replicas) return;
  draft.act(ScaleWorkload{facts.spec().workload_ref->name, replicas, required});
}

bool scalesDown(const Facts& facts, std::string_view how) {
  return facts.spec().workload_ref && facts.spec().workload_ref->scale_down == how;
}

}  // namespace

void scaleWorkloadOnSuccess(const Facts& facts, Draft& draft) {
  // Only the first revision replaces the workload.
  if (!scalesDown(facts, "onsuccess") || draft.world.revision != 1) return;
  if (facts.status.phase == api::phase_healthy) scaleWorkload(facts, draft, 0, true);
}

void scaleWorkloadProgressively(const Facts& facts, Draft& draft, bool scaling_down) {
  const api::ReplicaSet* fresh = facts.newRs();
  if (!scalesDown(facts, "progressively") || !fresh || revisionOf(*fresh) != 1) return;
  const std::int64_t ready = facts.status.ready_replicas;
  if (facts.status.phase == api::phase_healthy)
    scaleWorkload(facts, draft, 0, false);
  else if (ready > 0 || scaling_down)
    scaleWorkload(facts, draft, std::max<std::int64_t>(0, facts.replicas - ready), false);
}

std::string workloadObservedGeneration(const Facts& facts) {
  const auto& workload = facts.snapshot.workload;
  return workload && workload->generation != 0 ? std::to_string(workload->generation) : std::string();
}

}  // namespace crossfade::rollout
