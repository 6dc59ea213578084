// What every Kubernetes object has, as the controller reads it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/carried.hpp"
#include "base/json.hpp"
#include "base/labels.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace crossfade::api {

// The owner reference that has `controller: true`.
struct OwnerRef {
  std::string kind, name, uid;
  bool operator==(const OwnerRef&) const = default;
};

struct Metadata {
  std::string ns, name, uid, resource_version;
  std::int64_t generation = 0;
  TimePoint created{};
  std::optional<TimePoint> deleted;  // deletionTimestamp
  Labels labels, annotations;
  std::optional<OwnerRef> controller;

  // "namespace/name", the key of work queues and caches.
  std::string key() const { return ns.empty() ? name : ns + "/" + name; }
  // The annotation's value; empty when absent.
  std::string_view annotation(std::string_view key) const;
  std::string_view label(std::string_view key) const;
};

// Reads `metadata`; members of a wrong type count as absent. kubectl's last-applied annotation is left out: it holds a
// copy of the whole object and is never copied to another one.
Metadata decodeMetadata(const json::object& object);

// A condition as Rollouts (and ReplicaSets, without last_update) have it. spec/01 §3.4.
struct Condition {
  std::string type, status, reason, message;
  std::optional<TimePoint> last_update, last_transition;
  bool operator==(const Condition&) const = default;
};

// The field errors of a decoding: "spec.template.spec.containers[0].resources.limits.cpu: …". spec/01 §9: a malformed
// leaf is dropped, everything else stays.
using Malformed = std::vector<std::string>;

}  // namespace crossfade::api
