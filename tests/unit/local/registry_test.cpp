// The registry's contract with its callers: versions, conflicts, generations, finalizers, events, selectors, dry runs.
#include "local/registry.hpp"
#include "local/label_selector.hpp"

#include "unit/local/registry_fixture.hpp"

namespace crossfade::local {
namespace {

using RegistryTest = RegistryFixture;

TEST_F(RegistryTest, CreatesWithWhatTheServerDecides) {
  const Object object = makeConfigMap("a");
  EXPECT_EQ(getString(*object, {"apiVersion"}), "v1");
  EXPECT_EQ(getString(*object, {"kind"}), "ConfigMap");
  EXPECT_EQ(getString(*object, {"metadata", "namespace"}), "default");
  EXPECT_EQ(getString(*object, {"metadata", "creationTimestamp"}), "2024-01-01T00:00:00Z");
  EXPECT_EQ(versionOf(object), std::to_string(registry.resourceVersion()));
  EXPECT_EQ(uid(object).size(), 36U);
  EXPECT_EQ(object->at("metadata").as_object().if_contains("generation"), nullptr);
}

TEST_F(RegistryTest, RefusesWhatTheServerRefuses) {
  struct Case {
    std::string_view ns, object;
    ErrorCode code;
    std::string_view message;
  };
  makeConfigMap("taken");
  const Case cases[] = {
      {"default", R"({"metadata":{"name":"taken"}})", ErrorCode::already_exists, "configmaps \"taken\" already exists"},
      {"nowhere", R"({"metadata":{"name":"a"}})", ErrorCode::not_found, "namespaces \"nowhere\" not found"},
      {"default", R"({"metadata":{"name":"a","namespace":"other"}})", ErrorCode::invalid,
       "the namespace of the provided object does not match the namespace sent on the request"},
      {"default", R"({"metadata":{"name":"a","resourceVersion":"4"}})", ErrorCode::invalid,
       "resourceVersion should not be set on objects to be created"},
      {"default", R"({"metadata":{}})", ErrorCode::invalid,
       "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required"},
      {"default", R"({"metadata":{"name":"a","labels":{"x":"-"}}})", ErrorCode::invalid,
       "ConfigMap \"a\" is invalid: metadata.labels: Invalid value: \"-\": a valid label must be an empty string or "
       "consist of alphanumeric "
       "characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
       "'my_value',  or '12345', regex "
       "used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"},
      {"default", R"({"metadata":{"name":"a"},"data":{"k":1}})", ErrorCode::invalid,
       "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: json: cannot unmarshal number into Go struct "
       "field ConfigMap.data of type "
       "string"},
  };
  for (const auto& [ns, object, code, message] : cases) {
    const auto made = registry.create(configMaps(), ns, parseObject(object));
    ASSERT_FALSE(made) << object;
    EXPECT_EQ(made.error().code, code) << object;
    EXPECT_EQ(made.error().message, message);
  }
}

TEST_F(RegistryTest, GeneratesNames) {
  const Object object = make(configMaps(), R"({"metadata":{"generateName":"web-"}})");
  EXPECT_TRUE(getString(*object, {"metadata", "name"}).starts_with("web-"));
  EXPECT_EQ(getString(*object, {"metadata", "name"}).size(), 9U);
  const Object cut = make(configMaps(), R"({"metadata":{"generateName":")" + std::string(70, 'a') + R"("}})");
  EXPECT_EQ(getString(*cut, {"metadata", "name"}).size(), 63U);
}

TEST_F(RegistryTest, UpdatesAreOptimistic) {
  const Object first = makeConfigMap("a");
  json::object copy = *first;
  copy["data"] = json::object{{"k", "1"}};
  const auto second = registry.update(configMaps(), "default", "a", Subresource::none, copy);
  ASSERT_TRUE(second);
  EXPECT_GT(std::stoull(std::string(versionOf(*second))), std::stoull(std::string(versionOf(first))));

  const auto stale = registry.update(configMaps(), "default", "a", Subresource::none, copy);
  ASSERT_FALSE(stale);
  EXPECT_EQ(stale.error().code, ErrorCode::conflict);
  EXPECT_EQ(stale.error().message,
            "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your "
            "changes to the latest version and "
            "try again");

  copy["metadata"].as_object().erase("resourceVersion");
  EXPECT_TRUE(registry.update(configMaps(), "default", "a", Subresource::none, copy));
  copy["metadata"].as_object()["uid"] = "other";
  const auto other = registry.update(configMaps(), "default", "a", Subresource::none, copy);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, ErrorCode::conflict);
}

TEST_F(RegistryTest, WritingWhatIsThereChangesNothing) {
  for (const std::string_view group : {"", "apps", "autoscaling", "batch", "apiextensions.k8s.io"}) {
    SCOPED_TRACE(group);
    const std::string_view plural = group.empty()            ? "services"
                                    : group == "apps"        ? "deployments"
                                    : group == "autoscaling" ? "horizontalpodautoscalers"
                                    : group == "batch"       ? "jobs"
                                                             : "customresourcedefinitions";
    const std::string_view text =
        group.empty() ? R"({"metadata":{"name":"a","labels":{}},"spec":{"ports":[{"port":80}],"selector":{}}})"
        : group == "apps"
            ? R"({"metadata":{"name":"a"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"},
                               "annotations":{}},"spec":{"containers":[{"name":"c","image":"i","env":[]}]}}}})"
        : group == "autoscaling"
            ? R"({"metadata":{"name":"a"},"spec":{"scaleTargetRef":{"kind":"Deployment","name":"a"},"maxReplicas":3}})"
        : group == "batch"
            ? R"({"metadata":{"name":"a"},"spec":{"template":{"spec":{"restartPolicy":"Never","containers":[{"name":"c","image":"i"}]}}}})"
            : R"({"metadata":{"name":"ws.x.y"},"spec":{"group":"x.y","scope":"Cluster","names":{"plural":"ws","kind":"W"},
                                "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object"}}}]}})";
    const ResourceType& kind = type(group, plural);
    make(kind, text);
    const std::string name = group == "apiextensions.k8s.io" ? "ws.x.y" : "a";
    const std::uint64_t before = registry.resourceVersion();
    for (const Subresource part : {Subresource::none, Subresource::status}) {
      ASSERT_TRUE(registry.modify(kind, kind.namespaced ? "default" : "", name, part, [](json::object&) {}));
      EXPECT_EQ(registry.resourceVersion(), before)
          << json::serialize(**registry.get(kind, kind.namespaced ? "default" : "", name));
    }
  }
}

