// From tokens to a syntax tree. spec/07 B2.
#pragma once
#include <string_view>

#include "expr/problem.hpp"
#include "expr/syntax.hpp"

namespace crossfade::expr {

// Bounds of a tree: the reference's number of nodes, and what recursion can bear: the depth of the tree (a + b + c + …
// is as deep as it is long), and expressions in one another, which cost more of the stack.
inline constexpr std::size_t max_nodes = 10'000;
inline constexpr int max_depth = 500;
inline constexpr int max_nesting = 250;

Checked<NodeRef> parse(std::string_view text);

}  // namespace crossfade::expr
