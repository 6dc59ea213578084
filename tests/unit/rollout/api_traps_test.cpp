// The traps of spec/01 §11 that only a plan shows. Others stand with their subject: grep for "spec/01 §11".
#include "support/deployed.hpp"

namespace crossfade::rollout {
namespace {

using test::deployed;
using test::PlannerWorld;

constexpr std::string_view routed_pause =
    R"({"canary":{"canaryService":"canary","stableService":"stable","trafficRouting":{"plugins":{"x":{}}},
      "steps":[{"setWeight":20},{"pause":{}},{"setWeight":60},{"pause":{}}]}})";

std::string annotation(const json::object& object, std::string_view key) {
  return std::string(getString(object, {"metadata", "annotations", key}));
}

// What the scale subresource shows: of blue-green the active ReplicaSet alone, by a selector with its hash.
TEST(ApiTraps, ScaleSubresource) {  // spec/01 §11 #1
  PlannerWorld world = deployed(
      R"({"blueGreen":{"activeService":"active","previewService":"preview","autoPromotionEnabled":false}})", 3);
  world.setImage("web:2");
  world.run();
  ASSERT_EQ(world.phase(), "Paused: BlueGreenPause");
  EXPECT_EQ(world.number("replicas"), 6);
  EXPECT_EQ(world.number("HPAReplicas"), 3);
  EXPECT_EQ(world.status("selector"), "app=web,rollouts-pod-template-hash=" + world.hash("web:1"));

  PlannerWorld canary = deployed(R"({"canary":{"steps":[{"setWeight":50},{"pause":{}}],"maxSurge":1}})", 2);
  canary.setImage("web:2");
  canary.run();
  EXPECT_EQ(canary.number("HPAReplicas"), canary.number("replicas"));
  EXPECT_EQ(canary.status("selector"), "app=web");
}

TEST(ApiTraps, APauseOfZeroIsFinite) {  // spec/01 §11 #11
  for (const std::string_view duration : {"0", R"("0")", R"("1ms")", "1", R"("1")"}) {
    PlannerWorld world = deployed(
        fmt::format(R"({{"canary":{{"steps":[{{"setWeight":50}},{{"pause":{{"duration":{}}}}}]}}}})", duration), 2);
    world.setImage("web:2");
    world.run(minutes(1));
    EXPECT_EQ(world.phase(), "Healthy") << duration;
  }
  PlannerWorld world = deployed(R"({"canary":{"steps":[{"setWeight":50},{"pause":{}}]}})", 2);
  world.setImage("web:2");
  world.run(hours(1));
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");
  EXPECT_FALSE(parseGoDuration("10")) << "everywhere but in a pause ten needs a unit";
}

// A ReplicaSet that is found by its template keeps its label, and that is the hash from then on: no redeploy at a
// takeover.
TEST(ApiTraps, TheLabelOfTheFoundReplicaSetIsTheHash) {  // spec/01 §11 #16
  PlannerWorld world = deployed(R"({"blueGreen":{"activeService":"active"}})", 2);
  json::object rs = *world.rsOf("web:1");
  world.replica_sets.clear();
  ensureObject(rs, {"metadata", "labels"})["rollouts-pod-template-hash"] = "5f6c7d8b9";
  ensureObject(rs, {"spec", "template", "metadata", "labels"})["rollouts-pod-template-hash"] = "5f6c7d8b9";
  ensureObject(rs, {"spec", "selector", "matchLabels"})["rollouts-pod-template-hash"] = "5f6c7d8b9";
  // spec/01 §11 #15: what the API server filled in doesn't count.
  ensureObject(rs, {"spec", "template", "spec"})["dnsPolicy"] = "ClusterFirst";
  ensureObject(rs, {"spec", "template", "spec"})["terminationGracePeriodSeconds"] = 30;
  rs["metadata"].as_object()["name"] = "web-5f6c7d8b9";
  world.replica_sets["web-5f6c7d8b9"] = rs;
  world.patchStatus(R"({"stableRS":null,"currentPodHash":null,"blueGreen":null})");
  world.run();
  EXPECT_EQ(world.replica_sets.size(), 1U);
  EXPECT_EQ(world.status("currentPodHash"), "5f6c7d8b9");
  EXPECT_EQ(world.status("stableRS"), "5f6c7d8b9");
  EXPECT_EQ(world.selected("active"), "5f6c7d8b9");
  EXPECT_EQ(world.phase(), "Healthy");
}

