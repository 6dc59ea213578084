// Server-side apply and the bookkeeping of field owners.
#include "local/patch.hpp"
#include "unit/local/registry_fixture.hpp"

namespace crossfade::local {
namespace {

class ApplyTest : public RegistryFixture {
 protected:
  const ResourceType& deployments() { return type("apps", "deployments"); }

  // As the REST face does it.
  Result<Object> apply(const ResourceType& kind, std::string_view name, std::string_view text, std::string_view manager,
                       bool force = false) {
    json::object applied = parseObject(text);
    applied["apiVersion"] = kind.apiVersion();
    applied["kind"] = kind.kind;
    json::object& metadata = ensureObject(applied, {"metadata"});
    metadata["name"] = name;
    metadata["namespace"] = "default";
    const auto live = registry.get(kind, "default", name);
    auto merged = serverSideApply(live ? **live : json::object(), applied, registry.schema(kind), manager, force,
                                  formatTime(loop.clock().now()));
    if (!merged) return fail(merged.error());
    const WriteOptions options{.fields_tracked = true};
    return live ? registry.update(kind, "default", name, Subresource::none, std::move(*merged), options)
                : registry.create(kind, "default", std::move(*merged), options);
  }
  // "manager operation fieldsV1", one a line.
  static std::string owners(const Object& object) {
    std::string lines;
    const auto* entries = getArray(*object, {"metadata", "managedFields"});
    if (entries == nullptr) return lines;
    for (const auto& entry : *entries) {
      const json::object& item = entry.get_object();
      lines += fmt::format("{} {}{}{} {}\n", getString(item, {"manager"}), getString(item, {"operation"}),
                           getString(item, {"subresource"}).empty() ? "" : "/", getString(item, {"subresource"}),
                           json::serialize(*find(item, {"fieldsV1"})));
    }
    return lines;
  }
  std::string message(const Result<Object>& result) { return result ? "accepted" : result.error().message; }
};

constexpr std::string_view web =
    R"({"metadata":{"labels":{"app":"web"}},"spec":{"replicas":2,"selector":{"matchLabels":{"app":"web"}},
    "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"v1","ports":[{"containerPort":80}]}]}}}})";

TEST_F(ApplyTest, CreatesAndOwnsWhatItSays) {
  const auto made = apply(deployments(), "web", web, "me");
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(
      owners(*made),
      R"(me Apply {"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:replicas":{},"f:selector":{},"f:template":{"f:metadata":{"f:labels":{"f:app":{}}},)"
      R"("f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:name":{},"f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":)"
      R"({".":{},"f:containerPort":{}}}}}}}}})"
      "\n");
  EXPECT_EQ(getInt(**made, {"spec", "revisionHistoryLimit"}), 10) << "defaults come, and belong to nobody";
  const auto* entry = &getArray(**made, {"metadata", "managedFields"})->at(0).as_object();
  EXPECT_EQ(getString(*entry, {"time"}), "2024-01-01T00:00:00Z");
  EXPECT_EQ(getString(*entry, {"fieldsType"}), "FieldsV1");
}

TEST_F(ApplyTest, ApplyingTheSameAgainWritesNothing) {
  ASSERT_TRUE(apply(deployments(), "web", web, "me"));
  const std::uint64_t before = registry.resourceVersion();
  loop.run(seconds(10));
  ASSERT_TRUE(apply(deployments(), "web", web, "me"));
  EXPECT_EQ(registry.resourceVersion(), before);
}

TEST_F(ApplyTest, RemovesWhatIsNoLongerApplied) {
  ASSERT_TRUE(apply(configMaps(), "c", R"({"metadata":{"labels":{"x":"1","y":"1"}},"data":{"a":"1","b":"1"}})", "me"));
  ASSERT_TRUE(apply(configMaps(), "c", R"({"data":{"b":"1","z":"9"}})", "other"));
  const auto left = apply(configMaps(), "c", R"({"metadata":{"labels":{"x":"1"}},"data":{}})", "me");
  ASSERT_TRUE(left) << left.error().message;
  EXPECT_EQ(json::serialize(*find(**left, {"data"})), R"({"b":"1","z":"9"})") << "what another one owns too stays";
  EXPECT_EQ(json::serialize(*find(**left, {"metadata", "labels"})), R"({"x":"1"})");
}

TEST_F(ApplyTest, RemovesItemsOfLists) {
  ASSERT_TRUE(
      apply(deployments(), "web",
            R"({"spec":{"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},
                        "spec":{"containers":[{"name":"c","image":"v1"},{"name":"sidecar","image":"s","env":[{"name":"A","value":"1"}]}]}}}})",
            "me"));
  const auto changed = apply(deployments(), "web", web, "me");
  ASSERT_TRUE(changed) << changed.error().message;
  const auto* containers = getArray(**changed, {"spec", "template", "spec", "containers"});
  ASSERT_EQ(containers->size(), 1U) << json::serialize(*containers);
  EXPECT_EQ(getString(containers->at(0).as_object(), {"name"}), "c");
}

