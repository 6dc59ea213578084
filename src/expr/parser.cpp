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

  Result<NodeRef> run() {
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
  void report(std::string message) {
    if (!error_) error_ = Error{ErrorCode::invalid, std::move(message)};
  }
  void unexpected() { report("unexpected token " + toString(current())); }
  void expectOperator(std::string_view text) { current().isOperator(text) ? next() : unexpected(); }
  void expectBracket(std::string_view text) { current().isBracket(text) ? next() : unexpected(); }
  std::string expectName() {
    std::string name = current().text;
    current().kind == Kind::identifier ? next() : unexpected();
    return name;
  }

  NodeRef make(Node node) {
    if (++nodes_ > max_nodes) report("compilation failed: expression exceeds maximum allowed nodes");
    for (const NodeRef& child : node.children) {
      if (child) node.depth = std::max(node.depth, child->depth + 1);
    }
    if (node.depth > max_depth) report(fmt::format("the expression is nested deeper than {} levels", max_depth));
    return std::make_shared<Node>(std::move(node));
  }

  // --- expressions ---

  // e1; e2; …
  NodeRef sequence() {
    std::vector<NodeRef> parts{expression(0)};
    while (current().isOperator(";")) {
      next();
      if (current().kind == Kind::end) break;
      parts.push_back(expression(0));
    }
    if (parts.size() == 1) return parts.front();
    return make({.kind = NodeKind::sequence, .children = std::move(parts)});
  }

  NodeRef expression(int level) {
    // Parentheses make no nodes: the recursion has a bound of its own.
    if (++recursion_ > max_depth) report(fmt::format("the expression is nested deeper than {} levels", max_depth));
    NodeRef node = error_ ? make({}) : unboundedExpression(level);
    --recursion_;
    return node;
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
        left = call(name, {left}, true);
      } else if (previous == "??" && token.text != "??") {
        report(
            fmt::format("Operator ({}) and coalesce expressions (?"
                        "?) cannot be mixed. Wrap either by parentheses.",
                        token.text));
      } else if (isComparison(token.text)) {
        left = comparison(left, token.text, op->level);
      } else {
        NodeRef right = expression(op->right_associative ? op->level : op->level + 1);
        left = make({.kind = NodeKind::binary, .text = token.text, .children = {left, right}});
        if (negated) left = make({.kind = NodeKind::unary, .text = "not", .children = {left}});
      }
      previous = token.text;
    }
    return level == 0 ? conditional(left) : left;
  }

  // a < b < c means a < b && b < c.
  NodeRef comparison(NodeRef left, std::string op, int level) {
    NodeRef root;
    while (true) {
      NodeRef right = expression(level + 1);
      NodeRef compared = make({.kind = NodeKind::binary, .text = op, .children = {left, right}});
      root = root ? make({.kind = NodeKind::binary, .text = "&&", .children = {root, compared}}) : compared;
      if (current().kind != Kind::op || !isComparison(current().text)) return root;
      left = right;
      op = current().text;
      next();
    }
  }

  NodeRef conditional(NodeRef node) {
    while (current().isOperator("?")) {
      next();
      NodeRef then = node;
      if (!current().isOperator(":")) then = expression(0);
      expectOperator(":");
      NodeRef otherwise = expression(0);
      node = make({.kind = NodeKind::conditional, .children = {node, then, otherwise}});
    }
    return node;
  }

  NodeRef conditionalIf() {
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
    return make({.kind = NodeKind::conditional, .children = {condition, then, otherwise}});
  }

  NodeRef declaration() {
    next();
    const std::string name = expectName();
    expectOperator("=");
    NodeRef value = expression(0);
    expectOperator(";");
    NodeRef body = sequence();
    return make({.kind = NodeKind::let, .text = name, .children = {value, body}});
  }

  // --- operands ---

  NodeRef primary() {
    const Token token = current();
    if (token.kind == Kind::op) {
      if (const auto level = unaryLevel(token.text)) {
        next();
        NodeRef operand = expression(*level);
        return postfix(make({.kind = NodeKind::unary, .text = token.text, .children = {operand}}));
      }
      if (token.text == "::") {
        next();
        const std::string name = expectName();
        return postfix(call(name, {}, false));
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
    std::string name;
    if (current().isOperator("#")) {
      next();
      if (current().kind == Kind::identifier) name = expectName();
    }
    return make({.kind = NodeKind::pointer, .text = name});
  }

  NodeRef secondary(const Token& token) {
    switch (token.kind) {
      case Kind::identifier: {
        next();
        if (token.text == "nil") return make({.kind = NodeKind::nil});
        if (token.text == "true" || token.text == "false") {
          return make({.kind = NodeKind::boolean, .boolean = token.text == "true"});
        }
        if (current().isBracket("(")) return postfix(call(token.text, {}, true));
        return postfix(make({.kind = NodeKind::name, .text = token.text}));
      }
      case Kind::number:
        next();
        return number(token.text);
      case Kind::string:
        next();
        return postfix(make({.kind = NodeKind::string, .text = token.text}));
      case Kind::bytes:
        next();
        return postfix(make({.kind = NodeKind::bytes, .text = token.text}));
      default:
        break;
    }
    if (token.isBracket("[")) return postfix(list());
    if (token.isBracket("{")) return postfix(map());
    unexpected();
    return make({});
  }

  NodeRef number(std::string text) {
    std::erase(text, '_');
    std::string lower = text;
    std::ranges::transform(lower, lower.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
    const bool hex = lower.starts_with("0x");
    if (!hex && lower.find_first_of(".e") != std::string::npos) {
      const auto value = parseFloat(text);
      if (!value) report("invalid float literal: " + value.error().message);
      return make({.kind = NodeKind::floating, .floating = value.value_or(0)});
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
                         value.error().message));
    }
    return make({.kind = NodeKind::integer, .integer = value.value_or(0)});
  }

  NodeRef list() {
    std::vector<NodeRef> items;
    next();
    while (!error_ && !current().isBracket("]")) {
      if (!items.empty()) {
        expectOperator(",");
        if (current().isBracket("]")) break;
      }
      items.push_back(expression(0));
    }
    expectBracket("]");
    return make({.kind = NodeKind::list, .children = std::move(items)});
  }

  NodeRef map() {
    std::vector<NodeRef> pairs;
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
    return make({.kind = NodeKind::map, .children = std::move(pairs)});
  }

  NodeRef key() {
    const Token token = current();
    if (token.kind == Kind::number || token.kind == Kind::string || token.kind == Kind::identifier) {
      next();
      return make({.kind = NodeKind::string, .text = token.text});
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
    return make({});
  }

  // --- calls ---

  // `given` holds what a pipe brings. Names of the environment win over builtins unless `::` asked for the builtin.
  NodeRef call(const std::string& name, std::vector<NodeRef> given, bool environment_wins) {
    const bool overridden = environment_wins && isEnvironmentFunction(name);
    if (const PredicateShape* shape = overridden ? nullptr : predicateShape(name)) {
      return make({.kind = NodeKind::builtin, .text = name, .children = predicateArguments(*shape, std::move(given))});
    }
    if (!overridden && isBuiltin(name)) {
      return make({.kind = NodeKind::builtin, .text = name, .children = arguments(std::move(given))});
    }
    std::vector<NodeRef> parts{make({.kind = NodeKind::name, .text = name})};
    for (NodeRef& argument : arguments(std::move(given))) parts.push_back(std::move(argument));
    return make({.kind = NodeKind::call, .children = std::move(parts)});
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
    const bool braces = current().isBracket("{");
    if (braces) next();
    ++predicates_;
    NodeRef body = braces ? sequence() : expression(0);
    if (!braces && current().isOperator(";")) report("wrap predicate with brackets { and }");
    --predicates_;
    if (braces) expectBracket("}");
    return make({.kind = NodeKind::predicate, .children = {body}});
  }

  // --- .name ?.name .name(…) [i] ?.[i] [a:b] ---

  NodeRef postfix(NodeRef node) {
    while (!error_) {
      const bool optional = current().isOperator("?.");
      if (optional || current().isOperator(".")) {
        next();
        node = optional && current().isBracket("[") ? index(node, true) : named(node, optional);
      } else if (current().isBracket("[")) {
        node = index(node, false);
      } else {
        break;
      }
    }
    return node;
  }

  NodeRef named(NodeRef node, bool optional) {
    const Token property = current();
    next();
    if (property.kind != Kind::identifier && !(property.kind == Kind::op && isWord(property.text)))
      report("expected name");
    const bool chained = node->kind == NodeKind::chain;
    if (chained) node = node->children[0];
    NodeRef name = make({.kind = NodeKind::string, .text = property.text});
    const bool method = current().isBracket("(");
    node = make({.kind = NodeKind::member, .children = {node, name}, .optional = optional, .method = method});
    if (method) {
      std::vector<NodeRef> parts{node};
      for (NodeRef& argument : arguments({})) parts.push_back(std::move(argument));
      node = make({.kind = NodeKind::call, .children = std::move(parts)});
    }
    return chained || optional ? make({.kind = NodeKind::chain, .children = {node}}) : node;
  }

  NodeRef index(NodeRef node, bool optional) {
    next();
    const bool chained = node->kind == NodeKind::chain;
    if (chained) node = node->children[0];
    NodeRef from, to;
    if (!current().isOperator(":")) from = expression(0);
    if (current().isOperator(":")) {
      next();
      if (!current().isBracket("]")) to = expression(0);
      node = make({.kind = NodeKind::slice, .children = {node, from, to}});
    } else {
      node = make({.kind = NodeKind::member, .children = {node, from}, .optional = optional});
    }
    expectBracket("]");
    return chained || optional ? make({.kind = NodeKind::chain, .children = {node}}) : node;
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  std::size_t nodes_ = 0;
  int recursion_ = 0;
  int predicates_ = 0;  // how many predicates we are inside of
  std::optional<Error> error_;
};

}  // namespace

Result<NodeRef> parse(std::string_view text) {
  auto tokens = tokenize(text);
  if (!tokens) return std::unexpected(tokens.error());
  return Parser(std::move(*tokens)).run();
}

}  // namespace crossfade::expr
