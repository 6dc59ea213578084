#include "controller/workload_refs.hpp"

#include "base/log.hpp"

namespace crossfade::controller {
namespace {

constexpr Duration sync_timeout = minutes(1);

WorkloadObject decodeWorkload(const json::object& object, bool nested_template) {
  WorkloadObject workload;
  workload.metadata = api::decodeMetadata(object);
  const json::value* pod_template = nested_template ? find(object, {"spec", "template"}) : find(object, {"template"});
  if (pod_template != nullptr) workload.pod_template = api::Carried(*pod_template);
  if (const json::value* selector = find(object, {"spec", "selector"})) workload.selector = api::Carried(*selector);
  if (find(object, {"spec", "replicas"}) != nullptr) workload.replicas = getInt(object, {"spec", "replicas"}, 1);
  return workload;
}

rollout::Workload failed(std::string message) {
  rollout::Workload workload;
  workload.error = std::move(message);
  return workload;
}

// "apps/v1" is group and version, "v1" a version of the core group "".
std::pair<std::string_view, std::string_view> splitVersion(std::string_view api_version) {
  const auto slash = api_version.find('/');
  if (slash == std::string_view::npos) return {"", api_version};
  return {api_version.substr(0, slash), api_version.substr(slash + 1)};
}

}  // namespace

WorkloadRefs::WorkloadRefs(const World& world, const Settings& settings, Listener listener)
    : world_(world), ns_(settings.watch_namespace), listener_(std::move(listener)) {}

WorkloadRefs::Followed& WorkloadRefs::follow(const kube::ResourceKey& resource, bool nested_template) {
  std::unique_ptr<Followed>& slot = followed_[resource.kind];
  if (slot == nullptr) {
    slot = std::make_unique<Followed>(
        [nested_template](const json::object& object) { return decodeWorkload(object, nested_template); });
    slot->cache.addListener([this, kind = resource.kind](const auto& before, const auto& now) {
      const api::Metadata& metadata = now != nullptr ? now->metadata : before->metadata;
      listener_(kind, metadata.ns, metadata.name, now != nullptr ? metadata.generation : 0);
    });
    kube::WatchTarget target;
    target.resource = resource;
    target.ns = ns_;
    slot->watcher =
        std::make_unique<kube::Watcher>(world_.client, world_.executor, world_.random, std::move(target), slot->cache);
    slot->watcher->start();
  }
  return *slot;
}

Task<rollout::Workload> WorkloadRefs::resolve(std::shared_ptr<const api::Rollout> rollout) {
  const api::WorkloadRef& ref = *rollout->spec.workload_ref;
  const json::object own = rollout->spec.pod_template.object();
  const json::object* labels = getObject(own, {"metadata", "labels"});
  const json::object* annotations = getObject(own, {"metadata", "annotations"});
  if ((labels != nullptr && !labels->empty()) || (annotations != nullptr && !annotations->empty())) {
    co_return failed("template must be empty for workload reference rollout");
  }
  const auto [group, version] = splitVersion(ref.api_version);
  const kube::ResourceKey* resource = nullptr;
  if (group == "apps" && ref.kind == "Deployment") resource = &kube::resources::deployments;
  if (group == "apps" && ref.kind == "ReplicaSet") resource = &kube::resources::replica_sets;
  if (group.empty() && ref.kind == "PodTemplate") resource = &kube::resources::pod_templates;
  if (resource == nullptr) co_return failed(fmt::format("workload of type {}/{} is not supported", group, ref.kind));

  Followed& followed = follow(*resource, ref.kind != "PodTemplate");
  if (!co_await followed.watcher->waitSynced(world_.clock.now() + sync_timeout)) {
    co_return failed(fmt::format("failed to sync informer for {}/{}, Kind={}", group, version, ref.kind));
  }
  const auto found = followed.cache.find(rollout->metadata.ns, ref.name);
  if (found == nullptr) {
    co_return failed(fmt::format("{}{}{} \"{}/{}\" not found", resource->plural, group.empty() ? "" : ".", group,
                                 rollout->metadata.ns, ref.name));
  }
  rollout::Workload workload;
  workload.pod_template = found->pod_template.object();
  if (!found->selector.empty()) workload.selector = found->selector.object();
  workload.generation = found->metadata.generation;
  // It is a Deployment that is scaled down, even when the template comes from something else of its name.
  if (ref.scale_down == "onsuccess" || ref.scale_down == "progressively") {
    Followed& deployments = follow(kube::resources::deployments, true);
    (void)co_await deployments.watcher->waitSynced(world_.clock.now() + sync_timeout);
    const auto deployment = deployments.cache.find(rollout->metadata.ns, ref.name);
    if (deployment != nullptr) workload.replicas = deployment->replicas.value_or(1);
  }
  co_return workload;
}

}  // namespace crossfade::controller
