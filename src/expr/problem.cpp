#include "expr/problem.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.hpp"

namespace crossfade::expr {

namespace {

struct Place {
  std::size_t line;
  std::size_t start, end;  // of the line, in bytes
  std::size_t column;      // from 0, in characters
};
Place placeOf(std::string_view text, std::size_t at) {
  at = std::min(at, text.size());
  const std::string_view before = text.substr(0, at);
  const std::size_t start = before.rfind('\n') + 1;  // npos + 1 is 0
  return {.line = static_cast<std::size_t>(std::ranges::count(before, '\n')) + 1,
          .start = start,
          .end = std::min(text.find('\n', at), text.size()),
          .column = utf8::count(before.substr(start))};
}

}  // namespace

std::string position(std::string_view text, std::size_t at) {
  const Place place = placeOf(text, at);
  return fmt::format("line {}, column {}", place.line, place.column + 1);
}

std::string excerpt(std::string_view text, std::size_t at) {
  const Place place = placeOf(text, at);
  return fmt::format("{}\n{}^", text.substr(place.start, place.end - place.start), std::string(place.column, ' '));
}

}  // namespace crossfade::expr
