// Which objects of a cache belong to whom: children by their controller's uid, orphans by their namespace. Kept up to
// date from the cache's own changes, so that one Rollout's children are found without a look at anybody else's.
#pragma once
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kube/cache.hpp"

namespace crossfade::controller {

template <class T>
class OwnerIndex {
 public:
  using Pointer = typename kube::Cache<T>::Pointer;

  // The cache outlives the index.
  explicit OwnerIndex(kube::Cache<T>& cache) : cache_(cache) {
    cache.addListener([this](const Pointer& before, const Pointer& now) {
      if (before != nullptr) drop(*before);
      if (now != nullptr) keys_[bucket(now->metadata)].insert(now->metadata.key());
    });
  }

  // Sorted by name.
  std::vector<Pointer> ownedBy(std::string_view uid) const { return inBucket(uid); }
  // Objects of a namespace that no controller owns.
  std::vector<Pointer> orphans(std::string_view ns) const { return inBucket(orphanBucket(ns)); }

 private:
  static std::string orphanBucket(std::string_view ns) { return "/" + std::string(ns); }
  static std::string bucket(const api::Metadata& metadata) {
    return metadata.controller ? metadata.controller->uid : orphanBucket(metadata.ns);
  }
  void drop(const T& object) {
    const auto found = keys_.find(bucket(object.metadata));
    if (found == keys_.end()) return;
    found->second.erase(object.metadata.key());
    if (found->second.empty()) keys_.erase(found);
  }
  std::vector<Pointer> inBucket(std::string_view name) const {
    std::vector<Pointer> found;
    const auto keys = keys_.find(name);
    if (keys == keys_.end()) return found;
    for (const std::string& key : keys->second) {
      if (Pointer object = cache_.find(key)) found.push_back(std::move(object));
    }
    return found;
  }

  kube::Cache<T>& cache_;
  std::map<std::string, std::set<std::string>, std::less<>> keys_;
};

}  // namespace crossfade::controller
