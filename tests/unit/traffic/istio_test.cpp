// Istio's VirtualServices and DestinationRules: spec/05 §5 and the worked cases of §16.2.
#include "support/router_case.hpp"
#include "traffic/editing.hpp"

namespace crossfade::traffic {
namespace {

std::string errorOf(const Routing& routing) { return routing.error ? routing.error->message : "none"; }

// What is said of the writes.
std::string saidOf(const Routing& routing) {
  std::string text;
  for (const EventNote& event : routing.events) text += event.reason + ": " + event.message + "\n";
  for (const Change& change : routing.changes)
    for (const EventNote& event : change.telling.after) text += event.reason + ": " + event.message + "\n";
  return text;
}

std::string two(std::string_view more = "") {
  return R"("route":[{"destination":{"host":"stable")" + std::string(more) +
         R"(},"weight":100},{"destination":{"host":"canary")" + std::string(more) + R"(},"weight":0}])";
}

// A VirtualService of these http routes.
std::string http(std::initializer_list<std::string> routes) {
  std::string text;
  for (const std::string& route : routes) text += (text.empty() ? "" : ",") + route;
  return R"({"spec":{"hosts":["a.io"],"http":[)" + text + "]}}";
}
std::string named(std::string_view name) { return R"({"name":")" + std::string(name) + R"(",)" + two() + "}"; }

// "primary(stable=90 canary=10) secondary(…)"; a subset instead of the host where there is one.
std::string routesOf(const RouterCase& test, std::string_view section = "http", const std::string& name = "vs") {
  std::string text;
  const json::array* routes = getArray(test.at("VirtualService/" + name), {"spec", section});
  for (const json::value& route : *routes) {
    text += (text.empty() ? "" : " ") + std::string(textAt(route, {"name"})) + "(";
    std::string inner;
    for (const json::value& entry : *getArray(route.as_object(), {"route"})) {
      std::string_view to = textAt(entry, {"destination", "subset"});
      if (to.empty()) to = textAt(entry, {"destination", "host"});
      inner +=
          (inner.empty() ? "" : " ") + std::string(to) + "=" + std::to_string(getInt(entry.as_object(), {"weight"}));
    }
    text += inner + ")";
  }
  return text;
}

constexpr std::string_view plain = R"({"istio":{"virtualService":{"name":"vs","routes":["primary"]}}})";
constexpr std::string_view unnamed = R"({"istio":{"virtualService":{"name":"vs"}}})";
constexpr std::string_view subsets =
    R"({"istio":{"virtualService":{"name":"vs"},"destinationRule":{"name":"dr","canarySubsetName":"canary",
        "stableSubsetName":"stable","additionalSubsetNames":["legacy"]}}})";

// spec/05 §16.2 #17, spec/05 §16.2 #26, spec/05 §17 #9
TEST(Istio, OnlyConfiguredRoutes) {
  RouterCase test(plain);
  test.put("VirtualService", "vs", http({named("primary"), named("secondary")}));
  const Routing routing = test.setWeight(10);
  ASSERT_EQ(errorOf(routing), "none");
  EXPECT_EQ(routesOf(test), "primary(stable=90 canary=10) secondary(stable=100 canary=0)");
  EXPECT_EQ(saidOf(routing), "Updated VirtualService: VirtualService `vs` set to desiredWeight '10'\n");
  EXPECT_TRUE(test.setWeight(10).changes.empty());
  EXPECT_EQ(saidOf(test.setWeight(10)), "");
}

