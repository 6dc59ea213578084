// Steps that are an Experiment, as the Rollout sees them. spec/04 §16, spec/09 §14 to §16.
#include "support/canary_case.hpp"

namespace crossfade::test {
namespace {

constexpr std::string_view experiment_steps =
    R"("trafficRouting":{"plugins":{"x":{}}},"steps":[{"setWeight":10},{"experiment":{"duration":"10m",
      "scaleDownDelaySeconds":5,"dryRun":[{"metricName":"m"}],"templates":[
        {"name":"baseline","specRef":"stable","replicas":2,"weight":5,"metadata":{"labels":{"side":"base"},
         "annotations":{"note":"n"}}},
        {"name":"canary","specRef":"canary","service":{"name":"exp"},"selector":{"matchLabels":{"app":"other"}}},
        {"name":"plain","specRef":"canary"}],
      "analyses":[{"name":"cmp","templateName":"t","clusterScope":true,"requiredForCompletion":true,"args":[
        {"name":"plain","value":"v"},{"name":"stable","valueFrom":{"podTemplateHashValue":"Stable"}},
        {"name":"latest","valueFrom":{"podTemplateHashValue":"Latest"}},
        {"name":"me","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}},
        {"name":"deep","valueFrom":{"fieldRef":{"fieldPath":"spec.replicas"}}}]}]}},{"pause":{}},{"setWeight":20}])";

struct At {
  std::int64_t index = 1;
  std::string phase = {}, message = {};  // of the recorded experiment; none where `recorded` is false
  bool recorded = true;
  std::string status = "{}", spec = "{}";
  bool terminate = false;
};

std::string expectedName(const Snapshot& snapshot, std::string_view suffix = "") {
  return "web-" + snapshot.rollout->template_hash + "-2-1" + std::string(suffix);
}

std::shared_ptr<api::Experiment> experimentOf(const std::string& name, const std::string& phase,
                                              const std::string& hash) {
  auto made = std::make_shared<api::Experiment>();
  made->metadata.ns = "default";
  made->metadata.name = name;
  made->metadata.labels = {{std::string(api::hash_label), hash}};
  made->metadata.controller = api::OwnerRef{.kind = "Rollout", .name = "web", .uid = "ro"};
  made->phase = phase;
  return made;
}

Snapshot snapshotOf(const At& setup) {
  CanaryCase one{.name = "experiment",
                 .canary = std::string(experiment_steps),
                 .replicas = 10,
                 .index = setup.index,
                 .sets = {{"A", 10, 10}, {"B", setup.index == 3 ? 2 : 1, setup.index == 3 ? 2 : 1}},
                 .spec = setup.spec,
                 .weight = 10};
  Snapshot first = snapshotOf(one, true);
  json::value status = object(setup.status);
  if (setup.recorded)
    mergePatch(status, json::object{{"canary", json::object{{"currentExperiment", expectedName(first)}}}});
  one.status = json::serialize(status);
  Snapshot snapshot = snapshotOf(one, true);
  if (!setup.recorded) return snapshot;
  auto experiment = experimentOf(expectedName(snapshot), setup.phase, snapshot.rollout->template_hash);
  experiment->message = setup.message;
  experiment->terminate = setup.terminate;
  experiment->status =
      api::Carried(object(R"({"templateStatuses":[{"name":"plain","serviceName":"p","podTemplateHash":"h0"},
      {"name":"baseline","serviceName":"exp-svc","podTemplateHash":"abc"}]})"));
  snapshot.experiments.push_back(std::move(experiment));
  return snapshot;
}

bool said(const Plan& plan, const std::string& text) {
  const auto events = eventsOf(plan);
  return std::ranges::find(events, text) != events.end();
}

