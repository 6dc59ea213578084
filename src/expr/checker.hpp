// The static check of a whole tree, before anything is evaluated. spec/07 B4.
#pragma once
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "expr/problem.hpp"
#include "expr/syntax.hpp"
#include "expr/types.hpp"

namespace crossfade::expr {

// What a text can name.
struct Environment {
  // The type of `result`; null where there is none (time expressions), and then of the functions only isNaN and isInf.
  TypeRef result;
};

// The type of the whole. Notes in the tree what the evaluator needs (constant patterns, literals that become floats).
Checked<TypeRef> check(Node& root, const Environment& environment);

// The type of a builtin without a predicate, of a function of the environment, for arguments of these types.
Result<TypeRef> callType(std::string_view name, const std::vector<TypeRef>& arguments);
// The type of a method of a time or a duration. Null when it has no such method.
Result<TypeRef> methodType(const Type& base, std::string_view name, const std::vector<TypeRef>& arguments);

}  // namespace crossfade::expr
