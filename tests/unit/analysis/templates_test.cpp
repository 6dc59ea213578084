// The worked cases of spec/06 §19.4 and §19.5 that concern templates, by their numbers.
#include "analysis/templates.hpp"

#include <gtest/gtest.h>

#include <map>

namespace crossfade::analysis {
namespace {

json::object object(std::string_view text) { return json::parse(text).get_object(); }

// Templates by name; those of the cluster begin with "c:".
struct Shelf {
  std::map<std::string, std::string> specs;

  TemplateLookup lookup() const {
    return [this](std::string_view name, bool cluster) -> std::shared_ptr<const api::AnalysisTemplate> {
      const auto spec = specs.find((cluster ? "c:" : "") + std::string(name));
      if (spec == specs.end()) return nullptr;
      auto found = std::make_shared<api::AnalysisTemplate>();
      found->spec = api::Carried(json::parse(spec->second));
      return found;
    };
  }
};

using Arguments = std::vector<std::pair<std::string, std::string>>;

// The arguments of the run, "name=value" each, or the error.
std::string argumentsOf(const Shelf& shelf, const std::vector<api::AnalysisTemplateRef>& templates,
                        const Arguments& args) {
  const auto spec = runSpec(templates, shelf.lookup(), args, {}, {});
  if (!spec) return "! " + spec.error().message;
  std::string text;
  const json::array* list = getArray(*spec, {"args"});
  for (const json::value& item : list == nullptr ? json::array() : *list) {
    text += fmt::format("{}={}{} ", getString(*item.if_object(), {"name"}), getString(*item.if_object(), {"value"}),
                        find(item, {"valueFrom"}) != nullptr ? "+from" : "");
  }
  return text;
}

TEST(RunSpec, Arguments) {
  const Shelf shelf{{{"with", R"({"args":[{"name":"foo","value":"bar"}]})"},
                     {"bare", R"({"args":[{"name":"foo"}]})"},
                     {"true", R"({"args":[{"name":"foo","value":"true"}]})"},
                     {"false", R"({"args":[{"name":"foo","value":"false"}]})"},
                     {"secret", R"({"args":[{"name":"foo","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}]})"}}};
  EXPECT_EQ(argumentsOf(shelf, {{"with"}}, {{"foo", "x"}}), "foo=x ");                  // 60
  EXPECT_EQ(argumentsOf(shelf, {{"bare"}}, {}), "! args.foo was not resolved");         // 61
  EXPECT_EQ(argumentsOf(shelf, {{"bare"}}, {{"foo", "v"}, {"extra", "e"}}), "foo=v ");  // 62
  EXPECT_EQ(argumentsOf(shelf, {{"true"}, {"bare"}}, {}), "foo=true ");                 // 63
  EXPECT_EQ(argumentsOf(shelf, {{"bare"}, {"true"}}, {}), "foo=true ");
  EXPECT_EQ(argumentsOf(shelf, {{"true"}, {"false"}}, {{"foo", "x"}}),
            "! Argument `foo` specified multiple times with different values: 'true', 'false'");  // 64
  EXPECT_EQ(argumentsOf(shelf, {{"with"}}, {{"foo", ""}}), "foo= ");                              // 65
  EXPECT_EQ(argumentsOf(shelf, {{"secret"}, {"bare"}}, {}), "foo=+from ");                        // §4.2, corner
  EXPECT_EQ(argumentsOf(shelf, {{"secret"}}, {{"foo", "v"}}), "foo=v ");                          // D10
  EXPECT_EQ(argumentsOf(shelf, {{"none"}}, {}), "! analysistemplate.argoproj.io \"none\" not found");
}

std::string metricsOf(const Result<json::object>& spec) {
  if (!spec) return "! " + spec.error().message;
  std::string names;
  for (const json::value& metric : *getArray(*spec, {"metrics"})) names += getString(*metric.if_object(), {"name"});
  return names;
}

TEST(RunSpec, TemplatesOfTemplates) {
  const Shelf shelf{
      {{"c:c1",
        R"({"metrics":[{"name":"C1"}],"templates":[{"templateName":"c2","clusterScope":true},{"templateName":"c3","clusterScope":true}]})"},
       {"c:c2", R"({"metrics":[{"name":"C2"}]})"},
       {"c:c3", R"({"metrics":[{"name":"C3"}]})"},
       {"c:c4", R"({"metrics":[{"name":"C4"}]})"},
       {"a1", R"({"metrics":[{"name":"A1"}],"templates":[{"templateName":"a2"}]})"},
       {"a2",
        R"({"metrics":[{"name":"A2"}],"templates":[{"templateName":"c2","clusterScope":true},{"templateName":"c4","clusterScope":true}]})"},
       {"loop", R"({"metrics":[{"name":"L"}],"templates":[{"templateName":"pool"}]})"},
       {"pool", R"({"metrics":[{"name":"P"}],"templates":[{"templateName":"loop"}]})"},
       {"same", R"({"metrics":[{"name":"A1"}]})"}}};
  EXPECT_EQ(metricsOf(runSpec({{"c1", true}, {"a1", false}}, shelf.lookup(), {}, {}, {})), "A1A2C1C2C3C4");  // 74
  EXPECT_EQ(metricsOf(runSpec({{"loop"}}, shelf.lookup(), {}, {}, {})), "LP");                               // D2
  EXPECT_EQ(metricsOf(runSpec({{"a1"}, {"same"}}, shelf.lookup(), {}, {}, {})),
            "! two metrics have the same name 'A1'");
}

TEST(RunSpec, RulesOfTheCallerComeFirst) {
  const Shelf shelf{
      {{"a",
        R"({"metrics":[{"name":"m"}],"dryRun":[{"metricName":"x"}],"measurementRetention":[{"metricName":"r","limit":3}]})"}}};
  const json::array mine{json::object{{"metricName", "mine"}}}, taken{json::object{{"metricName", "x"}}};
  const auto spec = runSpec({{"a"}}, shelf.lookup(), {}, mine, {});
  ASSERT_TRUE(spec);
  EXPECT_EQ(json::serialize(*getArray(*spec, {"dryRun"})), R"([{"metricName":"mine"},{"metricName":"x"}])");
  EXPECT_EQ(json::serialize(*getArray(*spec, {"measurementRetention"})), R"([{"metricName":"r","limit":3}])");
  EXPECT_EQ(spec->contains("args"), false);
  const auto twice = runSpec({{"a"}}, shelf.lookup(), {}, taken, {});
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().message, "two Dry-Run metric rules have the same name 'x'");
}

