// What the controller watches, and that one object that can't be read stops nobody.
#include "controller/caches.hpp"

#include "controller/controller.hpp"
#include "controller/metrics.hpp"
#include "support/scripted_cluster.hpp"

namespace crossfade::controller {
namespace {

std::vector<std::string> watchedWith(const Settings& settings) {
  test::ScriptedCluster cluster;
  Caches caches(cluster.world, settings);
  caches.start();
  bool synced = false;
  spawn(cluster.loop.executor(), [](Caches& caches, bool& synced) -> Task<> {
    co_await caches.waitSynced();
    synced = true;
  }(caches, synced));
  cluster.loop.settle();
  EXPECT_TRUE(synced);
  std::vector<std::string> watched = cluster.listed();
  std::ranges::sort(watched);
  return watched;
}

// A ReplicaSet without the hash label is invisible, so none can be taken over by mistake.
TEST(CachesTest, WatchesByLabel) {  // spec/01 §11 #30
  const std::string ours = "?labelSelector=%21argo-rollouts.argoproj.io%2Fcontroller-instance-id&limit=500";
  const std::string argo = "/apis/argoproj.io/v1alpha1/";
  EXPECT_EQ(
      watchedWith({}),
      (std::vector<std::string>{
          "/api/v1/services?limit=500", "/apis/apps/v1/replicasets?labelSelector=rollouts-pod-template-hash&limit=500",
          argo + "analysisruns" + ours, argo + "analysistemplates" + ours, argo + "clusteranalysistemplates" + ours,
          argo + "experiments" + ours, argo + "rollouts" + ours,
          "/apis/batch/v1/jobs?labelSelector=analysisrun.argoproj.io%2Fuid&limit=500"}));
}

// With --controllers=analysis nothing of the Rollouts' side is asked for, so nothing of it is waited for.
TEST(CachesTest, AnalysisAlone) {  // spec/01 §11 #39
  Settings settings;
  settings.analysis_only = true;
  settings.watch_namespace = "ns";
  const std::string ours = "?labelSelector=%21argo-rollouts.argoproj.io%2Fcontroller-instance-id&limit=500";
  const std::string argo = "/apis/argoproj.io/v1alpha1/";
  EXPECT_EQ(
      watchedWith(settings),
      (std::vector<std::string>{argo + "clusteranalysistemplates" + ours, argo + "namespaces/ns/analysisruns" + ours,
                                argo + "namespaces/ns/analysistemplates" + ours,
                                "/apis/batch/v1/namespaces/ns/jobs?labelSelector=analysisrun.argoproj.io%2Fuid&"
                                "limit=500"}));
}

// ARGO_ROLLOUTS_ANALYSIS_JOB_KUBECONFIG: Jobs are watched where they run. spec/08 §9.1
TEST(CachesTest, JobsOfAnotherCluster) {
  test::ScriptedCluster cluster;
  const auto api = std::make_shared<test::ScriptedTransport>(cluster.loop.clock());
  kube::Client jobs(api, cluster.loop.clock(), kube::Config(), "crossfade/test");
  World world = cluster.world;
  world.job_client = &jobs;
  {
    Caches caches(world, Settings());
    caches.start();
    cluster.loop.settle();
    ASSERT_EQ(api->requests().size(), 1U);
    EXPECT_TRUE(api->last().starts_with("GET /apis/batch/v1/jobs?"));
    for (const std::string& target : cluster.listed()) EXPECT_EQ(target.find("/jobs"), std::string::npos);
  }
  cluster.loop.kill();
}

TEST(CachesTest, AnalysisAloneIsReadyWithoutRollouts) {  // spec/01 §11 #39
  test::ScriptedCluster cluster;
  cluster.broken = {"/apis/argoproj.io/v1alpha1/rollouts", "/apis/argoproj.io/v1alpha1/experiments"};
  Settings settings;
  settings.leader_elect = false;
  settings.analysis_only = true;
  Metrics metrics(cluster.loop.clock(), "v");
  Controller controller(cluster.world, settings, metrics);
  spawn(cluster.loop.executor(), controller.start());
  cluster.loop.settle();
  EXPECT_TRUE(controller.ready());
}

TEST(CachesTest, AMalformedObjectIsOneOfMany) {  // spec/01 §10.5 X11
  test::ScriptedCluster cluster;
  const auto rollout = [](std::string_view name, std::string_view memory) {
    return fmt::format(
        R"({{"metadata":{{"name":"{}","namespace":"ns","uid":"{}","resourceVersion":"1"}},"spec":{{"template":{{"spec":
        {{"containers":[{{"name":"a","resources":{{"requests":{{"memory":"{}"}}}}}},{{"name":"b"}}]}}}},"strategy":
        {{"canary":{{"steps":[{{"setWeight":20}}]}}}}}},"status":{{"stableRS":"abc","phase":"Healthy"}}}})",
        name, name, memory);
  };
  cluster.objects["/apis/argoproj.io/v1alpha1/rollouts"] = {rollout("a", "64Mi"), rollout("b", "64Mi!"),
                                                            rollout("c", "64Mi")};
  Caches caches(cluster.world, {});
  std::vector<std::string> told;
  caches.rollouts.addListener([&](const auto&, const auto& now) { told.push_back(now->metadata.name); });
  caches.start();
  cluster.loop.settle();
  EXPECT_EQ(told, (std::vector<std::string>{"a", "b", "c"})) << "each of them wakes its key";
  const auto bad = caches.rollouts.find("ns", "b");
  ASSERT_TRUE(bad);
  EXPECT_EQ(bad->malformed.size(), 1U);
  EXPECT_EQ(bad->spec.canary->steps.size(), 1U);
  EXPECT_EQ(bad->status.stable_rs, "abc");
  EXPECT_EQ(bad->status.phase, "Healthy");
}

}  // namespace
}  // namespace crossfade::controller
