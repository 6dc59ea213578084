// Traefik, SMI, Ambassador, App Mesh and APISIX on their objects: spec/05 §8 to §12 and the worked cases of §16.3.
#include "support/router_case.hpp"
#include "traffic/editing.hpp"

namespace crossfade::traffic {
namespace {

std::string textOf(const json::value* value) { return value == nullptr ? "absent" : json::serialize(*value); }

// "canary=10 stable=90": names and weights in a list.
std::string weightsOf(const json::array* list, std::initializer_list<std::string_view> name) {
  std::string text;
  for (const json::value& entry : list == nullptr ? json::array() : *list) {
    if (!text.empty()) text += " ";
    text += std::string(textAt(entry, name)) + "=" + textOf(find(entry, {"weight"}));
  }
  return text;
}

std::string errorOf(const Routing& routing) { return routing.error ? routing.error->message : "none"; }

std::string eventsOf(const Routing& routing) {
  std::string text;
  for (const EventNote& event : routing.events)
    text += std::string(event.warning ? "Warning " : "") + event.reason + ": " + event.message + "\n";
  return text;
}

// --- Traefik ---------------------------------------------------------------------------------------------------------

constexpr std::string_view traefik = R"({"traefik":{"weightedTraefikServiceName":"web"}})";

TEST(Traefik, SetsTwoWeightsAndTouchesNothingElse) {
  RouterCase test(traefik);
  test.put(
      "TraefikService", "web",
      R"({"spec":{"weighted":{"sticky":{"cookie":{}},"services":[{"name":"stable","port":80},{"name":"canary","port":80},
               {"name":"other","weight":3}]}}})");
  ASSERT_EQ(errorOf(test.setWeight(10)), "none");
  EXPECT_EQ(weightsOf(getArray(test.at("TraefikService/web"), {"spec", "weighted", "services"}), {"name"}),
            "stable=90 canary=10 other=3");
  EXPECT_NE(find(test.at("TraefikService/web"), {"spec", "weighted", "sticky"}), nullptr);
  test.view.max_weight = 1000;
  ASSERT_EQ(errorOf(test.setWeight(255)), "none");
  EXPECT_EQ(weightsOf(getArray(test.at("TraefikService/web"), {"spec", "weighted", "services"}), {"name"}),
            "stable=74 canary=26 other=3");
}

TEST(Traefik, SaysWhatIsMissing) {
  RouterCase test(traefik);
  EXPECT_EQ(errorOf(test.setWeight(10)), "traefikservices.traefik.io \"web\" not found");
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"({"spec":{}})", "spec.weighted.services was not found in traefik service manifest"},
      {R"({"spec":{"weighted":{"services":[{"name":"stable"}]}}})", "traefik canary service was not found"},
      {R"({"spec":{"weighted":{"services":[{"name":"canary"}]}}})", "traefik stable service was not found"},
      {R"({"spec":{"weighted":{"services":[{"weight":1},{"name":"canary"}]}}})", "name field was not found in service"},
      {R"({"spec":{"weighted":{"services":["x"]}}})", "Failed type assertion setting weight for traefik service"},
  };
  for (const auto& [object, error] : cases) {
    test.put("TraefikService", "web", object);
    const Routing routing = test.setWeight(10);
    EXPECT_EQ(errorOf(routing), error);
    EXPECT_TRUE(routing.weight_failed);
  }
}

// --- SMI -------------------------------------------------------------------------------------------------------------