// The workload's template is used and hashed, but no write to the Rollout holds it; the ReplicaSet gets it, and the
// generation it came from.
TEST(ApiTraps, AWorkloadsTemplateStaysWhereItIs) {  // spec/01 §11 #20
  PlannerWorld world(R"({"canary":{}})", 2);
  const json::object pod_template = *getObject(world.rollout, {"spec", "template"});
  world.edit(R"({"spec":{"replicas":null,"selector":null,"template":null,
      "workloadRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"web"}}})");
  Snapshot snapshot = world.snapshot();
  snapshot.workload = Workload{.pod_template = pod_template,
                               .selector = PlannerWorld::object(R"({"matchLabels":{"app":"web"}})"),
                               .generation = 7,
                               .error = {},
                               .replicas = 2};
  bool created = false, patched = false;
  for (const Action& action : plan(snapshot, world.now).actions) {
    if (const auto* create = std::get_if<CreateReplicaSet>(&action)) {
      created = true;
      EXPECT_EQ(annotation(create->body, "rollout.argoproj.io/workload-generation"), "7") << "spec/01 §11 #28";
      EXPECT_TRUE(find(create->body, {"spec", "template", "spec", "containers"}));
    }
    if (const auto* patch = std::get_if<PatchRollout>(&action)) {
      patched = true;
      EXPECT_EQ(find(patch->patch, {"spec", "template"}), nullptr);
      EXPECT_EQ(find(patch->patch, {"spec", "selector"}), nullptr);
      EXPECT_EQ(getInt(patch->patch, {"spec", "replicas"}), 1);
    }
  }
  EXPECT_TRUE(created && patched);
}

// Whatever kind the template came from: it is a Deployment of that name that is scaled down, and only while the first
// revision takes over.
TEST(ApiTraps, ScaleDownIsOfADeployment) {  // spec/01 §11 #21
  for (const std::string_view revision : {"1", "2"}) {
    PlannerWorld world = deployed(R"({"canary":{}})", 2);
    ensureObject(*world.rsOf("web:1"), {"metadata", "annotations"})["rollout.argoproj.io/revision"] = revision;
    const json::object pod_template = *getObject(world.rollout, {"spec", "template"});
    world.edit(R"({"spec":{"template":null,
        "workloadRef":{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"old","scaleDown":"onsuccess"}}})");
    Snapshot snapshot = world.snapshot();
    snapshot.workload =
        Workload{.pod_template = pod_template, .selector = {}, .generation = 1, .error = {}, .replicas = 2};
    int scaled = 0;
    for (const Action& action : plan(snapshot, world.now).actions) {
      const auto* scale = std::get_if<ScaleWorkload>(&action);
      if (!scale) continue;
      ++scaled;
      EXPECT_EQ(scale->deployment, "old");
      EXPECT_EQ(scale->replicas, 0);
    }
    EXPECT_EQ(scaled, revision == "1" ? 1 : 0);
  }
}

// `controllerPause` without a condition is what tells a person's answer from a pause that never was.
TEST(ApiTraps, APersonHasResumed) {  // spec/01 §11 #24
  PlannerWorld world = deployed(routed_pause, 10);
  world.setImage("web:2");
  world.run();
  ASSERT_EQ(world.phase(), "Paused: CanaryPauseStep");
  PlannerWorld lost = world;
  lost.patchStatus(R"({"pauseConditions":null,"controllerPause":null})");
  lost.run();
  EXPECT_EQ(lost.number("currentStepIndex"), 1);
  EXPECT_EQ(lost.phase(), "Paused: CanaryPauseStep") << "without the flag the pause begins anew";
  world.promote();
  world.run();
  EXPECT_EQ(world.number("currentStepIndex"), 3);
  EXPECT_EQ(world.weight, 60);
}

TEST(ApiTraps, RestartedAtIsACopy) {  // spec/01 §11 #25
  PlannerWorld world = deployed(R"({"canary":{}})", 1);
  world.now = *parseTime("2024-05-01T15:00:00Z");
  world.edit(R"({"spec":{"restartAt":"2024-05-01T16:00:00+02:00"}})");
  Snapshot snapshot = world.snapshot();
  ASSERT_TRUE(needsPods(snapshot, world.now));
  snapshot.pods.emplace();
  bool written = false;
  for (const Action& action : plan(snapshot, world.now).actions) {
    const auto* write = std::get_if<PatchStatus>(&action);
    if (!write) continue;
    written = true;
    EXPECT_EQ(write->status.restarted_at, parseTime("2024-05-01T14:00:00Z")) << "not the time at which it was done";
    EXPECT_EQ(write->status.phase, "Healthy");
  }
  EXPECT_TRUE(written);
}

