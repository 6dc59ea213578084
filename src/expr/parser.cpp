#include "expr/parser.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>

#include "base/go_text.hpp"
#include "expr/builtins.hpp"
#include "expr/lexer.hpp"
#include "expr/numbers.hpp"

namespace crossfade::expr {

namespace {

using Kind = Token::Kind;

struct BinaryOperator {
  int level;
  bool right_associative = false;
};
std::optional<BinaryOperator> binaryOperator(std::string_view text) {
  static const std::map<std::string_view, BinaryOperator> operators{
      {"|", {0}},         {"or", {10}}, {"||", {10}},        {"and", {15}},      {"&&", {15}},
      {"==", {20}},       {"!=", {20}}, {"<", {20}},         {">", {20}},        {">=", {20}},
      {"<=", {20}},       {"in", {20}}, {"matches", {20}},   {"contains", {20}}, {"startsWith", {20}},
      {"endsWith", {20}}, {"..", {25}}, {"+", {30}},         {"-", {30}},        {"*", {60}},
      {"/", {60}},        {"%", {60}},  {"**", {100, true}}, {"^", {100, true}}, {"??", {500}}};
  const auto found = operators.find(text);
  if (found == operators.end()) return std::nullopt;
  return found->second;
}
std::optional<int> unaryLevel(std::string_view text) {
  if (text == "not" || text == "!") return 50;
  if (text == "-" || text == "+") return 90;
  return std::nullopt;
}
bool isComparison(std::string_view text) { return text == "<" || text == ">" || text == "<=" || text == ">="; }
bool isNegatable(std::string_view text) {
  return text == "in" || text == "matches" || text == "contains" || text == "startsWith" || text == "endsWith";
}
// The symbols among the operators can't be names behind a dot; the words can.
bool isWord(std::string_view text) { return !text.empty() && (std::isalpha(static_cast<unsigned char>(text[0])) != 0); }

class Parser {
 public:
  explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  Checked<NodeRef> run() {
    NodeRef root = sequence();
    if (!error_ && current().kind != Kind::end) unexpected();
    if (error_) return std::unexpected(*error_);
    return root;
  }

 private:
  // After an error the current token is the end of the text, at which every loop below stops.
  static const Token& endToken() {
    static const Token token;
    return token;
  }
  const Token& current() const { return error_ ? endToken() : tokens_[at_]; }
  void next() {
    if (error_) return;
    if (at_ + 1 >= tokens_.size()) {
      report("unexpected end of expression");
    } else {
      ++at_;
    }
  }
  void report(std::string message) { report(std::move(message), current().at); }
  void report(std::string message, std::size_t at) {
    if (!error_) error_ = Problem{std::move(message), at};
  }
  void unexpected() { report("unexpected token " + toString(current())); }
  void expectOperator(std::string_view text) { current().isOperator(text) ? next() : unexpected(); }
  void expectBracket(std::string_view text) { current().isBracket(text) ? next() : unexpected(); }
  std::string expectName() {
    std::string name = current().text;
    current().kind == Kind::identifier ? next() : unexpected();
    return name;
  }

  // Nodes are made out of line, so that the frames of the recursion stay small.
  template <class... Children>
  [[gnu::noinline]] NodeRef branch(std::size_t at, NodeKind kind, std::string_view text, const Children&... children) {
    return node(at, kind, text, {children...});
  }
  [[gnu::noinline]] NodeRef node(std::size_t at, NodeKind kind, std::string_view text, std::vector<NodeRef> children) {
    if (++nodes_ > max_nodes) report("compilation failed: expression exceeds maximum allowed nodes");
    auto made = std::make_shared<Node>();
    made->kind = kind;
    made->at = at;
    made->text = text;
    for (const NodeRef& child : children) {
      if (child) made->depth = std::max(made->depth, child->depth + 1);
    }
    made->children = std::move(children);
    if (made->depth > max_depth) report(fmt::format("the expression is nested deeper than {} levels", max_depth));
    return made;
  }
  NodeRef leaf(std::size_t at, NodeKind kind, std::string_view text = {}) { return node(at, kind, text, {}); }

  // --- expressions ---

