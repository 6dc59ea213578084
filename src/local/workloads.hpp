// The controllers inside the embedded cluster, as far as a rollout touches them: ReplicaSet, Deployment, Job, Service
// endpoints, HorizontalPodAutoscaler, PodDisruptionBudget. Event-driven on the registry, a moment after each cause,
// never within the commit; deterministic under a virtual clock.
#pragma once
#include <memory>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "local/registry.hpp"

namespace crossfade::local {

class Workloads {
 public:
  // All outlive the object. Work starts with what the registry holds already.
  Workloads(Registry& registry, Clock& clock, Random& random);
  ~Workloads();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crossfade::local
