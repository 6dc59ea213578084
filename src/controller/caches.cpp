#include "controller/caches.hpp"

#include "api/names.hpp"
#include "base/log.hpp"

namespace crossfade::controller {
namespace {

constexpr Duration sync_report_interval = seconds(10);
// The server is behind when more of our own writes than this have not come back.
constexpr std::size_t most_awaited = 8;
// So many edits within so short a time are a storm.
constexpr std::size_t storm_edits = 16;
constexpr Duration storm_window = milliseconds(500);
constexpr Duration patience = seconds(3);

MetricJob decodeJob(const json::object& object) {
  MetricJob job;
  job.metadata = api::decodeMetadata(object);
  if (const json::array* conditions = getArray(object, {"status", "conditions"})) {
    for (const json::value& value : *conditions) {
      const json::object* condition = value.if_object();
      if (condition == nullptr || getString(*condition, {"status"}) != "True") continue;
      const std::string_view type = getString(*condition, {"type"});
      job.finished = job.finished || type == "Complete" || type == "Failed";
    }
  }
  return job;
}

}  // namespace

Caches::Caches(const World& world, const Settings& settings)
    : rollouts(api::decodeRollout),
      replica_sets(api::decodeReplicaSet),
      services(api::decodeService),
      analysis_runs(api::decodeAnalysisRun),
      analysis_templates(api::decodeAnalysisTemplate),
      cluster_analysis_templates(api::decodeAnalysisTemplate),
      experiments(api::decodeExperiment),
      jobs(decodeJob),
      replica_sets_of(replica_sets),
      analysis_runs_of(analysis_runs),
      experiments_of(experiments),
      clock_(world.clock),
      echoed_(world.clock),
      world_(world) {
  rollouts.onEcho([this] { echoed_.notify(); });
  using namespace kube::resources;
  const std::string& ns = settings.watch_namespace;
  const std::string ours = settings.instanceSelector();
  watch(world.client, kube::resources::analysis_runs, ns, ours, analysis_runs);
  watch(world.client, kube::resources::analysis_templates, ns, ours, analysis_templates);
  watch(world.client, kube::resources::cluster_analysis_templates, "", ours, cluster_analysis_templates);
  kube::Client& jobs_at = world.job_client == nullptr ? world.client : *world.job_client;
  watch(jobs_at, kube::resources::jobs, settings.job_namespace.empty() ? ns : settings.job_namespace,
        std::string(api::analysis_run_uid_label), jobs);
  if (settings.analysis_only) return;
  watch(world.client, kube::resources::rollouts, ns, ours, rollouts);
  watch(world.client, kube::resources::replica_sets, ns, std::string(api::hash_label), replica_sets);
  watch(world.client, kube::resources::services, ns, "", services);
  watch(world.client, kube::resources::experiments, ns, ours, experiments);
}

void Caches::watch(kube::Client& client, const kube::ResourceKey& resource, const std::string& ns,
                   const std::string& label_selector, kube::WatchHandler& handler) {
  kube::WatchTarget target;
  target.resource = resource;
  target.ns = ns;
  target.label_selector = label_selector;
  watchers_.push_back({resource.plural, std::make_unique<kube::Watcher>(client, world_.executor, world_.random,
                                                                        std::move(target), handler)});
}

void Caches::start() {
  for (const Named& named : watchers_) named.watcher->start();
}

Task<> Caches::waitSynced() {
  for (const Named& named : watchers_) {
    while (!co_await named.watcher->waitSynced(clock_.now() + sync_report_interval)) {
      const std::optional<Error> error = named.watcher->lastError();
      log::warn("still waiting for the first list of {}: {}", named.name, error ? error->message : "no answer yet");
    }
  }
}

void Caches::noteEdit() {
  edits_.push_back(clock_.now());
  if (edits_.size() > storm_edits) edits_.pop_front();
}

TimePoint Caches::stormEnd() const {
  return edits_.size() < storm_edits ? TimePoint::min() : edits_.front() + storm_window;
}

bool Caches::isBusy() const { return rollouts.awaited() >= most_awaited || clock_.now() < stormEnd(); }

Task<> Caches::calm() {
  const TimePoint deadline = clock_.now() + patience;
  while (isBusy()) {
    const TimePoint now = clock_.now();
    if (now >= deadline) {
      rollouts.stopAwaiting();
      co_return;
    }
    co_await echoed_.waitUntil(now < stormEnd() ? std::min(deadline, stormEnd()) : deadline);
  }
}

const std::set<std::string>& Caches::collisionsOf(const std::string& rollout_key) const {
  static const std::set<std::string> none;
  const auto found = collisions_.find(rollout_key);
  return found == collisions_.end() ? none : found->second;
}

}  // namespace crossfade::controller
