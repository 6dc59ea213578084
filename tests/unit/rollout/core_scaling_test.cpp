// Sizes of single ReplicaSets, the hold of an aborted one, the delay of old ones, rollback windows: spec/02 §7, §12,
// §18.5 to §18.8, §18.10.
#include "rollout/replicas_canary.hpp"
#include "support/plan_case.hpp"

namespace crossfade::rollout {
namespace {

using test::actionsOf;
using test::changesOf;
using test::eventsOf;
using test::PlanCase;
using Set = PlanCase::Set;
using Changes = std::vector<std::string>;

TEST(CoreScaling, PercentArithmetic) {
  struct Case {
    std::string_view name;
    std::optional<IntOrPercent> surge, unavailable;
    std::int64_t replicas;
    Limits limits;
  };
  const IntOrPercent none{0}, share{std::string("39%")}, zero{std::string("0%")}, bad{std::string("oops")};
  const Case cases[] = {
      // What both zeros are raised to is capped by the size, as every maxUnavailable is (§7.8).
      {"spec/02 §18.5 #1", zero, zero, 0, {0, 0}},
      {"spec/02 §18.5 #1, of a size", zero, zero, 1, {0, 1}},
      {"spec/02 §18.5 #2", share, share, 10, {4, 3}},
      {"spec/02 §18.5 #3", bad, share, 10, {0, 0}},
      {"spec/02 §18.5 #4", none, share, 10, {0, 3}},
      {"spec/02 §18.5 #5", none, none, 10, {0, 1}},
      {"spec/02 §18.5 #6", none, IntOrPercent{10}, 5, {0, 5}},
      {"spec/02 §18.5 #6: size 0", none, IntOrPercent{10}, 0, {0, 0}},
  };
  for (const Case& one : cases)
    EXPECT_EQ(canaryLimits(one.surge, one.unavailable, one.replicas), one.limits) << one.name;
  EXPECT_EQ(blueGreenLimits(std::nullopt, 1), (Limits{0, 0})) << "spec/02 §18.5 #7";
  EXPECT_EQ(blueGreenLimits(std::nullopt, 8), (Limits{0, 2})) << "spec/02 §18.5 #7";
}

// A scaling event is a pass of its own: nothing but sizes and two counters changes.
TEST(CoreScaling, ScalingEvents) {  // spec/02 §7.3, spec/02 §19 #13
  struct Case {
    std::string_view name;
    Set fresh, stable;
    std::vector<Set> others = {};
    bool event = false;
  };
  const auto fresh = [](std::int64_t size, std::string knows) {
    return Set{"$new", size, size, "2", 60, std::move(knows)};
  };
  const Case cases[] = {
      {"spec/02 §18.6 #1", fresh(1, "10"), {"old", 10, 10, "1", 3600, "10"}, {{"older", 3, 3, "1", 7200, "2"}}},
      {"spec/02 §18.6 #2", fresh(1, "10"), {"old", 10, 10, "1", 3600, "5"}, {}, true},
      {"spec/02 §18.6 #3", fresh(0, "5"), {"old", 10, 10, "1", 3600, "10"}},
      {"spec/02 §18.6 #4", fresh(1, "abc"), {"old", 10, 10, "1", 3600, "20000000000"}},
      {"spec/02 §18.6 #5", fresh(1, "none"), {"old", 10, 10, "1", 3600, "10"}},
  };
  for (const Case& one : cases) {
    std::vector<Set> sets = {one.fresh, one.stable};
    sets.insert(sets.end(), one.others.begin(), one.others.end());
    // While somebody has paused the Rollout nothing else than a scaling event changes a ReplicaSet.
    PlanCase world(R"({"paused":true,"strategy":{"canary":{"steps":[{"setWeight":10},{"pause":{}}]}}})",
                   R"({"currentStepIndex":0})", sets);
    EXPECT_EQ(!changesOf(world, world.plan()).empty(), one.event) << one.name;
  }
}

// --- the aborted new ReplicaSet (spec/02 §7.5) ---

TEST(CoreScaling, NewReplicaSetOfAnAbortedUpdate) {  // spec/02 §19 #12, spec/02 §19 #23
  struct Case {
    std::string_view name;
    int replicas;
    std::string blue_green;  // members
    std::string status;
    Set fresh;
    std::int64_t stable;  // available
    Changes changes;
  };
  const auto fresh = [](std::int64_t size, std::string deadline = {}, std::string knows = {}) {
    return Set{"$new", size, size, "2", 60, std::move(knows), std::move(deadline)};
  };
  const std::string aborted = R"({"abort":true,"abortedAt":"$-30","conditions":[{"type":"Progressing","status":"False",
      "reason":"RolloutAborted","message":"m","lastUpdateTime":"$-30","lastTransitionTime":"$-30"}]})";
  const std::string future = "2024-05-01T12:00:03Z", far = "2024-05-01T14:00:00Z", past = "2024-05-01T11:59:59Z";
  const std::string five = R"(,"abortScaleDownDelaySeconds":5)";
  const Case cases[] = {
      {"spec/02 §18.7 #1", 10, "", "{}", fresh(10), 10, {}},
      {"spec/02 §18.7 #2: 12", 10, "", "{}", fresh(12), 10, {"$new 12→10"}},
      {"spec/02 §18.7 #2: 8", 10, "", "{}", fresh(8), 10, {"$new 8→10"}},
      {"spec/02 §18.7 #3", 10, five, aborted, fresh(10, past), 10, {"$new 10→0"}},
      {"spec/02 §18.7 #4", 10, five, aborted, fresh(8, future), 10, {}},
      {"farther away than any resync: kept all the same", 10, five, aborted, fresh(8, far), 10, {}},
      {"spec/02 §18.7 #5", 10, five, aborted, fresh(10), 10, {"$new deadline +5"}},
      {"spec/02 §18.7 #6", 10, "", aborted, fresh(10), 9, {}},
      {"spec/02 §18.7 #7", 10, R"(,"abortScaleDownDelaySeconds":0)", aborted, fresh(10), 10, {}},
      {"spec/02 §18.7 #8: none",
       4,
       R"(,"abortScaleDownDelaySeconds":30)",
       aborted,
       fresh(5, "", "5"),
       4,
       {"$new deadline +30", "$new knows 4"}},
      {"spec/02 §18.7 #8: future",
       4,
       R"(,"abortScaleDownDelaySeconds":30)",
       aborted,
       fresh(5, future, "5"),
       4,
       {"$new knows 4"}},
  };
  for (const Case& one : cases) {
    PlanCase world(fmt::format(R"({{"replicas":{},"strategy":{{"blueGreen":{{"activeService":"active"{}}}}}}})",
                               one.replicas, one.blue_green),
                   one.status, {{"old", one.replicas, one.stable}, one.fresh});
    ensureObject(world.rollout, {"status", "blueGreen"})["activeSelector"] = "old";
    world.service("active", "old");
    const Plan made = world.plan();
    EXPECT_EQ(changesOf(world, made), one.changes) << one.name;
    const auto events = eventsOf(made, "ScalingReplicaSet");
    const bool resized = std::ranges::any_of(one.changes, [](const auto& change) { return change.contains("→"); });
    EXPECT_EQ(events.size(), resized ? 1U : 0U) << one.name;
    if (one.name.contains("#2")) {
      EXPECT_EQ(events.at(0),
                fmt::format("Normal ScalingReplicaSet: Scaled {} ReplicaSet web-{} (revision 2) from {} to 10",
                            one.fresh.size > 10 ? "down" : "up", world.hash, one.fresh.size));
    }
    if (one.name.contains("#4")) {
      EXPECT_EQ(made.look_again, PlanCase::now + seconds(3)) << one.name;
    }
    if (!one.name.contains("#3")) continue;
    for (const auto& scale : actionsOf<ScaleReplicaSet>(made))
      EXPECT_EQ(find(scale.patch, {"metadata", "annotations", api::scale_down_deadline_annotation}), nullptr)
          << "the deadline stays";
  }
}