// spec/05 §16.2 #18, #19 and #20 in their own words below; spec/05 §17 #13
TEST(Istio, TlsAndTcpRoutesAreKnownByWhatTheyMatch) {
  const auto tls = [](std::string_view matches) { return R"({"match":[)" + std::string(matches) + "]," + two() + "}"; };
  const auto service = [](std::string_view section, const std::string& routes) {
    return R"({"spec":{")" + std::string(section) + R"(":[)" + routes + "]}}";
  };
  {  // spec/05 §16.2 #18
    RouterCase test(R"({"istio":{"virtualService":{"name":"vs","tlsRoutes":[{"port":3000}]}}})");
    test.put("VirtualService", "vs", service("tls", tls(R"({"port":3000})") + "," + tls(R"({"port":3001})")));
    ASSERT_EQ(errorOf(test.setWeight(30)), "none");
    EXPECT_EQ(routesOf(test, "tls"), "(stable=70 canary=30) (stable=100 canary=0)");
  }
  {  // spec/05 §16.2 #19
    RouterCase test(R"({"istio":{"virtualService":{"name":"vs","tlsRoutes":[{"sniHosts":["a","b","c"]}]}}})");
    test.put("VirtualService", "vs", service("tls", tls(R"({"sniHosts":["a","b"]},{"sniHosts":["c"]})")));
    ASSERT_EQ(errorOf(test.setWeight(30)), "none");
    EXPECT_EQ(routesOf(test, "tls"), "(stable=70 canary=30)");
    RouterCase other(R"({"istio":{"virtualService":{"name":"vs","tlsRoutes":[{"port":3001,"sniHosts":["c"]}]}}})");
    other.put("VirtualService", "vs", service("tls", tls(R"({"sniHosts":["a","b"]},{"sniHosts":["c"]})")));
    EXPECT_EQ(errorOf(other.setWeight(30)), "No matching TLS routes found in the defined Virtual Service.");
  }
  {  // spec/05 §16.2 #20
    RouterCase test(R"({"istio":{"virtualService":{"name":"vs","tlsRoutes":[{"port":1001}]}}})");
    test.put("VirtualService", "vs", service("tls", tls(R"({"port":3000})")));
    EXPECT_EQ(errorOf(test.setWeight(30)), "No matching TLS routes found in the defined Virtual Service.");
  }
  RouterCase tcp(R"({"istio":{"virtualService":{"name":"vs","tcpRoutes":[{"port":3000}]}}})");
  tcp.put("VirtualService", "vs", service("tcp", tls(R"({"port":3000})") + "," + tls("")));
  ASSERT_EQ(errorOf(tcp.setWeight(30)), "none");
  EXPECT_EQ(routesOf(tcp, "tcp"), "(stable=70 canary=30) (stable=100 canary=0)");
  RouterCase none(unnamed);
  none.put("VirtualService", "vs", service("tcp", tls("") + "," + tls("")));
  EXPECT_EQ(errorOf(none.setWeight(30)),
            "spec.tcp[] should be set in VirtualService and it must have exactly one route when omitting "
            "spec.strategy.canary.trafficRouting.istio.virtualService.tcpRoutes");
  none.put("VirtualService", "vs", service("tcp", tls(R"({"port":1})")));
  ASSERT_EQ(errorOf(none.setWeight(30)), "none") << "a section that is there is edited";
  EXPECT_EQ(routesOf(none, "tcp"), "(stable=70 canary=30)");
}

// spec/05 §16.2 #21, spec/05 §16.2 #22
TEST(Istio, WithoutNamesTheOneRouteThatIsNotManaged) {
  RouterCase test(unnamed);
  test.put("VirtualService", "vs", http({named("a"), named("b")}));
  EXPECT_EQ(errorOf(test.setWeight(10)),
            "spec.http[] should be set in VirtualService and it must have exactly one route when omitting "
            "spec.strategy.canary.trafficRouting.istio.virtualService.routes");
  test.view.managed_routes = {"foo"};
  for (const std::string& user : {"{" + two() + "}", named("mine")}) {
    test.put("VirtualService", "vs", http({named("foo"), user}));
    ASSERT_EQ(errorOf(test.setWeight(10)), "none");
    EXPECT_TRUE(routesOf(test).ends_with("(stable=90 canary=10)")) << routesOf(test);
    EXPECT_TRUE(routesOf(test).starts_with("foo(stable=100 canary=0)")) << "a header route keeps its weight";
  }
}

// spec/05 §16.2 #23
TEST(Istio, ExperimentsComeAndGo) {
  RouterCase test(plain);
  test.put("VirtualService", "vs", http({R"({"name":"primary",)" + two(R"(,"port":{"number":80})") + "}"}));
  ASSERT_EQ(errorOf(test.setWeight(10, {{"canary-exp", "h2", 20}, {"baseline", "h1", 20}})), "none");
  EXPECT_EQ(routesOf(test), "primary(stable=50 canary=10 baseline=20 canary-exp=20)");
  const json::value& route = (*getArray(test.at("VirtualService/vs"), {"spec", "http"}))[0];
  EXPECT_EQ(json::serialize(*find((*getArray(route.as_object(), {"route"}))[2], {"destination", "port"})),
            R"({"number":80})");
  ASSERT_EQ(errorOf(test.setWeight(10)), "none");
  EXPECT_EQ(routesOf(test), "primary(stable=90 canary=10)");
}

