// The names that a condition can call. spec/07 A2, B8, B9.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "expr/types.hpp"

namespace crossfade::expr {

// asInt, asFloat, isNaN, isInf, isNil, default.
bool isEnvironmentFunction(std::string_view name);
// Any builtin, those with a predicate included.
bool isBuiltin(std::string_view name);

// How the arguments of a builtin with a predicate are written.
struct PredicateArgument {
  bool predicate = false;
  bool optional = false;
};
using PredicateShape = std::vector<PredicateArgument>;
// Null for names that take no predicate.
const PredicateShape* predicateShape(std::string_view name);

// One way to call a function of fixed types.
struct Signature {
  std::vector<TypeRef> parameters;
  TypeRef result;
};
// Of the builtins whose types need no rule of their own, and of the environment's functions; empty for others.
const std::vector<Signature>& signaturesOf(std::string_view name);

}  // namespace crossfade::expr
