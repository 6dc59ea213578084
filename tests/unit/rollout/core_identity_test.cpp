// Which ReplicaSet is a template's, how it is found, made, named and claimed; revisions and history: spec/02 §4, §18.1,
// §18.2, §18.4.
#include "rollout/template_equality.hpp"
#include "support/plan_case.hpp"

namespace crossfade::rollout {
namespace {

using test::actionsOf;
using test::eventsOf;
using test::PlanCase;
using Set = PlanCase::Set;

// --- hashes ---

TEST(CoreHash, PodTemplates) {  // spec/02 §19 #2, spec/02 §19 #3
  const std::string demo =
      R"({"metadata":{"labels":{"app":"demo"}},"spec":{"containers":[{"name":"demo","image":"demo:1","resources":{}}]}})";
  const auto guestbook = [](std::string_view limit, std::string_view request) {
    return fmt::format(
        R"({{"metadata":{{"labels":{{"foo":"bar"}}}},"spec":{{"containers":[{{"name":"container-name","image":"foo/bar","resources":{{"limits":{{"cpu":{},"memory":"8192M"}},"requests":{{"cpu":{},"memory":"8192M"}}}}}}]}}}})",
        limit, request);
  };
  // spec/02 §18.1 #8: as a person would write it, in another order, with what the API server leaves in place.
  const std::string shop = R"({"metadata":{"annotations":{"note":"a<b & c"},"labels":{"tier":"web","app":"shop"}},
    "spec":{"securityContext":{},"terminationGracePeriodSeconds":30,"containers":[{"readinessProbe":{"periodSeconds":5,
      "httpGet":{"port":8080,"path":"/healthz"}},"volumeMounts":[{"mountPath":"/etc/cfg","name":"cfg","readOnly":true}],
      "env":[{"value":"prod","name":"MODE"},{"name":"POD","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}],
      "ports":[{"containerPort":8080,"name":"http"}],"image":"shop:v1","name":"shop"}],
      "volumes":[{"configMap":{"name":"shop-cfg"},"name":"cfg"},{"name":"tmp","emptyDir":{}}]}})";
  struct Case {
    std::string_view name;
    std::string pod_template;
    std::optional<std::int64_t> collisions;
    std::string_view hash;
    bool legacy = false;
  };
  const Case cases[] = {
      {"spec/02 §18.1 #1", R"({"metadata":{},"spec":{"containers":null}})", {}, "658c46c486"},
      {"spec/02 §18.1 #2", R"({"metadata":{},"spec":{"containers":null}})", {}, "76bbb58f74", true},
      {"spec/02 §18.1 #3", guestbook(R"("2000m")", R"("150m")"), {}, "6f496f9f78"},
      {"spec/02 §18.1 #3: '2' and 0.15", guestbook(R"("2")", "0.15"), {}, "6f496f9f78"},
      {"spec/02 §18.1 #4", demo, {}, "96bcd6d84"},
      {"spec/02 §18.1 #5: 0", demo, 0, "9df467796"},
      {"spec/02 §18.1 #5: 1", demo, 1, "6599bd9cd9"},
      {"spec/02 §18.1 #5: 2", demo, 2, "7c6678d65d"},
      {"spec/02 §18.1 #6", demo, {}, "6676bb79d8", true},
      {"spec/02 §18.1 #7: –", shop, {}, "855758994c"},
      {"spec/02 §18.1 #7: 1", shop, 1, "6c54789d"},
  };
  for (const Case& one : cases)
    EXPECT_EQ(api::podTemplateHash(PlanCase::parse(one.pod_template), one.collisions, one.legacy), one.hash)
        << one.name;
}

TEST(CoreHash, Steps) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"null", "5ffbfbbd64"},                                                              // spec/02 §18.2 #1
      {R"([{"pause":{}}])", "6b9b86fbd5"},                                                 // spec/02 §18.2 #2
      {R"([{"pause":{}},{"pause":{}}])", "79c9b9f6bf"},                                    // spec/02 §18.2 #3
      {R"([{"setWeight":20},{"pause":{}}])", "54649b9f5c"},                                // spec/02 §18.2 #4
      {R"([{"setWeight":20},{"pause":{"duration":"10m"}}])", "7f4ccc8f9"},                 // spec/02 §18.2 #5
      {R"([{"setWeight":20},{"pause":{"duration":60}},{"setWeight":40}])", "7f4d9cdd47"},  // spec/02 §18.2 #6
  };
  for (const auto& [steps, hash] : cases) EXPECT_EQ(api::stepHash(*parseJson(steps)), hash) << steps;
  // spec/02 §18.2 #7
  PlanCase world(R"({"strategy":{"blueGreen":{"activeService":"active"}}})", "{}", {{"$new", 10, 10, "2", 60}});
  world.service("active", "$new");
  EXPECT_EQ(test::writtenStatus(world.plan())->current_step_hash, "");
}

