// Conditions as a whole: where their problems are, what is kept of them, what they may cost.
#include "expr/condition.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "expr/json_text.hpp"

namespace crossfade::expr {
namespace {

constexpr TimePoint now{std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)};

std::string problemOf(std::string_view text, const Measured& result) {
  const auto outcome = Condition(std::string(text)).holds(result, now);
  return outcome ? "none" : position(text, outcome.error().at) + ": " + outcome.error().message;
}

TEST(Condition, ProblemsHaveAPlace) {
  const Measured object(json::parse(R"({"a":1})"));
  const std::vector<std::array<std::string_view, 2>> cases{
      {"1 @ 2", "line 1, column 3: unrecognized character: U+0040 '@'"},
      {"result.a >\n  \"x", "line 2, column 3: literal not terminated"},
      {"result.a > ", "line 1, column 12: unexpected token EOF"},
      {"(1", "line 1, column 3: unexpected token EOF"},
      {"result.a >= 1 &&\n zzz", "line 2, column 2: unknown name zzz"},
      {"true and 1 > \"a\"", "line 1, column 12: invalid operation: > (mismatched types int and string)"},
      {"\"é\" == \"é\" and result.a.b > 1", "line 1, column 25: cannot fetch b from float64"},
      {"result.b > 1", "line 1, column 10: invalid operation: <nil> > int"},
      {"all([1], upper(#) == \"A\")", "line 1, column 10: cannot use int as argument (type string) to call upper "},
      {"all(result.a, # > 0)", "line 1, column 1: reflect: call of reflect.Value.Len on float64 Value"},
      {"1 == 1 and 7 % 0 == 1", "line 1, column 14: integer divide by zero"},
      {"result.a matches (\"(\" + \"(\")", "line 1, column 23: error parsing regexp: missing closing ): `((`"},
      {"a ?? 1 > 2",
       "line 1, column 8: Operator (>) and coalesce expressions (?\?) cannot be mixed. Wrap either by "
       "parentheses."},
      {"let len = 1; len", "line 1, column 5: cannot redeclare builtin len"},
  };
  for (const auto& [text, problem] : cases) EXPECT_EQ(problemOf(text, object), problem) << text;
  EXPECT_EQ(excerpt("a\n  béb + c\nd", 8), "  béb + c\n     ^");
}

TEST(Condition, ProblemsWithoutAResult) {
  EXPECT_FALSE(Condition("result[0] >= 0.95").problem());
  EXPECT_FALSE(Condition("result.a.b in [1]").problem());
  EXPECT_EQ(Condition("resul > 1").problem()->message, "unknown name resul");
  EXPECT_EQ(Condition("result >").problem()->message, "unexpected token EOF");
  EXPECT_FALSE(Condition("result > 1").problem());
  EXPECT_EQ(Condition("result > 1").problemFor(types::floatList())->message,
            "invalid operation: > (mismatched types []float64 and int)");
}

// One text serves results of any type, again and again. spec/07 A1
TEST(Condition, IsReusable) {
  const Condition condition("result > 1");
  for (int round = 0; round < 2; ++round) {
    EXPECT_TRUE(condition.holds(2.0, now).value());
    EXPECT_EQ(condition.holds(std::vector<double>{2}, now).error().message,
              "invalid operation: > (mismatched types []float64 and int)");
    EXPECT_EQ(condition.holds(std::string("2"), now).error().message,
              "invalid operation: > (mismatched types string and int)");
    EXPECT_EQ(condition.holds(json::parse("[2]"), now).error().message,
              "invalid operation: > (mismatched types []interface {} and int)");
    EXPECT_EQ(condition.holds(json::parse("{}"), now).error().message,
              "invalid operation: > (mismatched types map[string]interface {} and int)");
    EXPECT_EQ(condition.holds(Measured(), now).error().message,
              "invalid operation: > (mismatched types unknown and int)");
  }
}

TEST(Conditions, KeepTheLastOnes) {
  Conditions conditions;
  const auto first = conditions.of("result > 1");
  EXPECT_EQ(conditions.of("result > 1"), first);
  const std::string blanks(Conditions::max_bytes / 4, ' ');
  for (const char* text : {"1", "2", "3", "4", "5"}) {
    EXPECT_EQ(conditions.of("result > 1"), first);  // used last, it stays
    conditions.of(text + blanks);
  }
  const auto kept = conditions.of("5" + blanks);
  EXPECT_EQ(conditions.of("5" + blanks), kept);
  for (const char* text : {"6", "7", "8", "9"}) conditions.of(text + blanks);
  EXPECT_NE(conditions.of("result > 1"), first);
  EXPECT_EQ(assess(conditions, 2.0, "result > 1", "result > 3", now).phase, "Successful");
}

// spec/07 A3: what providers measure beyond numbers and JSON.
TEST(Measured, ValuesOfDatabases) {
  List row;
  row.items = {Value(Integer{18, Integer::Kind::int64}),
               Value(Integer{-1, Integer::Kind::uint64}),
               Value(1.5),
               Value(std::string("x")),
               Value(Moment::from(now)),
               Value()};
  measure(row);
  const Measured influx{Value(row)};
  const std::vector<std::string_view> conditions{
      "result[0] == 18",
      "result[0] % 2 == 0",
      "type(result[1]) == \"uint\"",
      "string(result[1]) == \"18446744073709551615\"",
      "result[2] > 1",
      "result[3] == \"x\"",
      "result[4] < now() + duration(\"1s\")",
      "result[4].Year() == 2026",
      "result[5] == nil",
      "len(result) == 6",
  };
  for (const std::string_view condition : conditions) EXPECT_EQ(problemOf(condition, influx), "none") << condition;
  for (const std::string_view condition : conditions) {
    EXPECT_TRUE(Condition(std::string(condition)).holds(influx, now).value()) << condition;
  }
  EXPECT_EQ(problemOf("result[1] > \"a\"", influx), "line 1, column 11: invalid operation: uint64 > string");
}

// spec/07 §B12 #172
TEST(Measured, Structures) {
  List floats{.elements = List::Elements::floating, .items = {Value(0.5), Value(3.0)}};
  measure(floats);
  const Measured cloud_watch =
      structures("types.MetricDataResult",
                 {{"Id", types::string()}, {"StatusCode", types::string()}, {"Values", types::floatList()}},
                 {{Value(std::string("m1")), Value(std::string("Complete")), Value(floats)}});
  const std::vector<std::array<std::string_view, 2>> cases{
      {"result[0].Values[0] < 1", "none"},
      {"result[0].values", "line 1, column 11: type types.MetricDataResult has no field values"},
      {"result[0].Values()", "line 1, column 11: type types.MetricDataResult has no method Values"},
      {"result[0].Values > 1", "line 1, column 18: invalid operation: > (mismatched types []float64 and int)"},
      {"result > 1", "line 1, column 8: invalid operation: > (mismatched types []types.MetricDataResult and int)"},
      {"all(result, .Values[0] < 1 and .StatusCode == \"Complete\")", "none"},
      {"\"Id\" in result[0] and \"id\" not in result[0]", "none"},
      {"1 in result[0]", "line 1, column 3: invalid operation: in (mismatched types int and types.MetricDataResult)"},
      {"result[0][string(\"id\")]", "line 1, column 10: type types.MetricDataResult[string] is undefined"},
      {"type(result[0]) == \"types.MetricDataResult\"", "none"},
      {"map(result, #)[0].Id == \"m1\"", "none"},
      {"len(toJSON(result)) > 10", "none"},
  };
  for (const auto& [text, problem] : cases) EXPECT_EQ(problemOf(text, cloud_watch), problem) << text;
  const Measured none = structures("types.MetricDataResult", {}, {});
  EXPECT_EQ(assess(none, "result[0].Values[0] < 1", "", now).error,
            "could not evaluate successCondition \"result[0].Values[0] < 1\": metric result is nil or empty: no data "
            "returned from the metric provider");
}

// Every one of these would run for minutes, or take gigabytes, without a bound. spec/07 B11, spec/07 §Traps #24.
TEST(Condition, PathologicalTextsEndSoon) {
  const auto repeated = [](std::string_view before, std::string_view middle, std::string_view behind, int count) {
    std::string front, back;
    for (int i = 0; i < count; ++i) {
      front += before;
      back += behind;
    }
    return front + std::string(middle) + back;
  };
  struct Case {
    std::string text, problem;
  };
  const std::string steps = "the evaluation takes too many steps", memory = "memory budget exceeded",
                    nested = "the expression is nested deeper than 250 levels",
                    deep = "the expression is nested deeper than 500 levels";
  const std::vector<Case> cases{
      {"all(1..1000, all(1..1000, all(1..1000, # > 0)))", steps},
      {"all(result, all(map(result, #), # > 0))", steps},
      {"len(map(1..1000, map(1..1000, #))) > 0", memory},
      {"sum(map(1..999, len(repeat(\"x\", 999999)))) > 0", memory},
      {"len(reduce(1..40, #acc + #acc, \"xxxxxxxxxxxxxxxx\")) > 0", memory},
      {"len(reduce(1..40, [#acc, #acc], [1])) > 0", memory},
      {"len(flatten(reduce(1..18, [#acc, #acc], 1..10))) > 0", memory},
      {"len(string(reduce(1..30, {{\"a\": #acc, \"b\": #acc}}, 1))) > 0", memory},
      {"len(uniq(1..100000)) > 0", steps},
      {"all(1..100000, # in 1..100000)", memory},
      {"all(1..100000, string(#) matches string(#))", steps},
      {"any(1..99999, \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" matches \"(a*)*(a*)*(a*)*b\" + string(#))", steps},
      {"\"x\" matches \"((((a{100}){100}){100}){100})\"", "error parsing regexp: invalid repeat count: `{100}`"},
      {"len(replace(repeat(\"a\", 1000000), \"a\", repeat(\"b\", 1000))) > 0", memory},
      {"len(join(split(repeat(\"a\", 999999), \"\"), repeat(\"b\", 1000))) > 0", memory},
      {"len(toJSON(reduce(1..15, [#acc, #acc], \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"))) > 0", ""},
      {"let r = 1..900000; len(concat(r, r, r, r)) > 0", memory},
      {"len(repeat(repeat(\"a\", 1000000), 1000000)) > 0", memory},
      {"len(repeat(\"a\", 1000001)) > 0", memory},
      {"len(reduce(1..1000, [#acc])) > 0", "recursion depth exceeded"},
      {"[" + repeated("[", "", "]", 240) + "][0] == nil", "recursion depth exceeded"},
      {repeated("", "1", " + 1", 400) + " == 401", ""},
      {"sort(map(1..300000, -#))[0] < 0", steps},
      {"len(groupBy(1..400000, #)) > 0", memory},
      {repeated("(", "1", ")", 10000), nested},
      {repeated("-", "1", "", 100000), nested},
      {repeated("[", "1", "]", 10000), nested},
      {repeated("not ", "true", "", 100000), nested},
      {repeated("true ? 1 : (", "1", ")", 10000), nested},
      {repeated("if true {1} else {", "1", "}", 10000), nested},
      {repeated("let x = 1;", "1", "", 10000), nested},
      {repeated("map(1..9, {", "1", "})", 10000), nested},
      {"result" + repeated("", "", "[0]", 10000), deep},
      {repeated("", "1", " + 1", 10000), deep},
      // The operand in the middle stands in the tree twice.
      {repeated("(1 < (", "1", ") < 3) ? 2 : 1", 60), "expected bool, but got int"},
      {repeated("", "1", "; 1", 11000), "compilation failed: expression exceeds maximum allowed nodes"},
      {"[" + repeated("1,", "1", "", 11000) + "]", "compilation failed: expression exceeds maximum allowed nodes"},
      {repeated("", "1", " /* */", 10), "expected bool, but got int"},
      {std::string(1 << 20, ' '), "unexpected token EOF"},
      {std::string(1 << 20, '.'), "compilation failed: expression exceeds maximum allowed nodes"},
      {"/*" + std::string(1 << 20, '*'), "unclosed comment"},
  };
  const std::vector<double> numbers(20000, 1.0);
  for (const Case& one : cases) {
    const auto began = std::chrono::steady_clock::now();
    const auto outcome = Condition(one.text).holds(numbers, now);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    const std::string got = outcome ? "" : outcome.error().message;
    EXPECT_EQ(got, one.problem) << one.text.substr(0, 100);
    // With sanitizers, on a busy machine; a release takes a tenth.
    EXPECT_LT(took.count(), 20) << one.text.substr(0, 100);
  }
}

}  // namespace
}  // namespace crossfade::expr
