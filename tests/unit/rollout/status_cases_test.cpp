// Phases, conditions and delays: the worked cases of spec/01 §10.3 to §10.5 that a status decides.
#include "rollout/status.hpp"

#include "support/deployed.hpp"

namespace crossfade::rollout {
namespace {

using test::deployed;
using test::PlannerWorld;

json::object object(std::string_view text) { return PlannerWorld::object(text); }

// --- phase and message (spec/01 §3.5) ---

// "Phase: message" of a Rollout with 5 replicas, everything updated, available and promoted; then changed by patches.
std::string phaseOf(std::string_view spec_patch, std::string_view status_patch) {
  json::value spec = object(R"({"replicas":5,"strategy":{"canary":{}}})");
  json::value status = object(R"({"replicas":5,"updatedReplicas":5,"availableReplicas":5,"currentPodHash":"new",
      "stableRS":"new","blueGreen":{"activeSelector":"new"}})");
  mergePatch(spec, object(spec_patch));
  mergePatch(status, object(status_patch));
  api::Rollout rollout = api::decodeRollout({{"spec", spec}, {"status", status}});
  updatePhase(rollout.spec, rollout.spec.replicasOrDefault(), rollout.status);
  return rollout.status.phase + (rollout.status.message.empty() ? "" : ": " + rollout.status.message);
}

TEST(Phase, WorkedCases) {
  constexpr std::string_view exceeded = R"({"type":"Progressing","status":"False","reason":"ProgressDeadlineExceeded",
      "message":"M1"})";
  constexpr std::string_view invalid =
      R"({"type":"InvalidSpec","status":"True","reason":"InvalidSpec","message":"M2"})";
  const auto conditions = [](std::string_view one, std::string_view other) {
    return fmt::format(R"({{"conditions":[{},{}]}})", one, other);
  };
  constexpr std::string_view paused = R"({"pauseConditions":[{"reason":"CanaryPauseStep","startTime":null}]})";
  constexpr std::string_view blue_green = R"({"strategy":{"canary":null,"blueGreen":{"activeService":"a"}}})";
  struct Case {
    std::string_view id, spec;
    std::string status;
    std::string_view expected;
  };
  const Case cases[] = {
      // spec/01 §10.4 P3-P14, spec/01 §11 #22
      {"P3", "{}", conditions(exceeded, invalid), "Degraded: ProgressDeadlineExceeded: M1"},
      {"P4", "{}", conditions(invalid, exceeded), "Degraded: InvalidSpec: M2"},
      {"P5", R"({"paused":true})", std::string(paused), "Paused: manually paused"},
      {"P6", "{}", std::string(paused), "Paused: CanaryPauseStep"},
      {"P7", R"({"restartAt":"2024-05-01T12:00:00Z"})", R"({"restartedAt":"2024-05-01T11:00:00Z"})",
       "Progressing: rollout is restarting"},
      {"P8", "{}", R"({"updatedReplicas":3})", "Progressing: more replicas need to be updated"},
      {"P9", "{}", R"({"availableReplicas":4})", "Progressing: updated replicas are still becoming available"},
      {"P10", R"({"replicas":5})", R"({"replicas":6,"updatedReplicas":5,"availableReplicas":6})",
       "Progressing: old replicas are pending termination"},
      {"P11", R"({"strategy":{"canary":{"trafficRouting":{}}}})", R"({"replicas":6,"availableReplicas":6})", "Healthy"},
      {"P12", "{}", R"({"stableRS":"old"})", "Progressing: waiting for all steps to complete"},
      {"P13", blue_green, R"({"blueGreen":{"activeSelector":"old"}})", "Progressing: active service cutover pending"},
      {"P14",
       R"({"strategy":{"canary":null,"blueGreen":{"activeService":"a","postPromotionAnalysis":{"templates":[{"templateName":"t"}]}}}})",
       R"({"stableRS":"old","blueGreen":{"postPromotionAnalysisRunStatus":{"name":"r","status":"Running"}}})",
       "Progressing: waiting for analysis to complete"},
      // Beyond the worked cases.
      {"#7", blue_green, R"({"stableRS":"old"})", "Progressing: waiting for post-promotion verification to complete"},
      {"#7",
       R"({"strategy":{"canary":null,"blueGreen":{"activeService":"a","postPromotionAnalysis":{"templates":[{"templateName":"t"}]}}}})",
       R"({"stableRS":"old","blueGreen":{"postPromotionAnalysisRunStatus":{"name":"r","status":"Successful"}}})",
       "Progressing: waiting for post-promotion verification to complete"},
      {"#7", blue_green, R"({"blueGreen":{"activeSelector":null}})", "Progressing: active service cutover pending"},
      {"#8", "{}", R"({"stableRS":null})", "Progressing: waiting for all steps to complete"},
      {"#5", R"({"replicas":null})", R"({"updatedReplicas":null})", "Progressing: more replicas need to be updated"},
      {"#4, the same instant", R"({"restartAt":"2024-05-01T14:00:00+02:00"})",
       R"({"restartedAt":"2024-05-01T12:00:00Z"})", "Healthy"},
  };
  for (const auto& [id, spec, status, expected] : cases) EXPECT_EQ(phaseOf(spec, status), expected) << id;
}