// --- old ReplicaSets (spec/02 §7.7) ---

TEST(CoreScaling, OldReplicaSets) {  // spec/02 §19 #24
  struct Case {
    std::string_view name;
    std::string spec, status;
    std::vector<Set> sets;
    Changes changes;
  };
  const auto blue_green = [](int replicas, std::string_view members = "") {
    return fmt::format(R"({{"replicas":{},"strategy":{{"blueGreen":{{"activeService":"active"{}}}}}}})", replicas,
                       members);
  };
  const std::string promoted = R"({"stableRS":"$new","blueGreen":{"activeSelector":"$new"}})";
  const std::string future = "2024-05-01T12:00:10Z", past = "2024-05-01T11:59:50Z";
  const Set one_pod{"$new", 1, 1, "3", 60};
  const auto old = [](std::string hash, std::string revision, std::string deadline = {}) {
    return Set{std::move(hash), 1, 1, std::move(revision), 3600, {}, std::move(deadline)};
  };
  const std::string routed =
      R"({"replicas":5,"strategy":{"canary":{"maxUnavailable":1,"trafficRouting":{"plugins":{"x":{}}},"steps":[{"setWeight":100}]}}})";
  const std::string weights =
      R"({"currentStepIndex":0,"canary":{"weights":{"canary":{"weight":100,"podTemplateHash":"v2"},"stable":{"weight":0,"podTemplateHash":"old"}}}})";
  const Case cases[] = {
      {"spec/02 §18.8 #1", blue_green(1), promoted, {one_pod, old("old", "1")}, {"old deadline +30"}},
      {"spec/02 §18.8 #2", blue_green(1), promoted, {one_pod, old("old", "1", future)}, {}},
      {"spec/02 §18.8 #3", blue_green(1), promoted, {one_pod, old("old", "1", past)}, {"old 1→0", "old deadline gone"}},
      {"spec/02 §18.8 #4",
       blue_green(1),
       promoted,
       {one_pod, old("old", "1", "Abcd123")},
       {"old 1→0", "old deadline gone"}},
      {"spec/02 §18.8 #5",
       blue_green(1, R"(,"scaleDownDelayRevisionLimit":1)"),
       promoted,
       {one_pod, old("r1", "1", future), old("r2", "2", future)},
       {"r1 1→0", "r1 deadline gone"}},
      {"spec/02 §18.8 #6",
       blue_green(1, R"(,"scaleDownDelayRevisionLimit":0)"),
       promoted,
       {one_pod, old("r1", "1"), old("r2", "2")},
       {"r2 1→0", "r1 1→0"}},
      {"spec/02 §18.8 #7",
       R"({"replicas":4,"strategy":{"canary":{"maxSurge":1,"maxUnavailable":0}}})",
       R"({"stableRS":"$new"})",
       {{"r1", 5, 5, "1"}, {"r2", 5, 5, "2"}, {"$new", 4, 0, "3", 60}},
       {"r2 5→0", "r1 5→4"}},
      // spec/02 §18.4 #11: what has no readable revision comes last, so it is the first to exceed the limit.
      {"unreadable revisions last",
       blue_green(1, R"(,"scaleDownDelayRevisionLimit":1)"),
       promoted,
       {one_pod, old("odd", "x"), old("r1", "1")},
       {"r1 deadline +30", "odd 1→0"}},
      {"equal revisions: the younger first",
       blue_green(1, R"(,"scaleDownDelayRevisionLimit":1)"),
       promoted,
       {one_pod, {"a", 1, 1, "1", 7200}, {"b", 1, 1, "1", 3600}},
       {"b deadline +30", "a 1→0"}},
      {"scaleDownDelaySeconds 0 is at once",
       blue_green(1, R"(,"scaleDownDelaySeconds":0)"),
       promoted,
       {one_pod, old("old", "1")},
       {"old 1→0"}},
      {"a delay of a day",
       blue_green(1, R"(,"scaleDownDelaySeconds":86400)"),
       promoted,
       {one_pod, old("old", "1")},
       {"old deadline +86400"}},
  };
  for (const Case& one : cases) {
    PlanCase world(one.spec, one.status, one.sets);
    if (one.spec.contains("activeService")) world.service("active", "$new");
    const Plan made = world.plan();
    EXPECT_EQ(changesOf(world, made), one.changes) << one.name;
    // Nothing that follows waits for an old one. spec/02 §19 #22
    for (const auto& scale : actionsOf<ScaleReplicaSet>(made)) EXPECT_TRUE(scale.old) << one.name;
    for (const auto& patch : actionsOf<PatchReplicaSet>(made)) EXPECT_TRUE(patch.old) << one.name;
  }
  // spec/02 §18.8 #8, #9: while V3 isn't available the weights still name V2; once nothing does, V2 goes. (With a delay
  // of its own, spec/04 §32, 7: routers may still be draining.)
  for (const bool available : {false, true}) {
    PlanCase world(routed, weights,
                   {{"old", 5, 5, "1"}, {"v2", 5, 5, "2", 1800}, {"$new", 5, available ? 5 : 0, "3", 60}});
    if (available)
      find(world.rollout, {"status", "canary", "weights", "canary"})->get_object()["podTemplateHash"] = world.hash;
    const Changes changes = changesOf(world, world.plan());
    EXPECT_EQ(std::ranges::count_if(changes, [](const auto& change) { return change.starts_with("v2"); }), available)
        << (available ? "spec/02 §18.8 #9" : "spec/02 §18.8 #8");
  }
}

