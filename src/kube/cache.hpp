// The objects of one kind, decoded, by "namespace/name". Feeds on a Watcher and on our own writes, and tells of
// changes. Values are shared and never change: a reader may keep one.
//
// Whatever comes in, from wherever, late or twice, is ordered by resourceVersion: nothing older ever replaces something
// newer, and a deleted object does not come back by a late event or by the late answer of a write.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/object.hpp"
#include "base/json.hpp"
#include "kube/watcher.hpp"

namespace crossfade::kube {

// True when resource version `a` is older than `b` (numeric; spec/02 §2.3: false when either is malformed).
bool olderVersion(std::string_view a, std::string_view b);

// Deleted objects, by uid, with the version at which they were gone. Remembers the last `capacity` of them.
class Tombstones {
 public:
  static constexpr std::size_t capacity = 1024;
  void add(const std::string& uid, std::string_view version);
  // True when `version` of that object is not newer than its deletion.
  bool covers(const std::string& uid, std::string_view version) const;

 private:
  std::unordered_map<std::string, std::string> versions_;
  std::deque<std::string> order_;  // the uids, oldest first
};

// What says which object a document is, and how new.
struct Identity {
  std::string key, uid, version;
};
Identity identityOf(const json::object& object);

// T has a member `metadata` (api::Metadata).
template <class T>
class Cache : public WatchHandler {
 public:
  using Pointer = std::shared_ptr<const T>;
  // `now` is null for a deletion, `before` for an addition. Called after the cache changed. A re-list tells only of
  // what differs (by resourceVersion). An object that was deleted and made again under its name is told as the two.
  using Listener = std::function<void(const Pointer& before, const Pointer& now)>;

  explicit Cache(std::function<T(const json::object&)> decode) : decode_(std::move(decode)) {}

  void addListener(Listener listener) { listeners_.push_back(std::move(listener)); }

  // `key` is "namespace/name", or the name of a cluster-scoped object.
  Pointer find(std::string_view key) const {
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : found->second;
  }
  Pointer find(std::string_view ns, std::string_view name) const {
    return ns.empty() ? find(name) : find(std::string(ns) + "/" + std::string(name));
  }
  // Sorted by name.
  std::vector<Pointer> inNamespace(std::string_view ns) const {
    const std::string prefix = std::string(ns) + "/";
    std::vector<Pointer> found;
    for (auto at = objects_.lower_bound(prefix); at != objects_.end() && at->first.starts_with(prefix); ++at) {
      found.push_back(at->second);
    }
    return found;
  }
  // Everything, sorted by key.
  const std::map<std::string, Pointer, std::less<>>& all() const { return objects_; }
  std::size_t size() const { return objects_.size(); }

  // Takes the answer of an own write, so that the next look sees it. The watch event that follows with the same version
  // is then no change. Listeners are told.
  void observe(const json::object& object) {
    Stored stored = put(object);
    if (!stored.changed) return;
    // A listener may have written, or removed, already.
    if (const Pointer held = find(stored.key)) awaited_[stored.key] = held->metadata.resource_version;
  }
  // How many objects were written by us and have not come back by the watch yet: how far the server is behind with
  // telling. `listener` is called when the number has fallen.
  std::size_t awaited() const { return awaited_.size(); }
  void onEcho(std::function<void()> listener) { echo_listener_ = std::move(listener); }
  // What was awaited is given up.
  void stopAwaiting() {
    awaited_.clear();
    if (echo_listener_) echo_listener_();
  }

  void listBegin() override {
    listing_ = true;
    listed_.clear();
  }

  void apply(json::object object) override {
    std::string key = put(object).key;
    if (!awaited_.empty()) echoed(key, getString(object, {"metadata", "resourceVersion"}));
    if (listing_) listed_.insert(std::move(key));
  }

  void remove(json::object object) override {
    const Identity gone = identityOf(object);
    erase(gone);
    echoed(gone.key, gone.version);
  }

  void listEnd(std::string_view resource_version) override {
    listing_ = false;
    std::vector<Pointer> gone;
    for (const auto& [key, object] : objects_) {
      if (!listed_.contains(key) && !olderVersion(resource_version, object->metadata.resource_version))
        gone.push_back(object);
    }
    listed_.clear();
    for (const Pointer& object : gone) {
      erase({object->metadata.key(), object->metadata.uid, std::string(resource_version)});
    }
    stopAwaiting();
  }

 private:
  struct Stored {
    std::string key;
    bool changed = false;
  };
  // Stores the object unless something newer is known.
  Stored put(const json::object& object) {
    Identity identity = identityOf(object);
    if (deleted_.covers(identity.uid, identity.version)) return {std::move(identity.key), false};
    Pointer before = find(identity.key);
    if (before != nullptr) {
      const std::string& version = before->metadata.resource_version;
      // Without a version nothing says that it is newer.
      if (identity.version.empty() || version == identity.version || olderVersion(identity.version, version))
        return {std::move(identity.key), false};
      if (before->metadata.uid != identity.uid) {
        erase({identity.key, before->metadata.uid, identity.version});
        before = nullptr;
      }
    }
    const auto now = std::make_shared<const T>(decode_(object));
    objects_[identity.key] = now;
    tell(before, now);
    return {std::move(identity.key), true};
  }

  void echoed(const std::string& key, std::string_view version) {
    const auto found = awaited_.find(key);
    if (found == awaited_.end() || olderVersion(version, found->second)) return;
    awaited_.erase(found);
    if (echo_listener_) echo_listener_();
  }

  void erase(const Identity& gone) {
    deleted_.add(gone.uid, gone.version);
    const auto found = objects_.find(gone.key);
    // A newer state is held: of this object, which then is back in the selection, or of its successor under the name.
    if (found == objects_.end() || olderVersion(gone.version, found->second->metadata.resource_version)) return;
    const Pointer before = std::move(found->second);
    objects_.erase(found);
    tell(before, nullptr);
  }

  void tell(const Pointer& before, const Pointer& now) {
    for (const Listener& listener : listeners_) listener(before, now);
  }

  std::function<T(const json::object&)> decode_;
  std::map<std::string, Pointer, std::less<>> objects_;
  std::vector<Listener> listeners_;
  Tombstones deleted_;
  std::unordered_map<std::string, std::string> awaited_;  // key to the version that we wrote
  std::function<void()> echo_listener_;
  bool listing_ = false;
  std::set<std::string> listed_;  // keys seen since listBegin
};

}  // namespace crossfade::kube
