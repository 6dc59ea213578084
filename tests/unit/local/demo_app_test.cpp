#include <cmath>

#include "live_cluster.hpp"

namespace crossfade::local {
namespace {

std::string onePod(std::string_view image, std::string_view more_of_container = "",
                   std::string_view more_of_spec = "") {
  return fmt::format(
      R"({{"metadata":{{"name":"one","labels":{{"rollouts-pod-template-hash":"abc123"}}}},"spec":{{"containers":[
      {{"name":"app","image":"{}"{}}}]{}}}}})",
      image, more_of_container, more_of_spec);
}

bool ready(LiveCluster& cluster) {
  return cluster.until([&cluster] {
    const Object pod = cluster.get("pods", "one");
    return pod && isReady(*pod);
  });
}

Result<net::Response> ask(LiveCluster& cluster, std::string target, std::uint16_t port = 8080) {
  const auto address = cluster.pods->address("default", "one", port);
  if (!address) return fail(ErrorCode::not_found, "no address");
  auto answer = cluster.await(
      cluster.transport(address->port)->send({.method = "GET", .target = std::move(target)}, seconds(20)));
  return std::move(*answer);
}

bool told(LiveCluster& cluster, std::string_view text) {
  return cluster.until([&cluster, text] {
    for (const auto& event : cluster.registry.list(cluster.type("events"), "default")) {
      if (getString(*event, {"message"}).find(text) != std::string_view::npos) return true;
    }
    return false;
  });
}

TEST(DemoApp, SaysWhoItIs) {
  LiveCluster cluster;
  cluster.create("pods", onePod("crossfade.dev/demo:blue"));
  ASSERT_TRUE(ready(cluster));
  const auto answer = ask(cluster, "/");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  const auto body = parseJson(answer->body);
  ASSERT_TRUE(body);
  EXPECT_EQ(*body, *parseJson(R"({"version":"blue","pod":"one","namespace":"default","hash":"abc123"})"));
  EXPECT_EQ(ask(cluster, "/healthz")->status, 200);
  EXPECT_FALSE(ask(cluster, "/", 9999));  // it doesn't listen there
}

TEST(DemoApp, FailsAndWaitsAsItsImageAsks) {
  LiveCluster cluster;
  cluster.create("pods", onePod("crossfade.dev/demo:red?errors=0.2&latency=1ms"));
  ASSERT_TRUE(ready(cluster));
  int failed = 0;
  constexpr int requests = 1000;
  const TimePoint began = cluster.clock->now();
  for (int i = 0; i < requests; ++i) failed += ask(cluster, "/")->status == 500 ? 1 : 0;
  EXPECT_GE(cluster.clock->now() - began, milliseconds(requests));
  EXPECT_NEAR(failed, requests * 0.2, 5 * std::sqrt(requests * 0.2 * 0.8));
}

TEST(DemoApp, IsReallyProbed) {
  struct Case {
    std::string_view container, event;
  };
  for (const auto& test : std::vector<Case>{
           {R"(,"readinessProbe":{"httpGet":{"port":9999},"periodSeconds":1})", "Readiness probe failed: dial tcp"},
           {R"(,"readinessProbe":{"tcpSocket":{"port":"none"},"periodSeconds":1})", "Readiness probe failed: dial tcp"},
           {R"(,"livenessProbe":{"httpGet":{"port":9999},"periodSeconds":1,"failureThreshold":1})",
            "failed liveness probe, will be restarted"},
           {R"(,"startupProbe":{"tcpSocket":{"port":9999},"periodSeconds":1,"failureThreshold":1})",
            "failed startup probe, will be restarted"}}) {
    LiveCluster cluster;
    cluster.create("pods", onePod("crossfade.dev/demo:v1", test.container));
    EXPECT_TRUE(told(cluster, test.event)) << test.container;
  }
  for (const std::string_view container :
       {R"(,"readinessProbe":{"httpGet":{"port":8080,"path":"/healthz"}})",
        R"(,"readinessProbe":{"tcpSocket":{"port":8080}})",
        R"(,"startupProbe":{"httpGet":{"port":8080}},"livenessProbe":{"tcpSocket":{"port":8080}})"}) {
    LiveCluster cluster;
    cluster.create("pods", onePod("crossfade.dev/demo:v1", container));
    EXPECT_TRUE(ready(cluster)) << container;
  }
}

