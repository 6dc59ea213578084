#include "small_cluster.hpp"

namespace crossfade::local {
namespace {

std::vector<std::string> names(const std::vector<Object>& objects) {
  std::vector<std::string> result;
  for (const auto& object : objects) result.emplace_back(nameOf(*object));
  return result;
}

TEST(ReplicaSet, MakesItsPodsAndReportsThem) {
  SmallCluster cluster;
  cluster.create("replicasets", replicaSet("web", 3));
  cluster.run(milliseconds(0));
  EXPECT_EQ(cluster.list("pods").size(), 3U);
  EXPECT_EQ(cluster.show("replicasets", "web", {"status", "replicas"}), "3");
  EXPECT_EQ(cluster.show("replicasets", "web", {"status", "fullyLabeledReplicas"}), "3");
  EXPECT_EQ(cluster.show("replicasets", "web", {"status", "readyReplicas"}), "");
  cluster.run(seconds(1));
  const json::value expected = *parseJson(
      R"({"replicas":3,"fullyLabeledReplicas":3,"readyReplicas":3,"availableReplicas":3,"observedGeneration":1})");
  EXPECT_EQ(cluster.get("replicasets", "web")->at("status"), expected);
  const Object pod = cluster.list("pods").front();
  EXPECT_TRUE(nameOf(*pod).starts_with("web-"));
  EXPECT_EQ(nameOf(*pod).size(), std::string_view("web-").size() + 5);
  EXPECT_EQ(getString(*controllerOf(*pod), {"kind"}), "ReplicaSet");
  EXPECT_EQ(controllerUid(*pod), uidOf(*cluster.get("replicasets", "web")));
  EXPECT_EQ(cluster.events("web").size(), 3U);
}

TEST(ReplicaSet, ReplacesALostPod) {
  SmallCluster cluster;
  cluster.create("replicasets", replicaSet("web", 2));
  cluster.run(seconds(1));
  const std::string lost(nameOf(*cluster.list("pods").front()));
  cluster.remove("pods", lost);
  cluster.run(seconds(2));
  EXPECT_EQ(cluster.list("pods").size(), 2U);
  EXPECT_EQ(cluster.get("pods", lost), nullptr);
  EXPECT_EQ(cluster.show("replicasets", "web", {"status", "availableReplicas"}), "2");
}

TEST(ReplicaSet, CountsAPodAsAvailableAfterMinReadySeconds) {
  SmallCluster cluster;
  cluster.create("replicasets", replicaSet("web", 1, "crossfade.dev/demo:v1", R"(,"minReadySeconds":10)"));
  cluster.run(seconds(8));
  EXPECT_EQ(cluster.show("replicasets", "web", {"status", "readyReplicas"}), "1");
  EXPECT_EQ(cluster.show("replicasets", "web", {"status", "availableReplicas"}), "");
  cluster.run(seconds(3));
  EXPECT_EQ(cluster.show("replicasets", "web", {"status", "availableReplicas"}), "1");
}

TEST(ReplicaSet, AdoptsOrphansAndReleasesStrangers) {
  SmallCluster cluster;
  cluster.create(
      "pods",
      R"({"metadata":{"name":"lonely","labels":{"app":"web"}},"spec":{"containers":[{"name":"app","image":"x:1"}]}})");
  cluster.run(seconds(1));
  cluster.create("replicasets", replicaSet("web", 2));
  cluster.run(seconds(1));
  EXPECT_EQ(cluster.list("pods", "app=web").size(), 2U);
  EXPECT_EQ(controllerUid(*cluster.get("pods", "lonely")), uidOf(*cluster.get("replicasets", "web")));

  cluster.patch("pods", "lonely", R"({"metadata":{"labels":{"app":"other"}}})");
  cluster.run(seconds(1));
  EXPECT_EQ(controllerOf(*cluster.get("pods", "lonely")), nullptr);
  EXPECT_EQ(cluster.list("pods", "app=web").size(), 2U);
  EXPECT_EQ(cluster.list("pods").size(), 3U);
}

TEST(ReplicaSet, LeavesPodsOfOthersAlone) {
  SmallCluster cluster;
  cluster.create("replicasets", replicaSet("web", 1));
  cluster.run(seconds(1));
  const auto before = names(cluster.list("pods"));
  // The same selector: each keeps its own.
  auto twin = replicaSet("web", 1);
  twin.replace(twin.find("\"web\""), 5, "\"twin\"");
  cluster.create("replicasets", twin);
  cluster.run(seconds(1));
  EXPECT_EQ(cluster.list("pods").size(), 2U);
  EXPECT_NE(cluster.get("pods", before.front()), nullptr);
  EXPECT_EQ(cluster.show("replicasets", "web", {"status", "replicas"}), "1");
}

// One at a time: what goes first when a set of three shrinks to two.
TEST(ReplicaSet, ShrinksByTheWorthOfItsPods) {
  struct Case {
    std::string_view what;
    std::function<void(SmallCluster&, const std::string& victim)> prepare;
  };
  const std::vector<Case> cases = {
      {"not ready",
       [](SmallCluster& cluster, const std::string& victim) {
         cluster.patch("pods", victim, R"({"status":{"conditions":[{"type":"Ready","status":"False"}]}})",
                       Subresource::status);
       }},
      {"pending",
       [](SmallCluster& cluster, const std::string& victim) {
         cluster.patch("pods", victim, R"({"status":{"phase":"Pending"}})", Subresource::status);
       }},
      {"deletion cost",
       [](SmallCluster& cluster, const std::string& victim) {
         cluster.patch("pods", victim,
                       R"({"metadata":{"annotations":{"controller.kubernetes.io/pod-deletion-cost":"-5"}}})");
       }},
      {"restarts",
       [](SmallCluster& cluster, const std::string& victim) {
         cluster.patch("pods", victim, R"({"status":{"containerStatuses":[{"name":"app","restartCount":3}]}})",
                       Subresource::status);
       }},
  };
  for (const auto& test : cases) {
    for (std::size_t position = 0; position < 3; ++position) {
      SmallCluster cluster;
      cluster.create("replicasets", replicaSet("web", 3));
      cluster.run(seconds(1));
      const std::string victim = names(cluster.list("pods"))[position];
      // Both causes reach the controller in one step.
      test.prepare(cluster, victim);
      cluster.patch("replicasets", "web", R"({"spec":{"replicas":2}})");
      cluster.run(seconds(2));
      EXPECT_EQ(cluster.get("pods", victim), nullptr) << test.what;
      EXPECT_EQ(cluster.list("pods").size(), 2U) << test.what;
    }
  }
}

TEST(ReplicaSet, ShrinksTheNewestFirst) {
  SmallCluster cluster;
  cluster.create("replicasets", replicaSet("web", 2));
  cluster.run(minutes(10));
  const auto old = names(cluster.list("pods"));
  cluster.patch("replicasets", "web", R"({"spec":{"replicas":4}})");
  cluster.run(minutes(1));
  cluster.patch("replicasets", "web", R"({"spec":{"replicas":2}})");
  cluster.run(seconds(2));
  EXPECT_EQ(names(cluster.list("pods")), old);
}

TEST(ReplicaSet, TellsWhyItCantMakePods) {
  SmallCluster cluster;
  // Nobody looks at a template's finalizers before a pod is made from it.
  auto set = parseJson(replicaSet("web", 1))->get_object();
  ensureObject(set, {"spec", "template", "metadata"})["finalizers"] = json::array{"nonsense"};
  cluster.create("replicasets", json::serialize(set));
  cluster.run(seconds(1));
  EXPECT_TRUE(cluster.list("pods").empty());
  const Object failing = cluster.get("replicasets", "web");
  const auto* failure = findCondition(*failing, "ReplicaFailure");
  ASSERT_NE(failure, nullptr);
  EXPECT_EQ(getString(*failure, {"status"}), "True");
  EXPECT_EQ(getString(*failure, {"reason"}), "FailedCreate");
  EXPECT_NE(getString(*failure, {"message"}).find("nonsense"), std::string_view::npos);

  cluster.patch("replicasets", "web", R"({"spec":{"template":{"metadata":{"finalizers":null}}}})");
  cluster.run(seconds(1));
  EXPECT_EQ(cluster.show("replicasets", "web", {"status", "readyReplicas"}), "1");
  EXPECT_EQ(findCondition(*cluster.get("replicasets", "web"), "ReplicaFailure"), nullptr);
}

TEST(ReplicaSet, GoesWithItsPods) {
  SmallCluster cluster;
  cluster.create("replicasets", replicaSet("web", 3));
  cluster.run(seconds(1));
  cluster.remove("replicasets", "web");
  cluster.run(seconds(5));
  EXPECT_TRUE(cluster.list("pods").empty());
}

TEST(ReplicaSet, FourThousandCostOneStepEach) {
  SmallCluster cluster;
  for (int i = 0; i < 4000; ++i) cluster.create("replicasets", replicaSet(fmt::format("set-{}", i), 0));
  cluster.run(seconds(1));
  cluster.create("replicasets", replicaSet("web", 50));
  const auto began = std::chrono::steady_clock::now();
  cluster.run(seconds(1));
  EXPECT_EQ(cluster.show("replicasets", "web", {"status", "availableReplicas"}), "50");
  // Generous: with sanitizers, on a busy machine. O(n) a pod event would take minutes.
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(20));
}

}  // namespace
}  // namespace crossfade::local
