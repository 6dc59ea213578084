// PATCH in its four forms, on objects, status and scale; server-side apply and its conflicts.
#include "unit/local/api_fixture.hpp"

namespace crossfade::local {
namespace {

class ApiServerPatch : public ApiTest {
 protected:
  ApiServerPatch() { EXPECT_EQ(send("POST", deployments, deployment_text).status, 201); }
  const std::string one = fmt::format("{}/d", deployments);
};

TEST_F(ApiServerPatch, MergesAsJson) {
  const Reply reply = send(
      "PATCH", one, R"({"spec":{"replicas":3},"metadata":{"labels":{"x":"y"},"annotations":{"gone":null}}})", merge);
  EXPECT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(getInt(reply.body.get_object(), {"spec", "replicas"}), 3);
  EXPECT_EQ(reply.at({"metadata", "labels", "x"}), "y");
  EXPECT_EQ(getInt(reply.body.get_object(), {"metadata", "generation"}), 2);
}

TEST_F(ApiServerPatch, AppliesJsonPatches) {
  const Reply reply =
      send("PATCH", one,
           R"([{"op":"test","path":"/spec/replicas","value":1},{"op":"replace","path":"/spec/replicas","value":4}])",
           json_patch);
  EXPECT_EQ(getInt(reply.body.get_object(), {"spec", "replicas"}), 4);
  for (const std::string_view patch : {R"([{"op":"test","path":"/spec/replicas","value":99}])",
                                       R"([{"op":"remove","path":"/spec/nope"}])", R"([{"op":"foo","path":"/x"}])"}) {
    const Reply refused = send("PATCH", one, patch, json_patch);
    EXPECT_EQ(refused.status, 422) << patch;
    EXPECT_EQ(refused.at({"message"}), "the server rejected our request due to an error in our request");
  }
}

TEST_F(ApiServerPatch, MergesByKeyWhenStrategic) {
  const Reply reply =
      send("PATCH", one,
           R"({"spec":{"template":{"spec":{"containers":[{"name":"c","image":"j"},{"name":"e","image":"k"}]}}}})",
           strategic);
  ASSERT_EQ(reply.status, 200) << reply.text;
  const auto* containers = getArray(reply.body.get_object(), {"spec", "template", "spec", "containers"});
  std::map<std::string, std::string> images;
  for (const auto& item : *containers)
    images.emplace(getString(item.get_object(), {"name"}), getString(item.get_object(), {"image"}));
  EXPECT_EQ(images, (std::map<std::string, std::string>{{"c", "j"}, {"e", "k"}}));
}

struct PatchCase {
  std::string_view content_type, path, body;
  int status;
  std::string_view message;
};

TEST_F(ApiServerPatch, RefusesOddPatches) {
  const PatchCase cases[] = {
      {"application/json", "d", "{}", 415, "415: Unsupported Media Type"},
      {merge, "d", R"({"spec":)", 400, "error decoding patch: unexpected end of JSON input"},
      {merge, "d", "[]", 400,
       "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}"},
      {json_patch, "d", "{}", 400,
       "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp"},
      {merge, "d", R"({"spec":{"replicas":"x"}})", 422,
       "cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"},
      {merge, "d", R"({"metadata":{"name":"zz"}})", 400,
       "the name of the object (zz) does not match the name on the URL (d)"},
      {merge, "d", R"({"metadata":{"namespace":"zz"}})", 400, "the namespace of the provided object does not match"},
      {merge, "d", R"({"metadata":5})", 422, "patch: Invalid value"},
      {merge, "d", R"({"metadata":{"uid":"x"}})", 422,
       "Deployment.apps \"d\" is invalid: metadata.uid: Invalid value: \"x\": field is immutable"},
      {strategic, "d", R"({"spec":{"replicas":"x"}})", 422,
       "Invalid value: \"map[spec:map[replicas:x]]\": unrecognized type: int32"},
      {strategic, "d", R"({"spec":{"template":{"spec":{"containers":[{"image":"noname"}]}}}})", 500,
       "map: map[image:noname] does not contain declared merge key: name"},
      {merge, "d", R"({"kind":"Foo"})", 422, "no kind \"Foo\" is registered"},
      {merge, "d", R"({"apiVersion":"v1"})", 422, "patch: Invalid value"},
      {merge, "d", R"({"metadata":{"resourceVersion":"1"},"spec":{"replicas":3}})", 409,
       "the object has been modified"},
      {merge, "d", R"({"spec":{"replicas":-3}})", 422,
       "Deployment.apps \"d\" is invalid: spec.replicas: Invalid value: -3: must be greater than or equal to 0"},
      {merge, "d", R"({"spec":{"selector":{"matchLabels":{"x":"y"}}}})", 422, "field is immutable"},
      {merge, "zz", R"({"spec":{"replicas":3}})", 404, "deployments.apps \"zz\" not found"},
      {merge, "d?force=true", "{}", 422, "force: Forbidden: may not be specified for non-apply patch"},
      {merge, "d?fieldValidation=Strict", R"({"spec":{"foo":1}})", 422,
       "strict decoding error: unknown field \"spec.foo\""},
      {strategic, "d?fieldValidation=Strict", R"({"spec":{"foo":1}})", 422,
       "strict decoding error: unknown field \"spec.foo\""},
      {apply, "d", "{}", 422,
       "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"},
      {apply, "d?fieldManager=m", "a: [", 400, "error decoding YAML"},
      {apply, "d?fieldManager=m", "spec: {}", 400, "invalid object type: /, Kind="},
      {apply, "d?fieldManager=m", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: other}", 400,
       "the name of the object (other) does not match"},
      {apply, "d?fieldManager=m", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {managedFields: [{}]}", 400,
       "metadata.managedFields must be nil"},
      {apply, "d?fieldManager=m", "apiVersion: apps/v1\nkind: Deployment\nspec: {foo: 1}", 500,
       "failed to create typed patch object (/d; apps/v1, Kind=Deployment): .spec.foo: field not declared in schema"},
  };
  for (const PatchCase& row : cases) {
    const Reply reply = send("PATCH", fmt::format("{}/{}", deployments, row.path), row.body, row.content_type);
    EXPECT_EQ(reply.status, row.status) << row.path << " " << row.body << "\n" << reply.text;
    EXPECT_NE(reply.at({"message"}).find(row.message), std::string_view::npos) << row.path << " " << row.body << "\n"
                                                                               << reply.text;
  }
  EXPECT_EQ(send("PATCH", fmt::format("{}?fieldManager={}", one, std::string(129, 'x')), "{}", merge).status, 422);
}

TEST_F(ApiServerPatch, WarnsOfUnknownFields) {
  const Reply reply = send("PATCH", one, R"({"spec":{"foo":1}})", merge);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.warnings(), (std::vector<std::string>{R"(299 - "unknown field \"spec.foo\"")"}));
}

TEST_F(ApiServerPatch, ChangesStatusAlone) {
  const Reply reply = send("PATCH", one + "/status", R"({"status":{"replicas":2},"spec":{"replicas":9}})", merge);
  EXPECT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(getInt(reply.body.get_object(), {"status", "replicas"}), 2);
  EXPECT_EQ(getInt(reply.body.get_object(), {"spec", "replicas"}), 1);
  EXPECT_EQ(getInt(get(one).body.get_object(), {"metadata", "generation"}), 1);
  // And the other way round.
  const Reply main = send("PATCH", one, R"({"status":{"replicas":7}})", merge);
  EXPECT_EQ(getInt(main.body.get_object(), {"status", "replicas"}), 2);
}

TEST_F(ApiServerPatch, Scales) {
  EXPECT_EQ(getInt(get(one + "/scale").body.get_object(), {"spec", "replicas"}), 1);
  EXPECT_EQ(get(one + "/scale").at({"status", "selector"}), "a=b");
  const Reply put =
      send("PUT", one + "/scale", R"({"metadata":{"name":"d","namespace":"default"},"spec":{"replicas":4}})");
  EXPECT_EQ(put.at({"kind"}), "Scale");
  EXPECT_EQ(getInt(put.body.get_object(), {"spec", "replicas"}), 4);
  EXPECT_EQ(getInt(send("PATCH", one + "/scale", R"({"spec":{"replicas":5}})", merge).body.get_object(),
                   {"spec", "replicas"}),
            5);
  EXPECT_EQ(getInt(get(one).body.get_object(), {"spec", "replicas"}), 5);
  const Reply negative = send("PATCH", one + "/scale", R"({"spec":{"replicas":-5}})", merge);
  EXPECT_EQ(negative.status, 422);
  EXPECT_EQ(negative.at({"message"}),
            "Scale.autoscaling \"d\" is invalid: spec.replicas: Invalid value: -5: must be greater than or equal to 0");
  EXPECT_EQ(negative.at({"details", "kind"}), "Scale");
  EXPECT_EQ(
      send("PUT", one + "/scale", R"({"metadata":{"name":"d","resourceVersion":"1"},"spec":{"replicas":4}})").status,
      409);
  EXPECT_EQ(get(fmt::format("{}/a/scale", config_maps)).status, 404);
}

TEST_F(ApiServerPatch, AppliesServerSide) {
  const std::string target = fmt::format("{}/ap", config_maps);
  const auto body = [](std::string_view value) {
    return fmt::format(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: ap, namespace: default}}\ndata: {{x: '{}'}}\n", value);
  };
  const Reply made = send("PATCH", target + "?fieldManager=m1", body("1"), apply);
  EXPECT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(made.at({"data", "x"}), "1");
  const auto version = registry.resourceVersion();
  EXPECT_EQ(send("PATCH", target + "?fieldManager=m1", body("1"), apply).status, 200);
  EXPECT_EQ(registry.resourceVersion(), version) << "the same again writes nothing";
  const Reply conflict = send("PATCH", target + "?fieldManager=m2", body("2"), apply);
  EXPECT_EQ(conflict.status, 409);
  EXPECT_EQ(conflict.at({"message"}), "Apply failed with 1 conflict: conflict with \"m1\": .data.x");
  EXPECT_EQ(json::serialize(*find(conflict.body, {"details"})),
            R"({"causes":[{"reason":"FieldManagerConflict","message":"conflict with \"m1\"","field":".data.x"}]})");
  const Reply forced = send("PATCH", target + "?fieldManager=m2&force=true", body("2"), apply);
  EXPECT_EQ(forced.status, 200) << forced.text;
  EXPECT_EQ(forced.at({"data", "x"}), "2");
  // Fields that a manager no longer applies go.
  const Reply without =
      send("PATCH", target + "?fieldManager=m2", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ap}\n", apply);
  EXPECT_EQ(find(without.body, {"data", "x"}), nullptr) << without.text;
}

