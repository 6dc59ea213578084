// The characters of Unicode by their use: what separates, what counts, what a name may hold.
#pragma once
#include <cstdint>
#include <string>

namespace crossfade::expr {

bool isSpace(std::uint32_t point);
constexpr bool isDigit(std::uint32_t point) { return point >= '0' && point <= '9'; }
// Letters and digits of any script. Beyond ASCII everything counts but the blocks of punctuation, symbols and private
// use.
bool isLetterOrDigit(std::uint32_t point);
// "U+0040 '@'"; control characters by their number alone.
std::string describe(std::uint32_t point);

}  // namespace crossfade::expr
