// The Gateway API router on tables of routes: spec/05 §14, §15 and the worked cases of §16.4.
#include "traffic/gateway_api.hpp"

#include <gtest/gtest.h>

#include "traffic/registry.hpp"

namespace crossfade::traffic {
namespace {

json::object parse(std::string_view text) { return parseJson(text)->as_object(); }

// A Rollout's view, its router, and the routes as a server would hold them.
class GatewayApiTest : public testing::Test {
 protected:
  GatewayApiTest() {
    view.ns = "my-ns";
    view.name = "guestbook";
    view.stable_service = "stable";
    view.canary_service = "canary";
    configure(R"({"httpRoute": "rt"})");
  }

  void configure(std::string_view config) { router = makeGatewayApi(*parseJson(config)); }

  // `rules` is the JSON of spec.rules.
  void route(const ResourceKind& kind, std::string name, std::string_view rules, std::string_view labels = "{}") {
    json::object object;
    object["metadata"] = {
        {"name", name}, {"namespace", "my-ns"}, {"resourceVersion", "7"}, {"labels", *parseJson(labels)}};
    object["spec"] = {{"hostnames", json::array{"a.example"}}, {"rules", *parseJson(rules)}};
    server[kind.kind + "/" + name] = std::make_shared<const json::object>(std::move(object));
  }
  void service(std::string name, std::string_view ports) {
    json::object object;
    object["metadata"] = {{"name", name}, {"namespace", "my-ns"}};
    object["spec"] = {{"ports", *parseJson(ports)}};
    server["Service/" + name] = std::make_shared<const json::object>(std::move(object));
  }

  Objects read(const std::vector<Operation>& operations) {
    Objects objects;
    for (const ObjectRef& ref : router->reads(view, operations)) {
      if (ref.selector) {
        std::vector<Objects::Object> found;
        for (const auto& [key, object] : server) {
          if (key.starts_with(ref.kind.kind + "/") &&
              ref.selector->matches(labelsFromJson(getObject(*object, {"metadata", "labels"})))) {
            found.push_back(object);
          }
        }
        objects.putMatches(ref, std::move(found));
      } else if (const auto found = server.find(ref.kind.kind + "/" + ref.name);
                 found != server.end() && ref.ns == "my-ns") {
        objects.put(ref, found->second);
      }
    }
    return objects;
  }

  // Routes, and applies the changes as the server would.
  Routing apply(const std::vector<Operation>& operations) {
    Routing routing = router->route(view, read(operations), operations);
    for (const Change& change : routing.changes) {
      EXPECT_EQ(change.field_manager, "gatewayAPI");
      EXPECT_EQ(getString(change.body, {"metadata", "resourceVersion"}), "7");
      auto& stored = server.at(change.object.kind.kind + "/" + change.object.name);
      json::value target = *stored;
      mergePatch(target, change.body);
      stored = std::make_shared<const json::object>(target.as_object());
    }
    // Applied twice is nothing.
    if (!routing.error) {
      EXPECT_TRUE(router->route(view, read(operations), operations).changes.empty());
    }
    return routing;
  }

  const json::object& at(std::string_view key = "HTTPRoute/rt") { return *server.at(std::string(key)); }
  const json::array& rules(std::string_view key = "HTTPRoute/rt") { return *getArray(at(key), {"spec", "rules"}); }
  std::string refs(std::size_t rule = 0, std::string_view key = "HTTPRoute/rt") {
    std::string text;
    for (const json::value& ref : *getArray(rules(key)[rule].as_object(), {"backendRefs"})) {
      if (!text.empty()) text += " ";
      text += std::string(getString(ref.as_object(), {"name"}));
      if (ref.as_object().contains("weight")) text += "=" + std::to_string(getInt(ref.as_object(), {"weight"}));
    }
    return text;
  }
  std::string_view label(std::string_view key = "HTTPRoute/rt") {
    return getString(at(key), {"metadata", "labels", "rollouts.argoproj.io/gatewayapi-canary"});
  }

