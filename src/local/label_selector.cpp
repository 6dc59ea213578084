#include "local/label_selector.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <optional>

#include "local/name_rules.hpp"

namespace crossfade::local {

namespace {

// What is wrong with a label's value; empty when nothing is.
std::string_view valueFault(std::string_view text) {
  if (text.empty()) return {};
  if (text.size() > 63) return "must be no more than 63 characters";
  return isNamePart(text) ? std::string_view() : label_value_message;
}

struct Token {
  enum class Kind { end, comma, open, close, bang, equals, not_equals, greater, less, word };
  Kind kind = Kind::end;
  std::string_view text;
};
using enum Token::Kind;

std::vector<Token> tokensOf(std::string_view text) {
  constexpr std::string_view spaces = " \t\r\n", delimiters = " \t\r\n=!(),<>";
  constexpr std::pair<std::string_view, Token::Kind> known[] = {{"==", equals}, {"!=", not_equals}, {"=", equals},
                                                                {"!", bang},    {"(", open},        {")", close},
                                                                {",", comma},   {"<", less},        {">", greater}};
  std::vector<Token> tokens;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(spaces), text.size()));
    if (text.empty()) return tokens;
    Token token{word, text.substr(0, text.find_first_of(delimiters))};
    for (const auto& [symbol, kind] : known) {
      if (!token.text.empty() || !text.starts_with(symbol)) continue;
      token = {kind, text.substr(0, symbol.size())};
    }
    tokens.push_back(token);
    text.remove_prefix(token.text.size());
  }
}

// The parser of the API machinery, step by step, so that it stops at the same token with the same words.
class Parser {
 public:
  explicit Parser(std::string_view text) : tokens_(tokensOf(text)) {}

  Result<std::vector<Selector::Requirement>> parse() {
    std::vector<Selector::Requirement> requirements;
    if (peek().kind == end) return requirements;
    while (true) {
      if (peek().kind != word && peek().kind != bang)
        return found(peek(), requirements.empty() ? "!, identifier, or 'end of string'" : "identifier after ','");
      auto requirement = parseRequirement();
      if (!requirement) return fail(ErrorCode::invalid, "unable to parse requirement: " + requirement.error().message);
      requirements.push_back(std::move(*requirement));
      const Token next = take();
      if (next.kind == end) return requirements;
      if (next.kind != comma) return found(next, "',' or 'end of string'");
    }
  }

 private:
  static std::unexpected<Error> found(const Token& token, std::string_view expected) {
    return fail(ErrorCode::invalid, fmt::format("found '{}', expected: {}", token.text, expected));
  }

  Token peek() const { return at_ < tokens_.size() ? tokens_[at_] : Token(); }
  Token take() { return at_ < tokens_.size() ? tokens_[at_++] : Token(); }

  Result<Selector::Requirement> parseRequirement() {
    using Operator = Selector::Operator;
    Selector::Requirement requirement{.key = {}, .op = Operator::exists, .values = {}};
    Token key = take();
    const bool negated = key.kind == bang;
    if (negated) key = take();
    if (key.kind != word) return found(key, "identifier");
    requirement.key = key.text;
    if (const auto faults = qualifiedNameFaults(key.text); !faults.empty()) {
      return fail(ErrorCode::invalid,
                  fmt::format("<nil>: Invalid value: \"{}\": {}", key.text, fmt::join(faults, "; ")));
    }
    if (negated) {
      requirement.op = Operator::does_not_exist;
      return requirement;
    }
    if (peek().kind == end || peek().kind == comma) return requirement;
    const Token op = take();
    const bool many = op.kind == word && (op.text == "in" || op.text == "notin");
    if (op.kind == greater || op.kind == less)
      return fail(ErrorCode::invalid, "the embedded cluster doesn't compare labels as numbers ('>', '<')");
    if (!many && op.kind != equals && op.kind != not_equals) return found(op, "in, notin, =, ==, !=, gt, lt");
    requirement.op = op.text == "notin" || op.kind == not_equals ? Operator::not_in : Operator::in;
    auto values = many ? parseValues() : parseExactValue();
    if (!values) return fail(values.error());
    std::ranges::sort(*values);
    values->erase(std::ranges::unique(*values).begin(), values->end());
    requirement.values = std::move(*values);
    return checked(std::move(requirement));
  }

