// Binding, eviction, tokens, logs, a namespace's finalizers.
#include "unit/local/api_fixture.hpp"

namespace crossfade::local {
namespace {

class FakeLogs : public PodLogs {
 public:
  Task<Result<net::Response>> log(std::string_view ns, std::string_view pod, std::string_view container,
                                  LogOptions options) override {
    if (pod != "p") co_return fail(ErrorCode::not_found, fmt::format("pods \"{}\" not found", pod));
    if (container == "zz") co_return fail(ErrorCode::invalid, "container zz is not valid for pod p");
    net::Response response;
    response.body = fmt::format("{} {} {} {} {} {}", ns, pod, container, options.follow,
                                options.tail_lines.value_or(-1), options.previous);
    if (options.since) response.body += " since " + formatTime(*options.since);
    if (options.limit_bytes) response.body += fmt::format(" limit {}", *options.limit_bytes);
    if (options.timestamps) response.body += " timestamps";
    co_return response;
  }
};

class ApiServerSubresources : public ApiTest {
 protected:
  void makePod(std::string_view phase = "Running") {
    ASSERT_EQ(send("POST", pods,
                   R"({"metadata":{"name":"p","labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}})")
                  .status,
              201);
    const auto status =
        fmt::format(R"({{"status":{{"phase":"{}","conditions":[{{"type":"Ready","status":"True"}}]}}}})", phase);
    ASSERT_EQ(send("PATCH", fmt::format("{}/p/status", pods), status, merge).status, 200);
  }
  void makeBudget(int allowed, int observed = 1) {
    ASSERT_EQ(send("POST", "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
                   R"({"metadata":{"name":"pdb"},"spec":{"minAvailable":1,"selector":{"matchLabels":{"a":"b"}}}})")
                  .status,
              201);
    const auto status = fmt::format(
        R"({{"status":{{"observedGeneration":{},"disruptionsAllowed":{},"currentHealthy":1,"desiredHealthy":1,"expectedPods":1}}}})",
        observed, allowed);
    ASSERT_EQ(send("PATCH", "/apis/policy/v1/namespaces/default/poddisruptionbudgets/pdb/status", status, merge).status,
              200);
  }
  Reply evict(std::string_view extra = "") {
    return send("POST", fmt::format("{}/p/eviction{}", pods, extra),
                R"({"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"p","namespace":"default"}})");
  }
};

TEST_F(ApiServerSubresources, BindsOnce) {
  makePod("Pending");
  const std::string body = R"({"metadata":{"name":"p"},"target":{"kind":"Node","name":"n1"}})";
  const Reply bound = send("POST", fmt::format("{}/p/binding", pods), body);
  EXPECT_EQ(bound.status, 201);
  EXPECT_EQ(bound.at({"status"}), "Success");
  EXPECT_EQ(get(fmt::format("{}/p", pods)).at({"spec", "nodeName"}), "n1");
  for (const std::string_view path :
       {"/api/v1/namespaces/default/pods/p/binding", "/api/v1/namespaces/default/bindings"}) {
    const Reply again = send("POST", path, body);
    EXPECT_EQ(again.status, 409) << path;
    EXPECT_EQ(again.at({"message"}),
              "Operation cannot be fulfilled on pods/binding \"p\": pod p is already assigned to node \"n1\"");
  }
  EXPECT_EQ(send("POST", fmt::format("{}/zz/binding", pods), body).status, 404);
}

TEST_F(ApiServerSubresources, EvictsWithinTheBudget) {
  makePod();
  makeBudget(1);
  EXPECT_EQ(evict("?dryRun=All").status, 201);
  EXPECT_EQ(evict().status, 201);
  const Reply budget = get("/apis/policy/v1/namespaces/default/poddisruptionbudgets/pdb");
  EXPECT_EQ(getInt(budget.body.get_object(), {"status", "disruptionsAllowed"}), 0);
  EXPECT_NE(find(budget.body, {"status", "disruptedPods", "p"}), nullptr);
}

TEST_F(ApiServerSubresources, RefusesWhatWouldBreakTheBudget) {
  makePod();
  makeBudget(0);
  const Reply refused = evict();
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.at({"message"}), "Cannot evict pod as it would violate the pod's disruption budget.");
  EXPECT_NE(refused.text.find("The disruption budget pdb needs 1 healthy pods and has 1 currently"), std::string::npos);
  EXPECT_EQ(get(fmt::format("{}/p", pods)).status, 200);
}

TEST_F(ApiServerSubresources, WaitsForABudgetThatIsNotUpToDate) {
  makePod();
  makeBudget(1, 0);
  const Reply refused = evict();
  EXPECT_EQ(refused.status, 429);
  EXPECT_EQ(refused.headers.get("Retry-After"), "10");
  EXPECT_NE(refused.text.find("is still being processed by the server"), std::string::npos);
}