  RolloutView view;
  std::unique_ptr<Router> router;
  std::map<std::string, Objects::Object> server;
};

constexpr std::string_view split =
    R"([{"matches": [{"path": {"value": "/"}}], "backendRefs": [{"name": "stable", "port": 80}, {"name": "canary", "port": 80}]}])";

TEST_F(GatewayApiTest, Case52WeightsAndLabelComeAndGo) {
  route(http_route_kind, "rt", split);
  auto routing = apply({SetWeight{30, {}}});
  ASSERT_FALSE(routing.error);
  ASSERT_EQ(routing.changes.size(), 1U);  // label and weights in one write
  EXPECT_EQ(refs(), "stable=70 canary=30");
  EXPECT_EQ(label(), "in-progress");
  ASSERT_FALSE(apply({SetWeight{0, {}}}).error);
  EXPECT_EQ(refs(), "stable=100 canary=0");
  EXPECT_EQ(label(), "");
  EXPECT_EQ(json::serialize(*find(at(), {"spec", "hostnames"})), R"(["a.example"])");
}

TEST_F(GatewayApiTest, Case53ThirdBackendUntouched) {
  route(http_route_kind, "rt",
        R"([{"backendRefs": [{"name": "stable"}, {"name": "canary"}, {"name": "extra", "weight": 1}]}])");
  for (const int weight : {30, 100, 0}) {
    apply({SetWeight{weight, {}}});
    EXPECT_EQ(refs(), "stable=" + std::to_string(100 - weight) + " canary=" + std::to_string(weight) + " extra=1");
  }
}

TEST_F(GatewayApiTest, Case54HeaderRuleKeepsNoWeight) {
  view.managed_routes = {"h"};
  view.has_header_steps = true;
  route(http_route_kind, "rt", split);
  apply({SetHeaderRoute{"h", {{"X-Canary", "true", "", ""}}}, SetWeight{0, {}}});
  ASSERT_EQ(rules().size(), 2U);
  EXPECT_EQ(refs(0), "stable=100 canary=0");
  EXPECT_EQ(refs(1), "canary");
  EXPECT_EQ(label(), "in-progress");  // a managed rule is left: spec/05 §15.4
  apply({RemoveManagedRoutes{}, SetWeight{0, {}}});
  EXPECT_EQ(rules().size(), 1U);
  EXPECT_EQ(label(), "");
}

TEST_F(GatewayApiTest, Case55PrefixBecomesRegularExpression) {
  view.managed_routes = {"h"};
  route(http_route_kind, "rt", split);
  apply({SetHeaderRoute{"h", {{"agent", "", "test", ""}}}});
  EXPECT_EQ(json::serialize(*find(*getArray(rules()[1].as_object(), {"matches"})->begin(), {"headers"})),
            R"([{"type":"RegularExpression","name":"agent","value":"test.*"}])");
}

TEST_F(GatewayApiTest, Case56EverySourceRuleGetsAHeaderRule) {
  view.managed_routes = {"h"};
  route(http_route_kind, "rt", R"([
    {"matches": [{"path": {"value": "/a"}, "headers": [{"name": "k", "value": "v"}]}], "timeouts": {"request": "1s"}, "filters": [{"type": "X"}],
     "backendRefs": [{"name": "stable", "port": 80}, {"name": "canary", "port": 81, "namespace": "other", "filters": [{"type": "Y"}]}]},
    {"matches": [{"path": {"value": "/b"}}], "backendRefs": [{"name": "stable"}, {"name": "canary", "port": 82}]}])");
  ASSERT_FALSE(apply({SetHeaderRoute{"h", {{"X", "1", "", ""}}}}).error);
  ASSERT_EQ(rules().size(), 4U);
  EXPECT_EQ(rules()[2], *parseJson(R"({"name": "h", "timeouts": {"request": "1s"}, "filters": [{"type": "X"}],
    "matches": [{"path": {"value": "/a"}, "headers": [{"name": "k", "value": "v"}, {"type": "Exact", "name": "X", "value": "1"}]}],
    "backendRefs": [{"group": "", "kind": "Service", "name": "canary", "port": 81, "namespace": "other", "filters": [{"type": "Y"}]}]})"));
  EXPECT_EQ(getString(rules()[3].as_object(), {"name"}), "h-1");
}

TEST_F(GatewayApiTest, Case57OwnMatchesAreKept) {
  view.managed_routes = {"h"};
  route(
      http_route_kind, "rt",
      R"([{"matches": [{"method": "POST", "queryParams": [{"name": "version", "value": "v2"}], "headers": [{"name": "Host", "value": "h"}]}],
    "backendRefs": [{"name": "stable"}, {"name": "canary"}]}])");
  apply({SetHeaderRoute{"h", {{"X-Canary", "true", "", ""}}}});
  EXPECT_EQ(getArray(rules()[1].as_object(), {"matches"})->front(),
            *parseJson(R"({"method": "POST", "queryParams": [{"name": "version", "value": "v2"}],
              "headers": [{"name": "Host", "value": "h"}, {"type": "Exact", "name": "X-Canary", "value": "true"}]})"));
}

