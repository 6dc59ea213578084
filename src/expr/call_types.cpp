// The static types of calls: builtins with rules of their own, functions of fixed types, methods. spec/07 B4, B8, B9.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "expr/builtins.hpp"
#include "expr/checker.hpp"

namespace crossfade::expr {

namespace {

using Kind = Type::Kind;
using Arguments = std::vector<TypeRef>;

std::unexpected<Error> refuse(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }

// The name of a type in the messages of builtins.
std::string shown(const Type& type) { return type.is(Kind::nil) ? "%!s(<nil>)" : type.name; }

bool indexable(const Type& type) { return type.dynamic() || type.is(Kind::list) || type.is(Kind::bytes); }

// The element's type as first(), take() and the like give it: of typed lists only.
TypeRef typedElement(const Type& list) {
  return list.dynamic() || list.name == "[]interface {}" ? types::any() : list.element;
}

std::optional<std::string> misfit(std::string_view name, const Arguments& parameters, const Arguments& arguments) {
  if (arguments.size() < parameters.size()) return fmt::format("not enough arguments to call {}", name);
  if (arguments.size() > parameters.size()) return fmt::format("too many arguments to call {}", name);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const Type& given = *arguments[i];
    const Type& wanted = *parameters[i];
    if (given.dynamic() || wanted.dynamic() || assignable(given, wanted)) continue;
    // Whole numbers of any name go for one another; for a float the call decides at run time.
    if (given.is(Kind::integer) && wanted.number()) continue;
    if (given.is(Kind::nil)) return fmt::format("cannot use nil as argument (type {}) to call {}", wanted.name, name);
    return fmt::format("cannot use {} as argument (type {}) to call {} ", given.name, wanted.name, name);
  }
  return std::nullopt;
}

Result<TypeRef> byShape(std::string_view name, const std::vector<Signature>& signatures, const Arguments& arguments) {
  std::string problem;
  for (const Signature& signature : signatures) {
    const auto found = misfit(name, signature.parameters, arguments);
    if (!found) return signature.result;
    problem = *found;
  }
  return refuse(problem);
}

// --- builtins with one list
// ----------------------------------------------------------------------------------------------

Result<TypeRef> lengthType(const Type& argument) {
  if (indexable(argument) || argument.is(Kind::map) || argument.is(Kind::string)) return types::integer();
  return refuse(fmt::format("invalid argument for len (type {})", shown(argument)));
}

Result<TypeRef> endType(std::string_view name, const Type& argument) {
  if (indexable(argument)) return typedElement(argument);
  return refuse(fmt::format("cannot get {} element from {}", name, shown(argument)));
}

Result<TypeRef> listOrRefuse(std::string_view verb, const Type& argument) {
  if (indexable(argument)) return types::listOf(types::any());
  return refuse(fmt::format("cannot {} {}", verb, shown(argument)));
}

Result<TypeRef> mapParts(std::string_view name, const Type& argument) {
  if (argument.dynamic() || argument.is(Kind::map) || argument.is(Kind::environment))
    return types::listOf(types::any());
  if (name == "toPairs") return refuse(fmt::format("cannot transform {} to pairs", shown(argument)));
  return refuse(fmt::format("cannot get {} from {}", name, shown(argument)));
}

Result<TypeRef> numberType(std::string_view name, const Type& argument) {
  const bool text = (name == "int" || name == "float") && argument.is(Kind::string);
  if (!argument.dynamic() && !argument.number() && !text) {
    return refuse(fmt::format("invalid argument for {} (type {})", name, shown(argument)));
  }
  if (name == "int") return types::integer();
  return types::floating();
}

// --- several arguments
// ---------------------------------------------------------------------------------------------------

Result<TypeRef> getType(const Type& base, const Type& key) {
  if (base.dynamic()) return types::unknown();
  if (indexable(base)) {
    if (!key.dynamic() && !key.is(Kind::integer)) return refuse("non-integer slice index " + key.name);
    return base.element;
  }
  if (base.is(Kind::map)) {
    if (key.dynamic() || assignable(key, *base.key)) return base.element;
    return refuse(fmt::format("cannot use {} to get an element from {}", key.name, base.name));
  }
  return refuse(fmt::format("type {} does not support indexing", base.name));
}

Result<TypeRef> takeType(const TypeRef& list, const Type& count) {
  if (!indexable(*list)) return refuse("cannot take from " + shown(*list));
  if (!count.dynamic() && !count.is(Kind::integer)) return refuse(fmt::format("cannot take {} elements", count.name));
  return list->name == "[]interface {}" ? types::listOf(types::any()) : list;
}

Result<TypeRef> extremeType(std::string_view name, const Arguments& arguments) {
  if (arguments.empty()) return refuse(fmt::format("not enough arguments to call {}", name));
  for (const TypeRef& argument : arguments) {
    if (indexable(*argument)) return types::any();
    if (!argument->number()) return refuse(fmt::format("invalid argument for {} (type {})", name, shown(*argument)));
  }
  return arguments.front();
}

// A list, and a text behind it or not. The reference complains about the last form that it tries: the list alone.
Result<TypeRef> listAndText(std::string_view name, std::string_view wanted, const Arguments& arguments,
                            const TypeRef& result) {
  const Type& list = *arguments[0];
  const bool fits = list.dynamic() || list.is(Kind::list);
  if (fits && (arguments.size() == 1 || arguments[1]->dynamic() || arguments[1]->is(Kind::string))) return result;
  if (arguments.size() == 2) return refuse(fmt::format("too many arguments to call {}", name));
  if (list.is(Kind::nil)) return refuse(fmt::format("cannot use nil as argument (type {}) to call {}", wanted, name));
  return refuse(fmt::format("cannot use {} as argument (type {}) to call {} ", list.name, wanted, name));
}

Result<TypeRef> sortType(const Arguments& arguments) {
  if (arguments.empty()) return refuse("not enough arguments to call sort");
  if (arguments.size() > 2) return refuse("too many arguments to call sort");
  return listAndText("sort", "[]int", arguments, types::listOf(types::any()));
}

Result<TypeRef> joinType(const Arguments& arguments) {
  if (arguments.empty()) return refuse("not enough arguments to call join");
  if (arguments.size() > 2) return refuse("too many arguments to call join");
  return listAndText("join", "[]string", arguments, types::string());
}

Result<TypeRef> dateType(const Arguments& arguments) {
  if (arguments.empty()) return refuse("invalid number of arguments (expected at least 1, got 0)");
  const bool located = arguments[0]->is(Kind::location);
  const std::size_t texts = arguments.size() - (located ? 1 : 0);
  if (texts == 0) return refuse("not enough arguments to call date");
  if (texts > 3) return refuse("too many arguments to call date");
  for (std::size_t i = located ? 1 : 0; i < arguments.size(); ++i) {
    if (arguments[i]->dynamic() || arguments[i]->is(Kind::string)) continue;
    return refuse(fmt::format("cannot use {} as argument (type string) to call date ", arguments[i]->name));
  }
  return types::time();
}

// The builtins whose number of arguments is checked first, and that number.
std::optional<std::size_t> fixedCount(std::string_view name) {
  static const std::set<std::string_view> one{"len",       "abs",     "ceil", "floor",  "round",  "int",
                                              "float",     "first",   "last", "keys",   "values", "toPairs",
                                              "fromPairs", "reverse", "uniq", "flatten"};
  if (one.contains(name)) return 1;
  if (name == "get" || name == "take") return 2;
  return std::nullopt;
}

Result<TypeRef> ruledType(std::string_view name, const Arguments& arguments) {
  const Type& first = *arguments[0];
  if (name == "len") return lengthType(first);
  if (name == "first" || name == "last") return endType(name, first);
  if (name == "keys" || name == "values" || name == "toPairs") return mapParts(name, first);
  if (name == "reverse" || name == "uniq" || name == "flatten") return listOrRefuse(name, first);
  if (name == "fromPairs") {
    if (!indexable(first)) return refuse(fmt::format("cannot transform {} from pairs", shown(first)));
    return types::mapOf(types::any(), types::any(), "map[interface {}]interface {}");
  }
  if (name == "get") return getType(first, *arguments[1]);
  if (name == "take") return takeType(arguments[0], *arguments[1]);
  if (name == "abs") {
    const auto number = numberType(name, first);
    return number ? Result<TypeRef>(arguments[0]) : number;
  }
  return numberType(name, first);
}

}  // namespace

