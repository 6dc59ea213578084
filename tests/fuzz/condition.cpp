// A condition, and the JSON that was measured (any other text is a text that was measured).
#include "expr/condition.hpp"

#include "expr/json_text.hpp"
#include "fuzz/targets.hpp"

namespace crossfade::fuzz {

namespace {

void evaluate(const expr::Condition& condition, const expr::Measured& result) {
  const auto first = condition.evaluate(result, TimePoint());
  const auto again = condition.evaluate(result, TimePoint());
  require(first.has_value() == again.has_value(), "an evaluation has one outcome");
  if (first) {
    require(format(*first).size() < 1 << 28, "an outcome has a bound");
  } else {
    require(!first.error().message.empty(), "a problem has a message");
    require(first.error().at <= condition.text().size(), "a problem is in the text");
    require(first.error().message == again.error().message, "a problem has one message");
    static_cast<void>(expr::position(condition.text(), first.error().at));
  }
}

}  // namespace

void condition(std::string_view input) {
  const auto [text, document] = halves(input);
  const expr::Condition condition{std::string(text)};
  static_cast<void>(condition.problem());
  const auto parsed = expr::parseAnswer(document);
  evaluate(condition, parsed ? expr::Measured(*parsed) : expr::Measured(std::string(document)));
  evaluate(condition, std::vector<double>{0.5, 3});
  evaluate(condition, expr::Measured());
}

}  // namespace crossfade::fuzz
