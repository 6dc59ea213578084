// Canaries that are changed while they are under way. spec/04 §22 to §24, §29, §30.7, §30.8.
#include "support/deployed.hpp"

namespace crossfade::rollout {
namespace {

using test::deployed;
using test::PlannerWorld;
using Texts = std::vector<std::string>;

const std::string basic =
    R"({"canary":{"maxSurge":1,"maxUnavailable":0,"steps":[{"setWeight":20},{"pause":{}},{"setWeight":50},{"pause":{}}]}})";
std::string routed(std::string_view more = "") {
  return R"({"canary":{"canaryService":"canary","stableService":"stable","trafficRouting":{"plugins":{"x":{}}},)" +
         std::string(more) + R"("steps":[{"setWeight":20},{"pause":{}},{"setWeight":50},{"pause":{}}]}})";
}

TEST(CanaryChange, ThirdTemplateOfABasicCanary) {  // spec/04 §24.1 #1
  PlannerWorld world = deployed(basic);
  world.setImage("web:2");
  world.run();
  world.promote();
  world.run();
  ASSERT_EQ(world.number("currentStepIndex"), 3);
  world.setImage("web:3");
  world.step();
  EXPECT_EQ(world.number("currentStepIndex"), 0);
  EXPECT_EQ(world.status("stableRS"), world.hash("web:1"));
  world.run();
  EXPECT_EQ(world.size("web:2"), 0);
  EXPECT_EQ(world.size("web:3"), 2);
  EXPECT_EQ(world.size("web:1"), 8);
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");
}

TEST(CanaryChange, ThirdTemplateOfARoutedCanary) {  // spec/04 §24.1 #1, spec/04 §15.4 #10, spec/04 §32 #7
  PlannerWorld world = deployed(routed());
  world.setImage("web:2");
  world.run();
  ASSERT_EQ(world.weight, 20);
  const std::string second = world.hash("web:2");
  world.setImage("web:3");
  world.step();
  world.step();
  EXPECT_EQ(world.weight, 0);
  EXPECT_EQ(world.routed.canary_hash, world.hash("web:3"));
  EXPECT_EQ(world.size("web:2"), 2) << "routers may still be draining";
  world.run(seconds(10));
  EXPECT_EQ(world.weight, 20);
  EXPECT_EQ(world.size("web:2"), 2);
  world.run(seconds(40));
  EXPECT_EQ(world.size("web:2"), 0);
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");
}

TEST(CanaryChange, CallsOfAThirdTemplate) {  // spec/04 §30.7 life
  PlannerWorld world = deployed(routed());
  world.setImage("web:2");
  world.run();
  world.setImage("web:3");
  world.step();  // the new ReplicaSet, the reset
  world.step();
  EXPECT_TRUE(world.routed.remove_managed_routes);
  EXPECT_TRUE(world.routed.weight_before_hash);
  EXPECT_EQ(world.routed.canary_hash, world.hash("web:3"));
  EXPECT_EQ(world.routed.stable_hash, world.hash("web:1"));
  EXPECT_EQ(world.routed.weight, 0);

  world = deployed(R"({"canary":{"canaryService":"canary","stableService":"stable","dynamicStableScale":true,
      "trafficRouting":{"plugins":{"x":{}}},"steps":[{"setWeight":90},{"pause":{}}]}})");
  world.setImage("web:2");
  world.run();
  ASSERT_EQ(world.weight, 90);
  ASSERT_EQ(world.size("web:1"), 1);
  const std::string second = world.hash("web:2");
  world.setImage("web:3");
  world.step();
  world.step();
  EXPECT_TRUE(world.routed.held) << "until the stable one has grown";
  EXPECT_TRUE(world.routed.remove_managed_routes);
  EXPECT_EQ(world.weight, 90);
  EXPECT_EQ(world.selected("canary"), second);
  world.run();
  world.run(minutes(1));
  EXPECT_EQ(world.size("web:2"), 0);
  EXPECT_EQ(world.weight, 90);
  EXPECT_EQ(world.selected("canary"), world.hash("web:3"));
}

