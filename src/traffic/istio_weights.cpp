#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "traffic/istio.hpp"

namespace crossfade::traffic::istio {
namespace {

std::unexpected<Error> wrongCast(std::string_view field, std::string_view type) {
  return refuse(fmt::format("Invalid casting: field '{}' is not of type '{}'", field, type));
}

bool isManaged(const json::value& route, const RolloutView& rollout) {
  const std::string_view name = textAt(route, {"name"});
  return !name.empty() && std::ranges::find(rollout.managed_routes, name) != rollout.managed_routes.end();
}

// A section of a VirtualService; null where it is absent or empty.
json::array* sectionOf(json::object& virtual_service, std::string_view section) {
  json::value* found = find(virtual_service, {"spec", section});
  if (found == nullptr || !found->is_array() || found->get_array().empty()) return nullptr;
  return &found->get_array();
}

std::string ambiguous(std::string_view section, std::string_view field) {
  return fmt::format(
      "spec.{}[] should be set in VirtualService and it must have exactly one route when omitting "
      "spec.strategy.canary.trafficRouting.istio.virtualService.{}",
      section, field);
}

// --- tls and tcp: routes are known by what they match ----------------------------------------------------------------

std::set<std::int64_t> portsOf(const json::object& route) {
  std::set<std::int64_t> ports;
  const json::array* blocks = getArray(route, {"match"});
  for (const json::value& block : blocks == nullptr ? json::array() : *blocks)
    ports.insert(block.is_object() ? getInt(block.get_object(), {"port"}) : 0);
  return ports;
}

std::set<std::string, std::less<>> hostsOf(const json::object& route) {
  std::set<std::string, std::less<>> hosts;
  const json::array* blocks = getArray(route, {"match"});
  for (const json::value& block : blocks == nullptr ? json::array() : *blocks) {
    const json::array* names = block.is_object() ? getArray(block.get_object(), {"sniHosts"}) : nullptr;
    for (const json::value& name : names == nullptr ? json::array() : *names)
      if (name.is_string()) hosts.emplace(name.get_string());
  }
  return hosts;
}

bool matchesPort(const json::object& route, std::int64_t port) {
  const std::set<std::int64_t> ports = portsOf(route);
  return ports.size() <= 1 && (ports.empty() ? 0 : *ports.begin()) == port;
}

bool matches(const json::object& route, const TlsMatch& wanted) {
  const auto hosts = hostsOf(route);
  return matchesPort(route, wanted.port) && hosts.size() == wanted.sni_hosts.size() &&
         std::ranges::all_of(wanted.sni_hosts, [&](const std::string& host) { return hosts.contains(host); });
}

// Every route that one of `wanted` matches; the only one where nothing is wanted.
template <class Match, class Matches>
Result<std::vector<std::size_t>> select(const json::array& routes, const std::vector<Match>& wanted, Matches matches,
                                        std::string_view section, std::string_view kind) {
  if (wanted.empty()) {
    if (routes.size() > 1) return refuse(ambiguous(section, std::string(section) + "Routes"));
    return std::vector<std::size_t>{0};
  }
  std::vector<std::size_t> found;
  for (const Match& one : wanted) {
    const std::size_t before = found.size();
    for (std::size_t i = 0; i < routes.size(); ++i)
      if (routes[i].is_object() && matches(routes[i].get_object(), one)) found.push_back(i);
    if (found.size() == before)
      return refuse(fmt::format("No matching {} routes found in the defined Virtual Service.", kind));
  }
  return found;
}

// --- destinations ----------------------------------------------------------------------------------------------------

struct Destined {
  std::string_view host, subset;  // the short host
  std::int64_t weight = 0;
};

Destined destinedTo(const json::value& entry) {
  return {shortHost(textAt(entry, {"destination", "host"})), textAt(entry, {"destination", "subset"}),
          entry.is_object() ? getInt(entry.get_object(), {"weight"}) : 0};
}

bool isSide(const Destined& destined, std::string_view service, std::string_view subset) {
  return (!service.empty() && destined.host == service) || (!subset.empty() && destined.subset == subset);
}

bool isCanary(const Destined& destined, const Sides& sides) {
  return isSide(destined, sides.canary_service, sides.config.canary_subset);
}
bool isStable(const Destined& destined, const Sides& sides) {
  return isSide(destined, sides.stable_service, sides.config.stable_subset);
}

// Both sides are there. spec/05 §5.6.
Result<> check(const json::array& destinations, const Sides& sides) {
  const auto has = [&](auto matches) {
    return std::ranges::any_of(destinations, [&](const json::value& entry) { return matches(destinedTo(entry)); });
  };
  const Config& config = sides.config;
  if (!config.destination_rule.empty()) {
    if (!has([&](const Destined& one) { return one.subset == config.canary_subset; }))
      return refuse(fmt::format("Canary DestinationRule subset '{}' not found in route", config.canary_subset));
    if (!has([&](const Destined& one) { return one.subset == config.stable_subset; }))
      return refuse(fmt::format("Stable DestinationRule subset '{}' not found in route", config.stable_subset));
    return {};
  }
  if (!has([&](const Destined& one) { return isSide(one, sides.canary_service, ""); }))
    return refuse(fmt::format("Canary Service '{}' not found in route", sides.canary_service));
  if (!has([&](const Destined& one) { return isSide(one, sides.stable_service, ""); }))
    return refuse(fmt::format("Stable Service '{}' not found in route", sides.stable_service));
  return {};
}

// The new list of destinations. spec/05 §5.7.
json::array weighed(const json::array& destinations, const Sides& sides, const Shares& shares) {
  const auto is_additional = [&](const Destined& one) {
    const auto& additional = sides.config.additional_subsets;
    return !one.subset.empty() && std::ranges::find(additional, one.subset) != additional.end();
  };
  std::int64_t stable = shares.stable;
  for (const json::value& entry : destinations) {
    const Destined destined = destinedTo(entry);
    if (is_additional(destined)) stable -= destined.weight;
  }
  stable = std::max<std::int64_t>(stable, 0);

  json::array made;
  std::vector<Destination> extra = shares.extra;
  const json::value* port = nullptr;
  for (const json::value& entry : destinations) {
    const Destined destined = destinedTo(entry);
    json::value edited = entry;
    const auto weigh = [&](std::int64_t weight) {
      if (destined.weight != weight) edited.as_object()["weight"] = weight;
      made.push_back(std::move(edited));
    };
    const auto placed = std::ranges::find(extra, destined.host, &Destination::service);
    if (destined.host.empty() || is_additional(destined)) {
      made.push_back(std::move(edited));
    } else if (isCanary(destined, sides)) {
      weigh(shares.canary);
    } else if (isStable(destined, sides)) {
      port = find(entry, {"destination", "port"});
      weigh(stable);
    } else if (placed != extra.end()) {
      weigh(placed->weight);
      extra.erase(placed);
    } else if (destined.weight == 0) {
      made.push_back(std::move(edited));
    }
  }
  std::ranges::sort(extra, {}, &Destination::service);
  for (const Destination& one : extra) {
    if (one.weight == 0) continue;
    json::object destination{{"host", one.service}};
    if (port != nullptr) destination["port"] = *port;
    made.push_back({{"weight", one.weight}, {"destination", std::move(destination)}});
  }
  return made;
}

Result<> weigh(json::array& routes, const std::vector<std::size_t>& selected, std::string_view section,
               const Sides& sides, const Shares& shares) {
  for (const std::size_t index : selected) {
    if (!routes[index].is_object()) return wrongCast(fmt::format("{}[]", section), "map[string]interface");
    json::value* destinations = routes[index].get_object().if_contains("route");
    if (destinations == nullptr || !destinations->is_array())
      return wrongCast(fmt::format("{}[].route", section), "[]interface");
    json::array& list = destinations->get_array();
    for (const json::value& entry : list)
      if (!entry.is_object() || getObject(entry.get_object(), {"destination"}) == nullptr)
        return wrongCast(fmt::format("{}[].route[].destination", section), "map[string]interface");
    if (const auto checked = check(list, sides); !checked) return checked;
    list = weighed(list, sides, shares);
  }
  return {};
}

}  // namespace

std::string_view shortHost(std::string_view host) { return host.substr(0, host.find('.')); }

Result<std::vector<std::size_t>> selectHttp(const json::object& virtual_service, const VirtualServiceConfig& config,
                                            const Sides& sides) {
  const json::array* http = getArray(virtual_service, {"spec", "http"});
  std::vector<std::size_t> selected;
  if (http == nullptr || http->empty()) return selected;
  if (config.routes.empty()) {
    for (std::size_t i = 0; i < http->size(); ++i)
      if (!isManaged((*http)[i], sides.rollout)) selected.push_back(i);
    if (selected.size() != 1) return refuse(ambiguous("http", "routes"));
    return selected;
  }
  for (const std::string& name : config.routes) {
    const auto* found = std::ranges::find_if(*http, [&](const auto& one) { return textAt(one, {"name"}) == name; });
    if (found == http->end())
      return refuse(fmt::format("HTTP Route '{}' is not found in the defined Virtual Service.", name));
    selected.push_back(static_cast<std::size_t>(found - http->begin()));
  }
  return selected;
}

Result<> setWeights(json::object& virtual_service, const VirtualServiceConfig& config, const Sides& sides,
                    const Shares& shares) {
  json::array *http = sectionOf(virtual_service, "http"), *tls = sectionOf(virtual_service, "tls"),
              *tcp = sectionOf(virtual_service, "tcp");
  if (http == nullptr && tls == nullptr && tcp == nullptr)
    return refuse("Unable to get any of the HTTP, TCP or TLS routes for the Istio VirtualService");
  if (http != nullptr) {
    auto selected = selectHttp(virtual_service, config, sides);
    if (!selected) return fail(selected.error());
    // A mirror of the traffic is served by the same two sides.
    for (std::size_t i = 0; i < http->size(); ++i) {
      const bool mirrors = isManaged((*http)[i], sides.rollout) && (*http)[i].get_object().contains("mirror");
      if (mirrors && std::ranges::find(*selected, i) == selected->end()) selected->push_back(i);
    }
    if (const auto done = weigh(*http, *selected, "http", sides, shares); !done) return done;
    orderRoutes(*http, sides.rollout);
  }
  if (tls != nullptr) {
    const auto selected = select(*tls, config.tls_routes, matches, "tls", "TLS");
    if (!selected) return fail(selected.error());
    if (const auto done = weigh(*tls, *selected, "tls", sides, shares); !done) return done;
  }
  if (tcp == nullptr) return {};
  const auto selected = select(*tcp, config.tcp_ports, matchesPort, "tcp", "TCP");
  if (!selected) return fail(selected.error());
  return weigh(*tcp, *selected, "tcp", sides, shares);
}

void orderRoutes(json::array& http, const RolloutView& rollout) {
  json::array ordered;
  for (const std::string& name : rollout.managed_routes) {
    for (const json::value& route : http)
      if (textAt(route, {"name"}) == name) ordered.push_back(route);
  }
  for (const json::value& route : http)
    if (!isManaged(route, rollout)) ordered.push_back(route);
  http = std::move(ordered);
}

}  // namespace crossfade::traffic::istio
