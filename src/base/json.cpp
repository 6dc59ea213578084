#include "base/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace crossfade {

Result<json::value> parseJson(std::string_view text) {
  json::parse_options options;
  options.max_depth = 128;
  boost::system::error_code error;
  json::value value = json::parse(text, error, {}, options);
  if (error) return fail(ErrorCode::invalid, fmt::format("invalid JSON: {}", error.message()));
  return value;
}

const json::value* find(const json::object& root, std::initializer_list<std::string_view> path) {
  const json::object* object = &root;
  const json::value* value = nullptr;
  for (const std::string_view key : path) {
    if (object == nullptr) return nullptr;
    value = object->if_contains(key);
    if (value == nullptr) return nullptr;
    object = value->if_object();
  }
  return value;
}

const json::value* find(const json::value& root, std::initializer_list<std::string_view> path) {
  const auto* object = root.if_object();
  return object == nullptr ? nullptr : find(*object, path);
}

json::value* find(json::object& root, std::initializer_list<std::string_view> path) {
  // The const overload reads only; what it found belongs to the object that we were given to change.
  return const_cast<json::value*>(find(static_cast<const json::object&>(root), path));
}

std::string_view getString(const json::object& root, std::initializer_list<std::string_view> path,
                           std::string_view fallback) {
  const json::value* value = find(root, path);
  if (value == nullptr || !value->is_string()) return fallback;
  return value->get_string();
}

std::int64_t getInt(const json::object& root, std::initializer_list<std::string_view> path, std::int64_t fallback) {
  const json::value* value = find(root, path);
  return value == nullptr ? fallback : asInteger(*value).value_or(fallback);
}

bool getBool(const json::object& root, std::initializer_list<std::string_view> path, bool fallback) {
  const json::value* value = find(root, path);
  return value == nullptr || !value->is_bool() ? fallback : value->get_bool();
}

const json::object* getObject(const json::object& root, std::initializer_list<std::string_view> path) {
  const json::value* value = find(root, path);
  return value == nullptr ? nullptr : value->if_object();
}

const json::array* getArray(const json::object& root, std::initializer_list<std::string_view> path) {
  const json::value* value = find(root, path);
  return value == nullptr ? nullptr : value->if_array();
}

json::object& ensureObject(json::object& root, std::initializer_list<std::string_view> path) {
  json::object* object = &root;
  for (const std::string_view key : path) {
    json::value& value = (*object)[key];
    if (!value.is_object()) value.emplace_object();
    object = &value.get_object();
  }
  return *object;
}

std::optional<std::int64_t> asInteger(const json::value& value) {
  if (const auto* integer = value.if_int64()) return *integer;
  if (const auto* big = value.if_uint64()) {
    if (*big > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
    return static_cast<std::int64_t>(*big);
  }
  if (const auto* number = value.if_double()) {
    if (std::trunc(*number) != *number || std::fabs(*number) >= 0x1p63) return std::nullopt;
    return static_cast<std::int64_t>(*number);
  }
  return std::nullopt;
}

bool sameJson(const json::object& a, const json::object& b) {
  if (a.size() != b.size()) return false;
  for (const auto& [key, value] : a) {
    const json::value* other = b.if_contains(key);
    if (other == nullptr || !sameJson(value, *other)) return false;
  }
  return true;
}

bool sameJson(const json::value& a, const json::value& b) {
  if (const auto* object = a.if_object()) return b.is_object() && sameJson(*object, b.get_object());
  const auto* array = a.if_array();
  if (array == nullptr) return a == b;
  const auto* other = b.if_array();
  return other != nullptr &&
         std::ranges::equal(*array, *other, [](const json::value& x, const json::value& y) { return sameJson(x, y); });
}

void mergePatch(json::value& target, const json::value& patch) {
  const auto* changes = patch.if_object();
  if (changes == nullptr) {
    target = patch;
    return;
  }
  if (!target.is_object()) target.emplace_object();
  json::object& object = target.get_object();
  for (const auto& [key, change] : *changes) {
    if (!change.is_null()) {
      mergePatch(object[key], change);
    } else if (auto* member = object.find(key); member != object.end()) {
      object.stable_erase(member);
    }
  }
}

json::object mergeDiff(const json::object& from, const json::object& to) {
  json::object patch;
  for (const auto& [key, value] : from) {
    if (!to.contains(key) && !value.is_null()) patch[key] = nullptr;
  }
  for (const auto& [key, value] : to) {
    const json::value* old = from.if_contains(key);
    if (old == nullptr) {
      if (!value.is_null()) patch[key] = value;
    } else if (old->is_object() && value.is_object()) {
      json::object inner = mergeDiff(old->get_object(), value.get_object());
      if (!inner.empty()) patch[key] = std::move(inner);
    } else if (*old != value) {
      patch[key] = value;
    }
  }
  return patch;
}

}  // namespace crossfade
