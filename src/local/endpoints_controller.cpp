// Which pods answer for a Service: its Endpoints object and its EndpointSlices, as both controllers of a real cluster
// write them. A pod that is being deleted leaves the ready addresses with the very next step.
#include <fmt/format.h>

#include "local/controllers.hpp"
#include "local/event_recorder.hpp"
#include "local/key_queue.hpp"
#include "local/object_facts.hpp"
#include "local/selector_index.hpp"

namespace crossfade::local {

namespace {

constexpr std::size_t most_in_a_slice = 100;
constexpr std::string_view slice_manager = "endpointslice-controller.k8s.io";
constexpr std::string_view service_label = "kubernetes.io/service-name";
constexpr std::string_view managed_by_label = "endpointslice.kubernetes.io/managed-by";
constexpr std::string_view headless_label = "service.kubernetes.io/headless";

// The number behind a Service port on one pod; empty when the pod has no port of that name.
std::optional<std::int64_t> targetPort(const json::object& service_port, const json::object& pod) {
  const auto* target = service_port.if_contains("targetPort");
  if (target == nullptr || target->is_null()) return getInt(service_port, {"port"});
  if (const auto number = asInteger(*target)) return *number;
  const auto* containers = getArray(pod, {"spec", "containers"});
  if (!target->is_string() || containers == nullptr) return std::nullopt;
  const std::string_view protocol = getString(service_port, {"protocol"}, "TCP");
  for (const auto& container : *containers) {
    const auto* ports = container.is_object() ? getArray(container.get_object(), {"ports"}) : nullptr;
    if (ports == nullptr) continue;
    for (const auto& port : *ports) {
      if (!port.is_object()) continue;
      const json::object& declared = port.get_object();
      if (getString(declared, {"name"}) == target->get_string() &&
          getString(declared, {"protocol"}, "TCP") == protocol) {
        return getInt(declared, {"containerPort"});
      }
    }
  }
  return std::nullopt;
}

// The ports of one pod in the words of Endpoints and slices. A port that the pod lacks is left out.
json::array portsOn(const json::object& service, const json::object& pod) {
  json::array result;
  const auto* ports = getArray(service, {"spec", "ports"});
  if (ports == nullptr) return result;
  for (const auto& item : *ports) {
    if (!item.is_object()) continue;
    const auto number = targetPort(item.get_object(), pod);
    if (!number) continue;
    json::object port{{"name", getString(item.get_object(), {"name"})},
                      {"port", *number},
                      {"protocol", getString(item.get_object(), {"protocol"}, "TCP")}};
    if (const auto* protocol = item.get_object().if_contains("appProtocol")) port["appProtocol"] = *protocol;
    result.push_back(std::move(port));
  }
  return result;
}

json::object targetOf(const json::object& pod) {
  return json::object{{"kind", "Pod"}, {"namespace", namespaceOf(pod)}, {"name", nameOf(pod)}, {"uid", uidOf(pod)}};
}

// A pod that counts: it has an address and may still answer.
struct Backend {
  Object pod;
  std::string ip;
  json::array ports;
  bool ready = false, terminating = false, listed_ready = false;
};

class EndpointsController : public Controller {
 public:
  explicit EndpointsController(const ControllerContext& context)
      : context_(context),
        service_type_(*context.registry.resource("", "services")),
        pod_type_(*context.registry.resource("", "pods")),
        endpoints_type_(*context.registry.resource("", "endpoints")),
        slice_type_(*context.registry.resource("discovery.k8s.io", "endpointslices")),
        queue_(context.clock, [this](const std::string& key) { sync(key); }) {
    for (const Object& service : context.registry.list(service_type_))
      observeService({Event::Type::added, service, nullptr, 0});
    for (const Object& slice : context.registry.list(slice_type_))
      observeSlice({Event::Type::added, slice, nullptr, 0});
    const auto subscribe = [&context](const ResourceType& type, auto callback) {
      return context.registry.subscribe(&type,
                                        [callback](const ResourceType&, const Event& event) { callback(event); });
    };
    subscriptions_.push_back(subscribe(service_type_, [this](const Event& event) { observeService(event); }));
    subscriptions_.push_back(subscribe(pod_type_, [this](const Event& event) { observePod(event); }));
    subscriptions_.push_back(subscribe(slice_type_, [this](const Event& event) { observeSlice(event); }));
    subscriptions_.push_back(subscribe(endpoints_type_, [this](const Event& event) {
      if (event.type == Event::Type::deleted) queue_.add(keyOf(*event.object));
    }));
  }

