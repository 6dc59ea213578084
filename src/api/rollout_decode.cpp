// From JSON to a Rollout's spec, and to the whole object. spec/01 §2, §8, §9.
#include <charconv>

#include "api/canonical.hpp"
#include "api/fields.hpp"
#include "api/rollout.hpp"
#include "api/rollout_status.hpp"

namespace crossfade::api {

std::int64_t PauseStep::seconds() const {
  if (!duration) return 0;
  if (const int* number = std::get_if<int>(&duration->value)) return *number;
  const std::string& text = std::get<std::string>(duration->value);
  const char* begin = text.data() + (text.size() > 1 && text[0] == '+' && text[1] != '-' ? 1 : 0);
  const char* end = text.data() + text.size();
  std::int32_t number = 0;
  if (const auto [rest, error] = std::from_chars(begin, end, number); error == std::errc() && rest == end)
    return number;
  const auto parsed = parseGoDuration(text);
  if (!parsed) return -1;
  const std::int64_t whole = std::chrono::duration_cast<crossfade::seconds>(*parsed).count();
  return std::in_range<std::int32_t>(whole) ? whole : -1;
}

namespace {

// An optional nested object, read by `read`.
template <class T>
Boxed<T> optional(const Fields& fields, T (*read)(const Fields&)) {
  if (!fields.present()) return std::nullopt;
  return read(fields);
}

PodMetadata readPodMetadata(const Fields& fields) {
  return {.labels = fields.labels("labels"), .annotations = fields.labels("annotations")};
}

AntiAffinity readAntiAffinity(const Fields& fields) {
  const Fields preferred = fields.child("preferredDuringSchedulingIgnoredDuringExecution");
  return {.preferred_weight = preferred.int32("weight"),
          .preferred = preferred.present(),
          .required = fields.child("requiredDuringSchedulingIgnoredDuringExecution").present()};
}

Analysis readAnalysis(const Fields& fields) {
  Analysis analysis;
  fields.each("templates", [&](const Fields& reference) {
    analysis.templates.push_back(
        {.name = reference.string("templateName"), .cluster_scope = reference.boolean("clusterScope")});
  });
  fields.each("args", [&](const Fields& argument) {
    const Fields source = argument.child("valueFrom");
    analysis.args.push_back({.name = argument.string("name"),
                             .value = argument.string("value"),
                             .pod_template_hash_value = source.string("podTemplateHashValue"),
                             .field_path = source.child("fieldRef").string("fieldPath")});
  });
  analysis.dry_run = fields.carriedList("dryRun");
  analysis.measurement_retention = fields.carriedList("measurementRetention");
  const Fields metadata = fields.child("analysisRunMetadata");
  analysis.run_labels = metadata.labels("labels");
  analysis.run_annotations = metadata.labels("annotations");
  analysis.starting_step = fields.int32("startingStep");
  return analysis;
}

PauseStep readPause(const Fields& fields) { return {.duration = fields.intOrPercent("duration")}; }

SetCanaryScale readSetCanaryScale(const Fields& fields) {
  return {.weight = fields.int32("weight"),
          .replicas = fields.int32("replicas"),
          .match_traffic_weight = fields.boolean("matchTrafficWeight")};
}

Step readStep(const Fields& fields) {
  return {.set_weight = fields.int32("setWeight"),
          .pause = optional(fields.child("pause"), readPause),
          .set_canary_scale = optional(fields.child("setCanaryScale"), readSetCanaryScale),
          .experiment = fields.carriedObject("experiment"),
          .analysis = optional(fields.child("analysis"), readAnalysis),
          .set_header_route = fields.carriedObject("setHeaderRoute"),
          .set_mirror_route = fields.carriedObject("setMirrorRoute"),
          .plugin_name = fields.child("plugin").string("name"),
          .plugin = fields.carriedObject("plugin")};
}

BlueGreen readBlueGreen(const Fields& fields) {
  return {.active_service = fields.string("activeService"),
          .preview_service = fields.string("previewService"),
          .preview_replica_count = fields.int32("previewReplicaCount"),
          .auto_promotion_enabled = fields.optionalBoolean("autoPromotionEnabled"),
          .auto_promotion_seconds = fields.int32("autoPromotionSeconds").value_or(0),
          .max_unavailable = fields.intOrPercent("maxUnavailable"),
          .scale_down_delay_seconds = fields.int32("scaleDownDelaySeconds"),
          .scale_down_delay_revision_limit = fields.int32("scaleDownDelayRevisionLimit"),
          .abort_scale_down_delay_seconds = fields.int32("abortScaleDownDelaySeconds"),
          .pre_promotion_analysis = optional(fields.child("prePromotionAnalysis"), readAnalysis),
          .post_promotion_analysis = optional(fields.child("postPromotionAnalysis"), readAnalysis),
          .anti_affinity = optional(fields.child("antiAffinity"), readAntiAffinity),
          .preview_metadata = optional(fields.child("previewMetadata"), readPodMetadata),
          .active_metadata = optional(fields.child("activeMetadata"), readPodMetadata)};
}

PingPong readPingPong(const Fields& fields) {
  return {.ping_service = fields.string("pingService"), .pong_service = fields.string("pongService")};
}

ReplicaProgressThreshold readThreshold(const Fields& fields) {
  return {.type = fields.string("type"), .value = fields.int32("value").value_or(0)};
}

Canary readCanary(const Fields& fields) {
  Canary canary{.canary_service = fields.string("canaryService"),
                .stable_service = fields.string("stableService"),
                .steps = {},
                .traffic_routing = fields.carriedObject("trafficRouting"),
                .max_traffic_weight = fields.child("trafficRouting").int32("maxTrafficWeight"),
                .max_unavailable = fields.intOrPercent("maxUnavailable"),
                .max_surge = fields.intOrPercent("maxSurge"),
                .analysis = optional(fields.child("analysis"), readAnalysis),
                .anti_affinity = optional(fields.child("antiAffinity"), readAntiAffinity),
                .canary_metadata = optional(fields.child("canaryMetadata"), readPodMetadata),
                .stable_metadata = optional(fields.child("stableMetadata"), readPodMetadata),
                .scale_down_delay_seconds = fields.int32("scaleDownDelaySeconds"),
                .scale_down_delay_revision_limit = fields.int32("scaleDownDelayRevisionLimit"),
                .abort_scale_down_delay_seconds = fields.int32("abortScaleDownDelaySeconds"),
                .dynamic_stable_scale = fields.boolean("dynamicStableScale"),
                .ping_pong = optional(fields.child("pingPong"), readPingPong),
                .min_pods_per_replica_set = fields.int32("minPodsPerReplicaSet"),
                .replica_progress_threshold = optional(fields.child("replicaProgressThreshold"), readThreshold)};
  fields.each("steps", [&](const Fields& step) { canary.steps.push_back(readStep(step)); });
  canary.steps.shrink_to_fit();
  return canary;
}

WorkloadRef readWorkloadRef(const Fields& fields) {
  return {.api_version = fields.string("apiVersion"),
          .kind = fields.string("kind"),
          .name = fields.string("name"),
          .scale_down = fields.string("scaleDown")};
}

RolloutSpec readSpec(const Fields& fields) {
  const Fields analysis = fields.child("analysis");
  const Fields strategy = fields.child("strategy");
  return {.replicas = fields.int32("replicas"),
          .successful_run_history_limit = analysis.int32("successfulRunHistoryLimit"),
          .unsuccessful_run_history_limit = analysis.int32("unsuccessfulRunHistoryLimit"),
          .selector = fields.carriedObject("selector"),
          .pod_template = fields.carriedObject("template"),
          .workload_ref = optional(fields.child("workloadRef"), readWorkloadRef),
          .min_ready_seconds = fields.int32("minReadySeconds").value_or(0),
          .rollback_window_revisions = fields.child("rollbackWindow").int32("revisions").value_or(0),
          .blue_green = optional(strategy.child("blueGreen"), readBlueGreen),
          .canary = optional(strategy.child("canary"), readCanary),
          .revision_history_limit = fields.int32("revisionHistoryLimit"),
          .paused = fields.boolean("paused"),
          .progress_deadline_seconds = fields.int32("progressDeadlineSeconds"),
          .progress_deadline_abort = fields.boolean("progressDeadlineAbort"),
          .restart_at = fields.time("restartAt")};
}

}  // namespace

Rollout decodeRollout(const json::object& object) {
  Rollout rollout;
  const Fields spec = Fields(getObject(object, {"spec"}), "spec", rollout.malformed);
  const Fields status = Fields(getObject(object, {"status"}), "status", rollout.malformed);
  rollout.metadata = decodeMetadata(object);
  rollout.spec = readSpec(spec);
  rollout.status = readRolloutStatus(status);
  rollout.has_status = status.present() && !status.object()->empty();
  if (!rollout.spec.workload_ref) {
    static const json::object no_template;
    const json::object* pod_template = getObject(object, {"spec", "template"});
    const PodTemplateHashes hashes = podTemplateHashes(pod_template == nullptr ? no_template : *pod_template,
                                                       rollout.status.collision_count, &rollout.malformed);
    rollout.template_hash = hashes.current;
    rollout.legacy_template_hash = hashes.legacy;
  }
  if (rollout.spec.canary) {
    const json::value* steps = find(object, {"spec", "strategy", "canary", "steps"});
    rollout.step_hash = stepHash(steps == nullptr ? json::value() : *steps);
  }
  return rollout;
}

}  // namespace crossfade::api
