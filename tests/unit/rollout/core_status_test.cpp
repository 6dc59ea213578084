// Conditions, phase, pause fields, promotion and the shape of status patches: spec/02 §5, §6, §18.11 to §18.14, §18.18,
// §18.19.
#include "rollout/status.hpp"
#include "support/plan_case.hpp"

namespace crossfade::rollout {
namespace {

using test::conditionOf;
using test::eventsOf;
using test::PlanCase;
using test::writtenStatus;
using Set = PlanCase::Set;

const TimePoint now = PlanCase::now;

// --- conditions ---

TEST(CoreConditions, SetCondition) {  // spec/02 §18.11 #1-#4, spec/02 §19 #14, spec/02 §19 #15
  const TimePoint before = now - minutes(5);
  std::vector<api::Condition> conditions;
  EXPECT_TRUE(setCondition(conditions, before, "Progressing", "True", "One", "first"));
  EXPECT_TRUE(setCondition(conditions, before, "Available", "True", "AvailableReason", "yes"));
  ASSERT_EQ(conditions.size(), 2U);
  EXPECT_EQ(conditions[0].last_update, before);
  EXPECT_EQ(conditions[0].last_transition, before);

  EXPECT_FALSE(setCondition(conditions, now, "Progressing", "True", "One", "another message"));
  EXPECT_EQ(conditions[0].message, "first");
  EXPECT_EQ(conditions[0].last_update, before);

  EXPECT_TRUE(setCondition(conditions, now, "Progressing", "True", "Two", "third"));
  ASSERT_EQ(conditions.size(), 2U);
  EXPECT_EQ(conditions.back().type, "Progressing") << "what changed moves to the end";
  EXPECT_EQ(conditions.back().last_update, now);
  EXPECT_EQ(conditions.back().last_transition, before);

  EXPECT_TRUE(setCondition(conditions, now, "Available", "False", "AvailableReason", "no"));
  EXPECT_EQ(conditions.back().last_transition, now);
}

// The clock of the progress deadline is started again exactly when the update got further.
TEST(CoreConditions, Progress) {
  const std::string basic = R"({"strategy":{"canary":{"steps":[{"setWeight":10},{"pause":{}}]}}})";
  const std::string plain = R"({"strategy":{"canary":{}}})";
  const std::string blue_green = R"({"strategy":{"blueGreen":{"activeService":"active","previewService":"preview"}}})";
  const Set stable{"old", 9, 9}, fresh{.hash = "$new", .size = 1, .available = 1, .revision = "2", .age = 60};
  struct Case {
    std::string_view name;
    std::string spec, status;
    std::vector<Set> sets;
    bool progress;
  };
  const auto counted = [](std::int64_t replicas, std::int64_t updated, std::int64_t ready, std::int64_t available) {
    return fmt::format(R"("replicas":{},"updatedReplicas":{},"readyReplicas":{},"availableReplicas":{})", replicas,
                       updated, ready, available);
  };
  const std::string same = counted(10, 1, 10, 10);
  const Case cases[] = {
      {"spec/02 §18.11 #5: updated 1→2",
       plain,
       "{" + counted(11, 1, 10, 10) + "}",
       {stable, {"$new", 2, 1, "2", 60}},
       true},
      {"spec/02 §18.11 #5: ready 1→2", plain, "{" + counted(10, 1, 9, 10) + "}", {stable, fresh}, true},
      {"spec/02 §18.11 #5: available 1→2", plain, "{" + counted(10, 1, 10, 9) + "}", {stable, fresh}, true},
      {"spec/02 §18.11 #5: old pods", plain, "{" + counted(11, 1, 10, 10) + "}", {stable, fresh}, true},
      {"spec/02 §18.11 #5: index", basic, R"({"currentStepIndex":0,)" + same + "}", {stable, fresh}, true},
      {"spec/02 §18.11 #5: step hash",
       basic,
       R"({"currentStepHash":"other","currentStepIndex":1,)" + same + "}",
       {stable, fresh},
       true},
      {"spec/02 §18.11 #5: stableRS",
       plain,
       "{" + counted(10, 10, 10, 10) + "}",
       {{"old", 0, 0}, {"$new", 10, 10, "2", 60}},
       true},
      {"spec/02 §18.11 #6: available 2→1 only",
       basic,
       R"({"currentStepIndex":1,"controllerPause":true,"pauseConditions":[{"reason":"CanaryPauseStep","startTime":"$-10"}],)" +
           counted(10, 1, 10, 11) + "}",
       {stable, fresh},
       false},
      {"spec/02 §18.11 #6: nothing",
       basic,
       R"({"currentStepIndex":1,"controllerPause":true,"pauseConditions":[{"reason":"CanaryPauseStep","startTime":"$-10"}],)" +
           same + "}",
       {stable, fresh},
       false},
  };
  for (const Case& one : cases) {
    PlanCase world(one.spec, one.status, one.sets);
    // What a pause is mirrored by, so that nothing else touches the condition.
    if (!one.progress) {
      json::array& conditions = find(world.rollout, {"status", "conditions"})->get_array();
      conditions.front().get_object()["status"] = "Unknown";
      conditions.front().get_object()["reason"] = "RolloutPaused";
      conditions.push_back(PlanCase::parse(world.resolve(R"({"type":"Paused","status":"True","reason":"RolloutPaused",
          "message":"Rollout is paused","lastUpdateTime":"$-10","lastTransitionTime":"$-10"})")));
    }
    const auto status = writtenStatus(world.plan());
    ASSERT_TRUE(status) << one.name;
    const std::optional<api::Condition> progressing = conditionOf(status, "Progressing");
    ASSERT_TRUE(progressing) << one.name;
    EXPECT_EQ(progressing->last_update == now, one.progress) << one.name << " " << progressing->reason;
    // The step that completes is followed by a pause, which is mirrored at once.
    if (progressing->reason == "ReplicaSetUpdated") {
      EXPECT_EQ(progressing->last_transition, now - seconds(60)) << one.name;
    }
  }
  // spec/02 §18.11 #5: the active and the preview selector.
  for (const bool active : {true, false}) {
    PlanCase world(blue_green,
                   fmt::format(R"({{"blueGreen":{{"previewSelector":"{}","activeSelector":"old"}},{}}})",
                               active ? "$new" : "old", counted(20, 10, 10, 10)),
                   {{"old", 10, 10}, {"$new", 10, 10, "2", 60}});
    world.service("active", "old").service("preview", active ? "$new" : "old");
    const auto status = writtenStatus(world.plan());
    const std::optional<api::Condition> progressing = conditionOf(status, "Progressing");
    ASSERT_TRUE(progressing);
    EXPECT_EQ(progressing->last_update, now) << active;
  }
}

TEST(CoreConditions, TimedOut) {  // spec/02 §19 #16
  struct Case {
    std::string_view name;
    int deadline;
    std::string condition;  // the persisted Progressing
    std::string others;
    std::string_view reason;  // afterwards
  };
  const auto progressing = [](std::string_view status, std::string_view reason, int age) {
    return fmt::format(
        R"({{"type":"Progressing","status":"{}","reason":"{}","message":"m","lastUpdateTime":"$-{}","lastTransitionTime":"$-{}"}})",
        status, reason, age, age);
  };
  const Case cases[] = {
      {"spec/02 §18.11 #7: none", 5, "", "", "FoundNewReplicaSet"},
      {"spec/02 §18.11 #7: paused", 5, progressing("Unknown", "RolloutPaused", 10), R"("observedGeneration":"1",)",
       "RolloutResumed"},
      {"spec/02 §18.11 #7: aborted", 5, progressing("False", "RolloutAborted", 10),
       R"("abort":true,"abortedAt":"$-10",)", "RolloutAborted"},
      {"spec/02 §18.11 #8: exceeded just now", 600, progressing("False", "ProgressDeadlineExceeded", 0), "",
       "ProgressDeadlineExceeded"},
      {"spec/02 §18.11 #8: 10 s old, deadline 5", 5, progressing("True", "ReplicaSetUpdated", 10), "",
       "ProgressDeadlineExceeded"},
      {"spec/02 §18.11 #9: 10 s old, deadline 30", 30, progressing("True", "ReplicaSetUpdated", 10), "",
       "ReplicaSetUpdated"},
  };
  for (const Case& one : cases) {
    PlanCase world(
        fmt::format(
            R"({{"progressDeadlineSeconds":{},"strategy":{{"canary":{{"steps":[{{"setWeight":10}}],"maxSurge":1,"maxUnavailable":0}}}}}})",
            one.deadline),
        fmt::format(
            R"({{"currentStepIndex":0,{}"replicas":10,"updatedReplicas":1,"readyReplicas":9,"availableReplicas":9,"conditions":[{}]}})",
            one.others, one.condition),
        {{"old", 9, 9}, {"$new", 1, 0, "2", 60}});
    const auto status = writtenStatus(world.plan());
    const std::optional<api::Condition> after = conditionOf(status, "Progressing");
    ASSERT_TRUE(after) << one.name;
    EXPECT_EQ(after->reason, one.reason) << one.name;
    if (one.reason == "ProgressDeadlineExceeded" && one.deadline == 5) {
      EXPECT_EQ(after->message, "ReplicaSet \"web-" + world.hash + "\" has timed out progressing.");
    }
    // The condition says it; no event does. spec/02 §15.
    EXPECT_EQ(eventsOf(world.plan(), "ProgressDeadlineExceeded").size(), 0U);
  }
}

TEST(CoreConditions, Healthy) {
  const std::string blue_green = R"({"replicas":5,"strategy":{"blueGreen":{"activeService":"active"}}})";
  const std::string canary = R"({"replicas":1,"strategy":{"canary":{}}})";
  const auto healthy = [](PlanCase& world) {
    const auto condition = conditionOf(writtenStatus(world.plan()), "Healthy");
    return condition && condition->status == "True";
  };
  // spec/02 §18.11 #10: old pods may be there beside the active ones.
  PlanCase one(blue_green, R"({"stableRS":"$new","blueGreen":{"activeSelector":"$new"}})",
               {{"old", 1, 1, "1", 3600, "5", "2024-05-01T12:00:20Z"}, {"$new", 5, 5, "2", 60}});
  EXPECT_TRUE(healthy(one.service("active", "$new")));
  // spec/02 §18.11 #11: the preview Service is elsewhere, and stays there while somebody has paused.
  PlanCase two(
      R"({"replicas":5,"paused":true,"strategy":{"blueGreen":{"activeService":"active","previewService":"preview"}}})",
      R"({"stableRS":"$new","blueGreen":{"activeSelector":"$new"}})", {{"$new", 5, 5, "2", 60}});
  EXPECT_FALSE(healthy(two.service("active", "$new").service("preview", "")));
  // spec/02 §18.11 #12: pods of a canary that is over.
  PlanCase three(canary, R"({"stableRS":"$new"})", {{"old", 1, 0}, {"$new", 1, 1, "2", 60}});
  EXPECT_FALSE(healthy(three));
  PlanCase fine(canary, R"({"stableRS":"$new"})", {{"$new", 1, 1, "2", 60}});
  EXPECT_TRUE(healthy(fine));
  // spec/02 §18.11 #13: a generation that isn't written down yet. What is judged is the generation at hand (§5.5), so
  // an edit that changes nothing for the pods doesn't flicker.
  PlanCase edited(canary, R"({"stableRS":"$new","observedGeneration":"1"})", {{"$new", 1, 1, "2", 60}});
  EXPECT_TRUE(healthy(edited));
}

TEST(CoreConditions, ReplicaFailureIsCopied) {  // spec/02 §5.4
  const std::string failing =
      R"({"status":{"conditions":[{"type":"ReplicaFailure","status":"True","reason":"FailedCreate",
      "message":"quota","lastTransitionTime":"2024-05-01T11:00:00Z"}]}})";
  PlanCase world("{}", "{}",
                 {{"old", 10, 10}, {.hash = "$new", .size = 1, .revision = "2", .age = 60, .merged = failing}});
  const auto status = writtenStatus(world.plan());
  const std::optional<api::Condition> failure = conditionOf(status, "ReplicaFailure");
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->status + failure->reason + failure->message, "TrueFailedCreatequota");
  EXPECT_EQ(failure->last_update, now - hours(1));
  EXPECT_EQ(failure->last_transition, now - hours(1));
  PlanCase over("{}",
                R"({"conditions":[{"type":"ReplicaFailure","status":"True","reason":"FailedCreate","message":"quota",
      "lastUpdateTime":"$-60","lastTransitionTime":"$-60"}]})",
                {{"old", 10, 10}, {"$new", 1, 1, "2", 60}});
  EXPECT_FALSE(conditionOf(writtenStatus(over.plan()), "ReplicaFailure"));
}

