// Subresources that are more than a part of their object: scale, eviction, binding, tokens, a namespace's finalizers;
// and the reviews, which are resources without objects.
#include <fmt/format.h>

#include "base/base64.hpp"
#include "local/api_body.hpp"
#include "local/api_calls.hpp"
#include "local/discovery.hpp"

namespace crossfade::local {

namespace {

constexpr std::string_view user_name = "crossfade-local-admin";

net::Response created() {
  json::object status = successStatus({});
  status["code"] = 201;
  return jsonResponse(201, status);
}

ApiFailure unable(const ApiCall& call, std::string why) {
  return {409, "Conflict", fmt::format("Operation cannot be fulfilled on pods/binding \"{}\": {}", call.path.name, why),
          json::object{{"name", call.path.name}, {"kind", "pods/binding"}}};
}

const json::object* condition(const json::object& object, std::string_view type) {
  const auto* conditions = crossfade::getArray(object, {"status", "conditions"});
  if (conditions == nullptr) return nullptr;
  for (const auto& item : *conditions) {
    if (item.is_object() && getString(item.get_object(), {"type"}) == type) return &item.get_object();
  }
  return nullptr;
}

ApiFailure disrupts(std::string why, int retry_seconds) {
  json::object details{
      {"causes", json::array{json::object{{"reason", "DisruptionBudget"}, {"message", std::move(why)}}}}};
  if (retry_seconds > 0) details["retryAfterSeconds"] = retry_seconds;
  return {429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.",
          std::move(details)};
}

// The budgets of a namespace that a pod counts for.
std::vector<Object> budgetsOf(const Registry& registry, const json::object& pod) {
  std::vector<Object> result;
  const ResourceType* type = registry.resource("policy", "poddisruptionbudgets");
  if (type == nullptr) return result;
  const Labels labels = labelsFromJson(crossfade::getObject(pod, {"metadata", "labels"}));
  for (Object& budget : registry.list(*type, getString(pod, {"metadata", "namespace"}))) {
    const auto* given = crossfade::getObject(*budget, {"spec", "selector"});
    if (given == nullptr) continue;
    if (const auto selector = Selector::fromJson(*given); selector && selector->matches(labels))
      result.push_back(std::move(budget));
  }
  return result;
}

// Takes one disruption from the budget's allowance, or says why it can't be taken.
Outcome<void> spendDisruption(const ApiCall& call, const json::object& pod, const json::object& budget, bool dry_run) {
  const std::string name(getString(budget, {"metadata", "name"}));
  const auto* ready = condition(pod, "Ready");
  const std::int64_t healthy = getInt(budget, {"status", "currentHealthy"});
  const std::int64_t desired = getInt(budget, {"status", "desiredHealthy"});
  if (ready == nullptr || getString(*ready, {"status"}) != "True") {
    // A pod that isn't healthy counts for nothing: it may go while enough others are.
    if (getString(budget, {"spec", "unhealthyPodEvictionPolicy"}) == "AlwaysAllow" ||
        (desired > 0 && healthy >= desired))
      return {};
  }
  if (getInt(budget, {"status", "observedGeneration"}) < getInt(budget, {"metadata", "generation"})) {
    return refuse(disrupts(fmt::format("The disruption budget {} is still being processed by the server.", name), 10));
  }
  const std::int64_t allowed = getInt(budget, {"status", "disruptionsAllowed"});
  if (allowed <= 0) {
    return refuse(disrupts(
        fmt::format("The disruption budget {} needs {} healthy pods and has {} currently", name, desired, healthy), 0));
  }
  if (dry_run) return {};
  const std::string now = formatTime(call.clock.now());
  const auto spent = call.registry.modify(*call.registry.resource("policy", "poddisruptionbudgets"), call.path.ns, name,
                                          Subresource::status,
                                          [&](json::object& object) {
                                            json::object& status = ensureObject(object, {"status"});
                                            status["disruptionsAllowed"] = allowed - 1;
                                            ensureObject(status, {"disruptedPods"})[call.path.name] = now;
                                          },
                                          {.field_manager = "kube-apiserver"});
  if (!spent) return refuse(internalError(spent.error().message));
  return {};
}

json::object userInfo() {
  return {{"username", user_name}, {"groups", json::array{"system:masters", "system:authenticated"}}};
}

}  // namespace

Answer getScale(const ApiCall& call) {
  const auto scale = call.registry.scale(call.type, call.path.ns, call.path.name);
  if (!scale) return refuse(failureOf(scale.error(), call.type, call.path.name));
  return jsonResponse(200, *scale);
}

Answer updateScale(const ApiCall& call) {
  const auto parameters = writeParameters(call.request, "UpdateOptions");
  if (!parameters) return refuse(parameters.error());
  auto body = decodeBody(call.request, "Scale");
  if (!body) return refuse(std::move(body.error()));
  if (const auto name = getString(body->object, {"metadata", "name"}); name != call.path.name) {
    return refuse(badRequest(
        fmt::format("the name of the object ({}) does not match the name on the URL ({})", name, call.path.name)));
  }
  WriteReport report;
  const WriteOptions options{.field_manager = parameters->manager, .dry_run = parameters->dry_run, .report = &report};
  const auto scaled = call.registry.update(call.type, call.path.ns, call.path.name, Subresource::scale,
                                           std::move(body->object), options);
  if (!scaled) return refuse(failureOf(scaled.error(), call.type, call.path.name, &report));
  return getScale(call);
}

Answer finalizeNamespace(const ApiCall& call) {
  auto body = decodeResource(call.request, call.registry, call.type, call.path.version);
  if (!body) return refuse(std::move(body.error()));
  const auto* finalizers = crossfade::getArray(body->object, {"spec", "finalizers"});
  auto object = call.registry.finalizeNamespace(call.path.name, finalizers == nullptr ? json::array() : *finalizers);
  if (!object) return refuse(failureOf(object.error(), call.type, call.path.name));
  return jsonResponse(200, **object);
}

Answer bindPod(const ApiCall& call) {
  const auto parameters = writeParameters(call.request, "CreateOptions");
  if (!parameters) return refuse(parameters.error());
  auto body = decodeBody(call.request, "Binding");
  if (!body) return refuse(std::move(body.error()));
  const std::string node(getString(body->object, {"target", "name"}));
  if (node.empty()) return refuse(invalidObject("", "Binding", call.path.name, {"target.name: Required value"}));
  const auto pod = call.registry.get(call.type, call.path.ns, call.path.name);
  if (!pod) return refuse(failureOf(pod.error(), call.type, call.path.name));
  if (find(**pod, {"metadata", "deletionTimestamp"}) != nullptr) {
    return refuse(unable(call, fmt::format("pod {} is being deleted, cannot be assigned to a host", call.path.name)));
  }
  if (const auto bound = getString(**pod, {"spec", "nodeName"}); !bound.empty()) {
    return refuse(unable(call, fmt::format("pod {} is already assigned to node \"{}\"", call.path.name, bound)));
  }
  if (parameters->dry_run) return created();
  const WriteOptions options{.field_manager = parameters->manager};
  const auto placed = call.registry.modify(
      call.type, call.path.ns, call.path.name, Subresource::none,
      [&node](json::object& object) { ensureObject(object, {"spec"})["nodeName"] = node; }, options);
  if (!placed) return refuse(failureOf(placed.error(), call.type, call.path.name));
  const std::string now = formatTime(call.clock.now());
  const auto told = call.registry.modify(
      call.type, call.path.ns, call.path.name, Subresource::status,
      [&now](json::object& object) {
        json::value& conditions = ensureObject(object, {"status"})["conditions"];
        if (!conditions.is_array()) conditions = json::array();
        conditions.get_array().push_back(json::object{
            {"type", "PodScheduled"}, {"status", "True"}, {"lastProbeTime", nullptr}, {"lastTransitionTime", now}});
      },
      options);
  if (!told) return refuse(failureOf(told.error(), call.type, call.path.name));
  return created();
}

Answer evictPod(const ApiCall& call) {
  auto body = decodeBody(call.request, "Eviction");
  if (!body) return refuse(std::move(body.error()));
  if (const auto name = getString(body->object, {"metadata", "name"}, call.path.name); name != call.path.name) {
    return refuse(badRequest(fmt::format("name in URL does not match name in Eviction object: {}", name)));
  }
  const auto pod = call.registry.get(call.type, call.path.ns, call.path.name);
  if (!pod) return refuse(failureOf(pod.error(), call.type, call.path.name));
  DeleteOptions options;
  options.dry_run = call.request.query("dryRun") == "All" || find(body->object, {"deleteOptions", "dryRun"}) != nullptr;
  if (const auto* grace = find(body->object, {"deleteOptions", "gracePeriodSeconds"}))
    options.grace_period_seconds = asInteger(*grace);
  const auto phase = getString(**pod, {"status", "phase"});
  const bool idle = phase == "Pending" || phase == "Succeeded" || phase == "Failed" ||
                    find(**pod, {"metadata", "deletionTimestamp"}) != nullptr;
  if (!idle) {
    const auto budgets = budgetsOf(call.registry, **pod);
    if (budgets.size() > 1) {
      return refuse(internalError(
          "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."));
    }
    if (!budgets.empty()) {
      if (auto ok = spendDisruption(call, **pod, *budgets.front(), options.dry_run); !ok)
        return refuse(std::move(ok.error()));
    }
  }
  const auto removed = call.registry.remove(call.type, call.path.ns, call.path.name, options);
  if (!removed) return refuse(failureOf(removed.error(), call.type, call.path.name));
  return created();
}

Answer requestToken(const ApiCall& call) {
  auto body = decodeBody(call.request, "TokenRequest");
  if (!body) return refuse(std::move(body.error()));
  const auto account = call.registry.get(call.type, call.path.ns, call.path.name);
  if (!account) return refuse(failureOf(account.error(), call.type, call.path.name));
  constexpr std::int64_t shortest = 600;
  constexpr std::int64_t longest = std::int64_t(1) << 32;
  const std::int64_t wanted = getInt(body->object, {"spec", "expirationSeconds"}, 3600);
  const auto outOfRange = [wanted](std::string_view why) {
    return refuse(invalidObject("authentication.k8s.io", "TokenRequest", "",
                                {fmt::format("spec.expirationSeconds: Invalid value: {}: {}", wanted, why)}));
  };
  if (wanted < shortest) return outOfRange("may not specify a duration less than 10 minutes");
  if (wanted > longest) return outOfRange("may not specify a duration larger than 2^32 seconds");
  const TimePoint expires = call.clock.now() + seconds(wanted);
  json::value audiences = json::array{"https://kubernetes.default.svc"};
  if (const auto* given = crossfade::getArray(body->object, {"spec", "audiences"}); given != nullptr && !given->empty())
    audiences = *given;
  // Where the server asks for a token, only that one opens it; else the answer just looks like one.
  std::string token = call.options.token;
  if (token.empty()) {
    const auto part = [](const json::object& object) {
      std::string text = encodeBase64(json::serialize(object));
      std::erase(text, '=');
      std::ranges::replace(text, '+', '-');
      std::ranges::replace(text, '/', '_');
      return text;
    };
    token = fmt::format("{}.{}.", part({{"alg", "none"}, {"typ", "JWT"}}),
                        part({{"aud", audiences},
                              {"exp", std::chrono::duration_cast<seconds>(expires.time_since_epoch()).count()},
                              {"iss", "https://kubernetes.default.svc"},
                              {"sub", fmt::format("system:serviceaccount:{}:{}", call.path.ns, call.path.name)}}));
  }
  json::object metadata{
      {"name", call.path.name}, {"namespace", call.path.ns}, {"creationTimestamp", formatTime(call.clock.now())}};
  if (const auto* uid = find(**account, {"metadata", "uid"})) metadata["uid"] = *uid;
  return jsonResponse(201, json::object{{"kind", "TokenRequest"},
                                        {"apiVersion", "authentication.k8s.io/v1"},
                                        {"metadata", std::move(metadata)},
                                        {"spec", json::object{{"audiences", std::move(audiences)},
                                                              {"expirationSeconds", wanted},
                                                              {"boundObjectRef", nullptr}}},
                                        {"status", json::object{{"token", std::move(token)},
                                                                {"expirationTimestamp", formatTime(expires)}}}});
}

std::optional<Answer> createVirtual(const ApiRequest& request, TimePoint now) {
  const ResourcePath& path = *request.path;
  const auto& known = virtualResources();
  const auto resource = std::ranges::find_if(known, [&path](const VirtualResource& candidate) {
    return candidate.group == path.group && candidate.version == path.version && candidate.plural == path.plural &&
           !candidate.namespaced && path.ns.empty() && path.name.empty();
  });
  if (resource == known.end()) return std::nullopt;
  if (request.method != "POST") return refuse(methodNotAllowed());
  auto body = decodeBody(request, resource->kind);
  if (!body) return refuse(std::move(body.error()));
  json::object& object = body->object;
  object["kind"] = resource->kind;
  object["apiVersion"] = fmt::format("{}/{}", resource->group, resource->version);
  ensureObject(object, {"metadata"});
  if (resource->kind == "SelfSubjectAccessReview") {
    // Everybody who reaches this cluster may do everything.
    object["status"] = json::object{{"allowed", true}};
  } else if (resource->kind == "SelfSubjectRulesReview") {
    const json::array any{"*"};
    object["status"] = json::object{
        {"resourceRules", json::array{json::object{{"verbs", any}, {"apiGroups", any}, {"resources", any}}}},
        {"nonResourceRules", json::array{json::object{{"verbs", any}, {"nonResourceURLs", any}}}},
        {"incomplete", false}};
  } else {
    ensureObject(object, {"metadata"})["creationTimestamp"] = formatTime(now);
    object["status"] = json::object{{"userInfo", userInfo()}};
  }
  return jsonResponse(201, object);
}

}  // namespace crossfade::local
