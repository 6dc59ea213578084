// The controllers of local/workloads.hpp, one .cpp each. Every one subscribes to the kinds it cares for, keeps the keys
// to look at in a queue of its own, and compares what is wanted with what is there, one object a step.
#pragma once
#include <memory>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "local/pod_index.hpp"
#include "local/registry.hpp"

namespace crossfade::local {

// All outlive the controllers.
struct ControllerContext {
  Registry& registry;
  Clock& clock;
  Random& random;
  const PodIndex& pods;
};

// Runs until destroyed.
class Controller {
 public:
  virtual ~Controller() = default;
};

std::unique_ptr<Controller> makeReplicaSetController(const ControllerContext& context);
std::unique_ptr<Controller> makeDeploymentController(const ControllerContext& context);
std::unique_ptr<Controller> makeJobController(const ControllerContext& context);
// Endpoints and EndpointSlices.
std::unique_ptr<Controller> makeEndpointsController(const ControllerContext& context);
// HorizontalPodAutoscalers. There are no metrics: the wanted size is what the autoscaler's annotation
// `local.crossfade.dev/desired-replicas` says, else the present one; minReplicas and maxReplicas bound it.
std::unique_ptr<Controller> makeAutoscalerController(const ControllerContext& context);
// The status of PodDisruptionBudgets.
std::unique_ptr<Controller> makeDisruptionController(const ControllerContext& context);

// The field manager of their writes.
constexpr std::string_view controller_manager = "kube-controller-manager";

}  // namespace crossfade::local
