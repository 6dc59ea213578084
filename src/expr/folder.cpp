#include <algorithm>
#include <optional>

#include "expr/evaluator.hpp"
#include "expr/operators.hpp"

namespace crossfade::expr {

namespace {

std::optional<Value> literal(const Node& node) {
  switch (node.kind) {
    case NodeKind::integer:
      return Value(node.integer);
    case NodeKind::floating:
      return Value(node.floating);
    case NodeKind::string:
      return Value(node.text);
    default:
      return std::nullopt;
  }
}

// Makes the node a literal of this value; other kinds of values leave it as it is.
void become(Node& node, const Value& value) {
  Node fresh{.depth = node.depth, .at = node.at, .type = node.type, .folded = true};
  if (value.integer() != nullptr) {
    fresh.kind = NodeKind::integer;
    fresh.integer = value.integer()->value;
  } else if (value.floating() != nullptr) {
    fresh.kind = NodeKind::floating;
    fresh.floating = *value.floating();
  } else if (value.string() != nullptr) {
    fresh.kind = NodeKind::string;
    fresh.text = *value.string();
  } else {
    return;
  }
  node = std::move(fresh);
}

// `node = *child` would destroy the child while it is read.
void replaceBy(Node& node, const NodeRef& child) {
  Node copy = *child;
  node = std::move(copy);
}

bool isBoolean(const Node& node, bool value) { return node.kind == NodeKind::boolean && node.boolean == value; }

// x and false is false, x and true is x, and so on, on either side: x is not evaluated, or comes out unconverted.
void foldLogic(Node& node) {
  const bool conjunction = node.text == "and" || node.text == "&&";
  const NodeRef left = node.children[0], right = node.children[1];
  if (isBoolean(*left, !conjunction) || isBoolean(*right, !conjunction)) {
    node = Node{.kind = NodeKind::boolean, .boolean = !conjunction, .at = node.at};
  } else if (isBoolean(*right, conjunction)) {
    replaceBy(node, left);
  } else if (isBoolean(*left, conjunction)) {
    replaceBy(node, right);
  }
}

Checked<> foldArithmetic(Node& node) {
  static constexpr std::array<std::string_view, 7> operators{"+", "-", "*", "/", "%", "**", "^"};
  if (std::ranges::find(operators, node.text) == operators.end()) return {};
  const auto left = literal(*node.children[0]), right = literal(*node.children[1]);
  if (!left || !right) return {};
  if (node.text == "%" && right->integer() != nullptr && right->integer()->value == 0) {
    return std::unexpected(Problem{"integer divide by zero", node.at});
  }
  Budget budget;
  if (const auto value = applyBinary(node.text, *left, *right, budget)) become(node, *value);
  return {};
}

// count(l, p) > 2 needs no more than three of them.
void foldThreshold(Node& node) {
  const Node& bound = *node.children[1];
  if (bound.kind != NodeKind::integer || bound.integer < 0 || bound.integer > 1'000'000) return;
  Node& counted = *node.children[0];
  const bool length = counted.kind == NodeKind::builtin && counted.text == "len" && counted.children.size() == 1;
  if (length) {
    const Node& filter = *counted.children[0];
    if (filter.kind != NodeKind::builtin || filter.text != "filter") return;
    const NodeRef inner = counted.children[0];
    replaceBy(counted, inner);
    counted.text = "count";
  }
  if (counted.kind != NodeKind::builtin || counted.text != "count" || counted.children.size() != 2) return;
  const bool beyond = node.text == ">" || node.text == "<=";
  const std::int64_t enough = bound.integer + (beyond ? 1 : 0);
  if (enough > 0) counted.threshold = enough;
}

// filter(…)[0] and [-1] look for one element, and insist on it.
void foldFirst(Node& node) {
  const Node& base = *node.children[0];
  const Node& index = *node.children[1];
  const bool filtered = base.kind == NodeKind::builtin && base.text == "filter";
  if (!filtered || index.kind != NodeKind::integer || (index.integer != 0 && index.integer != -1)) return;
  const bool from_the_end = index.integer == -1;
  const NodeRef filter = node.children[0];
  replaceBy(node, filter);
  node.text = from_the_end ? "findLast" : "find";
  node.must_find = true;
}

}  // namespace

Checked<> fold(Node& node) {
  // A node that stands in the tree twice is folded once.
  if (node.folded) return {};
  node.folded = true;
  for (const NodeRef& child : node.children) {
    if (child == nullptr) continue;
    if (const auto folded = fold(*child); !folded) return folded;
  }
  if (node.kind == NodeKind::unary && (node.text == "-" || node.text == "+")) {
    if (const auto operand = literal(*node.children[0]); operand && operand->isNumber()) {
      become(node, *applyUnary(node.text, *operand));
    }
  } else if (node.kind == NodeKind::member) {
    foldFirst(node);
  } else if (node.kind == NodeKind::binary) {
    const std::string op = node.text;
    if (op == "and" || op == "&&" || op == "or" || op == "||") {
      foldLogic(node);
    } else if (op == "<" || op == ">" || op == "<=" || op == ">=") {
      foldThreshold(node);
    } else if (op == "matches" && !node.regex && node.children[1]->kind == NodeKind::string) {
      auto regex = Regex::compile(node.children[1]->text);
      if (!regex) return std::unexpected(Problem{regex.error().message, node.children[1]->at});
      node.regex = std::move(*regex);
    } else {
      return foldArithmetic(node);
    }
  }
  return {};
}

}  // namespace crossfade::expr
