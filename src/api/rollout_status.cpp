// From JSON to a Rollout's status and back. spec/01 §3, §8.2.
#include "api/rollout_status.hpp"

#include "api/emit.hpp"

namespace crossfade::api {
namespace {

Boxed<RunStatus> readRunStatus(const Fields& fields) {
  if (!fields.present()) return std::nullopt;
  return RunStatus{
      .name = fields.string("name"), .status = fields.string("status"), .message = fields.string("message")};
}

WeightDestination readDestination(const Fields& fields) {
  return {.weight = fields.int32("weight").value_or(0),
          .service_name = fields.string("serviceName"),
          .pod_template_hash = fields.string("podTemplateHash")};
}

Boxed<Weights> readWeights(const Fields& fields) {
  if (!fields.present()) return std::nullopt;
  Weights weights{.canary = readDestination(fields.child("canary")),
                  .stable = readDestination(fields.child("stable")),
                  .additional = {},
                  .verified = fields.optionalBoolean("verified")};
  fields.each("additional", [&](const Fields& element) { weights.additional.push_back(readDestination(element)); });
  return weights;
}

CanaryStatus readCanaryStatus(const Fields& fields) {
  return {.current_step_analysis_run = readRunStatus(fields.child("currentStepAnalysisRunStatus")),
          .current_background_analysis_run = readRunStatus(fields.child("currentBackgroundAnalysisRunStatus")),
          .current_experiment = fields.string("currentExperiment"),
          .weights = readWeights(fields.child("weights")),
          .stable_ping_pong = fields.string("stablePingPong"),
          .step_plugin_statuses = fields.carriedList("stepPluginStatuses")};
}

BlueGreenStatus readBlueGreenStatus(const Fields& fields) {
  return {.preview_selector = fields.string("previewSelector"),
          .active_selector = fields.string("activeSelector"),
          .scale_up_preview_check_point = fields.boolean("scaleUpPreviewCheckPoint"),
          .pre_promotion_analysis_run = readRunStatus(fields.child("prePromotionAnalysisRunStatus")),
          .post_promotion_analysis_run = readRunStatus(fields.child("postPromotionAnalysisRunStatus"))};
}

Boxed<DurationStatus> readDuration(const Fields& fields) {
  if (!fields.present()) return std::nullopt;
  DurationStatus duration{.rollout_started_at = fields.time("rolloutStartedAt"),
                          .manual_pause_started_at = fields.time("manualPauseStartedAt"),
                          .finished_at = fields.time("finishedAt"),
                          .total_manual_pause_duration_seconds = fields.int64("totalManualPauseDurationSeconds"),
                          .completion_status = std::nullopt};
  if (std::string completion = fields.string("completionStatus"); !completion.empty()) {
    duration.completion_status = std::move(completion);
  }
  return duration;
}

}  // namespace

RolloutStatus readRolloutStatus(const Fields& fields) {
  RolloutStatus status{.abort = fields.boolean("abort"),
                       .aborted_at = fields.time("abortedAt"),
                       .pause_conditions = {},
                       .controller_pause = fields.boolean("controllerPause"),
                       .current_pod_hash = fields.string("currentPodHash"),
                       .current_step_hash = fields.string("currentStepHash"),
                       .current_step_index = fields.int32("currentStepIndex"),
                       .replicas = fields.int32("replicas").value_or(0),
                       .updated_replicas = fields.int32("updatedReplicas").value_or(0),
                       .ready_replicas = fields.int32("readyReplicas").value_or(0),
                       .available_replicas = fields.int32("availableReplicas").value_or(0),
                       .hpa_replicas = fields.int32("HPAReplicas").value_or(0),
                       .selector = fields.string("selector"),
                       .collision_count = fields.int32("collisionCount"),
                       .observed_generation = fields.string("observedGeneration"),
                       .conditions = readConditions(fields),
                       .canary = readCanaryStatus(fields.child("canary")),
                       .blue_green = readBlueGreenStatus(fields.child("blueGreen")),
                       .stable_rs = fields.string("stableRS"),
                       .restarted_at = fields.time("restartedAt"),
                       .promote_full = fields.boolean("promoteFull"),
                       .phase = fields.string("phase"),
                       .message = fields.string("message"),
                       .workload_observed_generation = fields.string("workloadObservedGeneration"),
                       .alb = fields.carriedObject("alb"),
                       .albs = fields.carriedList("albs"),
                       .duration = readDuration(fields.child("duration"))};
  fields.each("pauseConditions", [&](const Fields& pause) {
    status.pause_conditions.push_back({.reason = pause.string("reason"), .start_time = pause.time("startTime")});
  });
  return status;
}

namespace {

void put(json::object& object, std::string_view key, const Boxed<RunStatus>& run) {
  if (!run) return;
  json::object& made = object[key].emplace_object();
  made["name"] = run->name;
  made["status"] = run->status;
  emit(made, "message", run->message);
}

json::object toJson(const WeightDestination& destination) {
  json::object object{{"weight", destination.weight}};
  emit(object, "serviceName", destination.service_name);
  emit(object, "podTemplateHash", destination.pod_template_hash);
  return object;
}

json::object toJson(const Weights& weights) {
  json::object object{{"canary", toJson(weights.canary)}, {"stable", toJson(weights.stable)}};
  if (!weights.additional.empty()) {
    json::array& additional = object["additional"].emplace_array();
    for (const auto& destination : weights.additional) additional.push_back(toJson(destination));
  }
  emit(object, "verified", weights.verified);
  return object;
}

json::object toJson(const CanaryStatus& canary) {
  json::object object;
  put(object, "currentStepAnalysisRunStatus", canary.current_step_analysis_run);
  put(object, "currentBackgroundAnalysisRunStatus", canary.current_background_analysis_run);
  emit(object, "currentExperiment", canary.current_experiment);
  if (canary.weights) object["weights"] = toJson(*canary.weights);
  emit(object, "stablePingPong", canary.stable_ping_pong);
  emit(object, "stepPluginStatuses", canary.step_plugin_statuses);
  return object;
}

json::object toJson(const BlueGreenStatus& blue_green) {
  json::object object;
  emit(object, "previewSelector", blue_green.preview_selector);
  emit(object, "activeSelector", blue_green.active_selector);
  emit(object, "scaleUpPreviewCheckPoint", blue_green.scale_up_preview_check_point);
  put(object, "prePromotionAnalysisRunStatus", blue_green.pre_promotion_analysis_run);
  put(object, "postPromotionAnalysisRunStatus", blue_green.post_promotion_analysis_run);
  return object;
}

json::object toJson(const DurationStatus& duration) {
  json::object object;
  emit(object, "rolloutStartedAt", duration.rollout_started_at);
  emit(object, "manualPauseStartedAt", duration.manual_pause_started_at);
  emit(object, "totalManualPauseDurationSeconds", duration.total_manual_pause_duration_seconds);
  emit(object, "finishedAt", duration.finished_at);
  emit(object, "completionStatus", duration.completion_status);
  return object;
}

}  // namespace

json::object toJson(const RolloutStatus& status) {
  json::object object;
  emit(object, "abort", status.abort);
  if (!status.pause_conditions.empty()) {
    json::array& pauses = object["pauseConditions"].emplace_array();
    for (const auto& pause : status.pause_conditions) {
      pauses.push_back(json::object{{"reason", pause.reason}, {"startTime", timeOrNull(pause.start_time)}});
    }
  }
  emit(object, "controllerPause", status.controller_pause);
  emit(object, "abortedAt", status.aborted_at);
  emit(object, "currentPodHash", status.current_pod_hash);
  emit(object, "currentStepHash", status.current_step_hash);
  emit(object, "replicas", status.replicas);
  emit(object, "updatedReplicas", status.updated_replicas);
  emit(object, "readyReplicas", status.ready_replicas);
  emit(object, "availableReplicas", status.available_replicas);
  emit(object, "currentStepIndex", status.current_step_index);
  emit(object, "collisionCount", status.collision_count);
  emit(object, "observedGeneration", status.observed_generation);
  if (!status.conditions.empty()) {
    json::array& conditions = object["conditions"].emplace_array();
    for (const auto& condition : status.conditions) {
      conditions.push_back(json::object{{"type", condition.type},
                                        {"status", condition.status},
                                        {"lastUpdateTime", timeOrNull(condition.last_update)},
                                        {"lastTransitionTime", timeOrNull(condition.last_transition)},
                                        {"reason", condition.reason},
                                        {"message", condition.message}});
    }
  }
  object["canary"] = toJson(status.canary);
  object["blueGreen"] = toJson(status.blue_green);
  emit(object, "HPAReplicas", status.hpa_replicas);
  emit(object, "selector", status.selector);
  emit(object, "stableRS", status.stable_rs);
  emit(object, "restartedAt", status.restarted_at);
  emit(object, "promoteFull", status.promote_full);
  emit(object, "phase", status.phase);
  emit(object, "message", status.message);
  emit(object, "workloadObservedGeneration", status.workload_observed_generation);
  emit(object, "alb", status.alb);
  emit(object, "albs", status.albs);
  if (status.duration) object["duration"] = toJson(*status.duration);
  return object;
}

json::object statusPatch(const RolloutStatus& from, const RolloutStatus& to) {
  if (from == to) return {};
  // A fresh object has neither `canary` nor `blueGreen` yet: its first write brings them, empty or not.
  json::object difference = mergeDiff(from == RolloutStatus{} ? json::object() : toJson(from), toJson(to));
  if (difference.empty()) return {};
  return {{"status", std::move(difference)}};
}

}  // namespace crossfade::api
