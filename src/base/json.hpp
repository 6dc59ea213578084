// Access to JSON documents that may have any shape: nothing here throws.
#pragma once
#include <boost/json.hpp>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace crossfade {

namespace json = boost::json;

// Parses one JSON text; trailing characters other than white space are an error, and so is a nesting above 128 levels.
Result<json::value> parseJson(std::string_view text);

// The member at a path of object keys ("spec", "template"); null when any step is missing or not an object.
const json::value* find(const json::value& root, std::initializer_list<std::string_view> path);
const json::value* find(const json::object& root, std::initializer_list<std::string_view> path);
json::value* find(json::object& root, std::initializer_list<std::string_view> path);

// Typed reads of a path. The default where the member is missing, null or of another type.
std::string_view getString(const json::object& root, std::initializer_list<std::string_view> path,
                           std::string_view fallback = {});
std::int64_t getInt(const json::object& root, std::initializer_list<std::string_view> path, std::int64_t fallback = 0);
bool getBool(const json::object& root, std::initializer_list<std::string_view> path, bool fallback = false);
const json::object* getObject(const json::object& root, std::initializer_list<std::string_view> path);
const json::array* getArray(const json::object& root, std::initializer_list<std::string_view> path);

// The object at a path, made (and anything else in its place replaced) where it is missing.
json::object& ensureObject(json::object& root, std::initializer_list<std::string_view> path);

// The integer that a JSON number stands for: an int64, a uint64 in range, or a double without a fraction.
std::optional<std::int64_t> asInteger(const json::value& value);

// Equality of values, members in any order, numbers by what they stand for within their kind (an int64 equals the same
// uint64). To be used instead of == wherever objects may be large: Boost.JSON 1.81 copies every member to compare it.
bool sameJson(const json::value& a, const json::value& b);
bool sameJson(const json::object& a, const json::object& b);

// RFC 7396. `target` becomes what the patch makes of it; key order of what stays is kept.
void mergePatch(json::value& target, const json::value& patch);
// The smallest merge patch that turns `from` into `to`; an empty object when they are equal.
json::object mergeDiff(const json::object& from, const json::object& to);

}  // namespace crossfade
