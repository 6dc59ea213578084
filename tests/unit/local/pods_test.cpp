#include "local/pods.hpp"

#include "small_cluster.hpp"

namespace crossfade::local {
namespace {

std::string pod(std::string_view image, std::string_view more_of_container = "", std::string_view more_of_spec = "") {
  return fmt::format(
      R"({{"metadata":{{"name":"one","labels":{{"app":"one"}}}},"spec":{{"containers":[{{"name":"app","image":"{}"{}}}]{}}}}})",
      image, more_of_container, more_of_spec);
}

// The state of the first container: "running", "waiting CrashLoopBackOff", "terminated Error 1".
std::string state(const SmallCluster& cluster, std::string_view name = "one") {
  const Object object = cluster.get("pods", name);
  if (!object) return "gone";
  const auto* statuses = getArray(*object, {"status", "containerStatuses"});
  if (statuses == nullptr) return "none";
  const json::object& status = statuses->front().get_object();
  if (find(status, {"state", "running"}) != nullptr) return "running";
  if (const auto* waiting = getObject(status, {"state", "waiting"}))
    return fmt::format("waiting {}", getString(*waiting, {"reason"}));
  const auto* over = getObject(status, {"state", "terminated"});
  return fmt::format("terminated {} {}", getString(*over, {"reason"}), getInt(*over, {"exitCode"}));
}

std::int64_t restarts(const SmallCluster& cluster) {
  return getInt(getArray(*cluster.get("pods", "one"), {"status", "containerStatuses"})->front().get_object(),
                {"restartCount"});
}

bool hasEvent(const SmallCluster& cluster, std::string_view text) {
  return std::ranges::any_of(cluster.events("one"),
                             [text](const std::string& event) { return event.find(text) != std::string::npos; });
}

TEST(Pods, FromPendingToReady) {
  SmallCluster cluster;
  cluster.create("pods", pod("x:1"));
  cluster.run(milliseconds(100));
  Object object = cluster.get("pods", "one");
  EXPECT_EQ(getString(*object, {"status", "phase"}), "Pending");
  EXPECT_EQ(getString(*object, {"spec", "nodeName"}), "crossfade-local");
  EXPECT_EQ(state(cluster), "waiting ContainerCreating");
  EXPECT_TRUE(conditionIs(*object, "PodScheduled", "True"));
  EXPECT_TRUE(conditionIs(*object, "Initialized", "True"));
  EXPECT_TRUE(conditionIs(*object, "Ready", "False"));
  EXPECT_EQ(getString(*findCondition(*object, "Ready"), {"message"}), "containers with unready status: [app]");
  EXPECT_EQ(find(*object, {"status", "podIP"}), nullptr);

  cluster.run(seconds(2));
  object = cluster.get("pods", "one");
  EXPECT_EQ(getString(*object, {"status", "phase"}), "Running");
  EXPECT_EQ(state(cluster), "running");
  EXPECT_TRUE(conditionIs(*object, "Ready", "True"));
  EXPECT_TRUE(conditionIs(*object, "ContainersReady", "True"));
  EXPECT_EQ(getString(*object, {"status", "podIP"}), "10.244.0.2");
  EXPECT_EQ(getString(*object, {"status", "startTime"}), "2024-01-01T00:00:00Z");
  EXPECT_EQ(cluster.events("one"),
            (std::vector<std::string>{"Scheduled: Successfully assigned default/one to crossfade-local x1",
                                      "Pulled: Container image \"x:1\" already present on machine x1",
                                      "Created: Created container: app x1", "Started: Started container app x1"}));
}

TEST(Pods, AddressesAreUniqueAndReturned) {
  SmallCluster cluster;
  cluster.create("replicasets", replicaSet("web", 300));
  cluster.run(seconds(2));
  std::set<std::string> addresses;
  for (const auto& object : cluster.list("pods")) addresses.emplace(getString(*object, {"status", "podIP"}));
  EXPECT_EQ(addresses.size(), 300U);
  EXPECT_FALSE(addresses.contains(""));
}

TEST(Pods, NeedANodeThatFits) {
  SmallCluster cluster;
  cluster.create("pods", pod("x:1", "", R"(,"nodeSelector":{"disk":"ssd"})"));
  cluster.run(seconds(1));
  Object object = cluster.get("pods", "one");
  EXPECT_EQ(getString(*object, {"status", "phase"}), "Pending");
  EXPECT_EQ(getString(*findCondition(*object, "PodScheduled"), {"reason"}), "Unschedulable");
  EXPECT_TRUE(hasEvent(
      cluster, "FailedScheduling: 0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."));
  EXPECT_EQ(state(cluster), "none");
  ASSERT_TRUE(
      cluster.registry.modify(cluster.type("nodes"), "", "crossfade-local", Subresource::none,
                              [](json::object& node) { ensureObject(node, {"metadata", "labels"})["disk"] = "ssd"; }));
  cluster.run(seconds(2));
  EXPECT_EQ(state(cluster), "running");
}

TEST(Pods, GoWhereThereAreFewest) {
  SmallCluster cluster;
  for (const std::string_view name : {"node-a", "node-b"}) {
    ASSERT_TRUE(
        cluster.registry.create(cluster.type("nodes"), "", json::object{{"metadata", json::object{{"name", name}}}}));
  }
  ASSERT_TRUE(
      cluster.registry.modify(cluster.type("nodes"), "", "crossfade-local", Subresource::none,
                              [](json::object& node) { ensureObject(node, {"spec"})["unschedulable"] = true; }));
  cluster.create("replicasets", replicaSet("web", 4));
  cluster.run(seconds(1));
  std::map<std::string, int> nodes;
  for (const auto& object : cluster.list("pods")) ++nodes[std::string(getString(*object, {"spec", "nodeName"}))];
  EXPECT_EQ(nodes, (std::map<std::string, int>{{"node-a", 2}, {"node-b", 2}}));
}

TEST(Pods, EndWithinTheirGracePeriod) {
  struct Case {
    std::string_view what, container, spec;
    std::optional<std::int64_t> grace;
    Duration there, gone;
  };
  const std::vector<Case> cases = {
      {"a moment to leave the endpoints", "", "", std::nullopt, milliseconds(150), seconds(1)},
      {"preStop sleep", R"(,"lifecycle":{"preStop":{"sleep":{"seconds":5}}})", "", std::nullopt, seconds(5),
       seconds(6)},
      {"preStop command", R"(,"lifecycle":{"preStop":{"exec":{"command":["/bin/sh","-c","sleep 5"]}}})", "",
       std::nullopt, seconds(5), seconds(6)},
      {"the grace period cuts it short", R"(,"lifecycle":{"preStop":{"sleep":{"seconds":50}}})", "", 3,
       milliseconds(2900), seconds(4)},
      {"forced", "", "", 0, milliseconds(-1), milliseconds(0)},
  };
  for (const auto& test : cases) {
    SmallCluster cluster;
    cluster.create("pods", pod("x:1", test.container, test.spec));
    cluster.run(seconds(1));
    DeleteOptions options;
    options.grace_period_seconds = test.grace;
    cluster.remove("pods", "one", options);
    if (test.there >= Duration(0)) {
      cluster.run(test.there);
      ASSERT_NE(cluster.get("pods", "one"), nullptr) << test.what;
      EXPECT_TRUE(hasEvent(cluster, "Killing: Stopping container app x1")) << test.what;
    }
    cluster.run(test.gone - std::max(test.there, Duration(0)));
    EXPECT_EQ(cluster.get("pods", "one"), nullptr) << test.what;
  }
}

TEST(Pods, ImagesThatCantBePulled) {
  SmallCluster cluster;
  cluster.create("pods", pod("registry.example/bad:1"));
  cluster.run(milliseconds(500));
  EXPECT_EQ(state(cluster), "waiting ErrImagePull");
  cluster.run(seconds(1));
  EXPECT_EQ(state(cluster), "waiting ImagePullBackOff");
  // The next tries after 10, 20, 40 seconds; each shows its error for a moment.
  cluster.run(milliseconds(9900));
  EXPECT_EQ(state(cluster), "waiting ErrImagePull");
  cluster.run(seconds(5));
  EXPECT_EQ(state(cluster), "waiting ImagePullBackOff");
  cluster.run(minutes(2));
  EXPECT_EQ(getString(*cluster.get("pods", "one"), {"status", "phase"}), "Pending");
  EXPECT_TRUE(hasEvent(cluster, "Failed: Error: ErrImagePull x4"));
  EXPECT_TRUE(hasEvent(cluster, "BackOff: Back-off pulling image \"registry.example/bad:1\" x4"));

  // A good image puts it right.
  cluster.patch("pods", "one", R"({"spec":{"containers":[{"name":"app","image":"x:1"}]}})");
  cluster.run(seconds(2));
  EXPECT_EQ(state(cluster), "running");
}

TEST(Pods, ImagesThatCantExist) {
  for (const std::string_view image : {"crossfade.dev/demo:v1?errors=much", "crossfade.dev/demo:v1?colour=blue",
                                       "Upper/Case:1", "other:1?errors=0.1"}) {
    SmallCluster cluster;
    cluster.create("pods", pod(image));
    cluster.run(seconds(1));
    EXPECT_EQ(state(cluster), "waiting InvalidImageName") << image;
  }
}

TEST(Pods, CrashLoop) {
  SmallCluster cluster;
  cluster.create("pods", pod("x:crash"));
  cluster.run(milliseconds(600));
  EXPECT_EQ(state(cluster), "terminated Error 1");
  EXPECT_TRUE(conditionIs(*cluster.get("pods", "one"), "Ready", "False"));
  cluster.run(milliseconds(1500));  // the first restart is free, the second one waits
  EXPECT_EQ(restarts(cluster), 1);
  EXPECT_EQ(state(cluster), "waiting CrashLoopBackOff");
  EXPECT_EQ(getString(*cluster.get("pods", "one"), {"status", "phase"}), "Running");
  cluster.run(minutes(11));
  // Restarts after 10, 20, 40, 80, 160 and then every 300 seconds.
  EXPECT_EQ(restarts(cluster), 7);
  EXPECT_TRUE(hasEvent(cluster, "BackOff: Back-off restarting failed container app in pod one_default("));
  const json::object status =
      getArray(*cluster.get("pods", "one"), {"status", "containerStatuses"})->front().get_object();
  EXPECT_EQ(getInt(status, {"lastState", "terminated", "exitCode"}), 1);
}

TEST(Pods, TheDemoCrashesWhenAskedTo) {
  SmallCluster cluster;
  cluster.create("pods", pod("crossfade.dev/demo:v1?crash=20s&start=5s"));
  cluster.run(seconds(5));
  EXPECT_EQ(state(cluster), "waiting ContainerCreating");
  cluster.run(seconds(1));
  EXPECT_EQ(state(cluster), "running");
  cluster.run(milliseconds(19700));
  EXPECT_EQ(state(cluster), "terminated Error 1");
  EXPECT_TRUE(conditionIs(*cluster.get("pods", "one"), "Ready", "False"));
  cluster.run(seconds(6));
  EXPECT_EQ(state(cluster), "running");
  EXPECT_EQ(restarts(cluster), 1);
}

TEST(Pods, RestartPolicies) {
  struct Case {
    std::string_view image, policy, phase;
  };
  for (const auto& test : std::vector<Case>{{"x:1", "Never", "Succeeded"},
                                            {"x:fail", "Never", "Failed"},
                                            {"x:1", "OnFailure", "Succeeded"},
                                            {"x:fail", "OnFailure", "Running"},
                                            {"x:1", "Always", "Running"}}) {
    SmallCluster cluster;
    cluster.create("pods", pod(test.image, "", fmt::format(R"(,"restartPolicy":"{}")", test.policy)));
    cluster.run(seconds(30));
    EXPECT_EQ(getString(*cluster.get("pods", "one"), {"status", "phase"}), test.phase)
        << test.image << " " << test.policy;
  }
}

TEST(Pods, InitContainersComeFirstAndSidecarsStay) {
  SmallCluster cluster;
  cluster.create(
      "pods",
      pod("x:1", "",
          R"(,"initContainers":[{"name":"first","image":"x:1"},{"name":"side","image":"x:1","restartPolicy":"Always"}])"));
  cluster.run(milliseconds(300));
  EXPECT_EQ(state(cluster), "waiting PodInitializing");
  EXPECT_TRUE(conditionIs(*cluster.get("pods", "one"), "Initialized", "False"));
  cluster.run(seconds(3));
  EXPECT_EQ(state(cluster), "running");
  EXPECT_TRUE(conditionIs(*cluster.get("pods", "one"), "Initialized", "True"));
  EXPECT_TRUE(conditionIs(*cluster.get("pods", "one"), "Ready", "True"));
  const auto* init = getArray(*cluster.get("pods", "one"), {"status", "initContainerStatuses"});
  ASSERT_EQ(init->size(), 2U);
}

TEST(Pods, ANewImageRestartsTheContainer) {
  SmallCluster cluster;
  cluster.create("pods", pod("x:1"));
  cluster.run(seconds(1));
  cluster.patch("pods", "one", R"({"spec":{"containers":[{"name":"app","image":"x:2"}]}})");
  cluster.run(seconds(5));
  EXPECT_EQ(state(cluster), "running");
  EXPECT_EQ(restarts(cluster), 1);
  EXPECT_TRUE(hasEvent(cluster, "Killing: Container app definition changed, will be restarted x1"));
  EXPECT_TRUE(hasEvent(cluster, "\"x:2\" already present"));
}

TEST(Pods, ReadinessGates) {
  SmallCluster cluster;
  cluster.create("pods", pod("x:1", "", R"(,"readinessGates":[{"conditionType":"example.com/gate"}])"));
  cluster.run(seconds(2));
  Object object = cluster.get("pods", "one");
  EXPECT_TRUE(conditionIs(*object, "ContainersReady", "True"));
  EXPECT_EQ(getString(*findCondition(*object, "Ready"), {"reason"}), "ReadinessGatesNotReady");
  ASSERT_TRUE(cluster.registry.modify(
      cluster.type("pods"), "default", "one", Subresource::status, [&cluster](json::object& copy) {
        setCondition(copy["status"].get_object(), "example.com/gate", "True", "", "", cluster.loop.clock().now());
      }));
  cluster.run(seconds(1));
  EXPECT_TRUE(conditionIs(*cluster.get("pods", "one"), "Ready", "True"));
}

TEST(Pods, TheNodeStartsAgain) {
  SmallCluster cluster;
  cluster.create("replicasets", replicaSet("web", 2));
  cluster.create("pods", pod("x:1"));
  cluster.run(seconds(2));
  const std::string address(getString(*cluster.get("pods", "one"), {"status", "podIP"}));
  cluster.stop();
  cluster.start();
  cluster.run(seconds(2));
  EXPECT_EQ(state(cluster), "running");
  EXPECT_EQ(restarts(cluster), 1);
  EXPECT_EQ(getString(*cluster.get("pods", "one"), {"status", "podIP"}), address);
  EXPECT_EQ(cluster.list("pods").size(), 3U);
  EXPECT_EQ(cluster.show("replicasets", "web", {"status", "availableReplicas"}), "2");
}

TEST(Pods, LogsAndWhyThereAreNone) {
  SmallCluster cluster;
  const auto log = [&cluster](std::string_view pod_name, std::string_view container,
                              bool previous = false) -> std::string {
    auto answer = cluster.loop.get(cluster.pods->log("default", pod_name, container, {.previous = previous}));
    return *answer ? (*answer)->body : (*answer).error().message;
  };
  EXPECT_EQ(log("none", ""), "pods \"none\" not found");
  cluster.create("pods", pod("x:1"));
  cluster.run(milliseconds(100));
  EXPECT_EQ(log("one", ""), "container \"app\" in pod \"one\" is waiting to start: ContainerCreating");
  cluster.run(seconds(1));
  EXPECT_NE(log("one", "").find("x:1"), std::string::npos);
  EXPECT_EQ(log("one", "other"), "container other is not valid for pod one");
  EXPECT_EQ(log("one", "app", true), "previous terminated container \"app\" in pod \"one\" not found");
}

TEST(Pods, AFollowedLogEndsWithItsContainer) {
  SmallCluster cluster;
  cluster.create("pods", pod("x:1"));
  cluster.run(seconds(1));
  auto answer = cluster.loop.get(cluster.pods->log("default", "one", "", {.follow = true, .tail_lines = 0}));
  ASSERT_TRUE(answer && *answer);
  auto& stream = (*answer)->stream;
  ASSERT_NE(stream, nullptr);
  auto waiting = cluster.loop.get(stream->next(cluster.loop.clock().now() + seconds(1)));
  ASSERT_TRUE(waiting);
  EXPECT_EQ(waiting->error().code, ErrorCode::timeout);
  cluster.remove("pods", "one");
  auto ended = cluster.loop.get(stream->next(TimePoint::max()));
  ASSERT_TRUE(ended && *ended);
  EXPECT_EQ(**ended, "");
}

TEST(Pods, WriteNothingWhenNothingHappens) {
  SmallCluster cluster;
  cluster.create(
      "replicasets",
      replicaSet(
          "web", 5, "crossfade.dev/demo:v1", "",
          R"(,"readinessProbe":{"httpGet":{"port":8080,"path":"/healthz"}},"livenessProbe":{"httpGet":{"port":8080}})"));
  cluster.run(minutes(1));
  EXPECT_EQ(cluster.show("replicasets", "web", {"status", "readyReplicas"}), "5");
  const auto version = cluster.registry.resourceVersion();
  cluster.run(minutes(30));
  EXPECT_EQ(cluster.registry.resourceVersion(), version);
}

TEST(Pods, ASeedMakesTheSameLife) {
  const auto live = [] {
    SmallCluster cluster;
    cluster.create("services",
                   R"({"metadata":{"name":"web"},"spec":{"selector":{"app":"web"},"ports":[{"port":80}]}})");
    cluster.create("replicasets", replicaSet("web", 5, "x:crash"));
    cluster.create("replicasets", replicaSet("ok", 5));
    cluster.run(minutes(3));
    cluster.patch("replicasets", "ok", R"({"spec":{"replicas":2}})");
    cluster.run(minutes(3));
    std::string all;
    for (const std::string_view plural : {"pods", "replicasets", "endpoints", "endpointslices", "events"}) {
      for (const auto& object : cluster.list(plural)) all += json::serialize(*object) + "\n";
    }
    return all;
  };
  EXPECT_EQ(live(), live());
}

TEST(Events, AreForgottenAfterAnHour) {
  SmallCluster cluster;
  cluster.create("pods", pod("x:1"));
  cluster.run(minutes(59));
  EXPECT_EQ(cluster.list("events").size(), 4U);
  cluster.run(minutes(2));
  EXPECT_TRUE(cluster.list("events").empty());
}

}  // namespace
}  // namespace crossfade::local
