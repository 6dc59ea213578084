// The worked cases of spec/01 §10.1. "" stands for a valid Rollout.
#include "api/validation.hpp"

#include <gtest/gtest.h>

namespace crossfade::api {
namespace {

json::object object(std::string_view text) {
  auto value = parseJson(text);
  EXPECT_TRUE(value) << text;
  return value ? value->as_object() : json::object();
}

// A valid canary named "web" with 5 replicas, its spec changed by a merge patch.
Rollout rollout(std::string_view spec_patch) {
  json::value spec = object(R"({"replicas":5,"selector":{"matchLabels":{"app":"web"}},
    "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"web","image":"shop:1"}]}},
    "strategy":{"canary":{}}})");
  mergePatch(spec, object(spec_patch));
  return decodeRollout({{"metadata", {{"name", "web"}, {"namespace", "default"}}}, {"spec", spec}});
}

std::string violation(std::string_view spec_patch) {
  const Rollout made = rollout(spec_patch);
  const json::object selector = made.spec.selector.object();
  const auto found =
      validateSpec(made, made.spec.pod_template.object(), made.spec.selector.empty() ? nullptr : &selector);
  return found.value_or("");
}

std::string canary(std::string_view patch) {
  return violation(fmt::format(R"({{"strategy":{{"canary":{}}}}})", patch));
}
std::string steps(std::string_view list, std::string_view routing = "null") {
  return canary(
      fmt::format(R"({{"steps":{},"trafficRouting":{},"canaryService":"c","stableService":"s"}})", list, routing));
}

TEST(Validation, SpecRules) {  // spec/01 §10.1 E1-E8
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"{}", ""},
      {R"({"strategy":null})",  // E1
       "spec.strategy.strategy: Required value: Rollout has missing field '.spec.strategy.canary or "
       ".spec.strategy.blueGreen'"},
      {R"({"strategy":{"blueGreen":{"activeService":"a"}}})",  // E2
       R"(spec.strategy.strategy: Invalid value: "blueGreen: true canary: true": Multiple Strategies can not be listed)"},
      {R"({"selector":null})", "spec.selector: Required value: Rollout has missing field '.spec.selector'"},  // E3
      {R"({"selector":{"matchLabels":null}})",                                                                // E4
       "spec.selector: Invalid value: {}: empty selector is invalid for deployment"},
      {R"({"template":{"metadata":{"labels":{"app":"doesnt-match"}}}})",  // E5
       R"(spec.template.metadata.labels: Invalid value: {"app":"doesnt-match"}: `selector` does not match template `labels`)"},
      {R"({"replicas":-1})", "spec.replicas: Invalid value: -1: must be greater than or equal to 0"},  // E6
      {R"({"minReadySeconds":600})",                                                                   // E7
       "spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds"},
      {R"({"progressDeadlineSeconds":0})",  // E8
       "spec.progressDeadlineSeconds: Invalid value: 0: must be greater than minReadySeconds"},
      {R"({"minReadySeconds":-1})", "spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0"},
      {R"({"selector":{"matchLabels":{"a b":"c"}}})",
       "spec.selector.matchLabels: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' "
       "or "
       "'.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex "
       "used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"},
      {R"({"selector":{"matchExpressions":[{"key":"a","operator":"In"}]}})",
       "spec.selector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or "
       "'NotIn'"},
      {R"({"selector":{"matchExpressions":[{"key":"a","operator":"Like"}]}})",
       R"(spec.selector.matchExpressions[0].operator: Invalid value: "Like": not a valid selector operator)"},
  };
  for (const auto& [patch, expected] : cases) EXPECT_EQ(violation(patch), expected) << patch;
}

