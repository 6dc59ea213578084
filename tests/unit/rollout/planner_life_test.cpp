// What both strategies share: identity, revisions, claims, invalid specs, history, defaults. spec/02 §3 to §6, §18.
#include "support/planner_world.hpp"

namespace crossfade::rollout {
namespace {

using test::PlannerWorld;

constexpr std::string_view plain = R"({"canary":{}})";

PlannerWorld deployed(std::string_view strategy = plain, int replicas = 2) {
  PlannerWorld world(strategy, replicas);
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  world.writes.clear();
  world.events.clear();
  world.now += hours(1);
  return world;
}

std::string annotation(const json::object& object, std::string_view key) {
  return std::string(getString(object, {"metadata", "annotations", key}));
}
std::string revision(PlannerWorld& world, std::string_view image) {
  return annotation(*world.rsOf(image), "rollout.argoproj.io/revision");
}
std::string history(PlannerWorld& world, std::string_view image) {
  return annotation(*world.rsOf(image), "rollout.argoproj.io/revision-history");
}

TEST(PlannerLife, RevisionsAndTheirHistory) {  // spec/02 §18.4 #2
  PlannerWorld world = deployed();
  for (const auto& [image, expected_revision, expected_history] :
       {std::tuple("web:2", "2", ""), std::tuple("web:1", "3", "1"), std::tuple("web:2", "4", "2"),
        std::tuple("web:1", "5", "1,3")}) {
    world.setImage(image);
    world.run(minutes(1));
    EXPECT_EQ(revision(world, image), expected_revision);
    EXPECT_EQ(history(world, image), expected_history);
    EXPECT_EQ(annotation(world.rollout, "rollout.argoproj.io/revision"), expected_revision);
    EXPECT_EQ(world.phase(), "Healthy");
  }
  EXPECT_EQ(world.replica_sets.size(), 2U);
}

TEST(PlannerLife, AnnotationsAreCopied) {
  PlannerWorld world = deployed();
  world.edit(R"({"metadata":{"annotations":{"team":"a","kubectl.kubernetes.io/last-applied-configuration":"{}"}}})");
  world.run();
  const json::object& rs = *world.rsOf("web:1");
  EXPECT_EQ(annotation(rs, "team"), "a");
  EXPECT_EQ(annotation(rs, "kubectl.kubernetes.io/last-applied-configuration"), "");
  EXPECT_EQ(history(world, "web:1"), "1") << "spec/02 §4.8, 4";
  world.edit(R"({"spec":{"minReadySeconds":5}})");
  world.run();
  EXPECT_EQ(getInt(*world.rsOf("web:1"), {"spec", "minReadySeconds"}), 5);
  EXPECT_EQ(world.step(), 0U);
}

TEST(PlannerLife, RevisionThatIsNoNumberIsLeftAlone) {
  PlannerWorld world = deployed();
  ensureObject(*world.rsOf("web:1"), {"metadata", "annotations"})["rollout.argoproj.io/revision"] = "Not an int";
  world.run();
  EXPECT_EQ(revision(world, "web:1"), "Not an int");
}

TEST(PlannerLife, NewReplicaSet) {  // spec/02 §4.6
  PlannerWorld world(plain, 3);
  world.edit(R"({"spec":{"minReadySeconds":7},"metadata":{"annotations":{"team":"a"}}})");
  world.step();
  const json::object& rs = *world.rsOf("web:1");
  const std::string hash = PlannerWorld::hashOf(rs);
  EXPECT_EQ(getString(rs, {"metadata", "name"}), "web-" + hash);
  EXPECT_EQ(getInt(rs, {"spec", "replicas"}, -1), 3);
  EXPECT_EQ(getInt(rs, {"spec", "minReadySeconds"}), 7);
  EXPECT_EQ(getString(rs, {"spec", "selector", "matchLabels", "app"}), "web");
  EXPECT_EQ(getString(rs, {"spec", "selector", "matchLabels", "rollouts-pod-template-hash"}), hash);
  EXPECT_EQ(getString(rs, {"spec", "template", "metadata", "labels", "rollouts-pod-template-hash"}), hash);
  EXPECT_EQ(annotation(rs, "rollout.argoproj.io/desired-replicas"), "3");
  EXPECT_EQ(annotation(rs, "team"), "a");
  const json::object& owner = getArray(rs, {"metadata", "ownerReferences"})->front().get_object();
  EXPECT_EQ(getString(owner, {"uid"}), "rollout-uid");
  EXPECT_TRUE(getBool(owner, {"controller"}) && getBool(owner, {"blockOwnerDeletion"}));
}

TEST(PlannerLife, FoundByItsTemplateItKeepsItsHash) {  // spec/02 §4.3
  PlannerWorld world = deployed();
  json::object rs = *world.rsOf("web:1");
  world.replica_sets.clear();
  ensureObject(rs, {"metadata", "labels"})["rollouts-pod-template-hash"] = "other";
  ensureObject(rs, {"spec", "template", "metadata", "labels"})["rollouts-pod-template-hash"] = "other";
  // As the API server completes it.
  ensureObject(rs, {"spec", "template", "spec"})["restartPolicy"] = "Always";
  rs["metadata"].as_object()["name"] = "web-other";
  world.replica_sets["web-other"] = rs;
  world.patchStatus(R"({"stableRS":"other","currentPodHash":"other"})");
  EXPECT_EQ(world.step(), 0U);
  EXPECT_EQ(world.replica_sets.size(), 1U);
}

TEST(PlannerLife, AdoptsAndReleases) {  // spec/02 §4.7
  PlannerWorld world = deployed();
  json::object& rs = *world.rsOf("web:1");
  ensureObject(rs, {"metadata"}).erase("ownerReferences");
  world.step();
  EXPECT_EQ(world.writes.back(), "adopt web-" + world.hash("web:1"));
  EXPECT_EQ(world.step(), 0U);
  ensureObject(rs, {"metadata", "labels"})["app"] = "other";
  world.step();
  EXPECT_EQ(world.writes.back(), "release web-" + PlannerWorld::hashOf(rs));
}

TEST(PlannerLife, ForeignReplicaSetsAreNotTouched) {
  PlannerWorld world = deployed();
  json::object rs = *world.rsOf("web:1");
  rs["metadata"].as_object()["name"] = "foreign";
  rs["metadata"].as_object()["ownerReferences"].as_array()[0].as_object()["uid"] = "someone";
  world.replica_sets["foreign"] = rs;
  EXPECT_EQ(world.step(), 0U);
}

TEST(PlannerLife, InvalidUntilTheServiceExists) {  // spec/02 §5.6, §17.6, spec/04 X23
  PlannerWorld world(R"({"canary":{"canaryService":"canary"}})", 1);
  world.step();
  const std::string message =
      R"(The Rollout "web" is invalid: spec.strategy.canary.canaryService: Invalid value: "canary": service "canary" not found)";
  EXPECT_EQ(world.last.invalid, message);
  EXPECT_EQ(world.phase(), "Degraded: InvalidSpec: " + message);
  EXPECT_EQ(world.replica_sets.size(), 0U);
  EXPECT_EQ(world.step(), 0U) << "said once";
  world.addService("canary");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.condition("InvalidSpec"), "");
}

TEST(PlannerLife, AnInvalidEditTouchesNoPods) {
  PlannerWorld world = deployed();
  world.edit(R"({"spec":{"selector":null}})");
  world.run();
  EXPECT_EQ(world.size("web:1"), 2);
  EXPECT_EQ(world.phase(),
            "Degraded: InvalidSpec: The Rollout \"web\" is invalid: spec.selector: Required value: Rollout has missing "
            "field '.spec.selector'");
  EXPECT_FALSE(std::ranges::any_of(world.writes, [](const std::string& line) { return line.starts_with("release"); }));
}

TEST(PlannerLife, ReplicasAreDefaulted) {  // spec/02 §3.1 step 18
  PlannerWorld world(plain);
  world.rollout["spec"].as_object().erase("replicas");
  world.run();
  EXPECT_EQ(getInt(world.rollout, {"spec", "replicas"}), 1);
  EXPECT_EQ(world.size("web:1"), 1);
  EXPECT_EQ(world.phase(), "Healthy");
  world.edit(R"({"spec":{"replicas":null}})");
  world.run();
  EXPECT_EQ(getInt(world.rollout, {"spec", "replicas"}), 1);
  EXPECT_EQ(world.phase(), "Healthy");
}

TEST(PlannerLife, DrainedReplicaSetsBeyondTheLimitGo) {  // spec/02 §4.9
  PlannerWorld world = deployed();
  world.edit(R"({"spec":{"revisionHistoryLimit":2}})");
  for (const char* image : {"web:2", "web:3", "web:4", "web:5"}) {
    world.setImage(image);
    world.run(minutes(1));
  }
  EXPECT_EQ(world.replica_sets.size(), 3U);
  EXPECT_EQ(world.rsOf("web:1"), nullptr);
  EXPECT_EQ(world.rsOf("web:2"), nullptr);
  EXPECT_NE(world.rsOf("web:3"), nullptr);
}

TEST(PlannerLife, ScaledWhileItRuns) {  // spec/04 §28
  PlannerWorld world =
      deployed(R"({"canary":{"maxSurge":1,"maxUnavailable":0,"steps":[{"setWeight":20},{"pause":{}}]}})", 5);
  world.setImage("web:2");
  world.run();
  ASSERT_EQ(world.phase(), "Paused: CanaryPauseStep");
  world.edit(R"({"spec":{"replicas":10}})");
  world.run();
  EXPECT_EQ(world.size("web:1"), 8);
  EXPECT_EQ(world.size("web:2"), 2);
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");
  world.edit(R"({"spec":{"replicas":0}})");
  world.run();
  EXPECT_EQ(world.size("web:1"), 0);
  EXPECT_EQ(world.size("web:2"), 0);
}

TEST(PlannerLife, PausedByHand) {
  PlannerWorld world = deployed(R"({"canary":{"steps":[{"setWeight":50}]}})", 2);
  world.edit(R"({"spec":{"paused":true}})");
  world.setImage("web:2");
  world.run();
  EXPECT_EQ(world.size("web:2"), 0) << "made, but not scaled";
  EXPECT_EQ(world.phase(), "Paused: manually paused");
  EXPECT_EQ(world.last.waits.back().kind, WaitKind::user);
  EXPECT_EQ(world.step(), 0U);
  world.edit(R"({"spec":{"paused":false}})");
  world.run(minutes(1));
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.size("web:2"), 2);
}

