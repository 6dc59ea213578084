#include "cli/human.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/go_text.hpp"

namespace crossfade::cli {
namespace {

// "3h" and "3h20m": the smaller unit only where there is some of it.
std::string pair(std::int64_t large, char large_unit, std::int64_t small, char small_unit) {
  return small == 0 ? fmt::format("{}{}", large, large_unit)
                    : fmt::format("{}{}{}{}", large, large_unit, small, small_unit);
}

}  // namespace

std::string humanDuration(Duration duration) {
  const std::int64_t in_seconds = std::chrono::duration_cast<seconds>(duration).count();
  if (in_seconds < -1) return "<invalid>";
  if (in_seconds < 0) return "0s";
  if (in_seconds < 120) return fmt::format("{}s", in_seconds);
  const std::int64_t in_minutes = in_seconds / 60;
  if (in_minutes < 10) return pair(in_minutes, 'm', in_seconds % 60, 's');
  if (in_minutes < 180) return fmt::format("{}m", in_minutes);
  const std::int64_t in_hours = in_minutes / 60;
  if (in_hours < 8) return pair(in_hours, 'h', in_minutes % 60, 'm');
  if (in_hours < 48) return fmt::format("{}h", in_hours);
  const std::int64_t in_days = in_hours / 24, year = 365;
  if (in_days < 8) return pair(in_days, 'd', in_hours % 24, 'h');
  if (in_days < 2 * year) return fmt::format("{}d", in_days);
  if (in_days < 8 * year) return pair(in_days / year, 'y', in_days % year, 'd');
  return fmt::format("{}y", in_days / year);
}

Result<Duration> parseDuration(const std::string& text) {
  const bool bare = !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
  const auto duration = go::parseDuration(bare ? text + "s" : text);
  if (!duration) return fail(duration.error());
  return std::chrono::duration_cast<Duration>(*duration);
}

}  // namespace crossfade::cli
