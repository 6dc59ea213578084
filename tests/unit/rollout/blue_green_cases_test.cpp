// The worked cases of spec/03 §20: one plan for one state of a Rollout, seen through what it asks for.
#include "blue_green_state.hpp"

namespace crossfade::rollout {
namespace {

using namespace cases;

struct Expected {
  std::string_view id;
  Case one;
  Effects effects;
};

template <std::size_t count>
void expectAll(const Expected (&cases)[count]) {
  for (const Expected& expected : cases) EXPECT_EQ(effects(expected.one), expected.effects) << expected.id;
}

const Effects switched = {"active→B", "stable B", "Completed blue-green update"};

Effects with(Effects some, std::initializer_list<std::string> more) {
  some.insert(more.begin(), more.end());
  return some;
}

Rs b(std::int64_t size, std::int64_t available, std::string deadline = {}) {
  return {.hash = "B", .size = size, .available = available, .deadline = std::move(deadline)};
}

// `before`: members of spec.strategy.blueGreen beside the analysis.
std::string preAnalysis(std::string_view before = "") {
  return fmt::format(R"({{{}"prePromotionAnalysis":{{"templates":[{{"templateName":"t"}}]}}}})", before);
}
std::string postAnalysis(std::string_view before = "") {
  return fmt::format(R"({{{}"postPromotionAnalysis":{{"templates":[{{"templateName":"t"}}]}}}})", before);
}

constexpr const char* preview_of_1 = R"({"previewReplicaCount":1})";
constexpr const char* preview_of_3 = R"({"previewReplicaCount":3})";
constexpr const char* past_check_point = R"({"blueGreen":{"scaleUpPreviewCheckPoint":true}})";
constexpr const char* active_on_b = R"({"blueGreen":{"activeSelector":"B"}})";
constexpr const char* resumed = R"({"controllerPause":true})";

// --- the size of the new ReplicaSet ---

TEST(BlueGreenCases, Target) {
  Rs a_of_2 = full_a;
  a_of_2.size = a_of_2.available = 2;
  const std::string inconclusive = R"({"controllerPause":true,"blueGreen":{"scaleUpPreviewCheckPoint":true},
    "pauseConditions":[{"reason":"InconclusiveAnalysisRun","startTime":"2024-05-01T11:00:00Z"}]})";
  const Expected cases[] = {
      {"spec/03 §20.1 B1", {.sets = {full_a, b(0, 0)}}, {"B 0→5"}},
      {"spec/03 §20.1 B2",
       {.blue_green = preview_of_1,
        .status = R"({"blueGreen":{"activeSelector":null}})",
        .active = "",
        .sets = {full_a, b(0, 0)}},
       {"B 0→5", "stable B", "Initial deploy"}},
      {"spec/03 §20.1 B3",
       {.blue_green = preview_of_1, .status = active_on_b, .active = "B", .sets = {full_a, b(0, 0)}},
       {"B 0→5", "stable B", "Completed blue-green update"}},
      // Not on record yet: the checkpoint is still that of another version, and is reset with the status.
      {"spec/03 §20.1 B4",
       {.blue_green = preview_of_1,
        .status = R"({"currentPodHash":"X","blueGreen":{"scaleUpPreviewCheckPoint":true}})",
        .sets = {full_a, b(0, 0)}},
       {"B 0→1", "no checkpoint"}},
      {"spec/03 §20.1 B5",
       {.blue_green = preview_of_1, .status = past_check_point, .sets = {full_a, b(0, 0)}},
       {"B 0→5"}},
      {"spec/03 §20.1 B6", {.blue_green = preview_of_1, .sets = {full_a, b(0, 0)}}, {"B 0→1"}},
      {"spec/03 §20.1 B7",
       {.blue_green = preview_of_1, .status = R"({"promoteFull":true})", .sets = {full_a, b(0, 0)}},
       {"B 0→5"}},
      {"spec/03 §20.1 B8", {.blue_green = preview_of_1, .status = inconclusive, .sets = {full_a, b(1, 1)}}, {}},
      {"spec/03 §20.1 B9", {.replicas = 2, .blue_green = preview_of_3, .sets = {a_of_2, b(0, 0)}}, {"B 0→3"}},
      {"spec/03 §20.1 B10: ready with no pods",
       {.blue_green = R"({"previewReplicaCount":0,"autoPromotionEnabled":false})", .sets = {full_a, b(0, 0)}},
       {"pause BlueGreenPause"}},
  };
  expectAll(cases);
}

