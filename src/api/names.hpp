// Labels, annotations and other fixed strings that are part of the contract. spec/01 §4, spec/02 §1.
#pragma once
#include <string_view>

namespace crossfade::api {

inline constexpr std::string_view group = "argoproj.io";
inline constexpr std::string_view version = "v1alpha1";
inline constexpr std::string_view api_version = "argoproj.io/v1alpha1";

inline constexpr std::string_view hash_label = "rollouts-pod-template-hash";
inline constexpr std::string_view revision_annotation = "rollout.argoproj.io/revision";
inline constexpr std::string_view revision_history_annotation = "rollout.argoproj.io/revision-history";
inline constexpr std::string_view desired_replicas_annotation = "rollout.argoproj.io/desired-replicas";
inline constexpr std::string_view workload_generation_annotation = "rollout.argoproj.io/workload-generation";
inline constexpr std::string_view ephemeral_metadata_annotation = "rollout.argoproj.io/ephemeral-metadata";
inline constexpr std::string_view scale_down_deadline_annotation = "scale-down-deadline";
inline constexpr std::string_view managed_by_annotation = "argo-rollouts.argoproj.io/managed-by-rollouts";
inline constexpr std::string_view instance_id_label = "argo-rollouts.argoproj.io/controller-instance-id";
inline constexpr std::string_view rollout_type_label = "rollout-type";
inline constexpr std::string_view step_index_label = "step-index";
inline constexpr std::string_view experiment_name_annotation = "experiment.argoproj.io/name";
inline constexpr std::string_view experiment_template_annotation = "experiment.argoproj.io/template-name";
inline constexpr std::string_view analysis_run_uid_label = "analysisrun.argoproj.io/uid";
inline constexpr std::string_view analysis_run_name_annotation = "analysisrun.argoproj.io/name";
inline constexpr std::string_view analysis_run_namespace_annotation = "analysisrun.argoproj.io/namespace";
inline constexpr std::string_view analysis_run_metric_annotation = "analysisrun.argoproj.io/metric-name";
inline constexpr std::string_view last_applied_annotation = "kubectl.kubernetes.io/last-applied-configuration";
inline constexpr std::string_view notified_annotation = "notified.notifications.argoproj.io";

// status.phase of a Rollout.
inline constexpr std::string_view phase_healthy = "Healthy";
inline constexpr std::string_view phase_degraded = "Degraded";
inline constexpr std::string_view phase_progressing = "Progressing";
inline constexpr std::string_view phase_paused = "Paused";

}  // namespace crossfade::api
