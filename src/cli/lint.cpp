#include "cli/lint.hpp"

#include <fmt/format.h>

#include <memory>

#include "analysis/templates.hpp"
#include "api/rollout.hpp"
#include "api/validation.hpp"
#include "base/go_text.hpp"

namespace crossfade::cli {

namespace {

// A pod template without a fault, for Rollouts whose own lies in a workload that isn't among the files.
json::object anyPodTemplate() {
  return {{"metadata", {{"labels", {{"a", "b"}}}}},
          {"spec", {{"containers", json::array{json::object{{"name", "a"}, {"image", "a"}}}}}}};
}

// What the Rollout's template and selector are: its own, or those of the Deployment that it refers to.
struct Workload {
  json::object pod_template;
  std::optional<json::object> selector;
  bool known = true;
};
Workload workloadOf(const api::Rollout& rollout, const std::vector<Manifest>& all) {
  const auto read = [](const json::object& object) {
    const json::object* pod_template = getObject(object, {"spec", "template"});
    const json::object* selector = getObject(object, {"spec", "selector"});
    return Workload{pod_template == nullptr ? json::object() : *pod_template,
                    selector == nullptr ? std::nullopt : std::optional(*selector)};
  };
  if (!rollout.spec.workload_ref) {
    return read(
        {{"spec", {{"template", rollout.spec.pod_template.value()}, {"selector", rollout.spec.selector.value()}}}});
  }
  for (const Manifest& one : all) {
    if (one.kind() == rollout.spec.workload_ref->kind && one.name() == rollout.spec.workload_ref->name) {
      return read(one.object);
    }
  }
  return {anyPodTemplate(), std::nullopt, false};
}

api::Services servicesAmong(const std::vector<Manifest>& all) {
  api::Services services;
  for (const Manifest& one : all) {
    if (one.group().empty() && one.kind() == "Service") {
      services.emplace(one.name(), std::make_shared<const api::Service>(api::decodeService(one.object)));
    }
  }
  return services;
}

analysis::TemplateLookup templatesAmong(const std::vector<Manifest>& all) {
  return [&all](std::string_view name, bool cluster_scope) -> std::shared_ptr<const api::AnalysisTemplate> {
    const Manifest* found = findTemplate(all, name, cluster_scope);
    if (found == nullptr) return nullptr;
    return std::make_shared<const api::AnalysisTemplate>(api::decodeAnalysisTemplate(found->object));
  };
}

bool hasKind(const std::vector<Manifest>& all, std::string_view kind) {
  return std::ranges::any_of(all, [&](const Manifest& one) { return one.kind() == kind; });
}

// --- traffic ---------------------------------------------------------------------------------------------------------

// Whether a rule of the Ingress sends to the Service: of networking.k8s.io/v1, and of the versions before it.
bool sendsTo(const json::object& ingress, std::string_view service) {
  const json::array* rules = getArray(ingress, {"spec", "rules"});
  for (const json::value& rule : rules == nullptr ? json::array() : *rules) {
    const json::object* object = rule.if_object();
    const json::array* paths = object == nullptr ? nullptr : getArray(*object, {"http", "paths"});
    for (const json::value& path : paths == nullptr ? json::array() : *paths) {
      const json::object* backend = path.is_object() ? getObject(path.get_object(), {"backend"}) : nullptr;
      if (backend == nullptr) continue;
      if (getString(*backend, {"service", "name"}) == service || getString(*backend, {"serviceName"}) == service) {
        return true;
      }
    }
  }
  return false;
}

// The names that a router gives, each with its path: one alone or a list.
std::vector<std::pair<std::string, std::string>> namesIn(const json::object& router, const std::string& path,
                                                         std::string_view one, std::string_view many,
                                                         std::string_view member = {}) {
  std::vector<std::pair<std::string, std::string>> names;
  const auto add = [&](const json::value& value, const std::string& where) {
    const json::value* name = member.empty() ? &value : find(value, {member});
    if (name == nullptr || !name->is_string() || name->get_string().empty()) return;
    names.emplace_back(member.empty() ? where : fmt::format("{}.{}", where, member), std::string(name->get_string()));
  };
  if (const json::value* single = find(router, {one})) add(*single, fmt::format("{}.{}", path, one));
  const json::array* list = getArray(router, {many});
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    add((*list)[i], fmt::format("{}.{}[{}]", path, many, i));
  }
  return names;
}

void lintIngresses(const Manifest& manifest, const json::object& routing, const api::Canary& canary,
                   const std::vector<Manifest>& all, std::vector<Finding>& findings) {
  struct Router {
    const char *name, *one, *many;
  };
  for (const Router& router :
       {Router{"nginx", "stableIngress", "stableIngresses"}, Router{"alb", "ingress", "ingresses"}}) {
    const json::object* config = getObject(routing, {router.name});
    if (config == nullptr) continue;
    const std::string_view root = getString(*config, {"rootService"});
    const std::string service(router.name == std::string_view("alb") && !root.empty() ? root : canary.stable_service);
    const std::string path = fmt::format("spec.strategy.canary.trafficRouting.{}", router.name);
    for (const auto& [where, name] : namesIn(*config, path, router.one, router.many)) {
      for (const Manifest& one : all) {
        if (one.kind() != "Ingress" || one.name() != name || sendsTo(one.object, service)) continue;
        findings.push_back(
            findingAt(manifest, fmt::format("{}: Invalid value: {}: ingress `{}` has no rules using service {} backend",
                                            where, go::quote(name), name, service)));
      }
    }
  }
}

void lintVirtualServices(const Manifest& manifest, const json::object& routing, const std::vector<Manifest>& all,
                         std::vector<Finding>& findings) {
  const json::object* istio = getObject(routing, {"istio"});
  if (istio == nullptr) return;
  const std::string path = "spec.strategy.canary.trafficRouting.istio";
  for (const auto& [where, name] : namesIn(*istio, path, "virtualService", "virtualServices", "name")) {
    for (const Manifest& one : all) {
      if (one.kind() != "VirtualService" || one.name() != name) continue;
      const bool routes = std::ranges::any_of(std::array{"http", "tcp", "tls"}, [&](const char* protocol) {
        const json::array* list = getArray(one.object, {"spec", protocol});
        return list != nullptr && !list->empty();
      });
      if (routes) continue;
      findings.push_back(findingAt(
          manifest, fmt::format("{}: Invalid value: {}: Unable to get any of the HTTP, TCP or TLS routes for the Istio "
                                "VirtualService",
                                where, go::quote(name))));
    }
  }
}

}  // namespace