// --- equality (spec/02 §4.3.1) ---

TEST(CoreEquality, DefaultsStandWhereTheyBelong) {
  const std::string desired =
      R"({"metadata":{"labels":{"app":"a"}},"spec":{"containers":[{"name":"c","image":"demo"}]}})";
  const auto live = [](std::string_view labels, std::string_view container, std::string_view spec) {
    return PlanCase::parse(fmt::format(
        R"({{"metadata":{{"labels":{{"app":"a"{}}}}},"spec":{{"containers":[{{"name":"c","image":"demo"{}}}]{}}}}})",
        labels, container, spec));
  };
  const json::object wanted = PlanCase::parse(desired);
  EXPECT_TRUE(sameTemplate(wanted, live("", "", "")));
  EXPECT_TRUE(sameTemplate(
      wanted, live("", R"(,"imagePullPolicy":"Always","resources":{})", R"(,"securityContext":{},"volumes":[])")));
  EXPECT_FALSE(sameTemplate(wanted, live("", R"(,"imagePullPolicy":"IfNotPresent")", ""))) << "no tag: Always";
  EXPECT_FALSE(sameTemplate(wanted, live(R"(,"user":"admin")", "", ""))) << "a label is no default of a volume";
  EXPECT_FALSE(sameTemplate(wanted, live(R"(,"empty":"")", "", ""))) << "an empty label is a label";
  EXPECT_FALSE(sameTemplate(wanted, live("", R"(,"securityContext":{"runAsUser":0})", ""))) << "root is not nobody";
  EXPECT_FALSE(sameTemplate(wanted, live("", "", R"(,"automountServiceAccountToken":false)")));
  EXPECT_TRUE(sameTemplate(wanted, live("", "", R"(,"hostNetwork":false,"serviceAccount":"default")")));
  EXPECT_FALSE(sameTemplate(wanted, live("", "", R"(,"serviceAccountName":"default")")));
  EXPECT_TRUE(sameTemplate(wanted, live("", "", R"(,"memberOfTheFuture":"")")));
  EXPECT_FALSE(sameTemplate(wanted, live("", "", R"(,"memberOfTheFuture":"on")")));

  const json::object rich = PlanCase::parse(R"({"metadata":{"labels":{"app":"a"}},"spec":{
    "volumes":[{"name":"e"},{"name":"s","secret":{"secretName":"s"}},{"name":"h","hostPath":{"path":"/x"}},
      {"name":"r","rbd":{"monitors":["m"],"image":"i"}},
      {"name":"t","projected":{"sources":[{"serviceAccountToken":{"path":"p"}}]}}],
    "containers":[{"name":"c","image":"r/demo:latest","env":[{"name":"N","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}],
      "livenessProbe":{"grpc":{"port":1}},"lifecycle":{"preStop":{"httpGet":{"port":1}}},"resources":{"limits":{"cpu":2}}}]}})");
  const json::object defaulted = PlanCase::parse(R"({"metadata":{"creationTimestamp":null,"labels":{"app":"a"}},"spec":{
    "volumes":[{"name":"e","emptyDir":{}},{"name":"s","secret":{"secretName":"s","defaultMode":420}},
      {"name":"h","hostPath":{"path":"/x","type":""}},
      {"name":"r","rbd":{"monitors":["m"],"image":"i","pool":"rbd","user":"admin","keyring":"/etc/ceph/keyring"}},
      {"name":"t","projected":{"defaultMode":420,"sources":[{"serviceAccountToken":{"path":"p","expirationSeconds":3600}}]}}],
    "containers":[{"name":"c","image":"r/demo:latest","imagePullPolicy":"Always",
      "env":[{"name":"N","valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"metadata.name"}}}],
      "livenessProbe":{"grpc":{"port":1,"service":""},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3},
      "lifecycle":{"preStop":{"httpGet":{"port":1,"path":"/","scheme":"HTTP"}}},"resources":{"limits":{"cpu":"2000m"}}}]}})");
  EXPECT_TRUE(sameTemplate(rich, defaulted));
}

