// Writing members by the emission rules of spec/01 §8.2: what is zero, empty or absent is left out.
#pragma once
#include "api/object.hpp"

namespace crossfade::api {

inline void emit(json::object& object, std::string_view key, const std::string& value) {
  if (!value.empty()) object[key] = value;
}
inline void emit(json::object& object, std::string_view key, bool value) {
  if (value) object[key] = true;
}
inline void emit(json::object& object, std::string_view key, std::int64_t value) {
  if (value != 0) object[key] = value;
}
inline void emit(json::object& object, std::string_view key, const Carried& value) {
  if (!value.empty()) object[key] = value.value();
}
inline void emit(json::object& object, std::string_view key, const std::optional<TimePoint>& value) {
  if (value) object[key] = formatTime(*value);
}
// Nil-able members: emitted whenever present, even if zero.
template <class T>
void emit(json::object& object, std::string_view key, const std::optional<T>& value) {
  if (value) object[key] = *value;
}

// Required times that may be unset.
inline json::value timeOrNull(const std::optional<TimePoint>& time) {
  return time ? json::value(formatTime(*time)) : json::value();
}

}  // namespace crossfade::api
