// `create`, `create analysisrun`, `get` and `list` of AnalysisRuns. spec/10 §3.10, §3.11.
#include <filesystem>
#include <fstream>

#include "cli_fixture.hpp"

namespace crossfade::cli {
namespace {

class Create : public CliTest {
 protected:
  void TearDown() override { std::filesystem::remove(file_); }

  std::string file(const std::string& text) {
    file_ = std::filesystem::path(testing::TempDir()) /
            fmt::format("create_{}.yaml", testing::UnitTest::GetInstance()->current_test_info()->name());
    std::ofstream(file_) << text;
    return file_.string();
  }

  std::filesystem::path file_;
};

std::string object(const std::string& kind, const std::string& metadata = "{name: x}", const std::string& spec = "{}") {
  return fmt::format("apiVersion: argoproj.io/v1alpha1\nkind: {}\nmetadata: {}\nspec: {}\n", kind, metadata, spec);
}

TEST_F(Create, EveryKindOfOurs) {
  const struct {
    const char *kind, *path, *singular;
  } cases[] = {{"Rollout", "/namespaces/web/rollouts", "rollout"},
               {"Experiment", "/namespaces/web/experiments", "experiment"},
               {"AnalysisTemplate", "/namespaces/web/analysistemplates", "analysistemplate"},
               {"AnalysisRun", "/namespaces/web/analysisruns", "analysisrun"},
               {"ClusterAnalysisTemplate", "/clusteranalysistemplates", "clusteranalysistemplate"}};
  for (const auto& [kind, path, singular] : cases) {
    transport->answer(201, json::serialize(json::object{{"metadata", {{"name", "x"}}}}));
    const Outcome outcome = run("create -f " + file(object(kind)));
    EXPECT_EQ(outcome.err, "") << kind;
    EXPECT_EQ(outcome.out, fmt::format("{}.argoproj.io/x created\n", singular));
    EXPECT_EQ(transport->requests().back().method, "POST");
    EXPECT_TRUE(transport->requests().back().target.contains(path)) << transport->requests().back().target;
  }
}

TEST_F(Create, Complaints) {
  EXPECT_EQ(run("create -f " + file("apiVersion: v1\nkind: Service\n")).err,
            "Error: creates of /Service unsupported\n");
  EXPECT_EQ(run("create -f " + file("apiVersion: apps/v1\nkind: Deployment\n")).err,
            "Error: creates of apps/Deployment unsupported\n");
  EXPECT_TRUE(run("create -f " + file(object("Rollout", "{name: x}", "{replica: 1}")))
                  .err.starts_with("Error: error unmarshaling JSON: while decoding JSON: json: unknown field "
                                   "\"replica\"\n"));
  EXPECT_EQ(run("create -w -f " + file(object("AnalysisRun"))).err,
            "Error: Can only watch resources of type Rollout or Experiment\n");
  EXPECT_EQ(run("create -w -f a -f b").err, "Error: Cannot watch multiple resources\n");
  EXPECT_TRUE(run("create").err.contains("Usage:"));
  EXPECT_TRUE(requests().empty());
}

constexpr const char* metadata = "{name: rate, labels: {team: a}, uid: u, resourceVersion: '5'}";

TEST_F(Create, RunFromAFile) {
  transport->answer(201, json::serialize(json::object{{"metadata", {{"name", "rate-abc"}}}}));
  const Outcome outcome =
      run("create analysisrun --instance-id i -a app=a=b -a nobody=1 --from-file " +
          file(object("AnalysisTemplate", metadata, "{args: [{name: app}, {name: limit, value: '1'}], metrics: []}")));
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.out, "analysisrun.argoproj.io/rate-abc created\n");
  const json::value body = json::parse(transport->requests().back().body);
  EXPECT_EQ(body, json::parse(R"({"apiVersion":"argoproj.io/v1alpha1","kind":"AnalysisRun","metadata":{
      "labels":{"team":"a","argo-rollouts.argoproj.io/controller-instance-id":"i"},"generateName":"rate-",
      "namespace":"web"},"spec":{"args":[{"name":"app","value":"a=b"},{"name":"limit","value":"1"}],"metrics":[]}})"));
}

