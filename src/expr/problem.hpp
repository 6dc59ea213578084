// What is wrong with a condition, and where in its text.
//
// A measurement carries the bare message (spec/07 A5); whoever shows a condition to a person adds the place.
#pragma once
#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace crossfade::expr {

struct Problem {
  std::string message;
  std::size_t at = 0;  // bytes from the beginning of the text
};
template <class T = void>
using Checked = std::expected<T, Problem>;

// "line 1, column 8": both from 1, columns in characters.
std::string position(std::string_view text, std::size_t at);
// The line that holds the place, and below it a caret: for a terminal.
std::string excerpt(std::string_view text, std::size_t at);

}  // namespace crossfade::expr
