// JSON patch, merge patch and strategic merge patch.
#include "local/patch.hpp"

#include "unit/local/registry_fixture.hpp"

namespace crossfade::local {
namespace {

std::string shown(const Result<json::object>& result) {
  return result ? json::serialize(*result) : "refused: " + result.error().message;
}

TEST(JsonPatchTest, AppliesOperationsInOrder) {
  struct Case {
    std::string_view object, patch, result;
  };
  const Case cases[] = {
      {R"({"a":1})", R"([{"op":"add","path":"/b","value":2}])", R"({"a":1,"b":2})"},
      {R"({"a":1})", R"([{"op":"replace","path":"/a","value":{"x":1}},{"op":"add","path":"/a/y","value":2}])",
       R"({"a":{"x":1,"y":2}})"},
      {R"({"a":[1,2]})", R"([{"op":"add","path":"/a/1","value":9},{"op":"add","path":"/a/-","value":3}])",
       R"({"a":[1,9,2,3]})"},
      {R"({"a":[1,2]})", R"([{"op":"remove","path":"/a/0"}])", R"({"a":[2]})"},
      {R"({"a":[1,2]})", R"([{"op":"remove","path":"/a/-1"}])", R"({"a":[1]})"},
      {R"({"a/b":{"c~d":1}})", R"([{"op":"replace","path":"/a~1b/c~0d","value":2}])", R"({"a/b":{"c~d":2}})"},
      {R"({"a":1})", R"([{"op":"copy","from":"/a","path":"/b"},{"op":"move","from":"/a","path":"/c"}])",
       R"({"b":1,"c":1})"},
      {R"({"a":{"x":[1]}})", R"([{"op":"test","path":"/a","value":{"x":[1]}},{"op":"remove","path":"/a"}])", "{}"},
      {R"({"a":1})", R"([{"op":"test","path":"/missing","value":null}])", R"({"a":1})"},
  };
  for (const auto& [object, patch, result] : cases)
    EXPECT_EQ(shown(jsonPatch(parseObject(object), *parseJson(patch))), result) << patch;
}

TEST(JsonPatchTest, RefusesWhatDoesNotApply) {
  for (const std::string_view patch :
       {R"([{"op":"test","path":"/a","value":2}])", R"([{"op":"remove","path":"/b"}])",
        R"([{"op":"replace","path":"/b","value":1}])", R"([{"op":"add","path":"/b/c","value":1}])",
        R"([{"op":"add","path":"/l/5","value":1}])", R"([{"op":"add","path":"a","value":1}])",
        R"([{"op":"add","path":"/~2","value":1}])", R"([{"op":"dance","path":"/a"}])", R"([{"op":"add","path":"/b"}])",
        R"([1])", R"({})", R"([{"op":"replace","path":"","value":1}])", R"([{"op":"remove","path":""}])"}) {
    const auto result = jsonPatch(parseObject(R"({"a":1,"l":[]})"), *parseJson(patch));
    ASSERT_FALSE(result) << patch;
    EXPECT_EQ(result.error().code, ErrorCode::invalid);
  }
}

TEST(MergePatchTest, MergesObjectsAndReplacesTheRest) {
  EXPECT_EQ(shown(jsonMergePatch(parseObject(R"({"a":{"x":1,"y":2},"l":[1]})"),
                                 *parseJson(R"({"a":{"x":null,"z":{"n":null}},"l":[2],"b":3})"))),
            R"({"a":{"y":2,"z":{}},"l":[2],"b":3})");
  EXPECT_FALSE(jsonMergePatch(parseObject("{}"), *parseJson("[]")));
}

class StrategicTest : public testing::Test {
 protected:
  // Patches the pod spec of a Deployment.
  std::string patched(std::string_view pod_spec, std::string_view patch) {
    const auto result = strategicMergePatch(inTemplate(pod_spec), json::value(inTemplate(patch)), *schema);
    return result ? json::serialize(*find(*result, {"spec", "template", "spec"}))
                  : "refused: " + result.error().message;
  }
  static json::object inTemplate(std::string_view pod_spec) {
    return parseObject(R"({"spec":{"template":{"spec":)" + std::string(pod_spec) + "}}}");
  }
  std::shared_ptr<const Schema> schema = builtinSchema("apps", "v1", "Deployment");
};

TEST_F(StrategicTest, MergesListsByTheirKeys) {
  struct Case {
    std::string_view object, patch, result;
  };
  // What the patch has comes first, where the order of the server doesn't say otherwise.
  const Case cases[] = {
      {R"({"containers":[{"name":"a","image":"1","env":[{"name":"X","value":"1"}]},{"name":"b","image":"1"}]})",
       R"({"containers":[{"name":"a","image":"2","env":[{"name":"Y","value":"2"}]}]})",
       R"({"containers":[{"name":"a","image":"2","env":[{"name":"Y","value":"2"},{"name":"X","value":"1"}]},{"name":"b","image":"1"}]})"},
      {R"({"containers":[{"name":"a","image":"1"}]})", R"({"containers":[{"name":"b","image":"1"}]})",
       R"({"containers":[{"name":"b","image":"1"},{"name":"a","image":"1"}]})"},
      // Lists without a key are taken as a whole.
      {R"({"containers":[{"name":"a","args":["1","2"]}]})", R"({"containers":[{"name":"a","args":["3"]}]})",
       R"({"containers":[{"name":"a","args":["3"]}]})"},
      {R"({"containers":[{"name":"a","image":"1"},{"name":"b","image":"1"}]})",
       R"({"containers":[{"name":"a","$patch":"delete"}]})", R"({"containers":[{"name":"b","image":"1"}]})"},
      {R"({"containers":[{"name":"a","image":"1"}]})",
       R"({"containers":[{"$patch":"replace"},{"name":"c","image":"3"}]})",
       R"({"containers":[{"name":"c","image":"3"}]})"},
      {R"({"nodeSelector":{"a":"1","b":"2"}})", R"({"nodeSelector":{"$patch":"replace","c":"3"}})",
       R"({"nodeSelector":{"c":"3"}})"},
      {R"({"nodeSelector":{"a":"1","b":"2"}})", R"({"nodeSelector":{"a":null}})", R"({"nodeSelector":{"b":"2"}})"},
      {R"({"nodeSelector":{"a":"1"}})", R"({"nodeSelector":{"$patch":"delete"}})", R"({"nodeSelector":{}})"},
      // Two keys in OpenAPI, one for patches: containerPort.
      {R"({"containers":[{"name":"a","ports":[{"containerPort":80,"name":"x"}]}]})",
       R"({"containers":[{"name":"a","ports":[{"containerPort":80,"name":"y"},{"containerPort":81}]}]})",
       R"({"containers":[{"name":"a","ports":[{"containerPort":80,"name":"y"},{"containerPort":81}]}]})"},
      // $retainKeys: what a volume was before goes.
      {R"({"volumes":[{"name":"v","emptyDir":{}}]})",
       R"({"volumes":[{"name":"v","$retainKeys":["name","configMap"],"configMap":{"name":"c"}}]})",
       R"({"volumes":[{"name":"v","configMap":{"name":"c"}}]})"},
      // $setElementOrder: the order of the client, with what only the server has where it stood.
      {R"({"containers":[{"name":"a"},{"name":"s"},{"name":"b"}]})",
       R"({"$setElementOrder/containers":[{"name":"b"},{"name":"a"}],"containers":[{"name":"a","image":"2"}]})",
       R"({"containers":[{"name":"s"},{"name":"b"},{"name":"a","image":"2"}]})"},
      {R"({"containers":[{"name":"a"},{"name":"b"}]})",
       R"({"$setElementOrder/containers":[{"name":"b"},{"name":"a"}]})",
       R"({"containers":[{"name":"b"},{"name":"a"}]})"},
  };
  for (const auto& [object, patch, result] : cases) EXPECT_EQ(patched(object, patch), result) << object << " " << patch;
}

TEST_F(StrategicTest, MergesSetsOfScalars) {
  const json::object object = parseObject(R"({"metadata":{"finalizers":["a/1","b/2"]}})");
  EXPECT_EQ(shown(strategicMergePatch(object, *parseJson(R"({"metadata":{"finalizers":["c/3","a/1"]}})"), *schema)),
            R"({"metadata":{"finalizers":["c/3","a/1","b/2"]}})");
  EXPECT_EQ(shown(strategicMergePatch(
                object, *parseJson(R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["a/1"]}})"), *schema)),
            R"({"metadata":{"finalizers":["b/2"]}})");
}

TEST_F(StrategicTest, RetainsKeysOfAStrategy) {
  const json::object object =
      parseObject(R"({"spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}}}})");
  EXPECT_EQ(shown(strategicMergePatch(
                object, *parseJson(R"({"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}})"), *schema)),
            R"({"spec":{"strategy":{"type":"Recreate"}}})");
}

TEST_F(StrategicTest, RefusesWhatItCanNotMerge) {
  EXPECT_EQ(patched(R"({"containers":[{"name":"a"}]})", R"({"containers":[{"image":"2"}]})"),
            R"(refused: map: {"image":"2"} does not contain declared merge key: name)");
  EXPECT_EQ(patched(R"({"containers":[{"name":"a"}]})", R"({"containers":[{"name":"a","$patch":"dance"}]})"),
            R"(refused: unknown patch type: dance in map: {"name":"a","$patch":"dance"})");
  EXPECT_TRUE(
      patched(R"({"volumes":[{"name":"v"}]})", R"({"volumes":[{"name":"v","$retainKeys":["name"],"emptyDir":{}}]})")
          .starts_with("refused: "));
}

}  // namespace
}  // namespace crossfade::local
