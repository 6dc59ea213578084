// What spec/01 §6 says beyond its worked cases: every rule once, their order, what the reference lets pass, and the
// traps.
#include <gtest/gtest.h>

#include "api/validation.hpp"

namespace crossfade::api {
namespace {

json::object object(std::string_view text) {
  auto value = parseJson(text);
  EXPECT_TRUE(value) << text;
  return value ? value->as_object() : json::object();
}

// A valid canary named "web", its spec changed by a merge patch; "" stands for valid.
Rollout rollout(std::string_view spec_patch) {
  json::value spec = object(R"({"replicas":5,"selector":{"matchLabels":{"app":"web"}},
    "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"web","image":"shop:1"}]}},
    "strategy":{"canary":{"canaryService":"c","stableService":"s"}}})");
  mergePatch(spec, object(spec_patch));
  return decodeRollout({{"metadata", {{"name", "web"}, {"namespace", "default"}}}, {"spec", spec}});
}

std::string violation(std::string_view spec_patch) {
  const Rollout made = rollout(spec_patch);
  const json::object selector = made.spec.selector.object();
  return validateSpec(made, made.spec.pod_template.object(), made.spec.selector.empty() ? nullptr : &selector)
      .value_or("");
}
std::string canary(std::string_view patch) {
  return violation(fmt::format(R"({{"strategy":{{"canary":{}}}}})", patch));
}
std::string steps(std::string_view list, std::string_view routing = "null") {
  return canary(fmt::format(R"({{"steps":{},"trafficRouting":{}}})", list, routing));
}
std::string blueGreen(std::string_view block, std::string_view more = "") {
  return violation(fmt::format(R"({{{}"strategy":{{"canary":null,"blueGreen":{}}}}})", more, block));
}

struct Case {
  std::string_view rule, given, expected;
};

TEST(ValidationRules, Canary) {
  const Case cases[] = {
      {"V-C1", R"({"maxSurge":"0%","maxUnavailable":"oops"})",
       R"(spec.strategy.maxSurge: Invalid value: "0%": MaxSurge and MaxUnavailable both can not be zero)"},
      {"V-C1", R"({"maxSurge":"-5%","maxUnavailable":0})",
       R"(spec.strategy.maxSurge: Invalid value: "-5%": MaxSurge and MaxUnavailable both can not be zero)"},
      {"V-C3", R"({"pingPong":{"pingService":"","pongService":""},"trafficRouting":{}})",
       "spec.strategy.trafficRouting.alb: Invalid value: null: Ping-pong feature works with the ALB, Istio, and "
       "plugin-based traffic routers only"},
      {"V-C4", R"({"pingPong":{"pingService":"","pongService":""},"trafficRouting":{"alb":{}}})",
       "spec.strategy.pingPong.pingService: Invalid value: \"\": Ping service and Pong service must to be set to use "
       "Ping-Pong feature"},
      {"V-C5", R"({"pingPong":{"pingService":"a","pongService":""}})",
       "spec.strategy.pingPong.pongService: Invalid value: \"\": Ping service and Pong service must to be set to use "
       "Ping-Pong feature"},
      {"V-C6", R"({"pingPong":{"pingService":"a","pongService":"a"}})",
       "spec.strategy.pingPong.pingService: Invalid value: \"a\": This rollout uses the same service for the ping and "
       "pong services, but two different services are required."},
      {"V-C7", R"({"pingPong":{"pingService":"a","pongService":"b"},"trafficRouting":{"alb":{}}})",
       "spec.strategy.trafficRouting.alb.rootService: Invalid value: \"\": Root service field is required for the "
       "configuration with ALB and ping-pong feature enabled"},
      {"V-C9", R"({"stableService":null,"canaryService":null,"trafficRouting":{"apisix":{"route":{"name":"r"}}}})",
       "spec.strategy.stableService: Invalid value: \"\": Canary service and Stable service must to be set to use "
       "Traffic Routing"},
      {"V-C9", R"({"stableService":null,"canaryService":null,"trafficRouting":{"plugins":{"p":{}}}})", ""},
      {"V-C9", R"({"stableService":null,"canaryService":null,"trafficRouting":{}})", ""},
      {"V-C9", R"({"stableService":null,"trafficRouting":{"alb":{"rootService":"r"}},
          "pingPong":{"pingService":"a","pongService":"b"}})",
       ""},
      {"V-C11", R"({"scaleDownDelaySeconds":0})",
       "spec.strategy.scaleDownDelaySeconds: Invalid value: 0: Canary scaleDownDelaySeconds can only be used with "
       "traffic routing"},
      {"V-C12", R"({"dynamicStableScale":true})",
       "spec.strategy.dynamicStableScale: Invalid value: true: Canary dynamicStableScale can only be used with traffic "
       "routing"},
      {"V-C30", R"({"antiAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":{"weight":0}}})",
       "spec.strategy.antiAffinity.weight: Invalid value: 0: AntiAffinity weight must be between 1-100"},
      {"V-C30", R"({"antiAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":{"weight":1},
          "requiredDuringSchedulingIgnoredDuringExecution":{}}})",
       "spec.strategy.antiAffinity: Invalid value: \"antiAffinity.PreferredDuringSchedulingIgnoredDuringExecution: "
       "true "
       "antiAffinity.RequiredDuringSchedulingIgnoredDuringExecution: true\": AntiAffinity must have exactly one "
       "strategy listed"},
  };
  for (const auto& [rule, given, expected] : cases) EXPECT_EQ(canary(given), expected) << rule << " " << given;
}