// The deadline's annotation has no domain, and is set and taken away without a look at the others.
TEST(ApiTraps, ScaleDownDeadline) {  // spec/01 §11 #26
  PlannerWorld world = deployed(R"({"blueGreen":{"activeService":"active"}})", 2);
  world.setImage("web:2");
  bool set = false;
  for (int round = 0; round < 50; ++round) {
    const Plan made = plan(world.snapshot(), world.now);
    for (const Action& action : made.actions) {
      const auto* patch = std::get_if<PatchReplicaSet>(&action);
      const json::object* annotations = patch ? getObject(patch->patch, {"metadata", "annotations"}) : nullptr;
      if (!annotations || !annotations->contains("scale-down-deadline")) continue;
      set = true;
      EXPECT_EQ(annotations->size(), 1U);
      EXPECT_EQ(getString(*annotations, {"scale-down-deadline"}),
                formatTime(std::chrono::floor<seconds>(world.now) + seconds(30)));
    }
    if (world.step() == 0 && !world.startPods()) break;
  }
  EXPECT_TRUE(set);
  ASSERT_NE(annotation(*world.rsOf("web:1"), "scale-down-deadline"), "");
  world.setImage("web:1");
  world.run();
  EXPECT_EQ(annotation(*world.rsOf("web:1"), "scale-down-deadline"), "") << "back in use";
}

// An active ReplicaSet that doesn't know how many pods the Rollout wants makes every pass a mere scaling pass.
TEST(ApiTraps, DesiredReplicasFollowEveryScale) {  // spec/01 §11 #27
  PlannerWorld world = deployed(routed_pause, 10);
  world.setImage("web:2");
  world.run();
  world.edit(R"({"spec":{"replicas":20}})");
  world.run();
  for (const char* image : {"web:1", "web:2"})
    EXPECT_EQ(annotation(*world.rsOf(image), "rollout.argoproj.io/desired-replicas"), "20") << image;
  EXPECT_EQ(world.step(), 0U);
  world.promote();
  world.run();
  EXPECT_EQ(world.number("currentStepIndex"), 3) << "not stuck in scaling";
}

// Annotations come to the new ReplicaSet and stay there.
TEST(ApiTraps, AnnotationsAreAddedOnly) {  // spec/01 §11 #28
  PlannerWorld world = deployed(R"({"canary":{}})", 1);
  world.edit(R"({"metadata":{"annotations":{"team":"a","notified.notifications.argoproj.io":"{}"}}})");
  world.run();
  EXPECT_EQ(annotation(*world.rsOf("web:1"), "team"), "a");
  EXPECT_EQ(annotation(*world.rsOf("web:1"), "notified.notifications.argoproj.io"), "");
  world.edit(R"({"metadata":{"annotations":{"team":null}}})");
  world.run();
  EXPECT_EQ(annotation(*world.rsOf("web:1"), "team"), "a");
  EXPECT_EQ(world.step(), 0U);
}

// Of a step with several actions only the first in the order of completion is awaited; the effects of all are there.
TEST(ApiTraps, AStepWithSeveralActions) {  // spec/01 §11 #35
  PlannerWorld world = deployed(
      R"({"canary":{"canaryService":"canary","stableService":"stable","trafficRouting":{"plugins":{"x":{}}},
        "steps":[{"setWeight":20,"setCanaryScale":{"weight":50}},{"pause":{}}]}})",
      10);
  world.setImage("web:2");
  world.run();
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");
  EXPECT_EQ(world.size("web:2"), 5);
  EXPECT_EQ(world.weight, 20);
}

// Weights are shares of maxTrafficWeight.
TEST(ApiTraps, MaxTrafficWeight) {  // spec/01 §11 #36
  PlannerWorld world = deployed(
      R"({"canary":{"canaryService":"canary","stableService":"stable",
        "trafficRouting":{"plugins":{"x":{}},"maxTrafficWeight":1000},
        "steps":[{"setWeight":250},{"pause":{}},{"setCanaryScale":{"weight":500}},{"pause":{}}]}})",
      8);
  world.setImage("web:2");
  world.run();
  EXPECT_EQ(world.size("web:2"), 2);
  EXPECT_EQ(world.weight, 250);
  EXPECT_EQ(getInt(world.rollout, {"status", "canary", "weights", "stable", "weight"}), 750);
  world.promote();
  world.run();
  EXPECT_EQ(world.size("web:2"), 4);
}

}  // namespace
}  // namespace crossfade::rollout
