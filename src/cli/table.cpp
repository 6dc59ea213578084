#include "cli/table.hpp"

#include <algorithm>

#include "base/utf8.hpp"

namespace crossfade::cli {

std::size_t visibleWidth(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const std::size_t escape = std::min(text.find('\x1b'), text.size());
    width += utf8::count(text.substr(0, escape));
    const std::size_t end = text.find('m', escape);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return width;
}

std::string padded(std::string text, std::size_t width) {
  const std::size_t now = visibleWidth(text);
  if (now < width) text.append(width - now, ' ');
  return text;
}

std::vector<std::string> layOut(const std::vector<std::vector<std::string>>& rows) {
  constexpr std::size_t gap = 2;
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    if (row.size() > widths.size()) widths.resize(row.size());
    for (std::size_t column = 0; column + 1 < row.size(); ++column)
      widths[column] = std::max(widths[column], visibleWidth(row[column]) + gap);
  }
  std::vector<std::string> lines;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t column = 0; column < row.size(); ++column)
      line += column + 1 < row.size() ? padded(row[column], widths[column]) : row[column];
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace crossfade::cli
