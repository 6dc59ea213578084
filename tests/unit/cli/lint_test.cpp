// `lint`: spec/10 §3.12, §7 #43-#45, §8 #18.
#include <filesystem>
#include <fstream>

#include "cli_fixture.hpp"

namespace crossfade::cli {
namespace {

class Lint : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              fmt::format("lint_{}", testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  struct Outcome {
    std::string out, err;
    int exit_code;
  };
  // The folder is left out of what is said.
  Outcome lint(const std::vector<std::string>& texts) {
    std::string command = "lint";
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::filesystem::path file = folder_ / fmt::format("{}.yaml", static_cast<char>('a' + i));
      std::ofstream(file) << texts[i];
      command += " -f " + file.string();
    }
    const CommandLine line = parseCommandLine(words(command));
    EXPECT_FALSE(line.action);
    const auto shown = [&](std::string text) {
      const std::string prefix = folder_.string() + "/";
      for (std::size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix)) {
        text.erase(at, prefix.size());
      }
      return text;
    };
    return {shown(line.out), shown(line.err), line.exit_code};
  }

  std::filesystem::path folder_;
};

std::string rollout(const std::string& strategy, const std::string& more = {}) {
  return R"(apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata:
  name: web
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
  strategy:
)" + strategy +
         more;
}

constexpr const char* analysis_template = R"y(---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: rate}
spec:
  args:
  - name: app
  - {name: limit, value: "0.95"}
  metrics:
  - name: rate
    interval: "{{args.window}}"
    successCondition: result[0] >= {{args.limit}}
    provider: {prometheus: {address: "http://p", query: "rate({{args.app}})"}}
)y";

TEST_F(Lint, SaysNothingWhereAllIsWell) {
  const Outcome outcome = lint({rollout("    canary: {steps: [{setWeight: 20}, {pause: {}}]}\n")});
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(outcome.err, "");
  EXPECT_EQ(outcome.exit_code, 0);
}

// spec/10 §7 #43, spec/10 §8 #18
TEST_F(Lint, BodiesThenTheFirstErrorThenPlaces) {
  const Outcome outcome = lint({rollout("    canary:\n      maxSurge: 0\n      maxUnavailable: 0\n")});
  EXPECT_EQ(outcome.out, "Invalid value: 0: MaxSurge and MaxUnavailable both can not be zero\n");
  EXPECT_EQ(outcome.err,
            "Error: spec.strategy.maxSurge: Invalid value: 0: MaxSurge and MaxUnavailable both can not be zero\n"
            "a.yaml:12:17: spec.strategy.maxSurge: Invalid value: 0: MaxSurge and MaxUnavailable both can not be "
            "zero\n");
  EXPECT_EQ(outcome.exit_code, 1);
}

// spec/10 §7 #44
TEST_F(Lint, AnEmptyRollout) {
  const Outcome outcome = lint({"apiVersion: argoproj.io/v1alpha1\nkind: Rollout\n"});
  EXPECT_TRUE(outcome.err.starts_with(
      "Error: spec.selector: Required value: Rollout has missing field '.spec.selector'\na.yaml:1:1: spec.selector"))
      << outcome.err;
}

constexpr const char* service = R"(---
apiVersion: v1
kind: Service
metadata: {name: svc}
spec: {selector: {app: other}, ports: [{port: 80}]}
)";

// spec/10 §7 #45
TEST_F(Lint, ServicesOfTheSameFile) {
  const std::string strategy = "    canary:\n      canaryService: svc\n      stableService: stable\n";
  const Outcome outcome = lint({rollout(strategy, service)});
  EXPECT_EQ(outcome.out, "Invalid value: \"svc\": Service \"svc\" has unmatch label \"app\" in rollout\n");
  EXPECT_TRUE(
      outcome.err.contains("Error: spec.strategy.canary.canaryService: Invalid value: \"svc\": Service \"svc\" "
                           "has unmatch label \"app\" in rollout\n"))
      << outcome.err;
  EXPECT_TRUE(outcome.err.contains("a.yaml:12:22: spec.strategy.canary.canaryService: ")) << outcome.err;
  // The other one may be in the cluster.
  EXPECT_TRUE(outcome.err.contains("a.yaml:13:22: warning: spec.strategy.canary.stableService: ")) << outcome.err;
}

