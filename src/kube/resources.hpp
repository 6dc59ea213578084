// A resource as it appears in URLs, and those that the controller and the command line know.
#pragma once
#include <string>
#include <string_view>

namespace crossfade::kube {

struct ResourceKey {
  std::string group;  // "" for core
  std::string version;
  std::string plural;
  std::string kind;
  bool namespaced = true;

  // "/apis/apps/v1" or "/api/v1".
  std::string groupPath() const;
  // The collection ("" for ns: all namespaces), or the object when `name` is not empty, or its subresource.
  // Percent-encoded. `ns` counts only for namespaced resources.
  std::string path(std::string_view ns, std::string_view name = {}, std::string_view subresource = {}) const;
  std::string apiVersion() const { return group.empty() ? version : group + "/" + version; }
  bool operator==(const ResourceKey&) const = default;
};

namespace resources {
inline const ResourceKey rollouts{"argoproj.io", "v1alpha1", "rollouts", "Rollout"};
inline const ResourceKey analysis_runs{"argoproj.io", "v1alpha1", "analysisruns", "AnalysisRun"};
inline const ResourceKey analysis_templates{"argoproj.io", "v1alpha1", "analysistemplates", "AnalysisTemplate"};
inline const ResourceKey cluster_analysis_templates{"argoproj.io", "v1alpha1", "clusteranalysistemplates",
                                                    "ClusterAnalysisTemplate", false};
inline const ResourceKey experiments{"argoproj.io", "v1alpha1", "experiments", "Experiment"};
inline const ResourceKey replica_sets{"apps", "v1", "replicasets", "ReplicaSet"};
inline const ResourceKey deployments{"apps", "v1", "deployments", "Deployment"};
inline const ResourceKey jobs{"batch", "v1", "jobs", "Job"};
inline const ResourceKey leases{"coordination.k8s.io", "v1", "leases", "Lease"};
inline const ResourceKey pods{"", "v1", "pods", "Pod"};
inline const ResourceKey services{"", "v1", "services", "Service"};
inline const ResourceKey secrets{"", "v1", "secrets", "Secret"};
inline const ResourceKey config_maps{"", "v1", "configmaps", "ConfigMap"};
inline const ResourceKey events{"", "v1", "events", "Event"};
inline const ResourceKey pod_templates{"", "v1", "podtemplates", "PodTemplate"};
inline const ResourceKey namespaces{"", "v1", "namespaces", "Namespace", false};
inline const ResourceKey custom_resource_definitions{"apiextensions.k8s.io", "v1", "customresourcedefinitions",
                                                     "CustomResourceDefinition", false};
}  // namespace resources

}  // namespace crossfade::kube
