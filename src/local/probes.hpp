// One probe of one running container, as a kubelet does it. Containers without a socket of their own (imagined ones,
// and all of them in simulation) pass every probe at the first try; so do exec and gRPC probes everywhere.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/async.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"
#include "local/timer.hpp"
#include "net/http.hpp"

namespace crossfade::local {

class Prober {
 public:
  struct Listener {
    // The thresholds say so: once after the first verdict, then at every change.
    std::function<void(bool healthy)> verdict;
    // One try failed: what `Unhealthy` events tell behind "Readiness probe failed: ".
    std::function<void(const std::string& output)> failed;
  };

  // Starts at once. `probe` is from a container's spec, `port` the loopback port that answers for it (empty: nothing
  // real runs there, the probe passes; 0: nobody listens, it fails). `dialer` may be null when `port` is empty. The
  // listener may destroy the prober.
  Prober(Executor executor, Clock& clock, net::Dialer* dialer, const json::object& probe,
         std::optional<std::uint16_t> port, Listener listener);
  ~Prober();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// The container port that a probe asks: a number, or the name of one of the container's ports. Empty: neither httpGet
// nor tcpSocket, or no such port.
std::optional<std::uint16_t> probedPort(const json::object& probe, const json::object& container);

}  // namespace crossfade::local