TEST_F(Lint, IngressesAndVirtualServices) {
  const std::string strategy = R"(    canary:
      canaryService: canary
      stableService: stable
      trafficRouting: {nginx: {stableIngress: web}, istio: {virtualService: {name: web}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: canary, port: {number: 80}}}}]}}]}
---
apiVersion: networking.istio.io/v1beta1
kind: VirtualService
metadata: {name: web}
spec: {hosts: [web]}
)";
  const Outcome outcome = lint({rollout(strategy)});
  EXPECT_TRUE(outcome.out.contains("ingress `web` has no rules using service stable backend\n")) << outcome.out;
  EXPECT_TRUE(outcome.out.contains("Unable to get any of the HTTP, TCP or TLS routes for the Istio VirtualService\n"))
      << outcome.out;
}

TEST_F(Lint, UnknownAndDoubleFields) {
  const struct {
    std::string text, err;
  } cases[] = {
      {rollout("    canary:\n      maxSurg: 1\n"),
       "Error: error unmarshaling JSON: while decoding JSON: json: unknown field \"maxSurg\"\na.yaml:12:16: "
       "spec.strategy.canary.maxSurg: unknown field \"maxSurg\"\n"},
      {rollout("    canary: {}\n", "  replicas: 1\n  replicas: 2\n"),
       "Error: error unmarshaling JSON: while decoding JSON: json: key \"replicas\" already set in map\na.yaml:13:13: "
       "spec.replicas: key \"replicas\" already set in map\n"},
      {std::string(analysis_template) + "    intervall: 1m\n",
       "Error: error unmarshaling JSON: while decoding JSON: json: unknown field \"intervall\"\na.yaml:14:16: "
       "spec.metrics[0].intervall: unknown field \"intervall\"\n"},
      {"a: [", "Error: a.yaml: yaml: line 1: end of sequence flow not found\n"},
      {"- 1\n", "Error: a.yaml:1:1: the document is no object\n"},
  };
  for (const auto& [text, err] : cases) {
    const Outcome outcome = lint({text});
    EXPECT_EQ(outcome.err, err) << text;
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(outcome.exit_code, 1);
  }
  EXPECT_TRUE(parseCommandLine(words("lint -f /nowhere/a.yaml")).err.starts_with("Error: open /nowhere/a.yaml"));
  EXPECT_TRUE(parseCommandLine(words("lint")).err.contains("Usage:"));
}

std::string metric(const std::string& text) {
  return "apiVersion: argoproj.io/v1alpha1\nkind: AnalysisTemplate\nmetadata: {name: a}\nspec:\n  metrics:\n  - name: "
         "m\n" +
         text;
}

