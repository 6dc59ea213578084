// spec/01 §7.1.
#include "base/int_or_percent.hpp"

#include <gtest/gtest.h>

namespace crossfade {
namespace {

TEST(IntOrPercent, ReadsIntegersAndStrings) {
  EXPECT_EQ(IntOrPercent::fromJson(5)->value, (std::variant<int, std::string>(5)));
  EXPECT_EQ(IntOrPercent::fromJson("25%")->value, (std::variant<int, std::string>("25%")));
  EXPECT_FALSE(IntOrPercent::fromJson(1.5));
  EXPECT_FALSE(IntOrPercent::fromJson(true));
  EXPECT_FALSE(IntOrPercent::fromJson(std::int64_t{3000000000}));
}

TEST(IntOrPercent, AnyStringIsAPercentage) {
  const auto share = [](std::string text, Rounding rounding) { return IntOrPercent{text}.resolve(10, rounding); };
  EXPECT_EQ(share("30%", Rounding::up), 3);
  EXPECT_EQ(share("30", Rounding::up), 3);
  EXPECT_EQ(share("%30%", Rounding::up), 3);
  EXPECT_EQ(share("30%%", Rounding::up), 3);
  EXPECT_EQ(share("2147483647%", Rounding::up), 214748365);
  EXPECT_EQ(share("39%", Rounding::up), 4);
  EXPECT_EQ(share("39%", Rounding::down), 3);
  EXPECT_EQ(share("+150%", Rounding::down), 15);
  for (const char* text : {"oops", "", "1.5%", " 5", "%", "+-5", "99999999999%"})
    EXPECT_FALSE(share(text, Rounding::up)) << text;
  EXPECT_EQ(IntOrPercent{7}.resolve(3, Rounding::up), 7);
}

}  // namespace
}  // namespace crossfade
