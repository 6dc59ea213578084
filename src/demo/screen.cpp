#include "demo/screen.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace crossfade::demo {
namespace {

constexpr std::size_t lines_kept = 8;
constexpr std::int64_t bar_cells = 60;

}  // namespace

void Screen::act(std::string title) {
  title_ = std::move(title);
  said_.clear();
  if (live_) return;
  fmt::print("\n== {}\n", title_);
  std::fflush(stdout);
}

void Screen::say(std::string line) {
  if (!live_) {
    fmt::print("   {}\n", line);
    std::fflush(stdout);
  }
  said_.push_back(std::move(line));
  if (said_.size() > lines_kept) said_.pop_front();
}

void Screen::draw(const std::vector<std::string>& tree, const std::map<std::string, std::int64_t>& shares) {
  if (!live_) return;
  std::string picture = "\x1b[H\x1b[J\x1b[1m" + title_ + "\x1b[0m\n\n";
  for (const std::string& line : tree) picture += line + "\n";
  picture += "\nrequests of the last second\n" + bar(shares, true) + "\n\n";
  for (const std::string& line : said_) picture += "  " + line + "\n";
  std::fwrite(picture.data(), 1, picture.size(), stdout);
  std::fflush(stdout);
}

void Screen::finish() {
  if (live_) fmt::print("\n");
  live_ = false;
}

std::string bar(const std::map<std::string, std::int64_t>& shares, bool colour) {
  constexpr std::string_view colours[] = {"34", "33", "32", "35"};
  std::int64_t sum = 0;
  for (const auto& [version, count] : shares) sum += count;
  if (sum == 0) return "(none)";
  std::string cells, legend;
  std::int64_t seen = 0, drawn = 0;
  std::size_t index = 0;
  for (const auto& [version, count] : shares) {
    seen += count;
    const std::int64_t end = seen * bar_cells / sum;
    const std::string_view code = version.empty() ? "31" : colours[index++ % std::size(colours)];
    if (colour) cells += fmt::format("\x1b[{}m", code);
    for (; drawn < end; ++drawn) cells += colour ? "█" : version.empty() ? "!" : version.substr(version.size() - 1);
    if (colour) cells += "\x1b[0m";
    legend += fmt::format("  {} {:.0f} %", version.empty() ? "unanswered" : version,
                          100.0 * static_cast<double>(count) / static_cast<double>(sum));
  }
  return cells + legend;
}

}  // namespace crossfade::demo
