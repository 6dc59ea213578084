// The Experiment of a canary's step: made, watched, judged, and put away. spec/04 §16, spec/09 §14 to §16.
#include <algorithm>
#include <charconv>

#include "rollout/analysis_runs.hpp"
#include "rollout/canary.hpp"
#include "rollout/identity.hpp"

namespace crossfade::rollout {
namespace {

constexpr std::string_view inconclusive_pause = "InconclusiveExperiment";
constexpr int max_suffix = 1000;

// Of the step in progress.
std::string baseName(const Facts& facts, const Draft& draft) {
  return fmt::format("{}-{}-{}-{}", facts.name(), facts.newHash(), draft.world.revision, stepIndex(facts));
}

// `name` is `base`, or that with a number behind it.
bool isNamed(std::string_view name, std::string_view base) {
  if (!name.starts_with(base)) return false;
  name.remove_prefix(base.size());
  if (name.empty()) return true;
  if (!name.starts_with('-')) return false;
  int number = 0;
  const auto [end, error] = std::from_chars(name.data() + 1, name.data() + name.size(), number);
  return error == std::errc() && end == name.data() + name.size();
}

void terminate(Draft& draft, const ExperimentRef& experiment) {
  if (experiment->terminate || experiment->metadata.deleted || api::isCompletedPhase(experiment->phase)) return;
  auto stopped = std::make_shared<api::Experiment>(*experiment);
  stopped->terminate = true;
  for (ExperimentRef& live : draft.world.experiments)
    if (live->metadata.name == experiment->metadata.name) live = stopped;
  draft.act(TerminateExperiment{experiment->metadata.name});
}

void remove(Draft& draft, const ExperimentRef& experiment) {
  if (experiment->metadata.deleted) return;
  std::erase_if(draft.world.experiments,
                [&](const ExperimentRef& live) { return live->metadata.name == experiment->metadata.name; });
  draft.act(DeleteExperiment{experiment->metadata.name});
}

std::vector<ExperimentRef> ownOnes(const Facts& facts, const Draft& draft, const ExperimentRef& but) {
  std::vector<ExperimentRef> own;
  for (const ExperimentRef& one : draft.world.experiments)
    if (isOwn(facts, one->metadata) && !(but && but->metadata.name == one->metadata.name)) own.push_back(one);
  return own;
}

ExperimentRef recordedOne(const Facts& facts) {
  const std::string& name = facts.status.canary.current_experiment;
  for (const ExperimentRef& one : facts.world.experiments)
    if (!name.empty() && one->metadata.name == name && isOwn(facts, one->metadata)) return one;
  return nullptr;
}

// --- making one ---

void copyMembers(const json::object& from, json::object& to, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names)
    if (const json::value* value = from.if_contains(name); value && !value->is_null()) to[name] = *value;
}

void addLabels(json::object& target, std::initializer_list<std::string_view> path, const json::object* labels) {
  if (!labels) return;
  json::object& all = ensureObject(target, path);
  for (const auto& [key, value] : *labels) all[key] = value;
}

// A template of the step, with the pods of the ReplicaSet that it names. Empty, with draft.failure set, without one.
std::optional<json::object> templateOf(const Facts& facts, Draft& draft, const json::object& step) {
  const std::string_view source = getString(step, {"specRef"});
  const api::ReplicaSet* rs = source == "canary" ? facts.newRs() : source == "stable" ? facts.stableRs() : nullptr;
  if (!rs) {
    draft.failure = "Invalid template step SpecRef: must be canary or stable";
    return std::nullopt;
  }
  json::object made;
  copyMembers(step, made, {"name", "replicas"});
  if (rs->min_ready_seconds != 0) made["minReadySeconds"] = rs->min_ready_seconds;
  json::object pods = rs->pod_template.object();
  const json::object* selector = getObject(step, {"selector"});
  json::object selects = selector ? *selector : rs->selector.object();
  const json::object* labels = getObject(step, {"metadata", "labels"});
  addLabels(pods, {"metadata", "labels"}, labels);
  addLabels(pods, {"metadata", "annotations"}, getObject(step, {"metadata", "annotations"}));
  if (labels && !labels->empty()) addLabels(selects, {"matchLabels"}, labels);
  made["selector"] = std::move(selects);
  made["template"] = std::move(pods);
  const json::object* service = getObject(step, {"service"});
  const json::value* weight = step.if_contains("weight");
  if (service || (weight && !weight->is_null())) {
    json::object wanted;
    if (service && !getString(*service, {"name"}).empty()) wanted["name"] = getString(*service, {"name"});
    made["service"] = std::move(wanted);
  }
  return made;
}

api::AnalysisArgument argumentOf(const json::object& argument) {
  return {.name = std::string(getString(argument, {"name"})),
          .value = std::string(getString(argument, {"value"})),
          .pod_template_hash_value = std::string(getString(argument, {"valueFrom", "podTemplateHashValue"})),
          .field_path = std::string(getString(argument, {"valueFrom", "fieldRef", "fieldPath"}))};
}

// spec.analyses, with what their arguments stand for. Empty, with draft.failure set, where that can't be said.
std::optional<json::array> analysesOf(const Facts& facts, Draft& draft, const json::array& wanted,
                                      CreateExperiment& create) {
  json::array analyses;
  for (const json::value& value : wanted) {
    const json::object* analysis = value.if_object();
    if (!analysis) continue;
    json::object made;
    copyMembers(*analysis, made, {"name", "templateName", "clusterScope", "requiredForCompletion"});
    json::array args;
    const json::array* given = getArray(*analysis, {"args"});
    for (std::size_t i = 0; given && i < given->size(); ++i) {
      const json::object* argument = (*given)[i].if_object();
      if (!argument) continue;
      auto resolved = resolveArgument(facts, draft, argumentOf(*argument));
      if (!resolved) return std::nullopt;
      if (!resolved->path.empty()) create.field_args.push_back({analyses.size(), args.size(), resolved->path});
      args.emplace_back(json::object{{"name", getString(*argument, {"name"})}, {"value", resolved->value}});
    }
    if (!args.empty()) made["args"] = std::move(args);
    analyses.emplace_back(std::move(made));
  }
  return analyses;
}

std::optional<json::object> specOf(const Facts& facts, Draft& draft, const json::object& step,
                                   CreateExperiment& create) {
  json::object spec;
  json::array templates;
  if (const json::array* wanted = getArray(step, {"templates"})) {
    for (const json::value& one : *wanted) {
      auto made = one.is_object() ? templateOf(facts, draft, one.get_object()) : std::nullopt;
      if (!made) return std::nullopt;
      templates.emplace_back(std::move(*made));
    }
  }
  spec["templates"] = std::move(templates);
  copyMembers(step, spec, {"duration", "scaleDownDelaySeconds", "dryRun", "analysisRunMetadata"});
  if (const auto deadline = facts.spec().progress_deadline_seconds) spec["progressDeadlineSeconds"] = *deadline;
  if (const json::array* wanted = getArray(step, {"analyses"})) {
    auto analyses = analysesOf(facts, draft, *wanted, create);
    if (!analyses) return std::nullopt;
    spec["analyses"] = std::move(*analyses);
  }
  return spec;
}

// An unfinished one that a pass made whose status was lost.
bool canTakeOver(const Facts& facts, const api::Experiment& found, const json::object& spec) {
  return isOwn(facts, found.metadata) && !found.metadata.deleted && !found.terminate &&
         !api::isCompletedPhase(found.phase) && sameJson(found.spec.object(), spec);
}

ExperimentRef create(const Facts& facts, Draft& draft, const json::object& step) {
  CreateExperiment create;
  const std::optional<json::object> spec = specOf(facts, draft, step, create);
  if (!spec) return nullptr;
  const std::string base = baseName(facts, draft);
  for (int suffix = 0; suffix < max_suffix; ++suffix) {
    create.name = suffix == 0 ? base : fmt::format("{}-{}", base, suffix);
    const auto taken = std::ranges::find_if(
        draft.world.experiments, [&](const ExperimentRef& one) { return one->metadata.name == create.name; });
    if (taken == draft.world.experiments.end()) break;
    if (canTakeOver(facts, **taken, *spec)) return *taken;
  }
  Labels labels = facts.rollout.metadata.labels;
  labels[std::string(api::hash_label)] = facts.newHash();
  create.body = {
      {"apiVersion", api::api_version},
      {"kind", "Experiment"},
      {"metadata",
       json::object{{"name", create.name},
                    {"namespace", facts.rollout.metadata.ns},
                    {"labels", labelsToJson(labels)},
                    {"annotations", json::object{{api::revision_annotation, std::to_string(draft.world.revision)}}},
                    {"ownerReferences", json::array{ownerReference(facts.rollout)}}}},
      {"spec", *spec}};
  auto made = std::make_shared<api::Experiment>(api::decodeExperiment(create.body));
  made->metadata.created = facts.now;
  draft.world.experiments.push_back(made);
  const std::string name = create.name;
  draft.act(std::move(create));
  draft.event(false, "ExperimentCreated", "Created Experiment '" + name + "'");
  return made;
}

// A person has looked at an inconclusive one and wants to see it again.
bool isResumed(const Facts& facts) { return facts.status.controller_pause && facts.status.pause_conditions.empty(); }

// The Experiment of the step in progress after this pass.
ExperimentRef reconcileCurrent(const Facts& facts, Draft& draft, const json::object& step, ExperimentRef current) {
  if (current && !isNamed(current->metadata.name, baseName(facts, draft))) current = nullptr;
  if (current && current->phase == "Inconclusive" && isResumed(facts)) current = nullptr;
  if (!current) return create(facts, draft, step);
  if (current->phase == "Inconclusive") draft.pause(std::string(inconclusive_pause));
  if (current->phase == "Failed" || current->phase == "Error")
    draft.abort("Experiment analysis phase is error/failed" +
                (current->message.empty() ? std::string() : ": " + current->message));
  return current;
}

}  // namespace

