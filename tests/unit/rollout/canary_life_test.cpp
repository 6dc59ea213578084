// Whole lives of canaries. spec/02 §17, spec/04 §30, §31.
#include "support/deployed.hpp"

namespace crossfade::rollout {
namespace {

using test::deployed;
using test::PlannerWorld;

constexpr std::string_view four_steps =
    R"({"canary":{"steps":[{"setWeight":20},{"pause":{"duration":1}},{"setWeight":40},{"pause":{"duration":1}},
      {"setWeight":60},{"pause":{"duration":1}},{"setWeight":80},{"pause":{"duration":1}}]}})";

std::string lines(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += text + "\n";
  return all;
}

TEST(CanaryLife, FirstDeployment) {  // spec/02 §17.1, spec/04 §30.1 life, spec/04 §33 #1
  PlannerWorld world(R"({"canary":{"steps":[{"setWeight":10}],"maxSurge":1,"maxUnavailable":0}})", 10);
  world.step();
  EXPECT_EQ(world.size("web:1"), 10) << "made with its size";
  EXPECT_EQ(world.status("currentPodHash"), world.hash("web:1"));
  EXPECT_EQ(world.phase(), "Progressing: more replicas need to be updated");
  EXPECT_EQ(world.condition("Progressing"), "True ReplicaSetUpdated");
  EXPECT_EQ(world.condition("Completed"), "True RolloutCompleted");
  EXPECT_EQ(getString(world.rollout, {"metadata", "annotations", "rollout.argoproj.io/revision"}), "1");
  EXPECT_EQ(world.status("stableRS"), world.hash("web:1"));
  EXPECT_EQ(world.number("currentStepIndex"), 1);
  EXPECT_TRUE(world.said("RolloutCompleted: Rollout completed update to revision 1 (" + world.hash("web:1") +
                         "): Initial deploy"));

  world.now += seconds(5);
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.condition("Progressing"), "True NewReplicaSetAvailable");
  EXPECT_EQ(world.condition("Available"), "True AvailableReason");
  EXPECT_EQ(getString(world.rollout, {"status", "duration", "completionStatus"}), "Promoted");
  EXPECT_EQ(world.last.look_again, std::nullopt);
}

TEST(CanaryLife, NothingIsWrittenWhenNothingChanges) {
  for (
      const std::string_view strategy :
      {four_steps, std::string_view(R"({"canary":{}})"),
       std::string_view(
           R"({"canary":{"canaryService":"canary","stableService":"stable","trafficRouting":{"plugins":{"x":{}}},"steps":[{"setWeight":50}]}})")}) {
    PlannerWorld world = deployed(strategy, 5);
    for (int i = 0; i < 1000; ++i) {
      ASSERT_EQ(world.step(), 0U) << lines(world.writes);
      world.now += seconds(i % 7);
    }
    EXPECT_EQ(world.last.look_again, std::nullopt);
  }
}

TEST(CanaryLife, FourStepsWithPausesNeedFewWrites) {
  PlannerWorld world = deployed(four_steps, 5);
  world.setImage("web:2");
  world.run(seconds(60));
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.status("stableRS"), world.hash("web:2"));
  const auto events = std::ranges::count_if(world.writes, [](const auto& line) { return line.starts_with("event"); });
  const auto statuses =
      std::ranges::count_if(world.writes, [](const auto& line) { return line.starts_with("status"); });
  // A number that may only fall. The reference needs 64, 32 of them status writes.
  EXPECT_LE(statuses, 6) << lines(world.writes);
  EXPECT_LE(std::ssize(world.writes) - events, 17) << lines(world.writes);
}

// The pods of the next step start at once; that the pause is over is written with what comes next, or after 2 s.
TEST(CanaryLife, TheEndOfATimedPauseWaitsForANeighbour) {
  PlannerWorld world =
      deployed(R"({"canary":{"steps":[{"setWeight":20},{"pause":{"duration":60}},{"setWeight":40}]}})", 5);
  world.setImage("web:2");
  world.run();
  ASSERT_EQ(world.phase(), "Paused: CanaryPauseStep");
  world.broken.insert(world.hash("web:2"));  // from here on its pods never become available
  world.now += seconds(61);
  EXPECT_GT(world.step(), 0U);
  EXPECT_EQ(world.size("web:2"), 2);
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");
  EXPECT_FALSE(world.said("RolloutResumed"));
  EXPECT_EQ(world.step(), 0U) << lines(world.writes);
  ASSERT_TRUE(world.last.look_again && *world.last.look_again <= world.now + seconds(2));
  world.now = *world.last.look_again;
  EXPECT_GT(world.step(), 0U);
  EXPECT_TRUE(world.phase().starts_with("Progressing")) << world.phase();
  EXPECT_EQ(world.number("currentStepIndex"), 2);
  EXPECT_TRUE(world.said("RolloutStepCompleted: Rollout step 2/3 completed (pause: 60)"));
  EXPECT_TRUE(world.said("RolloutResumed: Rollout is resumed"));
}

