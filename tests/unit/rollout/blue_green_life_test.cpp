// Whole lives of blue-green releases that nothing goes wrong with. spec/03 §13.1, §13.5, §13.6, spec/02 §17.2, §17.5.
#include "blue_green_life.hpp"

namespace crossfade::rollout {
namespace {

using namespace cases;

TEST(BlueGreenLife, FirstDeployment) {  // spec/03 §13.1 life: no gate, no analysis, the full size
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

TEST(BlueGreenLife, SettledMeansNoWrites) {  // spec/03 §21 #12
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

// spec/03 §13.6 life: preview at one pod, both analyses, a manual gate.
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
  EXPECT_EQ(
      json::value(*getObject(world.runs.at(pre), {"metadata", "labels"})),
      json::value(
          {{"app", "web"}, {"rollouts-pod-template-hash", world.hash("web:2")}, {"rollout-type", "PrePromotion"}}));
  EXPECT_EQ(getString(world.runs.at(pre), {"metadata", "annotations", "rollout.argoproj.io/revision"}), "2");
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
  EXPECT_FALSE(getBool(world.rollout, {"status", "controllerPause"})) << "the checkpoint remembers the answer";
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

// A timed gate can be cut short. spec/03 §9.2 defect.
TEST(BlueGreenLife, PromotingDuringATimedGate) {
  PlannerWorld world = deployed(R"("autoPromotionSeconds":3600)");
  world.setImage("web:2");
  world.run();
  world.promote();
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
}

TEST(BlueGreenLife, PausedByHandNothingSwitches) {  // spec/03 §13.5 life, spec/03 §4.4
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

// spec/03 §13.5 life: in full, from the middle of the gates. All of its pods come first.
TEST(BlueGreenLife, PromotedInFull) {
  PlannerWorld world = deployed(R"("autoPromotionEnabled":false,"previewReplicaCount":1,
      "prePromotionAnalysis":{"templates":[{"templateName":"a"}]},"postPromotionAnalysis":{"templates":[{"templateName":"b"}]})");
  world.setImage("web:2");
  world.run();
  const std::string run = onlyRun(world, "-pre");
  world.patchStatus(R"({"promoteFull":true})");
  world.step();
  EXPECT_EQ(world.size("web:2"), 2);
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
  EXPECT_TRUE(world.said("Full promotion requested"));
  EXPECT_TRUE(getBool(world.runs.at(run), {"spec", "terminate"}));
  EXPECT_FALSE(getBool(world.rollout, {"status", "promoteFull"}));
}

// A gate that was opened stays open while a pod is missing. spec/02 §19.18.
TEST(BlueGreenLife, ThePromotionWaitsForAPod) {
  PlannerWorld world = deployed(R"("autoPromotionEnabled":false)");
  world.setImage("web:2");
  world.run();
  world.broken.insert(world.hash("web:2"));
  world.startPods();
  world.promote();
  world.run(seconds(20));
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  world.broken.clear();
  world.run();
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
}

// spec/03 §10 defect #1: a block that lists nothing neither holds a promotion, nor loses the answer of a person, nor
// is waited for.
TEST(BlueGreenLife, AnalysesWithoutTemplates) {
  PlannerWorld world = deployed(R"("autoPromotionEnabled":false,"prePromotionAnalysis":{"templates":[]},
      "postPromotionAnalysis":{"templates":[]})");
  world.setImage("web:2");
  world.run();
  EXPECT_EQ(world.phase(), "Paused: BlueGreenPause");
  world.broken.insert(world.hash("web:2"));
  world.startPods();
  world.promote();
  world.run(seconds(20));
  world.broken.clear();
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
}

// The order in which the first release is told: stable before the traffic comes. spec/03 §13.1 life.
TEST(BlueGreenLife, FirstEvents) {
  PlannerWorld world(R"({"blueGreen":{"activeService":"active"}})", 2);
  world.addService("active");
  world.run();
  const auto at = [&](std::string_view reason) {
    return std::ranges::find_if(world.events, [&](const std::string& event) { return event.starts_with(reason); });
  };
  EXPECT_LT(at("NewReplicaSetCreated"), at("RolloutCompleted"));
  EXPECT_LT(at("RolloutCompleted"), at("SwitchService"));
  EXPECT_NE(at("SwitchService"), world.events.end());
}

std::string repelled(PlannerWorld& world, std::string_view image) {
  const json::array* terms = getArray(*world.rsOf(image), {"spec", "template", "spec", "affinity", "podAntiAffinity",
                                                           "preferredDuringSchedulingIgnoredDuringExecution"});
  return terms ? json::serialize(*terms) : std::string();
}

TEST(BlueGreenLife, AntiAffinity) {  // spec/03 §16, spec/03 §16 defect
  PlannerWorld world = deployed(R"("autoPromotionEnabled":false,
      "antiAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":{"weight":7}})");
  EXPECT_EQ(repelled(world, "web:1"), "") << "a first deployment repels nobody";
  world.setImage("web:2");
  world.run();
  EXPECT_TRUE(repelled(world, "web:2").contains(world.hash("web:1")));
  EXPECT_TRUE(repelled(world, "web:2").contains(R"("weight":7)"));
  EXPECT_EQ(world.replica_sets.size(), 2U) << "it is found again by its template";
  world.promote();
  world.run();
  EXPECT_NE(repelled(world, "web:2"), "") << "pods that run are left alone";

  // Only another reason to write makes it vanish, or follow another stable version.
  world.edit(R"({"spec":{"minReadySeconds":1}})");
  world.run();
  EXPECT_EQ(repelled(world, "web:2"), "");
  world.setImage("web:3");
  world.run();
  EXPECT_TRUE(repelled(world, "web:3").contains(world.hash("web:2")));
}

TEST(BlueGreenLife, Scaling) {  // spec/03 §14, spec/03 §21 #2
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
  EXPECT_FALSE(getBool(world.rollout, {"status", "controllerPause"}));
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
