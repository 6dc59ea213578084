// From the text of a condition to its tokens. spec/07 B1.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "expr/problem.hpp"

namespace crossfade::expr {

struct Token {
  enum class Kind { identifier, number, string, bytes, op, bracket, end };
  Kind kind = Kind::end;
  std::string text = {};  // of strings and bytes: what they stand for
  std::size_t at = 0;     // where it begins in the condition

  bool is(Kind wanted, std::string_view wanted_text) const { return kind == wanted && text == wanted_text; }
  bool isOperator(std::string_view wanted) const { return is(Kind::op, wanted); }
  bool isBracket(std::string_view wanted) const { return is(Kind::bracket, wanted); }
};

// As messages print it: `Operator(">")`, `EOF`.
std::string toString(const Token& token);

// Ends with a token of kind `end`.
Checked<std::vector<Token>> tokenize(std::string_view text);

}  // namespace crossfade::expr
