// Decoding, the status and its patches, pause durations, malformed objects. spec/01 §8.3, §9, §10.2, §10.5.
#include "api/rollout.hpp"

#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "api/analysis.hpp"
#include "api/workloads.hpp"

namespace crossfade::api {
namespace {

json::object object(std::string_view text) { return parseJson(text).value().as_object(); }
Rollout rollout(std::string_view text) { return decodeRollout(object(text)); }

TEST(PauseStep, Spec01_10_2) {
  // spec/01 §10.2 #1-#5
  const std::pair<std::string_view, std::int64_t> cases[] = {
      {"10", 10},          {"\"10\"", 10},       {"\"10s\"", 10}, {"\"1h\"", 3600},        {"\"1h30m\"", 5400},
      {"\"1.5m\"", 90},    {"\"1ms\"", 0},       {"\"0\"", 0},    {"\"1z\"", -1},          {"\"\"", -1},
      {"\"-30\"", -30},    {"\"-1ms\"", 0},      {"\"1d\"", -1},  {"\"20000000000\"", -1}, {"\"+10\"", 10},
      {"\"900000h\"", -1}, {"\"-900000h\"", -1}, {"-5", -5},
  };
  for (const auto& [duration, expected] : cases) {
    const Rollout made = rollout(
        fmt::format(R"({{"spec":{{"strategy":{{"canary":{{"steps":[{{"pause":{{"duration":{}}}}}]}}}}}}}})", duration));
    ASSERT_TRUE(made.spec.canary->steps[0].pause->duration) << duration;
    EXPECT_EQ(made.spec.canary->steps[0].pause->seconds(), expected) << duration;
  }
  const Rollout indefinite = rollout(R"({"spec":{"strategy":{"canary":{"steps":[{"pause":{}},{"pause":null}]}}}})");
  EXPECT_FALSE(indefinite.spec.canary->steps[0].pause->duration);
  EXPECT_EQ(indefinite.spec.canary->steps[0].pause->seconds(), 0);
  EXPECT_FALSE(indefinite.spec.canary->steps[1].pause) << "a null pause is no pause";
}

TEST(Rollout, AbsentAndZeroDiffer) {
  const Rollout absent = rollout(R"({"spec":{"strategy":{"canary":{}}}})");
  EXPECT_FALSE(absent.spec.replicas);
  EXPECT_EQ(absent.spec.replicasOrDefault(), 1);
  EXPECT_FALSE(absent.spec.canary->routed());
  EXPECT_FALSE(absent.has_status);
  const Rollout zero = rollout(R"({"spec":{"replicas":0,"strategy":{"canary":{"trafficRouting":{},
      "steps":[{"setWeight":0}]}}},"status":{"collisionCount":0,"canary":{"weights":{"verified":false}}}})");
  EXPECT_EQ(zero.spec.replicas, 0);
  EXPECT_TRUE(zero.spec.canary->routed()) << "an empty trafficRouting routes";
  EXPECT_EQ(zero.spec.canary->steps[0].set_weight, 0);
  EXPECT_TRUE(zero.has_status);
  EXPECT_EQ(zero.status.collision_count, 0);
  EXPECT_EQ(zero.status.canary.weights->verified, false);
  EXPECT_NE(absent.template_hash, zero.template_hash);
}

// spec/01 §11 #32: what can't be read is dropped and named; everything else stays, the status above all.
TEST(Rollout, MalformedLeavesAreDropped) {
  const Rollout made = rollout(R"({"metadata":{"name":"web"},"spec":{"replicas":"three","paused":true,
      "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"web","image":"nginx:1.19",
        "resources":{"requests":{"memory":"64Mi!"}}}]}},
      "strategy":{"canary":{"maxSurge":1.5,"steps":[7,{"setWeight":20}]}}},
      "status":{"stableRS":"abc","conditions":[{"type":"Available","lastUpdateTime":"yesterday"}]}})");
  EXPECT_EQ(
      made.malformed,
      (Malformed{"spec.replicas: an integer in range is expected, found \"three\"",
                 "spec.strategy.canary.maxSurge: an integer or a string is expected, found 1.5E0",
                 "spec.strategy.canary.steps[0]: an object is expected, found 7",
                 "status.conditions[0].lastUpdateTime: a time (RFC 3339) is expected, found \"yesterday\"",
                 "spec.template.spec.containers[0].resources.requests.memory: a quantity (quantities must match the "
                 "regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$') is expected, found \"64Mi!\""}))
      << fmt::format("{}", fmt::join(made.malformed, "\n"));
  EXPECT_TRUE(made.spec.paused);
  EXPECT_EQ(made.status.stable_rs, "abc");
  EXPECT_EQ(made.template_hash, "5658dcf497") << "hashed without the leaf";
  EXPECT_FALSE(made.spec.canary->max_surge);
  EXPECT_EQ(made.spec.canary->steps.size(), 1U);
  for (const char* text : {"{}", R"({"spec":7,"status":[],"metadata":"x"})", R"({"spec":{"strategy":{"canary":[]}}})",
                           R"({"spec":{"template":{"spec":{"containers":{}}}}})"}) {
    (void)rollout(text);
  }
}