TEST_F(RegistryTest, GenerationRisesWithTheSpec) {
  const ResourceType& kind = type("apps", "deployments");
  make(
      kind,
      R"({"metadata":{"name":"a"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},
                 "spec":{"containers":[{"name":"c","image":"i"}]}}}})");
  const auto generation = [&](const Result<Object>& object) { return getInt(**object, {"metadata", "generation"}); };
  EXPECT_EQ(generation(registry.get(kind, "default", "a")), 1);
  const auto label = registry.modify(kind, "default", "a", Subresource::none, [](json::object& object) {
    ensureObject(object, {"metadata", "labels"})["x"] = "y";
  });
  EXPECT_EQ(generation(label), 1);
  const auto spec = registry.modify(kind, "default", "a", Subresource::none,
                                    [](json::object& object) { object["spec"].as_object()["replicas"] = 3; });
  EXPECT_EQ(generation(spec), 2);
  const auto status = registry.modify(kind, "default", "a", Subresource::status, [](json::object& object) {
    object["status"] = json::object{{"replicas", 3}};
    object["spec"].as_object()["replicas"] = 9;
  });
  EXPECT_EQ(generation(status), 2);
  EXPECT_EQ(getInt(**status, {"spec", "replicas"}), 3) << "the status subresource writes the status only";
  const auto main = registry.modify(kind, "default", "a", Subresource::none,
                                    [](json::object& object) { object["status"] = json::object(); });
  EXPECT_EQ(getInt(**main, {"status", "replicas"}), 3) << "the main resource leaves the status alone";
  const auto annotation = registry.modify(kind, "default", "a", Subresource::none, [](json::object& object) {
    ensureObject(object, {"metadata", "annotations"})["x"] = "y";
  });
  EXPECT_EQ(generation(annotation), 3) << "a Deployment's annotations count";
}

