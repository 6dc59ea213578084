// Takes the pod-template hash out of the selectors of Services that no Rollout names any more, so that they select by
// their own labels again. spec/02 §13.4.
//
// A wrong cleaning cuts production traffic, so it rests on what the server says, never on what a cache lacks: a Service
// is let go when the Rollout that manages it is gone (NotFound, no other failure will do) or doesn't name it. One with
// a hash and no manager is let go when it has no owner and no Rollout of its namespace names it, whichever controller
// serves that Rollout. Where the cache knows a Rollout that names the Service, nothing is asked.
#pragma once
#include <string>

#include "controller/caches.hpp"
#include "controller/settings.hpp"
#include "controller/world.hpp"
#include "kube/work_queue.hpp"

namespace crossfade::controller {

class ServiceCleaner {
 public:
  // All references outlive the cleaner.
  ServiceCleaner(const World& world, const Settings& settings, Caches& caches);

  // Somebody may have let go of this Service. Looked at once the queue has been started.
  void add(const std::string& ns, std::string_view service);
  // Every Service whose selector holds a hash.
  void addAll();
  kube::WorkQueue& queue() { return queue_; }

 private:
  Task<kube::WorkQueue::Outcome> look(std::string key);
  Task<Result<bool>> isNamedBy(std::shared_ptr<const api::Service> service, std::string manager);
  Task<Result<bool>> isNamedByAny(std::shared_ptr<const api::Service> service);
  Task<Result<>> clean(std::shared_ptr<const api::Service> service);

  const World& world_;
  Caches& caches_;
  kube::WorkQueue queue_;
};

}  // namespace crossfade::controller
