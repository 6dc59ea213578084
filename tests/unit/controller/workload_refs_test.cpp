// From spec.workloadRef to the template behind it, or to what is wrong with it. spec/01 §2.2.
#include "controller/workload_refs.hpp"

#include "support/scripted_cluster.hpp"

namespace crossfade::controller {
namespace {

class WorkloadRefsTest : public testing::Test {
 protected:
  rollout::Workload resolve(std::string_view ref, std::string_view pod_template = "null") {
    const auto object = parseJson(fmt::format(
        R"({{"metadata":{{"name":"web","namespace":"default"}},"spec":{{"template":{},"workloadRef":{}}}}})",
        pod_template, ref));
    const auto rollout = std::make_shared<const api::Rollout>(api::decodeRollout(object->get_object()));
    std::optional<rollout::Workload> resolved;
    spawn(cluster.loop.executor(),
          [](WorkloadRefs& refs, std::shared_ptr<const api::Rollout> rollout,
             std::optional<rollout::Workload>& resolved) -> Task<> {
            resolved = co_await refs.resolve(rollout);
          }(refs, rollout, resolved));
    cluster.loop.settle();
    if (!resolved) cluster.loop.run(minutes(2));
    EXPECT_TRUE(resolved);
    return resolved.value_or(rollout::Workload());
  }
  std::string errorOf(std::string_view ref, std::string_view pod_template = "null") {
    return resolve(ref, pod_template).error.value_or("");
  }

  test::ScriptedCluster cluster;
  WorkloadRefs refs{cluster.world, {}, [](const auto&, const auto&, const auto&, auto) {}};
};

TEST_F(WorkloadRefsTest, SaysWhatIsWrong) {
  // spec/01 §10.1 E44
  EXPECT_EQ(errorOf(R"({"apiVersion":"apps/v1","kind":"Deployment","name":"web"})"),
            "deployments.apps \"default/web\" not found");
  // spec/01 §10.1 E45
  EXPECT_EQ(errorOf(R"({"apiVersion":"apps/v1","kind":"StatefulSet","name":"web"})"),
            "workload of type apps/StatefulSet is not supported");
  EXPECT_EQ(errorOf(R"({"apiVersion":"v1","kind":"PodTemplate","name":"web"})"),
            "podtemplates \"default/web\" not found");
  EXPECT_EQ(errorOf(R"({"apiVersion":"v1","kind":"Pod","name":"web"})"), "workload of type /Pod is not supported");
  EXPECT_EQ(errorOf("{}"), "workload of type / is not supported");
  // spec/01 §11 #19
  EXPECT_EQ(
      errorOf(R"({"apiVersion":"apps/v1","kind":"Deployment","name":"web"})", R"({"metadata":{"labels":{"a":"b"}}})"),
      "template must be empty for workload reference rollout");
  EXPECT_EQ(errorOf(R"({"apiVersion":"apps/v1","kind":"Deployment","name":"web"})",
                    R"({"metadata":{"labels":{}},"spec":{"containers":[]}})"),
            "deployments.apps \"default/web\" not found")
      << "a spec alone is no conflict";
  cluster.broken = {"/apis/apps/v1/replicasets"};
  EXPECT_EQ(errorOf(R"({"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web"})"),
            "failed to sync informer for apps/v1, Kind=ReplicaSet");
}

TEST_F(WorkloadRefsTest, FindsTheTemplate) {
  cluster.objects["/apis/apps/v1/deployments"] = {
      R"({"metadata":{"name":"web","namespace":"default","generation":7,"resourceVersion":"1"},"spec":{"replicas":4,
          "selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}}}}})"};
  cluster.objects["/api/v1/podtemplates"] = {
      R"({"metadata":{"name":"web","namespace":"default","resourceVersion":"1"},"template":{"spec":{"nodeName":"n"}}})"};
  const rollout::Workload deployment = resolve(R"({"apiVersion":"apps/v1","kind":"Deployment","name":"web"})");
  EXPECT_EQ(json::serialize(deployment.pod_template), R"({"metadata":{"labels":{"a":"b"}}})");
  EXPECT_EQ(json::serialize(*deployment.selector), R"({"matchLabels":{"a":"b"}})");
  EXPECT_EQ(deployment.generation, 7);
  EXPECT_EQ(deployment.replicas, std::nullopt) << "not asked for";
  // Whatever the template came from, it is a Deployment of that name that will be scaled down.
  const rollout::Workload pod_template =
      resolve(R"({"apiVersion":"v1","kind":"PodTemplate","name":"web","scaleDown":"onsuccess"})");
  EXPECT_EQ(json::serialize(pod_template.pod_template), R"({"spec":{"nodeName":"n"}})");
  EXPECT_FALSE(pod_template.selector);
  EXPECT_EQ(pod_template.replicas, 4);
  EXPECT_EQ(resolve(R"({"apiVersion":"v1","kind":"PodTemplate","name":"web","scaleDown":"never"})").replicas,
            std::nullopt);
}

}  // namespace
}  // namespace crossfade::controller
