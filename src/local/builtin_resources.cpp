#include "local/builtin_resources.hpp"

#include <charconv>

namespace crossfade::local {

namespace {

// One kind, written as a row of a table and refined by the calls behind it.
struct Row {
  ResourceType type;

  Row(std::string group, std::string version, std::string kind, std::string plural) {
    type.group = std::move(group);
    type.version = version;
    type.kind = std::move(kind);
    type.plural = std::move(plural);
    type.versions = {std::move(version)};
    type.generation = false;
    type.singular = type.kind;
    for (char& letter : type.singular) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  Row&& shortNames(std::vector<std::string> names) && { return type.short_names = std::move(names), std::move(*this); }
  Row&& all() && { return type.categories = {"all"}, std::move(*this); }
  Row&& categories(std::vector<std::string> names) && { return type.categories = std::move(names), std::move(*this); }
  Row&& cluster() && { return type.namespaced = false, std::move(*this); }
  Row&& status() && { return type.has_status = true, std::move(*this); }
  Row&& generation() && { return type.generation = true, std::move(*this); }
  Row&& conditional() && { return type.unconditional_update = false, std::move(*this); }
  // Another version that it is served in (local/api_versions.hpp).
  Row&& also(std::string version) && { return type.versions.push_back(std::move(version)), std::move(*this); }
  Row&& scale() && {
    type.has_scale = true;
    type.scale_replicas = {"spec", "replicas"};
    type.scale_status_replicas = {"status", "replicas"};
    return std::move(*this);
  }
};

// "v1beta2" as (release before beta before alpha before the rest, major, minor).
struct VersionRank {
  int stability = 0;
  int major = 0;
  int minor = 0;
};

VersionRank rank(std::string_view version) {
  VersionRank result;
  if (!version.starts_with('v')) return result;
  const char* end = version.data() + version.size();
  auto [rest, error] = std::from_chars(version.data() + 1, end, result.major);
  if (error != std::errc()) return {};
  const std::string_view tail(rest, static_cast<std::size_t>(end - rest));
  if (tail.empty()) return result.stability = 3, result;
  const bool beta = tail.starts_with("beta");
  const std::string_view digits = beta                        ? tail.substr(4)
                                  : tail.starts_with("alpha") ? tail.substr(5)
                                                              : std::string_view();
  if (digits.empty() || std::from_chars(digits.data(), end, result.minor).ptr != end) return {};
  return result.stability = beta ? 2 : 1, result;
}

}  // namespace

bool betterVersion(std::string_view a, std::string_view b) {
  const VersionRank left = rank(a);
  const VersionRank right = rank(b);
  if (left.stability == 0 && right.stability == 0) return a < b;
  return std::tuple(right.stability, right.major, right.minor) < std::tuple(left.stability, left.major, left.minor);
}

std::vector<ResourceType> builtinResources() {
  const std::string rbac = "rbac.authorization.k8s.io";
  std::vector<Row> rows;
  const auto add = [&rows](Row&& row) { rows.push_back(std::move(row)); };
  add(Row("", "v1", "ConfigMap", "configmaps").shortNames({"cm"}));
  add(Row("", "v1", "Endpoints", "endpoints").shortNames({"ep"}));
  add(Row("", "v1", "Event", "events").shortNames({"ev"}));
  add(Row("", "v1", "LimitRange", "limitranges").shortNames({"limits"}));
  add(Row("", "v1", "Namespace", "namespaces").shortNames({"ns"}).cluster().status());
  add(Row("", "v1", "Node", "nodes").shortNames({"no"}).cluster().status());
  add(Row("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims").shortNames({"pvc"}).status());
  add(Row("", "v1", "PersistentVolume", "persistentvolumes").shortNames({"pv"}).cluster().status());
  add(Row("", "v1", "Pod", "pods").shortNames({"po"}).all().status().generation());
  add(Row("", "v1", "PodTemplate", "podtemplates").generation());
  add(Row("", "v1", "ReplicationController", "replicationcontrollers")
          .shortNames({"rc"})
          .all()
          .status()
          .generation()
          .scale());
  add(Row("", "v1", "ResourceQuota", "resourcequotas").shortNames({"quota"}).status());
  add(Row("", "v1", "Secret", "secrets"));
  add(Row("", "v1", "ServiceAccount", "serviceaccounts").shortNames({"sa"}));
  add(Row("", "v1", "Service", "services").shortNames({"svc"}).all().status());
  add(Row("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions")
          .shortNames({"crd", "crds"})
          .categories({"api-extensions"})
          .cluster()
          .status()
          .generation()
          .conditional());
  add(Row("apps", "v1", "ControllerRevision", "controllerrevisions"));
  add(Row("apps", "v1", "DaemonSet", "daemonsets").shortNames({"ds"}).all().status().generation());
  add(Row("apps", "v1", "Deployment", "deployments").shortNames({"deploy"}).all().status().generation().scale());
  add(Row("apps", "v1", "ReplicaSet", "replicasets").shortNames({"rs"}).all().status().generation().scale());
  add(Row("apps", "v1", "StatefulSet", "statefulsets").shortNames({"sts"}).all().status().generation().scale());
  add(Row("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
          .also("v1")
          .shortNames({"hpa"})
          .all()
          .status());
  add(Row("batch", "v1", "CronJob", "cronjobs").shortNames({"cj"}).all().status().generation());
  add(Row("batch", "v1", "Job", "jobs").all().status().generation());
  add(Row("coordination.k8s.io", "v1", "Lease", "leases").conditional());
  add(Row("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices").generation());
  add(Row("networking.k8s.io", "v1", "IngressClass", "ingressclasses").cluster().generation());
  add(Row("networking.k8s.io", "v1", "Ingress", "ingresses").shortNames({"ing"}).status().generation());
  add(Row("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies").shortNames({"netpol"}).generation());
  add(Row("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
          .shortNames({"pdb"})
          .status()
          .generation()
          .conditional());
  add(Row(rbac, "v1", "ClusterRoleBinding", "clusterrolebindings").cluster());
  add(Row(rbac, "v1", "ClusterRole", "clusterroles").cluster());
  add(Row(rbac, "v1", "RoleBinding", "rolebindings"));
  add(Row(rbac, "v1", "Role", "roles"));
  add(Row("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses").shortNames({"pc"}).cluster().generation());
  std::vector<ResourceType> types;
  types.reserve(rows.size());
  for (Row& row : rows) types.push_back(std::move(row.type));
  return types;
}

}  // namespace crossfade::local
