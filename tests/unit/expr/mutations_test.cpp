// Texts that nobody would write: whatever comes, it is an answer or an error, and soon.
#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>

#include "base/random.hpp"
#include "expr/condition.hpp"

namespace crossfade::expr {
namespace {

constexpr std::array<std::string_view, 62> pieces{"result",
                                                  ".a",
                                                  "?.b",
                                                  "[0]",
                                                  "[-1:]",
                                                  "[:2]",
                                                  "(",
                                                  ")",
                                                  "[",
                                                  "]",
                                                  "{",
                                                  "}",
                                                  " ? ",
                                                  " : ",
                                                  " ?? ",
                                                  " and ",
                                                  " or ",
                                                  " not ",
                                                  "!",
                                                  "-",
                                                  " + ",
                                                  " * ",
                                                  " / ",
                                                  " % ",
                                                  " ** ",
                                                  " .. ",
                                                  " == ",
                                                  " != ",
                                                  " < ",
                                                  " >= ",
                                                  " in ",
                                                  " not in ",
                                                  " matches ",
                                                  " contains ",
                                                  "#",
                                                  "#acc",
                                                  ".v",
                                                  "let x = ",
                                                  "; ",
                                                  "x",
                                                  "if true {1} else {2}",
                                                  ", ",
                                                  " | len()",
                                                  "filter(result, # > 1)",
                                                  "map(1..3, #)",
                                                  "reduce(result, #acc + #)",
                                                  "sortBy(result, -#)",
                                                  "groupBy(result, .a)",
                                                  "count(result, # > 0) > 1",
                                                  "sum(result)",
                                                  "max(result, 1)",
                                                  "string(result)",
                                                  "fromJSON('[1,{\"a\":2}]')",
                                                  "date('2024-01-02')",
                                                  "duration('1h')",
                                                  "now()",
                                                  "\"é\\n\"",
                                                  "0x1F",
                                                  "1.5e3",
                                                  "nil",
                                                  "true",
                                                  "repeat('ab', 3)"};

std::string randomText(Random& random) {
  std::string text;
  for (std::uint64_t left = random.below(14) + 1; left > 0; --left) text += pieces[random.below(pieces.size())];
  // Now and then a byte goes astray.
  while (!text.empty() && random.chance(0.2)) {
    const std::size_t at = random.below(text.size());
    if (random.chance(0.5)) {
      text.erase(at, random.below(3));
    } else {
      text.insert(at, 1, static_cast<char>(random.below(256)));
    }
  }
  return text;
}

TEST(Mutations, EveryTextGetsAnAnswer) {
  const char* wanted = std::getenv("CROSSFADE_MUTATIONS");
  const int count = wanted == nullptr ? 3000 : std::atoi(wanted);
  const std::vector<Measured> results{Measured(),
                                      true,
                                      1.0,
                                      std::numeric_limits<double>::quiet_NaN(),
                                      std::vector<double>{3, 1, 2},
                                      std::string("1"),
                                      json::parse(R"({"a":1,"b":null,"v":[1,"x",{"a":2}]})"),
                                      json::parse(R"([{"a":1,"v":2},{"a":"1"}])")};
  Random random(7);
  int answers = 0;
  for (int i = 0; i < count; ++i) {
    const std::string text = randomText(random);
    const auto outcome = Condition(text).holds(results[random.below(results.size())], TimePoint());
    if (outcome) {
      ++answers;
    } else {
      EXPECT_FALSE(outcome.error().message.empty()) << text;
      EXPECT_LE(outcome.error().at, text.size()) << text;
    }
  }
  EXPECT_GT(answers, 0);
}

}  // namespace
}  // namespace crossfade::expr
