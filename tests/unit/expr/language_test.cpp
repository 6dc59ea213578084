// The worked vectors of spec/07 B12, by their numbers. An outcome is written `b:true`, `i:1`, `f:3.5`, `s:text`, any
// other value as Go prints it, a compile-time error as `C! message`, one at run time as `R! message`.
#include <gtest/gtest.h>

#include <limits>

#include "base/json.hpp"
#include "expr/checker.hpp"
#include "expr/condition.hpp"
#include "expr/evaluator.hpp"
#include "expr/parser.hpp"

namespace crossfade::expr {
namespace {

struct Result_ {
  Value value;
  TypeRef type;
};

// "F[1,2]": a list of floats; "nil", "NaN", "Inf"; anything else is JSON.
Result_ understand(std::string_view text) {
  if (text == "nil") return {Value(), types::nil()};
  if (text == "NaN") return {std::numeric_limits<double>::quiet_NaN(), types::floating()};
  if (text == "Inf") return {std::numeric_limits<double>::infinity(), types::floating()};
  const bool floats = text.starts_with('F');
  const json::value parsed = json::parse(floats ? text.substr(1) : text);
  Value value = fromJson(parsed);
  if (floats) {
    List list = *value.list();
    list.elements = List::Elements::floating;
    return {std::move(list), types::floatList()};
  }
  if (parsed.is_object()) return {value, types::object()};
  if (parsed.is_array()) return {value, types::listOf(types::any())};
  return {value, parsed.is_string() ? types::string() : parsed.is_bool() ? types::boolean() : types::floating()};
}

constexpr TimePoint now{std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)};

std::string outcome(std::string_view text, std::string_view result) {
  const Result_ given = understand(result);
  const auto root = parse(text);
  if (!root) return "C! " + root.error().message;
  const auto type = check(**root, {given.type});
  if (!type) return "C! " + type.error().message;
  if (const auto folded = fold(**root); !folded) return "C! " + folded.error().message;
  Budget budget;
  const auto value = evaluate(**root, given.value, now, budget);
  if (!value) return "R! " + value.error().message;
  if (value->boolean() != nullptr) return "b:" + format(*value);
  if (value->integer() != nullptr) return "i:" + format(*value);
  if (value->floating() != nullptr) return "f:" + format(*value);
  if (value->string() != nullptr) return "s:" + format(*value);
  return format(*value);
}

struct Case {
  const char* number;
  const char* text;
  const char* result;
  const char* outcome;
};

void expectAll(std::initializer_list<Case> cases) {
  for (const Case& one : cases) {
    EXPECT_EQ(outcome(one.text, one.result), one.outcome) << one.number << ": " << one.text << " on " << one.result;
  }
}

// spec/07 §B12 #1-#37
TEST(Language, NumbersComparisonPrecedence) {
  expectAll({
      {"1", "result == 1", "1", "b:true"},
      {"2", "1 == 1.0", "1", "b:true"},
      {"3", "result == true", "1", "C! invalid operation: == (mismatched types float64 and bool)"},
      {"4", "result == \"1\"", "1", "C! invalid operation: == (mismatched types float64 and string)"},
      {"5", "7 / 2", "1", "f:3.5"},
      {"6", "6 / 2", "1", "f:3"},
      {"7", "1 / 0", "1", "f:+Inf"},
      {"8a", "7 % 3", "1", "i:1"},
      {"8b", "-7 % 3", "1", "i:-1"},
      {"8c", "7 % -3", "1", "i:1"},
      {"9", "result % 2", "1", "C! invalid operation: % (mismatched types float64 and int)"},
      {"10", "result.a % 2", R"({"a":7})", "R! invalid operation: float64 % int"},
      {"11", "asInt(result.a) % 2 == 1", R"({"a":7})", "b:true"},
      {"12", "7 % 0", "1", "C! integer divide by zero"},
      {"13", "int(result) % 0", "1", "R! runtime error: integer divide by zero"},
      {"14", "-2 ** 2", "1", "f:-4"},
      {"15", "2 ** 3 ** 2", "1", "f:512"},
      {"16", "1 - 2 - 3", "1", "i:-4"},
      {"17", "10 - 2 * 3 % 4", "1", "i:8"},
      {"18", "10 / 4 * 2", "1", "f:5"},
      {"19", "9223372036854775807 + 1", "1", "i:-9223372036854775808"},
      {"20", "9223372036854775808", "1",
       "C! invalid integer literal: strconv.ParseInt: parsing \"9223372036854775808\": value out of range"},
      {"21a", "0x1F", "1", "i:31"},
      {"21b", "0b101", "1", "i:5"},
      {"21c", "0o17", "1", "i:15"},
      {"21d", "017", "1", "i:17"},
      {"21e", "1_000", "1", "i:1000"},
      {"22a", "1e3", "1", "f:1000"},
      {"22b", ".5", "1", "f:0.5"},
      {"22c", "5.", "1", "f:5"},
      {"23a", "1abc", "1", "C! bad number syntax: \"1a\""},
      {"23b", "1.2.3", "1", "C! unexpected token Number(\".3\")"},
      {"23c", "0x1.8", "1", "C! invalid hex literal: strconv.ParseInt: parsing \"0x1.8\": invalid syntax"},
      {"24a", "1 < 2 < 3", "1", "b:true"},
      {"24b", "1 < 3 < 2", "1", "b:false"},
      {"25", "1 == 1 == true", "1", "b:true"},
      {"26", "!true == false", "1", "b:true"},
      {"27", "not 1 in [1,2]", "1", "C! invalid operation: not (mismatched type int)"},
      {"28", "1 not in [1,2]", "1", "b:false"},
      {"29", "not true or true", "1", "b:true"},
      {"30", "true or false and false", "1", "b:true"},
      {"31", "1 + 2 .. 3 + 4", "1", "[3 4 5 6 7]"},
      {"32", "\"a\" + 1", "1", "C! invalid operation: + (mismatched types string and int)"},
      {"33", "result.a + result.b", R"({"a":1,"b":"x"})", "R! invalid operation: float64 + string"},
      {"34", "true > false", "1", "C! invalid operation: > (mismatched types bool and bool)"},
      {"35", "true || 1 > \"a\"", "1", "C! invalid operation: > (mismatched types int and string)"},
      {"36", "result.a + result.b == 0.3", R"({"a":0.1,"b":0.2})", "b:false"},
      {"37a", "true ? .5 : 1", "1", "f:0.5"},
      {"37b", "true ?.5 : 1", "1", "C! unexpected token Operator(\"?.\")"},
      {"B2", "- 2 * 3", "1", "i:-6"},
      {"B2", "2 ** -1", "1", "f:0.5"},
      {"B2", "1 == 1 | string()", "1", "s:true"},
      {"B2", "a ?? b > x", "1",
       "C! Operator (>) and coalesce expressions (?"
       "?) cannot be mixed. Wrap either by parentheses."},
      {"B5", "duration(\"1h\") * 2.5 > 1.0", "1",
       "C! invalid operation: > (mismatched types time.Duration and float64)"},
  });
}

// spec/07 §B12 #38-#65
TEST(Language, FloatLists) {
  expectAll({
      {"38", "result[0] >= 0.95", "F[0.95,0.5]", "b:true"},
      {"39", "result[0] >= 0.95", "F[]", "R! index out of range: 0 (array length is 0)"},
      {"40a", "result[-1]", "F[0.95]", "f:0.95"},
      {"40b", "result[-2]", "F[0.95]", "R! index out of range: -1 (array length is 1)"},
      {"41", "result >= 0.95", "F[0.95]", "C! invalid operation: >= (mismatched types []float64 and float64)"},
      {"42", "result.a", "F[1]", "C! array elements can only be selected using an integer (got string)"},
      {"43", "len(result) == 0 || result[0] > 1", "F[]", "b:true"},
      {"44a", "all(result, # > 0)", "F[1,2,3]", "b:true"},
      {"44b", "all(result, # > 0)", "F[]", "b:true"},
      {"45a", "any(result, {# > 2})", "F[1,2,3]", "b:true"},
      {"45b", "any(result, {# > 2})", "F[]", "b:false"},
      {"46", "all(result, #)", "F[1]", "C! predicate should return boolean (got float64)"},
      {"47a", "sum(result)", "F[1,2,3]", "f:6"},
      {"47b", "sum(result)", "F[]", "i:0"},
      {"48a", "mean(result)", "F[]", "f:0"},
      {"48b", "median(result)", "F[]", "f:0"},
      {"49", "median(result)", "F[4,1,2,3]", "f:2.5"},
      {"50a", "max(result)", "F[3,1,2]", "f:3"},
      {"50b", "max(result)", "F[]", "<nil>"},
      {"51a", "filter(result, # > 9)[0]", "F[1,2,3]", "R! reflect: slice index out of range"},
      {"51b", "filter(result, # > 9)[1]", "F[1,2,3]", "R! index out of range: 1 (array length is 0)"},
      {"52a", "result[:-1]", "F[3,1,2]", "[3 1]"},
      {"52b", "result[5:]", "F[3,1,2]", "[]"},
      {"52c", "result[-9:9]", "F[3,1,2]", "[3 1 2]"},
      {"52d", "result[2:1]", "F[3,1,2]", "[]"},
      {"53a", "2 in result", "F[3,1,2]", "b:true"},
      {"53b", "\"2\" in result", "F[3,1,2]", "C! cannot use string as type float64 in array"},
      {"54", "result == [3,1,2]", "F[3,1,2]", "b:true"},
      {"55", "count(result)", "F[1]", "R! interface conversion: interface {} is float64, not bool"},
      {"56", "findIndex(result, # > 3)", "F[3,1,2]", "<nil>"},
      {"57a", "reduce(result, #acc + #)", "F[3,1,2]", "f:6"},
      {"57b", "reduce(result, #acc + #)", "F[]", "R! reduce of empty array with no initial value"},
      {"58", "sort(result, \"x\")", "F[1]", "R! invalid order x, expected asc or desc"},
      {"59", "sortBy(result, -#)", "F[3,1,2]", "[3 2 1]"},
      {"60", "take(result, -1)", "F[1]", "R! reflect.Value.Slice: slice index out of bounds"},
      {"61a", "isNaN(result[0])", "F[1]", "b:false"},
      {"61b", "isNaN(result)", "F[1]", "C! cannot use []float64 as argument (type float64) to call isNaN "},
      {"62", "asInt(result)", "F[3,1,2]", "R! asInt() not supported on []float64 [3 1 2]"},
      {"63", "default(1, 0)", "F[3,1,2]", "[3 1 2]"},
      {"64", "isNil(nil)", "F[1]", "b:false"},
      {"65", "max(result) - min(result) <= 1", "[1,2]", "b:true"},
  });
}

// spec/07 §B12 #66-#80
TEST(Language, NilNanInf) {
  expectAll({
      {"66", "default(result, 0) < 0.05", "nil", "b:true"},
      {"67", "isNil(result) || result > 1", "nil", "C! invalid operation: > (mismatched types unknown and int)"},
      {"68", "result == nil ? true : result > 1", "nil", "C! invalid operation: > (mismatched types unknown and int)"},
      {"69",
       "(result ?"
       "? 5) > 1",
       "nil", "b:true"},
      {"70a", "result == nil", "nil", "b:true"},
      {"70b", "result != 0", "nil", "b:true"},
      {"70c", "result == \"x\"", "nil", "b:false"},
      {"71", "result?.a", "nil", "C! type nil has no field a"},
      {"72", "len(result)", "nil", "C! invalid argument for len (type %!s(<nil>))"},
      {"73", "isNaN(default(result, 0))", "nil", "R! interface conversion: interface {} is int, not float64"},
      {"74", "result in [1]", "nil", "b:false"},
      {"75", "result > 0.1", "0.5", "b:true"},
      {"76a", "result >= 0.95", "NaN", "b:false"},
      {"76b", "result < 0.95", "NaN", "b:false"},
      {"76c", "result != result", "NaN", "b:true"},
      {"77", "isNaN(result) || result >= 0.95", "NaN", "b:true"},
      {"78a", "isInf(result)", "Inf", "b:true"},
      {"78b", "result >= 0.95", "Inf", "b:true"},
      {"79a", "max(result, 1)", "NaN", "f:NaN"},
      {"79b", "max(1, result)", "NaN", "i:1"},
      {"80a", "isNaN(1)", "1", "b:false"},
      {"80b", "isNaN(len([1]))", "1", "R! interface conversion: interface {} is int, not float64"},
  });
}

// spec/07 §B12 #81-#139
TEST(Language, ObjectsAndDynamicValues) {
  constexpr const char* nested = R"({"a":1,"b":{"c":[10,20]}})";
  constexpr const char* one = R"({"a":1})";
  constexpr const char* null = R"({"a":null})";
  constexpr const char* rows = R"([{"v":1},{"v":2}])";
  expectAll({
      {"81", "result.b.c[1]", nested, "f:20"},
      {"82", "result.b.c[2]", nested, "R! index out of range: 2 (array length is 2)"},
      {"83", "result.b.c[1.9]", nested, "f:20"},
      {"84", "result.b.c.x", nested, "R! invalid operation: int(string)"},
      {"85", "result[0]", one, "C! cannot use int to get an element from map[string]interface {}"},
      {"86", "result.zzz == nil", one, "b:true"},
      {"87", "result.zzz > 1", one, "R! invalid operation: <nil> > int"},
      {"88a", "result.a.b", null, "R! cannot fetch b from <nil>"},
      {"88b", "result.a.b", one, "R! cannot fetch b from float64"},
      {"88c", "result.a.b", R"({"a":"s"})", "R! invalid operation: int(string)"},
      {"89", "result.a?.b.c", null, "<nil>"},
      {"90", "result.b == nil or result.b > 1", one, "b:true"},
      {"91", "result.b > 1 or result.b == nil", one, "R! invalid operation: <nil> > int"},
      {"92",
       "(result?.b ?"
       "? 0) > 1",
       one, "b:false"},
      {"93",
       "result?.b ?"
       "? 0 > 1",
       one,
       "C! Operator (>) and coalesce expressions (?"
       "?) cannot be mixed. Wrap either by parentheses."},
      {"94",
       "1 > result?.b ?"
       "? 0",
       one, "b:true"},
      {"95",
       "1 + nil ?"
       "? 2 + 3",
       one, "i:6"},
      {"96",
       "nil ?"
       "? 1 | string()",
       one, "s:1"},
      {"97", "not result.a", one, "R! interface conversion: interface {} is float64, not bool"},
      {"98", "result.a && true", one, "f:1"},
      {"99", "result.b.c && false", one, "b:false"},
      {"100a", "result.a in [\"x\",\"y\"]", one,
       "R! reflect.Value.MapIndex: value of type float64 is not assignable to type string"},
      {"100b", "result.a in [\"x\",\"y\"]", null, "b:false"},
      {"100c", "result.a in [\"x\",\"y\"]", R"({"a":"x"})", "b:true"},
      {"101", "result.a in [\"x\",\"\"]", null, "b:true"},
      {"102", "result.a in [\"x\",1]", one, "b:true"},
      {"103a", "\"a\" in result", one, "b:true"},
      {"103b", "1 in result", one, "C! cannot use int as type string in map key"},
      {"104a", "1 in result.a", one, "R! operator \"in\" not defined on float64"},
      {"104b", "1 in result.a", null, "b:false"},
      {"104c", "1 in result.a", R"({"a":[1]})", "b:true"},
      {"105", "\"a\" in \"abc\"", one, "C! invalid operation: in (mismatched types string and string)"},
      {"106a", "result == {a: 1}", one, "b:false"},
      {"106b", "result == {a: 1.0}", one, "b:true"},
      {"107", "result.a == [1,2]", R"({"a":[1,2]})", "b:true"},
      {"108a", "result.a == [{b:1}]", R"({"a":[{"b":1}]})", "b:false"},
      {"108b", "result.a == [{b:1.0}]", R"({"a":[{"b":1}]})", "b:true"},
      {"109", "result.a == nil", R"({"a":[]})", "b:false"},
      {"110", "result.a == 1", R"({"a":"1"})", "b:false"},
      {"111", "result.a > true", one, "C! invalid operation: > (mismatched types interface {} and bool)"},
      {"112", "result > 1", one, "C! invalid operation: > (mismatched types map[string]interface {} and int)"},
      {"113a", "result.a contains \"x\"", null, "b:false"},
      {"113b", "result.a contains \"x\"", R"({"a":["x"]})",
       "R! interface conversion: interface {} is []interface {}, not string"},
      {"114a", "result.a matches \"x\"", null, "b:false"},
      {"114b", "result.a matches \"x\"", one, "R! interface conversion: interface {} is float64, not []uint8"},
      {"115a", "all(result.a, # > 0)", null, "R! reflect: call of reflect.Value.Len on zero Value"},
      {"115b", "all(result.a, # > 0)", one, "R! reflect: call of reflect.Value.Len on float64 Value"},
      {"115c", "all(result.a, # > 0)", R"({"a":{"x":1}})", "R! reflect: call of reflect.Value.Index on map Value"},
      {"116", "all(result, # > 0)", one, "C! builtin all takes only array (got map[string]interface {})"},
      {"117",
       "all(result.a ?"
       "? [], # > 0)",
       null, "b:true"},
      {"118", "all(result, .v > 0)", rows, "b:true"},
      {"119", "result | filter(.v > 1) | len()", rows, "i:1"},
      {"120", "result | filter(# > 1)[0]", "[1,2]", "C! unexpected token Bracket(\"[\")"},
      {"121", "(result | filter(# > 1))[0]", "[1,2]", "f:2"},
      {"122", "result | first() > 0", "[1,2]", "b:true"},
      {"123", "0 < result | first()", "[1,2]", "C! invalid operation: < (mismatched types int and []interface {})"},
      {"124a", "groupBy(result, .v)[1]", rows, "[]"},
      {"124b", "groupBy(result, .v)[1.0]", rows, "[map[v:1]]"},
      {"125a", "find(result, .n == \"c\")?.v", R"([{"n":"a","v":1}])", "<nil>"},
      {"125b", "find(result, .n == \"c\").v", R"([{"n":"a","v":1}])", "R! cannot fetch v from <nil>"},
      {"126", "map(1..2, {let x = #; map(1..2, {# * x})})", "1", "[[1 2] [2 4]]"},
      {"127a", "map([1], {\"x\": #})", "1", "C! unexpected token Operator(\":\")"},
      {"127b", "map([1], {{\"x\": #}})", "1", "[map[x:1]]"},
      {"128", "all(result, # > 0; true)", "[1,2]", "C! wrap predicate with brackets { and }"},
      {"129", "map([1,2], #acc)", "1", "C! unknown pointer #acc"},
      {"130", "sum(result)", R"([1,"x"])", "R! invalid operation: string + float64"},
      {"131a", "max(result)", R"([1,"x"])", "R! invalid argument for max (type string)"},
      {"131b", "mean(result)", "[1,null]", "R! invalid argument for mean (type <nil>)"},
      {"132", "sort(result)", R"(["b",1])", "R! invalid operation: float64 < string"},
      {"133a", "sum(values(result), .x) / len(result)", R"({"a":{"x":1},"b":{"x":5}})", "f:3"},
      {"133b", "sum(values(result) | map(.x)) / len(result)", R"({"a":{"x":1},"b":{"x":5}})", "f:3"},
      {"134a", "result.foo()", one, "R! invalid operation: cannot call nil"},
      {"134b", "result.a()", one, "R! invalid operation: cannot call non-function of type float64"},
      {"135", "result.in + result.not + result.let + result.true", R"({"in":1,"not":2,"let":3,"true":4})", "f:10"},
      {"136", "result.a-b", R"({"a-b":1})", "C! unknown name b"},
      {"137a",
       "get(result.a, 10) ?"
       "? 0",
       R"({"a":[1,2,3]})", "i:0"},
      {"137b",
       "result.a[10] ?"
       "? 0",
       R"({"a":[1,2,3]})", "R! index out of range: 10 (array length is 3)"},
      {"138a", "result[0:2] == \"hé\"", "\"héé\"", "b:false"},
      {"138b", "len(result)", "\"héé\"", "i:3"},
      {"139a", "result[0]", "\"str\"", "C! type string[int] is undefined"},
      {"139b", "result.a", "\"str\"", "C! type string has no field a"},
  });
}

// spec/07 §B12 #140-#172
TEST(Language, ConversionTextsStatementsTimes) {
  expectAll({
      {"140a", "asInt(result) == 1", "\"1\"", "b:true"},
      {"140b", "asInt(\"1.1\")", "1", "R! strconv.ParseInt: parsing \"1.1\": invalid syntax"},
      {"141", "asFloat(result) >= 1.1", "\"1.1\"", "b:true"},
      {"142", "asFloat(\"NotANum\")", "1", "R! strconv.ParseFloat: parsing \"NotANum\": invalid syntax"},
      {"143", "asFloat(result) == \"1.1\"", "\"1.1\"",
       "C! invalid operation: == (mismatched types float64 and string)"},
      {"144a", "asInt(1.99)", "1", "i:1"},
      {"144b", "asInt(-1.99)", "1", "i:-1"},
      {"144c", "asInt(true)", "1", "R! asInt() not supported on bool true"},
      {"145a", "int(\"1.5\")", "1", "R! invalid operation: int(1.5)"},
      {"145b", "float(\"abc\")", "1", "R! invalid operation: float(abc)"},
      {"145c", "float(\"inf\")", "1", "f:+Inf"},
      {"146", "float(trimSuffix(result.a, \"%\")) > 4", R"({"a":"5%"})", "b:true"},
      {"147a", "string(1000000.0)", "1", "s:1e+06"},
      {"147b", "string(nil)", "1", "s:<nil>"},
      {"147c", "string([1,\"a\",nil])", "1", "s:[1 a <nil>]"},
      {"148", "\"ab\" matches \"(\"", "1", "C! error parsing regexp: missing closing ): `(`"},
      {"149", "result.a matches \"(?i)^pass$\"", R"({"a":"PASS"})", "b:true"},
      {"150a", "\"\\q\"", "1", "C! invalid char escape"},
      {"150b", "\"a\nb\"", "1", "C! literal not terminated"},
      {"150c", "`a\nb`", "1", "s:a\nb"},
      {"151", "\"\\x41\\u0042\\101\"", "1", "s:ABA"},
      {"152a", "# x", "1", "C! unexpected token Operator(\"#\")"},
      {"152b", "1 @ 2", "1", "C! unrecognized character: U+0040 '@'"},
      {"152c", "1 = 2", "1", "C! unexpected token Operator(\"=\")"},
      {"152d", "1 & 2", "1", "C! unexpected token Operator(\"&\")"},
      {"153a", "", "1", "C! unexpected token EOF"},
      {"153b", "(1", "1", "C! unexpected token EOF"},
      {"153c", "1)", "1", "C! unexpected token Bracket(\")\")"},
      {"153d", "1 2", "1", "C! unexpected token Number(\"2\")"},
      {"154a", "null", "1", "C! unknown name null"},
      {"154b", "True", "1", "C! unknown name True"},
      {"154c", "zzz(1)", "1", "C! unknown name zzz"},
      {"155", "let x = 1; let y = 2; x + y", "1", "i:3"},
      {"156a", "let result = 1; result", "1", "C! cannot redeclare result"},
      {"156b", "let len = 1; len", "1", "C! cannot redeclare builtin len"},
      {"157a", "1; 2; 3", "1", "i:3"},
      {"157b", "1; 2;", "1", "i:2"},
      {"158a", "if result.a > 0 { \"pos\" } else { \"neg\" }", R"({"a":1})", "s:pos"},
      {"158b", "if true { 1 }", "1", "C! unexpected token EOF"},
      {"159a", "false ? 1 : true ? 2 : 3", "1", "i:2"},
      {"159b", "1 ? 1 : 2", "1", "C! non-bool expression (type int) used as condition"},
      {"159c", "true ?: 2", "1", "b:true"},
      {"160", "result[0].v ? 1 : 2", R"([{"v":1}])", "R! interface conversion: interface {} is float64, not bool"},
      {"161", "date(\"2023-08-14\") - date(\"2023-08-13\") == duration(\"24h\")", "1", "b:true"},
      {"162", "date(\"2023-08-14\") == date(\"2023-08-14T02:00:00+02:00\")", "1", "b:true"},
      {"163a", "date(\"foo\")", "1", "R! invalid date foo"},
      {"163b", "date(\"x\", \"02/01/2006\")", "1",
       "R! parsing time \"x\" as \"02/01/2006\": cannot parse \"x\" as \"02\""},
      {"164a", "duration(\"1\")", "1", "R! time: missing unit in duration \"1\""},
      {"164b", "duration(\"x\")", "1", "R! time: invalid duration \"x\""},
      {"165a", "duration(\"1h\") * 2", "1", "2h0m0s"},
      {"165b", "duration(\"1h\") * 2.5", "1", "f:9e+12"},
      {"165c", "duration(\"1h\") / 2", "1", "C! invalid operation: / (mismatched types time.Duration and int)"},
      {"166", "now() - duration(\"1h\") < now()", "1", "b:true"},
      {"167a", "1..3 == [1,2,3]", "1", "b:true"},
      {"167b", "3..1", "1", "[]"},
      {"167c", "1..1000000 | len()", "1", "R! memory budget exceeded"},
      {"168a", "upper(1)", "1", "C! cannot use int as argument (type string) to call upper "},
      {"168b", "upper(result.a)", R"({"a":1})", "R! interface conversion: interface {} is float64, not string"},
      {"169a", "bitand(result, 1)", "1", "C! cannot use float64 as argument (type int) to call bitand "},
      {"169b", "bitand(int(result), 1)", "1", "i:1"},
      {"170", "toJSON({a: 1})", "1", "s:{\n  \"a\": 1\n}"},
      {"171a", "fromJSON('{\"a\":1}').a", "1", "f:1"},
      {"171b", "fromJSON(\"x\")", "1", "R! invalid character 'x' looking for beginning of value"},
      {"B9", "date(\"2023-08-14 10:11:12\").Format(\"Jan 2 2006 at 3:04PM (MST)\")", "1",
       "s:Aug 14 2023 at 10:11AM (UTC)"},
      {"B9", "now().Month() == 1", "1", "C! invalid operation: == (mismatched types time.Month and int)"},
      {"B9", "now().Weekday() | string()", "1", "s:Thursday"},
      {"B9", "now().Foo()", "1", "C! type time.Time has no method Foo"},
      {"B9", "string(date(\"2023-08-14\"))", "1", "s:2023-08-14 00:00:00 +0000 UTC"},
      {"B9", "split(\"a,b,c\", \",\", 2)", "1", "[a b,c]"},
      {"B9", "split(\"abc\", \"\")", "1", "[a b c]"},
      {"B9", "splitAfter(\"a,b\", \",\")", "1", "[a, b]"},
      {"B9", "replace(\"aaa\", \"a\", \"b\", 2) + replace(\"ab\", \"\", \"-\")", "1", "s:bba-a-b-"},
      {"B9", "repeat(\"a\", -1)", "1", "R! invalid argument for repeat (expected positive integer, got -1)"},
      {"B9", "toBase64(\"hello\") + fromBase64(\"aGVsbG8=\")", "1", "s:aGVsbG8=hello"},
      {"B9", "fromBase64(\"a\")", "1", "R! illegal base64 data at input byte 1"},
      {"B9", "timezone(\"Nowhere/Land\")", "1", "R! unknown time zone Nowhere/Land"},
      {"B10", "count(result, 1 / # > 0) > 0", "[1,\"x\"]", "b:true"},
      {"B8", "keys({b: 1, a: 2})", "1", "[a b]"},
      {"B8", "fromPairs([[1, 2]])[1]", "1", "i:2"},
      {"B8", "concat([1], [2, [3]]) | flatten()", "1", "[1 2 3]"},
  });
}

// spec/07 §B12 #172a-#172g
TEST(Language, StaticTypesOfBuiltins) {
  constexpr const char* int_string = "C! invalid operation: == (mismatched types int and string)";
  expectAll({
      {"172a", "filter([1,2], # > 1)[0] == \"a\"", "1", int_string},
      {"172b", "uniq([1,2])[0] == \"a\"", "1", "b:false"},
      {"172b", "sort([2,1])[0] == \"a\"", "1", "b:false"},
      {"172b", "first([1]) == \"a\"", "1", "b:false"},
      {"172c", "max(1,2) == \"a\"", "1", int_string},
      {"172c", "max([1,2]) == \"a\"", "1", "b:false"},
      {"172d", "reduce([1,2], string(#)) == 1", "1", "C! invalid operation: == (mismatched types string and int)"},
      {"172e", "(true ? 1 : \"x\") == \"a\"", "1", "b:false"},
      {"172e", "(true ? 1 : 2) == \"a\"", "1", int_string},
      {"172f", "{a:1}.a == \"a\"", "1", "b:false"},
      {"172f", "[1,2][0] == \"a\"", "1", int_string},
      {"172f", "[1,\"a\"][0] == \"a\"", "1", "b:false"},
      {"172g", "nil.x", "1", "C! unexpected token Operator(\".\")"},
      {"172g", "5 .x", "1", "C! unexpected token Operator(\".\")"},
      {"172g", "\"abc\".x", "1", "C! type string has no field x"},
  });
}

// Outcomes of the recorded language that spec/07's prose implies and its vectors don't show.
TEST(Language, Prose) {
  expectAll({
      {"B4 +", "+result.a", R"({"a":[1]})", "[1]"},
      {"B4 +", "+[1]", "1", "C! invalid operation: + (mismatched type []interface {})"},
      {"B5 -", "-result.a", R"({"a":null})", "R! invalid operation: - <nil>"},
      {"B4 in", "nil in {a: 1}", "1", "C! cannot use unknown as type string in map key"},
      {"B4 in", "result.a in 'abc'", R"({"a":"a"})", "R! operator \"in\" not defined on string"},
      {"B4 any", "result.a.b > true", R"({"a":1})", "C! invalid operation: > (mismatched types unknown and bool)"},
      {"B4 ..", "1..3 > 1", "1", "C! invalid operation: > (mismatched types []interface {} and int)"},
      {"B7", "map(result, nil)", "[1]", "C! predicate should has one input and one output param"},
      {"B8 nil", "reverse(result.a)", "{}", "R! cannot reverse invalid"},
      {"B8 nil", "reverse(nil)", "1", "C! cannot reverse %!s(<nil>)"},
      {"B8 nil", "keys(result.a)", "{}", "R! cannot get keys from invalid"},
      {"B8 bytes", "first(b'ab')", "1", "i:97"},
      {"B8 bytes", "max(b'ab')", "1", "i:98"},
      {"B8 bytes", "97 in b'ab'", "1", "b:true"},
      {"B8 bytes", "[97, 98] == b'ab'", "1", "b:true"},
      {"B8 get", "get('abc', 0)", "1", "C! type string does not support indexing"},
      {"B8 get", "get(result.a, 0)", R"({"a":"abc"})", "i:97"},
      {"B8 get", "get(result, 'x')", "[1]", "C! non-integer slice index string"},
      {"B8 get", "get(result, result)", "[1]", "C! non-integer slice index []interface {}"},
      {"B8 join", "join([1], 2)", "1", "C! too many arguments to call join"},
      {"B8 join", "join('a')", "1", "C! cannot use string as argument (type []string) to call join "},
      {"B8 sort", "sort('a')", "1", "C! cannot use string as argument (type []int) to call sort "},
      {"B8 sortBy", "sortBy(result.a, #) == 1", R"({"a":[1]})", "b:false"},
  });
}

// spec/07 §B12 #173-#186
TEST(Verdicts, OfBothConditions) {
  struct Row {
    const char* number;
    const char* success;
    const char* failure;
    Measured result;
    const char* phase;
    const char* error;
  };
  const std::string no_data = ": metric result is nil or empty: no data returned from the metric provider";
  const std::string v181 = "could not evaluate successCondition \"result[0] > 1\"" + no_data;
  const std::string v182 = "could not evaluate successCondition \"bad\"" + no_data;
  const Row rows[] = {
      {"173", "true", "true", 1.0, "Failed", ""},
      {"174", "false", "false", 1.0, "Inconclusive", ""},
      {"175", "", "false", 1.0, "Successful", ""},
      {"176", "", "", 1.0, "Successful", ""},
      {"177", "1", "", 1.0, "Error", "could not evaluate successCondition \"1\": expected bool, but got int"},
      {"178", "\"true\"", "", 1.0, "Error",
       "could not evaluate successCondition \"\"true\"\": expected bool, but got string"},
      {"179", "true", "bad", 1.0, "Error", "could not evaluate failureCondition \"bad\": unknown name bad"},
      {"180", "bad", "true", 1.0, "Error", "could not evaluate successCondition \"bad\": unknown name bad"},
      {"181", "result[0] > 1", "", std::vector<double>(), "Error", v181.c_str()},
      {"182", "bad", "", std::vector<double>(), "Error", v182.c_str()},
      {"183", "true", "", Measured(), "Successful", ""},
      {"184", "result.a > 1", "", json::value(json::object()), "Error",
       "could not evaluate successCondition \"result.a > 1\": invalid operation: <nil> > int"},
      {"185", "  ", "true", 1.0, "Error", "could not evaluate successCondition \"  \": unexpected token EOF"},
      {"186", "asInt(result) > 0", "asInt(result) <= 0", std::string("0"), "Failed", ""},
      {"D1", "result == nil", "", json::value(nullptr), "Successful", ""},
  };
  for (const Row& row : rows) {
    const Verdict verdict = assess(row.result, row.success, row.failure, now);
    EXPECT_EQ(verdict.phase, row.phase) << row.number;
    EXPECT_EQ(verdict.error, row.error) << row.number;
  }
}

// A6.
// spec/07 §A6
TEST(Times, OfRangeQueries) {
  EXPECT_EQ(evaluateTime("now() - duration(\"1h\")", now), now - hours(1));
  EXPECT_EQ(evaluateTime("date(\"2026-01-01\")", now), now);
  const std::pair<const char*, const char*> bad[] = {
      {"hello", "unknown name hello"},
      {"result", "unknown name result"},
      {"now() - 5", "invalid operation: - (mismatched types time.Time and int)"},
      {"5", "expected time.Time, but got int"},
      {"nil", "expected time.Time, but got <nil>"},
      {"duration(\"1h\")", "expected time.Time, but got time.Duration"}};
  for (const auto& [text, message] : bad) {
    const auto time = evaluateTime(text, now);
    ASSERT_FALSE(time) << text;
    EXPECT_EQ(time.error().message, message);
  }
}

}  // namespace
}  // namespace crossfade::expr