TEST(Smi, MakesASplitOfItsOwnAndKeepsIt) {
  RouterSettings settings;
  settings.traffic_split_version = "v1alpha2";
  RouterCase test(R"({"smi":{"rootService":"root"}})", settings);
  ASSERT_EQ(errorOf(test.setWeight(10, {{"ex-1", "h", 5}})), "none");
  const json::object& split = test.at("TrafficSplit/ro");
  EXPECT_EQ(getString(split, {"apiVersion"}), "split.smi-spec.io/v1alpha2");
  EXPECT_EQ(getString(split, {"spec", "service"}), "root");
  EXPECT_EQ(weightsOf(getArray(split, {"spec", "backends"}), {"service"}), "canary=10 ex-1=5 stable=85");
  EXPECT_TRUE(getBool((*getArray(split, {"metadata", "ownerReferences"}))[0].as_object(), {"controller"}));
  ASSERT_EQ(errorOf(test.setWeight(20)), "none");
  EXPECT_EQ(weightsOf(getArray(test.at("TrafficSplit/ro"), {"spec", "backends"}), {"service"}), "canary=20 stable=80");
  ASSERT_EQ(errorOf(test.setWeight(90, {{"ex-1", "h", 20}})), "none");
  EXPECT_EQ(weightsOf(getArray(test.at("TrafficSplit/ro"), {"spec", "backends"}), {"service"}),
            "canary=90 ex-1=20 stable=0")
      << "never less than nothing";
}

// spec/05 §17 #22
TEST(Smi, OldVersionHasTexts) {
  RouterCase test(R"({"smi":{"trafficSplitName":"split"}})");
  ASSERT_EQ(errorOf(test.setWeight(10)), "none");
  EXPECT_EQ(weightsOf(getArray(test.at("TrafficSplit/split"), {"spec", "backends"}), {"service"}),
            "canary=\"10\" stable=\"90\"");
  EXPECT_EQ(getString(test.at("TrafficSplit/split"), {"spec", "service"}), "stable");
}

// spec/05 §17 #21
TEST(Smi, RefusesWhatIsNotItsOwn) {
  RouterCase test(R"({"smi":{}})");
  test.put("TrafficSplit", "ro", R"({"metadata":{"ownerReferences":[{"controller":true,"uid":"another"}]},"spec":{}})");
  EXPECT_EQ(errorOf(test.setWeight(10)), "Rollout does not own TrafficSplit `ro`");
  RouterSettings settings;
  settings.traffic_split_version = "v9";
  EXPECT_EQ(errorOf(RouterCase(R"({"smi":{}})", settings).setWeight(1)), "Unsupported TrafficSplit API version `v9`");
}

// --- Ambassador ------------------------------------------------------------------------------------------------------

constexpr std::string_view ambassador = R"({"ambassador":{"mappings":["app"]}})";
constexpr std::string_view mapping =
    R"({"apiVersion":"getambassador.io/v2","kind":"Mapping","metadata":{"labels":{"a":"b"}},"spec":{"prefix":"/app","service":"stable:8080"}})";

// spec/05 §16.3 #49, spec/05 §17 #24
TEST(Ambassador, CanaryMappingComesAndGoes) {
  RouterCase test(ambassador);
  test.put("Mapping", "app", mapping);
  test.view.now = parseTime("2024-01-01T00:00:00Z").value();
  EXPECT_TRUE(test.setWeight(0).changes.empty());
  const Routing made = test.setWeight(13);
  ASSERT_EQ(errorOf(made), "none");
  EXPECT_EQ(eventsOf(made), "CanaryMappingWeightUpdate: Set canary mapping weight to 13\n");
  const json::object& canary = test.at("Mapping/app-canary");
  EXPECT_EQ(textOf(find(canary, {"spec"})), R"({"prefix":"/app","service":"canary:8080","weight":13})");
  EXPECT_EQ(find(canary, {"metadata", "labels"}), nullptr);
  EXPECT_NE(find(canary, {"metadata", "ownerReferences"}), nullptr) << "it goes with the Rollout";
  ASSERT_EQ(errorOf(test.setWeight(20)), "none");
  EXPECT_EQ(getInt(test.at("Mapping/app-canary"), {"spec", "weight"}), 20);
  // Nothing, for five seconds, then it is gone; nobody waits for it.
  const Routing drained = test.setWeight(0);
  EXPECT_EQ(getInt(test.at("Mapping/app-canary"), {"spec", "weight"}), 0);
  EXPECT_EQ(drained.look_again, seconds(5));
  test.view.now += seconds(3);
  EXPECT_EQ(test.setWeight(0).look_again, seconds(2));
  test.view.now += seconds(2);
  const Routing gone = test.setWeight(0);
  EXPECT_FALSE(test.holds("Mapping/app-canary"));
  EXPECT_EQ(eventsOf(gone), "");
  EXPECT_TRUE(gone.changes.front().telling.is_forgiven);
}

