// Structural schemas: pruning, defaults, values, lists, rules; and the schemas of built-in kinds.
#include "local/schema.hpp"

#include "unit/local/registry_fixture.hpp"

namespace crossfade::local {
namespace {

// The schema of an object whose `spec` has these properties.
std::shared_ptr<const Schema> schemaOfSpec(std::string_view spec) {
  const auto schema = makeSchema(parseObject(R"({"type":"object","properties":{"spec":)" + std::string(spec) + "}}"));
  EXPECT_TRUE(schema) << schema.error().message;
  return schema ? *schema : nullptr;
}
json::object withSpec(std::string_view spec) {
  return parseObject(R"({"apiVersion":"v","kind":"K","metadata":{"name":"n"},"spec":)" + std::string(spec) + "}");
}
// The value of the first variable of the first container; null where it isn't written.
const json::value* valueOfVariable(const json::object& pod) {
  const auto* containers = getArray(pod, {"spec", "containers"});
  const auto* variables = containers == nullptr ? nullptr : find(containers->at(0), {"env"});
  return variables == nullptr ? nullptr : find(variables->as_array().at(0), {"value"});
}
std::string specOf(const json::object& object) { return json::serialize(*find(object, {"spec"})); }

TEST(SchemaTest, Prunes) {
  struct Case {
    std::string_view schema, given, left, unknown;
  };
  const Case cases[] = {
      {R"({"type":"object","properties":{"a":{"type":"string"}}})", R"({"a":"x","b":1})", R"({"a":"x"})", "spec.b"},
      {R"({"type":"object","properties":{"a":{"type":"string"}}})", R"({"a":{"b":1}})", R"({"a":{}})", "spec.a.b"},
      {R"({"type":"array","items":{"type":"object","properties":{"a":{"type":"string"}}}})", R"([{"a":"x"},{"b":1}])",
       R"([{"a":"x"},{}])", "spec[1].b"},
      {R"({"type":"object","additionalProperties":{"type":"object","properties":{"a":{"type":"string"}}}})",
       R"({"k":{"a":"x","b":1}})", R"({"k":{"a":"x"}})", "spec.k.b"},
      {R"({"type":"object","x-kubernetes-preserve-unknown-fields":true,"properties":{"a":{"type":"object"}}})",
       R"({"b":{"c":1},"a":{"d":1}})", R"({"b":{"c":1},"a":{}})", "spec.a.d"},
      {R"({"x-kubernetes-preserve-unknown-fields":true})", R"([{"a":{"b":[1]}}])", R"([{"a":{"b":[1]}}])", ""},
      {R"({"type":"object","x-kubernetes-embedded-resource":true,"properties":{"spec":{"type":"object"}}})",
       R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"spec":{"y":1},"z":1})",
       R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"},"spec":{}})", "spec.spec.y spec.z"},
  };
  for (const auto& [schema, given, left, unknown] : cases) {
    json::object object = withSpec(given);
    std::vector<std::string> paths;
    schemaOfSpec(schema)->prune(object, paths);
    EXPECT_EQ(specOf(object), left);
    EXPECT_EQ(fmt::format("{}", fmt::join(paths, " ")), unknown);
  }
  json::object object = parseObject(R"({"metadata":{"name":"n","nonsense":1},"other":1})");
  std::vector<std::string> paths;
  schemaOfSpec(R"({"type":"object"})")->prune(object, paths);
  EXPECT_EQ(json::serialize(object), R"({"metadata":{"name":"n"}})");
  EXPECT_EQ(paths, (std::vector<std::string>{"metadata.nonsense", "other"}));
}

TEST(SchemaTest, FillsInDefaults) {
  const std::tuple<std::string_view, std::string_view, std::string_view> cases[] = {
      {R"({"type":"object","properties":{"a":{"type":"integer","default":3}}})", "{}", R"({"a":3})"},
      {R"({"type":"object","properties":{"a":{"type":"integer","default":3}}})", R"({"a":null})", R"({"a":3})"},
      {R"({"type":"object","properties":{"a":{"type":"integer","default":3,"nullable":true}}})", R"({"a":null})",
       R"({"a":null})"},
      {R"({"type":"object","properties":{"a":{"type":"integer"}}})", R"({"a":null})", "{}"},
      {R"({"type":"object","properties":{"a":{"type":"object","default":{},"properties":{"b":{"type":"string","default":"x"}}}}})",
       "{}", R"({"a":{"b":"x"}})"},
      {R"({"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"string","default":"x"}}}}})",
       "{}", "{}"},
      {R"({"type":"array","items":{"type":"object","properties":{"p":{"type":"string","default":"TCP"}}}})", "[{}]",
       R"([{"p":"TCP"}])"},
      {R"({"type":"object","additionalProperties":{"type":"object","properties":{"p":{"type":"string","default":"TCP"}}}})",
       R"({"k":{}})", R"({"k":{"p":"TCP"}})"},
  };
  for (const auto& [schema, given, filled] : cases) {
    json::object object = withSpec(given);
    schemaOfSpec(schema)->applyDefaults(object);
    EXPECT_EQ(specOf(object), filled) << schema;
  }
}

