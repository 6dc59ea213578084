// Steps one by one: the weight in force, what completes them, how they are called, and promotion. spec/04 §5 to §10,
// §20.
#include "support/canary_case.hpp"

namespace crossfade::test {
namespace {

Snapshot routedCase(const std::string& steps, std::int64_t index, std::vector<Rs> sets, std::int64_t recorded,
                    const std::string& status = "{}", const std::string& routing = R"("plugins":{"x":{}})",
                    std::int64_t replicas = 10) {
  CanaryCase one{.name = steps,
                 .canary = R"("trafficRouting":{)" + routing + R"(},"steps":[)" + steps + "]",
                 .replicas = replicas,
                 .index = index,
                 .sets = std::move(sets),
                 .status = status,
                 .weight = recorded};
  return snapshotOf(one, true);
}

std::int64_t weightOf(const Snapshot& snapshot) {
  const Plan made = plan(snapshot, now);
  const auto set = actionOf<SetTraffic>(made);
  return set && !set->held ? set->weight : -1;
}

TEST(CanarySteps, CurrentAndPreviousWeight) {  // spec/04 §5 W1-W9
  struct Row {
    std::string id, steps;
    std::int64_t index, current, previous;  // -1: can't be seen
    std::int64_t pods;                      // that the canary should have
    std::string status = "{}";
    std::string routing = R"("plugins":{"x":{}})";
  };
  const std::string sw10 = R"({"setWeight":10})", sw40 = R"({"setWeight":40})", pause = R"({"pause":{}})";
  const std::string w3 = sw10 + "," + pause + "," + sw40;
  const std::vector<Row> rows = {
      {"spec/04 §5 W1", sw10, 0, 10, 0, 1},
      {"spec/04 §5 W2", sw10, 1, 100, -1, 10},
      {"spec/04 §5 W3", w3, 1, 10, 10, 1},
      {"spec/04 §5 W4", w3, 2, 40, 10, 4},
      {"spec/04 §5 W5", pause + "," + sw40, 0, 0, 0, 0},
      {"spec/04 §5 W6", sw10 + "," + pause, 1, 0, -1, 1, aborted},
      {"spec/04 §5 W8", w3, 3, 100, 40, 10},
      {"spec/04 §5 W9", R"({"setWeight":200})", 1, 1000, 200, 10, "{}",
       R"("maxTrafficWeight":1000,"plugins":{"x":{}})"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(weightOf(routedCase(row.steps, row.index, {{"A", 10, 10}, {"B", row.pods, row.pods}}, row.current,
                                  row.status, row.routing)),
              row.current)
        << row.id;
    // Before its pods are there the step before decides; a high recorded weight keeps the cap out of the way.
    if (row.previous < 0 || row.pods == 0) continue;
    EXPECT_EQ(weightOf(routedCase(row.steps, row.index, {{"A", 10, 10}, {"B", row.pods, row.pods - 1}, {"C", 1, 1}},
                                  row.pods == 1 ? 0 : 1000, row.status, row.routing)),
              row.pods == 1 ? 0 : row.previous)
        << row.id;
  }
  // spec/04 §5 W7: no steps, so the pods follow the whole weight.
  CanaryCase none{.name = "W7", .canary = "", .sets = {{"A", 10, 10}, {"B", 0, 0}}};
  EXPECT_EQ(effectsOf(snapshotOf(none, true)), (Effects{"weight 0", "drop routes", "B 0→10"}));
}

TEST(CanarySteps, HowTheyAreCalled) {  // spec/04 §6 #1-#8
  struct Row {
    std::string id, step;
    std::string text;
  };
  const std::vector<Row> rows = {
      {"spec/04 §6 #1", R"({"pause":{}})", "pause"},
      {"spec/04 §6 #1", R"({"pause":{"duration":10}})", "pause: 10"},
      {"spec/04 §6 #1", R"({"pause":{"duration":"1h30m"}})", "pause: 1h30m"},
      {"spec/04 §6 #2", R"({"setCanaryScale":{"weight":0}})", "setCanaryScale{weight: 0}"},
      {"spec/04 §6 #2", R"({"setCanaryScale":{"matchTrafficWeight":true}})",
       "setCanaryScale{matchTrafficWeight: true}"},
      {"spec/04 §6 #2", R"({"setCanaryScale":{"replicas":0}})", "setCanaryScale{replicas: 0}"},
      {"spec/04 §6 #3", R"({"setWeight":0})", "setWeight: 0"},
      {"spec/04 §6 #6", R"({"setHeaderRoute":{"name":"h"}})", "setHeaderRoute: h"},
      {"spec/04 §6 #7", R"({"setMirrorRoute":{"name":"m"}})", "setMirrorRoute: m"},
      {"spec/04 §6 #8", R"({"plugin":{"name":"a/b"}})", "plugin: a/b"},
      // The first kind of the completion's order decides, the name is that of the text's order.
      {"both", R"({"setCanaryScale":{"replicas":0},"setWeight":0})", "setWeight: 0"},
      {"both", R"({"setHeaderRoute":{"name":"h"},"setCanaryScale":{"replicas":0}})", "setCanaryScale{replicas: 0}"},
  };
  for (const Row& row : rows) {
    const bool plugin = row.text.starts_with("plugin");
    std::string status = row.text.starts_with("pause") ? R"({"controllerPause":true})" : "{}";
    if (plugin)
      status = R"({"canary":{"stepPluginStatuses":[{"index":0,"name":"a/b","operation":"Run","phase":"Successful"}]}})";
    const Snapshot snapshot = routedCase(row.step + R"(,{"pause":{}},{"pause":{}})", 0, {{"A", 10, 10}, {"B", 0, 0}}, 0,
                                         status, R"("managedRoutes":[{"name":"h"},{"name":"m"}],"plugins":{"x":{}})");
    // spec/04 §33 #24: events count from 1.
    const auto events = eventsOf(plan(snapshot, now));
    EXPECT_EQ(std::ranges::count(events, "RolloutStepCompleted: Rollout step 1/3 completed (" + row.text + ")"), 1)
        << row.id << " " << row.text;
  }
}

TEST(CanarySteps, AnAnalysisWithoutTemplatesIsDone) {  // spec/04 §32 #3, spec/04 §6 #5
  const auto at = [](const std::string& analysis, const std::string& status) {
    const Snapshot snapshot =
        routedCase(R"({"analysis":)" + analysis + R"(},{"pause":{}})", 0, {{"A", 10, 10}, {"B", 0, 0}}, 0, status);
    return statusAfter(snapshot, plan(snapshot, now)).current_step_index;
  };
  EXPECT_EQ(at(R"({"templates":[]})", "{}"), 1);
  EXPECT_EQ(at(R"({"templates":[{"templateName":"t"}]})", "{}"), 0) << "just created";
}

TEST(CanarySteps, PauseDurations) {  // spec/04 §7.1 #1-#7
  const std::vector<std::pair<std::string, std::int64_t>> rows = {
      {"{}", 0},
      {R"({"duration":10})", 10},
      {R"({"duration":"10"})", 10},
      {R"({"duration":"10s"})", 10},
      {R"({"duration":"5m"})", 300},
      {R"({"duration":"1h"})", 3600},
      {R"({"duration":"1h30m"})", 5400},
      {R"({"duration":"1500ms"})", 1},
      {R"({"duration":"1000000000ns"})", 1},
      {R"({"duration":"1000000us"})", 1},
      {R"({"duration":"1000000µs"})", 1},
      {R"({"duration":"1ms"})", 0},
      {R"({"duration":"1z"})", -1},
      {R"({"duration":"20000000000"})", -1},
      {R"({"duration":0})", 0},
  };
  for (const auto& [pause, seconds] : rows) {
    const Snapshot snapshot = routedCase(R"({"pause":)" + pause + "}", 0, {{"A", 10, 10}, {"B", 0, 0}}, 0);
    const api::PauseStep& step = *snapshot.rollout->spec.canary->steps[0].pause;
    EXPECT_EQ(step.duration.has_value(), pause != "{}") << pause;
    EXPECT_EQ(step.seconds(), seconds) << pause;
    const Plan made = plan(snapshot, now);
    EXPECT_EQ(made.invalid.has_value(), seconds < 0) << pause;
    if (made.invalid) {
      EXPECT_TRUE(made.invalid->ends_with("pause.duration: Invalid value: -1: Duration needs to be greater than 0"));
    }
  }
}

// A canary whose step in progress is a pause.
CanaryCase pausing(std::string name, const std::string& pause, std::int64_t index, std::string status, Effects effects,
                   std::string spec = "{}") {
  return {.name = std::move(name),
          .canary = R"("steps":[{"pause":)" + pause + R"(},{"pause":{}}])",
          .replicas = 10,
          .index = index,
          .sets = {{"A", 10, 10}, {"B", 0, 0}},
          .effects = std::move(effects),
          .status = std::move(status),
          .spec = std::move(spec)};
}

TEST(CanarySteps, PauseBookkeeping) {  // spec/04 §7.2 #1-#4
  const std::string inconclusive = R"({"controllerPause":true,"pauseConditions":[{"reason":"InconclusiveAnalysisRun",
      "startTime":"2024-05-01T11:59:51Z"}]})";
  check(
      {
          pausing("spec/04 §7.2 #1, spec/04 §31 X2", "{}", 0, "{}", {"pause"}),
          pausing("spec/04 §7.2 #2, spec/04 §31 X3", "{}", 1, R"({"controllerPause":true})", {"index 2"}),
          pausing("spec/04 §7.2 #3", "{}", 0, pausedAt("2024-05-01T11:59:51Z"), {}),
          pausing("spec/04 §7.2 #4", R"({"duration":10})", 0, pausedAt("2024-05-01T11:59:51Z"), {}),
          pausing("nobody has resumed", "{}", 0, inconclusive, {}),
          pausing("by hand there is no bookkeeping", "{}", 0, "{}", {}, R"({"paused":true})"),
      },
      false);
  const auto again = [](const std::string& status) {
    return plan(snapshotOf(pausing("", R"({"duration":10})", 0, status, {}), false), now).look_again;
  };
  EXPECT_EQ(again(pausedAt("2024-05-01T11:59:51Z")), *parseTime("2024-05-01T12:00:01Z") + milliseconds(1));
  EXPECT_TRUE(again("{}") && *again("{}") <= now + seconds(11)) << "and it is looked at when it is added";
  const Snapshot added = snapshotOf(pausing("", "{}", 0, "{}", {}), false);
  const api::RolloutStatus after = statusAfter(added, plan(added, now));
  EXPECT_TRUE(after.controller_pause);
  EXPECT_EQ(after.pause_conditions.at(0).reason, "CanaryPauseStep");
  EXPECT_EQ(after.pause_conditions.at(0).start_time, now);
  EXPECT_EQ(after.message, "CanaryPauseStep");
  EXPECT_EQ(after.phase, "Paused");
}

