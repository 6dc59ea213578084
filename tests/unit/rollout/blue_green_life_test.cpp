// Whole lives of blue-green releases. spec/03 §13, spec/02 §17.2, §17.5.
#include "support/planner_world.hpp"

namespace crossfade::rollout {
namespace {

using test::PlannerWorld;

std::string lines(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += text + "\n";
  return all;
}

// The first revision, healthy and an hour old, with the history of its writes forgotten. `more`: members of
// spec.strategy.blueGreen beside the two Services.
PlannerWorld deployed(std::string_view more = "", int replicas = 2) {
  PlannerWorld world(fmt::format(R"({{"blueGreen":{{"activeService":"active","previewService":"preview"{}{}}}}})",
                                 more.empty() ? "" : ",", more),
                     replicas);
  world.addService("active");
  world.addService("preview");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy") << lines(world.writes);
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  world.writes.clear();
  world.events.clear();
  world.now += hours(1);
  return world;
}

std::string checkPoint(const PlannerWorld& world) {
  return getBool(world.rollout, {"status", "blueGreen", "scaleUpPreviewCheckPoint"}) ? "reached" : "ahead";
}

std::string onlyRun(const PlannerWorld& world, std::string_view suffix) {
  for (const auto& [name, run] : world.runs)
    if (name.ends_with(suffix)) return name;
  return {};
}

TEST(BlueGreenLife, FirstDeployment) {  // spec/03 §13.1: no gate, no analysis, the full size
  PlannerWorld world(R"({"blueGreen":{"activeService":"active","previewService":"preview","autoPromotionEnabled":false,
      "previewReplicaCount":1,"prePromotionAnalysis":{"templates":[{"templateName":"t"}]}}})",
                     2);
  world.addService("active");
  world.addService("preview");
  world.step();
  world.step();
  EXPECT_EQ(world.selected("preview"), world.hash("web:1"));
  EXPECT_EQ(world.selected("active"), "");
  EXPECT_EQ(world.size("web:1"), 2);
  EXPECT_EQ(world.status("stableRS"), world.hash("web:1"));
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  EXPECT_TRUE(world.runs.empty());
  EXPECT_TRUE(world.said("Initial deploy"));
  EXPECT_TRUE(world.said(
      fmt::format("SwitchService: Switched selector for service 'active' from '' to '{}'", world.hash("web:1"))));
}

TEST(BlueGreenLife, SettledMeansNoWrites) {
  PlannerWorld world = deployed();
  for (int i = 0; i < 300; ++i) {
    ASSERT_EQ(world.step(), 0U) << lines(world.writes);
    world.now += seconds(i % 7);
  }
  EXPECT_EQ(world.last.look_again, std::nullopt);
}

TEST(BlueGreenLife, PlainUpdate) {
  PlannerWorld world = deployed();
  world.setImage("web:2");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy") << lines(world.writes);
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
  EXPECT_EQ(world.selected("preview"), world.hash("web:2"));
  EXPECT_EQ(world.size("web:1"), 2) << "inside its delay";
  EXPECT_TRUE(world.last.look_again.has_value());
  world.run(seconds(31));
  EXPECT_EQ(world.size("web:1"), 0);
  EXPECT_EQ(world.last.look_again, std::nullopt);
}