TEST_F(Create, RunFromTheCluster) {
  const std::string stored = R"({"metadata":{"name":"rate","uid":"u"},"spec":{"metrics":[]}})";
  transport->answer(200, stored);
  transport->answer(201, json::serialize(json::object{{"metadata", {{"name", "mine"}}}}));
  const Outcome outcome = run("create ar --from rate --global --name mine -a a=1");
  EXPECT_EQ(outcome.err, "");
  EXPECT_TRUE(transport->requests()[0].target.ends_with("/clusteranalysistemplates/rate"));
  EXPECT_EQ(json::parse(transport->requests()[1].body).at("spec"),
            json::parse(R"({"metrics":[],"args":[{"name":"a","value":"1"}]})"));
  EXPECT_EQ(json::parse(transport->requests()[1].body).at("metadata"),
            json::parse(R"({"name":"mine","namespace":"web"})"));
}

// spec/10 §7 #42
TEST_F(Create, RunComplaints) {
  const std::string lacking = object("AnalysisTemplate", "{name: t}", "{args: [{name: foo}], metrics: []}");
  EXPECT_EQ(run("create analysisrun --from-file " + file(lacking)).err, "Error: args.foo was not resolved\n");
  EXPECT_EQ(run("create analysisrun").err, "Error: one of --from or --from-file must be specified\n");
  EXPECT_EQ(run("create analysisrun --from a --from-file b").err,
            "Error: one of --from or --from-file must be specified\n");
  EXPECT_EQ(run("create analysisrun -a foo --from-file " + file(lacking)).err,
            "Error: arguments must be in the form NAME=VALUE\n");
  EXPECT_EQ(run("create analysisrun --from-file " + file(object("AnalysisTemplate", "{}"))).err,
            "Error: name is invalid\n");
  transport->answer(404, statusBody(404, "NotFound", "analysistemplates.argoproj.io \"x\" not found"));
  EXPECT_EQ(run("create analysisrun --from x").err, "Error: analysistemplates.argoproj.io \"x\" not found\n");
}

constexpr const char* stored_run =
    R"({"metadata":{"name":"r","namespace":"web","creationTimestamp":"2026-01-01T00:00:00Z"},
  "spec":{"metrics":[{"name":"rate"},{"name":"later"}]},"status":{"phase":"Failed","message":"Metric \"rate\" assessed Failed",
  "startedAt":"2026-01-01T00:00:00Z","completedAt":"2026-01-01T00:01:00Z","metricResults":[{"name":"rate","phase":"Failed",
  "successful":2,"failed":1,"count":3,"measurements":[{"phase":"Failed","value":"[0.5]"}]}]}})";

TEST_F(Create, GetRun) {
  transport->answer(200, stored_run);
  const Outcome outcome = run("get analysisrun r");
  EXPECT_EQ(outcome.err, "");
  for (const char* line : {"Name:            r\n", "Status:          ✖ Failed\n",
                           "Message:         Metric \"rate\" assessed Failed\n", "Duration:        60s\n",
                           "METRIC  STATUS    MEASURED  LAST VALUE  INFO\n", "rate    ✖ Failed  ✔ 2,✖ 1   [0.5]"}) {
    EXPECT_TRUE(outcome.out.contains(line)) << line << outcome.out;
  }
}

TEST_F(Create, ListRuns) {
  transport->answer(200, fmt::format(R"({{"metadata":{{"resourceVersion":"1"}},"items":[{}]}})", stored_run));
  const Outcome outcome = run("list analysisruns -A");
  EXPECT_EQ(outcome.err, "");
  EXPECT_TRUE(
      outcome.out.starts_with("NAMESPACE  NAME  STATUS  METRICS  SUCCESSFUL  FAILED  INCONCLUSIVE  ERROR  AGE\n"
                              "web        r     Failed  2        2           1       0             0      "))
      << outcome.out;
  transport->answer(200, R"({"metadata":{"resourceVersion":"1"},"items":[]})");
  EXPECT_EQ(run("list ar").err, "No resources found.\n");
}

}  // namespace
}  // namespace crossfade::cli
