#include "local/service_endpoints.hpp"
#include "small_cluster.hpp"

namespace crossfade::local {
namespace {

constexpr std::string_view service =
    R"({"metadata":{"name":"web","labels":{"team":"a"}},"spec":{"selector":{"app":"web"},"ports":[{"name":"http","port":80,"targetPort":"web"}]}})";
constexpr std::string_view named_port = R"(,"ports":[{"name":"web","containerPort":8080}])";

std::size_t addresses(const SmallCluster& cluster, std::string_view key) {
  const Object object = cluster.get("endpoints", "web");
  std::size_t count = 0;
  const auto* subsets = object ? getArray(*object, {"subsets"}) : nullptr;
  if (subsets == nullptr) return 0;
  for (const auto& subset : *subsets) {
    if (const auto* list = getArray(subset.get_object(), {key})) count += list->size();
  }
  return count;
}

// "ready/serving/terminating" of every endpoint in the slices of the service.
std::map<std::string, int> sliceConditions(const SmallCluster& cluster) {
  std::map<std::string, int> result;
  for (const auto& slice : cluster.list("endpointslices", "kubernetes.io/service-name=web")) {
    const auto* endpoints = getArray(*slice, {"endpoints"});
    if (endpoints == nullptr) continue;
    for (const auto& endpoint : *endpoints) {
      const json::object& item = endpoint.get_object();
      ++result[fmt::format("{:d}/{:d}/{:d}", getBool(item, {"conditions", "ready"}),
                           getBool(item, {"conditions", "serving"}), getBool(item, {"conditions", "terminating"}))];
    }
  }
  return result;
}

TEST(Endpoints, FollowThePods) {
  SmallCluster cluster;
  cluster.create("services", service);
  cluster.run(seconds(0));
  EXPECT_NE(cluster.get("endpoints", "web"), nullptr);
  EXPECT_EQ(cluster.list("endpointslices", "kubernetes.io/service-name=web").size(), 1U);
  cluster.create("replicasets", replicaSet("web", 2, "x:1", "", named_port));
  cluster.run(seconds(1));
  EXPECT_EQ(addresses(cluster, "addresses"), 2U);
  EXPECT_EQ(sliceConditions(cluster), (std::map<std::string, int>{{"1/1/0", 2}}));

  const Object endpoints = cluster.get("endpoints", "web");
  const json::object& subset = getArray(*endpoints, {"subsets"})->front().get_object();
  EXPECT_EQ(subset.at("ports"), *parseJson(R"([{"name":"http","port":8080,"protocol":"TCP"}])"));
  const json::object& address = getArray(subset, {"addresses"})->front().get_object();
  const Object pod = cluster.get("pods", getString(address, {"targetRef", "name"}));
  ASSERT_NE(pod, nullptr);
  EXPECT_EQ(getString(address, {"ip"}), getString(*pod, {"status", "podIP"}));
  EXPECT_EQ(getString(address, {"nodeName"}), getString(*pod, {"spec", "nodeName"}));
  EXPECT_EQ(getString(address, {"targetRef", "uid"}), uidOf(*pod));
  EXPECT_EQ(getString(*endpoints, {"metadata", "labels", "team"}), "a");
  const Object slice = cluster.list("endpointslices").front();
  EXPECT_EQ(controllerUid(*slice), uidOf(*cluster.get("services", "web")));
  EXPECT_EQ(slice->at("ports"), *parseJson(R"([{"name":"http","port":8080,"protocol":"TCP"}])"));

  const auto ready = readyEndpoints(cluster.registry, "default", "web", 80);
  ASSERT_EQ(ready.size(), 2U);
  EXPECT_EQ(ready.front().port, 8080);
  EXPECT_TRUE(readyEndpoints(cluster.registry, "default", "web", 81).empty());
}

TEST(Endpoints, UnreadyPodsAreListedAsSuch) {
  SmallCluster cluster;
  cluster.create("services", service);
  cluster.create(
      "replicasets",
      replicaSet("web", 1, "x:1", "",
                 std::string(named_port) + R"(,"readinessProbe":{"initialDelaySeconds":20,"httpGet":{"port":"web"}})"));
  cluster.run(seconds(5));
  EXPECT_EQ(addresses(cluster, "notReadyAddresses"), 1U);
  EXPECT_EQ(addresses(cluster, "addresses"), 0U);
  EXPECT_EQ(sliceConditions(cluster), (std::map<std::string, int>{{"0/0/0", 1}}));
  cluster.run(seconds(20));
  EXPECT_EQ(addresses(cluster, "notReadyAddresses"), 0U);
  EXPECT_EQ(addresses(cluster, "addresses"), 1U);
}

TEST(Endpoints, APodLeavesBeforeItStopsServing) {
  SmallCluster cluster;
  cluster.create("services", service);
  cluster.create("replicasets", replicaSet("web", 2, "x:1", "", named_port));
  cluster.run(seconds(1));
  const std::string leaving(nameOf(*cluster.list("pods").front()));
  cluster.remove("pods", leaving);
  cluster.run(milliseconds(10));
  for (const auto& endpoint : readyEndpoints(cluster.registry, "default", "web", 80)) EXPECT_NE(endpoint.pod, leaving);
  EXPECT_EQ(sliceConditions(cluster), (std::map<std::string, int>{{"0/1/1", 1}, {"1/1/0", 1}}));
  const Object pod = cluster.get("pods", leaving);
  ASSERT_NE(pod, nullptr);
  EXPECT_TRUE(isReady(*pod));  // it still serves what is on its way
}

TEST(Endpoints, SwitchWithTheSelector) {
  SmallCluster cluster;
  cluster.create("services", service);
  cluster.create("replicasets", replicaSet("web", 1, "x:1", "", named_port));
  cluster.create("replicasets", replicaSet("green", 2, "x:1", "", named_port));
  cluster.run(seconds(1));
  EXPECT_EQ(addresses(cluster, "addresses"), 1U);
  cluster.patch("services", "web", R"({"spec":{"selector":{"app":"green"}}})");
  cluster.run(milliseconds(0));
  EXPECT_EQ(addresses(cluster, "addresses"), 2U);
  // What is no longer selected doesn't matter any more.
  cluster.remove("replicasets", "web");
  cluster.run(seconds(5));
  EXPECT_EQ(addresses(cluster, "addresses"), 2U);
}

TEST(Endpoints, GoWithTheService) {
  SmallCluster cluster;
  cluster.create("services", service);
  cluster.create("replicasets", replicaSet("web", 1, "x:1", "", named_port));
  cluster.run(seconds(1));
  cluster.remove("services", "web");
  cluster.run(seconds(1));
  EXPECT_EQ(cluster.get("endpoints", "web"), nullptr);
  EXPECT_TRUE(cluster.list("endpointslices").empty());
}

TEST(Endpoints, OfAServiceWithoutSelectorBelongToTheUser) {
  SmallCluster cluster;
  cluster.create("services", R"({"metadata":{"name":"web"},"spec":{"ports":[{"port":80}]}})");
  cluster.create("endpoints",
                 R"({"metadata":{"name":"web"},"subsets":[{"addresses":[{"ip":"192.0.2.1"}],"ports":[{"port":80}]}]})");
  cluster.run(seconds(1));
  const auto ready = readyEndpoints(cluster.registry, "default", "web", std::nullopt);
  ASSERT_EQ(ready.size(), 1U);
  EXPECT_EQ(ready.front().ip, "192.0.2.1");
  EXPECT_EQ(ready.front().pod, "");
}

TEST(Endpoints, ManyPodsTakeSeveralSlices) {
  SmallCluster cluster;
  cluster.create("services", service);
  cluster.create("replicasets", replicaSet("web", 150, "x:1", "", named_port));
  cluster.run(seconds(2));
  EXPECT_EQ(cluster.list("endpointslices").size(), 2U);
  EXPECT_EQ(sliceConditions(cluster), (std::map<std::string, int>{{"1/1/0", 150}}));
  cluster.patch("replicasets", "web", R"({"spec":{"replicas":10}})");
  cluster.run(seconds(2));
  EXPECT_EQ(cluster.list("endpointslices").size(), 1U);
}

TEST(Endpoints, ADeletedOneComesBack) {
  SmallCluster cluster;
  cluster.create("services", service);
  cluster.create("replicasets", replicaSet("web", 1, "x:1", "", named_port));
  cluster.run(seconds(1));
  cluster.remove("endpoints", "web");
  cluster.remove("endpointslices", nameOf(*cluster.list("endpointslices").front()));
  cluster.run(seconds(1));
  EXPECT_EQ(addresses(cluster, "addresses"), 1U);
  EXPECT_EQ(sliceConditions(cluster), (std::map<std::string, int>{{"1/1/0", 1}}));
}

}  // namespace
}  // namespace crossfade::local
