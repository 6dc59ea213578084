// HTTPRoutes of the Gateway API: read once from their objects, then asked per request. Pure.
//
// Which route takes a request: the most specific host name (exact before "*.x", longer before shorter; none at all
// last), then the path (exact, regular expression, longest prefix), then a method, then the number of headers and of
// query parameters; equals are decided by age, then by name, and within a route by the order of the rules.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/random.hpp"
#include "base/time.hpp"
#include "net/http.hpp"
#include "net/url.hpp"

namespace re2 {
class RE2;
}

namespace crossfade::local {

// One value that a request must show: of a header, of a query parameter.
struct ValueMatch {
  std::string name, value;
  std::shared_ptr<const re2::RE2> pattern;  // RegularExpression (the whole value); null: exact
};

struct PathMatch {
  enum class Type { exact, pattern, prefix };
  Type type = Type::prefix;
  std::string value = "/";
  std::shared_ptr<const re2::RE2> pattern = nullptr;
};

struct RouteMatch {
  PathMatch path;
  std::string method;  // empty: any
  std::vector<ValueMatch> headers, query;
};

// RequestHeaderModifier or ResponseHeaderModifier.
struct HeaderChanges {
  std::vector<std::pair<std::string, std::string>> set, add;
  std::vector<std::string> remove;
  void apply(net::Headers& headers) const;
};

struct RouteBackend {
  std::string ns, service;
  std::optional<std::uint16_t> port;
  std::uint64_t weight = 1;
  HeaderChanges request;  // on top of the rule's
};

struct RouteRule {
  std::vector<RouteMatch> matches;  // any of them; never empty
  std::vector<RouteBackend> backends;
  HeaderChanges request, response;
  std::vector<RouteBackend> mirrors;  // get a copy; their answers are dropped
  std::optional<Duration> timeout;
};

struct HttpRoute {
  std::string ns, name;
  TimePoint created;
  std::vector<std::string> hostnames;  // lower case; empty: every host
  std::vector<RouteRule> rules;
  // What this gateway doesn't do, or can't read: "rules[0].filters[1]: URLRewrite". What is named here is left out.
  std::vector<std::string> unsupported;
};

HttpRoute readHttpRoute(const json::object& object);

// The parts of a request that matching looks at.
struct RouteRequest {
  std::string host;  // lower case, without a port
  std::string method = "GET";
  std::string path = "/";
  net::QueryParameters query;
  net::Headers headers;
};
// `path` is "/" and `query` empty when the target is malformed.
RouteRequest routeRequest(const net::Request& request);

struct RouteChoice {
  const HttpRoute* route = nullptr;
  const RouteRule* rule = nullptr;
};
// The rule that takes the request; null when none does. `named` looks at the routes with a host name only, otherwise at
// those without.
RouteChoice chooseRule(const std::vector<HttpRoute>& routes, const RouteRequest& request, bool named);

// The first rule of one route that takes the request, whatever the host.
const RouteRule* chooseRule(const HttpRoute& route, const RouteRequest& request);

// By weight; null when no backend has any.
const RouteBackend* chooseBackend(const std::vector<RouteBackend>& backends, Random& random);

}  // namespace crossfade::local
