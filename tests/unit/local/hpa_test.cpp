#include "small_cluster.hpp"

namespace crossfade::local {
namespace {

constexpr std::string_view autoscaler = R"({"metadata":{"name":"web"},"spec":{"minReplicas":2,"maxReplicas":5,
    "scaleTargetRef":{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web"}}})";

std::string limited(const SmallCluster& cluster) {
  const Object object = cluster.get("horizontalpodautoscalers", "web");
  const auto* condition = findCondition(*object, "ScalingLimited");
  return condition == nullptr ? "" : std::string(getString(*condition, {"reason"}));
}

TEST(Autoscaler, HoldsItsBounds) {
  SmallCluster cluster;
  cluster.create("replicasets", replicaSet("web", 1));
  cluster.create("horizontalpodautoscalers", autoscaler);
  cluster.run(seconds(2));
  EXPECT_EQ(cluster.show("replicasets", "web", {"spec", "replicas"}), "2");
  EXPECT_EQ(cluster.show("horizontalpodautoscalers", "web", {"status", "currentReplicas"}), "2");
  EXPECT_EQ(cluster.show("horizontalpodautoscalers", "web", {"status", "desiredReplicas"}), "2");
  cluster.patch("replicasets", "web", R"({"spec":{"replicas":9}})");
  cluster.run(seconds(2));
  EXPECT_EQ(cluster.show("replicasets", "web", {"spec", "replicas"}), "5");
  EXPECT_EQ(limited(cluster), "DesiredWithinRange");
}

TEST(Autoscaler, DoesWhatItsAnnotationAsks) {
  SmallCluster cluster;
  cluster.create("replicasets", replicaSet("web", 2));
  cluster.create("horizontalpodautoscalers", autoscaler);
  const auto ask = [&cluster](int replicas) {
    cluster.patch(
        "horizontalpodautoscalers", "web",
        fmt::format(R"({{"metadata":{{"annotations":{{"local.crossfade.dev/desired-replicas":"{}"}}}}}})", replicas));
    cluster.run(seconds(2));
  };
  ask(4);
  EXPECT_EQ(cluster.show("replicasets", "web", {"spec", "replicas"}), "4");
  EXPECT_EQ(limited(cluster), "DesiredWithinRange");
  ask(40);
  EXPECT_EQ(cluster.show("replicasets", "web", {"spec", "replicas"}), "5");
  EXPECT_EQ(limited(cluster), "TooManyReplicas");
  EXPECT_NE(cluster.show("horizontalpodautoscalers", "web", {"status", "lastScaleTime"}), "");
}

TEST(Autoscaler, LeavesAZeroAlone) {
  SmallCluster cluster;
  cluster.create("replicasets", replicaSet("web", 0));
  cluster.create("horizontalpodautoscalers", autoscaler);
  cluster.run(seconds(2));
  EXPECT_EQ(cluster.show("replicasets", "web", {"spec", "replicas"}), "0");
  EXPECT_TRUE(conditionIs(*cluster.get("horizontalpodautoscalers", "web"), "ScalingActive", "False"));
}

TEST(Autoscaler, WaitsForItsTarget) {
  SmallCluster cluster;
  cluster.create("horizontalpodautoscalers", autoscaler);
  cluster.run(seconds(2));
  EXPECT_TRUE(conditionIs(*cluster.get("horizontalpodautoscalers", "web"), "AbleToScale", "False"));
  cluster.create("replicasets", replicaSet("web", 1));
  cluster.run(seconds(2));
  EXPECT_EQ(cluster.show("replicasets", "web", {"spec", "replicas"}), "2");
}

}  // namespace
}  // namespace crossfade::local
