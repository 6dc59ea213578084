#include "local/pods.hpp"

#include <fmt/format.h>

#include "local/event_recorder.hpp"
#include "local/key_queue.hpp"
#include "local/object_facts.hpp"
#include "local/pod_run.hpp"
#include "local/scheduler.hpp"
#include "net/http.hpp"

namespace crossfade::local {

namespace {

constexpr std::string_view node_name = "crossfade-local";
constexpr std::string_view node_address = "127.0.0.1";
constexpr std::string_view kubernetes_version = "v1.34.0";

json::object ownNode(TimePoint now) {
  const std::string time = formatTime(now);
  const json::object labels{{"beta.kubernetes.io/arch", "amd64"}, {"beta.kubernetes.io/os", "linux"},
                            {"kubernetes.io/arch", "amd64"},      {"kubernetes.io/hostname", node_name},
                            {"kubernetes.io/os", "linux"},        {"node-role.kubernetes.io/control-plane", ""}};
  const json::object resources{{"cpu", "64"}, {"memory", "256Gi"}, {"pods", "65000"}, {"ephemeral-storage", "1Ti"}};
  json::array conditions;
  const auto condition = [&](std::string_view type, std::string_view status, std::string_view reason,
                             std::string_view message) {
    conditions.push_back(json::object{{"type", type},
                                      {"status", status},
                                      {"lastHeartbeatTime", time},
                                      {"lastTransitionTime", time},
                                      {"reason", reason},
                                      {"message", message}});
  };
  condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available");
  condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure");
  condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available");
  condition("Ready", "True", "KubeletReady", "kubelet is posting ready status");
  json::object info;
  for (const std::string_view key : {"machineID", "systemUUID", "bootID", "kernelVersion"}) info[key] = "";
  info["osImage"] = "Crossfade";
  info["containerRuntimeVersion"] = "crossfade://1.0.0";
  info["kubeletVersion"] = kubernetes_version;
  info["kubeProxyVersion"] = "";
  info["operatingSystem"] = "linux";
  info["architecture"] = "amd64";
  return json::object{
      {"metadata", json::object{{"name", node_name}, {"labels", labels}}},
      {"spec", json::object{{"podCIDR", "10.244.0.0/16"}, {"podCIDRs", json::array{"10.244.0.0/16"}}}},
      {"status", json::object{{"capacity", resources},
                              {"allocatable", resources},
                              {"conditions", std::move(conditions)},
                              {"addresses", json::array{json::object{{"type", "InternalIP"}, {"address", node_address}},
                                                        json::object{{"type", "Hostname"}, {"address", node_name}}}},
                              {"nodeInfo", std::move(info)}}}};
}

// 10.244.0.2 to 10.244.255.254, each to one pod at a time, an address that was freed as late as possible.
class Addresses {
 public:
  std::string take(const std::string& wanted) {
    if (!wanted.empty() && taken_.insert(wanted).second) return wanted;
    constexpr int first = 2, last = 65534;
    for (int i = first; i <= last; ++i) {
      next_ = next_ >= last ? first : next_ + 1;
      std::string address = fmt::format("10.244.{}.{}", next_ / 256, next_ % 256);
      if (taken_.insert(address).second) return address;
    }
    return {};
  }
  void free(const std::string& address) { taken_.erase(address); }

 private:
  std::unordered_set<std::string> taken_;
  int next_ = 1;
};

}  // namespace

struct Pods::Impl {
  Impl(Registry& registry, Executor executor, Clock& clock, Random& random, PodOptions options)
      : registry(registry),
        clock(clock),
        options(options),
        type(*registry.resource("", "pods")),
        node_type(*registry.resource("", "nodes")),
        scheduler_events(registry, clock, "default-scheduler"),
        node_events(registry, clock, "kubelet", std::string(node_name)),
        dialer(options.sockets ? net::makeDialer(executor, clock) : nullptr),
        node{registry, executor, clock, random, this->options, node_events, dialer.get()},
        queue(clock, [this](const std::string& key) { sync(key); }) {
    if (registry.list(node_type).empty()) {
      static_cast<void>(registry.create(node_type, "", ownNode(clock.now()), {.field_manager = "kubelet"}));
    }
    for (const Object& pod : registry.list(type)) observe({Event::Type::added, pod, nullptr, 0});
    pods = registry.subscribe(&type, [this](const ResourceType&, const Event& event) { observe(event); });
    nodes = registry.subscribe(&node_type, [this](const ResourceType&, const Event&) {
      for (const auto& key : unschedulable) queue.add(key);
    });
  }

  void observe(const Event& event) {
    const auto load = [this](const json::object& pod, int change) {
      const std::string name(getString(pod, {"spec", "nodeName"}));
      if (!name.empty() && !isFinished(pod)) loads[name] += change;
    };
    if (event.previous) load(*event.previous, -1);
    if (event.type != Event::Type::deleted) load(*event.object, 1);
    queue.add(keyOf(*event.object));
  }

  void sync(const std::string& key) {
    const auto [ns, name] = splitKey(key);
    const auto stored = registry.get(type, ns, name);
    const auto run = runs.find(key);
    if (run != runs.end() && (!stored || uidOf(**stored) != run->second->uid())) {
      addresses.free(run->second->ip());
      runs.erase(run);
    }
    if (!stored) {
      unschedulable.erase(key);
      return;
    }
    if (const auto known = runs.find(key); known != runs.end()) return known->second->update(*stored);
    if (isFinished(**stored)) return;
    if (getString(**stored, {"spec", "nodeName"}).empty()) return schedule(key, *stored);
    unschedulable.erase(key);
    const std::string former(getString(**stored, {"status", "podIP"}));
    runs.emplace(key, std::make_unique<PodRun>(node, *stored, addresses.take(former)));
  }

