// The Rollout as the controller reads it. spec/01 §2 and §3 say what each field means and what its absence means; names
// here are the fields' names in snake_case. What a reader must know beyond that stands beside the field.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "api/object.hpp"
#include "base/boxed.hpp"
#include "base/int_or_percent.hpp"

namespace crossfade::api {

// --- spec ------------------------------------------------------------------------------------------------------------

// previewMetadata, canaryMetadata and their like.
struct PodMetadata {
  Labels labels, annotations;
};

struct AntiAffinity {
  std::optional<std::int64_t> preferred_weight;  // preferredDuringScheduling…weight
  bool preferred = false, required = false;      // which of the two blocks are present
};

struct AnalysisArgument {
  std::string name, value;
  std::string pod_template_hash_value;  // "Stable", "Latest" or ""
  std::string field_path;               // valueFrom.fieldRef.fieldPath or ""
};
struct AnalysisTemplateRef {
  std::string name;
  bool cluster_scope = false;
};
// RolloutAnalysis: a step's, the background's, a promotion's. spec/01 §2.7.
struct Analysis {
  std::vector<AnalysisTemplateRef> templates;
  std::vector<AnalysisArgument> args;
  Carried dry_run, measurement_retention;  // lists as they are
  Labels run_labels, run_annotations;      // analysisRunMetadata
  std::optional<std::int64_t> starting_step;
};

struct PauseStep {
  std::optional<IntOrPercent> duration;  // absent: until promoted
  // The duration in seconds: 0 when absent, -1 when it can't be understood. spec/01 §8.3.
  std::int64_t seconds() const;
};
struct SetCanaryScale {
  std::optional<std::int64_t> weight, replicas;
  bool match_traffic_weight = false;
};
// One element of steps[]. More than one member may be set (invalid); none may be (invalid too).
struct Step {
  std::optional<std::int64_t> set_weight;
  Boxed<PauseStep> pause;
  Boxed<SetCanaryScale> set_canary_scale;
  Carried experiment;  // RolloutExperimentStep
  Boxed<Analysis> analysis;
  Carried set_header_route, set_mirror_route;
  std::string plugin_name;
  Carried plugin;  // {"name":…,"config":…}
};

struct BlueGreen {
  std::string active_service, preview_service;
  std::optional<std::int64_t> preview_replica_count;
  std::optional<bool> auto_promotion_enabled;
  std::int64_t auto_promotion_seconds = 0;
  std::optional<IntOrPercent> max_unavailable;
  std::optional<std::int64_t> scale_down_delay_seconds, scale_down_delay_revision_limit, abort_scale_down_delay_seconds;
  Boxed<Analysis> pre_promotion_analysis, post_promotion_analysis;
  Boxed<AntiAffinity> anti_affinity;
  Boxed<PodMetadata> preview_metadata, active_metadata;
};

struct PingPong {
  std::string ping_service, pong_service;
};
struct ReplicaProgressThreshold {
  std::string type;
  std::int64_t value = 0;
};
struct Canary {
  std::string canary_service, stable_service;
  std::vector<Step> steps;
  Carried traffic_routing;                         // absent: a basic canary; traffic/registry.hpp reads it
  std::optional<std::int64_t> max_traffic_weight;  // trafficRouting.maxTrafficWeight
  std::optional<IntOrPercent> max_unavailable, max_surge;
  Boxed<Analysis> analysis;  // background
  Boxed<AntiAffinity> anti_affinity;
  Boxed<PodMetadata> canary_metadata, stable_metadata;
  std::optional<std::int64_t> scale_down_delay_seconds, scale_down_delay_revision_limit, abort_scale_down_delay_seconds;
  bool dynamic_stable_scale = false;
  Boxed<PingPong> ping_pong;
  std::optional<std::int64_t> min_pods_per_replica_set;
  Boxed<ReplicaProgressThreshold> replica_progress_threshold;

  bool routed() const { return !traffic_routing.empty(); }
  std::int64_t maxTrafficWeight() const { return max_traffic_weight.value_or(100); }
};

struct WorkloadRef {
  std::string api_version, kind, name, scale_down;
};

struct RolloutSpec {
  std::optional<std::int64_t> replicas;
  std::optional<std::int64_t> successful_run_history_limit, unsuccessful_run_history_limit;
  Carried selector;      // absent: see workload_ref
  Carried pod_template;  // as the user wrote it; absent or empty with workload_ref
  Boxed<WorkloadRef> workload_ref;
  std::int64_t min_ready_seconds = 0;
  std::int64_t rollback_window_revisions = 0;
  Boxed<BlueGreen> blue_green;
  Boxed<Canary> canary;
  std::optional<std::int64_t> revision_history_limit;
  bool paused = false;
  std::optional<std::int64_t> progress_deadline_seconds;
  bool progress_deadline_abort = false;
  std::optional<TimePoint> restart_at;

