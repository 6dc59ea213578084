// From tokens to a syntax tree. spec/07 B2.
#pragma once
#include <string_view>

#include "base/result.hpp"
#include "expr/syntax.hpp"

namespace crossfade::expr {

// Bounds of a tree: the reference's number of nodes, and a depth that recursion can bear.
inline constexpr std::size_t max_nodes = 10'000;
inline constexpr int max_depth = 500;

Result<NodeRef> parse(std::string_view text);

}  // namespace crossfade::expr