TEST(ValidationRules, Steps) {
  struct StepCase {
    std::string_view rule, steps, routing;
    std::string expected;
  };
  constexpr std::string_view none = "null", header = R"({"setHeaderRoute":{"name":"r","match":[{"headerName":"h"}]}})";
  constexpr std::string_view alb = R"({"alb":{},"managedRoutes":[{"name":"r"}]})";
  constexpr std::string_view istio = R"({"istio":{},"managedRoutes":[{"name":"r"}]})";
  constexpr std::string_view missed =
      ": StringMatch value missed, match value must have one of the following: exact, regex, prefix";
  const auto mirror = [](std::string_view match) {
    return fmt::format(R"([{{"setMirrorRoute":{{"name":"r","match":[{}]}}}}])", match);
  };
  const std::string header_step = fmt::format("[{}]", header), mirror_path = "spec.strategy.steps[0].setMirrorRoute";
  const std::string null_match = "spec.strategy.steps[0].setHeaderRoute.match[0]: Invalid value: null";
  const std::string bad_method = mirror(R"({"method":{"exact":"GET","prefix":"P"}})"),
                    bad_path = mirror(R"({"method":{"exact":"GET"},"path":{}})"),
                    bad_header = mirror(R"({"headers":{"h":{"regex":"a","prefix":"b"}}})"),
                    good_mirror = mirror(R"({"method":{"exact":"GET"},"headers":{"h":{"regex":"a"}}})");
  const StepCase cases[] = {
      {"V-C21", R"([{"setWeight":-1}])", none,
       "spec.strategy.steps[0].setWeight: Invalid value: -1: SetWeight needs to be between 0 and 100"},
      {"V-C21", R"([{"setWeight":1001}])", R"({"nginx":{},"maxTrafficWeight":1000})",
       "spec.strategy.steps[0].setWeight: Invalid value: 1001: SetWeight needs to be between 0 and 1000"},
      {"V-C22", R"([{"pause":{"duration":"-30"}}])", none,
       "spec.strategy.steps[0].pause.duration: Invalid value: -30: Duration needs to be greater than 0"},
      {"V-C24", header_step, none,
       R"(spec.strategy.steps[0].setHeaderRoute: Invalid value: {"name":"r","match":[{"headerName":"h","headerValue":null}]}: SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix)"},
      {"V-C24", header_step, R"({"nginx":{}})",
       R"(spec.strategy.steps[0].setHeaderRoute: Invalid value: {"name":"r","match":[{"headerName":"h","headerValue":null}]}: SetHeaderRoute requires TrafficRouting, supports Istio and ALB and Apisix)"},
      {"V-C24a", header_step, alb, null_match + std::string(missed)},
      {"V-C24b", header_step, istio, null_match + std::string(missed)},
      {"V-C24b", header_step, R"({"apisix":{"route":{"name":"x"}},"managedRoutes":[{"name":"r"}]})",
       null_match + std::string(missed)},
      {"V-C25", good_mirror, R"({"alb":{}})",
       R"(spec.strategy.steps[0].setMirrorRoute: Invalid value: {"name":"r","match":[{"method":{"exact":"GET"},"headers":{"h":{"regex":"a"}}}]}: SetMirrorRoute requires TrafficRouting, supports Istio and Plugins)"},
      {"V-C25a", bad_method, istio,
       mirror_path +
           R"(.match[0]: Invalid value: {"exact":"GET","prefix":"P"}: StringMatch match value must have exactly one of the following: exact, regex, prefix)"},
      {"V-C25a", bad_path, istio, mirror_path + ".match[0]: Invalid value: {}" + std::string(missed)},
      {"V-C25a", bad_header, istio,
       mirror_path +
           R"(.match[0]: Invalid value: {"prefix":"b","regex":"a"}: StringMatch match value must have exactly one of the following: exact, regex, prefix)"},
      {"V-C25", good_mirror, istio, ""},
      {"V-C27", good_mirror, R"({"istio":{},"managedRoutes":[{"name":"q"}]})",
       mirror_path + ": Invalid value: \"r\": Steps define a route that does not exist in "
                     "spec.strategy.canary.trafficRouting.managedRoutes"},
      {"V-C25 before V-C26", R"([{"setHeaderRoute":{"name":"r"},"setMirrorRoute":{"name":"r"}}])", R"({"alb":{}})",
       mirror_path +
           R"(: Invalid value: {"name":"r"}: SetMirrorRoute requires TrafficRouting, supports Istio and Plugins)"},
      {"V-C28", R"([{"experiment":{"templates":[{"name":"t","specRef":"canary","weight":0}]}}])", none,
       "spec.strategy.steps[0].experiment.templates[0].weight: Invalid value: 0: Experiment template weight cannot be "
       "set unless TrafficRouting is enabled"},
      {"V-C29", R"([{"experiment":{"templates":[],"analyses":[{"name":"n","templateName":"t","args":[{"name":"a",
          "value":"1"},{"name":"b","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['no good']"}}}]}]}}])",
       none,
       R"(spec.strategy.steps[0].analyses: Invalid value: [{"name":"a","value":"1"},{"name":"b","valueFrom":{"fieldRef":{"fieldPath":"metadata.labels['no good']"}}}]: Analyses arguments must refer to valid object metadata supported by downwardAPI)"},
  };
  for (const auto& [rule, given, routing, expected] : cases) EXPECT_EQ(steps(given, routing), expected) << rule;
  for (const std::string_view path :
       {"metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid",
        "metadata.labels['k']", "metadata.annotations['example.com/K']", "spec.replicas", "status.phase"}) {
    EXPECT_EQ(steps(fmt::format(R"([{{"analysis":{{"args":[{{"name":"a","valueFrom":{{"fieldRef":{{"fieldPath":
        "{}"}}}}}}]}}}}])",
                                path)),
              "")
        << path;
  }
}

