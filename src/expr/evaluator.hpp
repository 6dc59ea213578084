// The value of a checked tree. spec/07 B5 to B9.
#pragma once
#include <string_view>

#include "base/time.hpp"
#include "expr/budget.hpp"
#include "expr/problem.hpp"
#include "expr/syntax.hpp"
#include "expr/value.hpp"

namespace crossfade::expr {

// `result` is what the name `result` stands for.
Checked<Value> evaluate(const Node& root, const Value& result, TimePoint now, Budget& budget);

// Rewrites a checked tree as the reference's optimiser does where that can be seen; fails for what it computes and
// finds wrong ("integer divide by zero"). spec/07 B10.
Checked<> fold(Node& root);

}  // namespace crossfade::expr
