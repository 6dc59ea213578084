// NGINX ingress: a canary Ingress beside each stable one, its weight in an annotation. spec/05 §6.
#include <fmt/format.h>

#include <algorithm>

#include "traffic/builtin.hpp"
#include "traffic/editing.hpp"

namespace crossfade::traffic {
namespace {

const ResourceKind ingress_kind = {"networking.k8s.io", "Ingress", "ingresses", {"v1"}};

constexpr std::string_view class_annotation = "kubernetes.io/ingress.class";

// The service of a path's backend; empty for another kind of backend.
std::string_view serviceOf(const json::value& path) { return textAt(path, {"backend", "service", "name"}); }

json::array* pathsOf(json::value& rule) {
  if (!rule.is_object()) return nullptr;
  json::value* paths = find(rule.get_object(), {"http", "paths"});
  return paths != nullptr && paths->is_array() ? &paths->get_array() : nullptr;
}

// The members of a config's map of texts.
Labels textsOf(const json::object& config, std::string_view member) {
  return labelsFromJson(getObject(config, {member}));
}

class Nginx final : public EditingRouter {
 public:
  explicit Nginx(const json::object& config)
      : prefix_(getString(config, {"annotationPrefix"}, "nginx.ingress.kubernetes.io")),
        additional_(textsOf(config, "additionalIngressAnnotations")),
        canary_annotations_(textsOf(config, "canaryIngressAnnotations")) {
    if (const std::string_view one = getString(config, {"stableIngress"}); !one.empty()) ingresses_.emplace_back(one);
    if (const json::array* several = getArray(config, {"stableIngresses"})) {
      for (const json::value& name : *several)
        if (name.is_string()) ingresses_.emplace_back(name.get_string());
    }
    if (prefix_.empty()) prefix_ = "nginx.ingress.kubernetes.io";
  }

  std::string_view type() const override { return "Nginx"; }
  Capabilities capabilities() const override { return {.scales_to_max_weight = true}; }
  std::vector<ObjectRef> reads(const RolloutView& rollout, const std::vector<Operation>&) const override {
    std::vector<ObjectRef> refs;
    for (const std::string& stable : ingresses_) {
      refs.push_back({ingress_kind, rollout.ns, stable});
      refs.push_back(canaryOf(rollout, stable));
    }
    return refs;
  }

 protected:
  Result<> setWeight(Work& work, const SetWeight& set) const override {
    for (const std::string& stable : ingresses_) {
      const auto done = setWeightOf(work, stable, set.weight);
      if (!done) return done;
    }
    return {};
  }

 private:
  static ObjectRef canaryOf(const RolloutView& rollout, std::string_view stable) {
    return {ingress_kind, rollout.ns, canaryName(fmt::format("{}-{}", rollout.name, stable))};
  }

  std::string key(std::string_view name) const { return fmt::format("{}/{}", prefix_, name); }

  Result<> setWeightOf(Work& work, const std::string& stable_name, std::int64_t weight) const {
    const RolloutView& rollout = work.rollout;
    const auto stable = work.drafts.open({ingress_kind, rollout.ns, stable_name});
    if (!stable) {
      return fail(stable.error().code, fmt::format("error retrieving stableIngress `{}` from cache: {}", stable_name,
                                                   stable.error().message));
    }
    const ObjectRef ref = canaryOf(rollout, stable_name);
    const auto present = work.drafts.open(ref);
    if (!present && present.error().code != ErrorCode::not_found) {
      return fail(present.error().code, fmt::format("error retrieving canary ingress `{}` from cache: {}", ref.name,
                                                    present.error().message));
    }
    auto spec = canarySpec(**stable, rollout, stable_name);
    if (!spec) return fail(spec.error());
    json::object annotations = canaryAnnotations(**stable, rollout, weight);
    if (!present) {
      json::object metadata{{"annotations", std::move(annotations)},
                            {"ownerReferences", json::array{ownerReference(rollout)}}};
      work.drafts.create(
          ref,
          {{"apiVersion", "networking.k8s.io/v1"},
           {"kind", "Ingress"},
           {"metadata", std::move(metadata)},
           {"spec", std::move(*spec)}},
          {.before = EventNote{false, "CreatingCanaryIngress",
                               fmt::format("Creating canary ingress `{}` with weight `{}`", ref.name, weight)},
           .wraps = fmt::format("error creating canary ingress `{}`", ref.name)});
      return {};
    }
    json::object& canary = **present;
    if (!isControlledBy(canary, rollout))
      return fail(ErrorCode::invalid, fmt::format("canary ingress `{}` controlled by different object", ref.name));
    json::object& now = ensureObject(canary, {"metadata", "annotations"});
    for (const auto& [name, value] : annotations) now[name] = value;
    if (!rollout.has_max_weight) now.erase(key("canary-weight-total"));
    json::object& now_spec = ensureObject(canary, {"spec"});
    for (const char* member : {"rules", "tls", "ingressClassName"}) {
      const json::value* wanted = spec->if_contains(member);
      if (wanted == nullptr) {
        now_spec.erase(member);
      } else {
        now_spec[member] = *wanted;
      }
    }
    work.drafts.tell(ref,
                     {.before = EventNote{false, "PatchingCanaryIngress",
                                          fmt::format("Updating Ingress `{}` to desiredWeight '{}'", ref.name, weight)},
                      .wraps = fmt::format("error patching canary ingress `{}`", ref.name)});
    return {};
  }

  // Later ones win.
  json::object canaryAnnotations(const json::object& stable, const RolloutView& rollout, std::int64_t weight) const {
    json::object made;
    const std::string_view ingress_class = getString(stable, {"metadata", "annotations", class_annotation});
    if (!ingress_class.empty()) made[class_annotation] = ingress_class;
    for (const auto& [name, value] : additional_) made[name.starts_with(prefix_) ? name : key(name)] = value;
    for (const auto& [name, value] : canary_annotations_) made[name] = value;
    made[key("canary")] = "true";
    made[key("canary-weight")] = std::to_string(weight);
    if (rollout.has_max_weight) made[key("canary-weight-total")] = std::to_string(rollout.max_weight);
    return made;
  }

  // The rules in which the stable Service serves a path, with the canary's in its place.
  static Result<json::object> canarySpec(const json::object& stable, const RolloutView& rollout,
                                         std::string_view stable_name) {
    json::object spec;
    for (const char* member : {"ingressClassName", "tls"})
      if (const json::value* value = find(stable, {"spec", member})) spec[member] = *value;
    json::array rules;
    if (const json::array* all = getArray(stable, {"spec", "rules"})) {
      for (json::value rule : *all) {
        bool serves = false;
        if (json::array* paths = pathsOf(rule)) {
          for (json::value& path : *paths) {
            if (serviceOf(path) != rollout.stable_service) continue;
            ensureObject(path.as_object(), {"backend", "service"})["name"] = rollout.canary_service;
            serves = true;
          }
        }
        if (serves) rules.push_back(std::move(rule));
      }
    }
    if (rules.empty()) {
      return fail(ErrorCode::invalid, fmt::format("ingress `{}` has no rules using service {} backend", stable_name,
                                                  rollout.stable_service));
    }
    spec["rules"] = std::move(rules);
    return spec;
  }

  std::string prefix_;
  const Labels additional_, canary_annotations_;
  std::vector<std::string> ingresses_;
};

}  // namespace

std::unique_ptr<Router> makeNginx(const json::object& config, const RouterSettings&) {
  return std::make_unique<Nginx>(config);
}

}  // namespace crossfade::traffic
