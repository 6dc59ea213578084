// Restarts, a canary's Services, pod metadata and the workload behind workloadRef. spec/02 §18.9, §18.15 to §18.17.
#include "support/plan_case.hpp"
#include "support/planner_world.hpp"

namespace crossfade::rollout {
namespace {

using test::actionsOf;
using test::PlannerWorld;

json::object object(std::string_view text) { return PlannerWorld::object(text); }

PlannerWorld settled(std::string_view strategy, int replicas, std::string_view spec = "{}") {
  PlannerWorld world(strategy, replicas);
  for (const char* name : {"stable", "canary", "active"})
    if (strategy.contains(fmt::format("Service\":\"{}\"", name))) world.addService(name);
  world.edit(fmt::format(R"({{"spec":{}}})", spec));
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  world.writes.clear();
  world.events.clear();
  world.now += hours(1);
  return world;
}

// --- restarts (spec/02 §8) ---

struct Pods {
  int old_ready = 0, old_unready = 0, young_ready = 0, young_unready = 0, at_that_moment = 0, foreign = 0;
};

// A snapshot in which a restart was asked for a minute ago, with these pods of the only ReplicaSet.
Snapshot restarting(PlannerWorld& world, const Pods& pods) {
  const TimePoint asked = world.now - minutes(1);
  world.edit(fmt::format(R"({{"spec":{{"restartAt":"{}"}}}})", formatTime(asked)));
  Snapshot snapshot = world.snapshot();
  snapshot.pods.emplace();
  const auto add = [&](int count, TimePoint created, bool ready, std::string_view owner) {
    for (int i = 0; i < count; ++i) {
      auto pod = std::make_shared<api::Pod>();
      pod->metadata.name = "p" + std::to_string(snapshot.pods->size());
      pod->metadata.created = created;
      pod->metadata.controller = api::OwnerRef{.kind = "ReplicaSet", .name = "rs", .uid = std::string(owner)};
      pod->ready = ready;
      pod->ready_since = created;
      snapshot.pods->push_back(std::move(pod));
    }
  };
  const std::string owner = "uid-web-" + world.hash("web:1");
  add(pods.old_ready, asked - minutes(5), true, owner);
  add(pods.old_unready, asked - minutes(5), false, owner);
  add(pods.young_ready, asked + seconds(5), true, owner);
  add(pods.young_unready, asked + seconds(5), false, owner);
  add(pods.at_that_moment, asked, true, owner);
  add(pods.foreign, asked - minutes(5), true, "somebody-else");
  return snapshot;
}

bool saysRestarted(const Plan& plan) {
  for (const auto& write : actionsOf<PatchStatus>(plan))
    if (write.status.restarted_at) return true;
  return false;
}

TEST(Restart, Spec02_18_9) {
  struct Case {
    std::string_view name;
    int replicas;
    std::string_view max_unavailable;
    Pods pods;
    std::size_t evicted;
    bool restarted;
  };
  // A pod counts as restarted once it is gone (an eviction may be refused), so the rows that evict the last old pods
  // say "restarted" one plan later than the table.
  const Case cases[] = {
      {"spec/02 §18.9 #1: 2 old, 1 new, 2 may be missing", 3, "2", {.old_ready = 2, .young_ready = 1}, 2, false},
      {"spec/02 §18.9 #2: 1 new not available", 3, "2", {.old_ready = 2, .young_unready = 1}, 1, false},
      {"spec/02 §18.9 #3: none may be missing", 3, "0", {.old_ready = 2, .young_ready = 1}, 1, false},
      {"spec/02 §18.9 #4: all may be missing", 3, R"("100%")", {.old_ready = 2, .young_ready = 1}, 2, false},
      {"1 old not available", 2, R"("25%")", {.old_ready = 1, .old_unready = 1}, 0, false},
      {"spec/02 §18.9 #7: no pods", 0, R"("25%")", {}, 0, true},
      {"spec/02 §18.9 #9: created at that very moment", 1, R"("25%")", {.at_that_moment = 1}, 0, true},
      {"spec/02 §18.9 #10: of a foreign ReplicaSet", 1, R"("25%")", {.foreign = 1}, 0, true},
  };
  for (const Case& one : cases) {
    PlannerWorld world =
        settled(fmt::format(R"({{"canary":{{"maxUnavailable":{},"maxSurge":1}}}})", one.max_unavailable), one.replicas);
    const Plan made = plan(restarting(world, one.pods), world.now);
    EXPECT_EQ(actionsOf<EvictPod>(made).size(), one.evicted) << one.name;
    EXPECT_EQ(saysRestarted(made), one.restarted) << one.name;
    if (!one.restarted) {
      EXPECT_EQ(made.look_again, world.now + seconds(30)) << one.name;
    }
  }
}

// More pods than replicas: they count, so that half of them isn't evicted at once.
TEST(Restart, WhileTwoReplicaSetsHavePods) {
  for (const bool both : {true, false}) {
    test::PlanCase world(
        R"({"replicas":1,"restartAt":"2024-05-01T11:59:00Z","strategy":{"canary":{"steps":[{"setWeight":50},{"pause":{}}]}}})",
        R"({"currentStepIndex":1,"controllerPause":true})", {{"old", 1, 1}, {"$new", 1, 1, "2", 600}});
    Snapshot snapshot = world.snapshot();
    snapshot.pods.emplace();
    for (const std::string& hash : {std::string("old"), world.hash}) {
      auto pod = std::make_shared<api::Pod>();
      pod->metadata.name = hash;
      pod->metadata.created = test::PlanCase::now - minutes(10);
      pod->metadata.controller = api::OwnerRef{.kind = "ReplicaSet", .name = "rs", .uid = "uid-" + hash};
      pod->ready = hash == "old" || both;
      snapshot.pods->push_back(std::move(pod));
    }
    const Plan made = plan(snapshot, test::PlanCase::now);
    const auto evicted = actionsOf<EvictPod>(made);
    // The stable ones first. spec/02 §8, 4
    ASSERT_EQ(evicted.size(), both ? 1U : 0U) << (both ? "spec/02 §18.9 #5" : "spec/02 §18.9 #6");
    if (both) {
      EXPECT_EQ(evicted[0].name, "old");
    }
    EXPECT_LE(*made.look_again, test::PlanCase::now + seconds(30));
  }
}

// A new template makes young pods anyway: what is under way is cancelled, what is still to come is not. spec/02 §5.3
TEST(Restart, ANewTemplateCancelsIt) {
  for (const bool due : {true, false}) {
    PlannerWorld world = settled(R"({"canary":{}})", 2);
    const std::string at = formatTime(world.now + (due ? -minutes(1) : minutes(10)));
    world.edit(fmt::format(R"({{"spec":{{"restartAt":"{}"}}}})", at));
    world.setImage("web:2");
    world.run(minutes(1));
    EXPECT_EQ(world.status("restartedAt"), due ? at : "");
  }
}

TEST(Restart, ComesAtItsTimeAndWantsToSeePods) {
  PlannerWorld world = settled(R"({"canary":{}})", 1);
  const TimePoint at = world.now + minutes(10);
  world.edit(fmt::format(R"({{"spec":{{"restartAt":"{}"}}}})", formatTime(at)));
  EXPECT_FALSE(needsPods(world.snapshot(), world.now));
  world.run();
  EXPECT_EQ(world.phase(), "Progressing: rollout is restarting");
  ASSERT_TRUE(world.last.look_again);
  EXPECT_GT(*world.last.look_again, at) << "strictly after, or it would look again and again";
  EXPECT_TRUE(needsPods(world.snapshot(), *world.last.look_again));
}

// --- a canary's Services (spec/02 §18.15) ---

TEST(CanaryServices, Spec02_18_15) {  // spec/04 §18.1 V1-V6
  struct Case {
    std::string_view name;
    bool managed;
    std::int64_t size, available;
    bool switched;
  };
  // Taking over wants all pods, later switches one. spec/02 §19 #25
  const Case cases[] = {{"spec/02 §18.15 #1: 0/0", false, 0, 0, false}, {"spec/02 §18.15 #1: 2/0", false, 2, 0, false},
                        {"spec/02 §18.15 #1: 2/1", false, 2, 1, false}, {"spec/02 §18.15 #2", false, 2, 2, true},
                        {"spec/02 §18.15 #3", true, 3, 0, false},       {"spec/02 §18.15 #4", true, 3, 1, true}};
  for (const Case& one : cases) {
    PlannerWorld world = settled(
        R"({"canary":{"canaryService":"canary","stableService":"stable","steps":[{"setWeight":50},{"pause":{}}]}})",
        static_cast<int>(std::max<std::int64_t>(one.size, 2)));
    world.setImage("web:2");
    world.step();
    json::object& service = world.services.at("canary");
    ensureObject(service, {"spec"})["selector"] = object(R"({"app":"web"})");
    ensureObject(service, {"metadata"}).erase("annotations");
    if (one.managed)
      ensureObject(service, {"metadata", "annotations"})["argo-rollouts.argoproj.io/managed-by-rollouts"] = "web";
    json::object& rs = *world.rsOf("web:2");
    ensureObject(rs, {"spec"})["replicas"] = one.size;
    ensureObject(rs, {"status"})["availableReplicas"] = one.available;
    const auto patches = actionsOf<PatchServiceSelector>(plan(world.snapshot(), world.now));
    ASSERT_EQ(patches.size(), one.switched ? 1U : 0U) << one.name;
    if (one.switched) {
      EXPECT_EQ(
          getString(patches[0].patch, {"metadata", "annotations", "argo-rollouts.argoproj.io/managed-by-rollouts"}),
          one.managed ? "" : "web");
    }
  }
}

TEST(CanaryServices, AbortedBasicCanaryGoesBackToStable) {  // spec/02 §18.15 #5
  PlannerWorld world = settled(
      R"({"canary":{"canaryService":"canary","stableService":"stable","steps":[{"setWeight":50},{"pause":{}}]}})", 2);
  world.setImage("web:2");
  world.run();
  EXPECT_EQ(world.selected("canary"), world.hash("web:2"));
  world.abort();
  world.run();
  EXPECT_EQ(world.selected("canary"), world.hash("web:1"));
  EXPECT_EQ(world.selected("stable"), world.hash("web:1"));
  EXPECT_EQ(world.step(), 0U) << "spec/02 §18.15 #6: nothing differs, nothing is written";
}

// --- pod metadata (spec/02 §10, §18.16) ---

std::string_view role(const json::object& rs) {
  return getString(rs, {"spec", "template", "metadata", "labels", "role"});
}

TEST(PodMetadata, FollowsTheRoles) {
  constexpr std::string_view strategy =
      R"({"canary":{"stableMetadata":{"labels":{"role":"stable"}},"canaryMetadata":{"labels":{"role":"canary"}},
          "steps":[{"setWeight":50},{"pause":{}}]}})";
  PlannerWorld world = settled(strategy, 2);
  EXPECT_EQ(role(*world.rsOf("web:1")), "stable") << "spec/02 §18.16 #7: born with it";
  EXPECT_EQ(getString(*world.rsOf("web:1"), {"metadata", "annotations", "rollout.argoproj.io/ephemeral-metadata"}),
            R"({"labels":{"role":"stable"}})");
  EXPECT_TRUE(needsPods(world.snapshot(), world.now));
  world.setImage("web:2");
  world.run();
  EXPECT_EQ(role(*world.rsOf("web:1")), "stable");
  EXPECT_EQ(role(*world.rsOf("web:2")), "canary");

  // The pods of the ReplicaSet follow it, each by a patch of its own.
  Snapshot snapshot = world.snapshot();
  snapshot.pods.emplace();
  for (const auto& [name, labels] : std::map<std::string, Labels>{{"left-behind", {{"app", "web"}}},
                                                                  {"right", {{"app", "web"}, {"role", "canary"}}}}) {
    auto pod = std::make_shared<api::Pod>();
    pod->metadata.name = name;
    pod->metadata.labels = labels;
    pod->metadata.controller =
        api::OwnerRef{.kind = "ReplicaSet", .name = "rs", .uid = "uid-web-" + world.hash("web:2")};
    snapshot.pods->push_back(std::move(pod));
  }
  const auto patches = actionsOf<PatchPod>(plan(snapshot, world.now));
  ASSERT_EQ(patches.size(), 1U);
  EXPECT_EQ(patches[0].name, "left-behind");
  EXPECT_EQ(json::value(patches[0].patch), object(R"({"metadata":{"labels":{"role":"canary"}}})"));

  world.promote();
  world.run();
  EXPECT_EQ(role(*world.rsOf("web:2")), "stable");
  EXPECT_EQ(role(*world.rsOf("web:1")), "") << "a role that ended";
}

