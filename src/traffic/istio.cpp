// Istio: destinations of VirtualServices, subsets of a DestinationRule. spec/05 §5.
#include "traffic/istio.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "traffic/builtin.hpp"

namespace crossfade::traffic {
namespace istio {
namespace {

std::vector<std::string> texts(const json::object& object, std::string_view member) {
  std::vector<std::string> found;
  const json::array* list = getArray(object, {member});
  for (const json::value& value : list == nullptr ? json::array() : *list)
    if (value.is_string()) found.emplace_back(value.get_string());
  return found;
}

// "vs.example.istio" is "vs.example" in namespace "istio". spec/05 §5.3.
void parseReference(std::string_view reference, VirtualServiceConfig& config) {
  constexpr std::string_view domain = ".cluster.local";
  if (reference.ends_with(domain)) reference.remove_suffix(domain.size());
  const std::size_t dot = reference.rfind('.');
  config.name = reference.substr(0, dot);
  if (dot != std::string_view::npos) config.ns = reference.substr(dot + 1);
}

VirtualServiceConfig parseVirtualService(const json::object& object) {
  VirtualServiceConfig config;
  parseReference(getString(object, {"name"}), config);
  config.routes = texts(object, "routes");
  const auto each = [&](std::string_view member, auto read) {
    const json::array* list = getArray(object, {member});
    for (const json::value& value : list == nullptr ? json::array() : *list)
      if (value.is_object()) read(value.get_object());
  };
  each("tlsRoutes",
       [&](const json::object& one) { config.tls_routes.push_back({getInt(one, {"port"}), texts(one, "sniHosts")}); });
  each("tcpRoutes", [&](const json::object& one) { config.tcp_ports.push_back(getInt(one, {"port"})); });
  return config;
}

}  // namespace

Config parseConfig(const json::object& object) {
  Config config;
  const json::object* one = getObject(object, {"virtualService"});
  const json::array* several = getArray(object, {"virtualServices"});
  if (several != nullptr && several->empty()) several = nullptr;
  if ((one != nullptr) == (several != nullptr)) {
    config.problem =
        "spec.strategy.canary.trafficRouting.istio: Internal error: either VirtualService or VirtualServices must be "
        "configured";
  }
  if (one != nullptr) config.virtual_services.push_back(parseVirtualService(*one));
  for (const json::value& each : several == nullptr ? json::array() : *several)
    if (each.is_object()) config.virtual_services.push_back(parseVirtualService(each.get_object()));
  if (const json::object* rule = getObject(object, {"destinationRule"})) {
    config.destination_rule = getString(*rule, {"name"});
    config.canary_subset = getString(*rule, {"canarySubsetName"});
    config.stable_subset = getString(*rule, {"stableSubsetName"});
    config.additional_subsets = texts(*rule, "additionalSubsetNames");
  }
  return config;
}

}  // namespace istio

namespace {

using istio::VirtualServiceConfig;

class Istio final : public EditingRouter {
 public:
  Istio(const json::object& config, const RouterSettings& settings)
      : service_kind_{"networking.istio.io", "VirtualService", "virtualservices", {settings.istio_version}},
        rule_kind_{"networking.istio.io", "DestinationRule", "destinationrules", {settings.istio_version}},
        config_(istio::parseConfig(config)) {}

  std::string_view type() const override { return "Istio"; }
  Capabilities capabilities() const override {
    return {.experiments = true, .header_routes = true, .mirror_routes = true};
  }
  std::vector<ObjectRef> reads(const RolloutView& rollout, const std::vector<Operation>&) const override {
    std::vector<ObjectRef> refs;
    for (const VirtualServiceConfig& config : config_.virtual_services) refs.push_back(refOf(rollout, config));
    if (!config_.destination_rule.empty()) refs.push_back(ruleOf(rollout));
    return refs;
  }
  Result<Observed> observe(const RolloutView& rollout, const Objects& objects, const SetWeight&) const override {
    if (config_.destination_rule.empty()) return Observed{};
    const auto rule = objects.find(rule_kind_, rollout.ns, config_.destination_rule);
    if (!rule) return Observed{};  // said when it has to be written
    const istio::SubsetHashes hashes = istio::subsetHashes(**rule, config_);
    return Observed{.subset_hashes = std::pair(hashes.canary, hashes.stable)};
  }

 protected:
  Result<> setWeight(Work& work, const SetWeight& set) const override {
    const Shares shares = sharesOfHundred(set, work.rollout.max_weight);
    return forEach(work, "", fmt::format("set to desiredWeight '{}'", shares.canary),
                   [&](json::object& service, const VirtualServiceConfig& config) {
                     return istio::setWeights(service, config, sidesOf(work.rollout), shares);
                   });
  }