  static Result<Selector::Requirement> checked(Selector::Requirement requirement) {
    std::vector<std::string> faults;
    for (std::size_t i = 0; i < requirement.values.size(); ++i) {
      const std::string& value = requirement.values[i];
      if (const auto fault = valueFault(value); !fault.empty())
        faults.push_back(fmt::format("values[{}][{}]: Invalid value: \"{}\": {}", i, requirement.key, value, fault));
    }
    if (faults.empty()) return requirement;
    return fail(ErrorCode::invalid, faults.size() == 1 ? faults.front() : fmt::format("[{}]", fmt::join(faults, ", ")));
  }

  Result<std::vector<std::string>> parseExactValue() {
    if (peek().kind == end || peek().kind == comma) return std::vector<std::string>{""};
    const Token value = take();
    if (value.kind != word) return found(value, "identifier");
    return std::vector{std::string(value.text)};
  }

  // "(a,b)". Nothing between commas and parentheses is the empty value.
  Result<std::vector<std::string>> parseValues() {
    if (const Token token = take(); token.kind != open)
      return fail(ErrorCode::invalid, fmt::format("found '{}' expected: '('", token.text));
    if (peek().kind != word && peek().kind != comma && peek().kind != close)
      return found(peek(), "',', ')' or identifier");
    std::vector<std::string> values;
    bool separated = true;  // a value may come
    while (true) {
      const Token token = take();
      if (token.kind == word) {
        values.emplace_back(token.text);
        separated = false;
        if (peek().kind != comma && peek().kind != close) return found(peek(), "',' or ')'");
      } else if (token.kind == comma || token.kind == close) {
        if (separated) values.emplace_back();
        separated = true;
        if (token.kind == close) return values;
      } else {
        return found(token, "',', or identifier");
      }
    }
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

}  // namespace

Result<Selector> parseLabelSelector(std::string_view text) {
  auto requirements = Parser(text).parse();
  if (!requirements) return fail(requirements.error());
  return Selector(std::move(*requirements));
}

std::vector<std::string> labelFaults(const json::object& labels, std::string_view field) {
  std::vector<std::string> violations;
  for (const auto& [key, value] : labels) {
    for (const auto& fault : qualifiedNameFaults(key))
      violations.push_back(fmt::format("{}: Invalid value: \"{}\": {}", field, std::string_view(key), fault));
    const auto* text = value.if_string();
    if (text == nullptr) continue;
    if (const auto fault = valueFault(*text); !fault.empty())
      violations.push_back(fmt::format("{}: Invalid value: \"{}\": {}", field, std::string_view(*text), fault));
  }
  return violations;
}

std::vector<std::string> labelSelectorFaults(const json::object& selector, std::string_view field) {
  std::vector<std::string> violations;
  if (const auto* labels = getObject(selector, {"matchLabels"}))
    violations = labelFaults(*labels, fmt::format("{}.matchLabels", field));
  const auto* expressions = getArray(selector, {"matchExpressions"});
  if (expressions == nullptr) return violations;
  for (std::size_t i = 0; i < expressions->size(); ++i) {
    const auto* expression = (*expressions)[i].if_object();
    if (expression == nullptr) continue;
    const std::string at = fmt::format("{}.matchExpressions[{}]", field, i);
    const auto op = getString(*expression, {"operator"});
    const auto* values = getArray(*expression, {"values"});
    const bool empty = values == nullptr || values->empty();
    if (op == "In" || op == "NotIn") {
      if (empty)
        violations.push_back(at + ".values: Required value: must be specified when `operator` is 'In' or 'NotIn'");
    } else if (op == "Exists" || op == "DoesNotExist") {
      if (!empty)
        violations.push_back(at +
                             ".values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
    } else {
      violations.push_back(fmt::format("{}.operator: Invalid value: \"{}\": not a valid selector operator", at, op));
    }
    const auto key = getString(*expression, {"key"});
    for (const auto& fault : qualifiedNameFaults(key))
      violations.push_back(fmt::format("{}.key: Invalid value: \"{}\": {}", at, key, fault));
    for (std::size_t v = 0; !empty && v < values->size(); ++v) {
      const auto* text = (*values)[v].if_string();
      if (text == nullptr) continue;
      if (const auto fault = valueFault(*text); !fault.empty())
        violations.push_back(
            fmt::format("{}.values[{}]: Invalid value: \"{}\": {}", at, v, std::string_view(*text), fault));
    }
  }
  return violations;
}

}  // namespace crossfade::local