TEST_F(GatewayApiTest, Case58TheSameStepTwiceIsOneRuleTwoNamesAreTwo) {
  view.managed_routes = {"h", "g"};
  route(http_route_kind, "rt", split);
  apply({SetHeaderRoute{"h", {{"X", "1", "", ""}}}});
  apply({SetHeaderRoute{"h", {{"X", "1", "", ""}}}});
  EXPECT_EQ(rules().size(), 2U);
  apply({SetHeaderRoute{"h", {{"X", "2", "", ""}}}});
  EXPECT_EQ(rules().size(), 2U);
  apply({SetHeaderRoute{"g", {{"X", "1", "", ""}}}});
  EXPECT_EQ(rules().size(), 3U);
  apply({SetHeaderRoute{"h", {}}});  // only this one: spec/05 §14.5
  ASSERT_EQ(rules().size(), 2U);
  EXPECT_EQ(getString(rules()[1].as_object(), {"name"}), "g");
}

TEST_F(GatewayApiTest, HeaderRuleThatTheServerFilledInIsNotWrittenAgain) {
  view.managed_routes = {"h"};
  route(http_route_kind, "rt", R"([{"backendRefs": [{"name": "stable"}, {"name": "canary"}]},
    {"name": "h", "matches": [{"path": {"type": "PathPrefix", "value": "/"}, "headers": [{"type": "Exact", "name": "X", "value": "1"}]}],
     "backendRefs": [{"group": "", "kind": "Service", "name": "canary", "weight": 1}]}])");
  EXPECT_TRUE(apply({SetHeaderRoute{"h", {{"X", "1", "", ""}}}}).changes.empty());
}

TEST_F(GatewayApiTest, Case59NamespaceOfTheRolloutUnlessConfigured) {
  EXPECT_EQ(router->reads(view, {})[0].ns, "my-ns");
  configure(R"({"httpRoute": "rt", "namespace": "infra"})");
  EXPECT_EQ(router->reads(view, {})[0].ns, "infra");
}

TEST_F(GatewayApiTest, Case60WeightsScaleToTheMaximum) {
  view.max_weight = 1000;
  route(http_route_kind, "rt", split);
  apply({SetWeight{250, {}}});
  EXPECT_EQ(refs(), "stable=750 canary=250");
}

TEST_F(GatewayApiTest, Case61ExperimentsComeAndGo) {
  route(http_route_kind, "rt", split);
  service("e1", R"([{"name": "grpc", "port": 9}, {"name": "http", "port": 8080}])");
  service("e2", R"([{"name": "a", "port": 70}])");
  ASSERT_FALSE(apply({SetWeight{20, {{"e1", "h1", 10}, {"e2", "h2", 10}}}}).error);
  EXPECT_EQ(refs(), "stable=60 canary=20 e1=10 e2=10");
  const auto& backends = *getArray(rules()[0].as_object(), {"backendRefs"});
  EXPECT_EQ(getInt(backends[2].as_object(), {"port"}), 8080);
  EXPECT_EQ(getInt(backends[3].as_object(), {"port"}), 70);
  view.previous_extra = {"e1", "e2"};
  apply({SetWeight{20, {}}});
  EXPECT_EQ(refs(), "stable=80 canary=20");
}

TEST_F(GatewayApiTest, MissingExperimentServiceLeavesStableAlone) {
  route(http_route_kind, "rt", split);
  const auto routing =
      router->route(view, read({SetWeight{20, {{"gone", "h1", 10}}}}), {SetWeight{20, {{"gone", "h1", 10}}}});
  ASSERT_TRUE(routing.error);
  EXPECT_EQ(routing.error->message, R"(failed to set weight via plugin: services "gone" not found)");
  EXPECT_TRUE(routing.changes.empty());
  EXPECT_TRUE(routing.weight_failed);
}

