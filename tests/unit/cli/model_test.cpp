// What is derived from a Rollout and its objects. spec/10 §2, §7 cases 15 to 22, 27 to 32.
#include "cli/model.hpp"

#include <gtest/gtest.h>

#include <set>

namespace crossfade::cli {
namespace {

json::object object(std::string_view text) {
  const auto parsed = parseJson(text);
  if (!parsed || !parsed->is_object()) ADD_FAILURE() << "no JSON object: " << text;
  return parsed && parsed->is_object() ? parsed->get_object() : json::object();
}

api::Rollout rollout(std::string_view spec, std::string_view status, int generation = 1) {
  return api::decodeRollout(object(
      fmt::format(R"({{"metadata":{{"name":"x","namespace":"web","uid":"r","generation":{}}},"spec":{},"status":{}}})",
                  generation, spec, status)));
}

struct ReplicaSetFacts {
  std::string hash, image = "img";
  std::string owner = "r", annotations = "{}";
  int replicas = 1, available = 1;
};

void addReplicaSet(Objects& objects, const ReplicaSetFacts& facts) {
  const json::object json = object(fmt::format(
      R"({{"metadata":{{"name":"rs-{0}","uid":"{0}","labels":{{"rollouts-pod-template-hash":"{0}"}},"annotations":{5},)"
      R"("ownerReferences":[{{"uid":"{1}"}}]}},"spec":{{"replicas":{2},"template":{{"spec":{{"containers":)"
      R"([{{"name":"c","image":"{3}"}}]}}}}}},"status":{{"replicas":{2},"availableReplicas":{4}}}}})",
      facts.hash, facts.owner, facts.replicas, facts.image, facts.available, facts.annotations));
  objects.replica_sets.push_back(
      std::make_shared<Owned<api::ReplicaSet>>(Owned<api::ReplicaSet>{api::decodeReplicaSet(json), ownersOf(json)}));
}

TEST(Weights, WorkedCases) {
  const std::string steps = R"("steps":[{"setWeight":20},{"pause":{}},{"setWeight":40}])";
  const std::string basic = R"({"strategy":{"canary":{)" + steps + "}}}";
  const std::string routed = R"({"strategy":{"canary":{"trafficRouting":{"nginx":{}},)" + steps + "}}}";
  const struct {
    int number;
    std::string spec, status;
    int canary_available;
    std::string step;
    int set_weight, actual_weight;
  } cases[] = {
      {15, basic, R"({"currentStepIndex":1,"availableReplicas":6,"stableRS":"s","currentPodHash":"c"})", 1, "1/3", 20,
       16},
      {16, basic, R"({"currentStepIndex":1,"availableReplicas":6,"stableRS":"s","currentPodHash":"c"})", 0, "1/3", 20,
       0},
      {17, routed, R"({"currentStepIndex":2,"availableReplicas":5,"canary":{"weights":{"canary":{"weight":20}}}})", 1,
       "2/3", 40, 20},
      {18, routed, R"({"currentStepIndex":0,"availableReplicas":5})", 1, "0/3", 20, 20},
      {19, R"({"strategy":{"canary":{}}})", R"({"availableReplicas":1})", 1, "", 100, 100},
      {20, R"({"strategy":{"canary":{"steps":[{"setWeight":5},{"pause":{}}]}}})",
       R"({"abort":true,"currentStepIndex":0,"availableReplicas":1})", 0, "0/2", 0, 0},
      {21, R"({"strategy":{"canary":{"trafficRouting":{"maxTrafficWeight":1000},"steps":[{"setWeight":5}]}}})",
       R"({"currentStepIndex":1})", 1, "1/1", 1000, 1000},
      {22, R"({"strategy":{"canary":{"steps":[{"setCanaryScale":{"weight":1}},{"experiment":{}}]}}})",
       R"({"currentStepIndex":0})", 0, "0/2", 0, 0},
  };
  for (const auto& c : cases) {
    Objects objects;
    addReplicaSet(objects, {.hash = "c", .available = c.canary_available});
    const RolloutTree tree = buildRolloutTree(rollout(c.spec, c.status), objects);
    EXPECT_EQ(tree.step, c.step) << c.number;
    EXPECT_EQ(tree.set_weight, c.set_weight) << c.number;
    EXPECT_EQ(tree.actual_weight, c.actual_weight) << c.number;
  }
}

TEST(RolloutPhase, TrustsNoOldPhase) {  // spec/02 §18.12 #11-#13, spec/02 §19 #29
  const std::string spec = R"({"strategy":{"canary":{}}})";
  const auto phase = [&](std::string_view status) { return rolloutPhase(rollout(spec, status, 3)); };
  EXPECT_EQ(phase(R"({"observedGeneration":"2","phase":"Healthy"})"),
            (Phase{"Progressing", "waiting for rollout spec update to be observed"}));
  EXPECT_EQ(phase(R"({"observedGeneration":"3","phase":"Healthy"})"), (Phase{"Healthy", ""}));
  EXPECT_EQ(phase(R"({"observedGeneration":"4","phase":"Healthy"})"), (Phase{"Healthy", ""}));
  EXPECT_EQ(phase(R"({"observedGeneration":"6fbd5c","phase":"Paused","message":"m"})"), (Phase{"Paused", "m"}));
  EXPECT_EQ(phase(R"({"observedGeneration":"3","controllerPause":true,"phase":"Paused"})"),
            (Phase{"Progressing", "waiting for rollout to unpause"}));
  EXPECT_FALSE(phase("{}").status.empty());
  for (const char* old : {"7d66d4485f", "1366344857"}) {
    EXPECT_EQ(phase(fmt::format(R"({{"observedGeneration":"{}","phase":"Paused"}})", old)), (Phase{"Paused", ""}))
        << old;
  }
}

// spec/02 §18.12 #14-#15
TEST(RolloutPhase, WaitsForTheReferencedWorkload) {
  const auto phase = [](std::string_view seen) {
    api::Rollout one = rollout(
        R"({"strategy":{"canary":{}},"workloadRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"d"}})",
        fmt::format(R"({{"observedGeneration":"3","phase":"Healthy","workloadObservedGeneration":"{}"}})", seen), 3);
    one.metadata.annotations["rollout.argoproj.io/workload-generation"] = "2";
    return rolloutPhase(one);
  };
  EXPECT_EQ(phase("1"),
            (Phase{"Progressing", "waiting for rollout spec update to be observed for the reference workload"}));
  EXPECT_EQ(phase("2"), (Phase{"Healthy", ""}));
  EXPECT_EQ(phase("222222222222222222"), (Phase{"Healthy", ""}));
}

