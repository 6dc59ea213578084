// What runs in a container: the demo application, a local process, or nothing but the time it takes.
#pragma once
#include <functional>
#include <memory>
#include <optional>

#include "base/async.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "local/container_log.hpp"
#include "local/image.hpp"

namespace crossfade::local {

class Process {
 public:
  virtual ~Process() = default;  // kills it; nobody is told
  // Asks it to finish what it does and to end, as SIGTERM does.
  virtual void terminate() = 0;
  // The loopback port behind a port of the container; empty when it doesn't listen there.
  virtual std::optional<std::uint16_t> port(std::uint16_t container_port) const = 0;
  // It has sockets, so that a port without one refuses connections.
  virtual bool real() const = 0;
};

// Called once, with the exit code, when the process ended by itself or after terminate(); never within a call to it.
// May destroy the process.
using Exited = std::move_only_function<void(int code)>;

struct ProcessContext {
  Executor executor;
  Clock& clock;
  Random& random;
  const json::object& pod;        // as it is when the container starts
  const json::object& container;  // from its spec
  std::shared_ptr<ContainerLog> log;
};

// Ends after `life` with `code` (never, without), at once with 0 when asked to.
std::unique_ptr<Process> imagineProcess(Clock& clock, std::optional<Duration> life, int code, Exited exited);

// demo_app.cpp. Fails when it can't listen.
Result<std::unique_ptr<Process>> startDemoApp(const ProcessContext& context, const Image& image, Exited exited);

// command_process.cpp: the container's command as a process of this machine, in a process group of its own. The
// container's environment is set, and PORT to a free loopback port for each declared port (PORT_8080 for the second and
// later ones). Fails when it can't be started.
Result<std::unique_ptr<Process>> startCommand(const ProcessContext& context, Exited exited);

}  // namespace crossfade::local