TEST(ExperimentSteps, WhatIsCreated) {  // spec/04 §16.2
  const Snapshot snapshot = snapshotOf({.recorded = false});
  const Plan made = plan(snapshot, now);
  const auto create = actionOf<CreateExperiment>(made);
  ASSERT_NE(create, std::nullopt);
  const std::string hash = snapshot.rollout->template_hash, name = expectedName(snapshot);
  EXPECT_EQ(create->name, name);
  EXPECT_TRUE(said(made, "ExperimentCreated: Created Experiment '" + name + "'"));
  EXPECT_EQ(statusAfter(snapshot, made).canary.current_experiment, name);
  const json::object& body = create->body;
  EXPECT_EQ(getString(body, {"metadata", "labels", api::hash_label}), hash);
  EXPECT_EQ(getString(body, {"metadata", "annotations", api::revision_annotation}), "2");
  EXPECT_EQ(getString(getArray(body, {"metadata", "ownerReferences"})->at(0).get_object(), {"uid"}), "ro");
  const json::object& spec = *getObject(body, {"spec"});
  EXPECT_EQ(getString(spec, {"duration"}), "10m");
  EXPECT_EQ(getInt(spec, {"scaleDownDelaySeconds"}), 5);
  EXPECT_EQ(spec.at("dryRun"), *parseJson(R"([{"metricName":"m"}])"));
  EXPECT_FALSE(spec.contains("progressDeadlineSeconds"));
  const json::array& templates = *getArray(spec, {"templates"});
  ASSERT_EQ(templates.size(), 3U);
  const auto selector = [](std::string_view rest) {
    return *parseJson(R"({"matchLabels":{"app":")" + std::string(rest));
  };
  EXPECT_TRUE(
      sameJson(templates[0].at("selector"), selector(R"(web","rollouts-pod-template-hash":"A","side":"base"}})")))
      << templates[0].at("selector");
  EXPECT_EQ(getString(templates[0].get_object(), {"template", "metadata", "labels", "side"}), "base");
  EXPECT_EQ(getString(templates[0].get_object(), {"template", "metadata", "annotations", "note"}), "n");
  EXPECT_EQ(templates[0].at("replicas"), 2);
  EXPECT_EQ(templates[0].at("service"), json::value(json::object()));
  EXPECT_TRUE(sameJson(templates[1].at("selector"), selector(R"(other"}})")));
  EXPECT_EQ(templates[1].at("service"), *parseJson(R"({"name":"exp"})"));
  EXPECT_FALSE(templates[2].get_object().contains("service"));
  const json::value wanted = *parseJson(R"([{"name":"cmp","templateName":"t","clusterScope":true,
      "requiredForCompletion":true,"args":[{"name":"plain","value":"v"},{"name":"stable","value":"A"},
      {"name":"latest","value":")" + hash +
                                        R"("},{"name":"me","value":"web"},{"name":"deep","value":""}]}])");
  EXPECT_TRUE(sameJson(spec.at("analyses"), wanted)) << spec.at("analyses");
  ASSERT_EQ(create->field_args.size(), 1U);
  EXPECT_EQ(create->field_args[0].argument, 4U);
  EXPECT_EQ(create->field_args[0].path, "spec.replicas");

  const Plan limited = plan(snapshotOf({.recorded = false, .spec = R"({"progressDeadlineSeconds":77})"}), now);
  EXPECT_EQ(getInt(actionOf<CreateExperiment>(limited)->body, {"spec", "progressDeadlineSeconds"}), 77);
}

