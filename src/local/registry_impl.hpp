// The registry's inside: what is stored, and how a change becomes visible. Its public face is in registry.cpp
// (reading), registry_write.cpp (writing) and registry_history.cpp (the past, and restarts).
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "local/garbage.hpp"
#include "local/registry.hpp"
#include "local/schema.hpp"

namespace crossfade::local {

using Schemas = std::map<std::string, std::shared_ptr<const Schema>, std::less<>>;  // by version

class Registry::Subscription {
 public:
  const ResourceType* type = nullptr;  // null: all
  std::function<void(const ResourceType&, const Event&)> callback;
};

struct Registry::Impl {
  // Everything about one served resource.
  struct Store {
    ResourceType type;
    bool served = true;
    std::map<std::string, Object, std::less<>> objects;  // by keyOf(), as in etcd: it decides the order of lists
    std::deque<Event> history;
    std::uint64_t forgotten = 0;  // events up to here are gone
    Schemas schemas;
  };

  struct Write;  // one create or update on its way to the store (registry_write.cpp)

  Impl(Registry& self, Clock& clock, Random& random);
  ~Impl();

  Store& storeOf(const ResourceType& type) const;
  // Null for kinds that are kept as they come.
  const Schema* schemaOf(const Store& store) const;

  // --- what is served (registry_definitions.cpp) ---
  void serve(ResourceType type, Schemas schemas);
  // Serves what a CustomResourceDefinition says, or stops to.
  void definitionChanged(const Event& event);
  // After a definition was written: gives it its conditions, or lets it go when it is being deleted. `before` is null
  // for a new one.
  void afterDefinition(const json::object& definition, const json::object* before);
  // After an object was removed: its definition may have waited for that.
  void afterRemoval(const Store& store);
  // A definition that is being deleted goes when the last of its objects has gone.
  void drainDefinition(std::string_view name);

  // --- how a change becomes visible (registry_commit.cpp) ---
  // History, journal, garbage collector, definitions; subscribers come with deliver(). `next` is empty for a deletion.
  Object commit(Store& store, const std::string& key, Object previous, std::optional<json::object> next);
  // Hands out committed events in order. Writes made by a callback queue up behind the one it was called for.
  void deliver();
  // The last step of every update: stores, or removes an object that only its finalizers held; then delivers.
  Object settle(Store& store, const std::string& key, const Object& stored, json::object next, bool dry_run);

  Registry& self;
  Clock& clock;
  Random& random;
  std::vector<std::unique_ptr<Store>> stores;
  std::map<std::string, Store*, std::less<>> by_name;  // "deployments.apps", served ones only
  std::unordered_map<const ResourceType*, Store*> by_type;
  const ResourceType* definition_type = nullptr;
  std::uint64_t version = 0;
  std::deque<std::pair<Store*, Event>> undelivered;
  bool delivering = false;
  std::vector<std::weak_ptr<Subscription>> subscriptions;
  Journal* journal = nullptr;
  std::optional<Clock::TimerId> drain_timer;  // after a restart
  GarbageCollector garbage;
};

// True when nothing holds an object that is being deleted any longer.
bool mayGo(const ResourceType& type, const json::object& object);

// True when anything but metadata (and status, where that is a subresource) differs.
bool specDiffers(const ResourceType& type, const json::object& before, const json::object& after);

// The value at a path of member names; null where there is none.
const json::value* valueAt(const json::object& object, const std::vector<std::string>& path);

// The API server's refusals.
std::unexpected<Error> notFound(const ResourceType& type, std::string_view name);
std::unexpected<Error> notServed();
std::unexpected<Error> conflict(const ResourceType& type, std::string_view name, std::string_view why);
std::unexpected<Error> refuseInvalid(std::string_view group, std::string_view kind, std::string_view name,
                                     std::vector<std::string> violations, WriteReport* report);

}  // namespace crossfade::local