// spec/05 §16.2 #24
TEST(Istio, SubsetsAndAdditionalOnes) {
  RouterCase test(subsets);
  test.view.stable_service = test.view.canary_service = "";
  test.put("DestinationRule", "dr", R"({"spec":{"host":"svc","subsets":[{"name":"canary"},{"name":"stable"}]}})");
  test.put("VirtualService", "vs", http({R"({"route":[{"destination":{"host":"svc","subset":"stable"},"weight":100},
                    {"destination":{"host":"svc","subset":"canary"},"weight":0},{"destination":{"host":"svc","subset":"legacy"},"weight":20}]})"}));
  ASSERT_EQ(errorOf(test.setWeight(10)), "none");
  EXPECT_EQ(routesOf(test), "(stable=70 canary=10 legacy=20)");
  ASSERT_EQ(errorOf(test.setWeight(90)), "none");
  EXPECT_EQ(routesOf(test), "(stable=0 canary=90 legacy=20)");
}

// spec/05 §16.2 #25, spec/05 §17 #10, spec/05 §17 #11
TEST(Istio, StrangersWithAWeightGo) {
  RouterCase test(plain);
  const auto third = [](std::string_view more) {
    return http({R"({"name":"primary","route":[{"destination":{"host":"stable.ns.svc.cluster.local"},"weight":100},
        {"destination":{"host":"canary"}},{"destination":{"host":"other"})" +
                 std::string(more) + "}]}"});
  };
  test.put("VirtualService", "vs", third(R"(,"weight":5)"));
  ASSERT_EQ(errorOf(test.setWeight(10)), "none");
  EXPECT_EQ(routesOf(test), "primary(stable.ns.svc.cluster.local=90 canary=10)");
  test.put("VirtualService", "vs", third(""));
  ASSERT_EQ(errorOf(test.setWeight(10)), "none");
  EXPECT_EQ(routesOf(test), "primary(stable.ns.svc.cluster.local=90 canary=10 other=0)");
}

SetMirrorRoute mirror(std::string_view name) {
  return {RouterCase::parse(R"({"name":")" + std::string(name) +
                            R"(","match":[{"method":{"exact":"GET"},"path":{"prefix":"/api"}}],"percentage":50})")};
}

// spec/05 §16.2 #27
TEST(Istio, ManagedRoutesStandFirstInTheirOrder) {
  RouterCase test(plain);
  test.view.managed_routes = {"m2", "m3", "m1"};
  test.put("VirtualService", "vs", http({named("primary"), named("secondary")}));
  for (const char* name : {"m1", "m2", "m3"}) ASSERT_EQ(errorOf(test.apply({mirror(name)})), "none");
  const Routing routing = test.setWeight(40);
  ASSERT_EQ(errorOf(routing), "none");
  EXPECT_EQ(routesOf(test),
            "m2(stable=60 canary=40) m3(stable=60 canary=40) m1(stable=60 canary=40) primary(stable=60 canary=40) "
            "secondary(stable=100 canary=0)");
  const json::value& made = (*getArray(test.at("VirtualService/vs"), {"spec", "http"}))[0];
  EXPECT_EQ(json::serialize(*find(made, {"match"})), R"([{"method":{"exact":"GET"},"uri":{"prefix":"/api"}}])");
  EXPECT_EQ(json::serialize(*find(made, {"mirror"})), R"({"host":"canary"})");
  EXPECT_EQ(json::serialize(*find(made, {"mirrorPercentage"})), R"({"value":50})");
  EXPECT_EQ(saidOf(test.apply({SetMirrorRoute{RouterCase::parse(R"({"name":"m3"})")}})),
            "Updated VirtualService: VirtualService `vs` set mirrorRoute 'm3'\n");
  EXPECT_FALSE(routesOf(test).contains("m3"));
}

