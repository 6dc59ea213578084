// The lives of spec/02 §17, from state to state. A plan holds several passes of the tables where they only change the
// status (spec/02 §19 #9): what is checked is what was written, in which order, and what stands at the end.
#include "support/planner_world.hpp"

namespace crossfade::rollout {
namespace {

using test::PlannerWorld;

std::string message(const PlannerWorld& world, std::string_view type) {
  const json::array* conditions = getArray(world.rollout, {"status", "conditions"});
  if (!conditions) return {};
  for (const json::value& condition : *conditions)
    if (getString(condition.get_object(), {"type"}) == type)
      return std::string(getString(condition.get_object(), {"message"}));
  return {};
}

std::string duration(const PlannerWorld& world, std::string_view field) {
  const json::value* value = find(world.rollout, {"status", "duration", field});
  return !value ? "" : value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

std::string revision(const PlannerWorld& world) {
  return std::string(getString(world.rollout, {"metadata", "annotations", "rollout.argoproj.io/revision"}));
}

std::string pauses(const PlannerWorld& world) {
  const json::array* list = getArray(world.rollout, {"status", "pauseConditions"});
  return list && !list->empty() ? std::string(getString(list->front().get_object(), {"reason"})) : "";
}

bool has(const PlannerWorld& world, std::string_view field) {
  return find(world.rollout, {"status", field}) != nullptr;
}

std::ptrdiff_t position(const PlannerWorld& world, std::string_view event) {
  const auto found = std::ranges::find_if(world.events, [&](const std::string& text) { return text.contains(event); });
  return found == world.events.end() ? -1 : found - world.events.begin();
}

// Deployed and forgotten.
void settle(PlannerWorld& world) {
  world.run(minutes(2));
  EXPECT_EQ(world.phase(), "Healthy");
  world.writes.clear();
  world.events.clear();
  world.now += hours(1);
}

PlannerWorld paused(std::string_view steps = R"([{"setWeight":20},{"pause":{}}])") {
  PlannerWorld world(fmt::format(R"({{"canary":{{"maxSurge":1,"maxUnavailable":0,"steps":{}}}}})", steps), 10);
  settle(world);
  world.setImage("web:2");
  world.run();
  return world;
}

TEST(CoreLives, NewCanary) {  // spec/02 §17.1 life
  PlannerWorld world(R"({"canary":{"maxSurge":1,"maxUnavailable":0,"steps":[{"setWeight":10}]}})", 10);
  world.step();
  const std::string hash = world.hash("web:1");
  // spec/02 §17.1 #1
  EXPECT_EQ(world.writes.at(0), "create web-" + hash);
  EXPECT_EQ(position(world, "NewReplicaSetCreated: Created ReplicaSet web-" + hash + " (revision 1)"), 0);
  EXPECT_GT(position(world, "RolloutUpdated: Rollout updated to revision 1"), 0);
  EXPECT_EQ(revision(world), "1");
  // spec/02 §17.1 #2, #3: the first full pass promotes before there is any pod. spec/02 §19 #20, spec/02 §19 #21
  EXPECT_GT(position(world, "RolloutNotCompleted: Rollout not completed, started update to revision 1 (" + hash + ")"),
            0);
  world.step();
  EXPECT_TRUE(world.said("RolloutCompleted: Rollout completed update to revision 1 (" + hash + "): Initial deploy"));
  EXPECT_EQ(world.size("web:1"), 10);
  EXPECT_EQ(world.status("observedGeneration"), "1") << "a string";
  EXPECT_EQ(world.status("currentPodHash"), hash);
  EXPECT_EQ(world.status("stableRS"), hash);
  EXPECT_EQ(world.number("currentStepIndex"), 1);
  EXPECT_EQ(world.status("selector"), "app=web");
  EXPECT_EQ(world.condition("Progressing"), "True ReplicaSetUpdated");
  EXPECT_EQ(world.condition("Available"), "False AvailableReason");
  EXPECT_EQ(world.condition("Completed"), "True RolloutCompleted");
  EXPECT_EQ(world.phase(), "Progressing: more replicas need to be updated");
  EXPECT_FALSE(duration(world, "rolloutStartedAt").empty());
  // spec/02 §17.1 #4
  world.startPods();
  world.now += seconds(3);
  world.step();
  EXPECT_EQ(world.number("updatedReplicas"), 10);
  EXPECT_EQ(world.phase(), "Progressing: updated replicas are still becoming available");
  // spec/02 §17.1 #5
  world.startPods();
  world.step();
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_FALSE(has(world, "message"));
  EXPECT_EQ(world.condition("Available"), "True AvailableReason");
  EXPECT_EQ(world.condition("Healthy"), "True RolloutHealthy");
  EXPECT_EQ(world.condition("Progressing"), "True NewReplicaSetAvailable");
  EXPECT_EQ(message(world, "Progressing"), "ReplicaSet \"web-" + hash + "\" has successfully progressed.");
  EXPECT_EQ(duration(world, "completionStatus"), "Promoted");
  // spec/02 §17.1 #6
  EXPECT_EQ(world.step(), 0U);
  EXPECT_FALSE(world.last.look_again);
}

TEST(CoreLives, NewBlueGreen) {  // spec/02 §17.2 life
  PlannerWorld world(R"({"blueGreen":{"activeService":"active","previewService":"preview"}})", 1);
  world.addService("active");
  world.addService("preview");
  world.step();
  const std::string hash = world.hash("web:1");
  // spec/02 §17.2 #1
  EXPECT_EQ(world.writes.at(0), "create web-" + hash);
  // spec/02 §17.2 #2
  for (int i = 0; i < 3; ++i) world.step();
  EXPECT_TRUE(world.said("SwitchService: Switched selector for service 'preview' from '' to '" + hash + "'"));
  EXPECT_EQ(world.selected("preview"), hash);
  EXPECT_EQ(world.selected("active"), "") << "nothing is available";
  EXPECT_EQ(world.size("web:1"), 1);
  EXPECT_EQ(world.status("stableRS"), hash);
  EXPECT_EQ(world.status("selector"), "app=web");
  EXPECT_EQ(getString(world.rollout, {"status", "blueGreen", "previewSelector"}), hash);
  EXPECT_EQ(world.condition("Completed"), "True RolloutCompleted");
  EXPECT_EQ(world.phase(), "Progressing: more replicas need to be updated");
  // spec/02 §17.2 #3
  world.run();
  EXPECT_EQ(world.selected("active"), hash);
  EXPECT_EQ(getString(world.rollout, {"status", "blueGreen", "activeSelector"}), hash);
  EXPECT_EQ(world.status("selector"), "app=web,rollouts-pod-template-hash=" + hash);
  EXPECT_EQ(world.number("HPAReplicas"), 1);
  EXPECT_EQ(world.condition("Healthy"), "True RolloutHealthy");
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(duration(world, "completionStatus"), "Promoted");
}

TEST(CoreLives, CanaryWithAPause) {  // spec/02 §17.3 life
  PlannerWorld world(R"({"canary":{"maxSurge":1,"maxUnavailable":0,"steps":[{"setWeight":20},{"pause":{}}]}})", 10);
  settle(world);
  const std::string old = world.hash("web:1");
  world.setImage("web:2");
  world.step();
  const std::string hash = world.hash("web:2");
  // spec/02 §17.3 #1, #2
  EXPECT_EQ(world.writes.at(0), "create web-" + hash);
  EXPECT_EQ(revision(world), "2");
  EXPECT_EQ(world.status("currentPodHash"), hash);
  EXPECT_EQ(world.number("currentStepIndex"), 0);
  EXPECT_EQ(world.condition("Healthy"), "False RolloutHealthy");
  EXPECT_EQ(world.condition("Completed"), "False RolloutCompleted");
  EXPECT_EQ(world.condition("Progressing"), "True ReplicaSetUpdated");
  EXPECT_EQ(duration(world, "completionStatus"), "") << "a new one";
  EXPECT_TRUE(world.said("RolloutNotCompleted: Rollout not completed, started update to revision 2 (" + hash + ")"));
  // spec/02 §17.3 #3-#6
  world.run();
  EXPECT_EQ(world.size("web:2"), 2);
  EXPECT_EQ(world.size("web:1"), 8);
  const auto stepped = position(world, "RolloutStepCompleted: Rollout step 1/2 completed (setWeight: 20)");
  const auto paused_at = position(world, "RolloutPaused: Rollout is paused (CanaryPauseStep)");
  EXPECT_GE(stepped, 0);
  EXPECT_GT(paused_at, stepped);
  EXPECT_EQ(world.number("currentStepIndex"), 1);
  EXPECT_EQ(pauses(world), "CanaryPauseStep");
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");
  EXPECT_FALSE(duration(world, "manualPauseStartedAt").empty());
  EXPECT_EQ(world.condition("Progressing"), "Unknown RolloutPaused");
  EXPECT_EQ(world.condition("Paused"), "True RolloutPaused");
  // spec/02 §17.3 #7: what a person does. spec/02 §19 #18, spec/02 §19 #19
  world.now += seconds(90);
  world.promote();
  world.events.clear();
  world.writes.clear();
  world.step();
  // spec/02 §17.3 #8, #9
  EXPECT_FALSE(world.said("RolloutResumed")) << "only the controller's own resuming is an event";
  EXPECT_TRUE(world.said("RolloutStepCompleted: Rollout step 2/2 completed (pause)"));
  EXPECT_EQ(world.number("currentStepIndex"), 2);
  EXPECT_FALSE(has(world, "controllerPause"));
  EXPECT_EQ(world.condition("Paused"), "False RolloutPaused");
  EXPECT_EQ(duration(world, "totalManualPauseDurationSeconds"), "90");
  EXPECT_EQ(duration(world, "manualPauseStartedAt"), "");
  // spec/02 §17.3 #10
  world.run(minutes(1));
  EXPECT_TRUE(world.said("RolloutCompleted: Rollout completed update to revision 2 (" + hash +
                         "): Completed all 2 canary steps"));
  EXPECT_TRUE(std::ranges::any_of(
      world.writes, [](const auto& line) { return line.contains("old replicas are pending termination"); }));
  EXPECT_EQ(world.size("web:1"), 0);
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(world.status("stableRS"), hash);
  EXPECT_NE(hash, old);
}

TEST(CoreLives, TimedPause) {  // spec/02 §17.3 #11
  PlannerWorld world = paused(R"([{"setWeight":20},{"pause":{"duration":"1m"}}])");
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");
  world.events.clear();
  world.run(minutes(3));
  EXPECT_TRUE(world.said("RolloutResumed: Rollout is resumed"));
  EXPECT_TRUE(world.said("RolloutStepCompleted: Rollout step 2/2 completed (pause: 1m)"));
  EXPECT_EQ(world.phase(), "Healthy");
  EXPECT_EQ(duration(world, "totalManualPauseDurationSeconds"), "") << "nobody was waited for";
}

TEST(CoreLives, AbortAndRetry) {  // spec/02 §17.4 life
  PlannerWorld world = paused();
  world.events.clear();
  // spec/02 §17.4 #1, #2
  world.now += seconds(10);
  world.abort();
  world.step();
  EXPECT_TRUE(has(world, "abort") && has(world, "abortedAt"));
  EXPECT_FALSE(has(world, "pauseConditions") || has(world, "controllerPause"));
  EXPECT_EQ(world.number("currentStepIndex"), 0);
  EXPECT_EQ(world.condition("Progressing"), "False RolloutAborted");
  EXPECT_EQ(world.phase(), "Degraded: RolloutAborted: Rollout aborted update to revision 2");
  EXPECT_EQ(duration(world, "completionStatus"), "Aborted");
  EXPECT_EQ(duration(world, "totalManualPauseDurationSeconds"), "10");
  EXPECT_TRUE(world.said("RolloutAborted: Rollout aborted update to revision 2"));
  EXPECT_FALSE(world.said("RolloutResumed"));
  // spec/02 §17.4 #3
  world.run(minutes(1));
  EXPECT_EQ(world.size("web:1"), 10);
  EXPECT_EQ(world.size("web:2"), 0);
  EXPECT_EQ(world.condition("Paused"), "True RolloutPaused") << "left as it was";
  // spec/02 §17.4 #4-#7
  world.retry();
  world.writes.clear();
  world.run();
  EXPECT_FALSE(getBool(world.rollout, {"status", "abort"}) || has(world, "abortedAt"));
  EXPECT_EQ(duration(world, "completionStatus"), "") << "a new clock";
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep") << "from the first step again";
  EXPECT_EQ(world.size("web:2"), 2);
}

TEST(CoreLives, RoutedAbortKeepsTheCanary) {  // spec/02 §17.4 #3: a deadline, later 0
  PlannerWorld world(
      R"({"canary":{"canaryService":"canary","stableService":"stable","trafficRouting":{"plugins":{"x":{}}},
      "steps":[{"setWeight":20},{"pause":{}}]}})",
      10);
  world.addService("canary");
  world.addService("stable");
  world.traffic.has_routers = true;
  settle(world);
  world.setImage("web:2");
  world.run();
  world.abort();
  world.run();
  EXPECT_EQ(world.size("web:2"), 2);
  EXPECT_FALSE(getString(*world.rsOf("web:2"), {"metadata", "annotations", "scale-down-deadline"}).empty());
  world.run(minutes(1));
  EXPECT_EQ(world.size("web:2"), 0);
}

