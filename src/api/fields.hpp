// Reading the typed members of one JSON object: what is absent or null is empty, what has a wrong type or can't be read
// counts as absent and is named in the list of malformed fields. spec/01 §8.1, §9.
#pragma once
#include <functional>
#include <limits>

#include "api/object.hpp"
#include "base/int_or_percent.hpp"

namespace crossfade::api {

class Fields {
 public:
  // `object` may be null: then every member is absent. `path` is how messages call it: "spec.strategy".
  Fields(const json::object* object, std::string path, Malformed& malformed)
      : object_(object), path_(std::move(path)), malformed_(&malformed) {}

  bool present() const { return object_ != nullptr; }
  const json::object* object() const { return object_; }

  std::string string(std::string_view key) const { return optionalString(key).value_or(""); }
  std::optional<std::string> optionalString(std::string_view key) const;
  bool boolean(std::string_view key) const { return optionalBoolean(key).value_or(false); }
  std::optional<bool> optionalBoolean(std::string_view key) const;
  std::optional<std::int64_t> int32(std::string_view key) const;
  std::optional<std::int64_t> int64(std::string_view key) const;
  // Truncated to the second.
  std::optional<TimePoint> time(std::string_view key) const;
  std::optional<IntOrPercent> intOrPercent(std::string_view key) const;
  // String-to-string members; others are malformed.
  Labels labels(std::string_view key) const;
  // The member itself where it is an object (a list); never looked into.
  Carried carriedObject(std::string_view key) const;
  Carried carriedList(std::string_view key) const;
  // A nested object; !present() where absent.
  Fields child(std::string_view key) const;
  // Calls `read` for each element of a list of objects. A null element reads as an object without members.
  void each(std::string_view key, const std::function<void(const Fields&)>& read) const;

 private:
  // Not null; empty when the member is absent or null.
  const json::value* member(std::string_view key) const;
  void report(std::string_view key, std::string_view expected) const;
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t low, std::int64_t high) const;

  const json::object* object_;
  std::string path_;
  Malformed* malformed_;
};

// Reads a list of conditions, as Rollouts and ReplicaSets have it.
std::vector<Condition> readConditions(const Fields& status);

}  // namespace crossfade::api
