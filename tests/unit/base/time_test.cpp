#include "base/time.hpp"

#include <gtest/gtest.h>

namespace crossfade {
namespace {

TEST(Time, SpellsKubernetesTimes) {
  const TimePoint time = std::chrono::sys_days(std::chrono::year(2024) / 5 / 1) + hours(12) + milliseconds(1500);
  EXPECT_EQ(formatTime(time), "2024-05-01T12:00:01Z");
  EXPECT_EQ(formatMicroTime(time), "2024-05-01T12:00:01.500000Z");
}

TEST(Time, ReadsRfc3339) {
  const TimePoint noon = std::chrono::sys_days(std::chrono::year(2024) / 5 / 1) + hours(12);
  EXPECT_EQ(parseTime("2024-05-01T12:00:00Z"), noon);
  EXPECT_EQ(parseTime("2024-05-01T14:00:00+02:00"), noon);
  EXPECT_EQ(parseTime("2024-05-01T12:00:00.123456789Z"), noon + Duration(123456));
}

TEST(Time, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "2024", "2024-05-01", "2024-02-30T12:00:00Z", "2024-05-01T25:00:00Z", "2024-05-01T12:00:00",
        "2024-05-01T12:00:00.Z", "2024-05-01T12:00:00Zx", "2024-05-01T12:00:00+2:00"}) {
    EXPECT_EQ(parseTime(text), std::nullopt) << text;
  }
}

TEST(Time, ReadsGoDurations) {
  EXPECT_EQ(parseGoDuration("1h30m"), minutes(90));
  EXPECT_EQ(parseGoDuration("1.5s"), milliseconds(1500));
  EXPECT_EQ(parseGoDuration("-2ms"), milliseconds(-2));
  EXPECT_EQ(parseGoDuration("0"), Duration(0));
  EXPECT_EQ(parseGoDuration("300us"), Duration(300));
  for (const char* text : {"", "5", "s", "1 s", "1d", "-", ".s", "9999999999h"})
    EXPECT_EQ(parseGoDuration(text), std::nullopt) << text;
}

TEST(Time, PrintsGoDurations) {
  EXPECT_EQ(formatGoDuration(minutes(90)), "1h30m0s");
  EXPECT_EQ(formatGoDuration(milliseconds(1500)), "1.5s");
  EXPECT_EQ(formatGoDuration(milliseconds(300)), "300ms");
  EXPECT_EQ(formatGoDuration(Duration(0)), "0s");
  EXPECT_EQ(formatGoDuration(seconds(-61)), "-1m1s");
}

}  // namespace
}  // namespace crossfade