TEST_F(ApiServerSubresources, EvictsIdlePodsInSpiteOfBudgets) {
  makePod("Pending");
  makeBudget(0);
  EXPECT_EQ(evict().status, 201);
  EXPECT_EQ(send("POST", fmt::format("{}/zz/eviction", pods), "{}").status, 404);
}

TEST_F(ApiServerSubresources, HandsOutTokens) {
  ASSERT_EQ(send("POST", "/api/v1/namespaces/default/serviceaccounts", R"({"metadata":{"name":"me"}})").status, 201);
  const std::string target = "/api/v1/namespaces/default/serviceaccounts/me/token";
  const Reply reply = send("POST", target, R"({"spec":{"expirationSeconds":700}})");
  EXPECT_EQ(reply.status, 201);
  EXPECT_FALSE(reply.at({"status", "token"}).empty());
  EXPECT_EQ(reply.at({"status", "expirationTimestamp"}), "2024-01-01T00:11:40Z");
  EXPECT_EQ(send("POST", target, R"({"spec":{"expirationSeconds":1}})").at({"message"}),
            "TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: 1: may not "
            "specify a duration less than 10 minutes");
}

TEST_F(ApiServerSubresources, ReadsLogs) {
  FakeLogs logs;
  ApiServer server(registry, loop.clock(), {}, &logs);
  const auto read = [&](std::string_view query) {
    return *loop.get(
        server.handle({.method = "GET", .target = fmt::format("{}/{}", pods, query), .headers = {}, .body = {}}));
  };
  EXPECT_EQ(read("p/log?container=c&follow=true&tailLines=5&previous=1").body, "default p c true 5 true");
  EXPECT_EQ(read("p/log").body, "default p  false -1 false");
  EXPECT_EQ(read("p/log?sinceTime=2023-12-31T23:00:00%2B01:00&limitBytes=7&timestamps=true").body,
            "default p  false -1 false since 2023-12-31T22:00:00Z limit 7 timestamps");
  EXPECT_EQ(read("p/log?sinceSeconds=60").body,
            "default p  false -1 false since " + formatTime(loop.clock().now() - seconds(60)));
  EXPECT_EQ(read("p/log?sinceSeconds=9223372036854775807").status, 200);
  EXPECT_EQ(read("q/log").status, 404);
  EXPECT_EQ(read("p/log?container=zz").status, 400);
  EXPECT_EQ(read("p/log?tailLines=x").status, 400);
  EXPECT_EQ(read("p/log?sinceTime=yesterday").status, 400);
  // What the options may be is looked at before the pod is.
  const auto refusal = [&](std::string_view query) {
    const auto reply = read(fmt::format("q/log?{}", query));
    EXPECT_EQ(reply.status, 422);
    return std::string(getString(parseJson(reply.body)->get_object(), {"message"}));
  };
  EXPECT_EQ(refusal("limitBytes=-1&tailLines=-1"),
            "PodLogOptions \"q\" is invalid: [tailLines: Invalid value: -1: must be greater than or equal to 0, "
            "limitBytes: Invalid value: -1: must be greater than 0]");
  EXPECT_EQ(refusal("sinceSeconds=0"),
            "PodLogOptions \"q\" is invalid: sinceSeconds: Invalid value: 0: must be greater than 0");
  EXPECT_EQ(refusal("sinceSeconds=1&sinceTime=2024-01-01T00:00:00Z"),
            "PodLogOptions \"q\" is invalid: []: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be "
            "specified");
  EXPECT_EQ(get(fmt::format("{}/p/log", pods)).status, 400);  // a cluster without logs
}

TEST_F(ApiServerSubresources, FinalizesNamespaces) {
  ASSERT_EQ(send("POST", "/api/v1/namespaces", R"({"metadata":{"name":"fin","finalizers":["x.io/wait"]}})").status,
            201);
  const Reply going = send("DELETE", "/api/v1/namespaces/fin");
  EXPECT_EQ(going.at({"status", "phase"}), "Terminating");
  const Reply late = send("POST", "/api/v1/namespaces/fin/configmaps", R"({"metadata":{"name":"x"}})");
  EXPECT_EQ(late.status, 403);
  EXPECT_EQ(
      json::serialize((*getArray(late.body.get_object(), {"details", "causes"}))[0]),
      R"({"reason":"NamespaceTerminating","message":"namespace fin is being terminated","field":"metadata.namespace"})");
  const Reply done =
      send("PUT", "/api/v1/namespaces/fin/finalize",
           R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":"fin"},"spec":{"finalizers":[]}})");
  EXPECT_EQ(done.status, 200) << done.text;
}

}  // namespace
}  // namespace crossfade::local