 private:
  void observeService(const Event& event) {
    const std::string key = keyOf(*event.object);
    const Labels selector = labelsFromJson(getObject(*event.object, {"spec", "selector"}));
    if (event.type == Event::Type::deleted || selector.empty()) {
      selectors_.erase(key);
    } else {
      selectors_.set(key, Selector::fromLabels(selector));
    }
    queue_.add(key);
  }

  void observePod(const Event& event) {
    const auto add = [this](const json::object& pod) {
      for (const auto& key : selectors_.matching(namespaceOf(pod), labelsOf(pod))) queue_.add(key);
    };
    add(*event.object);
    if (event.previous && labelsOf(*event.previous) != labelsOf(*event.object)) add(*event.previous);
  }

  // Remembers which slices are ours, and repairs them when somebody else deleted one.
  void observeSlice(const Event& event) {
    const json::object& slice = *event.object;
    if (getString(slice, {"metadata", "labels", managed_by_label}) != slice_manager) return;
    const std::string key = keyOf(namespaceOf(slice), getString(slice, {"metadata", "labels", service_label}));
    if (event.type != Event::Type::deleted) {
      slices_[key].emplace(nameOf(slice));
      return;
    }
    const auto known = slices_.find(key);
    if (known == slices_.end()) return;
    known->second.erase(std::string(nameOf(slice)));
    if (known->second.empty()) slices_.erase(known);
    queue_.add(key);
  }

  void sync(const std::string& key) {
    const auto [ns, name] = splitKey(key);
    const auto stored = context_.registry.get(service_type_, ns, name);
    if (!stored) {
      static_cast<void>(context_.registry.remove(endpoints_type_, ns, name));
      return;  // the slices go with their owner
    }
    const json::object& service = **stored;
    const Labels selector = labelsFromJson(getObject(service, {"spec", "selector"}));
    if (selector.empty() || getString(service, {"spec", "type"}) == "ExternalName") return;
    const std::vector<Backend> backends = backendsOf(service, Selector::fromLabels(selector));
    writeEndpoints(service, backends);
    writeSlices(key, service, backends);
  }

  std::vector<Backend> backendsOf(const json::object& service, const Selector& selector) const {
    const bool any = getBool(service, {"spec", "publishNotReadyAddresses"});
    std::vector<Backend> backends;
    for (const Object& pod : context_.pods.matching(namespaceOf(service), selector)) {
      const std::string ip(getString(*pod, {"status", "podIP"}));
      if (ip.empty() || isFinished(*pod)) continue;
      Backend backend{.pod = pod, .ip = ip, .ports = portsOn(service, *pod)};
      backend.ready = isReady(*pod);
      backend.terminating = isDeleting(*pod);
      backend.listed_ready = any || (backend.ready && !backend.terminating);
      backends.push_back(std::move(backend));
    }
    std::ranges::sort(backends, {}, &Backend::ip);
    return backends;
  }

  // Backends that share their port numbers.
  static std::map<std::string, std::vector<const Backend*>> byPorts(const std::vector<Backend>& backends) {
    std::map<std::string, std::vector<const Backend*>> groups;
    for (const Backend& backend : backends) groups[json::serialize(backend.ports)].push_back(&backend);
    return groups;
  }

  void writeEndpoints(const json::object& service, const std::vector<Backend>& backends) {
    json::array subsets;
    for (const auto& [ports, group] : byPorts(backends)) {
      json::array ready, not_ready;
      for (const Backend* backend : group) {
        if (backend->terminating && !backend->listed_ready) continue;
        json::object address{{"ip", backend->ip}};
        if (const auto node = getString(*backend->pod, {"spec", "nodeName"}); !node.empty()) address["nodeName"] = node;
        address["targetRef"] = targetOf(*backend->pod);
        (backend->listed_ready ? ready : not_ready).push_back(std::move(address));
      }
      if (ready.empty() && not_ready.empty()) continue;
      json::object subset;
      if (!ready.empty()) subset["addresses"] = std::move(ready);
      if (!not_ready.empty()) subset["notReadyAddresses"] = std::move(not_ready);
      json::array shown = group.front()->ports;
      for (auto& port : shown) {
        if (port.get_object().at("name") == "") port.get_object().erase("name");
      }
      subset["ports"] = std::move(shown);
      subsets.push_back(std::move(subset));
    }
    json::object labels = labelsFor(service);
    labels["endpoints.kubernetes.io/managed-by"] = "endpoint-controller";
    const WriteOptions writer{.field_manager = std::string(controller_manager)};
    const auto fill = [&](json::object& object) {
      ensureObject(object, {"metadata"})["labels"] = labels;
      if (subsets.empty()) {
        object.erase("subsets");
      } else {
        object["subsets"] = subsets;
      }
    };
    const auto written = context_.registry.modify(endpoints_type_, namespaceOf(service), nameOf(service),
                                                  Subresource::none, fill, writer);
    if (written || written.error().code != ErrorCode::not_found) return;
    json::object object{{"metadata", json::object{{"name", nameOf(service)}}}};
    fill(object);
    static_cast<void>(context_.registry.create(endpoints_type_, namespaceOf(service), std::move(object), writer));
  }