TEST(Validation, PodTemplateRules) {
  const auto spec = [](std::string_view patch) {
    return violation(fmt::format(R"({{"template":{{"spec":{}}}}})", patch));
  };
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"({"containers":null})", "spec.template.spec.containers: Required value"},
      {R"({"containers":[{"image":"a"}]})", "spec.template.spec.containers[0].name: Required value"},
      {R"({"containers":[{"name":"a"}]})", "spec.template.spec.containers[0].image: Required value"},
      {R"({"containers":[{"name":"a","image":"i"},{"name":"a","image":"i"}]})",
       R"(spec.template.spec.containers[1].name: Duplicate value: "a")"},
      {R"({"containers":[{"name":"a","image":"i","volumeMounts":[{"name":"v","mountPath":"/"}]}]})",
       R"(spec.template.spec.containers[0].volumeMounts[0].name: Not found: "v")"},
      {R"({"containers":[{"name":"a","image":"i","resources":{"requests":{"cpu":"2"},"limits":{"cpu":1}}}]})",
       R"(spec.template.spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1)"},
      {R"({"restartPolicy":"Never"})",
       R"(spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always")"},
      {R"({"activeDeadlineSeconds":5})",
       "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported"},
      {R"({"containers":[{"name":"a","image":"i","securityContext":{"privileged":true}}]})", ""},
  };
  for (const auto& [patch, expected] : cases) EXPECT_EQ(spec(patch), expected) << patch;
}

TEST(Validation, CanaryRules) {  // spec/01 §10.1 E9-E12, spec/01 §10.1 E21-E25, spec/01 §10.1 E30
  const std::pair<std::string_view, std::string_view> cases[] = {
      {R"({"maxSurge":0,"maxUnavailable":0})",  // E9
       "spec.strategy.maxSurge: Invalid value: 0: MaxSurge and MaxUnavailable both can not be zero"},
      {R"({"maxSurge":"0%","maxUnavailable":"0%"})",  // E10
       R"(spec.strategy.maxSurge: Invalid value: "0%": MaxSurge and MaxUnavailable both can not be zero)"},
      {R"({"maxSurge":0})", ""},                        // E11
      {R"({"maxSurge":0,"maxUnavailable":"1%"})", ""},  // E12
      {R"({"maxSurge":"25","maxUnavailable":"0"})", ""},
      {R"({"scaleDownDelaySeconds":60})",  // E21
       "spec.strategy.scaleDownDelaySeconds: Invalid value: 60: Canary scaleDownDelaySeconds can only be used with "
       "traffic "
       "routing"},
      {R"({"canaryService":"web","stableService":"web"})",  // E22
       R"(spec.strategy.stableService: Invalid value: "web": This rollout uses the same service for the stable and canary services, but two different services are required.)"},
      {R"({"stableService":"s","trafficRouting":{"smi":{}}})",  // E23
       R"(spec.strategy.canaryService: Invalid value: "": Canary service and Stable service must to be set to use Traffic Routing)"},
      {R"({"trafficRouting":{"istio":{"destinationRule":{"name":"d"}}}})", ""},  // E24
      {R"({"canaryService":"c","stableService":"s","trafficRouting":{"nginx":{}},"pingPong":{"pingService":"a","pongService":"b"}})",
       "spec.strategy.trafficRouting.alb: Invalid value: null: Ping-pong feature works with the ALB, Istio, and "
       "plugin-based traffic routers only"},  // E25
      {R"({"antiAffinity":{}})",              // E30
       R"(spec.strategy.antiAffinity: Invalid value: "antiAffinity.PreferredDuringSchedulingIgnoredDuringExecution: false antiAffinity.RequiredDuringSchedulingIgnoredDuringExecution: false": AntiAffinity must have exactly one strategy listed)"},
      {R"({"antiAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":{"weight":101}}})",
       "spec.strategy.antiAffinity.weight: Invalid value: 101: AntiAffinity weight must be between 1-100"},
      {R"({"trafficRouting":{},"dynamicStableScale":true,"scaleDownDelaySeconds":0})",
       "spec.strategy.dynamicStableScale: Invalid value: true: Canary dynamicStableScale cannot be used with "
       "scaleDownDelaySeconds"},
      // spec/01 §6.10.
      {R"({"maxSurge":"oops"})",
       R"(spec.strategy.maxSurge: Invalid value: "oops": must be an integer or a percentage)"},
      {R"({"maxUnavailable":-1})",
       "spec.strategy.maxUnavailable: Invalid value: -1: must be greater than or equal to 0"},
      {R"({"trafficRouting":{"plugins":{"p":{}},"maxTrafficWeight":0}})",
       "spec.strategy.trafficRouting.maxTrafficWeight: Invalid value: 0: must be greater than 0"},
  };
  for (const auto& [patch, expected] : cases) EXPECT_EQ(canary(patch), expected) << patch;
}