TEST(CoreLives, BlueGreenUpdate) {  // spec/02 §17.5 life
  PlannerWorld world(
      R"({"blueGreen":{"activeService":"active","previewService":"preview","autoPromotionEnabled":false}})", 2);
  world.addService("active");
  world.addService("preview");
  settle(world);
  const std::string old = world.hash("web:1");
  world.setImage("web:2");
  world.step();
  const std::string hash = world.hash("web:2");
  // spec/02 §17.5 #1
  EXPECT_EQ(world.writes.at(0), "create web-" + hash);
  for (int i = 0; i < 3; ++i) world.step();
  // spec/02 §17.5 #2
  EXPECT_EQ(world.selected("preview"), hash);
  EXPECT_EQ(world.status("currentPodHash"), hash);
  EXPECT_EQ(world.condition("Healthy"), "False RolloutHealthy");
  EXPECT_EQ(world.condition("Completed"), "False RolloutCompleted");
  EXPECT_EQ(world.phase(), "Progressing: more replicas need to be updated");
  // spec/02 §17.5 #3-#5
  world.run();
  EXPECT_EQ(world.size("web:2"), 2);
  EXPECT_EQ(pauses(world), "BlueGreenPause");
  EXPECT_EQ(world.phase(), "Paused: BlueGreenPause");
  EXPECT_EQ(world.condition("Progressing"), "Unknown RolloutPaused");
  EXPECT_EQ(world.condition("Paused"), "True RolloutPaused");
  EXPECT_EQ(world.selected("active"), old);
  // spec/02 §17.5 #6-#8
  world.events.clear();
  world.promote();
  world.run();
  EXPECT_EQ(world.condition("Paused"), "False RolloutPaused");
  EXPECT_EQ(world.selected("active"), hash);
  const auto switched =
      position(world, "SwitchService: Switched selector for service 'active' from '" + old + "' to '" + hash + "'");
  EXPECT_GE(switched, 0);
  EXPECT_GT(position(world, "RolloutCompleted: Rollout completed update to revision 2 (" + hash +
                                "): Completed blue-green update"),
            switched);
  EXPECT_FALSE(has(world, "controllerPause"));
  EXPECT_EQ(world.phase(), "Healthy");
  // spec/02 §17.5 #9
  EXPECT_FALSE(getString(*world.rsOf("web:1"), {"metadata", "annotations", "scale-down-deadline"}).empty());
  EXPECT_EQ(world.size("web:1"), 2);
  // spec/02 §17.5 #10
  world.run(minutes(1));
  EXPECT_EQ(world.size("web:1"), 0);
  EXPECT_EQ(getString(*world.rsOf("web:1"), {"metadata", "annotations", "scale-down-deadline"}), "");
}

