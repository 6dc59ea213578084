// The part of the Common Expression Language that rules in schemas use: operators, has(), the macros over lists and
// maps (all, exists, exists_one, map, filter), and the functions of strings, sizes and durations. Anything else is not
// understood when the expression is read, never when it is evaluated.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"

namespace crossfade::local::cel {

struct Node;  // local/cel_syntax.hpp

using Variables = std::map<std::string, const json::value*, std::less<>>;

class Expression {
 public:
  // Fails, with what isn't understood and where.
  static Result<Expression> parse(std::string_view text);
  Expression(Expression&&) noexcept;
  ~Expression();

  // Whether the variable is read anywhere.
  bool mentions(std::string_view variable) const;
  // The value. Fails, in CEL's words ("no such key: x"), where there is none, and when it takes too many steps.
  Result<json::value> evaluate(const Variables& variables) const;

 private:
  explicit Expression(std::unique_ptr<Node> root);
  std::unique_ptr<Node> root_;
};

}  // namespace crossfade::local::cel
