// The tables of services and what belongs to them.
#include <fmt/format.h>

#include "local/table_columns.hpp"

namespace crossfade::local {

namespace {

constexpr std::size_t shown_items = 3;

const json::array& arrayAt(const json::object& object, std::initializer_list<std::string_view> path) {
  static const json::array empty;
  const auto* array = getArray(object, path);
  return array == nullptr ? empty : *array;
}

std::vector<std::string> strings(const json::array& array) {
  std::vector<std::string> result;
  for (const auto& item : array) {
    if (item.is_string()) result.emplace_back(item.get_string());
  }
  return result;
}

std::set<std::string> balancerAddresses(const json::object& object) {
  std::set<std::string> result;
  for (const auto& item : arrayAt(object, {"status", "loadBalancer", "ingress"})) {
    if (!item.is_object()) continue;
    const auto address = getString(item.get_object(), {"ip"}, getString(item.get_object(), {"hostname"}));
    if (!address.empty()) result.emplace(address);
  }
  return result;
}

std::string externalAddress(const json::object& service) {
  const auto type = getString(service, {"spec", "type"});
  if (type == "ExternalName") return std::string(getString(service, {"spec", "externalName"}));
  std::vector<std::string> addresses;
  if (type == "LoadBalancer") {
    for (const auto& address : balancerAddresses(service)) addresses.push_back(address);
  }
  for (auto& address : strings(arrayAt(service, {"spec", "externalIPs"}))) addresses.push_back(std::move(address));
  if (addresses.empty()) return type == "LoadBalancer" ? "<pending>" : "<none>";
  return fmt::format("{}", fmt::join(addresses, ","));
}

json::array serviceRow(const json::object& service, TimePoint now) {
  std::vector<std::string> ports;
  for (const auto& item : arrayAt(service, {"spec", "ports"})) {
    if (!item.is_object()) continue;
    const json::object& port = item.get_object();
    const auto node_port = getInt(port, {"nodePort"});
    ports.push_back(fmt::format("{}{}/{}", getInt(port, {"port"}), node_port > 0 ? fmt::format(":{}", node_port) : "",
                                getString(port, {"protocol"}, "TCP")));
  }
  const auto addresses = strings(arrayAt(service, {"spec", "clusterIPs"}));
  return {nameOf(service),
          getString(service, {"spec", "type"}),
          addresses.empty() ? getString(service, {"spec", "clusterIP"}, "<none>") : std::string_view(addresses.front()),
          externalAddress(service),
          ports.empty() ? "<none>" : fmt::format("{}", fmt::join(ports, ",")),
          ageOf(service, now),
          labelsText(getObject(service, {"spec", "selector"}))};
}

json::array ingressRow(const json::object& ingress, TimePoint now) {
  std::vector<std::string> hosts;
  for (const auto& item : arrayAt(ingress, {"spec", "rules"})) {
    if (!item.is_object()) continue;
    if (const auto host = getString(item.get_object(), {"host"}); !host.empty()) hosts.emplace_back(host);
  }
  return {nameOf(ingress),
          getString(ingress, {"spec", "ingressClassName"}, "<none>"),
          listed(hosts, shown_items, "*"),
          fmt::format("{}", fmt::join(balancerAddresses(ingress), ",")),
          arrayAt(ingress, {"spec", "tls"}).empty() ? "80" : "80, 443",
          ageOf(ingress, now)};
}

json::array endpointsRow(const json::object& endpoints, TimePoint now) {
  std::vector<std::string> addresses;
  for (const auto& item : arrayAt(endpoints, {"subsets"})) {
    if (!item.is_object()) continue;
    const json::object& subset = item.get_object();
    std::vector<std::string> ports;
    for (const auto& port : arrayAt(subset, {"ports"})) {
      if (port.is_object()) ports.push_back(fmt::format(":{}", getInt(port.get_object(), {"port"})));
    }
    if (ports.empty()) ports.emplace_back();
    for (const auto& port : ports) {
      for (const auto& address : arrayAt(subset, {"addresses"})) {
        if (address.is_object()) addresses.push_back(std::string(getString(address.get_object(), {"ip"})) + port);
      }
    }
  }
  return {nameOf(endpoints), arrayAt(endpoints, {"subsets"}).empty() ? "<none>" : listed(addresses, shown_items, ""),
          ageOf(endpoints, now)};
}

json::array endpointSliceRow(const json::object& slice, TimePoint now) {
  std::vector<std::string> ports, addresses;
  for (const auto& item : arrayAt(slice, {"ports"})) {
    if (!item.is_object()) continue;
    const auto* number = item.get_object().if_contains("port");
    const bool numbered = number != nullptr && number->is_number();
    ports.push_back(numbered ? json::serialize(*number) : std::string(getString(item.get_object(), {"name"}, "*")));
  }
  for (const auto& item : arrayAt(slice, {"endpoints"})) {
    if (!item.is_object()) continue;
    for (auto& address : strings(arrayAt(item.get_object(), {"addresses"}))) addresses.push_back(std::move(address));
  }
  return {nameOf(slice), getString(slice, {"addressType"}), listed(ports, shown_items, "<unset>"),
          listed(addresses, shown_items, "<unset>"), ageOf(slice, now)};
}

}  // namespace

std::vector<FixedTable> networkTables() {
  const FixedColumn name{"Name", "string", ""};
  const FixedColumn age_column{"Age", "string", ""};
  return {
      {"services",
       {name,
        {"Type", "string",
         "type determines how the Service is exposed. Defaults to ClusterIP. Valid options are ExternalName, "
         "ClusterIP, NodePort, and LoadBalancer. \"ClusterIP\" allocates a cluster-internal IP address for "
         "load-balancing to endpoints. Endpoints are determined by the selector or if that is not specified, by manual "
         "construction of an Endpoints object or EndpointSlice objects. If clusterIP is \"None\", no virtual IP is "
         "allocated and the endpoints are published as a set of endpoints rather than a virtual IP. \"NodePort\" "
         "builds on ClusterIP and allocates a port on every node which routes to the same endpoints as the clusterIP. "
         "\"LoadBalancer\" builds on NodePort and creates an external load-balancer (if supported in the current "
         "cloud) which routes to the same endpoints as the clusterIP. \"ExternalName\" aliases this service to the "
         "specified externalName. Several other fields do not apply to ExternalName services. More info: "
         "https://kubernetes.io/docs/concepts/services-networking/service/#publishing-services-service-types"},
        {"Cluster-IP", "string",
         "clusterIP is the IP address of the service and is usually assigned randomly. If an address is specified "
         "manually, is in-range (as per system configuration), and is not in use, it will be allocated to the service; "
         "otherwise creation of the service will fail. This field may not be changed through updates unless the type "
         "field is also being changed to ExternalName (which requires this field to be blank) or the type field is "
         "being changed from ExternalName (in which case this field may optionally be specified, as describe above).  "
         "Valid values are \"None\", empty string (\"\"), or a valid IP address. Setting this to \"None\" makes a "
         "\"headless service\" (no virtual IP), which is useful when direct endpoint connections are preferred and "
         "proxying is not required.  Only applies to types ClusterIP, NodePort, and LoadBalancer. If this field is "
         "specified when creating a Service of type ExternalName, creation will fail. This field will be wiped when "
         "updating a Service to type ExternalName. More info: "
         "https://kubernetes.io/docs/concepts/services-networking/service/#virtual-ips-and-service-proxies"},
        {"External-IP", "string",
         "externalIPs is a list of IP addresses for which nodes in the cluster will also accept traffic for this "
         "service.  These IPs are not managed by Kubernetes.  The user is responsible for ensuring that traffic "
         "arrives at a node with this IP.  A common example is external load-balancers that are not part of the "
         "Kubernetes system."},
        {"Port(s)", "string",
         "The list of ports that are exposed by this service. More info: "
         "https://kubernetes.io/docs/concepts/services-networking/service/#virtual-ips-and-service-proxies"},
        age_column,
        {"Selector", "string",
         "Route service traffic to pods with label keys and values matching this selector. If empty or not present, "
         "the service is assumed to have an external process managing its endpoints, which Kubernetes will not modify. "
         "Only applies to types ClusterIP, NodePort, and LoadBalancer. Ignored if type is ExternalName. More info: "
         "https://kubernetes.io/docs/concepts/services-networking/service/",
         1}},
       serviceRow},
      {"ingresses.networking.k8s.io",
       {name,
        {"Class", "string", "The name of the IngressClass resource that should be used for additional configuration"},
        {"Hosts", "string", "Hosts that incoming requests are matched against before the ingress rule"},
        {"Address", "string", "Address is a list containing ingress points for the load-balancer"},
        {"Ports", "string", "Ports of TLS configurations that open"},
        age_column},
       ingressRow},
      {"ingressclasses.networking.k8s.io",
       {name,
        {"Controller", "string", "Controller that is responsible for handling this class"},
        {"Parameters", "string", "A reference to a resource with additional parameters"},
        age_column},
       [](const json::object& object, TimePoint now) -> json::array {
         std::string parameters = "<none>";
         if (const auto* given = getObject(object, {"spec", "parameters"})) {
           const auto group = getString(*given, {"apiGroup"});
           parameters = fmt::format("{}{}/{}", getString(*given, {"kind"}),
                                    group.empty() ? "" : fmt::format(".{}", group), getString(*given, {"name"}));
         }
         return {nameOf(object), getString(object, {"spec", "controller"}), parameters, ageOf(object, now)};
       }},
      {"networkpolicies.networking.k8s.io",
       {name, {"Pod-Selector", "string", "The pods that the policy is for"}, age_column},
       [](const json::object& object, TimePoint now) -> json::array {
         return {nameOf(object), selectorText(getObject(object, {"spec", "podSelector"})), ageOf(object, now)};
       }},
      {"endpoints",
       {name, {"Endpoints", "string", "The addresses that the service leads to"}, age_column},
       endpointsRow},
      {"endpointslices.discovery.k8s.io",
       {name,
        {"AddressType", "string", "The kind of the addresses"},
        {"Ports", "string", "The ports of each endpoint"},
        {"Endpoints", "string", "The addresses of the slice"},
        age_column},
       endpointSliceRow},
  };
}

}  // namespace crossfade::local