// spec/01 §6.10. The words are our own.
TEST(ValidationRules, GapsOfTheReference) {
  const Case cases[] = {
      {"weight", R"({"trafficRouting":{"plugins":{"p":{}},"maxTrafficWeight":-1}})",
       "spec.strategy.trafficRouting.maxTrafficWeight: Invalid value: -1: must be greater than 0"},
      {"scale", R"({"trafficRouting":{},"steps":[{"setCanaryScale":{"replicas":-1}}]})",
       "spec.strategy.steps[0].setCanaryScale.replicas: Invalid value: -1: must be greater than or equal to 0"},
      {"scale", R"({"trafficRouting":{},"steps":[{"setCanaryScale":{"weight":101}}]})",
       "spec.strategy.steps[0].setCanaryScale.weight: Invalid value: 101: must be between 0 and 100"},
      {"mirror", R"({"trafficRouting":{"istio":{},"managedRoutes":[{"name":"r"}]},
          "steps":[{"setMirrorRoute":{"name":"r","percentage":101}}]})",
       "spec.strategy.steps[0].setMirrorRoute.percentage: Invalid value: 101: must be between 0 and 100"},
      {"pods", R"({"minPodsPerReplicaSet":-1})",
       "spec.strategy.minPodsPerReplicaSet: Invalid value: -1: must be greater than or equal to 0"},
      {"threshold", R"({"replicaProgressThreshold":{"type":"percent","value":5}})",
       R"(spec.strategy.replicaProgressThreshold.type: Unsupported value: "percent": supported values: "Percent", "Pods")"},
      {"threshold", R"({"replicaProgressThreshold":{"type":"Percent","value":101}})",
       "spec.strategy.replicaProgressThreshold.value: Invalid value: 101: must be at most 100 percent"},
      {"delay", R"({"abortScaleDownDelaySeconds":-1})",
       "spec.strategy.abortScaleDownDelaySeconds: Invalid value: -1: must be greater than or equal to 0"},
      {"delay", R"({"steps":[{"experiment":{"templates":[],"scaleDownDelaySeconds":-1}}]})",
       "spec.strategy.steps[0].experiment.scaleDownDelaySeconds: Invalid value: -1: must be greater than or equal to "
       "0"},
      {"source", R"({"steps":[{"experiment":{"templates":[{"name":"t","specRef":"latest"}]}}]})",
       R"(spec.strategy.steps[0].experiment.templates[0].specRef: Invalid value: "latest": must be canary or stable)"},
      {"mesh", R"({"trafficRouting":{"appMesh":{"virtualService":{"name":"v"}}}})",
       "spec.strategy.trafficRouting.appMesh.virtualNodeGroup: Required value"},
      {"apisix", R"({"trafficRouting":{"apisix":{}}})", "spec.strategy.trafficRouting.apisix.route: Required value"},
      {"surge", R"({"maxSurge":"1.5%"})",
       R"(spec.strategy.maxSurge: Invalid value: "1.5%": must be an integer or a percentage)"},
      {"limit", R"({"scaleDownDelayRevisionLimit":11})",
       "spec.strategy.scaleDownDelayRevisionLimit: Invalid value: 11: This rollout's revision history limit can not be "
       "smaller than the rollout's scale down limit"},
      {"rules of the reference come first", R"({"minPodsPerReplicaSet":-1,"steps":[
          {"experiment":{"templates":[{"name":"t","specRef":"latest"}]}},{}],"antiAffinity":{}})",
       R"(spec.strategy.steps[1]: Invalid value: "step.Experiment: true step.Pause: true step.SetWeight: true step.Analysis: true step.SetCanaryScale: true step.SetHeaderRoute: true step.SetMirrorRoute: true step.Plugin: true": Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause)"},
  };
  for (const auto& [what, given, expected] : cases) EXPECT_EQ(canary(given), expected) << what;
  EXPECT_EQ(blueGreen(R"({"activeService":"a","autoPromotionSeconds":-1})"),
            "spec.strategy.autoPromotionSeconds: Invalid value: -1: must be greater than or equal to 0");
}