TEST(PlannerLife, RollbackWithinTheWindowSkipsTheSteps) {  // spec/02 §12, §18.10
  for (const bool inside : {true, false}) {
    PlannerWorld world = deployed(R"({"canary":{"steps":[{"setWeight":50},{"pause":{}}]}})", 2);
    if (inside) world.edit(R"({"spec":{"rollbackWindow":{"revisions":1}}})");
    world.setImage("web:2");
    world.run();
    world.promote();
    world.run(minutes(1));
    ASSERT_EQ(world.phase(), "Healthy");
    world.setImage("web:1");
    world.run(minutes(1));
    EXPECT_EQ(world.phase(), inside ? "Healthy" : "Paused: CanaryPauseStep");
    EXPECT_EQ(world.said("Rollback within window"), inside);
  }
}

TEST(PlannerLife, AbortOfAPromotedRolloutIsDropped) {  // spec/02 §17.6, spec/04 X14
  PlannerWorld world = deployed();
  world.abort();
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(find(world.rollout, {"status", "abort"}), nullptr);
  EXPECT_EQ(find(world.rollout, {"status", "abortedAt"}), nullptr);
}

TEST(PlannerLife, ACrashedPodAfterPromotion) {  // spec/02 §17.6
  PlannerWorld world = deployed();
  ensureObject(*world.rsOf("web:1"), {"status"})["availableReplicas"] = 1;
  world.step();
  EXPECT_EQ(world.condition("Healthy"), "False RolloutHealthy");
  EXPECT_EQ(world.condition("Progressing"), "True ReplicaSetNotAvailable");
  EXPECT_EQ(world.condition("Completed"), "True RolloutCompleted");
  EXPECT_EQ(world.phase(), "Progressing: updated replicas are still becoming available");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
}

