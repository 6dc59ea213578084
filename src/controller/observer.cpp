#include "controller/observer.hpp"

#include "analysis/templates.hpp"
#include "api/names.hpp"
#include "controller/references.hpp"

namespace crossfade::controller {

Observer::Observer(const World& world, const Settings& settings, Caches& caches, TrafficControl& traffic,
                   WorkloadRefs& workloads)
    : world_(world), settings_(settings), caches_(caches), traffic_(traffic), workloads_(workloads) {}

Task<Result<rollout::Snapshot>> Observer::observe(std::shared_ptr<const api::Rollout> rollout) {
  const api::Metadata& metadata = rollout->metadata;
  rollout::Snapshot snapshot;
  snapshot.rollout = rollout;
  snapshot.settings.instance_id = settings_.instance_id;
  snapshot.settings.verify_retry = settings_.verify_retry_interval;
  // Everything that has to be asked for comes first: what the caches hold is then read at one moment.
  if (rollout->spec.workload_ref) snapshot.workload = co_await workloads_.resolve(rollout);
  snapshot.traffic = co_await traffic_.observe(rollout);
  if (const Result<> fetched = co_await fetchRecordedRuns(rollout); !fetched) co_return fail(fetched.error());

  snapshot.replica_sets = caches_.replica_sets_of.ownedBy(metadata.uid);
  for (auto& orphan : caches_.replica_sets_of.orphans(metadata.ns)) snapshot.replica_sets.push_back(std::move(orphan));
  for (const std::string_view name : servicesOf(*rollout)) {
    if (auto service = caches_.services.find(metadata.ns, name)) snapshot.services.emplace(name, std::move(service));
  }
  snapshot.analysis_runs = caches_.analysis_runs_of.ownedBy(metadata.uid);
  snapshot.experiments = caches_.experiments_of.ownedBy(metadata.uid);
  const auto addForeign = [&metadata](auto object, auto& objects) {
    const bool own =
        object != nullptr && object->metadata.controller && object->metadata.controller->uid == metadata.uid;
    if (object != nullptr && !own) objects.push_back(std::move(object));
  };
  snapshot.taken_names = caches_.collisionsOf(metadata.key());
  for (const std::string& name : snapshot.taken_names) {
    addForeign(caches_.analysis_runs.find(metadata.ns, name), snapshot.analysis_runs);
    addForeign(caches_.experiments.find(metadata.ns, name), snapshot.experiments);
  }
  const analysis::TemplateLookup lookup = templateLookup(caches_, metadata.ns);
  snapshot.missing_reference = analysis::missingTemplate(*rollout, lookup);
  snapshot.reference_error = analysis::validateTemplates(*rollout, lookup);
  if (!snapshot.reference_error) snapshot.reference_error = TrafficControl::configurationError(*rollout);

  if (rollout::needsPods(snapshot, world_.clock.now())) {
    auto pods = co_await podsOf(rollout, snapshot.workload);
    if (!pods) co_return fail(pods.error());
    snapshot.pods = std::move(*pods);
  }
  co_return snapshot;
}

Task<Result<>> Observer::fetchRecordedRuns(std::shared_ptr<const api::Rollout> rollout) {
  const api::Metadata& metadata = rollout->metadata;
  const api::RolloutStatus& status = rollout->status;
  std::set<std::string> missing;
  for (const auto* entry :
       {&status.canary.current_step_analysis_run, &status.canary.current_background_analysis_run,
        &status.blue_green.pre_promotion_analysis_run, &status.blue_green.post_promotion_analysis_run}) {
    if (*entry && !(*entry)->name.empty() && caches_.analysis_runs.find(metadata.ns, (*entry)->name) == nullptr)
      missing.insert((*entry)->name);
  }
  std::set<std::string> gone;
  for (const std::string& name : missing) {
    const auto known = gone_.find(metadata.key());
    if (known != gone_.end() && known->second.contains(name)) {
      gone.insert(name);
      continue;
    }
    const Result<json::object> live = co_await world_.client.get(kube::resources::analysis_runs, metadata.ns, name);
    if (!live && live.error().code != ErrorCode::not_found) co_return fail(live.error());
    const bool ours = live && api::decodeMetadata(*live).label(api::instance_id_label) == settings_.instance_id;
    if (ours) {
      caches_.analysis_runs.observe(*live);
    } else {
      gone.insert(name);
    }
  }
  if (gone.empty()) {
    gone_.erase(metadata.key());
  } else {
    gone_[metadata.key()] = std::move(gone);
  }
  co_return Result<>();
}

Task<Result<std::vector<std::shared_ptr<const api::Pod>>>> Observer::podsOf(std::shared_ptr<const api::Rollout> rollout,
                                                                            std::optional<rollout::Workload> workload) {
  std::vector<std::shared_ptr<const api::Pod>> pods;
  json::object selects = rollout->spec.selector.object();
  if (rollout->spec.selector.empty() && workload) selects = workload->selector.value_or(json::object());
  const Result<Selector> selector = Selector::fromJson(selects);
  if (!selector || selector->empty()) co_return pods;
  kube::ListOptions options;
  options.label_selector = selector->toString();
  const Result<kube::List> listed = co_await world_.client.list(kube::resources::pods, rollout->metadata.ns, options);
  if (!listed) co_return fail(listed.error());
  for (const json::object& pod : listed->items) pods.push_back(std::make_shared<const api::Pod>(api::decodePod(pod)));
  co_return pods;
}

}  // namespace crossfade::controller