// Found by its template a ReplicaSet keeps its hash, and that hash is the one used everywhere. spec/02 §4.3
TEST(CoreIdentity, FallbacksKeepTheLabel) {  // spec/02 §19 #4
  // By the hash that older libraries gave it.
  PlanCase old("{}", R"({"stableRS":"$new"})", {{"$new", 10, 10, "2", 60}});
  const std::string legacy = old.snapshot().rollout->legacy_template_hash;
  PlanCase world("{}", fmt::format(R"({{"stableRS":"{0}","currentPodHash":"{0}"}})", legacy),
                 {{.hash = legacy, .size = 10, .available = 10, .revision = "2"}});
  EXPECT_TRUE(actionsOf<CreateReplicaSet>(world.plan()).empty());
  EXPECT_EQ(test::writtenStatus(world.plan())->current_pod_hash, legacy);

  // By its template, what was injected taken off first: anti-affinity (with its hash) and pod metadata.
  constexpr std::string_view injected = R"({"metadata":{"annotations":{"rollout.argoproj.io/ephemeral-metadata":
      "{\"labels\":{\"role\":\"canary\"}}"}},"spec":{"template":{"metadata":{"labels":{"role":"canary"}},"spec":{"affinity":{
      "podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"labelSelector":{"matchExpressions":[
      {"key":"rollouts-pod-template-hash","operator":"In","values":["old"]}]},"topologyKey":"kubernetes.io/hostname"}]}}}}}})";
  PlanCase fallback(
      R"({"strategy":{"canary":{"canaryMetadata":{"labels":{"role":"canary"}},"antiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{}},
          "steps":[{"setWeight":10},{"pause":{}}]}}})",
      R"({"currentPodHash":"kept","currentStepIndex":1})",
      {{"old", 9, 9},
       {.hash = "kept",
        .size = 1,
        .available = 1,
        .revision = "2",
        .age = 60,
        .image = "b",
        .merged = std::string(injected)}});
  const Plan made = fallback.plan();
  EXPECT_TRUE(actionsOf<CreateReplicaSet>(made).empty());
  EXPECT_EQ(test::writtenStatus(made)->current_pod_hash, "kept");
  for (const auto& patch : actionsOf<PatchReplicaSet>(made)) EXPECT_NE(patch.name, "web-kept") << patch.reason;
  // The same in the middle of a promotion: the stable one doesn't repel itself. spec/02 §11
  PlanCase promoted(R"({"strategy":{"canary":{"antiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{}}}}})",
                    R"({"currentPodHash":"kept","stableRS":"kept"})",
                    {{.hash = "kept", .size = 10, .available = 10, .revision = "2", .image = "b"}});
  EXPECT_TRUE(actionsOf<PatchReplicaSet>(promoted.plan()).empty());
}

