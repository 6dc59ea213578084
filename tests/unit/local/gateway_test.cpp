#include "local/gateway.hpp"

#include <cmath>

#include "live_cluster.hpp"
#include "local/label_selector.hpp"

namespace crossfade::local {
namespace {

std::string splitRoute(int stable, int canary, std::string_view hostnames = "") {
  return fmt::format(
      R"({{"metadata":{{"name":"web"}},"spec":{{"parentRefs":[{{"name":"gateway"}}],{}"rules":[{{"backendRefs":[
      {{"name":"stable","port":80,"weight":{}}},{{"name":"canary","port":80,"weight":{}}}]}}]}}}})",
      hostnames, stable, canary);
}

// What a load of requests has seen.
struct Load {
  int left = 0, running = 0;
  bool stopped = false;
  std::map<int, int> codes;
  std::map<std::string, int> services;
  std::vector<std::string> failures;
};

// One client: one request after the other until none is left.
Task<> client(std::shared_ptr<Load> load, std::shared_ptr<net::Transport> transport, std::string host) {
  while (load->left > 0 && !load->stopped) {
    --load->left;
    net::Request request;
    request.headers.set("Host", host);
    const auto answer = co_await transport->send(std::move(request), seconds(20));
    if (!answer) {
      load->failures.push_back(answer.error().message);
      continue;
    }
    ++load->codes[answer->status];
    ++load->services[std::string(answer->headers.get("x-crossfade-service"))];
    if (answer->status != 200) load->failures.push_back(answer->body);
  }
  --load->running;
}

std::shared_ptr<Load> startLoad(LiveCluster& cluster, int requests, int clients, std::string_view host) {
  auto load = std::make_shared<Load>();
  load->left = requests;
  load->running = clients;
  const auto transport = cluster.transport(cluster.gateway->port());
  for (int i = 0; i < clients; ++i) spawn(cluster.io.get_executor(), client(load, transport, std::string(host)));
  return load;
}

TEST(Gateway, SplitsRequestsByWeight) {
  LiveCluster cluster;
  deploy(cluster, "stable", 2, "crossfade.dev/demo:v1");
  deploy(cluster, "canary", 1, "crossfade.dev/demo:v2");
  cluster.create("httproutes", splitRoute(80, 20));
  ASSERT_TRUE(cluster.available("stable", 2) && cluster.available("canary", 1));
  constexpr int requests = 10000;
  const auto load = startLoad(cluster, requests, 16, "127.0.0.1");
  ASSERT_TRUE(cluster.until([load] { return load->running == 0; }, minutes(5)));
  EXPECT_TRUE(load->failures.empty()) << load->failures.front();
  EXPECT_EQ(load->codes, (std::map<int, int>{{200, requests}}));
  // Five standard deviations: one run in two million lies outside.
  EXPECT_NEAR(load->services["default/canary"], requests * 0.2, 5 * std::sqrt(requests * 0.2 * 0.8));

  const auto metrics = cluster.await(
      cluster.transport(cluster.gateway->metricsPort())->send({.method = "GET", .target = "/metrics"}, seconds(10)));
  ASSERT_TRUE(metrics && *metrics);
  const std::string& text = (*metrics)->body;
  EXPECT_NE(text.find("# TYPE gateway_requests_total counter"), std::string::npos);
  std::string hash;
  for (const auto& pod : cluster.registry.list(cluster.type("pods"), "default", *parseLabelSelector("app=canary"))) {
    hash = getString(*pod, {"metadata", "labels", "pod-template-hash"});
  }
  const std::string line = fmt::format(
      "gateway_requests_total{{code=\"200\",method=\"GET\",namespace=\"default\",pod_template_hash=\"{}\",service="
      "\"canary\"}} {}",
      hash, load->services["default/canary"]);
  EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  EXPECT_NE(text.find("gateway_request_duration_seconds_bucket{"), std::string::npos);
}

