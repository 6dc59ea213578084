// `explain`: the planner's own reasons, with what would unblock them.
#include "api/rollout.hpp"
#include "cli_fixture.hpp"

namespace crossfade::cli {
namespace {

constexpr std::string_view no_items = R"({"items":[]})";

struct World {
  std::string strategy, status, pods = "";
  std::int64_t new_available = 1;
};

std::string replicaSet(std::string_view name, std::string_view hash, std::string_view image, std::int64_t replicas,
                       std::int64_t available, int revision) {
  return fmt::format(
      R"({{"metadata":{{"name":"{0}","namespace":"web","uid":"uid-{0}","creationTimestamp":"2024-01-0{5}T00:00:00Z",
        "labels":{{"app":"x","rollouts-pod-template-hash":"{1}"}},"annotations":{{"rollout.argoproj.io/revision":"{5}",
        "rollout.argoproj.io/desired-replicas":"4"}},
        "ownerReferences":[{{"kind":"Rollout","name":"x","uid":"u","controller":true}}]}},
        "spec":{{"replicas":{3},"selector":{{"matchLabels":{{"app":"x"}}}},
        "template":{{"metadata":{{"labels":{{"app":"x"}}}},"spec":{{"containers":[{{"name":"app","image":"{2}"}}]}}}}}},
        "status":{{"replicas":{3},"readyReplicas":{4},"availableReplicas":{4}}}}})",
      name, hash, image, replicas, available, revision);
}

// A Rollout of four replicas with one pod of a new version; `status` is merged over what the controller wrote.
void answer(test::ScriptedTransport& transport, const World& world) {
  json::value rollout = parseJson(fmt::format(
                                      R"({{"metadata":{{"name":"x","namespace":"web","uid":"u","generation":2,
        "annotations":{{"rollout.argoproj.io/revision":"2"}}}},
        "spec":{{"replicas":4,"selector":{{"matchLabels":{{"app":"x"}}}},"strategy":{},
        "template":{{"metadata":{{"labels":{{"app":"x"}}}},"spec":{{"containers":[{{"name":"app","image":"b"}}]}}}}}},
        "status":{{"stableRS":"old","observedGeneration":"2","phase":"Progressing","replicas":4,
        "conditions":[{{"type":"Progressing","status":"True","reason":"ReplicaSetUpdated","message":"",
        "lastUpdateTime":"2023-12-31T23:55:00Z","lastTransitionTime":"2023-12-31T23:55:00Z"}}]}}}})",
                                      world.strategy))
                            .value();
  const api::Rollout decoded = api::decodeRollout(rollout.as_object());
  json::object& status = rollout.as_object()["status"].as_object();
  status["currentPodHash"] = decoded.template_hash;
  status["currentStepHash"] = decoded.step_hash;
  json::value merged = std::move(status);
  mergePatch(merged, parseJson(world.status).value());
  rollout.as_object()["status"] = std::move(merged);
  transport.answer(200, json::serialize(rollout));
  transport.answer(200, fmt::format(R"({{"items":[{},{}]}})", replicaSet("x-old", "old", "a", 3, 3, 1),
                                    replicaSet("x-new", decoded.template_hash, "b", 1, world.new_available, 2)));
  for (int kind = 0; kind < 3; ++kind) transport.answer(200, std::string(no_items));  // Services, runs, experiments
  transport.answer(200, fmt::format(R"({{"items":[{}]}})", world.pods));
}

TEST_F(CliTest, ExplainsAPause) {
  answer(*transport, {.strategy = R"({"canary":{"steps":[{"setWeight":25},{"pause":{}}]}})",
                      .status = R"({"currentStepIndex":1,"phase":"Paused","message":"CanaryPauseStep",
                        "controllerPause":true,"pauseConditions":[{"reason":"CanaryPauseStep",
                        "startTime":"2023-12-31T23:57:00Z"}]})"});
  const Outcome done = run("explain x");
  EXPECT_EQ(done.exit_code, 0) << done.err;
  EXPECT_TRUE(done.out.starts_with("x: Paused - CanaryPauseStep\n")) << done.out;
  EXPECT_TRUE(done.out.contains("  x-new (new): 1 of 1 pods available, 1 wanted\n")) << done.out;
  EXPECT_TRUE(done.out.contains("  step 1/2\n")) << done.out;
  EXPECT_TRUE(
      done.out.contains(": Step 2/2 (pause) lasts until somebody promotes.\n"
                        "  Unblocked by: `promote x`; `abort x` goes back\n"))
      << done.out;
  EXPECT_FALSE(done.out.contains("About to")) << done.out;
}

TEST_F(CliTest, ExplainsWhichPodsAreWaitedFor) {
  const std::string pod = R"({"metadata":{"name":"x-new-1","namespace":"web","creationTimestamp":"2023-12-31T23:58:00Z",
      "ownerReferences":[{"kind":"ReplicaSet","name":"x-new","uid":"uid-x-new","controller":true}]},
      "status":{"phase":"Pending","containerStatuses":[{"name":"app","ready":false,
      "state":{"waiting":{"reason":"ImagePullBackOff"}}}]}})";
  answer(*transport, {.strategy = R"({"canary":{"steps":[{"setWeight":25},{"pause":{}}]}})",
                      .status = R"({"currentStepIndex":0})",
                      .pods = pod,
                      .new_available = 0});
  const Outcome done = run("explain x");
  EXPECT_TRUE(done.out.contains("Step 1/2 (setWeight: 25) waits for its pods")) << done.out;
  EXPECT_TRUE(done.out.contains("  pod x-new-1 ImagePullBackOff, for ")) << done.out;
  EXPECT_TRUE(done.out.contains("  Unblocked by: pods that become available")) << done.out;
}

TEST_F(CliTest, ExplainsWhatIsStillToBeDone) {  // no controller runs: what it would do is told
  answer(*transport, {.strategy = R"({"canary":{"steps":[{"setWeight":50},{"pause":{}}]}})",
                      .status = R"({"currentStepIndex":0})"});
  EXPECT_TRUE(run("explain x").out.contains("About to scale ReplicaSet x-"));
}

TEST_F(CliTest, ExplainsAnAbort) {
  answer(*transport, {.strategy = R"({"canary":{"steps":[{"setWeight":25},{"pause":{}}]}})",
                      .status = R"({"currentStepIndex":0,"abort":true,"abortedAt":"2023-12-31T23:59:00Z",
                        "phase":"Degraded","message":"RolloutAborted: x","conditions":[{"type":"Progressing",
                        "status":"False","reason":"RolloutAborted","message":"x"}]})"});
  EXPECT_TRUE(run("explain x").out.contains("  Unblocked by: `retry rollout x`, or another pod template\n"));
}

TEST_F(CliTest, ExplainOfAMissingRollout) {
  transport->answer(404, statusBody(404, "NotFound", "rollouts.argoproj.io \"x\" not found"));
  const Outcome done = run("explain x");
  EXPECT_EQ(done.exit_code, 1);
  EXPECT_TRUE(done.err.contains("\"x\" not found")) << done.err;
}

}  // namespace
}  // namespace crossfade::cli