// A workload's selector and template are held to the same rules; its Rollout has no selector of its own.
TEST(ValidationRules, WithAWorkload) {
  const auto check = [](std::string_view spec_patch, const json::object* selector) {
    const Rollout made = rollout(spec_patch);
    const json::object workload =
        object(R"({"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"web","image":"shop:1"}]}})");
    return validateSpec(made, workload, selector).value_or("");
  };
  constexpr std::string_view referring =
      R"({"selector":null,"template":{"metadata":null},"workloadRef":{"kind":"Deployment","name":"d"}})";
  const json::object good = object(R"({"matchLabels":{"app":"web"}})"),
                     broken = object(R"({"matchExpressions":[{"key":"a","operator":"Like"}]})");
  EXPECT_EQ(check(referring, &good), "") << "spec/01 §11 #19: a template with a spec alone does not conflict";
  EXPECT_EQ(check(R"({"workloadRef":{"kind":"Deployment","name":"d"}})", &good),
            "spec.template: Internal error: template must be empty for workload reference rollout")
      << "one with labels does";
  EXPECT_EQ(
      check(referring, &broken),  // V-6
      R"(spec.selector: Invalid value: {"matchExpressions":[{"key":"a","operator":"Like"}]}: invalid label selector)");
  EXPECT_EQ(
      check(referring, nullptr),  // T1: a PodTemplate has no selector
      R"(spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`)");
}

