// The condition language of metrics. spec/07 part A and B.
//
// A text passes through lexer, parser, checker (static types), folder and evaluator, each a header of its own in this
// room. All of it is bounded: 10 000 syntax nodes, nesting, evaluation steps, and the memory of what an evaluation
// creates (spec/07 B11), so that no condition can hold up whoever evaluates it for longer than a fraction of a second.
//
// Static types depend on the measured value, so checking and folding belong to a text *and* a type of result. A
// Condition parses its text once, and compiles it once for each type that it meets (a metric meets one, or two when its
// data are missing now and then). Whoever measures the same metric again keeps its conditions in a Conditions cache:
// one for the process, for the texts as they are after {{args.*}} were filled in, is enough. Neither is thread-safe.
#pragma once
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.hpp"
#include "base/time.hpp"
#include "expr/measured.hpp"
#include "expr/problem.hpp"
#include "expr/syntax.hpp"

namespace crossfade::expr {

class Condition {
 public:
  explicit Condition(std::string text);

  const std::string& text() const { return text_; }

  // What is wrong with the text whatever is measured: its syntax, unknown names, operators that can never fit. A text
  // without such a problem can still fail for a result of some type.
  std::optional<Problem> problem() const;
  // What is wrong with it for results of this type.
  std::optional<Problem> problemFor(const TypeRef& type) const;

  // Whether `result` fulfils the condition. Fails with the bare compile or run message, and where the outcome is no
  // boolean.
  Checked<bool> holds(const Measured& result, TimePoint now) const;
  // The outcome itself.
  Checked<Value> evaluate(const Measured& result, TimePoint now) const;

 private:
  struct Compiled {
    TypeRef type;
    Checked<NodeRef> tree;
  };
  const Checked<NodeRef>& compiledFor(const TypeRef& type) const;

  std::string text_;
  Checked<NodeRef> parsed_;
  mutable std::vector<Compiled> compiled_;  // the newest last
};

// The conditions that were used last.
class Conditions {
 public:
  static constexpr std::size_t max_bytes = 256 << 10;  // of their texts; a tree takes about a hundred times as much

  std::shared_ptr<const Condition> of(std::string_view text);

 private:
  using Entries = std::list<std::shared_ptr<const Condition>>;
  Entries newest_first_;
  std::unordered_map<std::string_view, Entries::iterator> by_text_;
  std::size_t bytes_ = 0;
};

// The verdict on one value. spec/07 A4, A5.
struct Verdict {
  std::string phase;  // Successful, Failed, Inconclusive, Error
  std::string error;  // why Error
};
Verdict assess(const Measured& result, std::string_view success_condition, std::string_view failure_condition,
               TimePoint now);
// The same with conditions that are kept.
Verdict assess(Conditions& conditions, const Measured& result, std::string_view success_condition,
               std::string_view failure_condition, TimePoint now);

// A time expression of a range query ("now() - duration(\"1h\")"). spec/07 A6.
Result<TimePoint> evaluateTime(std::string_view text, TimePoint now);

}  // namespace crossfade::expr
