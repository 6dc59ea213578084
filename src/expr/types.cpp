#include "expr/types.hpp"

#include <utility>

namespace crossfade::expr {

namespace types {

namespace {
TypeRef make(Type::Kind kind, std::string name, TypeRef element = nullptr, TypeRef key = nullptr) {
  return std::make_shared<const Type>(Type{kind, std::move(name), std::move(element), std::move(key), {}});
}
}  // namespace

using Kind = Type::Kind;

// Each type exists once.
#define CROSSFADE_TYPE(function, ...)              \
  const TypeRef& function() {                      \
    static const TypeRef type = make(__VA_ARGS__); \
    return type;                                   \
  }
CROSSFADE_TYPE(any, Kind::any, "interface {}")
CROSSFADE_TYPE(unknown, Kind::unknown, "unknown")
CROSSFADE_TYPE(nil, Kind::nil, "unknown")
CROSSFADE_TYPE(boolean, Kind::boolean, "bool")
CROSSFADE_TYPE(integer, Kind::integer, "int")
CROSSFADE_TYPE(int64, Kind::integer, "int64")
CROSSFADE_TYPE(month, Kind::integer, "time.Month")
CROSSFADE_TYPE(weekday, Kind::integer, "time.Weekday")
CROSSFADE_TYPE(floating, Kind::floating, "float64")
CROSSFADE_TYPE(string, Kind::string, "string")
CROSSFADE_TYPE(bytes, Kind::bytes, "[]uint8", integer())
CROSSFADE_TYPE(time, Kind::time, "time.Time")
CROSSFADE_TYPE(duration, Kind::duration, "time.Duration")
CROSSFADE_TYPE(location, Kind::location, "*time.Location")
CROSSFADE_TYPE(environment, Kind::environment, "map[string]interface {}")
CROSSFADE_TYPE(floatList, Kind::list, "[]float64", floating())
CROSSFADE_TYPE(intList, Kind::list, "[]interface {}", integer())
CROSSFADE_TYPE(stringList, Kind::list, "[]string", string())
CROSSFADE_TYPE(object, Kind::map, "map[string]interface {}", any(), string())
#undef CROSSFADE_TYPE

TypeRef listOf(TypeRef element) { return make(Kind::list, "[]interface {}", std::move(element)); }
TypeRef mapOf(TypeRef key, TypeRef element, std::string name) {
  return make(Kind::map, std::move(name), std::move(element), std::move(key));
}
TypeRef function(std::string name) { return make(Kind::function, std::move(name)); }
TypeRef structure(std::string name, std::vector<std::pair<std::string, TypeRef>> fields) {
  return std::make_shared<const Type>(Type{Kind::structure, std::move(name), {}, {}, std::move(fields)});
}
TypeRef namedList(std::string name, TypeRef element) { return make(Kind::list, std::move(name), std::move(element)); }

}  // namespace types

namespace {
bool isMonthOrWeekday(const Type& type) { return type.name.starts_with("time.") && type.is(Type::Kind::integer); }
}  // namespace

bool assignable(const Type& from, const Type& to) {
  if (to.dynamic()) return true;
  if (from.dynamic() || from.is(Type::Kind::nil)) return false;
  return from.kind == to.kind && from.name == to.name;
}

bool same(const Type& left, const Type& right) {
  const auto parts = [](const TypeRef& one, const TypeRef& other) {
    return one == other || (one != nullptr && other != nullptr && same(*one, *other));
  };
  return left.kind == right.kind && left.name == right.name && parts(left.element, right.element) &&
         parts(left.key, right.key);
}

bool comparable(const Type& left, const Type& right) {
  using Kind = Type::Kind;
  if (left.dynamic() || right.dynamic() || left.is(Kind::nil) || right.is(Kind::nil)) return true;
  if (isMonthOrWeekday(left) || isMonthOrWeekday(right)) return left.name == right.name;
  if (left.number() && right.number()) return true;
  const auto list = [](const Type& type) { return type.is(Kind::list) || type.is(Kind::bytes); };
  if (list(left) && list(right)) return true;
  return left.kind == right.kind && left.name == right.name;
}

}  // namespace crossfade::expr
