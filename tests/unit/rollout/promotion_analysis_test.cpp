// The AnalysisRuns of blue-green releases, and what the arguments of any run stand for. spec/06 §3, §14, §15.3, §15.4.
#include "blue_green_life.hpp"

namespace crossfade::rollout {
namespace {

using cases::deployed;
using cases::lines;
using cases::onlyRun;
using test::PlannerWorld;

constexpr std::string_view pre = R"("prePromotionAnalysis":{"templates":[{"templateName":"smoke"}]})";
constexpr std::string_view post = R"("postPromotionAnalysis":{"templates":[{"templateName":"load"}]})";

std::vector<std::string> pauses(const PlannerWorld& world) {
  std::vector<std::string> reasons;
  const json::array* conditions = getArray(world.rollout, {"status", "pauseConditions"});
  for (const json::value& one : conditions != nullptr ? *conditions : json::array())
    reasons.emplace_back(getString(one.get_object(), {"reason"}));
  return reasons;
}
std::string entry(const PlannerWorld& world, std::string_view kind) {
  return std::string(getString(world.rollout, {"status", "blueGreen", kind, "name"}));
}

TEST(PromotionAnalysis, InconclusiveBesideThePause) {  // spec/06 §19.5 #84
  PlannerWorld world = deployed(fmt::format(R"("autoPromotionEnabled":false,{})", pre));
  world.setImage("web:2");
  world.run();
  const std::string run = onlyRun(world, "-pre");
  world.patchStatus(
      R"({"controllerPause":true,"pauseConditions":[{"reason":"BlueGreenPause","startTime":"2024-05-01T13:00:00Z"}]})");
  world.setRunPhase(run, "Inconclusive");
  world.run();
  EXPECT_EQ(pauses(world), (std::vector<std::string>{"BlueGreenPause", "InconclusiveAnalysisRun"}));
  EXPECT_EQ(world.phase(), "Paused: BlueGreenPause");
}

TEST(PromotionAnalysis, SuccessPromotes) {  // spec/06 §19.5 #85
  PlannerWorld world = deployed(pre);
  world.setImage("web:2");
  world.run();
  const std::string run = onlyRun(world, "-pre");
  EXPECT_EQ(getString(world.runs.at(run), {"metadata", "labels", "rollout-type"}), "PrePromotion");
  world.setRunPhase(run, "Running");
  world.run();
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  world.setRunPhase(run, "Successful");
  world.run();
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
  EXPECT_EQ(world.phase(), "Healthy") << lines(world.writes);
  EXPECT_EQ(entry(world, "prePromotionAnalysisRunStatus"), run) << "spec/06 §20 #13: the entry stays";
}

// spec/06 §19.5 #87: what was good a moment ago is not asked again.
TEST(PromotionAnalysis, NoneForARollbackWithinItsWindow) {
  PlannerWorld world = deployed(pre);
  world.edit(R"({"spec":{"rollbackWindow":{"revisions":3}}})");
  world.setImage("web:2");
  world.run();
  world.setRunPhase(onlyRun(world, "-pre"), "Successful");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  world.now += hours(2);
  world.run();
  const std::size_t before = world.runs.size();
  world.setImage("web:1");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy") << lines(world.writes);
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  EXPECT_LE(world.runs.size(), before);
}

TEST(PromotionAnalysis, WaitsForThePodsAndThenStays) {  // spec/06 §19.5 #100
  PlannerWorld world = deployed(pre);
  world.setImage("web:2");
  world.step();
  world.broken.insert(world.hash("web:2"));
  world.run();
  EXPECT_TRUE(world.runs.empty());
  world.broken.clear();
  world.run();
  const std::string run = onlyRun(world, "-pre");
  ASSERT_FALSE(run.empty());
  world.setRunPhase(run, "Running");
  world.broken.insert(world.hash("web:2"));
  world.run();
  EXPECT_FALSE(getBool(world.runs.at(run), {"spec", "terminate"})) << "what began is not ended by a pod";
}

TEST(PromotionAnalysis, ThePreviewsSizeIsEnough) {  // spec/06 §19.5 #101
  PlannerWorld world = deployed(fmt::format(R"("previewReplicaCount":3,{})", pre), 5);
  world.setImage("web:2");
  world.run();
  EXPECT_EQ(world.size("web:2"), 3);
  EXPECT_FALSE(onlyRun(world, "-pre").empty());
}

TEST(PromotionAnalysis, AfterThePromotionOnlyWhileItLasts) {  // spec/06 §19.5 #102
  PlannerWorld world = deployed(post);
  world.setImage("web:2");
  world.run();
  const std::string run = onlyRun(world, "-post");
  ASSERT_FALSE(run.empty());
  EXPECT_EQ(getString(world.runs.at(run), {"metadata", "labels", "rollout-type"}), "PostPromotion");
  world.setRunPhase(run, "Running");
  world.run();
  // Another version is rolled out: the active Service selects neither it nor waits for that run.
  world.setImage("web:3");
  world.run();
  EXPECT_TRUE(getBool(world.runs.at(run), {"spec", "terminate"}));
}

TEST(PromotionAnalysis, WithoutTemplatesIsNone) {  // spec/06 §18 D4
  PlannerWorld world = deployed(R"("prePromotionAnalysis":{"templates":[]},"postPromotionAnalysis":{})");
  world.setImage("web:2");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_TRUE(world.runs.empty());
}

// A run that a user deletes is made again under its name. spec/06 §20 #18
TEST(PromotionAnalysis, ADeletedRunIsMadeAgain) {
  PlannerWorld world = deployed(pre);
  world.setImage("web:2");
  world.run();
  const std::string run = onlyRun(world, "-pre");
  world.setRunPhase(run, "Running");
  world.run();
  world.runs.erase(run);
  world.run();
  EXPECT_EQ(onlyRun(world, "-pre"), run);
}

// spec/06 §3.1 #1-#7, the order of its rows
TEST(RunArguments, StandForWhatTheyName) {
  PlannerWorld world = deployed(
      R"("prePromotionAnalysis":{"templates":[{"templateName":"t"}],"args":[
        {"name":"literal","value":"v"},
        {"name":"latest","value":"lost","valueFrom":{"podTemplateHashValue":"Latest"}},
        {"name":"stable","valueFrom":{"podTemplateHashValue":"Stable","fieldRef":{"fieldPath":"metadata.name"}}},
        {"name":"other","value":"kept","valueFrom":{"podTemplateHashValue":"Elsewhere"}},
        {"name":"label","value":"lost","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['env']"}}},
        {"name":"field","valueFrom":{"fieldRef":{"fieldPath":"spec.replicas"}}},
        {"name":"nothing","value":"kept","valueFrom":{}},
        {"name":"bare"}]})");
  world.setImage("web:2");
  for (int i = 0; i < 20 && world.runs.empty(); ++i) {
    if (world.step() == 0) world.startPods();
  }
  const CreateAnalysisRun* create = nullptr;
  for (const Action& action : world.last.actions)
    if (const auto* found = std::get_if<CreateAnalysisRun>(&action)) create = found;
  ASSERT_NE(create, nullptr);
  using Arguments = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(create->args, (Arguments{{"literal", "v"},
                                     {"latest", world.hash("web:2")},
                                     {"stable", world.hash("web:1")},
                                     {"other", "kept"},
                                     {"label", ""},
                                     {"nothing", "kept"},
                                     {"bare", ""}}))
      << "spec/06 §19.4 #65, spec/06 §19.4 #66";
  EXPECT_EQ(create->field_args, (Arguments{{"field", "spec.replicas"}}));
}