TEST(CanaryLife, PauseUntilPromoted) {  // spec/02 §17.3
  PlannerWorld world = deployed(R"({"canary":{"steps":[{"setWeight":20},{"pause":{}}]}})", 10);
  world.setImage("web:2");
  world.step();
  EXPECT_TRUE(world.said("RolloutUpdated: Rollout updated to revision 2"));
  EXPECT_TRUE(world.said("NewReplicaSetCreated: Created ReplicaSet web-" + world.hash("web:2") + " (revision 2)"));
  EXPECT_TRUE(world.said("RolloutNotCompleted: Rollout not completed, started update to revision 2"));
  world.run();
  EXPECT_EQ(world.size("web:1"), 8);
  EXPECT_EQ(world.size("web:2"), 2);
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");
  EXPECT_EQ(world.condition("Progressing"), "Unknown RolloutPaused");
  EXPECT_EQ(world.condition("Paused"), "True RolloutPaused");
  EXPECT_TRUE(world.said("RolloutStepCompleted: Rollout step 1/2 completed (setWeight: 20)"));
  EXPECT_TRUE(world.said("RolloutPaused: Rollout is paused (CanaryPauseStep)"));
  ASSERT_EQ(world.last.waits.size(), 1U);
  EXPECT_EQ(world.last.waits[0].kind, WaitKind::user);

  world.now += minutes(3);
  ASSERT_EQ(world.step(), 0U);
  world.promote();
  world.run();
  EXPECT_TRUE(world.said("RolloutStepCompleted: Rollout step 2/2 completed (pause)"));
  EXPECT_FALSE(world.said("RolloutResumed")) << "the user resumed, not the controller";
  EXPECT_TRUE(world.said("Completed all 2 canary steps"));
  EXPECT_EQ(world.size("web:1"), 0);
  EXPECT_EQ(world.size("web:2"), 10);
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(getInt(world.rollout, {"status", "duration", "totalManualPauseDurationSeconds"}), 180);
}

TEST(CanaryLife, AbortAndRetry) {  // spec/02 §17.4, spec/04 §29
  PlannerWorld world = deployed(R"({"canary":{"steps":[{"setWeight":20},{"pause":{}}]}})", 10);
  world.setImage("web:2");
  world.run();
  world.abort();
  world.run();
  EXPECT_EQ(world.size("web:1"), 10);
  EXPECT_EQ(world.size("web:2"), 0);
  EXPECT_EQ(world.phase(), "Degraded: RolloutAborted: Rollout aborted update to revision 2");
  EXPECT_EQ(world.number("currentStepIndex"), 0);
  EXPECT_EQ(world.condition("Progressing"), "False RolloutAborted");
  EXPECT_EQ(getString(world.rollout, {"status", "duration", "completionStatus"}), "Aborted");
  EXPECT_EQ(std::ranges::count_if(world.events, [](auto& e) { return e.starts_with("RolloutAborted"); }), 1);
  EXPECT_EQ(getArray(world.rollout, {"status", "pauseConditions"}), nullptr);
  EXPECT_EQ(world.step(), 0U);

  world.now += minutes(1);
  world.retry();
  world.run();
  EXPECT_EQ(world.status("abortedAt"), "");
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");
  EXPECT_EQ(world.size("web:2"), 2);
  world.promote();
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
}

TEST(CanaryLife, BackToStableInTheMiddle) {  // spec/02 §17.6, spec/04 §31 X15
  PlannerWorld world = deployed(R"({"canary":{"steps":[{"setWeight":20},{"pause":{}}]}})", 10);
  const std::string first = world.hash("web:1");
  world.setImage("web:2");
  world.run();
  world.now += minutes(1);
  world.setImage("web:1");
  world.run();
  EXPECT_TRUE(world.said("SkipSteps: Rollback to stable ReplicaSets"));
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.status("stableRS"), first);
  EXPECT_EQ(world.size("web:1"), 10);
  EXPECT_EQ(world.size("web:2"), 0);
  EXPECT_EQ(world.number("currentStepIndex"), 2);
  EXPECT_EQ(getString(world.rollout, {"status", "duration", "completionStatus"}), "FastRolledBack");
  const json::object& rs = *world.rsOf("web:1");
  EXPECT_EQ(getString(rs, {"metadata", "annotations", "rollout.argoproj.io/revision"}), "3");
  EXPECT_EQ(getString(rs, {"metadata", "annotations", "rollout.argoproj.io/revision-history"}), "1");
}

TEST(CanaryLife, WithoutStepsItIsARollingUpdate) {  // spec/04 §11.6 Q10
  PlannerWorld world = deployed(R"({"canary":{"maxSurge":1,"maxUnavailable":0}})", 4);
  world.setImage("web:2");
  std::vector<std::string> sizes;
  for (int round = 0; round < 100; ++round) {
    const std::string size =
        std::to_string(std::max<std::int64_t>(0, world.size("web:2"))) + "/" + std::to_string(world.size("web:1"));
    if (sizes.empty() || sizes.back() != size) sizes.push_back(size);
    if (world.step() == 0 && !world.startPods()) break;
  }
  EXPECT_EQ(sizes, (std::vector<std::string>{"0/4", "1/4", "2/3", "3/2", "4/1", "4/0"}));
  world.run(seconds(5));
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_TRUE(world.said("Completed all 0 canary steps"));
}