const Manifest* findTemplate(const std::vector<Manifest>& all, std::string_view name, bool cluster_scope) {
  const std::string_view kind = cluster_scope ? "ClusterAnalysisTemplate" : "AnalysisTemplate";
  const auto found =
      std::ranges::find_if(all, [&](const Manifest& one) { return one.kind() == kind && one.name() == name; });
  return found == all.end() ? nullptr : &*found;
}

Finding findingAt(const Manifest& manifest, std::string_view text) {
  const std::size_t colon = text.find(": ");
  const std::string_view path = text.substr(0, colon);
  return {std::string(path), std::string(text.substr(colon + 2)), manifest.placeOfRule(path)};
}

std::vector<Finding> lintRollout(const Manifest& manifest, const std::vector<Manifest>& all) {
  std::vector<Finding> findings;
  const auto add = [&](const std::optional<std::string>& problem, bool warning = false) {
    if (!problem) return;
    findings.push_back(findingAt(manifest, *problem));
    findings.back().warning = warning;
  };
  const api::Rollout rollout = api::decodeRollout(manifest.object);
  for (const std::string& problem : rollout.malformed) add(problem);
  const Workload workload = workloadOf(rollout, all);
  const json::object* selector = workload.selector ? &*workload.selector : nullptr;
  add(api::validateSpec(rollout, workload.pod_template, selector));
  add(api::validateRouting(rollout));
  const api::Services services = servicesAmong(all);
  if (workload.known) add(api::validateServices(rollout, workload.pod_template, services));
  if (!services.empty()) add(api::missingService(rollout, services), true);
  if (rollout.spec.canary) {
    const json::object routing = rollout.spec.canary->traffic_routing.object();
    lintIngresses(manifest, routing, *rollout.spec.canary, all, findings);
    lintVirtualServices(manifest, routing, all, findings);
  }
  // A template that is missing here may be in the cluster. Without any of them nothing is known.
  if (hasKind(all, "AnalysisTemplate") || hasKind(all, "ClusterAnalysisTemplate")) {
    const auto lookup = templatesAmong(all);
    const auto missing = analysis::missingTemplate(rollout, lookup);
    add(missing, true);
    if (!missing) add(analysis::validateTemplates(rollout, lookup));
  }
  return findings;
}

std::vector<Finding> lint(const std::vector<Manifest>& manifests) {
  std::vector<Finding> findings;
  for (const Manifest& manifest : manifests) {
    if (manifest.group() != "argoproj.io") continue;
    const bool rollout = manifest.kind() == "Rollout";
    const bool analysis = manifest.kind().ends_with("AnalysisTemplate") || manifest.kind() == "AnalysisRun";
    if (!rollout && !analysis) continue;
    const auto more = rollout ? lintRollout(manifest, manifests) : lintAnalysis(manifest, manifests);
    findings.insert(findings.end(), more.begin(), more.end());
  }
  return findings;
}

}  // namespace crossfade::cli