TEST(PodMetadata, IsTakenOffWhenItIsNoLongerConfigured) {
  PlannerWorld world = settled(R"({"canary":{"stableMetadata":{"labels":{"role":"stable"}}}})", 2);
  world.edit(R"({"spec":{"strategy":{"canary":{"stableMetadata":null}}}})");
  world.run();
  EXPECT_EQ(role(*world.rsOf("web:1")), "");
  EXPECT_FALSE(needsPods(world.snapshot(), world.now));
}

// --- workloadRef (spec/02 §18.17) ---

TEST(Workload, ScalesDownWhileTheFirstRevisionTakesOver) {
  struct Case {
    std::string_view name;
    std::int64_t deployment, revision, ready;
    std::string_view phase;
    std::optional<std::int64_t> expected;
  };
  const Case cases[] = {{"spec/02 §18.17 #1", 5, 1, 3, "Progressing", 2},
                        {"spec/02 §18.17 #2", 0, 1, 1, "Progressing", 4},
                        {"spec/02 §18.17 #3", 2, 1, 5, "Healthy", 0},
                        {"spec/02 §18.17 #4", 5, 2, 3, "Healthy", std::nullopt},
                        {"spec/02 §18.17 #5", 5, 1, 6, "Progressing", 0}};
  for (const Case& one : cases) {
    PlannerWorld world = settled(R"({"canary":{}})", 5);
    json::object& annotations = ensureObject(*world.rsOf("web:1"), {"metadata", "annotations"});
    annotations["rollout.argoproj.io/revision"] = std::to_string(one.revision);
    const json::object pod_template = *getObject(world.rollout, {"spec", "template"});
    world.edit(R"({"spec":{"template":null,"workloadRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"web",
        "scaleDown":"progressively"}}})");
    world.patchStatus(fmt::format(R"({{"readyReplicas":{},"phase":"{}"}})", one.ready, one.phase));
    Snapshot snapshot = world.snapshot();
    snapshot.workload = Workload{.pod_template = pod_template,
                                 .selector = std::nullopt,
                                 .generation = 7,
                                 .error = {},
                                 .replicas = one.deployment};
    const Plan made = plan(snapshot, world.now);
    EXPECT_EQ(made.invalid, std::nullopt);
    const auto scaled = actionsOf<ScaleWorkload>(made);
    ASSERT_EQ(scaled.size(), one.expected ? 1U : 0U) << one.name;
    if (one.expected) {
      EXPECT_EQ(scaled[0].replicas, *one.expected) << one.name;
      EXPECT_FALSE(scaled[0].required);
    }
    for (const auto& write : actionsOf<PatchStatus>(made)) EXPECT_EQ(write.status.workload_observed_generation, "7");
  }
}

