// Label selectors as the API server reads and refuses them. The messages are those of a real one.
#include "local/label_selector.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "local/name_rules.hpp"

namespace crossfade::local {
namespace {

std::string refusal(std::string_view text) {
  const auto selector = parseLabelSelector(text);
  return selector ? "taken: " + selector->toString() : selector.error().message;
}

TEST(LabelSelector, Reads) {
  EXPECT_EQ(refusal(""), "taken: ");
  EXPECT_EQ(refusal(" a = b , c != d "), "taken: a=b,c!=d");
  EXPECT_EQ(refusal("a==b"), "taken: a=b");
  EXPECT_EQ(refusal("a in (y, x,y),b notin(z),c,!d"), "taken: a in (x,y),b!=z,c,!d");
  EXPECT_EQ(refusal("a=,b="), "taken: a=,b=");
  EXPECT_EQ(refusal("in in (in,notin),notin=in"), "taken: in in (in,notin),notin=in");
  EXPECT_EQ(refusal("example.com/a in ()"), "taken: example.com/a=");
  EXPECT_EQ(refusal("a in (,x)"), "taken: a in (,x)");
  EXPECT_EQ(refusal("a in (x,)"), "taken: a in (,x)");
}

TEST(LabelSelector, RefusesInTheServersWords) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"=x", "found '=', expected: !, identifier, or 'end of string'"},
      {",", "found ',', expected: !, identifier, or 'end of string'"},
      {"(a)", "found '(', expected: !, identifier, or 'end of string'"},
      {"a=b=c", "found '=', expected: ',' or 'end of string'"},
      {"a=x y", "found 'y', expected: ',' or 'end of string'"},
      {"!a=1", "found '=', expected: ',' or 'end of string'"},
      {"a,", "found '', expected: identifier after ','"},
      {"a,,b", "found ',', expected: identifier after ','"},
      {"!", "unable to parse requirement: found '', expected: identifier"},
      {"a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"},
      {"a)", "unable to parse requirement: found ')', expected: in, notin, =, ==, !=, gt, lt"},
      {"a=!b", "unable to parse requirement: found '!', expected: identifier"},
      {"a notin x,b", "unable to parse requirement: found 'x' expected: '('"},
      {"a in ((", "unable to parse requirement: found '(', expected: ',', ')' or identifier"},
      {"a in (x y)", "unable to parse requirement: found 'y', expected: ',' or ')'"},
      {"a in (x,", "unable to parse requirement: found '', expected: ',', or identifier"},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(refusal(text), message) << text;
  EXPECT_NE(refusal("a>1").find("doesn't compare labels as numbers"), std::string::npos);
}

TEST(LabelSelector, RefusesWhatNoLabelCanBe) {
  constexpr std::string_view begin = "unable to parse requirement: ";
  EXPECT_TRUE(
      refusal("-bad=1").starts_with(fmt::format("{}<nil>: Invalid value: \"-bad\": name part must consist of", begin)));
  EXPECT_TRUE(refusal("!-bad").starts_with(fmt::format("{}<nil>: Invalid value: \"-bad\": name part", begin)));
  EXPECT_TRUE(
      refusal("UPPER.com/a").starts_with(fmt::format("{}<nil>: Invalid value: \"UPPER.com/a\": prefix part", begin)));
  EXPECT_EQ(refusal("a=-b"), fmt::format("{}values[0][a]: Invalid value: \"-b\": {}", begin, label_value_message));
  EXPECT_EQ(refusal("a in (b_,-c,d)"),
            fmt::format("{0}[values[0][a]: Invalid value: \"-c\": {1}, values[1][a]: Invalid value: \"b_\": {1}]",
                        begin, label_value_message));
  EXPECT_EQ(refusal("a=" + std::string(64, 'b')),
            fmt::format("{}values[0][a]: Invalid value: \"{}\": must be no more than 63 characters", begin,
                        std::string(64, 'b')));
}

TEST(LabelSelector, FaultsOfObjects) {
  const auto faults = [](std::string_view text) {
    return labelSelectorFaults(parseJson(text)->get_object(), "spec.selector");
  };
  using Faults = std::vector<std::string>;
  EXPECT_EQ(faults(R"({"matchLabels":{"a":"b"},"matchExpressions":[{"key":"c","operator":"In","values":["d"]}]})"),
            Faults());
  EXPECT_EQ(faults(R"({"matchLabels":{"a":"-b"}})"),
            Faults{fmt::format("spec.selector.matchLabels: Invalid value: \"-b\": {}", label_value_message)});
  EXPECT_EQ(
      faults(R"({"matchExpressions":[{"key":"a","operator":"Nope"},{"key":"a","operator":"In"},)"
             R"({"key":"a","operator":"Exists","values":["x"]}]})"),
      (Faults{"spec.selector.matchExpressions[0].operator: Invalid value: \"Nope\": not a valid selector operator",
              "spec.selector.matchExpressions[1].values: Required value: must be specified when `operator` is "
              "'In' or 'NotIn'",
              "spec.selector.matchExpressions[2].values: Forbidden: may not be specified when `operator` is "
              "'Exists' or 'DoesNotExist'"}));
}

}  // namespace
}  // namespace crossfade::local
