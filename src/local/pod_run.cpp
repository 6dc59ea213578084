#include "local/pod_run.hpp"

#include <fmt/format.h>

#include <charconv>

#include "local/object_facts.hpp"

namespace crossfade::local {

namespace {

// Between the deletion and the request to end: by then endpoints and gateways have forgotten the pod.
constexpr Duration leave_delay = milliseconds(200);

constexpr std::string_view node_agent = "kubelet";

// The seconds that a preStop hook asks to wait: {"sleep":{"seconds":5}}, or a command that ends in "sleep 5".
std::optional<std::int64_t> sleepOf(const json::object& hook) {
  if (const auto* sleep = getObject(hook, {"sleep"})) return getInt(*sleep, {"seconds"});
  const auto* command = getArray(hook, {"exec", "command"});
  if (command == nullptr) return std::nullopt;
  std::string text;
  for (const auto& word : *command)
    text += " " + std::string(word.is_string() ? std::string_view(word.get_string()) : "");
  const std::size_t at = text.rfind("sleep ");
  if (at == std::string::npos) return std::nullopt;
  std::int64_t seconds = 0;
  const char* begin = text.data() + at + std::string_view("sleep ").size();
  if (std::from_chars(begin, text.data() + text.size(), seconds).ptr != text.data() + text.size()) return std::nullopt;
  return seconds;
}

}  // namespace

PodRun::PodRun(const NodeEnvironment& node, Object pod, std::string ip)
    : node_(node),
      pod_(std::move(pod)),
      ip_(std::move(ip)),
      started_at_(getString(*pod_, {"status", "startTime"}, formatTime(node.clock.now()))),
      publish_timer_(node.clock),
      end_timer_(node.clock),
      deadline_timer_(node.clock) {
  const auto add = [this](std::string_view key, std::string_view statuses, ContainerRun::Kind kind) {
    const auto* list = getArray(*pod_, {"spec", key});
    if (list == nullptr) return;
    for (const auto& item : *list) {
      if (!item.is_object()) continue;
      const json::object& spec = item.get_object();
      const bool sidecar = kind == ContainerRun::Kind::init && getString(spec, {"restartPolicy"}) == "Always";
      auto& made = containers_.emplace_back(
          std::make_unique<ContainerRun>(node_, *this, spec, sidecar ? ContainerRun::Kind::sidecar : kind));
      const auto* former = getArray(*pod_, {"status", statuses});
      if (former == nullptr) continue;
      for (const auto& status : *former) {
        const bool ran = status.is_object() && getString(status.get_object(), {"name"}) == made->name() &&
                         find(status.get_object(), {"containerID"}) != nullptr;
        if (ran) made->resume(status.get_object());
      }
    }
  };
  add("initContainers", "initContainerStatuses", ContainerRun::Kind::init);
  add("containers", "containerStatuses", ContainerRun::Kind::main);
  advance();
  update(pod_);
}

std::string_view PodRun::uid() const { return uidOf(*pod_); }

void PodRun::update(Object pod) {
  const Object before = std::exchange(pod_, std::move(pod));
  for (const std::string_view key : {"initContainers", "containers"}) {
    const auto* list = getArray(*pod_, {"spec", key});
    const auto* old = getArray(*before, {"spec", key});
    if (list == nullptr || (old != nullptr && *old == *list)) continue;
    for (const auto& item : *list) {
      if (!item.is_object()) continue;
      for (const auto& container : containers_) {
        if (container->name() == getString(item.get_object(), {"name"})) container->update(item.get_object());
      }
    }
  }
  if (isDeleting(*pod_)) beginEnd();
  if (getArray(*pod_, {"spec", "readinessGates"}) != nullptr) containerChanged();
}

std::optional<std::uint16_t> PodRun::port(std::uint16_t container_port) const {
  for (const auto& container : containers_) {
    if (auto port = container->port(container_port)) return port;
  }
  return std::nullopt;
}

const ContainerRun* PodRun::container(std::string_view name) const {
  const auto found =
      std::ranges::find_if(containers_, [name](const auto& container) { return container->name() == name; });
  return found == containers_.end() ? nullptr : found->get();
}

// Several containers may change at one moment: the status is written once, after them.
void PodRun::containerChanged() {
  if (publish_timer_.pending()) return;
  publish_timer_.setAt(node_.clock.now(), [this] {
    if (!ending_) advance();
    if (ending_) {
      finishWhenStopped();
    } else {
      publish();
    }
  });
}

// Starts what may start now: init containers one after the other, sidecars as soon as their turn comes, then all
// others.
void PodRun::advance() {
  for (const auto& container : containers_) {
    if (!container->begun()) container->begin();
    if (container->kind() == ContainerRun::Kind::init && !container->succeeded()) return;
    if (container->kind() == ContainerRun::Kind::sidecar && !container->started()) return;
  }
}

std::string_view PodRun::phase() const {
  bool initializing = false, init_failed = false, waiting = false, running = false, failed = false, over = true;
  for (const auto& container : containers_) {
    if (container->kind() == ContainerRun::Kind::main) {
      waiting = waiting || container->neverRan();
      running = running || !container->done();
      failed = failed || container->failed();
      over = over && container->done();
    } else if (container->kind() == ContainerRun::Kind::init) {
      initializing = initializing || !container->succeeded();
      init_failed = init_failed || container->failed();
    }
  }
  if (init_failed) return "Failed";
  if (over && !waiting) return failed ? "Failed" : "Succeeded";
  if (initializing || waiting) return "Pending";
  return running ? "Running" : "Pending";
}

void PodRun::addConditions(json::object& status) const {
  const TimePoint now = node_.clock.now();
  const std::string_view phase = getString(status, {"phase"});
  const bool over = phase == "Succeeded" || phase == "Failed";
  bool initialized = true;
  std::vector<std::string> uninitialized, unready;
  for (const auto& container : containers_) {
    if (container->kind() == ContainerRun::Kind::main) {
      if (!container->ready()) unready.push_back(container->name());
    } else if (container->kind() == ContainerRun::Kind::init ? !container->succeeded() : !container->started()) {
      initialized = initialized && over && phase == "Succeeded";
      uninitialized.push_back(container->name());
    }
  }
  const auto set = [&status, now](std::string_view type, bool value, std::string_view reason,
                                  const std::string& message) {
    setCondition(status, type, value ? "True" : "False", value ? "" : reason, value ? "" : message, now);
  };
  const bool ready = unready.empty() && !over;
  const std::string_view reason = phase == "Succeeded" ? "PodCompleted"
                                  : phase == "Failed"  ? "PodFailed"
                                                       : "ContainersNotReady";
  const std::string message =
      over ? std::string() : fmt::format("containers with unready status: [{}]", fmt::join(unready, " "));
  std::vector<std::string> closed_gates;
  if (const auto* gates = getArray(*pod_, {"spec", "readinessGates"})) {
    for (const auto& gate : *gates) {
      const std::string type(gate.is_object() ? getString(gate.get_object(), {"conditionType"}) : "");
      if (!conditionIs(*pod_, type, "True"))
        closed_gates.push_back(fmt::format("the status of pod readiness gate \"{}\" is not \"True\", but False", type));
    }
  }
  set("PodReadyToStartContainers", !over, "", "");
  set("Initialized", initialized, "ContainersNotInitialized",
      fmt::format("containers with incomplete status: [{}]", fmt::join(uninitialized, " ")));
  if (ready && !closed_gates.empty()) {
    set("Ready", false, "ReadinessGatesNotReady", fmt::format("{}", fmt::join(closed_gates, ", ")));
  } else {
    set("Ready", ready, reason, message);
  }
  set("ContainersReady", ready, reason, message);
  set("PodScheduled", true, "", "");
}

json::object PodRun::status() const {
  const auto* before = getObject(*pod_, {"status"});
  json::object status = before == nullptr ? json::object() : *before;
  status["phase"] = phase();
  addConditions(status);
  status["hostIP"] = "127.0.0.1";
  status["hostIPs"] = json::array{json::object{{"ip", "127.0.0.1"}}};
  const bool has_run = std::ranges::any_of(containers_, [](const auto& container) { return !container->neverRan(); });
  if (has_run) {
    status["podIP"] = ip_;
    status["podIPs"] = json::array{json::object{{"ip", ip_}}};
  }
  status["startTime"] = started_at_;
  json::array init, main;
  for (const auto& container : containers_) {
    (container->kind() == ContainerRun::Kind::main ? main : init).push_back(container->status());
  }
  if (!init.empty()) status["initContainerStatuses"] = std::move(init);
  status["containerStatuses"] = std::move(main);
  return status;
}

void PodRun::publish() {
  const auto fill = [this](json::object& copy) {
    if (uidOf(copy) == uid()) copy["status"] = status();
  };
  const ResourceType& type = *node_.registry.resource("", "pods");
  const WriteOptions writer{.field_manager = std::string(node_agent)};
  const auto written =
      node_.registry.modify(type, namespaceOf(*pod_), nameOf(*pod_), Subresource::status, fill, writer);
  if (written && uidOf(**written) == uid()) pod_ = *written;
}

Duration PodRun::preStopDelay() {
  std::int64_t longest = 0;
  for (const auto& container : containers_) {
    if (!container->running()) continue;
    const auto* list =
        getArray(*pod_, {"spec", container->kind() == ContainerRun::Kind::main ? "containers" : "initContainers"});
    for (const auto& item : *list) {
      if (!item.is_object() || getString(item.get_object(), {"name"}) != container->name()) continue;
      const auto* hook = getObject(item.get_object(), {"lifecycle", "preStop"});
      if (hook == nullptr) continue;
      const auto asked = sleepOf(*hook);
      if (asked) longest = std::max(longest, *asked);
      if (!asked) {
        node_.events.warning(*pod_, "FailedPreStopHook",
                             "PreStopHook failed: the embedded cluster knows hooks that sleep only",
                             fmt::format("spec.containers{{{}}}", container->name()));
      }
    }
  }
  return seconds(longest);
}

void PodRun::beginEnd() {
  const TimePoint now = node_.clock.now();
  const TimePoint deadline = parseTime(getString(*pod_, {"metadata", "deletionTimestamp"})).value_or(now);
  deadline_timer_.setAt(std::max(deadline, now), [this] {
    for (const auto& container : containers_) container->kill();
    finishWhenStopped();
  });
  if (ending_) return;  // the deadline moved
  ending_ = true;
  for (const auto& container : containers_) {
    if (!container->running()) continue;
    node_.events.normal(*pod_, "Killing", fmt::format("Stopping container {}", container->name()),
                        fmt::format("spec.containers{{{}}}", container->name()));
  }
  end_timer_.setAt(now + preStopDelay() + leave_delay, [this] { stopContainers(); });
}

void PodRun::stopContainers() {
  for (const auto& container : containers_) container->stop();
  finishWhenStopped();
}

void PodRun::finishWhenStopped() {
  const bool stopped =
      std::ranges::all_of(containers_, [](const auto& container) { return container->done() || !container->begun(); });
  if (finished_) return;
  if (!stopped) return publish();
  finished_ = true;
  deadline_timer_.cancel();
  publish();
  static_cast<void>(removeExactly(node_.registry, *node_.registry.resource("", "pods"), *pod_, 0));
}

}  // namespace crossfade::local