// spec/02 §11: the term follows the stable hash; without an update, or without the rule, it stays until something else
// is written.
TEST(CoreIdentity, AntiAffinityFollowsTheStableHash) {
  const auto term = [](std::string_view hash) {
    return fmt::format(
        R"({{"spec":{{"template":{{"spec":{{"affinity":{{"podAntiAffinity":{{"requiredDuringSchedulingIgnoredDuringExecution":[
        {{"topologyKey":"zone"}},{{"labelSelector":{{"matchExpressions":[{{"key":"rollouts-pod-template-hash","operator":"In",
        "values":["{}"]}}]}},"namespaces":["default"],"topologyKey":"kubernetes.io/hostname"}}]}}}}}}}}}}}})",
        hash);
  };
  const std::string spec =
      R"({"strategy":{"canary":{"antiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{}},
      "steps":[{"setWeight":10},{"pause":{}}]}}})";
  const auto patched = [&](std::string_view named, std::string_view status, const std::string& rule) {
    PlanCase world(rule, status,
                   {{"old", 9, 9},
                    {.hash = "$new", .size = 1, .available = 1, .revision = "2", .age = 60, .merged = term(named)}});
    std::vector<std::string> terms;
    for (const auto& patch : actionsOf<PatchReplicaSet>(world.plan()))
      if (const json::value* changed = find(patch.patch, {"spec", "template"}))
        terms.push_back(json::serialize(*changed));
    return terms;
  };
  EXPECT_TRUE(patched("old", R"({"currentStepIndex":0})", spec).empty());
  const auto changed = patched("older", R"({"currentStepIndex":0})", spec);
  ASSERT_EQ(changed.size(), 1U);
  EXPECT_TRUE(changed[0].contains(R"("values":["old"])") && changed[0].contains("zone")) << changed[0];
  EXPECT_TRUE(patched("older", R"({"stableRS":"$new","currentStepIndex":2})", spec).empty()) << "promoted";
  EXPECT_TRUE(patched("older", R"({"currentStepIndex":0})",
                      R"({"strategy":{"canary":{"steps":[{"setWeight":10},{"pause":{}}]}}})")
                  .empty());
}

// A slow cache is no collision, whatever was injected.
TEST(CoreIdentity, CollisionsSeeThroughWhatWasInjected) {  // spec/02 §19 #5
  PlanCase world(
      R"({"strategy":{"canary":{"canaryMetadata":{"labels":{"role":"canary"}},"antiAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":{"weight":5}}}}})",
      R"({"currentPodHash":"old"})", {{"old", 10, 10}});
  const Plan made = world.plan();
  const auto creations = actionsOf<CreateReplicaSet>(made);
  ASSERT_EQ(creations.size(), 1U);
  json::object live = creations[0].body;
  EXPECT_EQ(getString(live, {"spec", "template", "metadata", "labels", "role"}), "canary");
  EXPECT_NE(find(live, {"spec", "template", "spec", "affinity"}), nullptr);
  EXPECT_TRUE(isOwnCreation(world.snapshot(), creations[0], live));
  // An older controller's of the same template, without what is injected now.
  ensureObject(live, {"spec", "template", "spec"}).erase("affinity");
  EXPECT_TRUE(isOwnCreation(world.snapshot(), creations[0], live));
  ensureObject(live, {"spec", "template", "spec"})["nodeName"] = "n";
  EXPECT_FALSE(isOwnCreation(world.snapshot(), creations[0], live));
  EXPECT_EQ(test::writtenStatus(onNameCollision(world.snapshot()))->collision_count, 1) << "absent counts as 0";
  ensureObject(world.rollout, {"status"})["collisionCount"] = 1;
  EXPECT_EQ(test::writtenStatus(onNameCollision(world.snapshot()))->collision_count, 2);
}

// --- claiming (spec/02 §4.7) ---

