// CustomResourceDefinitions: what they make the registry serve, what it refuses, and how they end.
#include "local/embedded.hpp"
#include "unit/local/registry_fixture.hpp"

namespace crossfade::local {
namespace {

class CustomResourcesTest : public RegistryFixture {
 protected:
  const ResourceType& definitions() { return type("apiextensions.k8s.io", "customresourcedefinitions"); }
  // The message of a refused write to a Widget with this spec.
  std::string refusal(const ResourceType& widgets, std::string_view object) {
    const auto made = registry.create(widgets, "default", parseObject(object), {.dry_run = true});
    return made ? "accepted" : made.error().message;
  }
};

TEST_F(CustomResourcesTest, ServesWhatADefinitionSays) {
  const ResourceType& widgets = serveWidgets(
      R"({"type":"object","properties":{"size":{"type":"integer","default":3},"name":{"type":"string"}}})",
      R"("subresources":{"status":{},"scale":{"specReplicasPath":".spec.size","statusReplicasPath":".status.size"}},)");
  EXPECT_EQ(widgets.apiVersion(), "example.com/v1");
  EXPECT_EQ(widgets.singular, "widget");
  EXPECT_TRUE(widgets.has_status && widgets.has_scale && widgets.custom && !widgets.unconditional_update);

  const auto definition = registry.get(definitions(), "", "widgets.example.com");
  ASSERT_TRUE(definition);
  EXPECT_EQ(getString(**definition, {"spec", "names", "listKind"}), "WidgetList");
  EXPECT_EQ(json::serialize(*find(**definition, {"status", "storedVersions"})), R"(["v1"])");
  const auto* conditions = getArray(**definition, {"status", "conditions"});
  ASSERT_TRUE(conditions != nullptr && conditions->size() == 2U);
  EXPECT_EQ(getString((*conditions)[1].get_object(), {"type"}), "Established");

  WriteReport report;
  const auto made =
      registry.create(widgets, "default",
                      parseObject(R"({"metadata":{"name":"w"},"spec":{"name":"x","colour":"red"},"status":{"a":1}})"),
                      {.report = &report});
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(report.unknown_fields, std::vector<std::string>{"spec.colour"});
  EXPECT_EQ(json::serialize(*find(**made, {"spec"})), R"({"name":"x","size":3})");
  EXPECT_EQ(find(**made, {"status"}), nullptr) << "a create can't set the status";
  EXPECT_EQ(getInt(*registry.scale(widgets, "default", "w"), {"spec", "replicas"}), 3);
  const auto status = registry.modify(widgets, "default", "w", Subresource::status,
                                      [](json::object& object) { object["status"] = json::object{{"b", 2}}; });
  ASSERT_TRUE(status);
  EXPECT_EQ(getInt(**status, {"status", "b"}), 2);
  EXPECT_EQ(getInt(**status, {"metadata", "generation"}), 1);
}

TEST_F(CustomResourcesTest, RefusesInTheServersWords) {
  const ResourceType& widgets = serveWidgets(
      R"({"type":"object","required":["name"],"properties":{"size":{"type":"integer","minimum":1,"maximum":5},
          "name":{"type":"string","pattern":"^[a-z]+$","maxLength":4},"mode":{"type":"string","enum":["a","b"]}}})");
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"({"size":2})", "spec.name: Required value"},
      {R"({"name":"x","size":"two"})",
       R"(spec.size: Invalid value: "string": spec.size in body must be of type integer: "string")"},
      {R"({"name":"x","size":0})",
       "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1"},
      {R"({"name":"x","size":6})", "spec.size: Invalid value: 6: spec.size in body should be less than or equal to 5"},
      {R"({"name":"X"})", R"(spec.name: Invalid value: "X": spec.name in body should match '^[a-z]+$')"},
      {R"({"name":"xxxxx"})", "spec.name: Too long: may not be more than 4 bytes"},
      {R"({"name":"x","mode":"c"})", R"(spec.mode: Unsupported value: "c": supported values: "a", "b")"},
  };
  for (const auto& [spec, message] : cases) {
    const std::string said = refusal(widgets, fmt::format(R"({{"metadata":{{"name":"w"}},"spec":{}}})", spec));
    for (const std::string_view part : {std::string_view("Widget.example.com \"w\" is invalid: "), message}) {
      EXPECT_NE(said.find(part), std::string::npos) << said << "\nlacks " << part;
    }
  }
}

// The issue's bad input: a negative replica count, seen through the scale subresource.
TEST_F(CustomResourcesTest, RefusesAScaleThatIsNone) {
  const ResourceType& widgets = serveWidgets(
      R"({"type":"object","x-kubernetes-preserve-unknown-fields":true})",
      R"("subresources":{"scale":{"specReplicasPath":".spec.size","statusReplicasPath":".status.size"}},)");
  EXPECT_EQ(refusal(widgets, R"({"metadata":{"name":"w"},"spec":{"size":-1}})"),
            "Widget.example.com \"w\" is invalid: .spec.size: Invalid value: -1: should be a non-negative integer");
  EXPECT_EQ(refusal(widgets, R"({"metadata":{"name":"w"},"spec":{"size":"x"}})"),
            "Widget.example.com \"w\" is invalid: .spec.size: Invalid value: 0: .spec.size accessor error: x is of the "
            "type string, expected int64");
}

