#include "small_cluster.hpp"

namespace crossfade::local {
namespace {

TEST(DisruptionBudget, SaysHowManyMayGo) {
  struct Case {
    std::string_view rule;
    int expected, desired, allowed;
  };
  for (const auto& test : std::vector<Case>{{R"("minAvailable":3)", 4, 3, 1},
                                            {R"("minAvailable":"50%")", 4, 2, 2},
                                            {R"("maxUnavailable":1)", 4, 3, 1},
                                            {R"("maxUnavailable":"30%")", 4, 2, 2},
                                            {R"("minAvailable":9)", 4, 9, 0}}) {
    SmallCluster cluster;
    cluster.create("replicasets", replicaSet("web", 4));
    cluster.create(
        "poddisruptionbudgets",
        fmt::format(R"({{"metadata":{{"name":"web"}},"spec":{{"selector":{{"matchLabels":{{"app":"web"}}}},{}}}}})",
                    test.rule));
    cluster.run(seconds(2));
    const auto number = [&cluster](std::string_view key) {
      return getInt(*cluster.get("poddisruptionbudgets", "web"), {"status", key}, -1);
    };
    EXPECT_EQ(number("expectedPods"), test.expected) << test.rule;
    EXPECT_EQ(number("currentHealthy"), 4) << test.rule;
    EXPECT_EQ(number("desiredHealthy"), test.desired) << test.rule;
    EXPECT_EQ(number("disruptionsAllowed"), test.allowed) << test.rule;
    EXPECT_TRUE(conditionIs(*cluster.get("poddisruptionbudgets", "web"), "DisruptionAllowed",
                            test.allowed > 0 ? "True" : "False"));
  }
}

TEST(DisruptionBudget, FollowsThePods) {
  SmallCluster cluster;
  cluster.create("replicasets", replicaSet("web", 3));
  cluster.create("poddisruptionbudgets",
                 R"({"metadata":{"name":"web"},"spec":{"minAvailable":2,"selector":{"matchLabels":{"app":"web"}}}})");
  cluster.run(seconds(2));
  EXPECT_EQ(cluster.show("poddisruptionbudgets", "web", {"status", "disruptionsAllowed"}), "1");
  cluster.remove("pods", nameOf(*cluster.list("pods").front()));
  cluster.run(milliseconds(100));
  EXPECT_EQ(cluster.show("poddisruptionbudgets", "web", {"status", "disruptionsAllowed"}), "0");
  cluster.run(seconds(2));
  EXPECT_EQ(cluster.show("poddisruptionbudgets", "web", {"status", "disruptionsAllowed"}), "1");
}

}  // namespace
}  // namespace crossfade::local
