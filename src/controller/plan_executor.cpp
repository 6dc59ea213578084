#include "controller/plan_executor.hpp"

#include "analysis/templates.hpp"
#include "api/names.hpp"
#include "base/log.hpp"
#include "controller/references.hpp"
#include "rollout/field_path.hpp"

namespace crossfade::controller {
namespace {

using kube::PatchType;
constexpr Duration first_pod_pause = milliseconds(100);
namespace resources = kube::resources;

// The write must fail when the object has changed since.
void guard(json::object& patch, const std::string& resource_version) {
  if (!resource_version.empty()) ensureObject(patch, {"metadata"})["resourceVersion"] = resource_version;
}

Result<> outcome(const Result<json::object>& answer) {
  if (!answer) return fail(answer.error());
  return {};
}

// A success, too, when the object is gone already.
Result<> ignoringNotFound(const Result<json::object>& answer) {
  if (!answer && answer.error().code != ErrorCode::not_found) return fail(answer.error());
  return {};
}

const std::string& namespaceOf(const rollout::Snapshot& snapshot) { return snapshot.rollout->metadata.ns; }

// Whether a run that was found under the name of one to be created is that one: a write whose answer was lost, or whose
// Rollout's status was. spec/06 §13.1.
bool isUnfinishedRunOf(const std::string& owner_uid, const json::object& found, const json::object& wanted) {
  const api::AnalysisRun run = api::decodeAnalysisRun(found);
  const bool unfinished = !run.terminate && !run.metadata.deleted && !api::isCompletedPhase(run.status.phase);
  const bool own = run.metadata.controller && run.metadata.controller->uid == owner_uid;
  const auto same = [&](std::string_view member) {
    const json::value *have = find(found, {"spec", member}), *want = find(wanted, {"spec", member});
    return have == nullptr || want == nullptr ? have == want : sameJson(*have, *want);
  };
  return unfinished && own && same("metrics") && same("args") && same("dryRun") && same("measurementRetention");
}

bool concernsOldReplicaSet(const rollout::Action& action) {
  if (const auto* scale = std::get_if<rollout::ScaleReplicaSet>(&action)) return scale->old;
  if (const auto* patch = std::get_if<rollout::PatchReplicaSet>(&action)) return patch->old;
  return false;
}

bool setsSize(const rollout::Action& action) {
  return std::holds_alternative<rollout::ScaleReplicaSet>(action) ||
         std::holds_alternative<rollout::CreateReplicaSet>(action);
}

}  // namespace

PlanExecutor::PlanExecutor(const World& world, const Settings& settings, Caches& caches, TrafficControl& traffic,
                           kube::EventRecorder& events, Metrics& metrics, std::function<bool()> busy)
    : world_(world),
      settings_(settings),
      caches_(caches),
      traffic_(traffic),
      events_(events),
      metrics_(metrics),
      busy_(std::move(busy)) {}

Task<Result<PlanExecutor::Extent>> PlanExecutor::execute(const Snapshot& snapshot, const rollout::Plan& plan) {
  bool created = false, evicted = false;
  std::optional<Error> put_off;  // the first failure of what only sizes depend on
  bool unsaid = false;           // events of what was not done
  for (const rollout::Action& action : plan.actions) {
    if (std::holds_alternative<rollout::EmitEvent>(action) && unsaid) continue;
    // Other sizes may have been planned for a cluster in which the old ReplicaSet has shrunk.
    unsaid = put_off && setsSize(action);
    if (unsaid) continue;
    const bool eviction = std::holds_alternative<rollout::EvictPod>(action);
    if (evicted && !eviction) break;
    if (created && !std::holds_alternative<rollout::EmitEvent>(action) && busy_()) co_return Extent::begun;
    Task<Result<>> running = std::visit([&](const auto& kind) { return run(snapshot, kind); }, action);
    const Result<> done = co_await std::move(running);
    if (!done && concernsOldReplicaSet(action)) {
      if (!put_off) put_off = done.error();
      unsaid = true;
      continue;
    }
    // A PodDisruptionBudget says no with 429: the pod's turn comes later.
    if (!done && eviction && done.error().code == ErrorCode::throttled) continue;
    if (!done) co_return fail(done.error());
    created |= std::holds_alternative<rollout::CreateReplicaSet>(action);
    evicted |= eviction;
  }
  if (put_off) co_return fail(*put_off);
  co_return Extent::whole;
}

void PlanExecutor::emit(const api::Rollout& rollout, bool warning, const std::string& reason,
                        const std::string& message) {
  const api::Metadata& metadata = rollout.metadata;
  if (warning) {
    log::warn("{}: {} ({})", metadata.key(), message, reason);
  } else {
    log::info("{}: {} ({})", metadata.key(), message, reason);
  }
  metrics_.countEvent(metadata.ns, metadata.name, warning, reason);
  events_.emit(
      {std::string(api::api_version), "Rollout", metadata.ns, metadata.name, metadata.uid, metadata.resource_version},
      warning ? "Warning" : "Normal", reason, message);
}

// --- ReplicaSets -----------------------------------------------------------------------------------------------------

Task<Result<>> PlanExecutor::run(const Snapshot& snapshot, const rollout::CreateReplicaSet& action) {
  const std::string& ns = namespaceOf(snapshot);
  Result<json::object> created = co_await world_.client.create(resources::replica_sets, ns, action.body);
  if (created) {
    caches_.replica_sets.observe(*created);
    co_return Result<>();
  }
  if (created.error().code != ErrorCode::already_exists) {
    const rollout::Plan reaction = rollout::onCreateFailed(snapshot, action, created.error(), world_.clock.now());
    const Result<Extent> reported = co_await execute(snapshot, reaction);
    if (!reported) log::warn("{}: {}", snapshot.rollout->metadata.key(), reported.error().message);
    co_return fail(created.error());
  }
  Result<json::object> live = co_await world_.client.get(resources::replica_sets, ns, action.name);
  if (!live) co_return fail(live.error());
  if (rollout::isOwnCreation(snapshot, action, *live)) {
    if (getString(*live, {"metadata", "labels", api::hash_label}).empty()) co_return co_await relabel(snapshot, action);
    caches_.replica_sets.observe(*live);
    co_return Result<>();
  }
  const rollout::Plan reaction = rollout::onNameCollision(snapshot);
  const Result<Extent> counted = co_await execute(snapshot, reaction);
  co_return fail(counted ? created.error() : counted.error());
}

// Somebody took the hash label off the ReplicaSet: no watch of ours shows it any more. spec/02 §19.27.
Task<Result<>> PlanExecutor::relabel(const Snapshot& snapshot, const rollout::CreateReplicaSet& action) {
  json::object labels;
  labels[api::hash_label] = getString(action.body, {"metadata", "labels", api::hash_label});
  json::object patch;
  ensureObject(patch, {"metadata"})["labels"] = std::move(labels);
  co_return co_await patchReplicaSet(snapshot, action.name, "", std::move(patch));
}

Task<Result<>> PlanExecutor::patchReplicaSet(const Snapshot& snapshot, std::string name, std::string resource_version,
                                             json::object patch) {
  guard(patch, resource_version);
  const Result<json::object> answer =
      co_await world_.client.patch(resources::replica_sets, namespaceOf(snapshot), name, PatchType::merge, patch);
  if (answer) caches_.replica_sets.observe(*answer);
  co_return outcome(answer);
}

Task<Result<>> PlanExecutor::run(const Snapshot& snapshot, const rollout::ScaleReplicaSet& action) {
  return patchReplicaSet(snapshot, action.name, action.resource_version, action.patch);
}

Task<Result<>> PlanExecutor::run(const Snapshot& snapshot, const rollout::PatchReplicaSet& action) {
  return patchReplicaSet(snapshot, action.name, action.resource_version, action.patch);
}

// A cache may be behind: before something is adopted, the Rollout must be alive for certain. spec/02 §4.7.
Task<Result<>> PlanExecutor::isStillThere(const Snapshot& snapshot) {
  const api::Metadata& metadata = snapshot.rollout->metadata;
  const Result<json::object> live = co_await world_.client.get(resources::rollouts, metadata.ns, metadata.name);
  if (!live) co_return fail(live.error());
  const api::Metadata now = api::decodeMetadata(*live);
  if (now.uid != metadata.uid) {
    co_return fail(ErrorCode::conflict, fmt::format("original Rollout {} is gone: got uid {}, wanted {}",
                                                    metadata.key(), now.uid, metadata.uid));
  }
  if (now.deleted) {
    co_return fail(ErrorCode::conflict,
                   fmt::format("{} has just been deleted at {}", metadata.key(), formatTime(*now.deleted)));
  }
  co_return Result<>();
}

Task<Result<>> PlanExecutor::run(const Snapshot& snapshot, const rollout::ClaimReplicaSet& action) {
  if (action.adopt) {
    const Result<> there = co_await isStillThere(snapshot);
    if (!there) co_return there;
  }
  json::object patch = action.patch;
  ensureObject(patch, {"metadata"})["uid"] = action.uid;
  const Result<json::object> answer = co_await world_.client.patch(resources::replica_sets, namespaceOf(snapshot),
                                                                   action.name, PatchType::strategic, patch);
  if (answer) caches_.replica_sets.observe(*answer);
  if (!answer && answer.error().code == ErrorCode::invalid && !action.adopt) co_return Result<>();
  co_return ignoringNotFound(answer);
}

Task<Result<>> PlanExecutor::run(const Snapshot& snapshot, const rollout::DeleteReplicaSet& action) {
  co_return ignoringNotFound(co_await world_.client.remove(resources::replica_sets, namespaceOf(snapshot), action.name,
                                                           kube::Propagation::background, action.uid));
}

// --- traffic ---------------------------------------------------------------------------------------------------------

Task<Result<>> PlanExecutor::run(const Snapshot& snapshot, const rollout::PatchServiceSelector& action) {
  const Result<json::object> answer = co_await world_.client.patch(resources::services, namespaceOf(snapshot),
                                                                   action.service, PatchType::merge, action.patch);
  if (answer) caches_.services.observe(*answer);
  co_return outcome(answer);
}

Task<Result<>> PlanExecutor::run(const Snapshot& snapshot, const rollout::SetTraffic& action) {
  const TrafficControl::Applied applied = co_await traffic_.apply(snapshot.rollout, action);
  for (const traffic::EventNote& event : applied.events)
    emit(*snapshot.rollout, event.warning, event.reason, event.message);
  if (!applied.error) co_return Result<>();
  if (applied.weight_failed && applied.error->code != ErrorCode::conflict) {
    emit(*snapshot.rollout, true, "TrafficRoutingError", applied.error->message);
  }
  co_return fail(*applied.error);
}

// --- analysis and experiments ----------------------------------------------------------------------------------------

// Arguments that stand anywhere in the Rollout are read from the live object: the cache holds no documents. spec/06
// §3.2.
Task<Result<>> PlanExecutor::resolveFieldArgs(const Snapshot& snapshot, const rollout::CreateAnalysisRun& action,
                                              std::vector<std::pair<std::string, std::string>>& args) {
  if (action.field_args.empty()) co_return Result<>();
  const api::Metadata& metadata = snapshot.rollout->metadata;
  const Result<json::object> live = co_await world_.client.get(resources::rollouts, metadata.ns, metadata.name);
  if (!live) co_return fail(live.error());
  for (const auto& [name, path] : action.field_args) {
    Result<std::string> value = rollout::fieldOfRollout(*live, path);
    if (!value) co_return fail(value.error());
    args.emplace_back(name, std::move(*value));
  }
  co_return Result<>();
}

Task<Result<>> PlanExecutor::run(const Snapshot& snapshot, const rollout::CreateAnalysisRun& action) {
  const std::string& ns = namespaceOf(snapshot);
  std::vector<api::AnalysisTemplateRef> templates;
  for (const auto& ref : action.templates) templates.push_back({ref.name, ref.cluster_scope});
  auto args = action.args;
  const Result<> resolved = co_await resolveFieldArgs(snapshot, action, args);
  if (!resolved) co_return resolved;
  Result<json::object> spec =
      analysis::runSpec(templates, templateLookup(caches_, ns), args, action.dry_run, action.measurement_retention);
  if (!spec) co_return fail(spec.error());
  json::object metadata = action.metadata;
  metadata["name"] = action.name;
  metadata["namespace"] = ns;
  json::object run;
  run["apiVersion"] = api::api_version;
  run["kind"] = "AnalysisRun";
  run["metadata"] = std::move(metadata);
  run["spec"] = std::move(*spec);
  Result<json::object> answer = co_await world_.client.create(resources::analysis_runs, ns, run);
  if (!answer && answer.error().code == ErrorCode::already_exists) {
    answer = co_await world_.client.get(resources::analysis_runs, ns, action.name);
    if (answer) {
      caches_.analysis_runs.observe(*answer);
      if (isUnfinishedRunOf(snapshot.rollout->metadata.uid, *answer, run)) co_return Result<>();
      // The next plan takes another name.
      caches_.addCollision(snapshot.rollout->metadata.key(), action.name);
      co_return fail(ErrorCode::conflict, fmt::format("analysisruns.argoproj.io \"{}\" already exists", action.name));
    }
  }
  if (answer) caches_.analysis_runs.observe(*answer);
  co_return outcome(answer);
}

Task<Result<>> PlanExecutor::run(const Snapshot& snapshot, const rollout::TerminateAnalysisRun& action) {
  const json::object patch = {{"spec", {{"terminate", true}}}};
  const Result<json::object> answer = co_await world_.client.patch(resources::analysis_runs, namespaceOf(snapshot),
                                                                   action.name, PatchType::merge, patch);
  if (answer) caches_.analysis_runs.observe(*answer);
  co_return ignoringNotFound(answer);
}

Task<Result<>> PlanExecutor::run(const Snapshot& snapshot, const rollout::DeleteAnalysisRun& action) {
  co_return ignoringNotFound(
      co_await world_.client.remove(resources::analysis_runs, namespaceOf(snapshot), action.name));
}

Task<Result<>> PlanExecutor::run(const Snapshot& snapshot, const rollout::CreateExperiment& action) {
  const api::Metadata& metadata = snapshot.rollout->metadata;
  json::object body = action.body;
  if (!action.field_args.empty()) {
    const Result<json::object> live = co_await world_.client.get(resources::rollouts, metadata.ns, metadata.name);
    if (!live) co_return fail(live.error());
    for (const auto& [analysis, argument, path] : action.field_args) {
      Result<std::string> value = rollout::fieldOfRollout(*live, path);
      if (!value) co_return fail(value.error());
      json::value& target = body["spec"].at("analyses").at(analysis).at("args").at(argument);
      target.as_object()["value"] = std::move(*value);
    }
  }
  Result<json::object> answer = co_await world_.client.create(resources::experiments, metadata.ns, body);
  if (!answer && answer.error().code == ErrorCode::already_exists) {
    answer = co_await world_.client.get(resources::experiments, metadata.ns, action.name);
    if (answer) {
      caches_.experiments.observe(*answer);
      caches_.addCollision(metadata.key(), action.name);
      co_return fail(ErrorCode::conflict, fmt::format("experiments.argoproj.io \"{}\" already exists", action.name));
    }
  }
  if (answer) caches_.experiments.observe(*answer);
  co_return outcome(answer);
}

Task<Result<>> PlanExecutor::run(const Snapshot& snapshot, const rollout::TerminateExperiment& action) {
  const json::object patch = {{"spec", {{"terminate", true}}}};
  const Result<json::object> answer =
      co_await world_.client.patch(resources::experiments, namespaceOf(snapshot), action.name, PatchType::merge, patch);
  if (answer) caches_.experiments.observe(*answer);
  co_return ignoringNotFound(answer);
}

Task<Result<>> PlanExecutor::run(const Snapshot& snapshot, const rollout::DeleteExperiment& action) {
  co_return ignoringNotFound(co_await world_.client.remove(resources::experiments, namespaceOf(snapshot), action.name));
}

// --- pods and workloads ----------------------------------------------------------------------------------------------

Task<Result<>> PlanExecutor::run(const Snapshot& snapshot, const rollout::EvictPod& action) {
  const std::string& ns = namespaceOf(snapshot);
  const json::object eviction = {{"apiVersion", "policy/v1"},
                                 {"kind", "Eviction"},
                                 {"metadata", {{"name", action.name}, {"namespace", ns}}},
                                 {"deleteOptions", {{"preconditions", {{"uid", action.uid}}}}}};
  co_return ignoringNotFound(co_await world_.client.create(resources::pods, ns, eviction, {}, action.name, "eviction"));
}

// The role that clusters give this controller lets it list and update pods, and neither get nor patch one. spec/11
// §11.1.
Task<Result<>> PlanExecutor::updatePod(const Snapshot& snapshot, const rollout::PatchPod& action) {
  const std::string& ns = namespaceOf(snapshot);
  kube::ListOptions one;
  one.field_selector = "metadata.name=" + action.name;
  const Result<kube::List> listed = co_await world_.client.list(resources::pods, ns, one);
  if (!listed) co_return fail(listed.error());
  if (listed->items.empty()) co_return Result<>();
  json::value pod = listed->items.front();
  mergePatch(pod, action.patch);
  if (pod.get_object() == listed->items.front()) co_return Result<>();
  co_return ignoringNotFound(co_await world_.client.update(resources::pods, ns, action.name, pod.get_object()));
}

// Pods are written to by many: a conflict is worth another look. spec/02 §10.5.
Task<Result<>> PlanExecutor::run(const Snapshot& snapshot, const rollout::PatchPod& action) {
  Duration pause = first_pod_pause;
  for (int attempt = 1;; ++attempt) {
    const Result<> done = co_await updatePod(snapshot, action);
    if (done || attempt >= settings_.pod_attempts) co_return done;
    co_await sleepFor(world_.clock, pause);
    pause *= 2;
  }
}

// As with pods, the role knows no patch of a Deployment.
Task<Result<>> PlanExecutor::run(const Snapshot& snapshot, const rollout::ScaleWorkload& action) {
  const std::string& ns = namespaceOf(snapshot);
  Result<json::object> answer = co_await world_.client.get(resources::deployments, ns, action.deployment);
  if (answer && getInt(*answer, {"spec", "replicas"}, 1) != action.replicas) {
    json::object deployment = std::move(*answer);
    ensureObject(deployment, {"spec"})["replicas"] = action.replicas;
    answer = co_await world_.client.update(resources::deployments, ns, action.deployment, deployment);
  }
  if (answer || action.required) co_return outcome(answer);
  log::warn("{}: scaling Deployment {}: {}", snapshot.rollout->metadata.key(), action.deployment,
            answer.error().message);
  co_return Result<>();
}

// --- the Rollout -----------------------------------------------------------------------------------------------------

Task<Result<>> PlanExecutor::run(const Snapshot& snapshot, const rollout::PatchRollout& action) {
  const api::Metadata& metadata = snapshot.rollout->metadata;
  json::object patch = action.patch;
  guard(patch, action.resource_version);
  co_await caches_.calm();
  const Result<json::object> answer =
      co_await world_.client.patch(resources::rollouts, metadata.ns, metadata.name, PatchType::merge, patch);
  if (answer) caches_.rollouts.observe(*answer);
  co_return outcome(answer);
}

Task<Result<>> PlanExecutor::run(const Snapshot& snapshot, const rollout::PatchStatus& action) {
  const api::Rollout& rollout = *snapshot.rollout;
  const json::object patch = api::statusPatch(rollout.status, action.status);
  if (!patch.empty()) {
    co_await caches_.calm();
    const Result<json::object> answer = co_await world_.client.patch(
        resources::rollouts, rollout.metadata.ns, rollout.metadata.name, PatchType::merge, patch, {}, "status");
    if (!answer) co_return fail(answer.error());
    caches_.rollouts.observe(*answer);
  }
  for (const api::DurationStatus& ended : action.ended) {
    const Duration total = *ended.finished_at - *ended.rollout_started_at;
    const Duration manual = seconds(ended.total_manual_pause_duration_seconds.value_or(0));
    metrics_.observeRollout(ended.completion_status.value_or(""), total, total - manual, manual);
  }
  co_return Result<>();
}

Task<Result<>> PlanExecutor::run(const Snapshot& snapshot, const rollout::EmitEvent& action) {
  emit(*snapshot.rollout, action.warning, action.reason, action.message);
  co_return Result<>();
}

}  // namespace crossfade::controller