TEST(CanarySteps, PauseCompletion) {  // spec/04 §7.3 P1-P8
  const std::string ten = R"({"duration":10})";
  check(
      {
          pausing("spec/04 §7.3 P1", ten, 0, pausedAt("2024-05-01T11:59:51Z"), {}),
          pausing("spec/04 §7.3 P2, spec/04 §31 X4", ten, 0, pausedAt("2024-05-01T11:59:49Z"), {"index 1"}),
          pausing("spec/04 §7.3 P3", "{}", 0, pausedAt("2023-05-01T11:59:49Z"), {}),
          pausing("spec/04 §7.3 P4", "{}", 1, R"({"controllerPause":true})", {"index 2"}),
          pausing("spec/04 §7.3 P5", R"({"duration":"2h"})", 0, pausedAt("2024-05-01T12:00:00Z"), {}),
          // spec/04 §33 #21: a pause of 0 lasts until strictly later.
          pausing("spec/04 §7.3 P6", R"({"duration":0})", 0, pausedAt("2024-05-01T11:59:59Z"), {"index 1"}),
          pausing("spec/04 §7.3 P6, not yet", R"({"duration":0})", 0, pausedAt("2024-05-01T12:00:00Z"), {}),
          pausing("spec/04 §7.3 P7", ten, 0, "{}", {"pause"}),
          pausing("spec/04 §7.3 P8", R"({"duration":60})", 0, pausedAt("2024-05-01T11:58:57Z"), {},
                  R"({"paused":true})"),
      },
      false);
  const Snapshot by_hand = snapshotOf(
      pausing("P8", R"({"duration":60})", 0, pausedAt("2024-05-01T11:58:57Z"), {}, R"({"paused":true})"), false);
  EXPECT_EQ(statusAfter(by_hand, plan(by_hand, now)).message, "manually paused");
}

