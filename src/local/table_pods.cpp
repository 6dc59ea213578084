// The table of pods: what `kubectl get pods` says of a pod's state in one word.
#include <fmt/format.h>

#include "local/table_columns.hpp"

namespace crossfade::local {

namespace {

std::string orNone(std::string_view text) { return text.empty() ? "<none>" : std::string(text); }

const json::array& arrayAt(const json::object& object, std::initializer_list<std::string_view> path) {
  static const json::array empty;
  const auto* array = getArray(object, path);
  return array == nullptr ? empty : *array;
}

// What a look over the containers finds out.
struct Summary {
  std::string reason;
  std::int64_t ready = 0;
  std::int64_t restarts = 0;
  std::optional<TimePoint> last_restart;

  void countRestarts(const json::object& status) {
    restarts += getInt(status, {"restartCount"});
    const auto finished = parseTime(getString(status, {"lastState", "terminated", "finishedAt"}));
    if (finished && (!last_restart || *last_restart < *finished)) last_restart = finished;
  }
};

// "Error", "Signal:9" or "ExitCode:1" of a container that has ended.
std::string endOf(const json::object& terminated) {
  const auto reason = getString(terminated, {"reason"});
  if (!reason.empty()) return std::string(reason);
  if (const auto signal = getInt(terminated, {"signal"}); signal != 0) return fmt::format("Signal:{}", signal);
  return fmt::format("ExitCode:{}", getInt(terminated, {"exitCode"}));
}

bool restartable(const json::object& pod, std::string_view container) {
  for (const auto& item : arrayAt(pod, {"spec", "initContainers"})) {
    if (item.is_object() && getString(item.get_object(), {"name"}) == container) {
      return getString(item.get_object(), {"restartPolicy"}) == "Always";
    }
  }
  return false;
}

// True while an init container isn't done. `sidecars` receives what restartable init containers count for.
bool initializing(const json::object& pod, Summary& summary, Summary& sidecars) {
  const auto& statuses = arrayAt(pod, {"status", "initContainerStatuses"});
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    const auto* status = statuses[i].if_object();
    if (status == nullptr) continue;
    summary.countRestarts(*status);
    const bool sidecar = restartable(pod, getString(*status, {"name"}));
    if (sidecar) sidecars.countRestarts(*status);
    const auto* terminated = getObject(*status, {"state", "terminated"});
    if (terminated != nullptr && getInt(*terminated, {"exitCode"}) == 0) continue;
    if (sidecar && getBool(*status, {"started"})) {
      if (getBool(*status, {"ready"})) ++summary.ready;
      continue;
    }
    const auto waiting = getString(*status, {"state", "waiting", "reason"});
    if (terminated != nullptr) {
      summary.reason = "Init:" + endOf(*terminated);
    } else if (!waiting.empty() && waiting != "PodInitializing") {
      summary.reason = fmt::format("Init:{}", waiting);
    } else {
      summary.reason = fmt::format("Init:{}/{}", i, arrayAt(pod, {"spec", "initContainers"}).size());
    }
    return true;
  }
  return false;
}

void summarizeContainers(const json::object& pod, Summary& summary) {
  bool running = false;
  const auto& statuses = arrayAt(pod, {"status", "containerStatuses"});
  for (auto item = statuses.rbegin(); item != statuses.rend(); ++item) {
    const auto* status = item->if_object();
    if (status == nullptr) continue;
    summary.countRestarts(*status);
    const auto waiting = getString(*status, {"state", "waiting", "reason"});
    const auto* terminated = getObject(*status, {"state", "terminated"});
    if (!waiting.empty()) {
      summary.reason = waiting;
    } else if (terminated != nullptr) {
      summary.reason = endOf(*terminated);
    } else if (getBool(*status, {"ready"}) && getObject(*status, {"state", "running"}) != nullptr) {
      running = true;
      ++summary.ready;
    }
  }
  // One container that still runs keeps the pod running, whatever the others did.
  if (summary.reason == "Completed" && running)
    summary.reason = conditionStatus(pod, "Ready") == "True" ? "Running" : "NotReady";
}

std::string readinessGates(const json::object& pod) {
  const auto& gates = arrayAt(pod, {"spec", "readinessGates"});
  if (gates.empty()) return "<none>";
  const auto open = std::ranges::count_if(gates, [&pod](const json::value& gate) {
    return gate.is_object() && conditionStatus(pod, getString(gate.get_object(), {"conditionType"})) == "True";
  });
  return fmt::format("{}/{}", open, gates.size());
}

json::array podRow(const json::object& pod, TimePoint now) {
  const auto phase = getString(pod, {"status", "phase"});
  Summary summary;
  summary.reason = getString(pod, {"status", "reason"}, phase);
  for (const auto& item : arrayAt(pod, {"status", "conditions"})) {
    if (item.is_object() && getString(item.get_object(), {"type"}) == "PodScheduled" &&
        getString(item.get_object(), {"reason"}) == "SchedulingGated") {
      summary.reason = "SchedulingGated";
    }
  }
  auto total = static_cast<std::int64_t>(arrayAt(pod, {"spec", "containers"}).size());
  for (const auto& item : arrayAt(pod, {"spec", "initContainers"})) {
    if (item.is_object() && getString(item.get_object(), {"restartPolicy"}) == "Always") ++total;
  }
  Summary sidecars;
  if (!initializing(pod, summary, sidecars) || conditionStatus(pod, "Initialized") == "True") {
    summary.restarts = sidecars.restarts;
    summary.last_restart = sidecars.last_restart;
    summarizeContainers(pod, summary);
  }
  if (find(pod, {"metadata", "deletionTimestamp"}) != nullptr) {
    if (getString(pod, {"status", "reason"}) == "NodeLost") {
      summary.reason = "Unknown";
    } else if (phase != "Succeeded" && phase != "Failed") {
      summary.reason = "Terminating";
    }
  }
  std::string restarts = std::to_string(summary.restarts);
  if (summary.restarts != 0 && summary.last_restart)
    restarts += fmt::format(" ({} ago)", humanDuration(now - *summary.last_restart));
  const auto& addresses = arrayAt(pod, {"status", "podIPs"});
  const auto address = addresses.empty() || !addresses.front().is_object()
                           ? std::string_view()
                           : getString(addresses.front().get_object(), {"ip"});
  return {nameOf(pod),
          fmt::format("{}/{}", summary.ready, total),
          summary.reason,
          restarts,
          ageOf(pod, now),
          orNone(address),
          orNone(getString(pod, {"spec", "nodeName"})),
          orNone(getString(pod, {"status", "nominatedNodeName"})),
          readinessGates(pod)};
}

}  // namespace

FixedTable podTable() {
  return {"pods",
          {{"Name", "string", ""},
           {"Ready", "string", "The aggregate readiness state of this pod for accepting traffic."},
           {"Status", "string", "The aggregate status of the containers in this pod."},
           {"Restarts", "string",
            "The number of times the containers in this pod have been restarted and when the last container in this "
            "pod has restarted."},
           {"Age", "string", ""},
           {"IP", "string", "The address of the pod", 1},
           {"Node", "string", "The node that the pod runs on", 1},
           {"Nominated Node", "string", "The node that the pod waits for", 1},
           {"Readiness Gates", "string", "Conditions beside the containers that the pod's readiness waits for", 1}},
          podRow};
}

}  // namespace crossfade::local
