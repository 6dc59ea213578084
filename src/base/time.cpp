#include "base/time.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>

#include "base/go_text.hpp"

namespace crossfade {

namespace {

struct Fields {
  std::chrono::year_month_day date;
  std::chrono::hh_mm_ss<Duration> time;
};

Fields fields(TimePoint time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  return {std::chrono::year_month_day(day), std::chrono::hh_mm_ss<Duration>(time - day)};
}

std::string formatDateTime(const Fields& f) {
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(f.date.year()),
                     static_cast<unsigned>(f.date.month()), static_cast<unsigned>(f.date.day()), f.time.hours().count(),
                     f.time.minutes().count(), f.time.seconds().count());
}

// Takes exactly `width` digits off the front.
std::optional<int> takeDigits(std::string_view& text, std::size_t width) {
  if (text.size() < width) return std::nullopt;
  int value = 0;
  for (const char c : text.substr(0, width)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(width);
  return value;
}

bool takeChar(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string formatTime(TimePoint time) { return formatDateTime(fields(time)) + "Z"; }

std::string formatMicroTime(TimePoint time) {
  const Fields f = fields(time);
  return fmt::format("{}.{:06}Z", formatDateTime(f), f.time.subseconds().count());
}

std::optional<TimePoint> parseTime(std::string_view text) {
  const auto year = takeDigits(text, 4);
  if (!year || !takeChar(text, '-')) return std::nullopt;
  const auto month = takeDigits(text, 2);
  if (!month || !takeChar(text, '-')) return std::nullopt;
  const auto day = takeDigits(text, 2);
  if (!day || !takeChar(text, 'T')) return std::nullopt;
  const auto hour = takeDigits(text, 2);
  if (!hour || !takeChar(text, ':')) return std::nullopt;
  const auto minute = takeDigits(text, 2);
  if (!minute || !takeChar(text, ':')) return std::nullopt;
  const auto second = takeDigits(text, 2);
  if (!second) return std::nullopt;

  std::int64_t micros = 0;
  if (takeChar(text, '.')) {
    std::size_t digits = 0;
    std::int64_t scale = 100'000;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
      micros += (text[digits] - '0') * scale;
      scale /= 10;
      ++digits;
    }
    if (digits == 0) return std::nullopt;
    text.remove_prefix(digits);
  }

  minutes offset{0};
  if (!takeChar(text, 'Z')) {
    const bool negative = !text.empty() && text.front() == '-';
    if (!negative && (text.empty() || text.front() != '+')) return std::nullopt;
    text.remove_prefix(1);
    const auto offset_hours = takeDigits(text, 2);
    if (!offset_hours || !takeChar(text, ':')) return std::nullopt;
    const auto offset_minutes = takeDigits(text, 2);
    if (!offset_minutes || *offset_hours > 23 || *offset_minutes > 59) return std::nullopt;
    offset = hours(*offset_hours) + minutes(*offset_minutes);
    if (negative) offset = -offset;
  }
  if (!text.empty()) return std::nullopt;

  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  return std::chrono::sys_days(date) + hours(*hour) + minutes(*minute) + seconds(*second) + Duration(micros) - offset;
}

std::optional<Duration> parseGoDuration(std::string_view text) {
  const auto parsed = go::parseDuration(text);
  if (!parsed) return std::nullopt;
  return std::chrono::duration_cast<Duration>(*parsed);
}

std::string formatGoDuration(Duration duration) { return go::formatDuration(duration); }

}  // namespace crossfade
