#include <algorithm>

#include "sim/life.hpp"

namespace crossfade::sim {
namespace {

json::object podTemplate(std::int64_t version) {
  return {{"metadata", {{"labels", {{"app", "web"}}}}},
          {"spec",
           {{"containers",
             json::array{json::object{{"name", "app"}, {"image", fmt::format("crossfade.dev/demo:v{}", version)}}}}}}};
}

json::object service(std::string_view name) {
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata", {{"name", name}}},
          {"spec",
           {{"selector", {{"app", "web"}}}, {"ports", json::array{json::object{{"port", 80}, {"targetPort", 8080}}}}}}};
}

json::object route() {
  const json::array backends = {json::object{{"name", "stable"}, {"port", 80}},
                                json::object{{"name", "canary"}, {"port", 80}}};
  return {{"apiVersion", "gateway.networking.k8s.io/v1"},
          {"kind", "HTTPRoute"},
          {"metadata", {{"name", "web"}}},
          {"spec", {{"rules", json::array{json::object{{"backendRefs", backends}}}}}}};
}

json::object rollout(std::int64_t replicas, json::object strategy) {
  return {{"apiVersion", "argoproj.io/v1alpha1"},
          {"kind", "Rollout"},
          {"metadata", {{"name", "web"}}},
          {"spec",
           {{"replicas", replicas},
            {"selector", {{"matchLabels", {{"app", "web"}}}}},
            {"template", podTemplate(1)},
            {"strategy", std::move(strategy)}}}};
}

json::object routing() {
  return {{"plugins", {{"argoproj-labs/gatewayAPI", {{"httpRoute", "web"}, {"namespace", "default"}}}}}};
}

json::array steps(Random& random, bool routed) {
  json::array made;
  std::int64_t weight = 0;
  const std::uint64_t count = 1 + random.below(5);
  for (std::uint64_t index = 0; index < count; ++index) {
    weight = std::min<std::int64_t>(100, weight + 5 + static_cast<std::int64_t>(random.below(40)));
    made.push_back(json::object{{"setWeight", weight}});
    const std::uint64_t kind = random.below(4);
    if (kind == 0) made.push_back(json::object{{"pause", json::object()}});
    if (kind == 1)
      made.push_back(json::object{{"pause", {{"duration", static_cast<std::int64_t>(1 + random.below(3600))}}}});
    if (kind == 2) made.push_back(json::object{{"pause", {{"duration", "10m"}}}});
    if (kind == 3 && routed) made.push_back(json::object{{"setCanaryScale", {{"weight", weight}}}});
  }
  return made;
}

json::value limit(Random& random) {
  switch (random.below(4)) {
    case 0:
      return "25%";
    case 1:
      return 1;
    case 2:
      return "50%";
    default:
      return 2;
  }
}

Deed::Verb laterVerb(Random& random) {
  constexpr Deed::Verb verbs[] = {Deed::Verb::set_image,  Deed::Verb::promote,  Deed::Verb::promote_full,
                                  Deed::Verb::abort,      Deed::Verb::pause,    Deed::Verb::scale,
                                  Deed::Verb::delete_pod, Deed::Verb::set_image};
  return verbs[random.below(std::size(verbs))];
}

}  // namespace

Script generate(std::uint64_t seed) {
  Random random(seed ^ 0x9e3779b97f4a7c15U);
  Script script;
  const auto replicas = static_cast<std::int64_t>(1 + random.below(6));
  json::object strategy;
  const std::uint64_t kind = random.below(4);
  if (kind == 0) {
    json::object canary;
    if (random.chance(0.7)) canary["steps"] = steps(random, false);
    if (random.chance(0.5)) {
      canary["maxSurge"] = limit(random);
      canary["maxUnavailable"] = random.chance(0.5) ? json::value(0) : limit(random);
    }
    strategy["canary"] = std::move(canary);
  } else if (kind <= 2) {
    script.objects = {service("stable"), service("canary"), route()};
    json::object canary = {{"stableService", "stable"},
                           {"canaryService", "canary"},
                           {"trafficRouting", routing()},
                           {"steps", steps(random, true)}};
    if (random.chance(0.3)) canary["dynamicStableScale"] = true;
    strategy["canary"] = std::move(canary);
  } else {
    script.objects = {service("active"), service("preview")};
    json::object blue_green = {{"activeService", "active"}};
    if (random.chance(0.7)) blue_green["previewService"] = "preview";
    if (random.chance(0.5)) blue_green["autoPromotionEnabled"] = false;
    if (random.chance(0.3)) blue_green["autoPromotionSeconds"] = static_cast<std::int64_t>(1 + random.below(600));
    if (random.chance(0.3)) blue_green["previewReplicaCount"] = 1;
    if (random.chance(0.5)) blue_green["scaleDownDelaySeconds"] = static_cast<std::int64_t>(1 + random.below(120));
    strategy["blueGreen"] = std::move(blue_green);
  }
  script.objects.push_back(rollout(replicas, std::move(strategy)));

  // The first deed is an update; what follows may come in its middle.
  std::int64_t version = 2;
  script.deeds.push_back({Deed::Verb::set_image, std::nullopt, version});
  const std::uint64_t more = random.below(5);
  for (std::uint64_t index = 0; index < more; ++index) {
    Deed deed;
    deed.verb = laterVerb(random);
    if (random.chance(0.5)) deed.at_step = static_cast<std::int64_t>(random.below(4));
    if (deed.verb == Deed::Verb::set_image) deed.number = random.chance(0.3) ? 1 : ++version;
    if (deed.verb == Deed::Verb::scale) deed.number = static_cast<std::int64_t>(1 + random.below(8));
    script.deeds.push_back(deed);
    if (deed.verb == Deed::Verb::pause) script.deeds.push_back({Deed::Verb::resume, std::nullopt, 0});
    if (deed.verb == Deed::Verb::abort && random.chance(0.7))
      script.deeds.push_back({Deed::Verb::retry, std::nullopt, 0});
  }
  return script;
}

Script fiveStepCanary() {
  Script script;
  script.objects = {service("stable"), service("canary"), route()};
  json::array five;
  for (const int weight : {10, 25, 50, 75, 90}) {
    five.push_back(json::object{{"setWeight", weight}});
    five.push_back(json::object{{"pause", {{"duration", "1h"}}}});
  }
  script.objects.push_back(rollout(5, {{"canary",
                                        {{"stableService", "stable"},
                                         {"canaryService", "canary"},
                                         {"trafficRouting", routing()},
                                         {"steps", std::move(five)}}}}));
  script.deeds.push_back({Deed::Verb::set_image, std::nullopt, 2});
  return script;
}

}  // namespace crossfade::sim
