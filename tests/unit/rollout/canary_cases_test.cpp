// The worked cases of spec/04 that no other file has: one plan for one state of a canary. §31, §11.4, §28.
#include "support/canary_case.hpp"

namespace crossfade::test {
namespace {

const std::string two = R"("maxSurge":1,"maxUnavailable":0,"steps":[{"setWeight":10},{"pause":{}}])";

TEST(CanaryCases, Basic) {
  check(
      {
          {.name = "spec/04 §31 X1",
           .canary = two,
           .sets = {{"A", 9, 9}, {"B", 1, 1}},
           .effects = {"index 1", "pause"}},
          {.name = "spec/04 §11.5 R2",
           .canary = R"("maxSurge":2,"maxUnavailable":0,"steps":[{"setWeight":20}])",
           .sets = {{"A", 10, 10}, {"B", 0, 0}},
           .effects = {"B 0→2"}},
          {.name = "spec/04 §33 #3: one action, stable before canary",
           .canary = R"("maxSurge":2,"maxUnavailable":1,"steps":[{"setWeight":50}])",
           .sets = {{"A", 10, 10}, {"B", 0, 0}},
           .effects = {"A 10→9"}},
          {.name = "spec/04 §33 #6: others first",
           .canary = two,
           .sets = {{"A", 10, 10}, {"B", 1, 1}, {"C", 1, 1}},
           .effects = {"C 1→0"}},
          {.name = "spec/04 §31 X13, spec/04 §21 #6, spec/04 §14 #1",
           .canary = two,
           .index = 1,
           .sets = {{"A", 9, 9}, {"B", 1, 1}},
           .effects = {"A 9→10", "index 0"},
           .status = aborted},
          {.name = "spec/04 §31 X14, spec/04 §21 #16",
           .canary = two,
           .index = 2,
           .sets = {{"B", 10, 10}},
           .effects = {"no abort"},
           .status = R"({"stableRS":"B","abort":true,"abortedAt":"2024-05-01T11:59:30Z"})"},
          {.name = "spec/04 §31 X17, spec/04 §32 #1",
           .canary = R"("maxSurge":10,"maxUnavailable":0,"steps":[{"setHeaderRoute":{"name":"h"}},{"pause":{}}],
               "trafficRouting":null)",
           .sets = {{"A", 10, 10}, {"B", 0, 0}},
           .effects = {"invalid"},
           .status = R"({"promoteFull":true})"},
          {.name = "spec/04 §31 X17",
           .canary = R"("maxSurge":10,"maxUnavailable":0,"steps":[{"setWeight":10},{"pause":{}}])",
           .sets = {{"A", 10, 10}, {"B", 0, 0}},
           .effects = {"B 0→10", "index 2"},
           .status = R"({"promoteFull":true})"},
          {.name = "spec/04 §31 X19: nothing is scaled",
           .canary = two,
           .sets = {{"A", 10, 10}, {"B", 0, 0}},
           .spec = R"({"paused":true})"},
      },
      false);
}

TEST(CanaryCases, Routed) {
  const std::string twenty = R"("steps":[{"setWeight":20},{"pause":{}}])";
  check(
      {
          {.name = "spec/04 §31 X19: but the weight is",
           .canary = twenty,
           .sets = {{"A", 10, 10}, {"B", 0, 0}},
           .effects = {"weight 0", "drop routes"},
           .spec = R"({"paused":true})",
           .weight = 20},
          {.name = "spec/04 §31 X22",
           .canary =
               R"("trafficRouting":{"maxTrafficWeight":100,"plugins":{"x":{}}},"steps":[{"setWeight":10},{"pause":{}}])",
           .sets = {{"A", 10, 10}, {"B", 0, 0}},
           .effects = {"weight 0", "drop routes", "B 0→1"}},
          // The step of a pass in which all steps are skipped isn't completed besides.
          {.name = "spec/04 §32 #1",
           .canary =
               R"("trafficRouting":{"managedRoutes":[{"name":"h"}],"plugins":{"x":{}}},"steps":[{"setWeight":10},{"setHeaderRoute":{"name":"h"}}])",
           .index = 1,
           .sets = {{"A", 10, 10}, {"B", 1, 1}},
           .effects = {"weight 10", "drop routes", "B 1→10", "index 2"},
           .status = R"({"promoteFull":true})",
           .weight = 10},
      },
      true);
  CanaryCase skipping{.name = "no event of a step",
                      .canary = R"("steps":[{"setCanaryScale":{"replicas":1}},{"pause":{}}])",
                      .sets = {{"A", 10, 10}, {"B", 1, 1}},
                      .status = R"({"promoteFull":true})"};
  for (const std::string& event : eventsOf(plan(snapshotOf(skipping, true), now)))
    EXPECT_FALSE(event.starts_with("RolloutStepCompleted")) << event;
}

TEST(CanaryCases, AServiceIsTakenOverByFullPodsOnly) {  // spec/04 §31 X18
  for (const auto& [available, switched] : {std::pair{1, false}, {3, true}}) {
    CanaryCase one{.name = "X18",
                   .canary = R"("steps":[{"pause":{}}])",
                   .replicas = 3,
                   .sets = {{"A", 3, available}, {"B", 0, 0}}};
    Snapshot snapshot = snapshotOf(one, true);
    auto service = std::make_shared<api::Service>(*snapshot.services.at("stable"));
    service->metadata.annotations.clear();
    service->selector = {{"app", "web"}};
    snapshot.services["stable"] = service;
    const auto patch = actionOf<PatchServiceSelector>(plan(snapshot, now));
    EXPECT_EQ(patch && patch->service == "stable" && patch->to == "A", switched);
  }
}

TEST(CanaryCases, ARestartEndsThePass) {  // spec/04 §31 X20, spec/04 §33 #32
  CanaryCase one{.name = "X20",
                 .canary = two,
                 .sets = {{"A", 10, 10}, {"B", 0, 0}},
                 .spec = R"({"restartAt":"2024-05-01T11:59:00Z"})"};
  Snapshot snapshot = snapshotOf(one, false);
  snapshot.pods.emplace();
  for (int i = 0; i < 10; ++i) {
    auto pod = std::make_shared<api::Pod>();
    pod->metadata.name = fmt::format("p{}", i);
    pod->metadata.created = now - hours(1);
    pod->metadata.controller = api::OwnerRef{.kind = "ReplicaSet", .name = "web-A", .uid = "uid-A"};
    pod->ready = true;
    snapshot.pods->push_back(std::move(pod));
  }
  const Plan made = plan(snapshot, now);
  // What follows the evictions is for the case that a budget refuses them all: one that is granted ends the plan.
  ASSERT_FALSE(made.actions.empty());
  EXPECT_TRUE(std::holds_alternative<EvictPod>(made.actions.front()));
  EXPECT_EQ(made.look_again, now + seconds(30));
}

TEST(CanaryCases, AMissingServiceMakesItInvalid) {  // spec/04 §31 X23
  CanaryCase one{.name = "X23", .canary = R"("steps":[{"pause":{}}])", .sets = {{"A", 10, 10}, {"B", 0, 0}}};
  Snapshot snapshot = snapshotOf(one, true);
  snapshot.services.erase("canary");
  const Plan made = plan(snapshot, now);
  ASSERT_TRUE(made.invalid);
  EXPECT_TRUE(made.invalid->ends_with(
      R"(spec.strategy.canary.canaryService: Invalid value: "canary": service "canary" not found)"))
      << *made.invalid;
}

TEST(CanaryCases, ScalingEvents) {  // spec/02 §18.6
  const std::string steps = R"("maxSurge":1,"maxUnavailable":0,"steps":[{"setWeight":10},{"pause":{}}])";
  const auto paused = pausedAt("2024-05-01T11:59:51Z");
  check(
      {
          {"others don't count", steps, 10, 1, {{"A", 9, 9}, {"B", 1, 1, "10"}, {"C", 3, 3, "2"}}, {"C 3→0"}, paused},
          {"stable lags", steps, 10, 1, {{"A", 5, 5, "5"}, {"B", 1, 1, "10"}}, {"A 5→9"}, paused},
          {"inactive ones don't count", steps, 10, 1, {{"A", 10, 10}, {"B", 0, 0, "5"}}, {"B 0→1"}, paused},
          {"unreadable",
           steps,
           10,
           1,
           {{"A", 9, 9, "20000000000"}, {"B", 1, 1, "abc"}},
           {"A annotated", "B annotated"},
           paused},
          {"halted: stable follows, the canary stays",
           steps,
           10,
           0,
           {{"A", 5, 5, "5"}, {"B", 1, 1, "5"}},
           {"A 5→9", "B annotated"},
           "{}",
           R"({"paused":true})"},
      },
      false);
}

// Nothing runs Experiments yet: whoever reaches such a step is told once.
TEST(CanaryCases, AnExperimentIsAnnouncedAsNotRun) {
  CanaryCase one{
      "experiment",
      R"("steps":[{"pause":{}},{"experiment":{"templates":[{"name":"a","specRef":"stable"}],"duration":"1m"}}])",
      10,
      0,
      {{"A", 10, 10}, {"B", 0, 0}}};
  one.status = R"({"controllerPause":true})";
  const auto events = eventsOf(plan(snapshotOf(one, false), now));
  EXPECT_TRUE(std::ranges::any_of(events, [](const auto& text) { return text.starts_with("StepNotSupported"); }));
}

}  // namespace
}  // namespace crossfade::test
