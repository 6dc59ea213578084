#include <fmt/format.h>
#include <re2/re2.h>

#include <charconv>

#include "base/time.hpp"
#include "local/cel.hpp"
#include "local/cel_syntax.hpp"

namespace crossfade::local::cel {

namespace {

constexpr int max_steps = 1'000'000;

// Something that an expression came to: JSON, owned or borrowed from the variables, or a duration.
class Value {
 public:
  Value(json::value value) : owned_(std::move(value)) {}
  Value(const json::value* borrowed) : borrowed_(borrowed) {}
  Value(Duration duration) : duration_(duration) {}

  const json::value& json() const { return borrowed_ == nullptr ? owned_ : *borrowed_; }
  const std::optional<Duration>& duration() const { return duration_; }
  // A part of this value: borrowed where the whole is.
  Value part(const json::value& inner) const { return borrowed_ == nullptr ? Value(inner) : Value(&inner); }

 private:
  json::value owned_;
  const json::value* borrowed_ = nullptr;
  std::optional<Duration> duration_;
};

using Evaluated = Result<Value>;

std::unexpected<Error> noOverload() { return fail(ErrorCode::invalid, "no such overload"); }

bool equal(const Value& a, const Value& b) {
  if (a.duration() || b.duration()) return a.duration() == b.duration();
  if (a.json().is_number() && b.json().is_number()) return a.json().to_number<double>() == b.json().to_number<double>();
  return a.json() == b.json();
}

std::optional<std::partial_ordering> compare(const Value& a, const Value& b) {
  if (a.duration() && b.duration()) return *a.duration() <=> *b.duration();
  if (a.duration() || b.duration()) return std::nullopt;
  const json::value& left = a.json();
  const json::value& right = b.json();
  const auto left_whole = asInteger(left);
  const auto right_whole = asInteger(right);
  if (left_whole && right_whole) return *left_whole <=> *right_whole;
  if (left.is_number() && right.is_number()) return left.to_number<double>() <=> right.to_number<double>();
  if (!left.is_string() || !right.is_string()) return std::nullopt;
  return std::string_view(left.get_string()) <=> std::string_view(right.get_string());
}

std::int64_t codePoints(std::string_view text) {
  return std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

Evaluated sizeOf(const json::value& value) {
  if (const auto* text = value.if_string()) return Value(json::value(codePoints(*text)));
  if (const auto* array = value.if_array()) return Value(json::value(static_cast<std::int64_t>(array->size())));
  if (const auto* object = value.if_object()) return Value(json::value(static_cast<std::int64_t>(object->size())));
  return noOverload();
}

json::value split(std::string_view text, std::string_view separator) {
  json::array parts;
  if (separator.empty()) {
    for (const char& c : text) parts.emplace_back(std::string_view(&c, 1));
    return parts;
  }
  for (std::size_t at = text.find(separator); at != std::string_view::npos; at = text.find(separator)) {
    parts.emplace_back(text.substr(0, at));
    text.remove_prefix(at + separator.size());
  }
  parts.emplace_back(text);
  return parts;
}

Evaluated arithmetic(std::string_view op, const json::value& left, const json::value& right) {
  if (op == "+" && left.is_string() && right.is_string()) {
    return Value(json::value(std::string(left.get_string()) + std::string(right.get_string())));
  }
  if (op == "+" && left.is_array() && right.is_array()) {
    json::array both = left.get_array();
    for (const auto& item : right.get_array()) both.push_back(item);
    return Value(json::value(std::move(both)));
  }
  if (!left.is_number() || !right.is_number()) return noOverload();
  if (left.is_double() || right.is_double()) {
    const double a = left.to_number<double>();
    const double b = right.to_number<double>();
    if (op == "%") return noOverload();
    return Value(json::value(op == "+" ? a + b : op == "-" ? a - b : op == "*" ? a * b : a / b));
  }
  const std::int64_t a = asInteger(left).value_or(0);
  const std::int64_t b = asInteger(right).value_or(0);
  std::int64_t result = 0;
  if (op == "+" || op == "-" || op == "*") {
    const bool overflow = op == "+"   ? __builtin_add_overflow(a, b, &result)
                          : op == "-" ? __builtin_sub_overflow(a, b, &result)
                                      : __builtin_mul_overflow(a, b, &result);
    if (overflow) return fail(ErrorCode::invalid, "integer overflow");
    return Value(json::value(result));
  }
  if (b == 0) return fail(ErrorCode::invalid, op == "/" ? "division by zero" : "modulus by zero");
  if (a == INT64_MIN && b == -1) return fail(ErrorCode::invalid, "integer overflow");
  return Value(json::value(op == "/" ? a / b : a % b));
}

// One evaluation.
class Machine {
 public:
  explicit Machine(Variables variables) : variables_(std::move(variables)) {}
  Evaluated run(const Node& node);

 private:
  Evaluated select(const Node& node);
  Evaluated index(const Node& node);
  Evaluated call(const Node& node);
  Evaluated binary(const Node& node);
  Evaluated logical(const Node& node);
  Evaluated macro(const Node& node);
  Result<bool> truth(const Node& node);

  Variables variables_;
  int steps_ = 0;
};

Result<bool> Machine::truth(const Node& node) {
  const auto value = run(node);
  if (!value) return fail(value.error());
  const auto* boolean = value->json().if_bool();
  if (boolean == nullptr) return noOverload();
  return *boolean;
}

Evaluated Machine::select(const Node& node) {
  const auto object = run(*node.children[0]);
  if (!object) return object;
  const auto* members = object->json().if_object();
  const json::value* member = members == nullptr ? nullptr : members->if_contains(node.text);
  if (node.kind == Node::Kind::test) {
    if (members == nullptr) return noOverload();
    return Value(json::value(member != nullptr));
  }
  if (member == nullptr) return fail(ErrorCode::invalid, fmt::format("no such key: {}", node.text));
  return object->part(*member);
}

Evaluated Machine::index(const Node& node) {
  const auto list = run(*node.children[0]);
  if (!list) return list;
  const auto at = run(*node.children[1]);
  if (!at) return at;
  if (const auto* array = list->json().if_array()) {
    const auto number = asInteger(at->json());
    if (!number) return noOverload();
    if (*number < 0 || *number >= static_cast<std::int64_t>(array->size())) {
      return fail(ErrorCode::invalid, fmt::format("index out of bounds: {}", *number));
    }
    return list->part((*array)[static_cast<std::size_t>(*number)]);
  }
  const auto* object = list->json().if_object();
  const auto* key = at->json().if_string();
  if (object == nullptr || key == nullptr) return noOverload();
  const json::value* member = object->if_contains(*key);
  if (member == nullptr) return fail(ErrorCode::invalid, fmt::format("no such key: {}", std::string_view(*key)));
  return list->part(*member);
}

Evaluated Machine::call(const Node& node) {
  std::vector<Value> values;
  for (const auto& child : node.children) {
    auto value = run(*child);
    if (!value) return value;
    values.push_back(std::move(*value));
  }
  const std::string_view name = node.text;
  const json::value& first = values[0].json();
  if (name == "size") return sizeOf(first);
  if (name == "int") {
    const auto whole = asInteger(first);
    return whole ? Evaluated(Value(json::value(*whole))) : noOverload();
  }
  if (name == "string" && !first.is_string()) return Value(json::value(json::serialize(first)));
  const auto* text = first.if_string();
  if (text == nullptr) return noOverload();
  if (name == "string") return values[0];
  if (name == "duration") {
    const auto duration = parseGoDuration(*text);
    if (!duration)
      return fail(ErrorCode::invalid, fmt::format("time: invalid duration \"{}\"", std::string_view(*text)));
    return Value(*duration);
  }
  if (name == "lowerAscii") {
    std::string lower(*text);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    return Value(json::value(lower));
  }
  const auto* argument = values[1].json().if_string();
  if (argument == nullptr) return noOverload();
  const std::string_view subject = *text;
  const std::string_view other = *argument;
  if (name == "matches") {
    const re2::RE2 expression(re2::StringPiece(other.data(), other.size()), re2::RE2::Quiet);
    if (!expression.ok()) return fail(ErrorCode::invalid, fmt::format("error parsing regexp: {}", expression.error()));
    return Value(json::value(re2::RE2::PartialMatch(re2::StringPiece(subject.data(), subject.size()), expression)));
  }
  if (name == "contains") return Value(json::value(subject.find(other) != std::string_view::npos));
  if (name == "startsWith") return Value(json::value(subject.starts_with(other)));
  if (name == "endsWith") return Value(json::value(subject.ends_with(other)));
  return Value(split(subject, other));
}

// The side that decides wins, even when the other one fails.
Evaluated Machine::logical(const Node& node) {
  const bool deciding = node.text == "||";
  const auto left = truth(*node.children[0]);
  if (left && *left == deciding) return Value(json::value(deciding));
  const auto right = truth(*node.children[1]);
  if (right && *right == deciding) return Value(json::value(deciding));
  if (!left) return fail(left.error());
  if (!right) return fail(right.error());
  return Value(json::value(!deciding));
}

Evaluated Machine::binary(const Node& node) {
  const std::string_view op = node.text;
  if (op == "&&" || op == "||") return logical(node);
  const auto left = run(*node.children[0]);
  if (!left) return left;
  const auto right = run(*node.children[1]);
  if (!right) return right;
  if (op == "==") return Value(json::value(equal(*left, *right)));
  if (op == "!=") return Value(json::value(!equal(*left, *right)));
  if (op == "in") {
    if (const auto* array = right->json().if_array()) {
      return Value(json::value(
          std::ranges::any_of(*array, [&left](const json::value& item) { return equal(*left, Value(&item)); })));
    }
    const auto* object = right->json().if_object();
    const auto* key = left->json().if_string();
    if (object == nullptr || key == nullptr) return noOverload();
    return Value(json::value(object->contains(*key)));
  }
  if (op == "<" || op == "<=" || op == ">" || op == ">=") {
    const auto order = compare(*left, *right);
    if (!order) return noOverload();
    const bool holds = op == "<" ? *order < 0 : op == "<=" ? *order <= 0 : op == ">" ? *order > 0 : *order >= 0;
    return Value(json::value(holds));
  }
  return arithmetic(op, left->json(), right->json());
}

Evaluated Machine::macro(const Node& node) {
  const auto range = run(*node.children[0]);
  if (!range) return range;
  std::vector<json::value> keys;  // of a map
  std::vector<const json::value*> items;
  if (const auto* array = range->json().if_array()) {
    for (const auto& item : *array) items.push_back(&item);
  } else if (const auto* object = range->json().if_object()) {
    for (const auto& [key, value] : *object) keys.emplace_back(std::string_view(key));
    for (const auto& key : keys) items.push_back(&key);
  } else {
    return noOverload();
  }
  const Node& body = *node.children[1];
  const auto outer = variables_.find(node.variable);
  const json::value* shadowed = outer == variables_.end() ? nullptr : outer->second;
  json::array results;
  std::int64_t holding = 0;
  std::optional<Error> failure;
  for (const json::value* item : items) {
    variables_[node.variable] = item;
    if (node.text == "map") {
      const auto value = run(body);
      if (value) results.push_back(value->json());
      if (!value) failure = value.error();
    } else {
      const auto holds = truth(body);
      if (!holds) {
        failure = holds.error();
      } else if (*holds) {
        ++holding;
        if (node.text == "filter") results.push_back(*item);
      } else if (node.text == "all") {
        failure.reset();
        holding = -1;
        break;
      }
    }
    // What one item decides, no failure of another one undoes.
    if (node.text == "exists" && holding > 0) failure.reset();
    if ((node.text == "exists" && holding > 0) || (failure && node.text != "all" && node.text != "exists")) break;
  }
  if (shadowed != nullptr) {
    variables_[node.variable] = shadowed;
  } else {
    variables_.erase(node.variable);
  }
  if (failure) return fail(*failure);
  if (node.text == "all") return Value(json::value(holding >= 0));
  if (node.text == "exists") return Value(json::value(holding > 0));
  if (node.text == "exists_one") return Value(json::value(holding == 1));
  return Value(json::value(std::move(results)));
}

Evaluated Machine::run(const Node& node) {
  if (++steps_ > max_steps) return fail(ErrorCode::invalid, "the expression takes too many steps");
  switch (node.kind) {
    case Node::Kind::literal:
      return Value(&node.value);
    case Node::Kind::variable: {
      const auto found = variables_.find(node.text);
      if (found == variables_.end())
        return fail(ErrorCode::invalid, fmt::format("undeclared reference to '{}'", node.text));
      return Value(found->second);
    }
    case Node::Kind::list: {
      json::array items;
      for (const auto& child : node.children) {
        const auto item = run(*child);
        if (!item) return item;
        items.push_back(item->json());
      }
      return Value(json::value(std::move(items)));
    }
    case Node::Kind::select:
    case Node::Kind::test:
      return select(node);
    case Node::Kind::index:
      return index(node);
    case Node::Kind::call:
      return call(node);
    case Node::Kind::unary: {
      if (node.text == "!") {
        const auto value = truth(*node.children[0]);
        return value ? Evaluated(Value(json::value(!*value))) : fail(value.error());
      }
      const auto value = run(*node.children[0]);
      return value ? arithmetic("-", json::value(0), value->json()) : value;
    }
    case Node::Kind::binary:
      return binary(node);
    case Node::Kind::conditional: {
      const auto condition = truth(*node.children[0]);
      if (!condition) return fail(condition.error());
      return run(*node.children[*condition ? 1 : 2]);
    }
    case Node::Kind::macro:
      return macro(node);
  }
  return noOverload();
}

bool mentionsIn(const Node& node, std::string_view variable) {
  if (node.kind == Node::Kind::variable && node.text == variable) return true;
  return std::ranges::any_of(node.children, [variable](const auto& child) { return mentionsIn(*child, variable); });
}

}  // namespace

Expression::Expression(std::unique_ptr<Node> root) : root_(std::move(root)) {}
Expression::Expression(Expression&&) noexcept = default;
Expression::~Expression() = default;

Result<Expression> Expression::parse(std::string_view text) {
  auto root = parseExpression(text);
  if (!root) return fail(root.error());
  return Expression(std::move(*root));
}

bool Expression::mentions(std::string_view variable) const { return mentionsIn(*root_, variable); }

Result<json::value> Expression::evaluate(const Variables& variables) const {
  const auto value = Machine(variables).run(*root_);
  if (!value) return fail(value.error());
  return value->json();
}

}  // namespace crossfade::local::cel
