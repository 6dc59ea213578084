#include "local/http_route.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <tuple>

#include "local/object_facts.hpp"

namespace crossfade::local {

namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

// The objects of an array member; others are skipped.
template <class F>
void eachObject(const json::object& parent, std::string_view key, F&& visit) {
  const auto* list = getArray(parent, {key});
  if (list == nullptr) return;
  for (std::size_t i = 0; i < list->size(); ++i) {
    if (const auto* object = (*list)[i].if_object()) visit(*object, i);
  }
}

// Null, and a word about it in `unsupported`, for what is no regular expression.
std::shared_ptr<const re2::RE2> readPattern(std::string_view text, const std::string& at, HttpRoute& route) {
  auto pattern = std::make_shared<const re2::RE2>(re2::StringPiece(text.data(), text.size()), re2::RE2::Quiet);
  if (pattern->ok()) return pattern;
  route.unsupported.push_back(fmt::format("{}: \"{}\" is not a regular expression: {}", at, text, pattern->error()));
  return nullptr;
}

bool fullMatch(std::string_view text, const re2::RE2& pattern) {
  return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), pattern);
}

// False when the match can't be read and must not match anything.
bool readValues(const json::object& match, std::string_view key, const std::string& at, std::vector<ValueMatch>& values,
                HttpRoute& route) {
  bool readable = true;
  eachObject(match, key, [&](const json::object& item, std::size_t i) {
    ValueMatch value{.name = std::string(getString(item, {"name"})),
                     .value = std::string(getString(item, {"value"})),
                     .pattern = nullptr};
    if (getString(item, {"type"}) == "RegularExpression") {
      value.pattern = readPattern(value.value, fmt::format("{}.{}[{}]", at, key, i), route);
      readable = readable && value.pattern;
    }
    values.push_back(std::move(value));
  });
  return readable;
}

void readMatches(const json::object& rule, const std::string& at, RouteRule& result, HttpRoute& route) {
  bool any = false;
  eachObject(rule, "matches", [&](const json::object& item, std::size_t i) {
    any = true;
    const std::string here = fmt::format("{}.matches[{}]", at, i);
    RouteMatch match;
    match.method = getString(item, {"method"});
    match.path.value = getString(item, {"path", "value"}, "/");
    const auto type = getString(item, {"path", "type"}, "PathPrefix");
    bool readable = true;
    if (type == "Exact") {
      match.path.type = PathMatch::Type::exact;
    } else if (type == "RegularExpression") {
      match.path.type = PathMatch::Type::pattern;
      match.path.pattern = readPattern(match.path.value, here + ".path", route);
      readable = match.path.pattern != nullptr;
    } else {
      while (match.path.value.size() > 1 && match.path.value.ends_with('/')) match.path.value.pop_back();
    }
    readable = readValues(item, "headers", here, match.headers, route) && readable;
    readable = readValues(item, "queryParams", here, match.query, route) && readable;
    if (readable) result.matches.push_back(std::move(match));
  });
  if (!any) result.matches.emplace_back();
}

HeaderChanges readHeaderChanges(const json::object& filter, std::string_view key) {
  HeaderChanges changes;
  const auto* object = getObject(filter, {key});
  if (object == nullptr) return changes;
  const auto read = [object](std::string_view list, auto& into) {
    eachObject(*object, list, [&into](const json::object& item, std::size_t) {
      into.emplace_back(getString(item, {"name"}), getString(item, {"value"}));
    });
  };
  read("set", changes.set);
  read("add", changes.add);
  if (const auto* names = getArray(*object, {"remove"})) {
    for (const auto& name : *names) {
      if (name.is_string()) changes.remove.emplace_back(std::string_view(name.get_string()));
    }
  }
  return changes;
}

void append(HeaderChanges& to, HeaderChanges changes) {
  to.set.insert(to.set.end(), changes.set.begin(), changes.set.end());
  to.add.insert(to.add.end(), changes.add.begin(), changes.add.end());
  to.remove.insert(to.remove.end(), changes.remove.begin(), changes.remove.end());
}

// Empty when it doesn't name a Service.
std::optional<RouteBackend> readBackend(const json::object& item, const std::string& at, HttpRoute& route) {
  const auto kind = getString(item, {"kind"}, "Service");
  if (!getString(item, {"group"}).empty() || kind != "Service") {
    route.unsupported.push_back(fmt::format("{}: backends of kind {}", at, kind));
    return std::nullopt;
  }
  RouteBackend backend;
  backend.ns = getString(item, {"namespace"}, route.ns);
  backend.service = getString(item, {"name"});
  if (const auto port = getInt(item, {"port"}); port > 0) backend.port = static_cast<std::uint16_t>(port);
  backend.weight = static_cast<std::uint64_t>(std::max<std::int64_t>(getInt(item, {"weight"}, 1), 0));
  return backend;
}

