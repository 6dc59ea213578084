// Leader election through a coordination.k8s.io/v1 Lease, compatible with client-go's. spec/11 §2.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/async.hpp"
#include "base/random.hpp"
#include "kube/client.hpp"

namespace crossfade::kube {

struct LeaderSettings {
  std::string ns = {}, name = {};  // of the Lease
  std::string identity = {};       // "host_uuid"
  Duration lease_duration = seconds(15), renew_deadline = seconds(10), retry_period = seconds(2);
};

class LeaderElector {
 public:
  LeaderElector(Client& client, Executor executor, Random& random, LeaderSettings settings);
  ~LeaderElector();
  // Returns once we hold the lease, and keeps renewing it in the background from then on. Returns without it only when
  // the elector is destroyed or has lost or released the lease before: it leads once.
  Task<> acquire();
  // Called (once, from the loop) when the lease was lost: not renewed within renew_deadline, or taken by another.
  void onLost(std::function<void()> lost);
  bool leading() const;
  // Gives the lease up (holderIdentity "", lease duration 1 s), so that another takes over at once.
  Task<> release();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace crossfade::kube
