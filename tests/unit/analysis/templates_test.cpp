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

TEST(RunSpec, Arguments) {  // spec/06 §20 #24
  const Shelf shelf{{{"with", R"({"args":[{"name":"foo","value":"bar"}]})"},
                     {"bare", R"({"args":[{"name":"foo"}]})"},
                     {"true", R"({"args":[{"name":"foo","value":"true"}]})"},
                     {"false", R"({"args":[{"name":"foo","value":"false"}]})"},
                     {"secret", R"({"args":[{"name":"foo","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}]})"}}};
  EXPECT_EQ(argumentsOf(shelf, {{"with"}}, {{"foo", "x"}}), "foo=x ");                  // spec/06 §19.4 #60
  EXPECT_EQ(argumentsOf(shelf, {{"bare"}}, {}), "! args.foo was not resolved");         // spec/06 §19.4 #61
  EXPECT_EQ(argumentsOf(shelf, {{"bare"}}, {{"foo", "v"}, {"extra", "e"}}), "foo=v ");  // spec/06 §19.4 #62
  EXPECT_EQ(argumentsOf(shelf, {{"true"}, {"bare"}}, {}), "foo=true ");                 // spec/06 §19.4 #63
  EXPECT_EQ(argumentsOf(shelf, {{"bare"}, {"true"}}, {}), "foo=true ");
  EXPECT_EQ(argumentsOf(shelf, {{"true"}, {"false"}}, {{"foo", "x"}}),
            "! Argument `foo` specified multiple times with different values: 'true', 'false'");  // spec/06 §19.4 #64
  EXPECT_EQ(argumentsOf(shelf, {{"with"}}, {{"foo", ""}}), "foo= ");                              // spec/06 §19.4 #65
  EXPECT_EQ(argumentsOf(shelf, {{"secret"}, {"bare"}}, {}), "foo=+from ");                        // §4.2, corner
  EXPECT_EQ(argumentsOf(shelf, {{"secret"}}, {{"foo", "v"}}), "foo=v ");                          // spec/06 §18 D10
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
  EXPECT_EQ(metricsOf(runSpec({{"c1", true}, {"a1", false}}, shelf.lookup(), {}, {}, {})),
            "A1A2C1C2C3C4");                                                    // spec/06 §19.4 #74
  EXPECT_EQ(metricsOf(runSpec({{"loop"}}, shelf.lookup(), {}, {}, {})), "LP");  // spec/06 §18 D2
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
      step + "\"templateNames: [a c]\": args.invalid was not resolved");  // spec/06 §19.5 #95, spec/06 §16 #3
  constexpr std::string_view keep =
      R"({"canary":{"steps":[{"analysis":{"templates":[{"templateName":"keep"}]{}}},{"analysis":{"templates":[{"templateName":"c","clusterScope":true}]{}}}]}})";
  const auto keeping = [&](std::string_view first, std::string_view second) {
    std::string strategy(keep);
    strategy.replace(strategy.rfind("]{}") + 1, 2, second);
    return problem(shelf, strategy.replace(strategy.find("]{}") + 1, 2, first));
  };
  constexpr std::string_view rule = R"(,"measurementRetention":[{"metricName":"example","limit":1}])";
  // spec/06 §16 #4, spec/06 §19.5 #96, as far as spec/01 §6.8 R-AN2 leaves it
  EXPECT_EQ(keeping(rule, ""),
            step + "\"templateNames: [keep]\": two Measurement Retention metric rules have the same name 'example'");
  EXPECT_EQ(keeping("", rule), "") << "spec/01 §6.8 R-AN2: another step's rules are none of this one's";
  constexpr const char* endless = R"({"templates":[{"templateName":"endless","clusterScope":true}]})";
  EXPECT_EQ(problem(shelf, fmt::format(R"({{"canary":{{"steps":[{{"analysis":{}}}]}}}})", endless)),
            step +
                "\"endless\": AnalysisTemplate endless has metric m2 which runs indefinitely. Invalid value for count: "
                "0");  // spec/06 §19.5 #97, spec/06 §16 #7, spec/06 §20 #10
  EXPECT_EQ(problem(shelf, fmt::format(R"({{"canary":{{"analysis":{}}}}})", endless)), "");  // spec/06 §19.5 #98
  EXPECT_EQ(problem(shelf, R"({"canary":{"analysis":{"templates":[{"templateName":"missing","clusterScope":true}]}}})"),
            "spec.strategy.canary.analysis.templates: Invalid value: \"missing\": ClusterAnalysisTemplate 'missing' "
            "not found");  // spec/06 §16 #2, spec/06 §19.5 #99, spec/01 §10.1 E39
  EXPECT_EQ(
      problem(shelf,
              R"({"canary":{"steps":[{"analysis":{"templates":[{"templateName":"bad"},{"templateName":"bad2"}]}}]}})"),
      step + "\"templateNames: [bad bad2]\": two metrics have the same name 'm'");  // spec/01 §10.1 E40
  // spec/06 §16 #8, spec/06 §16 #9
  EXPECT_EQ(
      problem(shelf, R"({"canary":{"analysis":{"templates":[{"templateName":"ask"}]}}})"),
      "spec.strategy.canary.analysis.templates: Invalid value: \"ask\": missing analysis arguments in rollout spec");
  EXPECT_EQ(
      problem(shelf, R"({"canary":{"analysis":{"templates":[{"templateName":"ask"}],"args":[{"name":"what"}]}}})"),
      "spec.strategy.canary.analysis.templates: Invalid value: \"ask\": who");
  EXPECT_EQ(  // spec/06 §16 #1
      problem(
          shelf,
          R"({"canary":{"steps":[{"analysis":{"templates":[{"templateName":"bad"}]}},{"analysis":{"templates":[{"templateName":"gone"}]}}]}})"),
      "spec.strategy.canary.steps[1].analysis.templates: Invalid value: \"gone\": AnalysisTemplate 'gone' not found");
  EXPECT_EQ(  // spec/06 §16 #5
      problem(shelf, R"({"blueGreen":{"prePromotionAnalysis":{"templates":[{"templateName":"both"}]}}})"),
      "spec.strategy.blueGreen.prePromotionAnalysis.templates: Invalid value: \"both\": AnalysisTemplate both: arg 'x' "
      "has both Value and ValueFrom fields");
  EXPECT_EQ(  // spec/06 §16 #6
      problem(shelf, R"({"blueGreen":{"postPromotionAnalysis":{"templates":[{"templateName":"foreign"}]}}})"),
      "spec.strategy.blueGreen.postPromotionAnalysis.templates: Invalid value: \"foreign\": AnalysisTemplate foreign: "
      "failed to resolve {{args.other}}");
  EXPECT_EQ(problem(shelf, R"({"canary":{"analysis":{"templates":[{"templateName":"nested"}]}}})"),
            "spec.templates: Invalid value: \"lost\": AnalysisTemplate 'lost' not found");
  EXPECT_EQ(problem(shelf, R"({"canary":{"steps":[{"setWeight":5}]}})"), "");
}

