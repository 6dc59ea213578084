// A cluster of plain JSON objects in which the plans of one Rollout are carried out, so that whole lives can be run and
// every write can be counted. Pods start when the world says so; time stands still until somebody moves it.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "rollout/plan.hpp"

namespace crossfade::test {

class PlannerWorld {
 public:
  static constexpr std::string_view ns = "default";

  // `strategy` is spec.strategy; the Rollout is named "web", its image "web:1".
  explicit PlannerWorld(std::string_view strategy, int replicas = 5) {
    rollout =
        object(R"({"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"name":"web","namespace":"default",
      "uid":"rollout-uid","creationTimestamp":"2024-05-01T12:00:00Z","generation":1,"resourceVersion":"1"},"spec":{
      "selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},
      "spec":{"containers":[{"name":"app","image":"web:1"}]}}}})");
    rollout["spec"].as_object()["replicas"] = replicas;
    rollout["spec"].as_object()["strategy"] = object(strategy);
  }

  static json::object object(std::string_view text) {
    const auto parsed = parseJson(text);
    EXPECT_TRUE(parsed && parsed->is_object()) << text;
    return parsed && parsed->is_object() ? parsed->get_object() : json::object();
  }

  // --- what people do ---

  void addService(std::string_view name) {
    services[std::string(name)] = json::object{{"metadata", json::object{{"name", name}, {"namespace", ns}}},
                                               {"spec", json::object{{"selector", json::object{{"app", "web"}}}}}};
  }
  // A merge patch of the main resource: bumps the generation when the spec changes.
  void edit(std::string_view patch) {
    const json::value before = rollout["spec"];
    apply(rollout, object(patch));
    if (rollout["spec"] != before) bumpGeneration(rollout);
  }
  void patchStatus(std::string_view patch) { apply(rollout, json::object{{"status", object(patch)}}); }
  void setImage(std::string_view image) {
    edit(R"({"spec":{"template":{"spec":{"containers":[{"name":"app","image":")" + std::string(image) + R"("}]}}}})");
  }
  void promote() { patchStatus(R"({"pauseConditions":null})"); }
  void abort() { patchStatus(R"({"abort":true})"); }
  void retry() { patchStatus(R"({"abort":false})"); }
  void setRunPhase(std::string_view name, std::string_view phase) {
    ensureObject(runs.at(std::string(name)), {"status"})["phase"] = phase;
  }
  void setExperimentStatus(std::string_view name, std::string_view status) {
    experiments.at(std::string(name))["status"] = object(status);
  }

  // --- what the cluster does ---

  // Every ReplicaSet gets the pods it asks for: first they exist, at the next call they are available (unless their
  // hash is in `broken`). False when nothing changed.
  bool startPods() {
    bool changed = false;
    for (auto& [name, rs] : replica_sets) {
      const std::int64_t wanted = getInt(rs, {"spec", "replicas"});
      json::object& status = ensureObject(rs, {"status"});
      const json::object before = status;
      const bool exist = getInt(status, {"replicas"}) == wanted;
      const std::int64_t ready = broken.contains(hashOf(rs)) ? 0 : wanted;
      const std::int64_t had = getInt(status, {"availableReplicas"});
      status["replicas"] = wanted;
      status["readyReplicas"] = status["availableReplicas"] = exist ? ready : std::min(had, ready);
      status["observedGeneration"] = getInt(rs, {"metadata", "generation"});
      changed |= status != before;
    }
    return changed;
  }

  // --- what the controller does ---

  rollout::Snapshot snapshot() const {
    rollout::Snapshot snapshot;
    snapshot.rollout = std::make_shared<api::Rollout>(api::decodeRollout(rollout));
    for (const auto& [name, rs] : replica_sets)
      snapshot.replica_sets.push_back(std::make_shared<api::ReplicaSet>(api::decodeReplicaSet(rs)));
    for (const auto& [name, service] : services)
      snapshot.services.emplace(name, std::make_shared<api::Service>(api::decodeService(service)));
    for (const auto& [name, run] : runs)
      snapshot.analysis_runs.push_back(std::make_shared<api::AnalysisRun>(api::decodeAnalysisRun(run)));
    for (const auto& [name, experiment] : experiments)
      snapshot.experiments.push_back(std::make_shared<api::Experiment>(api::decodeExperiment(experiment)));
    snapshot.traffic = traffic;
    return snapshot;
  }

  // Plans once and carries it out, and once more for the answers of plugins; the number of writes (events included).
  // Where `dies_at` is reached, the controller dies: nothing that follows happens. That counts as one more write, so
  // that nobody takes it for rest.
  std::size_t step() {
    const std::size_t before = writes.size();
    std::vector<rollout::StepPluginReply> replies = carryOutOnePlan({});
    while (!replies.empty()) replies = carryOutOnePlan(std::move(replies));
    return writes.size() - before + (std::exchange(died_, false) ? 1 : 0);
  }

  // Plans and starts pods until nothing happens any more, waiting only for counters of pods to be written.
  void run() { runUntil(now + seconds(2)); }
  // The same for a stretch of time; timers in it go off.
  void run(Duration stretch) {
    const TimePoint end = now + stretch;
    runUntil(end);
    now = std::max(now, end);
  }

  // --- what can be seen ---

  std::string status(std::string_view field) const { return std::string(getString(rollout, {"status", field})); }
  std::int64_t number(std::string_view field) const { return getInt(rollout, {"status", field}, -1); }
  std::string phase() const {
    const std::string message = status("message");
    return status("phase") + (message.empty() ? "" : ": " + message);
  }
  std::string condition(std::string_view type) const {
    const json::array* conditions = getArray(rollout, {"status", "conditions"});
    if (!conditions) return {};
    for (const json::value& condition : *conditions)
      if (getString(condition.get_object(), {"type"}) == type)
        return std::string(getString(condition.get_object(), {"status"})) + " " +
               std::string(getString(condition.get_object(), {"reason"}));
    return {};
  }
  static std::string hashOf(const json::object& object) {
    return std::string(getString(object, {"metadata", "labels", "rollouts-pod-template-hash"}));
  }
  // The ReplicaSet of an image.
  json::object* rsOf(std::string_view image) {
    for (auto& [name, rs] : replica_sets) {
      const json::array* containers = getArray(rs, {"spec", "template", "spec", "containers"});
      if (containers && getString(containers->front().get_object(), {"image"}) == image) return &rs;
    }
    return nullptr;
  }
  std::int64_t size(std::string_view image) {
    const json::object* rs = rsOf(image);
    return rs ? getInt(*rs, {"spec", "replicas"}) : -1;
  }
  std::string hash(std::string_view image) {
    const json::object* rs = rsOf(image);
    return rs ? hashOf(*rs) : std::string();
  }
  std::string selected(std::string_view service) const {
    return std::string(
        getString(services.at(std::string(service)), {"spec", "selector", "rollouts-pod-template-hash"}));
  }
  bool said(std::string_view event) const {
    return std::ranges::any_of(events, [event](const std::string& text) { return text.contains(event); });
  }

  json::object rollout;
  std::map<std::string, json::object, std::less<>> replica_sets, services, runs, experiments;
  std::set<std::string> broken;      // hashes whose pods never become available
  rollout::ObservedTraffic traffic;  // has_routers: SetTraffic is expected
  std::int64_t weight = -1;          // of the last SetTraffic that wasn't held
  rollout::SetTraffic routed;        // the last one
  TimePoint now = *parseTime("2024-05-01T12:00:00Z");
  std::vector<std::string> writes;  // one line an API request
  std::vector<std::string> events;  // "Reason: message"
  // The controller is killed, once, before it makes a further write: the rest of that plan is lost.
  std::size_t dies_at = SIZE_MAX;
  rollout::Plan last;
  // How step plugins answer, and what they were asked.
  std::function<rollout::StepPluginReply(const rollout::StepPluginCall&)> plugin;
  std::vector<rollout::StepPluginCall> plugin_calls;

 private:
  // The answers to the calls that this plan asked for.
  std::vector<rollout::StepPluginReply> carryOutOnePlan(std::vector<rollout::StepPluginReply> replies) {
    rollout::Snapshot seen = snapshot();
    seen.plugin_replies = std::move(replies);
    last = rollout::plan(seen, now);
    for (const rollout::Action& action : last.actions) {
      if (writes.size() >= dies_at) {
        dies_at = SIZE_MAX;
        died_ = true;
        return {};
      }
      std::visit([this](const auto& what) { carryOut(what); }, action);
    }
    std::vector<rollout::StepPluginReply> answers;
    for (const rollout::StepPluginCall& call : last.plugin_calls) {
      plugin_calls.push_back(call);
      answers.push_back(plugin(call));
      answers.back().index = call.index;
      answers.back().operation = call.operation;
    }
    return answers;
  }

  void runUntil(TimePoint end) {
    for (int round = 0; round < 1000; ++round) {
      if (step() > 0 || startPods()) continue;
      if (!last.look_again || *last.look_again > end) return;
      now = std::max(now + milliseconds(1), *last.look_again);
    }
    ADD_FAILURE() << "the Rollout never settles";
  }
  static void apply(json::object& target, const json::object& patch) {
    json::value value = std::move(target);
    mergePatch(value, patch);
    target = std::move(value.get_object());
  }
  static void bumpGeneration(json::object& target) {
    ensureObject(target, {"metadata"})["generation"] = getInt(target, {"metadata", "generation"}) + 1;
  }
  void wrote(json::object& target, std::string line) {
    ensureObject(target, {"metadata"})["resourceVersion"] = std::to_string(++version_);
    writes.push_back(std::move(line));
  }
  json::object& existing(const std::string& name, const std::string& version) {
    json::object& rs = replica_sets.at(name);
    EXPECT_EQ(getString(rs, {"metadata", "resourceVersion"}), version) << "a conflict on " << name;
    return rs;
  }

  void carryOut(const rollout::CreateReplicaSet& what) {
    EXPECT_FALSE(replica_sets.contains(what.name)) << what.name;
    json::object rs = what.body;
    json::object& metadata = ensureObject(rs, {"metadata"});
    metadata["uid"] = "uid-" + what.name;
    metadata["generation"] = 1;
    metadata["creationTimestamp"] = formatTime(now);
    wrote(rs, "create " + what.name);
    replica_sets[what.name] = std::move(rs);
  }
  void carryOut(const rollout::ScaleReplicaSet& what) {
    json::object& rs = existing(what.name, what.resource_version);
    EXPECT_EQ(getInt(rs, {"spec", "replicas"}), what.from);
    apply(rs, what.patch);
    EXPECT_EQ(getInt(rs, {"spec", "replicas"}), what.to);
    bumpGeneration(rs);
    wrote(rs, "scale " + what.name + " " + std::to_string(what.from) + " to " + std::to_string(what.to));
  }
  void carryOut(const rollout::PatchReplicaSet& what) {
    json::object& rs = existing(what.name, what.resource_version);
    apply(rs, what.patch);
    wrote(rs, "patch " + what.name + ": " + what.reason);
  }
  void carryOut(const rollout::ClaimReplicaSet& what) {
    json::object& rs = replica_sets.at(what.name);
    json::object& metadata = ensureObject(rs, {"metadata"});
    if (what.adopt)
      metadata["ownerReferences"] = *getArray(what.patch, {"metadata", "ownerReferences"});
    else
      metadata.erase("ownerReferences");
    wrote(rs, (what.adopt ? "adopt " : "release ") + what.name);
  }
  void carryOut(const rollout::DeleteReplicaSet& what) {
    replica_sets.erase(what.name);
    writes.push_back("delete " + what.name);
  }
  void carryOut(const rollout::PatchServiceSelector& what) {
    json::object& service = services.at(what.service);
    apply(service, what.patch);
    EXPECT_EQ(selected(what.service), what.to);
    wrote(service, "switch " + what.service);
  }
  void carryOut(const rollout::SetTraffic& what) {
    if (what == routed) return;
    EXPECT_TRUE(traffic.has_routers);
    routed = what;
    if (what.held) return;
    if (weight != what.weight) writes.push_back("weight " + std::to_string(what.weight));
    weight = what.weight;
  }
  void carryOut(const rollout::CreateAnalysisRun& what) {
    if (const auto found = runs.find(what.name); found != runs.end()) {
      // It was made before: the server refuses, and the shell finds that it is the same.
      EXPECT_FALSE(getBool(found->second, {"spec", "terminate"})) << what.name;
      return;
    }
    json::object run{{"metadata", what.metadata}, {"spec", json::object{}}};
    json::object& metadata = ensureObject(run, {"metadata"});
    metadata["name"] = what.name;
    metadata["uid"] = "uid-" + what.name;
    metadata["creationTimestamp"] = formatTime(now);
    wrote(run, "create run " + what.name);
    runs[what.name] = std::move(run);
  }
  void carryOut(const rollout::TerminateAnalysisRun& what) {
    json::object& run = runs.at(what.name);
    ensureObject(run, {"spec"})["terminate"] = true;
    ensureObject(run, {"status"})["phase"] = "Successful";
    wrote(run, "terminate " + what.name);
  }
  void carryOut(const rollout::DeleteAnalysisRun& what) {
    runs.erase(what.name);
    writes.push_back("delete run " + what.name);
  }
  void carryOut(const rollout::CreateExperiment& what) {
    EXPECT_FALSE(experiments.contains(what.name)) << what.name;
    json::object experiment = what.body;
    json::object& metadata = ensureObject(experiment, {"metadata"});
    metadata["uid"] = "uid-" + what.name;
    metadata["creationTimestamp"] = formatTime(now);
    wrote(experiment, "create experiment " + what.name);
    experiments[what.name] = std::move(experiment);
  }
  void carryOut(const rollout::TerminateExperiment& what) {
    json::object& experiment = experiments.at(what.name);
    ensureObject(experiment, {"spec"})["terminate"] = true;
    ensureObject(experiment, {"status"})["phase"] = "Successful";
    wrote(experiment, "terminate experiment " + what.name);
  }
  void carryOut(const rollout::DeleteExperiment& what) {
    experiments.erase(what.name);
    writes.push_back("delete experiment " + what.name);
  }
  void carryOut(const rollout::PatchRollout& what) {
    EXPECT_EQ(getString(rollout, {"metadata", "resourceVersion"}), what.resource_version);
    const json::value before = rollout["spec"];
    apply(rollout, what.patch);
    if (rollout["spec"] != before) bumpGeneration(rollout);
    wrote(rollout, "patch rollout");
  }
  void carryOut(const rollout::PatchStatus& what) {
    const json::object patch = api::statusPatch(api::decodeRollout(rollout).status, what.status);
    EXPECT_FALSE(patch.empty()) << "a status write without a difference";
    apply(rollout, patch);
    wrote(rollout, "status " + json::serialize(patch));
    // What was written reads back as what was meant: or the next plan would write again.
    EXPECT_EQ(api::decodeRollout(rollout).status, what.status);
  }
  void carryOut(const rollout::EmitEvent& what) {
    events.push_back(what.reason + ": " + what.message);
    writes.push_back("event " + events.back());
  }
  template <class Other>
  void carryOut(const Other&) {
    writes.push_back("something else");
  }

  int version_ = 1;
  bool died_ = false;
};

}  // namespace crossfade::test
