// Durations and tables. spec/10 §1.2, §1.3, §7.
#include <gtest/gtest.h>

#include "cli/human.hpp"
#include "cli/table.hpp"

namespace crossfade::cli {
namespace {

TEST(HumanDuration, AsKubectlPrintsThem) {
  const struct {
    Duration duration;
    const char* text;
  } cases[] = {
      {seconds(-2), "<invalid>"},
      {milliseconds(-1999), "0s"},
      {seconds(0), "0s"},
      {milliseconds(119999), "119s"},
      {seconds(120), "2m"},
      {seconds(250), "4m10s"},
      {minutes(10) - seconds(1), "9m59s"},
      {minutes(10) + seconds(59), "10m"},
      {minutes(180) - seconds(1), "179m"},
      {minutes(180), "3h"},
      {hours(7) + minutes(59), "7h59m"},
      {hours(8) + minutes(59), "8h"},
      {hours(47) + minutes(59), "47h"},
      {hours(48), "2d"},
      {hours(167) + minutes(59), "6d23h"},  // case 23
      {hours(168), "7d"},                   // case 24
      {hours(24 * 8 + 23), "8d"},
      {hours(24 * 729), "729d"},
      {hours(24 * 730), "2y"},
      {hours(24 * 731), "2y1d"},
      {hours(24 * 365 * 8 + 24), "8y"},
  };
  for (const auto& [duration, text] : cases) EXPECT_EQ(humanDuration(duration), text);
}

TEST(ParseDuration, BareIntegersAreSeconds) {
  EXPECT_EQ(parseDuration("90"), seconds(90));
  EXPECT_EQ(parseDuration("0"), seconds(0));
  EXPECT_EQ(parseDuration("1h30m"), minutes(90));
  EXPECT_FALSE(parseDuration(""));
  EXPECT_FALSE(parseDuration("soon"));
}

TEST(VisibleWidth, ColoursTakeNoRoom) {
  EXPECT_EQ(visibleWidth(""), 0u);
  EXPECT_EQ(visibleWidth("॥ ✔ Σ ├──"), 9u);
  EXPECT_EQ(visibleWidth("a\x1b[32mbc\x1b[0md"), 4u);
  EXPECT_EQ(visibleWidth("a\x1b"), 1u);
}

TEST(LayOut, LastCellsAreNoColumn) {
  const std::vector<std::string> lines = layOut({{"NAME", "AGE", "INFO"}, {"\x1b[0mx✔\x1b[0m", "4m10s", ""}, {"y"}});
  EXPECT_EQ(lines[0], "NAME  AGE    INFO");
  EXPECT_EQ(lines[1], "\x1b[0mx✔\x1b[0m    4m10s  ");
  EXPECT_EQ(lines[2], "y");
}

}  // namespace
}  // namespace crossfade::cli
