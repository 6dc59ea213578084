// What is said when, and what of a status is carried from pass to pass: spec/02 §5.1, §5.3, §15.
#include "support/plan_case.hpp"
#include "support/planner_world.hpp"

namespace crossfade::rollout {
namespace {

using test::actionsOf;
using test::eventsOf;
using test::PlanCase;
using test::PlannerWorld;
using test::writtenStatus;
using Set = PlanCase::Set;

// Events that follow from the status come after its write: a write that fails is repeated, and they are not.
TEST(CoreEvents, FollowTheStatusThatTheyTellOf) {  // spec/02 §19 #30
  PlanCase world(R"({"strategy":{"canary":{"steps":[{"setWeight":10},{"pause":{}}]}}})", R"({"currentStepIndex":0})",
                 {{"old", 9, 9}, {"$new", 1, 1, "2", 60}});
  const Plan made = world.plan();
  std::optional<std::size_t> written;
  std::vector<std::string> after;
  for (std::size_t index = 0; index < made.actions.size(); ++index) {
    if (std::holds_alternative<PatchStatus>(made.actions[index])) written = index;
    const auto* event = std::get_if<EmitEvent>(&made.actions[index]);
    if (event && written) after.push_back(event->reason);
    EXPECT_FALSE(event && !written) << event->reason;
  }
  EXPECT_EQ(after, (std::vector<std::string>{"RolloutStepCompleted", "RolloutNotCompleted", "RolloutPaused"}));
}

TEST(CoreEvents, StepsByTheirNames) {  // spec/02 §15
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"({"setWeight":10})", "setWeight: 10"},
      {R"({"pause":{}})", "pause"},
      {R"({"pause":{"duration":"1h30m"}})", "pause: 1h30m"},
      {R"({"pause":{"duration":5}})", "pause: 5"},
      {R"({"setCanaryScale":{"weight":0}})", "setCanaryScale{weight: 0}"},
      {R"({"setCanaryScale":{"matchTrafficWeight":true}})", "setCanaryScale{matchTrafficWeight: true}"},
      {R"({"setHeaderRoute":{"name":"h"}})", "setHeaderRoute: h"},
      {R"({"setMirrorRoute":{"name":"m"}})", "setMirrorRoute: m"},
  };
  for (const auto& [step, said] : cases) {
    PlannerWorld world(
        fmt::format(R"({{"canary":{{"maxSurge":1,"canaryService":"canary","stableService":"stable","trafficRouting":
            {{"managedRoutes":[{{"name":"h"}},{{"name":"m"}}],"plugins":{{"x":{{}}}}}},"steps":[{}]}}}})",
                    step),
        10);
    world.addService("canary");
    world.addService("stable");
    world.traffic.has_routers = true;
    world.run(minutes(2));
    world.events.clear();
    world.setImage("web:2");
    world.run();
    if (step == R"({"pause":{}})") world.promote();
    world.run(hours(2));
    const bool scales_to_none = said.ends_with("weight: 0}");
    EXPECT_TRUE(scales_to_none ||
                world.said(fmt::format("RolloutStepCompleted: Rollout step 1/1 completed ({})", said)))
        << said << " " << world.phase();
  }
}

TEST(CoreEvents, OfACompleteUpdate) {  // spec/02 §15
  PlannerWorld world(R"({"canary":{"maxSurge":1,"maxUnavailable":0}})", 2);
  world.run(minutes(1));
  const std::string old = world.hash("web:1");
  world.events.clear();
  world.setImage("web:2");
  world.run(minutes(1));
  const std::string hash = world.hash("web:2");
  const std::vector<std::string> expected = {
      fmt::format("NewReplicaSetCreated: Created ReplicaSet web-{} (revision 2)", hash),
      fmt::format("ScalingReplicaSet: Scaled up ReplicaSet web-{} (revision 2) from 0 to 1", hash),
      "RolloutUpdated: Rollout updated to revision 2",
      fmt::format("RolloutNotCompleted: Rollout not completed, started update to revision 2 ({})", hash),
      fmt::format("ScalingReplicaSet: Scaled down ReplicaSet web-{} (revision 1) from 2 to 1", old),
      fmt::format("ScalingReplicaSet: Scaled up ReplicaSet web-{} (revision 2) from 1 to 2", hash),
      fmt::format("ScalingReplicaSet: Scaled down ReplicaSet web-{} (revision 1) from 1 to 0", old),
      fmt::format("RolloutCompleted: Rollout completed update to revision 2 ({}): Completed all 0 canary steps", hash)};
  std::multiset<std::string> wanted(expected.begin(), expected.end());
  EXPECT_EQ(std::multiset<std::string>(world.events.begin(), world.events.end()), wanted);
}