TEST(CanarySteps, CanaryScale) {  // spec/04 §8 S1-S10
  const std::string seven = R"({"pause":{}},{"setCanaryScale":{"weight":25}},{"pause":{}},{"setWeight":50},{"pause":{}},
      {"setCanaryScale":{"replicas":3}},{"pause":{}},{"setCanaryScale":{"matchTrafficWeight":true}},{"pause":{}})";
  struct Row {
    std::string id;
    std::int64_t replicas;
    std::string steps;
    std::int64_t index, weight, canary;
  };
  const std::vector<Row> rows = {
      {"spec/04 §8 S1", 4, seven, 0, 0, 0},
      {"spec/04 §8 S2", 4, seven, 2, 0, 1},
      {"spec/04 §8 S3", 4, seven, 4, 50, 1},
      {"spec/04 §8 S4", 4, seven, 6, 50, 3},
      {"spec/04 §8 S5", 4, seven, 8, 50, 2},
      {"spec/04 §8 S6", 4, seven, 9, 100, 4},
      {"spec/04 §8 S7", 1, R"({"setWeight":100,"setCanaryScale":{"replicas":9}})", 0, 100, 9},
      {"spec/04 §8 S8", 4, R"({"setCanaryScale":{"weight":200}})", 0, 0, 8},
      {"spec/04 §8 S9", 10,
       R"({"setCanaryScale":{"replicas":9}},{"setCanaryScale":{"weight":100}},{"setCanaryScale":{"matchTrafficWeight":true}},{"setWeight":20})",
       3, 20, 2},
  };
  const std::string under_way = pausedAt("2024-05-01T11:59:51Z");  // entering a pause would hide what is tested
  const std::string above = R"("maxTrafficWeight":200,"plugins":{"x":{}})";
  for (const Row& row : rows) {
    const bool twice = row.id.ends_with("S8");  // a scale above the maximum weight is refused: the maximum is 200 there
    const Snapshot snapshot = routedCase(row.steps, row.index, {{"A", row.replicas, row.replicas}, {"B", 20, 20}},
                                         row.weight, under_way, twice ? above : R"("plugins":{"x":{}})", row.replicas);
    const auto scaled = actionOf<ScaleReplicaSet>(plan(snapshot, now));
    ASSERT_NE(scaled, std::nullopt) << row.id;
    EXPECT_EQ(scaled->to, twice ? row.canary / 2 : row.canary) << row.id << ": and the stable one keeps its size";
    if (row.canary == 0) continue;
    EXPECT_EQ(
        weightOf(routedCase(row.steps, row.index, {{"A", row.replicas, row.replicas}, {"B", row.canary, row.canary}},
                            row.weight, under_way, "\"plugins\":{\"x\":{}}", row.replicas)),
        twice ? -1 : row.weight)
        << row.id;
  }
  // spec/04 §8 S10, spec/04 §33 #8
  CanaryCase basic{"S10",
                   R"("maxSurge":"20%","maxUnavailable":0,"steps":[{"setWeight":20}])",
                   10,
                   0,
                   {{"A", 10, 10}, {"B", 0, 0}},
                   {"B 0→2"}};
  check({basic}, false);
  // In force no more: with promoteFull, on a first deployment, after all steps.
  const Snapshot full =
      routedCase(seven, 6, {{"A", 4, 4}, {"B", 3, 3}}, 50, R"({"promoteFull":true})", R"("plugins":{"x":{}})", 4);
  EXPECT_EQ(actionOf<ScaleReplicaSet>(plan(full, now))->to, 4);
}

