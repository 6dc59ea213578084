// What operators, members and slices do at run time. spec/07 B5, B6.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "expr/budget.hpp"
#include "expr/value.hpp"

namespace crossfade::expr {

// Every binary operator but `and`, `or`, `??` and those with a constant right side (see syntax.hpp).
Result<Value> applyBinary(std::string_view op, const Value& left, const Value& right, Budget& budget);
Result<Value> applyUnary(std::string_view op, const Value& operand);

// base.key, base[key].
Result<Value> fetch(const Value& base, const Value& key);
// base[from:to]; a null bound is open.
Result<Value> slice(const Value& base, const Value* from, const Value* to, Budget& budget);

// "interface conversion: interface {} is float64, not bool".
std::unexpected<Error> badConversion(const Value& value, std::string_view wanted);
// The boolean, or that error.
Result<bool> toBool(const Value& value);
// The text, or that error.
Result<const std::string*> toText(const Value& value);
// A number cut to an integer; `invalid operation: int(string)`.
Result<std::int64_t> toInteger(const Value& value);
// A double cut to an integer as the amd64 does it: what doesn't fit is the smallest.
std::int64_t truncate(double value);

}  // namespace crossfade::expr