TEST(SchemaTest, Validates) {
  struct Case {
    std::string_view schema, value, violations;
  };
  const Case cases[] = {
      {R"({"type":"integer"})", "1.0", ""},
      {R"({"type":"integer"})", "1.5",
       R"(spec: Invalid value: "number": spec in body must be of type integer: "number")"},
      {R"({"type":"object"})", "null", R"(spec: Invalid value: "null": spec in body must be of type object: "null")"},
      {R"({"type":"object","nullable":true})", "null", ""},
      {R"({"x-kubernetes-int-or-string":true})", R"("25%")", ""},
      {R"({"x-kubernetes-int-or-string":true})", "true",
       R"(spec: Invalid value: "boolean": spec in body must be of type integer,string: "boolean")"},
      {R"({"x-kubernetes-int-or-string":true,"anyOf":[{"type":"integer"},{"type":"string"}]})", "3", ""},
      {R"({"type":"string","minLength":2})", R"("ä")",
       R"(spec: Invalid value: "ä": spec in body should be at least 2 chars long)"},
      {R"({"type":"string","maxLength":1})", R"("ä")", ""},
      {R"({"type":"string","format":"date-time"})", R"("soon")",
       R"(spec: Invalid value: "soon": spec in body must be of type date-time: "soon")"},
      {R"({"type":"string","format":"ipv4"})", R"("10.0.0.1")", ""},
      {R"({"type":"string","format":"nobody-knows"})", R"("x")", ""},
      {R"({"type":"number","minimum":0,"exclusiveMinimum":true})", "0",
       "spec: Invalid value: 0: spec in body should be greater than 0"},
      {R"({"type":"integer","multipleOf":5})", "7", "spec: Invalid value: 7: spec in body should be a multiple of 5"},
      {R"({"type":"array","minItems":1,"items":{"type":"string"}})", "[]",
       "spec: Invalid value: 0: spec in body should have at least 1 items"},
      {R"({"type":"array","maxItems":1,"items":{"type":"string"}})", R"(["a","b"])",
       "spec: Too many: 2: must have at most 1 item"},
      {R"({"type":"object","minProperties":1,"additionalProperties":{"type":"string"}})", "{}",
       "spec: Invalid value: 0: spec in body should have at least 1 properties"},
      {R"({"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}})", R"(["a","b","a","a"])",
       R"(spec[2]: Duplicate value: "a")"},
      {R"({"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["n"],
           "items":{"type":"object","required":["n"],"properties":{"n":{"type":"string"},"v":{"type":"string"}}}})",
       R"([{"n":"a"},{"n":"a","v":"x"}])", R"(spec[1]: Duplicate value: {"n":"a"})"},
      {R"({"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"oneOf":[{"required":["a"]},{"required":["b"]}]})",
       R"({"a":"x","b":"y"})",
       R"(<nil>: Invalid value: "": "spec" must validate one and only one schema (oneOf). Found 2 valid alternatives)"},
      {R"({"type":"object","properties":{"a":{"type":"string"}},"not":{"required":["a"]}})", R"({"a":"x"})",
       R"(<nil>: Invalid value: "": "spec" must not validate the schema (not))"},
      {R"({"type":"integer","allOf":[{"minimum":1},{"maximum":3}]})", "5",
       R"(spec: Invalid value: 5: spec in body should be less than or equal to 3; <nil>: Invalid value: "": "spec" must validate all the schemas (allOf))"},
      {R"({"type":"integer","anyOf":[{"minimum":10},{"maximum":3}]})", "5",
       R"(<nil>: Invalid value: "": "spec" must validate at least one schema (anyOf); spec: Invalid value: 5: spec in body should be greater than or equal to 10)"},
      {R"({"type":"object","x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true})",
       R"({"kind":"X"})", "spec.apiVersion: Required value"},
  };
  for (const auto& [schema, value, violations] : cases) {
    std::vector<std::string> found = schemaOfSpec(schema)->validate(withSpec(value), nullptr);
    std::erase_if(found, [](const std::string& text) {
      return text.find("some validation rules were not checked") != std::string::npos;
    });
    EXPECT_EQ(fmt::format("{}", fmt::join(found, "; ")), violations) << schema << " " << value;
  }
}

