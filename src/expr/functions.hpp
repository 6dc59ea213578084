// The builtins and methods at run time, but those with a predicate (evaluator.cpp). spec/07 B8, B9.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "expr/budget.hpp"
#include "expr/value.hpp"

namespace crossfade::expr {

struct Call {
  std::span<const Value> arguments;
  Budget& budget;
  TimePoint now;

  const Value& operator[](std::size_t index) const { return arguments[index]; }
  std::size_t size() const { return arguments.size(); }
};
using FunctionPointer = Result<Value> (*)(const Call&);

// Null for names that are no builtin. The checker has seen to the number of arguments, except where a callee is known
// only at run time.
FunctionPointer findFunction(std::string_view name);
// A method of a time or a duration.
Result<Value> callMethod(const Value& base, std::string_view name, const Call& call);

// The parts of findFunction.
FunctionPointer findCollectionFunction(std::string_view name);
FunctionPointer findTextFunction(std::string_view name);
FunctionPointer findNumberFunction(std::string_view name);
FunctionPointer findTimeFunction(std::string_view name);

// asInt, asFloat, int, float.
Result<Value> asInt(const Value& value);
Result<Value> asFloat(const Value& value);
// sort() and sortBy(): `keys` decide. Fails in sort()'s words where two keys have no order.
Result<std::vector<Value>> sorted(const std::vector<Value>& items, const std::vector<Value>& keys, bool descending,
                                  Budget& budget);

}  // namespace crossfade::expr