TEST(ExperimentSteps, NamesThatAreTaken) {  // spec/04 §16.2
  Snapshot snapshot = snapshotOf({.recorded = false});
  const std::string hash = snapshot.rollout->template_hash;
  snapshot.experiments = {experimentOf(expectedName(snapshot), "Failed", hash)};
  EXPECT_EQ(actionOf<CreateExperiment>(plan(snapshot, now))->name, expectedName(snapshot, "-1"));
  auto foreign = experimentOf(expectedName(snapshot, "-1"), "Running", hash);
  foreign->metadata.controller.reset();
  snapshot.experiments.push_back(foreign);
  EXPECT_EQ(actionOf<CreateExperiment>(plan(snapshot, now))->name, expectedName(snapshot, "-2"));

  // One that was made for this very step by a pass whose status got lost.
  const Snapshot clean = snapshotOf({.recorded = false});
  auto lost = experimentOf(expectedName(clean), "", hash);
  lost->spec = api::Carried(*getObject(actionOf<CreateExperiment>(plan(clean, now))->body, {"spec"}));
  snapshot.experiments = {lost};
  const Plan made = plan(snapshot, now);
  EXPECT_EQ(actionOf<CreateExperiment>(made), std::nullopt);
  EXPECT_EQ(statusAfter(snapshot, made).canary.current_experiment, expectedName(snapshot));
}

TEST(ExperimentSteps, Verdicts) {  // spec/04 §16.1, §6 #4
  const auto after = [](const At& setup) {
    const Snapshot snapshot = snapshotOf(setup);
    return statusAfter(snapshot, plan(snapshot, now));
  };
  for (const std::string phase : {"", "Pending", "Running"}) {
    const Snapshot snapshot = snapshotOf({.phase = phase});
    EXPECT_EQ(after({.phase = phase}).current_step_index, 1) << phase;
    EXPECT_EQ(after({.phase = phase}).canary.current_experiment, expectedName(snapshot)) << phase;
  }
  const Snapshot successful = snapshotOf({.phase = "Successful"});
  const Plan done = plan(successful, now);
  EXPECT_EQ(statusAfter(successful, done).current_step_index, 2);
  EXPECT_EQ(statusAfter(successful, done).canary.current_experiment, "");
  EXPECT_TRUE(said(done, "RolloutStepCompleted: Rollout step 2/4 completed (experiment)"));
  // spec/04 §21 #3
  for (const std::string phase : {"Failed", "Error"}) {
    EXPECT_TRUE(after({.phase = phase}).abort);
    EXPECT_EQ(after({.phase = phase, .message = "bad"}).message,
              "RolloutAborted: Rollout aborted update to revision 2: Experiment analysis phase is error/failed: bad");
  }
  EXPECT_EQ(after({.phase = "Failed"}).message,
            "RolloutAborted: Rollout aborted update to revision 2: Experiment analysis phase is error/failed");
  // While the Rollout is paused by hand the step can't be completed: it stays recorded.
  const api::RolloutStatus paused = after({.phase = "Successful", .spec = R"({"paused":true})"});
  EXPECT_EQ(paused.current_step_index, 1);
  EXPECT_NE(paused.canary.current_experiment, "");
}

TEST(ExperimentSteps, InconclusiveWaitsForAPerson) {  // spec/04 §32 #16
  Snapshot snapshot = snapshotOf({.phase = "Inconclusive"});
  Plan made = plan(snapshot, now);
  api::RolloutStatus after = statusAfter(snapshot, made);
  ASSERT_EQ(after.pause_conditions.size(), 1U);
  EXPECT_EQ(after.pause_conditions[0].reason, "InconclusiveExperiment");
  EXPECT_EQ(after.canary.current_experiment, expectedName(snapshot));
  EXPECT_EQ(actionOf<CreateExperiment>(made), std::nullopt);

  const std::string paused = R"({"controllerPause":true,"pauseConditions":[{"reason":"InconclusiveExperiment",
      "startTime":"2024-05-01T11:00:00Z"}]})";
  snapshot = snapshotOf({.phase = "Inconclusive", .status = paused});
  made = plan(snapshot, now);
  EXPECT_EQ(actionOf<CreateExperiment>(made), std::nullopt) << "not while nobody has looked";
  EXPECT_EQ(statusAfter(snapshot, made).pause_conditions.size(), 1U);
  // Halted: nothing is scaled. Index 3 wants two pods.
  snapshot = snapshotOf({.index = 3, .phase = "Inconclusive", .status = paused});
  std::const_pointer_cast<api::ReplicaSet>(snapshot.replica_sets[1])->replicas = 1;
  EXPECT_EQ(actionOf<ScaleReplicaSet>(plan(snapshot, now)), std::nullopt);

  snapshot = snapshotOf({.phase = "Inconclusive", .status = R"({"controllerPause":true})"});
  made = plan(snapshot, now);
  ASSERT_NE(actionOf<CreateExperiment>(made), std::nullopt) << "resumed";
  EXPECT_EQ(actionOf<CreateExperiment>(made)->name, expectedName(snapshot, "-1"));
  EXPECT_EQ(statusAfter(snapshot, made).canary.current_experiment, expectedName(snapshot, "-1"));
}