std::string problem(const Shelf& shelf, std::string_view strategy) {
  json::object rollout = object(R"({"metadata":{"name":"foo"},"spec":{}})");
  rollout["spec"].get_object()["strategy"] = json::parse(strategy);
  const api::Rollout decoded = api::decodeRollout(rollout);
  const auto missing = missingTemplate(decoded, shelf.lookup());
  return (missing ? missing : validateTemplates(decoded, shelf.lookup())).value_or("");
}

// What is missing anywhere is said before what is wrong with what is there; what an experiment will want comes last.
// spec/01 §6.7, §6.10.
TEST(References, Order) {
  const Shelf shelf{{{"endless", R"({"metrics":[{"name":"m2","interval":"1m"}]})"}, {"good", R"({"metrics":[]})"}}};
  const std::string both =
      R"({"canary":{"steps":[{"experiment":{"templates":[],"analyses":[{"name":"x","templateName":"good"},
        {"name":"y","templateName":"lost","clusterScope":true}]}},{"analysis":{"templates":[{"templateName":")";
  const std::string rest = R"("}]}}],"analysis":{"templates":[{"templateName":"gone"}]}}})";
  EXPECT_EQ(problem(shelf, both + "endless" + rest),
            "spec.strategy.canary.analysis.templates: Invalid value: \"gone\": AnalysisTemplate 'gone' not found");
  EXPECT_EQ(
      problem(shelf, both + "endless\"}]}}]}}"),
      "spec.strategy.canary.steps[1].analysis.templates: Invalid value: \"endless\": AnalysisTemplate endless has "
      "metric m2 which runs indefinitely. Invalid value for count: <nil>");
  EXPECT_EQ(problem(shelf, both + "good\"}]}}]}}"),
            "spec.strategy.canary.steps[0].experiment.analyses[1].templateName: Invalid value: \"lost\": "
            "ClusterAnalysisTemplate 'lost' not found");
}

