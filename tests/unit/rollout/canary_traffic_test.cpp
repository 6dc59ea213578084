// How much of the traffic a canary gets, and when: one plan for one state. spec/04 §15, §19.
#include "support/canary_case.hpp"

namespace crossfade::test {
namespace {

const std::string steps3 = R"("steps":[{"setWeight":20},{"pause":{}},{"setWeight":60}])";
const std::string dynamic = R"("dynamicStableScale":true,)";
const std::string promoted = R"({"stableRS":"B"})";

// spec/05 §16.2 #31, spec/05 §17 #14: where subsets tell the sides apart, only whole ReplicaSets are switched to.
TEST(CanaryTraffic, SubsetsWaitForAllPods) {
  const std::string without_services = R"({"strategy":{"canary":{"canaryService":null,"stableService":null}}})";
  ObservedTraffic traffic;
  traffic.has_routers = true;
  traffic.subset_hashes = std::pair("before", "A");
  check(
      {
          {.name = "a pod of the canary is missing",
           .canary = steps3,
           .index = 0,
           .sets = {{"A", 10, 10}, {"B", 2, 1}},
           .effects = {},
           .spec = without_services,
           .weight = 0,
           .traffic = traffic},
          {.name = "an abort goes on",
           .canary = steps3,
           .index = 0,
           .sets = {{"A", 10, 10}, {"B", 2, 1}},
           .effects = {"weight 0", "drop routes"},
           .status = aborted,
           .spec = without_services,
           .weight = 20,
           .traffic = traffic},
      },
      true);
}

TEST(CanaryTraffic, DesiredWeight) {  // spec/04 §15.3, §15.4
  const std::string interrupted = R"({"stableRS":"B","canary":{"weights":{"canary":{"podTemplateHash":"C"}}}})";
  check(
      {
          {.name = "spec/04 §15.3 #1, spec/04 §15.4 #13, spec/04 §33 #17",
           .canary = dynamic + steps3,
           .index = 3,
           .sets = {{"B", 10, 9}, {"C", 2, 2}},
           .effects = {"weight 20"},
           .status = interrupted,
           .weight = 20,
           .canary_selects = "C"},
          {.name = "… until the stable one has all of its pods",
           .canary = dynamic + steps3,
           .index = 3,
           .sets = {{"B", 10, 10}, {"C", 2, 2}},
           .effects = {"weight 0", "drop routes", "canary→B"},
           .status = interrupted,
           .weight = 20,
           .canary_selects = "C"},
          {.name = "spec/04 §15.3 #2, spec/04 §15.4 #7, spec/04 §15.4 #12",
           .canary = steps3,
           .index = 3,
           .sets = {{"A", 10, 10}, {"B", 10, 10}},
           .effects = {"weight 0", "drop routes"},
           .status = promoted,
           .weight = 100},
          {.name = "spec/04 §15.3 #3, spec/04 §15.4 #8",
           .canary = steps3,
           .index = 0,
           .sets = {{"A", 10, 10}, {"B", 2, 2}},
           .effects = {"weight 0", "drop routes", "canary→A"},
           .status = aborted,
           .weight = 20},
          {.name = "spec/04 §15.3 #3, spec/04 §15.4 #9: dynamic, while stable grows",
           .canary = dynamic + steps3,
           .index = 0,
           .sets = {{"A", 8, 8}, {"B", 2, 2}},
           .effects = {"weight 20", "drop routes", "A 8→10"},
           .status = aborted,
           .weight = 20},
          {.name = "spec/04 §15.3 #4, spec/04 §15.4 #4",
           .canary = steps3,
           .index = 1,
           .sets = {{"A", 10, 10}, {"B", 2, 0}},
           .effects = {"weight 0", "drop routes", "pause"},
           .weight = 20},
          {.name = "spec/04 §15.3 #4, spec/04 §15.4 #10: V3 has no pods yet",
           .canary = steps3,
           .index = 0,
           .sets = {{"A", 10, 10}, {"B", 0, 0}, {"C", 2, 2}},
           .effects = {"weight 0", "drop routes", "B 0→2"},
           .status = R"({"canary":{"weights":{"canary":{"podTemplateHash":"C"}}}})",
           .weight = 20,
           .canary_selects = "C"},
          {.name = "spec/04 §15.3 #5, spec/04 §30.6 life: not dynamic",
           .canary = R"("steps":[{"setWeight":5},{"setWeight":25}])",
           .index = 1,
           .sets = {{"A", 10, 10}, {"B", 10, 5}},
           .effects = {"weight 5", "drop routes", "index 2"},
           .status = R"({"promoteFull":true})",
           .weight = 5},
          {.name = "spec/04 §15.3 #5, spec/04 §30.6 life: dynamic",
           .canary = dynamic + R"("steps":[{"setWeight":5},{"setWeight":25}])",
           .index = 1,
           .sets = {{"A", 10, 10}, {"B", 10, 5}},
           .effects = {"weight 50", "drop routes", "index 2"},
           .status = R"({"promoteFull":true})",
           .weight = 5},
          {.name = "spec/04 §15.3 #5: nothing recorded",
           .canary = steps3,
           .index = 1,
           .sets = {{"A", 10, 10}, {"B", 10, 5}},
           .effects = {"weight 0", "drop routes", "index 3"},
           .status = R"({"promoteFull":true})"},
          {.name = "spec/04 §15.3 #6, spec/04 §15.4 #1",
           .canary = steps3,
           .index = 2,
           .sets = {{"A", 10, 10}, {"B", 2, 2}},
           .effects = {"weight 20", "B 2→6"},
           .weight = 20},
          {.name = "spec/04 §15.3 #6, spec/04 §15.4 #5",
           .canary = steps3,
           .index = 3,
           .sets = {{"A", 10, 10}, {"B", 6, 6}},
           .effects = {"weight 60", "B 6→10"},
           .weight = 60},
          {.name = "spec/04 §32 #11: a step that was skipped never had its weight",
           .canary = steps3,
           .index = 3,
           .sets = {{"A", 10, 10}, {"B", 2, 2}},
           .effects = {"weight 20", "B 2→10"},
           .weight = 20},
          {.name = "spec/04 §32 #11, spec/04 §33 #31: what its pods can carry",
           .canary = R"("steps":[{"setWeight":70}])",
           .index = 1,
           .sets = {{"A", 10, 10}, {"B", 4, 4}},
           .effects = {"weight 40", "B 4→10"},
           .weight = 5},
          {.name = "spec/04 §15.3 #7, spec/04 §15.4 #2",
           .canary = steps3,
           .index = 0,
           .sets = {{"A", 10, 10}, {"B", 2, 2}},
           .effects = {"weight 20", "index 1", "pause"},
           .weight = 0},
          {.name = "spec/04 §15.3 #7, spec/04 §15.4 #3",
           .canary = steps3,
           .index = 1,
           .sets = {{"A", 10, 10}, {"B", 2, 2}},
           .effects = {"weight 20", "pause"},
           .weight = 20},
          {.name = "spec/04 §15.3 #8, spec/04 §15.4 #6, spec/04 §33 #14",
           .canary = steps3,
           .index = 3,
           .sets = {{"A", 10, 10}, {"B", 10, 10}},
           .effects = {"weight 100", "stable: Completed all 3 canary steps"},
           .weight = 60},
          {.name = "spec/04 §15.3 #9",
           .canary = "",
           .sets = {{"A", 10, 10}, {"B", 10, 10}},
           .effects = {"weight 0", "stable: Completed all 0 canary steps"}},
          {.name = "spec/04 §15.4 #14: no stable one, so the gate stops it",
           .canary = steps3,
           .index = 0,
           .sets = {{"B", 10, 0}},
           .effects = {"held", "drop routes", "stable: Initial deploy", "index 3"},
           .status = R"({"stableRS":""})"},
          {.name = "spec/04 §32 #6: pods stay while the traffic is still there",
           .canary = R"("steps":[{"setWeight":60},{"setWeight":20},{"pause":{}}])",
           .index = 1,
           .sets = {{"A", 10, 10}, {"B", 6, 6}},
           .effects = {"weight 20", "B 6→2"},
           .weight = 60},
          {.name = "… and the step is done when they are gone",
           .canary = R"("steps":[{"setWeight":60},{"setWeight":20},{"pause":{}}])",
           .index = 1,
           .sets = {{"A", 10, 10}, {"B", 2, 2}},
           .effects = {"weight 20", "index 2", "pause"},
           .weight = 20},
          {.name = "spec/04 §31 X5",
           .canary = R"("steps":[{"setWeight":20},{"setWeight":40}])",
           .index = 1,
           .sets = {{"A", 10, 10}, {"B", 2, 1}},
           .effects = {"weight 20", "B 2→4"},
           .weight = 20},
          {.name = "spec/04 §31 X21, spec/04 §12 C9",
           .canary =
               R"("trafficRouting":{"maxTrafficWeight":1000,"plugins":{"x":{}}},"steps":[{"setWeight":200},{"pause":{}}])",
           .sets = {{"A", 10, 10}, {"B", 2, 2}},
           .effects = {"weight 200", "index 1", "pause"},
           .weight = 0},
      },
      true);
  // Counted as routed, though nobody routes: no weights at all. spec/04 §33 #8, §15.1
  CanaryCase nobody{.name = "{}",
                    .canary = R"("trafficRouting":{},"steps":[{"setWeight":20},{"pause":{}}])",
                    .sets = {{"A", 10, 10}, {"B", 2, 2}},
                    .weight = 20};
  Snapshot snapshot = snapshotOf(nobody, true);
  snapshot.traffic.has_routers = false;
  const Plan made = plan(snapshot, now);
  EXPECT_FALSE(actionOf<SetTraffic>(made));
  EXPECT_FALSE(statusAfter(snapshot, made).canary.weights);
  EXPECT_EQ(statusAfter(snapshot, made).current_step_index, 1) << "and pods are all that a step asks for";
}

TEST(CanaryTraffic, StableMustCarryItsShare) {  // spec/04 §15.6 H1-H11
  struct Row {
    std::string id;
    std::int64_t replicas, max, weight, stable, available;
    bool passes;
    std::string threshold = {};
    bool all_steps_done = false;
  };
  const std::int64_t huge = 100000000;
  const std::string percent80 = R"("replicaProgressThreshold":{"type":"Percent","value":80},)";
  const std::vector<Row> rows = {
      {"spec/04 §15.6 H1", 10, 100, 50, 5, 5, true},
      {"spec/04 §15.6 H2", 2, huge, huge / 2, 1, 1, true},
      {"spec/04 §15.6 H3", 2, huge, huge / 2, 1, 0, false},
      {"spec/04 §15.6 H4", 2, huge, 0, 2, 2, true},
      {"spec/04 §15.6 H5", 2, huge, huge, 0, 0, true, "", true},
      {"spec/04 §15.6 H6", 10, 100, 50, 5, 4, true, percent80},
      {"spec/04 §15.6 H7", 10, 100, 50, 5, 3, false, percent80},
      {"spec/04 §15.6 H8", 10, 100, 50, 5, 4, false},
      {"spec/04 §15.6 H9", 10, 100, 10, 1, 1, false},
      {"spec/04 §15.6 H10", 10, 100, 5, 10, 9, true},
      {"spec/04 §15.6 H11", 10, 100, 0, 10, 9, false},
      {"spec/04 §32 #13: no 32 bits", 23, huge, huge / 2, 12, 12, true},
      {"spec/04 §32 #13: no 32 bits", 23, huge, huge / 2, 12, 10, false},
  };
  for (const Row& row : rows) {
    const std::int64_t pods = (row.weight * row.replicas + row.max - 1) / row.max;
    CanaryCase one{.name = row.id,
                   .canary = fmt::format(R"({}{}"trafficRouting":{{"maxTrafficWeight":{},"plugins":{{"x":{{}}}}}},
                       "steps":[{{"setWeight":{}}}])",
                                         dynamic, row.threshold, row.max, row.weight),
                   .replicas = row.replicas,
                   .index = row.all_steps_done ? 1 : 0,
                   .sets = {{"A", row.stable, row.available}, {"B", pods, pods}},
                   .weight = row.weight};
    const auto set = actionOf<SetTraffic>(plan(snapshotOf(one, true), now));
    EXPECT_EQ(set && !set->held, row.passes) << row.id;
  }
  // spec/04 §32 #12: an abort that isn't dynamic needs one available pod, and so does a canary without pods.
  const std::string half = R"("steps":[{"setWeight":50},{"pause":{}}])";
  check(
      {
          {.name = "spec/04 §32 #12",
           .canary = half,
           .sets = {{"A", 10, 9}, {"B", 5, 5}},
           .effects = {"weight 0", "drop routes", "canary→A"},
           .status = aborted,
           .weight = 50},
          {.name = "spec/04 §32 #12: but not none",
           .canary = half,
           .sets = {{"A", 10, 0}, {"B", 5, 5}},
           .effects = {"held", "drop routes", "canary→A"},
           .status = aborted,
           .weight = 50},
          {.name = "spec/04 §32 #12: the canary is gone",
           .canary = half,
           .sets = {{"A", 10, 1}, {"B", 5, 0}},
           .effects = {"weight 0", "drop routes"},
           .weight = 50},
      },
      true);
}

TEST(CanaryTraffic, RecordedWeightsAndEvents) {  // spec/04 §15.8
  struct Row {
    std::string id;
    std::string steps;
    std::int64_t index;
    std::vector<Rs> sets;
    std::optional<std::int64_t> before;
    std::string status;
    std::string event;  // "": none
    std::int64_t canary, stable;
    std::string routing = R"("plugins":{"x":{}})";
  };
  const std::string sw20 = R"({"setWeight":20},{"pause":{}})";
  const std::string other_hash = R"({"canary":{"weights":{"canary":{"podTemplateHash":"old"}}}})";
  const std::vector<Row> rows = {
      {"spec/04 §15.8 E1", sw20, 0, {{"A", 10, 10}, {"B", 0, 0}}, {}, "{}", "to 0", 0, 100},
      {"spec/04 §15.8 E2", sw20, 0, {{"A", 10, 10}, {"B", 2, 2}}, 0, "{}", "from 0 to 20", 20, 80},
      {"spec/04 §15.8 E5", sw20, 0, {{"A", 10, 10}, {"B", 0, 0}}, 0, other_hash, " ", 0, 100},
      {"spec/04 §15.8 E6", R"({"setWeight":10})", 0, {{"A", 10, 10}, {"B", 1, 1}}, 10, "{}", "", 10, 90},
      {"spec/04 §15.8 E9",
       R"({"setWeight":200})",
       0,
       {{"A", 10, 10}, {"B", 2, 2}},
       0,
       "{}",
       "from 0 to 200",
       200,
       800,
       R"("maxTrafficWeight":1000,"plugins":{"x":{}})"},
      {"spec/04 §15.8 E10", sw20, 2, {{"A", 10, 10}, {"B", 10, 10}}, 20, "{}", "from 20 to 100", 100, 0},
  };
  for (const Row& row : rows) {
    CanaryCase one{.name = row.id,
                   .canary = R"("trafficRouting":{)" + row.routing + R"(},"steps":[)" + row.steps + "]",
                   .index = row.index,
                   .sets = row.sets,
                   .status = row.status,
                   .weight = row.before};
    const Snapshot snapshot = snapshotOf(one, true);
    const Plan made = plan(snapshot, now);
    const auto weights = statusAfter(snapshot, made).canary.weights;
    ASSERT_TRUE(weights) << row.id;
    EXPECT_EQ(weights->canary, (api::WeightDestination{row.canary, "canary", snapshot.rollout->template_hash}))
        << row.id;
    EXPECT_EQ(weights->stable, (api::WeightDestination{row.stable, "stable", "A"})) << row.id;
    std::string event;
    for (const std::string& text : eventsOf(made))
      if (text.starts_with("TrafficWeightUpdated")) event = text;
    const std::string wanted = "TrafficWeightUpdated: Traffic weight updated " + (row.event == " " ? "" : row.event);
    EXPECT_EQ(event, row.event.empty() ? "" : wanted) << row.id;
  }
  // spec/04 §33 #25: with ping-pong the recorded Services are the spec's fields all the same: none.
  CanaryCase pair{.name = "ping-pong",
                  .canary = R"("pingPong":{"pingService":"ping","pongService":"pong"},"steps":[{"setWeight":20}])",
                  .sets = {{"A", 10, 10}, {"B", 2, 2}}};
  Snapshot snapshot = snapshotOf(pair, true);
  for (const char* name : {"ping", "pong"}) {
    auto service = std::make_shared<api::Service>();
    service->metadata.name = name;
    snapshot.services.emplace(name, std::move(service));
  }
  auto rollout = std::make_shared<api::Rollout>(*snapshot.rollout);
  rollout->spec.canary->canary_service.clear();
  rollout->spec.canary->stable_service.clear();
  snapshot.rollout = rollout;
  const auto weights = statusAfter(snapshot, plan(snapshot, now)).canary.weights;
  ASSERT_TRUE(weights);
  EXPECT_EQ(weights->canary.service_name, "");
}

TEST(CanaryTraffic, WeightFirstWhereTheCanaryHasNoPods) {  // spec/04 §15.7, 2
  const auto first = [](std::int64_t recorded, std::int64_t available) {
    CanaryCase one{
        .name = "", .canary = steps3, .index = 1, .sets = {{"A", 10, 10}, {"B", 2, available}}, .weight = recorded};
    return actionOf<SetTraffic>(plan(snapshotOf(one, true), now))->weight_before_hash;
  };
  EXPECT_TRUE(first(20, 0));
  EXPECT_FALSE(first(0, 0));
  EXPECT_FALSE(first(20, 2));
}

TEST(CanaryTraffic, HeaderAndMirrorRoutes) {  // spec/04 §19
  const std::string routing = R"("trafficRouting":{"managedRoutes":[{"name":"h"},{"name":"m"}],"plugins":{"x":{}}},)";
  const std::string h = R"({"setHeaderRoute":{"name":"h","match":[{"headerName":"a","headerValue":{"exact":"b"}}]}})";
  const std::string m = R"({"setMirrorRoute":{"name":"m","match":[{"method":{"exact":"GET"}}],"percentage":35}})";
  const std::string steps = routing + R"("steps":[{"setWeight":50},)" + h + "," + m +
                            R"(,{"pause":{}},{"setHeaderRoute":{"name":"h"}},{"pause":{}}])";
  const std::vector<Rs> sets{{"A", 10, 10}, {"B", 5, 5}};
  const auto at = [&](std::string name, std::int64_t index, Effects effects, std::vector<Rs> pods,
                      std::string status = "{}") {
    return CanaryCase{.name = std::move(name),
                      .canary = steps,
                      .index = index,
                      .sets = std::move(pods),
                      .effects = std::move(effects),
                      .status = std::move(status),
                      .weight = 50};
  };
  check(
      {
          at("spec/04 §19 #1, spec/04 §31 X9", 1, {"weight 50", "route h", "index 2"}, sets),
          at("spec/04 §32 #18: routes of earlier steps", 2, {"weight 50", "route h", "route m", "index 3", "pause"},
             sets),
          at("spec/04 §19 #4, spec/04 §33 #22", 3, {"weight 50", "route h", "route m", "pause"}, sets),
          at("spec/04 §19 #5: aborted", 0, {"weight 0", "drop routes", "canary→A"}, sets, aborted),
          at("spec/04 §19 #5: no pods", 3, {"weight 0", "drop routes", "pause"}, {{"A", 10, 10}, {"B", 5, 0}}),
          at("spec/04 §19 #5: promoted in full", 3, {"weight 50", "drop routes", "B 5→10", "index 6"}, sets,
             R"({"promoteFull":true})"),
          at("spec/04 §19 #5: promoted", 6, {"weight 0", "drop routes"}, {{"A", 0, 0}, {"B", 10, 10}}, promoted),
          at("spec/04 §19 #6, spec/04 §33 #23: a header step without pods", 1, {"weight 0", "drop routes", "index 2"},
             {{"A", 10, 10}, {"B", 5, 0}}),
          at("spec/04 §32 #18: the gate holds the step, too", 1, {}, {{"A", 10, 4}, {"B", 5, 5}}),
      },
      true);
  // spec/04 §19 #2: without a match the route of that name is taken away, and it stays away.
  const auto removing = actionOf<SetTraffic>(plan(snapshotOf(at("", 4, {}, sets), true), now));
  ASSERT_TRUE(removing);
  ASSERT_EQ(removing->routes.size(), 2U);
  EXPECT_TRUE(removing->routes[0].mirror);
  EXPECT_EQ(json::value(removing->routes[1].step), json::value(object(R"({"name":"h"})")));
  // On the way back the steps are passed over, and no route is made for them.
  CanaryCase back = at("a dynamic rollback", 6, {"weight 20"}, {{"B", 10, 9}, {"C", 2, 2}},
                       R"({"stableRS":"B","canary":{"weights":{"canary":{"weight":20,"podTemplateHash":"C"}}}})");
  back.canary = dynamic + steps;
  back.canary_selects = "C";
  check({back}, true);
  // spec/04 §31 X10: the first revision passes its steps without routes.
  CanaryCase first = at("X10", 0, {}, {{"B", 10, 10}}, R"({"stableRS":""})");
  const auto seen = effectsOf(snapshotOf(first, true));
  EXPECT_FALSE(seen.contains("route h"));
  EXPECT_TRUE(seen.contains("stable: Initial deploy"));
}

TEST(CanaryTraffic, Verification) {  // spec/04 §15.7, 6
  const std::string steps = R"("steps":[{"setWeight":20},{"pause":{}}])";
  const std::vector<Rs> step{{"A", 10, 10}, {"B", 2, 2}}, end{{"A", 10, 10}, {"B", 10, 10}};
  const ObservedTraffic no{.can_verify = true, .verified = false, .verify_error = {}};
  const ObservedTraffic yes{.can_verify = true, .verified = true, .verify_error = {}};
  const ObservedTraffic failed{.can_verify = true, .verified = {}, .verify_error = "boom"};
  const ObservedTraffic unable{};
  const auto at = [&](std::string name, std::int64_t index, const std::vector<Rs>& sets, std::int64_t weight,
                      const ObservedTraffic& traffic, Effects effects) {
    return CanaryCase{.name = std::move(name),
                      .canary = steps,
                      .index = index,
                      .sets = sets,
                      .effects = std::move(effects),
                      .weight = weight,
                      .traffic = traffic};
  };
  check(
      {
          at("spec/04 §31 X6, spec/04 §15.4 #15", 0, step, 20, no, {"weight 20", "unverified"}),
          at("spec/04 §32 #2: set just now, and nobody has looked", 0, step, 0, yes, {"weight 20", "unverified"}),
          at("taken", 0, step, 20, yes, {"weight 20", "index 1", "pause"}),
          at("spec/04 §33 #12: nobody can say", 0, step, 20, unable, {"weight 20", "index 1", "pause"}),
          at("spec/04 §31 X7", 2, end, 100, no, {"weight 100", "unverified"}),
          at("spec/04 §31 X7, then", 2, end, 100, yes, {"weight 100", "stable: Completed all 2 canary steps"}),
          at("spec/04 §31 X8", 0, step, 20, failed, {"weight 20", "Failed to verify weight: boom", "index 1", "pause"}),
      },
      true);
  const auto again = plan(snapshotOf(at("X6", 0, step, 20, no, {}), true), now);
  EXPECT_EQ(again.look_again, now + seconds(10));
  // spec/04 §32 #15: that it was taken is written even where nothing else changes.
  CanaryCase known = at("", 1, step, 20, no, {});
  known.status = pausedAt("2024-05-01T11:00:00Z");
  const Snapshot snapshot = snapshotOf(known, true);
  EXPECT_EQ(statusAfter(snapshot, plan(snapshot, now)).canary.weights->verified, false);
  // spec/04 §32 #14: without steps there is an end, too.
  CanaryCase none{.name = "no steps", .canary = R"("steps":[])", .sets = end, .weight = 0, .traffic = no};
  const Snapshot stepless = snapshotOf(none, true);
  EXPECT_EQ(statusAfter(stepless, plan(stepless, now)).canary.weights->verified, false);
}

}  // namespace
}  // namespace crossfade::test
