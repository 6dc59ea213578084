// What the five custom resources' definitions do to a client. spec/01 §1.
#include "local/embedded.hpp"
#include "unit/local/api_fixture.hpp"

namespace crossfade::local {
namespace {

class ArgoDefinitionsTest : public ApiTest {
 protected:
  static constexpr std::string_view rollouts = "/apis/argoproj.io/v1alpha1/namespaces/default/rollouts";
  static constexpr std::string_view runs = "/apis/argoproj.io/v1alpha1/namespaces/default/analysisruns";

  ArgoDefinitionsTest() {
    const auto list = parseJson(embedded("crds.json"));
    for (const json::value& item : *getArray(list->as_object(), {"items"})) {
      EXPECT_EQ(send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", json::serialize(item)).status,
                201);
    }
  }
  static std::string rollout(std::string_view pod_template, std::string_view more = "") {
    return fmt::format(R"({{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{{"name":"web"}},
        "spec":{{"strategy":{{"canary":{{}}}},"template":{}}}{}}})",
                       pod_template, more);
  }
};

constexpr std::string_view plain =
    R"({"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"a","image":"i"}]}})";

TEST_F(ArgoDefinitionsTest, OnlyARolloutHasAStatusOfItsOwn) {  // spec/01 §11 #3
  ASSERT_EQ(send("POST", rollouts, rollout(plain)).status, 201);
  constexpr std::string_view phase = R"({"status":{"phase":"Healthy"}})";
  const Reply ignored = send("PATCH", std::string(rollouts) + "/web", phase, merge);
  EXPECT_EQ(ignored.status, 200);
  EXPECT_EQ(ignored.at({"status", "phase"}), "");
  const Reply written = send("PATCH", std::string(rollouts) + "/web/status", phase, merge);
  EXPECT_EQ(written.status, 200);
  EXPECT_EQ(written.at({"status", "phase"}), "Healthy");
  ASSERT_EQ(send("POST", runs, R"({"apiVersion":"argoproj.io/v1alpha1","kind":"AnalysisRun","metadata":{"name":"r"},
      "spec":{"metrics":[]}})")
                .status,
            201);
  EXPECT_EQ(send("PATCH", std::string(runs) + "/r/status", phase, merge).status, 404);
  EXPECT_EQ(send("PATCH", std::string(runs) + "/r", phase, merge).at({"status", "phase"}), "Healthy");
}

TEST_F(ArgoDefinitionsTest, APodTemplateHasLabelsAndAnnotationsOnly) {  // spec/01 §11 #38
  const Reply made = send("POST", rollouts,
                          rollout(R"({"metadata":{"name":"x","namespace":"y","finalizers":["z"],"labels":{"app":"web"}},
          "spec":{"containers":[{"name":"a","image":"i"}]}})"));
  ASSERT_EQ(made.status, 201);
  EXPECT_EQ(json::serialize(*find(made.body, {"spec", "template", "metadata"})), R"({"labels":{"app":"web"}})");
}

// Ours fit into the annotation of a client-side apply, if barely; a server-side apply needs the keys of their lists.
TEST_F(ArgoDefinitionsTest, AreAppliedByTheServer) {  // spec/01 §11 #37
  const auto applied = [&](std::string_view manager, std::string_view container) {
    return send("PATCH", fmt::format("{}/web?fieldManager={}", rollouts, manager),
                rollout(fmt::format(R"({{"spec":{{"containers":[{}]}}}})", container)), apply);
  };
  ASSERT_EQ(applied("one", R"({"name":"a","image":"i","ports":[{"containerPort":80,"protocol":"TCP"}]})").status, 201);
  const Reply both =
      applied("two", R"({"name":"a","ports":[{"containerPort":81,"protocol":"TCP"}]},{"name":"b","image":"j"})");
  ASSERT_EQ(both.status, 200);
  EXPECT_EQ(
      json::serialize(*find(both.body, {"spec", "template", "spec", "containers"})),
      R"([{"name":"a","image":"i","ports":[{"containerPort":80,"protocol":"TCP"},{"containerPort":81,"protocol":"TCP"}]},{"name":"b","image":"j"}])");
}

}  // namespace
}  // namespace crossfade::local
