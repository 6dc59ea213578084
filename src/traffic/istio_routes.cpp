#include <fmt/format.h>

#include <algorithm>

#include "traffic/istio.hpp"

namespace crossfade::traffic::istio {
namespace {

Result<json::array*> httpOf(json::object& virtual_service) {
  json::value* http = find(virtual_service, {"spec", "http"});
  if (http == nullptr) return refuse("spec.http not found");
  if (!http->is_array()) return refuse("spec.http is no list");
  return &http->get_array();
}

void removeFrom(json::array& http, std::string_view name) {
  json::array kept;
  for (const json::value& route : http)
    if (textAt(route, {"name"}) != name) kept.push_back(route);
  if (kept.size() != http.size()) http = std::move(kept);
}

// The destinations of the first route that is configured.
Result<const json::array*> firstDestinations(const json::object& virtual_service, const VirtualServiceConfig& config,
                                             const Sides& sides) {
  const auto selected = selectHttp(virtual_service, config, sides);
  if (!selected) return fail(selected.error());
  if (selected->empty()) return refuse("no HTTP route is configured");
  const json::value& route = (*getArray(virtual_service, {"spec", "http"}))[selected->front()];
  const json::array* destinations = route.is_object() ? getArray(route.get_object(), {"route"}) : nullptr;
  if (destinations == nullptr || destinations->empty())
    return refuse(fmt::format("HTTP Route '{}' has no destinations", textAt(route, {"name"})));
  return destinations;
}

// The canary alone. From another namespace a short name would mean something else there.
json::object canaryOf(const json::array& destinations, const VirtualServiceConfig& config, const Sides& sides,
                      std::string_view rule_host) {
  json::object canary;
  canary["host"] = rule_host.empty() ? std::string_view(sides.canary_service) : rule_host;
  for (const json::value& entry : destinations) {
    const std::string_view host = textAt(entry, {"destination", "host"});
    const bool elsewhere = !config.ns.empty() && config.ns != sides.rollout.ns;
    if (elsewhere && rule_host.empty() && shortHost(host) == sides.canary_service) canary["host"] = host;
  }
  if (const json::value* port = find(destinations.front(), {"destination", "port"})) canary["port"] = *port;
  if (!sides.config.destination_rule.empty()) canary["subset"] = sides.config.canary_subset;
  return canary;
}

}  // namespace

Result<> setHeaderRoute(json::object& virtual_service, const VirtualServiceConfig& config, const Sides& sides,
                        std::string_view rule_host, const SetHeaderRoute& set) {
  const auto http = httpOf(virtual_service);
  if (!http) return fail(http.error());
  if (set.match.empty()) {
    removeFrom(**http, set.name);
    return {};
  }
  const auto destinations = firstDestinations(virtual_service, config, sides);
  if (!destinations) return fail(destinations.error());
  json::array match;
  for (const HeaderMatch& one : set.match) {
    json::object value;
    if (!one.exact.empty()) value["exact"] = one.exact;
    if (!one.regex.empty()) value["regex"] = one.regex;
    if (!one.prefix.empty()) value["prefix"] = one.prefix;
    match.push_back(json::object{{"headers", json::object{{one.header, std::move(value)}}}});
  }
  json::object route{
      {"name", set.name},
      {"match", std::move(match)},
      {"route", json::array{json::object{{"weight", 100},
                                         {"destination", canaryOf(**destinations, config, sides, rule_host)}}}}};
  removeFrom(**http, set.name);
  (*http)->push_back(std::move(route));
  orderRoutes(**http, sides.rollout);
  return {};
}

Result<> setMirrorRoute(json::object& virtual_service, const VirtualServiceConfig& config, const Sides& sides,
                        std::string_view rule_host, const json::object& step) {
  const auto http = httpOf(virtual_service);
  if (!http) return fail(http.error());
  const std::string_view name = getString(step, {"name"});
  const json::array* wanted = getArray(step, {"match"});
  if (wanted == nullptr || wanted->empty()) {
    removeFrom(**http, name);
    return {};
  }
  const auto destinations = firstDestinations(virtual_service, config, sides);
  if (!destinations) return fail(destinations.error());
  json::array match;
  for (const json::value& one : *wanted) {
    json::object entry;
    if (const json::value* method = find(one, {"method"})) entry["method"] = *method;
    if (const json::value* path = find(one, {"path"})) entry["uri"] = *path;
    if (const json::value* headers = find(one, {"headers"})) entry["headers"] = *headers;
    match.push_back(std::move(entry));
  }
  // What it serves with already stays: weights are set() by every pass, and this copy is from before.
  json::array served = **destinations;
  for (const json::value& route : **http) {
    const json::array* own = textAt(route, {"name"}) == name ? getArray(route.get_object(), {"route"}) : nullptr;
    if (own != nullptr && !own->empty()) served = *own;
  }
  json::object route{{"name", name},
                     {"match", std::move(match)},
                     {"route", std::move(served)},
                     {"mirror", canaryOf(**destinations, config, sides, rule_host)},
                     {"mirrorPercentage", json::object{{"value", getInt(step, {"percentage"}, 100)}}}};
  removeFrom(**http, name);
  (*http)->insert((*http)->begin(), std::move(route));
  orderRoutes(**http, sides.rollout);
  return {};
}

Result<> removeRoutes(json::object& virtual_service, const std::vector<std::string>& names) {
  if (find(virtual_service, {"spec", "http"}) == nullptr) return {};
  const auto http = httpOf(virtual_service);
  if (!http) return fail(http.error());
  for (const std::string& name : names) removeFrom(**http, name);
  return {};
}

}  // namespace crossfade::traffic::istio