TEST_F(GatewayApiTest, EveryKindOfRoute) {
  configure(
      R"({"httproutes": [{"name": "a"}, {"name": "a", "useHeaderRoutes": true}], "grpcRoute": "g", "tcpRoutes": [{"name": "t"}], "tlsRoute": "s"})");
  for (const auto& [kind, name] :
       {std::pair(http_route_kind, "a"), {grpc_route_kind, "g"}, {tcp_route_kind, "t"}, {tls_route_kind, "s"}})
    route(kind, name, split);
  const auto routing = apply({SetWeight{10, {}}});
  ASSERT_FALSE(routing.error);
  ASSERT_EQ(routing.changes.size(), 4U);
  for (const char* key : {"HTTPRoute/a", "GRPCRoute/g", "TCPRoute/t", "TLSRoute/s"}) {
    EXPECT_EQ(refs(0, key), "stable=90 canary=10");
    EXPECT_EQ(label(key), "in-progress");
  }
}

TEST_F(GatewayApiTest, SelectorsFindRoutes) {
  configure(R"({"httpRouteSelector": {"matchLabels": {"app": "x"}}, "disableInProgressLabel": true})");
  route(http_route_kind, "b", split, R"({"app": "x"})");
  route(http_route_kind, "a", split, R"({"app": "x"})");
  route(http_route_kind, "c", split, R"({"app": "y"})");
  const auto routing = apply({SetWeight{10, {}}});
  ASSERT_EQ(routing.changes.size(), 2U);
  EXPECT_EQ(routing.changes[0].object.name, "a");
  EXPECT_EQ(label("HTTPRoute/a"), "");
}

TEST_F(GatewayApiTest, ErrorsSpeakAsThePlugin) {
  const auto messageOf = [&](std::vector<Operation> operations) {
    const auto routing = router->route(view, read(operations), operations);
    return routing.error ? routing.error->message : "";
  };
  EXPECT_EQ(messageOf({SetWeight{1, {}}}),
            R"(failed to set weight via plugin: httproutes.gateway.networking.k8s.io "rt" not found)");
  route(http_route_kind, "rt", R"([{"backendRefs": [{"name": "stable"}]}])");
  EXPECT_EQ(messageOf({SetWeight{1, {}}}), "failed to set weight via plugin: backendRef was not found in httpRoute");
  view.managed_routes = {"h"};
  EXPECT_EQ(messageOf({SetHeaderRoute{"h", {{"X", "1", "", ""}}}}),
            "failed to set header route via plugin: backendRef was not found in httpRoute");
  EXPECT_EQ(messageOf({SetHeaderRoute{"h", {{"X", "", "", ""}}}}),
            "failed to set header route via plugin: invalid header match type");
  EXPECT_EQ(messageOf({UpdateHash{"a", "b", {}}}), "");
  configure("null");
  EXPECT_TRUE(messageOf({SetWeight{1, {}}})
                  .starts_with("failed to set weight via plugin: No routes configured. At least one of 'httpRoutes'"));
  EXPECT_EQ(messageOf({RemoveManagedRoutes{}}), "");
  configure(R"("")");
  EXPECT_EQ(
      messageOf({SetWeight{1, {}}}),
      "failed to set weight via plugin: json: cannot unmarshal string into Go value of type GatewayAPITrafficRouting");
  configure(R"({"httpRoutes": [{"name": 5}]})");
  EXPECT_TRUE(messageOf({SetWeight{1, {}}}).contains("cannot unmarshal number"));
}

TEST_F(GatewayApiTest, StableAndCanaryMayStandInDifferentRules) {  // spec/05 §17 trap 29
  route(http_route_kind, "rt", R"([{"backendRefs": [{"name": "stable"}]}, {"backendRefs": [{"name": "canary"}]}])");
  EXPECT_FALSE(apply({SetWeight{40, {}}}).error);
  EXPECT_EQ(refs(0), "stable=60");
  EXPECT_EQ(refs(1), "canary=40");
}

TEST_F(GatewayApiTest, UsersPreviewRuleSurvives) {  // spec/05 §17 trap 30
  route(http_route_kind, "rt", R"([{"backendRefs": [{"name": "stable"}, {"name": "canary"}]},
    {"matches": [{"path": {"value": "/preview"}}], "backendRefs": [{"name": "canary"}]},
    {"matches": [{"headers": [{"name": "X", "value": "1"}]}], "backendRefs": [{"name": "canary"}]}])");
  apply({RemoveManagedRoutes{}, SetWeight{10, {}}});
  EXPECT_EQ(rules().size(), 3U);
  view.has_header_steps = true;  // now the third one looks like an old plugin's
  apply({RemoveManagedRoutes{}});
  EXPECT_EQ(rules().size(), 2U);
}

