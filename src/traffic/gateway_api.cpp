#include "traffic/gateway_api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "traffic/editing.hpp"

namespace crossfade::traffic {

const ResourceKind http_route_kind = {"gateway.networking.k8s.io", "HTTPRoute", "httproutes", {"v1", "v1beta1"}};
const ResourceKind grpc_route_kind = {"gateway.networking.k8s.io", "GRPCRoute", "grpcroutes", {"v1", "v1alpha2"}};
const ResourceKind tcp_route_kind = {"gateway.networking.k8s.io", "TCPRoute", "tcproutes", {"v1", "v1alpha2"}};
const ResourceKind tls_route_kind = {
    "gateway.networking.k8s.io", "TLSRoute", "tlsroutes", {"v1", "v1alpha3", "v1alpha2"}};
const ResourceKind service_kind = {"", "Service", "services", {"v1"}};

namespace {

constexpr std::string_view field_manager = "gatewayAPI";

// What differs between the four kinds of route. `prefix` is both the stem of the config keys and the word in errors.
struct RouteKind {
  const ResourceKind* resource;
  std::string_view prefix;
  bool has_header_rules;  // HTTP and GRPC: rules have names, matches and filters
  bool takes_experiments;
  std::string_view missing;  // the error when stable or canary isn't there
};
constexpr std::array<RouteKind, 4> route_kinds = {{
    {&http_route_kind, "httpRoute", true, true, "backendRef was not found in httpRoute"},
    {&grpc_route_kind, "grpcRoute", true, false, "backendRef was not found in grpcRoute"},
    {&tcp_route_kind, "tcpRoute", false, false, "backendRef list was not found in tcpRoute"},
    {&tls_route_kind, "tlsRoute", false, false, "backendRef list was not found in tlsRoute"},
}};

// --- the config object (spec/05 §14.1, §15.2) ------------------------------------------------------------------------

struct NamedRoute {
  std::string name;
  bool use_header_routes = false;
};

struct Config {
  std::array<std::vector<NamedRoute>, route_kinds.size()> routes;
  std::array<std::optional<Selector>, route_kinds.size()> selectors;
  std::string ns;  // empty: the Rollout's
  bool disable_label = false;
  std::string label_key = "rollouts.argoproj.io/gatewayapi-canary";
  std::string label_value = "in-progress";
};

bool equalsIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

// The member of that name whatever its case; null where it is missing or JSON null.
const json::value* member(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  if (found == nullptr) {
    for (const auto& [key, value] : object) {
      if (equalsIgnoringCase(key, name)) found = &value;
    }
  }
  return found != nullptr && !found->is_null() ? found : nullptr;
}

std::unexpected<Error> wrongType(const json::value& value, std::string_view field, std::string_view wanted) {
  const std::string_view kind = value.is_string()   ? "string"
                                : value.is_array()  ? "array"
                                : value.is_object() ? "object"
                                : value.is_bool()   ? "bool"
                                                    : "number";
  if (field.empty()) {
    return fail(ErrorCode::invalid, fmt::format("json: cannot unmarshal {} into Go value of type {}", kind, wanted));
  }
  return fail(ErrorCode::invalid,
              fmt::format("json: cannot unmarshal {} into Go struct field GatewayAPITrafficRouting.{} of type {}", kind,
                          field, wanted));
}

Result<std::string> stringMember(const json::object& object, std::string_view name, std::string_view fallback = {}) {
  const json::value* value = member(object, name);
  if (value == nullptr) return std::string(fallback);
  if (!value->is_string()) return wrongType(*value, name, "string");
  return value->get_string().empty() ? std::string(fallback) : std::string(value->get_string());
}

Result<bool> boolMember(const json::object& object, std::string_view name) {
  const json::value* value = member(object, name);
  if (value == nullptr) return false;
  if (!value->is_bool()) return wrongType(*value, name, "bool");
  return value->get_bool();
}

// A name that is listed twice is one route, with header rules if either entry wants them.
void addRoute(std::vector<NamedRoute>& routes, std::string name, bool use_header_routes) {
  const auto same = std::ranges::find(routes, name, &NamedRoute::name);
  if (same == routes.end()) {
    routes.push_back({std::move(name), use_header_routes});
  } else {
    same->use_header_routes |= use_header_routes;
  }
}

Result<> parseRoutes(const json::object& object, std::size_t index, Config& config) {
  const std::string single(route_kinds[index].prefix);
  const std::string list_key = single + "s";
  if (const json::value* list = member(object, list_key)) {
    if (!list->is_array()) return wrongType(*list, list_key, "array");
    for (const json::value& entry : list->get_array()) {
      if (!entry.is_object()) return wrongType(entry, list_key, "object");
      auto name = stringMember(entry.get_object(), "name");
      if (!name) return fail(name.error());
      auto use = boolMember(entry.get_object(), "useHeaderRoutes");
      if (!use) return fail(use.error());
      addRoute(config.routes[index], std::move(*name), *use);
    }
  }
  auto name = stringMember(object, single);
  if (!name) return fail(name.error());
  if (!name->empty()) addRoute(config.routes[index], std::move(*name), true);

  const std::string selector_key = single + "Selector";
  if (const json::value* selector = member(object, selector_key)) {
    if (!selector->is_object()) return wrongType(*selector, selector_key, "object");
    auto parsed = Selector::fromJson(selector->get_object());
    if (!parsed) return fail(parsed.error());
    config.selectors[index] = std::move(*parsed);
  }
  return {};
}

Result<Config> parseConfig(const json::value& value) {
  Config config;
  if (value.is_null()) return config;
  if (!value.is_object()) return wrongType(value, "", "GatewayAPITrafficRouting");
  const json::object& object = value.get_object();
  for (std::size_t index = 0; index < route_kinds.size(); ++index) {
    if (auto parsed = parseRoutes(object, index, config); !parsed) return fail(parsed.error());
  }
  auto ns = stringMember(object, "namespace");
  if (!ns) return fail(ns.error());
  config.ns = std::move(*ns);
  auto disable = boolMember(object, "disableInProgressLabel");
  if (!disable) return fail(disable.error());
  config.disable_label = *disable;
  auto key = stringMember(object, "inProgressLabelKey", config.label_key);
  if (!key) return fail(key.error());
  config.label_key = std::move(*key);
  auto label_value = stringMember(object, "inProgressLabelValue", config.label_value);
  if (!label_value) return fail(label_value.error());
  config.label_value = std::move(*label_value);
  return config;
}

// --- rules (spec/05 §14.3) -------------------------------------------------------------------------------------------

json::array* rulesOf(json::object& route) {
  json::value* rules = find(route, {"spec", "rules"});
  return rules != nullptr && rules->is_array() ? &rules->get_array() : nullptr;
}

json::object* backend(json::object& rule, std::string_view service) {
  json::value* refs = find(rule, {"backendRefs"});
  if (refs == nullptr || !refs->is_array()) return nullptr;
  for (json::value& ref : refs->get_array()) {
    if (ref.is_object() && getString(ref.get_object(), {"name"}) == service) return &ref.get_object();
  }
  return nullptr;
}

// "<name>" or "<name>-<integer>".
bool hasManagedName(std::string_view rule_name, std::string_view managed) {
  if (managed.empty() || !rule_name.starts_with(managed)) return false;
  rule_name.remove_prefix(managed.size());
  if (rule_name.empty()) return true;
  if (rule_name.size() < 2 || rule_name[0] != '-') return false;
  return std::ranges::all_of(rule_name.substr(1), [](char c) { return c >= '0' && c <= '9'; });
}

// A rule of a header step that an old plugin wrote before rules had names: no name, header matches, only the canary
// behind it. Asked only where the Rollout has header steps, so that a user's own preview rule survives. spec/05 §15.4.
bool isLegacyManaged(const json::object& rule, std::string_view canary, const std::vector<std::string>* headers) {
  if (!getString(rule, {"name"}).empty()) return false;
  const json::array* refs = getArray(rule, {"backendRefs"});
  if (refs == nullptr || refs->size() != 1 || !refs->front().is_object()) return false;
  if (getString(refs->front().get_object(), {"name"}) != canary) return false;
  const json::array* matches = getArray(rule, {"matches"});
  if (matches == nullptr) return false;
  return std::ranges::any_of(*matches, [&](const json::value& match) {
    const json::array* present = match.is_object() ? getArray(match.get_object(), {"headers"}) : nullptr;
    if (present == nullptr || present->empty()) return false;
    if (headers == nullptr) return true;
    return std::ranges::all_of(*headers, [&](const std::string& header) {
      return std::ranges::any_of(*present, [&](const json::value& entry) {
        return entry.is_object() && equalsIgnoringCase(getString(entry.get_object(), {"name"}), header);
      });
    });
  });
}

// Managed by any of the Rollout's header steps.
bool isManaged(const json::object& rule, const RolloutView& rollout, std::string_view canary) {
  const std::string_view name = getString(rule, {"name"});
  for (const std::string& managed : rollout.managed_routes) {
    if (hasManagedName(name, managed)) return true;
  }
  return rollout.has_header_steps && isLegacyManaged(rule, canary, nullptr);
}

// Managed by the step of this name. "h-1" belongs to "h" unless the Rollout also manages a route called "h-1".
bool isManagedBy(const json::object& rule, const RolloutView& rollout, std::string_view step) {
  const std::string_view name = getString(rule, {"name"});
  if (!hasManagedName(name, step)) return false;
  return name == step || std::ranges::find(rollout.managed_routes, name) == rollout.managed_routes.end();
}

// True where `present` is what the API server makes of `wanted` by filling in defaults: writing it again would change
// nothing.
bool coversWithDefaults(const json::value& present, const json::value& wanted) {
  if (present.is_object() && wanted.is_object()) {
    for (const auto& [key, value] : wanted.get_object()) {
      const json::value* other = present.get_object().if_contains(key);
      if (other == nullptr || !coversWithDefaults(*other, value)) return false;
    }
    for (const auto& [key, value] : present.get_object()) {
      if (wanted.get_object().contains(key)) continue;
      const bool is_default = (key == "weight" && asInteger(value) == 1) ||
                              (key == "group" && value == json::value("")) ||
                              (key == "kind" && value == json::value("Service")) ||
                              (key == "path" && value == json::value({{"type", "PathPrefix"}, {"value", "/"}})) ||
                              (key == "type" && (value == json::value("Exact") || value == json::value("PathPrefix")));
      if (!is_default) return false;
    }
    return true;
  }
  if (present.is_array() && wanted.is_array()) {
    return std::ranges::equal(present.get_array(), wanted.get_array(), coversWithDefaults);
  }
  return present == wanted;
}

// --- header rules (spec/05 §14.5) ------------------------------------------------------------------------------------

Result<json::array> headerList(const std::vector<HeaderMatch>& matches) {
  json::array headers;
  for (const HeaderMatch& match : matches) {
    if (!match.exact.empty()) {
      headers.push_back({{"type", "Exact"}, {"name", match.header}, {"value", match.exact}});
    } else if (!match.prefix.empty()) {
      headers.push_back({{"type", "RegularExpression"}, {"name", match.header}, {"value", match.prefix + ".*"}});
    } else if (!match.regex.empty()) {
      headers.push_back({{"type", "RegularExpression"}, {"name", match.header}, {"value", match.regex}});
    } else {
      return fail(ErrorCode::invalid, "invalid header match type");
    }
  }
  return headers;
}

// The rule that sends what `source` matches, with these headers on top, to the canary alone. Everything else of the
// source rule (timeouts, retry, session persistence, filters) is carried over.
json::object headerRule(const json::object& source, const std::string& name, const json::array& headers,
                        std::string_view canary) {
  json::object rule = source;
  rule["name"] = name;
  json::array matches;
  const json::array* source_matches = getArray(source, {"matches"});
  if (source_matches == nullptr || source_matches->empty()) {
    matches.push_back(json::object{{"headers", headers}});
  } else {
    for (const json::value& source_match : *source_matches) {
      json::object match = source_match.is_object() ? source_match.get_object() : json::object{};
      json::array merged;
      if (const json::array* own = getArray(match, {"headers"})) merged = *own;
      merged.insert(merged.end(), headers.begin(), headers.end());
      match["headers"] = std::move(merged);
      matches.push_back(std::move(match));
    }
  }
  rule["matches"] = std::move(matches);
  json::object copy = source;
  json::object destination = *backend(copy, canary);
  destination.erase("weight");
  destination["group"] = "";
  destination["kind"] = "Service";
  rule["backendRefs"] = json::array{std::move(destination)};
  return rule;
}

// --- the router ------------------------------------------------------------------------------------------------------

struct Working {
  const RouteKind* kind;
  NamedRoute route;
  Objects::Object original;
  json::object edited;
};

class GatewayApi final : public Router {
 public:
  explicit GatewayApi(const json::value& config) : config_(parseConfig(config)) {}

