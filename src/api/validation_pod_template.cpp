// The pod template rules that are checked before the API server sees a ReplicaSet; for the rest its refusal of the
// ReplicaSet has an outcome of its own. spec/01 §6.4.
#include <set>

#include "api/canonical.hpp"
#include "api/field_error.hpp"
#include "api/quantity.hpp"
#include "api/validation_rules.hpp"

namespace crossfade::api {
namespace {

std::string canonicalLabels(const json::object* labels) {
  if (labels == nullptr || labels->empty()) return "null";
  std::string text;
  appendOpaque(text, *labels);
  return text;
}

// T1. Without a selector nothing matches.
Violation validateLabels(const json::object& pod_template, const json::object* selector) {
  const auto* labels = getObject(pod_template, {"metadata", "labels"});
  if (selector != nullptr) {
    const auto wanted = Selector::fromJson(*selector);
    if (!wanted || wanted->matches(labelsFromJson(labels))) return std::nullopt;
  }
  return invalidValue("spec.template.metadata.labels", canonicalLabels(labels),
                      "`selector` does not match template `labels`");
}

std::string quantityText(const json::value& value) {
  if (const auto* text = value.if_string()) return std::string(*text);
  return canonicalNumber(value);
}

// T2: keys of labels and annotations, values of labels.
Violation validateMetadata(const json::object& pod_template) {
  for (const auto& [key, value] : labelsFromJson(getObject(pod_template, {"metadata", "labels"}))) {
    constexpr std::string_view path = "spec.template.labels";
    if (const auto error = qualifiedNameError(key)) return invalidValue(path, quote(key), *error);
    if (const auto error = labelValueError(value)) return invalidValue(path, quote(value), *error);
  }
  for (const auto& [key, value] : labelsFromJson(getObject(pod_template, {"metadata", "annotations"}))) {
    if (const auto error = qualifiedNameError(key)) {
      return invalidValue("spec.template.annotations", quote(key), *error);
    }
  }
  return std::nullopt;
}

// A name that is required, a DNS label, and not yet in `taken`.
Violation validateName(const std::string& path, std::string_view name, std::set<std::string, std::less<>>& taken) {
  if (name.empty()) return requiredValue(path);
  if (const auto error = dnsLabelError(name)) return invalidValue(path, quote(name), *error);
  if (!taken.emplace(name).second) return duplicateValue(path, name);
  return std::nullopt;
}

Violation validateResources(const std::string& path, const json::object& container) {
  const auto* requests = getObject(container, {"resources", "requests"});
  const auto* limits = getObject(container, {"resources", "limits"});
  if (requests == nullptr || limits == nullptr) return std::nullopt;
  const std::map<std::string_view, const json::value*> sorted = [&] {
    std::map<std::string_view, const json::value*> members;
    for (const auto& member : *requests) members.emplace(member.key(), &member.value());
    return members;
  }();
  for (const auto& [name, request] : sorted) {
    const json::value* limit = limits->if_contains(name);
    if (limit == nullptr) continue;
    const std::string wanted = quantityText(*request), most = quantityText(*limit);
    if (compareQuantities(wanted, most) != std::strong_ordering::greater) continue;
    return invalidValue(
        path + ".resources.requests", quote(canonicalQuantity(wanted).value_or(wanted)),
        fmt::format("must be less than or equal to {} limit of {}", name, canonicalQuantity(most).value_or(most)));
  }
  return std::nullopt;
}

Violation validateContainer(const std::string& path, const json::object& container,
                            const std::set<std::string, std::less<>>& volumes) {
  if (getString(container, {"image"}).empty()) return requiredValue(path + ".image");
  std::set<std::string, std::less<>> port_names;
  if (const auto* ports = getArray(container, {"ports"})) {
    for (std::size_t i = 0; i < ports->size(); ++i) {
      const auto* port = (*ports)[i].if_object();
      const std::string here = fmt::format("{}.ports[{}]", path, i);
      const std::int64_t number = port == nullptr ? 0 : getInt(*port, {"containerPort"});
      if (port != nullptr) {
        const std::string_view name = getString(*port, {"name"});
        if (!name.empty() && !port_names.emplace(name).second) return duplicateValue(here + ".name", name);
      }
      if (number == 0) return requiredValue(here + ".containerPort");
      if (number < 1 || number > 65535) {
        return invalidValue(here + ".containerPort", std::to_string(number), "must be between 1 and 65535, inclusive");
      }
    }
  }
  if (auto violation = validateResources(path, container)) return violation;
  if (const auto* mounts = getArray(container, {"volumeMounts"})) {
    for (std::size_t i = 0; i < mounts->size(); ++i) {
      const json::object none;
      const auto* mount = (*mounts)[i].is_object() ? &(*mounts)[i].get_object() : &none;
      const std::string here = fmt::format("{}.volumeMounts[{}]", path, i);
      const std::string_view name = getString(*mount, {"name"});
      if (name.empty()) return requiredValue(here + ".name");
      if (!volumes.contains(name)) return notFound(here + ".name", name);
      if (getString(*mount, {"mountPath"}).empty()) return requiredValue(here + ".mountPath");
    }
  }
  return std::nullopt;
}

// T2: volumes and containers. Names are unique over containers and init containers.
Violation validateContainers(const json::object& spec) {
  std::set<std::string, std::less<>> volume_names;
  if (const auto* volumes = getArray(spec, {"volumes"})) {
    for (std::size_t i = 0; i < volumes->size(); ++i) {
      const auto* volume = (*volumes)[i].if_object();
      const std::string_view name = volume == nullptr ? std::string_view() : getString(*volume, {"name"});
      if (auto violation = validateName(fmt::format("spec.template.spec.volumes[{}].name", i), name, volume_names)) {
        return violation;
      }
    }
  }
  const auto* containers = getArray(spec, {"containers"});
  if (containers == nullptr || containers->empty()) return requiredValue("spec.template.spec.containers");
  std::set<std::string, std::less<>> names;
  for (const std::string_view kind : {"containers", "initContainers"}) {
    const auto* list = getArray(spec, {kind});
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
      const std::string path = fmt::format("spec.template.spec.{}[{}]", kind, i);
      const auto* container = (*list)[i].if_object();
      if (container == nullptr) return requiredValue(path + ".name");
      if (auto violation = validateName(path + ".name", getString(*container, {"name"}), names)) return violation;
      if (auto violation = validateContainer(path, *container, volume_names)) return violation;
    }
  }
  return std::nullopt;
}

// T3: a GCE disk can be mounted on several machines only to be read.
Violation validateSharedDisks(const json::object& spec) {
  const auto* volumes = getArray(spec, {"volumes"});
  for (std::size_t i = 0; volumes != nullptr && i < volumes->size(); ++i) {
    const json::value* disk = find((*volumes)[i], {"gcePersistentDisk"});
    if (disk == nullptr || !disk->is_object() || getBool(disk->get_object(), {"readOnly"})) continue;
    return invalidValue(
        fmt::format("spec.template.spec.volumes[{}].gcePersistentDisk.readOnly", i), "false",
        "must be true for replicated pods > 1; GCE PD can only be mounted on multiple machines if it is "
        "read-only");
  }
  return std::nullopt;
}

}  // namespace

Violation validatePodTemplate(const json::object& pod_template, const json::object* selector, std::int64_t replicas) {
  if (auto violation = validateLabels(pod_template, selector)) return violation;
  if (auto violation = validateMetadata(pod_template)) return violation;
  static const json::object none;
  const auto* found = getObject(pod_template, {"spec"});
  const json::object& spec = found == nullptr ? none : *found;
  if (auto violation = validateContainers(spec)) return violation;
  if (replicas > 1) {
    if (auto violation = validateSharedDisks(spec)) return violation;
  }
  if (const auto policy = getString(spec, {"restartPolicy"}, "Always"); policy != "Always" && !policy.empty()) {
    return unsupportedValue("spec.template.spec.restartPolicy", policy, {"Always"});
  }
  if (const auto* deadline = find(spec, {"activeDeadlineSeconds"}); deadline != nullptr && !deadline->is_null()) {
    return forbidden("spec.template.spec.activeDeadlineSeconds",
                     "activeDeadlineSeconds in ReplicaSet is not Supported");
  }
  return std::nullopt;
}

}  // namespace crossfade::api