// Only the first revision replaces the workload, and only one that works. spec/02 §9.5
TEST(Workload, IsScaledDownOnSuccess) {
  struct Case {
    std::string_view mode, phase, revision;
    bool scaled;
  };
  const Case cases[] = {{"onsuccess", "Healthy", "1", true},
                        {"onsuccess", "Progressing", "1", false},
                        {"onsuccess", "Healthy", "2", false},
                        {"never", "Healthy", "1", false},
                        {"OnSuccess", "Healthy", "1", false}};
  for (const Case& one : cases) {
    PlannerWorld world = settled(R"({"canary":{}})", 2);
    const json::object pod_template = *getObject(world.rollout, {"spec", "template"});
    ensureObject(*world.rsOf("web:1"), {"metadata", "annotations"})["rollout.argoproj.io/revision"] = one.revision;
    world.edit(
        fmt::format(R"({{"metadata":{{"annotations":{{"rollout.argoproj.io/revision":"{}"}}}},"spec":{{"template":null,
        "workloadRef":{{"apiVersion":"apps/v1","kind":"Deployment","name":"web","scaleDown":"{}"}}}}}})",
                    one.revision, one.mode));
    world.patchStatus(fmt::format(R"({{"phase":"{}"}})", one.phase));
    Snapshot snapshot = world.snapshot();
    snapshot.workload =
        Workload{.pod_template = pod_template, .selector = std::nullopt, .generation = 1, .error = {}, .replicas = 2};
    const auto scaled = actionsOf<ScaleWorkload>(plan(snapshot, world.now));
    ASSERT_EQ(scaled.size(), one.scaled ? 1U : 0U) << one.mode << one.phase << one.revision;
    if (one.scaled) {
      EXPECT_EQ(scaled[0].replicas, 0);
      EXPECT_TRUE(scaled[0].required);
    }
    snapshot.workload->replicas = 0;
    EXPECT_TRUE(actionsOf<ScaleWorkload>(plan(snapshot, world.now)).empty()) << "it is there already";
  }
}

TEST(Workload, AnUnknownOneMakesTheRolloutInvalid) {  // spec/01 §10.1 E44
  PlannerWorld world = settled(R"({"canary":{}})", 1);
  world.edit(R"({"spec":{"template":null,"workloadRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"web"}}})");
  Snapshot snapshot = world.snapshot();
  snapshot.workload = Workload{.pod_template = {},
                               .selector = {},
                               .generation = 0,
                               .error = "deployments.apps \"default/web\" not found",
                               .replicas = {}};
  const Plan made = plan(snapshot, world.now);
  EXPECT_EQ(made.invalid, "The Rollout \"web\" is invalid: deployments.apps \"default/web\" not found");
  EXPECT_EQ(made.look_again, world.now + seconds(20));
}

}  // namespace
}  // namespace crossfade::rollout