  std::string_view type() const override { return "GatewayAPI"; }
  Capabilities capabilities() const override {
    return {.scales_to_max_weight = true, .experiments = true, .header_routes = true, .mirror_routes = false};
  }

  std::vector<ObjectRef> reads(const RolloutView& rollout, const std::vector<Operation>& operations) const override {
    std::vector<ObjectRef> refs;
    if (!config_) return refs;
    for (std::size_t index = 0; index < route_kinds.size(); ++index) {
      for (const NamedRoute& route : config_->routes[index])
        refs.push_back({*route_kinds[index].resource, routeNamespace(rollout), route.name});
      if (config_->selectors[index]) {
        refs.push_back({*route_kinds[index].resource, routeNamespace(rollout), "", config_->selectors[index]});
      }
    }
    std::set<std::string> services;
    for (const Operation& operation : operations) {
      if (const auto* set = std::get_if<SetWeight>(&operation)) {
        for (const Destination& destination : set->extra) services.insert(destination.service);
      }
    }
    for (const std::string& service : services) refs.push_back({service_kind, rollout.ns, service});
    return refs;
  }

  Routing route(const RolloutView& rollout, const Objects& objects,
                const std::vector<Operation>& operations) const override {
    Routing routing;
    if (!config_) {
      if (!operations.empty()) {
        routing.error = wrap(operations.front(), config_.error());
        routing.weight_failed = std::holds_alternative<SetWeight>(operations.front());
      }
      return routing;
    }
    std::vector<Working> routes;
    auto opened = open(rollout, objects, routes);
    for (const Operation& operation : operations) {
      auto applied = opened ? apply(operation, rollout, objects, routes) : needsRoutes(operation) ? opened : Result<>{};
      if (!applied) {
        routing.error = wrap(operation, applied.error());
        routing.weight_failed = std::holds_alternative<SetWeight>(operation);
        break;
      }
    }
    for (Working& working : routes) {
      if (auto change = changeOf(working, rollout)) routing.changes.push_back(std::move(*change));
    }
    return routing;
  }

