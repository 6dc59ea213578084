// What the API server gives out when an object is written: addresses, ports, selectors, tolerations.
#include <fmt/format.h>

#include "local/admission.hpp"

namespace crossfade::local {

namespace {

std::string freeClusterIp(const std::vector<Object>& services) {
  std::set<std::string, std::less<>> taken;
  for (const Object& other : services) taken.emplace(getString(*other, {"spec", "clusterIP"}));
  // 10.96.0.1 is the API server's own address.
  for (int index = 2; index < 65534; ++index) {
    std::string address = fmt::format("10.96.{}.{}", index / 256, index % 256);
    if (!taken.contains(address)) return address;
  }
  return {};
}

void giveNodePorts(const std::vector<Object>& services, json::array& ports) {
  std::set<std::int64_t> taken;
  const auto note = [&taken](const json::array* list) {
    if (list == nullptr) return;
    for (const auto& port : *list) {
      if (port.is_object()) taken.insert(getInt(port.get_object(), {"nodePort"}));
    }
  };
  for (const Object& other : services) note(getArray(*other, {"spec", "ports"}));
  note(&ports);
  for (auto& port : ports) {
    if (!port.is_object() || getInt(port.get_object(), {"nodePort"}) != 0) continue;
    std::int64_t free = 30000;
    while (taken.contains(free)) ++free;
    taken.insert(free);
    port.get_object()["nodePort"] = free;
  }
}

void allocateService(const AdmissionContext& context, json::object& service) {
  json::object& spec = ensureObject(service, {"spec"});
  const std::string type(getString(spec, {"type"}));
  if (type == "ExternalName") return;
  const auto services = context.registry.list(context.type);
  if (getString(spec, {"clusterIP"}).empty()) spec["clusterIP"] = freeClusterIp(services);
  json::value address = spec["clusterIP"];
  spec["clusterIPs"] = json::array{std::move(address)};
  if (!spec.contains("ipFamilies")) spec["ipFamilies"] = json::array{"IPv4"};
  if (!spec.contains("ipFamilyPolicy")) spec["ipFamilyPolicy"] = "SingleStack";
  if (type != "NodePort" && type != "LoadBalancer") return;
  if (auto* ports = spec.if_contains("ports"); ports != nullptr && ports->is_array())
    giveNodePorts(services, ports->get_array());
}

// A job selects its pods by its own uid unless it says otherwise.
void selectByUid(json::object& job) {
  json::object& spec = ensureObject(job, {"spec"});
  if (getBool(spec, {"manualSelector"})) return;
  const std::string uid(getString(job, {"metadata", "uid"}));
  const std::string name(getString(job, {"metadata", "name"}));
  ensureObject(spec, {"selector", "matchLabels"})["batch.kubernetes.io/controller-uid"] = uid;
  json::object& labels = ensureObject(spec, {"template", "metadata", "labels"});
  labels["batch.kubernetes.io/controller-uid"] = uid;
  labels["batch.kubernetes.io/job-name"] = name;
  labels["controller-uid"] = uid;
  labels["job-name"] = name;
  const json::object copy = labels;
  json::value& own = ensureObject(job, {"metadata"})["labels"];
  if (!own.is_object() || own.get_object().empty()) own = copy;
}

// What admission gives every pod: its priority, and how long it stays on a node that is gone.
void completePod(json::object& pod) {
  json::object& spec = ensureObject(pod, {"spec"});
  if (!spec.contains("priority")) spec["priority"] = 0;
  if (!spec.contains("preemptionPolicy")) spec["preemptionPolicy"] = "PreemptLowerPriority";
  json::value& tolerations = spec["tolerations"];
  if (!tolerations.is_array()) tolerations = json::array();
  for (const std::string_view taint : {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}) {
    const bool known = std::ranges::any_of(tolerations.get_array(), [taint](const json::value& item) {
      if (!item.is_object()) return false;
      const auto key = getString(item.get_object(), {"key"});
      const auto effect = getString(item.get_object(), {"effect"});
      return (key == taint || key.empty()) && (effect == "NoExecute" || effect.empty());
    });
    if (known) continue;
    tolerations.get_array().push_back(
        json::object{{"key", taint}, {"operator", "Exists"}, {"effect", "NoExecute"}, {"tolerationSeconds", 300}});
  }
}

}  // namespace

void allocate(const AdmissionContext& context, json::object& object) {
  if (context.type.custom) return;
  if (context.type.kind == "Service") allocateService(context, object);
  if (context.type.kind == "Pod") completePod(object);
  if (context.type.kind == "Job") selectByUid(object);
}

}  // namespace crossfade::local