TEST(CoreLives, InvalidUntilRepaired) {
  PlannerWorld world(R"({"blueGreen":{"activeService":"active"}})", 1);
  world.step();
  // spec/02 §17.6 #1
  EXPECT_EQ(world.phase(),
            "Degraded: InvalidSpec: The Rollout \"web\" is invalid: spec.strategy.blueGreen.activeService: "
            "Invalid value: \"active\": service \"active\" not found");
  EXPECT_EQ(world.condition("InvalidSpec"), "True InvalidSpec");
  EXPECT_FALSE(has(world, "duration"));
  EXPECT_EQ(world.step(), 0U);
  // Another error replaces the message. spec/02 §5.6
  world.edit(R"({"spec":{"strategy":{"blueGreen":{"activeService":"other"}}}})");
  world.step();
  EXPECT_TRUE(message(world, "InvalidSpec").contains("service \"other\" not found"));
  // spec/02 §17.6 #2
  world.addService("other");
  world.run();
  EXPECT_EQ(world.condition("InvalidSpec"), "");
  EXPECT_EQ(world.phase(), "Healthy");
}

TEST(CoreLives, AnUpdateThatIsStuck) {
  PlannerWorld world(R"({"canary":{"maxSurge":1,"maxUnavailable":0,"steps":[{"setWeight":20}]}})", 10);
  world.edit(R"({"spec":{"progressDeadlineSeconds":60}})");
  settle(world);
  world.setImage("web:2");
  world.step();
  const std::string hash = world.hash("web:2");
  world.broken.insert(hash);
  world.run(minutes(3));
  // spec/02 §17.6 #3
  EXPECT_EQ(world.condition("Progressing"), "False ProgressDeadlineExceeded");
  EXPECT_EQ(world.phase(),
            "Degraded: ProgressDeadlineExceeded: ReplicaSet \"web-" + hash + "\" has timed out progressing.");
  EXPECT_FALSE(world.said("timed out"));
  // spec/02 §17.6 #4
  PlannerWorld recovered = world;
  recovered.broken.clear();
  while (!recovered.startPods()) {
  }
  recovered.step();
  EXPECT_FALSE(recovered.phase().contains("Degraded")) << recovered.phase();
  recovered.run(minutes(1));
  EXPECT_EQ(recovered.phase(), "Healthy");
  // spec/02 §17.6 #5
  world.edit(R"({"spec":{"progressDeadlineAbort":true}})");
  world.events.clear();
  world.step();
  EXPECT_TRUE(has(world, "abort"));
  const std::string timed_out = "ReplicaSet \"web-" + hash + "\" has timed out progressing.";
  EXPECT_TRUE(world.said("RolloutAborted: " + timed_out));
  EXPECT_TRUE(world.said("RolloutAborted: Rollout aborted update to revision 2: " + timed_out));
  EXPECT_EQ(world.phase(), "Degraded: RolloutAborted: Rollout aborted update to revision 2: " + timed_out);
}