  Result<Observed> observe(const RolloutView& rollout, const Objects& objects, const SetWeight&) const override {
    if (!config_) return fail(config_.error());
    std::vector<Working> routes;
    if (auto opened = open(rollout, objects, routes); !opened) return fail(opened.error());
    const auto [stable, canary] = rollout.services();
    Observed observed{.canary_weight = std::nullopt, .verified = Verified::yes};
    bool first = true;
    for (Working& working : routes) {
      json::array* rules = rulesOf(working.edited);
      if (rules == nullptr) continue;
      for (json::value& rule : *rules) {
        if (!rule.is_object() || (working.kind->has_header_rules && isManaged(rule.get_object(), rollout, canary)))
          continue;
        json::object* ref = backend(rule.get_object(), canary);
        if (ref == nullptr) continue;
        const std::int64_t weight = getInt(*ref, {"weight"}, 1);
        if (!first && observed.canary_weight != weight) {
          observed.canary_weight.reset();
          return observed;
        }
        observed.canary_weight = weight;
        first = false;
      }
    }
    return observed;
  }

 private:
  std::string routeNamespace(const RolloutView& rollout) const {
    return config_->ns.empty() ? rollout.ns : config_->ns;
  }

  static bool needsRoutes(const Operation& operation) {
    return !std::holds_alternative<UpdateHash>(operation) && !std::holds_alternative<SetMirrorRoute>(operation);
  }