TEST_F(GatewayApiTest, ManagedNamesAreRemovedEvenWithoutHeaderRoutes) {
  configure(R"({"httpRoutes": [{"name": "rt"}]})");
  view.managed_routes = {"h"};
  route(
      http_route_kind, "rt",
      R"([{"backendRefs": [{"name": "stable"}, {"name": "canary"}]}, {"name": "h", "backendRefs": [{"name": "canary"}]},
    {"name": "h-12", "backendRefs": [{"name": "canary"}]}, {"name": "h-x", "backendRefs": [{"name": "other"}]}])");
  apply({RemoveManagedRoutes{}});
  EXPECT_EQ(rules().size(), 2U);
}

TEST_F(GatewayApiTest, PingPongOnlyWithoutServiceNames) {  // spec/05 §1.6
  view.ping_service = "canary";
  view.pong_service = "stable";
  EXPECT_EQ(view.services().canary, "canary");
  view.stable_service = view.canary_service = "";
  route(http_route_kind, "rt", split);
  apply({SetWeight{10, {}}});
  EXPECT_EQ(refs(), "stable=90 canary=10");
  view.stable_ping_pong = "ping";
  apply({SetWeight{10, {}}});
  EXPECT_EQ(refs(), "stable=10 canary=90");
}

TEST_F(GatewayApiTest, ObservesWhatTheRoutesSay) {
  route(http_route_kind, "rt", split);
  apply({SetWeight{10, {}}});
  const auto observed = router->observe(view, read({}), SetWeight{10, {}});
  ASSERT_TRUE(observed);
  EXPECT_EQ(observed->canary_weight, 10);
  EXPECT_EQ(observed->verified, Verified::yes);
  server.clear();
  EXPECT_FALSE(router->observe(view, read({}), SetWeight{10, {}}));
}

TEST(RegistryTest, RoutersInOrderAndUnknownOnesByName) {
  EXPECT_TRUE(makeRouters(nullptr, {})->empty());
  const auto empty = parse(R"({"plugins": {}, "managedRoutes": [], "istio": null})");
  EXPECT_TRUE(makeRouters(&empty, {})->empty());
  const auto gateway = parse(R"({"plugins": {"argoproj-labs/gatewayAPI": {"httpRoute": "a"}}})");
  EXPECT_EQ(makeRouters(&gateway, {})->size(), 1U);
  const auto alb = parse(R"({"alb": {}})");
  EXPECT_EQ(makeRouters(&alb, {}).error().message, "traffic router 'alb' is not supported yet");
  const auto text = parse(R"({"smi": "x"})");
  EXPECT_EQ(makeRouters(&text, {}).error().message, R"(smi: an object is expected, found "x")");
  const auto several =
      parse(R"({"apisix": {}, "traefik": {}, "appMesh": {}, "ambassador": {}, "smi": {}, "nginx": {}})");
  std::string types;
  const auto made = makeRouters(&several, {});
  for (const auto& router : *made) types += std::string(router->type()) + " ";
  EXPECT_EQ(types, "Nginx SMI Ambassador AppMesh Traefik Apisix ");
  const auto other = parse(R"({"plugins": {"acme/mesh": {}, "argoproj-labs/gatewayAPI": {}}})");
  EXPECT_EQ(makeRouters(&other, {}).error().message, "traffic router plugin 'acme/mesh' is not supported yet");
}

TEST(RegistryTest, ViewOfARollout) {
  const auto view = viewOf(api::decodeRollout(parse(R"({"metadata": {"namespace": "ns", "name": "ro"},
    "spec": {"strategy": {"canary": {"stableService": "s", "canaryService": "c", "steps": [{"setWeight": 1}, {"setHeaderRoute": {"name": "h"}}],
      "trafficRouting": {"maxTrafficWeight": 1000, "managedRoutes": [{"name": "h"}]}}}},
    "status": {"canary": {"stablePingPong": "pong",
      "weights": {"canary": {"weight": 1}, "stable": {"weight": 2}, "additional": [{"weight": 3, "serviceName": "e1"}]}}}})")),
                           TimePoint());
  EXPECT_EQ(view.ns, "ns");
  EXPECT_EQ(view.max_weight, 1000);
  EXPECT_TRUE(view.has_header_steps);
  EXPECT_EQ(view.managed_routes, std::vector<std::string>{"h"});
  EXPECT_EQ(view.previous_extra, std::vector<std::string>{"e1"});
  EXPECT_EQ(view.services().stable, "s");
}

}  // namespace
}  // namespace crossfade::traffic
