#include "expr/builtins.hpp"

#include <array>
#include <map>
#include <set>

namespace crossfade::expr {

bool isEnvironmentFunction(std::string_view name) {
  static const std::set<std::string_view> names{"asInt", "asFloat", "isNaN", "isInf", "isNil", "default"};
  return names.contains(name);
}

bool isBuiltin(std::string_view name) {
  // Those that signaturesOf() and predicateShape() don't know.
  static const std::set<std::string_view> names{
      "len",    "abs",     "ceil",      "floor",   "round", "int",  "float",  "string",  "type", "first",
      "last",   "get",     "take",      "reverse", "sort",  "uniq", "concat", "flatten", "join", "keys",
      "values", "toPairs", "fromPairs", "max",     "min",   "mean", "median", "date"};
  return names.contains(name) || predicateShape(name) != nullptr ||
         (!isEnvironmentFunction(name) && !signaturesOf(name).empty());
}

const PredicateShape* predicateShape(std::string_view name) {
  static const PredicateShape plain{{false, false}, {true, false}}, counting{{false, false}, {true, true}},
      with_extra{{false, false}, {true, false}, {false, true}};
  static const std::map<std::string_view, const PredicateShape*> shapes{
      {"all", &plain},      {"none", &plain},          {"any", &plain},        {"one", &plain},
      {"filter", &plain},   {"map", &plain},           {"find", &plain},       {"findIndex", &plain},
      {"findLast", &plain}, {"findLastIndex", &plain}, {"groupBy", &plain},    {"count", &counting},
      {"sum", &counting},   {"sortBy", &with_extra},   {"reduce", &with_extra}};
  const auto found = shapes.find(name);
  return found == shapes.end() ? nullptr : found->second;
}

const std::vector<Signature>& signaturesOf(std::string_view name) {
  using namespace types;
  static const TypeRef s = string(), i = integer(), f = floating(), b = boolean(), x = any(), l = stringList();
  static const std::map<std::string_view, std::vector<Signature>> signatures{
      {"asInt", {{{x}, int64()}}},
      {"asFloat", {{{x}, f}}},
      {"isNaN", {{{f}, b}}},
      {"isInf", {{{f}, b}}},
      {"isNil", {{{x}, b}}},
      {"default", {{{x, x}, x}}},
      {"trim", {{{s}, s}, {{s, s}, s}}},
      {"trimPrefix", {{{s, s}, s}, {{s}, s}}},
      {"trimSuffix", {{{s, s}, s}, {{s}, s}}},
      {"upper", {{{s}, s}}},
      {"lower", {{{s}, s}}},
      {"split", {{{s, s}, l}, {{s, s, i}, l}}},
      {"splitAfter", {{{s, s}, l}, {{s, s, i}, l}}},
      {"replace", {{{s, s, s}, s}, {{s, s, s, i}, s}}},
      {"repeat", {{{s, i}, s}}},
      {"indexOf", {{{s, s}, i}}},
      {"lastIndexOf", {{{s, s}, i}}},
      {"hasPrefix", {{{s, s}, b}}},
      {"hasSuffix", {{{s, s}, b}}},
      {"toJSON", {{{x}, s}}},
      {"fromJSON", {{{s}, x}}},
      {"toBase64", {{{s}, s}}},
      {"fromBase64", {{{s}, s}}},
      {"bitand", {{{i, i}, i}}},
      {"bitor", {{{i, i}, i}}},
      {"bitxor", {{{i, i}, i}}},
      {"bitnand", {{{i, i}, i}}},
      {"bitshl", {{{i, i}, i}}},
      {"bitshr", {{{i, i}, i}}},
      {"bitushr", {{{i, i}, i}}},
      {"bitnot", {{{i}, i}}},
      {"now", {{{}, time()}, {{location()}, time()}}},
      {"duration", {{{s}, duration()}}},
      {"timezone", {{{s}, location()}}},
  };
  static const std::vector<Signature> none;
  const auto found = signatures.find(name);
  return found == signatures.end() ? none : found->second;
}

}  // namespace crossfade::expr