TEST(RolloutPhase, WorkedCases) {  // spec/01 §10.4
  const std::string spec = R"({"strategy":{"canary":{}}})";
  const auto phase = [&](std::string_view generation) {
    return rolloutPhase(
        rollout(spec, fmt::format(R"({{"observedGeneration":"{}","phase":"Healthy"}})", generation), 2));
  };
  EXPECT_EQ(phase("1"), (Phase{"Progressing", "waiting for rollout spec update to be observed"}));  // spec/01 §10.4 P1
  // spec/01 §10.4 P2, spec/01 §11 #2: hashes of old releases, with letters or without
  for (const char* hash : {"7d66d4485f", "1366344857", "99999999999999999999"})
    EXPECT_EQ(phase(hash), (Phase{"Healthy", ""})) << hash;
}

TEST(RolloutPhase, WaitsForTheWorkload) {  // spec/01 §3.5
  const auto phase = [](std::string_view annotated, std::string_view observed) {
    api::Rollout made = rollout(
        R"({"workloadRef":{"kind":"Deployment","name":"d"},"strategy":{"canary":{}}})",
        fmt::format(R"({{"observedGeneration":"3","workloadObservedGeneration":"{}","phase":"Healthy"}})", observed),
        3);
    made.metadata.annotations["rollout.argoproj.io/workload-generation"] = annotated;
    return rolloutPhase(made);
  };
  EXPECT_EQ(phase("7", "6"),
            (Phase{"Progressing", "waiting for rollout spec update to be observed for the reference workload"}));
  EXPECT_EQ(phase("7", "7"), (Phase{"Healthy", ""}));
}

