// APISIX: weights in rules of an ApisixRoute; header routes are ApisixRoutes of their own. spec/05 §12.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "traffic/builtin.hpp"
#include "traffic/editing.hpp"

namespace crossfade::traffic {
namespace {

// The rule of that name. Rules before it have to be readable.
Result<json::object*> ruleOf(json::array& rules, std::string_view name) {
  for (json::value& value : rules) {
    if (!value.is_object()) return refuse("Failed type assertion for Apisix http route");
    const json::value* own = value.get_object().if_contains("name");
    if (own == nullptr) return refuse("Apisix http route rule name field not found");
    if (!own->is_string()) return refuse("Failed type assertion for Apisix http route rule name");
    if (own->get_string() == name) return &value.get_object();
  }
  return refuse(fmt::format("Apisix http route rule {} not found", name));
}

Result<json::array*> backendsOf(json::object& rule) {
  json::value* backends = rule.if_contains("backends");
  if (backends == nullptr) return refuse("Apisix http route backends not found");
  if (!backends->is_array()) return refuse("Failed type assertion for Apisix http route backends");
  return &backends->get_array();
}

Result<json::object*> backendOf(json::array& backends, std::string_view service) {
  for (json::value& value : backends) {
    if (!value.is_object()) return refuse("Failed type assertion for Apisix http route backends");
    const json::value* name = value.get_object().if_contains("serviceName");
    if (name == nullptr) return refuse("serviceName field was not found in backend");
    if (name->is_string() && name->get_string() == service) return &value.get_object();
  }
  return refuse(fmt::format("apisix route {} backend was not found", service));
}

Result<json::array*> rulesOf(json::object& route) {
  json::value* rules = find(route, {"spec", "http"});
  if (rules == nullptr || !rules->is_array()) return refuse("spec.http was not found in Apisix Route manifest");
  return &rules->get_array();
}

// One entry for each value that is set; all of them have to hold.
json::array expressions(const std::vector<HeaderMatch>& matches) {
  json::array made;
  for (const HeaderMatch& match : matches) {
    const auto add = [&](std::string_view op, const std::string& value) {
      if (value.empty()) return;
      made.push_back({{"subject", {{"scope", "Header"}, {"name", match.header}}}, {"op", op}, {"value", value}});
    };
    add("Equal", match.exact);
    add("RegexMatch", match.regex);
    add("RegexMatch", match.prefix.empty() ? "" : "^" + match.prefix + ".*");
  }
  return made;
}

// Labels and annotations by which GitOps tools claim an object: a copy must not wear them.
bool isClaim(std::string_view key) {
  return key.starts_with("argocd.argoproj.io/") || key == "app.kubernetes.io/instance" ||
         key == "kubectl.kubernetes.io/last-applied-configuration";
}

json::object copyWithoutClaims(const json::object& base, const RolloutView& rollout) {
  json::object made;
  for (const char* member : {"apiVersion", "kind", "spec"})
    if (const json::value* value = base.if_contains(member)) made[member] = *value;
  json::object& metadata = ensureObject(made, {"metadata"});
  for (const char* member : {"labels", "annotations"}) {
    const json::object* old = getObject(base, {"metadata", member});
    if (old == nullptr) continue;
    json::object kept;
    for (const auto& [key, value] : *old)
      if (!isClaim(key)) kept[key] = value;
    if (!kept.empty()) metadata[member] = std::move(kept);
  }
  metadata["ownerReferences"] = json::array{ownerReference(rollout)};
  return made;
}

class Apisix final : public EditingRouter {
 public:
  explicit Apisix(const json::object& config) : name_(getString(config, {"route", "name"})) {
    if (const json::array* rules = getArray(config, {"route", "rules"})) {
      for (const json::value& rule : *rules)
        if (rule.is_string()) rules_.emplace_back(rule.get_string());
    }
    if (rules_.empty()) rules_ = {name_};
  }

  std::string_view type() const override { return "Apisix"; }
  Capabilities capabilities() const override { return {.header_routes = true}; }
  std::vector<ObjectRef> reads(const RolloutView& rollout, const std::vector<Operation>& operations) const override {
    std::vector<ObjectRef> refs = {ref(rollout, name_)};
    for (const std::string& managed : rollout.managed_routes) refs.push_back(ref(rollout, managed));
    for (const Operation& operation : operations) {
      const auto* set = std::get_if<SetHeaderRoute>(&operation);
      if (set != nullptr && std::ranges::find(rollout.managed_routes, set->name) == rollout.managed_routes.end())
        refs.push_back(ref(rollout, set->name));
    }
    return refs;
  }