TEST(SchemaTest, EvaluatesRules) {
  const auto schema = schemaOfSpec(R"({"type":"object","properties":{"min":{"type":"integer"},"max":{"type":"integer"},
      "kind":{"type":"string","x-kubernetes-validations":[{"rule":"self == oldSelf","message":"kind is immutable"}]},
      "items":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["n"],"items":{"type":"object","required":["n"],
          "properties":{"n":{"type":"string"},"v":{"type":"integer","x-kubernetes-validations":[{"rule":"self >= oldSelf"}]}}}}},
      "x-kubernetes-validations":[{"rule":"!has(self.min) || self.min <= self.max","message":"min above max","fieldPath":".min","reason":"FieldValueForbidden"},
          {"rule":"self.nobody.knows(1) "}]})");
  const auto check = [&](std::string_view spec, std::string_view old = "") {
    const json::object before = old.empty() ? json::object() : withSpec(old);
    return fmt::format("{}", fmt::join(schema->validate(withSpec(spec), old.empty() ? nullptr : &before), "; "));
  };
  EXPECT_EQ(check(R"({"min":1,"max":2})"), "");
  EXPECT_EQ(check(R"({"min":3,"max":2})"), "spec.min: Forbidden: min above max");
  EXPECT_EQ(check(R"({"min":3})"), "spec.min: Forbidden: no such key: max evaluating rule: min above max");
  EXPECT_EQ(check(R"({"kind":"b"})", R"({"kind":"a"})"), R"(spec.kind: Invalid value: "string": kind is immutable)");
  EXPECT_EQ(check(R"({"kind":"b"})", R"({})"), "") << "a transition needs both sides";
  EXPECT_EQ(check(R"({"items":[{"n":"x","v":1},{"n":"y","v":5}]})", R"({"items":[{"n":"y","v":5},{"n":"x","v":2}]})"),
            R"(spec.items[0].v: Invalid value: "integer": failed rule: self >= oldSelf)")
      << "items of a map are found by their keys";
  EXPECT_EQ(
      check(R"({"min":"x","kind":"a"})"),
      R"(spec.min: Invalid value: "string": spec.min in body must be of type integer: "string"; )"
      "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the "
      "existing errors to complete validation");
}

TEST(SchemaTest, AnUpdateMayKeepWhatIsInvalid) {
  const auto schema =
      schemaOfSpec(R"({"type":"object","properties":{"a":{"type":"string","maxLength":1},"b":{"type":"string"},
      "l":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}}}})");
  const json::object old = withSpec(R"({"a":"long","l":["x","x"]})");
  EXPECT_TRUE(schema->validate(withSpec(R"({"a":"long","b":"new","l":["x","x"]})"), &old).empty());
  EXPECT_FALSE(schema->validate(withSpec(R"({"a":"longer","l":["x","x"]})"), &old).empty());
}

TEST(SchemaTest, RefusesWhatIsNotStructural) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"({})", "type: Required value: must not be empty at the root"},
      {R"({"type":"string"})", "type: Invalid value: \"string\": must be object at the root"},
      {R"({"type":"object","properties":{"a":{}}})",
       "properties[a].type: Required value: must not be empty for specified object fields"},
      {R"({"type":"object","properties":{"a":{"type":"array"}}})",
       "properties[a].items: Required value: must be specified"},
      {R"({"type":"object","properties":{"a":{"type":"array","items":{}}}})",
       "properties[a].items.type: Required value: must not be empty for specified array items"},
      {R"({"type":"object","properties":{"a":{"type":"integer","anyOf":[{"type":"integer"}]}}})",
       "properties[a].anyOf[0].type: Forbidden: must be empty to be structural"},
      {R"({"type":"object","properties":{"a":{"type":"string","pattern":"("}}})",
       "properties[a].pattern: Invalid value: \"(\": must be a valid regular expression, but isn't: error parsing "
       "regexp: missing closing ): `(`"},
      {R"({"type":"object","properties":{"metadata":{"type":"object","properties":{"labels":{"type":"object"}}}}})",
       "properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is "
       "implicitly specified"},
      {R"({"type":"object","properties":{"a":{"type":"array","x-kubernetes-list-type":"map","items":{"type":"object"}}}})",
       "properties[a].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map"},
  };
  for (const auto& [schema, message] : cases) {
    const auto made = makeSchema(parseObject(schema));
    ASSERT_FALSE(made) << schema;
    EXPECT_EQ(made.error().message, message);
  }
}