TEST_F(ApplyTest, ConflictsNameManagersAndFields) {
  ASSERT_TRUE(apply(deployments(), "web", web, "me"));
  const std::string_view other = R"({"spec":{"replicas":5}})";
  EXPECT_EQ(message(apply(deployments(), "web", other, "other")),
            R"(Apply failed with 1 conflict: conflict with "me": .spec.replicas)");
  ASSERT_TRUE(registry.modify(deployments(), "default", "web", Subresource::none,
                              [](json::object& object) {
                                auto& container =
                                    find(object, {"spec", "template", "spec", "containers"})->as_array()[0].as_object();
                                container["image"] = "v2";
                              },
                              {.field_manager = "editor"}));
  EXPECT_EQ(
      message(apply(deployments(), "web", web, "me")),
      R"(Apply failed with 1 conflict: conflict with "editor" using apps/v1: .spec.template.spec.containers[name="c"].image)");
  const auto both =
      apply(deployments(), "web",
            R"({"spec":{"replicas":5,"template":{"spec":{"containers":[{"name":"c","image":"v3"}]}}}})", "other");
  EXPECT_EQ(message(both),
            "Apply failed with 2 conflicts: conflicts with \"editor\" using apps/v1:\n- "
            ".spec.template.spec.containers[name=\"c\"].image\n"
            "conflicts with \"me\":\n- .spec.replicas");
  EXPECT_EQ(both.error().code, ErrorCode::conflict);

  const auto forced = apply(deployments(), "web", other, "other", true);
  ASSERT_TRUE(forced);
  EXPECT_EQ(getInt(**forced, {"spec", "replicas"}), 5);
  EXPECT_NE(owners(*forced).find(R"(other Apply {"f:spec":{"f:replicas":{}}})"), std::string::npos) << owners(*forced);
  // The same value is shared, not fought over.
  EXPECT_TRUE(apply(deployments(), "web", other, "third"));
}

TEST_F(ApplyTest, TakesAtomicListsAndMapsAsAWhole) {
  ASSERT_TRUE(apply(deployments(), "web", web, "me"));
  const auto refused = apply(deployments(), "web", R"({"spec":{"selector":{"matchLabels":{"other":"x"}}}})", "other");
  EXPECT_EQ(message(refused), R"(Apply failed with 1 conflict: conflict with "me": .spec.selector)");
}

TEST_F(ApplyTest, KeepsTheOrderOfWhoApplies) {
  ASSERT_TRUE(apply(configMaps(), "c",
                    R"({"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"a","uid":"a"},
      {"apiVersion":"v1","kind":"Node","name":"b","uid":"b"}]}})",
                    "me"));
  const auto changed = apply(configMaps(), "c",
                             R"({"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"c","uid":"c"},
      {"apiVersion":"v1","kind":"Node","name":"a","uid":"a"}]}})",
                             "other");
  ASSERT_TRUE(changed) << changed.error().message;
  std::string order;
  for (const auto& owner : *getArray(**changed, {"metadata", "ownerReferences"}))
    order += getString(owner.as_object(), {"uid"});
  EXPECT_EQ(order, "cab");
}

TEST_F(ApplyTest, RefusesWhatItCanNotMerge) {
  EXPECT_EQ(message(apply(deployments(), "web", R"({"spec":{"typo":1}})", "me")),
            ".spec.typo: field not declared in schema");
  EXPECT_EQ(message(apply(deployments(), "web",
                          R"({"spec":{"template":{"spec":{"containers":[{"name":"c"},{"name":"c"}]}}}})", "me")),
            ".spec.template.spec.containers: duplicate entries for key [name=\"c\"]");
  EXPECT_EQ(message(apply(deployments(), "web", R"({"metadata":{"managedFields":[]}})", "me")),
            "metadata.managedFields must be nil");
}

TEST_F(ApplyTest, CustomResourcesMergeByTheirSchema) {
  const ResourceType& widgets =
      serveWidgets(R"({"type":"object","properties":{"plain":{"type":"array","items":{"type":"string"}},
      "keyed":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["n"],
      "items":{"type":"object","required":["n"],"properties":{"n":{"type":"string"},"v":{"type":"integer"}}}},
      "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}})");
  ASSERT_TRUE(
      apply(widgets, "w", R"({"spec":{"plain":["a"],"keyed":[{"n":"x","v":1}],"free":{"a":{"b":1},"l":[1]}}})", "me"));
  const auto merged = apply(widgets, "w", R"({"spec":{"keyed":[{"n":"y","v":2}],"free":{"a":{"c":2}}}})", "other");
  ASSERT_TRUE(merged) << merged.error().message;
  EXPECT_EQ(json::serialize(*find(**merged, {"spec"})),
            R"({"plain":["a"],"keyed":[{"n":"x","v":1},{"n":"y","v":2}],"free":{"a":{"b":1,"c":2},"l":[1]}})");
  EXPECT_EQ(
      owners(*merged),
      R"(me Apply {"f:spec":{"f:free":{"f:a":{".":{},"f:b":{}},"f:l":{}},"f:keyed":{"k:{\"n\":\"x\"}":{".":{},"f:n":{},"f:v":{}}},"f:plain":{}}})"
      "\n"
      R"(other Apply {"f:spec":{"f:free":{"f:a":{".":{},"f:c":{}}},"f:keyed":{"k:{\"n\":\"y\"}":{".":{},"f:n":{},"f:v":{}}}}})"
      "\n");
  EXPECT_EQ(message(apply(widgets, "w", R"({"spec":{"plain":["b"]}})", "other")),
            R"(Apply failed with 1 conflict: conflict with "me": .spec.plain)");
}