TEST(Rollout, TimesAreInstantsOfWholeSeconds) {
  const Rollout made = rollout(R"({"spec":{"restartAt":"2024-05-01T14:00:00.75+02:00"},
      "status":{"restartedAt":"2024-05-01T12:00:00Z"}})");
  EXPECT_EQ(made.spec.restart_at, made.status.restarted_at);
}

TEST(Rollout, WorkloadRefHasNoHashOfItsOwn) {
  EXPECT_EQ(rollout(R"({"spec":{"workloadRef":{"kind":"Deployment","name":"d"}}})").template_hash, "");
  EXPECT_EQ(rollout(R"({"spec":{"strategy":{"blueGreen":{"activeService":"a"}}}})").step_hash, "");
  EXPECT_EQ(rollout(R"({"spec":{"strategy":{"canary":{}}}})").step_hash, "5ffbfbbd64");
}

TEST(RolloutStatus, EveryFieldSurvives) {
  const json::object status = object(R"({"abort":true,"abortedAt":"2024-05-01T12:00:00Z",
    "pauseConditions":[{"reason":"CanaryPauseStep","startTime":"2024-05-01T12:00:00Z"}],"controllerPause":true,
    "currentPodHash":"a","currentStepHash":"b","currentStepIndex":0,"replicas":5,"updatedReplicas":4,"readyReplicas":3,
    "availableReplicas":2,"HPAReplicas":5,"selector":"app=web","collisionCount":0,"observedGeneration":"7",
    "conditions":[{"type":"Progressing","status":"True","reason":"R","message":"M","lastUpdateTime":"2024-05-01T12:00:00Z",
      "lastTransitionTime":null}],
    "canary":{"currentStepAnalysisRunStatus":{"name":"r","status":"","message":"m"},
      "currentBackgroundAnalysisRunStatus":{"name":"q","status":"Running"},"currentExperiment":"e",
      "weights":{"canary":{"weight":0,"podTemplateHash":"a","serviceName":"c"},"stable":{"weight":100},
        "additional":[{"weight":1}],"verified":false},
      "stablePingPong":"ping","stepPluginStatuses":[{"index":0,"name":"p","operation":"Run"}]},
    "blueGreen":{"previewSelector":"a","activeSelector":"b","scaleUpPreviewCheckPoint":true,
      "prePromotionAnalysisRunStatus":{"name":"x","status":"Failed"},"postPromotionAnalysisRunStatus":{"name":"y","status":""}},
    "stableRS":"s","restartedAt":"2024-05-01T12:00:00Z","promoteFull":true,"phase":"Paused","message":"m",
    "workloadObservedGeneration":"3","alb":{"ingress":"i"},"albs":[{"ingress":"i"}],
    "duration":{"rolloutStartedAt":"2024-05-01T12:00:00Z","manualPauseStartedAt":"2024-05-01T12:00:00Z",
      "totalManualPauseDurationSeconds":0,"finishedAt":"2024-05-01T12:00:00Z","completionStatus":"Promoted"}})");
  const Rollout made = decodeRollout({{"status", status}});
  EXPECT_EQ(made.malformed, Malformed{});
  EXPECT_EQ(json::value(toJson(made.status)), json::value(status)) << json::serialize(toJson(made.status));
}

TEST(RolloutStatus, PatchesHoldTheDifferenceOnly) {  // spec/01 §11 #23
  RolloutStatus from;
  from.observed_generation = "1";
  from.pause_conditions = {{.reason = "CanaryPauseStep", .start_time = parseTime("2024-05-01T12:00:00Z")}};
  from.controller_pause = true;
  from.current_step_index = 1;
  RolloutStatus to = from;
  EXPECT_EQ(statusPatch(from, to), json::object());  // spec/01 §10.5 X6
  to.pause_conditions.clear();
  to.controller_pause = false;
  to.current_step_index = 2;
  EXPECT_EQ(json::value(statusPatch(from, to)),  // spec/01 §10.5 X5
            object(R"({"status":{"controllerPause":null,"currentStepIndex":2,"pauseConditions":null}})"));

  RolloutStatus first;
  first.current_pod_hash = "a";
  EXPECT_EQ(json::value(statusPatch({}, first)),
            object(R"({"status":{"currentPodHash":"a","canary":{},"blueGreen":{}}})"));
  RolloutStatus weighted = first;
  weighted.canary.weights = Weights{};
  EXPECT_EQ(json::value(statusPatch(weighted, first)), object(R"({"status":{"canary":{"weights":null}}})"));
}

