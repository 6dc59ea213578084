// The defaults of built-in kinds, as the API server's Go code sets them.
#include <fmt/format.h>

#include "base/base64.hpp"
#include "local/admission.hpp"
#include "local/custom_resources.hpp"

namespace crossfade::local {

namespace {

void setDefault(json::object& object, std::string_view key, json::value value) {
  auto& slot = object[key];
  if (slot.is_null()) slot = std::move(value);
}

void setDefaultText(json::object& object, std::string_view key, std::string_view text) {
  auto& slot = object[key];
  if (slot.is_null() || (slot.is_string() && slot.get_string().empty())) slot = text;
}

template <class F>
void forEachObject(json::object& parent, std::string_view key, F&& visit) {
  auto* list = parent.if_contains(key);
  if (list == nullptr || !list->is_array()) return;
  for (auto& item : list->get_array()) {
    if (auto* object = item.if_object()) visit(*object);
  }
}

json::object* member(json::object& parent, std::string_view key) {
  auto* value = parent.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

void defaultHandler(json::object& handler) {
  if (auto* http = member(handler, "httpGet")) {
    setDefaultText(*http, "path", "/");
    setDefaultText(*http, "scheme", "HTTP");
  }
  if (auto* grpc = member(handler, "grpc")) setDefault(*grpc, "service", "");
}

void defaultProbe(json::object& container, std::string_view key) {
  auto* probe = member(container, key);
  if (probe == nullptr) return;
  const auto atLeastOne = [probe](std::string_view name, std::int64_t value) {
    if (getInt(*probe, {name}) == 0) (*probe)[name] = value;
  };
  atLeastOne("timeoutSeconds", 1);
  atLeastOne("periodSeconds", 10);
  atLeastOne("successThreshold", 1);
  atLeastOne("failureThreshold", 3);
  defaultHandler(*probe);
}

// "Always" for :latest and for no tag at all.
std::string_view pullPolicy(std::string_view image) {
  if (image.find('@') != std::string_view::npos) return "IfNotPresent";
  const std::size_t slash = image.rfind('/');
  const std::size_t colon = image.find(':', slash == std::string_view::npos ? 0 : slash);
  return colon == std::string_view::npos || image.substr(colon + 1) == "latest" ? "Always" : "IfNotPresent";
}

void defaultContainer(json::object& container) {
  setDefault(container, "resources", json::object());
  setDefaultText(container, "terminationMessagePath", "/dev/termination-log");
  setDefaultText(container, "terminationMessagePolicy", "File");
  setDefaultText(container, "imagePullPolicy", pullPolicy(getString(container, {"image"})));
  forEachObject(container, "ports", [](json::object& port) { setDefaultText(port, "protocol", "TCP"); });
  forEachObject(container, "env", [](json::object& variable) {
    if (auto* field = find(variable, {"valueFrom", "fieldRef"}); field != nullptr && field->is_object()) {
      setDefaultText(field->get_object(), "apiVersion", "v1");
    }
  });
  for (const std::string_view probe : {"livenessProbe", "readinessProbe", "startupProbe"})
    defaultProbe(container, probe);
  if (auto* lifecycle = member(container, "lifecycle")) {
    for (const std::string_view hook : {"postStart", "preStop"}) {
      if (auto* handler = member(*lifecycle, hook)) defaultHandler(*handler);
    }
  }
}

void defaultFieldItems(json::object& source) {
  forEachObject(source, "items", [](json::object& item) {
    if (auto* field = member(item, "fieldRef")) setDefaultText(*field, "apiVersion", "v1");
  });
}

void defaultVolume(json::object& volume) {
  constexpr std::int64_t readable_mode = 0644;
  if (volume.size() == 1 && volume.contains("name")) volume["emptyDir"] = json::object();
  for (const std::string_view source : {"secret", "configMap", "downwardAPI", "projected"}) {
    if (auto* object = member(volume, source)) setDefault(*object, "defaultMode", readable_mode);
  }
  if (auto* downward = member(volume, "downwardAPI")) defaultFieldItems(*downward);
  if (auto* projected = member(volume, "projected")) {
    forEachObject(*projected, "sources", [](json::object& source) {
      if (auto* token = member(source, "serviceAccountToken")) setDefault(*token, "expirationSeconds", 3600);
      if (auto* downward = member(source, "downwardAPI")) defaultFieldItems(*downward);
    });
  }
  if (auto* host = member(volume, "hostPath")) setDefault(*host, "type", "");
}

void defaultTemplate(json::object& object, std::initializer_list<std::string_view> path) {
  json::object& pod_template = ensureObject(object, path);
  setDefault(pod_template, "metadata", json::object());
  if (pod_template["metadata"].is_object()) pod_template["metadata"].get_object().erase("creationTimestamp");
  defaultPodSpec(ensureObject(pod_template, {"spec"}));
}

// Of pods themselves, not of templates: what is limited is requested.
void requestLimits(json::object& container) {
  const auto* limits = getObject(container, {"resources", "limits"});
  if (limits == nullptr) return;
  const json::object wanted = *limits;
  json::object& requests = ensureObject(container, {"resources", "requests"});
  for (const auto& [name, amount] : wanted) {
    if (!requests.contains(name)) requests[name] = amount;
  }
}

void defaultPod(json::object& pod) {
  json::object& spec = ensureObject(pod, {"spec"});
  defaultPodSpec(spec);
  forEachObject(spec, "initContainers", requestLimits);
  forEachObject(spec, "containers", requestLimits);
  setDefault(spec, "enableServiceLinks", true);
  if (const std::string address(getString(pod, {"status", "podIP"})); !address.empty()) {
    setDefault(ensureObject(pod, {"status"}), "podIPs", json::array{json::object{{"ip", address}}});
  }
}

void defaultReplicas(json::object& spec) { setDefault(spec, "replicas", 1); }

void defaultDeployment(json::object& object) {
  json::object& spec = ensureObject(object, {"spec"});
  defaultReplicas(spec);
  defaultTemplate(spec, {"template"});
  json::object& strategy = ensureObject(spec, {"strategy"});
  setDefaultText(strategy, "type", "RollingUpdate");
  if (strategy["type"] == "RollingUpdate") {
    json::object& rolling = ensureObject(strategy, {"rollingUpdate"});
    setDefault(rolling, "maxUnavailable", "25%");
    setDefault(rolling, "maxSurge", "25%");
  }
  setDefault(spec, "revisionHistoryLimit", 10);
  setDefault(spec, "progressDeadlineSeconds", 600);
}

void defaultDaemonSet(json::object& object) {
  json::object& spec = ensureObject(object, {"spec"});
  defaultTemplate(spec, {"template"});
  json::object& strategy = ensureObject(spec, {"updateStrategy"});
  setDefaultText(strategy, "type", "RollingUpdate");
  if (strategy["type"] == "RollingUpdate") {
    json::object& rolling = ensureObject(strategy, {"rollingUpdate"});
    setDefault(rolling, "maxUnavailable", 1);
    setDefault(rolling, "maxSurge", 0);
  }
  setDefault(spec, "revisionHistoryLimit", 10);
}

void defaultStatefulSet(json::object& object) {
  json::object& spec = ensureObject(object, {"spec"});
  defaultReplicas(spec);
  defaultTemplate(spec, {"template"});
  setDefaultText(spec, "podManagementPolicy", "OrderedReady");
  json::object& strategy = ensureObject(spec, {"updateStrategy"});
  setDefaultText(strategy, "type", "RollingUpdate");
  if (strategy["type"] == "RollingUpdate") setDefault(ensureObject(strategy, {"rollingUpdate"}), "partition", 0);
  json::object& retention = ensureObject(spec, {"persistentVolumeClaimRetentionPolicy"});
  setDefaultText(retention, "whenDeleted", "Retain");
  setDefaultText(retention, "whenScaled", "Retain");
  setDefault(spec, "revisionHistoryLimit", 10);
}

void defaultJobSpec(json::object& spec) {
  setDefault(spec, "manualSelector", false);
  const bool neither = !spec.contains("completions") && !spec.contains("parallelism");
  if (neither) spec["completions"] = 1;
  setDefault(spec, "parallelism", 1);
  setDefault(spec, "backoffLimit", 6);
  setDefaultText(spec, "completionMode", "NonIndexed");
  setDefault(spec, "suspend", false);
  setDefaultText(spec, "podReplacementPolicy", spec.contains("podFailurePolicy") ? "Failed" : "TerminatingOrFailed");
  defaultTemplate(spec, {"template"});
}

void defaultService(json::object& object) {
  json::object& spec = ensureObject(object, {"spec"});
  setDefaultText(spec, "sessionAffinity", "None");
  setDefaultText(spec, "type", "ClusterIP");
  forEachObject(spec, "ports", [](json::object& port) {
    setDefaultText(port, "protocol", "TCP");
    auto& target = port["targetPort"];
    if (target.is_null() || target == 0 || target == "") target = getInt(port, {"port"});
  });
  const std::string type(getString(spec, {"type"}));
  if (type == "ExternalName") return;
  setDefaultText(spec, "internalTrafficPolicy", "Cluster");
  if (type == "NodePort" || type == "LoadBalancer") setDefaultText(spec, "externalTrafficPolicy", "Cluster");
  if (type == "LoadBalancer") setDefault(spec, "allocateLoadBalancerNodePorts", true);
  if (getString(spec, {"sessionAffinity"}) == "ClientIP") {
    setDefault(ensureObject(spec, {"sessionAffinityConfig", "clientIP"}), "timeoutSeconds", 10800);
  }
}

void defaultSecret(json::object& secret) {
  setDefaultText(secret, "type", "Opaque");
  const auto* given = getObject(secret, {"stringData"});
  if (given == nullptr) return;
  const json::object plain = *given;
  json::object& data = ensureObject(secret, {"data"});
  for (const auto& [key, value] : plain) {
    if (const auto* text = value.if_string()) data[key] = encodeBase64(*text);
  }
  secret.erase("stringData");
}

void defaultAutoscaler(json::object& object) {
  json::object& spec = ensureObject(object, {"spec"});
  setDefault(spec, "minReplicas", 1);
  const auto* metrics = getArray(spec, {"metrics"});
  if (metrics == nullptr || metrics->empty()) {
    spec["metrics"] = json::array{json::object{
        {"type", "Resource"},
        {"resource", json::object{{"name", "cpu"},
                                  {"target", json::object{{"type", "Utilization"}, {"averageUtilization", 80}}}}}}};
  }
}

}  // namespace

void defaultPodSpec(json::object& spec) {
  forEachObject(spec, "volumes", defaultVolume);
  forEachObject(spec, "initContainers", defaultContainer);
  forEachObject(spec, "containers", defaultContainer);
  setDefaultText(spec, "restartPolicy", "Always");
  setDefault(spec, "terminationGracePeriodSeconds", 30);
  setDefaultText(spec, "dnsPolicy", "ClusterFirst");
  setDefault(spec, "securityContext", json::object());
  setDefaultText(spec, "schedulerName", "default-scheduler");
  const std::string account(getString(spec, {"serviceAccountName"}));
  if (!account.empty()) {
    spec["serviceAccount"] = account;
  } else if (const std::string old(getString(spec, {"serviceAccount"})); !old.empty()) {
    spec["serviceAccountName"] = old;
  }
}

void applyKindDefaults(const ResourceType& type, json::object& object) {
  const std::string& kind = type.kind;
  if (type.custom) return;
  if (kind == "Pod") defaultPod(object);
  if (kind == "PodTemplate") defaultTemplate(object, {"template"});
  if (kind == "ReplicaSet" || kind == "ReplicationController") {
    json::object& spec = ensureObject(object, {"spec"});
    defaultReplicas(spec);
    defaultTemplate(spec, {"template"});
  }
  if (kind == "Deployment") defaultDeployment(object);
  if (kind == "DaemonSet") defaultDaemonSet(object);
  if (kind == "StatefulSet") defaultStatefulSet(object);
  if (kind == "Job") defaultJobSpec(ensureObject(object, {"spec"}));
  if (kind == "CronJob") {
    json::object& spec = ensureObject(object, {"spec"});
    setDefaultText(spec, "concurrencyPolicy", "Allow");
    setDefault(spec, "suspend", false);
    setDefault(spec, "successfulJobsHistoryLimit", 3);
    setDefault(spec, "failedJobsHistoryLimit", 1);
    defaultTemplate(spec, {"jobTemplate", "spec", "template"});
    setDefault(ensureObject(spec, {"jobTemplate"}), "metadata", json::object());
  }
  if (kind == "Service") defaultService(object);
  if (kind == "Secret") defaultSecret(object);
  if (kind == "HorizontalPodAutoscaler") defaultAutoscaler(object);
  if (kind == "CustomResourceDefinition") defaultDefinition(object);
  if (kind == "Namespace") {
    const std::string name(getString(object, {"metadata", "name"}));
    ensureObject(object, {"metadata", "labels"})["kubernetes.io/metadata.name"] = name;
  }
  if (kind == "EndpointSlice") {
    forEachObject(object, "ports", [](json::object& port) {
      setDefault(port, "name", "");
      setDefaultText(port, "protocol", "TCP");
    });
  }
  if (kind == "Endpoints") {
    forEachObject(object, "subsets", [](json::object& subset) {
      forEachObject(subset, "ports", [](json::object& port) { setDefaultText(port, "protocol", "TCP"); });
    });
  }
  if (kind == "PriorityClass") setDefaultText(object, "preemptionPolicy", "PreemptLowerPriority");
  if (kind == "RoleBinding" || kind == "ClusterRoleBinding") {
    setDefaultText(ensureObject(object, {"roleRef"}), "apiGroup", "rbac.authorization.k8s.io");
    forEachObject(object, "subjects", [](json::object& subject) {
      const auto of = getString(subject, {"kind"});
      if (of == "User" || of == "Group") setDefaultText(subject, "apiGroup", "rbac.authorization.k8s.io");
    });
  }
}

}  // namespace crossfade::local