TEST_F(ApplyTest, UpdatesOwnWhatTheyChange) {
  const auto made = registry.create(deployments(), "default",
                                    parseObject(R"({"metadata":{"name":"web","labels":{"app":"web"}},"spec":{
      "selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"c","image":"v1"}]}}}})"),
                                    {.field_manager = "maker"});
  ASSERT_TRUE(made);
  EXPECT_EQ(
      owners(*made),
      R"(maker Update {"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:progressDeadlineSeconds":{},"f:replicas":{},)"
      R"("f:revisionHistoryLimit":{},"f:selector":{},"f:strategy":{"f:rollingUpdate":{".":{},"f:maxSurge":{},"f:maxUnavailable":{}},"f:type":{}},)"
      R"("f:template":{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},)"
      R"("f:imagePullPolicy":{},"f:name":{},"f:resources":{},"f:terminationMessagePath":{},"f:terminationMessagePolicy":{}}},"f:dnsPolicy":{},)"
      R"("f:restartPolicy":{},"f:schedulerName":{},"f:securityContext":{},"f:terminationGracePeriodSeconds":{}}}}})"
      "\n");
  loop.run(seconds(5));
  const auto scaled = registry.modify(deployments(), "default", "web", Subresource::scale,
                                      [](json::object& scale) { scale["spec"].as_object()["replicas"] = 3; },
                                      {.field_manager = "scaler"});
  const auto status = registry.modify(deployments(), "default", "web", Subresource::status,
                                      [](json::object& object) { object["status"].as_object()["replicas"] = 3; },
                                      {.field_manager = "controller"});
  ASSERT_TRUE(scaled && status);
  const std::string all = owners(*status);
  EXPECT_EQ(all.substr(all.find("maker Update"), 400).find("f:replicas"), std::string::npos)
      << "the maker lost it: " << all;
  EXPECT_NE(all.find(R"(scaler Update/scale {"f:spec":{"f:replicas":{}}})"), std::string::npos) << all;
  EXPECT_NE(all.find(R"(controller Update/status {"f:status":{"f:replicas":{}}})"), std::string::npos) << all;
}

TEST_F(ApplyTest, ForgetsOwnersWhenTold) {
  makeConfigMap("a", R"(,"labels":{"x":"y"})");
  const auto forgot = registry.modify(configMaps(), "default", "a", Subresource::none, [](json::object& object) {
    object["metadata"].as_object()["managedFields"] = json::array{json::object()};
    object["data"] = json::object{{"k", "v"}};
  });
  ASSERT_TRUE(forgot);
  EXPECT_EQ(owners(*forgot), "");
  // The first apply then finds what was there before.
  const auto applied = apply(configMaps(), "a", R"({"data":{"n":"1"}})", "me");
  ASSERT_TRUE(applied);
  EXPECT_NE(
      owners(*applied).find(
          R"(before-first-apply Update {"f:data":{".":{},"f:k":{}},"f:metadata":{"f:labels":{".":{},"f:x":{}}}})"),
      std::string::npos)
      << owners(*applied);
}

TEST_F(ApplyTest, NobodyOwnsWhatNobodyOwnedFromTheStart) {
  makeConfigMap("a");
  const auto changed = registry.modify(configMaps(), "default", "a", Subresource::none,
                                       [](json::object& object) { object["data"] = json::object{{"k", "v"}}; });
  EXPECT_EQ(owners(*changed), "");
}

TEST_F(ApplyTest, MergesTheOldestOfManyUpdaters) {
  makeConfigMap("a", R"(,"labels":{"x":"y"})");
  for (int i = 0; i < 20; ++i) {
    loop.run(seconds(1));
    ASSERT_TRUE(
        registry.modify(configMaps(), "default", "a", Subresource::none,
                        [i](json::object& object) { ensureObject(object, {"data"})[fmt::format("k{}", i)] = "v"; },
                        {.field_manager = fmt::format("m{:02}", i)}));
  }
  const Object object = *registry.get(configMaps(), "default", "a");
  EXPECT_EQ(getArray(*object, {"metadata", "managedFields"})->size(), 10U);
  EXPECT_TRUE(owners(object).starts_with("ancient-changes Update ")) << owners(object);
}

}  // namespace
}  // namespace crossfade::local