// spec/05 §16.2 #28, spec/05 §17 #8
TEST(Istio, HeaderRoute) {
  RouterCase test(plain);
  test.view.managed_routes = {"h"};
  test.put("VirtualService", "vs", http({R"({"name":"primary",)" + two(R"(,"port":{"number":8443})") + "}"}));
  const Routing routing =
      test.apply({SetHeaderRoute{"h", {{"agent", "firefox", "", ""}, {"x", "", "pre", ""}, {"y", "", "", "re"}}}});
  ASSERT_EQ(errorOf(routing), "none");
  EXPECT_EQ(saidOf(routing), "Updated VirtualService: VirtualService `vs` set headerRoute 'h'\n");
  EXPECT_EQ(routesOf(test), "h(canary=100) primary(stable=100 canary=0)");
  const json::value& made = (*getArray(test.at("VirtualService/vs"), {"spec", "http"}))[0];
  EXPECT_EQ(
      json::serialize(*find(made, {"match"})),
      R"([{"headers":{"agent":{"exact":"firefox"}}},{"headers":{"x":{"prefix":"pre"}}},{"headers":{"y":{"regex":"re"}}}])");
  EXPECT_EQ(json::serialize((*getArray(made.as_object(), {"route"}))[0]),
            R"({"weight":100,"destination":{"host":"canary","port":{"number":8443}}})");
  ASSERT_EQ(errorOf(test.apply({SetHeaderRoute{"h", {}}})), "none");
  EXPECT_EQ(routesOf(test), "primary(stable=100 canary=0)");
  test.put("VirtualService", "vs", R"({"spec":{}})");
  EXPECT_EQ(errorOf(test.apply({SetHeaderRoute{"h", {{"a", "b", "", ""}}}})),
            "[SetHeaderRoute] failed to reconcile header routes: spec.http not found");
}

constexpr std::string_view rule =
    R"({"spec":{"host":"svc","trafficPolicy":{"tls":{}},"subsets":[{"name":"stable","labels":{"version":"v3"}},
        {"name":"canary","trafficPolicy":{"x":1}},{"name":"misc"}]}})";

std::string subsetsOf(const RouterCase& test) {
  std::string text;
  for (const json::value& subset : *getArray(test.at("DestinationRule/dr"), {"spec", "subsets"})) {
    text += (text.empty() ? "" : " ") + std::string(textAt(subset, {"name"})) + "=" +
            std::string(textAt(subset, {"labels", "rollouts-pod-template-hash"}));
  }
  return text;
}

// spec/05 §16.2 #29, spec/05 §16.2 #30
TEST(Istio, DestinationRuleSubsets) {
  RouterCase test(subsets);
  test.put("DestinationRule", "dr", rule);
  const Routing routing = test.apply({UpdateHash{"abc123", "def456", {}}});
  ASSERT_EQ(errorOf(routing), "none");
  EXPECT_EQ(subsetsOf(test), "stable=def456 canary=abc123");
  EXPECT_EQ(saidOf(routing),
            "UpdatedDestinationRule: DestinationRule dr subset updated (canary: abc123, stable: def456)\n");
  const json::object& now = test.at("DestinationRule/dr");
  EXPECT_EQ(getString(now, {"metadata", "annotations", "argo-rollouts.argoproj.io/managed-by-rollouts"}), "ro");
  EXPECT_EQ(textAt((*getArray(now, {"spec", "subsets"}))[0], {"labels", "version"}), "v3");
  EXPECT_NE(find((*getArray(now, {"spec", "subsets"}))[1], {"trafficPolicy"}), nullptr);
  EXPECT_TRUE(test.apply({UpdateHash{"abc123", "def456", {}}}).changes.empty());
  ASSERT_EQ(errorOf(test.apply({UpdateHash{"abc123", "def456", {{"exp-svc", "exp-hash", 5}, {"none", "", 5}}}})),
            "none");
  EXPECT_EQ(subsetsOf(test), "stable=def456 canary=abc123 exp-svc=exp-hash");
  ASSERT_EQ(errorOf(test.apply({UpdateHash{"", "def456", {}}})), "none");
  EXPECT_EQ(subsetsOf(test), "stable=def456 canary=");
  EXPECT_EQ(getString(test.at("DestinationRule/dr"), {"spec", "host"}), "svc");
}

// spec/05 §16.2 #32
TEST(Istio, PingPongWithoutServices) {
  RouterCase test(unnamed);
  test.view.stable_service = test.view.canary_service = "";
  test.view.ping_service = "ping";
  test.view.pong_service = "pong";
  test.view.stable_ping_pong = "ping";
  test.put("VirtualService", "vs",
           http({R"({"route":[{"destination":{"host":"ping"}},{"destination":{"host":"pong"}}]})"}));
  ASSERT_EQ(errorOf(test.setWeight(20)), "none");
  EXPECT_EQ(routesOf(test), "(ping=80 pong=20)");
}