TEST(PlannerLife, TheStableReplicaSetIsDeletedByHand) {  // spec/02 §19.21
  PlannerWorld world = deployed(R"({"canary":{"steps":[{"setWeight":50},{"pause":{}}]}})", 2);
  world.replica_sets.clear();
  world.run(minutes(1));
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.size("web:1"), 2);
}

TEST(PlannerLife, NameCollisions) {  // spec/02 §4.6
  PlannerWorld world(plain, 1);
  const Snapshot snapshot = world.snapshot();
  const Plan made = plan(snapshot, world.now);
  const auto* create = std::get_if<CreateReplicaSet>(&made.actions.front());
  ASSERT_NE(create, nullptr);
  json::object live = create->body;
  ensureObject(live, {"spec", "template", "spec"})["dnsPolicy"] = "ClusterFirst";
  EXPECT_TRUE(isOwnCreation(snapshot, *create, live));
  json::object other = live;
  ensureObject(other, {"spec", "template", "spec"})["hostNetwork"] = true;
  EXPECT_FALSE(isOwnCreation(snapshot, *create, other));
  live["metadata"].as_object()["ownerReferences"].as_array()[0].as_object()["uid"] = "someone";
  EXPECT_FALSE(isOwnCreation(snapshot, *create, live));

  const Plan counted = onNameCollision(snapshot);
  EXPECT_EQ(std::get<PatchStatus>(counted.actions.front()).status.collision_count, 1);
  world.patchStatus(R"({"collisionCount":1})");
  const Plan again = plan(world.snapshot(), world.now);
  EXPECT_NE(std::get<CreateReplicaSet>(again.actions.front()).name, create->name);

  const Plan failed = onCreateFailed(snapshot, *create, {ErrorCode::forbidden, "quota", {}}, world.now);
  EXPECT_EQ(std::get<EmitEvent>(failed.actions.front()).message,
            "Failed to create new replica set \"" + create->name + "\": quota");
  EXPECT_EQ(std::get<PatchStatus>(failed.actions.back()).status.conditions.front().reason, "ReplicaSetCreateError");
}