ExperimentRef reconcileExperiments(const Facts& facts, Draft& draft) {
  const ExperimentRef recorded = recordedOne(facts);
  if (isAborted(facts, draft) || facts.status.promote_full) {
    for (const ExperimentRef& one : ownOnes(facts, draft, nullptr)) terminate(draft, one);
    return nullptr;
  }
  // Whoever looks at a run's verdict finds the experiment as it was.
  if (hasPause(facts.status, "InconclusiveAnalysisRun")) return recorded;
  ExperimentRef current;
  if (const api::Step* step = currentStep(facts); step && !step->experiment.empty()) {
    if (!recorded && !facts.stableRs()) return nullptr;
    current = reconcileCurrent(facts, draft, step->experiment.object(), recorded);
    if (draft.failure) return nullptr;
  }
  for (const ExperimentRef& one : ownOnes(facts, draft, current)) terminate(draft, one);
  for (const ExperimentRef& one : outdated(facts, ownOnes(facts, draft, current),
                                           [](const api::Experiment& experiment) { return experiment.phase; }))
    remove(draft, one);
  return current;
}

std::vector<SetTraffic::Destination> experimentDestinations(const Facts& facts) {
  std::vector<SetTraffic::Destination> destinations;
  const ExperimentRef running = recordedOne(facts);
  if (!running || running->phase != "Running") return destinations;
  const auto& steps = facts.spec().canary->steps;
  std::int64_t index = std::min<std::int64_t>(stepIndex(facts), std::ssize(steps) - 1);
  while (index >= 0 && steps[index].experiment.empty()) --index;
  if (index < 0) return destinations;
  const json::object step = steps[index].experiment.object(), status = running->status.object();
  const json::array *templates = getArray(step, {"templates"}), *states = getArray(status, {"templateStatuses"});
  if (!templates || !states) return destinations;
  for (const json::value& value : *states) {
    const json::object* state = value.if_object();
    if (!state) continue;
    const auto wanted = std::ranges::find_if(*templates, [&](const json::value& one) {
      return one.is_object() && getString(one.get_object(), {"name"}) == getString(*state, {"name"});
    });
    if (wanted == templates->end()) continue;
    const json::value* weight = wanted->get_object().if_contains("weight");
    const auto share = weight ? asInteger(*weight) : std::nullopt;
    if (share)
      destinations.push_back({std::string(getString(*state, {"serviceName"})),
                              std::string(getString(*state, {"podTemplateHash"})), *share});
  }
  return destinations;
}

}  // namespace crossfade::rollout