TEST(CoreIdentity, Claims) {  // spec/02 §19 #6
  const auto claims = [](const PlanCase& world) {
    std::vector<std::string> found;
    for (const auto& claim : actionsOf<ClaimReplicaSet>(world.plan()))
      found.push_back((claim.adopt ? "adopt " : "release ") + claim.name);
    return found;
  };
  using Names = std::vector<std::string>;
  const Set mine{"$new", 10, 10, "2", 60};
  const auto other = [&](std::string_view merged) {
    PlanCase world("{}", R"({"stableRS":"$new"})", {mine, {.hash = "x", .merged = std::string(merged)}});
    return claims(world);
  };
  EXPECT_EQ(other("{}"), Names{}) << "owned, matches";
  EXPECT_EQ(other(R"({"metadata":{"labels":{"app":"else"}}})"), Names{"release web-x"});
  EXPECT_EQ(other(R"({"metadata":{"labels":{"app":"else"},"deletionTimestamp":"2024-05-01T11:00:00Z"}})"),
            Names{"release web-x"});
  EXPECT_EQ(other(R"({"metadata":{"ownerReferences":[{"kind":"Rollout","uid":"another","controller":true}]}})"),
            Names{});
  EXPECT_EQ(other(R"({"metadata":{"ownerReferences":null}})"), Names{"adopt web-x"});
  EXPECT_EQ(other(R"({"metadata":{"ownerReferences":[{"kind":"Rollout","uid":"ro"}]}})"), Names{"adopt web-x"})
      << "no controller";
  EXPECT_EQ(other(R"({"metadata":{"ownerReferences":null,"deletionTimestamp":"2024-05-01T11:00:00Z"}})"), Names{});
  EXPECT_EQ(other(R"({"metadata":{"ownerReferences":null,"labels":{"app":"else"}}})"), Names{});

  // The workload can't be resolved, so the selector is not known: nothing is let go.
  PlanCase world("{}", R"({"stableRS":"$new"})", {mine});
  mergePatch(world.rollout["spec"], PlanCase::parse(R"({"selector":null,"template":null,
      "workloadRef":{"apiVersion":"apps/v1","kind":"Deployment","name":"web"}})"));
  Snapshot snapshot = world.snapshot();
  snapshot.workload = Workload{.pod_template = {}, .selector = {}, .generation = 0, .error = "no", .replicas = {}};
  const Plan made = plan(snapshot, PlanCase::now);
  EXPECT_TRUE(actionsOf<ClaimReplicaSet>(made).empty());
  EXPECT_EQ(made.look_again, PlanCase::now + seconds(20)) << "spec/02 §19 #7";
  EXPECT_EQ(made.invalid, "The Rollout \"web\" is invalid: no");
  EXPECT_EQ(test::writtenStatus(made)->phase, "Degraded");
  EXPECT_EQ(made.actions.size(), 1U) << "nothing but the status";
  // What makes the spec invalid is tried again with back-off instead.
  PlanCase invalid(R"({"strategy":{"canary":{"canaryService":"gone"}}})", R"({"abort":true})",
                   {{"old", 10, 10}, {"$new", 1, 1}});
  EXPECT_TRUE(invalid.plan().invalid);
  EXPECT_FALSE(invalid.plan().look_again);
  EXPECT_EQ(invalid.plan().actions.size(), 1U) << "not even an abort";
}

// --- revisions (spec/02 §4.8) ---

TEST(CoreRevisions, Numbers) {
  // spec/02 §18.4 #1
  PlanCase made("{}", R"({"currentPodHash":"b"})", {{"a", 0, 0, "1"}, {"n", 0, 0, ""}, {"b", 10, 10, "2"}});
  const auto creations = actionsOf<CreateReplicaSet>(made.plan());
  ASSERT_EQ(creations.size(), 1U);
  EXPECT_EQ(getString(creations[0].body, {"metadata", "annotations", api::revision_annotation}), "3");
  EXPECT_EQ(eventsOf(made.plan(), "NewReplicaSetCreated"),
            std::vector{fmt::format("Normal NewReplicaSetCreated: Created ReplicaSet web-{} (revision 3)", made.hash)});
  EXPECT_EQ(eventsOf(made.plan(), "RolloutUpdated"),
            std::vector<std::string>{"Normal RolloutUpdated: Rollout updated to revision 3"});

  const auto annotations = [](const PlanCase& world) {
    for (const auto& patch : actionsOf<PatchReplicaSet>(world.plan()))
      if (patch.name == "web-" + world.hash)
        if (const json::object* changed = getObject(patch.patch, {"metadata", "annotations"}))
          return json::serialize(*changed);
    return std::string("none");
  };
  // spec/02 §18.4 #3: never lowered; what is on the ReplicaSet counts for the Rollout.
  PlanCase high("{}", R"({"stableRS":"$new"})", {{"a", 0, 0, "4"}, {"$new", 10, 10, "20"}});
  EXPECT_EQ(annotations(high), "none");
  EXPECT_EQ(eventsOf(high.plan(), "RolloutUpdated"),
            std::vector<std::string>{"Normal RolloutUpdated: Rollout updated to revision 20"});
  // spec/02 §18.4 #4: not touched, nor the other annotations; what doesn't depend on them is done all the same.
  PlanCase odd(R"({"replicas":null,"minReadySeconds":3})", R"({"stableRS":"$new"})",
               {{"$new", 1, 1, "Not an int", 60, "1"}});
  ensureObject(odd.rollout, {"metadata", "annotations"})["team"] = "a";
  EXPECT_EQ(annotations(odd), "none");
  EXPECT_EQ(actionsOf<PatchRollout>(odd.plan()).size(), 1U) << "spec.replicas is written down";
  // spec/02 §18.4 #5
  PlanCase team("{}", R"({"stableRS":"$new"})", {{"$new", 10, 10, "2"}});
  ensureObject(team.rollout, {"metadata", "annotations"})["team"] = "a";
  EXPECT_EQ(annotations(team), R"({"team":"a","rollout.argoproj.io/revision-history":"2"})");
}

