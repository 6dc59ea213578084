#include "expr/condition.hpp"

#include <fmt/format.h>

#include "expr/checker.hpp"
#include "expr/evaluator.hpp"
#include "expr/parser.hpp"

namespace crossfade::expr {

namespace {

struct Measurement {
  Value value;
  TypeRef type;
};

// The static type that a JSON value has as a whole; what is inside of it is dynamic.
TypeRef typeOf(const json::value& value) {
  if (value.is_bool()) return types::boolean();
  if (value.is_number()) return types::floating();
  if (value.is_string()) return types::string();
  if (value.is_array()) return types::listOf(types::any());
  return value.is_object() ? types::object() : types::nil();
}

Measurement understand(const Measured& measured) {
  if (const auto* boolean = std::get_if<bool>(&measured)) return {*boolean, types::boolean()};
  if (const auto* number = std::get_if<double>(&measured)) return {*number, types::floating()};
  if (const auto* text = std::get_if<std::string>(&measured)) return {*text, types::string()};
  if (const auto* document = std::get_if<json::value>(&measured)) return {fromJson(*document), typeOf(*document)};
  if (const auto* typed = std::get_if<Typed>(&measured)) return {typed->value, typed->type};
  if (const auto* numbers = std::get_if<std::vector<double>>(&measured)) {
    List list{.elements = List::Elements::floating};
    list.items.assign(numbers->begin(), numbers->end());
    measure(list);
    return {std::move(list), types::floatList()};
  }
  return {Value(), types::nil()};
}

Result<Value> run(std::string_view text, const Value& result, const Environment& environment, TimePoint now) {
  const auto root = parse(text);
  if (!root) return std::unexpected(root.error());
  if (const auto type = check(**root, environment); !type) return std::unexpected(type.error());
  if (const auto folded = fold(**root); !folded) return std::unexpected(folded.error());
  Budget budget;
  return evaluate(**root, result, now, budget);
}

Result<bool> fulfils(std::string_view text, const Measurement& measurement, TimePoint now) {
  const auto value = run(text, measurement.value, {measurement.type}, now);
  if (!value) return std::unexpected(value.error());
  if (value->boolean() == nullptr) return fail(ErrorCode::invalid, "expected bool, but got " + typeName(*value));
  return *value->boolean();
}

bool isEmpty(const Value& value) {
  const List* list = value.list();
  return value.isNull() || (list != nullptr && list->items.empty());
}

// A5: the text that a measurement carries. Long values are not repeated whole.
std::string problem(std::string_view which, std::string_view condition, const Measurement& measurement,
                    std::string_view message) {
  constexpr std::size_t longest = 4096;
  if (isEmpty(measurement.value)) message = "metric result is nil or empty: no data returned from the metric provider";
  return fmt::format("could not evaluate {} \"{}\": {}{}", which, condition, message.substr(0, longest),
                     message.size() > longest ? "…" : "");
}

}  // namespace

Result<bool> evaluateCondition(std::string_view text, const Measured& result, TimePoint now) {
  return fulfils(text, understand(result), now);
}

Verdict assess(const Measured& result, std::string_view success_condition, std::string_view failure_condition,
               TimePoint now) {
  const Measurement measurement = understand(result);
  // Without a condition for success everything succeeds, without one for failure nothing fails.
  bool succeeded = success_condition.empty();
  bool failed = false;
  if (!success_condition.empty()) {
    const auto fulfilled = fulfils(success_condition, measurement, now);
    if (!fulfilled) {
      return {"Error", problem("successCondition", success_condition, measurement, fulfilled.error().message)};
    }
    succeeded = *fulfilled;
  }
  if (!failure_condition.empty()) {
    const auto fulfilled = fulfils(failure_condition, measurement, now);
    if (!fulfilled) {
      return {"Error", problem("failureCondition", failure_condition, measurement, fulfilled.error().message)};
    }
    failed = *fulfilled;
  }
  if (failed) return {"Failed", ""};
  if (succeeded) return {"Successful", ""};
  return {failure_condition.empty() ? "Failed" : "Inconclusive", ""};
}

Result<TimePoint> evaluateTime(std::string_view text, TimePoint now) {
  const auto value = run(text, Value(), {}, now);
  if (!value) return std::unexpected(value.error());
  if (value->moment() == nullptr) return fail(ErrorCode::invalid, "expected time.Time, but got " + typeName(*value));
  return value->moment()->timePoint();
}

}  // namespace crossfade::expr
