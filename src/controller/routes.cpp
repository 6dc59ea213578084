#include "controller/routes.hpp"

#include "base/log.hpp"
#include "traffic/registry.hpp"

namespace crossfade::controller {
namespace {

constexpr Duration discovery_retry = seconds(30);
constexpr Duration sync_timeout = seconds(60);

RouteObject decodeRoute(const json::object& object) {
  return {api::decodeMetadata(object), std::make_shared<const json::object>(object)};
}

std::string nameOf(const traffic::ResourceKind& kind) { return kind.group + "/" + kind.kind; }

std::string notFound(const traffic::ObjectRef& ref) {
  const traffic::ResourceKind& kind = ref.kind;
  return fmt::format("{}{}{} \"{}\" not found", kind.plural, kind.group.empty() ? "" : ".", kind.group, ref.name);
}

}  // namespace

Routes::Routes(const World& world, const Settings& settings, Listener listener)
    : world_(world), ns_(settings.watch_namespace), listener_(std::move(listener)) {}

Task<Result<kube::ResourceKey>> Routes::resourceOf(traffic::ResourceKind kind) {
  const std::string name = nameOf(kind);
  if (const auto known = resources_.find(name); known != resources_.end()) co_return known->second;
  const auto missed = not_served_.find(name);
  if (missed != not_served_.end() && world_.clock.now() < missed->second.first + discovery_retry) {
    co_return fail(missed->second.second);
  }
  Result<kube::ResourceKey> found = co_await world_.client.discover(kind.group, kind.kind, kind.versions);
  if (found) {
    resources_[name] = *found;
    not_served_.erase(name);
  } else if (found.error().code == ErrorCode::not_found) {
    not_served_.insert_or_assign(name, std::pair(world_.clock.now(), found.error()));
  }
  co_return found;
}

Task<Result<Routes::Followed*>> Routes::follow(traffic::ResourceKind kind) {
  if (!traffic::isWatched(kind)) co_return nullptr;
  const Result<kube::ResourceKey> resource = co_await resourceOf(kind);
  if (!resource) co_return fail(resource.error());
  std::unique_ptr<Followed>& slot = followed_[nameOf(kind)];
  if (slot == nullptr) {
    slot = std::make_unique<Followed>(decodeRoute);
    slot->resource = *resource;
    slot->cache.addListener([this, kind](const auto& before, const auto& now) {
      const api::Metadata& metadata = now != nullptr ? now->metadata : before->metadata;
      listener_(kind, metadata.ns, metadata.name);
    });
    kube::WatchTarget target;
    target.resource = *resource;
    target.ns = ns_;
    slot->watcher =
        std::make_unique<kube::Watcher>(world_.client, world_.executor, world_.random, std::move(target), slot->cache);
    slot->watcher->start();
  }
  Followed* followed = slot.get();
  const bool synced = co_await followed->watcher->waitSynced(world_.clock.now() + sync_timeout);
  if (!synced) {
    const std::optional<Error> error = followed->watcher->lastError();
    co_return fail(ErrorCode::unavailable,
                   fmt::format("failed to list {}: {}", kind.plural, error ? error->message : "no answer"));
  }
  co_return followed;
}

Task<traffic::Objects> Routes::read(std::vector<traffic::ObjectRef> refs, bool live) {
  traffic::Objects objects;
  for (const traffic::ObjectRef& ref : refs) {
    Result<Followed*> followed = co_await follow(ref.kind);
    Result<kube::ResourceKey> resource = co_await resourceOf(ref.kind);
    if (!followed || !resource) {
      const Error error = followed ? resource.error() : followed.error();
      ref.selector ? objects.putMatches(ref, fail(error)) : objects.put(ref, fail(error));
      continue;
    }
    if (ref.selector) {  // only kinds that are watched are asked for by label
      std::vector<traffic::Objects::Object> matches;
      if (*followed != nullptr) {
        for (const auto& route : (*followed)->cache.inNamespace(ref.ns)) {
          if (ref.selector->matches(route->metadata.labels)) matches.push_back(route->object);
        }
      }
      objects.putMatches(ref, std::move(matches));
      continue;
    }
    if (*followed != nullptr && !live) {
      const auto route = (*followed)->cache.find(ref.ns, ref.name);
      objects.put(ref, route != nullptr ? Result<traffic::Objects::Object>(route->object)
                                        : fail(ErrorCode::not_found, notFound(ref)));
      continue;
    }
    Result<json::object> read = co_await world_.client.get(*resource, ref.ns, ref.name);
    if (read && *followed != nullptr) (*followed)->cache.observe(*read);
    objects.put(ref, read ? Result<traffic::Objects::Object>(std::make_shared<const json::object>(std::move(*read)))
                          : fail(read.error()));
  }
  co_return objects;
}

Task<Result<>> Routes::write(traffic::Change change) {
  const Result<kube::ResourceKey> resource = co_await resourceOf(change.object.kind);
  if (!resource) co_return fail(resource.error());
  kube::WriteOptions options;
  options.field_manager = change.field_manager;
  Result<json::object> answer = json::object();
  switch (change.verb) {
    case traffic::Change::Verb::patch:
      answer = co_await world_.client.patch(*resource, change.object.ns, change.object.name, kube::PatchType::merge,
                                            change.body, options);
      break;
    case traffic::Change::Verb::create:
      answer = co_await world_.client.create(*resource, change.object.ns, change.body, options);
      break;
    case traffic::Change::Verb::remove: {
      const Result<json::object> removed =
          co_await world_.client.remove(*resource, change.object.ns, change.object.name);
      if (!removed && removed.error().code != ErrorCode::not_found) co_return fail(removed.error());
      co_return Result<>();
    }
  }
  if (!answer) co_return fail(answer.error());
  const auto followed = followed_.find(nameOf(change.object.kind));
  if (followed != followed_.end()) followed->second->cache.observe(*answer);
  co_return Result<>();
}

}  // namespace crossfade::controller
