// What the gateway says about the HTTPRoutes that it serves: status.parents with Accepted and ResolvedRefs.
#pragma once
#include <map>
#include <memory>
#include <set>
#include <string>

#include "local/key_queue.hpp"
#include "local/registry.hpp"

namespace crossfade::local {

class RouteStatus {
 public:
  // Both outlive the object.
  RouteStatus(Registry& registry, Clock& clock);

 private:
  void observe(const ResourceType& type, const Event& event);
  void sync(const std::string& key);

  Registry& registry_;
  Clock& clock_;
  KeyQueue queue_;
  std::map<std::string, std::set<std::string>> services_;   // keys of the Services that a route names, by its key
  std::map<std::string, std::set<std::string>> referring_;  // the reverse
  std::shared_ptr<Registry::Subscription> subscription_;
};

}  // namespace crossfade::local
