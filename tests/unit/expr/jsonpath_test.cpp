// The vectors of spec/07 C4, and what the prose of spec/07 C2 and C3 adds to them.
#include "expr/jsonpath.hpp"

#include <gtest/gtest.h>

#include "expr/json_text.hpp"

namespace crossfade::expr {
namespace {

constexpr std::string_view body =
    R"j({"a":1,"s":"str","n":null,"b":true,"arr":[10,20,30,40],"items":[{"n":"x","v":1,"ok":true},{"n":"y","v":2.5},{"n":"z","v":3,"ok":false}],"m":{"k1":"v1","k2":"v2"},"d.t":5,"sp ace":6,"nest":{"a":{"v":7}}})j";

// "P: " a path that does not parse, "E: " one that fails, "NV" without a value; else the value as JSON, and "int"
// before what is an integer to conditions.
std::string outcome(std::string_view path, std::string_view document) {
  const auto compiled = JsonPath::compile(path);
  if (!compiled) return "P: " + compiled.error().message;
  const auto found = compiled->first(parseJson(document).value());
  if (!found) return "E: " + found.error().message;
  if (!*found) return "NV";
  return ((*found)->integer() != nullptr ? "int " : "") + compactJson(**found).value();
}

struct Case {
  const char* id;
  std::string_view path, document, outcome;
};
void expectAll(std::initializer_list<Case> cases) {
  for (const Case& one : cases) {
    EXPECT_EQ(outcome(one.path, one.document), one.outcome) << one.id << ": " << one.path << " on " << one.document;
  }
}

// spec/07 §C4 #1-#59
TEST(JsonPath, Vectors) {
  expectAll({
      {"#1", R"j()j", body,
       R"j({"a":1,"arr":[10,20,30,40],"b":true,"d.t":5,"items":[{"n":"x","ok":true,"v":1},{"n":"y","v":2.5},{"n":"z","ok":false,"v":3}],"m":{"k1":"v1","k2":"v2"},"n":null,"nest":{"a":{"v":7}},"s":"str","sp ace":6})j"},
      {"#1", R"j({$})j", body,
       R"j({"a":1,"arr":[10,20,30,40],"b":true,"d.t":5,"items":[{"n":"x","ok":true,"v":1},{"n":"y","v":2.5},{"n":"z","ok":false,"v":3}],"m":{"k1":"v1","k2":"v2"},"n":null,"nest":{"a":{"v":7}},"s":"str","sp ace":6})j"},
      {"#2", R"j({$.a})j", body, R"j(1)j"},
      {"#2", R"j({.a})j", body, R"j(1)j"},
      {"#2", R"j({@.a})j", body, R"j(1)j"},
      {"#2", R"j({ $.a })j", body, R"j(1)j"},
      {"#3", R"j($.a)j", body, R"j("$.a")j"},
      {"#4", R"j({a})j", body, R"j(E: unrecognized identifier a)j"},
      {"#4", R"j({$a})j", body, R"j(E: unrecognized identifier a)j"},
      {"#5", R"j({$.a)j", body, R"j(P: unclosed action)j"},
      {"#6", R"j({$.a}})j", body, R"j(1)j"},
      {"#7", R"j( {$.a})j", body, R"j(" ")j"},
      {"#8", R"j({$['a']})j", body, R"j(1)j"},
      {"#8", R"j({$["a"]})j", body, R"j(P: invalid array index "a")j"},
      {"#9", R"j({$.zz})j", body, R"j(E: zz is not found)j"},
      {"#9", R"j({$.zz.yy})j", body, R"j(E: zz is not found)j"},
      {"#10", R"j({$.n})j", body, R"j(null)j"},
      {"#11", R"j({$.n.x})j", body, R"j(E: x is not found)j"},
      {"#11", R"j({$.a.x})j", body, R"j(E: x is not found)j"},
      {"#12", R"j({$.s[0]})j", body, R"j(E: string is not array or slice)j"},
      {"#13", R"j({$.arr})j", body, R"j([10,20,30,40])j"},
      {"#14", R"j({$.arr[0]})j", body, R"j(10)j"},
      {"#14", R"j({$.arr[-1]})j", body, R"j(40)j"},
      {"#14", R"j({$.arr[]})j", body, R"j(10)j"},
      {"#15", R"j({$.arr[4]})j", body, R"j(E: array index out of bounds: index 4, length 4)j"},
      {"#15", R"j({$.arr[-5]})j", body, R"j(E: array index out of bounds: index -1, length 4)j"},
      {"#16", R"j({$.arr[*]})j", body, R"j(10)j"},
      {"#17", R"j({$.arr[1:3]})j", body, R"j(20)j"},
      {"#17", R"j({$.arr[2:]})j", body, R"j(30)j"},
      {"#17", R"j({$.arr[-2:]})j", body, R"j(30)j"},
      {"#17", R"j({$.arr[::2]})j", body, R"j(10)j"},
      {"#18", R"j({$.arr[0:0]})j", body, R"j(NV)j"},
      {"#19", R"j({$.arr[3:1]})j", body, R"j(E: starting index 3 is greater than ending index 1)j"},
      {"#20", R"j({$.arr[0:9]})j", body, R"j(E: array index out of bounds: index 8, length 4)j"},
      {"#21", R"j({$.arr[0:4:0]})j", body, R"j(E: step must be > 0)j"},
      {"#22", R"j({$.arr[x]})j", body, R"j(P: invalid array index x)j"},
      {"#22", R"j({$.arr[ 0 ]})j", body, R"j(P: invalid array index  0 )j"},
      {"#22", R"j({$.arr[0})j", body, R"j(P: unterminated array)j"},
      {"#23", R"j({$.items[*].v})j", body, R"j(1)j"},
      {"#24", R"j({$.items[?(@.n=="y")].v})j", body, R"j(2.5)j"},
      {"#24", R"j({$.items[?(@.n=='y')].v})j", body, R"j(2.5)j"},
      {"#25", R"j({$.items[?(@.v>1)].n})j", body, R"j(E: incompatible types for comparison)j"},
      {"#26", R"j({$.items[?(@.v>1.0)].n})j", body, R"j("y")j"},
      {"#27", R"j({$.items[?(@.v != 1.0)].n})j", body, R"j("y")j"},
      {"#28", R"j({$.items[?(@.ok)].n})j", body, R"j("x")j"},
      {"#29", R"j({$.items[?(@.ok==true)].n})j", body, R"j(E: ok is not found)j"},
      {"#30", R"j({$.items[?(@.n=="none")].v})j", body, R"j(NV)j"},
      {"#31", R"j({$.items[?(@.n=="x" && @.v==1.0)].n})j", body,
       R"j(P: unrecognized character in action: U+0026 '&')j"},
      {"#32", R"j({$.m[?(@.k1)]})j", body, R"j(E: map[k1:v1 k2:v2] is not array or slice and cannot be filtered)j"},
      {"#33", R"j({$.arr[?(@ > 15.0)]})j", body, R"j(20)j"},
      {"#34", R"j({$..zz})j", body, R"j(E: zz is not found)j"},
      {"#35", R"j({$.d\.t})j", body, R"j(5)j"},
      {"#35", R"j({$['d\.t']})j", body, R"j(5)j"},
      {"#36", R"j({$['d.t']})j", body, R"j(E: d is not found)j"},
      {"#37", R"j({$['sp ace']})j", body, R"j(E: sp is not found)j"},
      {"#37", R"j({$.sp ace})j", body, R"j(E: sp is not found)j"},
      {"#38", R"j({$.m['k1','k2']})j", body, R"j("v1")j"},
      {"#38", R"j({$['a','s']})j", body, R"j(1)j"},
      {"#39", R"j({"lit"})j", body, R"j("lit")j"},
      {"#39", R"j({5})j", body, R"j(int 5)j"},
      {"#39", R"j({5.5})j", body, R"j(5.5)j"},
      {"#39", R"j({true})j", body, R"j(true)j"},
      {"#40", R"j(text {$.a})j", body, R"j("text ")j"},
      {"#41", R"j({$.a} {$.s})j", body, R"j(1)j"},
      {"#42", R"j({range $.items[*]}{.n}{end})j", body, R"j("x")j"},
      {"#43", R"j({end})j", body, R"j(E: not in range, nothing to end)j"},
      {"#44", R"j({$.nest['a'].v})j", body, R"j(7)j"},
      {"#44", R"j({$.nest[a]})j", body, R"j(P: invalid array index a)j"},
      {"#45", R"j({$..*})j", body, R"j(P: unrecognized character in action: U+002A '*')j"},
      {"#46", R"j({$.items[-1:].n})j", body, R"j("z")j"},
      {"#47", R"j({$.a+1})j", body, R"j(E: a+1 is not found)j"},
      {"#48", R"j({$.a.})j", body, R"j(E:  is not found)j"},
      {"#49", R"j({$})j", R"j(5)j", R"j(5)j"},
      {"#49", R"j({$})j", R"j("str")j", R"j("str")j"},
      {"#49", R"j({$})j", R"j([])j", R"j([])j"},
      {"#49", R"j({$})j", R"j({})j", R"j({})j"},
      {"#50", R"j({$.a})j", R"j(null)j", R"j(E: a is not found)j"},
      {"#51", R"j({$})j", R"j(null)j", R"j(null)j"},
      {"#52", R"j({$[2].a})j", R"j([1,2,{"a":3}])j", R"j(3)j"},
      {"#52", R"j({$[*].a})j", R"j([1,2,{"a":3}])j", R"j(3)j"},
      {"#53", R"j({$[?(@.a==3.0)].a})j", R"j([1,2,{"a":3}])j", R"j(E: a is not found)j"},
      {"#54", R"j({$[*][0]})j", R"j([[1,2],[3]])j", R"j(1)j"},
      {"#55", R"j({$[0]})j", R"j([])j", R"j(E: array index out of bounds: index 0, length 0)j"},
      {"#55", R"j({$[*]})j", R"j([])j", R"j(NV)j"},
      {"#56", R"j({$.a[*].x})j", R"j({"a":[]})j", R"j(NV)j"},
      {"#57", R"j({$.data.result[0].value[1]})j",
       R"j({"data":{"result":[{"metric":{"app":"x"},"value":[1700000000,"0.98"]}]}})j", R"j("0.98")j"},
      {"#58", R"j({$.data.result[?(@.metric.app=="x")].value[1]})j",
       R"j({"data":{"result":[{"metric":{"app":"x"},"value":[1700000000,"0.98"]}]}})j", R"j("0.98")j"},
      {"#59", R"j({$.h})j", R"j({"h":"<a&b>"})j", R"j("\u003ca\u0026b\u003e")j"},
  });
}

TEST(JsonPath, Syntax) {
  expectAll({
      {"C2", R"j({$....v})j", body, R"j(P: invalid multiple recursive descent)j"},
      {"C2", R"j({'a\'b'})j", body, R"j("a'b")j"},
      {"C2", R"j({"a\u0041\n"})j", body, R"j("aA\n")j"},
      {"C2", R"j({"\101\x41"})j", body, R"j("AA")j"},
      {"C2", R"j({"a\q"})j", body, R"j(P: unquote string "a\q" error invalid syntax)j"},
      {"C2", R"j({"a)j", body, R"j(P: unterminated quoted string)j"},
      {"C2", R"j({$.a b})j", body, R"j(E: unrecognized identifier b)j"},
      {"C2", R"j({1.2.3})j", body, R"j(P: cannot parse number 1.2.3)j"},
      {"C2", R"j({+5})j", body, R"j(int 5)j"},
      {"C2", R"j({-1})j", body, R"j(int -1)j"},
      {"C2", R"j({5.})j", body, R"j(5)j"},
      {"C2", R"j({1a})j", body, R"j(E: unrecognized identifier a)j"},
      {"C2", R"j({$.arr[?(@>15.0))j", body, R"j(P: unclosed array expect ])j"},
      {"C2", R"j({$.arr[?(@>15.0)x)j", body, R"j(P: unclosed array expect ])j"},
      {"C2", R"j({$.arr[99999999999999999999]})j", body, R"j(P: array index 99999999999999999999 is not a number)j"},
      {"C2", R"j({$.arr[:::]})j", body, R"j(P: invalid array index :::)j"},
      {"C2", R"j({$.arr[1:2:3:4]})j", body, R"j(P: invalid array index 1:2:3:4)j"},
      {"C2", R"j({$.arr[+1]})j", body, R"j(P: invalid array index +1)j"},
      {"C2", "{$.a\n}", body, R"j(P: unclosed action)j"},
      {"C2", "{$.a\t}", body, R"j(P: unrecognized character in action: U+0009)j"},
      {"C2", R"j({$.é})j", body, R"j(E: é is not found)j"},
      {"C2", R"j({é})j", body, R"j(E: unrecognized identifier é)j"},
      {"C2", R"j({$.a"x"})j", body, R"j(E: a"x" is not found)j"},
      {"C2", R"j({$["a","b"]})j", body, R"j(P: invalid array index "a")j"},
      {"C2", R"j({,})j", body, R"j(P: unrecognized character in action: U+002C ',')j"},
      {"C2", R"j({$.arr[?(!@.a)]})j", body, R"j(P: unrecognized character in action: U+0021 '!')j"},
      {"C2", R"j({$.arr[?(@==)]})j", body, R"j(P: unrecognized character in action: U+003D '=')j"},
      {"C2", R"j({$.items[?(@.n=="x)]")].n})j", body, R"j(NV)j"},
      {"C2", R"j({end)j", body, R"j(P: unclosed action)j"},
      {"C2", R"j({$['']})j", body, R"j(E:  is not found)j"},
      {"C2", R"j({a.b})j", body, R"j(E: unrecognized identifier a)j"},
  });
}

TEST(JsonPath, Evaluation) {
  expectAll({
      {"C3", R"j({..v})j", body, R"j(1)j"},
      {"C3", R"j({$.arr[0,2]})j", body, R"j(10)j"},
      {"C3", R"j({$.arr[2, 0]})j", body, R"j(30)j"},
      {"C3", R"j({$.m['zz','k1']})j", body, R"j(E: zz is not found)j"},
      {"C3", R"j({$.items[?(@.n==@.n)].v})j", body, R"j(1)j"},
      {"C3", R"j({$.items[?(@.v=1.0)].n})j", body, R"j(E: unrecognized filter operator =)j"},
      {"C3", R"j({$.items[?(@==1.0)].n})j", body, R"j(E: invalid type for comparison)j"},
      {"C3", R"j({$.items[?(@==@)]})j", body, R"j(E: invalid type for comparison)j"},
      {"C3", R"j({$.arr[?(true<true)]})j", body, R"j(E: invalid type for comparison)j"},
      {"C3", R"j({$.arr[?(@ < "x")]})j", body, R"j(E: incompatible types for comparison)j"},
      {"C3", R"j({$.arr[?(5==5)]})j", body, R"j(10)j"},
      {"C3", R"j({$.items[?(@.v[9])].n})j", body, R"j("x")j"},
      {"C3", R"j({$.n[?(@.x)]})j", body, R"j(E: <nil> is not array or slice and cannot be filtered)j"},
      {"C3", R"j({$.s[?(@.x)]})j", body, R"j(E: str is not array or slice and cannot be filtered)j"},
      {"C3", R"j({$.n[0]})j", body, R"j(NV)j"},
      {"C3", R"j({$.n.*})j", body, R"j(NV)j"},
      {"C3", R"j({$.arr[*][0]})j", body, R"j(E: float64 is not array or slice)j"},
      {"C3", R"j({$.arr[1:-1]})j", body, R"j(20)j"},
      {"C3", R"j({$.arr[:-5]})j", body, R"j(E: array index out of bounds: index -2, length 4)j"},
      {"C3", R"j({$.arr[::-1]})j", body, R"j(E: step must be > 0)j"},
      {"C3", R"j({$.arr[4:]})j", body, R"j(NV)j"},
      {"C3", R"j({range $.arr[*]}{$}{end}{$.a})j", body, R"j(10)j"},
      {"C3", R"j({range $.arr[?(@>99.0)]}{$}{end}{$.a})j", body, R"j(1)j"},
      {"C3", R"j({range $.arr[?(@>99.0)]}{.x}{end})j", body, R"j(E: x is not found)j"},
      {"C3", R"j({range $.items[*]}{.n})j", body, R"j("x")j"},
      {"C3", R"j({range $.items[*]}{range .v}{$}{end}{end})j", body, R"j(1)j"},
      {"C3", R"j({range}{end}{end})j", body, R"j(E: not in range, nothing to end)j"},
      {"C3", R"j({$..[0]})j", body, R"j(E: map[string]interface {} is not array or slice)j"},
      {"C3", R"j({$.nest..})j", body, R"j({"a":{"v":7}})j"},
      {"C3", R"j({$.items[?(@.v<=1.0)].n})j", body, R"j("x")j"},
      {"C3", R"j({$.items[?(@.v>=3.0)].n})j", body, R"j("z")j"},
      {"C3", R"j({$.items[?(@.n<"y")].n})j", body, R"j("x")j"},
      {"C3", R"j({$.items[*].zz})j", body, R"j(E: zz is not found)j"},
      {"C3", R"j({$..n})j", body, R"j(null)j"},
      {"C3", R"j({5.a})j", body, R"j(E: unrecognized identifier a)j"},
      {"C3", R"j({$[*][:]})j", R"j([[],[1]])j", R"j(NV)j"},
      {"C3", R"j({$[0:0]}{$[0]})j", R"j([5])j", R"j(5)j"},
      {"C3", R"j({$[*].x})j", R"j([null,{"x":1}])j", R"j(1)j"},
      {"C3", R"j({$..x})j", R"j([])j", R"j(NV)j"},
      {"C3", R"j({$[?(@[0]==1.0)]})j", R"j([[1],[2]])j", R"j([1])j"},
      {"C3", R"j({$[?(@)]})j", R"j([null,0])j", R"j(null)j"},
      {"C3", R"j({$.x})j", R"j({"x":1e21})j", R"j(1e+21)j"},
      {"C3", R"j({$.x})j", R"j({"x":1,"x":2})j", R"j(2)j"},
      {"C3", R"j({$.x})j", R"j({"x":9007199254740993})j", R"j(9007199254740992)j"},
  });
}

// A document that is null crashes the reference where a path asks it for elements: here it has none.
TEST(JsonPath, NullDocument) {
  expectAll({
      {"C3", "{$[0]}", "null", "NV"},
      {"C3", "{$.*}", "null", "NV"},
      {"C3", "{range $[*]}{$}{end}", "[null,1]", "null"},
  });
}

// spec/08 §8.3 #1-#19
TEST(JsonPath, Dialect) {
  constexpr std::string_view dialect =
      R"j({"a":[10,20,30],"m":{"k":1,"k-v":2,"k.v":3},"l":[{"x":2,"q":"u"},{"x":4,"q":"v"}],"e":[],"z":null})j";
  expectAll({
      {"#1", R"j($.a)j", dialect, R"j("$.a")j"},
      {"#1", R"j(x{$.a})j", dialect, R"j("x")j"},
      {"#2", R"j({})j", dialect,
       R"j({"a":[10,20,30],"e":[],"l":[{"q":"u","x":2},{"q":"v","x":4}],"m":{"k":1,"k-v":2,"k.v":3},"z":null})j"},
      {"#2", R"j({.m.k})j", dialect, R"j(1)j"},
      {"#2", R"j({$.m.k})j", dialect, R"j(1)j"},
      {"#2", R"j({@.m.k})j", dialect, R"j(1)j"},
      {"#2", R"j({['m'].k})j", dialect, R"j(1)j"},
      {"#2", R"j({a})j", dialect, R"j(E: unrecognized identifier a)j"},
      {"#3", R"j({5})j", dialect, R"j(int 5)j"},
      {"#3", R"j({1.5})j", dialect, R"j(1.5)j"},
      {"#3", R"j({true})j", dialect, R"j(true)j"},
      {"#3", R"j({'txt'})j", dialect, R"j("txt")j"},
      {"#4", R"j({.m.k-v})j", dialect, R"j(2)j"},
      {"#4", R"j({.m['k-v']})j", dialect, R"j(2)j"},
      {"#4", R"j({.m["k"]})j", dialect, R"j(P: invalid array index "k")j"},
      {"#5", R"j({.m.k\.v})j", dialect, R"j(3)j"},
      {"#5", R"j({.m['k\.v']})j", dialect, R"j(3)j"},
      {"#5", R"j({.m['k.v']})j", dialect, R"j(E: v is not found)j"},
      {"#6", R"j({.a[*]})j", dialect, R"j(10)j"},
      {"#6", R"j({.m.*})j", dialect, R"j(1)j"},
      {"#7", R"j({..q})j", dialect, R"j("u")j"},
      {"#7", R"j({..*})j", dialect, R"j(P: unrecognized character in action: U+002A '*')j"},
      {"#8", R"j({.a[0]})j", dialect, R"j(10)j"},
      {"#8", R"j({.a[-1]})j", dialect, R"j(30)j"},
      {"#8", R"j({.a[5]})j", dialect, R"j(E: array index out of bounds: index 5, length 3)j"},
      {"#8", R"j({.a[-5]})j", dialect, R"j(E: array index out of bounds: index -2, length 3)j"},
      {"#9", R"j({.a[1:2]})j", dialect, R"j(20)j"},
      {"#9", R"j({.a[2:]})j", dialect, R"j(30)j"},
      {"#9", R"j({.a[-2:]})j", dialect, R"j(20)j"},
      {"#9", R"j({.a[::2]})j", dialect, R"j(10)j"},
      {"#9", R"j({.a[1:9]})j", dialect, R"j(E: array index out of bounds: index 8, length 3)j"},
      {"#9", R"j({.a[7:8]})j", dialect, R"j(E: array index out of bounds: index 7, length 3)j"},
      {"#10", R"j({.a[2,0]})j", dialect, R"j(30)j"},
      {"#10", R"j({.m['k','k-v']})j", dialect, R"j(1)j"},
      {"#11", R"j({.l[?(@.x > 3.0)].q})j", dialect, R"j("v")j"},
      {"#11", R"j({.l[?(@.q)].q})j", dialect, R"j("u")j"},
      {"#11", R"j({.l[?(@.x == @.x)].q})j", dialect, R"j("u")j"},
      {"#11", R"j({.l[?(@.q=='u' || @.q=='v')]})j", dialect, R"j(P: unrecognized character in action: U+007C '|')j"},
      {"#12", R"j({.l[?(@.x > 3)]})j", dialect, R"j(E: incompatible types for comparison)j"},
      {"#12", R"j({.l[?(@.q == 'v')].x})j", dialect, R"j(4)j"},
      {"#13", R"j({.l[?(@.y == 1.0)]})j", dialect, R"j(E: y is not found)j"},
      {"#13", R"j({.l[?(@.y)]})j", dialect, R"j(NV)j"},
      {"#14", R"j({range .l[*]}{.x}{end})j", dialect, R"j(2)j"},
      {"#14", R"j({end})j", dialect, R"j(E: not in range, nothing to end)j"},
      {"#15", R"j({.m.k.y})j", dialect, R"j(E: y is not found)j"},
      {"#15", R"j({.a.y})j", dialect, R"j(E: y is not found)j"},
      {"#15", R"j({.z.y})j", dialect, R"j(E: y is not found)j"},
      {"#15", R"j({..y})j", dialect, R"j(E: y is not found)j"},
      {"#16", R"j({.m[0]})j", dialect, R"j(E: map[string]interface {} is not array or slice)j"},
      {"#17", R"j({.e[*]})j", dialect, R"j(NV)j"},
      {"#17", R"j({.l[?(@.q=='n')]})j", dialect, R"j(NV)j"},
      {"#18", R"j({$.a)j", dialect, R"j(P: unclosed action)j"},
      {"#18", R"j({$&})j", dialect, R"j(P: unrecognized character in action: U+0026 '&')j"},
      {"#19", R"j({.z})j", dialect, R"j(null)j"},
  });
}

// No path makes an evaluation long: each of these would visit more values than there are atoms in a person.
TEST(JsonPath, Budget) {
  std::string unions = "{$", descents = "{$", ranges, filters = "{$[?(@";
  for (int i = 0; i < 60; ++i) {
    unions += "[*,*,*,*]";
    descents += "..[*]";
    ranges += "{range $[0,0,0]}";
    filters += "[*,*,*,*]";
  }
  std::string deep = "1";
  for (int i = 0; i < 100; ++i) deep = "[" + deep + "]";
  EXPECT_EQ(outcome(unions + "}", deep), "E: memory budget exceeded");
  EXPECT_EQ(outcome(descents + "}", deep), "E: memory budget exceeded");
  EXPECT_EQ(outcome(ranges, deep), "E: the path has too many ranges in one another");
  EXPECT_EQ(outcome(filters + ")]}", deep), "E: memory budget exceeded");
  EXPECT_EQ(outcome("{" + std::string(20'000, '.') + "}", "1"), "P: invalid multiple recursive descent");
  std::string long_path = "{";
  for (int i = 0; i < 11'000; ++i) long_path += ".a";
  EXPECT_EQ(outcome(long_path + "}", "{}"), "P: the path has too many elements");
}

}  // namespace
}  // namespace crossfade::expr