// spec/05 §16.2 #33, spec/05 §17 #5
TEST(Istio, RemovesManagedRoutesOnce) {
  RouterCase test(R"({"istio":{"virtualServices":[{"name":"gone"},{"name":"empty"},{"name":"vs"}]}})");
  test.view.managed_routes = {"m"};
  test.view.step_routes = {"h1", "h2"};
  test.put("VirtualService", "empty", R"({"spec":{}})");
  test.put("VirtualService", "vs", http({named("h1"), named("h2"), named("m"), named("primary"), named("user")}));
  const Routing routing = test.apply({RemoveManagedRoutes{}});
  ASSERT_EQ(errorOf(routing), "none");
  EXPECT_EQ(routesOf(test), "primary(stable=100 canary=0) user(stable=100 canary=0)");
  EXPECT_EQ(saidOf(routing), "Updated VirtualService: VirtualService `vs` removed all managed routes.\n");
  EXPECT_TRUE(test.apply({RemoveManagedRoutes{}}).changes.empty());
}

// spec/05 §17 #12
TEST(Istio, References) {
  const std::tuple<std::string_view, std::string_view, std::string_view> cases[] = {
      {"vs", "ns", "vs"},
      {"vs.istio", "istio", "vs"},
      {"vs.example.istio", "istio", "vs.example"},
      {"my.virtual.service.istio", "istio", "my.virtual.service"},
      {"test.namespace.cluster.local", "namespace", "test"}};
  for (const auto& [reference, ns, name] : cases) {
    RouterCase test(R"({"istio":{"virtualService":{"name":")" + std::string(reference) + R"("}}})");
    const std::vector<ObjectRef> refs = test.router->reads(test.view, {});
    EXPECT_EQ(refs.at(0).ns, ns);
    EXPECT_EQ(refs.at(0).name, name);
  }
}

TEST(Istio, SaysWhatIsWrong) {
  RouterCase test(plain);
  Routing routing = test.setWeight(10);
  EXPECT_EQ(errorOf(routing), "virtualservices.networking.istio.io \"vs\" not found");
  EXPECT_EQ(saidOf(routing), "VirtualServiceNotFound: VirtualService `vs` not found\n");
  const std::pair<std::string, std::string_view> cases[] = {
      {http({named("other")}), "HTTP Route 'primary' is not found in the defined Virtual Service."},
      {R"({"spec":{}})", "Unable to get any of the HTTP, TCP or TLS routes for the Istio VirtualService"},
      {http({R"({"name":"primary","route":[{"destination":{"host":"stable"}}]})"}),
       "Canary Service 'canary' not found in route"},
      {http({R"({"name":"primary","route":[{"destination":{"host":"canary"}}]})"}),
       "Stable Service 'stable' not found in route"},
      {http({R"({"name":"primary"})"}), "Invalid casting: field 'http[].route' is not of type '[]interface'"},
      {http({R"({"name":"primary","route":["x"]})"}),
       "Invalid casting: field 'http[].route[].destination' is not of type 'map[string]interface'"},
  };
  for (const auto& [object, error] : cases) {
    test.put("VirtualService", "vs", object);
    EXPECT_EQ(errorOf(test.setWeight(10)), error);
  }
  RouterCase rules(subsets);
  rules.put("VirtualService", "vs", http({R"({"route":[{"destination":{"host":"svc","subset":"stable"}}]})"}));
  EXPECT_EQ(errorOf(rules.setWeight(10)), "Canary DestinationRule subset 'canary' not found in route");
  routing = rules.apply({UpdateHash{"a", "b", {}}});
  EXPECT_EQ(saidOf(routing), "DestinationRuleNotFound: DestinationRule `dr` not found\n");
  for (const char* config :
       {R"({"istio":{}})", R"({"istio":{"virtualService":{"name":"a"},"virtualServices":[{"name":"b"}]}})"}) {
    EXPECT_EQ(
        errorOf(RouterCase(config).setWeight(1)),
        "spec.strategy.canary.trafficRouting.istio: Internal error: either VirtualService or VirtualServices must be "
        "configured");
  }
}

}  // namespace
}  // namespace crossfade::traffic