  static Error wrap(const Operation& operation, Error error) {
    constexpr std::array<std::string_view, std::variant_size_v<Operation>> doing = {
        "set header route", "set mirror route", "update hash", "set weight", "remove managed routes"};
    error.message = fmt::format("failed to {} via plugin: {}", doing[operation.index()], error.message);
    return error;
  }

  // Every configured route in its order: by kind; listed names, the single name, what a selector finds. A route that
  // can't be read ends the list: those before it are still worked on, as if they had been done one after another.
  Result<> open(const RolloutView& rollout, const Objects& objects, std::vector<Working>& routes) const {
    for (std::size_t index = 0; index < route_kinds.size(); ++index) {
      std::vector<NamedRoute> names = config_->routes[index];
      if (config_->selectors[index]) {
        const auto found =
            objects.matches({*route_kinds[index].resource, routeNamespace(rollout), "", config_->selectors[index]});
        if (!found) return fail(found.error());
        for (const Objects::Object& object : *found)
          addRoute(names, std::string(getString(*object, {"metadata", "name"})), false);
      }
      for (NamedRoute& name : names) {
        auto object = objects.find(*route_kinds[index].resource, routeNamespace(rollout), name.name);
        if (!object) return fail(object.error());
        json::object edited = **object;
        routes.push_back({&route_kinds[index], std::move(name), std::move(*object), std::move(edited)});
      }
    }
    return {};
  }

