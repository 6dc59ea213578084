#include "local/http_route.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "local/object_facts.hpp"

namespace crossfade::local {
namespace {

HttpRoute route(std::string_view name, std::string_view spec, std::string_view created = "2024-01-01T00:00:00Z") {
  const auto text =
      fmt::format(R"({{"metadata":{{"namespace":"default","name":"{}","creationTimestamp":"{}"}},"spec":{{{}}}}})",
                  name, created, spec);
  const auto parsed = parseJson(text);
  EXPECT_TRUE(parsed) << text;
  return readHttpRoute(parsed->get_object());
}

RouteRequest request(std::string_view host, std::string_view target = "/", std::string_view method = "GET",
                     net::Headers headers = {}) {
  net::Request message;
  message.method = method;
  message.target = target;
  message.headers = std::move(headers);
  message.headers.set("Host", std::string(host));
  return routeRequest(message);
}

// A rule whose one backend is called `name`.
std::string rule(std::string_view name, std::string_view matches) {
  return fmt::format(R"({{"matches":[{}],"backendRefs":[{{"name":"{}","port":80}}]}})", matches, name);
}

std::string chosen(const HttpRoute& routes, const RouteRequest& asked) {
  const RouteRule* found = chooseRule(routes, asked);
  return found == nullptr ? "none" : found->backends.front().service;
}

TEST(HttpRoute, MatchesByPathHeadersMethodAndQuery) {
  const HttpRoute table = route(
      "table",
      R"("rules":[)" + rule("prefix", R"({"path":{"type":"PathPrefix","value":"/api"}})") + "," +
          rule("longer", R"({"path":{"type":"PathPrefix","value":"/api/v2/"}})") + "," +
          rule("exact", R"({"path":{"type":"Exact","value":"/api/v2/x"}})") + "," +
          rule("pattern", R"({"path":{"type":"RegularExpression","value":"/api/v[0-9]+/special"}})") + "," +
          rule("post", R"({"path":{"value":"/api"},"method":"POST"})") + "," +
          rule("header", R"({"path":{"value":"/api"},"headers":[{"name":"X-Env","value":"test"}]})") + "," +
          rule(
              "query",
              R"({"path":{"value":"/api"},"queryParams":[{"name":"beta","type":"RegularExpression","value":"[0-9]+"}]})") +
          "]");
  EXPECT_TRUE(table.unsupported.empty());
  struct Case {
    RouteRequest asked;
    std::string_view service;
  };
  const std::vector<Case> cases = {
      {request("x", "/api"), "prefix"},
      {request("x", "/api/v1"), "prefix"},
      {request("x", "/apis"), "none"},
      {request("x", "/"), "none"},
      {request("x", "/api/v2"), "longer"},
      {request("x", "/api/v2/y"), "longer"},
      {request("x", "/api/v2/x"), "exact"},
      {request("x", "/api/v2/x?a=b"), "exact"},
      {request("x", "/api/v7/special"), "pattern"},
      {request("x", "/api/v7/special/more"), "prefix"},
      {request("x", "/api", "POST"), "post"},
      {request("x", "/api", "GET", {{"x-env", "test"}}), "header"},
      {request("x", "/api", "GET", {{"x-env", "other"}}), "prefix"},
      {request("x", "/api", "POST", {{"x-env", "test"}}), "post"},  // a method counts more than a header
      {request("x", "/api?beta=12"), "query"},
      {request("x", "/api?beta=yes"), "prefix"},
      {request("x", "/%61pi"), "prefix"},
  };
  for (const auto& test : cases)
    EXPECT_EQ(chosen(table, test.asked), test.service) << test.asked.method << " " << test.asked.path;
}

TEST(HttpRoute, TheMostSpecificHostWins) {
  const std::string to = R"("rules":[{"backendRefs":[{"name":"svc","port":80}]}])";
  const std::vector<HttpRoute> routes = {
      route("any", to),
      route("wild", R"("hostnames":["*.example.com"],)" + to),
      route("exact", R"("hostnames":["web.example.com"],)" + to),
      route("deeper", R"("hostnames":["*.a.example.com"],)" + to),
      route("mesh", R"("parentRefs":[{"group":"","kind":"Service","name":"shop"}],)" + to),
  };
  struct Case {
    std::string_view host;
    bool named;
    std::string_view route;
  };
  for (const auto& test : std::vector<Case>{{"web.example.com", true, "exact"},
                                            {"WEB.example.com:8080", true, "exact"},
                                            {"other.example.com", true, "wild"},
                                            {"x.a.example.com", true, "deeper"},
                                            {"example.com", true, ""},
                                            {"example.com", false, "any"},
                                            {"127.0.0.1:80", false, "any"},
                                            {"shop.default.localhost:80", true, "mesh"}}) {
    const RouteChoice choice = chooseRule(routes, request(test.host), test.named);
    EXPECT_EQ(choice.route == nullptr ? "" : choice.route->name, test.route) << test.host;
  }
}

TEST(HttpRoute, EqualsAreDecidedByAgeThenName) {
  const std::string to = R"("rules":[{"backendRefs":[{"name":"svc","port":80}]}])";
  const std::vector<HttpRoute> routes = {route("a", to, "2024-01-03T00:00:00Z"), route("c", to, "2024-01-01T00:00:00Z"),
                                         route("b", to, "2024-01-01T00:00:00Z")};
  EXPECT_EQ(chooseRule(routes, request("x"), false).route->name, "b");
}

TEST(HttpRoute, WeightsAreHonoured) {
  const HttpRoute table = route(
      "w",
      R"("rules":[{"backendRefs":[{"name":"a","port":80,"weight":80},{"name":"b","port":80,"weight":20},{"name":"c","port":80,"weight":0}]}])");
  Random random(1);
  std::map<std::string, int> counts;
  constexpr int draws = 20000;
  for (int i = 0; i < draws; ++i) ++counts[chooseBackend(table.rules.front().backends, random)->service];
  EXPECT_NEAR(counts["b"], draws * 0.2, 5 * std::sqrt(draws * 0.2 * 0.8));
  EXPECT_EQ(counts.count("c"), 0U);
  const HttpRoute none = route("n", R"("rules":[{"backendRefs":[{"name":"a","port":80,"weight":0}]},{}])");
  EXPECT_EQ(chooseBackend(none.rules[0].backends, random), nullptr);
  EXPECT_EQ(chooseBackend(none.rules[1].backends, random), nullptr);
}

TEST(HttpRoute, FiltersAndWhatIsNotKnown) {
  const HttpRoute table = route("f", R"("rules":[{"filters":[
      {"type":"RequestHeaderModifier","requestHeaderModifier":{"set":[{"name":"X-A","value":"1"}],"add":[{"name":"X-B","value":"2"}],"remove":["X-C"]}},
      {"type":"RequestMirror","requestMirror":{"backendRef":{"name":"shadow","port":80}}},
      {"type":"URLRewrite","urlRewrite":{}}],
    "timeouts":{"request":"3s"},
    "backendRefs":[{"name":"a","port":80},{"group":"example.com","kind":"Other","name":"b"}]},
    {"matches":[{"path":{"type":"RegularExpression","value":"("}}],"backendRefs":[{"name":"a"}]}])");
  const RouteRule& first = table.rules.front();
  net::Headers headers{{"x-a", "0"}, {"x-b", "1"}, {"x-c", "3"}};
  first.request.apply(headers);
  std::string shown;
  for (const auto& [name, value] : headers) shown += name + "=" + value + " ";
  EXPECT_EQ(headers.get("X-A"), "1");
  EXPECT_FALSE(headers.has("x-c")) << shown;
  EXPECT_EQ(first.mirrors.front().service, "shadow");
  EXPECT_EQ(first.timeout, seconds(3));
  EXPECT_EQ(first.backends.size(), 1U);
  ASSERT_EQ(table.unsupported.size(), 3U);
  EXPECT_EQ(table.unsupported[0], "rules[0].filters[2]: URLRewrite");
  EXPECT_EQ(table.unsupported[1], "rules[0].backendRefs[1]: backends of kind Other");
  EXPECT_TRUE(table.unsupported[2].starts_with("rules[1].matches[0].path: \"(\" is not a regular expression"));
  EXPECT_TRUE(table.rules[1].matches.empty());
}

}  // namespace
}  // namespace crossfade::local
