// Lives of canaries whose steps are done by others: plugins and Experiments. spec/04 §16, §26.
#include "support/deployed.hpp"

namespace crossfade::rollout {
namespace {

using test::deployed;
using test::PlannerWorld;

constexpr std::string_view with_plugin =
    R"({"canary":{"maxSurge":1,"maxUnavailable":0,"steps":[{"setWeight":20},{"plugin":{"name":"a/b"}},{"pause":{}}]}})";

TEST(PluginLife, RunsAbortsAndRunsAgain) {
  PlannerWorld world = deployed(with_plugin);
  world.plugin = [](const StepPluginCall& call) {
    // Running at the first call, done at the second: what it was told to keep tells which.
    if (call.operation != PluginOperation::run) return StepPluginReply{};
    if (call.state.is_null()) return StepPluginReply{.phase = "Running", .state = json::value("seen")};
    return StepPluginReply{.phase = "Successful"};
  };
  world.setImage("web:2");
  world.run();
  EXPECT_EQ(world.plugin_calls.size(), 1U);
  EXPECT_EQ(world.number("currentStepIndex"), 1);
  EXPECT_EQ(world.step(), 0U) << "nothing to do until its back-off has passed";
  EXPECT_EQ(world.plugin_calls.size(), 1U);
  world.run(seconds(36));
  EXPECT_EQ(world.plugin_calls.size(), 2U);
  EXPECT_EQ(world.number("currentStepIndex"), 2);
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");
  EXPECT_TRUE(world.said("RolloutStepCompleted: Rollout step 2/3 completed (plugin: a/b)"));

  world.abort();
  world.run();
  ASSERT_EQ(world.plugin_calls.size(), 3U);
  EXPECT_EQ(world.plugin_calls.back().operation, PluginOperation::abort);
  EXPECT_TRUE(world.said("StepPluginTransition: Step plugin a/b (step 2) aborted (Successful)"));
  EXPECT_EQ(world.step(), 0U);

  world.retry();
  world.run(minutes(2));
  EXPECT_EQ(world.plugin_calls.size(), 5U) << "it starts anew";
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");
  world.promote();
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.step(), 0U);
}

TEST(PluginLife, AbsentOnesAreAskedForEveryThirtySeconds) {
  PlannerWorld world = deployed(with_plugin);
  world.plugin = [](const StepPluginCall&) { return StepPluginReply{.unreachable = "not hosted"}; };
  world.setImage("web:2");
  for (int round = 0; round < 10 && world.plugin_calls.empty(); ++round)
    if (world.step() == 0) world.startPods();
  for (int round = 0; round < 5; ++round) {
    world.startPods();
    const std::size_t asked = world.plugin_calls.size();
    world.events.clear();
    world.step();
    EXPECT_EQ(world.plugin_calls.size(), asked + 1);
    EXPECT_TRUE(
        world.said("ReconciliationError: Reconciliation failed with error: could not create step plugin at index 1 : "
                   "not hosted"));
    ASSERT_EQ(world.last.look_again, world.now + seconds(30));
    world.now += seconds(30);
  }
  EXPECT_EQ(world.number("currentStepIndex"), 1);
  world.patchStatus(R"({"currentStepIndex":2})");  // promote: the step is skipped
  world.run();
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");
}

TEST(ExperimentLife, SharesTheTrafficWhileItRuns) {
  PlannerWorld world = deployed(
      R"({"canary":{"canaryService":"canary","stableService":"stable","trafficRouting":{"plugins":{"x":{}}},
        "steps":[{"setWeight":20},{"experiment":{"duration":"10m","templates":[{"name":"base","specRef":"stable","weight":5}]}},
        {"setWeight":40},{"pause":{}}]}})");
  world.setImage("web:2");
  world.run();
  ASSERT_EQ(world.experiments.size(), 1U);
  const std::string name = world.experiments.begin()->first;
  EXPECT_EQ(getString(world.rollout, {"status", "canary", "currentExperiment"}), name);
  EXPECT_EQ(world.step(), 0U);
  world.setExperimentStatus(
      name, R"({"phase":"Running","templateStatuses":[{"name":"base","serviceName":"s","podTemplateHash":"h"}]})");
  world.run();
  EXPECT_EQ(world.routed.extra.size(), 1U);
  EXPECT_EQ(world.weight, 20);
  EXPECT_EQ(world.step(), 0U);
  world.setExperimentStatus(
      name, R"({"phase":"Successful","templateStatuses":[{"name":"base","serviceName":"s","podTemplateHash":"h"}]})");
  world.run();
  EXPECT_EQ(world.routed.extra.size(), 0U);
  EXPECT_EQ(world.weight, 40);
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");
  EXPECT_EQ(getString(world.rollout, {"status", "canary", "currentExperiment"}), "");
  world.promote();
  world.run(minutes(2));
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.experiments.size(), 1U) << "history";
  EXPECT_EQ(world.step(), 0U);
}

TEST(ExperimentLife, AbortAndRetry) {
  PlannerWorld world = deployed(
      R"({"canary":{"steps":[{"setWeight":20},{"experiment":{"templates":[{"name":"base","specRef":"stable"}]}}]}})");
  world.setImage("web:2");
  world.run();
  const std::string name = world.experiments.begin()->first;
  world.abort();
  world.run();
  EXPECT_TRUE(getBool(world.experiments.at(name), {"spec", "terminate"}));
  EXPECT_EQ(world.step(), 0U);
  world.retry();
  world.run();
  EXPECT_EQ(world.experiments.size(), 2U);
  EXPECT_EQ(getString(world.rollout, {"status", "canary", "currentExperiment"}), name + "-1");
  world.setExperimentStatus(name + "-1", R"({"phase":"Failed","message":"no"})");
  world.run();
  EXPECT_EQ(
      world.phase(),
      "Degraded: RolloutAborted: Rollout aborted update to revision 2: Experiment analysis phase is error/failed: no");
  // Back to stable: both go when their ReplicaSet goes.
  world.setImage("web:1");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
}

}  // namespace
}  // namespace crossfade::rollout