TEST(CanarySteps, ProgressThreshold) {  // spec/04 §9 T1-T14
  struct Row {
    std::string id, threshold;
    std::int64_t weight, size, available;
    bool met;
    std::int64_t replicas = 10;
  };
  const auto percent = [](int value) { return fmt::format(R"({{"type":"Percent","value":{}}})", value); };
  const auto pods = [](int value) { return fmt::format(R"({{"type":"Pods","value":{}}})", value); };
  // Met: the step is complete. "spec" is -: some size that isn't the desired one.
  const std::vector<Row> rows = {
      {"spec/04 §9 T1", percent(90), 100, 10, 9, true},
      {"spec/04 §33 #11", percent(90), 100, 12, 9, true},
      {"spec/04 §9 T2", pods(9), 100, 10, 9, true},
      {"spec/04 §9 T3", percent(90), 100, 10, 8, false},
      {"spec/04 §9 T4", pods(8), 100, 10, 7, false},
      {"spec/04 §9 T6", "null", 100, 5, 10, false},
      {"spec/04 §9 T8", percent(100), 100, 10, 100, true},
      {"spec/04 §9 T9", percent(90), 0, 0, 0, true},
      {"spec/04 §9 T10", "null", 100, 10, 9, false},
      {"spec/04 §9 T11", "null", 100, 1, 1, true, 1},
      {"spec/04 §9 T14, spec/04 §32 #4", pods(5), 10, 1, 1, true},
  };
  for (const Row& row : rows) {
    const std::string steps = fmt::format(R"({{"setWeight":{}}},{{"pause":{{}}}},{{"pause":{{}}}})", row.weight);
    CanaryCase one{.name = row.id,
                   .canary = R"("replicaProgressThreshold":)" + row.threshold + R"(,"steps":[)" + steps + "]",
                   .replicas = row.replicas,
                   .sets = {{"A", row.replicas, row.replicas}, {"B", row.size, row.available}},
                   .weight = row.weight};
    const Snapshot snapshot = snapshotOf(one, true);
    EXPECT_EQ(statusAfter(snapshot, plan(snapshot, now)).current_step_index, row.met ? 1 : 0) << row.id;
  }
  // spec/04 §9 T5: below zero it isn't there. (The API refuses it, so the plan is seen for what validation lets pass.)
  // spec/04 §9 T7: without a new ReplicaSet nothing is complete; it is created first.
  CanaryCase absent{.name = "T7",
                    .canary = R"("replicaProgressThreshold":{"type":"Pods","value":5},"steps":[{"setWeight":100}])",
                    .sets = {{"A", 10, 10}}};
  const Snapshot without = snapshotOf(absent, false);
  EXPECT_NE(actionOf<CreateReplicaSet>(plan(without, now)), std::nullopt);
  EXPECT_EQ(statusAfter(without, plan(without, now)).current_step_index, 0);
  // spec/04 §9 T12, spec/04 §9 T13
  for (const auto& [id, available, promoted] : {std::tuple{"spec/04 §9 T12", 9, true}, {"spec/04 §9 T13", 8, false}}) {
    CanaryCase one{.name = id,
                   .canary = R"("replicaProgressThreshold":)" + percent(90) + R"(,"steps":[{"setWeight":10}])",
                   .index = 1,
                   .sets = {{"A", 0, 0}, {"B", 10, available}}};
    const Snapshot snapshot = snapshotOf(one, false);
    const bool stable = statusAfter(snapshot, plan(snapshot, now)).stable_rs == snapshot.rollout->template_hash;
    EXPECT_EQ(stable, promoted) << id;
  }
}