// B9: what it knows is the size of the Rollout, whatever its own is.
TEST(BlueGreenCases, DesiredReplicasAreTheRollouts) {
  const Rs a{.hash = "A", .size = 2, .available = 2};
  const State state({.replicas = 2, .blue_green = preview_of_3, .sets = {a, {.hash = "B", .knows = 5}}});
  const Plan made = plan(state.snapshot(), now);
  const auto* scale = std::get_if<ScaleReplicaSet>(&made.actions.at(0));
  ASSERT_NE(scale, nullptr);
  EXPECT_EQ(getString(scale->patch, {"metadata", "annotations", api::desired_replicas_annotation}), "2");
}

// --- pauses and the switch of the active Service ---

TEST(BlueGreenCases, PauseComplete) {
  const Expected cases[] = {
      {"spec/03 §20.2 B11", {.sets = {full_a, full_b}}, switched},
      {"spec/03 §20.2 B12", {.blue_green = timed, .status = pausedSince(10), .sets = {full_a, full_b}}, {}},
      {"spec/03 §20.2 B13",
       {.blue_green = timed, .status = pausedSince(10.1), .sets = {full_a, full_b}},
       with(switched, {"resume"})},
      {"spec/03 §20.2 B14, as it should be: spec/03 §9.2 defect",
       {.blue_green = timed, .status = resumed, .sets = {full_a, full_b}},
       switched},
      {"spec/03 §20.2 B15", {.blue_green = manual, .status = pausedSince(5), .sets = {full_a, full_b}}, {}},
      {"spec/03 §20.2 B16", {.blue_green = manual, .status = resumed, .sets = {full_a, full_b}}, switched},
      {"spec/03 §20.2 B17",
       {.blue_green = R"({"autoPromotionEnabled":false,"autoPromotionSeconds":10})",
        .status = pausedSince(3600),
        .sets = {full_a, full_b}},
       {}},
      {"spec/03 §20.2 B18",
       {.status =
            R"({"controllerPause":true,"pauseConditions":[{"reason":"BlueGreenPause","startTime":"2024-05-01T11:59:59Z"}],
           "blueGreen":{"scaleUpPreviewCheckPoint":true}})",
        .sets = {full_a, full_b}},
       with(switched, {"resume", "no checkpoint"})},
      {"spec/03 §20.2 B19",
       {.blue_green = preAnalysis(R"("previewReplicaCount":3,)"),
        .sets = {full_a, b(3, 3)},
        .runs = {{"pre", "Inconclusive"}}},
       {"pause InconclusiveAnalysisRun"}},
  };
  expectAll(cases);
}

