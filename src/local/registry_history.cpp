// The registry's past: events that a watch may ask for, lists as they were, and what a restart brings back.
#include <fmt/format.h>

#include "local/object_facts.hpp"
#include "local/registry_impl.hpp"

namespace crossfade::local {

std::uint64_t Registry::resourceVersion() const { return impl_->version; }

std::uint64_t Registry::oldestResourceVersion(const ResourceType& type) const { return impl_->storeOf(type).forgotten; }

Result<std::vector<Event>> Registry::eventsSince(const ResourceType& type, std::uint64_t resource_version) const {
  const Impl::Store& store = impl_->storeOf(type);
  if (resource_version < store.forgotten) {
    return fail(ErrorCode::gone, fmt::format("too old resource version: {} ({})", resource_version, store.forgotten));
  }
  const auto first = std::ranges::upper_bound(store.history, resource_version, {}, &Event::resource_version);
  return std::vector<Event>(first, store.history.end());
}

Result<std::vector<Object>> Registry::listAt(const ResourceType& type, std::string_view ns,
                                             std::uint64_t resource_version) const {
  const auto since = eventsSince(type, resource_version);
  if (!since) return fail(since.error());
  if (since->empty()) return list(type, ns);
  // Undo what happened since, newest first.
  std::map<std::string, Object, std::less<>> objects = impl_->storeOf(type).objects;
  for (auto event = since->rbegin(); event != since->rend(); ++event) {
    const std::string key = keyOf(*event->object);
    if (event->previous) {
      objects[key] = event->previous;
    } else {
      objects.erase(key);
    }
  }
  std::vector<Object> result;
  for (const auto& [key, object] : objects) {
    if (ns.empty() || !type.namespaced || namespaceOf(*object) == ns) result.push_back(object);
  }
  return result;
}

void Registry::compact() {
  for (const auto& store : impl_->stores) {
    store->history.clear();
    store->forgotten = impl_->version;
  }
}

void Registry::setJournal(Journal* journal) { impl_->journal = journal; }

bool Registry::restore(std::string_view group, std::string_view plural, json::object object) {
  const ResourceType* type = resource(group, plural);
  if (type == nullptr || getObject(object, {"metadata"}) == nullptr) return false;
  Impl::Store& store = impl_->storeOf(*type);
  Object& slot = store.objects[keyOf(object)];
  if (slot) impl_->garbage.observe(*type, {Event::Type::deleted, slot, slot, impl_->version});
  slot = std::make_shared<const json::object>(std::move(object));
  const Event event{Event::Type::added, slot, nullptr, impl_->version};
  impl_->garbage.observe(*type, event);
  if (type == impl_->definition_type) impl_->definitionChanged(event);
  return true;
}

void Registry::restoreResourceVersion(std::uint64_t resource_version) {
  impl_->version = std::max(impl_->version, resource_version);
  compact();
  // A deletion that the end of the last run interrupted goes on.
  if (impl_->drain_timer) return;
  impl_->drain_timer = impl_->clock.callAt(impl_->clock.now(), [this] {
    impl_->drain_timer.reset();
    for (const Object& definition : list(*impl_->definition_type)) {
      if (isDeleting(*definition)) impl_->drainDefinition(nameOf(*definition));
    }
  });
}

}  // namespace crossfade::local
