#include "local/admission.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "local/custom_resources.hpp"
#include "local/label_selector.hpp"
#include "local/name_rules.hpp"

namespace crossfade::local {

namespace {

constexpr std::string_view orphan_finalizer = "orphan";
constexpr std::string_view foreground_finalizer = "foregroundDeletion";

bool isCore(const ResourceType& type, std::string_view kind) { return type.group.empty() && type.kind == kind; }

// What a kind's status looks like before any controller has written it. Empty where the client's own is kept.
std::optional<json::object> initialStatus(const ResourceType& type, const json::object& object) {
  if (type.custom || !type.has_status) return std::nullopt;
  if (type.kind == "Node") return std::nullopt;  // a node registers itself with its status
  if (isCore(type, "Pod")) {
    json::object status{{"phase", "Pending"}};
    bool limited = false;
    bool requested = false;
    if (const auto* containers = getArray(object, {"spec", "containers"})) {
      for (const auto& container : *containers) {
        limited = limited || find(container, {"resources", "limits"}) != nullptr;
        requested = requested || find(container, {"resources", "requests"}) != nullptr;
      }
    }
    const auto guaranteed = [&object] {
      for (const auto& container : *getArray(object, {"spec", "containers"})) {
        const auto* limits = find(container, {"resources", "limits"});
        const auto* requests = find(container, {"resources", "requests"});
        if (limits == nullptr || requests == nullptr || *limits != *requests) return false;
        if (find(*limits, {"cpu"}) == nullptr || find(*limits, {"memory"}) == nullptr) return false;
      }
      return true;
    };
    status["qosClass"] = !limited && !requested ? "BestEffort" : guaranteed() ? "Guaranteed" : "Burstable";
    return status;
  }
  if (isCore(type, "Namespace")) return json::object{{"phase", "Active"}};
  if (isCore(type, "PersistentVolumeClaim") || isCore(type, "PersistentVolume"))
    return json::object{{"phase", "Pending"}};
  if (isCore(type, "Service") || type.kind == "Ingress") return json::object{{"loadBalancer", json::object()}};
  if (type.kind == "ReplicaSet" || type.kind == "ReplicationController") return json::object{{"replicas", 0}};
  if (type.kind == "StatefulSet") return json::object{{"replicas", 0}, {"availableReplicas", 0}};
  if (type.kind == "DaemonSet") {
    return json::object{
        {"currentNumberScheduled", 0}, {"numberMisscheduled", 0}, {"desiredNumberScheduled", 0}, {"numberReady", 0}};
  }
  if (type.kind == "HorizontalPodAutoscaler") return json::object{{"desiredReplicas", 0}, {"currentMetrics", nullptr}};
  if (type.kind == "PodDisruptionBudget") {
    return json::object{{"disruptionsAllowed", 0}, {"currentHealthy", 0}, {"desiredHealthy", 0}, {"expectedPods", 0}};
  }
  if (type.kind == "CustomResourceDefinition") {
    json::array stored;
    if (const auto* versions = getArray(object, {"spec", "versions"})) {
      for (const auto& version : *versions) {
        if (version.is_object() && getBool(version.get_object(), {"storage"}))
          stored.push_back(version.get_object().at("name"));
      }
    }
    return json::object{{"conditions", nullptr},
                        {"acceptedNames", json::object{{"plural", ""}, {"kind", ""}}},
                        {"storedVersions", std::move(stored)}};
  }
  return json::object();
}

void validateName(const ResourceType& type, std::string_view name, std::string_view field,
                  std::vector<std::string>& violations) {
  const auto say = [&](std::string_view what) {
    violations.push_back(fmt::format("metadata.{}: Invalid value: \"{}\": {}", field, name, what));
  };
  if (type.group == "rbac.authorization.k8s.io") {  // path segments
    if (name == "." || name == "..") say(fmt::format("may not be '{}'", name));
    if (name.find('/') != std::string_view::npos) say("may not contain '/'");
    if (name.find('%') != std::string_view::npos) say("may not contain '%'");
    return;
  }
  if (isCore(type, "Namespace")) {
    if (name.size() > 63) say("must be no more than 63 characters");
    if (!isLabelName(name)) say(label_message);
    return;
  }
  if (isCore(type, "Service")) {
    if (name.size() > 63) say("must be no more than 63 characters");
    if (!isLabelName(name) || std::isdigit(static_cast<unsigned char>(name.front())) != 0) say(dns1035_message);
    return;
  }
  if (name.size() > 253) say("must be no more than 253 characters");
  if (!isSubdomain(name)) say(subdomain_message);
}

void validateOwners(const json::array& owners, std::vector<std::string>& violations) {
  constexpr std::string_view at = "metadata.ownerReferences";
  std::string controller;
  for (const auto& item : owners) {
    if (!item.is_object()) continue;
    const json::object& owner = item.get_object();
    if (getString(owner, {"apiVersion"}).empty())
      violations.push_back(fmt::format("{}.apiVersion: Invalid value: \"\": version must not be empty", at));
    for (const std::string_view key : {"kind", "name", "uid"}) {
      if (getString(owner, {key}).empty())
        violations.push_back(fmt::format("{}.{}: Invalid value: \"\": must not be empty", at, key));
    }
    if (!getBool(owner, {"controller"})) continue;
    if (!controller.empty()) {
      violations.push_back(
          fmt::format("{}: Invalid value: {}: Only one reference can have Controller set to true. Found \"true\" in "
                      "references for {} and {}",
                      at, json::serialize(owners), controller,
                      fmt::format("{}/{}", getString(owner, {"kind"}), getString(owner, {"name"}))));
    }
    controller = fmt::format("{}/{}", getString(owner, {"kind"}), getString(owner, {"name"}));
  }
}

bool hasNodePorts(const json::object& service) {
  const auto type = getString(service, {"spec", "type"});
  return type == "NodePort" || type == "LoadBalancer";
}

// A service that is no longer reached through nodes loses what it had for that.
void releaseNodePorts(const json::object& old, json::object& service) {
  if (!hasNodePorts(old) || hasNodePorts(service)) return;
  json::object& spec = ensureObject(service, {"spec"});
  spec.erase("externalTrafficPolicy");
  spec.erase("allocateLoadBalancerNodePorts");
  auto* ports = spec.if_contains("ports");
  if (ports == nullptr || !ports->is_array()) return;
  for (auto& port : ports->get_array()) {
    if (port.is_object()) port.get_object().erase("nodePort");
  }
}

}  // namespace

void prepareForCreate(const AdmissionContext& context, json::object& object) {
  const ResourceType& type = context.type;
  if (type.custom) {
    if (type.has_status) object.erase("status");
    return;
  }
  allocate(context, object);
  if (isCore(type, "Namespace")) ensureObject(object, {"spec"})["finalizers"] = json::array{"kubernetes"};
  if (auto status = initialStatus(type, object)) object["status"] = std::move(*status);
}

void prepareForUpdate(const AdmissionContext& context, const json::object& old, json::object& object) {
  if (context.type.custom) return;
  if (isCore(context.type, "Namespace")) {
    // Only the finalize subresource changes these.
    if (const auto* finalizers = find(old, {"spec", "finalizers"})) {
      ensureObject(object, {"spec"})["finalizers"] = *finalizers;
    } else if (auto* spec = find(object, {"spec"}); spec != nullptr && spec->is_object()) {
      spec->get_object().erase("finalizers");
    }
  }
  if (isCore(context.type, "Service") && getString(object, {"spec", "type"}) != "ExternalName") {
    // A client that doesn't know its service's address keeps it.
    json::object& spec = ensureObject(object, {"spec"});
    for (const std::string_view key : {"clusterIP", "clusterIPs"}) {
      const auto* given = spec.if_contains(key);
      const auto* known = find(old, {"spec", key});
      if (known != nullptr && (given == nullptr || given->is_null() || *given == "")) spec[key] = *known;
    }
  }
  if (isCore(context.type, "Service")) {
    releaseNodePorts(old, object);
    allocate(context, object);
  }
}

std::vector<std::string> validateMetadata(const ResourceType& type, const json::object& metadata) {
  std::vector<std::string> violations;
  const auto name = getString(metadata, {"name"});
  const auto base = getString(metadata, {"generateName"});
  if (!base.empty()) {
    std::string_view stem = base;
    while (stem.ends_with('-')) stem.remove_suffix(1);
    validateName(type, stem, "generateName", violations);
  }
  if (name.empty() && base.empty()) {
    violations.emplace_back("metadata.name: Required value: name or generateName is required");
  } else if (!name.empty()) {
    validateName(type, name, "name", violations);
  }
  if (const auto* labels = getObject(metadata, {"labels"})) {
    auto faults = labelFaults(*labels, "metadata.labels");
    violations.insert(violations.end(), std::make_move_iterator(faults.begin()), std::make_move_iterator(faults.end()));
  }
  if (const auto* annotations = getObject(metadata, {"annotations"})) {
    std::size_t bytes = 0;
    for (const auto& [key, value] : *annotations) {
      std::string lower(key);
      std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
      for (const auto& fault : qualifiedNameFaults(lower)) {
        violations.push_back(
            fmt::format("metadata.annotations: Invalid value: \"{}\": {}", std::string_view(key), fault));
      }
      bytes += key.size() + (value.is_string() ? value.get_string().size() : 0);
    }
    constexpr std::size_t limit = 256 << 10;
    if (bytes > limit)
      violations.push_back(fmt::format("metadata.annotations: Too long: may not be more than {} bytes", limit));
  }
  if (const auto* owners = getArray(metadata, {"ownerReferences"})) validateOwners(*owners, violations);
  if (const auto* finalizers = getArray(metadata, {"finalizers"})) {
    for (std::size_t i = 0; i < finalizers->size(); ++i) {
      const auto* text = (*finalizers)[i].if_string();
      if (text == nullptr) continue;
      const std::string_view finalizer(*text);
      if (finalizer == orphan_finalizer || finalizer == foreground_finalizer || finalizer == "kubernetes") continue;
      for (const auto& fault : qualifiedNameFaults(finalizer)) {
        violations.push_back(fmt::format("metadata.finalizers[{}]: Invalid value: \"{}\": {}", i, finalizer, fault));
      }
      if (finalizer.find('/') == std::string_view::npos && !type.custom &&
          !(type.kind == "CustomResourceDefinition" && finalizer == definition_finalizer)) {
        violations.push_back(
            fmt::format("metadata.finalizers[{}]: Invalid value: \"{}\": name is neither a standard finalizer name nor "
                        "is it fully qualified",
                        i, finalizer));
      }
    }
  }
  return violations;
}

void markForDeletion(const AdmissionContext& context, json::object& object, const DeleteOptions& options) {
  json::object& metadata = object["metadata"].get_object();
  const bool deleting = metadata.contains("deletionTimestamp");
  const ResourceType& type = context.type;

  std::int64_t grace_seconds = 0;
  if (isCore(type, "Pod")) {
    const auto phase = getString(object, {"status", "phase"});
    const bool over = phase == "Succeeded" || phase == "Failed" || getString(object, {"spec", "nodeName"}).empty();
    grace_seconds =
        options.grace_period_seconds.value_or(getInt(object, {"spec", "terminationGracePeriodSeconds"}, 30));
    if (over || grace_seconds < 0) grace_seconds = over ? 0 : 1;
  }
  if (deleting) {
    // A second request may shorten the wait, never lengthen it.
    const std::int64_t current = getInt(metadata, {"deletionGracePeriodSeconds"});
    if (isCore(type, "Pod") && grace_seconds < current && (options.grace_period_seconds || grace_seconds == 0)) {
      metadata["deletionGracePeriodSeconds"] = grace_seconds;
      metadata["deletionTimestamp"] = formatTime(context.now + seconds(grace_seconds));
    }
  }

  if (options.propagation || !deleting) {
    // Jobs keep what an old API version promised: their pods stay unless the caller says otherwise.
    const bool keeps = type.kind == "ReplicationController" || (type.group == "batch" && type.kind == "Job");
    const Propagation propagation = options.propagation.value_or(keeps ? Propagation::orphan : Propagation::background);
    const bool given = options.propagation.has_value();
    const auto want = [&](std::string_view finalizer, bool wanted) {
      if (given || wanted) removeFinalizer(object, finalizer);
      if (!wanted) return;
      auto& list = metadata["finalizers"];
      if (!list.is_array()) list = json::array();
      list.get_array().emplace_back(finalizer);
    };
    want(orphan_finalizer, propagation == Propagation::orphan);
    want(foreground_finalizer, propagation == Propagation::foreground);
  }
  if (type.kind == "CustomResourceDefinition" && !deleting) {
    removeFinalizer(object, definition_finalizer);
    auto& list = metadata["finalizers"];
    if (!list.is_array()) list = json::array();
    list.get_array().emplace_back(definition_finalizer);
    auto& conditions = ensureObject(object, {"status"})["conditions"];
    if (!conditions.is_array()) conditions = json::array();
    conditions.get_array().push_back(json::object{
        {"type", "Terminating"},
        {"status", "True"},
        {"lastTransitionTime", formatTime(context.now)},
        {"reason", "InstanceDeletionPending"},
        {"message", "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"}});
  }
  if (const auto* finalizers = metadata.if_contains("finalizers");
      finalizers != nullptr && finalizers->is_array() && finalizers->get_array().empty()) {
    metadata.erase("finalizers");
  }
  if (deleting) return;
  metadata["deletionTimestamp"] = formatTime(context.now + seconds(grace_seconds));
  if (isCore(type, "Namespace")) {
    ensureObject(object, {"status"})["phase"] = "Terminating";
  } else if (type.kind != "CustomResourceDefinition") {
    metadata["deletionGracePeriodSeconds"] = grace_seconds;
  }
}

std::optional<std::string> newFinalizers(const json::object& old, const json::object& next) {
  const auto* now = getArray(next, {"metadata", "finalizers"});
  if (now == nullptr) return std::nullopt;
  const auto* before = getArray(old, {"metadata", "finalizers"});
  std::vector<std::string> added;
  for (const auto& finalizer : *now) {
    if (before == nullptr || std::ranges::find(*before, finalizer) == before->end())
      added.push_back(json::serialize(finalizer));
  }
  if (added.empty()) return std::nullopt;
  return fmt::format(
      "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new "
      "finalizers []string{{{}}}",
      fmt::join(added, ", "));
}

}  // namespace crossfade::local