  Result<> apply(const Operation& operation, const RolloutView& rollout, const Objects& objects,
                 std::vector<Working>& routes) const {
    if (const auto* set = std::get_if<SetWeight>(&operation)) return setWeight(*set, rollout, objects, routes);
    if (const auto* set = std::get_if<SetHeaderRoute>(&operation)) return setHeaderRoute(*set, rollout, routes);
    if (std::holds_alternative<RemoveManagedRoutes>(operation)) removeManagedRoutes(rollout, routes);
    return {};  // hashes and mirrors don't exist here: spec/05 §15.4
  }

  // spec/05 §14.4 and §15.4.
  Result<> setWeight(const SetWeight& set, const RolloutView& rollout, const Objects& objects,
                     std::vector<Working>& routes) const {
    if (routes.empty()) {
      return fail(ErrorCode::invalid,
                  "No routes configured. At least one of 'httpRoutes', 'grpcRoutes', 'tcpRoutes', 'tlsRoutes', "
                  "'httpRoute', 'grpcRoute', 'tcpRoute' or 'tlsRoute' must be set");
    }
    const auto [stable, canary] = rollout.services();
    std::int64_t stable_weight = rollout.max_weight - set.weight;
    for (const Destination& destination : set.extra) stable_weight -= destination.weight;
    stable_weight = std::max<std::int64_t>(stable_weight, 0);

    for (Working& working : routes) {
      json::object edited = working.edited;  // taken over only whole
      bool found_stable = false, found_canary = false, managed_left = false;
      if (json::array* rules = rulesOf(edited)) {
        for (json::value& value : *rules) {
          if (!value.is_object()) continue;
          json::object& rule = value.get_object();
          if (working.kind->has_header_rules && isManaged(rule, rollout, canary)) {
            managed_left = true;
            continue;
          }
          bool here_stable = false, here_canary = false;
          json::value* refs = find(rule, {"backendRefs"});
          if (refs == nullptr || !refs->is_array()) continue;
          for (json::value& ref : refs->get_array()) {
            if (!ref.is_object()) continue;
            const std::string_view name = getString(ref.get_object(), {"name"});
            if (name == canary && !canary.empty()) {
              ref.get_object()["weight"] = set.weight;
              here_canary = true;
            } else if (name == stable && !stable.empty()) {
              ref.get_object()["weight"] = stable_weight;
              here_stable = true;
            }
          }
          found_stable |= here_stable;
          found_canary |= here_canary;
          if (here_stable && here_canary && working.kind->takes_experiments) {
            auto placed = placeExperiments(refs->get_array(), set.extra, rollout, objects);
            if (!placed) return placed;
          }
        }
      }
      if (!found_stable || !found_canary) return fail(ErrorCode::invalid, std::string(working.kind->missing));
      setLabel(edited, set.weight != 0 || managed_left);
      working.edited = std::move(edited);
    }
    return {};
  }

  // Backends of templates that run, and of those that ran in the last pass; no others are touched. spec/05 §15.4.
  static Result<> placeExperiments(json::array& refs, const std::vector<Destination>& extra, const RolloutView& rollout,
                                   const Objects& objects) {
    const auto wanted = [&](std::string_view name) {
      return std::ranges::find(extra, name, &Destination::service) != extra.end();
    };
    json::array kept;
    std::set<std::string, std::less<>> present;
    for (json::value& ref : refs) {
      const std::string_view name = ref.is_object() ? getString(ref.get_object(), {"name"}) : std::string_view();
      const bool was_ours = std::ranges::find(rollout.previous_extra, name) != rollout.previous_extra.end();
      if (was_ours && !wanted(name)) continue;
      if (const auto destination = std::ranges::find(extra, name, &Destination::service); destination != extra.end()) {
        ref.get_object()["weight"] = destination->weight;
        present.insert(destination->service);
      }
      kept.push_back(std::move(ref));
    }
    for (const Destination& destination : extra) {
      if (present.contains(destination.service)) continue;
      const auto service = objects.find(service_kind, rollout.ns, destination.service);
      if (!service) return fail(service.error());
      const auto port = servicePort(**service);
      if (!port) return fail(ErrorCode::invalid, fmt::format("service \"{}\" has no port", destination.service));
      kept.push_back(
          {{"name", destination.service}, {"namespace", rollout.ns}, {"port", *port}, {"weight", destination.weight}});
    }
    refs = std::move(kept);
    return {};
  }

