#include "local/workloads.hpp"

#include "local/controllers.hpp"
#include "local/event_recorder.hpp"
#include "local/pod_index.hpp"

namespace crossfade::local {

struct Workloads::Impl {
  Impl(Registry& registry, Clock& clock, Random& random) : pods(registry), expiry(registry, clock) {
    const ControllerContext context{registry, clock, random, pods};
    for (const auto make : {makeReplicaSetController, makeDeploymentController, makeJobController,
                            makeEndpointsController, makeAutoscalerController, makeDisruptionController}) {
      controllers.push_back(make(context));
    }
  }

  PodIndex pods;
  EventExpiry expiry;
  std::vector<std::unique_ptr<Controller>> controllers;
};

Workloads::Workloads(Registry& registry, Clock& clock, Random& random)
    : impl_(std::make_unique<Impl>(registry, clock, random)) {}
Workloads::~Workloads() = default;

}  // namespace crossfade::local
