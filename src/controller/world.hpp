// Everything that the controller can touch.
#pragma once
#include "base/async.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "kube/client.hpp"
#include "net/aws_profile.hpp"
#include "net/http.hpp"

namespace crossfade::controller {

// All of it outlives the controller.
struct World {
  Executor executor;
  Clock& clock;
  Random& random;
  kube::Client& client;
  net::Dialer& dialer;  // metric backends
  // Variables that metric providers read; null: none is set.
  net::Environment environment = {};
  kube::Client* job_client = nullptr;  // of the cluster where the Jobs of metrics run; null: `client`
};

}  // namespace crossfade::controller