  // e1; e2; …
  NodeRef sequence() {
    const std::size_t at = current().at;
    std::vector<NodeRef> parts{expression(0)};
    while (current().isOperator(";")) {
      next();
      if (current().kind == Kind::end) break;
      parts.push_back(expression(0));
    }
    if (parts.size() == 1) return parts.front();
    return node(at, NodeKind::sequence, {}, std::move(parts));
  }

  NodeRef expression(int level) {
    // Parentheses make no nodes: the recursion has a bound of its own.
    if (++recursion_ > max_nesting) report(fmt::format("the expression is nested deeper than {} levels", max_nesting));
    NodeRef parsed = error_ ? leaf(0, NodeKind::nil) : unboundedExpression(level);
    --recursion_;
    return parsed;
  }

  NodeRef unboundedExpression(int level) {
    if (level == 0 && current().isOperator("let")) return declaration();
    if (level == 0 && current().isOperator("if")) return conditionalIf();
    NodeRef left = primary();
    std::string previous;
    while (current().kind == Kind::op) {
      const std::size_t start = at_;
      const bool negated = current().isOperator("not");
      if (negated) {
        next();
        if (!isNegatable(current().text)) {
          if (!error_) at_ = start;
          break;
        }
      }
      const Token token = current();
      const auto op = binaryOperator(token.text);
      if (!op || op->level < level) {
        if (!error_) at_ = start;
        break;
      }
      next();
      if (token.text == "|") {
        const std::string name = expectName();
        left = call(name, token.at, {left}, true);
      } else if (previous == "??" && token.text != "??") {
        report(fmt::format("Operator ({}) and coalesce expressions (?"
                           "?) cannot be mixed. Wrap either by parentheses.",
                           token.text),
               token.at);
      } else if (isComparison(token.text)) {
        left = comparison(left, token, op->level);
      } else {
        NodeRef right = expression(op->right_associative ? op->level : op->level + 1);
        left = branch(token.at, NodeKind::binary, token.text, left, right);
        if (negated) left = branch(token.at, NodeKind::unary, "not", left);
      }
      previous = token.text;
    }
    return level == 0 ? conditional(left) : left;
  }

  // a < b < c means a < b && b < c.
  NodeRef comparison(NodeRef left, Token op, int level) {
    NodeRef root;
    while (true) {
      NodeRef right = expression(level + 1);
      NodeRef compared = branch(op.at, NodeKind::binary, op.text, left, right);
      root = root ? branch(op.at, NodeKind::binary, "&&", root, compared) : compared;
      if (current().kind != Kind::op || !isComparison(current().text)) return root;
      left = right;
      op = current();
      next();
    }
  }

  NodeRef conditional(NodeRef condition) {
    while (current().isOperator("?")) {
      const std::size_t at = current().at;
      next();
      NodeRef then = condition;
      if (!current().isOperator(":")) then = expression(0);
      expectOperator(":");
      NodeRef otherwise = expression(0);
      condition = branch(at, NodeKind::conditional, {}, condition, then, otherwise);
    }
    return condition;
  }

  NodeRef conditionalIf() {
    const std::size_t at = current().at;
    next();
    NodeRef condition = expression(0);
    expectBracket("{");
    NodeRef then = sequence();
    expectBracket("}");
    expectOperator("else");
    NodeRef otherwise;
    if (current().isOperator("if")) {
      otherwise = expression(0);
    } else {
      expectBracket("{");
      otherwise = sequence();
      expectBracket("}");
    }
    return branch(at, NodeKind::conditional, {}, condition, then, otherwise);
  }

  NodeRef declaration() {
    next();
    const std::size_t at = current().at;
    const std::string name = expectName();
    expectOperator("=");
    NodeRef value = expression(0);
    expectOperator(";");
    NodeRef body = sequence();
    return branch(at, NodeKind::let, name, value, body);
  }

  // --- operands ---

  NodeRef primary() {
    const Token token = current();
    if (token.kind == Kind::op) {
      if (const auto level = unaryLevel(token.text)) {
        next();
        NodeRef operand = expression(*level);
        return postfix(branch(token.at, NodeKind::unary, token.text, operand));
      }
      if (token.text == "::") {
        next();
        const std::string name = expectName();
        return postfix(call(name, token.at, {}, false));
      }
      if (predicates_ > 0 && (token.text == "#" || token.text == ".")) return postfix(pointer());
    }
    if (token.isBracket("(")) {
      next();
      NodeRef inner = sequence();
      expectBracket(")");
      return postfix(inner);
    }
    return secondary(token);
  }