TEST(CanarySteps, AtDesired) {  // spec/04 §10 A1-A9
  struct Row {
    std::string id, canary;
    std::int64_t replicas;
    std::vector<Rs> sets;
    bool reached;
    bool routed = false;
    std::int64_t weight = 0;
  };
  const auto basic = [](int weight, int unavailable = 1) {
    return fmt::format(R"("maxSurge":1,"maxUnavailable":{},"steps":[{{"setWeight":{}}},{{"pause":{{}}}}])", unavailable,
                       weight);
  };
  const std::string twenty = R"("steps":[{"setWeight":20},{"pause":{}}])";
  const std::vector<Row> rows = {
      {"spec/04 §10 A1", basic(50), 4, {{"A", 2, 2}, {"B", 2, 2}}, true},
      {"spec/04 §10 A2", basic(50), 4, {{"A", 2, 2}, {"B", 2, 1}}, false},
      {"spec/04 §10 A3", basic(75), 4, {{"A", 2, 2}, {"B", 3, 3}}, false},
      {"spec/04 §10 A4", basic(75), 4, {{"A", 1, 0}, {"B", 3, 3, {}, 1}}, true},
      {"spec/04 §10 A5", basic(50), 4, {{"A", 2, 2, {}, 3}, {"B", 2, 2}}, false},
      {"spec/04 §10 A6", twenty, 10, {{"A", 10, 8}, {"B", 2, 2}}, true, true, 20},
      {"spec/04 §10 A7", twenty, 10, {{"A", 9, 9}, {"B", 2, 2}}, false, true, 20},
      {"spec/04 §10 A8, spec/04 §33 #10",
       R"("dynamicStableScale":true,)" + twenty,
       10,
       {{"A", 10, 10}, {"B", 2, 2}},
       true,
       true,
       20},
      {"spec/04 §10 A9", basic(10, 0), 10, {{"A", 9, 9}, {"B", 1, 1}, {"C", 1, 1}}, false},
  };
  for (const Row& row : rows) {
    CanaryCase one{.name = row.id, .canary = row.canary, .replicas = row.replicas, .sets = row.sets};
    if (row.routed) one.weight = row.weight;
    const Snapshot snapshot = snapshotOf(one, row.routed);
    EXPECT_EQ(statusAfter(snapshot, plan(snapshot, now)).current_step_index, row.reached ? 1 : 0) << row.id;
  }
}