// --- phase ---

TEST(CorePhase, Table) {
  const std::string canary = R"({"strategy":{"canary":{}}})";
  const std::string routed = R"({"strategy":{"canary":{"trafficRouting":{"plugins":{"x":{}}}}}})";
  const std::string blue_green = R"({"strategy":{"blueGreen":{"activeService":"a"}}})";
  const std::string analysed =
      R"({"strategy":{"blueGreen":{"activeService":"a","postPromotionAnalysis":{"templates":[{"templateName":"t"}]}}}})";
  const std::string all = R"("updatedReplicas":5,"availableReplicas":5,)";
  const std::string switched = all + R"("currentPodHash":"n","stableRS":"o","blueGreen":{"activeSelector":"n"})";
  struct Case {
    std::string_view name;
    std::string spec, status;
    std::string_view phase, message;
  };
  const Case cases[] = {
      {"spec/02 §18.12 #1", canary,
       R"("conditions":[{"type":"Progressing","status":"False","reason":"ProgressDeadlineExceeded","message":"timed out"}])",
       "Degraded", "ProgressDeadlineExceeded: timed out"},
      {"spec/02 §18.12 #2", R"({"paused":true,"strategy":{"canary":{}}})", "", "Paused", "manually paused"},
      {"spec/02 §18.12 #3", canary, R"("updatedReplicas":4)", "Progressing", "more replicas need to be updated"},
      {"spec/02 §18.12 #4", canary, R"("updatedReplicas":5,"availableReplicas":4)", "Progressing",
       "updated replicas are still becoming available"},
      {"spec/02 §18.12 #5", canary, all + R"("replicas":7)", "Progressing", "old replicas are pending termination"},
      {"spec/02 §18.12 #6", routed, all + R"("replicas":7,"currentPodHash":"n","stableRS":"n")", "Healthy", ""},
      {"spec/02 §18.12 #7", blue_green, all + R"("currentPodHash":"n","blueGreen":{"activeSelector":"o"})",
       "Progressing", "active service cutover pending"},
      {"spec/02 §18.12 #8", analysed, switched, "Progressing", "waiting for analysis to complete"},
      {"spec/02 §18.12 #9", blue_green, switched, "Progressing", "waiting for post-promotion verification to complete"},
      {"spec/02 §18.12 #10", R"({"restartAt":"2024-05-01T11:59:00Z","strategy":{"canary":{}}})",
       all + R"("replicas":5,"currentPodHash":"n","stableRS":"n")", "Progressing", "rollout is restarting"},
      // §5.7: what the table of cases leaves out.
      {"row 1: InvalidSpec wins where it comes first", canary,
       R"("conditions":[{"type":"InvalidSpec","status":"True","reason":"InvalidSpec","message":"bad"},{"type":"Progressing","status":"False","reason":"RolloutAborted","message":"x"}])",
       "Degraded", "InvalidSpec: bad"},
      {"row 1': the first of the list", canary,
       R"("conditions":[{"type":"Progressing","status":"False","reason":"RolloutAborted","message":"x"},{"type":"InvalidSpec","status":"True","reason":"InvalidSpec","message":"bad"}])",
       "Degraded", "RolloutAborted: x"},
      {"row 3: the first reason", canary,
       R"("pauseConditions":[{"reason":"InconclusiveAnalysisRun","startTime":"2024-05-01T11:00:00Z"},{"reason":"CanaryPauseStep","startTime":"2024-05-01T11:00:00Z"}])",
       "Paused", "InconclusiveAnalysisRun"},
      {"row 4: in the future too", R"({"restartAt":"2024-05-02T12:00:00Z","strategy":{"canary":{}}})",
       all + R"("replicas":5)", "Progressing", "rollout is restarting"},
      {"row 8: completed", analysed,
       R"("updatedReplicas":5,"availableReplicas":5,"currentPodHash":"n","stableRS":"o","blueGreen":{"activeSelector":"n","postPromotionAnalysisRunStatus":{"name":"r","status":"Successful"}})",
       "Progressing", "waiting for post-promotion verification to complete"},
      {"row 11", canary, all + R"("replicas":5,"currentPodHash":"n","stableRS":"o")", "Progressing",
       "waiting for all steps to complete"},
      {"row 12", blue_green,
       R"("updatedReplicas":5,"availableReplicas":5,"currentPodHash":"n","stableRS":"n","blueGreen":{"activeSelector":"n"})",
       "Healthy", ""},
  };
  for (const Case& one : cases) {
    const api::Rollout rollout = api::decodeRollout(PlanCase::parse(
        fmt::format(R"({{"metadata":{{"name":"web"}},"spec":{},"status":{{{}}}}})", one.spec, one.status)));
    api::RolloutStatus status = rollout.status;
    updatePhase(rollout.spec, 5, status);
    EXPECT_EQ(status.phase, one.phase) << one.name;
    EXPECT_EQ(status.message, one.message) << one.name;
  }
}