// spec/03 §13.6: preview at one pod, both analyses, a manual gate.
TEST(BlueGreenLife, EveryGate) {
  PlannerWorld world = deployed(R"("previewReplicaCount":1,"autoPromotionEnabled":false,
      "prePromotionAnalysis":{"templates":[{"templateName":"smoke"}],"args":[
        {"name":"new","valueFrom":{"podTemplateHashValue":"Latest"}},{"name":"old","valueFrom":{"podTemplateHashValue":"Stable"}},
        {"name":"who","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}},{"name":"plain","value":"x"}]},
      "postPromotionAnalysis":{"templates":[{"templateName":"load","clusterScope":true}]})");
  world.setImage("web:2");
  world.run();
  EXPECT_EQ(world.size("web:2"), 1);
  EXPECT_EQ(world.selected("preview"), world.hash("web:2"));
  const std::string pre = onlyRun(world, "-pre");
  EXPECT_EQ(pre, fmt::format("web-{}-2-pre", world.hash("web:2")));
  EXPECT_EQ(world.phase(), "Progressing: more replicas need to be updated");
  world.setRunPhase(pre, "Running");
  world.run();
  EXPECT_TRUE(world.said(fmt::format(
                  "AnalysisRunRunning: PrePromotion Analysis Run '{}' Status New: 'Running' Previous: ''", pre)) ||
              world.said("Previous: 'NoPreviousStatus'"))
      << lines(world.events);
  world.setRunPhase(pre, "Successful");
  world.run();
  EXPECT_EQ(world.phase(), "Paused: BlueGreenPause");
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  ASSERT_EQ(world.last.waits.size(), 1U);
  EXPECT_EQ(world.last.waits[0].kind, WaitKind::user);

  world.promote();
  world.step();
  EXPECT_EQ(checkPoint(world), "reached");
  world.run();
  EXPECT_EQ(world.size("web:2"), 2);
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
  const std::string post = onlyRun(world, "-post");
  EXPECT_EQ(post, fmt::format("web-{}-2-post", world.hash("web:2")));
  EXPECT_EQ(world.phase(), "Progressing: waiting for analysis to complete");
  EXPECT_EQ(world.status("stableRS"), world.hash("web:1"));
  world.setRunPhase(post, "Successful");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.status("stableRS"), world.hash("web:2"));
  EXPECT_EQ(checkPoint(world), "ahead");
  EXPECT_TRUE(world.said("Completed blue-green update"));
  world.run(seconds(31));
  EXPECT_EQ(world.size("web:1"), 0);
}

TEST(BlueGreenLife, TimedGate) {
  PlannerWorld world = deployed(R"("autoPromotionSeconds":60)");
  world.setImage("web:2");
  world.run();
  EXPECT_EQ(world.phase(), "Paused: BlueGreenPause");
  EXPECT_TRUE(world.last.look_again.has_value());
  world.run(seconds(59));
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  world.run(seconds(2));
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
}

// A timed gate can be cut short. spec/03 §9.2 (defect).
TEST(BlueGreenLife, PromotingDuringATimedGate) {
  PlannerWorld world = deployed(R"("autoPromotionSeconds":3600)");
  world.setImage("web:2");
  world.run();
  world.promote();
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
}

TEST(BlueGreenLife, AbortAndRetry) {  // spec/03 §13.3
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

  world.retry();
  world.run();
  EXPECT_EQ(world.phase(), "Paused: BlueGreenPause");
  EXPECT_EQ(world.size("web:2"), 2);
  world.promote();
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
}

// The new pods break after the switch: the traffic goes back although they never recover. spec/03 §8 (defect).
TEST(BlueGreenLife, FailedPostPromotionOfCrashingPods) {
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

  // The failed run is forgotten by a retry: another one decides. spec/03 §10.4 (defects).
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

TEST(BlueGreenLife, RetryRunsThePreAnalysisAgainBeforeItSwitches) {
  PlannerWorld world = deployed(R"("prePromotionAnalysis":{"templates":[{"templateName":"smoke"}]})");
  world.setImage("web:2");
  world.run();
  world.setRunPhase(onlyRun(world, "-pre"), "Successful");
  world.abort();  // in the same moment
  world.run(seconds(60));
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  world.retry();
  world.run();
  EXPECT_EQ(world.selected("active"), world.hash("web:1")) << "the old verdict must not count";
  const std::string second = onlyRun(world, "-pre.1");
  ASSERT_NE(second, "");
  world.setRunPhase(second, "Successful");
  world.run();
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
}

TEST(BlueGreenLife, InconclusiveAnalysisPausesAndIsRunAgain) {
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

TEST(BlueGreenLife, RollbackInsideTheDelayHasNoGate) {  // spec/03 §13.4
  PlannerWorld world = deployed(R"("autoPromotionEnabled":false)");
  world.setImage("web:2");
  world.run();
  world.promote();
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  world.setImage("web:1");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  EXPECT_TRUE(world.said("Fast rollback"));
  EXPECT_EQ(getString(world.rollout, {"metadata", "annotations", "rollout.argoproj.io/revision"}), "3");
}

// The delay tells that a version comes back without gates; a restarting pod must not make it forget. spec/03 §13.4.
TEST(BlueGreenLife, RollbackInsideTheDelayWithAPodMissing) {
  PlannerWorld world = deployed(R"("autoPromotionEnabled":false)");
  world.setImage("web:2");
  world.run();
  world.promote();
  world.run();
  ensureObject(*world.rsOf("web:1"), {"status"})["availableReplicas"] = 1;
  world.setImage("web:1");
  world.step();
  world.step();
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
  world.run();
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
}

TEST(BlueGreenLife, RollbackOutsideTheDelayIsAnUpdate) {
  PlannerWorld world = deployed(R"("autoPromotionEnabled":false)");
  world.setImage("web:2");
  world.run();
  world.promote();
  world.run(minutes(5));
  EXPECT_EQ(world.size("web:1"), 0);
  world.setImage("web:1");
  world.run();
  EXPECT_EQ(world.phase(), "Paused: BlueGreenPause");
}

TEST(BlueGreenLife, BackToStableMidUpdate) {
  PlannerWorld world = deployed(R"("autoPromotionEnabled":false)");
  world.setImage("web:2");
  world.run();
  world.setImage("web:1");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  EXPECT_EQ(world.size("web:2"), 2);
  world.run(seconds(31));
  EXPECT_EQ(world.size("web:2"), 0);
}

TEST(BlueGreenLife, ThirdTemplateWhilePaused) {  // spec/03 §13.2
  PlannerWorld world = deployed(R"("autoPromotionEnabled":false)");
  world.setImage("web:2");
  world.run();
  world.setImage("web:3");
  world.run();
  EXPECT_EQ(world.phase(), "Paused: BlueGreenPause");
  EXPECT_EQ(world.selected("preview"), world.hash("web:3"));
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  world.run(seconds(31));
  EXPECT_EQ(world.size("web:2"), 0);
  world.promote();
  world.run();
  EXPECT_EQ(world.selected("active"), world.hash("web:3"));
}

TEST(BlueGreenLife, PausedByHandNothingSwitches) {
  PlannerWorld world = deployed();
  world.edit(R"({"spec":{"paused":true}})");
  world.setImage("web:2");
  world.run();
  EXPECT_EQ(world.phase(), "Paused: manually paused");
  EXPECT_EQ(world.size("web:2"), 2) << "sizes follow all the same";
  EXPECT_EQ(world.selected("preview"), world.hash("web:1"));
  world.edit(R"({"spec":{"paused":false}})");
  world.run();
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
}

TEST(BlueGreenLife, Scaling) {  // spec/03 §14
  PlannerWorld world = deployed(R"("autoPromotionEnabled":false)");
  world.setImage("web:2");
  world.run();
  world.edit(R"({"spec":{"replicas":4}})");
  world.run();
  EXPECT_EQ(world.size("web:1"), 4);
  EXPECT_EQ(world.size("web:2"), 4);
  EXPECT_EQ(world.phase(), "Paused: BlueGreenPause");
  world.promote();
  world.edit(R"({"spec":{"replicas":3}})");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy") << "the resume survives a scaling event";
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
  EXPECT_EQ(world.size("web:1"), 3) << "an old version inside its delay follows";
}

TEST(BlueGreenLife, HistoryAndRunsAreLimited) {
  PlannerWorld world = deployed(R"("prePromotionAnalysis":{"templates":[{"templateName":"t"}]})");
  world.edit(R"({"spec":{"revisionHistoryLimit":2,"analysis":{"successfulRunHistoryLimit":1}}})");
  for (int version = 2; version <= 6; ++version) {
    world.now += minutes(1);
    world.setImage("web:" + std::to_string(version));
    world.run();
    world.setRunPhase(onlyRun(world, fmt::format("-{}-pre", version)), "Successful");
    world.run(minutes(2));
    ASSERT_EQ(world.phase(), "Healthy") << version;
  }
  EXPECT_EQ(world.replica_sets.size(), 3U);
  EXPECT_LE(world.runs.size(), 2U) << "the newest of the past, and the one of the status";
}

TEST(BlueGreenLife, FewWrites) {
  PlannerWorld world = deployed(R"("autoPromotionEnabled":false)");
  world.setImage("web:2");
  world.run();
  world.promote();
  world.run(seconds(31));
  const auto events =
      std::ranges::count_if(world.writes, [](const std::string& line) { return line.starts_with("event "); });
  EXPECT_LE(std::ssize(world.writes) - events, 15) << lines(world.writes);
}

// An update with every gate, an abort and a retry; what is left of it in the end.
std::string wholeLife(std::size_t dies_at, std::size_t* writes = nullptr) {
  PlannerWorld world = deployed(R"("previewReplicaCount":1,"autoPromotionSeconds":60,
      "prePromotionAnalysis":{"templates":[{"templateName":"a"}]},"postPromotionAnalysis":{"templates":[{"templateName":"b"}]})",
                                3);
  world.dies_at = dies_at;
  const auto analysed = [&] {
    for (auto& [name, run] : world.runs)
      if (getString(run, {"status", "phase"}).empty()) world.setRunPhase(name, "Successful");
  };
  world.setImage("web:2");
  world.run();
  analysed();
  world.run();
  world.abort();
  world.run(seconds(40));
  world.retry();
  for (int round = 0; round < 4; ++round) {
    world.run(seconds(61));
    analysed();
  }
  world.run(seconds(61));
  if (writes) *writes = world.writes.size();
  return fmt::format("{} active {} preview {} sizes {} {} stable {} runs {}", world.phase(), world.selected("active"),
                     world.selected("preview"), world.size("web:1"), world.size("web:2"), world.status("stableRS"),
                     world.runs.size());
}

// Killed between any two writes, a controller finds its way. spec/02 §19.9, design.md.
TEST(BlueGreenLife, KilledAtEveryWrite) {
  std::size_t writes = 0;
  const std::string expected = wholeLife(SIZE_MAX, &writes);
  EXPECT_TRUE(expected.starts_with("Healthy active")) << expected;
  EXPECT_GT(writes, 20U);
  for (std::size_t at = 0; at < writes; ++at) EXPECT_EQ(wholeLife(at), expected) << "killed before write " << at;
}

}  // namespace
}  // namespace crossfade::rollout