TEST(Gateway, FollowsAChangeOfWeightAtOnce) {
  LiveCluster cluster;
  deploy(cluster, "stable", 1, "crossfade.dev/demo:v1");
  deploy(cluster, "canary", 1, "crossfade.dev/demo:v2");
  cluster.create("httproutes", splitRoute(100, 0));
  ASSERT_TRUE(cluster.available("stable", 1) && cluster.available("canary", 1));
  for (const bool canary : {false, true, false}) {
    cluster.patch(
        "httproutes", "web",
        json::serialize(json::object{
            {"spec",
             json::object{
                 {"rules",
                  json::array{json::object{
                      {"backendRefs",
                       json::array{
                           json::object{{"name", "stable"}, {"port", 80}, {"weight", canary ? 0 : 100}},
                           json::object{{"name", "canary"}, {"port", 80}, {"weight", canary ? 100 : 0}}}}}}}}}}));
    for (int i = 0; i < 20; ++i) {
      const auto answer = cluster.ask("127.0.0.1");
      ASSERT_TRUE(answer);
      EXPECT_EQ(answer->headers.get("x-crossfade-service"), canary ? "default/canary" : "default/stable");
    }
  }
}

TEST(Gateway, LosesNoRequestWhilePodsAreReplaced) {
  LiveCluster cluster;
  deploy(cluster, "web", 3, "crossfade.dev/demo:v1?latency=5ms");
  ASSERT_TRUE(cluster.available("web", 3));
  const auto load = startLoad(cluster, 1000000, 8, "web");
  for (int version = 2; version <= 4; ++version) {
    cluster.patch("deployments", "web",
                  fmt::format(R"({{"spec":{{"template":{{"spec":{{"containers":[
        {{"name":"app","image":"crossfade.dev/demo:v{}?latency=5ms","ports":[{{"containerPort":8080}}]}}]}}}}}}}})",
                              version));
    ASSERT_TRUE(cluster.available("web", 3)) << version;
  }
  load->stopped = true;
  ASSERT_TRUE(cluster.until([load] { return load->running == 0; }));
  EXPECT_TRUE(load->failures.empty()) << load->failures.size() << " of " << load->codes[200] << ": "
                                      << load->failures.front();
  EXPECT_GT(load->codes[200], 50);
}

TEST(Gateway, WhereRequestsGo) {
  LiveCluster cluster;
  deploy(cluster, "web", 1, "crossfade.dev/demo:v1");
  deploy(cluster, "stable", 1, "crossfade.dev/demo:v1");
  deploy(cluster, "canary", 1, "crossfade.dev/demo:v1");
  deploy(cluster, "empty", 0, "crossfade.dev/demo:v1");
  deploy(cluster, "hollow", 1, "other:1");
  ASSERT_TRUE(cluster.available("web", 1) && cluster.available("stable", 1) && cluster.available("canary", 1) &&
              cluster.available("hollow", 1));
  struct Case {
    std::string_view host;
    int status;
    std::string_view service;
  };
  const std::vector<Case> without_route = {
      {"web.default.localhost", 200, "default/web"},
      {"web.default", 200, "default/web"},
      {"web", 200, "default/web"},
      {"web.localhost:8080", 200, "default/web"},
      {"web.default.svc.cluster.local", 200, "default/web"},
      {"none.default", 404, ""},
      {"127.0.0.1", 404, ""},
      {"empty", 503, ""},
      {"hollow", 502, ""},
  };
  for (const auto& test : without_route) {
    const auto answer = cluster.ask(test.host);
    ASSERT_TRUE(answer) << test.host;
    EXPECT_EQ(answer->status, test.status) << test.host << ": " << answer->body;
    EXPECT_EQ(answer->headers.get("x-crossfade-service"), test.service) << test.host;
  }
  cluster.create("httproutes", splitRoute(1, 0));
  for (const auto& test : std::vector<Case>{{"127.0.0.1", 200, "default/stable"},
                                            {"anything.example", 200, "default/stable"},
                                            {"web.default.localhost", 200, "default/web"},
                                            {"web", 200, "default/stable"}}) {
    const auto answer = cluster.ask(test.host);
    ASSERT_TRUE(answer) << test.host;
    EXPECT_EQ(answer->headers.get("x-crossfade-service"), test.service) << test.host;
  }
  const auto share = sharesOf(cluster.registry, "default", "web");
  ASSERT_EQ(share.size(), 1U);
  EXPECT_EQ(share.front().service, "stable");
  EXPECT_DOUBLE_EQ(share.front().share, 1);

  cluster.patch("httproutes", "web", R"({"spec":{"rules":[{"backendRefs":[{"name":"gone","port":80}]}]}})");
  EXPECT_EQ(cluster.ask("127.0.0.1")->status, 503);
  ASSERT_TRUE(cluster.until([&cluster] {
    const Object route = cluster.get("httproutes", "web");
    const auto* parents = getArray(*route, {"status", "parents"});
    if (parents == nullptr) return false;
    const json::object holder{{"status", parents->front()}};
    const auto* resolved = findCondition(holder, "ResolvedRefs");
    return resolved != nullptr && getString(*resolved, {"reason"}) == "BackendNotFound" &&
           conditionIs(holder, "Accepted", "True");
  }));
}

