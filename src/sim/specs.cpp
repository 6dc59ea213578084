#include "sim/specs.hpp"

#include "sim/backend.hpp"
#include "sim/script.hpp"

namespace crossfade::sim {
namespace {

json::object podTemplate(std::int64_t version) {
  return {{"metadata", {{"labels", {{"app", "web"}}}}},
          {"spec", {{"containers", json::array{json::object{{"name", "app"}, {"image", imageOf(version)}}}}}}};
}

std::int64_t number(Random& random, std::uint64_t low, std::uint64_t high) {
  return static_cast<std::int64_t>(low + random.below(high - low + 1));
}

json::value oneOf(Random& random, const json::array& choices) { return choices[random.below(choices.size())]; }

// --- analysis --------------------------------------------------------------------------------------------------------

json::object analysisTemplate(std::string_view verdict) {
  json::object metric = {{"name", "verdict"},
                         {"interval", "20s"},
                         {"successCondition", "result[0] == 1"},
                         {"failureCondition", "result[0] == 0"},
                         {"provider", {{"prometheus", {{"address", metric_address}, {"query", verdict}}}}}};
  // The one for the background measures as long as it is let.
  if (verdict != verdict_steady) metric["count"] = 2;
  return {{"apiVersion", "argoproj.io/v1alpha1"},
          {"kind", "AnalysisTemplate"},
          {"metadata", {{"name", verdict}}},
          {"spec", {{"metrics", json::array{std::move(metric)}}}}};
}

json::object analysisOf(std::string_view verdict) {
  return {{"templates", json::array{json::object{{"templateName", verdict}}}}};
}

// Mostly good: a life that always fails shows little.
json::object anyAnalysis(Random& random) {
  const std::uint64_t kind = random.below(6);
  return analysisOf(kind == 0 ? verdict_bad : kind == 1 ? verdict_unclear : verdict_good);
}

// --- steps -----------------------------------------------------------------------------------------------------------

json::object canaryScale(Random& random, std::int64_t weight) {
  const std::uint64_t kind = random.below(4);
  if (kind == 0) return {{"replicas", number(random, 1, 4)}};
  if (kind == 1) return {{"matchTrafficWeight", true}};
  return {{"weight", weight}};
}

json::array makeSteps(Random& random, bool routed) {
  json::array made;
  std::int64_t weight = 0;
  const std::int64_t count = number(random, 1, 5);
  for (std::int64_t index = 0; index < count; ++index) {
    // Mostly upwards.
    weight = random.chance(0.15) ? number(random, 0, 100) : std::min<std::int64_t>(100, weight + number(random, 5, 45));
    made.push_back(json::object{{"setWeight", weight}});
    switch (random.below(routed ? 7 : 5)) {
      case 0:
        made.push_back(json::object{{"pause", json::object()}});
        break;
      case 1:
        made.push_back(json::object{{"pause", {{"duration", number(random, 0, 3600)}}}});
        break;
      case 2:
        made.push_back(json::object{{"pause", {{"duration", "10m"}}}});
        break;
      case 3:
        made.push_back(json::object{{"analysis", anyAnalysis(random)}});
        break;
      case 4:
        break;
      case 5:
        made.push_back(json::object{{"setCanaryScale", canaryScale(random, weight)}});
        break;
      default:
        made.push_back(json::object{
            {"setHeaderRoute",
             {{"name", "by-header"},
              {"match", json::array{json::object{{"headerName", "beta"}, {"headerValue", {{"exact", "1"}}}}}}}}});
    }
  }
  return made;
}

// With the background's verdict still to come the last step would be done by chance before it, or after.
void endInPause(json::array& steps) { steps.push_back(json::object{{"pause", {{"duration", "10m"}}}}); }

// --- strategies ------------------------------------------------------------------------------------------------------

// maxSurge and maxUnavailable; never both nothing.
void addLimits(Random& random, json::object& canary) {
  if (random.chance(0.3)) return;
  const json::array choices = {"25%", 1, "50%", 2, "100%", "10%"};
  const std::uint64_t none = random.below(3);
  canary["maxSurge"] = none == 0 ? json::value(0) : oneOf(random, choices);
  canary["maxUnavailable"] = none == 1 ? json::value(0) : oneOf(random, choices);
}

void addAntiAffinity(Random& random, json::object& strategy) {
  if (!random.chance(0.1)) return;
  strategy["antiAffinity"] = {{"preferredDuringSchedulingIgnoredDuringExecution", {{"weight", 100}}}};
}

// A member with one of these values, one time in `rarity`.
void sometimes(Random& random, std::uint64_t rarity, json::object& object, std::string_view member,
               const json::array& choices) {
  if (random.below(rarity) == 0) object[member] = oneOf(random, choices);
}

json::object podMetadata(std::string_view role) { return {{"labels", {{"role", role}}}}; }

void addBackground(Random& random, json::object& canary) {
  const bool fails = random.chance(0.3) && canary.contains("steps");
  canary["analysis"] = analysisOf(fails ? verdict_bad : verdict_steady);
  if (json::value* steps = canary.if_contains("steps")) endInPause(steps->as_array());
}

json::object basicCanary(Random& random) {
  json::object canary;
  if (random.chance(0.7)) canary["steps"] = makeSteps(random, false);
  addLimits(random, canary);
  addAntiAffinity(random, canary);
  if (random.chance(0.1)) {
    canary["canaryMetadata"] = podMetadata("canary");
    canary["stableMetadata"] = podMetadata("stable");
  }
  if (random.chance(0.1)) addBackground(random, canary);
  return canary;
}

json::object routedCanary(Random& random, std::vector<json::object>& objects) {
  objects.push_back(makeRoute());
  json::object canary = {{"stableService", "stable"}, {"canaryService", "canary"}, {"trafficRouting", makeRouting()}};
  for (const std::string_view name : {"stable", "canary"}) objects.push_back(makeService(name));
  if (random.chance(0.95)) canary["steps"] = makeSteps(random, true);
  if (random.chance(0.35)) canary["dynamicStableScale"] = true;
  sometimes(random, 4, canary, "abortScaleDownDelaySeconds", {0, 20, 300});
  if (!canary.contains("dynamicStableScale")) sometimes(random, 4, canary, "scaleDownDelaySeconds", {0, 10, 600});
  sometimes(random, 6, canary, "scaleDownDelayRevisionLimit", {0, 1, 2});
  sometimes(random, 6, canary, "minPodsPerReplicaSet", {1, 2, 3});
  sometimes(random, 8, canary, "replicaProgressThreshold",
            {json::object{{"type", "Percent"}, {"value", 50}}, json::object{{"type", "Pod"}, {"value", 1}}});
  addLimits(random, canary);
  addAntiAffinity(random, canary);
  if (random.chance(0.15)) {
    addBackground(random, canary);
    sometimes(random, 2, canary["analysis"].as_object(), "startingStep", {1, 2});
  }
  return canary;
}

json::object blueGreen(Random& random, std::vector<json::object>& objects) {
  json::object blue_green = {{"activeService", "active"}};
  objects.push_back(makeService("active"));
  if (random.chance(0.7)) {
    objects.push_back(makeService("preview"));
    blue_green["previewService"] = "preview";
  }
  if (random.chance(0.5)) blue_green["autoPromotionEnabled"] = false;
  if (random.chance(0.3)) blue_green["autoPromotionSeconds"] = number(random, 1, 600);
  sometimes(random, 3, blue_green, "previewReplicaCount", {1, 2});
  if (random.chance(0.5)) blue_green["scaleDownDelaySeconds"] = number(random, 0, 120);
  sometimes(random, 5, blue_green, "scaleDownDelayRevisionLimit", {0, 1, 2});
  sometimes(random, 4, blue_green, "abortScaleDownDelaySeconds", {0, 15, 400});
  sometimes(random, 5, blue_green, "maxUnavailable", {1, "50%"});
  if (random.chance(0.25)) blue_green["prePromotionAnalysis"] = anyAnalysis(random);
  if (random.chance(0.25)) blue_green["postPromotionAnalysis"] = anyAnalysis(random);
  addAntiAffinity(random, blue_green);
  if (random.chance(0.1)) {
    blue_green["activeMetadata"] = podMetadata("active");
    blue_green["previewMetadata"] = podMetadata("preview");
  }
  return blue_green;
}

// The pod template stands in a Deployment instead.
void referToWorkload(Random& random, json::object& rollout, std::vector<json::object>& objects) {
  json::object& spec = rollout["spec"].as_object();
  json::object deployment = {
      {"apiVersion", "apps/v1"},
      {"kind", "Deployment"},
      {"metadata", {{"name", rollout_name}}},
      {"spec", {{"replicas", spec["replicas"]}, {"selector", spec["selector"]}, {"template", spec["template"]}}}};
  spec.erase("template");
  spec["workloadRef"] = {{"apiVersion", "apps/v1"},
                         {"kind", "Deployment"},
                         {"name", rollout_name},
                         {"scaleDown", oneOf(random, {"never", "onsuccess", "progressively"})}};
  objects.push_back(std::move(deployment));
}

}  // namespace

json::object makeService(std::string_view name) {
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata", {{"name", name}}},
          {"spec",
           {{"selector", {{"app", "web"}}}, {"ports", json::array{json::object{{"port", 80}, {"targetPort", 8080}}}}}}};
}