// What trafficRouting has to name. spec/01 §6.7.
TEST(ValidationRules, Routing) {
  const auto routing = [](std::string_view text) {
    return validateRouting(rollout(fmt::format(R"({{"strategy":{{"canary":{{"trafficRouting":{}}}}}}})", text)))
        .value_or("");
  };
  const std::string path = "spec.strategy.canary.trafficRouting.";
  const std::pair<std::string_view, std::string> cases[] = {
      {R"({"nginx":{"stableIngress":"a","stableIngresses":["b"]}})",  // spec/01 §10.1 E41
       path +
           "nginx: Internal error: Either StableIngress or StableIngresses must be configured. Both are configured."},
      {R"({"nginx":{}})",
       path + "nginx: Internal error: Either StableIngress or StableIngresses must be configured. Neither are "
              "configured."},
      {R"({"alb":{"ingress":"a","ingresses":["b"]}})",
       path + "alb: Internal error: Either Ingress or Ingresses must be configured. Both are configured."},
      {R"({"alb":{"ingresses":[]},"nginx":{"stableIngress":"a"}})",
       path + "alb: Internal error: Either Ingress or Ingresses must be configured. Neither are configured."},
      {R"({"istio":{}})", path + "istio: Internal error: either VirtualService or VirtualServices must be configured"},
      {R"({"istio":{"virtualService":{"name":"v"},"virtualServices":[{"name":"v"}]}})",
       path + "istio: Internal error: either VirtualService or VirtualServices must be configured"},
      {R"({"ambassador":{"mappings":[]}})",  // spec/01 §10.1 E43
       path + "ambassador.mappings: Invalid value: null: must provide at least one mapping"},
      {R"({"appMesh":{"virtualNodeGroup":{}}})",
       path + "appmesh.virtualService: Invalid value: null: must provide virtual-service"},
      {R"({"ambassador":{},"nginx":{}})",
       path + "nginx: Internal error: Either StableIngress or StableIngresses must be configured. Neither are "
              "configured."},
      {R"({"nginx":{"stableIngress":"a"},"alb":{"ingresses":["b"]},"istio":{"virtualServices":[{"name":"v"}]},
          "ambassador":{"mappings":["m"]},"appMesh":{"virtualService":{"name":"v"}},"smi":{},"plugins":{"p":{}}})",
       ""},
      {"{}", ""},
  };
  for (const auto& [given, expected] : cases) EXPECT_EQ(routing(given), expected) << given;
  EXPECT_EQ(validateRouting(rollout("{}")), std::nullopt);
}

// spec/01 §11 #40: users match on these texts, typos and all; "must to be set" stands above.
TEST(ValidationRules, WhichLabelOfAServiceIsNamed) {
  const Rollout made = rollout("{}");
  const auto service = std::make_shared<const Service>(
      decodeService(object(R"({"spec":{"selector":{"z":"1","tier":"x","app":"web"}}})")));
  EXPECT_EQ(
      validateServices(made, made.spec.pod_template.object(), {{"c", service}}),
      R"(spec.strategy.canary.canaryService: Invalid value: "c": Service "c" has unmatch label "tier" in rollout)");
}

