// UTF-8, one code point at a time.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace crossfade::utf8 {

struct CodePoint {
  std::size_t length = 1;
  std::uint32_t value = 0;
};
// The sequence at the front of `text`, which must not be empty; nothing when it is malformed.
std::optional<CodePoint> decodeFront(std::string_view text);
// The code points of `text`; each malformed byte counts as one.
std::size_t count(std::string_view text);
// Appends the encoding of `value`, which must be at most 0x10ffff.
void append(std::string& text, std::uint32_t value);

}  // namespace crossfade::utf8