TEST(CoreLives, ScaledByAnAutoscaler) {
  // spec/02 §17.6 #6
  PlannerWorld world(
      R"({"canary":{"maxSurge":1,"maxUnavailable":0,"steps":[{"pause":{}},{"setWeight":20},{"pause":{}}]}})", 5);
  settle(world);
  world.setImage("web:2");
  world.run();
  world.promote();
  world.run();
  ASSERT_EQ(world.phase(), "Paused: CanaryPauseStep");
  world.writes.clear();
  world.edit(R"({"spec":{"replicas":10}})");
  world.step();
  EXPECT_EQ(world.writes.at(0).substr(0, 6), "scale ") << world.writes.at(0);
  EXPECT_EQ(world.status("observedGeneration"), std::to_string(getInt(world.rollout, {"metadata", "generation"})));
  world.run();
  EXPECT_EQ(world.size("web:1"), 8);
  EXPECT_EQ(getString(*world.rsOf("web:1"), {"metadata", "annotations", "rollout.argoproj.io/desired-replicas"}), "10");
  EXPECT_EQ(pauses(world), "CanaryPauseStep");
  // spec/02 §17.6 #7
  PlannerWorld routed(
      R"({"canary":{"canaryService":"canary","stableService":"stable","trafficRouting":{"plugins":{"x":{}}},
      "steps":[{"setWeight":100},{"pause":{}}]}})",
      5);
  routed.addService("canary");
  routed.addService("stable");
  routed.traffic.has_routers = true;
  settle(routed);
  routed.setImage("web:2");
  routed.run();
  ASSERT_EQ(routed.size("web:2"), 5);
  routed.abort();
  routed.step();
  routed.edit(R"({"spec":{"replicas":4}})");
  routed.run();
  EXPECT_EQ(routed.size("web:2"), 5) << "kept at its size";
  EXPECT_EQ(getString(*routed.rsOf("web:2"), {"metadata", "annotations", "rollout.argoproj.io/desired-replicas"}), "4");
  EXPECT_FALSE(getString(*routed.rsOf("web:2"), {"metadata", "annotations", "scale-down-deadline"}).empty());
  EXPECT_EQ(routed.size("web:1"), 4);
  EXPECT_EQ(routed.step(), 0U);
}

