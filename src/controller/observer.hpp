// From the caches (and, where only the server knows, a question to it) to the snapshot of one Rollout.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>

#include "controller/caches.hpp"
#include "controller/settings.hpp"
#include "controller/traffic_control.hpp"
#include "controller/workload_refs.hpp"
#include "controller/world.hpp"
#include "rollout/plan.hpp"

namespace crossfade::controller {

class Observer {
 public:
  // All references outlive the observer.
  Observer(const World& world, const Settings& settings, Caches& caches, TrafficControl& traffic,
           WorkloadRefs& workloads);

  // Fails only where the server had to be asked and did not answer.
  Task<Result<rollout::Snapshot>> observe(std::shared_ptr<const api::Rollout> rollout);

 private:
  // Runs that the status names and that no watch has told of (yet): without them the plan would make them again.
  // spec/06 §13.4.
  Task<Result<>> fetchRecordedRuns(std::shared_ptr<const api::Rollout> rollout);
  Task<Result<std::vector<std::shared_ptr<const api::Pod>>>> podsOf(std::shared_ptr<const api::Rollout> rollout,
                                                                    std::optional<rollout::Workload> workload);

  const World& world_;
  const Settings& settings_;
  Caches& caches_;
  TrafficControl& traffic_;
  WorkloadRefs& workloads_;
  // Recorded runs that the server doesn't have (somebody deleted them), by Rollout: to be asked for once.
  std::map<std::string, std::set<std::string>> gone_;
};

}  // namespace crossfade::controller
