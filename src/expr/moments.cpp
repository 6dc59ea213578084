#include "expr/moments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <limits>

namespace crossfade::expr {

namespace {

constexpr std::int64_t billion = 1'000'000'000;

// A big-endian number of `width` bytes at `at`; the caller has checked the size.
std::int64_t bigEndian(std::string_view bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = static_cast<unsigned char>(bytes[at]) >= 0x80 ? ~std::uint64_t{0} : 0;
  for (std::size_t i = 0; i < width; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return static_cast<std::int64_t>(value);
}

// The counts in the head of a block of a TZif file (RFC 8536).
struct Head {
  std::size_t is_ut, is_std, leap, times, types, characters;
  static constexpr std::size_t length = 44;

  static std::optional<Head> read(std::string_view bytes) {
    if (bytes.size() < length || !bytes.starts_with("TZif")) return std::nullopt;
    const auto count = [&](std::size_t index) { return static_cast<std::size_t>(bigEndian(bytes, 20 + index * 4, 4)); };
    const Head head{count(0), count(1), count(2), count(3), count(4), count(5)};
    constexpr std::size_t most = 100'000;
    if (std::max({head.is_ut, head.is_std, head.leap, head.times, head.types, head.characters}) > most)
      return std::nullopt;
    return head;
  }
  std::size_t body(std::size_t time_width) const {
    return times * (time_width + 1) + types * 6 + characters + leap * (time_width + 4) + is_std + is_ut;
  }
};

std::optional<std::vector<Zone::Period>> readZone(std::string_view file) {
  const auto old = Head::read(file);
  if (!old || file.size() < Head::length + old->body(4)) return std::nullopt;
  // The second block has 64-bit times.
  const std::string_view block = file.substr(Head::length + old->body(4));
  const auto head = Head::read(block);
  if (!head || head->types == 0 || block.size() < Head::length + head->body(8)) return std::nullopt;
  const std::size_t indexes = Head::length + head->times * 8, types = indexes + head->times,
                    names = types + head->types * 6;
  const auto period = [&](std::int64_t from, std::size_t type) -> Zone::Period {
    const std::size_t at = types + std::min(type, head->types - 1) * 6;
    const std::size_t name = std::min<std::size_t>(static_cast<unsigned char>(block[at + 5]), head->characters);
    const std::string_view rest = block.substr(names + name, head->characters - name);
    return {from, static_cast<std::int32_t>(bigEndian(block, at, 4)), std::string(rest.substr(0, rest.find('\0')))};
  };
  std::vector<Zone::Period> periods{period(std::numeric_limits<std::int64_t>::min(), 0)};
  for (std::size_t i = 0; i < head->times; ++i) {
    periods.push_back(
        period(bigEndian(block, Head::length + i * 8, 8), static_cast<unsigned char>(block[indexes + i])));
  }
  return periods;
}

}  // namespace

Result<ZoneRef> loadZone(std::string_view name) {
  if (name.empty() || name == "UTC") return nullptr;
  const auto unknown = fail(ErrorCode::invalid, fmt::format("unknown time zone {}", name));
  const bool plain = std::ranges::all_of(name, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '/' || c == '_' || c == '-' || c == '+';
  });
  if (!plain || name.starts_with('/') || name.size() > 64) return unknown;
  std::ifstream file("/usr/share/zoneinfo/" + std::string(name), std::ios::binary);
  if (!file) return unknown;
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  auto periods = readZone(bytes);
  if (!periods) return unknown;
  return std::make_shared<const Zone>(Zone{std::string(name), std::move(*periods)});
}

// --- arithmetic
// ----------------------------------------------------------------------------------------------------------

Moment Moment::from(TimePoint time) {
  const auto whole = std::chrono::floor<seconds>(time);
  return {.unix_seconds = whole.time_since_epoch().count(),
          .nanoseconds = static_cast<std::int32_t>((time - whole).count() * 1000)};
}

TimePoint Moment::timePoint() const {
  constexpr std::int64_t furthest = std::numeric_limits<std::int64_t>::max() / 1'000'000 - 1;
  const std::int64_t clamped = std::clamp(unix_seconds, -furthest, furthest);
  return TimePoint(seconds(clamped) + Duration(nanoseconds / 1000));
}

Moment operator+(const Moment& moment, std::chrono::nanoseconds duration) {
  const std::int64_t nanos = moment.nanoseconds + duration.count() % billion;
  const std::int64_t carry = nanos < 0 ? -1 : nanos / billion;
  return {.unix_seconds = moment.unix_seconds + duration.count() / billion + carry,
          .nanoseconds = static_cast<std::int32_t>(nanos - carry * billion),
          .zone = moment.zone};
}

std::chrono::nanoseconds operator-(const Moment& left, const Moment& right) {
  const std::int64_t whole = left.unix_seconds - right.unix_seconds;
  constexpr std::int64_t furthest = std::numeric_limits<std::int64_t>::max() / billion - 1;
  if (whole > furthest) return std::chrono::nanoseconds::max();
  if (whole < -furthest) return std::chrono::nanoseconds::min();
  return std::chrono::nanoseconds(whole * billion + left.nanoseconds - right.nanoseconds);
}

Calendar calendar(const Moment& moment) {
  std::int32_t offset = 0;
  std::string abbreviation = "UTC";
  if (moment.zone != nullptr) {
    auto period = std::ranges::upper_bound(moment.zone->periods, moment.unix_seconds, {}, &Zone::Period::from);
    if (period != moment.zone->periods.begin()) --period;
    offset = period->offset_seconds;
    abbreviation = period->abbreviation;
  }
  // Beyond the years that <chrono>'s calendar knows nothing sensible can be said.
  constexpr std::int64_t furthest = 32'000LL * 366 * 86'400;
  const auto local = std::chrono::sys_seconds(seconds(std::clamp(moment.unix_seconds + offset, -furthest, furthest)));
  const auto day = std::chrono::floor<std::chrono::days>(local);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss<seconds> time(local - day);
  const auto new_year = std::chrono::sys_days(date.year() / std::chrono::January / 1);
  return {.year = static_cast<int>(date.year()),
          .month = static_cast<int>(static_cast<unsigned>(date.month())),
          .day = static_cast<int>(static_cast<unsigned>(date.day())),
          .hour = static_cast<int>(time.hours().count()),
          .minute = static_cast<int>(time.minutes().count()),
          .second = static_cast<int>(time.seconds().count()),
          .weekday = static_cast<int>(std::chrono::weekday(day).c_encoding()),
          .year_day = static_cast<int>((day - new_year).count()) + 1,
          .offset_seconds = offset,
          .abbreviation = std::move(abbreviation)};
}

}  // namespace crossfade::expr
