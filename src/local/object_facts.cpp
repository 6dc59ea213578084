#include "local/object_facts.hpp"

#include <fmt/format.h>

namespace crossfade::local {

std::string_view nameOf(const json::object& object) { return getString(object, {"metadata", "name"}); }
std::string_view namespaceOf(const json::object& object) { return getString(object, {"metadata", "namespace"}); }
std::string_view uidOf(const json::object& object) { return getString(object, {"metadata", "uid"}); }
Labels labelsOf(const json::object& object) { return labelsFromJson(getObject(object, {"metadata", "labels"})); }

std::string keyOf(std::string_view ns, std::string_view name) {
  return ns.empty() ? std::string(name) : fmt::format("{}/{}", ns, name);
}
std::string keyOf(const json::object& object) { return keyOf(namespaceOf(object), nameOf(object)); }

Key splitKey(std::string_view key) {
  const std::size_t slash = key.find('/');
  if (slash == std::string_view::npos) return {"", std::string(key)};
  return {std::string(key.substr(0, slash)), std::string(key.substr(slash + 1))};
}

bool isDeleting(const json::object& object) { return find(object, {"metadata", "deletionTimestamp"}) != nullptr; }

TimePoint createdAt(const json::object& object) {
  return parseTime(getString(object, {"metadata", "creationTimestamp"})).value_or(TimePoint());
}

const json::object* controllerOf(const json::object& object) {
  const auto* owners = getArray(object, {"metadata", "ownerReferences"});
  if (owners == nullptr) return nullptr;
  for (const auto& owner : *owners) {
    if (owner.is_object() && getBool(owner.get_object(), {"controller"})) return &owner.get_object();
  }
  return nullptr;
}

std::string_view controllerUid(const json::object& object) {
  const auto* owner = controllerOf(object);
  return owner == nullptr ? std::string_view() : getString(*owner, {"uid"});
}

json::object controllerReference(const json::object& owner) {
  return json::object{{"apiVersion", getString(owner, {"apiVersion"})},
                      {"kind", getString(owner, {"kind"})},
                      {"name", nameOf(owner)},
                      {"uid", uidOf(owner)},
                      {"controller", true},
                      {"blockOwnerDeletion", true}};
}

const json::object* findCondition(const json::object& object, std::string_view type) {
  const auto* conditions = getArray(object, {"status", "conditions"});
  if (conditions == nullptr) return nullptr;
  for (const auto& condition : *conditions) {
    if (condition.is_object() && getString(condition.get_object(), {"type"}) == type) return &condition.get_object();
  }
  return nullptr;
}

bool conditionIs(const json::object& object, std::string_view type, std::string_view status) {
  const auto* condition = findCondition(object, type);
  return condition != nullptr && getString(*condition, {"status"}) == status;
}

namespace {

void setText(json::object& condition, std::string_view key, std::string_view text) {
  if (text.empty()) {
    condition.erase(key);
  } else {
    condition[key] = text;
  }
}

}  // namespace

void setCondition(json::object& status, std::string_view type, std::string_view value, std::string_view reason,
                  std::string_view message, TimePoint now) {
  json::value& list = status["conditions"];
  if (!list.is_array()) list = json::array();
  json::object* condition = nullptr;
  for (auto& item : list.get_array()) {
    if (item.is_object() && getString(item.get_object(), {"type"}) == type) condition = &item.get_object();
  }
  if (condition == nullptr) {
    list.get_array().push_back(json::object{{"type", type}});
    condition = &list.get_array().back().get_object();
  }
  if (getString(*condition, {"status"}) != value) {
    (*condition)["status"] = value;
    (*condition)["lastTransitionTime"] = formatTime(now);
  }
  setText(*condition, "reason", reason);
  setText(*condition, "message", message);
}

void setMetaCondition(json::object& status, std::string_view type, std::string_view value, std::string_view reason,
                      std::string_view message, std::int64_t generation, TimePoint now) {
  setCondition(status, type, value, reason, message, now);
  for (auto& item : status["conditions"].get_array()) {
    auto* condition = item.if_object();
    if (condition == nullptr || getString(*condition, {"type"}) != type) continue;
    (*condition)["message"] = message;
    (*condition)["observedGeneration"] = generation;
  }
}

void removeCondition(json::object& status, std::string_view type) {
  auto* list = status.if_contains("conditions");
  if (list == nullptr || !list->is_array()) return;
  auto& conditions = list->get_array();
  for (auto it = conditions.begin(); it != conditions.end();) {
    const bool drop = it->is_object() && getString(it->get_object(), {"type"}) == type;
    it = drop ? conditions.erase(it) : it + 1;
  }
  if (conditions.empty()) status.erase("conditions");
}

bool isFinished(const json::object& pod) {
  const auto phase = getString(pod, {"status", "phase"});
  return phase == "Succeeded" || phase == "Failed";
}

bool isActive(const json::object& pod) { return !isFinished(pod) && !isDeleting(pod); }

bool isReady(const json::object& pod) { return conditionIs(pod, "Ready", "True"); }

std::optional<TimePoint> readySince(const json::object& pod) {
  const auto* ready = findCondition(pod, "Ready");
  if (ready == nullptr || getString(*ready, {"status"}) != "True") return std::nullopt;
  return parseTime(getString(*ready, {"lastTransitionTime"})).value_or(TimePoint());
}

std::optional<TimePoint> availableFrom(const json::object& pod, std::int64_t min_ready_seconds) {
  const auto since = readySince(pod);
  if (!since) return std::nullopt;
  return *since + seconds(min_ready_seconds);
}

json::object podFromTemplate(const json::object& pod_template, const json::object& owner) {
  json::object metadata{{"generateName", fmt::format("{}-", nameOf(owner))}};
  for (const std::string_view key : {"labels", "annotations", "finalizers"}) {
    if (const auto* value = find(pod_template, {"metadata", key})) metadata[key] = *value;
  }
  metadata["ownerReferences"] = json::array{controllerReference(owner)};
  const auto* spec = getObject(pod_template, {"spec"});
  return json::object{{"metadata", std::move(metadata)}, {"spec", spec == nullptr ? json::object() : *spec}};
}

Result<void> removeExactly(Registry& registry, const ResourceType& type, const json::object& object,
                           std::optional<std::int64_t> grace_period_seconds) {
  DeleteOptions options;
  options.uid = std::string(uidOf(object));
  options.grace_period_seconds = grace_period_seconds;
  const auto removed = registry.remove(type, namespaceOf(object), nameOf(object), options);
  if (removed || removed.error().code == ErrorCode::not_found) return {};
  return fail(removed.error());
}

void setCount(json::object& status, std::string_view key, std::int64_t count) {
  if (count == 0) {
    status.erase(key);
  } else {
    status[key] = count;
  }
}

}  // namespace crossfade::local