  // Accessors with the defaults of spec/01 §5.1, §5.2.
  std::int64_t replicasOrDefault() const { return replicas.value_or(1); }
  std::int64_t progressDeadlineSeconds() const { return progress_deadline_seconds.value_or(600); }
  std::int64_t revisionHistoryLimit() const { return revision_history_limit.value_or(10); }
};

// --- status ----------------------------------------------------------------------------------------------------------

struct PauseCondition {
  std::string reason;
  std::optional<TimePoint> start_time;
  bool operator==(const PauseCondition&) const = default;
};
struct RunStatus {  // currentStepAnalysisRunStatus and its like
  std::string name, status, message;
  bool operator==(const RunStatus&) const = default;
};
struct WeightDestination {
  std::int64_t weight = 0;
  std::string service_name, pod_template_hash;
  bool operator==(const WeightDestination&) const = default;
};
struct Weights {
  WeightDestination canary, stable;
  std::vector<WeightDestination> additional;
  std::optional<bool> verified;
  bool operator==(const Weights&) const = default;
};
struct CanaryStatus {
  Boxed<RunStatus> current_step_analysis_run, current_background_analysis_run;
  std::string current_experiment;
  Boxed<Weights> weights;
  std::string stable_ping_pong;
  Carried step_plugin_statuses;
  bool operator==(const CanaryStatus&) const = default;
};
struct BlueGreenStatus {
  std::string preview_selector, active_selector;
  bool scale_up_preview_check_point = false;
  Boxed<RunStatus> pre_promotion_analysis_run, post_promotion_analysis_run;
  bool operator==(const BlueGreenStatus&) const = default;
};
struct DurationStatus {
  std::optional<TimePoint> rollout_started_at, manual_pause_started_at, finished_at;
  std::optional<std::int64_t> total_manual_pause_duration_seconds;
  std::optional<std::string> completion_status;
  bool operator==(const DurationStatus&) const = default;
};

struct RolloutStatus {
  bool abort = false;
  std::optional<TimePoint> aborted_at;
  std::vector<PauseCondition> pause_conditions;
  bool controller_pause = false;
  std::string current_pod_hash, current_step_hash;
  std::optional<std::int64_t> current_step_index;
  std::int64_t replicas = 0, updated_replicas = 0, ready_replicas = 0, available_replicas = 0, hpa_replicas = 0;
  std::string selector;
  std::optional<std::int64_t> collision_count;
  std::string observed_generation;
  std::vector<Condition> conditions;
  CanaryStatus canary;
  BlueGreenStatus blue_green;
  std::string stable_rs;
  std::optional<TimePoint> restarted_at;
  bool promote_full = false;
  std::string phase, message, workload_observed_generation;
  Carried alb, albs;
  Boxed<DurationStatus> duration;
  bool operator==(const RolloutStatus&) const = default;
};

// As it goes over the wire, by the emission rules of spec/01 §8.2 (`canary` and `blueGreen` always present).
json::object toJson(const RolloutStatus& status);
// The merge patch {"status":{…}} that turns `from` into `to`; empty object when they are equal. Members unknown to us
// are never touched. Never contains canary:{} or blueGreen:{} unless `from` is a fresh object's. spec/01 §3.1.
json::object statusPatch(const RolloutStatus& from, const RolloutStatus& to);

// --- the object ------------------------------------------------------------------------------------------------------

struct Rollout {
  Metadata metadata;
  RolloutSpec spec;
  RolloutStatus status;
  // False for an object whose status was never written ("status" absent or empty).
  bool has_status = false;
  // The hashes that spec/01 §8.6 gives this template (with status.collisionCount) and these steps, computed once here.
  // template_hash is empty while spec.workload_ref is set: the shell hands the template in, see podTemplateHash().
  std::string template_hash, step_hash;
  // As template_hash, but with the `"creationTimestamp":null` of older libraries. spec/02 §4.3 rule 2.
  std::string legacy_template_hash;
  Malformed malformed;
};

// Never fails: what can't be read is dropped and named in `malformed`. spec/01 §9.
Rollout decodeRollout(const json::object& object);

// spec/01 §8.6, Appendix A. `pod_template` as stored. Byte for byte as existing clusters have it.
std::string podTemplateHash(const json::object& pod_template, std::optional<std::int64_t> collision_count,
                            bool with_null_creation_timestamp = false);
// spec/01 §8.6, Appendix B: null or absent steps hash as the text `null`.
std::string stepHash(const json::value& steps);

// "a=b,c in (x)": how status.selector spells a LabelSelector; "<none>" when empty, "<error>" when invalid. spec/01
// §3.2.
std::string formatSelector(const json::object& selector);

}  // namespace crossfade::api
