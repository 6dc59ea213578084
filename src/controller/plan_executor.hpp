// Carries out a Rollout's plan, action by action, and stops at the first that fails (rollout/plan.hpp names the
// exceptions). What the server answers goes into
// the caches at once, so that the next plan sees it.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "controller/caches.hpp"
#include "controller/metrics.hpp"
#include "controller/settings.hpp"
#include "controller/traffic_control.hpp"
#include "controller/world.hpp"
#include "kube/events.hpp"
#include "rollout/plan.hpp"

namespace crossfade::controller {

class PlanExecutor {
 public:
  // All references outlive the executor. `busy` says that other Rollouts wait for their first reaction to an edit.
  PlanExecutor(const World& world, const Settings& settings, Caches& caches, TrafficControl& traffic,
               kube::EventRecorder& events, Metrics& metrics, std::function<bool()> busy);

  // `begun`: a ReplicaSet was created, and what is left is bookkeeping that gives way to the Rollouts that wait. Plan
  // again when it is this one's turn.
  enum class Extent { whole, begun };
  // `snapshot` is what the plan was made from. Neither may change meanwhile: both are the caller's.
  Task<Result<Extent>> execute(const rollout::Snapshot& snapshot, const rollout::Plan& plan);

  // Records an event on a Rollout, and counts it.
  void emit(const api::Rollout& rollout, bool warning, const std::string& reason, const std::string& message);

 private:
  using Snapshot = rollout::Snapshot;
  Task<Result<>> run(const Snapshot& snapshot, const rollout::CreateReplicaSet& action);
  Task<Result<>> run(const Snapshot& snapshot, const rollout::ScaleReplicaSet& action);
  Task<Result<>> run(const Snapshot& snapshot, const rollout::PatchReplicaSet& action);
  Task<Result<>> run(const Snapshot& snapshot, const rollout::ClaimReplicaSet& action);
  Task<Result<>> run(const Snapshot& snapshot, const rollout::DeleteReplicaSet& action);
  Task<Result<>> run(const Snapshot& snapshot, const rollout::PatchServiceSelector& action);
  Task<Result<>> run(const Snapshot& snapshot, const rollout::SetTraffic& action);
  Task<Result<>> run(const Snapshot& snapshot, const rollout::CreateAnalysisRun& action);
  Task<Result<>> run(const Snapshot& snapshot, const rollout::TerminateAnalysisRun& action);
  Task<Result<>> run(const Snapshot& snapshot, const rollout::DeleteAnalysisRun& action);
  Task<Result<>> run(const Snapshot& snapshot, const rollout::CreateExperiment& action);
  Task<Result<>> run(const Snapshot& snapshot, const rollout::TerminateExperiment& action);
  Task<Result<>> run(const Snapshot& snapshot, const rollout::DeleteExperiment& action);
  Task<Result<>> run(const Snapshot& snapshot, const rollout::EvictPod& action);
  Task<Result<>> run(const Snapshot& snapshot, const rollout::PatchPod& action);
  Task<Result<>> run(const Snapshot& snapshot, const rollout::PatchRollout& action);
  Task<Result<>> run(const Snapshot& snapshot, const rollout::ScaleWorkload& action);
  Task<Result<>> run(const Snapshot& snapshot, const rollout::PatchStatus& action);
  Task<Result<>> run(const Snapshot& snapshot, const rollout::EmitEvent& action);

  Task<Result<>> patchReplicaSet(const Snapshot& snapshot, std::string name, std::string resource_version,
                                 json::object patch);
  Task<Result<>> relabel(const Snapshot& snapshot, const rollout::CreateReplicaSet& action);
  Task<Result<>> updatePod(const Snapshot& snapshot, const rollout::PatchPod& action);
  Task<Result<>> isStillThere(const Snapshot& snapshot);
  // Both references outlive the call.
  Task<Result<>> resolveFieldArgs(const Snapshot& snapshot, const rollout::CreateAnalysisRun& action,
                                  std::vector<std::pair<std::string, std::string>>& args);

  const World& world_;
  const Settings& settings_;
  Caches& caches_;
  TrafficControl& traffic_;
  kube::EventRecorder& events_;
  Metrics& metrics_;
  const std::function<bool()> busy_;
};

}  // namespace crossfade::controller