  void schedule(const std::string& key, const Object& pod) {
    if (isDeleting(*pod) || getString(*pod, {"spec", "schedulerName"}, "default-scheduler") != "default-scheduler")
      return;
    if (const auto* gates = getArray(*pod, {"spec", "schedulingGates"}); gates != nullptr && !gates->empty()) {
      return refuse(*pod, "SchedulingGated", "Scheduling is blocked due to non-empty scheduling gates");
    }
    std::vector<NodeLoad> candidates;
    for (const Object& node : registry.list(node_type)) candidates.push_back({node, loads[std::string(nameOf(*node))]});
    const auto chosen = chooseNode(*pod, candidates);
    if (!chosen) {
      unschedulable.insert(key);
      scheduler_events.warning(*pod, "FailedScheduling", chosen.error().message);
      return refuse(*pod, "Unschedulable", chosen.error().message);
    }
    unschedulable.erase(key);
    const auto bound =
        registry.modify(type, namespaceOf(*pod), nameOf(*pod), Subresource::none,
                        [&chosen](json::object& copy) { ensureObject(copy, {"spec"})["nodeName"] = *chosen; },
                        {.field_manager = "kube-scheduler"});
    if (!bound) return;  // deleted meanwhile, or refused: its next event brings it back
    scheduler_events.normal(*pod, "Scheduled", fmt::format("Successfully assigned {} to {}", key, *chosen));
  }

  void refuse(const json::object& pod, std::string_view reason, const std::string& message) {
    static_cast<void>(registry.modify(type, namespaceOf(pod), nameOf(pod), Subresource::status,
                                      [&](json::object& copy) {
                                        setCondition(ensureObject(copy, {"status"}), "PodScheduled", "False", reason,
                                                     message, clock.now());
                                      },
                                      {.field_manager = "kube-scheduler"}));
  }

  Registry& registry;
  Clock& clock;
  const PodOptions options;
  const ResourceType& type;
  const ResourceType& node_type;
  EventRecorder scheduler_events, node_events;
  std::unique_ptr<net::Dialer> dialer;
  NodeEnvironment node;
  Addresses addresses;
  std::map<std::string, std::unique_ptr<PodRun>, std::less<>> runs;
  std::unordered_map<std::string, int> loads;  // pods that run or will, by node
  std::set<std::string> unschedulable;
  KeyQueue queue;
  std::shared_ptr<Registry::Subscription> pods, nodes;
};

Pods::Pods(Registry& registry, Executor executor, Clock& clock, Random& random, PodOptions options)
    : impl_(std::make_unique<Impl>(registry, std::move(executor), clock, random, options)) {}
Pods::~Pods() = default;

std::optional<PodAddress> Pods::address(std::string_view ns, std::string_view pod, std::uint16_t container_port) const {
  const auto run = impl_->runs.find(keyOf(ns, pod));
  if (run == impl_->runs.end()) return std::nullopt;
  const auto port = run->second->port(container_port);
  if (!port) return std::nullopt;
  return PodAddress{"127.0.0.1", *port};
}

Task<Result<net::Response>> Pods::log(std::string_view ns, std::string_view pod, std::string_view container,
                                      LogOptions options) {
  const auto stored = impl_->registry.get(impl_->type, ns, pod);
  if (!stored) co_return fail(stored.error());
  std::vector<std::string> names;
  for (const std::string_view key : {"containers", "initContainers"}) {
    const auto* list = getArray(**stored, {"spec", key});
    if (list == nullptr) continue;
    for (const auto& item : *list) {
      if (item.is_object()) names.emplace_back(getString(item.get_object(), {"name"}));
    }
  }
  std::string name(container);
  if (name.empty() && names.size() > 1) {
    co_return fail(ErrorCode::invalid, fmt::format("a container name must be specified for pod {}, choose one of: [{}]",
                                                   pod, fmt::join(names, " ")));
  }
  if (name.empty() && !names.empty()) name = names.front();
  if (std::ranges::find(names, name) == names.end()) {
    co_return fail(ErrorCode::invalid, fmt::format("container {} is not valid for pod {}", name, pod));
  }
  net::Response response;
  if (getString(**stored, {"spec", "nodeName"}).empty()) {  // nobody to ask yet
    response.status = 204;
    co_return response;
  }
  const auto run = impl_->runs.find(keyOf(ns, pod));
  const ContainerRun* ran = run == impl_->runs.end() ? nullptr : run->second->container(name);
  const auto log = ran == nullptr ? nullptr : ran->log(options.previous);
  if (!log && options.previous) {
    co_return fail(ErrorCode::invalid,
                   fmt::format("previous terminated container \"{}\" in pod \"{}\" not found", name, pod));
  }
  if (!log) {
    const std::string_view reason =
        ran == nullptr || ran->waitingReason().empty() ? "ContainerCreating" : ran->waitingReason();
    co_return fail(ErrorCode::invalid,
                   fmt::format("container \"{}\" in pod \"{}\" is waiting to start: {}", name, pod, reason));
  }
  response.headers.set("content-type", "text/plain");
  if (options.follow) {
    response.stream = ContainerLog::follow(log, options);
  } else {
    response.body = log->text(options);
  }
  co_return response;
}

}  // namespace crossfade::local
