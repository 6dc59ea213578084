// Canaries whose stable side shrinks as the traffic leaves it, and ping-pong Services. spec/04 §30.3 to §30.5, §18.3.
#include "support/planner_world.hpp"

namespace crossfade::rollout {
namespace {

using test::PlannerWorld;
using States = std::vector<std::string>;

constexpr std::string_view dynamic =
    R"({"canary":{"canaryService":"canary","stableService":"stable","trafficRouting":{"plugins":{"x":{}}},
      "dynamicStableScale":true,"steps":[{"setWeight":25},{"pause":{}},{"setWeight":75},{"pause":{}}]}})";

PlannerWorld deployed(std::string_view strategy, int replicas) {
  PlannerWorld world(strategy, replicas);
  for (const char* name : {"stable", "canary", "ping", "pong"})
    if (strategy.contains(fmt::format("{}Service\":\"{}\"", name, name))) world.addService(name);
  world.traffic.has_routers = true;
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  world.now += hours(1);
  return world;
}

// "weight canary stable" after every change until nothing happens any more.
States watch(PlannerWorld& world, std::string_view canary, std::string_view stable) {
  States seen;
  for (int round = 0; round < 200; ++round) {
    const std::string state =
        fmt::format("{} {} {}", world.weight, std::max<std::int64_t>(0, world.size(canary)), world.size(stable));
    if (seen.empty() || seen.back() != state) seen.push_back(state);
    if (world.step() == 0 && !world.startPods()) break;
  }
  return seen;
}

TEST(DynamicLife, StableShrinksBehindTheTraffic) {  // spec/04 §30.3 life, spec/04 §33 #9
  PlannerWorld world = deployed(dynamic, 4);
  world.setImage("web:2");
  EXPECT_EQ(watch(world, "web:2", "web:1"), (States{"0 0 4", "0 1 4", "25 1 4", "25 1 3"}));
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");
  world.promote();
  EXPECT_EQ(watch(world, "web:2", "web:1"), (States{"25 1 3", "25 3 3", "75 3 3", "75 3 1"}));
  world.promote();
  EXPECT_EQ(watch(world, "web:2", "web:1"), (States{"75 3 1", "75 4 1", "100 4 1", "0 4 1", "0 4 0"}));
  EXPECT_EQ(world.selected("stable"), world.hash("web:2"));
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
}

TEST(DynamicLife, AbortGivesTheTrafficBackAsStableGrows) {  // spec/04 §30.4 life
  PlannerWorld world = deployed(dynamic, 4);
  world.setImage("web:2");
  world.run();
  world.promote();
  world.run();
  ASSERT_EQ(world.weight, 75);
  world.abort();
  EXPECT_EQ(watch(world, "web:2", "web:1"), (States{"75 3 1", "75 3 3", "25 1 3", "25 1 4", "0 0 4"}));
  EXPECT_EQ(world.selected("canary"), world.hash("web:1"));
  EXPECT_EQ(world.status("phase"), "Degraded");
}

TEST(DynamicLife, AbortWithADelayKeepsTheCanary) {  // spec/04 §30.4
  PlannerWorld world = deployed(dynamic, 4);
  world.edit(R"({"spec":{"strategy":{"canary":{"abortScaleDownDelaySeconds":10}}}})");
  world.setImage("web:2");
  world.run();
  world.promote();
  world.run();
  ASSERT_EQ(world.weight, 75);
  world.abort();
  EXPECT_EQ(watch(world, "web:2", "web:1"), (States{"75 3 1", "75 3 3", "25 3 4", "0 3 4"}));
  world.run(seconds(5));
  EXPECT_EQ(world.size("web:2"), 3);
  world.run(seconds(10));
  EXPECT_EQ(world.size("web:2"), 0);
}

TEST(DynamicLife, AbortStepsDownThroughTheSteps) {  // spec/04 §30.4
  PlannerWorld world = deployed(
      R"({"canary":{"canaryService":"canary","stableService":"stable","trafficRouting":{"plugins":{"x":{}}},
        "dynamicStableScale":true,"steps":[{"setWeight":10},{"setWeight":30},{"setWeight":60},{"pause":{}}]}})",
      10);
  world.setImage("web:2");
  world.run();
  ASSERT_EQ(world.weight, 60);
  ASSERT_EQ(world.size("web:1"), 4);
  world.abort();
  EXPECT_EQ(watch(world, "web:2", "web:1"),
            (States{"60 6 4", "60 6 7", "30 3 7", "30 3 9", "10 1 9", "10 1 10", "0 0 10"}));
}

