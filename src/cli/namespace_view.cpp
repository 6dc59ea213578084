#include "cli/namespace_view.hpp"

#include <array>

#include "kube/cache.hpp"
#include "kube/watcher.hpp"

namespace crossfade::cli {
namespace {

template <class T>
std::function<Owned<T>(const json::object&)> withOwners(T (*decode)(const json::object&)) {
  return [decode](const json::object& object) { return Owned<T>{decode(object), ownersOf(object)}; };
}

template <class T>
std::vector<std::shared_ptr<const Owned<T>>> listOf(const kube::Cache<Owned<T>>& cache, const std::string& ns) {
  return cache.inNamespace(ns);
}

}  // namespace

struct NamespaceView::Impl {
  struct Kind {
    const kube::ResourceKey& resource;
    kube::WatchHandler& cache;
  };

  kube::Client& client;
  Executor executor;
  Random& random;
  std::string ns;
  std::function<void()> changed = {};
  kube::Cache<api::Rollout> rollouts{api::decodeRollout};
  kube::Cache<Owned<api::ReplicaSet>> replica_sets{withOwners(api::decodeReplicaSet)};
  kube::Cache<Owned<api::Pod>> pods{withOwners(api::decodePod)};
  kube::Cache<Owned<api::Experiment>> experiments{withOwners(api::decodeExperiment)};
  kube::Cache<Owned<api::AnalysisRun>> analysis_runs{withOwners(api::decodeAnalysisRun)};
  std::vector<std::unique_ptr<kube::Watcher>> watchers = {};

  std::array<Kind, 5> kinds() {
    return {{{kube::resources::rollouts, rollouts},
             {kube::resources::replica_sets, replica_sets},
             {kube::resources::pods, pods},
             {kube::resources::experiments, experiments},
             {kube::resources::analysis_runs, analysis_runs}}};
  }

  template <class T>
  void tellOf(kube::Cache<T>& cache) {
    cache.addListener([this](const auto&, const auto&) { changed(); });
  }

  Objects objects() const {
    return {.replica_sets = listOf(replica_sets, ns),
            .pods = listOf(pods, ns),
            .experiments = listOf(experiments, ns),
            .analysis_runs = listOf(analysis_runs, ns)};
  }
};

NamespaceView::NamespaceView(kube::Client& client, Executor executor, Random& random, std::string ns)
    : impl_(new Impl{.client = client, .executor = executor, .random = random, .ns = std::move(ns)}) {}

NamespaceView::~NamespaceView() = default;

Task<Result<>> NamespaceView::load() {
  for (const Impl::Kind kind : impl_->kinds()) {
    kube::ListSink sink{.begin = [kind] { kind.cache.listBegin(); },
                        .item = [kind](json::object item) { kind.cache.apply(std::move(item)); }};
    const auto version = co_await impl_->client.listInto(kind.resource, impl_->ns, {}, std::move(sink));
    if (!version && version.error().code != ErrorCode::not_found) co_return fail(version.error());
    if (version) kind.cache.listEnd(*version);
  }
  co_return Result<>();
}

Task<> NamespaceView::follow(std::function<void()> changed, Duration patience) {
  impl_->changed = std::move(changed);
  impl_->tellOf(impl_->rollouts);
  impl_->tellOf(impl_->replica_sets);
  impl_->tellOf(impl_->pods);
  impl_->tellOf(impl_->experiments);
  impl_->tellOf(impl_->analysis_runs);
  for (const Impl::Kind kind : impl_->kinds()) {
    kube::WatchTarget target{.resource = kind.resource, .ns = impl_->ns};
    impl_->watchers.push_back(
        std::make_unique<kube::Watcher>(impl_->client, impl_->executor, impl_->random, std::move(target), kind.cache));
    impl_->watchers.back()->start();
  }
  const TimePoint deadline = impl_->client.clock().now() + patience;
  for (const auto& watcher : impl_->watchers) co_await watcher->waitSynced(deadline);
}

void NamespaceView::stop() {
  for (const auto& watcher : impl_->watchers) watcher->stop();
}

std::shared_ptr<const api::Rollout> NamespaceView::rollout(std::string_view name) const {
  return impl_->rollouts.find(impl_->ns, name);
}

std::optional<RolloutTree> NamespaceView::rolloutTree(std::string_view name) const {
  const auto found = rollout(name);
  if (!found) return std::nullopt;
  return buildRolloutTree(*found, impl_->objects());
}

std::optional<ExperimentTree> NamespaceView::experimentTree(std::string_view name) const {
  const auto found = impl_->experiments.find(impl_->ns, name);
  if (!found) return std::nullopt;
  return buildExperimentTree(*found, impl_->objects());
}

}  // namespace crossfade::cli