TEST(BlueGreenCases, PauseAndSwitch) {
  const std::string aborted = R"({"abort":true,"blueGreen":{"activeSelector":"B"}})";
  const Rs no_pods{.hash = "A", .size = 5};
  const Expected cases[] = {
      {"spec/03 §20.3 B20", {.blue_green = manual, .sets = {full_a, b(5, 4)}}, {}},
      {"spec/03 §20.3 B21", {.blue_green = manual, .sets = {full_a, full_b}}, {"pause BlueGreenPause"}},
      {"spec/03 §20.3 B22", {.sets = {full_a, full_b}}, switched},
      {"spec/03 §20.3 B23", {.spec = R"({"paused":true})", .sets = {full_a, full_b}}, {}},
      {"spec/03 §20.3 B24",
       {.blue_green = timed, .status = pausedSince(10.5), .sets = {full_a, full_b}},
       with(switched, {"resume"})},
      {"spec/03 §20.3 B25",
       {.blue_green = timed, .spec = R"({"paused":true})", .status = pausedSince(20), .sets = {full_a, full_b}},
       {}},
      {"spec/03 §20.3 B26",
       {.blue_green = preAnalysis(R"("autoPromotionEnabled":false,)"),
        .sets = {full_a, full_b},
        .runs = {{"pre", "Running"}}},
       {}},
      {"spec/03 §20.3 B27",
       {.blue_green = preAnalysis(R"("autoPromotionSeconds":10,)"),
        .status = pausedSince(10.5),
        .sets = {full_a, full_b},
        .runs = {{"pre", "Successful"}}},
       with(switched, {"resume"})},
      {"spec/03 §20.3 B28",
       {.blue_green = preAnalysis(),
        .status = pausedSince(20, "InconclusiveAnalysisRun"),
        .sets = {full_a, full_b},
        .runs = {{"pre", "Inconclusive"}}},
       {}},
      {"spec/03 §20.3 B29",
       {.blue_green = manual,
        .status = R"({"blueGreen":{"activeSelector":null}})",
        .active = "",
        .sets = {full_a, full_b}},
       switched},
      {"spec/03 §20.3 B30",
       {.blue_green = R"({"autoPromotionEnabled":false,
          "prePromotionAnalysis":{"templates":[{"templateName":"t"}]},"postPromotionAnalysis":{"templates":[{"templateName":"t"}]}})",
        .status = R"({"promoteFull":true,"controllerPause":true,
          "pauseConditions":[{"reason":"BlueGreenPause","startTime":"2024-05-01T11:00:00Z"}]})",
        .sets = {full_a, full_b},
        .runs = {{"pre", "Running"}}},
       {"active→B", "stable B", "Full promotion requested", "resume", "terminate run-pre"}},
      {"spec/03 §20.3 B31", {.status = aborted, .active = "B", .sets = {full_a, full_b}}, {"active→A"}},
      {"spec/03 §20.3 B32, as it should be: spec/03 §8 defect",
       {.status = aborted, .active = "B", .sets = {full_a, b(5, 4)}},
       {"active→A"}},
      {"spec/03 §8 defect, also while halted",
       {.spec = R"({"paused":true})", .status = aborted, .active = "B", .sets = {full_a, b(5, 4)}},
       {"active→A"}},
      {"spec/03 §8 defect, but never to where nobody answers",
       {.status = aborted, .active = "B", .sets = {no_pods, full_b}},
       {}},
      {"spec/03 §20.3 B33", {.blue_green = preview_of_3, .sets = {full_a, b(3, 3)}}, {"checkpoint"}},
      {"spec/03 §20.3 B34",
       {.blue_green = preview_of_3, .status = past_check_point, .sets = {full_a, b(3, 3)}},
       {"B 3→5"}},
      {"spec/03 §20.3 B35",
       {.blue_green = preview_of_3, .status = past_check_point, .sets = {full_a, full_b}},
       with(switched, {"no checkpoint"})},
      {"spec/03 §20.3 B36", {.blue_green = manual, .sets = {full_a, b(6, 6)}}, {"B 6→5"}},
  };
  expectAll(cases);
}

