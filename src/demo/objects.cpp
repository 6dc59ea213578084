#include "demo/objects.hpp"

#include "base/json.hpp"

namespace crossfade::demo {
namespace {

constexpr int pause_seconds = 4;

json::object service(std::string_view name, std::string_view app) {
  return {{"apiVersion", "v1"},
          {"kind", "Service"},
          {"metadata", {{"name", name}}},
          {"spec",
           {{"selector", {{"app", app}}}, {"ports", json::array{json::object{{"port", 80}, {"targetPort", 8080}}}}}}};
}

json::object rollout(std::string_view name, std::string_view version, int replicas, json::object strategy) {
  const json::object container = {{"name", "app"},
                                  {"image", fmt::format("crossfade.dev/demo:{}", version)},
                                  {"ports", json::array{json::object{{"containerPort", 8080}}}}};
  return {
      {"apiVersion", "argoproj.io/v1alpha1"},
      {"kind", "Rollout"},
      {"metadata", {{"name", name}}},
      {"spec",
       {{"replicas", replicas},
        {"selector", {{"matchLabels", {{"app", name}}}}},
        {"template", {{"metadata", {{"labels", {{"app", name}}}}}, {"spec", {{"containers", json::array{container}}}}}},
        {"strategy", std::move(strategy)}}}};
}

// Errors of one version as the gateway counted them; nothing measured yet counts as no error.
json::object errorRate(const std::string& prometheus_url) {
  const std::string_view query =
      "(sum(rate(gateway_requests_total{pod_template_hash=\"{{args.hash}}\",code=~\"5..\"}[4s])) or vector(0)) / "
      "(sum(rate(gateway_requests_total{pod_template_hash=\"{{args.hash}}\"}[4s])) > 0 or vector(1))";
  const json::object metric = {{"name", "error-rate"},
                               {"interval", "1s"},
                               {"successCondition", "result[0] <= 0.03"},
                               {"failureLimit", 1},
                               {"provider", {{"prometheus", {{"address", prometheus_url}, {"query", query}}}}}};
  return {{"apiVersion", "argoproj.io/v1alpha1"},
          {"kind", "AnalysisTemplate"},
          {"metadata", {{"name", "error-rate"}}},
          {"spec", {{"args", json::array{json::object{{"name", "hash"}}}}, {"metrics", json::array{metric}}}}};
}

}  // namespace

std::vector<int> shopWeights() { return {10, 25, 50, 75, 90}; }

std::string shopObjects(const std::string& prometheus_url) {
  const json::array backends = {json::object{{"name", "shop-stable"}, {"port", 80}},
                                json::object{{"name", "shop-canary"}, {"port", 80}}};
  const json::object route = {
      {"apiVersion", "gateway.networking.k8s.io/v1"},
      {"kind", "HTTPRoute"},
      {"metadata", {{"name", "shop"}}},
      {"spec", {{"hostnames", {"shop.localhost"}}, {"rules", json::array{json::object{{"backendRefs", backends}}}}}}};
  json::array steps;
  for (const int weight : shopWeights()) {
    steps.push_back(json::object{{"setWeight", weight}});
    steps.push_back(json::object{{"pause", {{"duration", pause_seconds}}}});
  }
  const json::object hash = {{"name", "hash"}, {"valueFrom", {{"podTemplateHashValue", "Latest"}}}};
  const json::object canary = {
      {"stableService", "shop-stable"},
      {"canaryService", "shop-canary"},
      {"trafficRouting",
       {{"plugins", {{"argoproj-labs/gatewayAPI", {{"httpRoute", "shop"}, {"namespace", "default"}}}}}}},
      {"analysis",
       {{"templates", json::array{json::object{{"templateName", "error-rate"}}}},
        {"args", json::array{hash}},
        {"startingStep", 1}}},
      {"steps", std::move(steps)}};
  return json::serialize(json::array{service("shop-stable", "shop"), service("shop-canary", "shop"), route,
                                     errorRate(prometheus_url), rollout("shop", "v1", 5, {{"canary", canary}})});
}

std::string storeObjects() {
  const json::object blue_green = {{"activeService", "store-active"},
                                   {"previewService", "store-preview"},
                                   {"autoPromotionEnabled", false},
                                   {"scaleDownDelaySeconds", 4}};
  return json::serialize(json::array{service("store-active", "store"), service("store-preview", "store"),
                                     rollout("store", "blue", 3, {{"blueGreen", blue_green}})});
}

std::string newsObjects() {
  return json::serialize(json::array{service("news", "news"),
                                     rollout("news", "v1", 4, {{"canary", {{"maxSurge", 1}, {"maxUnavailable", 0}}}})});
}

}  // namespace crossfade::demo