TEST(DynamicLife, BackToStableInTheMiddle) {  // spec/04 §30.5 life, spec/04 §23 #4, spec/04 §23 #5
  PlannerWorld world = deployed(dynamic, 4);
  world.setImage("web:2");
  world.run();
  ASSERT_EQ(world.weight, 25);
  const std::string interrupted = world.hash("web:2");
  world.setImage("web:1");
  world.step();
  world.step();
  EXPECT_EQ(world.size("web:1"), 4);
  EXPECT_EQ(world.weight, 25) << "until stable has all of its pods";
  EXPECT_EQ(world.selected("canary"), interrupted);
  EXPECT_EQ(getString(world.rollout, {"status", "canary", "weights", "canary", "podTemplateHash"}), interrupted);
  world.run(minutes(1));
  EXPECT_EQ(world.weight, 0);
  EXPECT_EQ(world.selected("canary"), world.hash("web:1"));
  EXPECT_EQ(world.size("web:2"), 0);
  EXPECT_EQ(world.phase(), "Healthy");
}

// What must hold at every moment: nobody gets traffic that its pods can't carry. spec/04 §15.6.
TEST(DynamicLife, PodsCarryTheirShareAtEveryMoment) {
  for (int what = 0; what < 3; ++what) {
    PlannerWorld world = deployed(dynamic, 8);
    world.setImage("web:2");
    bool interrupted = false;
    for (int round = 0; round < 400; ++round) {
      const bool moved = world.step() > 0 || world.startPods();
      const auto available = [&](std::string_view image) {
        const json::object* rs = world.rsOf(image);
        return rs ? getInt(*rs, {"status", "availableReplicas"}) : 0;
      };
      if (world.selected("stable") == world.hash("web:1") && world.weight >= 0) {
        ASSERT_GE(available("web:2"), world.weight * 8 / 100) << what << " at weight " << world.weight;
        ASSERT_GE(available("web:1"), (100 - world.weight) * 8 / 100) << what << " at weight " << world.weight;
      }
      if (moved) continue;
      if (world.status("phase") != "Paused" || (interrupted && what > 0)) break;
      if (getInt(world.rollout, {"status", "currentStepIndex"}) == 3 && !interrupted && what > 0) {
        interrupted = true;
        if (what == 1) world.abort();
        if (what == 2) world.setImage("web:1");
      } else {
        world.promote();
      }
    }
    world.run(minutes(1));
    EXPECT_EQ(world.size(what == 0 ? "web:2" : "web:1"), 8) << what;
    EXPECT_EQ(world.size(what == 0 ? "web:1" : "web:2"), 0) << what;
  }
}

TEST(DynamicLife, PingPong) {  // spec/04 §18.3, spec/04 §31 X24, spec/04 §31 X25, spec/04 §18.1 V7, spec/04 §33 #26
  PlannerWorld world = deployed(
      R"({"canary":{"pingPong":{"pingService":"ping","pongService":"pong"},"trafficRouting":{"plugins":{"x":{}}},
        "steps":[{"setWeight":50},{"pause":{}}]}})",
      2);
  EXPECT_EQ(getString(world.rollout, {"status", "canary", "stablePingPong"}), "ping");
  EXPECT_EQ(world.selected("ping"), world.hash("web:1"));
  world.setImage("web:2");
  world.step();
  world.step();
  EXPECT_EQ(world.selected("pong"), world.hash("web:2")) << "no pod has to be available for it";
  world.run();
  EXPECT_EQ(world.selected("ping"), world.hash("web:1"));
  EXPECT_EQ(world.selected("pong"), world.hash("web:2"));
  world.promote();
  world.run(minutes(1));
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(getString(world.rollout, {"status", "canary", "stablePingPong"}), "pong");
  EXPECT_EQ(world.selected("pong"), world.hash("web:2"));
}

}  // namespace
}  // namespace crossfade::rollout