TEST(BlueGreenCases, Analyses) {
  const Expected cases[] = {
      {"spec/03 §10 defect #1: an empty list is none",
       {.blue_green = R"({"prePromotionAnalysis":{"templates":[]},"postPromotionAnalysis":{}})",
        .sets = {full_a, full_b}},
       switched},
      {"it starts", {.blue_green = preAnalysis(), .sets = {full_a, full_b}}, {"pre"}},
      {"... of a preview",
       {.blue_green = preAnalysis(R"("previewReplicaCount":3,)"), .sets = {full_a, b(3, 3)}},
       {"pre"}},
      {"... not before its pods are there", {.blue_green = preAnalysis(), .sets = {full_a, b(5, 4)}}, {}},
      {"failed", {.blue_green = preAnalysis(), .sets = {full_a, full_b}, .runs = {{"pre", "Failed"}}}, {"abort"}},
      {"inconclusive",
       {.blue_green = preAnalysis(), .sets = {full_a, full_b}, .runs = {{"pre", "Inconclusive"}}},
       {"pause InconclusiveAnalysisRun"}},
      {"inconclusive and resumed",
       {.blue_green = preAnalysis(), .status = resumed, .sets = {full_a, full_b}, .runs = {{"pre", "Inconclusive"}}},
       {"pre"}},
      {"a started run is not given up for a pod",
       {.blue_green = preAnalysis(), .sets = {full_a, b(5, 4)}, .runs = {{"pre", "Running"}}},
       {}},
      {"after the switch",
       {.blue_green = postAnalysis(), .status = active_on_b, .active = "B", .sets = {full_a, full_b}},
       {"post"}},
      {"... not before the load balancer has the pods",
       {.blue_green = postAnalysis(),
        .status = active_on_b,
        .active = "B",
        .sets = {full_a, full_b},
        .targets_verified = false},
       {}},
      {"no longer configured",
       {.blue_green = manual, .status = pausedSince(5), .sets = {full_a, full_b}, .runs = {{"pre", "Running"}}},
       {"terminate run-pre"}},
  };
  expectAll(cases);
}

// --- promotion and rollback ---

TEST(BlueGreenCases, Promotion) {
  const Rs old_b{.hash = "B", .size = 5, .available = 5, .age_seconds = 7200};
  const std::string window = R"({"rollbackWindow":{"revisions":1}})";
  const std::string stable_b = R"({"stableRS":"B","blueGreen":{"activeSelector":"B"}})";
  const Expected cases[] = {
      {"spec/03 §20.4 B37: traffic follows without gates",
       {.blue_green = manual,
        .status = R"({"stableRS":null,"blueGreen":{"activeSelector":null}})",
        .active = "",
        .sets = {b(5, 4)}},
       {"stable B", "Initial deploy"}},
      {"spec/03 §20.4 B38",
       {.status = R"({"blueGreen":{"activeSelector":null}})", .active = "", .sets = {full_a, b(0, 0)}},
       {"B 0→5", "stable B", "Initial deploy"}},
      {"spec/03 §20.4 B39", {.sets = {full_a, b(5, 4)}}, {}},
      {"spec/03 §20.4 B40",
       {.blue_green = postAnalysis(),
        .status = active_on_b,
        .active = "B",
        .sets = {full_a, full_b},
        .runs = {{"post", "Running"}}},
       {}},
      {"spec/03 §20.4 B41",
       {.blue_green = postAnalysis(),
        .status = active_on_b,
        .active = "B",
        .sets = {full_a, full_b},
        .runs = {{"post", "Successful"}}},
       {"stable B", "Completed blue-green update"}},
      {"spec/03 §20.4 B42",
       {.status = active_on_b, .active = "B", .sets = {full_a, full_b}, .targets_verified = false},
       {}},
      {"spec/03 §20.4 B43",
       {.status = R"({"abort":true,"blueGreen":{"activeSelector":"B"}})", .active = "B", .sets = {full_a, full_b}},
       {"active→A"}},
      {"spec/03 §20.4 B44",
       {.spec = window, .sets = {full_a, old_b}},
       {"active→B", "stable B", "Rollback within window"}},
      {"spec/03 §20.4 B45", {.status = stable_b, .active = "B", .sets = {full_b}}, {}},
      {"spec/03 §20.4 B45a",
       {.spec = window,
        .status = R"({"abort":true,"blueGreen":{"activeSelector":"B"}})",
        .active = "B",
        .sets = {full_a, old_b}},
       {"active→A", "no abort"}},
      {"spec/03 §20.4 B45a, the pass after it",
       {.spec = window, .sets = {full_a, old_b}},
       {"active→B", "stable B", "Rollback within window"}},
  };
  expectAll(cases);
}