TEST(PlannerLife, BeingDeletedItIsLeftAlone) {
  PlannerWorld world = deployed();
  world.edit(R"({"metadata":{"deletionTimestamp":"2024-05-01T13:00:00Z"}})");
  world.setImage("web:2");
  EXPECT_EQ(world.step(), 0U);
}

TEST(PlannerLife, CountersWaitForEachOther) {
  PlannerWorld world = deployed(plain, 10);
  world.broken.insert(world.hash("web:1"));
  json::object& status = ensureObject(*world.rsOf("web:1"), {"status"});
  for (int available = 9; available >= 0; --available) {
    status["availableReplicas"] = status["readyReplicas"] = available;
    world.step();
    world.now += milliseconds(100);
  }
  const auto patches = std::ranges::count_if(world.writes, [](const auto& line) { return line.starts_with("status"); });
  EXPECT_EQ(patches, 1) << "the change of phase at once, the other counts in two seconds";
  ASSERT_TRUE(world.last.look_again);
  world.now = *world.last.look_again;
  world.step();
  EXPECT_EQ(world.number("availableReplicas"), -1) << "absent: 0";
}

// From every state of a life the same plan, whoever makes it.
TEST(PlannerLife, PlansAreDeterministic) {
  PlannerWorld world(R"({"canary":{"steps":[{"setWeight":50},{"pause":{"duration":1}}]}})", 4);
  for (int round = 0; round < 60; ++round) {
    const Plan one = plan(world.snapshot(), world.now), two = plan(world.snapshot(), world.now);
    ASSERT_EQ(one.actions.size(), two.actions.size());
    ASSERT_EQ(one.look_again, two.look_again);
    if (round == 20) world.setImage("web:2");
    if (world.step() == 0 && !world.startPods()) world.now += seconds(1);
  }
  EXPECT_EQ(world.phase(), "Healthy");
}

}  // namespace
}  // namespace crossfade::rollout
