#include "expr/characters.hpp"

#include <fmt/format.h>

#include <initializer_list>
#include <utility>

#include "base/utf8.hpp"

namespace crossfade::expr {

namespace {
constexpr std::uint32_t last_point = 0x10ffff;

bool inAny(std::uint32_t point, std::initializer_list<std::pair<std::uint32_t, std::uint32_t>> ranges) {
  for (const auto& [low, high] : ranges) {
    if (point >= low && point <= high) return true;
  }
  return false;
}
}  // namespace

bool isSpace(std::uint32_t point) {
  return inAny(point, {{0x09, 0x0d},
                       {0x20, 0x20},
                       {0x85, 0x85},
                       {0xa0, 0xa0},
                       {0x1680, 0x1680},
                       {0x2000, 0x200a},
                       {0x2028, 0x2029},
                       {0x202f, 0x202f},
                       {0x205f, 0x205f},
                       {0x3000, 0x3000}});
}

bool isLetterOrDigit(std::uint32_t point) {
  if (point < 0x80) return isDigit(point) || inAny(point, {{'a', 'z'}, {'A', 'Z'}});
  return point <= last_point && !isSpace(point) &&
         !inAny(point, {{0x80, 0xa9},
                        {0xab, 0xb4},
                        {0xb6, 0xb9},
                        {0xbb, 0xbf},
                        {0xd7, 0xd7},
                        {0xf7, 0xf7},
                        {0x2010, 0x2bff},
                        {0x3000, 0x3004},
                        {0x3008, 0x3020},
                        {0xe000, 0xf8ff},
                        {0xfe10, 0xfe6f},
                        {0xff01, 0xff0f},
                        {0x1f000, 0x1faff}});
}

std::string describe(std::uint32_t point) {
  std::string shown;
  if (point >= 0x20 && point != 0x7f && point <= last_point) utf8::append(shown, point);
  return shown.empty() ? fmt::format("U+{:04X}", point) : fmt::format("U+{:04X} '{}'", point, shown);
}

}  // namespace crossfade::expr