TEST(BlueGreenCases, UnverifiedTargetsAreLookedAtAgain) {  // spec/03 §20.4 B42, spec/03 §18
  const State state({.status = active_on_b, .active = "B", .sets = {full_a, full_b}, .targets_verified = false});
  const Plan made = plan(state.snapshot(), now + seconds(60));
  EXPECT_EQ(made.look_again, now + seconds(70));
  const auto write = std::ranges::find_if(
      made.actions, [](const Action& action) { return std::holds_alternative<PatchStatus>(action); });
  ASSERT_NE(write, made.actions.end());
  const api::RolloutStatus& status = std::get<PatchStatus>(*write).status;
  EXPECT_EQ(status.phase, "Progressing");
  EXPECT_EQ(status.message, "waiting for post-promotion verification to complete");
}

TEST(BlueGreenCases, RollbackWindow) {
  // When each was created, the oldest first.
  const std::map<std::string_view, std::int64_t> ages = {{"r1", 600}, {"r2", 500}, {"r3", 400},
                                                         {"r4", 300}, {"x", 200},  {"r5", 100}};
  struct Window {
    std::string_view id, stable, fresh;
    int window;
    bool within;
  };
  const Window cases[] = {
      {"spec/03 §20.5 B46", "r2", "r1", 1, true},  {"spec/03 §20.5 B47", "r3", "r1", 2, true},
      {"spec/03 §20.5 B48", "r4", "r1", 2, false}, {"spec/03 §20.5 B49", "r5", "r4", 1, true},
      {"spec/03 §20.5 B50", "r1", "r2", 1, false},
  };
  for (const Window& one : cases) {
    std::vector<Rs> sets;
    for (const auto& [name, age] : ages) {
      Rs rs{.hash = std::string(name), .age_seconds = age, .experiment = name == "x"};
      if (name == one.stable) rs.hash = "A", rs.size = rs.available = 5;
      if (name == one.fresh) rs.hash = "B", rs.size = rs.available = 5;
      sets.push_back(rs);
    }
    const Effects seen = effects({.blue_green = manual,
                                  .spec = fmt::format(R"({{"rollbackWindow":{{"revisions":{}}}}})", one.window),
                                  .sets = sets});
    EXPECT_EQ(seen, one.within ? Effects({"active→B", "stable B", "Rollback within window"})
                               : Effects({"pause BlueGreenPause"}))
        << one.id;
  }
  // spec/03 §20.5 B51: with no new ReplicaSet nothing is rolled back; a pause would end if it were.
  EXPECT_EQ(effects({.blue_green = manual,
                     .spec = R"({"rollbackWindow":{"revisions":1}})",
                     .status = pausedSince(5),
                     .sets = {full_a}}),
            Effects());
}

// --- superseded ReplicaSets ---