// --- pauses ---

TEST(CorePauses, Fields) {
  const std::string untimed = R"({"strategy":{"canary":{"steps":[{"pause":{}}]}}})";
  const std::string timed = R"({"strategy":{"canary":{"steps":[{"pause":{"duration":10}},{"pause":{}}]}}})";
  struct Case {
    std::string_view name;
    std::string spec, status;
    std::string pauses;  // "reason@seconds ago"
    bool controller_pause = false, abort = false;
    std::string aborted_at = {};
  };
  const std::string paused = R"("pauseConditions":[{"reason":"CanaryPauseStep","startTime":"$-60"}])";
  const Case cases[] = {
      {"spec/02 §18.13 #1", untimed, "{}", "CanaryPauseStep@0", true},
      {"spec/02 §18.13 #2", R"({"strategy":{"canary":{"steps":[{"pause":{"duration":10}},{"setWeight":90}]}}})",
       R"({"controllerPause":true,)" + paused + "}", ""},
      {"spec/02 §18.13 #3", untimed, R"({"controllerPause":true,)" + paused + "}", "CanaryPauseStep@60", true},
      {"spec/02 §18.13 #4", untimed, R"({"controllerPause":true})", ""},
      {"spec/02 §18.13 #5", untimed, R"({"controllerPause":true,"abort":true,)" + paused + "}", "", false, true, "$-0"},
      {"spec/02 §18.13 #6", untimed, R"({"abort":true,"abortedAt":"$-30",)" + paused + "}", "", false, true, "$-30"},
      {"spec/02 §18.13 #7", untimed, R"({"controllerPause":true,"promoteFull":true,)" + paused + "}", ""},
  };
  for (const Case& one : cases) {
    PlanCase world(one.spec, one.status, {{"old", 10, 10}, {.hash = "$new", .revision = "2", .age = 60}});
    if (one.name.ends_with("#4") || one.name.ends_with("#7"))
      ensureObject(world.rollout, {"status"})["observedGeneration"] = "1";  // no mirroring before
    const auto status = writtenStatus(world.plan()).value_or(world.snapshot().rollout->status);
    std::string pauses;
    for (const api::PauseCondition& pause : status.pause_conditions)
      pauses += fmt::format("{}@{}", pause.reason, std::chrono::floor<seconds>(now - *pause.start_time).count());
    EXPECT_EQ(pauses, one.pauses) << one.name;
    EXPECT_EQ(status.controller_pause, one.controller_pause) << one.name;
    EXPECT_EQ(status.abort, one.abort) << one.name;
    EXPECT_EQ(status.aborted_at ? formatTime(*status.aborted_at) : "", world.resolve(one.aborted_at)) << one.name;
  }
}

