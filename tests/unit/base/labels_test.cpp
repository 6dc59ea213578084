#include "base/labels.hpp"

#include <gtest/gtest.h>

#include "base/json.hpp"

namespace crossfade {
namespace {

TEST(Selector, ReadsTheQuerySyntax) {
  const auto selector = Selector::parse("app=web, tier!=db,env in (b,a),x notin (y),k,!gone");
  ASSERT_TRUE(selector.has_value()) << selector.error().message;
  EXPECT_TRUE(selector->matches({{"app", "web"}, {"env", "a"}, {"k", ""}}));
  EXPECT_FALSE(selector->matches({{"app", "web"}, {"env", "c"}, {"k", ""}}));
  EXPECT_FALSE(selector->matches({{"app", "web"}, {"env", "a"}, {"k", ""}, {"gone", "1"}}));
  EXPECT_EQ(selector->toString(), "app=web,env in (a,b),!gone,k,tier!=db,x!=y");
}

TEST(Selector, RefusesNonsense) {
  for (const char* text : {"a in b", "a in (b", "=x", "a,", "a b"})
    EXPECT_FALSE(Selector::parse(text).has_value()) << text;
}

TEST(Selector, ReadsLabelSelectors) {
  const json::value document =
      json::parse(R"({"matchLabels":{"app":"web"},"matchExpressions":[{"key":"e","operator":"Exists"}]})");
  const auto selector = Selector::fromJson(document.as_object());
  ASSERT_TRUE(selector.has_value());
  EXPECT_TRUE(selector->matches({{"app", "web"}, {"e", "x"}}));
  EXPECT_FALSE(selector->matches({{"app", "web"}}));
  const json::value bad = json::parse(R"({"matchExpressions":[{"key":"e","operator":"Near"}]})");
  EXPECT_EQ(Selector::fromJson(bad.as_object()).error().message, "\"Near\" is not a valid label selector operator");
}

}  // namespace
}  // namespace crossfade
