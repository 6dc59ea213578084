#include <gtest/gtest.h>

#include "rollout/anti_affinity.hpp"
#include "rollout/ephemeral_metadata.hpp"
#include "rollout/template_equality.hpp"

namespace crossfade::rollout {
namespace {

json::object object(std::string_view text) { return parseJson(text)->get_object(); }

TEST(AntiAffinity, TermIsAppendedAndTakenOffAgain) {  // spec/03 §16 defect: an empty list is none
  const json::object user = object(R"({"metadata":{},"spec":{"containers":[]}})");
  for (const std::optional<std::int64_t> weight : {std::optional<std::int64_t>(), std::optional<std::int64_t>(7)}) {
    json::object pod_template = user;
    injectAntiAffinity(pod_template, {weight}, "abc", "web");
    EXPECT_EQ(injectedStableHash(pod_template), "abc");
    EXPECT_NE(pod_template, user);
    stripAntiAffinity(pod_template);
    EXPECT_EQ(pod_template, user);
  }
}

TEST(AntiAffinity, UserTermsStay) {
  const json::object user = object(
      R"({"spec":{"affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"zone"}]}}}})");
  json::object pod_template = user;
  injectAntiAffinity(pod_template, {}, "abc", "web");
  const json::array& terms = *getArray(
      pod_template, {"spec", "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution"});
  ASSERT_EQ(terms.size(), 2u);
  EXPECT_EQ(
      json::serialize(terms[1]),
      R"({"labelSelector":{"matchExpressions":[{"key":"rollouts-pod-template-hash","operator":"In","values":["abc"]}]},"namespaces":["web"],"topologyKey":"kubernetes.io/hostname"})");
  stripAntiAffinity(pod_template);
  EXPECT_EQ(pod_template, user);
}

// spec/02 §18.16 #1-#6
TEST(EphemeralMetadata, WorkedCases) {
  const json::object start = object(R"({"labels":{"aaa":"111","bbb":"222"},"annotations":{"ccc":"333","ddd":"444"}})");
  const PodMetadata all{{{"aaa", "111"}, {"bbb", "222"}}, {{"ccc", "333"}, {"ddd", "444"}}};
  json::object metadata = start;
  EXPECT_FALSE(applyMetadata(metadata, all, all));
  const PodMetadata fewer{{{"aaa", "111"}}, {{"ccc", "333"}}};
  EXPECT_TRUE(applyMetadata(metadata, all, fewer));
  EXPECT_EQ(metadata, object(R"({"labels":{"aaa":"111"},"annotations":{"ccc":"333"}})"));
  EXPECT_EQ(formatInjected(fewer), R"({"labels":{"aaa":"111"},"annotations":{"ccc":"333"}})");
  metadata = start;
  EXPECT_TRUE(applyMetadata(metadata, all, {}));
  EXPECT_TRUE(metadata.empty());
  metadata = object(R"({"labels":{"aaa":"111","do-not":"touch","bbb":"222"}})");
  EXPECT_TRUE(applyMetadata(metadata, {{{"aaa", "111"}, {"bbb", "222"}}, {}}, {{{"aaa", "222"}}, {}}));
  EXPECT_EQ(metadata, object(R"({"labels":{"aaa":"222","do-not":"touch"}})"));
  metadata = object(R"({"labels":{"aaa":"111"}})");
  EXPECT_FALSE(applyMetadata(metadata, {{{"aaa", "111"}, {"foo", "x"}}, {}}, {{{"aaa", "111"}}, {}}));
  EXPECT_TRUE(parseInjected("foo").empty());
  EXPECT_EQ(formatInjected({{{"role", "canary"}}, {}}), R"({"labels":{"role":"canary"}})");
}

// spec/02 §4.3.1
TEST(SameTemplate, SeesThroughDefaultsOfTheServer) {
  const json::object desired = object(
      R"({"metadata":{"labels":{"app":"a"}},"spec":{"containers":[{"name":"c","image":"demo:1","ports":[{"containerPort":80}],
          "resources":{"limits":{"cpu":"2000m","memory":"0.5Gi"}},"readinessProbe":{"httpGet":{"port":80}}}]}})");
  const json::object live = object(
      R"({"metadata":{"creationTimestamp":null,"labels":{"app":"a","rollouts-pod-template-hash":"x"}},"spec":{"containers":[{"name":"c","image":"demo:1",
          "ports":[{"containerPort":80,"protocol":"TCP"}],"resources":{"limits":{"cpu":"2","memory":"512Mi"}},
          "readinessProbe":{"httpGet":{"port":80,"path":"/","scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10,"successThreshold":1,"failureThreshold":3},
          "terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}],
          "restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","securityContext":{},"schedulerName":"default-scheduler"}})");
  EXPECT_TRUE(sameTemplate(desired, live));
  json::object other = live;
  find(other, {"spec"})->get_object()["hostNetwork"] = true;
  EXPECT_FALSE(sameTemplate(desired, other));
  other = live;
  find(other, {"spec"})->get_object()["terminationGracePeriodSeconds"] = 10;
  EXPECT_FALSE(sameTemplate(desired, other));
  json::object newer = desired;
  find(newer, {"spec", "containers"})->get_array()[0].get_object()["image"] = "demo:2";
  EXPECT_FALSE(sameTemplate(newer, live));
}

}  // namespace
}  // namespace crossfade::rollout