// spec/06 §20 #11: what an argument without a default is worth decides nothing.
TEST(References, CountsThatOnlyARolloutKnows) {
  const Shelf shelf{
      {{"counted", R"({"metrics":[{"name":"m","interval":"1m","count":"{{args.n}}"}],"args":[{"name":"n"}]})"},
       {"defaulted",
        R"({"metrics":[{"name":"m","interval":"1m","count":"{{args.n}}"}],"args":[{"name":"n","value":"3"}]})"}}};
  constexpr std::string_view step =
      R"({"canary":{"steps":[{"analysis":{"templates":[{"templateName":"NAME"}],"args":[{"name":"n","value":"5"}]}}]}})";
  const auto with = [&](std::string_view name) {
    std::string strategy(step);
    return problem(shelf, strategy.replace(strategy.find("NAME"), 4, name));
  };
  EXPECT_TRUE(with("counted").ends_with(
      "AnalysisTemplate counted has metric m which runs indefinitely. Invalid value for count: dummy-value"))
      << with("counted");
  EXPECT_EQ(with("defaulted"), "");
}

// spec/06 §18 D9: for every use, or its run could never be made.
TEST(References, RulesThatComeTwice) {
  const Shelf shelf{{{"dry", R"({"metrics":[{"name":"m"}],"dryRun":[{"metricName":"m"}]})"}}};
  constexpr std::string_view twice = R"({"templates":[{"templateName":"dry"}],"dryRun":[{"metricName":"m"}]})";
  const std::string wanted =
      ": Invalid value: \"templateNames: [dry]\": two Dry-Run metric rules have the same name 'm'";
  EXPECT_EQ(problem(shelf, fmt::format(R"({{"blueGreen":{{"prePromotionAnalysis":{}}}}})", twice)),
            "spec.strategy.blueGreen.prePromotionAnalysis.templates" + wanted);
  EXPECT_EQ(problem(shelf, fmt::format(R"({{"blueGreen":{{"postPromotionAnalysis":{}}}}})", twice)),
            "spec.strategy.blueGreen.postPromotionAnalysis.templates" + wanted);
  EXPECT_EQ(problem(shelf, fmt::format(R"({{"canary":{{"analysis":{}}}}})", twice)),
            "spec.strategy.canary.analysis.templates" + wanted);
}