TEST(BlueGreenCases, SupersededReplicaSets) {
  const auto superseded = [](std::int64_t replicas, std::string blue_green, std::vector<Rs> sets) {
    sets.push_back({.hash = "B", .size = replicas, .available = replicas});
    return Case{.replicas = replicas,
                .blue_green = std::move(blue_green),
                .status = R"({"stableRS":"B","blueGreen":{"activeSelector":"B"}})",
                .active = "B",
                .sets = std::move(sets)};
  };
  const auto rs = [](std::string hash, std::int64_t revision, std::string deadline, std::int64_t size = 1) {
    return Rs{.hash = hash, .size = size, .available = size, .deadline = deadline, .revision = revision};
  };
  const std::string future = in(20), past = in(-20);
  const Rs one_a{.hash = "A", .size = 1, .available = 1}, one_b = b(1, 1), other = rs("O1", 1, "");
  const Case analysed{.replicas = 1,
                      .blue_green = postAnalysis(),
                      .status = active_on_b,
                      .active = "B",
                      .sets = {one_a, one_b, other},
                      .runs = {{"post", "Running"}}};
  Case analysed_30 = analysed;
  analysed_30.blue_green = postAnalysis(R"("scaleDownDelaySeconds":30,)");
  const Expected cases[] = {
      {"spec/03 §20.6 B52", superseded(1, "{}", {rs("O1", 1, "")}), {"O1 deadline +30"}},
      {"spec/03 §20.6 B53", superseded(1, "{}", {rs("O1", 1, future)}), {}},
      {"spec/03 §20.6 B54", superseded(1, "{}", {rs("O1", 1, past)}), {"O1 1→0", "O1 deadline gone"}},
      {"spec/03 §20.6 B55", superseded(1, "{}", {rs("O1", 1, "Abcd123")}), {"O1 1→0", "O1 deadline gone"}},
      {"spec/03 §20.6 B56",
       superseded(1, R"({"scaleDownDelayRevisionLimit":1})", {rs("O1", 1, future), rs("O2", 2, future)}),
       {"O1 1→0", "O1 deadline gone"}},
      {"spec/03 §20.6 B57",
       superseded(1, R"({"scaleDownDelayRevisionLimit":1})", {rs("O1", 1, ""), rs("O2", 2, "")}),
       {"O1 1→0", "O2 deadline +30"}},
      {"spec/03 §20.6 B58", superseded(1, R"({"scaleDownDelayRevisionLimit":0})", {rs("O1", 1, "")}), {"O1 1→0"}},
      {"spec/03 §20.6 B59: a preview Service that follows nothing while the Rollout is halted",
       {.replicas = 1, .spec = R"({"paused":true})", .preview = "O1", .sets = {one_a, one_b, other}},
       {}},
      {"spec/03 §20.6 B60", superseded(4, "{}", {rs("O1", 1, future, 2)}), {"O1 2→4"}},
      {"spec/03 §20.6 B61", analysed, {}},
      {"spec/03 §20.6 B62", analysed_30, {"O1 deadline +30"}},
      {"spec/03 §6 defect: no delay is no delay",
       superseded(1, R"({"scaleDownDelaySeconds":0})", {rs("O1", 1, "")}),
       {"O1 1→0"}},
      {"inconclusive: everything stays",
       {.replicas = 1,
        .blue_green = preAnalysis(),
        .status = pausedSince(20, "InconclusiveAnalysisRun"),
        .sets = {one_a, one_b, other},
        .runs = {{"pre", "Inconclusive"}}},
       {}},
  };
  expectAll(cases);
}

// --- an aborted update's ReplicaSet ---