// The filters of a rule (`backend` null) or of one of its backends.
void readFilters(const json::object& parent, const std::string& at, RouteRule& rule, RouteBackend* backend,
                 HttpRoute& route) {
  eachObject(parent, "filters", [&](const json::object& filter, std::size_t i) {
    const std::string here = fmt::format("{}.filters[{}]", at, i);
    const auto type = getString(filter, {"type"});
    if (type == "RequestHeaderModifier") {
      append(backend == nullptr ? rule.request : backend->request, readHeaderChanges(filter, "requestHeaderModifier"));
    } else if (type == "ResponseHeaderModifier" && backend == nullptr) {
      append(rule.response, readHeaderChanges(filter, "responseHeaderModifier"));
    } else if (type == "RequestMirror" && backend == nullptr) {
      const auto* target = getObject(filter, {"requestMirror", "backendRef"});
      for (const std::string_view share : {"percent", "fraction"}) {
        if (find(filter, {"requestMirror", share}) != nullptr)
          route.unsupported.push_back(fmt::format("{}.{}", here, share));
      }
      auto mirror = target == nullptr ? std::nullopt : readBackend(*target, here, route);
      if (mirror) rule.mirrors.push_back(std::move(*mirror));
    } else {
      route.unsupported.push_back(fmt::format("{}: {}", here, type));
    }
  });
}

bool hostMatches(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.")) return pattern == host;
  const std::string_view suffix = pattern.substr(1);
  return host.size() > suffix.size() && host.ends_with(suffix);
}

// How specific the best host name of the route is for this host: (exact, length); empty when none matches.
std::optional<std::pair<bool, std::size_t>> hostRank(const HttpRoute& route, std::string_view host) {
  std::optional<std::pair<bool, std::size_t>> best;
  for (const auto& name : route.hostnames) {
    if (!hostMatches(name, host)) continue;
    const std::pair rank(!name.starts_with('*'), name.size());
    if (!best || *best < rank) best = rank;
  }
  return best;
}

bool pathMatches(const PathMatch& match, std::string_view path) {
  switch (match.type) {
    case PathMatch::Type::exact:
      return match.value == path;
    case PathMatch::Type::pattern:
      return fullMatch(path, *match.pattern);
    case PathMatch::Type::prefix:
      break;
  }
  // By whole elements: "/a" takes "/a" and "/a/b", not "/ab".
  if (match.value == "/") return true;
  return path.starts_with(match.value) && (path.size() == match.value.size() || path[match.value.size()] == '/');
}

bool valueMatches(const ValueMatch& match, std::string_view value) {
  return match.pattern ? fullMatch(value, *match.pattern) : match.value == value;
}

bool matches(const RouteMatch& match, const RouteRequest& request) {
  if (!match.method.empty() && match.method != request.method) return false;
  if (!pathMatches(match.path, request.path)) return false;
  for (const auto& header : match.headers) {
    if (!request.headers.has(header.name) || !valueMatches(header, request.headers.get(header.name))) return false;
  }
  for (const auto& parameter : match.query) {
    const bool given =
        std::ranges::any_of(request.query, [&parameter](const auto& pair) { return pair.first == parameter.name; });
    if (!given || !valueMatches(parameter, net::firstValue(request.query, parameter.name))) return false;
  }
  return true;
}

// How specific a match is; the greater one wins.
using MatchRank = std::tuple<int, std::size_t, bool, std::size_t, std::size_t>;

MatchRank rankOf(const RouteMatch& match) {
  const int kind = match.path.type == PathMatch::Type::exact ? 2 : match.path.type == PathMatch::Type::pattern ? 1 : 0;
  return {kind, match.path.value.size(), !match.method.empty(), match.headers.size(), match.query.size()};
}

// The best match among the rules of a route, the first of equals.
struct Best {
  const RouteRule* rule = nullptr;
  MatchRank rank;
};

Best bestRule(const HttpRoute& route, const RouteRequest& request) {
  Best best;
  for (const RouteRule& rule : route.rules) {
    for (const RouteMatch& match : rule.matches) {
      if (!matches(match, request)) continue;
      if (const MatchRank rank = rankOf(match); best.rule == nullptr || best.rank < rank) best = {&rule, rank};
    }
  }
  return best;
}

}  // namespace