  static std::optional<std::int64_t> servicePort(const json::object& service) {
    const json::array* ports = getArray(service, {"spec", "ports"});
    if (ports == nullptr) return std::nullopt;
    std::optional<std::int64_t> first;
    for (const json::value& value : *ports) {
      if (!value.is_object()) continue;
      const std::int64_t number = getInt(value.get_object(), {"port"});
      if (getString(value.get_object(), {"name"}) == "http") return number;
      if (!first) first = number;
    }
    return first;
  }

  void setLabel(json::object& route, bool in_progress) const {
    if (config_->disable_label) return;
    if (in_progress) {
      ensureObject(route, {"metadata", "labels"})[config_->label_key] = config_->label_value;
    } else if (json::value* labels = find(route, {"metadata", "labels"}); labels != nullptr && labels->is_object()) {
      labels->get_object().erase(config_->label_key);
    }
  }

  // spec/05 §14.5 with its fixes.
  static Result<> setHeaderRoute(const SetHeaderRoute& set, const RolloutView& rollout, std::vector<Working>& routes) {
    const std::string canary = rollout.services().canary;
    const std::string stable = rollout.services().stable;
    for (Working& working : routes) {
      if (!working.kind->has_header_rules || !working.route.use_header_routes) continue;
      json::array* rules = rulesOf(working.edited);
      json::array built;
      std::vector<std::string> header_names;
      if (!set.match.empty()) {
        const auto headers = headerList(set.match);
        if (!headers) return fail(headers.error());
        for (const HeaderMatch& match : set.match) header_names.push_back(match.header);
        for (std::size_t index = 0; rules != nullptr && index < rules->size(); ++index) {
          if (!(*rules)[index].is_object()) continue;
          json::object& rule = (*rules)[index].get_object();
          if (isManaged(rule, rollout, canary) || backend(rule, canary) == nullptr || backend(rule, stable) == nullptr)
            continue;
          const std::string name = built.empty() ? set.name : fmt::format("{}-{}", set.name, built.size());
          built.push_back(headerRule(rule, name, *headers, canary));
        }
        if (built.empty()) return fail(ErrorCode::invalid, std::string(working.kind->missing));
      }
      if (rules == nullptr) continue;
      json::array kept, previous;
      for (json::value& value : *rules) {
        const bool ours =
            value.is_object() && (isManagedBy(value.get_object(), rollout, set.name) ||
                                  (!set.match.empty() && isLegacyManaged(value.get_object(), canary, &header_names)));
        (ours ? previous : kept).push_back(value);
      }
      if (std::ranges::equal(previous, built, coversWithDefaults)) continue;
      kept.insert(kept.end(), built.begin(), built.end());
      *rules = std::move(kept);
    }
    return {};
  }

  static void removeManagedRoutes(const RolloutView& rollout, std::vector<Working>& routes) {
    const std::string canary = rollout.services().canary;
    for (Working& working : routes) {
      if (!working.kind->has_header_rules) continue;
      json::array* rules = rulesOf(working.edited);
      if (rules == nullptr) continue;
      json::array kept;
      for (json::value& value : *rules) {
        // By name everywhere, also where header routes were turned off meanwhile; by shape only where they are on.
        RolloutView by_name = rollout;
        by_name.has_header_steps = rollout.has_header_steps && working.route.use_header_routes;
        if (!value.is_object() || !isManaged(value.get_object(), by_name, canary)) kept.push_back(value);
      }
      if (kept.size() != rules->size()) *rules = std::move(kept);
    }
  }

  // Rules and label of one route go out in one write. spec/05 §15.5.
  static std::optional<Change> changeOf(Working& working, const RolloutView&) {
    std::optional<Change> change =
        patchOf({*working.kind->resource, std::string(getString(*working.original, {"metadata", "namespace"})),
                 working.route.name},
                *working.original, working.edited);
    if (change) change->field_manager = field_manager;
    return change;
  }

  Result<Config> config_;
};

}  // namespace

std::unique_ptr<Router> makeGatewayApi(const json::value& config) { return std::make_unique<GatewayApi>(config); }

}  // namespace crossfade::traffic