TEST(Validation, StepRules) {  // spec/01 §10.1 E13-E20, spec/01 §10.1 E26-E29, spec/01 §10.1 E31-E32
  struct Case {
    std::string_view steps, routing, expected;
  };
  constexpr std::string_view none = "null", nginx = R"({"nginx":{}})";
  const Case cases[] = {
      {"[{}]", none,  // E13
       R"(spec.strategy.steps[0]: Invalid value: "step.Experiment: true step.Pause: true step.SetWeight: true step.Analysis: true step.SetCanaryScale: true step.SetHeaderRoute: true step.SetMirrorRoute: true step.Plugin: true": Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause)"},
      {R"([{"setWeight":1},{"setWeight":10,"pause":{}}])", none,  // E14
       R"(spec.strategy.steps[1]: Invalid value: "step.Experiment: false step.Pause: true step.SetWeight: true step.Analysis: false": Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause)"},
      {R"([{"setWeight":10,"setCanaryScale":{"weight":5}}])", nginx, ""},  // E15
      {R"([{"setWeight":101}])", none,                                     // E16
       "spec.strategy.steps[0].setWeight: Invalid value: 101: SetWeight needs to be between 0 and 100"},
      {R"([{"setWeight":101}])", R"({"nginx":{},"maxTrafficWeight":1000})", ""},  // E17
      {R"([{"setWeight":101}])", R"({"alb":{},"maxTrafficWeight":1000})",
       "spec.strategy.trafficRouting.maxTrafficWeight: Invalid value: 1000: Canary maxTrafficWeight in traffic routing "
       "only "
       "supported in Nginx and Plugins"},
      {R"([{"pause":{"duration":"1z"}}])", none,  // E18
       "spec.strategy.steps[0].pause.duration: Invalid value: -1: Duration needs to be greater than 0"},
      {R"([{"pause":{"duration":-5}}])", none,  // E19
       "spec.strategy.steps[0].pause.duration: Invalid value: -5: Duration needs to be greater than 0"},
      {R"([{"setCanaryScale":{"replicas":1}}])", none,  // E20
       "spec.strategy.trafficRouting: Required value: SetCanaryScale requires TrafficRouting to be set"},
      {R"([{"setHeaderRoute":{"name":"r"}}])", R"({"istio":{}})",  // E26
       "spec.strategy.trafficRouting.managedRoutes: Required value: Rollout has missing field "
       "'spec.strategy.canary.trafficRouting.managedRoutes'"},
      {R"([{"setHeaderRoute":{"name":"r"}}])", R"({"istio":{},"managedRoutes":[{"name":"other"}]})",  // E27
       "spec.strategy.steps[0].setHeaderRoute: Invalid value: \"r\": Steps define a route that does not exist in "
       "spec.strategy.canary.trafficRouting.managedRoutes"},
      {R"([{"setHeaderRoute":{"name":"r","match":[{"headerName":"h","headerValue":{"regex":"x"}}]}}])",  // E28
       R"({"alb":{},"managedRoutes":[{"name":"r"}]})",
       R"(spec.strategy.steps[0].setHeaderRoute.match[0]: Invalid value: {"regex":"x"}: SetHeaderRoute match value invalid. ALB supports 'exact' value only)"},
      {R"([{"setHeaderRoute":{"name":"r","match":[{"headerName":"h","headerValue":{"exact":"a","prefix":"b"}}]}}])",  // E29
       R"({"istio":{},"managedRoutes":[{"name":"r"}]})",
       R"(spec.strategy.steps[0].setHeaderRoute.match[0]: Invalid value: {"exact":"a","prefix":"b"}: StringMatch match value must have exactly one of the following: exact, regex, prefix)"},
      {R"([{"setWeight":90},{"experiment":{"templates":[{"name":"a","specRef":"canary","weight":6},
          {"name":"b","specRef":"stable","weight":5}]}}])",  // spec/04 §33 #30
       R"({"smi":{}})",
       "spec.strategy.steps[1].experiment.templates: Invalid value: 11: the weights of the templates and the canary "
       "must not exceed 100 together"},
      {R"([{"setWeight":90},{"experiment":{"templates":[{"name":"a","specRef":"canary","weight":10}]}}])",
       R"({"smi":{}})", ""},
      {R"([{"pause":{}},{"experiment":{"templates":[{"name":"t","specRef":"canary","weight":20}]}}])", nginx,  // E31
       "spec.strategy.steps[1].experiment.templates[0].weight: Invalid value: 20: Experiment template weight is only "
       "available for TrafficRouting with SMI, ALB, Istio and Plugins at this time"},
      {R"([{"analysis":{"templates":[{"templateName":"t"}],"args":[{"name":"a","valueFrom":{"fieldRef":{"fieldPath":"metadata.bogus"}}}]}}])",
       none,  // E32
       R"(spec.strategy.steps[0].analyses: Invalid value: [{"name":"a","valueFrom":{"fieldRef":{"fieldPath":"metadata.bogus"}}}]: Analyses arguments must refer to valid object metadata supported by downwardAPI)"},
      {R"([{"analysis":{"args":[{"name":"a","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['app']"}}}]}}])",
       none, ""},
  };
  for (const Case& one : cases) EXPECT_EQ(steps(one.steps, one.routing), one.expected) << one.steps;
}

