#include "kube/client.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "support/scripted_transport.hpp"
#include "support/virtual_clock.hpp"

namespace crossfade::kube {
namespace {

using namespace std::chrono_literals;

std::string status(int code, std::string_view reason, std::string_view message) {
  return json::serialize(json::object{{"kind", "Status"},
                                      {"apiVersion", "v1"},
                                      {"status", "Failure"},
                                      {"message", message},
                                      {"reason", reason},
                                      {"code", code}});
}

class ClientTest : public testing::Test {
 protected:
  ~ClientTest() override { loop.kill(); }
  Client make(Config config = {}) { return Client(transport, loop.clock(), std::move(config), "crossfade/v1"); }
  template <class T>
  Result<T> get(Task<Result<T>> task) {
    auto done = loop.get(std::move(task));
    if (!done) return fail(ErrorCode::internal, "the task did not end");
    return std::move(*done);
  }
  std::string header(std::string_view name) { return std::string(transport->requests().back().headers.get(name)); }
  std::vector<std::string> targets() {
    std::vector<std::string> all;
    for (const auto& request : transport->requests()) all.push_back(request.method + " " + request.target);
    return all;
  }

  test::VirtualLoop loop;
  const TimePoint began = loop.clock().now();
  Duration elapsed() { return loop.clock().now() - began; }
  std::shared_ptr<test::ScriptedTransport> transport = std::make_shared<test::ScriptedTransport>(loop.clock());
};

TEST_F(ClientTest, NamesResources) {
  EXPECT_EQ(resources::pods.path("", ""), "/api/v1/pods");
  EXPECT_EQ(resources::rollouts.path("ns", "a"), "/apis/argoproj.io/v1alpha1/namespaces/ns/rollouts/a");
  EXPECT_EQ(resources::rollouts.path("ns", "a", "status"),
            "/apis/argoproj.io/v1alpha1/namespaces/ns/rollouts/a/status");
  EXPECT_EQ(resources::namespaces.path("ignored", "a"), "/api/v1/namespaces/a");
  EXPECT_EQ(resources::pods.path("n s", "../x?y"), "/api/v1/namespaces/n%20s/pods/..%2Fx%3Fy");
}

TEST_F(ClientTest, ReadsAnObject) {
  Client client = make();
  transport->answer(200, R"({"kind":"Pod","metadata":{"name":"a"}})");
  const auto pod = get(client.get(resources::pods, "ns", "a"));
  ASSERT_TRUE(pod);
  EXPECT_EQ(getString(*pod, {"metadata", "name"}), "a");
  EXPECT_EQ(transport->last(), "GET /api/v1/namespaces/ns/pods/a");
  EXPECT_EQ(header("user-agent"), "crossfade/v1");
  EXPECT_EQ(header("accept"), "application/json");
  EXPECT_EQ(header("authorization"), "");
}

TEST_F(ClientTest, KeepsThePathOfTheServersUrl) {
  Config config;
  config.origin.base_path = "/k8s/clusters/c-1";
  Client client = make(config);
  transport->answer(200, "{}");
  get(client.get(resources::pods, "ns", "a"));
  EXPECT_EQ(transport->last(), "GET /k8s/clusters/c-1/api/v1/namespaces/ns/pods/a");
}

TEST_F(ClientTest, WritesWithTheContentTypesOfTheApi) {
  Client client = make();
  const json::object body{{"a", 1}};
  const auto once = [&](Task<Result<json::object>> task, const std::string& line, const std::string& type,
                        const std::string& text) {
    transport->answer(200, "{}");
    EXPECT_TRUE(get(std::move(task)));
    EXPECT_EQ(transport->last(), line);
    EXPECT_EQ(header("content-type"), type);
    EXPECT_EQ(transport->requests().back().body, text);
  };
  const std::string path = "/apis/apps/v1/namespaces/ns/replicasets";
  const std::string manager = "?fieldManager=rollouts-controller";
  const auto& sets = resources::replica_sets;
  once(client.create(sets, "ns", body), "POST " + path + manager, "application/json", R"({"a":1})");
  once(client.create(resources::pods, "ns", body, {}, "p", "eviction"),
       "POST /api/v1/namespaces/ns/pods/p/eviction" + manager, "application/json", R"({"a":1})");
  WriteOptions edit;
  edit.field_manager = "kubectl edit";
  edit.dry_run = true;
  edit.strict = true;
  once(client.update(sets, "ns", "x", body, edit),
       "PUT " + path + "/x?fieldManager=kubectl%20edit&dryRun=All&fieldValidation=Strict", "application/json",
       R"({"a":1})");
  once(client.patch(sets, "ns", "x", PatchType::merge, body, {}, "status"), "PATCH " + path + "/x/status" + manager,
       "application/merge-patch+json", R"({"a":1})");
  once(client.patch(sets, "ns", "x", PatchType::strategic, body), "PATCH " + path + "/x" + manager,
       "application/strategic-merge-patch+json", R"({"a":1})");
  once(client.patch(sets, "ns", "x", PatchType::json, json::array{}), "PATCH " + path + "/x" + manager,
       "application/json-patch+json", "[]");
  once(client.patch(sets, "ns", "x", PatchType::apply, body), "PATCH " + path + "/x" + manager + "&force=true",
       "application/apply-patch+yaml", R"({"a":1})");
  once(client.remove(sets, "ns", "x", Propagation::foreground, "u-1"), "DELETE " + path + "/x", "application/json",
       R"({"apiVersion":"v1","kind":"DeleteOptions","propagationPolicy":"Foreground","preconditions":{"uid":"u-1"}})");
}

TEST_F(ClientTest, ErrorsCarryTheServersMessageAndItsMeaning) {
  const struct {
    int code;
    std::string body;
    ErrorCode meaning;
    std::string message;
  } cases[] = {
      {404, status(404, "NotFound", "pods \"a\" not found"), ErrorCode::not_found, "pods \"a\" not found"},
      {404, "404 page not found\n", ErrorCode::not_found, "HTTP status 404: 404 page not found\n"},
      {409, status(409, "AlreadyExists", "m"), ErrorCode::already_exists, "m"},
      {409, status(409, "Conflict", "m"), ErrorCode::conflict, "m"},
      {410, status(410, "Expired", "too old resource version: 1 (7)"), ErrorCode::gone,
       "too old resource version: 1 (7)"},
      {410, status(410, "Gone", "m"), ErrorCode::gone, "m"},
      {422, status(422, "Invalid", "m"), ErrorCode::invalid, "m"},
      {400, status(400, "BadRequest", "m"), ErrorCode::invalid, "m"},
      {405, status(405, "MethodNotAllowed", "m"), ErrorCode::invalid, "m"},
      {403, status(403, "Forbidden", "m"), ErrorCode::forbidden, "m"},
      {413, "Request entity too large", ErrorCode::too_large, "HTTP status 413: Request entity too large"},
      {500, status(500, "InternalError", "m"), ErrorCode::unavailable, "m"},
      {503, "", ErrorCode::unavailable, "HTTP status 503"},
      {504, status(504, "Timeout", "m"), ErrorCode::timeout, "m"},
      {302, "", ErrorCode::internal, "HTTP status 302"},
  };
  Client client = make();
  for (const auto& [code, body, meaning, message] : cases) {
    transport->answer(code, body);
    const auto pod = get(client.get(resources::pods, "ns", "a"));
    ASSERT_FALSE(pod) << code;
    EXPECT_EQ(pod.error().code, meaning) << code << " " << body;
    EXPECT_EQ(pod.error().message, message);
  }
}

TEST_F(ClientTest, AnAnswerThatIsNoObjectIsAnError) {
  Client client = make();
  for (const char* body : {"<html>log in first</html>", "", "[]", "{\"a\":"}) {
    transport->answer(200, body);
    const auto pod = get(client.get(resources::pods, "ns", "a"));
    ASSERT_FALSE(pod);
    EXPECT_EQ(pod.error().code, ErrorCode::internal);
    EXPECT_NE(pod.error().message.find(body), std::string::npos);
  }
}

TEST_F(ClientTest, ASilentServerIsATimeout) {
  Client client = make();
  transport->answer(200, "{}");
  transport->setLatency(1h);
  const auto pod = get(client.get(resources::pods, "ns", "a"));
  ASSERT_FALSE(pod);
  EXPECT_EQ(pod.error().code, ErrorCode::timeout);
  EXPECT_EQ(elapsed(), Client::request_timeout);
}

// --- throttling ---

TEST_F(ClientTest, WaitsAsLongAsTheServerAsks) {
  Client client = make();
  transport->answer(429, "", {{"Retry-After", "7"}});
  transport->answer(503, "", {{"Retry-After", "2"}});
  transport->answer(429, "");
  transport->answer(429, R"({"kind":"Status","reason":"TooManyRequests","details":{"retryAfterSeconds":3}})");
  transport->answer(200, "{}");
  EXPECT_TRUE(get(client.get(resources::pods, "ns", "a")));
  EXPECT_EQ(elapsed(), 13s);
}

TEST_F(ClientTest, GivesUpAfterAMinuteOfThrottling) {
  Client client = make();
  transport->otherwise([](const net::Request&) {
    net::Response response;
    response.status = 429;
    response.headers.set("Retry-After", "25");
    response.body = status(429, "TooManyRequests", "slow down");
    return response;
  });
  const auto pod = get(client.get(resources::pods, "ns", "a"));
  ASSERT_FALSE(pod);
  EXPECT_EQ(pod.error(), (Error{ErrorCode::throttled, "slow down", 25s}));
  EXPECT_EQ(elapsed(), 50s);
}

TEST_F(ClientTest, DoesNotRepeatOtherFailures) {
  Client client = make();
  transport->answer(503, "");
  EXPECT_FALSE(get(client.create(resources::pods, "ns", {})));
  transport->fail(ErrorCode::unavailable, "reset");
  EXPECT_FALSE(get(client.create(resources::pods, "ns", {})));
  EXPECT_EQ(transport->requests().size(), 2U);
}

TEST_F(ClientTest, AForbiddenEvictionIsNotWaitedOut) {
  Client client = make();
  transport->answer(429, R"({"kind":"Status","message":"Cannot evict pod","reason":"TooManyRequests",
      "details":{"causes":[{"reason":"DisruptionBudget","message":"needs 2 healthy pods"}]},"code":429})");
  const auto evicted = get(client.create(resources::pods, "ns", {}, {}, "a", "eviction"));
  ASSERT_FALSE(evicted);
  EXPECT_EQ(evicted.error().code, ErrorCode::throttled);
  EXPECT_EQ(elapsed(), 0s);
}

// --- who we are ---

TEST_F(ClientTest, SendsTheTokenAndImpersonates) {
  Config config;
  config.token = "t0k3n";
  config.as_user = "jane";
  config.as_uid = "7";
  config.as_groups = {"a", "b"};
  Client client = make(config);
  transport->answer(200, "{}");
  get(client.get(resources::pods, "ns", "a"));
  EXPECT_EQ(header("Authorization"), "Bearer t0k3n");
  EXPECT_EQ(header("Impersonate-User"), "jane");
  EXPECT_EQ(header("Impersonate-Uid"), "7");
  std::vector<std::string> groups;
  for (const auto& [name, value] : transport->requests().back().headers) {
    if (name == "Impersonate-Group") groups.push_back(value);
  }
  EXPECT_EQ(groups, (std::vector<std::string>{"a", "b"}));
}

TEST_F(ClientTest, SendsBasicAuthentication) {
  Config config;
  config.username = "Aladdin";
  config.password = "open sesame";
  Client client = make(config);
  transport->answer(200, "{}");
  get(client.get(resources::pods, "ns", "a"));
  EXPECT_EQ(header("Authorization"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

TEST_F(ClientTest, AnExpiredTokenIsUnauthorizedWithTheServersMessage) {
  Config config;
  config.token = "old";
  config.description = "context \"x\" of /k";
  Client client = make(config);
  transport->answer(401, status(401, "Unauthorized", "token has expired"));
  const auto pod = get(client.get(resources::pods, "ns", "a"));
  ASSERT_FALSE(pod);
  EXPECT_EQ(pod.error().code, ErrorCode::unauthorized);
  EXPECT_EQ(pod.error().message, "token has expired (the API server refused the credentials of context \"x\" of /k)");
  EXPECT_EQ(transport->requests().size(), 1U);
}

class TokenFileTest : public ClientTest {
 protected:
  void write(const std::string& token) { std::ofstream(path) << token; }
  std::string path = testing::TempDir() + "crossfade_token_" + std::to_string(::getpid());
  ~TokenFileTest() override { std::remove(path.c_str()); }
  std::string ask(Client& client) {
    transport->answer(200, "{}");
    get(client.get(resources::pods, "ns", "a"));
    return header("Authorization");
  }
};

TEST_F(TokenFileTest, IsReadAgainAfterAMinute) {
  Config config;
  config.token_file = path;
  Client client = make(config);
  write("one\n");
  EXPECT_EQ(ask(client), "Bearer one");
  write("two\n");
  loop.run(59s);
  EXPECT_EQ(ask(client), "Bearer one");
  loop.run(1s);
  EXPECT_EQ(ask(client), "Bearer two");
  write("");  // being replaced
  loop.run(2min);
  EXPECT_EQ(ask(client), "Bearer two");
}

TEST_F(TokenFileTest, IsReadAgainAfterA401) {
  Config config;
  config.token_file = path;
  Client client = make(config);
  write("one");
  EXPECT_EQ(ask(client), "Bearer one");
  write("two");
  transport->answer(401, status(401, "Unauthorized", "Unauthorized"));
  EXPECT_EQ(ask(client), "Bearer two");
  // Once a request.
  transport->answer(401, status(401, "Unauthorized", "Unauthorized"));
  transport->answer(401, status(401, "Unauthorized", "Unauthorized"));
  EXPECT_EQ(get(client.get(resources::pods, "ns", "a")).error().code, ErrorCode::unauthorized);
}

TEST_F(TokenFileTest, ThatIsMissingIsNamed) {
  Config config;
  config.token_file = path + ".none";
  Client client = make(config);
  const auto pod = get(client.get(resources::pods, "ns", "a"));
  ASSERT_FALSE(pod);
  EXPECT_EQ(pod.error().code, ErrorCode::unauthorized);
  EXPECT_NE(pod.error().message.find(path + ".none"), std::string::npos);
}

// --- lists ---

TEST_F(ClientTest, ReadsAListPageByPage) {
  Client client = make();
  transport->answer(200, R"({"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"9","continue":"to k"},
      "items":[{"metadata":{"name":"a"}},{"kind":"Own","apiVersion":"x/v1","metadata":{"name":"b"}}]})");
  transport->answer(200, R"({"metadata":{"resourceVersion":"9","continue":""},"items":[{"metadata":{"name":"c"}}]})");
  ListOptions options;
  options.label_selector = "a in (b,c)";
  options.field_selector = "x=y";
  options.resource_version = "3";
  const auto list = get(client.list(resources::pods, "ns", options));
  ASSERT_TRUE(list);
  EXPECT_EQ(list->resource_version, "9");
  ASSERT_EQ(list->items.size(), 3U);
  EXPECT_EQ(getString(list->items[0], {"kind"}), "Pod");
  EXPECT_EQ(getString(list->items[1], {"apiVersion"}), "x/v1");
  EXPECT_EQ(targets(), (std::vector<std::string>{
                           "GET "
                           "/api/v1/namespaces/ns/"
                           "pods?labelSelector=a%20in%20%28b%2Cc%29&fieldSelector=x%3Dy&limit=500&resourceVersion=3",
                           "GET "
                           "/api/v1/namespaces/ns/"
                           "pods?labelSelector=a%20in%20%28b%2Cc%29&fieldSelector=x%3Dy&limit=500&continue=to%20k"}));
}

TEST_F(ClientTest, AListWhosePagesExpireIsReadAgainInOnePiece) {
  Client client = make();
  transport->answer(200, R"({"metadata":{"resourceVersion":"9","continue":"t"},"items":[{"metadata":{"name":"a"}}]})");
  transport->answer(410, status(410, "Expired", "too old"));
  transport->answer(200, R"({"metadata":{"resourceVersion":"12"},"items":[{"metadata":{"name":"b"}}]})");
  const auto list = get(client.list(resources::pods, "ns"));
  ASSERT_TRUE(list);
  EXPECT_EQ(list->resource_version, "12");
  ASSERT_EQ(list->items.size(), 1U);
  EXPECT_EQ(getString(list->items[0], {"metadata", "name"}), "b");
  EXPECT_EQ(transport->last(), "GET /api/v1/namespaces/ns/pods");
}

TEST_F(ClientTest, AListThatIsGoneFromTheStartIsAnError) {
  Client client = make();
  transport->answer(410, status(410, "Expired", "too old"));
  EXPECT_EQ(get(client.list(resources::pods, "ns")).error().code, ErrorCode::gone);
}

TEST_F(ClientTest, AListThatNeverEndsIsAnError) {
  Client client = make();
  for (int i = 0; i < 2; ++i)
    transport->answer(200, R"({"metadata":{"resourceVersion":"9","continue":"t"},"items":null})");
  EXPECT_EQ(get(client.list(resources::pods, "ns")).error().code, ErrorCode::internal);
}

TEST_F(ClientTest, AnEmptyListMayBeNull) {
  Client client = make();
  transport->answer(200, R"({"metadata":{"resourceVersion":"9"},"items":null})");
  const auto list = get(client.list(resources::pods, ""));
  ASSERT_TRUE(list);
  EXPECT_TRUE(list->items.empty());
}

// --- the rest ---

TEST_F(ClientTest, OpensWatches) {
  Client client = make();
  const auto stream = transport->stream();
  WatchOptions options;
  options.label_selector = "a";
  options.resource_version = "7";
  const auto watch = get(client.watch(resources::pods, "", options));
  ASSERT_TRUE(watch);
  EXPECT_EQ(
      transport->last(),
      "GET /api/v1/pods?watch=true&allowWatchBookmarks=true&labelSelector=a&resourceVersion=7&timeoutSeconds=300");
  transport->answer(410, status(410, "Expired", "too old"));
  EXPECT_EQ(get(client.watch(resources::pods, "", options)).error().code, ErrorCode::gone);
}

TEST_F(ClientTest, TellsItsObserver) {
  Client client = make();
  std::vector<std::string> seen;
  client.setObserver([&](std::string_view method, std::string_view target, int status) {
    seen.push_back(fmt::format("{} {} {}", method, target, status));
  });
  transport->answer(429, "", {{"Retry-After", "1"}});
  transport->answer(200, "{}");
  transport->fail(ErrorCode::unavailable, "reset");
  get(client.get(resources::pods, "ns", "a"));
  get(client.get(resources::pods, "ns", "a"));
  EXPECT_EQ(seen,
            (std::vector<std::string>{"GET /api/v1/namespaces/ns/pods/a 429", "GET /api/v1/namespaces/ns/pods/a 200"}));
}

TEST_F(ClientTest, LogsEachWarningOnce) {
  Client client = make();
  testing::internal::CaptureStderr();
  for (int i = 0; i < 2; ++i) {
    transport->answer(200, "{}",
                      {{"Warning", R"(299 - "unknown field \"spec.x\"", 299 - "second")"},
                       {"warning", R"(299 - "third")"},
                       {"Warning", R"(299 - "never closed)"}});
    get(client.get(resources::pods, "ns", "a"));
  }
  const std::string log = testing::internal::GetCapturedStderr();
  const auto count = [&](std::string_view text) {
    int found = 0;
    for (auto at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count(R"(unknown field "spec.x")"), 1) << log;
  EXPECT_EQ(count("second"), 1);
  EXPECT_EQ(count("third"), 1);
  EXPECT_EQ(count("never"), 0);
}

TEST_F(ClientTest, DiscoversThePreferredVersionOfAKind) {
  Client client = make();
  transport->answer(
      200,
      R"({"kind":"APIGroup","versions":[{"version":"v1beta1"},{"version":"v1"}],"preferredVersion":{"version":"v1"}})");
  transport->answer(200, R"({"resources":[{"name":"httproutes/status","kind":"HTTPRoute","namespaced":true},
      {"name":"httproutes","kind":"HTTPRoute","namespaced":true}]})");
  const auto found = get(client.discover("gateway.networking.k8s.io", "HTTPRoute"));
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, (ResourceKey{"gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute", true}));
  EXPECT_EQ(targets(), (std::vector<std::string>{"GET /apis/gateway.networking.k8s.io",
                                                 "GET /apis/gateway.networking.k8s.io/v1"}));
}

TEST_F(ClientTest, DiscoversTheFirstVersionThatIsServed) {
  Client client = make();
  transport->answer(404, "404 page not found");
  transport->answer(200, R"({"resources":[{"name":"gateways","kind":"Gateway","namespaced":false}]})");
  const auto found = get(client.discover("g", "Gateway", {"v1", "v1beta1"}));
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, (ResourceKey{"g", "v1beta1", "gateways", "Gateway", false}));
  transport->answer(404, "404 page not found");
  transport->answer(200, R"({"resources":[]})");
  EXPECT_EQ(get(client.discover("g", "Gateway", {"v1", "v1beta1"})).error().code, ErrorCode::not_found);
  transport->answer(404, "404 page not found");
  EXPECT_EQ(get(client.discover("g", "Gateway")).error().code, ErrorCode::not_found);
}

TEST_F(ClientTest, ReadsRawText) {
  Client client = make();
  transport->answer(200, "a line\n");
  EXPECT_EQ(get(client.getRaw("/api/v1/namespaces/ns/pods/a/log")), "a line\n");
}

TEST_F(ClientTest, ARequestUnderWaySurvivesItsClient) {
  auto client = std::make_unique<Client>(transport, loop.clock(), Config{}, "x");
  transport->answer(429, "", {{"Retry-After", "5"}});
  transport->answer(200, "{}");
  auto task = client->get(resources::pods, "ns", "a");
  client.reset();
  EXPECT_TRUE(get(std::move(task)));
}

}  // namespace
}  // namespace crossfade::kube
