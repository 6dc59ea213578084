// NGINX's canary Ingress: spec/05 §6 and the worked cases of §16.3.
#include "support/router_case.hpp"
#include "traffic/editing.hpp"

namespace crossfade::traffic {
namespace {

constexpr std::string_view stable =
    R"({"metadata":{"labels":{"team":"a"}},"spec":{"ingressClassName":"nginx","defaultBackend":{"service":{"name":"d"}},
        "tls":[{"hosts":["a.io"],"secretName":"s"}],"rules":[
        {"host":"a.io","http":{"paths":[{"path":"/","pathType":"Prefix","backend":{"service":{"name":"stable","port":{"number":80}}}},
          {"path":"/x","pathType":"Prefix","backend":{"service":{"name":"other","port":{"number":80}}}},
          {"path":"/y","pathType":"Prefix","backend":{"resource":{"kind":"Bucket","name":"b"}}}]}},
        {"host":"b.io","http":{"paths":[{"path":"/","backend":{"service":{"name":"other"}}}]}},{"host":"c.io"}]}})";

std::string annotationsOf(const RouterCase& test, const std::string& ingress) {
  const json::value* found = find(test.at(ingress), {"metadata", "annotations"});
  return found == nullptr ? "" : json::serialize(*found);
}

// spec/05 §17 #20
TEST(Nginx, MakesACanaryIngressOfTheRulesThatServeStable) {
  RouterCase test(R"({"nginx":{"stableIngress":"web"}})");
  test.put("Ingress", "web", stable);
  const Routing routing = test.setWeight(10);
  ASSERT_FALSE(routing.error);
  EXPECT_EQ(routing.changes.front().telling.before->message,
            "Creating canary ingress `ro-web-canary` with weight `10`");
  const json::object& canary = test.at("Ingress/ro-web-canary");
  EXPECT_EQ(annotationsOf(test, "Ingress/ro-web-canary"),
            R"({"nginx.ingress.kubernetes.io/canary":"true","nginx.ingress.kubernetes.io/canary-weight":"10"})");
  EXPECT_EQ(find(canary, {"metadata", "labels"}), nullptr);
  EXPECT_EQ(find(canary, {"spec", "defaultBackend"}), nullptr);
  EXPECT_NE(find(canary, {"spec", "tls"}), nullptr);
  EXPECT_EQ(getString(canary, {"spec", "ingressClassName"}), "nginx");
  const json::array& rules = *getArray(canary, {"spec", "rules"});
  ASSERT_EQ(rules.size(), 1U);
  const json::array& paths = *getArray(rules[0].as_object(), {"http", "paths"});
  EXPECT_EQ(textAt(paths[0], {"backend", "service", "name"}), "canary");
  EXPECT_EQ(textAt(paths[1], {"backend", "service", "name"}), "other");
  EXPECT_EQ(textAt(paths[2], {"backend", "resource", "name"}), "b");
}

// spec/05 §16.3 #35
TEST(Nginx, NamesItsIngress) {
  RouterCase test(R"({"nginx":{"stableIngresses":["stable-ingress",")" + std::string(274, 'i') + R"("]}})");
  test.view.name = "myrollout";
  const std::vector<ObjectRef> refs = test.router->reads(test.view, {});
  EXPECT_EQ(refs[1].name, "myrollout-stable-ingress-canary");
  EXPECT_EQ(refs[3].name.size(), 253U);
  EXPECT_TRUE(refs[3].name.ends_with("-canary"));
}

// spec/05 §16.3 #36
TEST(Nginx, PatchesTheWeightAlone) {
  RouterCase test(R"({"nginx":{"stableIngress":"web"}})");
  test.put("Ingress", "web", stable);
  test.setWeight(10);
  Routing routing = test.setWeight(15);
  ASSERT_EQ(routing.changes.size(), 1U);
  EXPECT_EQ(json::serialize(routing.changes[0].body),
            R"({"metadata":{"annotations":{"nginx.ingress.kubernetes.io/canary-weight":"15"}}})");
  EXPECT_EQ(routing.changes[0].telling.before->message, "Updating Ingress `ro-web-canary` to desiredWeight '15'");
  test.view.max_weight = 1000;
  test.view.has_max_weight = true;
  routing = test.setWeight(15);
  EXPECT_EQ(json::serialize(routing.changes.at(0).body),
            R"({"metadata":{"annotations":{"nginx.ingress.kubernetes.io/canary-weight-total":"1000"}}})");
  test.view.has_max_weight = false;
  EXPECT_EQ(json::serialize(test.setWeight(15).changes.at(0).body),
            R"({"metadata":{"annotations":{"nginx.ingress.kubernetes.io/canary-weight-total":null}}})");
}

// spec/05 §16.3 #37
TEST(Nginx, Annotations) {
  RouterCase test(R"({"nginx":{"stableIngress":"web","additionalIngressAnnotations":{"canary-by-header":"X-Foo",
      "nginx.ingress.kubernetes.io/k":"w"},"canaryIngressAnnotations":{"g.io/k":"v"}}})");
  test.put("Ingress", "web", R"({"metadata":{"annotations":{"kubernetes.io/ingress.class":"nginx","x":"y"}},
      "spec":{"rules":[{"http":{"paths":[{"backend":{"service":{"name":"stable"}}}]}}]}})");
  ASSERT_FALSE(test.setWeight(5).error);
  EXPECT_EQ(annotationsOf(test, "Ingress/ro-web-canary"),
            R"({"kubernetes.io/ingress.class":"nginx","nginx.ingress.kubernetes.io/canary-by-header":"X-Foo",)"
            R"("nginx.ingress.kubernetes.io/k":"w","g.io/k":"v","nginx.ingress.kubernetes.io/canary":"true",)"
            R"("nginx.ingress.kubernetes.io/canary-weight":"5"})");
}

TEST(Nginx, LeavesAloneWhatOthersPutThere) {
  RouterCase test(R"({"nginx":{"stableIngress":"web"}})");
  test.put("Ingress", "web", stable);
  test.setWeight(10);
  json::object edited = test.at("Ingress/ro-web-canary");
  ensureObject(edited, {"metadata", "annotations"})["by"] = "hand";
  ensureObject(edited, {"metadata", "labels"})["by"] = "hand";
  test.server["Ingress/ro-web-canary"] = std::make_shared<const json::object>(std::move(edited));
  EXPECT_TRUE(test.setWeight(10).changes.empty());
}

// spec/05 §17 #21
TEST(Nginx, SaysWhatIsWrong) {
  RouterCase test(R"({"nginx":{"stableIngress":"web"}})");
  EXPECT_EQ(test.setWeight(10).error->message,
            "error retrieving stableIngress `web` from cache: ingresses.networking.k8s.io \"web\" not found");
  test.put("Ingress", "web", R"({"spec":{"rules":[{"host":"b.io"}]}})");
  EXPECT_EQ(test.setWeight(10).error->message, "ingress `web` has no rules using service stable backend");
  test.put("Ingress", "web", stable);
  test.put("Ingress", "ro-web-canary", stable);
  EXPECT_EQ(test.setWeight(10).error->message, "canary ingress `ro-web-canary` controlled by different object");
}

}  // namespace
}  // namespace crossfade::traffic
