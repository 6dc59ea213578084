// The AnalysisRuns of canaries: created, watched, cancelled, cleaned up. spec/06 §13 to §15, §19.5 (numbers of cases).
#include "rollout/field_path.hpp"
#include "support/planner_world.hpp"

namespace crossfade::rollout {
namespace {

using test::PlannerWorld;

std::string lines(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += text + "\n";
  return all;
}

PlannerWorld updating(std::string_view canary) {
  PlannerWorld world(fmt::format(R"({{"canary":{}}})", canary), 2);
  world.run();
  EXPECT_EQ(world.phase(), "Healthy") << lines(world.writes);
  EXPECT_TRUE(world.runs.empty()) << "spec/06 §19.5 #88: none for a first deployment";
  world.writes.clear();
  world.now += hours(1);
  world.setImage("web:2");
  world.run();
  return world;
}

std::string nameOf(PlannerWorld& world, std::string_view suffix = "") {
  return fmt::format("web-{}-2{}", world.hash("web:2"), suffix);
}
std::string stepRun(const PlannerWorld& world) {
  return std::string(getString(world.rollout, {"status", "canary", "currentStepAnalysisRunStatus", "name"}));
}
std::string backgroundRun(const PlannerWorld& world) {
  return std::string(getString(world.rollout, {"status", "canary", "currentBackgroundAnalysisRunStatus", "name"}));
}

constexpr std::string_view background = R"("analysis":{"templates":[{"templateName":"errors"}]})";
constexpr std::string_view pause_step = R"("steps":[{"setWeight":50},{"pause":{}}])";
constexpr std::string_view analysis_step =
    R"("steps":[{"analysis":{"templates":[{"templateName":"errors"}],"analysisRunMetadata":{"labels":{"team":"shop","step-index":"9"}}}},{"pause":{}}])";

std::string with(std::initializer_list<std::string_view> members) {
  std::string text;
  for (const std::string_view member : members) text += (text.empty() ? "" : ",") + std::string(member);
  return "{" + text + "}";
}

TEST(CanaryAnalysis, BackgroundRun) {
  PlannerWorld world = updating(with({background, pause_step}));
  EXPECT_EQ(backgroundRun(world), nameOf(world)) << "spec/06 §19.5 #76";
  const json::object& run = world.runs.at(nameOf(world));
  EXPECT_EQ(getString(run, {"metadata", "labels", "rollout-type"}), "Background");
  EXPECT_EQ(getString(run, {"metadata", "labels", "rollouts-pod-template-hash"}), world.hash("web:2"));
  EXPECT_EQ(getString(run, {"metadata", "labels", "app"}), "web") << "the selector's labels";
  EXPECT_EQ(getString(run, {"metadata", "annotations", "rollout.argoproj.io/revision"}), "2");
  EXPECT_EQ(getString(world.rollout, {"status", "canary", "currentBackgroundAnalysisRunStatus", "status"}), "");

  world.setRunPhase(nameOf(world), "Successful");
  world.run();
  EXPECT_EQ(world.runs.size(), 1U) << "spec/06 §20 #12: it is not repeated";
  world.promote();
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(backgroundRun(world), "");
}

TEST(CanaryAnalysis, BackgroundRunFails) {  // spec/06 §19.5 #82
  PlannerWorld world = updating(with({background, pause_step}));
  world.setRunPhase(nameOf(world), "Error");
  world.run();
  EXPECT_EQ(world.phase(),
            "Degraded: RolloutAborted: Rollout aborted update to revision 2: Background analysis phase error/failed");
  EXPECT_EQ(backgroundRun(world), "");
  EXPECT_TRUE(world.said("AnalysisRunError: Background Analysis Run"));
  world.retry();
  world.run();
  EXPECT_EQ(backgroundRun(world), nameOf(world, ".1")) << "spec/06 §19.5 #77";
}

TEST(CanaryAnalysis, InconclusiveBackgroundRunPauses) {  // spec/06 §19.5 #83, spec/06 §14.1 #2, spec/06 §20 #12
  PlannerWorld world =
      updating(with({background, R"("steps":[{"setWeight":50},{"pause":{"duration":"1h"}},{"pause":{}}])"}));
  world.setRunPhase(nameOf(world), "Inconclusive");
  world.run();
  const json::array* pauses = getArray(world.rollout, {"status", "pauseConditions"});
  ASSERT_TRUE(pauses);
  EXPECT_EQ(pauses->size(), 2U) << "appended to the pause of the step";
  EXPECT_EQ(getString(pauses->back().as_object(), {"reason"}), "InconclusiveAnalysisRun");
  world.promote();
  world.run();
  EXPECT_EQ(backgroundRun(world), nameOf(world, ".1"));
}

TEST(CanaryAnalysis, StartsAtItsStep) {
  PlannerWorld world = updating(with({R"("analysis":{"startingStep":2,"templates":[{"templateName":"errors"}]})",
                                      R"("steps":[{"setWeight":10},{"pause":{}},{"setWeight":50},{"pause":{}}])"}));
  EXPECT_TRUE(world.runs.empty());
  world.promote();
  world.run();
  EXPECT_EQ(backgroundRun(world), nameOf(world));
}

TEST(CanaryAnalysis, StepRun) {
  PlannerWorld world = updating(with({analysis_step}));
  EXPECT_EQ(stepRun(world), nameOf(world, "-0")) << "spec/06 §19.5 #79";
  const json::object& run = world.runs.at(nameOf(world, "-0"));
  EXPECT_EQ(getString(run, {"metadata", "labels", "rollout-type"}), "Step");
  EXPECT_EQ(getString(run, {"metadata", "labels", "step-index"}), "0") << "spec/06 §20 #14: nobody may overwrite it";
  EXPECT_EQ(getString(run, {"metadata", "labels", "team"}), "shop");
  EXPECT_EQ(world.number("currentStepIndex"), 0);
  world.setRunPhase(nameOf(world, "-0"), "Successful");
  world.run();
  EXPECT_EQ(world.number("currentStepIndex"), 1) << "spec/06 §19.5 #80";
  EXPECT_EQ(stepRun(world), "") << "spec/06 §20 #13";
  EXPECT_TRUE(world.said("AnalysisRunSuccessful: Step Analysis Run"));
}

TEST(CanaryAnalysis, StepRunFails) {  // spec/06 §19.5 #81
  PlannerWorld world = updating(with({analysis_step}));
  world.setRunPhase(nameOf(world, "-0"), "Error");
  ensureObject(world.runs.at(nameOf(world, "-0")), {"status"})["message"] = "Error";
  world.run();
  EXPECT_EQ(
      world.phase(),
      "Degraded: RolloutAborted: Rollout aborted update to revision 2: Step-based analysis phase error/failed: Error");
}

TEST(CanaryAnalysis, AbortStopsEveryRun) {  // spec/06 §19.5 #86
  PlannerWorld world = updating(with({analysis_step}));
  json::object stray = world.runs.at(nameOf(world, "-0"));
  ensureObject(stray, {"metadata"})["name"] = "stray";
  world.runs["stray"] = stray;
  world.abort();
  world.step();
  EXPECT_TRUE(getBool(world.runs.at("stray"), {"spec", "terminate"}));
  EXPECT_TRUE(getBool(world.runs.at(nameOf(world, "-0")), {"spec", "terminate"}));
  EXPECT_EQ(stepRun(world), "");
}

// A status that was lost after its run was created leads back to that run.
TEST(CanaryAnalysis, ForgottenRunIsTakenOver) {  // spec/06 §19.5 #78
  PlannerWorld world = updating(with({analysis_step}));
  world.patchStatus(R"({"canary":{"currentStepAnalysisRunStatus":null}})");
  world.run();
  EXPECT_EQ(stepRun(world), nameOf(world, "-0"));
  EXPECT_EQ(world.runs.size(), 1U);
}

TEST(CanaryAnalysis, TwoAnalysisStepsInARow) {  // spec/06 §19.5 #89, spec/04 §33 #28
  PlannerWorld world = updating(with(
      {R"("steps":[{"analysis":{"templates":[{"templateName":"a"}]}},{"analysis":{"templates":[{"templateName":"b"}]}}])"}));
  world.setRunPhase(nameOf(world, "-0"), "Running");
  world.run();
  world.patchStatus(R"({"currentStepIndex":1})");
  world.step();
  EXPECT_TRUE(getBool(world.runs.at(nameOf(world, "-0")), {"spec", "terminate"}));
  world.run();
  EXPECT_EQ(stepRun(world), nameOf(world, "-1"));
}

TEST(CanaryAnalysis, RemovedBlockEndsItsRun) {  // spec/06 §19.5 #104
  PlannerWorld world = updating(with({background, pause_step}));
  world.edit(R"({"spec":{"strategy":{"canary":{"analysis":null}}}})");
  world.run();
  EXPECT_TRUE(getBool(world.runs.at(nameOf(world)), {"spec", "terminate"}));
  EXPECT_EQ(backgroundRun(world), "");
}

TEST(CanaryAnalysis,
     HistoryIsLimited) {  // spec/06 §19.5 #90, spec/06 §19.5 #91, spec/06 §14 #1, spec/06 §14 #2, spec/06 §14 #4,
                          // spec/06 §14 #5, spec/06 §20 #23, spec/01 §10.3 D7
  PlannerWorld world = updating(with({analysis_step}));
  world.edit(R"({"spec":{"analysis":{}}})");
  const json::object model = world.runs.at(nameOf(world, "-0"));
  const auto add = [&](const std::string& name, int age, std::string_view phase, std::string_view hash) {
    json::object run = model;
    json::object& metadata = ensureObject(run, {"metadata"});
    metadata["name"] = name;
    metadata["creationTimestamp"] = formatTime(world.now - seconds(age));
    ensureObject(run, {"metadata", "labels"})["rollouts-pod-template-hash"] = hash;
    ensureObject(run, {"status"})["phase"] = phase;
    world.runs[name] = std::move(run);
  };
  for (int i = 0; i < 8; ++i) add("good" + std::to_string(i), 100 + i, "Successful", world.hash("web:1"));
  for (int i = 0; i < 9; ++i)
    add("bad" + std::to_string(i), 100 + i, std::array{"Failed", "Error", "Inconclusive"}[i % 3], world.hash("web:1"));
  add("orphan", 10, "Running", "nobody");
  add("bare", 10, "Successful", "");
  world.run();
  EXPECT_FALSE(world.runs.contains("orphan"));
  EXPECT_FALSE(world.runs.contains("bare"));
  for (int i = 0; i < 8; ++i) EXPECT_EQ(world.runs.contains("good" + std::to_string(i)), i < 5) << i;
  for (int i = 0; i < 9; ++i) EXPECT_EQ(world.runs.contains("bad" + std::to_string(i)), i < 5) << i;
}

// spec/06 §14 #3, spec/06 §14 #6
TEST(CanaryAnalysis, HistoryOfADeletedReplicaSetGoesWhatIsUnfinishedStays) {
  PlannerWorld world = updating(with({analysis_step}));
  const auto add = [&](const std::string& name, std::string_view phase, std::string_view hash) {
    json::object run = world.runs.at(nameOf(world, "-0"));
    ensureObject(run, {"metadata"})["name"] = name;
    ensureObject(run, {"metadata"})["creationTimestamp"] = formatTime(world.now - seconds(100));
    ensureObject(run, {"metadata", "labels"})["rollouts-pod-template-hash"] = hash;
    ensureObject(run, {"status"})["phase"] = phase;
    ensureObject(run, {"spec"})["terminate"] = true;  // asked to end, and not at its end yet
    world.runs[name] = std::move(run);
  };
  add("unfinished", "Running", world.hash("web:1"));
  world.run();
  EXPECT_TRUE(world.runs.contains("unfinished"));

  add("of-the-deleted", "Successful", world.hash("web:1"));
  for (auto& [name, rs] : world.replica_sets)
    if (name.ends_with(world.hash("web:1")))
      ensureObject(rs, {"metadata"})["deletionTimestamp"] = formatTime(world.now);
  world.run();
  EXPECT_FALSE(world.runs.contains("of-the-deleted"));
}

// spec/06 §14.1 #1-#3: after a pause of a step only a retry, or nobody's run, is a reason for a new one.
TEST(CanaryAnalysis, ANewRunIsNeeded) {
  PlannerWorld world = updating(with({background, pause_step}));
  const std::string first = nameOf(world);
  world.setRunPhase(first, "Successful");
  world.run();
  EXPECT_EQ(world.status("phase"), "Paused");
  EXPECT_EQ(backgroundRun(world), first) << "paused by a step, with a run: no other one";
  world.patchStatus(R"({"pauseConditions":[{"reason":"CanaryPauseStep","startTime":"2024-05-01T13:00:00Z"}],
      "controllerPause":true,"abortedAt":"2024-05-01T13:00:00Z"})");
  world.run();
  EXPECT_EQ(backgroundRun(world), nameOf(world, ".1")) << "a retry";
}

// While the verdict waits for a person nothing new begins. spec/06 §19.5 #105
TEST(CanaryAnalysis, NothingNewWhileAPersonIsAsked) {
  PlannerWorld world = updating(with({background, pause_step}));
  world.setRunPhase(nameOf(world), "Inconclusive");
  world.run();
  world.run(hours(2));
  EXPECT_EQ(world.runs.size(), 1U);
  // The step's pause alone is no answer to the run's question.
  world.patchStatus(R"({"pauseConditions":[{"reason":"CanaryPauseStep","startTime":"2024-05-01T13:00:00Z"}]})");
  world.run(hours(2));
  EXPECT_EQ(world.runs.size(), 1U);
  EXPECT_EQ(backgroundRun(world), nameOf(world));
}

// spec/06 §20 #17: a run that was just made is none of the others, which are ended.
TEST(CanaryAnalysis, AJustCreatedRunIsNoStray) {
  PlannerWorld world = updating(with({analysis_step}));
  EXPECT_FALSE(getBool(world.runs.at(nameOf(world, "-0")), {"spec", "terminate"}));
  world.setImage("web:3");
  world.run();
  const std::string newer = fmt::format("web-{}-3-0", world.hash("web:3"));
  EXPECT_TRUE(getBool(world.runs.at(nameOf(world, "-0")), {"spec", "terminate"})) << "the superseded revision's";
  EXPECT_FALSE(getBool(world.runs.at(newer), {"spec", "terminate"}));
}

TEST(FieldPath, Spec06_3_2) {
  const json::object rollout =
      PlannerWorld::object(R"({"metadata":{"name":"web","namespace":"shop","labels":{"b":"2","a":"x\"y"}},
      "spec":{"replicas":1000000,"half":0.5,"on":true,"list":[{"v":"first"},{"v":7}],"none":null},
      "status":{"pauseConditions":[{"reason":"CanaryPauseStep"}]}})");
  const std::pair<std::string_view, std::string_view> values[] = {
      {"metadata.name", "web"},
      {"metadata.labels['b']", "2"},
      {"metadata.labels['missing']", ""},  // spec/06 §19.4 #66
      {"metadata.labels", "a=\"x\\\"y\"\nb=\"2\""},
      // spec/06 §19.4 #71, printed as an integer: spec/06 §3.2, spec/06 §20 #22
      {"spec.replicas", "1000000"},
      {"spec.half", "0.5"},
      {"spec.on", "true"},
      {"spec.list[0].v", "first"},
      {".spec..list[1]v", "7"},
      {"status.pauseConditions[0].reason", "CanaryPauseStep"}};  // spec/06 §19.4 #67
  for (const auto& [path, value] : values) EXPECT_EQ(fieldOfRollout(rollout, path).value_or("an error"), value) << path;
  const std::pair<std::string_view, std::string_view> errors[] = {
      {"metadata.bogus", "unsupported fieldPath: metadata.bogus"},
      {"spec.list[x]", "invalid index 'x'"},
      {"spec.list[2]", "index 2 out of range"},
      {"status.pauseConditions[blah].reason", "invalid index 'blah'"},  // spec/06 §19.4 #68
      {"status.pauseConditions[12].reason", "index 12 out of range"},   // spec/06 §19.4 #69
      {"status.pauseConditions[0]",                                     // spec/06 §19.4 #70
       "path status.pauseConditions[0] in rollout must terminate in a primitive value"},
      {"spec.missing", "invalid path spec.missing in rollout"},
      {"spec.none", "invalid path spec.none in rollout"},
      {"spec.replicas.deeper", "invalid path spec.replicas.deeper in rollout"},
      {"spec.list", "path spec.list in rollout must terminate in a primitive value"},
      {"", "invalid path  in rollout"}};
  for (const auto& [path, message] : errors) {
    const auto found = fieldOfRollout(rollout, path);
    ASSERT_FALSE(found) << path;
    EXPECT_EQ(found.error().message, message);
  }
}

}  // namespace
}  // namespace crossfade::rollout
