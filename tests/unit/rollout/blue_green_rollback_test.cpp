// Templates that change before, during and after a blue-green update, forwards and backwards. spec/03 §13.2, §13.4.
#include "blue_green_life.hpp"

namespace crossfade::rollout {
namespace {

using namespace cases;

std::string_view deadline(PlannerWorld& world, std::string_view image) {
  return getString(*world.rsOf(image), {"metadata", "annotations", "scale-down-deadline"});
}

// web:2 is stable, and web:1 still inside its delay (30 s, unless `more` says otherwise).
PlannerWorld updated(std::string more = "", int replicas = 2) {
  PlannerWorld world = deployed(R"("autoPromotionEnabled":false)" + more, replicas);
  world.setImage("web:2");
  world.run();
  world.patchStatus(R"({"promoteFull":true})");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.size("web:1"), replicas);
  world.events.clear();
  return world;
}

TEST(BlueGreenRollback, ThirdTemplateWhilePaused) {  // spec/03 §13.2 life
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

TEST(BlueGreenRollback, BackToStableMidUpdate) {
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

TEST(BlueGreenRollback, RollbackInsideTheDelayHasNoGate) {  // spec/03 §13.4 life
  PlannerWorld world = updated();
  world.setImage("web:1");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  EXPECT_TRUE(world.said("Fast rollback"));
  EXPECT_EQ(deadline(world, "web:1"), "");
  EXPECT_EQ(getString(world.rollout, {"metadata", "annotations", "rollout.argoproj.io/revision"}), "3");
}

// The delay tells that a version comes back without gates; a restarting pod must not make it forget. spec/03 §13.4
// defect.
TEST(BlueGreenRollback, RollbackInsideTheDelayWithAPodMissing) {
  PlannerWorld world = updated();
  ensureObject(*world.rsOf("web:1"), {"status"})["availableReplicas"] = 1;
  world.setImage("web:1");
  world.step();
  world.step();
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
  world.run();
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
}

TEST(BlueGreenRollback, RollbackOutsideTheDelayIsAnUpdate) {
  PlannerWorld world = updated();
  world.run(minutes(5));
  EXPECT_EQ(world.size("web:1"), 0);
  world.setImage("web:1");
  world.run();
  EXPECT_EQ(world.phase(), "Paused: BlueGreenPause");
}

// However long its pods take: what was decided when the update began holds. spec/03 §13.4 defect.
TEST(BlueGreenRollback, RollbackInsideTheDelayOutlastsTheDelay) {
  PlannerWorld world = updated();
  world.broken.insert(world.hash("web:1"));
  world.startPods();
  world.setImage("web:1");
  world.run(minutes(3));
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
  EXPECT_EQ(world.size("web:1"), 2);
  world.broken.clear();
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  EXPECT_TRUE(world.said("Fast rollback"));
}

// spec/03 §13.4 defect: neither a new size nor a pause by hand makes it an update like others.
TEST(BlueGreenRollback, RollbackInsideTheDelayOutlastsOtherChanges) {
  PlannerWorld world = updated();
  world.edit(R"({"spec":{"paused":true,"replicas":4}})");
  world.setImage("web:1");
  world.run(minutes(3));
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
  EXPECT_EQ(world.size("web:1"), 4);
  world.edit(R"({"spec":{"paused":false}})");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
}

// What comes back without gates has no preview either: at the preview's size it could never be switched to. spec/03
// §5.1, §13.4.
TEST(BlueGreenRollback, NoPreviewOfWhatComesBack) {
  PlannerWorld world = updated(R"(,"previewReplicaCount":1)");
  world.setImage("web:1");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  EXPECT_EQ(world.size("web:1"), 2);

  // Back to stable while the active Service is ahead of it.
  world = deployed(R"("previewReplicaCount":1,"postPromotionAnalysis":{"templates":[{"templateName":"load"}]})");
  world.setImage("web:2");
  world.run();
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
  world.setImage("web:1");
  world.run();
  EXPECT_EQ(world.size("web:1"), 2);
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  EXPECT_EQ(world.phase(), "Healthy");
}

TEST(BlueGreenRollback,
     AbortedRollbackIsRetriedWithItsGates) {  // spec/03 §13.4: an abort's deadline is none of a delay
  PlannerWorld world = updated();
  world.run(minutes(5));
  world.setImage("web:1");
  world.run();
  EXPECT_EQ(world.phase(), "Paused: BlueGreenPause");
  world.abort();
  world.run(seconds(5));
  EXPECT_NE(deadline(world, "web:1"), "");
  world.retry();
  world.run();
  EXPECT_EQ(world.phase(), "Paused: BlueGreenPause");
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
  EXPECT_EQ(deadline(world, "web:1"), "");
}

// spec/03 §13.4 life: inside the window, but without pods by now. An abort can't stop it.
TEST(BlueGreenRollback, RollbackWithinTheWindow) {
  PlannerWorld world = updated();
  world.run(minutes(5));
  EXPECT_EQ(world.size("web:1"), 0);
  world.edit(R"({"spec":{"rollbackWindow":{"revisions":1}}})");
  world.setImage("web:1");
  world.step();
  world.step();
  EXPECT_EQ(world.size("web:1"), 2);
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
  world.abort();
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  EXPECT_TRUE(world.said("Rollback within window"));
}

// spec/03 §13.2 life: the second version carries the traffic until the third may, and is never stable.
TEST(BlueGreenRollback, ThirdTemplateAfterTheSwitch) {
  PlannerWorld world = deployed(R"("postPromotionAnalysis":{"templates":[{"templateName":"load"}]})");
  world.setImage("web:2");
  world.run();
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
  const std::string run = onlyRun(world, "-2-post");
  world.setRunPhase(run, "Running");
  world.setImage("web:3");
  world.step();
  world.step();
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
  EXPECT_EQ(world.selected("preview"), world.hash("web:3"));
  EXPECT_EQ(getObject(world.rollout, {"status", "blueGreen", "postPromotionAnalysisRunStatus"}), nullptr);
  world.broken.insert(world.hash("web:3"));
  world.run(minutes(2));
  EXPECT_TRUE(getBool(world.runs.at(run), {"spec", "terminate"}));
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
  EXPECT_EQ(world.size("web:2"), 2) << "referenced";
  EXPECT_EQ(world.status("stableRS"), world.hash("web:1"));
  world.broken.clear();
  world.run();
  EXPECT_EQ(world.selected("active"), world.hash("web:3"));
  world.setRunPhase(onlyRun(world, "-3-post"), "Successful");
  world.run(minutes(1));
  EXPECT_EQ(world.status("stableRS"), world.hash("web:3"));
  EXPECT_EQ(world.size("web:1"), 0);
  EXPECT_EQ(world.size("web:2"), 0);
}

TEST(BlueGreenRollback, ThirdTemplateAfterAnAbort) {  // spec/03 §13.2 life, spec/03 §21 #15
  PlannerWorld world = deployed(R"("autoPromotionEnabled":false)");
  world.setImage("web:2");
  world.run();
  world.abort();
  world.run(seconds(5));
  EXPECT_NE(deadline(world, "web:2"), "") << "it stays while the hold lasts";
  world.setImage("web:3");
  world.run();
  EXPECT_EQ(world.phase(), "Paused: BlueGreenPause");
  EXPECT_FALSE(getBool(world.rollout, {"status", "abort"}));
  world.setImage("web:2");
  world.run();
  EXPECT_EQ(world.phase(), "Paused: BlueGreenPause") << "younger than stable: no rollback";
  EXPECT_EQ(deadline(world, "web:2"), "");
}

// spec/03 §13.2 life: the strategy's own fields, the size and the metadata take effect without a reset.
TEST(BlueGreenRollback, OtherFieldsDontStartAgain) {
  PlannerWorld world = deployed(R"("autoPromotionEnabled":false)");
  world.setImage("web:2");
  world.run();
  const std::string since = json::serialize(*getArray(world.rollout, {"status", "pauseConditions"}));
  world.edit(R"({"metadata":{"labels":{"team":"a"}},"spec":{"replicas":3}})");
  world.run(minutes(1));
  EXPECT_EQ(json::serialize(*getArray(world.rollout, {"status", "pauseConditions"})), since);
  world.edit(R"({"spec":{"strategy":{"blueGreen":{"autoPromotionEnabled":true}}}})");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
}

TEST(BlueGreenRollback, TheLimitKeepsTheNewest) {  // spec/03 §20.6 B63
  PlannerWorld world = deployed(R"("scaleDownDelaySeconds":86400,"scaleDownDelayRevisionLimit":2)");
  for (int version = 2; version <= 6; ++version) {
    world.now += minutes(1);
    world.setImage(fmt::format("web:{}", version));
    world.run(seconds(10));
  }
  const auto sizes = [&] {
    std::string text;
    for (int version = 1; version <= 6; ++version)
      text += fmt::format(" {}", world.size(fmt::format("web:{}", version)));
    return text;
  };
  EXPECT_EQ(sizes(), " 0 0 0 2 2 2");
  world.edit(R"({"spec":{"strategy":{"blueGreen":{"scaleDownDelayRevisionLimit":1}}}})");
  world.step();
  EXPECT_EQ(sizes(), " 0 0 0 0 2 2");
}

}  // namespace
}  // namespace crossfade::rollout
