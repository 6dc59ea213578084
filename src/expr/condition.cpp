#include "expr/condition.hpp"

#include <fmt/format.h>

#include "expr/checker.hpp"
#include "expr/evaluator.hpp"
#include "expr/parser.hpp"

namespace crossfade::expr {

namespace {

// Of one text; a metric's result hardly ever has more.
constexpr std::size_t max_types = 4;

// Checked and folded for an environment. Both write into the tree, so it is a copy of the parsed one.
Checked<NodeRef> compile(const NodeRef& parsed, const Environment& environment) {
  NodeRef root = clone(parsed);
  if (auto type = check(*root, environment); !type) return std::unexpected(std::move(type.error()));
  if (auto folded = fold(*root); !folded) return std::unexpected(std::move(folded.error()));
  return root;
}

// A5: the text that a measurement carries. Long values are not repeated whole.
std::string explained(std::string_view which, const Condition& condition, const Measured& result,
                      std::string_view message) {
  constexpr std::size_t longest = 4096;
  if (result.isEmpty()) message = "metric result is nil or empty: no data returned from the metric provider";
  return fmt::format("could not evaluate {} \"{}\": {}{}", which, condition.text(), message.substr(0, longest),
                     message.size() > longest ? "…" : "");
}

// Null: not given.
Verdict judge(const Measured& result, const Condition* success, const Condition* failure, TimePoint now) {
  // Without a condition for success everything succeeds, without one for failure nothing fails.
  bool succeeded = true, failed = false;
  if (success != nullptr) {
    const auto holds = success->holds(result, now);
    if (!holds) return {"Error", explained("successCondition", *success, result, holds.error().message)};
    succeeded = *holds;
  }
  if (failure != nullptr) {
    const auto holds = failure->holds(result, now);
    if (!holds) return {"Error", explained("failureCondition", *failure, result, holds.error().message)};
    failed = *holds;
  }
  if (failed) return {"Failed", ""};
  if (succeeded) return {"Successful", ""};
  return {failure == nullptr ? "Failed" : "Inconclusive", ""};
}

}  // namespace

Condition::Condition(std::string text) : text_(std::move(text)), parsed_(parse(text_)) {}

const Checked<NodeRef>& Condition::compiledFor(const TypeRef& type) const {
  if (!parsed_) return parsed_;
  for (const Compiled& one : compiled_) {
    if (one.type == type || same(*one.type, *type)) return one.tree;
  }
  if (compiled_.size() == max_types) compiled_.erase(compiled_.begin());
  return compiled_.emplace_back(type, compile(*parsed_, {type})).tree;
}

std::optional<Problem> Condition::problemFor(const TypeRef& type) const {
  const Checked<NodeRef>& tree = compiledFor(type);
  return tree ? std::nullopt : std::optional(tree.error());
}
std::optional<Problem> Condition::problem() const { return problemFor(types::any()); }

Checked<Value> Condition::evaluate(const Measured& result, TimePoint now) const {
  const Checked<NodeRef>& tree = compiledFor(result.type);
  if (!tree) return std::unexpected(tree.error());
  Budget budget;
  return expr::evaluate(**tree, result.value, now, budget);
}

Checked<bool> Condition::holds(const Measured& result, TimePoint now) const {
  auto value = evaluate(result, now);
  if (!value) return std::unexpected(std::move(value.error()));
  if (value->boolean() == nullptr) return std::unexpected(Problem{"expected bool, but got " + typeName(*value)});
  return *value->boolean();
}

std::shared_ptr<const Condition> Conditions::of(std::string_view text) {
  if (const auto known = by_text_.find(text); known != by_text_.end()) {
    newest_first_.splice(newest_first_.begin(), newest_first_, known->second);
    return newest_first_.front();
  }
  newest_first_.push_front(std::make_shared<const Condition>(std::string(text)));
  bytes_ += text.size();
  by_text_.emplace(newest_first_.front()->text(), newest_first_.begin());
  while (bytes_ > max_bytes && newest_first_.size() > 1) {
    const std::string& oldest = newest_first_.back()->text();
    bytes_ -= oldest.size();
    by_text_.erase(oldest);
    newest_first_.pop_back();
  }
  return newest_first_.front();
}

Verdict assess(const Measured& result, std::string_view success_condition, std::string_view failure_condition,
               TimePoint now) {
  Conditions once;
  return assess(once, result, success_condition, failure_condition, now);
}

Verdict assess(Conditions& conditions, const Measured& result, std::string_view success_condition,
               std::string_view failure_condition, TimePoint now) {
  const auto given = [&](std::string_view text) { return text.empty() ? nullptr : conditions.of(text); };
  const auto success = given(success_condition), failure = given(failure_condition);
  return judge(result, success.get(), failure.get(), now);
}

Result<TimePoint> evaluateTime(std::string_view text, TimePoint now) {
  const auto failed = [](const Problem& problem) { return fail(ErrorCode::invalid, problem.message); };
  const auto parsed = parse(text);
  if (!parsed) return failed(parsed.error());
  const auto tree = compile(*parsed, {});
  if (!tree) return failed(tree.error());
  Budget budget;
  const auto value = evaluate(**tree, Value(), now, budget);
  if (!value) return failed(value.error());
  if (value->moment() == nullptr) return fail(ErrorCode::invalid, "expected time.Time, but got " + typeName(*value));
  return value->moment()->timePoint();
}

}  // namespace crossfade::expr