// --- conditions (spec/01 §3.4) ---

const TimePoint then = *parseTime("2024-05-01T11:00:00Z"), now = *parseTime("2024-05-01T12:00:00Z");

std::vector<api::Condition> twoConditions() {
  std::vector<api::Condition> conditions;
  setCondition(conditions, then, "Available", "True", "AvailableReason", "ok");
  setCondition(conditions, then, "Progressing", "True", "ReplicaSetUpdated", "A");
  return conditions;
}

std::string shown(const std::vector<api::Condition>& conditions) {
  std::string text;
  for (const api::Condition& condition : conditions) {
    text += fmt::format("{}{} {} {} since {}", text.empty() ? "" : ", ", condition.type, condition.status,
                        condition.message, condition.last_transition == now ? "now" : "then");
  }
  return text;
}

TEST(Conditions, SettingOne) {
  std::vector<api::Condition> conditions = twoConditions();
  EXPECT_FALSE(setCondition(conditions, now, "Progressing", "True", "ReplicaSetUpdated", "B"));
  EXPECT_EQ(conditions, twoConditions()) << "spec/01 §10.5 X1";
  EXPECT_TRUE(setCondition(conditions, now, "Progressing", "False", "RolloutAborted", "C"));
  EXPECT_EQ(shown(conditions), "Available True ok since then, Progressing False C since now") << "spec/01 §10.5 X2";
  conditions = twoConditions();
  EXPECT_TRUE(setCondition(conditions, now, "Available", "False", "AvailableReason", "no"));
  EXPECT_EQ(shown(conditions), "Progressing True A since then, Available False no since now") << "spec/01 §10.5 X3";
  EXPECT_TRUE(setCondition(conditions, now, "Progressing", "True", "NewReplicaSetAvailable", "D"));
  EXPECT_EQ(shown(conditions), "Available False no since now, Progressing True D since then")
      << "the same status keeps the time of its transition";
  EXPECT_EQ(conditions.back().last_update, now);
}

// --- an invalid Rollout (spec/01 §6.9) ---

TEST(InvalidSpec, IsWrittenOncePerMessage) {  // spec/01 §10.5 X12
  PlannerWorld world = deployed(R"({"canary":{}})", 2);
  world.edit(R"({"spec":{"minReadySeconds":-1}})");
  EXPECT_EQ(world.step(), 1U);
  EXPECT_EQ(world.phase(),
            "Degraded: InvalidSpec: The Rollout \"web\" is invalid: spec.minReadySeconds: Invalid value: -1: must be "
            "greater than or equal to 0");
  const std::size_t count = getArray(world.rollout, {"status", "conditions"})->size();
  EXPECT_EQ(world.step(), 0U) << "the same message again";
  world.edit(R"({"spec":{"minReadySeconds":-2}})");
  EXPECT_EQ(world.step(), 1U);
  const json::array& conditions = *getArray(world.rollout, {"status", "conditions"});
  EXPECT_EQ(conditions.size(), count);
  EXPECT_EQ(getString(conditions.back().get_object(), {"type"}), "InvalidSpec");
  EXPECT_TRUE(getString(conditions.back().get_object(), {"message"}).contains("-2"));
  EXPECT_EQ(world.step(), 0U);
}

