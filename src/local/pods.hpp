// The node of the embedded cluster: binds pods, starts and ends them, and reports their status as a kubelet does. What
// runs in a container is told by its image:
//
// - crossfade.dev/demo:blue?errors=0.1&latency=20ms: the built-in demo application, a real HTTP server on a
//   loopback port of its own (simulated clusters: a pod that is Ready, without a socket). image.hpp lists the settings.
// - A container with `command`: a local process, when `run_commands` is set (else as any other image).
// - Any other image: Ready after `ready_delay`. "/bad:" in its name, or ":missing" at its end: it can't be pulled
//   (ErrImagePull, ImagePullBackOff). "crash" in its tag, or the tag "fail": CrashLoopBackOff.
//
// Where the restart policy isn't Always (Jobs), and in init containers, an image runs for `ready_delay` and succeeds
// ("fail" and "crash" in the tag: fails). Startup, readiness and liveness probes against the demo application and
// commands are really asked (httpGet, tcpSocket); all others pass at once. A pod that is being deleted leaves its
// Services' endpoints 200 ms before it is asked to end (pod_run.hpp).
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/async.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "local/api_server.hpp"
#include "local/registry.hpp"

namespace crossfade::local {

struct PodOptions {
  Duration ready_delay = milliseconds(500);
  bool run_commands = false;
  bool sockets = true;  // false: the demo application exists in name only
};

// Where a pod can be reached on this machine.
struct PodAddress {
  std::string host;  // 127.0.0.1
  std::uint16_t port = 0;
};

class Pods : public PodLogs {
 public:
  // All outlive the object.
  Pods(Registry& registry, Executor executor, Clock& clock, Random& random, PodOptions options);
  ~Pods() override;
  // The real address of a running demo pod (or of a command's declared port); empty when it has none.
  std::optional<PodAddress> address(std::string_view ns, std::string_view pod, std::uint16_t container_port) const;
  Task<Result<net::Response>> log(std::string_view ns, std::string_view pod, std::string_view container,
                                  LogOptions options) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crossfade::local