TEST_F(RegistryTest, AStatusWriteTakesMetadataOfBuiltinKindsAlong) {
  const ResourceType& kind = type("apps", "deployments");
  make(
      kind,
      R"({"metadata":{"name":"a","labels":{"l":"1"}},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},
                 "spec":{"containers":[{"name":"c","image":"i"}]}}}})");
  const auto written = registry.modify(kind, "default", "a", Subresource::status, [](json::object& object) {
    ensureObject(object, {"metadata", "annotations"})["deployment.kubernetes.io/revision"] = "1";
    ensureObject(object, {"metadata", "labels"})["l"] = "2";
  });
  ASSERT_TRUE(written);
  EXPECT_EQ(getString(**written, {"metadata", "annotations", "deployment.kubernetes.io/revision"}), "1");
  EXPECT_EQ(getString(**written, {"metadata", "labels", "l"}), "1") << "but not a Deployment's labels";
  EXPECT_EQ(getInt(**written, {"metadata", "generation"}), 1);

  const ResourceType& widgets = serveWidgets(R"({"type":"object"})");
  make(widgets, R"({"metadata":{"name":"w"}})");
  const auto custom = registry.modify(widgets, "default", "w", Subresource::status, [](json::object& object) {
    ensureObject(object, {"metadata", "annotations"})["x"] = "y";
    object["status"] = json::object{{"n", 1}};
  });
  ASSERT_TRUE(custom);
  EXPECT_EQ(find(**custom, {"metadata", "annotations"}), nullptr) << "custom resources change their status only";
}

TEST_F(RegistryTest, ScalesThroughTheSubresource) {
  const ResourceType& kind = type("apps", "deployments");
  make(
      kind,
      R"({"metadata":{"name":"a"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},
                 "spec":{"containers":[{"name":"c","image":"i"}]}}}})");
  const auto scale = registry.scale(kind, "default", "a");
  ASSERT_TRUE(scale);
  EXPECT_EQ(getInt(*scale, {"spec", "replicas"}), 1);
  EXPECT_EQ(getString(*scale, {"status", "selector"}), "a=b");
  const auto scaled = registry.modify(kind, "default", "a", Subresource::scale,
                                      [](json::object& object) { object["spec"].as_object()["replicas"] = 4; });
  ASSERT_TRUE(scaled);
  EXPECT_EQ(getInt(**scaled, {"spec", "replicas"}), 4);
  EXPECT_EQ(getInt(**scaled, {"metadata", "generation"}), 2);
  const auto refused = registry.modify(kind, "default", "a", Subresource::scale,
                                       [](json::object& object) { object["spec"].as_object()["replicas"] = -1; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "Scale.autoscaling \"a\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0");
  EXPECT_EQ(registry.scale(configMaps(), "default", "a").error().code, ErrorCode::not_found);
}

