// How much of the traffic a routed canary gets in this pass, and when it must not get it yet. spec/04 §15.
#include <algorithm>

#include "base/json.hpp"
#include "rollout/canary.hpp"

namespace crossfade::rollout {
namespace {

struct Wanted {
  std::int64_t weight = 0;
  bool remove_routes = false;
  bool with_experiment = false;  // templates of a running experiment get their share, too
  // The stable side may be short of pods and gets the traffic back all the same: what it is taken from is bad, or gone.
  bool forced = false;
};

// spec/04 §15.3, row by row.
Wanted wantedWeight(const Facts& facts, const Draft& draft) {
  const api::RolloutStatus& status = facts.status;
  const api::ReplicaSet* fresh = facts.newRs();
  const std::int64_t max = maxWeight(facts);
  const std::int64_t recorded = status.canary.weights ? status.canary.weights->canary.weight : 0;
  const bool dynamic = isDynamic(facts);
  if (isDynamicRollback(facts)) return {.weight = weightsOnAbort(facts).traffic};
  if (isFullyPromoted(facts)) return {.weight = 0, .remove_routes = true};
  if (isAborted(facts, draft))
    return {.weight = weightsOnAbort(facts).traffic, .remove_routes = true, .forced = !dynamic};
  if (!isPartiallyAvailable(fresh))
    return {.weight = 0, .remove_routes = true, .with_experiment = true, .forced = !dynamic};
  const std::int64_t carried =
      facts.replicas > 0 ? std::min(max, max * fresh->available_replicas / facts.replicas) : max;
  // Never back to a stable side that may have shrunk already.
  if (status.promote_full) return {.weight = dynamic ? std::max(recorded, carried) : recorded, .remove_routes = true};
  if (facts.spec().canary->steps.empty()) return {.weight = 0};
  // A step that was skipped may never have had its pods: no more than what is there, or what they carry already.
  if (!isAtDesired(facts, status.canary.weights))
    return {.weight = std::min(previousSetWeight(facts), std::max(recorded, carried)), .with_experiment = true};
  return {.weight = currentSetWeight(facts), .with_experiment = currentStep(facts) != nullptr};
}

// spec/04 §15.6.
bool stableCanCarry(const Facts& facts, const Wanted& wanted) {
  const api::ReplicaSet* stable = facts.stableRs();
  if (!stable) return false;
  const std::int64_t max = maxWeight(facts);
  const std::int64_t share = max - wanted.weight;
  std::int64_t need = max > 0 ? share * facts.replicas / max : facts.replicas;
  // Whatever small share rounds to: no weight for a side without a pod.
  if (share > 0 && facts.replicas > 0) need = std::max<std::int64_t>(need, 1);
  const std::int64_t serving = servingPods(*stable);
  if (serving >= need) return true;
  return serving > 0 && (wanted.forced || progressThresholdMet(facts, stable, need));
}

// The header and mirror routes that all steps up to this one ask for; a later step of the same name replaces an
// earlier. On a way back steps are passed over: what they ask for is not wanted.
std::vector<SetTraffic::Route> wantedRoutes(const Facts& facts) {
  std::vector<SetTraffic::Route> routes;
  if (facts.world.revision <= 1 || isFastRollback(facts)) return routes;
  const auto& steps = facts.spec().canary->steps;
  const auto put = [&routes](bool mirror, const api::Carried& carried) {
    if (carried.empty()) return;
    json::object step = carried.object();
    std::erase_if(routes, [&](const SetTraffic::Route& route) {
      return route.mirror == mirror && getString(route.step, {"name"}) == getString(step, {"name"});
    });
    routes.push_back({mirror, std::move(step)});
  };
  for (std::int64_t i = 0; i <= std::min<std::int64_t>(stepIndex(facts), std::ssize(steps) - 1); ++i) {
    put(false, steps[i].set_header_route);
    put(true, steps[i].set_mirror_route);
  }
  return routes;
}

std::string weightEvent(const Boxed<api::Weights>& before, const api::Weights& after) {
  std::string text = "Traffic weight updated ";
  if (!before) return text + "to " + std::to_string(after.canary.weight);
  std::string details;
  if (before->canary.weight != after.canary.weight)
    details = "from " + std::to_string(before->canary.weight) + " to " + std::to_string(after.canary.weight);
  if (before->additional != after.additional) {
    if (!details.empty()) details += ", ";
    details += "additional: [";
    for (const api::WeightDestination& extra : after.additional) {
      if (details.back() != '[') details += ' ';
      details += "{" + std::to_string(extra.weight) + " " + extra.service_name + " " + extra.pod_template_hash + "}";
    }
    details += "]";
  }
  return text + details;
}

bool sameSplit(const Boxed<api::Weights>& left, const api::Weights& right) {
  return left && left->canary == right.canary && left->stable == right.stable && left->additional == right.additional;
}

// What is known of the data plane: an answer holds for the weights that were recorded when it was asked. spec/04 §15.7.
std::optional<bool> verification(const Facts& facts, Draft& draft, const api::Weights& weights) {
  const ObservedTraffic& observed = facts.snapshot.traffic;
  if (!observed.can_verify) return std::nullopt;
  if (!sameSplit(facts.snapshot.rollout->status.canary.weights, weights)) return false;
  if (!observed.verify_error) return observed.verified;
  draft.event(true, "WeightVerifyError", "Failed to verify weight: " + *observed.verify_error);
  return facts.status.canary.weights->verified;
}

// A subset is only turned to a ReplicaSet that has all of its pods; the name of one that hasn't. Where Services tell
// the sides apart the subsets don't matter. spec/05 §5.12.
std::string_view switchesTooEarly(const Facts& facts, const Draft& draft, std::string_view canary_hash) {
  const auto& selected = facts.snapshot.traffic.subset_hashes;
  const api::Canary& canary = *facts.spec().canary;
  if (!selected || !canary.canary_service.empty() || !canary.stable_service.empty()) return {};
  const std::string_view stable_hash = facts.stableRs()->hash();
  if (selected->first == canary_hash && selected->second == stable_hash) return {};
  const bool any_canary = isAborted(facts, draft) || isDynamicRollback(facts);
  for (const ReplicaSetRef& rs : facts.all()) {
    const bool asked = rs->hash() == stable_hash || (rs->hash() == canary_hash && !any_canary);
    if (asked && rs->replicas > 0 && rs->available_replicas < rs->replicas) return rs->metadata.name;
  }
  return {};
}

}  // namespace

TrafficOutcome reconcileTraffic(const Facts& facts, Draft& draft) {
  if (!isRouted(facts) || !facts.snapshot.traffic.has_routers) return {};
  const Boxed<api::Weights>& recorded = facts.status.canary.weights;
  const api::Canary& canary = *facts.spec().canary;
  const Wanted wanted = wantedWeight(facts, draft);
  const bool aborted = !isFullyPromoted(facts) && isAborted(facts, draft);
  if (aborted && (!canary.dynamic_stable_scale || wanted.weight == 0))
    ensureTarget(facts, draft, canary.canary_service, facts.stableRs(), false);

  const std::int64_t max = maxWeight(facts);
  if (!stableCanCarry(facts, wanted)) {
    if (wanted.remove_routes) {
      SetTraffic held{.remove_managed_routes = true, .held = true, .max_weight = max};
      draft.act(std::move(held));
    }
    draft.wait(WaitKind::pods,
               "The routers wait until the stable ReplicaSet has the pods for its share of the traffic.");
    return {.weights = recorded, .held = true};
  }

  const api::ReplicaSet* fresh = facts.newRs();
  const std::string canary_hash = isDynamicRollback(facts) ? recorded->canary.pod_template_hash
                                  : fresh                  ? std::string(fresh->hash())
                                                           : std::string();
  if (const std::string_view name = switchesTooEarly(facts, draft, canary_hash); !name.empty()) {
    draft.wait(WaitKind::pods,
               "The DestinationRule is switched when all pods of " + std::string(name) + " are available.");
    return {.weights = recorded, .held = true};
  }
  SetTraffic set{.remove_managed_routes = wanted.remove_routes,
                 .canary_hash = canary_hash,
                 .stable_hash = std::string(facts.stableRs()->hash()),
                 .weight = wanted.weight,
                 .max_weight = max,
                 .weight_before_hash = !isPartiallyAvailable(fresh) && recorded && recorded->canary.weight > 0};
  if (!wanted.remove_routes) set.routes = wantedRoutes(facts);
  if (wanted.with_experiment) set.extra = experimentDestinations(facts);

  api::Weights weights;
  weights.canary = {wanted.weight, canary.canary_service, canary_hash};
  weights.stable = {max - wanted.weight, canary.stable_service, set.stable_hash};
  for (const SetTraffic::Destination& extra : set.extra) {
    weights.additional.push_back({extra.weight, extra.service, extra.hash});
    weights.stable.weight -= extra.weight;
  }
  draft.act(std::move(set));
  if (!sameSplit(recorded, weights)) draft.event(false, "TrafficWeightUpdated", weightEvent(recorded, weights));
  weights.verified = verification(facts, draft, weights);
  TrafficOutcome outcome{.weights = weights};
  if (weights.verified == false) {
    draft.wait(WaitKind::traffic, "The data plane has not taken the weight " + std::to_string(wanted.weight) + " yet.",
               std::nullopt, facts.now + facts.snapshot.settings.verify_retry);
    outcome.unverified_end = wanted.weight == max;
  }
  return outcome;
}

}  // namespace crossfade::rollout
