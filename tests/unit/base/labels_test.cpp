#include "base/labels.hpp"

#include <gtest/gtest.h>

#include "base/json.hpp"

namespace crossfade {
namespace {

TEST(Selector, ReadsLabelSelectors) {
  const json::value document =
      json::parse(R"({"matchLabels":{"app":"web"},"matchExpressions":[{"key":"e","operator":"Exists"}]})");
  const auto selector = Selector::fromJson(document.as_object());
  ASSERT_TRUE(selector.has_value());
  EXPECT_TRUE(selector->matches({{"app", "web"}, {"e", "x"}}));
  EXPECT_FALSE(selector->matches({{"app", "web"}}));
  EXPECT_EQ(selector->toString(), "app=web,e");
  const json::value bad = json::parse(R"({"matchExpressions":[{"key":"e","operator":"Near"}]})");
  EXPECT_EQ(Selector::fromJson(bad.as_object()).error().message, "\"Near\" is not a valid label selector operator");
}

}  // namespace
}  // namespace crossfade
