#include "base/json.hpp"

#include <gtest/gtest.h>

#include "base/hash.hpp"
#include "base/random.hpp"

namespace crossfade {
namespace {

TEST(Json, ReadsPathsOfAnyShape) {
  const json::object object = json::parse(R"({"a":{"b":{"c":"x","n":3,"d":2.0,"f":1.5}},"s":"t"})").as_object();
  EXPECT_EQ(getString(object, {"a", "b", "c"}), "x");
  EXPECT_EQ(getString(object, {"s", "b", "c"}, "none"), "none");
  EXPECT_EQ(getInt(object, {"a", "b", "n"}), 3);
  EXPECT_EQ(getInt(object, {"a", "b", "d"}), 2);
  EXPECT_EQ(getInt(object, {"a", "b", "f"}, -1), -1);
}

TEST(Json, RefusesTrailingTextAndDeepNesting) {
  EXPECT_FALSE(parseJson("{} x").has_value());
  EXPECT_FALSE(parseJson(std::string(1000, '[') + std::string(1000, ']')).has_value());
}

TEST(Json, DiffIsTheSmallestMergePatch) {
  const json::object from = json::parse(R"({"a":1,"b":{"c":1,"d":2},"e":[1]})").as_object();
  const json::object to = json::parse(R"({"a":1,"b":{"c":3},"e":[1,2],"f":"x"})").as_object();
  const json::object patch = mergeDiff(from, to);
  EXPECT_EQ(json::value(patch), json::parse(R"({"b":{"d":null,"c":3},"e":[1,2],"f":"x"})"));
  json::value target = from;
  mergePatch(target, patch);
  EXPECT_EQ(target, json::value(to));
  EXPECT_TRUE(mergeDiff(to, to).empty());
}

TEST(Json, TheSameWhateverTheOrderOfMembers) {
  const auto same = [](std::string_view a, std::string_view b) { return sameJson(*parseJson(a), *parseJson(b)); };
  EXPECT_TRUE(same(R"({"a":[1,{"b":"x"}],"c":null})", R"({"c":null,"a":[1,{"b":"x"}]})"));
  EXPECT_FALSE(same(R"({"a":1})", R"({"a":1,"b":null})"));
  EXPECT_FALSE(same("[1,2]", "[2,1]"));
  EXPECT_FALSE(same("{}", "[]"));
  EXPECT_TRUE(sameJson(json::value(std::int64_t{1}), json::value(std::uint64_t{1})));
}

TEST(Random, ASeedIsARun) {
  Random one(7);
  Random two(7);
  EXPECT_EQ(one.uuid(), two.uuid());
  EXPECT_EQ(one.uuid()[14], '4');
  EXPECT_EQ(one.nameSuffix().size(), 5U);
}

TEST(Hash, EncodesWithoutVowels) {
  EXPECT_EQ(fnv1a(""), 2166136261U);
  EXPECT_EQ(safeEncode(1234567890U), "56789bcdf4");
}

}  // namespace
}  // namespace crossfade
