#include "rollout/user_actions.hpp"

#include <gtest/gtest.h>

namespace crossfade::rollout {
namespace {

json::object object(std::string_view text) { return parseJson(text)->get_object(); }
std::string print(const std::optional<json::object>& patch) { return patch ? json::serialize(*patch) : "none"; }

json::object canary(std::string_view status, std::string_view spec_members = "") {
  return object(R"({"metadata":{"name":"shop","uid":"u"},"spec":{)" + std::string(spec_members) +
                R"("strategy":{"canary":{"steps":[{"setWeight":10},{"pause":{}}]}}},"status":)" + std::string(status) +
                "}");
}

// spec/10 §3.6
TEST(Promote, PausedStep) {
  const auto patches = promotePatches(
      canary(R"({"pauseConditions":[{"reason":"CanaryPauseStep"}],"controllerPause":true,"currentStepIndex":1})"),
      PromoteMode::plain);
  ASSERT_TRUE(patches);
  EXPECT_EQ(print(patches->status), R"({"status":{"pauseConditions":null}})");
  EXPECT_EQ(print(patches->spec), "none");
  EXPECT_EQ(json::serialize(patches->unified), R"({"spec":{"paused":false},"status":{"pauseConditions":null}})");
}

TEST(Promote, RunningStepIsSkipped) {
  const auto patches = promotePatches(canary(R"({"currentStepIndex":1})", R"("paused":true,)"), PromoteMode::plain);
  EXPECT_EQ(print(patches->status), R"({"status":{"pauseConditions":null,"currentStepIndex":2}})");
  EXPECT_EQ(print(patches->spec), R"({"spec":{"paused":false}})");
  EXPECT_EQ(print(promotePatches(canary(R"({"currentStepIndex":2})"), PromoteMode::plain)->status),
            R"({"status":{"pauseConditions":null,"currentStepIndex":2}})");
}

TEST(Promote, InconclusiveStepGoesOn) {
  const auto patches = promotePatches(
      canary(
          R"({"pauseConditions":[{"reason":"InconclusiveAnalysisRun"}],"controllerPause":true,"canary":{"currentStepAnalysisRunStatus":{"status":"Inconclusive"}}})"),
      PromoteMode::plain);
  EXPECT_EQ(print(patches->status),
            R"({"status":{"pauseConditions":null,"controllerPause":false,"currentStepIndex":1}})");
}

TEST(Promote, Full) {
  EXPECT_EQ(print(promotePatches(canary(R"({"currentPodHash":"b","stableRS":"a"})"), PromoteMode::full)->status),
            R"({"status":{"promoteFull":true}})");
  EXPECT_EQ(print(promotePatches(canary(R"({"currentPodHash":"a","stableRS":"a"})"), PromoteMode::full)->status),
            "none");
}

TEST(Promote, SkippingNeedsSteps) {
  const json::object blue_green = object(R"({"spec":{"strategy":{"blueGreen":{}}}})");
  EXPECT_EQ(promotePatches(blue_green, PromoteMode::skip_all_steps).error().message,
            "Cannot skip steps of a bluegreen rollout. Run without a flags");
  const json::object plain = object(R"({"spec":{"strategy":{"canary":{}}}})");
  EXPECT_EQ(promotePatches(plain, PromoteMode::skip_current_step).error().message,
            "Cannot skip steps of a rollout without steps");
  EXPECT_EQ(print(promotePatches(canary("{}"), PromoteMode::skip_all_steps)->status),
            R"({"status":{"currentStepIndex":2}})");
  EXPECT_EQ(print(promotePatches(plain, PromoteMode::plain)->status), "none");
}

TEST(SimplePatches, Bodies) {
  EXPECT_EQ(json::serialize(pausePatch()), R"({"spec":{"paused":true}})");
  EXPECT_EQ(json::serialize(abortPatch()), R"({"status":{"abort":true}})");
  EXPECT_EQ(json::serialize(retryPatch()), R"({"status":{"abort":false}})");
  EXPECT_EQ(json::serialize(terminatePatch()), R"({"spec":{"terminate":true}})");
  EXPECT_EQ(json::serialize(restartPatch(*parseTime("2024-05-01T12:00:00Z"))),
            R"({"spec":{"restartAt":"2024-05-01T12:00:00Z"}})");
}

json::object replicaSet(int revision, std::string_view image, std::string_view owner = "u") {
  return object(
      R"({"metadata":{"annotations":{"rollout.argoproj.io/revision":")" + std::to_string(revision) +
      R"(","rollout.argoproj.io/ephemeral-metadata":"{\"labels\":{\"role\":\"canary\"}}"},"ownerReferences":[{"controller":true,"uid":")" +
      std::string(owner) +
      R"("}]},"spec":{"template":{"metadata":{"labels":{"app":"a","role":"canary","rollouts-pod-template-hash":"h"}},"spec":{"containers":[{"name":"c","image":")" +
      std::string(image) + R"("}]}}}})");
}