TEST_F(ApiServerPatch, CustomResourcesKnowNoStrategicMerge) {
  ASSERT_EQ(send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition_text).status, 201);
  loop.run(seconds(1));
  const std::string foo = "/apis/x.io/v1/namespaces/default/foos/f";
  ASSERT_EQ(send("POST", "/apis/x.io/v1/namespaces/default/foos",
                 R"({"apiVersion":"x.io/v1","kind":"Foo","metadata":{"name":"f"},"spec":{"replicas":3}})")
                .status,
            201);
  const Reply refused = send("PATCH", foo, "{}", strategic);
  EXPECT_EQ(refused.status, 415);
  EXPECT_NE(refused.at({"message"})
                .find("application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"),
            std::string_view::npos);
  // In another version than the stored one.
  const Reply old = send("PATCH", "/apis/x.io/v1beta1/namespaces/default/foos/f", R"({"spec":{"replicas":4}})", merge);
  EXPECT_EQ(old.at({"apiVersion"}), "x.io/v1beta1") << old.text;
  EXPECT_EQ(getInt(get(foo).body.get_object(), {"spec", "replicas"}), 4);
  EXPECT_EQ(get(foo).at({"apiVersion"}), "x.io/v1");
  EXPECT_EQ(get("/apis/x.io/v1beta1/namespaces/default/foos/f/status").at({"message"}), "foos.x.io \"f\" not found");
}