TEST_F(Lint, Conditions) {
  const std::string prometheus = "    provider: {prometheus: {address: p, query: q}}\n";
  const std::string web = "    provider: {web: {url: u, jsonPath: '{$.a}'}}\n";
  const struct {
    std::string text, finding;
  } cases[] = {
      {metric("    successCondition: resul[0] > 1\n" + web),
       "a.yaml:7:23: spec.metrics[0].successCondition: Invalid value: \"resul[0] > 1\": unknown name resul (line 1, "
       "column 1)\n"},
      {metric("    failureCondition: |\n      result[0] > 1 &&\n      result[0] <\n" + web),
       "unexpected token EOF (line 3, column 1)\n"},
      // A list for sure, or a number: `true >` fits neither.
      {metric("    successCondition: result.a > 1\n" + prometheus),
       "array elements can only be selected using an integer (got string) (line 1, column 8)\n"},
      {metric("    successCondition: result >= 1\n" + prometheus), ""},
      {metric("    successCondition: result[0] >= 1\n" + prometheus), ""},
      {metric("    successCondition: result.a > 1\n" + web), ""},
      {metric("    provider: {web: {url: u, jsonPath: '{$.a'}}\n"),
       "a.yaml:7:40: spec.metrics[0].provider.web.jsonPath: Invalid value: \"{$.a\": unclosed action\n"},
      {metric("    provider: {prometheus: {address: p, query: q, rangeQuery: {start: 'now() - 5', end: now(), step: "
              "1m}}}\n"),
       "spec.metrics[0].provider.prometheus.rangeQuery.start: Invalid value: \"now() - 5\": invalid operation: - "
       "(mismatched types time.Time and int)\n"},
      {metric("    count: 2\n" + web),
       "a.yaml:6:5: spec.metrics[0]: Invalid value: interval must be specified when count > 1\n"},
      {metric("    interval: 1x\n" + web),
       "spec.metrics[0]: Invalid value: invalid interval string: time: unknown unit \"x\" in duration \"1x\"\n"},
      {metric("    provider: {}\n"), "spec.metrics[0]: Invalid value: no provider specified\n"},
      {metric("    interval: '{{args.i}}'\n" + web),
       "spec.metrics[0]: Invalid value: \"m\": failed to resolve {{args.i}}\n"},
      {metric(web + "  dryRun: [{metricName: other}]\n"),
       "spec.dryRun[0]: Invalid value: Rule didn't match any metric name(s)\n"},
  };
  for (const auto& [text, finding] : cases) {
    const Outcome outcome = lint({text});
    EXPECT_EQ(outcome.exit_code, finding.empty() ? 0 : 1) << text << outcome.err;
    EXPECT_TRUE(finding.empty() ? outcome.err.empty() : outcome.err.ends_with(finding)) << finding << outcome.err;
  }
}

TEST_F(Lint, ArgumentsWithoutADefaultAreLeftOpen) {
  std::string text = analysis_template;
  text.replace(text.find("- name: app"), 11, "- name: app\n  - name: window");
  EXPECT_EQ(lint({text}).err, "");
}

TEST_F(Lint, RolloutsAndTheirTemplates) {
  std::string text = analysis_template;
  text.replace(text.find("- name: app"), 11, "- name: app\n  - name: window");
  const auto canary = [](const std::string& name, const std::string& args) {
    return rollout("    canary:\n      steps:\n      - analysis:\n          templates: [{templateName: " + name +
                   "}]\n" + args);
  };
  const std::string all_args = "          args: [{name: app, value: web}, {name: window, value: 1m}]\n";
  // In files of their own, too. The step never ends: no count.
  const Outcome endless = lint({canary("rate", all_args), text});
  EXPECT_TRUE(endless.out.contains("runs indefinitely")) << endless.out << endless.err;
  text.replace(text.find("    interval:"), 13, "    count: 3\n    interval:");
  EXPECT_EQ(lint({canary("rate", all_args), text}).err, "");
  const Outcome lacking = lint({canary("rate", "          args: [{name: app, value: web}]\n"), text});
  EXPECT_TRUE(lacking.err.contains("args.window was not resolved")) << lacking.err;
  EXPECT_TRUE(lacking.err.contains("a.yaml:14:22: spec.strategy.canary.steps[0].analysis.templates: ")) << lacking.err;
  // It may be in the cluster.
  const Outcome elsewhere = lint({canary("other", all_args), text});
  EXPECT_EQ(elsewhere.exit_code, 0);
  EXPECT_TRUE(elsewhere.err.contains("a.yaml:14:22: warning: ")) << elsewhere.err;
  EXPECT_EQ(lint({canary("other", all_args)}).err, "");
}

}  // namespace
}  // namespace crossfade::cli
