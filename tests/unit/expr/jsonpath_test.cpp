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

// spec/07 C4 #1-#59
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

}  // namespace
}  // namespace crossfade::expr
