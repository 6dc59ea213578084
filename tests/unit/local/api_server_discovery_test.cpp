// Discovery, health, unknown paths and methods, authentication, limits.
#include "unit/local/api_fixture.hpp"

namespace crossfade::local {
namespace {

class ApiServerDiscovery : public ApiTest {};

TEST_F(ApiServerDiscovery, TellsItsVersionAndHealth) {
  EXPECT_EQ(get("/version").at({"major"}), "1");
  for (const auto path : {"/healthz", "/livez", "/readyz"}) {
    EXPECT_EQ(get(path).text, "ok") << path;
    EXPECT_EQ(get(path).headers.get("Content-Type"), "text/plain; charset=utf-8");
  }
  EXPECT_NE(get("/readyz?verbose").text.find("readyz check passed"), std::string::npos);
}

TEST_F(ApiServerDiscovery, ListsGroupsAndResources) {
  EXPECT_EQ(get("/api").at({"kind"}), "APIVersions");
  const Reply groups = get("/apis");
  EXPECT_EQ(groups.at({"kind"}), "APIGroupList");
  std::set<std::string> names;
  for (const auto& group : groups.items("groups")) names.emplace(getString(group.get_object(), {"name"}));
  for (const auto name :
       {"apps", "batch", "policy", "authorization.k8s.io", "authentication.k8s.io", "apiextensions.k8s.io"}) {
    EXPECT_TRUE(names.contains(name)) << name;
  }
  EXPECT_EQ(get("/apis/apps").at({"preferredVersion", "groupVersion"}), "apps/v1");
  const Reply apps = get("/apis/apps/v1");
  std::map<std::string, json::object> resources;
  for (const auto& resource : apps.items("resources")) {
    resources.emplace(getString(resource.get_object(), {"name"}), resource.get_object());
  }
  ASSERT_TRUE(resources.contains("deployments"));
  EXPECT_EQ(getString(resources["deployments"], {"singularName"}), "deployment");
  EXPECT_EQ(json::serialize(resources["deployments"]["shortNames"]), R"(["deploy"])");
  EXPECT_EQ(getString(resources["deployments/scale"], {"kind"}), "Scale");
  EXPECT_EQ(getString(resources["deployments/scale"], {"group"}), "autoscaling");
  EXPECT_TRUE(resources.contains("deployments/status"));
}

TEST_F(ApiServerDiscovery, AggregatesForNewClients) {
  constexpr std::string_view type = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  const Reply reply = get("/apis", fmt::format("{},application/json", type));
  EXPECT_EQ(reply.headers.get("Content-Type"), type);
  EXPECT_EQ(reply.at({"kind"}), "APIGroupDiscoveryList");
  EXPECT_EQ(getString(reply.items()[0].get_object(), {"metadata", "name"}), "apiextensions.k8s.io");
  const Reply core = get("/api", type);
  const std::string text = core.text;
  EXPECT_NE(text.find(R"("subresource":"eviction","responseKind":{"group":"policy","version":"v1","kind":"Eviction"})"),
            std::string::npos);
  // A client that only knows the old form gets that.
  EXPECT_EQ(get("/apis", "application/json").at({"kind"}), "APIGroupList");
}

TEST_F(ApiServerDiscovery, ShowsCustomResourcesWithAllVersions) {
  ASSERT_EQ(send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition_text).status, 201);
  loop.run(seconds(1));
  const Reply group = get("/apis/x.io");
  EXPECT_EQ(group.items("versions").size(), 2U);
  EXPECT_EQ(group.at({"preferredVersion", "version"}), "v1");
  // Only v1 has subresources.
  EXPECT_EQ(get("/apis/x.io/v1").items("resources").size(), 3U);
  EXPECT_EQ(get("/apis/x.io/v1beta1").items("resources").size(), 1U);
  EXPECT_EQ(get("/apis/x.io/v1/namespaces/default/nothing").text, "404 page not found\n");
  ASSERT_EQ(send("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/foos.x.io").status, 200);
  loop.run(seconds(1));
  EXPECT_EQ(get("/apis/x.io/v1").status, 404);
  EXPECT_EQ(get("/apis/x.io/v1/foos").text, "404 page not found\n");
}

struct PathCase {
  std::string_view method, path;
  int status;
  std::string_view text;  // part of the answer
};

TEST_F(ApiServerDiscovery, RefusesWhatIsNotThere) {
  const PathCase cases[] = {
      {"GET", "/nope", 404, "404 page not found\n"},
      {"GET", "/apis/nope.io/v1/things", 404, "404 page not found\n"},
      {"GET", "/apis/apps/v9/deployments", 404, "the server could not find the requested resource"},
      {"GET", "/version/x", 404, "404 page not found\n"},
      {"GET", "/openapi/v4", 404, "404 page not found\n"},
      {"GET", "/api/v1/things", 404, "the server could not find the requested resource"},
      {"GET", "/api/v2/pods", 404, "the server could not find the requested resource"},
      {"GET", "/api/v1/pods/x", 404, "the server could not find the requested resource"},
      {"GET", "/api/v1/namespaces/default/nodes", 404, "the server could not find the requested resource"},
      {"GET", "/api/v1/namespaces/default/configmaps/a/foo", 404, "the server could not find the requested resource"},
      {"GET", "/api/v1/namespaces/default/configmaps/a/status", 404,
       "the server could not find the requested resource"},
      {"DELETE", "/api/v1", 405, "the server does not allow this method on the requested resource"},
      {"PATCH", "/api/v1/namespaces/default/configmaps", 405, "MethodNotAllowed"},
      {"PUT", "/api/v1/namespaces/default/configmaps", 405, "MethodNotAllowed"},
      {"POST", "/api/v1/namespaces/default/configmaps/a", 405, "MethodNotAllowed"},
      {"FOO", "/api/v1/namespaces/default/configmaps/a", 405, "MethodNotAllowed"},
      {"POST", "/api/v1/configmaps", 405, "MethodNotAllowed"},
      {"DELETE", "/api/v1/namespaces", 405, "MethodNotAllowed"},
      {"DELETE", "/api/v1/configmaps", 405, "MethodNotAllowed"},
      {"GET", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", 405, "MethodNotAllowed"},
      {"GET", "/api/v1/%zz", 400, "BadRequest"},
      {"GET", "no-slash", 400, "BadRequest"},
  };
  for (const PathCase& row : cases) {
    const Reply reply = send(row.method, row.path);
    EXPECT_EQ(reply.status, row.status) << row.method << " " << row.path;
    EXPECT_NE(reply.text.find(row.text), std::string::npos) << row.method << " " << row.path << ": " << reply.text;
  }
}

TEST_F(ApiServerDiscovery, AnswersHeadWithoutABody) {
  const Reply reply = send("HEAD", "/api/v1/namespaces/default");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.text, "");
}

TEST_F(ApiServerDiscovery, AsksForItsToken) {
  ApiServer guarded(registry, loop.clock(), {.token = "secret"});
  const auto with = [&](std::string_view authorization, std::string_view path) {
    net::Request request{.method = "GET", .target = std::string(path), .headers = {}, .body = {}};
    if (!authorization.empty()) request.headers.set("Authorization", std::string(authorization));
    return loop.get(guarded.handle(std::move(request)))->status;
  };
  EXPECT_EQ(with("", "/api/v1/namespaces"), 401);
  EXPECT_EQ(with("Bearer wrong", "/api/v1/namespaces"), 401);
  EXPECT_EQ(with("Bearer secret", "/api/v1/namespaces"), 200);
  EXPECT_EQ(with("", "/healthz"), 200);
}

TEST_F(ApiServerDiscovery, AllowsEverythingToEverybody) {
  const Reply access = send("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                            R"({"spec":{"resourceAttributes":{"verb":"get","resource":"pods"}}})");
  EXPECT_EQ(access.status, 201);
  EXPECT_TRUE(getBool(access.body.get_object(), {"status", "allowed"}));
  const Reply me = send("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}");
  EXPECT_FALSE(me.at({"status", "userInfo", "username"}).empty());
}

}  // namespace
}  // namespace crossfade::local