TEST(ValidationTraps, PathsAndFlags) {
  // spec/01 §11 #5: "true" is "absent" where a step has no action, "present" everywhere else.
  constexpr std::string_view one_of =
      ": Step must have one of the following set: experiment, setWeight, setCanaryScale, plugin or pause";
  EXPECT_EQ(
      steps("[{}]"),
      R"(spec.strategy.steps[0]: Invalid value: "step.Experiment: true step.Pause: true step.SetWeight: true step.Analysis: true step.SetCanaryScale: true step.SetHeaderRoute: true step.SetMirrorRoute: true step.Plugin: true")" +
          std::string(one_of));
  EXPECT_EQ(
      steps(R"([{"experiment":{"templates":[]},"analysis":{}}])"),
      R"(spec.strategy.steps[0]: Invalid value: "step.Experiment: true step.Pause: false step.SetWeight: false step.Analysis: true")" +
          std::string(one_of));
  // spec/01 §11 #10: `pause:` without anything is an empty step, as is a step with a key that nobody knows.
  EXPECT_EQ(steps(R"([{"pause":null}])"), steps("[{}]"));
  EXPECT_EQ(steps(R"([{"replicaProgressThreshold":{"type":"Pods","value":1}}])"), steps("[{}]"));
  EXPECT_EQ(steps(R"([{"pause":{}}])"), "");
  // spec/01 §11 #6: one error, by the order of the rules.
  EXPECT_EQ(violation(R"({"minReadySeconds":-1,"revisionHistoryLimit":-1,"strategy":null})"),
            "spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0");
  EXPECT_EQ(violation(R"({"revisionHistoryLimit":-1,"progressDeadlineSeconds":-1,"strategy":null})"),
            "spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0");
  EXPECT_EQ(violation(R"({"progressDeadlineSeconds":-1,"strategy":null})"),
            "spec.progressDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0");
  // spec/01 §11 #35: such a step passes; only some actions exclude each other.
  EXPECT_EQ(steps(R"([{"setWeight":10,"setCanaryScale":{"weight":5},"plugin":{"name":"p"}}])", R"({"nginx":{}})"), "");
  // At validation "25" is 25 pods' worth, at run time 25 percent.
  EXPECT_EQ(canary(R"({"maxSurge":"25","maxUnavailable":0})"), "");
}

// spec/01 §11 #31: where the documents of the reference are wrong.
TEST(ValidationTraps, TheThresholdBelongsToTheStrategy) {
  for (const std::string_view type : {"Percent", "Pods", "Pod"}) {
    const Rollout made = rollout(
        fmt::format(R"({{"strategy":{{"canary":{{"replicaProgressThreshold":{{"type":"{}","value":3}}}}}}}})", type));
    ASSERT_TRUE(made.spec.canary->replica_progress_threshold);
    EXPECT_EQ(made.spec.canary->replica_progress_threshold->value, 3);
    EXPECT_EQ(canary(fmt::format(R"({{"replicaProgressThreshold":{{"type":"{}","value":3}}}})", type)), "");
  }
}

// spec/01 §11 #4: rules about a strategy leave its name out of the path, rules about what it refers to don't; and two
// paths are spelled like no field.
TEST(ValidationTraps, Paths) {
  EXPECT_TRUE(blueGreen(R"({"activeService":"s","previewService":"s"})").starts_with("spec.strategy.activeService: "));
  EXPECT_TRUE(violation(R"({"strategy":null})").starts_with("spec.strategy.strategy: "));
  const Rollout made = rollout(R"({"strategy":{"canary":null,"blueGreen":{"activeService":"s"}}})");
  EXPECT_TRUE(missingService(made, {})->starts_with("spec.strategy.blueGreen.activeService: "));
  EXPECT_TRUE(validateRouting(rollout(R"({"strategy":{"canary":{"trafficRouting":{"appMesh":{}}}}})"))
                  ->starts_with("spec.strategy.canary.trafficRouting.appmesh.virtualService: "));
}

}  // namespace
}  // namespace crossfade::api
