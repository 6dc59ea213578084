#include "local/registry_impl.hpp"

namespace crossfade::local {

namespace {

// Enough for a watch that lost its connection for a while; older ones list again.
constexpr std::size_t remembered_events = 8192;

}  // namespace

Object Registry::Impl::commit(Store& store, const std::string& key, Object previous, std::optional<json::object> next) {
  ++version;
  const Event::Type kind = !next ? Event::Type::deleted : previous ? Event::Type::modified : Event::Type::added;
  json::object state = next ? std::move(*next) : *previous;
  ensureObject(state, {"metadata"})["resourceVersion"] = std::to_string(version);
  const Object object = std::make_shared<const json::object>(std::move(state));
  if (kind == Event::Type::deleted) {
    store.objects.erase(key);
  } else {
    store.objects[key] = object;
  }
  const Event event{kind, object, std::move(previous), version};
  store.history.push_back(event);
  if (store.history.size() > remembered_events) {
    store.forgotten = store.history.front().resource_version;
    store.history.pop_front();
  }
  if (journal != nullptr) journal->committed(store.type, event);
  garbage.observe(store.type, event);
  if (&store.type == definition_type) definitionChanged(event);
  undelivered.emplace_back(&store, event);
  return object;
}

void Registry::Impl::deliver() {
  if (delivering) return;
  delivering = true;
  while (!undelivered.empty()) {
    const auto [store, event] = std::move(undelivered.front());
    undelivered.pop_front();
    // By index: a callback may subscribe.
    for (std::size_t i = 0; i < subscriptions.size(); ++i) {
      const auto subscription = subscriptions[i].lock();
      if (subscription && (subscription->type == nullptr || subscription->type == &store->type)) {
        subscription->callback(store->type, event);
      }
    }
    std::erase_if(subscriptions, [](const auto& subscription) { return subscription.expired(); });
  }
  delivering = false;
}

Object Registry::Impl::settle(Store& store, const std::string& key, const Object& stored, json::object next,
                              bool dry_run) {
  if (dry_run) return std::make_shared<const json::object>(std::move(next));
  Object result;
  if (mayGo(store.type, next)) {
    // The last finalizer is gone: what watchers see as deleted is the state without it.
    result = commit(store, key, std::make_shared<const json::object>(std::move(next)), std::nullopt);
    afterRemoval(store);
  } else {
    result = commit(store, key, stored, std::move(next));
    if (&store.type == definition_type) afterDefinition(*result, stored.get());
  }
  deliver();
  return result;
}

}  // namespace crossfade::local