// A way back to a ReplicaSet that is still there. The clock that ran out is the one of the version before: where the
// specification aborts the new update with the old one's time (§18.13, its eighth row), it gets a time of its own.
TEST(CorePauses, ANewTemplateIsNotAbortedByTheClockOfTheOldOne) {
  PlanCase world(R"({"progressDeadlineAbort":true,"strategy":{"canary":{"steps":[{"setWeight":10}]}}})",
                 R"({"currentPodHash":"x","currentStepIndex":0,"abort":true,"abortedAt":"$-30","replicas":10,
                   "updatedReplicas":1,"readyReplicas":9,"availableReplicas":9,"conditions":[{"type":"Progressing",
                   "status":"False","reason":"ProgressDeadlineExceeded","message":"m","lastUpdateTime":"$-10","lastTransitionTime":"$-10"}]})",
                 {{"old", 9, 9}, {"$new", 1, 0, "2", 60}});
  const auto status = writtenStatus(world.plan());
  ASSERT_TRUE(status);
  EXPECT_EQ(status->current_pod_hash, world.hash);
  EXPECT_FALSE(status->abort);
  EXPECT_FALSE(status->aborted_at);
}

TEST(CorePauses, Durations) {  // spec/02 §18.13 #9
  const std::pair<std::string_view, std::int64_t> cases[] = {{"{}", 0},
                                                             {R"({"duration":10})", 10},
                                                             {R"({"duration":"10"})", 10},
                                                             {R"({"duration":"10s"})", 10},
                                                             {R"({"duration":"1h"})", 3600},
                                                             {R"({"duration":"1ms"})", 0},
                                                             {R"({"duration":"1z"})", -1},
                                                             {R"({"duration":"20000000000"})", -1}};
  for (const auto& [pause, expected] : cases) {
    const api::Rollout rollout = api::decodeRollout(
        PlanCase::parse(fmt::format(R"({{"spec":{{"strategy":{{"canary":{{"steps":[{{"pause":{}}}]}}}}}}}})", pause)));
    EXPECT_EQ(rollout.spec.canary->steps.at(0).pause->seconds(), expected) << pause;
  }
  PlanCase world(R"({"strategy":{"canary":{"steps":[{"pause":{"duration":0}},{"pause":{}}]}}})",
                 R"({"controllerPause":true,"pauseConditions":[{"reason":"CanaryPauseStep","startTime":"$-1"}]})",
                 {{"old", 10, 10}, {.hash = "$new", .revision = "2", .age = 60}});
  ensureObject(world.rollout, {"status"})["currentStepIndex"] = 0;
  EXPECT_TRUE(std::ranges::any_of(eventsOf(world.plan(), "RolloutStepCompleted"),
                                  [](const auto& event) { return event.contains("1/2 completed (pause: 0)"); }) ||
              world.plan().look_again);
}