  // `#`, `#index`; a leading dot belongs to the member behind it.
  NodeRef pointer() {
    const std::size_t at = current().at;
    std::string name;
    if (current().isOperator("#")) {
      next();
      if (current().kind == Kind::identifier) name = expectName();
    }
    return leaf(at, NodeKind::pointer, name);
  }

  NodeRef secondary(const Token& token) {
    switch (token.kind) {
      case Kind::identifier: {
        next();
        if (token.text == "nil") return leaf(token.at, NodeKind::nil);
        if (token.text == "true" || token.text == "false") {
          NodeRef literal = leaf(token.at, NodeKind::boolean);
          literal->boolean = token.text == "true";
          return literal;
        }
        if (current().isBracket("(")) return postfix(call(token.text, token.at, {}, true));
        return postfix(leaf(token.at, NodeKind::name, token.text));
      }
      case Kind::number:
        next();
        return number(token.text, token.at);
      case Kind::string:
        next();
        return postfix(leaf(token.at, NodeKind::string, token.text));
      case Kind::bytes:
        next();
        return postfix(leaf(token.at, NodeKind::bytes, token.text));
      default:
        break;
    }
    if (token.isBracket("[")) return postfix(list());
    if (token.isBracket("{")) return postfix(map());
    unexpected();
    return leaf(token.at, NodeKind::nil);
  }

