// A registry with controllers, pods and gateway on real loopback sockets and the machine's clock. For what only sockets
// show.
#pragma once
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <string>

#include "base/json.hpp"
#include "local/gateway.hpp"
#include "local/object_facts.hpp"
#include "local/pods.hpp"
#include "local/workloads.hpp"
#include "net/http.hpp"

namespace crossfade::local {

class LiveCluster {
 public:
  explicit LiveCluster(PodOptions options = {.ready_delay = milliseconds(20)})
      : clock(makeSystemClock(io.get_executor())), random(3), registry(*clock, random) {
    serveHttpRoutes();
    workloads.emplace(registry, *clock, random);
    pods.emplace(registry, io.get_executor(), *clock, random, options);
    auto started = Gateway::start(registry, *pods, io.get_executor(), *clock, random, {});
    EXPECT_TRUE(started) << started.error().message;
    if (started) gateway = std::move(*started);
    dialer = net::makeDialer(io.get_executor(), *clock);
  }
  ~LiveCluster() {
    clock->clear();
    io.poll();
    gateway.reset();
    pods.reset();
    workloads.reset();
    dialer.reset();
    io.restart();
    io.poll();
  }

  const ResourceType& type(std::string_view plural) const {
    for (const ResourceType* known : registry.resources()) {
      if (known->plural == plural) return *known;
    }
    ADD_FAILURE() << "no resource " << plural;
    return *registry.resources().front();
  }
  void create(std::string_view plural, std::string_view text) {
    auto parsed = parseJson(text);
    ASSERT_TRUE(parsed) << text;
    auto made = registry.create(type(plural), "default", parsed->get_object());
    ASSERT_TRUE(made) << made.error().message;
  }
  void patch(std::string_view plural, std::string_view name, std::string_view merge) {
    const auto changed =
        registry.modify(type(plural), "default", name, Subresource::none, [merge](json::object& object) {
          json::value value(std::move(object));
          mergePatch(value, *parseJson(merge));
          object = std::move(value.get_object());
        });
    EXPECT_TRUE(changed) << changed.error().message;
  }
  Object get(std::string_view plural, std::string_view name) const {
    auto found = registry.get(type(plural), "default", name);
    return found ? *found : nullptr;
  }

  // Runs the loop until the condition holds; false when it didn't within the limit.
  bool until(const std::function<bool()>& condition, Duration limit = seconds(60)) {
    const TimePoint end = clock->now() + limit;
    while (!condition()) {
      if (clock->now() > end) return false;
      io.restart();
      io.run_one_for(std::chrono::milliseconds(100));
    }
    return true;
  }
  template <class T>
  std::optional<T> await(Task<T> task) {
    auto result = std::make_shared<std::optional<T>>();
    spawn(io.get_executor(), store(std::move(task), result));
    until([result] { return result->has_value(); });
    return std::move(*result);
  }
  bool available(std::string_view deployment, std::int64_t replicas) {
    return until([this, deployment, replicas] {
      const Object object = get("deployments", deployment);
      return object &&
             getInt(*object, {"status", "observedGeneration"}) == getInt(*object, {"metadata", "generation"}) &&
             getInt(*object, {"status", "availableReplicas"}) == replicas &&
             getInt(*object, {"status", "updatedReplicas"}) == replicas &&
             getInt(*object, {"status", "replicas"}) == replicas;
    });
  }

  std::shared_ptr<net::Transport> transport(std::uint16_t port) {
    return *dialer->dial({.tls = false, .host = "127.0.0.1", .port = port}, {});
  }
  // One request through the gateway.
  Result<net::Response> ask(net::Request request) {
    auto answer = await(transport(gateway->port())->send(std::move(request), seconds(20)));
    return answer ? std::move(*answer) : Result<net::Response>(fail(ErrorCode::timeout, "no answer"));
  }
  Result<net::Response> ask(std::string_view host, std::string_view target = "/", net::Headers headers = {}) {
    net::Request request;
    request.target = target;
    request.headers = std::move(headers);
    request.headers.set("Host", std::string(host));
    return ask(std::move(request));
  }

  boost::asio::io_context io;
  std::unique_ptr<Clock> clock;
  Random random;
  Registry registry;
  std::optional<Workloads> workloads;
  std::optional<Pods> pods;
  std::unique_ptr<Gateway> gateway;
  std::unique_ptr<net::Dialer> dialer;

 private:
  // The kind without its schema, which takes seconds to read with sanitizers.
  void serveHttpRoutes() {
    const auto definition = parseJson(R"({"metadata":{"name":"httproutes.gateway.networking.k8s.io",
        "annotations":{"api-approved.kubernetes.io":"unapproved, a test"}},
        "spec":{"group":"gateway.networking.k8s.io","scope":"Namespaced",
        "names":{"kind":"HTTPRoute","listKind":"HTTPRouteList","plural":"httproutes","singular":"httproute"},
        "versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{}},
        "schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}})");
    const auto made = registry.create(type("customresourcedefinitions"), "", definition->get_object());
    EXPECT_TRUE(made) << made.error().message;
  }
  template <class T>
  static Task<> store(Task<T> task, std::shared_ptr<std::optional<T>> result) {
    result->emplace(co_await std::move(task));
  }
};

// A Deployment and a Service of the same name, pods of the demo application.
inline void deploy(LiveCluster& cluster, std::string_view name, int replicas, std::string_view image,
                   std::string_view more_of_container = "") {
  cluster.create(
      "deployments",
      fmt::format(R"({{"metadata":{{"name":"{0}"}},"spec":{{"replicas":{1},"selector":{{"matchLabels":{{"app":"{0}"}}}},
      "template":{{"metadata":{{"labels":{{"app":"{0}"}}}},"spec":{{"containers":[{{"name":"app","image":"{2}","ports":[{{"containerPort":8080}}]{3}}}]}}}}}}}})",
                  name, replicas, image, more_of_container));
  cluster.create(
      "services",
      fmt::format(
          R"({{"metadata":{{"name":"{0}"}},"spec":{{"selector":{{"app":"{0}"}},"ports":[{{"port":80,"targetPort":8080}}]}}}})",
          name));
}

}  // namespace crossfade::local