// spec/01 §11 #33: nothing but the status is touched, and of that only what says so; no event. spec/01 §11 #34: it is
// looked at again within 20 seconds.
TEST(InvalidSpec, LeavesEverythingElseAlone) {
  PlannerWorld world = deployed(
      R"({"canary":{"canaryService":"canary","stableService":"stable","trafficRouting":{"plugins":{"x":{}}},
        "steps":[{"setWeight":20},{"pause":{}}]}})",
      10);
  world.setImage("web:2");
  world.run();
  ASSERT_EQ(world.phase(), "Paused: CanaryPauseStep");
  world.edit(R"({"spec":{"replicas":20,"strategy":{"canary":{"stableService":"gone"}}}})");
  world.promote();
  world.writes.clear();
  world.events.clear();
  EXPECT_EQ(world.step(), 1U);
  ASSERT_TRUE(world.writes[0].starts_with("status "));
  const json::object written = object(world.writes[0].substr(7));
  for (const auto& [field, value] : *getObject(written, {"status"}))
    EXPECT_TRUE(field == "conditions" || field == "message" || field == "observedGeneration" || field == "phase")
        << field;
  EXPECT_EQ(world.phase(),
            "Degraded: InvalidSpec: The Rollout \"web\" is invalid: spec.strategy.canary.stableService: Invalid value: "
            "\"gone\": service \"gone\" not found");
  EXPECT_FALSE(world.last.look_again) << "retried with back-off, and the Service's watch tells when it comes";
  EXPECT_EQ(world.size("web:1"), 10);
  EXPECT_EQ(world.size("web:2"), 2);
  world.addService("gone");
  world.run(minutes(2));
  EXPECT_EQ(world.phase(), "Healthy") << "promoted while it was invalid";
}

// spec/01 §11 #18: an empty selector matches everything, so the spec is judged before anything is adopted.
TEST(InvalidSpec, ClaimsNothing) {
  PlannerWorld world = deployed(R"({"canary":{}})", 2);
  PlannerWorld other(R"({"canary":{}})", 2);
  other.replica_sets = world.replica_sets;
  for (auto& [name, rs] : other.replica_sets) ensureObject(rs, {"metadata"}).erase("ownerReferences");
  other.edit(R"({"spec":{"selector":{"matchLabels":null}}})");
  other.step();
  EXPECT_EQ(
      other.last.invalid,
      "The Rollout \"web\" is invalid: spec.selector: Invalid value: {}: empty selector is invalid for deployment");
  ASSERT_EQ(other.writes.size(), 1U);
  EXPECT_TRUE(other.writes[0].starts_with("status "));
}

TEST(InvalidSpec, TheOrderOfReferences) {
  PlannerWorld world(R"({"canary":{"canaryService":"canary","stableService":"stable","trafficRouting":{"nginx":{}}}})");
  world.addService("stable");
  Snapshot snapshot = world.snapshot();
  snapshot.missing_reference = "a template is missing";
  snapshot.reference_error = "a template is wrong";
  const auto error = [&] {
    return plan(snapshot, world.now).invalid->substr(strlen("The Rollout \"web\" is invalid: "));
  };
  EXPECT_TRUE(error().starts_with("spec.strategy.canary.canaryService: ")) << error();
  const auto foreign = std::make_shared<api::Service>(api::decodeService(object(R"({"spec":{"selector":{"x":"y"}}})")));
  snapshot.services["canary"] = foreign;
  EXPECT_EQ(error(), "a template is missing");
  snapshot.missing_reference.reset();
  EXPECT_TRUE(error().starts_with("spec.strategy.canary.trafficRouting.nginx: ")) << error();
  world.edit(R"({"spec":{"strategy":{"canary":{"trafficRouting":{"nginx":{"stableIngress":"i"}}}}}})");
  snapshot.rollout = world.snapshot().rollout;
  EXPECT_TRUE(error().ends_with("Service \"canary\" has unmatch label \"x\" in rollout")) << error();
  snapshot.services["canary"] = snapshot.services["stable"];
  EXPECT_EQ(error(), "a template is wrong");
}

// --- defaults and delays (spec/01 §5) ---

struct Delays {
  std::int64_t after_success;
  std::optional<std::int64_t> after_abort;
  bool explicit_value;
  bool operator==(const Delays&) const = default;
};

Delays delaysOf(std::string_view strategy) {
  Snapshot snapshot;
  snapshot.rollout = std::make_shared<api::Rollout>(
      api::decodeRollout(object(fmt::format(R"({{"spec":{{"strategy":{}}}}})", strategy))));
  const Desired desired;
  const Facts facts{.snapshot = snapshot,
                    .rollout = *snapshot.rollout,
                    .status = snapshot.rollout->status,
                    .desired = desired,
                    .now = {},
                    .replicas = 1,
                    .world = {},
                    .new_index = std::nullopt,
                    .stable_index = std::nullopt};
  const AbortDelay abort = abortScaleDownDelay(facts);
  return {scaleDownDelaySeconds(facts), abort.seconds, abort.explicit_value};
}