void HeaderChanges::apply(net::Headers& headers) const {
  for (const auto& [name, value] : set) headers.set(name, value);
  for (const auto& [name, value] : add) headers.add(name, value);
  if (remove.empty()) return;
  net::Headers kept;
  for (const auto& [name, value] : headers) {
    const bool dropped =
        std::ranges::any_of(remove, [&name](const std::string& gone) { return lower(gone) == lower(name); });
    if (!dropped) kept.add(name, value);
  }
  headers = std::move(kept);
}

HttpRoute readHttpRoute(const json::object& object) {
  HttpRoute route;
  route.ns = namespaceOf(object);
  route.name = nameOf(object);
  route.created = createdAt(object);
  const auto* spec = getObject(object, {"spec"});
  if (spec == nullptr) return route;
  if (const auto* hostnames = getArray(*spec, {"hostnames"})) {
    for (const auto& name : *hostnames) {
      if (name.is_string()) route.hostnames.push_back(lower(name.get_string()));
    }
  }
  // A route whose parent is a Service takes what is sent to that Service (GAMMA).
  eachObject(*spec, "parentRefs", [&route](const json::object& parent, std::size_t) {
    if (!getString(parent, {"group"}, "gateway.networking.k8s.io").empty() || getString(parent, {"kind"}) != "Service")
      return;
    const std::string host =
        fmt::format("{}.{}", getString(parent, {"name"}), getString(parent, {"namespace"}, route.ns));
    route.hostnames.push_back(host);
    for (const std::string_view tail : {"localhost", "svc", "svc.cluster.local"})
      route.hostnames.push_back(fmt::format("{}.{}", host, tail));
  });
  eachObject(*spec, "rules", [&route](const json::object& item, std::size_t i) {
    const std::string at = fmt::format("rules[{}]", i);
    RouteRule rule;
    readMatches(item, at, rule, route);
    readFilters(item, at, rule, nullptr, route);
    eachObject(item, "backendRefs", [&](const json::object& reference, std::size_t k) {
      const std::string here = fmt::format("{}.backendRefs[{}]", at, k);
      auto backend = readBackend(reference, here, route);
      if (!backend) return;
      readFilters(reference, here, rule, &*backend, route);
      rule.backends.push_back(std::move(*backend));
    });
    if (const auto timeout = parseGoDuration(getString(item, {"timeouts", "request"}));
        timeout && *timeout > Duration(0)) {
      rule.timeout = timeout;
    }
    route.rules.push_back(std::move(rule));
  });
  return route;
}

RouteRequest routeRequest(const net::Request& request) {
  RouteRequest result;
  result.method = request.method;
  result.headers = request.headers;
  std::string_view host = request.headers.get("host");
  if (const std::size_t colon = host.rfind(':');
      colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
    host = host.substr(0, colon);
  }
  result.host = lower(host);
  if (result.host.ends_with('.')) result.host.pop_back();
  if (auto target = net::parseTarget(request.target)) {
    result.path = net::percentDecode(target->path).value_or("/");
    result.query = std::move(target->query);
  }
  return result;
}

RouteChoice chooseRule(const std::vector<HttpRoute>& routes, const RouteRequest& request, bool named) {
  RouteChoice chosen;
  std::tuple<std::pair<bool, std::size_t>, MatchRank> chosen_rank;
  const auto age = [](const HttpRoute& route) { return std::tie(route.created, route.ns, route.name); };
  for (const HttpRoute& route : routes) {
    if (named == route.hostnames.empty()) continue;
    const auto host = named ? hostRank(route, request.host) : std::pair(false, std::size_t{0});
    const Best best = bestRule(route, request);
    if (!host || best.rule == nullptr) continue;
    const std::tuple rank(*host, best.rank);
    const bool better =
        chosen.rule == nullptr || chosen_rank < rank || (chosen_rank == rank && age(route) < age(*chosen.route));
    if (!better) continue;
    chosen = {&route, best.rule};
    chosen_rank = rank;
  }
  return chosen;
}

const RouteRule* chooseRule(const HttpRoute& route, const RouteRequest& request) {
  return bestRule(route, request).rule;
}

const RouteBackend* chooseBackend(const std::vector<RouteBackend>& backends, Random& random) {
  std::uint64_t total = 0;
  for (const RouteBackend& backend : backends) total += backend.weight;
  if (total == 0) return nullptr;
  std::uint64_t drawn = random.below(total);
  for (const RouteBackend& backend : backends) {
    if (drawn < backend.weight) return &backend;
    drawn -= backend.weight;
  }
  return nullptr;
}

}  // namespace crossfade::local