TEST(CoreRevisions, History) {  // spec/02 §4.9, spec/02 §19 #31
  struct Case {
    std::string_view name;
    std::string spec;
    std::vector<Set> others;
    std::vector<std::string> deleted;
  };
  const auto drained = [](std::string hash, int age) { return Set{std::move(hash), 0, 0, "1", age}; };
  const auto active = [](std::string hash, int age) {
    return Set{std::move(hash), 1, 1, "1", age, {}, "2024-05-01T12:00:20Z"};
  };
  std::vector<Set> eleven;
  for (int i = 0; i < 11; ++i) eleven.push_back(drained(fmt::format("h{:02}", i), 9000 - i));
  Set going = drained("x", 9000);
  going.merged = R"({"metadata":{"deletionTimestamp":"2024-05-01T11:00:00Z"}})";
  Set unseen = drained("x", 9000);
  unseen.merged = R"({"metadata":{"generation":2},"status":{"observedGeneration":1}})";
  const std::string one = R"("revisionHistoryLimit":1,)";
  const Case cases[] = {
      {"spec/02 §18.4 #6", "", eleven, {"web-h00"}},
      {"spec/02 §18.4 #7", one, {drained("a", 9000), active("b", 8000)}, {"web-a"}},
      {"spec/02 §18.4 #8", one, {active("a", 9000), active("b", 8000)}, {}},
      {"spec/02 §18.4 #9", one, {active("a", 9000), drained("b", 8000), drained("c", 7000)}, {"web-b"}},
      {"spec/02 §18.4 #10", one, {going}, {}},
      {"limit 0: every drained one",
       R"("revisionHistoryLimit":0,)",
       {drained("a", 9000), drained("b", 8000)},
       {"web-a", "web-b"}},
      {"a size that isn't carried out yet", R"("revisionHistoryLimit":0,)", {unseen}, {}},
      {"made in the same second: by name", one, {drained("b", 9000), drained("a", 9000)}, {"web-a"}},
  };
  for (const Case& one_case : cases) {
    std::vector<Set> sets = one_case.others;
    sets.push_back({"$new", 10, 10, "30", 60});
    PlanCase world(
        fmt::format(R"({{{}"strategy":{{"canary":{{"trafficRouting":{{"plugins":{{"x":{{}}}}}}}}}}}})", one_case.spec),
        R"({"stableRS":"$new"})", sets);
    std::vector<std::string> deleted;
    for (const auto& gone : actionsOf<DeleteReplicaSet>(world.plan())) deleted.push_back(gone.name);
    EXPECT_EQ(deleted, one_case.deleted) << one_case.name;
  }
}

// --- the new ReplicaSet (spec/02 §4.6) ---