TEST_F(CustomResourcesTest, RefusesDefinitionsThatCanNotBeServed) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"({"metadata":{"name":"x"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"ws","kind":"W"},"versions":[]}})",
       R"(metadata.name: Invalid value: "x": must be spec.names.plural+"."+spec.group)"},
      {R"({"metadata":{"name":"ws.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"ws","kind":"W"},
           "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{}}}}}]}})",
       "spec.validation.openAPIV3Schema.properties[spec].type: Required value: must not be empty for specified "
       "object fields"},
      {R"({"metadata":{"name":"ws.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"ws","kind":"W"},
           "versions":[{"name":"v1","served":true,"storage":false,"schema":{"openAPIV3Schema":{"type":"object"}}}]}})",
       "spec.versions: Invalid value: "},
  };
  for (const auto& [definition, message] : cases) {
    const auto made = registry.create(definitions(), "", parseObject(definition));
    ASSERT_FALSE(made) << definition;
    EXPECT_NE(made.error().message.find(message), std::string::npos) << made.error().message;
  }
}

TEST_F(CustomResourcesTest, ADeletedDefinitionTakesItsObjectsAlong) {
  const ResourceType& widgets = serveWidgets(R"({"type":"object"})");
  make(widgets, R"({"metadata":{"name":"free"}})");
  make(widgets, R"({"metadata":{"name":"held","finalizers":["example.com/x"]}})");
  ASSERT_TRUE(registry.remove(definitions(), "", "widgets.example.com"));
  EXPECT_FALSE(exists(widgets, "free"));
  EXPECT_TRUE(exists(widgets, "held"));
  EXPECT_TRUE(exists(definitions(), "widgets.example.com"));
  ASSERT_TRUE(registry.modify(widgets, "default", "held", Subresource::none,
                              [](json::object& object) { object["metadata"].as_object().erase("finalizers"); }));
  EXPECT_FALSE(exists(definitions(), "widgets.example.com"));
  EXPECT_EQ(registry.resource("example.com", "widgets"), nullptr);
  const auto late = registry.create(widgets, "default", parseObject(R"({"metadata":{"name":"late"}})"));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().message, "the server could not find the requested resource");

  // Once more under the same name: a new kind.
  serveWidgets(R"({"type":"object"})");
  EXPECT_NE(registry.resource("example.com", "widgets"), nullptr);
}

TEST_F(CustomResourcesTest, ServesTheEmbeddedDefinitions) {
  const auto list = parseJson(embedded("crds.json"));
  ASSERT_TRUE(list);
  const auto* items = getArray(list->as_object(), {"items"});
  ASSERT_TRUE(items != nullptr && items->size() >= 12U);
  for (const auto& item : *items) {
    const auto made = registry.create(definitions(), "", item.as_object());
    EXPECT_TRUE(made) << getString(item.as_object(), {"metadata", "name"}) << ": " << made.error().message;
  }
  EXPECT_NE(registry.resource("argoproj.io", "rollouts"), nullptr);
  EXPECT_NE(registry.resource("gateway.networking.k8s.io", "httproutes"), nullptr);
}

// spec/01 §1.4: the selector of a Rollout may be added and removed, but never changed.
TEST_F(CustomResourcesTest, ARolloutsSelectorIsImmutable) {
  const auto list = parseJson(embedded("crds.json"));
  for (const auto& item : *getArray(list->as_object(), {"items"})) {
    if (getString(item.as_object(), {"metadata", "name"}) != "rollouts.argoproj.io") continue;
    ASSERT_TRUE(registry.create(definitions(), "", item.as_object()));
  }
  const ResourceType& rollouts = type("argoproj.io", "rollouts");
  make(rollouts, R"({"metadata":{"name":"r"},"spec":{"selector":{"matchLabels":{"a":"b"}},"strategy":{"canary":{}},
      "template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})");
  const auto change = [&](auto&& edit) {
    return registry.modify(rollouts, "default", "r", Subresource::none,
                           [&](json::object& object) { edit(object["spec"].as_object()); });
  };
  const auto changed =
      change([](json::object& spec) { spec["selector"].as_object()["matchLabels"].as_object()["a"] = "c"; });
  ASSERT_FALSE(changed);
  EXPECT_EQ(
      changed.error().message,
      "Rollout.argoproj.io \"r\" is invalid: spec.selector: Invalid value: \"object\": .spec.selector is immutable");
  EXPECT_TRUE(change([](json::object& spec) { spec["replicas"] = 3; }));
  EXPECT_TRUE(change([](json::object& spec) { spec.erase("selector"); }));
  EXPECT_TRUE(
      change([](json::object& spec) { spec["selector"] = json::object{{"matchLabels", json::object{{"a", "c"}}}}; }));
}

TEST_F(CustomResourcesTest, AStatusIsToldWhereItsOwnSchemaBegins) {
  const ResourceType& widgets = serveWidgets(
      R"({"type":"object"})",
      R"("subresources":{"status":{},"scale":{"specReplicasPath":".spec.size","statusReplicasPath":".status.size"}},)",
      R"({"type":"object","properties":{"phase":{"type":"string"},"size":{"type":"integer"}}})");
  ASSERT_TRUE(registry.create(widgets, "default", parseObject(R"({"metadata":{"name":"w"},"spec":{}})")));
  const auto refusal = [&](json::value status) -> std::string {
    const auto made = registry.modify(widgets, "default", "w", Subresource::status,
                                      [&status](json::object& object) { object["status"] = std::move(status); });
    return made ? "accepted" : made.error().message;
  };
  EXPECT_EQ(refusal(json::object{{"phase", 5}}),
            "Widget.example.com \"w\" is invalid: status.phase: Invalid value: \"integer\": phase in body must be of "
            "type string: \"integer\"");
  EXPECT_EQ(
      refusal("x"),
      "Widget.example.com \"w\" is invalid: [status: Invalid value: \"string\":  in body must be of type object: "
      "\"string\", .status.size: Invalid value: 0: .status.size accessor error: x is of the type string, expected "
      "map[string]interface{}]");
}

}  // namespace
}  // namespace crossfade::local
