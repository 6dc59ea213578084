// What the controllers inside the embedded cluster read from objects and write into them, whatever the kind.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/labels.hpp"
#include "base/time.hpp"
#include "local/registry.hpp"

namespace crossfade::local {

std::string_view nameOf(const json::object& object);
std::string_view namespaceOf(const json::object& object);
std::string_view uidOf(const json::object& object);
Labels labelsOf(const json::object& object);
// "namespace/name", or "name" for objects without a namespace.
std::string keyOf(const json::object& object);
std::string keyOf(std::string_view ns, std::string_view name);
struct Key {
  std::string ns, name;
};
Key splitKey(std::string_view key);

bool isDeleting(const json::object& object);
TimePoint createdAt(const json::object& object);
// The owner reference with `controller: true`; null when there is none.
const json::object* controllerOf(const json::object& object);
std::string_view controllerUid(const json::object& object);
// The reference that makes `owner` the controller of what carries it.
json::object controllerReference(const json::object& owner);

// status.conditions. spec/02 and Kubernetes agree: lastTransitionTime moves with the status only.
const json::object* findCondition(const json::object& object, std::string_view type);
bool conditionIs(const json::object& object, std::string_view type, std::string_view status);
// In a status object. Reason and message follow each call; members other than these stay.
void setCondition(json::object& status, std::string_view type, std::string_view value, std::string_view reason,
                  std::string_view message, TimePoint now);
void removeCondition(json::object& status, std::string_view type);
// The same for the kinds whose conditions are metav1.Condition: message and observedGeneration are always there.
void setMetaCondition(json::object& status, std::string_view type, std::string_view value, std::string_view reason,
                      std::string_view message, std::int64_t generation, TimePoint now);

// Pods.
bool isFinished(const json::object& pod);  // Succeeded or Failed
bool isActive(const json::object& pod);    // neither finished nor being deleted
bool isReady(const json::object& pod);
// Since when it is ready; empty when it isn't.
std::optional<TimePoint> readySince(const json::object& pod);
// From when it counts as available; empty while it isn't ready.
std::optional<TimePoint> availableFrom(const json::object& pod, std::int64_t min_ready_seconds);

// A pod from a template, controlled by `owner`, with a generated name.
json::object podFromTemplate(const json::object& pod_template, const json::object& owner);

// Deletes that very object, not another of its name; what is gone already counts as done. A pod's own grace period
// holds where none is given.
Result<void> removeExactly(Registry& registry, const ResourceType& type, const json::object& object,
                           std::optional<std::int64_t> grace_period_seconds = std::nullopt);

// Writes a number where it isn't zero, as an encoder with omitempty does.
void setCount(json::object& status, std::string_view key, std::int64_t count);

}  // namespace crossfade::local