TEST(CoreLives, SupersededWhileItRuns) {
  // spec/02 §17.6 #8
  PlannerWorld world(
      R"({"canary":{"canaryService":"canary","stableService":"stable","trafficRouting":{"plugins":{"x":{}}},
      "steps":[{"setWeight":50},{"pause":{}}]}})",
      4);
  world.addService("canary");
  world.addService("stable");
  world.traffic.has_routers = true;
  settle(world);
  world.setImage("web:2");
  world.run();
  world.setImage("web:3");
  world.step();
  EXPECT_EQ(world.size("web:2"), 2) << "routers and Services still name it";
  world.run(minutes(2));
  EXPECT_EQ(world.size("web:2"), 0);
  EXPECT_EQ(world.size("web:3"), 2);
  EXPECT_EQ(world.phase(), "Paused: CanaryPauseStep");
}

TEST(CoreLives, BackToStable) {
  // spec/02 §17.6 #9
  PlannerWorld world = paused();
  const std::string stable = world.hash("web:1");
  world.events.clear();
  world.setImage("web:1");
  world.run(minutes(2));
  const json::object& rs = *world.rsOf("web:1");
  EXPECT_EQ(getString(rs, {"metadata", "annotations", "rollout.argoproj.io/revision"}), "3");
  EXPECT_EQ(getString(rs, {"metadata", "annotations", "rollout.argoproj.io/revision-history"}), "1");
  EXPECT_TRUE(world.said("RolloutUpdated: Rollout updated to revision 3"));
  EXPECT_TRUE(world.said("SkipSteps: Rollback to stable ReplicaSets"));
  EXPECT_EQ(world.number("currentStepIndex"), 2);
  EXPECT_EQ(world.condition("Completed"), "True RolloutCompleted");
  EXPECT_EQ(duration(world, "completionStatus"), "FastRolledBack");
  EXPECT_EQ(world.status("stableRS"), stable);
  EXPECT_EQ(world.phase(), "Healthy");
}