// The first thing that is wrong with a run's parts: metrics, dryRun, measurementRetention, args; then the caller's.
// spec/06 §4.2, §4.3
TEST(RunSpec, TheFirstErrorInOrder) {
  const auto message = [](std::string_view left, std::string_view right, const Arguments& args = {},
                          const json::array& dry = {}, const json::array& kept = {}) {
    const Shelf shelf{{{"l", std::string(left)}, {"r", std::string(right)}}};
    const auto spec = runSpec({{"l"}, {"r"}}, shelf.lookup(), args, dry, kept);
    return spec ? "" : spec.error().message;
  };
  constexpr const char* all =
      R"({"metrics":[{"name":"m"}],"dryRun":[{"metricName":"d"}],"measurementRetention":[{"metricName":"k","limit":1}],
          "args":[{"name":"a","value":"%"}]})";
  std::string left(all), right(all);
  left.replace(left.find('%'), 1, "1");
  right.replace(right.find('%'), 1, "2");
  const auto without = [](std::string text, std::string_view name) {
    text.replace(text.find(name), name.size(), "other");
    return text;
  };
  EXPECT_EQ(message(left, right), "two metrics have the same name 'm'");
  right = without(right, "m\"}]");
  right.replace(right.find("other"), 5, "n\"}]");
  EXPECT_EQ(message(left, right), "two Dry-Run metric rules have the same name 'd'");
  right.replace(right.find("\"d\""), 3, "\"e\"");
  EXPECT_EQ(message(left, right), "two Measurement Retention metric rules have the same name 'k'");
  right.replace(right.find("\"k\""), 3, "\"l\"");
  EXPECT_EQ(message(left, right), "Argument `a` specified multiple times with different values: '1', '2'");
  right.replace(right.find("\"a\""), 3, "\"b\"");
  const json::array dry{json::object{{"metricName", "d"}}}, kept{json::object{{"metricName", "k"}}};
  EXPECT_EQ(message(left, right, {}, dry, kept), "two Dry-Run metric rules have the same name 'd'");
  EXPECT_EQ(message(left, right, {}, {}, kept), "two Measurement Retention metric rules have the same name 'k'");
  EXPECT_EQ(message(left, right), "");
  right.replace(right.find(R"(,"value":"2")"), 12, "");
  EXPECT_EQ(message(left, right, {}, dry, kept), "args.b was not resolved");
  EXPECT_EQ(message(left, right, {{"b", ""}}), "");
}

TEST(References, TemplatesThatCantBeRead) {
  const auto read = [](std::string_view text) { return api::decodeAnalysisTemplate(json::parse(text).get_object()); };
  EXPECT_TRUE(read(R"({"spec":{"metrics":[{"name":"m"}],"templates":[{"templateName":"t","clusterScope":true}]}})")
                  .malformed.empty());
  EXPECT_EQ(read(R"({"metadata":{"name":"t"}})").malformed, (api::Malformed{"spec: an object is expected"}));
  EXPECT_EQ(read(R"({"spec":{"templates":[{"templateName":5}]}})").malformed,
            (api::Malformed{"spec.templates[0].templateName: a string is expected, found 5"}));
  const TemplateLookup lookup = [&](std::string_view, bool) {
    return std::make_shared<const api::AnalysisTemplate>(read(R"({"spec":{"metrics":[{"name":["m"]}]}})"));
  };
  const api::Rollout rollout = api::decodeRollout(object(
      R"({"metadata":{"name":"foo"},"spec":{"strategy":{"canary":{"analysis":{"templates":[{"templateName":"t"}]}}}}})"));
  EXPECT_EQ(
      validateTemplates(rollout, lookup).value_or(""),
      "spec.strategy.canary.analysis.templates: Invalid value: \"t\": AnalysisTemplate t: spec.metrics[0].name: a "
      "string is expected, found [\"m\"]");
}

}  // namespace
}  // namespace crossfade::analysis
