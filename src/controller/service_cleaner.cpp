#include "controller/service_cleaner.hpp"

#include <algorithm>

#include "api/names.hpp"
#include "base/log.hpp"
#include "controller/references.hpp"

namespace crossfade::controller {

namespace resources = kube::resources;

ServiceCleaner::ServiceCleaner(const World& world, const Settings& settings, Caches& caches)
    : world_(world),
      caches_(caches),
      queue_(world.executor, world.clock, settings.service_slots,
             [this](std::string key) { return look(std::move(key)); }) {}

void ServiceCleaner::add(const std::string& ns, std::string_view service) {
  queue_.add(fmt::format("{}/{}", ns, service));
}

void ServiceCleaner::addAll() {
  for (const auto& [key, service] : caches_.services.all())
    if (service->selector.contains(api::hash_label)) queue_.add(key);
}

Task<kube::WorkQueue::Outcome> ServiceCleaner::look(std::string key) {
  const std::shared_ptr<const api::Service> service = caches_.services.find(key);
  if (service == nullptr || service->metadata.deleted || !service->selector.contains(api::hash_label))
    co_return kube::WorkQueue::Outcome();
  const std::string manager(service->metadata.annotation(api::managed_by_annotation));
  Task<Result<bool>> asking = manager.empty() ? isNamedByAny(service) : isNamedBy(service, manager);
  const Result<bool> named = co_await std::move(asking);
  Result<> done = named ? Result<>() : fail(named.error());
  if (named && !*named) done = co_await clean(service);
  if (!done) log::warn("Service {}: {}", key, done.error().message);
  co_return kube::WorkQueue::Outcome{.failed = !done, .again_after = {}};
}

Task<Result<bool>> ServiceCleaner::isNamedBy(std::shared_ptr<const api::Service> service, std::string manager) {
  const api::Metadata& metadata = service->metadata;
  const auto known = caches_.rollouts.find(metadata.ns, manager);
  if (known != nullptr && namesService(*known, metadata.name)) co_return true;
  const Result<json::object> live = co_await world_.client.get(resources::rollouts, metadata.ns, manager);
  if (live) co_return namesService(api::decodeRollout(*live), metadata.name);
  if (live.error().code == ErrorCode::not_found) co_return false;
  co_return fail(live.error());
}

Task<Result<bool>> ServiceCleaner::isNamedByAny(std::shared_ptr<const api::Service> service) {
  const api::Metadata& metadata = service->metadata;
  // An Experiment's, for one, selects the pods of its own ReplicaSet.
  if (metadata.controller) co_return true;
  for (const auto& rollout : caches_.rollouts.inNamespace(metadata.ns))
    if (namesService(*rollout, metadata.name)) co_return true;
  const Result<kube::List> live = co_await world_.client.list(resources::rollouts, metadata.ns);
  if (!live) co_return fail(live.error());
  co_return std::ranges::any_of(live->items, [&](const json::object& rollout) {
    return namesService(api::decodeRollout(rollout), metadata.name);
  });
}

Task<Result<>> ServiceCleaner::clean(std::shared_ptr<const api::Service> service) {
  const api::Metadata& metadata = service->metadata;
  json::object patch;
  // What was decided holds for the Service as it was seen.
  json::object& changed = ensureObject(patch, {"metadata"});
  changed["resourceVersion"] = metadata.resource_version;
  if (metadata.annotations.contains(api::managed_by_annotation))
    changed["annotations"] = json::object{{api::managed_by_annotation, nullptr}};
  ensureObject(patch, {"spec", "selector"})[api::hash_label] = nullptr;
  const Result<json::object> answer =
      co_await world_.client.patch(resources::services, metadata.ns, metadata.name, kube::PatchType::merge, patch);
  if (!answer && answer.error().code == ErrorCode::not_found) co_return Result<>();
  if (!answer) co_return fail(answer.error());
  caches_.services.observe(*answer);
  log::info("Service {}: no Rollout names it any more, it selects by its own labels again", metadata.key());
  co_return Result<>();
}

}  // namespace crossfade::controller
