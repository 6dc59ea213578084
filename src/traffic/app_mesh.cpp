// AWS App Mesh: weights in the routes of a VirtualRouter, pod hashes in two VirtualNodes. spec/05 §10.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/names.hpp"
#include "traffic/builtin.hpp"
#include "traffic/editing.hpp"

namespace crossfade::traffic {
namespace {

constexpr std::string_view route_types[] = {"httpRoute", "tcpRoute", "http2Route", "grpcRoute"};

class AppMesh final : public EditingRouter {
 public:
  AppMesh(const json::object& config, const RouterSettings& settings)
      : service_kind_{"appmesh.k8s.aws", "VirtualService", "virtualservices", {settings.app_mesh_version}},
        router_kind_{"appmesh.k8s.aws", "VirtualRouter", "virtualrouters", {settings.app_mesh_version}},
        node_kind_{"appmesh.k8s.aws", "VirtualNode", "virtualnodes", {settings.app_mesh_version}},
        service_(getString(config, {"virtualService", "name"})),
        canary_node_(getString(config, {"virtualNodeGroup", "canaryVirtualNodeRef", "name"})),
        stable_node_(getString(config, {"virtualNodeGroup", "stableVirtualNodeRef", "name"})) {
    if (const json::array* names = getArray(config, {"virtualService", "routes"})) {
      for (const json::value& name : *names)
        if (name.is_string()) routes_.emplace_back(name.get_string());
    }
  }

  std::string_view type() const override { return "AppMesh"; }
  Capabilities capabilities() const override { return {}; }
  std::vector<ObjectRef> reads(const RolloutView& rollout, const std::vector<Operation>&) const override {
    return {{service_kind_, rollout.ns, service_},
            {node_kind_, rollout.ns, stable_node_},
            {node_kind_, rollout.ns, canary_node_}};
  }
  std::vector<ObjectRef> readsNext(const RolloutView& rollout, const Objects& objects) const override {
    const auto service = objects.find(service_kind_, rollout.ns, service_);
    const auto router = service ? routerOf(**service, rollout) : std::nullopt;
    return router ? std::vector{*router} : std::vector<ObjectRef>();
  }

 protected:
  // Two nodes may not select the same pods, so that a side without pods of its own gets a hash that no pod has.
  Result<> updateHash(Work& work, const UpdateHash& hashes) const override {
    const std::string stable = hashes.stable_hash.empty() ? "stable-hash" : hashes.stable_hash;
    const bool apart = !hashes.canary_hash.empty() && hashes.canary_hash != hashes.stable_hash;
    if (const auto done = select(work, stable_node_, stable); !done) return done;
    return select(work, canary_node_, apart ? hashes.canary_hash : "canary-hash");
  }

  Result<> setWeight(Work& work, const SetWeight& set) const override {
    const RolloutView& rollout = work.rollout;
    const auto service = work.drafts.open({service_kind_, rollout.ns, service_});
    if (!service) return missing(work, service.error(), "VirtualService", service_, "Virtual-service is missing");
    const auto ref = routerOf(**service, rollout);
    if (!ref) return fail(ErrorCode::invalid, "Virtual-service is not associated with virtual-router");
    const auto router = work.drafts.open(*ref);
    if (!router) {
      if (router.error().code != ErrorCode::not_found) return fail(router.error());
      work.events.push_back({true, "VirtualRouterNotFound",
                             fmt::format("VirtualRouter for `{}` not found in namespace `{}`", ref->name, ref->ns)});
      return fail(ErrorCode::not_found, "Virtual-router is missing");
    }
    json::value* routes = find(**router, {"spec", "routes"});
    if (routes == nullptr || !routes->is_array())
      return fail(ErrorCode::invalid, fmt::format("spec.routes: Invalid value: \"{}\": No routes found", ref->name));
    const Shares shares = sharesOfHundred({set.weight, {}}, rollout.max_weight);
    std::size_t index = 0;
    for (json::value& route : routes->get_array()) {
      const std::string path = fmt::format("spec.routes[{}]", index++);
      if (!route.is_object()) return malformed(path, ref->name);
      const bool meant = routes_.empty() || std::ranges::find(routes_, textAt(route, {"name"})) != routes_.end();
      if (!meant) continue;
      if (const auto done = setWeights(route.get_object(), path, ref->name, rollout, shares); !done) return done;
    }
    return {};
  }

 private:
  static std::unexpected<Error> malformed(const std::string& path, std::string_view router) {
    return fail(ErrorCode::invalid, fmt::format("{}: Invalid value: \"{}\": not well-formed", path, router));
  }

  std::unexpected<Error> missing(Work& work, const Error& error, std::string_view kind, const std::string& name,
                                 std::string text) const {
    if (error.code != ErrorCode::not_found) return fail(error);
    work.events.push_back({true, fmt::format("{}NotFound", kind),
                           fmt::format("{} `{}` not found in namespace `{}`", kind, name, work.rollout.ns)});
    return fail(ErrorCode::not_found, std::move(text));
  }

  std::optional<ObjectRef> routerOf(const json::object& service, const RolloutView& rollout) const {
    const json::object* ref = getObject(service, {"spec", "provider", "virtualRouter", "virtualRouterRef"});
    if (ref == nullptr || getString(*ref, {"name"}).empty()) return std::nullopt;
    const std::string_view ns = getString(*ref, {"namespace"}, rollout.ns);
    return ObjectRef{router_kind_, std::string(ns), std::string(getString(*ref, {"name"}))};
  }

  Result<> select(Work& work, const std::string& name, const std::string& hash) const {
    const auto node = work.drafts.open({node_kind_, work.rollout.ns, name});
    if (!node) return missing(work, node.error(), "VirtualNode", name, "Virtual-node is missing");
    ensureObject(**node, {"spec", "podSelector", "matchLabels"})[api::hash_label] = hash;
    return {};
  }

  Result<> setWeights(json::object& route, const std::string& path, std::string_view router, const RolloutView& rollout,
                      const Shares& shares) const {
    const auto* type = std::ranges::find_if(route_types, [&](std::string_view one) { return route.contains(one); });
    if (type == std::end(route_types)) return malformed(path, router);
    const std::string targets_path = fmt::format("{}.{}.action.weightedTargets", path, *type);
    json::value* targets = find(route, {*type, "action", "weightedTargets"});
    if (targets == nullptr || !targets->is_array()) return malformed(targets_path, router);
    std::size_t index = 0;
    for (json::value& target : targets->get_array()) {
      const std::string target_path = fmt::format("{}[{}]", targets_path, index++);
      const json::value* weight = find(target, {"weight"});
      if (weight == nullptr || !asInteger(*weight)) return malformed(target_path, router);
      const std::string_view ns = textAt(target, {"virtualNodeRef", "namespace"});
      if (!ns.empty() && ns != rollout.ns) continue;
      const std::string_view node = textAt(target, {"virtualNodeRef", "name"});
      if (node == stable_node_) setMember(target.get_object(), "weight", shares.stable);
      if (node == canary_node_) setMember(target.get_object(), "weight", shares.canary);
    }
    return {};
  }

  const ResourceKind service_kind_, router_kind_, node_kind_;
  const std::string service_, canary_node_, stable_node_;
  std::vector<std::string> routes_;  // empty: all of them
};

}  // namespace

std::unique_ptr<Router> makeAppMesh(const json::object& config, const RouterSettings& settings) {
  return std::make_unique<AppMesh>(config, settings);
}

}  // namespace crossfade::traffic
