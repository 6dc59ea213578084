// The expressions of rules in schemas.
#include "local/cel.hpp"

#include <gtest/gtest.h>

namespace crossfade::local::cel {
namespace {

std::string evaluate(std::string_view expression, std::string_view self = "null", std::string_view old = "null") {
  const auto parsed = Expression::parse(expression);
  if (!parsed) return "not understood: " + parsed.error().message;
  const json::value a = *parseJson(self);
  const json::value b = *parseJson(old);
  const auto value = parsed->evaluate({{"self", &a}, {"oldSelf", &b}});
  return value ? json::serialize(*value) : "failed: " + value.error().message;
}

TEST(CelTest, Evaluates) {
  struct Case {
    std::string_view expression, self, result;
  };
  const Case cases[] = {
      {"1 + 2 * 3", "null", "7"},
      {"-(1 - 4) % 2", "null", "1"},
      {"'a' + \"b\"", "null", R"("ab")"},
      {"1 < 2.5 && 'a' < 'b'", "null", "true"},
      {"self.a == 1 ? 'x' : 'y'", R"({"a":1})", R"("x")"},
      {"has(self.a) && self.a.b", R"({})", "false"},
      {"self.a.b", R"({})", "failed: no such key: a"},
      {"self.a.b || true", R"({})", "true"},
      {"true || self.a.b", R"({})", "true"},
      {"self.a.b && true", R"({})", "failed: no such key: a"},
      {"self[1] + self[0]", "[1,2]", "3"},
      {"self[2]", "[1,2]", "failed: index out of bounds: 2"},
      {"'k' in self", R"({"k":1})", "true"},
      {"self in ['a','b']", R"("b")", "true"},
      {"self.all(x, x > 0)", "[1,2]", "true"},
      {"self.all(x, x.y > 0)", R"([{"y":0},{}])", "false"},
      {"self.exists(x, x.y > 0)", R"([{},{"y":1}])", "true"},
      {"self.exists_one(x, x > 1)", "[1,2,3]", "false"},
      {"self.filter(x, x > 1).map(y, y * 2)", "[1,2,3]", "[4,6]"},
      {"self.all(a, self.exists_one(b, a == b))", "[1,2,1]", "false"},
      {"self.all(k, k.startsWith('a'))", R"({"ab":1,"ac":2})", "true"},
      {"size(self) + self.size()", R"("äb")", "4"},
      {R"(self.matches(r"""^a\.[b]+$"""))", R"("a.bb")", "true"},
      {"self.split('/')[0].size()", R"("abc/d")", "3"},
      {"self.contains('%2F') || self.endsWith('/..')", R"("x/..")", "true"},
      {"duration('1m30s') > duration(self)", R"("10s")", "true"},
      {"duration(self) == duration('0s')", R"("0ms")", "true"},
      {"duration(self) == duration('0s')", R"("soon")", "failed: time: invalid duration \"soon\""},
      {"self.__namespace__", R"({"namespace":"n"})", R"("n")"},
      {"self.a__dash__b", R"({"a-b":1})", "1"},
      {"!(has(self.a) && has(self.b))", R"({"a":1})", "true"},
      {"self + 1", "true", "failed: no such overload"},
      {"9223372036854775807 + 1", "null", "failed: integer overflow"},
      {"1 / 0", "null", "failed: division by zero"},
      {"other", "null", "failed: undeclared reference to 'other'"},
  };
  for (const auto& [expression, self, result] : cases) EXPECT_EQ(evaluate(expression, self), result) << expression;
}

TEST(CelTest, SaysWhatItDoesNotUnderstand) {
  EXPECT_EQ(evaluate("self.foo("), "not understood: character 10: 'the end' is not understood here");
  EXPECT_EQ(evaluate("isURL(self)"), "not understood: character 1: no function isURL() of 1 values is known");
  EXPECT_EQ(evaluate("'a"), "not understood: character 1: the string doesn't end");
  EXPECT_EQ(evaluate("a # b"), "not understood: character 3: '#' is not understood");
  EXPECT_EQ(evaluate("has(self)"), "not understood: character 1: has() wants a field");
  EXPECT_TRUE(evaluate(std::string(1000, '(')).starts_with("not understood: "));
  EXPECT_TRUE(evaluate(std::string(1000, '!')).starts_with("not understood: "));
  EXPECT_TRUE(evaluate("").starts_with("not understood: "));
}

TEST(CelTest, BoundsItsSteps) {
  json::array many;
  for (int i = 0; i < 2000; ++i) many.emplace_back(i);
  EXPECT_EQ(evaluate("self.all(a, self.all(b, a + b >= 0))", json::serialize(many)),
            "failed: the expression takes too many steps");
}

TEST(CelTest, KnowsWhatItMentions) {
  EXPECT_TRUE(Expression::parse("self.x == oldSelf.x")->mentions("oldSelf"));
  EXPECT_FALSE(Expression::parse("self.oldSelf == 'oldSelf'")->mentions("oldSelf"));
}

}  // namespace
}  // namespace crossfade::local::cel