TEST(CoreIdentity, WhatANewReplicaSetLooksLike) {
  PlanCase world(
      R"({"minReadySeconds":3,"selector":{"matchLabels":{"app":"web"},"matchExpressions":[{"key":"app","operator":"Exists"}]},
      "strategy":{"canary":{"stableMetadata":{"labels":{"role":"stable"}},"canaryMetadata":{"labels":{"role":"canary"}}}}})",
      R"({"currentPodHash":"old"})", {{"old", 10, 10, "7"}});
  mergePatch(world.rollout["metadata"], PlanCase::parse(R"({"labels":{"own":"label"},"annotations":{"team":"a",
      "kubectl.kubernetes.io/last-applied-configuration":"x","notified.notifications.argoproj.io":"x",
      "rollout.argoproj.io/workload-generation":"5"}})"));
  const auto creations = actionsOf<CreateReplicaSet>(world.plan());
  ASSERT_EQ(creations.size(), 1U);
  const json::object& body = creations[0].body;
  EXPECT_EQ(creations[0].name, "web-" + world.hash);
  EXPECT_EQ(json::value(*getObject(body, {"metadata", "labels"})),
            PlanCase::parse(world.resolve(R"({"app":"web","rollouts-pod-template-hash":"$new"})")));
  EXPECT_EQ(
      json::value(*getObject(body, {"metadata", "annotations"})),
      PlanCase::parse(R"({"team":"a","rollout.argoproj.io/revision":"8","rollout.argoproj.io/desired-replicas":"10",
              "rollout.argoproj.io/ephemeral-metadata":"{\"labels\":{\"role\":\"canary\"}}"})"));
  EXPECT_EQ(
      json::value(*getArray(body, {"metadata", "ownerReferences"})),
      *parseJson(
          R"([{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","name":"web","uid":"ro","controller":true,"blockOwnerDeletion":true}])"));
  EXPECT_EQ(
      json::value(*getObject(body, {"spec", "selector"})),
      PlanCase::parse(world.resolve(
          R"({"matchLabels":{"app":"web","rollouts-pod-template-hash":"$new"},"matchExpressions":[{"key":"app","operator":"Exists"}]})")));
  EXPECT_EQ(json::value(*getObject(body, {"spec", "template", "metadata", "labels"})),
            PlanCase::parse(world.resolve(R"({"app":"web","role":"canary","rollouts-pod-template-hash":"$new"})")));
  EXPECT_EQ(getInt(body, {"spec", "minReadySeconds"}), 3);
  // Made even while paused or aborted, without a pod. spec/02 §3.4
  for (const std::string_view hold : {R"({"spec":{"paused":true}})", R"({"status":{"abort":true}})"}) {
    PlanCase held("{}", R"({"currentPodHash":"old"})", {{"old", 10, 10}});
    json::value object = held.rollout;
    mergePatch(object, PlanCase::parse(hold));
    held.rollout = object.get_object();
    const auto made = actionsOf<CreateReplicaSet>(held.plan());
    ASSERT_EQ(made.size(), 1U) << hold;
    if (hold.contains("paused")) {
      EXPECT_EQ(getInt(made[0].body, {"spec", "replicas"}, -1), 0) << hold;
    }
  }
}

TEST(CoreIdentity, ACreationThatFailed) {  // spec/02 §4.6
  PlanCase world("{}", R"({"currentPodHash":"old"})", {{"old", 10, 10}});
  const auto wanted = actionsOf<CreateReplicaSet>(world.plan()).at(0);
  const Plan failed =
      onCreateFailed(world.snapshot(), wanted, {ErrorCode::forbidden, "exceeded quota", {}}, PlanCase::now);
  const std::string message = fmt::format("Failed to create new replica set \"web-{}\": exceeded quota", world.hash);
  EXPECT_EQ(eventsOf(failed), std::vector{"Warning ReplicaSetCreateError: " + message});
  const std::optional<api::Condition> progressing = test::conditionOf(test::writtenStatus(failed), "Progressing");
  ASSERT_TRUE(progressing);
  EXPECT_EQ(progressing->status + " " + progressing->reason + ": " + progressing->message,
            "False ReplicaSetCreateError: " + message);
}

}  // namespace
}  // namespace crossfade::rollout