// Paused, resumed and retried: the conditions follow, but not before the new spec was looked at.
TEST(CorePauses, AreMirrored) {  // spec/02 §6.5, spec/02 §19 #17
  const auto progressing = [](std::string_view reason) {
    return fmt::format(
        R"("conditions":[{{"type":"Progressing","status":"Unknown","reason":"{}","message":"m","lastUpdateTime":"$-10","lastTransitionTime":"$-10"}}])",
        reason);
  };
  const std::string spec = R"({"strategy":{"canary":{"steps":[{"setWeight":10},{"pause":{}}]}}})";
  const std::vector<Set> sets = {{"old", 9, 9}, {"$new", 1, 1, "2", 60}};
  struct Case {
    std::string status;
    std::string_view progressing, paused;
  };
  const Case cases[] = {
      {R"({"currentStepIndex":1,"controllerPause":true,"pauseConditions":[{"reason":"CanaryPauseStep","startTime":"$-10"}],)" +
           progressing("ReplicaSetUpdated") + "}",
       "Unknown RolloutPaused: Rollout is paused", "True RolloutPaused: Rollout is paused"},
      {R"({"currentStepIndex":1,"controllerPause":true,)" + progressing("RolloutPaused") + "}",
       "True ReplicaSetUpdated", ""},
      {R"({"currentStepIndex":0,)" + progressing("RolloutPaused") + "}", "Unknown RolloutResumed: Rollout is resumed",
       ""},
      {R"({"currentStepIndex":0,"abortedAt":"$-10",)" + progressing("RolloutAborted") + "}",
       "Unknown RolloutRetry: Retrying Rollout after abort", ""},
  };
  for (const Case& one : cases) {
    // Where nothing follows at once what was mirrored stays to be seen.
    const bool starts = one.status.contains(R"("currentStepIndex":0)");
    const std::vector<Set> before = {{"old", 10, 10}, {.hash = "$new", .revision = "2", .age = 60}};
    PlanCase world(spec, one.status, starts ? before : sets);
    if (starts) {
      mergePatch(world.rollout["status"],
                 PlanCase::parse(R"({"replicas":10,"readyReplicas":10,"availableReplicas":10})"));
    }
    const auto status = writtenStatus(world.plan());
    const std::optional<api::Condition> about = conditionOf(status, "Progressing");
    ASSERT_TRUE(about) << one.status;
    EXPECT_TRUE(fmt::format("{} {}: {}", about->status, about->reason, about->message).starts_with(one.progressing))
        << about->reason;
    if (one.paused.empty()) continue;
    const std::optional<api::Condition> paused = conditionOf(status, "Paused");
    ASSERT_TRUE(paused);
    EXPECT_EQ(fmt::format("{} {}: {}", paused->status, paused->reason, paused->message), one.paused);
  }
  // Completed updates have no Progressing to mirror in; an abort that stands is left alone.
  PlanCase completed(R"({"paused":true})", R"({"stableRS":"$new",)" + progressing("NewReplicaSetAvailable") + "}",
                     {{"$new", 10, 10, "2", 60}});
  const auto status = writtenStatus(completed.plan());
  EXPECT_EQ(conditionOf(status, "Progressing")->reason, "NewReplicaSetAvailable");
  EXPECT_EQ(conditionOf(status, "Paused")->status, "True");
}