TEST(ExperimentSteps, EndedWithTheUpdate) {  // spec/04 §16.1
  const auto ends = [](const At& setup) {
    return actionOf<TerminateExperiment>(plan(snapshotOf(setup), now)) != std::nullopt;
  };
  EXPECT_TRUE(ends({.phase = "Running", .status = aborted}));
  EXPECT_TRUE(ends({.phase = "Running", .status = R"({"promoteFull":true})"}));
  EXPECT_TRUE(ends({.index = 2, .phase = "Running"})) << "its step was skipped";
  EXPECT_TRUE(ends({.index = 4, .phase = "", .status = R"({"stableRS":"B"})"}));
  EXPECT_FALSE(ends({.phase = "Running"}));
  EXPECT_FALSE(ends({.phase = "Successful", .status = aborted}));
  EXPECT_FALSE(ends({.phase = "Running", .status = aborted, .terminate = true}));
  const Snapshot snapshot = snapshotOf({.phase = "Running", .status = aborted});
  EXPECT_EQ(statusAfter(snapshot, plan(snapshot, now)).canary.current_experiment, "");
  // Somebody has to look at a run first: the experiment stays as it is.
  const At inconclusive{.phase = "Running", .status = R"({"controllerPause":true,"pauseConditions":[
      {"reason":"InconclusiveAnalysisRun","startTime":"2024-05-01T11:00:00Z"}]})"};
  EXPECT_FALSE(ends(inconclusive));
  const Snapshot looked = snapshotOf(inconclusive);
  EXPECT_EQ(statusAfter(looked, plan(looked, now)).canary.current_experiment, expectedName(looked));
  // Nothing at all without a stable ReplicaSet.
  Snapshot alone = snapshotOf({.recorded = false});
  alone.replica_sets.erase(alone.replica_sets.begin());
  EXPECT_EQ(actionOf<CreateExperiment>(plan(alone, now)), std::nullopt);
}

TEST(ExperimentSteps, HistoryIsLimited) {  // spec/04 §16.1, 4
  Snapshot snapshot =
      snapshotOf({.index = 2,
                  .recorded = false,
                  .spec = R"({"analysis":{"successfulRunHistoryLimit":1,"unsuccessfulRunHistoryLimit":2}})"});
  const std::string hash = snapshot.rollout->template_hash;
  int age = 0;
  for (const char* phase : {"Successful", "Successful", "Failed", "Error", "Inconclusive", "Pending"}) {
    auto one = experimentOf(fmt::format("e{}", age), phase, hash);
    one->metadata.created = now - seconds(age++);
    snapshot.experiments.push_back(std::move(one));
  }
  snapshot.experiments.push_back(experimentOf("gone", "Running", "nobody"));
  std::set<std::string> deleted;
  for (const Action& action : plan(snapshot, now).actions)
    if (const auto* one = std::get_if<DeleteExperiment>(&action)) deleted.insert(one->name);
  EXPECT_EQ(deleted, (std::set<std::string>{"e1", "e4", "gone"}));
}

