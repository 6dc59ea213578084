// The workloads behind spec.workloadRef: watched from the first Rollout that refers to their kind. spec/02 §9.2, §9.3.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "api/rollout.hpp"
#include "controller/settings.hpp"
#include "controller/world.hpp"
#include "kube/cache.hpp"
#include "kube/watcher.hpp"
#include "rollout/plan.hpp"

namespace crossfade::controller {

// A Deployment, ReplicaSet or PodTemplate, as far as a Rollout needs it.
struct WorkloadObject {
  api::Metadata metadata;
  api::Carried pod_template, selector;
  std::optional<std::int64_t> replicas;
};

class WorkloadRefs {
 public:
  // Told of a workload's change: the kind ("Deployment"), namespace, name, generation (0: it is gone).
  using Listener = std::function<void(const std::string& kind, const std::string& ns, const std::string& name,
                                      std::int64_t generation)>;

  // `world` outlives it.
  WorkloadRefs(const World& world, const Settings& settings, Listener listener);
  // The workload of a Rollout that has spec.workloadRef; what went wrong is in its `error`.
  Task<rollout::Workload> resolve(std::shared_ptr<const api::Rollout> rollout);

 private:
  struct Followed {
    kube::Cache<WorkloadObject> cache;
    std::unique_ptr<kube::Watcher> watcher;
    explicit Followed(std::function<WorkloadObject(const json::object&)> decode) : cache(std::move(decode)) {}
  };
  Followed& follow(const kube::ResourceKey& resource, bool nested_template);

  const World& world_;
  std::string ns_;
  Listener listener_;
  std::map<std::string, std::unique_ptr<Followed>> followed_;  // by kind
};

}  // namespace crossfade::controller
