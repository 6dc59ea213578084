// The embedded cluster put together: registry, persistence, garbage collector, workload controllers, pods, REST face,
// and (with sockets) its listeners. `crossfade local` runs one; the demo runs one; the simulator runs one without
// sockets.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/async.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "local/api_server.hpp"
#include "local/gateway.hpp"
#include "local/pods.hpp"
#include "local/registry.hpp"

namespace crossfade::local {

struct ClusterOptions {
  bool listen = true;      // false: no socket at all; requests come through apiServer().handle
  std::uint16_t port = 0;  // of the API server; 0: any
  std::optional<GatewayOptions> gateway = {};
  PodOptions pods = {};
  ApiServerOptions api = {};
  std::string data = {};     // journal file; "": memory only
  bool install_crds = true;  // the Gateway API's and our own CRDs, as embedded files
};

class Cluster {
 public:
  static Result<std::unique_ptr<Cluster>> start(Executor executor, Clock& clock, Random& random,
                                                ClusterOptions options);
  virtual ~Cluster() = default;
  virtual Registry& registry() = 0;
  virtual ApiServer& apiServer() = 0;
  virtual Pods& pods() = 0;
  virtual Gateway* gateway() = 0;  // null without
  virtual std::uint16_t port() const = 0;
  // A kubeconfig (YAML) that reaches this cluster over HTTP.
  virtual std::string kubeconfig() const = 0;
};

// Runs `crossfade local` with the arguments behind the command's name; returns the exit code. Flags: --port,
// --gateway-port,
// --metrics-port, --kubeconfig FILE (written, default ./crossfade-local.kubeconfig), --data FILE, --run-commands,
// --ready-delay,
// --no-crds, --no-gateway. Prints how to use it; ends cleanly on SIGINT and SIGTERM.
int runLocal(const std::vector<std::string>& arguments);

}  // namespace crossfade::local
