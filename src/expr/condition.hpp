// The condition language of metrics: compiled once, evaluated per measurement. spec/07 part A and B.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace crossfade::expr {

// The static type of `result`, by provider. spec/07 A3.
enum class ResultType { floating, float_list, string, object, bool_nil, any };

// A measured value: NaN and infinities are possible in the floats.
using Measured = std::variant<std::monostate, bool, double, std::vector<double>, std::string, json::value>;

class Condition {
 public:
  // Positions and words of errors as spec/07 A5 says.
  static Result<Condition> compile(std::string_view text, ResultType type);
  // Whether `result` fulfils it; an error where evaluation fails or the outcome is no boolean. Bounded in steps,
  // memory and depth (spec/07 B11).
  Result<bool> evaluate(const Measured& result) const;

 private:
  struct Program;
  std::shared_ptr<const Program> program_;
};

// The verdict on one value. spec/07 A4.
struct Verdict {
  std::string phase;  // Successful, Failed, Inconclusive, Error
  std::string error;  // why Error
};
Verdict assess(const Measured& result, ResultType type, std::string_view success_condition, std::string_view failure_condition);

// A time expression of a range query ("now() - duration(\"1h\")"). spec/07 A6.
Result<TimePoint> evaluateTime(std::string_view text, TimePoint now);

}  // namespace crossfade::expr
