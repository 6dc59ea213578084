// `analysis try`: the request, the value, the conditions and the verdict of a template's metrics.
#include <filesystem>
#include <fstream>

#include "cli_fixture.hpp"
#include "support/scripted_dialer.hpp"

namespace crossfade::cli {
namespace {

class Try : public CliTest {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              fmt::format("try_{}", testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
    session.dialer = &dialer;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  std::string templateFile(const std::string& metrics, const std::string& args = "[]") {
    return file("template.yaml", fmt::format("apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: "
                                             "{{name: t}}\nspec:\n  args: {}\n  metrics:\n{}",
                                             args, metrics));
  }

  test::ScriptedDialer dialer{loop.clock()};
  std::filesystem::path folder_;
};

constexpr const char* rate = R"y(  - name: rate
    successCondition: result[0] >= {{args.limit}}
    failureCondition: resul[0] < 0.5
    provider: {prometheus: {address: "http://p:9090", query: "rate({{args.app}})"}}
)y";
constexpr const char* answer =
    R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"0.97"]}]}})";

TEST_F(Try, MeasuresOnce) {
  std::string metric = rate;
  metric.replace(metric.find("resul["), 6, "result[");
  dialer.at("http://p:9090").answer(200, answer);
  const Outcome outcome =
      run("analysis try --arg app=web --arg limit=0.95 -f " + templateFile(metric, "[{name: app}, {name: limit}]"));
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(dialer.at("http://p:9090").requests().size(), 1U);
  for (const char* line :
       {"Metric rate (Prometheus)\n", "  request   POST http://p:9090/api/v1/query\n", "query=rate%28web%29",
        "  answer    200, ", "  value     [0.97]\n", "  success   result[0] >= 0.95  is true\n",
        "  failure   result[0] < 0.5  is false\n", "  verdict   Successful\n"}) {
    EXPECT_TRUE(outcome.out.contains(line)) << line << "\n" << outcome.out;
  }
  EXPECT_TRUE(requests().empty());  // nothing was asked of the cluster
}

TEST_F(Try, ShowsWhereAConditionIsWrong) {
  dialer.at("http://p:9090").answer(200, answer);
  const Outcome outcome =
      run("analysis try -a app=web -a limit=1 -f " + templateFile(rate, "[{name: app}, {name: limit}]"));
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err, "Error: rate: Error\n");
  for (const char* line :
       {"  success   result[0] >= 1  is false\n",
        "  failure   line 1, column 1: unknown name resul\n            resul[0] < 0.5\n            ^\n",
        "  verdict   Error: could not evaluate failureCondition \"resul[0] < 0.5\": unknown name resul\n"}) {
    EXPECT_TRUE(outcome.out.contains(line)) << line << "\n" << outcome.out;
  }
}

// What authenticates is not shown, and neither is an argument that comes from a Secret.
TEST_F(Try, SecretsStaySecret) {
  transport->answer(200, R"({"metadata":{"name":"s"},"data":{"k":"aHVudGVyMg=="}})");
  dialer.at("http://w:80").answer(200, R"({"token":"hunter2","ok":true})");
  const Outcome outcome =
      run("analysis try -f " + templateFile(R"(  - name: web
    successCondition: result.ok
    provider: {web: {url: "http://w/x?api_key=abc&a=1&q={{args.s}}", headers: [{key: X-Token, value: "t"}, {key: X, value: "{{args.s}}"}]}}
)",
                                            "[{name: s, valueFrom: {secretKeyRef: {name: s, key: k}}}]"));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err << outcome.out;
  EXPECT_FALSE(outcome.out.contains("hunter2")) << outcome.out;
  EXPECT_TRUE(outcome.out.contains("GET http://w/x?api_key=*****&a=1&q=*****\n")) << outcome.out;
  EXPECT_TRUE(outcome.out.contains("X-Token: *****\n")) << outcome.out;
  EXPECT_TRUE(outcome.out.contains("X: *****\n")) << outcome.out;
  EXPECT_EQ(dialer.at("http://w:80").requests()[0].headers.get("X"), "hunter2");
}

TEST_F(Try, RecordsAndReplays) {
  dialer.at("http://w:80").answer(200, R"({"a":[1,2]})");
  const std::string metric =
      "  - name: web\n    successCondition: result.a[1] == 2\n    provider: {web: {url: 'http://w/x'}}\n";
  const std::string record = (folder_ / "record.json").string(), tried = templateFile(metric);
  EXPECT_EQ(run("analysis try --record " + record + " -f " + tried).exit_code, 0);
  session.dialer = nullptr;
  const Outcome again = run("analysis try --result " + record + " -f " + tried);
  EXPECT_EQ(again.exit_code, 0) << again.err << again.out;
  EXPECT_TRUE(again.out.contains("  request   GET http://w/x\n")) << again.out;
  EXPECT_TRUE(again.out.contains("  value     {\"a\":[1,2]}\n")) << again.out;
  const Outcome unavailable = run("analysis try -f " + tried);
  EXPECT_EQ(unavailable.exit_code, 1);
  EXPECT_TRUE(unavailable.out.contains("  verdict   Error: ")) << unavailable.out;
}

TEST_F(Try, JudgesRecordedResults) {
  const std::string job = "  - name: job\n    provider: {job: {spec: {template: {spec: {}}}}}\n";
  const std::string tried = templateFile(std::string(rate) +
                                             "  - name: web\n    successCondition: result.a > 1\n    provider: "
                                             "{web: {url: 'http://w/x'}}\n" +
                                             job,
                                         "[{name: app, value: x}, {name: limit, value: '0.95'}]");
  const Outcome outcome = run("analysis try -f " + tried + " --result " +
                              file("results.yaml", "rate: [0.97, NaN]\nweb: {a: 1, b: text}\njob: null\n"));
  EXPECT_TRUE(outcome.out.contains("  success   result[0] >= 0.95  is true\n")) << outcome.out;
  EXPECT_TRUE(outcome.out.contains("  value     {\"a\":1,\"b\":\"text\"}\n")) << outcome.out;
  EXPECT_TRUE(outcome.out.contains("  success   result.a > 1  is false\n  verdict   Failed\n")) << outcome.out;
  EXPECT_EQ(outcome.err, "Error: rate: Error, web: Failed\n");
  const Outcome missing = run("analysis try -f " + tried + " --result " + file("results.yaml", "rate: 1\n"));
  EXPECT_TRUE(missing.out.contains("  verdict   Error: there is no recorded result of this metric\n")) << missing.out;
}

TEST_F(Try, Complaints) {
  EXPECT_TRUE(run("analysis try").err.contains("Usage:"));
  EXPECT_TRUE(run("analysis").err.contains("Usage:"));
  EXPECT_TRUE(run("analysis try -f /nowhere.yaml").err.starts_with("Error: open /nowhere.yaml"));
  EXPECT_EQ(run("analysis try -f " + file("a.yaml", "kind: Rollout\n")).err,
            "Error: there is no AnalysisTemplate in the files\n");
  const std::string tried = templateFile(rate, "[{name: app}, {name: limit}]");
  EXPECT_EQ(run("analysis try -f " + tried).err, "Error: args.app was not resolved\n");
  EXPECT_EQ(run("analysis try -a x -f " + tried).err, "Error: arguments must be in the form NAME=VALUE\n");
  EXPECT_EQ(run("analysis try -f " + templateFile("  - name: m\n    count: 2\n    provider: {web: {url: u}}\n")).err,
            "Error: Analysis spec invalid: metrics[0]: interval must be specified when count > 1\n");
}

}  // namespace
}  // namespace crossfade::cli