TEST(Images, WorkedCases) {
  const std::string canary = R"({"strategy":{"canary":{}}})";
  {  // Case 27.
    Objects objects;
    addReplicaSet(objects, {.hash = "s"});
    const auto tree = buildRolloutTree(
        rollout(R"({"strategy":{"blueGreen":{}}})", R"({"stableRS":"s","blueGreen":{"activeSelector":"s"}})"), objects);
    EXPECT_EQ(tree.images, (std::vector<ImageUse>{{"img", {"stable", "active"}}}));
  }
  {  // Case 28, and a ReplicaSet that doesn't run.
    Objects objects;
    addReplicaSet(objects, {.hash = "s"});
    addReplicaSet(objects, {.hash = "c"});
    addReplicaSet(objects, {.hash = "o", .image = "old", .replicas = 0, .available = 0});
    const auto tree = buildRolloutTree(rollout(canary, R"({"stableRS":"s","currentPodHash":"c"})"), objects);
    EXPECT_EQ(tree.images, (std::vector<ImageUse>{{"img", {"canary", "stable"}}}));
  }
  {  // Case 29.
    Objects objects;
    addReplicaSet(objects, {.hash = "s"});
    addReplicaSet(
        objects,
        {.hash = "e", .owner = "exp", .annotations = R"({"experiment.argoproj.io/template-name":"baseline"})"});
    const json::object experiment = object(
        R"({"metadata":{"name":"e","uid":"exp","annotations":{"rollout.argoproj.io/revision":"2"},"ownerReferences":[{"uid":"r"}]}})");
    objects.experiments.push_back(std::make_shared<Owned<api::Experiment>>(
        Owned<api::Experiment>{api::decodeExperiment(experiment), ownersOf(experiment)}));
    const auto tree = buildRolloutTree(rollout(canary, R"({"stableRS":"s"})"), objects);
    EXPECT_EQ(tree.images, (std::vector<ImageUse>{{"img", {"stable", "Σ:baseline"}}}));
    ASSERT_EQ(tree.revisions.size(), 2u);
    EXPECT_EQ(tree.revisions[0].number, 2);
    EXPECT_EQ(tree.revisions[0].experiments[0].replica_sets.size(), 1u);
    EXPECT_EQ(tree.revisions[1].number, 0);
  }
}

Roles made(const std::set<std::string>& names) {
  return {names.contains("stable"),  names.contains("canary"), names.contains("active"),
          names.contains("preview"), names.contains("ping"),   names.contains("pong")};
}

TEST(Roles, PingPongAndPreview) {
  Objects objects;
  addReplicaSet(objects, {.hash = "s"});
  addReplicaSet(objects, {.hash = "c"});
  const auto roles = [&](std::string_view spec, std::string_view status) {
    std::vector<Roles> found;
    for (const RevisionNode& revision : buildRolloutTree(rollout(spec, status), objects).revisions) {
      for (const ReplicaSetNode& node : revision.replica_sets) found.push_back(node.roles);  // c, then s
    }
    return found;
  };
  EXPECT_EQ(roles(R"({"strategy":{"canary":{"pingPong":{}}}})",
                  R"({"stableRS":"s","currentPodHash":"c","canary":{"stablePingPong":"ping"}})"),
            (std::vector<Roles>{made({"canary", "pong"}), made({"stable", "ping"})}));
  EXPECT_EQ(roles(R"({"strategy":{"canary":{}}})", R"({"stableRS":"s","currentPodHash":"s"})"),
            (std::vector<Roles>{made({}), made({"stable"})}));
  EXPECT_EQ(roles(R"({"strategy":{"blueGreen":{}}})",
                  R"({"stableRS":"s","blueGreen":{"activeSelector":"s","previewSelector":"c"}})"),
            (std::vector<Roles>{made({"preview"}), made({"stable", "active"})}));
}

// Case 32.
TEST(Health, AnOldObservationIsProgress) {
  Objects objects;
  const json::object json = object(
      R"({"metadata":{"name":"a","uid":"a","generation":4,"ownerReferences":[{"uid":"r"}]},"spec":{"replicas":0},)"
      R"("status":{"observedGeneration":3}})");
  objects.replica_sets.push_back(
      std::make_shared<Owned<api::ReplicaSet>>(Owned<api::ReplicaSet>{api::decodeReplicaSet(json), ownersOf(json)}));
  EXPECT_EQ(buildRolloutTree(rollout("{}", "{}"), objects).revisions[0].replica_sets[0].status, "Progressing");
}

}  // namespace
}  // namespace crossfade::cli