TEST(Validation, BlueGreenRules) {  // spec/01 §10.1 E33-E35
  const auto blue_green = [](std::string_view more, std::string_view patch) {
    return violation(fmt::format(R"({{{}"strategy":{{"canary":null,"blueGreen":{}}}}})", more, patch));
  };
  constexpr std::string_view same_services =
      R"(spec.strategy.activeService: Invalid value: "s": This rollout uses the same service for the active and preview services, but two different services are required.)";
  EXPECT_EQ(blue_green("", R"({"activeService":"s","previewService":"s"})"), same_services);  // E33
  EXPECT_EQ(
      blue_green(R"("revisionHistoryLimit":1,)", R"({"activeService":"s","scaleDownDelayRevisionLimit":2})"),  // E34
      "spec.strategy.scaleDownDelayRevisionLimit: Invalid value: 2: This rollout's revision history limit can not be "
      "smaller than the rollout's scale down limit");
  EXPECT_EQ(blue_green(R"("replicas":-1,)", R"({"activeService":"s","previewService":"s"})"),  // E35
            "spec.replicas: Invalid value: -1: must be greater than or equal to 0");
  EXPECT_EQ(blue_green("", R"({"activeService":"s"})"), "");
}

TEST(Validation, WorkloadRefWantsAnEmptyTemplate) {
  EXPECT_EQ(violation(R"({"selector":null,"workloadRef":{"kind":"Deployment","name":"d"}})"),
            "spec.template: Internal error: template must be empty for workload reference rollout");
}

TEST(Validation, Services) {  // spec/01 §10.1 E36-E38
  const auto service = [](std::string_view text) {
    return std::make_shared<const Service>(decodeService(object(text)));
  };
  const auto check = [&](std::string_view strategy, const auto& services) {
    const Rollout made = rollout(fmt::format(R"({{"strategy":{}}})", strategy));
    const auto missing = missingService(made, services);
    return (missing ? missing : validateServices(made, made.spec.pod_template.object(), services)).value_or("");
  };
  EXPECT_EQ(check(R"({"canary":null,"blueGreen":{"activeService":"active"}})", Services{}),  // E36
            R"(spec.strategy.blueGreen.activeService: Invalid value: "active": service "active" not found)");
  constexpr std::string_view pair = R"({"canary":{"canaryService":"c","stableService":"s"}})";
  const auto plain = service(R"({"spec":{"selector":{"app":"web","rollouts-pod-template-hash":"x"}}})");
  EXPECT_EQ(check(pair, Services{{"c", plain}, {"s", plain}}), "");
  EXPECT_EQ(
      check(pair, Services{{"c", service(R"({"spec":{"selector":{"app":"x"}}})")}, {"s", plain}}),  // E37
      R"(spec.strategy.canary.canaryService: Invalid value: "c": Service "c" has unmatch label "app" in rollout)");
  const auto foreign =
      service(R"({"metadata":{"annotations":{"argo-rollouts.argoproj.io/managed-by-rollouts":"other"}},"spec":{}})");
  EXPECT_EQ(check(pair, Services{{"c", plain}, {"s", foreign}}),  // E38
            R"(spec.strategy.canary.stableService: Invalid value: "s": Service "s" is managed by another Rollout)");
}

}  // namespace
}  // namespace crossfade::api
