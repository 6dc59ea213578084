#include "api/carried.hpp"

#include <gtest/gtest.h>

namespace crossfade::api {
namespace {

json::value parsed(std::string_view text) { return parseJson(text).value(); }

TEST(Carried, GivesBackWhatItWasMadeOf) {
  const std::string random = "q8Zr#k!2";
  const std::string texts[] = {
      "{}",
      "null",
      "[1,2]",
      R"({"z":1,"a":{"b":[true,null,-15,"é\n"]}})",
      "\"" + random + "\"",
      R"({"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"app","image":"web:1"}],"restartPolicy":"Always"}})",
      "[\"" + std::string(1 << 20, 'x') + "\"]"};
  for (const std::string& text : texts) {
    const Carried carried(parsed(text));
    EXPECT_EQ(carried.text(), text);
    EXPECT_EQ(carried.value(), parsed(text));
    EXPECT_FALSE(carried.empty());
  }
}

TEST(Carried, IsEmptyWhereNothingWasCarried) {
  EXPECT_TRUE(Carried().empty());
  EXPECT_EQ(Carried().text(), "");
  EXPECT_TRUE(Carried().object().empty());
  EXPECT_TRUE(Carried().value().is_null());
  EXPECT_TRUE(Carried(parsed("[1]")).object().empty()) << "no object";
}

TEST(Carried, CopiesAndMovesLikeAText) {
  const Carried one(parsed(R"({"app":"web"})"));
  Carried copy = one;
  EXPECT_EQ(copy, one);
  const Carried moved = std::move(copy);
  EXPECT_EQ(moved, one);
  copy = Carried();
  EXPECT_TRUE(copy.empty());
  copy = moved;
  EXPECT_EQ(copy.text(), one.text());
  EXPECT_NE(one, Carried(parsed(R"({"app":"wed"})")));
  EXPECT_NE(one, Carried());
}

}  // namespace
}  // namespace crossfade::api
