// The cluster put together, without sockets and with them.
#include "local/cluster.hpp"

#include <gtest/gtest.h>

#include "support/virtual_clock.hpp"

namespace crossfade::local {
namespace {

class ClusterTest : public testing::Test {
 protected:
  ~ClusterTest() override { loop.kill(); }

  std::unique_ptr<Cluster> start(ClusterOptions options) {
    options.pods.sockets = false;
    auto cluster = Cluster::start(loop.executor(), loop.clock(), random, std::move(options));
    EXPECT_TRUE(cluster) << cluster.error().message;
    return cluster ? std::move(*cluster) : nullptr;
  }
  int status(Cluster& cluster, std::string_view method, std::string_view target, std::string_view body = {}) {
    net::Request request{
        .method = std::string(method), .target = std::string(target), .headers = {}, .body = std::string(body)};
    return loop.get(cluster.apiServer().handle(std::move(request)))->status;
  }

  test::VirtualLoop loop;
  Random random{1};
};

TEST_F(ClusterTest, HasWhatEveryClusterHas) {
  const auto cluster = start({.listen = false});
  ASSERT_TRUE(cluster);
  loop.run(seconds(1));
  for (const auto path :
       {"/api/v1/namespaces/default", "/api/v1/namespaces/kube-system", "/api/v1/namespaces/kube-public",
        "/api/v1/namespaces/kube-node-lease", "/api/v1/nodes/crossfade-local",
        "/api/v1/namespaces/default/services/kubernetes", "/api/v1/namespaces/default/serviceaccounts/default",
        "/api/v1/namespaces/kube-system/serviceaccounts/default", "/apis/argoproj.io/v1alpha1/rollouts",
        "/apis/argoproj.io/v1alpha1/analysisruns", "/apis/argoproj.io/v1alpha1/analysistemplates",
        "/apis/argoproj.io/v1alpha1/clusteranalysistemplates", "/apis/argoproj.io/v1alpha1/experiments",
        "/apis/gateway.networking.k8s.io/v1/httproutes"}) {
    EXPECT_EQ(status(*cluster, "GET", path), 200) << path;
  }
  EXPECT_EQ(cluster->port(), 0);
  EXPECT_EQ(cluster->gateway(), nullptr);
}

TEST_F(ClusterTest, GivesEachNamespaceItsServiceAccount) {
  const auto cluster = start({.listen = false, .install_crds = false});
  ASSERT_TRUE(cluster);
  EXPECT_EQ(status(*cluster, "GET", "/apis/argoproj.io/v1alpha1/rollouts"), 404);
  constexpr auto account = "/api/v1/namespaces/fresh/serviceaccounts/default";
  EXPECT_EQ(status(*cluster, "POST", "/api/v1/namespaces", R"({"metadata":{"name":"fresh"}})"), 201);
  loop.run(seconds(1));
  EXPECT_EQ(status(*cluster, "GET", account), 200);
  EXPECT_EQ(status(*cluster, "DELETE", account), 200);
  loop.run(seconds(1));
  EXPECT_EQ(status(*cluster, "GET", account), 200);
  EXPECT_EQ(status(*cluster, "DELETE", "/api/v1/namespaces/fresh"), 200);
  loop.run(seconds(60));
  EXPECT_EQ(status(*cluster, "GET", "/api/v1/namespaces/fresh"), 404);
}

TEST_F(ClusterTest, KeepsItsOwnService) {
  const auto cluster = start({.listen = false, .install_crds = false});
  ASSERT_TRUE(cluster);
  constexpr auto service = "/api/v1/namespaces/default/services/kubernetes";
  EXPECT_EQ(status(*cluster, "DELETE", service), 200);
  loop.run(seconds(1));
  EXPECT_EQ(status(*cluster, "GET", service), 200);
}

TEST_F(ClusterTest, ListensAndSaysWhere) {
  const auto cluster = start({.install_crds = false});
  ASSERT_TRUE(cluster);
  EXPECT_NE(cluster->port(), 0);
  EXPECT_NE(cluster->kubeconfig().find(fmt::format("server: http://127.0.0.1:{}\n", cluster->port())),
            std::string::npos);
  const auto second =
      Cluster::start(loop.executor(), loop.clock(), random, {.port = cluster->port(), .install_crds = false});
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find(std::to_string(cluster->port())), std::string::npos) << second.error().message;
}

TEST_F(ClusterTest, PutsItsTokenIntoTheKubeconfig) {
  ClusterOptions options{.listen = false, .install_crds = false};
  options.api.token = "a\"b";
  const auto cluster = start(std::move(options));
  ASSERT_TRUE(cluster);
  EXPECT_NE(cluster->kubeconfig().find(R"(user: {token: "a\"b"})"), std::string::npos);
  EXPECT_EQ(status(*cluster, "GET", "/api/v1/namespaces"), 401);
}

}  // namespace
}  // namespace crossfade::local
