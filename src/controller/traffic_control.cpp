#include "controller/traffic_control.hpp"

#include <algorithm>

#include "traffic/registry.hpp"

namespace crossfade::controller {
namespace {

std::string routeName(const traffic::ResourceKind& kind, std::string_view ns, std::string_view name) {
  return fmt::format("{}/{}/{}", kind.kind, ns, name.empty() ? "*" : name);
}

Result<std::vector<std::unique_ptr<traffic::Router>>> routersOf(const api::Rollout& rollout,
                                                                const traffic::RouterSettings& settings) {
  if (!rollout.spec.canary || !rollout.spec.canary->routed()) return std::vector<std::unique_ptr<traffic::Router>>();
  const json::object routing = rollout.spec.canary->traffic_routing.object();
  return traffic::makeRouters(&routing, settings);
}

traffic::SetWeight recordedWeight(const api::Weights& recorded) {
  traffic::SetWeight weight{recorded.canary.weight, {}};
  for (const api::WeightDestination& extra : recorded.additional)
    weight.extra.push_back({extra.service_name, extra.pod_template_hash, extra.weight});
  return weight;
}

std::vector<traffic::Destination> destinationsOf(const rollout::SetTraffic& wanted) {
  std::vector<traffic::Destination> destinations;
  for (const auto& extra : wanted.extra) destinations.push_back({extra.service, extra.hash, extra.weight});
  return destinations;
}

// In spec/05 §1.4's order.
std::vector<traffic::Operation> operationsOf(const rollout::SetTraffic& wanted) {
  std::vector<traffic::Operation> operations;
  if (wanted.remove_managed_routes) operations.emplace_back(traffic::RemoveManagedRoutes{});
  if (wanted.held) return operations;
  for (const rollout::SetTraffic::Route& route : wanted.routes) {
    if (route.mirror) {
      operations.emplace_back(traffic::SetMirrorRoute{route.step});
      continue;
    }
    traffic::SetHeaderRoute header;
    header.name = getString(route.step, {"name"});
    if (const json::array* matches = getArray(route.step, {"match"})) {
      for (const json::value& value : *matches) {
        const json::object* match = value.if_object();
        if (match == nullptr) continue;
        header.match.push_back({std::string(getString(*match, {"headerName"})),
                                std::string(getString(*match, {"headerValue", "exact"})),
                                std::string(getString(*match, {"headerValue", "prefix"})),
                                std::string(getString(*match, {"headerValue", "regex"}))});
      }
    }
    operations.emplace_back(std::move(header));
  }
  const traffic::SetWeight weight{wanted.weight, destinationsOf(wanted)};
  if (wanted.weight_before_hash) operations.emplace_back(weight);
  operations.emplace_back(traffic::UpdateHash{wanted.canary_hash, wanted.stable_hash, destinationsOf(wanted)});
  if (!wanted.weight_before_hash) operations.emplace_back(weight);
  return operations;
}

}  // namespace

TrafficControl::TrafficControl(const World& world, const Settings& settings, Wake wake)
    : settings_(settings.routers),
      clock_(world.clock),
      routes_(world, settings,
              [this](const traffic::ResourceKind& kind, const std::string& ns, const std::string& name) {
                changed(kind, ns, name);
              }),
      wake_(std::move(wake)) {}

std::optional<std::string> TrafficControl::configurationError(const api::Rollout& rollout) {
  const auto routers = routersOf(rollout, traffic::RouterSettings{});
  if (routers) return std::nullopt;
  return fmt::format("spec.strategy.canary.trafficRouting: Invalid value: {}", routers.error().message);
}

Task<rollout::ObservedTraffic> TrafficControl::observe(std::shared_ptr<const api::Rollout> rollout) {
  rollout::ObservedTraffic observed;
  const auto routers = routersOf(*rollout, settings_);
  if (!routers || routers->empty()) co_return observed;
  observed.has_routers = true;
  const Boxed<api::Weights>& recorded = rollout->status.canary.weights;
  if (!recorded) co_return observed;
  const traffic::RolloutView view = traffic::viewOf(*rollout, clock_.now());
  const traffic::SetWeight wanted = recordedWeight(*recorded);
  for (const auto& router : *routers) {
    const traffic::Objects objects = co_await routes_.read(router->reads(view, {}), false);
    const Result<traffic::Observed> seen = router->observe(view, objects, wanted);
    if (!seen) {
      observed.verify_error = seen.error().message;
      continue;
    }
    if (seen->subset_hashes) observed.subset_hashes = seen->subset_hashes;
    if (seen->verified == traffic::Verified::not_applicable) continue;
    observed.can_verify = true;
    observed.verified = observed.verified.value_or(true) && seen->verified == traffic::Verified::yes;
  }
  co_return observed;
}

Task<TrafficControl::Applied> TrafficControl::apply(std::shared_ptr<const api::Rollout> rollout,
                                                    rollout::SetTraffic wanted) {
  Applied all;
  const auto routers = routersOf(*rollout, settings_);
  if (!routers) {
    all.error = routers.error();
    co_return all;
  }
  const traffic::RolloutView view = traffic::viewOf(*rollout, clock_.now());
  const std::vector<traffic::Operation> operations = operationsOf(wanted);
  for (const auto& router : *routers) {
    Applied one = co_await applyOne(*router, view, operations);
    std::ranges::move(one.events, std::back_inserter(all.events));
    if (one.look_again) wake_(rollout->metadata.key(), clock_.now() + *one.look_again);
    all.error = one.error;
    all.weight_failed = one.weight_failed;
    if (all.error) break;
  }
  co_return all;
}

Task<TrafficControl::Applied> TrafficControl::applyOne(const traffic::Router& router, traffic::RolloutView view,
                                                       std::vector<traffic::Operation> operations) {
  Applied applied;
  for (int attempt = 1;; ++attempt) {
    traffic::Objects objects = co_await routes_.read(router.reads(view, operations), attempt > 1);
    const std::vector<traffic::ObjectRef> more = router.readsNext(view, objects);
    if (!more.empty()) objects.add(co_await routes_.read(more, attempt > 1));
    const traffic::Routing routing = router.route(view, objects, operations);
    std::optional<Error> failed;
    applied.events = routing.events;
    for (const traffic::Change& change : routing.changes) {
      const Result<> written = co_await write(change, applied);
      if (!written) {
        failed = written.error();
        break;
      }
    }
    if (failed && failed->code == ErrorCode::conflict && attempt < max_attempts) continue;
    applied.look_again = routing.look_again;
    applied.error = failed ? failed : routing.error;
    applied.weight_failed = failed ? true : routing.weight_failed;
    co_return applied;
  }
}

Task<Result<>> TrafficControl::write(const traffic::Change& change, Applied& applied) {
  const traffic::Telling& telling = change.telling;
  Result<> written = co_await routes_.write(change);
  if (!written && written.error().code == ErrorCode::conflict) co_return written;
  if (telling.before) applied.events.push_back(*telling.before);
  if (written) {
    std::ranges::copy(telling.after, std::back_inserter(applied.events));
    co_return written;
  }
  if (telling.failed) {
    traffic::EventNote event = *telling.failed;
    event.message += ": " + written.error().message;
    applied.events.push_back(std::move(event));
  }
  if (telling.is_forgiven) co_return Result<>();
  if (!telling.wraps.empty()) written.error().message = telling.wraps + ": " + written.error().message;
  co_return written;
}

void TrafficControl::remember(const std::string& key, const api::Rollout* rollout) {
  if (const auto used = used_by_.find(key); used != used_by_.end()) {
    for (const std::string& route : used->second) {
      users_[route].erase(key);
      if (users_[route].empty()) users_.erase(route);
    }
    used_by_.erase(used);
  }
  if (rollout == nullptr) return;
  const auto routers = routersOf(*rollout, settings_);
  if (!routers || routers->empty()) return;
  const traffic::RolloutView view = traffic::viewOf(*rollout, clock_.now());
  for (const auto& router : *routers) {
    for (const traffic::ObjectRef& ref : router->reads(view, {})) {
      const std::string route = routeName(ref.kind, ref.ns, ref.name);
      users_[route].insert(key);
      used_by_[key].push_back(route);
    }
  }
}

void TrafficControl::changed(const traffic::ResourceKind& kind, const std::string& ns, const std::string& name) {
  for (const std::string& route : {routeName(kind, ns, name), routeName(kind, ns, "")}) {
    const auto users = users_.find(route);
    if (users == users_.end()) continue;
    for (const std::string& key : users->second) wake_(key, clock_.now());
  }
}

}  // namespace crossfade::controller