// --- promotion ---

TEST(CorePromotion, Reasons) {
  struct Case {
    std::string_view name;
    std::string spec, status;
    std::vector<Set> sets;
    std::string_view reason;  // "" for none
    std::string_view active = {};
  };
  const std::string threshold =
      R"({"strategy":{"canary":{"steps":[{"setWeight":10}],"replicaProgressThreshold":{"type":"Percent","value":90}}}})";
  const std::string steps = R"({"strategy":{"canary":{"steps":[{"setWeight":10}]}}})";
  const std::string blue_green = R"({"replicas":1,"strategy":{"blueGreen":{"activeService":"active"}}})";
  const auto fresh = [](std::int64_t available) { return Set{"$new", 10, available, "2", 60}; };
  const Set stable{"old", 0, 0};
  const Case cases[] = {
      {"spec/02 §18.14 #1", steps, R"({"currentStepIndex":1})", {stable, fresh(9)}, ""},
      {"spec/02 §18.14 #2", threshold, R"({"currentStepIndex":1})", {stable, fresh(9)}, "Completed all 1 canary steps"},
      {"spec/02 §18.14 #2: 8 of 10", threshold, R"({"currentStepIndex":1})", {stable, fresh(8)}, ""},
      {"spec/02 §18.14 #3",
       R"({"replicas":1,"strategy":{"canary":{"steps":[{"setWeight":10}]}}})",
       R"({"currentStepIndex":1})",
       {stable, {.hash = "$new", .size = 2, .available = 2, .revision = "2", .age = 60}},
       "Completed all 1 canary steps"},
      {"spec/02 §18.14 #4",
       R"({"rollbackWindow":{"revisions":1},"strategy":{"canary":{"steps":[{"pause":{}}]}}})",
       R"({"currentStepIndex":1})",
       {{"old", 10, 10, "2", 60}, {"$new", 10, 10, "3", 3600}},
       "Rollback within window"},
      {"spec/02 §18.14 #5", "{}", "{}", {stable, fresh(10)}, "Completed all 0 canary steps"},
      {"spec/02 §18.14 #6", blue_green, R"({"stableRS":null})", {{"$new", 1, 1, "1", 60}}, "Initial deploy", "none"},
      {"spec/02 §18.14 #7",
       blue_green,
       R"({"promoteFull":true,"blueGreen":{"activeSelector":"$new"}})",
       {{"old", 1, 1}, {"$new", 1, 1, "2", 60}},
       "Full promotion requested",
       "$new"},
      // §5.8: aborted comes before everything but an initial deployment.
      {"aborted", "{}", R"({"abort":true})", {stable, fresh(10)}, ""},
      {"the stable one is gone: spec/02 §19 #21", steps, R"({"currentStepIndex":0})", {fresh(0)}, "Initial deploy"},
      {"back at the stable one",
       steps,
       R"({"stableRS":"$new","currentStepIndex":1,"currentPodHash":"other"})",
       {{"$new", 10, 10, "3", 3600}},
       ""},
  };
  for (const Case& one : cases) {
    PlanCase world(one.spec, one.status, one.sets);
    if (!one.active.empty()) world.service("active", one.active == "none" ? "" : one.active);
    const auto events = eventsOf(world.plan(), "RolloutCompleted");
    ASSERT_EQ(events.size(), one.reason.empty() ? 0U : 1U) << one.name;
    if (one.reason.empty()) continue;
    EXPECT_EQ(events[0], fmt::format("Normal RolloutCompleted: Rollout completed update to revision {} ({}): {}",
                                     one.sets.back().revision, world.hash, one.reason))
        << one.name;
  }
}

