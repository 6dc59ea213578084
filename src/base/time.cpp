#include "base/time.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>

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
  if (text.empty()) return std::nullopt;
  bool negative = false;
  if (text.front() == '-' || text.front() == '+') {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (text == "0") return Duration(0);
  if (text.empty()) return std::nullopt;

  // Longer spellings first: "ms" must not be read as "m".
  static constexpr std::array<std::pair<std::string_view, double>, 8> units{{{"ns", 1e-3},
                                                                             {"us", 1},
                                                                             {"\u00b5s", 1},
                                                                             {"\u03bcs", 1},
                                                                             {"ms", 1e3},
                                                                             {"s", 1e6},
                                                                             {"m", 60e6},
                                                                             {"h", 3600e6}}};
  // Go holds nanoseconds in an int64; beyond that it reports an error.
  constexpr double limit_micros = 9223372036854775.0;
  double total = 0;
  while (!text.empty()) {
    std::size_t length = 0;
    bool digits = false;
    bool dot = false;
    while (length < text.size() && ((text[length] >= '0' && text[length] <= '9') || (text[length] == '.' && !dot))) {
      if (text[length] == '.') {
        dot = true;
      } else {
        digits = true;
      }
      ++length;
    }
    if (!digits) return std::nullopt;
    double number = 0;
    std::from_chars(text.data(), text.data() + length, number);
    text.remove_prefix(length);
    bool known = false;
    for (const auto& [name, micros] : units) {
      if (!text.starts_with(name)) continue;
      total += number * micros;
      text.remove_prefix(name.size());
      known = true;
      break;
    }
    if (!known || total > limit_micros) return std::nullopt;
  }
  const auto micros = static_cast<std::int64_t>(total + 1e-6 * total / limit_micros);
  return Duration(negative ? -micros : micros);
}

std::string formatGoDuration(Duration duration) {
  const std::int64_t count = duration.count();
  if (count == 0) return "0s";
  const std::string sign = count < 0 ? "-" : "";
  const std::uint64_t micros = count < 0 ? 0 - static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
  // `whole` units and a fraction without trailing zeros.
  const auto decimal = [](std::uint64_t whole, std::uint64_t fraction, int width) {
    std::string text = fmt::format("{}", whole);
    if (fraction == 0) return text;
    std::string digits = fmt::format("{:0{}}", fraction, width);
    digits.erase(digits.find_last_not_of('0') + 1);
    return text + "." + digits;
  };
  if (micros < 1000) return fmt::format("{}{}\u00b5s", sign, micros);
  if (micros < 1'000'000) return sign + decimal(micros / 1000, micros % 1000, 3) + "ms";
  const std::uint64_t total_seconds = micros / 1'000'000;
  const std::string second_part = decimal(total_seconds % 60, micros % 1'000'000, 6) + "s";
  if (total_seconds < 60) return sign + second_part;
  const std::uint64_t total_minutes = total_seconds / 60;
  if (total_minutes < 60) return fmt::format("{}{}m{}", sign, total_minutes, second_part);
  return fmt::format("{}{}h{}m{}", sign, total_minutes / 60, total_minutes % 60, second_part);
}

}  // namespace crossfade