  NodeRef number(std::string text, std::size_t at) {
    std::erase(text, '_');
    std::string lower = text;
    std::ranges::transform(lower, lower.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
    const bool hex = lower.starts_with("0x");
    if (!hex && lower.find_first_of(".e") != std::string::npos) {
      const auto value = parseFloat(text);
      if (!value) report("invalid float literal: " + value.error().message, at);
      NodeRef literal = leaf(at, NodeKind::floating);
      literal->floating = value.value_or(0);
      return literal;
    }
    const bool binary = lower.starts_with("0b"), octal = lower.starts_with("0o");
    const int base = hex ? 16 : binary ? 2 : octal ? 8 : 10;
    const auto value = parseInteger(text, base);
    if (!value) {
      report(fmt::format("invalid {} literal: {}",
                         hex      ? "hex"
                         : binary ? "binary"
                         : octal  ? "octal"
                                  : "integer",
                         value.error().message),
             at);
    }
    NodeRef literal = leaf(at, NodeKind::integer);
    literal->integer = value.value_or(0);
    return literal;
  }

  NodeRef list() {
    std::vector<NodeRef> items;
    const std::size_t at = current().at;
    next();
    while (!error_ && !current().isBracket("]")) {
      if (!items.empty()) {
        expectOperator(",");
        if (current().isBracket("]")) break;
      }
      items.push_back(expression(0));
    }
    expectBracket("]");
    return node(at, NodeKind::list, {}, std::move(items));
  }

  NodeRef map() {
    std::vector<NodeRef> pairs;
    const std::size_t at = current().at;
    next();
    while (!error_ && !current().isBracket("}")) {
      if (!pairs.empty()) {
        expectOperator(",");
        if (current().isBracket("}")) break;
      }
      pairs.push_back(key());
      expectOperator(":");
      pairs.push_back(expression(0));
    }
    expectBracket("}");
    return node(at, NodeKind::map, {}, std::move(pairs));
  }

  NodeRef key() {
    const Token token = current();
    if (token.kind == Kind::number || token.kind == Kind::string || token.kind == Kind::identifier) {
      next();
      return leaf(token.at, NodeKind::string, token.text);
    }
    if (token.isBracket("(")) return expression(0);
    if (token.isOperator(",")) {
      unexpected();
    } else {
      report(
          "a map key must be a quoted string, a number, a identifier, or an expression enclosed in parentheses "
          "(unexpected token " +
          toString(token) + ")");
    }
    return leaf(token.at, NodeKind::nil);
  }

  // --- calls ---

  // `given` holds what a pipe brings. Names of the environment win over builtins unless `::` asked for the builtin.
  NodeRef call(const std::string& name, std::size_t at, std::vector<NodeRef> given, bool environment_wins) {
    const bool overridden = environment_wins && isEnvironmentFunction(name);
    if (const PredicateShape* shape = overridden ? nullptr : predicateShape(name)) {
      return node(at, NodeKind::builtin, name, predicateArguments(*shape, std::move(given)));
    }
    if (!overridden && isBuiltin(name)) {
      return node(at, NodeKind::builtin, name, arguments(std::move(given)));
    }
    std::vector<NodeRef> parts{leaf(at, NodeKind::name, name)};
    for (NodeRef& argument : arguments(std::move(given))) parts.push_back(std::move(argument));
    return node(at, NodeKind::call, {}, std::move(parts));
  }

  std::vector<NodeRef> arguments(std::vector<NodeRef> given) {
    const std::size_t offset = given.size();
    expectBracket("(");
    while (!error_ && !current().isBracket(")")) {
      if (given.size() > offset) expectOperator(",");
      if (current().isBracket(")")) break;
      given.push_back(expression(0));
    }
    expectBracket(")");
    return given;
  }

  std::vector<NodeRef> predicateArguments(const PredicateShape& shape, std::vector<NodeRef> given) {
    const std::size_t offset = given.size();
    expectBracket("(");
    for (std::size_t i = offset; i < shape.size() && !error_; ++i) {
      if (current().isBracket(")")) {
        if (!shape[i].optional) report(fmt::format("expected at least {} arguments", shape.size() - offset));
        break;
      }
      if (i > offset) expectOperator(",");
      given.push_back(shape[i].predicate ? predicate() : expression(0));
    }
    if (current().isOperator(",")) next();
    expectBracket(")");
    return given;
  }

  NodeRef predicate() {
    const std::size_t at = current().at;
    const bool braces = current().isBracket("{");
    if (braces) next();
    ++predicates_;
    NodeRef body = braces ? sequence() : expression(0);
    if (!braces && current().isOperator(";")) report("wrap predicate with brackets { and }");
    --predicates_;
    if (braces) expectBracket("}");
    return branch(at, NodeKind::predicate, {}, body);
  }

  // --- .name ?.name .name(…) [i] ?.[i] [a:b] ---

  NodeRef postfix(NodeRef base) {
    while (!error_) {
      const bool optional = current().isOperator("?.");
      if (optional || current().isOperator(".")) {
        next();
        base = optional && current().isBracket("[") ? index(base, true) : named(base, optional);
      } else if (current().isBracket("[")) {
        base = index(base, false);
      } else {
        break;
      }
    }
    return base;
  }

  NodeRef named(NodeRef base, bool optional) {
    const Token property = current();
    next();
    if (property.kind != Kind::identifier && !(property.kind == Kind::op && isWord(property.text)))
      report("expected name", property.at);
    const bool chained = base->kind == NodeKind::chain;
    if (chained) base = base->children[0];
    NodeRef name = leaf(property.at, NodeKind::string, property.text);
    const bool method = current().isBracket("(");
    base = branch(property.at, NodeKind::member, {}, base, name);
    base->optional = optional;
    base->method = method;
    if (method) {
      std::vector<NodeRef> parts{base};
      for (NodeRef& argument : arguments({})) parts.push_back(std::move(argument));
      base = node(property.at, NodeKind::call, {}, std::move(parts));
    }
    return chained || optional ? branch(property.at, NodeKind::chain, {}, base) : base;
  }

  NodeRef index(NodeRef base, bool optional) {
    const std::size_t at = current().at;
    next();
    const bool chained = base->kind == NodeKind::chain;
    if (chained) base = base->children[0];
    NodeRef from, to;
    if (!current().isOperator(":")) from = expression(0);
    if (current().isOperator(":")) {
      next();
      if (!current().isBracket("]")) to = expression(0);
      base = branch(at, NodeKind::slice, {}, base, from, to);
    } else {
      base = branch(at, NodeKind::member, {}, base, from);
      base->optional = optional;
    }
    expectBracket("]");
    return chained || optional ? branch(at, NodeKind::chain, {}, base) : base;
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t nodes_ = 0;
  int recursion_ = 0;
  int predicates_ = 0;  // how many predicates we are inside of
  std::optional<Problem> error_;
};

}  // namespace

Checked<NodeRef> parse(std::string_view text) {
  auto tokens = tokenize(text);
  if (!tokens) return std::unexpected(tokens.error());
  return Parser(std::move(*tokens)).run();
}

}  // namespace crossfade::expr