TEST(References, WorkedCases) {
  const Shelf shelf{
      {{"a", R"({"metrics":[{"name":"m1"}],"args":[{"name":"invalid"}]})"},
       {"c:c", R"({"metrics":[{"name":"m2"}]})"},
       {"keep", R"({"metrics":[{"name":"m"}],"measurementRetention":[{"metricName":"example","limit":2}]})"},
       {"c:endless", R"({"metrics":[{"name":"m2","interval":"1m","count":0}]})"},
       {"both",
        R"({"metrics":[{"name":"m"}],"args":[{"name":"x","value":"1","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}]})"},
       {"foreign", R"({"metrics":[{"name":"m","successCondition":"{{args.other}}"}]})"},
       {"bad", R"({"metrics":[{"name":"m"}]})"},
       {"bad2", R"({"metrics":[{"name":"m"}]})"},
       {"ask", R"({"metrics":[{"name":"m"}],"args":[{"name":"who"}]})"},
       {"nested", R"({"metrics":[{"name":"m"}],"templates":[{"templateName":"lost"}]})"}}};
  const std::string step = "spec.strategy.canary.steps[0].analysis.templates: Invalid value: ";
  EXPECT_EQ(
      problem(
          shelf,
          R"({"canary":{"steps":[{"analysis":{"templates":[{"templateName":"a"},{"templateName":"c","clusterScope":true}]}}]}})"),
      step + "\"templateNames: [a c]\": args.invalid was not resolved");  // 95
  constexpr std::string_view keep =
      R"({"canary":{"steps":[{"analysis":{"templates":[{"templateName":"keep"}]{}}},{"analysis":{"templates":[{"templateName":"c","clusterScope":true}]{}}}]}})";
  const auto keeping = [&](std::string_view first, std::string_view second) {
    std::string strategy(keep);
    strategy.replace(strategy.rfind("]{}") + 1, 2, second);
    return problem(shelf, strategy.replace(strategy.find("]{}") + 1, 2, first));
  };
  constexpr std::string_view rule = R"(,"measurementRetention":[{"metricName":"example","limit":1}])";
  EXPECT_EQ(
      keeping(rule, ""),
      step + "\"templateNames: [keep]\": two Measurement Retention metric rules have the same name 'example'");  // 96
  EXPECT_EQ(keeping("", rule), "") << "spec/01 §6.8 R-AN2: another step's rules are none of this one's";
  constexpr const char* endless = R"({"templates":[{"templateName":"endless","clusterScope":true}]})";
  EXPECT_EQ(problem(shelf, fmt::format(R"({{"canary":{{"steps":[{{"analysis":{}}}]}}}})", endless)),
            step +
                "\"endless\": AnalysisTemplate endless has metric m2 which runs indefinitely. Invalid value for count: "
                "0");                                                                        // 97
  EXPECT_EQ(problem(shelf, fmt::format(R"({{"canary":{{"analysis":{}}}}})", endless)), "");  // 98
  EXPECT_EQ(problem(shelf, R"({"canary":{"analysis":{"templates":[{"templateName":"missing","clusterScope":true}]}}})"),
            "spec.strategy.canary.analysis.templates: Invalid value: \"missing\": ClusterAnalysisTemplate 'missing' "
            "not found");  // 99, spec/01 §10.1 E39
  EXPECT_EQ(
      problem(shelf,
              R"({"canary":{"steps":[{"analysis":{"templates":[{"templateName":"bad"},{"templateName":"bad2"}]}}]}})"),
      step + "\"templateNames: [bad bad2]\": two metrics have the same name 'm'");  // spec/01 §10.1 E40
  EXPECT_EQ(
      problem(shelf, R"({"canary":{"analysis":{"templates":[{"templateName":"ask"}]}}})"),
      "spec.strategy.canary.analysis.templates: Invalid value: \"ask\": missing analysis arguments in rollout spec");
  EXPECT_EQ(
      problem(shelf, R"({"canary":{"analysis":{"templates":[{"templateName":"ask"}],"args":[{"name":"what"}]}}})"),
      "spec.strategy.canary.analysis.templates: Invalid value: \"ask\": who");
  EXPECT_EQ(
      problem(
          shelf,
          R"({"canary":{"steps":[{"analysis":{"templates":[{"templateName":"bad"}]}},{"analysis":{"templates":[{"templateName":"gone"}]}}]}})"),
      "spec.strategy.canary.steps[1].analysis.templates: Invalid value: \"gone\": AnalysisTemplate 'gone' not found");
  EXPECT_EQ(
      problem(shelf, R"({"blueGreen":{"prePromotionAnalysis":{"templates":[{"templateName":"both"}]}}})"),
      "spec.strategy.blueGreen.prePromotionAnalysis.templates: Invalid value: \"both\": AnalysisTemplate both: arg 'x' "
      "has both Value and ValueFrom fields");
  EXPECT_EQ(
      problem(shelf, R"({"blueGreen":{"postPromotionAnalysis":{"templates":[{"templateName":"foreign"}]}}})"),
      "spec.strategy.blueGreen.postPromotionAnalysis.templates: Invalid value: \"foreign\": AnalysisTemplate foreign: "
      "failed to resolve {{args.other}}");
  EXPECT_EQ(problem(shelf, R"({"canary":{"analysis":{"templates":[{"templateName":"nested"}]}}})"),
            "spec.templates: Invalid value: \"lost\": AnalysisTemplate 'lost' not found");
  EXPECT_EQ(problem(shelf, R"({"canary":{"steps":[{"setWeight":5}]}})"), "");
}

}  // namespace
}  // namespace crossfade::analysis
