// What goes wrong easily: spec/07 Traps, each by its number; and the verdicts of spec/07 A4.
#include <gtest/gtest.h>

#include <limits>

#include "expr/condition.hpp"
#include "expr/json_text.hpp"
#include "expr/jsonpath.hpp"

namespace crossfade::expr {
namespace {

constexpr TimePoint now{std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)};

// The outcome as Go prints it, or the error.
std::string outcome(std::string_view text, const Measured& result = 1.0) {
  const auto value = Condition(std::string(text)).evaluate(result, now);
  return value ? format(*value) : "error: " + value.error().message;
}
Measured document(std::string_view text) { return json::parse(text); }

// spec/07 §A4 #1-#10
TEST(Verdicts, OfBothOutcomes) {
  struct Row {
    const char *success, *failure, *phase;
  };
  for (const Row& row : std::initializer_list<Row>{{"", "", "Successful"},
                                                   {"true", "", "Successful"},
                                                   {"false", "", "Failed"},
                                                   {"", "true", "Failed"},
                                                   {"", "false", "Successful"},
                                                   {"false", "true", "Failed"},
                                                   {"true", "false", "Successful"},
                                                   {"false", "false", "Inconclusive"},
                                                   {"1", "also wrong", "Error"},
                                                   {"true", "1", "Error"}}) {
    const Verdict verdict = assess(1.0, row.success, row.failure, now);
    EXPECT_EQ(verdict.phase, row.phase) << row.success << " / " << row.failure;
    EXPECT_EQ(verdict.error.empty(), verdict.phase != "Error");
  }
  EXPECT_EQ(assess(1.0, "true", "true", now).phase, "Failed");
  EXPECT_EQ(assess(1.0, "1", "2", now).error, "could not evaluate successCondition \"1\": expected bool, but got int");
  for (const auto& [text, type] :
       std::initializer_list<std::pair<const char*, const char*>>{{"1", "int"},
                                                                  {"1.5", "float64"},
                                                                  {"'a'", "string"},
                                                                  {"nil", "<nil>"},
                                                                  {"[1]", "[]interface {}"},
                                                                  {"{a: 1}", "map[string]interface {}"}}) {
    EXPECT_EQ(Condition(text).holds(1.0, now).error().message, std::string("expected bool, but got ") + type);
  }
}

TEST(Traps, Nil) {
  // spec/07 §Traps #1
  EXPECT_EQ(outcome("default(result.x, 0)", document(R"({"a":1})")), "map[a:1]");
  EXPECT_EQ(outcome("isNil(result.x)", document(R"({"a":1})")), "false");
  // spec/07 §Traps #2
  EXPECT_EQ(outcome("result == nil || result > 1", Measured()),
            "error: invalid operation: > (mismatched types unknown and int)");
  // spec/07 §Traps #3
  const Verdict verdict = assess(Measured(), "resul > 1", "", now);
  EXPECT_EQ(verdict.error,
            "could not evaluate successCondition \"resul > 1\": metric result is nil or empty: no data returned from "
            "the metric provider");
  // spec/07 §Traps #10
  EXPECT_EQ(outcome("result.b == 1", document(R"({"a":1})")), "false");
  EXPECT_EQ(outcome("result.b < 1", document(R"({"a":1})")), "error: invalid operation: <nil> < int");
}

TEST(Traps, Numbers) {
  // spec/07 §Traps #5
  EXPECT_EQ(outcome("result.a % 2", document(R"({"a":7})")), "error: invalid operation: float64 % int");
  EXPECT_EQ(outcome("bitand(result.a, 1)", document(R"({"a":7})")),
            "error: interface conversion: interface {} is float64, not int");
  EXPECT_EQ(outcome("int(result.a) % 2", document(R"({"a":7})")), "1");
  EXPECT_EQ(outcome("result.a == 7", document(R"({"a":7})")), "true");
  EXPECT_EQ(outcome("result == {a: 7}", document(R"({"a":7})")), "false");
  EXPECT_EQ(outcome("len(groupBy(result, #)[7])", document("[7]")), "0");
  EXPECT_EQ(outcome("len(groupBy(result, #)[7.0])", document("[7]")), "1");
  // spec/07 §Traps #6
  EXPECT_EQ(outcome("type(4 / 2)"), "float");
  EXPECT_EQ(outcome("result / 0"), "+Inf");
  // spec/07 §Traps #16
  EXPECT_EQ(outcome("2 ^ 3"), "8");
  EXPECT_EQ(outcome("-7 % 3"), "-1");
  EXPECT_EQ(outcome("017"), "17");
}

TEST(Traps, Precedence) {
  // spec/07 §Traps #7
  EXPECT_EQ(outcome("not 1 in [2]"), "error: invalid operation: not (mismatched type int)");
  EXPECT_EQ(outcome("not (1 in [2])"), "true");
  EXPECT_EQ(outcome("!true == false"), "true");
  // spec/07 §Traps #8
  EXPECT_EQ(outcome("nil ?? 2 > 1"),
            "error: Operator (>) and coalesce expressions (?\?) cannot be mixed. Wrap either by parentheses.");
  EXPECT_EQ(outcome("2 > nil ?? 1"), "true");
  // spec/07 §Traps #17
  EXPECT_EQ(outcome("result | filter(# > 1)[0]", document("[1,2]")), "error: unexpected token Bracket(\"[\")");
  EXPECT_EQ(outcome("(result | filter(# > 1))[0]", document("[1,2]")), "2");
  // spec/07 §Traps #18
  EXPECT_EQ(outcome("map([1], {\"x\": #})"), "error: unexpected token Operator(\":\")");
  EXPECT_EQ(outcome("map([1], {{\"x\": #}})"), "[map[x:1]]");
}

TEST(Traps, Members) {
  // spec/07 §Traps #9
  const Measured object = document(R"({"l":[1],"n":null,"s":1})");
  EXPECT_EQ(outcome("result.n?.x", object), "<nil>");
  EXPECT_EQ(outcome("result.l?.[5]", object), "error: index out of range: 5 (array length is 1)");
  EXPECT_EQ(outcome("result.s?.x", object), "error: cannot fetch x from float64");
  // spec/07 §Traps #14
  EXPECT_EQ(outcome("len(result)", std::string("hé")), "2");
  EXPECT_EQ(outcome("len(result[0:2])", std::string("hé")), "2");  // h and half of é, which counts as a character
  EXPECT_EQ(outcome("indexOf(result, \"x\")", std::string("éx")), "2");
  EXPECT_EQ(outcome("result[0]", std::string("hé")), "error: type string[int] is undefined");
  EXPECT_EQ(outcome("result.t[0]", document(R"({"t":"A"})")), "65");
  // spec/07 §Traps #15
  EXPECT_EQ(outcome("[first(result), last(result), get(result, 9), max(result), min(result)]", document("[]")),
            "[<nil> <nil> <nil> <nil> <nil>]");
  EXPECT_EQ(outcome("filter(result, # > 9)[0]", document("[1]")), "error: reflect: slice index out of range");
  EXPECT_EQ(outcome("filter(result, # > 9)[1]", document("[1]")), "error: index out of range: 1 (array length is 0)");
}

TEST(Traps, Containment) {
  // spec/07 §Traps #11
  EXPECT_EQ(outcome("result.l contains \"x\"", document(R"({"l":["x"]})")),
            "error: interface conversion: interface {} is []interface {}, not string");
  EXPECT_EQ(outcome("\"x\" in result.l", document(R"({"l":["x"]})")), "true");
  // spec/07 §Traps #12
  EXPECT_EQ(outcome("result.a in [\"1\", \"2\"]", document(R"({"a":1})")),
            "error: reflect.Value.MapIndex: value of type float64 is not assignable to type string");
}

TEST(Traps, Logic) {
  // spec/07 §Traps #13
  EXPECT_EQ(outcome("result.a and true", document(R"({"a":5})")), "5");
  EXPECT_EQ(outcome("result.a.b.c && false", document(R"({"a":5})")), "false");
  // spec/07 §Traps #19
  EXPECT_EQ(assess(1.0, " ", "", now).phase, "Error");
  EXPECT_EQ(assess(1.0, "", "", now).phase, "Successful");
  // spec/07 §Traps #20
  EXPECT_EQ(assess(1.0, "0", "", now).phase, "Error");
}

std::string pathOutcome(std::string_view path, std::string_view text) {
  const auto compiled = JsonPath::compile(path);
  if (!compiled) return compiled.error().message;
  const auto found = compiled->first(json::parse(text));
  if (!found) return found.error().message;
  return *found ? compactJson(**found).value() : "nothing";
}

TEST(Traps, Paths) {
  // spec/07 §Traps #21
  const std::string_view text = R"({"a":[{"v":1},{"v":2,"k":1}]})";
  EXPECT_EQ(pathOutcome("$.a", text), "\"$.a\"");
  EXPECT_EQ(pathOutcome("{$.a[*].v}", text), "1");
  EXPECT_EQ(pathOutcome("{$.a[?(@.v == 1)]}", text), "incompatible types for comparison");
  EXPECT_EQ(pathOutcome("{$.a[?(@.k == 1.0)]}", text), "k is not found");
  EXPECT_EQ(pathOutcome("{$.a[?(@.k)].v}", text), "2");
  // spec/07 §Traps #22
  EXPECT_EQ(pathOutcome("  {$.a}", text), "\"  \"");
  // spec/07 §Traps #23
  EXPECT_EQ(pathOutcome("{$.s}", R"({"s":"1.2"})"), "\"1.2\"");
}

// spec/07 §Traps #25: RE2's semantics: linear in the text, no look-around, no back-references.
TEST(Traps, RegularExpressions) {
  EXPECT_EQ(outcome("repeat(\"a\", 100000) matches \"^(a+)+$b\""), "false");
  EXPECT_EQ(outcome("\"ab\" matches \"a(?=b)\""),
            "error: error parsing regexp: invalid or unsupported Perl syntax: `(?=`");
  EXPECT_EQ(outcome("\"aa\" matches \"(a)\\\\1\""), "error: error parsing regexp: invalid escape sequence: `\\1`");
  EXPECT_EQ(outcome("\"PASS\" matches \"(?i)^pass$\""), "true");
}

}  // namespace
}  // namespace crossfade::expr