// --- the patch ---

json::object patchOf(const PlanCase& world, TimePoint when = now) {
  const Plan made = plan(world.snapshot(), when);
  const auto status = writtenStatus(made);
  return status ? api::statusPatch(world.snapshot().rollout->status, *status) : json::object();
}

std::string withoutConditions(json::object patch) {
  ensureObject(patch, {"status"}).erase("conditions");
  std::map<std::string, json::value, std::less<>> sorted;
  for (const auto& member : ensureObject(patch, {"status"})) sorted.emplace(member.key(), member.value());
  std::string text;
  for (const auto& [key, value] : sorted) text += fmt::format("{}={} ", key, json::serialize(value));
  return text;
}

// A status that a settled Rollout has written itself.
constexpr std::string_view settled_conditions = R"("conditions":[
  {"type":"Progressing","status":"True","reason":"NewReplicaSetAvailable","message":"m","lastUpdateTime":"$-60","lastTransitionTime":"$-60"},
  {"type":"Healthy","status":"True","reason":"RolloutHealthy","message":"m","lastUpdateTime":"$-60","lastTransitionTime":"$-60"},
  {"type":"Available","status":"True","reason":"AvailableReason","message":"m","lastUpdateTime":"$-60","lastTransitionTime":"$-60"},
  {"type":"Completed","status":"True","reason":"RolloutCompleted","message":"RolloutCompleted","lastUpdateTime":"$-60","lastTransitionTime":"$-60"}])";

