#include "base/utf8.hpp"

namespace crossfade::utf8 {

std::optional<CodePoint> decodeFront(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return CodePoint{1, first};
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return std::nullopt;
  std::uint32_t value = first & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0) != 0x80) return std::nullopt;
    value = value << 6 | (byte & 0x3fU);
  }
  const bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  if (overlong || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return std::nullopt;
  return CodePoint{length, value};
}

std::size_t count(std::string_view text) {
  std::size_t points = 0;
  while (!text.empty()) {
    text.remove_prefix(decodeFront(text).value_or(CodePoint()).length);
    ++points;
  }
  return points;
}

void append(std::string& text, std::uint32_t value) {
  const auto byte = [&](std::uint32_t bits) { text += static_cast<char>(static_cast<unsigned char>(bits)); };
  const auto tail = [&](int shift) { byte(0x80 | (value >> shift & 0x3f)); };
  if (value < 0x80) {
    byte(value);
  } else if (value < 0x800) {
    byte(0xc0 | value >> 6);
    tail(0);
  } else if (value < 0x10000) {
    byte(0xe0 | value >> 12);
    tail(6);
    tail(0);
  } else {
    byte(0xf0 | value >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace crossfade::utf8