TEST_F(ApiServerPatch, TellsWhoElseChangedAField) {
  const std::string target = fmt::format("{}/shared", deployments);
  const auto body = [](std::string_view image) {
    return fmt::format(
        R"({{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"shared"}},"spec":{{"selector":)"
        R"({{"matchLabels":{{"a":"b"}}}},"template":{{"metadata":{{"labels":{{"a":"b"}}}},"spec":)"
        R"({{"containers":[{{"name":"c","image":"{}"}}]}}}}}}}})",
        image);
  };
  ASSERT_EQ(send("POST", deployments, body("x:1")).status, 201);
  const Reply one = send("PATCH", target + "?fieldManager=m2", body("x:2"), apply);
  EXPECT_EQ(one.status, 409);
  EXPECT_EQ(
      json::serialize(*find(one.body, {"details"})),
      R"({"causes":[{"reason":"FieldManagerConflict","message":"conflict with \"tester\" using apps/v1","field":".spec.template.spec.containers[name=\"c\"].image"}]})");
}

TEST_F(ApiServerPatch, RefusesWhatIsNoObjectInYaml) {
  const std::string target = fmt::format("{}/y?fieldManager=m", config_maps);
  EXPECT_EQ(send("PATCH", target, "null", apply).at({"message"}), "invalid object type: /, Kind=");
  EXPECT_EQ(
      send("PATCH", target, "[]", apply).at({"message"}),
      "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value "
      "of type map[string]interface {}");
}

}  // namespace
}  // namespace crossfade::local