TEST_F(RegistryTest, FinalizersHoldADeletion) {
  makeConfigMap("a", R"(,"finalizers":["example.com/x"])");
  const auto marked = registry.remove(configMaps(), "default", "a");
  ASSERT_TRUE(marked);
  EXPECT_EQ(getString(**marked, {"metadata", "deletionTimestamp"}), "2024-01-01T00:00:00Z");
  EXPECT_EQ(getInt(**marked, {"metadata", "deletionGracePeriodSeconds"}, -1), 0);
  EXPECT_TRUE(exists(configMaps(), "a"));

  const auto added = registry.modify(configMaps(), "default", "a", Subresource::none, [](json::object& object) {
    object["metadata"].as_object()["finalizers"].as_array().emplace_back("example.com/y");
  });
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().message,
            "ConfigMap \"a\" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object "
            "is being deleted, found new "
            "finalizers []string{\"example.com/y\"}");
  ASSERT_TRUE(registry.modify(configMaps(), "default", "a", Subresource::none,
                              [](json::object& object) { object["metadata"].as_object().erase("finalizers"); }));
  EXPECT_FALSE(exists(configMaps(), "a"));
}

TEST_F(RegistryTest, PreconditionsGuardADeletion) {
  const Object object = makeConfigMap("a");
  const auto wrong_uid =
      registry.remove(configMaps(), "default", "a",
                      {.propagation = {}, .uid = "x", .resource_version = {}, .grace_period_seconds = {}});
  ASSERT_FALSE(wrong_uid);
  EXPECT_EQ(wrong_uid.error().code, ErrorCode::conflict);
  const auto wrong_version =
      registry.remove(configMaps(), "default", "a",
                      {.propagation = {}, .uid = {}, .resource_version = "1", .grace_period_seconds = {}});
  ASSERT_FALSE(wrong_version);
  EXPECT_EQ(wrong_version.error().code, ErrorCode::conflict);
  EXPECT_TRUE(registry.remove(configMaps(), "default", "a",
                              {.propagation = {},
                               .uid = uid(object),
                               .resource_version = std::string(versionOf(object)),
                               .grace_period_seconds = {}}));
  const auto gone = registry.remove(configMaps(), "default", "a");
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().message, "configmaps \"a\" not found");
}

TEST_F(RegistryTest, APodWaitsForItsGracePeriod) {
  const ResourceType& pods = type("", "pods");
  make(pods, R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}})");
  ASSERT_TRUE(registry.modify(pods, "default", "p", Subresource::none,
                              [](json::object& pod) { pod["spec"].as_object()["nodeName"] = "n"; }));
  const auto marked = registry.remove(pods, "default", "p");
  ASSERT_TRUE(marked);
  EXPECT_EQ(getString(**marked, {"metadata", "deletionTimestamp"}), "2024-01-01T00:00:30Z");
  EXPECT_EQ(getInt(**marked, {"metadata", "deletionGracePeriodSeconds"}), 30);
  const auto shorter = registry.remove(
      pods, "default", "p", {.propagation = {}, .uid = {}, .resource_version = {}, .grace_period_seconds = 5});
  EXPECT_EQ(getInt(**shorter, {"metadata", "deletionGracePeriodSeconds"}), 5);
  ASSERT_TRUE(registry.remove(pods, "default", "p",
                              {.propagation = {}, .uid = {}, .resource_version = {}, .grace_period_seconds = 0}));
  EXPECT_FALSE(exists(pods, "p"));
}

TEST_F(RegistryTest, DryRunsStoreNothing) {
  const std::uint64_t before = registry.resourceVersion();
  const WriteOptions dry{.dry_run = true};
  EXPECT_TRUE(registry.create(configMaps(), "default", parseObject(R"({"metadata":{"name":"a"}})"), dry));
  EXPECT_FALSE(exists(configMaps(), "a"));
  makeConfigMap("b");
  const auto changed = registry.modify(
      configMaps(), "default", "b", Subresource::none,
      [](json::object& object) { object["data"] = json::object{{"k", "v"}}; }, dry);
  ASSERT_TRUE(changed);
  EXPECT_EQ(getString(**changed, {"data", "k"}), "v");
  EXPECT_TRUE(registry.remove(
      configMaps(), "default", "b",
      {.propagation = {}, .uid = {}, .resource_version = {}, .grace_period_seconds = {}, .dry_run = true}));
  EXPECT_EQ(registry.resourceVersion(), before + 1);
}