TEST(CanaryChange, StepsEdited) {  // spec/04 §24.1 #2, spec/04 §24.1 #10, spec/04 §15.4 #11, spec/04 §33 #27
  for (const std::string_view steps :
       {R"([{"setWeight":10},{"pause":{}},{"setWeight":50},{"pause":{}}])",
        R"([{"setWeight":20},{"pause":{"duration":3600}},{"setWeight":50},{"pause":{}}])"}) {
    PlannerWorld world = deployed(routed());
    world.setImage("web:2");
    world.run();
    world.promote();
    world.run();
    ASSERT_EQ(world.weight, 50);
    ASSERT_EQ(world.size("web:2"), 5);
    const std::string before = world.status("currentStepHash");
    world.edit(fmt::format(R"({{"spec":{{"strategy":{{"canary":{{"steps":{}}}}}}}}})", steps));
    world.run();
    EXPECT_NE(world.status("currentStepHash"), before);
    EXPECT_EQ(world.number("currentStepIndex"), 1) << "from the first step on";
    const bool ten = steps.contains("10");
    EXPECT_EQ(world.weight, ten ? 10 : 20);
    EXPECT_EQ(world.size("web:2"), ten ? 1 : 2);
    EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");
  }
}

TEST(CanaryChange,
     BackWithEditedSteps) {  // spec/04 §31 X15, spec/04 §31 X16, spec/04 §24.1 #3, spec/04 §23 #1, spec/04 §23 #2
  for (const bool edited : {false, true}) {
    PlannerWorld world = deployed(basic);
    world.setImage("web:2");
    world.run();
    const std::string steps = world.status("currentStepHash");
    world.now += minutes(1);
    if (edited) world.edit(R"({"spec":{"strategy":{"canary":{"steps":[{"setWeight":40}]}}}})");
    world.setImage("web:1");
    world.step();
    EXPECT_EQ(world.number("currentStepIndex"), edited ? 1 : 4);
    EXPECT_EQ(world.status("currentStepHash") == steps, !edited);
    EXPECT_TRUE(world.said("SkipSteps: Rollback to stable ReplicaSets"));
    EXPECT_EQ(world.status("stableRS"), world.status("currentPodHash")) << "fully promoted at once";
    world.run();
    EXPECT_EQ(world.size("web:1"), 10);
    EXPECT_EQ(world.size("web:2"), 0);
    EXPECT_EQ(getString(world.rollout, {"status", "duration", "completionStatus"}), "FastRolledBack");
  }
}

TEST(CanaryChange, BackToStableRouted) {  // spec/04 §23 #3, spec/04 §15.4 #12
  PlannerWorld world = deployed(routed());
  world.setImage("web:2");
  world.run();
  ASSERT_EQ(world.weight, 20);
  world.setImage("web:1");
  world.step();
  world.step();
  EXPECT_EQ(world.weight, 0);
  EXPECT_EQ(world.selected("canary"), world.hash("web:1"));
  world.run(seconds(20));
  EXPECT_EQ(world.size("web:2"), 2) << "for its scaleDownDelaySeconds";
  world.run(seconds(20));
  EXPECT_EQ(world.size("web:2"), 0);
  EXPECT_EQ(world.phase(), "Healthy");
}

TEST(CanaryChange, WithinTheWindow) {  // spec/04 §23 #6, spec/04 §23 #7, spec/04 §23 #8
  PlannerWorld world = deployed(routed());
  world.edit(R"({"spec":{"rollbackWindow":{"revisions":1}}})");
  world.setImage("web:2");
  world.run();
  world.promote();
  world.run();
  world.promote();
  world.run(seconds(5));
  ASSERT_EQ(world.status("stableRS"), world.hash("web:2"));
  // Its pods are still there: all steps are skipped.
  ASSERT_EQ(world.size("web:1"), 10);
  world.events.clear();
  world.setImage("web:1");
  world.step();
  EXPECT_TRUE(world.said("SkipSteps: Rollback to active ReplicaSets within RollbackWindow"));
  EXPECT_EQ(world.number("currentStepIndex"), 4);
  world.run(minutes(2));
  EXPECT_EQ(world.status("stableRS"), world.hash("web:1"));
  ASSERT_EQ(world.size("web:2"), 0);
  // A newer one than the stable one is an update like any other.
  world.events.clear();
  world.setImage("web:2");
  world.run();
  EXPECT_FALSE(world.said("SkipSteps"));
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");
  world.promote();
  world.run();
  world.promote();
  world.run(minutes(2));
  ASSERT_EQ(world.size("web:1"), 0);
  // Without pods: no event, but the steps are skipped in the next pass.
  world.events.clear();
  world.setImage("web:1");
  world.run(minutes(2));
  EXPECT_FALSE(world.said("SkipSteps"));
  EXPECT_FALSE(world.said("RolloutPaused"));
  EXPECT_TRUE(world.said("Rollback within window"));
  EXPECT_EQ(world.status("stableRS"), world.hash("web:1"));
}