TEST(FormatSelector, Spec01_3_2) {
  EXPECT_EQ(formatSelector(object(R"({"matchLabels":{"b":"2","a":"1"},  
      "matchExpressions":[{"key":"c","operator":"In","values":["y","x"]}]})")),
            "a=1,b=2,c in (x,y)");  // spec/01 §10.5 X4
  EXPECT_EQ(formatSelector(object(R"({"matchExpressions":[{"key":"c","operator":"In","values":["y"]},
      {"key":"b","operator":"NotIn","values":["z"]},{"key":"a","operator":"Exists"},{"key":"d","operator":"DoesNotExist"}]})")),
            "a,b notin (z),c in (y),!d");
  EXPECT_EQ(formatSelector({}), "<none>");
  EXPECT_EQ(formatSelector(object(R"({"matchExpressions":[{"key":"c","operator":"Like"}]})")), "<error>");
}

TEST(ReplicaSet, Decodes) {
  const ReplicaSet rs = decodeReplicaSet(object(R"({"metadata":{"name":"web-abc","uid":"u","generation":2,
      "labels":{"rollouts-pod-template-hash":"abc"},
      "annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{}","x":"y"},
      "ownerReferences":[{"kind":"Other","uid":"o"},{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","name":"web","uid":"r","controller":true}]},
      "spec":{"template":{"a":1}},
      "status":{"replicas":3,"availableReplicas":2,"conditions":[{"type":"ReplicaFailure","status":"True","message":"quota"}]}})"));
  EXPECT_EQ(rs.hash(), "abc");
  EXPECT_EQ(rs.replicas, 1) << "absent";
  EXPECT_EQ(rs.metadata.controller->uid, "r");
  EXPECT_EQ(rs.metadata.annotations, (Labels{{"x", "y"}}));
  EXPECT_EQ(rs.replica_failure->message, "quota");
  EXPECT_EQ(rs.pod_template.object(), object(R"({"a":1})"));
}

TEST(Pod, SaysWhatKubectlSays) {
  const auto pod = [](std::string_view status, std::string_view more = "") {
    return decodePod(object(fmt::format(
        R"({{"metadata":{{"name":"p"{}}},"spec":{{"containers":[{{"name":"a"}},{{"name":"b"}}],"initContainers":[{{"name":"i"}}]}},"status":{}}})",
        more, status)));
  };
  const Pod crashing = pod(
      R"({"phase":"Running","containerStatuses":[{"restartCount":3,"state":{"waiting":{"reason":"CrashLoopBackOff"}}},
      {"ready":true,"restartCount":1,"state":{"running":{}}}]})");
  EXPECT_EQ(crashing.reason, "CrashLoopBackOff");
  EXPECT_EQ(crashing.ready_containers, 1);
  EXPECT_EQ(crashing.containers, 2);
  EXPECT_EQ(crashing.restarts, 4);
  EXPECT_EQ(pod(R"({"phase":"Pending","initContainerStatuses":[{"state":{"terminated":{"exitCode":1}}}]})").reason,
            "Init:ExitCode:1");
  EXPECT_EQ(pod(R"({"phase":"Pending","initContainerStatuses":[{"state":{"running":{}}}]})").reason, "Init:0/1");
  EXPECT_EQ(pod(R"({"phase":"Running"})", R"(,"deletionTimestamp":"2024-05-01T12:00:00Z")").reason, "Terminating");
}

TEST(AnalysisRun, StatusSurvives) {
  const json::object status =
      object(R"({"phase":"Running","message":"m","startedAt":"2024-05-01T12:00:00Z","runSummary":{},
      "dryRunSummary":{"count":1},"metricResults":[{"name":"x","phase":"Successful","count":2,"successful":2,
      "consecutiveSuccess":2,"metadata":{"k":"v"},
      "measurements":[{"phase":"Successful","value":"[1]","finishedAt":"2024-05-01T12:00:00Z"}]}]})");
  const AnalysisRun run = decodeAnalysisRun({{"status", status}});
  EXPECT_EQ(run.malformed, Malformed{});
  EXPECT_EQ(json::value(toJson(run.status)), json::value(status));
}

TEST(AnalysisRun, ReadsIntOrStringsAsText) {
  const AnalysisRun run = decodeAnalysisRun(object(R"({"spec":{"args":[{"name":"a","value":""},{"name":"b"},
      {"name":"s","valueFrom":{"secretKeyRef":{"name":"n","key":"k"}}}],
      "metrics":[{"name":"m","count":"{{args.a}}","failureLimit":-1,"consecutiveErrorLimit":"","provider":{"web":{"url":"u"}}}]}})"));
  EXPECT_EQ(run.metrics[0].count, "{{args.a}}");
  EXPECT_EQ(run.metrics[0].failure_limit, "-1");
  EXPECT_EQ(run.metrics[0].consecutive_error_limit, "0") << "an empty text reads as 0, not as absent";
  EXPECT_EQ(run.metrics[0].inconclusive_limit, "");
  EXPECT_EQ(run.args[0].value, "");
  EXPECT_FALSE(run.args[1].value);
  EXPECT_EQ(run.args[2].secret_key, "k");
}

}  // namespace
}  // namespace crossfade::api
