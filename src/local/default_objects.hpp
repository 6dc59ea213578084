// What every cluster has without being asked: the service `kubernetes`, a ServiceAccount `default` in each namespace,
// and the embedded CustomResourceDefinitions.
#pragma once
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "local/key_queue.hpp"
#include "local/registry.hpp"

namespace crossfade::local {

// Both outlive the object.
class DefaultObjects {
 public:
  DefaultObjects(Registry& registry, Clock& clock);

 private:
  // Makes what is missing in a namespace.
  void complete(const std::string& ns);
  void ensureService();

  Registry& registry_;
  const ResourceType& namespaces_;
  const ResourceType& accounts_;
  const ResourceType& services_;
  KeyQueue queue_;  // namespaces
  std::shared_ptr<Registry::Subscription> namespace_events_, account_events_, service_events_;
};

// Creates the definitions of crds.json, and brings older ones up to date.
Result<> installDefinitions(Registry& registry);

}  // namespace crossfade::local