Task<> askOnce(std::shared_ptr<net::Transport> transport, std::shared_ptr<int> status) {
  net::Request request;
  const auto answer = co_await transport->send(std::move(request), seconds(20));
  *status = answer ? answer->status : -1;
}

TEST(DemoApp, FinishesWhatIsInFlight) {
  LiveCluster cluster;
  cluster.create("pods", onePod("crossfade.dev/demo:v1?latency=1s"));
  ASSERT_TRUE(ready(cluster));
  const auto address = cluster.pods->address("default", "one", 8080);
  const auto status = std::make_shared<int>(0);
  const auto transport = cluster.transport(address->port);
  spawn(cluster.io.get_executor(), askOnce(transport, status));
  const TimePoint began = cluster.clock->now();
  ASSERT_TRUE(cluster.until([&] { return cluster.clock->now() - began > milliseconds(200); }));
  ASSERT_TRUE(cluster.registry.remove(cluster.type("pods"), "default", "one"));
  ASSERT_TRUE(cluster.until([&cluster] { return cluster.get("pods", "one") == nullptr; }));
  EXPECT_EQ(*status, 200);
}

TEST(Commands, RunAsProcesses) {
  LiveCluster cluster({.ready_delay = milliseconds(20), .run_commands = true});
  cluster.create("pods", onePod("any:1", R"(,"command":["/bin/sh","-c","echo I am $(NAME); echo $HOSTNAME >&2; exit 3"],
      "env":[{"name":"NAME","value":"a command"}])",
                                R"(,"restartPolicy":"Never")"));
  ASSERT_TRUE(
      cluster.until([&cluster] { return getString(*cluster.get("pods", "one"), {"status", "phase"}) == "Failed"; }));
  const auto* statuses = getArray(*cluster.get("pods", "one"), {"status", "containerStatuses"});
  EXPECT_EQ(getInt(statuses->front().get_object(), {"state", "terminated", "exitCode"}), 3);
  const auto log = cluster.await(cluster.pods->log("default", "one", "", {}));
  ASSERT_TRUE(log && *log);
  EXPECT_EQ((*log)->body, "I am a command\none\n");
}

TEST(Commands, ThatDontExist) {
  LiveCluster cluster({.ready_delay = milliseconds(20), .run_commands = true});
  cluster.create("pods", onePod("any:1", R"(,"command":["/no/such/program"])", R"(,"restartPolicy":"Never")"));
  ASSERT_TRUE(
      cluster.until([&cluster] { return getString(*cluster.get("pods", "one"), {"status", "phase"}) == "Failed"; }));
  const auto* statuses = getArray(*cluster.get("pods", "one"), {"status", "containerStatuses"});
  EXPECT_EQ(getString(statuses->front().get_object(), {"state", "terminated", "reason"}), "StartError");
}

TEST(Commands, EndWhenAskedAndDieWhenTheyDont) {
  for (const bool obeys : {true, false}) {
    LiveCluster cluster({.ready_delay = milliseconds(20), .run_commands = true});
    cluster.create(
        "pods",
        onePod("any:1",
               fmt::format(R"(,"command":["/bin/sh","-c","trap '{}' TERM; echo up; while true; do sleep 0.05; done"])",
                           obeys ? "exit 0" : ":")));
    ASSERT_TRUE(cluster.until([&cluster] {
      const auto log = cluster.await(cluster.pods->log("default", "one", "", {}));
      return log && *log && (*log)->body == "up\n";
    }));
    DeleteOptions options;
    options.grace_period_seconds = 2;
    const TimePoint began = cluster.clock->now();
    ASSERT_TRUE(cluster.registry.remove(cluster.type("pods"), "default", "one", options));
    ASSERT_TRUE(cluster.until([&cluster] { return cluster.get("pods", "one") == nullptr; }));
    EXPECT_EQ(cluster.clock->now() - began >= seconds(1), !obeys);
  }
}

}  // namespace
}  // namespace crossfade::local