  Result<> updateHash(Work& work, const UpdateHash& hashes) const override {
    if (config_.destination_rule.empty()) return {};
    const ObjectRef ref = ruleOf(work.rollout);
    const auto rule = work.drafts.open(ref);
    if (!rule) {
      if (rule.error().code == ErrorCode::not_found)
        work.events.push_back(
            {true, "DestinationRuleNotFound", fmt::format("DestinationRule `{}` not found", ref.name)});
      return fail(rule.error());
    }
    const json::object before = **rule;
    istio::updateSubsets(**rule, config_, work.rollout, hashes);
    if (**rule == before) return {};
    const std::string text =
        fmt::format("DestinationRule {} subset updated ({}: {}, {}: {})", ref.name, config_.canary_subset,
                    hashes.canary_hash, config_.stable_subset, hashes.stable_hash);
    work.drafts.tell(ref, {.after = {{false, "UpdatedDestinationRule", text}}});
    return {};
  }

  Result<> setHeaderRoute(Work& work, const SetHeaderRoute& set) const override {
    return forEach(work, "[SetHeaderRoute] failed to reconcile header routes",
                   fmt::format("set headerRoute '{}'", set.name),
                   [&](json::object& service, const VirtualServiceConfig& config) {
                     return istio::setHeaderRoute(service, config, sidesOf(work.rollout), ruleHost(work), set);
                   });
  }

  Result<> setMirrorRoute(Work& work, const SetMirrorRoute& set) const override {
    return forEach(work, "[SetMirrorRoute] failed to reconcile mirror routes",
                   fmt::format("set mirrorRoute '{}'", getString(set.step, {"name"})),
                   [&](json::object& service, const VirtualServiceConfig& config) {
                     return istio::setMirrorRoute(service, config, sidesOf(work.rollout), ruleHost(work), set.step);
                   });
  }

  Result<> removeManagedRoutes(Work& work) const override {
    std::vector<std::string> names = work.rollout.step_routes;
    names.insert(names.end(), work.rollout.managed_routes.begin(), work.rollout.managed_routes.end());
    for (const VirtualServiceConfig& config : config_.virtual_services) {
      const ObjectRef ref = refOf(work.rollout, config);
      const auto service = work.drafts.open(ref);
      if (!service && service.error().code == ErrorCode::not_found) continue;
      if (!service) return wrap("[RemoveManagedRoutes] failed to get virtual service", service.error());
      const json::object before = **service;
      const auto done = istio::removeRoutes(**service, names);
      if (!done) return wrap("[RemoveManagedRoutes] failed to get http routes from virtual service", done.error());
      if (**service != before) tell(work, ref, "removed all managed routes.");
    }
    return {};
  }

 private:
  static std::unexpected<Error> wrap(std::string_view doing, const Error& error) {
    return fail(error.code, fmt::format("{}: {}", doing, error.message));
  }

  ObjectRef refOf(const RolloutView& rollout, const VirtualServiceConfig& config) const {
    return {service_kind_, config.ns.empty() ? rollout.ns : config.ns, config.name};
  }
  ObjectRef ruleOf(const RolloutView& rollout) const { return {rule_kind_, rollout.ns, config_.destination_rule}; }

  istio::Sides sidesOf(const RolloutView& rollout) const {
    RolloutView::Pair services = rollout.services();
    return {std::move(services.canary), std::move(services.stable), config_, rollout};
  }

  std::string ruleHost(Work& work) const {
    if (config_.destination_rule.empty()) return "";
    const auto rule = work.drafts.open(ruleOf(work.rollout));
    return rule ? std::string(getString(**rule, {"spec", "host"})) : "";
  }

  static void tell(Work& work, const ObjectRef& ref, const std::string& what) {
    work.drafts.tell(
        ref, {.after = {{false, "Updated VirtualService", fmt::format("VirtualService `{}` {}", ref.name, what)}}});
  }

  // Edits every VirtualService in its order; the first failure ends it. `what` is said of those that change.
  template <class Edit>
  Result<> forEach(Work& work, std::string_view doing, const std::string& what, Edit edit) const {
    if (!config_.problem.empty()) return fail(ErrorCode::invalid, config_.problem);
    for (const VirtualServiceConfig& config : config_.virtual_services) {
      const ObjectRef ref = refOf(work.rollout, config);
      const auto service = work.drafts.open(ref);
      if (!service) {
        if (service.error().code == ErrorCode::not_found) {
          work.events.push_back(
              {true, "VirtualServiceNotFound", fmt::format("VirtualService `{}` not found", ref.name)});
        }
        return fail(service.error());
      }
      const json::object before = **service;
      const Result<> done = edit(**service, config);
      if (!done) return doing.empty() ? done : Result<>(wrap(doing, done.error()));
      if (**service != before) tell(work, ref, what);
    }
    return {};
  }

  const ResourceKind service_kind_, rule_kind_;
  const istio::Config config_;
};

}  // namespace

std::unique_ptr<Router> makeIstio(const json::object& config, const RouterSettings& settings) {
  return std::make_unique<Istio>(config, settings);
}

}  // namespace crossfade::traffic