Result<TypeRef> callType(std::string_view name, const Arguments& arguments) {
  if (const auto count = fixedCount(name)) {
    if (arguments.size() != *count) {
      return refuse(fmt::format("invalid number of arguments (expected {}, got {})", *count, arguments.size()));
    }
    return ruledType(name, arguments);
  }
  if (name == "concat") {
    if (arguments.empty()) return refuse("invalid number of arguments (expected at least 1, got 0)");
    for (const TypeRef& argument : arguments) {
      if (!indexable(*argument)) return refuse("cannot concat " + shown(*argument));
    }
    return types::listOf(types::any());
  }
  if (name == "max" || name == "min" || name == "mean" || name == "median") return extremeType(name, arguments);
  if (name == "sort") return sortType(arguments);
  if (name == "join") return joinType(arguments);
  if (name == "date") return dateType(arguments);
  if (name == "string" || name == "type") return byShape(name, {{{types::any()}, types::string()}}, arguments);
  return byShape(name, signaturesOf(name), arguments);
}

Result<TypeRef> methodType(const Type& base, std::string_view name, const Arguments& arguments) {
  using namespace types;
  static const std::map<std::string_view, std::vector<Signature>> of_time{
      {"Year", {{{}, integer()}}},
      {"Month", {{{}, month()}}},
      {"Day", {{{}, integer()}}},
      {"Hour", {{{}, integer()}}},
      {"Minute", {{{}, integer()}}},
      {"Second", {{{}, integer()}}},
      {"Nanosecond", {{{}, integer()}}},
      {"Weekday", {{{}, weekday()}}},
      {"YearDay", {{{}, integer()}}},
      {"Unix", {{{}, int64()}}},
      {"UnixMilli", {{{}, int64()}}},
      {"Format", {{{types::string()}, types::string()}}},
      {"String", {{{}, types::string()}}},
      {"Add", {{{duration()}, time()}}},
      {"Sub", {{{time()}, duration()}}},
      {"Before", {{{time()}, boolean()}}},
      {"After", {{{time()}, boolean()}}},
      {"Equal", {{{time()}, boolean()}}},
      {"In", {{{location()}, time()}}},
      {"UTC", {{{}, time()}}},
      {"Truncate", {{{duration()}, time()}}}};
  static const std::map<std::string_view, std::vector<Signature>> of_duration{{"Hours", {{{}, floating()}}},
                                                                              {"Minutes", {{{}, floating()}}},
                                                                              {"Seconds", {{{}, floating()}}},
                                                                              {"Milliseconds", {{{}, int64()}}},
                                                                              {"String", {{{}, types::string()}}}};
  const auto& methods = base.is(Kind::time) ? of_time : of_duration;
  const auto found = methods.find(name);
  if (found == methods.end()) return TypeRef();
  return byShape(name, found->second, arguments);
}

}  // namespace crossfade::expr