TEST(CoreLives, FromBlueGreenToCanary) {
  // spec/02 §17.6 #10
  PlannerWorld world(R"({"blueGreen":{"activeService":"active"}})", 1);
  world.addService("active");
  settle(world);
  const json::value before = *find(world.rollout, {"status", "duration"});
  world.edit(R"({"spec":{"strategy":{"blueGreen":null,"canary":{"steps":[{"setWeight":1}]}}}})");
  world.run();
  EXPECT_EQ(find(world.rollout, {"status", "blueGreen", "activeSelector"}), nullptr);
  EXPECT_FALSE(world.status("currentStepHash").empty());
  EXPECT_EQ(world.number("currentStepIndex"), 1);
  EXPECT_EQ(world.status("selector"), "app=web");
  EXPECT_EQ(world.replica_sets.size(), 1U);
  EXPECT_EQ(*find(world.rollout, {"status", "duration"}), before);
  EXPECT_EQ(world.phase(), "Healthy");
}

TEST(CoreLives, AHashOfAnotherLibrary) {
  // spec/02 §17.6 #11
  PlannerWorld world(R"({"canary":{}})", 2);
  settle(world);
  json::object rs = *world.rsOf("web:1");
  const std::string legacy = world.snapshot().rollout->legacy_template_hash;
  world.replica_sets.clear();
  ensureObject(rs, {"metadata", "labels"})["rollouts-pod-template-hash"] = legacy;
  ensureObject(rs, {"metadata"})["name"] = "web-" + legacy;
  world.replica_sets["web-" + legacy] = rs;
  world.patchStatus(fmt::format(R"({{"stableRS":"{0}","currentPodHash":"{0}"}})", legacy));
  EXPECT_EQ(world.step(), 0U);
  EXPECT_EQ(world.replica_sets.size(), 1U);
}

TEST(CoreLives, TemplateAndSizeChangeTogether) {
  // spec/02 §17.6 #12
  PlannerWorld world(R"({"canary":{"maxSurge":1,"maxUnavailable":0}})", 4);
  settle(world);
  world.edit(R"({"spec":{"replicas":6,"template":{"spec":{"containers":[{"name":"app","image":"web:2"}]}}}})");
  world.step();
  EXPECT_EQ(world.writes.at(0), "create web-" + world.hash("web:2"));
  world.run(minutes(2));
  EXPECT_EQ(world.size("web:2"), 6);
  EXPECT_EQ(world.size("web:1"), 0);
  EXPECT_EQ(world.phase(), "Healthy");
}