TEST(CoreStatusPatch, Shapes) {  // spec/02 §5.9, spec/02 §19 #10, spec/02 §19 #1
  const std::string counters =
      R"("replicas":10,"updatedReplicas":10,"readyReplicas":10,"availableReplicas":10,"HPAReplicas":10,"selector":"app=web",)";
  {
    PlanCase world("{}", fmt::format(R"({{"stableRS":"$new","phase":"Healthy",{}{}}})", counters, settled_conditions),
                   {{"$new", 10, 10, "2", 60}});
    EXPECT_EQ(patchOf(world), json::object()) << "settled";
    ensureObject(world.rollout, {"metadata"})["generation"] = 123;
    EXPECT_EQ(json::serialize(patchOf(world)), R"({"status":{"observedGeneration":"123"}})") << "spec/02 §18.18 #1";
  }
  const std::string steps =
      R"({"strategy":{"canary":{"steps":[{"pause":{"duration":10}},{"setWeight":10},{"pause":{}}]}}})";
  const std::string two =
      R"("replicas":10,"readyReplicas":10,"availableReplicas":10,"HPAReplicas":10,"selector":"app=web",)";
  {
    PlanCase world(R"({"strategy":{"canary":{"steps":[{"pause":{}},{"setWeight":10},{"pause":{}}]}}})",
                   R"({"currentStepIndex":0,"controllerPause":true,"observedGeneration":"1",)" + two +
                       R"("message":"more replicas need to be updated","updatedReplicas":0})",
                   {{"old", 10, 10}, {.hash = "$new", .revision = "2", .age = 60}});
    EXPECT_EQ(withoutConditions(patchOf(world)), R"(controllerPause=null currentStepIndex=1 observedGeneration="2" )")
        << "spec/02 §18.18 #2";
  }
  {
    PlanCase world(steps,
                   R"({"currentStepIndex":0,"controllerPause":true,"phase":"Paused","message":"CanaryPauseStep",
                     "pauseConditions":[{"reason":"CanaryPauseStep","startTime":"$-11"}],)" +
                       two + R"("updatedReplicas":0})",
                   {{"old", 10, 10}, {.hash = "$new", .revision = "2", .age = 60}});
    // The end of a pause may rest for two seconds, until it has a neighbour.
    const std::string patch = withoutConditions(patchOf(world, now + seconds(5)));
    EXPECT_TRUE(patch.contains("controllerPause=null currentStepIndex=1 ")) << "spec/02 §18.18 #3: " << patch;
    EXPECT_TRUE(patch.contains("pauseConditions=null ")) << "spec/02 §18.18 #3: " << patch;
  }
  {
    PlanCase world(
        "{}",
        R"({"phase":"Progressing","message":"waiting for all steps to complete","duration":{"rolloutStartedAt":"$-60"},)" +
            counters + R"("conditions":[]})",
        {{"old", 0, 0}, {"$new", 10, 10, "2", 60}});
    EXPECT_EQ(
        withoutConditions(patchOf(world)),
        world.resolve(
            R"(duration={"finishedAt":"$-0","completionStatus":"Promoted"} message=null phase="Healthy" stableRS="$new" )"))
        << "spec/02 §18.18 #4";
  }
  {
    PlanCase world("{}",
                   fmt::format(R"({{"stableRS":"$new","phase":"Healthy","abort":true,"abortedAt":"$-60",{}{}}})",
                               counters, settled_conditions),
                   {{"$new", 10, 10, "2", 60}});
    EXPECT_EQ(withoutConditions(patchOf(world)), "abort=null abortedAt=null ") << "spec/02 §18.18 #5";
  }
}

// --- the progress deadline's clock ---

TEST(CoreStuckCheck, LooksAgainWhereAClockRuns) {
  struct Case {
    std::string_view name;
    std::string spec, status;
    std::optional<int> seconds_left;
  };
  const std::string same = R"("replicas":10,"updatedReplicas":1,"readyReplicas":9,"availableReplicas":9,)";
  const auto progressing = [](std::string_view reason, std::string_view type = "Progressing") {
    return fmt::format(
        R"("conditions":[{{"type":"{}","status":"True","reason":"{}","message":"m","lastUpdateTime":"$-10","lastTransitionTime":"$-10"}}])",
        type, reason);
  };
  const auto deadline = [](int seconds) {
    return fmt::format(
        R"({{"progressDeadlineSeconds":{},"strategy":{{"canary":{{"maxSurge":1,"maxUnavailable":0,"steps":[{{"setWeight":10}},{{"pause":{{}}}}]}}}}}})",
        seconds);
  };
  const Case cases[] = {
      {"spec/02 §18.19 #1: exceeded", deadline(20), "{" + same + progressing("ProgressDeadlineExceeded") + "}", {}},
      {"spec/02 §18.19 #1: paused",
       deadline(20),
       R"({"currentStepIndex":1,"controllerPause":true,"pauseConditions":[{"reason":"CanaryPauseStep","startTime":"$-10"}],)" +
           same + progressing("RolloutPaused") + "}",
       {}},
      // Exactly at its end a deadline isn't exceeded yet: a second later it is for certain.
      {"spec/02 §18.19 #2", deadline(10), "{" + same + progressing("ReplicaSetUpdated") + "}", 1},
      {"spec/02 §18.19 #3", deadline(20), "{" + same + progressing("ReplicaSetUpdated") + "}", 11},
  };
  for (const Case& one : cases) {
    PlanCase world(one.spec, one.status, {{"old", 9, 9}, {"$new", 1, 0, "2", 60}});
    const Plan made = world.plan();
    if (one.seconds_left) {
      EXPECT_EQ(made.look_again, now + seconds(*one.seconds_left)) << one.name;
    } else {
      EXPECT_FALSE(made.look_again) << one.name << " " << formatTime(*made.look_again);
    }
  }
  PlanCase healthy("{}", R"({"stableRS":"$new",)" + progressing("ReplicaSetUpdated") + "}",
                   {{"$new", 10, 10, "2", 60}});
  EXPECT_FALSE(healthy.plan().look_again) << "spec/02 §18.19 #1: healthy";
}

}  // namespace
}  // namespace crossfade::rollout