TEST(Ambassador, SaysWhatIsWrong) {
  RouterCase test(R"({"ambassador":{"mappings":["app","web"]}})");
  const Routing none = test.setWeight(10);
  EXPECT_EQ(
      errorOf(none),
      "2 errors found: [mappings.getambassador.io \"app\" not found][mappings.getambassador.io \"web\" not found]");
  EXPECT_EQ(eventsOf(none),
            "Warning AmbassadorMappingNotFound: Ambassador mapping \"app\" not found\n"
            "Warning AmbassadorMappingNotFound: Ambassador mapping \"web\" not found\n");
  test.put("Mapping", "app", R"({"spec":{"service":"stable","weight":5}})");
  test.put("Mapping", "web", mapping);
  EXPECT_EQ(errorOf(test.setWeight(10)), "Ambassador mapping \"app\" can not define weight");
  EXPECT_TRUE(test.holds("Mapping/web-canary")) << "the others are done all the same";
}

TEST(Ambassador, NamesAndGroups) {
  RouterSettings settings;
  settings.ambassador_group = "x.getambassador.io";
  settings.ambassador_version = "v3alpha1";
  RouterCase test(R"({"ambassador":{"mappings":[")" + std::string(260, 'a') + R"("]}})", settings);
  const std::vector<ObjectRef> refs = test.router->reads(test.view, {});
  EXPECT_EQ(refs[0].kind.plural, "ambassadormappings");
  EXPECT_EQ(refs[1].name.size(), 253U);
  EXPECT_TRUE(refs[1].name.ends_with("a-canary"));
}

// --- App Mesh --------------------------------------------------------------------------------------------------------

constexpr std::string_view app_mesh =
    R"({"appMesh":{"virtualService":{"name":"svc","routes":["primary"]},
        "virtualNodeGroup":{"canaryVirtualNodeRef":{"name":"node-c"},"stableVirtualNodeRef":{"name":"node-s"}}}})";

// spec/05 §16.3 #48, spec/05 §17 #23
TEST(AppMesh, NodesNeverSelectTheSamePods) {
  struct Row {
    UpdateHash hashes;
    std::string_view stable, canary;
  };
  const Row rows[] = {
      {{"", "", {}}, "stable-hash", "canary-hash"}, {{"x", "x", {}}, "x", "canary-hash"}, {{"c", "s", {}}, "s", "c"}};
  RouterCase test(app_mesh);
  test.put("VirtualNode", "node-s", R"({"spec":{"podSelector":{"matchLabels":{"app":"web"}}}})");
  test.put("VirtualNode", "node-c", R"({"spec":{}})");
  for (const Row& row : rows) {
    ASSERT_EQ(errorOf(test.apply({row.hashes})), "none");
    const auto hash = [&](const char* node) {
      return getString(test.at(node), {"spec", "podSelector", "matchLabels", "rollouts-pod-template-hash"});
    };
    EXPECT_EQ(hash("VirtualNode/node-s"), row.stable);
    EXPECT_EQ(hash("VirtualNode/node-c"), row.canary);
    EXPECT_EQ(getString(test.at("VirtualNode/node-s"), {"spec", "podSelector", "matchLabels", "app"}), "web");
  }
}