TEST(Gateway, ForwardsWhatBelongsToTheMessage) {
  LiveCluster cluster({.ready_delay = milliseconds(20), .run_commands = true});
  // An echo server in two lines of Python: its answer shows the fields that arrived.
  const std::string script =
      "import http.server,os\\n"
      "class H(http.server.BaseHTTPRequestHandler):\\n"
      " def do_POST(self):\\n"
      "  body=self.rfile.read(int(self.headers.get('Content-Length','0'))).decode()\\n"
      "  text=(str(self.headers)+body).encode()\\n"
      "  self.send_response(201)\\n"
      "  self.send_header('Content-Length',str(len(text)))\\n"
      "  self.send_header('X-Own','yes')\\n"
      "  self.end_headers()\\n"
      "  self.wfile.write(text)\\n"
      "http.server.HTTPServer(('127.0.0.1',int(os.environ['PORT'])),H).serve_forever()\\n";
  deploy(cluster, "echo", 1, "python:3",
         fmt::format(
             R"(,"command":["python3","-c","{}"],"readinessProbe":{{"tcpSocket":{{"port":8080}},"periodSeconds":1}})",
             script));
  ASSERT_TRUE(cluster.available("echo", 1));
  net::Request request;
  request.method = "POST";
  request.target = "/path?q=1";
  request.headers = {
      {"Host", "echo.default.localhost"}, {"X-Given", "1"}, {"X-Forwarded-For", "192.0.2.7"}, {"Keep-Alive", "x"}};
  request.body = "the body";
  const auto answer = cluster.ask(std::move(request));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 201) << answer->body;
  EXPECT_EQ(answer->headers.get("X-Own"), "yes");
  for (const std::string_view part : {"echo.default.localhost", "192.0.2.7, 127.0.0.1", "the body"}) {
    EXPECT_NE(answer->body.find(part), std::string::npos) << part << " in " << answer->body;
  }
  EXPECT_EQ(answer->body.find("Keep-Alive: x"), std::string::npos);
}

TEST(Gateway, MirrorsAndChangesHeaders) {
  LiveCluster cluster;
  deploy(cluster, "web", 1, "crossfade.dev/demo:v1");
  deploy(cluster, "shadow", 1, "crossfade.dev/demo:v2?errors=1");
  ASSERT_TRUE(cluster.available("web", 1) && cluster.available("shadow", 1));
  cluster.create("httproutes", R"({"metadata":{"name":"web"},"spec":{"rules":[{"filters":[
      {"type":"RequestMirror","requestMirror":{"backendRef":{"name":"shadow","port":80}}},
      {"type":"ResponseHeaderModifier","responseHeaderModifier":{"set":[{"name":"X-Answer","value":"changed"}]}}],
      "backendRefs":[{"name":"web","port":80}]}]}})");
  const auto answer = cluster.ask("127.0.0.1", "/mirrored");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->headers.get("X-Answer"), "changed");
  // The shadow's log shows the request that it failed.
  const std::string shadow(
      nameOf(*cluster.registry.list(cluster.type("pods"), "default", *parseLabelSelector("app=shadow")).front()));
  EXPECT_TRUE(cluster.until([&] {
    const auto log = cluster.await(cluster.pods->log("default", shadow, "", {}));
    return log && *log && (*log)->body.find("500 /mirrored") != std::string::npos;
  }));
}

}  // namespace
}  // namespace crossfade::local