 protected:
  Result<> setWeight(Work& work, const SetWeight& set) const override {
    const ObjectRef base = ref(work.rollout, name_);
    const auto route = work.drafts.open(base);
    if (!route) return fail(route.error());
    const auto rules = rulesOf(**route);
    if (!rules) return fail(rules.error());
    const Shares shares = sharesOfHundred({set.weight, {}}, work.rollout.max_weight);
    for (const std::string& name : rules_) {
      const auto rule = ruleOf(**rules, name);
      if (!rule) return fail(rule.error());
      const auto backends = backendsOf(**rule);
      if (!backends) return fail(backends.error());
      const auto canary = backendOf(**backends, work.rollout.canary_service);
      if (!canary) return fail(canary.error());
      const auto stable = backendOf(**backends, work.rollout.stable_service);
      if (!stable) return fail(stable.error());
      setMember(**canary, "weight", shares.canary);
      setMember(**stable, "weight", shares.stable);
    }
    work.drafts.tell(base, failed("ApisixRouteUpdateError", "Error updating", name_));
    return {};
  }

  Result<> setHeaderRoute(Work& work, const SetHeaderRoute& set) const override {
    const auto base = work.drafts.open(ref(work.rollout, name_));
    if (!base) return fail(base.error());
    const ObjectRef own = ref(work.rollout, set.name);
    const auto present = work.drafts.open(own);
    if (!present && present.error().code != ErrorCode::not_found) return fail(present.error());
    if (present && !isControlledBy(**present, work.rollout))
      return refuse(fmt::format("duplicate ApisixRoute [{}] already exists", set.name));
    if (set.match.empty()) {
      if (present) work.drafts.remove(own, failed("ApisixRouteDeleteError", "Error delete", set.name));
      return {};
    }
    auto rules = headerRules(**base, work.rollout, set);
    if (!rules) return fail(rules.error());
    if (!present) {
      json::object made = copyWithoutClaims(**base, work.rollout);
      ensureObject(made, {"spec"})["http"] = std::move(*rules);
      work.drafts.create(own, std::move(made), failed("ApisixRouteCreateError", "Error create", set.name));
      return {};
    }
    // What the server has filled in stays as long as the rules say what they should.
    const json::array* now = getArray(**present, {"spec", "http"});
    if (now == nullptr || !std::ranges::equal(*now, *rules, covers)) ensureObject(**present, {"spec"})["http"] = *rules;
    work.drafts.tell(own, failed("ApisixRouteUpdateError", "Error update", set.name));
    return {};
  }

  Result<> removeManagedRoutes(Work& work) const override {
    for (const std::string& managed : work.rollout.managed_routes) {
      const ObjectRef own = ref(work.rollout, managed);
      const auto present = work.drafts.open(own);
      if (!present && present.error().code != ErrorCode::not_found) return fail(present.error());
      if (present && isControlledBy(**present, work.rollout))
        work.drafts.remove(own, failed("ApisixRouteDeleteError", "Error deleting", managed));
    }
    return {};
  }

 private:
  static ObjectRef ref(const RolloutView& rollout, std::string name) {
    static const ResourceKind kind = {"apisix.apache.org", "ApisixRoute", "apisixroutes", {"v2"}};
    return {kind, rollout.ns, std::move(name)};
  }
  static Telling failed(std::string reason, std::string_view doing, std::string_view route) {
    return {.failed = EventNote{true, std::move(reason), fmt::format("{} apisix route \"{}\"", doing, route)}};
  }

  // Every member of `wanted` is in `present`.
  static bool covers(const json::value& present, const json::value& wanted) {
    if (wanted.is_object() && present.is_object()) {
      return std::ranges::all_of(wanted.get_object(), [&](const auto& member) {
        const json::value* other = present.get_object().if_contains(member.key());
        return other != nullptr && covers(*other, member.value());
      });
    }
    if (wanted.is_array() && present.is_array())
      return std::ranges::equal(present.get_array(), wanted.get_array(), covers);
    return present == wanted;
  }

  // The configured rules, for requests with these headers, to the canary alone, and before the rules they come from.
  Result<json::array> headerRules(json::object base, const RolloutView& rollout, const SetHeaderRoute& set) const {
    const auto rules = rulesOf(base);
    if (!rules) return fail(rules.error());
    json::array made;
    for (const std::string& name : rules_) {
      const auto found = ruleOf(**rules, name);
      if (!found) return fail(found.error());
      json::object rule = **found;
      const auto backends = backendsOf(rule);
      if (!backends) return fail(backends.error());
      const auto canary = backendOf(**backends, rollout.canary_service);
      if (!canary) return fail(canary.error());
      (**canary)["weight"] = 100;
      json::array kept;
      for (const json::value& backend : **backends)
        if (textAt(backend, {"serviceName"}) != rollout.stable_service) kept.push_back(backend);
      **backends = std::move(kept);
      rule["priority"] = getInt(rule, {"priority"}) + 1;
      json::object& match = ensureObject(rule, {"match"});
      json::array exprs;
      if (const json::array* own = getArray(match, {"exprs"})) exprs = *own;
      for (json::value& expression : expressions(set.match)) exprs.push_back(std::move(expression));
      match["exprs"] = std::move(exprs);
      made.push_back(std::move(rule));
    }
    return made;
  }

  const std::string name_;
  std::vector<std::string> rules_;
};

}  // namespace

std::unique_ptr<Router> makeApisix(const json::object& config, const RouterSettings&) {
  return std::make_unique<Apisix>(config);
}

}  // namespace crossfade::traffic