TEST(ExperimentSteps, TheirShareOfTheTraffic) {  // spec/04 §16.3
  struct Row {
    std::string id;
    At setup;
    std::int64_t canary, stable;
    bool extra;
    std::string event;
  };
  const std::string had = R"({"canary":{"weights":{"stable":{"weight":85},"additional":[
      {"weight":5,"serviceName":"exp-svc","podTemplateHash":"abc"}]}}})";
  const std::vector<Row> rows = {
      {"spec/04 §31 X11, spec/04 §15.8 E3",
       {.phase = "Running"},
       10,
       85,
       true,
       "Traffic weight updated additional: [{5 exp-svc abc}]"},
      {"spec/04 §15.8 E7", {.phase = "Running", .status = had}, 10, 85, true, ""},
      {"spec/04 §31 X12", {.phase = "Pending"}, 10, 90, false, ""},
      {"ended", {.phase = "Successful", .status = had}, 10, 90, false, "Traffic weight updated additional: []"},
      {"spec/04 §15.8 E4",
       {.index = 3, .phase = "Pending", .status = had},
       20,
       80,
       false,
       "Traffic weight updated from 10 to 20, additional: []"},
      {"still running at a later step",
       {.index = 2, .phase = "Running"},
       10,
       85,
       true,
       "Traffic weight updated additional: [{5 exp-svc abc}]"},
      {"aborted", {.phase = "Running", .status = aborted}, 0, 100, false, "Traffic weight updated from 10 to 0"},
  };
  for (const Row& row : rows) {
    const Snapshot snapshot = snapshotOf(row.setup);
    const Plan made = plan(snapshot, now);
    const auto set = actionOf<SetTraffic>(made);
    ASSERT_NE(set, std::nullopt) << row.id;
    using Destinations = std::vector<SetTraffic::Destination>;
    EXPECT_EQ(set->extra, row.extra ? (Destinations{{"exp-svc", "abc", 5}}) : Destinations{}) << row.id;
    EXPECT_EQ(set->weight, row.canary) << row.id;
    const auto weights = statusAfter(snapshot, made).canary.weights;
    ASSERT_TRUE(weights) << row.id;
    EXPECT_EQ(weights->canary.weight, row.canary) << row.id;
    EXPECT_EQ(weights->stable.weight, row.stable) << row.id;
    EXPECT_EQ(weights->additional.size(), row.extra ? 1U : 0U) << row.id;
    if (row.event.empty())
      EXPECT_FALSE(std::ranges::any_of(eventsOf(made), [](auto& text) { return text.starts_with("TrafficWeight"); }));
    else
      EXPECT_TRUE(said(made, "TrafficWeightUpdated: " + row.event)) << row.id;
  }
}

TEST(ExperimentSteps, TwoOfThemBesideACanaryWithoutPods) {  // spec/04 §15.8 E8
  CanaryCase one{.name = "E8",
                 .canary = R"("steps":[{"experiment":{"templates":[{"name":"a","specRef":"canary","weight":5},
                     {"name":"b","specRef":"stable","weight":5}]}}])",
                 .sets = {{"A", 10, 10}, {"B", 0, 0}},
                 .weight = 0};
  one.status = R"({"canary":{"currentExperiment":"web-)" + snapshotOf(one, true).rollout->template_hash + R"(-2-0"}})";
  Snapshot snapshot = snapshotOf(one, true);
  auto experiment =
      experimentOf(snapshot.rollout->status.canary.current_experiment, "Running", snapshot.rollout->template_hash);
  experiment->status = api::Carried(object(R"({"templateStatuses":[{"name":"a","serviceName":"x","podTemplateHash":"1"},
      {"name":"b","serviceName":"y","podTemplateHash":"2"}]})"));
  snapshot.experiments.push_back(std::move(experiment));
  const auto weights = statusAfter(snapshot, plan(snapshot, now)).canary.weights;
  ASSERT_TRUE(weights);
  EXPECT_EQ(weights->canary.weight, 0);
  EXPECT_EQ(weights->stable.weight, 90);
  EXPECT_EQ(weights->additional, (std::vector<api::WeightDestination>{{5, "x", "1"}, {5, "y", "2"}}));
}

}  // namespace
}  // namespace crossfade::test
