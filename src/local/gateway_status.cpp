#include "local/gateway_status.hpp"

#include <fmt/format.h>

#include "local/http_route.hpp"
#include "local/object_facts.hpp"

namespace crossfade::local {

namespace {

constexpr std::string_view group = "gateway.networking.k8s.io";
constexpr std::string_view plural = "httproutes";
constexpr std::string_view controller_name = "crossfade.dev/local-gateway";

// The first Service that a route names and that isn't there; empty when all are.
std::string missingService(const Registry& registry, const HttpRoute& route) {
  const ResourceType& services = *registry.resource("", "services");
  for (const RouteRule& rule : route.rules) {
    for (const auto* list : {&rule.backends, &rule.mirrors}) {
      for (const RouteBackend& backend : *list) {
        if (!registry.get(services, backend.ns, backend.service)) return keyOf(backend.ns, backend.service);
      }
    }
  }
  return {};
}

// Our entry for a parentRef among those of the status; an empty one when there is none.
json::object entryFor(const json::object& object, const json::object& parent) {
  if (const auto* entries = getArray(object, {"status", "parents"})) {
    for (const auto& item : *entries) {
      const auto* entry = item.if_object();
      const auto* reference = entry == nullptr ? nullptr : getObject(*entry, {"parentRef"});
      if (reference != nullptr && getString(*entry, {"controllerName"}) == controller_name && *reference == parent)
        return *entry;
    }
  }
  return json::object{{"parentRef", parent}, {"controllerName", controller_name}};
}

}  // namespace

RouteStatus::RouteStatus(Registry& registry, Clock& clock)
    : registry_(registry), clock_(clock), queue_(clock, [this](const std::string& key) { sync(key); }) {
  if (const ResourceType* type = registry.resource(group, plural)) {
    for (const Object& route : registry.list(*type)) queue_.add(keyOf(*route));
  }
  subscription_ =
      registry.subscribe(nullptr, [this](const ResourceType& type, const Event& event) { observe(type, event); });
}

void RouteStatus::observe(const ResourceType& type, const Event& event) {
  const bool service = type.group.empty() && type.kind == "Service";
  if (type.group == group && type.plural == plural) {
    queue_.add(keyOf(*event.object));
  } else if (service && event.type != Event::Type::modified) {
    const auto routes = referring_.find(keyOf(*event.object));
    if (routes == referring_.end()) return;
    for (const auto& key : routes->second) queue_.add(key);
  }
}

void RouteStatus::sync(const std::string& key) {
  for (const auto& service : std::exchange(services_[key], {})) {
    const auto routes = referring_.find(service);
    routes->second.erase(key);
    if (routes->second.empty()) referring_.erase(routes);
  }
  const ResourceType* type = registry_.resource(group, plural);
  const auto [ns, name] = splitKey(key);
  const auto stored = type == nullptr ? Result<Object>(fail(ErrorCode::not_found, "")) : registry_.get(*type, ns, name);
  if (!stored) {
    services_.erase(key);
    return;
  }
  const json::object& object = **stored;
  const HttpRoute route = readHttpRoute(object);
  for (const RouteRule& rule : route.rules) {
    for (const auto* list : {&rule.backends, &rule.mirrors}) {
      for (const RouteBackend& backend : *list) services_[key].insert(keyOf(backend.ns, backend.service));
    }
  }
  for (const auto& service : services_[key]) referring_[service].insert(key);
  const auto* parents = getArray(object, {"spec", "parentRefs"});
  if (parents == nullptr || isDeleting(object)) return;

  const std::string missing = missingService(registry_, route);
  const TimePoint now = clock_.now();
  const std::int64_t generation = getInt(object, {"metadata", "generation"});
  json::array entries;
  for (const auto& parent : *parents) {
    if (!parent.is_object()) continue;
    json::object entry = entryFor(object, parent.get_object());
    // With something left out the rest of the route works: Gateway API calls that accepted.
    const std::string left_out =
        route.unsupported.empty() ? "" : fmt::format("left out: {}", fmt::join(route.unsupported, "; "));
    setMetaCondition(entry, "Accepted", "True", "Accepted", left_out, generation, now);
    if (missing.empty()) {
      setMetaCondition(entry, "ResolvedRefs", "True", "ResolvedRefs", "", generation, now);
    } else {
      const std::string what = fmt::format("Service {} not found", missing);
      setMetaCondition(entry, "ResolvedRefs", "False", "BackendNotFound", what, generation, now);
    }
    entries.push_back(std::move(entry));
  }
  // What other gateways said stays.
  if (const auto* others = getArray(object, {"status", "parents"})) {
    for (const auto& item : *others) {
      if (item.is_object() && getString(item.get_object(), {"controllerName"}) != controller_name)
        entries.push_back(item);
    }
  }
  static_cast<void>(registry_.modify(
      *type, ns, name, Subresource::status,
      [&entries](json::object& copy) { ensureObject(copy, {"status"})["parents"] = std::move(entries); },
      {.field_manager = "crossfade-gateway"}));
}

}  // namespace crossfade::local