TEST(CanarySteps, Promotion) {  // spec/04 §20 #1-#7, spec/04 §20 M1-M8
  struct Row {
    std::string id;
    std::int64_t replicas;
    std::vector<Rs> sets;
    std::string steps;
    std::int64_t index;
    std::string status, spec;
    std::string reason;  // "": not promoted
  };
  const std::string one = R"({"setWeight":10})", three = one + R"(,{"pause":{}},{"pause":{}})";
  const std::string window = R"({"rollbackWindow":{"revisions":1}})";
  const std::vector<Row> rows = {
      {"spec/04 §20 M1, spec/04 §20 #3", 10, {{"A", 0, 0}, {"B", 10, 9}}, one, 1, "{}", "{}", ""},
      {"spec/04 §20 M2, spec/04 §20 #6",
       10,
       {{"A", 0, 0}, {"B", 10, 10}},
       one,
       1,
       "{}",
       "{}",
       "Completed all 1 canary steps"},
      {"spec/04 §20 M3", 1, {{"A", 0, 0}, {"B", 2, 2}}, one, 1, "{}", "{}", "Completed all 1 canary steps"},
      {"spec/04 §20 M4", 10, {{"A", 0, 0}, {"B", 10, 10}}, "", 0, "{}", "{}", "Completed all 0 canary steps"},
      {"spec/04 §20 M5, spec/04 §20 #1", 10, {{"B", 10, 0}}, one, 0, R"({"stableRS":""})", "{}", "Initial deploy"},
      {"spec/04 §20 M6, spec/04 §20 #4",
       10,
       {{"A", 0, 0}, {"B", 10, 10}},
       three,
       1,
       R"({"promoteFull":true})",
       "{}",
       "Full promotion requested"},
      {"spec/04 §20 M7, spec/04 §20 #2", 10, {{"A", 10, 10}, {"B", 10, 10}}, three, 3, aborted, "{}", ""},
      {"spec/04 §20 M8, spec/04 §20 #5", 1, {{"A", 1, 1}, {"B", 1, 1}}, one, 1, "{}", window, "Rollback within window"},
      {"spec/04 §20 #7", 10, {{"A", 9, 9}, {"B", 10, 10}}, three, 1, pausedAt("2024-05-01T11:59:51Z"), "{}", ""},
  };
  for (const Row& row : rows) {
    CanaryCase state{.name = row.id,
                     .canary = R"("maxSurge":10,"steps":[)" + row.steps + "]",
                     .replicas = row.replicas,
                     .index = row.index,
                     .sets = row.sets,
                     .status = row.status,
                     .spec = row.spec};
    Snapshot snapshot = snapshotOf(state, false);
    if (row.spec == window) {  // the new one is older than the stable one
      auto stable = std::make_shared<api::ReplicaSet>(*snapshot.replica_sets[0]);
      stable->metadata.created = now - seconds(10);
      snapshot.replica_sets[0] = stable;
    }
    const Plan made = plan(snapshot, now);
    std::string reason;
    for (const std::string& event : eventsOf(made))
      if (event.starts_with("RolloutCompleted")) reason = event.substr(event.rfind(": ") + 2);
    EXPECT_EQ(reason, row.reason) << row.id;
    if (row.reason.empty()) continue;
    const api::RolloutStatus after = statusAfter(snapshot, made);
    const auto steps = static_cast<std::int64_t>(snapshot.rollout->spec.canary->steps.size());
    EXPECT_EQ(after.current_step_index, steps == 0 ? std::nullopt : std::optional(steps)) << row.id;
    EXPECT_FALSE(after.promote_full) << row.id;
  }
}

}  // namespace
}  // namespace crossfade::test