TEST(CanaryChange, Scaled) {  // spec/04 §24.1 #4, spec/04 §24.1 #5, §28
  PlannerWorld world = deployed(basic, 1);
  world.setImage("web:2");
  world.run();
  ASSERT_EQ(world.number("currentStepIndex"), 1);
  ASSERT_EQ(world.size("web:2"), 1);
  ASSERT_EQ(world.size("web:1"), 1);
  world.edit(R"({"spec":{"replicas":8}})");
  world.run();
  EXPECT_EQ(world.size("web:2"), 2);
  EXPECT_EQ(world.size("web:1"), 6 + 1) << "20 % of 8, one pod of surge";
  EXPECT_EQ(world.number("currentStepIndex"), 1) << "the index stays";
  world.edit(R"({"spec":{"replicas":4}})");
  world.run();
  EXPECT_EQ(world.size("web:2"), 1);
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");
  world.edit(R"({"spec":{"replicas":6}})");
  world.setImage("web:3");
  world.run();
  EXPECT_EQ(world.number("currentStepIndex"), 1);
  EXPECT_EQ(world.size("web:2"), 0);
  EXPECT_EQ(world.size("web:3"), 1);
  EXPECT_EQ(world.size("web:1"), 5);
}

// The answer of a person isn't lost when the size changes with it. spec/04 §33 #20
TEST(CanaryChange, ResumedAndScaledAtOnce) {
  PlannerWorld world = deployed(basic);
  world.setImage("web:2");
  world.run();
  world.edit(R"({"spec":{"replicas":20}})");
  world.promote();
  world.run();
  EXPECT_EQ(world.number("currentStepIndex"), 3);
  EXPECT_TRUE(world.said("RolloutStepCompleted: Rollout step 2/4 completed (pause)"));
  EXPECT_EQ(world.size("web:2"), 10);
}

TEST(CanaryChange, RoutingTakenAwayAndBack) {  // spec/04 §24.1 #6, spec/04 §24.1 #7
  PlannerWorld world = deployed(routed());
  world.setImage("web:2");
  world.run();
  ASSERT_EQ(world.size("web:1"), 10);
  world.traffic.has_routers = false;
  world.edit(R"({"spec":{"strategy":{"canary":{"trafficRouting":null}}}})");
  world.run();
  EXPECT_EQ(world.size("web:1"), 8) << "pods split the traffic now";
  EXPECT_EQ(world.size("web:2"), 2);
  EXPECT_EQ(getObject(world.rollout, {"status", "canary", "weights"}), nullptr);
  world.traffic.has_routers = true;
  world.edit(R"({"spec":{"strategy":{"canary":{"trafficRouting":{"plugins":{"x":{}}}}}}})");
  world.run();
  EXPECT_EQ(world.size("web:1"), 10);
  EXPECT_EQ(getInt(world.rollout, {"status", "canary", "weights", "canary", "weight"}), 20);
  EXPECT_EQ(world.number("currentStepIndex"), 1);
}

TEST(CanaryChange, NeitherTemplateNorSteps) {  // spec/04 §24.1 #9
  PlannerWorld world = deployed(basic);
  world.setImage("web:2");
  world.run();
  const std::string steps = world.status("currentStepHash");
  world.edit(R"({"spec":{"strategy":{"canary":{"maxSurge":3,"maxUnavailable":2,"abortScaleDownDelaySeconds":5,
      "replicaProgressThreshold":{"type":"Percent","value":90},"canaryMetadata":{"labels":{"role":"canary"}}}}}})");
  world.run();
  EXPECT_EQ(world.number("currentStepIndex"), 1);
  EXPECT_EQ(world.status("currentStepHash"), steps);
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");
}

TEST(CanaryChange, FromBlueGreen) {  // spec/04 §24.1 #8
  PlannerWorld world(R"({"blueGreen":{"activeService":"active"}})", 4);
  world.addService("active");
  world.run();
  ASSERT_EQ(world.phase(), "Healthy");
  ASSERT_EQ(world.status("currentStepHash"), "");
  world.edit(R"({"spec":{"strategy":{"blueGreen":null,"canary":{"steps":[{"setWeight":50},{"pause":{}}]}}}})");
  world.run();
  EXPECT_NE(world.status("currentStepHash"), "");
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.number("currentStepIndex"), 2);
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  world.setImage("web:2");
  world.run();
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");
}

