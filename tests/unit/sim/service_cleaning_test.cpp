// A Service that no Rollout names any more selects by its own labels again, in a whole controller. spec/02 §13.4.
#include "api/names.hpp"
#include "base/log.hpp"
#include "sim/world.hpp"

namespace crossfade::sim {
namespace {

class ServiceCleaningTest : public ::testing::Test {
 protected:
  ServiceCleaningTest() : world(1, Faults::none()) {
    log::setLevel(log::Level::error);
    for (const char* name : {"stable", "canary", "other"}) {
      EXPECT_TRUE(world.create("", "services",
                               parse(fmt::format(R"({{"apiVersion":"v1","kind":"Service",
          "metadata":{{"name":"{}"}},"spec":{{"selector":{{"app":"web"}},"ports":[{{"port":80}}]}}}})",
                                                 name))));
    }
    EXPECT_TRUE(world.create(api::group, "rollouts", parse(R"({"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout",
        "metadata":{"name":"web"},"spec":{"replicas":2,"selector":{"matchLabels":{"app":"web"}},
        "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"app","image":"web:1"}]}},
        "strategy":{"canary":{"stableService":"stable","canaryService":"canary"}}}})")));
    world.startController();
    settle();
    EXPECT_FALSE(selected("stable").empty());
    EXPECT_FALSE(selected("canary").empty());
  }

  static json::object parse(std::string_view text) { return parseJson(text)->get_object(); }
  void settle() {
    const TimePoint end = world.now() + minutes(2);
    while (world.stepUntil(end)) {
    }
  }
  std::string selected(std::string_view service) {
    return std::string(getString(*world.get("", "services", service), {"spec", "selector", api::hash_label}));
  }
  std::string manager(std::string_view service) {
    return std::string(
        getString(*world.get("", "services", service), {"metadata", "annotations", api::managed_by_annotation}));
  }

  SimWorld world;
};

TEST_F(ServiceCleaningTest, WhenTheRolloutIsDeleted) {
  EXPECT_TRUE(world.remove(api::group, "rollouts", "web"));
  settle();
  for (const char* name : {"stable", "canary"}) {
    EXPECT_EQ(selected(name), "") << name;
    EXPECT_EQ(manager(name), "") << name;
    EXPECT_EQ(getString(*world.get("", "services", name), {"spec", "selector", "app"}), "web") << name;
  }
  std::vector<std::string> said;
  for (const local::Object& event : world.list("", "events"))
    if (getString(*event, {"reason"}) == "RolloutDeleted") said.emplace_back(getString(*event, {"message"}));
  EXPECT_EQ(said, std::vector<std::string>{"Rollout web/default is deleted."}) << "spec/02 §15: its name first";
}

TEST_F(ServiceCleaningTest, WhenTheRolloutNamesAnotherOne) {
  EXPECT_TRUE(world.mergePatch(api::group, "rollouts", "web", local::Subresource::none,
                               parse(R"({"spec":{"strategy":{"canary":{"stableService":"other"}}}})")));
  settle();
  EXPECT_EQ(selected("stable"), "");
  EXPECT_EQ(manager("stable"), "");
  EXPECT_FALSE(selected("other").empty());
  EXPECT_EQ(manager("other"), "web");
  EXPECT_FALSE(selected("canary").empty());
}

// While the controller was away: found by the Services' first list.
TEST_F(ServiceCleaningTest, WhenNobodyWasWatching) {
  world.killController();
  EXPECT_TRUE(world.remove(api::group, "rollouts", "web"));
  world.startController();
  settle();
  EXPECT_EQ(selected("stable"), "");
  EXPECT_EQ(selected("canary"), "");
}

// Somebody took the label off: no watch shows the ReplicaSet any more. spec/02 §19 #27
TEST_F(ServiceCleaningTest, AReplicaSetWithoutItsLabelGetsItBack) {
  const std::string hash = selected("stable");
  EXPECT_TRUE(world.mergePatch("apps", "replicasets", "web-" + hash, local::Subresource::none,
                               parse(R"({"metadata":{"labels":{"rollouts-pod-template-hash":null}}})")));
  settle();
  EXPECT_EQ(getString(*world.get("apps", "replicasets", "web-" + hash), {"metadata", "labels", api::hash_label}), hash);
  EXPECT_EQ(world.list("apps", "replicasets").size(), 1U);
  EXPECT_EQ(selected("stable"), hash);
}

}  // namespace
}  // namespace crossfade::sim