TEST(CanaryLife, RoutedFromStepToStep) {  // spec/04 §30.2 life, spec/04 §33 #13-#15
  PlannerWorld world = deployed(
      R"({"canary":{"canaryService":"canary","stableService":"stable","trafficRouting":{"plugins":{"x":{}}},
        "steps":[{"setWeight":20},{"pause":{}},{"setWeight":60}]}})",
      10);
  const std::string first = world.hash("web:1");
  EXPECT_EQ(world.selected("stable"), first);
  EXPECT_EQ(world.weight, 0);
  world.setImage("web:2");
  world.run();
  EXPECT_EQ(world.size("web:1"), 10);
  EXPECT_EQ(world.size("web:2"), 2);
  EXPECT_EQ(world.weight, 20);
  EXPECT_EQ(world.selected("canary"), world.hash("web:2"));
  EXPECT_EQ(getInt(world.rollout, {"status", "canary", "weights", "canary", "weight"}), 20);
  EXPECT_EQ(getInt(world.rollout, {"status", "canary", "weights", "stable", "weight"}), 80);
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");

  world.promote();
  std::vector<std::string> seen;
  for (int round = 0; round < 100; ++round) {
    const std::string state = std::to_string(world.weight) + " " + std::to_string(world.size("web:2")) + " " +
                              (world.selected("stable") == first ? "old" : "new");
    if (seen.empty() || seen.back() != state) seen.push_back(state);
    if (world.step() == 0 && !world.startPods()) break;
  }
  EXPECT_EQ(seen,
            (std::vector<std::string>{"20 2 old", "20 6 old", "60 6 old", "60 10 old", "100 10 old", "0 10 new"}));
  EXPECT_EQ(world.size("web:1"), 10) << "kept until its deadline";
  ASSERT_TRUE(world.last.look_again);
  world.run(minutes(1));
  EXPECT_EQ(world.size("web:1"), 0);
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.step(), 0U);
}

TEST(CanaryLife, RoutedAbortKeepsTheCanaryForAWhile) {  // spec/04 §14 #2, spec/04 §21 #7
  PlannerWorld world = deployed(
      R"({"canary":{"canaryService":"canary","stableService":"stable","trafficRouting":{"plugins":{"x":{}}},
        "steps":[{"setWeight":20},{"pause":{}}]}})",
      10);
  world.setImage("web:2");
  world.run();
  ASSERT_EQ(world.weight, 20);
  world.abort();
  world.run();
  EXPECT_EQ(world.weight, 0);
  EXPECT_EQ(world.selected("canary"), world.hash("web:1"));
  EXPECT_EQ(world.size("web:2"), 2);
  world.run(seconds(31));
  EXPECT_EQ(world.size("web:2"), 0);
  EXPECT_EQ(world.status("phase"), "Degraded");
  EXPECT_EQ(world.step(), 0U);
}

// A canary whose pods never come up: nothing moves on, and after the deadline it says so. spec/04 §30.8, spec/02 §17.6.
TEST(CanaryLife, BadImage) {
  PlannerWorld world = deployed(R"({"canary":{"maxSurge":1,"maxUnavailable":0}})", 4);
  world.setImage("web:2");
  world.step();
  world.broken.insert(world.hash("web:2"));
  world.run(seconds(599));
  EXPECT_EQ(world.size("web:1"), 4);
  EXPECT_EQ(world.size("web:2"), 1);
  EXPECT_EQ(world.status("phase"), "Progressing");
  world.run(seconds(20));
  EXPECT_EQ(world.phase(), "Degraded: ProgressDeadlineExceeded: ReplicaSet \"web-" + world.hash("web:2") +
                               "\" has timed out progressing.");
  world.broken.clear();
  world.run(seconds(20));
  EXPECT_EQ(world.phase(), "Healthy");
}

TEST(CanaryLife, DeadlineAborts) {  // spec/02 §6.7, spec/04 §21 #5
  PlannerWorld world = deployed(R"({"canary":{"maxSurge":1,"maxUnavailable":0}})", 4);
  world.edit(R"({"spec":{"progressDeadlineAbort":true}})");
  world.setImage("web:2");
  world.step();
  world.broken.insert(world.hash("web:2"));
  world.run(seconds(700));
  EXPECT_EQ(world.size("web:1"), 4);
  EXPECT_EQ(world.size("web:2"), 0);
  EXPECT_EQ(world.status("phase"), "Degraded");
  EXPECT_TRUE(world.said("RolloutAborted: Rollout aborted update to revision 2: ReplicaSet \"web-"));
}

}  // namespace
}  // namespace crossfade::rollout
