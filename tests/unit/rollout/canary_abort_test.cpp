// The canary's ReplicaSet, its weight and its Service while the update is aborted. spec/04 §12, §14, §21.
#include "support/canary_case.hpp"

namespace crossfade::test {
namespace {

const std::string half = R"("steps":[{"setWeight":50},{"pause":{}}])";
const std::string dynamic = R"("dynamicStableScale":true,)";
std::string after(int seconds) { return fmt::format(R"("abortScaleDownDelaySeconds":{},)", seconds); }

CanaryCase state(std::string name, std::string canary, std::vector<Rs> sets, std::int64_t recorded, Effects effects,
                 std::string selects = "B") {
  return {.name = std::move(name),
          .canary = std::move(canary),
          .replicas = 10,
          .sets = std::move(sets),
          .effects = std::move(effects),
          .status = aborted,
          .weight = recorded,
          .canary_selects = std::move(selects)};
}

TEST(CanaryAbort, Routed) {
  const std::vector<Rs> full{{"A", 10, 10}, {"B", 5, 5}};
  const Effects none{"weight 0", "drop routes"};
  const auto with = [](Effects effects, std::string one) {
    effects.insert(std::move(one));
    return effects;
  };
  check(
      {
          // spec/04 §32 #10: the clock starts when the routers have taken the traffic back.
          state("spec/04 §21 #7", half, full, 50, with(none, "canary→A")),
          state("spec/04 §14 #2, spec/04 §32 #10", half, full, 0, with(none, "B deadline"), "A"),
          state("spec/04 §32 #17: and the Service stays where it is", half, full, 50, none, "A"),
          state("spec/04 §21 #8", half, {{"A", 10, 9}, {"B", 5, 5}}, 50, with(none, "canary→A")),
          state("spec/04 §21 #9: no pods of the canary", half, {{"A", 10, 10}, {"B", 5, 0}}, 0,
                with(none, "B deadline"), "A"),
          state("spec/04 §21 #10, spec/04 §14 #3, spec/04 §32 #8", after(0) + half, full, 0, none, "A"),
          state("spec/04 §21 #15: before the first pod", half, {{"A", 10, 10}, {"B", 0, 0}}, 0, none, "A"),
          state("spec/04 §32 #9: longer than anybody would look again", after(36000) + half, full, 0,
                with(none, "B deadline"), "A"),
          state("spec/04 §33 #16: stable is short of pods, so no clock", half, {{"A", 10, 9}, {"B", 5, 5}}, 0, none,
                "A"),
      },
      true);
  CanaryCase unverified = state("spec/04 §32 #10: not verified yet", half, full, 0, with(none, "unverified"), "A");
  unverified.status = R"({"abort":true,"abortedAt":"2024-05-01T11:59:30Z","canary":{"weights":{"verified":false}}})";
  unverified.traffic = {.can_verify = true, .verified = false, .verify_error = {}};
  CanaryCase shrunk = state("an HPA's change reaches the annotation", after(30) + half, {{"A", 4, 4}, {"B", 5, 5, "5"}},
                            50, {"B annotated"});
  shrunk.replicas = 4;
  CanaryCase first{.name = "spec/04 §21 #17: nothing to go back to",
                   .canary = half,
                   .sets = {{"B", 10, 5}},
                   .effects = {"held", "drop routes", "stable: Initial deploy", "no abort", "index 2"},
                   .status = R"({"stableRS":"","abort":true,"abortedAt":"2024-05-01T11:59:30Z"})"};
  check({unverified, shrunk, first}, true);
}

// A deadline is what it says, also where it is far away. spec/04 §32 #9
TEST(CanaryAbort, HeldUntilItsDeadline) {
  for (const auto& [left, scaled] :
       {std::pair{seconds(36000), false}, {seconds(1), false}, {seconds(0), true}, {seconds(-5), true}}) {
    CanaryCase one = state("deadline", after(36000) + half, {{"A", 10, 10}, {"B", 5, 5}}, 0, {}, "A");
    Snapshot snapshot = snapshotOf(one, true);
    auto fresh = std::make_shared<api::ReplicaSet>(*snapshot.replica_sets[1]);
    fresh->metadata.annotations[std::string(api::scale_down_deadline_annotation)] = formatTime(now + left);
    snapshot.replica_sets[1] = fresh;
    const Plan made = plan(snapshot, now);
    const auto scale = actionOf<ScaleReplicaSet>(made);
    EXPECT_EQ(scale.has_value(), scaled) << left.count();
    if (scaled)
      EXPECT_EQ(scale->to, 0);
    else
      EXPECT_LE(made.look_again, now + left);
  }
}

TEST(CanaryAbort, Dynamic) {
  const std::string steps = R"("steps":[{"setWeight":20},{"setWeight":60}])";
  check(
      {
          state("spec/04 §12 C26, spec/04 §21 #11, spec/04 §14 #4", dynamic + steps, {{"A", 4, 4}, {"B", 6, 6}}, 60,
                {"weight 60", "drop routes", "A 4→8"}),
          state("spec/04 §12 C27", dynamic + steps, {{"A", 4, 4}, {"B", 1, 1}}, 60,
                {"weight 60", "drop routes", "A 4→8"}),
          state("spec/04 §12 C28", dynamic + steps, {{"A", 8, 4}, {"B", 2, 2}}, 60,
                {"weight 60", "drop routes", "B 2→6"}),
          state("spec/04 §12 C29, spec/04 §21 #12, spec/04 §14 #5",
                after(30) + dynamic + R"("steps":[{"setWeight":10},{"setWeight":50}])", {{"A", 9, 9}, {"B", 5, 5}}, 10,
                {"weight 10", "drop routes", "A 9→10"}),
          state("… and held until all traffic is back", after(30) + dynamic + steps, {{"A", 10, 10}, {"B", 6, 6}}, 20,
                {"weight 0", "drop routes", "canary→A"}),
          state("… and for its time", after(30) + dynamic + steps, {{"A", 10, 10}, {"B", 6, 6}}, 0,
                {"weight 0", "drop routes", "B deadline"}, "A"),
          state("spec/04 §14 #6: step by step", after(0) + dynamic + steps, {{"A", 10, 10}, {"B", 6, 6}}, 0,
                {"weight 0", "drop routes", "B 6→2"}, "A"),
          state("spec/04 §14 #6, spec/04 §33 #19: a scale in steps[0] stays",
                after(0) + dynamic + R"("steps":[{"setCanaryScale":{"replicas":3}},{"setWeight":20},{"setWeight":60}])",
                {{"A", 10, 10}, {"B", 6, 6}}, 0, {"weight 0", "drop routes", "B 6→3"}, "A"),
          state("spec/04 §15.4 #9: the Service stays with the traffic", dynamic + steps, {{"A", 8, 8}, {"B", 6, 6}}, 60,
                {"weight 20", "drop routes", "B 6→2"}),
      },
      true);
}

TEST(CanaryAbort, AScaleOfTheFirstStep) {  // spec/04 §12 C30, spec/04 §12 C31
  const std::string one_pod = R"("steps":[{"setCanaryScale":{"replicas":1}},{"pause":{}}])";
  const auto at = [&](std::string name, const std::string& delay, std::int64_t size, Effects effects) {
    CanaryCase one =
        state(std::move(name), delay + one_pod, {{"A", 1, 1}, {"B", size, size}}, 0, std::move(effects), "A");
    one.replicas = 1;
    return one;
  };
  check(
      {
          at("spec/04 §12 C30", after(0), 1, {"weight 0", "drop routes"}),
          at("spec/04 §12 C30: brought to it", after(0), 3, {"weight 0", "drop routes", "B 3→1"}),
          at("spec/04 §12 C31", after(30), 1, {"weight 0", "drop routes", "B deadline"}),
      },
      true);
}

// spec/04 §21 #2, spec/04 §21 #13, spec/04 §33 #18: what a verdict does follows when the abort is on record.
TEST(CanaryAbort, RaisedByAnAnalysis) {
  for (const auto& [kind, uses] :
       {std::pair<std::string, std::string>{"currentBackgroundAnalysisRunStatus", "Background"},
        {"currentStepAnalysisRunStatus", "Step-based"}}) {
    CanaryCase one{.name = kind,
                   .canary = R"("analysis":{"templates":[{"templateName":"t"}]},"steps":[{"setWeight":50},
                       {"analysis":{"templates":[{"templateName":"t"}]}}])",
                   .index = 1,
                   .sets = {{"A", 10, 10}, {"B", 5, 5}},
                   .status = R"({"canary":{")" + kind + R"(":{"name":"run","status":"Running"}}})",
                   .weight = 50};
    Snapshot snapshot = snapshotOf(one, true);
    auto run = std::make_shared<api::AnalysisRun>();
    run->metadata.name = "run";
    run->metadata.labels = {{std::string(api::step_index_label), "1"},
                            {std::string(api::hash_label), snapshot.rollout->template_hash}};
    run->metadata.controller = api::OwnerRef{.kind = "Rollout", .name = "web", .uid = "ro"};
    run->status.phase = "Failed";
    run->status.message = "m";
    snapshot.analysis_runs.push_back(run);
    const Plan made = plan(snapshot, now);
    const api::RolloutStatus status = statusAfter(snapshot, made);
    EXPECT_TRUE(status.abort);
    EXPECT_EQ(status.aborted_at, now);
    EXPECT_EQ(status.current_step_index, 0);
    EXPECT_EQ(status.message,
              "RolloutAborted: Rollout aborted update to revision 2: " + uses + " analysis phase error/failed: m");
    EXPECT_EQ(actionOf<SetTraffic>(made)->weight, 50);
    EXPECT_FALSE(actionOf<ScaleReplicaSet>(made));
  }
}

TEST(CanaryAbort, WhatIsSaid) {  // spec/04 §21 #1
  CanaryCase one{.name = "by a user",
                 .canary = half,
                 .index = 1,
                 .sets = {{"A", 10, 10}, {"B", 5, 5}},
                 .status = aborted,
                 .weight = 50};
  const Snapshot snapshot = snapshotOf(one, true);
  const Plan made = plan(snapshot, now);
  const api::RolloutStatus status = statusAfter(snapshot, made);
  EXPECT_EQ(status.phase, "Degraded");
  EXPECT_EQ(status.current_step_index, 0);
}

}  // namespace
}  // namespace crossfade::test
