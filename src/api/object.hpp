// What every Kubernetes object has, as the controller reads it, and JSON that is only carried.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.hpp"
#include "base/labels.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace crossfade::api {

// A JSON value that is kept for others and rarely looked into (a pod template above all): compact text, a tenth of the
// memory of a parsed document. Member order is the one that came in.
class Carried {
 public:
  Carried() = default;
  explicit Carried(const json::value& value);
  Carried(const Carried& other) : Carried(other.text()) {}
  Carried(Carried&& other) noexcept : text_(std::move(other.text_)), size_(std::exchange(other.size_, 0)) {}
  Carried& operator=(Carried other) noexcept {
    text_ = std::move(other.text_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  ~Carried() = default;

  bool empty() const { return size_ == 0; }  // absent (or null) in the object
  std::string_view text() const { return {text_.get(), size_}; }
  // Parses; an empty object where the value is absent or no object.
  json::object object() const;
  // Parses; null where absent.
  json::value value() const;
  friend bool operator==(const Carried& a, const Carried& b) { return a.text() == b.text(); }

 private:
  explicit Carried(std::string_view text);

  std::unique_ptr<char[]> text_;  // exactly as long as the text: the caches hold tens of thousands of them
  std::size_t size_ = 0;
};

// The owner reference that has `controller: true`.
struct OwnerRef {
  std::string api_version, kind, name, uid;
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
