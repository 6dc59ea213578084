// The condition language of metrics. spec/07 part A and B.
//
// A text passes through lexer, parser, checker (static types), folder and evaluator, each a header of its own in this
// room. Static types depend on the measured value, so a text is compiled for every measurement. All of it is bounded:
// 10 000 syntax nodes, nesting, evaluation steps, and the memory of what an evaluation creates (spec/07 B11).
#pragma once
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "expr/types.hpp"
#include "expr/value.hpp"

namespace crossfade::expr {

// A value that JSON can't express (times, 64-bit integers), with its static type.
struct Typed {
  Value value;
  TypeRef type;
};

// A provider's value: nothing, a boolean, a number (NaN and infinities are possible), a list of numbers, a text, any
// JSON, or what the provider makes itself. spec/07 A3.
using Measured = std::variant<std::monostate, bool, double, std::vector<double>, std::string, json::value, Typed>;

// Whether `result` fulfils the condition. Fails with the bare compile or run message, and where the outcome is no
// boolean.
Result<bool> evaluateCondition(std::string_view text, const Measured& result, TimePoint now);

// The verdict on one value. spec/07 A4, A5.
struct Verdict {
  std::string phase;  // Successful, Failed, Inconclusive, Error
  std::string error;  // why Error
};
Verdict assess(const Measured& result, std::string_view success_condition, std::string_view failure_condition,
               TimePoint now);

// A time expression of a range query ("now() - duration(\"1h\")"). spec/07 A6.
Result<TimePoint> evaluateTime(std::string_view text, TimePoint now);

}  // namespace crossfade::expr