// --- rollback windows (spec/02 §12.1) ---

TEST(CoreRollback, Window) {  // spec/02 §19 #32
  struct Case {
    std::string_view name;
    std::string stable, fresh;
    int revisions;
    bool within;
  };
  const Case cases[] = {
      {"spec/02 §18.10 #1", "r4", "", 1, false},           {"spec/02 §18.10 #2", "r4", "r3", 1, false},
      {"spec/02 §18.10 #3", "r3", "r4", 1, true},          {"spec/02 §18.10 #4", "r2", "r4", 2, true},
      {"spec/02 §18.10 #5", "r1", "r4", 2, false},         {"spec/02 §18.10 #6", "r0", "r1", 1, true},
      {"made in the same second", "twin", "r0", 1, false},
  };
  const std::pair<std::string, int> ages[] = {{"r4", 7200}, {"r3", 6000},  {"r2", 5000},
                                              {"r1", 4000}, {"exp", 3000}, {"r0", 2000}};
  for (const Case& one : cases) {
    std::vector<Set> sets;
    for (const auto& [hash, age] : ages) {
      const bool is_new = hash == one.fresh, is_stable = hash == one.stable;
      const std::int64_t size = is_new || is_stable ? 10 : 0;
      sets.push_back({is_new ? "$new" : hash, size, size, hash == "exp" ? "" : "1", age});
      if (hash == "exp") sets.back().annotations = R"({"experiment.argoproj.io/name":"e"})";
    }
    if (one.stable == "twin") sets.push_back({"twin", 10, 10, "2", 2000});
    PlanCase world(
        fmt::format(
            R"({{"rollbackWindow":{{"revisions":{}}},"strategy":{{"canary":{{"steps":[{{"setWeight":10}},{{"pause":{{}}}}]}}}}}})",
            one.revisions),
        fmt::format(R"({{"stableRS":"{}","currentStepIndex":1}})", one.stable), sets);
    const auto events = eventsOf(world.plan(), "RolloutCompleted");
    const bool within =
        std::ranges::any_of(events, [](const auto& event) { return event.contains("Rollback within window"); });
    EXPECT_EQ(within, one.within) << one.name;
  }
}

}  // namespace
}  // namespace crossfade::rollout