TEST(BuiltinSchemaTest, KnowsItsKinds) {
  for (const auto& [group, version, kind] :
       {std::tuple("", "v1", "Pod"), std::tuple("apps", "v1", "Deployment"), std::tuple("batch", "v1", "Job"),
        std::tuple("autoscaling", "v2", "HorizontalPodAutoscaler"),
        std::tuple("apiextensions.k8s.io", "v1", "CustomResourceDefinition")}) {
    EXPECT_NE(builtinSchema(group, version, kind), nullptr) << kind;
  }
  EXPECT_EQ(builtinSchema("", "v1", "Nothing"), nullptr);
}

TEST(BuiltinSchemaTest, PrunesAndNormalizes) {
  json::object object =
      parseObject(R"({"metadata":{"name":"d","creationTimestamp":null},"spec":{"selector":{"matchLabels":{}},"typo":1,
      "template":{"spec":{"containers":[{"name":"c","image":"i","env":[],"resources":null,"volumeMounts":[{"name":"v","mountPath":"/x"}]}],
      "volumes":[{"name":"v","emptyDir":{}}],"nodeSelector":{}}}}})");
  const auto schema = builtinSchema("apps", "v1", "Deployment");
  ASSERT_NE(schema, nullptr);
  std::vector<std::string> unknown;
  schema->prune(object, unknown);
  EXPECT_EQ(unknown, std::vector<std::string>{"spec.typo"});
  schema->applyDefaults(object);
  EXPECT_EQ(json::serialize(*find(object, {"spec", "template", "spec"})),
            R"({"containers":[{"name":"c","image":"i","volumeMounts":[{"name":"v","mountPath":"/x"}],"resources":{}}],)"
            R"("volumes":[{"name":"v","emptyDir":{}}]})");
  EXPECT_EQ(json::serialize(*find(object, {"status"})), "{}") << "a struct is always written";
  const json::object once = object;
  schema->applyDefaults(object);
  EXPECT_EQ(object, once);
}

TEST(BuiltinSchemaTest, WritesZerosAsGoDoes) {
  // Found on a real kube-apiserver 1.34.
  const std::tuple<std::string_view, std::string_view, std::string_view> cases[] = {
      {"Deployment", R"({"spec":{"replicas":0,"minReadySeconds":0,"paused":false}})", R"({"replicas":0})"},
      {"Pod", R"({"spec":{"containers":[{"env":[{"name":"A","value":""}]}]}})",
       R"({"containers":[{"env":[{"name":"A"}]}]})"},
      {"Pod", R"({"spec":{"nodeSelector":{"a":null}}})", R"({"nodeSelector":{"a":""}})"},
      {"Pod", R"({"spec":{}})", R"({"containers":null})"},
  };
  for (const auto& [kind, given, written] : cases) {
    json::object object = parseObject(given);
    builtinSchema(kind == "Pod" ? "" : "apps", "v1", kind)->applyDefaults(object);
    const json::object wanted = parseObject(written);
    for (const auto& [key, value] : wanted) {
      const auto* found = find(object, {"spec", key});
      ASSERT_NE(found, nullptr) << key;
      if (key == "containers" && !value.is_null()) continue;  // see below
      EXPECT_EQ(*found, value) << given;
    }
    EXPECT_EQ(find(object, {"spec", "minReadySeconds"}), nullptr);
    EXPECT_EQ(find(object, {"spec", "paused"}), nullptr);
    if (kind == "Pod" && valueOfVariable(object) != nullptr) ADD_FAILURE() << "an empty value is written";
  }
}

TEST(BuiltinSchemaTest, NamesWhatCanNotBeDecoded) {
  const auto schema = builtinSchema("apps", "v1", "Deployment");
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"({"spec":{"replicas":"3"}})",
       "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"},
      {R"({"spec":{"replicas":1.5}})",
       "json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32"},
      {R"({"spec":{"template":{"spec":{"containers":{}}}}})",
       "json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type "
       "[]v1.Container"},
      {R"({"spec":{"template":{"spec":{"containers":[{"ports":[{"containerPort":"80"}]}]}}}})",
       "json: cannot unmarshal string into Go struct field "
       "ContainerPort.spec.template.spec.containers.ports.containerPort of type int32"},
      {R"({"metadata":{"labels":{"a":1}}})",
       "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string"},
      {R"({"spec":{"strategy":{"rollingUpdate":{"maxSurge":true}}}})",
       "json: cannot unmarshal bool into Go value of type int32"},
      {R"({"spec":{"template":{"spec":{"containers":[{"resources":{"limits":{"cpu":"lots"}}}]}}}})",
       "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"},
      {R"({"spec":{"replicas":3,"strategy":{"rollingUpdate":{"maxSurge":"25%"}}}})", ""},
  };
  for (const auto& [object, message] : cases)
    EXPECT_EQ(schema->mistyped(parseObject(object)).value_or(""), message) << object;
}

}  // namespace
}  // namespace crossfade::local