  static json::object labelsFor(const json::object& service) {
    const auto* own = getObject(service, {"metadata", "labels"});
    json::object labels = own == nullptr ? json::object() : *own;
    if (getString(service, {"spec", "clusterIP"}) == "None") labels[headless_label] = "";
    return labels;
  }

  void writeSlices(const std::string& key, const json::object& service, const std::vector<Backend>& backends) {
    std::vector<json::object> wanted;
    for (const auto& [ports, group] : byPorts(backends)) {
      for (std::size_t first = 0; first < group.size(); first += most_in_a_slice) {
        json::array endpoints;
        for (std::size_t i = first; i < std::min(first + most_in_a_slice, group.size()); ++i)
          endpoints.push_back(endpointOf(*group[i]));
        wanted.push_back(json::object{{"endpoints", std::move(endpoints)}, {"ports", group.front()->ports}});
      }
    }
    if (wanted.empty()) wanted.push_back(json::object{{"endpoints", json::array()}, {"ports", nullptr}});

    json::object labels = labelsFor(service);
    labels[managed_by_label] = slice_manager;
    labels[service_label] = nameOf(service);
    const auto known = slices_.find(key);
    const std::set<std::string> names = known == slices_.end() ? std::set<std::string>() : known->second;
    const WriteOptions writer{.field_manager = std::string(controller_manager)};
    std::size_t next = 0;
    for (const auto& name : names) {
      if (next >= wanted.size()) {
        static_cast<void>(context_.registry.remove(slice_type_, namespaceOf(service), name));
        continue;
      }
      static_cast<void>(context_.registry.modify(
          slice_type_, namespaceOf(service), name, Subresource::none,
          [&](json::object& slice) {
            ensureObject(slice, {"metadata"})["labels"] = labels;
            slice["endpoints"] = wanted[next].at("endpoints");
            slice["ports"] = wanted[next].at("ports");
          },
          writer));
      ++next;
    }
    for (; next < wanted.size(); ++next) {
      json::object slice{{"metadata", json::object{{"generateName", fmt::format("{}-", nameOf(service))},
                                                   {"labels", labels},
                                                   {"ownerReferences", json::array{controllerReference(service)}}}},
                         {"addressType", "IPv4"}};
      for (auto& [member, value] : wanted[next]) slice[member] = std::move(value);
      const auto made = context_.registry.create(slice_type_, namespaceOf(service), std::move(slice), writer);
      if (made) slices_[key].emplace(nameOf(**made));
    }
  }

  static json::object endpointOf(const Backend& backend) {
    return json::object{{"addresses", json::array{backend.ip}},
                        {"conditions", json::object{{"ready", backend.listed_ready},
                                                    {"serving", backend.ready},
                                                    {"terminating", backend.terminating}}},
                        {"targetRef", targetOf(*backend.pod)},
                        {"nodeName", getString(*backend.pod, {"spec", "nodeName"})}};
  }

  ControllerContext context_;
  const ResourceType& service_type_;
  const ResourceType& pod_type_;
  const ResourceType& endpoints_type_;
  const ResourceType& slice_type_;
  KeyQueue queue_;
  SelectorIndex selectors_;
  std::map<std::string, std::set<std::string>> slices_;  // names of a service's slices, by its key
  std::vector<std::shared_ptr<Registry::Subscription>> subscriptions_;
};

}  // namespace

std::unique_ptr<Controller> makeEndpointsController(const ControllerContext& context) {
  return std::make_unique<EndpointsController>(context);
}

}  // namespace crossfade::local