TEST(BlueGreenCases, AbortHold) {
  const Rs a{.hash = "A", .size = 10, .available = 10}, short_a{.hash = "A", .size = 10, .available = 9};
  const auto aborted = [](std::string blue_green, Rs stable, Rs fresh) {
    return Case{.replicas = 10,
                .blue_green = std::move(blue_green),
                .status = R"({"abort":true})",
                .sets = {std::move(stable), std::move(fresh)}};
  };
  const std::string five = R"({"abortScaleDownDelaySeconds":5})", never = R"({"abortScaleDownDelaySeconds":0})";
  const Rs a_of_4{.hash = "A", .size = 4, .available = 4}, b_of_5{.hash = "B", .size = 5, .available = 5, .knows = 5};
  const Expected cases[] = {
      {"spec/03 §20.7 B64", aborted(five, a, b(10, 10, in(-1))), {"B 10→0"}},
      {"spec/03 §20.7 B65", aborted(five, a, b(8, 8, in(4))), {}},
      {"spec/03 §20.7 B66", aborted(five, a, b(10, 10)), {"B deadline +5"}},
      {"spec/03 §20.7 B67", aborted("{}", a, b(10, 10)), {"B deadline +30"}},
      {"spec/03 §20.7 B68", aborted(never, a, b(10, 10)), {}},
      {"spec/03 §20.7 B69",
       {.replicas = 4, .status = R"({"abort":true})", .sets = {a_of_4, b_of_5}},
       {"B knows 4", "B deadline +30"}},
      {"spec/03 §20.7 B70", aborted("{}", short_a, b(10, 10)), {}},
      {"spec/03 §20.7 B71", {.replicas = 10, .blue_green = five, .sets = {a, b(12, 12)}}, {"B 12→10"}},
      {"spec/03 §20.7 B72", {.replicas = 10, .blue_green = five, .sets = {a, b(8, 8)}}, {"B 8→10"}},
      {"spec/03 §11: the checkpoint survives an abort",
       {.blue_green = preview_of_3,
        .status = R"({"abort":true,"blueGreen":{"scaleUpPreviewCheckPoint":true}})",
        .sets = {full_a, b(3, 3)}},
       {"B deadline +30"}},
      {"unparsable: the update's own size", aborted("{}", a, b(8, 8, "soon")), {"B 8→10"}},
      {"spec/03 §8 defect: not while the active Service selects it",
       {.replicas = 10,
        .status = R"({"abort":true,"blueGreen":{"activeSelector":"B"}})",
        .active = "B",
        .sets = {{.hash = "A", .size = 10}, b(10, 10, in(-1))}},
       {}},
  };
  expectAll(cases);
}

// --- the status ---

TEST(BlueGreenCases, Counters) {
  const auto counted = [](const Case& one) {
    const State state(one);
    const Plan made = plan(state.snapshot(), now + seconds(60));
    for (const Action& action : made.actions)
      if (const auto* write = std::get_if<PatchStatus>(&action)) {
        const api::RolloutStatus& status = write->status;
        std::string selector = status.selector;
        if (const std::size_t at = selector.find(state.hash("B")); at != std::string::npos)
          selector.replace(at, state.hash("B").size(), "B");
        return fmt::format("{} {} {} {} {} {} {}", status.replicas, status.updated_replicas, status.ready_replicas,
                           status.available_replicas, status.hpa_replicas, selector, status.phase);
      }
    return std::string("nothing written");
  };
  const Rs a{.hash = "A", .size = 2, .available = 2};
  const std::string promoted = R"({"stableRS":"B","blueGreen":{"activeSelector":"B"}})";
  EXPECT_EQ(counted({.replicas = 2,
                     .blue_green = R"({"previewReplicaCount":1,"autoPromotionEnabled":false})",
                     .sets = {a, b(1, 1)}}),
            "3 1 2 2 2 app=web,rollouts-pod-template-hash=A Paused")
      << "spec/03 §20.8 B73";
  EXPECT_EQ(counted({.replicas = 2, .status = promoted, .active = "B", .sets = {a, b(2, 2)}}),
            "4 2 2 2 2 app=web,rollouts-pod-template-hash=B Healthy")
      << "spec/03 §20.8 B74";
  EXPECT_EQ(counted({.replicas = 2,
                     .status = R"({"stableRS":null,"blueGreen":{"activeSelector":null}})",
                     .active = "",
                     .sets = {b(1, 1)}}),
            "1 1 1 1 1 app=web Progressing")
      << "spec/03 §20.8 B75";
  const Rs a_of_3{.hash = "A", .size = 3, .available = 3, .deadline = in(120)};
  EXPECT_EQ(counted({.replicas = 3, .status = promoted, .active = "B", .sets = {a_of_3, b(3, 3)}}),
            "6 3 3 3 3 app=web,rollouts-pod-template-hash=B Healthy")
      << "spec/03 §20.8 B76";
}

}  // namespace
}  // namespace crossfade::rollout