TEST(Delays, WorkedCases) {
  struct Case {
    std::string_view id, strategy;
    Delays expected;
  };
  const Case cases[] = {
      // spec/01 §10.3 D2-D6, spec/01 §11 #9, spec/01 §11 #12, spec/01 §11 #13
      {"D2", R"({"blueGreen":{"activeService":"a"}})", {30, 30, false}},
      {"D3", R"({"blueGreen":{"activeService":"a","abortScaleDownDelaySeconds":0}})", {30, std::nullopt, false}},
      {"D4", R"({"canary":{"trafficRouting":{},"abortScaleDownDelaySeconds":60}})", {30, 60, true}},
      {"D5", R"({"canary":{"abortScaleDownDelaySeconds":60}})", {0, 0, false}},
      {"D6", R"({"canary":{"trafficRouting":{}}})", {30, 30, false}},
      {"5.2", R"({"blueGreen":{"scaleDownDelaySeconds":7,"abortScaleDownDelaySeconds":8}})", {7, 8, true}},
      {"5.2", R"({"canary":{"trafficRouting":{},"scaleDownDelaySeconds":0}})", {0, 30, false}},
      {"5.2", R"({"canary":{"scaleDownDelaySeconds":9}})", {0, 0, false}},
      {"5.2", R"({"canary":{"trafficRouting":{},"abortScaleDownDelaySeconds":0}})", {30, std::nullopt, false}},
  };
  for (const auto& [id, strategy, expected] : cases) EXPECT_EQ(delaysOf(strategy), expected) << id << strategy;
}

// A delay of zero scales down at once, and nothing is looked at again for it. spec/01 §5.2.
TEST(Delays, ZeroMeansAtOnce) {
  PlannerWorld world = deployed(R"({"blueGreen":{"activeService":"active","scaleDownDelaySeconds":0}})", 2);
  world.setImage("web:2");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.size("web:1"), 0);
  EXPECT_EQ(world.step(), 0U);
  EXPECT_EQ(world.last.look_again, std::nullopt);
}

// spec/01 §10.3 D1, spec/01 §11 #14: not before the spec was found valid and the first ReplicaSet was made.
TEST(Replicas, AreDefaultedByAWrite) {
  PlannerWorld world(R"({"canary":{"stableService":"stable"}})");
  world.rollout["spec"].as_object().erase("replicas");
  world.run();
  EXPECT_EQ(find(world.rollout, {"spec", "replicas"}), nullptr) << "invalid: no default";
  world.addService("stable");
  world.writes.clear();
  for (int pass = 0; pass < 3; ++pass) world.step();
  EXPECT_TRUE(world.writes[0].starts_with("create web-")) << world.writes[0];
  EXPECT_EQ(getInt(world.rollout, {"spec", "replicas"}, -1), 1);
  EXPECT_EQ(getInt(world.rollout, {"metadata", "generation"}), 2);
  EXPECT_EQ(getString(*world.rsOf("web:1"), {"metadata", "annotations", "rollout.argoproj.io/desired-replicas"}), "1");
  EXPECT_EQ(world.size("web:1"), 1);
}

// --- malformed objects (spec/01 §9) ---

constexpr std::string_view unreadable = R"({"spec":{"template":{"spec":{"containers":[{"name":"app","image":"web:1",
    "resources":{"requests":{"memory":"64M i"}}}]}}}})";

// Where the pods run already nothing is lost: it is reconciled, with its status, and said once.
TEST(Malformed, RunsOnAndIsReported) {  // spec/01 §11 #32
  PlannerWorld world = deployed(R"({"canary":{}})", 2);
  const std::string status = json::serialize(world.rollout.at("status"));
  world.edit(unreadable);
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.status("stableRS"), world.hash("web:1"));
  EXPECT_EQ(world.status("observedGeneration"), "2");
  ASSERT_EQ(world.events.size(), 1U);
  EXPECT_TRUE(
      world.events[0].starts_with("MalformedObject: Can't be read and is left out: "
                                  "spec.template.spec.containers[0].resources.requests.memory: a quantity"))
      << world.events[0];
  EXPECT_EQ(world.step(), 0U);
  for (const std::string& write : world.writes)
    EXPECT_TRUE(write.starts_with("status ") || write.starts_with("event ")) << write;
}

// A template from which something had to be dropped is not rolled out.
TEST(Malformed, IsNotRolledOut) {
  PlannerWorld world = deployed(R"({"canary":{}})", 2);
  world.edit(unreadable);
  world.edit(R"({"spec":{"template":{"metadata":{"annotations":{"x":"y"}}}}})");
  world.run();
  EXPECT_EQ(world.replica_sets.size(), 1U);
  EXPECT_TRUE(
      world.phase().starts_with("Degraded: InvalidSpec: The Rollout \"web\" is invalid: "
                                "spec.template.spec.containers[0].resources.requests.memory: a quantity"))
      << world.phase();
  EXPECT_EQ(world.events.size(), 1U);
  world.run(minutes(1));
  EXPECT_EQ(world.events.size(), 1U) << "said once";
}

}  // namespace
}  // namespace crossfade::rollout
