#include "local/deployment_scaling.hpp"
#include "small_cluster.hpp"

namespace crossfade::local {
namespace {

std::string deployment(int replicas, std::string_view image, std::string_view more = "") {
  return fmt::format(
      R"({{"metadata":{{"name":"web"}},"spec":{{"replicas":{},"selector":{{"matchLabels":{{"app":"web"}}}},"template":{}{}}}}})",
      replicas, podTemplate("web", image), more);
}

std::string setImage(std::string_view image) {
  return fmt::format(R"({{"spec":{{"template":{{"spec":{{"containers":[{{"name":"app","image":"{}"}}]}}}}}}}})", image);
}

// spec.replicas of the ReplicaSets by image.
std::map<std::string, std::int64_t> sizes(const SmallCluster& cluster) {
  std::map<std::string, std::int64_t> result;
  for (const auto& set : cluster.list("replicasets")) {
    const auto* containers = getArray(*set, {"spec", "template", "spec", "containers"});
    result[std::string(getString(containers->front().get_object(), {"image"}))] = getInt(*set, {"spec", "replicas"});
  }
  return result;
}

std::string reason(const SmallCluster& cluster, std::string_view condition) {
  const Object object = cluster.get("deployments", "web");
  const auto* found = findCondition(*object, condition);
  return found == nullptr ? "" : fmt::format("{} {}", getString(*found, {"status"}), getString(*found, {"reason"}));
}

TEST(DeploymentScaling, StepsOfARollingUpdate) {
  struct Case {
    std::string_view what;
    DeploymentSize size;
    SetSize fresh;
    std::vector<SetSize> old;
    std::int64_t next_new;
    std::vector<std::int64_t> next_old;
  };
  const auto set = [](std::int64_t replicas, std::int64_t available) { return SetSize{"", replicas, available, 0}; };
  const DeploymentSize ten{.replicas = 10, .rolling = true, .max_surge = 3, .max_unavailable = 2};
  const std::vector<Case> cases = {
      {"the first step fills the surge", ten, set(0, 0), {set(10, 10)}, 3, {8}},
      {"unready new pods hold the old ones", ten, set(3, 0), {set(10, 10)}, 3, {8}},
      {"ready new pods free as many old ones", ten, set(5, 5), {set(8, 8)}, 5, {3}},
      {"old pods that aren't available go first", ten, set(3, 0), {set(10, 7)}, 3, {8}},
      {"the oldest set first", ten, set(5, 5), {set(4, 4), set(4, 4)}, 5, {0, 3}},
      {"nothing may go",
       {.replicas = 3, .rolling = true, .max_surge = 1, .max_unavailable = 0},
       set(1, 0),
       {set(3, 3)},
       1,
       {3}},
      {"a new set that is too large shrinks", ten, set(12, 12), {}, 10, {}},
      {"recreate: all at once", {.replicas = 4, .rolling = false}, set(0, 0), {}, 4, {}},
  };
  for (const auto& test : cases) {
    EXPECT_EQ(nextNewReplicas(test.size, test.fresh, test.old), test.next_new) << test.what;
    EXPECT_EQ(nextOldReplicas(test.size, test.fresh, test.old), test.next_old) << test.what;
  }
}

// https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#proportional-scaling
TEST(DeploymentScaling, AChangeOfSizeIsSharedByProportion) {
  const DeploymentSize fifteen{.replicas = 15, .rolling = true, .max_surge = 3, .max_unavailable = 2};
  const std::vector<SetSize> sets = {{"old", 8, 8, 13}, {"new", 5, 0, 13}};
  EXPECT_EQ(proportionalReplicas(fifteen, sets, 13), (std::vector<std::int64_t>{11, 7}));
  const DeploymentSize none{.replicas = 0, .rolling = true, .max_surge = 0, .max_unavailable = 1};
  EXPECT_EQ(proportionalReplicas(none, sets, 13), (std::vector<std::int64_t>{0, 0}));
}

TEST(Deployment, BecomesAvailable) {
  SmallCluster cluster;
  cluster.create("deployments", deployment(3, "x:1"));
  cluster.run(seconds(5));
  ASSERT_EQ(cluster.list("replicasets").size(), 1U);
  const Object set = cluster.list("replicasets").front();
  const std::string hash(getString(*set, {"metadata", "labels", "pod-template-hash"}));
  EXPECT_FALSE(hash.empty());
  EXPECT_EQ(nameOf(*set), "web-" + hash);
  EXPECT_EQ(getString(*set, {"spec", "selector", "matchLabels", "pod-template-hash"}), hash);
  EXPECT_EQ(getString(*set, {"metadata", "annotations", "deployment.kubernetes.io/revision"}), "1");
  EXPECT_EQ(
      getString(*cluster.get("deployments", "web"), {"metadata", "annotations", "deployment.kubernetes.io/revision"}),
      "1");
  EXPECT_EQ(cluster.show("deployments", "web", {"status", "updatedReplicas"}), "3");
  EXPECT_EQ(cluster.show("deployments", "web", {"status", "availableReplicas"}), "3");
  EXPECT_EQ(cluster.show("deployments", "web", {"status", "unavailableReplicas"}), "");
  EXPECT_EQ(cluster.show("deployments", "web", {"status", "observedGeneration"}),
            cluster.show("deployments", "web", {"metadata", "generation"}));
  EXPECT_EQ(reason(cluster, "Available"), "True MinimumReplicasAvailable");
  EXPECT_EQ(reason(cluster, "Progressing"), "True NewReplicaSetAvailable");
  EXPECT_EQ(cluster.events("web"), std::vector<std::string>{fmt::format(
                                       "ScalingReplicaSet: Scaled up replica set web-{} from 0 to 3 x1", hash)});
}

TEST(Deployment, RollsWithinItsBounds) {
  SmallCluster cluster;
  cluster.create("deployments",
                 deployment(4, "x:1", R"(,"strategy":{"rollingUpdate":{"maxSurge":1,"maxUnavailable":1}})"));
  cluster.run(seconds(5));
  std::size_t most = 0;
  std::int64_t fewest = 4;
  const auto watch = cluster.registry.subscribe(&cluster.type("pods"), [&](const ResourceType&, const Event&) {
    std::size_t active = 0;
    std::int64_t ready = 0;
    for (const auto& pod : cluster.list("pods")) {
      active += isActive(*pod) ? 1 : 0;
      ready += isActive(*pod) && isReady(*pod) ? 1 : 0;
    }
    most = std::max(most, active);
    fewest = std::min(fewest, ready);
  });
  cluster.patch("deployments", "web", setImage("x:2"));
  cluster.run(seconds(20));
  EXPECT_EQ(sizes(cluster), (std::map<std::string, std::int64_t>{{"x:1", 0}, {"x:2", 4}}));
  EXPECT_EQ(most, 5U);
  EXPECT_EQ(fewest, 3);
  EXPECT_EQ(
      getString(*cluster.get("deployments", "web"), {"metadata", "annotations", "deployment.kubernetes.io/revision"}),
      "2");
  EXPECT_EQ(reason(cluster, "Progressing"), "True NewReplicaSetAvailable");

  // Back to the first template: its ReplicaSet again, as revision 3.
  cluster.patch("deployments", "web", setImage("x:1"));
  cluster.run(seconds(20));
  EXPECT_EQ(sizes(cluster), (std::map<std::string, std::int64_t>{{"x:1", 4}, {"x:2", 0}}));
  EXPECT_EQ(
      getString(*cluster.get("deployments", "web"), {"metadata", "annotations", "deployment.kubernetes.io/revision"}),
      "3");
}

TEST(Deployment, StandsStillOnABadImageUntilItsDeadline) {
  SmallCluster cluster;
  cluster.create("deployments", deployment(4, "x:1", R"(,"progressDeadlineSeconds":60)"));
  cluster.run(seconds(5));
  cluster.patch("deployments", "web", setImage("x/bad:1"));
  cluster.run(seconds(50));
  EXPECT_EQ(sizes(cluster), (std::map<std::string, std::int64_t>{{"x/bad:1", 2}, {"x:1", 3}}));
  EXPECT_EQ(reason(cluster, "Progressing"), "True ReplicaSetUpdated");
  EXPECT_EQ(reason(cluster, "Available"), "True MinimumReplicasAvailable");
  cluster.run(seconds(30));
  EXPECT_EQ(reason(cluster, "Progressing"), "False ProgressDeadlineExceeded");
}

TEST(Deployment, RecreateWaitsForTheOldPodsToBeGone) {
  SmallCluster cluster;
  cluster.create("deployments", deployment(2, "x:1", R"(,"strategy":{"type":"Recreate"})"));
  cluster.run(seconds(5));
  std::size_t most = 0;
  const auto watch = cluster.registry.subscribe(&cluster.type("pods"), [&](const ResourceType&, const Event&) {
    most = std::max(most, cluster.list("pods").size());
  });
  cluster.patch("deployments", "web", setImage("x:2"));
  cluster.run(seconds(10));
  EXPECT_EQ(sizes(cluster), (std::map<std::string, std::int64_t>{{"x:1", 0}, {"x:2", 2}}));
  EXPECT_EQ(most, 2U);
}

TEST(Deployment, PausedItScalesButDoesNotRoll) {
  SmallCluster cluster;
  cluster.create("deployments", deployment(2, "x:1"));
  cluster.run(seconds(5));
  cluster.patch("deployments", "web", R"({"spec":{"paused":true}})");
  cluster.patch("deployments", "web", setImage("x:2"));
  cluster.patch("deployments", "web", R"({"spec":{"replicas":5}})");
  cluster.run(seconds(5));
  EXPECT_EQ(sizes(cluster), (std::map<std::string, std::int64_t>{{"x:1", 5}}));
  EXPECT_EQ(reason(cluster, "Progressing"), "Unknown DeploymentPaused");
  cluster.patch("deployments", "web", R"({"spec":{"paused":null}})");
  cluster.run(seconds(20));
  EXPECT_EQ(sizes(cluster), (std::map<std::string, std::int64_t>{{"x:1", 0}, {"x:2", 5}}));
}

TEST(Deployment, ScalesToZeroAndBackThroughTheSubresource) {
  SmallCluster cluster;
  cluster.create("deployments", deployment(3, "x:1"));
  cluster.run(seconds(5));
  for (const std::int64_t replicas : {0, 2}) {
    ASSERT_TRUE(cluster.registry.modify(
        cluster.type("deployments"), "default", "web", Subresource::scale,
        [replicas](json::object& scale) { ensureObject(scale, {"spec"})["replicas"] = replicas; }));
    cluster.run(seconds(5));
    EXPECT_EQ(cluster.list("pods").size(), static_cast<std::size_t>(replicas));
    EXPECT_EQ(reason(cluster, "Available"), "True MinimumReplicasAvailable");
  }
}

TEST(Deployment, KeepsAsMuchHistoryAsAsked) {
  SmallCluster cluster;
  cluster.create("deployments", deployment(1, "x:0", R"(,"revisionHistoryLimit":2)"));
  cluster.run(seconds(5));
  for (int i = 1; i <= 5; ++i) {
    cluster.patch("deployments", "web", setImage(fmt::format("x:{}", i)));
    cluster.run(seconds(10));
  }
  EXPECT_EQ(sizes(cluster), (std::map<std::string, std::int64_t>{{"x:3", 0}, {"x:4", 0}, {"x:5", 1}}));
}

TEST(Deployment, WritesNothingWhenNothingHappens) {
  SmallCluster cluster;
  cluster.create("deployments", deployment(3, "x:1"));
  cluster.run(minutes(1));
  const auto version = cluster.registry.resourceVersion();
  cluster.run(minutes(30));
  EXPECT_EQ(cluster.registry.resourceVersion(), version);
}

}  // namespace
}  // namespace crossfade::local
