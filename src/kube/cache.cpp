#include "kube/cache.hpp"

#include <algorithm>

namespace crossfade::kube {

namespace {

bool wellFormed(std::string_view version) {
  return !version.empty() && version.front() != '0' &&
         std::ranges::all_of(version, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

bool olderVersion(std::string_view a, std::string_view b) {
  if (!wellFormed(a) || !wellFormed(b)) return false;
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

void Tombstones::add(const std::string& uid, std::string_view version) {
  if (uid.empty()) return;
  const auto [entry, fresh] = versions_.try_emplace(uid, version);
  if (!fresh) {
    if (olderVersion(entry->second, version)) entry->second = version;
    return;
  }
  order_.push_back(uid);
  if (order_.size() > capacity) {
    versions_.erase(order_.front());
    order_.pop_front();
  }
}

bool Tombstones::covers(const std::string& uid, std::string_view version) const {
  const auto found = versions_.find(uid);
  return found != versions_.end() && !olderVersion(found->second, version);
}

Identity identityOf(const json::object& object) {
  const std::string_view ns = getString(object, {"metadata", "namespace"});
  const std::string_view name = getString(object, {"metadata", "name"});
  return {.key = ns.empty() ? std::string(name) : std::string(ns).append("/").append(name),
          .uid = std::string(getString(object, {"metadata", "uid"})),
          .version = std::string(getString(object, {"metadata", "resourceVersion"}))};
}

}  // namespace crossfade::kube