// The stable ReplicaSet is gone: an argument that asks for its hash has no value. spec/06 §18 D3
TEST(RunArguments, OfAStableReplicaSetThatIsGone) {
  PlannerWorld world = deployed(
      R"("prePromotionAnalysis":{"templates":[{"templateName":"t"}],"args":[
        {"name":"stable","valueFrom":{"podTemplateHashValue":"Stable"}}]})");
  world.setImage("web:2");
  world.step();
  std::erase_if(world.replica_sets,
                [&](const auto& one) { return PlannerWorld::hashOf(one.second) == world.hash("web:1"); });
  for (int i = 0; i < 6; ++i) {
    world.step();
    world.startPods();
  }
  EXPECT_TRUE(world.runs.empty());
}

// A field of the metadata that can't be meant is said, and no run is made without it.
TEST(RunArguments, ThatCantBeResolvedStopTheCreation) {
  PlannerWorld world = deployed(
      R"("prePromotionAnalysis":{"templates":[{"templateName":"t"}],"args":[
        {"name":"a","valueFrom":{"fieldRef":{"fieldPath":"metadata.bogus"}}}]})");
  world.setImage("web:2");
  for (int i = 0; i < 6; ++i) {
    world.step();
    world.startPods();
  }
  EXPECT_TRUE(world.runs.empty());
}

}  // namespace
}  // namespace crossfade::rollout
