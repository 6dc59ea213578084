#include "api/workloads.hpp"

#include "api/fields.hpp"

namespace crossfade::api {

ReplicaSet decodeReplicaSet(const json::object& object) {
  Malformed ignored;
  const Fields root(&object, {}, ignored);
  const Fields spec = root.child("spec"), status = root.child("status");
  ReplicaSet replica_set{.metadata = decodeMetadata(object),
                         .replicas = spec.int32("replicas").value_or(1),
                         .min_ready_seconds = spec.int32("minReadySeconds").value_or(0),
                         .selector = spec.carriedObject("selector"),
                         .pod_template = spec.carriedObject("template"),
                         .status_replicas = status.int32("replicas").value_or(0),
                         .fully_labeled_replicas = status.int32("fullyLabeledReplicas").value_or(0),
                         .ready_replicas = status.int32("readyReplicas").value_or(0),
                         .available_replicas = status.int32("availableReplicas").value_or(0),
                         .observed_generation = status.int64("observedGeneration").value_or(0),
                         .replica_failure = std::nullopt};
  for (Condition& condition : readConditions(status)) {
    if (condition.type == "ReplicaFailure") replica_set.replica_failure = std::move(condition);
  }
  return replica_set;
}

Service decodeService(const json::object& object) {
  Malformed ignored;
  return {.metadata = decodeMetadata(object),
          .selector = Fields(&object, {}, ignored).child("spec").labels("selector")};
}

Experiment decodeExperiment(const json::object& object) {
  Malformed ignored;
  const Fields root(&object, {}, ignored);
  const Fields status = root.child("status");
  return {.metadata = decodeMetadata(object),
          .phase = status.string("phase"),
          .message = status.string("message"),
          .terminate = root.child("spec").boolean("terminate"),
          .spec = root.carriedObject("spec"),
          .status = root.carriedObject("status")};
}

}  // namespace crossfade::api