TEST(AppMesh, WeightsInTheConfiguredRoutes) {
  RouterCase test(app_mesh);
  test.put("VirtualService", "svc",
           R"({"spec":{"provider":{"virtualRouter":{"virtualRouterRef":{"name":"router"}}}}})");
  const std::string targets =
      R"({"action":{"weightedTargets":[{"virtualNodeRef":{"name":"node-c"},"weight":0},{"virtualNodeRef":{"name":"node-s"},"weight":100},
          {"virtualNodeRef":{"name":"node-s","namespace":"other"},"weight":7}]}})";
  test.put("VirtualRouter", "router",
           R"({"spec":{"routes":[{"name":"primary","http2Route":)" + targets + R"(},{"name":"secondary","tcpRoute":)" +
               targets + "}]}}");
  ASSERT_EQ(errorOf(test.setWeight(30)), "none");
  const json::array& routes = *getArray(test.at("VirtualRouter/router"), {"spec", "routes"});
  EXPECT_EQ(weightsOf(getArray(routes[0].as_object(), {"http2Route", "action", "weightedTargets"}),
                      {"virtualNodeRef", "name"}),
            "node-c=30 node-s=70 node-s=7");
  EXPECT_EQ(
      weightsOf(getArray(routes[1].as_object(), {"tcpRoute", "action", "weightedTargets"}), {"virtualNodeRef", "name"}),
      "node-c=0 node-s=100 node-s=7");
}

TEST(AppMesh, SaysWhatIsMissing) {
  RouterCase test(app_mesh);
  Routing routing = test.setWeight(30);
  EXPECT_EQ(errorOf(routing), "Virtual-service is missing");
  EXPECT_EQ(eventsOf(routing), "Warning VirtualServiceNotFound: VirtualService `svc` not found in namespace `ns`\n");
  test.put("VirtualService", "svc", R"({"spec":{}})");
  EXPECT_EQ(errorOf(test.setWeight(30)), "Virtual-service is not associated with virtual-router");
  test.put("VirtualService", "svc",
           R"({"spec":{"provider":{"virtualRouter":{"virtualRouterRef":{"name":"router"}}}}})");
  routing = test.setWeight(30);
  EXPECT_EQ(errorOf(routing), "Virtual-router is missing");
  EXPECT_EQ(eventsOf(routing),
            "Warning VirtualRouterNotFound: VirtualRouter for `router` not found in namespace `ns`\n");
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"({"spec":{}})", R"(spec.routes: Invalid value: "router": No routes found)"},
      {R"({"spec":{"routes":["x"]}})", R"(spec.routes[0]: Invalid value: "router": not well-formed)"},
      {R"({"spec":{"routes":[{"name":"primary"}]}})", R"(spec.routes[0]: Invalid value: "router": not well-formed)"},
      {R"({"spec":{"routes":[{"name":"primary","tcpRoute":{"action":{"weightedTargets":[{"virtualNodeRef":{"name":"node-c"}}]}}}]}})",
       R"(spec.routes[0].tcpRoute.action.weightedTargets[0]: Invalid value: "router": not well-formed)"},
  };
  for (const auto& [object, error] : cases) {
    test.put("VirtualRouter", "router", object);
    EXPECT_EQ(errorOf(test.setWeight(30)), error);
  }
  routing = test.apply({UpdateHash{"c", "s", {}}});
  EXPECT_EQ(errorOf(routing), "Virtual-node is missing");
  EXPECT_EQ(eventsOf(routing), "Warning VirtualNodeNotFound: VirtualNode `node-s` not found in namespace `ns`\n");
}

// --- APISIX ----------------------------------------------------------------------------------------------------------

constexpr std::string_view apisix = R"({"apisix":{"route":{"name":"web","rules":["r"]}}})";
constexpr std::string_view apisix_route =
    R"({"apiVersion":"apisix.apache.org/v2","kind":"ApisixRoute","metadata":{"labels":{"team":"a","app.kubernetes.io/instance":"x"},
        "annotations":{"argocd.argoproj.io/tracking-id":"y"}},"status":{"conditions":[]},
        "spec":{"http":[{"name":"r","match":{"paths":["/*"],"hosts":["a.io"]},
        "backends":[{"serviceName":"stable","servicePort":80},{"serviceName":"canary","servicePort":80}]},
        {"name":"other","backends":[{"serviceName":"stable","servicePort":80}]}]}})";