// spec/10 §3.8
TEST(Undo, PicksTheRevisionBeforeTheNewest) {
  const json::object rollout = object(
      R"({"metadata":{"name":"shop","uid":"u"},"spec":{"template":{"metadata":{"labels":{"app":"a"}},"spec":{"containers":[{"name":"c","image":"v3"}]}}}})");
  const std::vector<json::object> sets = {replicaSet(1, "v1"), replicaSet(3, "v3"), replicaSet(2, "v2"),
                                          replicaSet(9, "v9", "other")};
  const auto back = undo(rollout, sets, 0);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->revision, 2);
  EXPECT_EQ(
      json::serialize(back->patch),
      R"([{"op":"replace","path":"/spec/template","value":{"metadata":{"labels":{"app":"a"}},"spec":{"containers":[{"name":"c","image":"v2"}]}}}])");
  EXPECT_TRUE(undo(rollout, sets, 3)->patch.empty());
  EXPECT_EQ(undo(rollout, sets, 7).error().message, "unable to find specified revision 7 in history");
  EXPECT_EQ(undo(rollout, {replicaSet(1, "v1")}, 0).error().message, "no revision found for rollout \"shop\"");
  EXPECT_EQ(undo(rollout, sets, -1).error().message, "no revision found for rollout \"shop\"");
}

TEST(Undo, GoesToTheReferencedWorkload) {
  const json::object rollout = object(
      R"({"metadata":{"name":"shop","uid":"u"},"spec":{"workloadRef":{"apiVersion":"v1","kind":"PodTemplate","name":"t"}}})");
  const auto back = undo(rollout, {replicaSet(1, "v1"), replicaSet(2, "v2")}, 0);
  ASSERT_TRUE(back);
  EXPECT_FALSE(back->target.is_rollout);
  EXPECT_EQ(back->target.pointer, "/template");
  const json::object odd = object(R"({"spec":{"workloadRef":{"kind":"Job","name":"t"}}})");
  EXPECT_EQ(templateOwner(odd).error().message, "workload of type Job is not supported");
}

// spec/10 §3.9
TEST(SetImage, EveryContainerOfThatName) {
  const json::object rollout = object(
      R"({"spec":{"template":{"spec":{"containers":[{"name":"a","image":"x:1"},{"name":"b","image":"y:1"}],"initContainers":[{"name":"a","image":"x:1"}]}}}})");
  EXPECT_EQ(
      json::serialize(json::value(*setImagePatch(rollout, "/spec/template", "b", "y:2"))),
      R"([{"op":"test","path":"/spec/template/spec/containers/1/name","value":"b"},{"op":"add","path":"/spec/template/spec/containers/1/image","value":"y:2"}])");
  EXPECT_EQ(setImagePatch(rollout, "/spec/template", "a", "x:2")->size(), 4u);
  EXPECT_EQ(setImagePatch(rollout, "/spec/template", "*", "x:2")->size(), 6u);
  EXPECT_EQ(setImagePatch(rollout, "/spec/template", "z", "x:2").error().message,
            "unable to find container named \"z\"");
}

}  // namespace
}  // namespace crossfade::rollout
