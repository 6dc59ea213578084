// Times as Go has them: a moment to the nanosecond in a zone; reading and writing them by Go's layouts. spec/07 B9.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"

namespace crossfade::expr {

struct Zone {
  struct Period {
    std::int64_t from;  // Unix seconds
    std::int32_t offset_seconds;
    std::string abbreviation;
  };
  std::string name;
  std::vector<Period> periods;  // by time; the first counts for everything before it
};
// Null is UTC.
using ZoneRef = std::shared_ptr<const Zone>;
// "UTC", "" or a name of the IANA data base, read from the machine's own copy. `unknown time zone X`.
Result<ZoneRef> loadZone(std::string_view name);

struct Moment {
  std::int64_t unix_seconds = 0;
  std::int32_t nanoseconds = 0;  // 0 to 999 999 999
  ZoneRef zone = nullptr;

  static Moment from(TimePoint time);
  // Rounded down to the microsecond; clamped to what a TimePoint holds.
  TimePoint timePoint() const;
  auto order() const { return std::pair(unix_seconds, nanoseconds); }
};
Moment operator+(const Moment& moment, std::chrono::nanoseconds duration);
// Clamped to what nanoseconds hold.
std::chrono::nanoseconds operator-(const Moment& left, const Moment& right);

// A moment's calendar in its zone.
struct Calendar {
  std::int64_t year;
  int month, day, hour, minute, second, weekday, year_day, offset_seconds;
  std::string abbreviation;
};
Calendar calendar(const Moment& moment);

// Time.String: "2023-08-14 00:00:00 +0000 UTC".
std::string format(const Moment& moment);
std::string format(const Moment& moment, std::string_view layout);
// `parsing time "x" as "02/01/2006": cannot parse "x" as "02"`. Texts without an offset are in `zone`.
Result<Moment> parseMoment(std::string_view layout, std::string_view text, const ZoneRef& zone);

}  // namespace crossfade::expr