// --- what is carried (spec/02 §5.1, §5.3) ---

constexpr std::string_view full_status = R"({"currentStepIndex":1,"controllerPause":true,
  "pauseConditions":[{"reason":"CanaryPauseStep","startTime":"$-60"}],"restartedAt":"$-600","collisionCount":3,
  "promoteFull":false,"alb":{"loadBalancer":{"name":"lb","arn":"a"}},"albs":[{"loadBalancer":{"name":"lb","arn":"a"}}],
  "canary":{"weights":{"canary":{"weight":10,"podTemplateHash":"x"},"stable":{"weight":90,"podTemplateHash":"old"}},
    "stablePingPong":"ping","currentExperiment":"e","stepPluginStatuses":[{"index":0,"name":"p","operation":"Run"}],
    "currentStepAnalysisRunStatus":{"name":"r","status":"Running"},
    "currentBackgroundAnalysisRunStatus":{"name":"b","status":"Running"}}})";

TEST(CoreCarried, ByAnOrdinaryPass) {  // spec/02 §19 #11
  PlanCase world(R"({"strategy":{"canary":{"steps":[{"setWeight":10},{"pause":{}}]}}})", full_status,
                 {{"old", 9, 9}, {"$new", 1, 1, "2", 60}});
  const auto status = writtenStatus(world.plan());
  ASSERT_TRUE(status);
  EXPECT_EQ(status->restarted_at, PlanCase::now - seconds(600));
  EXPECT_EQ(status->collision_count, 3);
  EXPECT_FALSE(status->alb.empty() || status->albs.empty());
  EXPECT_EQ(status->canary.stable_ping_pong, "ping");
  EXPECT_EQ(status->canary.current_step_analysis_run, std::nullopt) << "nothing sets it any more";
  EXPECT_EQ(status->canary.current_background_analysis_run, std::nullopt);
  EXPECT_EQ(status->pause_conditions.size(), 1U);
}

TEST(CoreCarried, ThroughAReset) {  // spec/02 §5.3, spec/02 §19 #31
  PlanCase world(
      R"({"strategy":{"canary":{"steps":[{"setWeight":10},{"pause":{}}],"trafficRouting":{"plugins":{"x":{}}}}}})",
      full_status, {{"old", 9, 9}, {"$new", 1, 1, "2", 60}});
  json::object& before = world.rollout["status"].as_object();
  before["currentPodHash"] = "x";
  before["abort"] = true;
  before["promoteFull"] = true;
  Snapshot snapshot = world.snapshot();
  snapshot.traffic.has_routers = true;
  const auto status = writtenStatus(plan(snapshot, PlanCase::now));
  ASSERT_TRUE(status);
  EXPECT_EQ(status->current_pod_hash, world.hash);
  EXPECT_EQ(status->current_step_index, 0);
  EXPECT_TRUE(status->pause_conditions.empty() && !status->controller_pause && !status->abort && !status->promote_full);
  EXPECT_TRUE(status->canary.step_plugin_statuses.empty() && status->canary.current_experiment.empty());
  EXPECT_EQ(status->canary.current_step_analysis_run, std::nullopt);
  ASSERT_TRUE(status->canary.weights) << "not reset: the traffic is still there";
  EXPECT_EQ(status->canary.weights->canary.pod_template_hash, "x");
  EXPECT_FALSE(status->alb.empty());
  // Steps that change do the same as a template that does; nothing else of the strategy.
  PlanCase steps(R"({"strategy":{"canary":{"maxSurge":3,"steps":[{"setWeight":10},{"pause":{}}]}}})",
                 R"({"currentStepIndex":1,"currentStepHash":"other"})", {{"old", 9, 9}, {"$new", 1, 1, "2", 60}});
  EXPECT_EQ(actionsOf<ScaleReplicaSet>(steps.plan()).size(), 0U);
  EXPECT_TRUE(test::conditionOf(writtenStatus(steps.plan()), "Completed"));
}

// --- a promote that comes while a pod is missing ---

TEST(CorePauses, APromoteIsNotLostOverAMissingPod) {  // spec/02 §19 #18
  PlannerWorld world(R"({"blueGreen":{"activeService":"active","autoPromotionEnabled":false}})", 2);
  world.addService("active");
  world.run(minutes(2));
  world.setImage("web:2");
  world.run();
  ASSERT_EQ(world.phase(), "Paused: BlueGreenPause");
  ensureObject(*world.rsOf("web:2"), {"status"})["availableReplicas"] = 1;
  world.promote();
  world.step();
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  world.run(minutes(2));
  EXPECT_EQ(world.selected("active"), world.hash("web:2")) << "without asking again";
  EXPECT_EQ(world.phase(), "Healthy");
}

}  // namespace
}  // namespace crossfade::rollout
