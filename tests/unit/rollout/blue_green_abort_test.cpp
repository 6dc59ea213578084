// Blue-green releases that are given up, by a person, an analysis or a deadline, and tried again. spec/03 §13.3.
#include "blue_green_life.hpp"

namespace crossfade::rollout {
namespace {

using namespace cases;

TEST(BlueGreenAbort, AbortAndRetry) {  // spec/03 §13.3 life, spec/03 §21 #15
  PlannerWorld world = deployed(R"("autoPromotionEnabled":false)");
  world.setImage("web:2");
  world.run();
  world.abort();
  world.run();
  EXPECT_EQ(world.phase(), "Degraded: RolloutAborted: Rollout aborted update to revision 2");
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  EXPECT_EQ(world.selected("preview"), world.hash("web:2"));
  EXPECT_EQ(world.size("web:2"), 2) << "kept for a while";
  world.run(seconds(31));
  EXPECT_EQ(world.size("web:2"), 0);
  EXPECT_EQ(world.size("web:1"), 2);

  EXPECT_EQ(world.condition("Progressing"), "False RolloutAborted");
  EXPECT_EQ(std::ranges::count(world.events, "RolloutAborted: Rollout aborted update to revision 2"), 1);

  world.retry();
  world.step();
  EXPECT_EQ(getString(*world.rsOf("web:2"), {"metadata", "annotations", "scale-down-deadline"}), "");
  EXPECT_EQ(world.status("abortedAt"), "");
  world.run();
  EXPECT_EQ(world.phase(), "Paused: BlueGreenPause");
  EXPECT_EQ(world.size("web:2"), 2);
  world.promote();
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
}

// The new pods break after the switch: the traffic goes back although they never recover. spec/03 §13.3 life,
// spec/03 §8 defect.
TEST(BlueGreenAbort, FailedPostPromotionOfCrashingPods) {
  PlannerWorld world = deployed(R"("postPromotionAnalysis":{"templates":[{"templateName":"load"}]})");
  world.setImage("web:2");
  world.run();
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
  world.broken.insert(world.hash("web:2"));
  world.setRunPhase(onlyRun(world, "-post"), "Failed");
  world.run();
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  EXPECT_EQ(world.phase(),
            "Degraded: RolloutAborted: Rollout aborted update to revision 2: Blue/green post-promotion analysis phase "
            "error/failed");
  world.run(seconds(120));
  EXPECT_EQ(world.size("web:2"), 0);
  EXPECT_EQ(world.size("web:1"), 2);

  // The failed run is forgotten by a retry: another one decides. spec/03 §10 defect #2.
  world.broken.clear();
  world.retry();
  world.run();
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
  const std::string second = onlyRun(world, "-post.1");
  ASSERT_NE(second, "") << lines(world.writes);
  world.setRunPhase(second, "Successful");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
}

TEST(BlueGreenAbort, RetryRunsThePreAnalysisAgainBeforeItSwitches) {  // spec/03 §10 defect #3
  PlannerWorld world = deployed(R"("prePromotionAnalysis":{"templates":[{"templateName":"smoke"}]})");
  world.setImage("web:2");
  world.run();
  world.setRunPhase(onlyRun(world, "-pre"), "Successful");
  world.abort();  // in the same moment
  world.run(seconds(60));
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  world.retry();
  world.step();
  EXPECT_EQ(world.runs.size(), 1U) << "its pods come first";
  world.run();
  EXPECT_EQ(world.selected("active"), world.hash("web:1")) << "the old verdict must not count";
  const std::string second = onlyRun(world, "-pre.1");
  ASSERT_NE(second, "");
  world.setRunPhase(second, "Successful");
  world.run();
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
}

TEST(BlueGreenAbort, InconclusiveAnalysisPausesAndIsRunAgain) {
  PlannerWorld world = deployed(R"("prePromotionAnalysis":{"templates":[{"templateName":"smoke"}]})");
  world.setImage("web:2");
  world.run();
  world.setRunPhase(onlyRun(world, "-pre"), "Inconclusive");
  world.run();
  EXPECT_EQ(world.phase(), "Paused: InconclusiveAnalysisRun");
  world.promote();
  world.run();
  const std::string second = onlyRun(world, "-pre.1");
  ASSERT_NE(second, "");
  world.setRunPhase(second, "Successful");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
}

TEST(BlueGreenAbort, ADeadlineAborts) {  // spec/03 §13.3 life
  PlannerWorld world = deployed();
  world.edit(R"({"spec":{"progressDeadlineSeconds":60,"progressDeadlineAbort":true}})");
  world.setImage("web:2");
  world.step();
  world.broken.insert(world.hash("web:2"));
  world.run(minutes(2));
  EXPECT_EQ(world.phase(), fmt::format("Degraded: RolloutAborted: Rollout aborted update to revision 2: ReplicaSet "
                                       "\"web-{}\" has timed out progressing.",
                                       world.hash("web:2")));
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  EXPECT_EQ(world.size("web:2"), 0);
}

TEST(BlueGreenAbort, APromotedRolloutIsNotAborted) {  // spec/03 §13.3 life
  PlannerWorld world = deployed();
  world.abort();
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_FALSE(getBool(world.rollout, {"status", "abort"}));
  EXPECT_FALSE(world.said("RolloutAborted"));
}

TEST(BlueGreenAbort, ADelayOfZeroKeepsItForever) {  // spec/03 §13.3 life, spec/03 §21 #8
  PlannerWorld world =
      deployed(R"("autoPromotionEnabled":false,"previewReplicaCount":1,"abortScaleDownDelaySeconds":0)");
  world.setImage("web:2");
  world.run();
  world.abort();
  world.run(hours(5));
  EXPECT_EQ(world.size("web:2"), 1);
  EXPECT_EQ(world.size("web:1"), 2);
}

// The clock starts when the stable version has all of its pods. spec/03 §13.3 life.
TEST(BlueGreenAbort, TheHoldWaitsForStable) {
  PlannerWorld world = deployed(R"("autoPromotionEnabled":false)");
  world.setImage("web:2");
  world.run();
  world.broken.insert(world.hash("web:1"));
  world.startPods();
  world.abort();
  world.run(minutes(5));
  EXPECT_EQ(world.size("web:2"), 2);
  world.broken.clear();
  world.run(seconds(29));
  EXPECT_EQ(world.size("web:2"), 2);
  world.run(seconds(5));
  EXPECT_EQ(world.size("web:2"), 0);
}

// No size at all, in the middle of it: every pass says the same. spec/03 §5.3, §14.
TEST(BlueGreenAbort, ScaledToNothingItSettles) {
  PlannerWorld world = deployed(R"("autoPromotionEnabled":false)");
  world.setImage("web:2");
  world.run();
  world.abort();
  world.run(seconds(5));
  world.edit(R"({"spec":{"replicas":0}})");
  world.run(minutes(2));
  EXPECT_EQ(world.size("web:1"), 0);
  EXPECT_EQ(world.size("web:2"), 0);
  EXPECT_EQ(world.step(), 0U) << lines(world.writes);
}

// The post-promotion run is the first thing that fails after the switch; with no stable pods the traffic stays until
// there is one. spec/03 §8 defect.
TEST(BlueGreenAbort, TrafficWaitsForAStablePod) {
  PlannerWorld world = deployed(R"("postPromotionAnalysis":{"templates":[{"templateName":"load"}]})");
  world.setImage("web:2");
  world.run();
  world.broken.insert(world.hash("web:1"));
  world.startPods();
  world.setRunPhase(onlyRun(world, "-post"), "Failed");
  world.run(minutes(5));
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
  EXPECT_EQ(world.size("web:2"), 2);
  EXPECT_TRUE(std::ranges::any_of(world.last.waits, [](const Wait& wait) { return wait.kind == WaitKind::service; }));
  world.broken.clear();
  world.run(seconds(40));
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  EXPECT_EQ(world.size("web:2"), 0);
}

}  // namespace
}  // namespace crossfade::rollout