TEST(CoreLives, APromotedRollout) {
  // spec/02 §17.6 #13
  PlannerWorld world(R"({"canary":{"steps":[{"setWeight":20}]}})", 2);
  settle(world);
  world.abort();
  world.step();
  EXPECT_FALSE(has(world, "abort") || has(world, "abortedAt"));
  EXPECT_EQ(world.number("currentStepIndex"), 1);
  // spec/02 §17.6 #14
  const auto clock = [&] {
    for (const json::value& condition : *getArray(world.rollout, {"status", "conditions"}))
      if (getString(condition.get_object(), {"type"}) == "Progressing")
        return std::string(getString(condition.get_object(), {"lastUpdateTime"}));
    return std::string();
  };
  ensureObject(*world.rsOf("web:1"), {"status"})["availableReplicas"] = 1;
  world.step();
  EXPECT_EQ(world.condition("Healthy"), "False RolloutHealthy");
  EXPECT_EQ(world.condition("Progressing"), "True ReplicaSetNotAvailable");
  EXPECT_EQ(clock(), formatTime(world.now));
  EXPECT_EQ(world.condition("Completed"), "True RolloutCompleted");
  EXPECT_EQ(world.phase(), "Progressing: updated replicas are still becoming available");
}

// --- status.duration (spec/02 §5.10) ---

TEST(CoreDuration, EndsAsItsUpdateDoes) {
  const auto ended = [](const PlannerWorld& world) {
    std::string text;
    for (const Action& action : world.last.actions)
      if (const auto* write = std::get_if<PatchStatus>(&action))
        for (const api::DurationStatus& one : write->ended) text += one.completion_status.value_or("?") + " ";
    return text;
  };
  // Superseded is never seen in the status, but it is measured.
  PlannerWorld superseded = paused();
  superseded.now += seconds(30);
  superseded.setImage("web:3");
  superseded.step();
  EXPECT_EQ(ended(superseded), "Superseded ");
  EXPECT_EQ(duration(superseded, "rolloutStartedAt"), formatTime(superseded.now));
  EXPECT_EQ(duration(superseded, "completionStatus"), "");

  PlannerWorld aborted = paused();
  aborted.abort();
  aborted.step();
  EXPECT_EQ(ended(aborted), "Aborted ");
  aborted.run(minutes(1));
  EXPECT_EQ(ended(aborted), "") << "once";

  PlannerWorld full = paused();
  full.patchStatus(R"({"promoteFull":true})");
  full.run(minutes(2));
  EXPECT_EQ(duration(full, "completionStatus"), "FastPromoted");
  EXPECT_FALSE(has(full, "promoteFull"));

  // Back to an older template that is not the stable one.
  PlannerWorld back = paused();
  back.now += seconds(30);
  back.setImage("web:3");
  back.run();
  back.promote();
  back.run(minutes(2));
  ASSERT_EQ(back.phase(), "Healthy");
  back.now += hours(1);
  back.setImage("web:4");
  back.run();
  back.setImage("web:2");
  back.run();
  EXPECT_EQ(duration(back, "completionStatus"), "RolledBack") << "and it goes on";
  EXPECT_EQ(duration(back, "finishedAt"), "");
  back.promote();
  back.run(minutes(2));
  EXPECT_EQ(duration(back, "completionStatus"), "RolledBack");
  EXPECT_FALSE(duration(back, "finishedAt").empty());
}

TEST(CoreDuration, ManualPauses) {
  PlannerWorld world(R"({"canary":{"steps":[{"setWeight":50},{"pause":{"duration":"1h"}}]}})", 2);
  settle(world);
  world.setImage("web:2");
  world.run();
  ASSERT_EQ(world.phase(), "Paused: CanaryPauseStep");
  EXPECT_EQ(duration(world, "manualPauseStartedAt"), "") << "a timed pause waits for nobody";
  world.edit(R"({"spec":{"paused":true}})");
  world.run();
  EXPECT_FALSE(duration(world, "manualPauseStartedAt").empty());
  world.now += minutes(5);
  world.edit(R"({"spec":{"paused":false}})");
  world.step();
  const std::string total = duration(world, "totalManualPauseDurationSeconds");
  EXPECT_TRUE(total == "300" || total == "302" || total == "298" || total == "299" || total == "301") << total;
}

}  // namespace
}  // namespace crossfade::rollout