TEST(CanaryChange, EventsOfAnAbortAndARetry) {  // spec/04 §29 life
  PlannerWorld world = deployed(
      R"({"canary":{"maxSurge":1,"maxUnavailable":0,"steps":[{"setWeight":50},{"pause":{"duration":3}}]}})", 1);
  world.setImage("web:2");
  world.run();
  world.abort();
  world.run();
  EXPECT_EQ(world.size("web:2"), 0);
  world.retry();
  world.run(seconds(10));
  EXPECT_EQ(world.phase(), "Healthy");
  Texts seen;
  const std::string second = world.hash("web:2");
  for (const std::string& event : world.events) {
    std::string text = event.substr(0, event.find(':'));
    if (text == "ScalingReplicaSet")
      text +=
          event.contains(second) ? event.substr(event.find(" from")) : " stable" + event.substr(event.find(" from"));
    if (text == "RolloutStepCompleted" || text == "RolloutCompleted") text = event;
    seen.push_back(text);
  }
  // Within one plan what was done is said before what that means to the status.
  std::ranges::sort(seen.begin(), seen.begin() + 4);
  EXPECT_EQ(seen,
            (Texts{"NewReplicaSetCreated", "RolloutNotCompleted", "RolloutUpdated", "ScalingReplicaSet from 0 to 1",
                   "RolloutStepCompleted: Rollout step 1/2 completed (setWeight: 50)", "RolloutPaused",
                   "ScalingReplicaSet from 1 to 0", "RolloutAborted", "ScalingReplicaSet from 0 to 1",
                   "RolloutStepCompleted: Rollout step 1/2 completed (setWeight: 50)", "RolloutPaused",
                   "ScalingReplicaSet stable from 1 to 0",
                   "RolloutStepCompleted: Rollout step 2/2 completed (pause: 3)", "RolloutResumed",
                   "RolloutCompleted: Rollout completed update to revision 2 (" + second +
                       "): Completed all 2 canary steps"}));
}

TEST(CanaryChange, RetryStartsAnew) {  // spec/04 §22
  PlannerWorld world = deployed(routed());
  world.setImage("web:2");
  world.run();
  world.abort();
  world.run();
  ASSERT_EQ(world.size("web:2"), 2);
  ASSERT_TRUE(
      (*world.rsOf("web:2"))["metadata"].as_object()["annotations"].as_object().contains("scale-down-deadline"));
  world.retry();
  world.step();
  EXPECT_EQ(world.condition("Progressing").substr(0, 7), "Unknown");
  world.run();
  EXPECT_FALSE(
      (*world.rsOf("web:2"))["metadata"].as_object()["annotations"].as_object().contains("scale-down-deadline"));
  EXPECT_EQ(world.status("abortedAt"), "");
  EXPECT_EQ(world.weight, 20);
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");
  EXPECT_EQ(getString(world.rollout, {"status", "duration", "completionStatus"}), "") << "a new record";
}

// --- images that don't work (spec/04 §30.8) ---

const std::string plain = R"({"canary":{"maxSurge":1,"maxUnavailable":0}})";

TEST(CanaryChange, GoodToBadToAnotherBad) {  // spec/04 §30.8 #1, spec/04 §30.8 #2, spec/04 §30.8 life
  PlannerWorld world = deployed(plain, 4);
  world.setImage("web:2");
  world.step();
  world.broken.insert(world.hash("web:2"));
  world.run(seconds(30));
  EXPECT_EQ(world.size("web:2"), 1);
  EXPECT_EQ(world.size("web:1"), 4);
  world.setImage("web:3");
  world.step();
  world.broken.insert(world.hash("web:3"));
  world.run(seconds(30));
  EXPECT_EQ(world.size("web:1"), 4);
  EXPECT_EQ(world.size("web:2"), 0);
  EXPECT_EQ(world.size("web:3"), 1);
  world.run(seconds(700));
  EXPECT_EQ(world.status("phase"), "Degraded");
}

TEST(CanaryChange, BadFromTheStart) {  // spec/04 §30.8 #3, spec/04 §30.8 #4, spec/04 §33 #2, spec/04 §33 #5
  PlannerWorld world(plain, 4);
  world.step();
  world.broken.insert(world.hash("web:1"));
  world.run(seconds(20));
  ASSERT_EQ(world.status("stableRS"), world.hash("web:1")) << "stable before any pod runs";
  world.setImage("web:2");
  world.step();
  world.broken.insert(world.hash("web:2"));
  world.run(seconds(20));
  EXPECT_EQ(world.size("web:1"), 4);
  EXPECT_EQ(world.size("web:2"), 1);
  world.setImage("web:3");
  world.run(seconds(60));
  EXPECT_EQ(world.size("web:3"), 4);
  EXPECT_EQ(world.size("web:1"), 0);
  EXPECT_EQ(world.size("web:2"), 0);
  EXPECT_EQ(world.phase(), "Healthy");
}

}  // namespace
}  // namespace crossfade::rollout
