// The syntax tree of a condition, and what the checker notes in it for the evaluator. spec/07 B2.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "expr/regex.hpp"
#include "expr/types.hpp"

namespace crossfade::expr {

struct Node;
// Shared, because `a < b < c` uses `b` twice.
using NodeRef = std::shared_ptr<Node>;

enum class NodeKind {
  nil,
  boolean,
  integer,
  floating,
  string,
  bytes,
  name,         // text
  pointer,      // text: "", "index", "acc"
  unary,        // text: operator; children: operand
  binary,       // text: operator; children: left, right
  conditional,  // children: condition, then, else
  let,          // text: name; children: value, body
  sequence,     // children
  list,         // children
  map,          // children: key, value, key, value…
  member,       // children: base, property; `optional`, `method`
  slice,        // children: base, from or null, to or null
  chain,        // children: a postfix chain in which `?.` occurs
  call,         // children: callee, arguments…
  builtin,      // text: name; children: arguments…
  predicate,    // children: body
};

struct Node {
  NodeKind kind = NodeKind::nil;
  std::string text = {};
  std::vector<NodeRef> children = {};
  bool boolean = false;
  std::int64_t integer = 0;
  double floating = 0;
  bool optional = false;  // member: behind `?.`
  bool method = false;    // member: called at once
  int depth = 1;          // of the tree below
  std::size_t at = 0;     // where it stands in the text; of a binary node its operator, of a member its dot

  TypeRef type = {};    // set by the checker
  bool folded = false;  // set by the folder

  // --- for the evaluator ---
  std::optional<Regex> regex = {};  // binary `matches` with a constant pattern
  // binary `==`, `!=` of what are statically two ints or two strings: any other value is an error ("int", "string").
  std::string exact = {};
  // binary `in` with a list of string literals. spec/07 B5.
  std::optional<std::unordered_set<std::string>> set = {};
  // builtin count: stop when this many were found. spec/07 B10.
  std::optional<std::int64_t> threshold = {};
  // builtin find, findLast: nothing found is an error.
  bool must_find = false;
};

// A copy of the whole tree; what is shared in it stays so.
NodeRef clone(const NodeRef& root);

}  // namespace crossfade::expr
