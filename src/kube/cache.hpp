// The objects of one kind, decoded, by "namespace/name", with an index from namespace. Feeds on a Watcher and tells of changes.
// Values are shared and never change: a reader may keep one.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/object.hpp"
#include "base/json.hpp"
#include "kube/watcher.hpp"

namespace crossfade::kube {

// T has a member `metadata` (api::Metadata).
template <class T>
class Cache : public WatchHandler {
 public:
  using Pointer = std::shared_ptr<const T>;
  // `now` is null for a deletion, `before` for an addition. Called after the cache changed. A re-list tells only of what differs
  // (by resourceVersion).
  using Listener = std::function<void(const Pointer& before, const Pointer& now)>;

  explicit Cache(std::function<T(const json::object&)> decode) : decode_(std::move(decode)) {}

  void addListener(Listener listener) { listeners_.push_back(std::move(listener)); }

  Pointer find(std::string_view key) const {
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : found->second;
  }
  Pointer find(std::string_view ns, std::string_view name) const { return find(std::string(ns) + "/" + std::string(name)); }
  // Sorted by name.
  std::vector<Pointer> inNamespace(std::string_view ns) const;
  // Everything, sorted by key.
  const std::map<std::string, Pointer, std::less<>>& all() const { return objects_; }
  std::size_t size() const { return objects_.size(); }

  // Takes the answer of an own write, so that the next look sees it: ignored when the cache holds a newer
  // resourceVersion of the same uid (or, for an object that was deleted meanwhile, its tombstone). The watch event that
  // follows with the same version is then no change. Listeners are told.
  void observe(const json::object& object);

  void replace(std::vector<json::object> objects) override;
  void apply(json::object object) override;
  void remove(json::object object) override;

 private:
  void put(Pointer now);

  std::function<T(const json::object&)> decode_;
  std::map<std::string, Pointer, std::less<>> objects_;
  std::vector<Listener> listeners_;
};

// True when resource version `a` is older than `b` (numeric; spec/02 §2.3: false when either is malformed).
bool olderVersion(std::string_view a, std::string_view b);

}  // namespace crossfade::kube

#include "kube/cache_impl.hpp"
