// What a pod is up to, in the words of `kubectl get pods`. spec/10 §2.4.
#include <set>

#include "api/fields.hpp"
#include "api/workloads.hpp"

namespace crossfade::api {
namespace {

// One entry of status.containerStatuses.
struct Container {
  explicit Container(const Fields& status)
      : name(status.string("name")),
        ready(status.boolean("ready")),
        started(status.boolean("started")),
        restarts(status.int32("restartCount").value_or(0)) {
    const Fields state = status.child("state");
    const Fields waiting = state.child("waiting"), ended = state.child("terminated");
    running = state.child("running").present();
    waiting_reason = waiting.string("reason");
    is_waiting = waiting.present();
    terminated = ended.present();
    exit_code = ended.int32("exitCode").value_or(0);
    const std::int64_t signal = ended.int32("signal").value_or(0);
    if (!terminated) return;
    end_reason = ended.string("reason");
    if (end_reason.empty()) {
      end_reason = signal != 0 ? fmt::format("Signal:{}", signal) : fmt::format("ExitCode:{}", exit_code);
    }
  }

  std::string name;
  bool ready, started;
  std::int64_t restarts;
  bool running = false, is_waiting = false, terminated = false;
  std::int64_t exit_code = 0;
  std::string waiting_reason, end_reason;
};

std::vector<Container> readContainers(const Fields& status, std::string_view key) {
  std::vector<Container> containers;
  status.each(key, [&](const Fields& fields) { containers.emplace_back(fields); });
  return containers;
}

// The init containers' share of the reason; empty when they are through.
std::string initReason(const std::vector<Container>& init, std::size_t declared, const std::set<std::string>& sidecars,
                       std::int64_t& restarts) {
  for (std::size_t i = 0; i < init.size(); ++i) {
    const Container& container = init[i];
    restarts += container.restarts;
    if (container.terminated && container.exit_code == 0) continue;
    if (container.terminated) return "Init:" + container.end_reason;
    if (sidecars.contains(container.name) && container.started) {
      if (container.ready) continue;
      return {};
    }
    if (container.is_waiting && !container.waiting_reason.empty() && container.waiting_reason != "PodInitializing") {
      return "Init:" + container.waiting_reason;
    }
    return fmt::format("Init:{}/{}", i, declared);
  }
  return {};
}

}  // namespace

Pod decodePod(const json::object& object) {
  Malformed ignored;
  const Fields root(&object, {}, ignored);
  const Fields spec = root.child("spec"), status = root.child("status");
  Pod pod;
  pod.metadata = decodeMetadata(object);
  pod.phase = status.string("phase");
  pod.node = spec.string("nodeName");
  for (const Condition& condition : readConditions(status)) {
    if (condition.type != "Ready" || condition.status != "True") continue;
    pod.ready = true;
    pod.ready_since = condition.last_transition;
  }
  spec.each("containers", [&](const Fields&) { ++pod.containers; });
  std::size_t init_declared = 0;
  std::set<std::string> sidecars;
  spec.each("initContainers", [&](const Fields& container) {
    ++init_declared;
    if (container.string("restartPolicy") == "Always") sidecars.insert(container.string("name"));
  });

  pod.reason = initReason(readContainers(status, "initContainerStatuses"), init_declared, sidecars, pod.restarts);
  if (pod.reason.empty()) {
    pod.reason = status.string("reason").empty() ? pod.phase : status.string("reason");
    pod.restarts = 0;
    bool any_running = false;
    const std::vector<Container> containers = readContainers(status, "containerStatuses");
    for (auto container = containers.rbegin(); container != containers.rend(); ++container) {
      pod.restarts += container->restarts;
      if (!container->waiting_reason.empty()) {
        pod.reason = container->waiting_reason;
      } else if (container->terminated) {
        pod.reason = container->end_reason;
      } else if (container->ready && container->running) {
        any_running = true;
        ++pod.ready_containers;
      }
    }
    if (pod.reason == "Completed" && any_running) pod.reason = "Running";
  }
  if (pod.metadata.deleted) pod.reason = status.string("reason") == "NodeLost" ? "Unknown" : "Terminating";
  return pod;
}

}  // namespace crossfade::api