TEST(Apisix, SetsWeightsInItsRules) {
  RouterCase test(apisix);
  test.put("ApisixRoute", "web", apisix_route);
  ASSERT_EQ(errorOf(test.setWeight(10)), "none");
  const json::array& rules = *getArray(test.at("ApisixRoute/web"), {"spec", "http"});
  EXPECT_EQ(weightsOf(getArray(rules[0].as_object(), {"backends"}), {"serviceName"}), "stable=90 canary=10");
  EXPECT_EQ(weightsOf(getArray(rules[1].as_object(), {"backends"}), {"serviceName"}), "stable=absent");
}

TEST(Apisix, SaysWhatIsMissing) {
  RouterCase test(apisix);
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"({"spec":{}})", "spec.http was not found in Apisix Route manifest"},
      {R"({"spec":{"http":[{}]}})", "Apisix http route rule name field not found"},
      {R"({"spec":{"http":[{"name":"x"}]}})", "Apisix http route rule r not found"},
      {R"({"spec":{"http":[{"name":"r"}]}})", "Apisix http route backends not found"},
      {R"({"spec":{"http":[{"name":"r","backends":[{}]}]}})", "serviceName field was not found in backend"},
      {R"({"spec":{"http":[{"name":"r","backends":[{"serviceName":"canary"}]}]}})",
       "apisix route stable backend was not found"},
      {R"({"spec":{"http":["x"]}})", "Failed type assertion for Apisix http route"},
      {R"({"spec":{"http":[{"name":1}]}})", "Failed type assertion for Apisix http route rule name"},
  };
  for (const auto& [object, error] : cases) {
    test.put("ApisixRoute", "web", object);
    EXPECT_EQ(errorOf(test.setWeight(10)), error);
  }
}

// spec/05 §16.3 #50, spec/05 §17 #25
TEST(Apisix, HeaderRouteIsARouteOfItsOwn) {
  RouterCase test(apisix);
  test.view.managed_routes = {"set-header"};
  test.put("ApisixRoute", "web", apisix_route);
  const SetHeaderRoute set{"set-header", {{"trace", "debug", "", ""}, {"a", "", "pre", ""}, {"b", "", "", "re.*"}}};
  ASSERT_EQ(errorOf(test.apply({set})), "none");
  const json::object& made = test.at("ApisixRoute/set-header");
  EXPECT_EQ(textOf(find(made, {"metadata", "labels"})), R"({"team":"a"})");
  EXPECT_EQ(find(made, {"metadata", "annotations"}), nullptr);
  EXPECT_EQ(find(made, {"status"}), nullptr);
  const json::array& rules = *getArray(made, {"spec", "http"});
  ASSERT_EQ(rules.size(), 1U) << "rules that aren't configured would answer twice";
  EXPECT_EQ(weightsOf(getArray(rules[0].as_object(), {"backends"}), {"serviceName"}), "canary=100");
  EXPECT_EQ(getInt(rules[0].as_object(), {"priority"}), 1);
  EXPECT_EQ(textOf(find(rules[0], {"match", "exprs"})),
            R"([{"subject":{"scope":"Header","name":"trace"},"op":"Equal","value":"debug"},)"
            R"({"subject":{"scope":"Header","name":"a"},"op":"RegexMatch","value":"^pre.*"},)"
            R"({"subject":{"scope":"Header","name":"b"},"op":"RegexMatch","value":"re.*"}])");
  // Removed by the step without a match, and with all that is managed; a stranger's stays.
  ASSERT_EQ(errorOf(test.apply({SetHeaderRoute{"set-header", {}}})), "none");
  EXPECT_FALSE(test.holds("ApisixRoute/set-header"));
  ASSERT_EQ(errorOf(test.apply({set})), "none");
  ASSERT_EQ(errorOf(test.apply({RemoveManagedRoutes{}})), "none");
  EXPECT_FALSE(test.holds("ApisixRoute/set-header"));
  test.put("ApisixRoute", "set-header", apisix_route);
  EXPECT_EQ(errorOf(test.apply({set})), "duplicate ApisixRoute [set-header] already exists");
  ASSERT_EQ(errorOf(test.apply({RemoveManagedRoutes{}})), "none");
  EXPECT_TRUE(test.holds("ApisixRoute/set-header"));
}

}  // namespace
}  // namespace crossfade::traffic
