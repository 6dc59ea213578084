// Aligned columns. spec/10 §1.3.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace crossfade::cli {

// Terminal cells of a text: colour sequences take none, everything else one a code point.
std::size_t visibleWidth(std::string_view text);

// `text` with blanks behind it, at least `width` cells wide.
std::string padded(std::string text, std::size_t width);

// One line a row, without line ends: each cell but a row's last is as wide as the widest of its column, and two blanks
// more.
std::vector<std::string> layOut(const std::vector<std::vector<std::string>>& rows);

}  // namespace crossfade::cli