TEST_F(RegistryTest, ListsByNamespaceAndSelectorInOrder) {
  make(type("", "namespaces"), R"({"metadata":{"name":"other"}})");
  makeConfigMap("b", R"(,"labels":{"app":"x"})");
  makeConfigMap("a", R"(,"labels":{"app":"y"})");
  ASSERT_TRUE(registry.create(configMaps(), "other", parseObject(R"({"metadata":{"name":"a","labels":{"app":"x"}}})")));
  const auto names = [&](std::string_view ns, std::string_view selector) {
    std::string all;
    for (const Object& object : registry.list(configMaps(), ns, *parseLabelSelector(selector))) {
      all += fmt::format("{}/{} ", getString(*object, {"metadata", "namespace"}),
                         getString(*object, {"metadata", "name"}));
    }
    return all;
  };
  EXPECT_EQ(names("", ""), "default/a default/b other/a ");
  EXPECT_EQ(names("default", ""), "default/a default/b ");
  EXPECT_EQ(names("", "app=x"), "default/b other/a ");
  EXPECT_EQ(names("other", "app!=x"), "");
}

TEST_F(RegistryTest, SubscribersSeeEveryCommitInOrder) {
  std::vector<std::string> seen;
  const auto subscription = registry.subscribe(&configMaps(), [&](const ResourceType&, const Event& event) {
    const std::string name(getString(*event.object, {"metadata", "name"}));
    seen.push_back(fmt::format("{} {}", name, static_cast<int>(event.type)));
    EXPECT_EQ(event.previous == nullptr, event.type == Event::Type::added);
    // A write from within: what follows from it comes after this event.
    if (event.type == Event::Type::added && name == "a") makeConfigMap("b");
    seen.push_back(name + " done");
  });
  makeConfigMap("a");
  ASSERT_TRUE(registry.modify(configMaps(), "default", "a", Subresource::none,
                              [](json::object& object) { object["data"] = json::object{{"k", "v"}}; }));
  ASSERT_TRUE(registry.remove(configMaps(), "default", "a"));
  EXPECT_EQ(seen, (std::vector<std::string>{"a 0", "a done", "b 0", "b done", "a 1", "a done", "a 2", "a done"}));
}

TEST_F(RegistryTest, RemembersEventsUntilCompacted) {
  const Object first = makeConfigMap("a");
  const std::uint64_t start = registry.resourceVersion();
  ASSERT_TRUE(registry.modify(configMaps(), "default", "a", Subresource::none,
                              [](json::object& object) { object["data"] = json::object{{"k", "v"}}; }));
  makeConfigMap("b");
  ASSERT_TRUE(registry.remove(configMaps(), "default", "a"));
  const auto events = registry.eventsSince(configMaps(), start);
  ASSERT_TRUE(events);
  ASSERT_EQ(events->size(), 3U);
  EXPECT_EQ((*events)[0].type, Event::Type::modified);
  EXPECT_EQ((*events)[2].type, Event::Type::deleted);
  EXPECT_EQ(versionOf((*events)[2].object), std::to_string(registry.resourceVersion()))
      << "a deletion has a version of its own";

  const auto past = registry.listAt(configMaps(), "", start);
  ASSERT_TRUE(past);
  ASSERT_EQ(past->size(), 1U);
  EXPECT_EQ(*past->front(), *first);

  registry.compact();
  const auto gone = registry.eventsSince(configMaps(), start);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, ErrorCode::gone);
  EXPECT_EQ(gone.error().message,
            fmt::format("too old resource version: {} ({})", start, registry.oldestResourceVersion(configMaps())));
  EXPECT_TRUE(registry.eventsSince(configMaps(), registry.resourceVersion()));
}

}  // namespace
}  // namespace crossfade::local
