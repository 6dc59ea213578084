// Numbers in texts, as Go's strconv reads them and with its error texts.
#pragma once
#include <cstdint>
#include <string_view>

#include "base/result.hpp"

namespace crossfade::expr {

// A signed 64-bit integer in base 2, 8, 10 or 16; bases other than 10 want their prefix (0x). No blanks.
// "strconv.ParseInt: parsing \"x\": invalid syntax".
Result<std::int64_t> parseInteger(std::string_view text, int base = 10);
// Decimal or hexadecimal (0x1p-2), "Inf", "Infinity", "NaN" in any case, underscores between digits of a prefixed
// number.
Result<double> parseFloat(std::string_view text);

}  // namespace crossfade::expr