json::object makeRoute() {
  const json::array backends = {json::object{{"name", "stable"}, {"port", 80}},
                                json::object{{"name", "canary"}, {"port", 80}}};
  return {{"apiVersion", "gateway.networking.k8s.io/v1"},
          {"kind", "HTTPRoute"},
          {"metadata", {{"name", rollout_name}}},
          {"spec", {{"rules", json::array{json::object{{"backendRefs", backends}}}}}}};
}

json::object makeRouting() {
  const json::object route = {{"name", rollout_name}, {"useHeaderRoutes", true}};
  return {{"plugins", {{"argoproj-labs/gatewayAPI", {{"httpRoutes", json::array{route}}, {"namespace", "default"}}}}},
          {"managedRoutes", json::array{json::object{{"name", "by-header"}}}}};
}

json::object makeRollout(std::int64_t replicas, json::object strategy) {
  return {{"apiVersion", "argoproj.io/v1alpha1"},
          {"kind", "Rollout"},
          {"metadata", {{"name", rollout_name}}},
          {"spec",
           {{"replicas", replicas},
            {"selector", {{"matchLabels", {{"app", "web"}}}}},
            {"template", podTemplate(1)},
            {"strategy", std::move(strategy)}}}};
}

std::vector<json::object> generateObjects(Random& random) {
  std::vector<json::object> objects;
  for (const std::string_view verdict : {verdict_good, verdict_bad, verdict_unclear, verdict_steady})
    objects.push_back(analysisTemplate(verdict));
  const std::int64_t replicas = number(random, 1, 8);
  json::object strategy;
  const std::uint64_t kind = random.below(10);
  if (kind < 3) {
    strategy["canary"] = basicCanary(random);
  } else if (kind < 7) {
    strategy["canary"] = routedCanary(random, objects);
  } else {
    strategy["blueGreen"] = blueGreen(random, objects);
  }
  json::object rollout = makeRollout(replicas, std::move(strategy));
  json::object& spec = rollout["spec"].as_object();
  sometimes(random, 5, spec, "minReadySeconds", {5, 30});
  sometimes(random, 4, spec, "progressDeadlineSeconds", {60, 120});
  sometimes(random, 4, spec, "progressDeadlineAbort", {true});
  // Not below the limit of old ReplicaSets that are kept for a while: that is refused.
  sometimes(random, 5, spec, "revisionHistoryLimit", {2, 3});
  sometimes(random, 6, spec, "rollbackWindow", {json::object{{"revisions", 1}}, json::object{{"revisions", 3}}});
  if (random.chance(0.08)) referToWorkload(random, rollout, objects);
  objects.push_back(std::move(rollout));
  return objects;
}

json::array otherSteps(std::int64_t number, const json::object& canary) {
  Random random(static_cast<std::uint64_t>(number) + 77);
  json::array steps = makeSteps(random, canary.contains("trafficRouting"));
  if (canary.contains("analysis")) endInPause(steps);
  return steps;
}

}  // namespace crossfade::sim
