#include "sim/invariants.hpp"

#include "rollout/replicas_canary.hpp"

namespace crossfade::sim {
namespace {

bool isSettled(const State& state) {
  const std::string& phase = state.rollout.status.phase;
  return phase == "Healthy" || phase == "Paused" || phase == "Degraded";
}

bool isObserved(const State& state) {
  return state.rollout.status.observed_generation == std::to_string(state.rollout.metadata.generation);
}

bool hasAllPods(const State& state) {
  return std::ranges::all_of(state.sets, [](const auto& named) { return named.second.ready >= named.second.wanted; });
}

}  // namespace

std::optional<std::string> Invariants::check(const State& now) {
  was_healthy_ = was_healthy_ || now.rollout.status.phase == "Healthy";
  if (excused_ && isSettled(now) && isObserved(now) && hasAllPods(now) && !checkCounts(now)) excused_ = false;
  std::optional<std::string> broken = checkTraffic(now);
  if (!broken && was_healthy_ && !excused_) broken = checkCounts(now);
  if (!broken && before_) broken = checkProgress(now);
  const std::string& stable = now.rollout.status.stable_rs;
  if (!broken && !stable.empty() && !now.sets.contains(stable))
    broken = fmt::format("the stable ReplicaSet {} is gone", stable);
  before_ = now;
  return broken;
}

std::optional<std::string> Invariants::checkCounts(const State& now) const {
  const api::RolloutSpec& spec = now.rollout.spec;
  std::int64_t wanted = 0, ready = 0;
  for (const auto& [hash, set] : now.sets) {
    wanted += set.wanted;
    ready += set.ready;
  }
  if (spec.canary && !spec.canary->routed()) {
    const rollout::Limits limits =
        rollout::canaryLimits(spec.canary->max_surge, spec.canary->max_unavailable, now.replicas);
    if (ready < now.replicas - limits.unavailable) {
      return fmt::format("{} pods are ready, of {} replicas with maxUnavailable {}", ready, now.replicas,
                         limits.unavailable);
    }
    if (wanted > now.replicas + limits.surge) {
      return fmt::format("{} pods are wanted, of {} replicas with maxSurge {}", wanted, now.replicas, limits.surge);
    }
  }
  if (spec.blue_green) {
    const auto active = now.services.find(spec.blue_green->active_service);
    if (active == now.services.end()) return "the active Service selects no ReplicaSet any more";
    const auto set = now.sets.find(active->second);
    const std::int64_t serving = set == now.sets.end() ? 0 : set->second.ready;
    if (serving < now.replicas)
      return fmt::format("{} pods are ready behind the active Service, of {}", serving, now.replicas);
  }
  return std::nullopt;
}

std::optional<std::string> Invariants::checkTraffic(const State& now) const {
  const std::optional<api::Canary>& canary = now.rollout.spec.canary;
  if (!canary || !canary->routed() || now.weights.empty() || !was_healthy_) return std::nullopt;
  std::int64_t sum = 0;
  for (const auto& [service, weight] : now.weights) {
    sum += weight;
    // A Service without a hash still selects every pod: the controller has not taken it over yet.
    const auto hash = now.services.find(service);
    if (weight == 0 || hash == now.services.end()) continue;
    const auto set = now.sets.find(hash->second);
    const std::int64_t serving = set == now.sets.end() ? 0 : set->second.ready;
    if (serving == 0 && !excused_)
      return fmt::format("{} % of the traffic goes to Service {}, which has no ready pod", weight, service);
  }
  // Before the first weight is written a route holds what the user gave it.
  const bool written = now.rollout.status.canary.weights.has_value();
  if (written && sum != canary->maxTrafficWeight())
    return fmt::format("the weights sum to {}, not to {}", sum, canary->maxTrafficWeight());
  return std::nullopt;
}

std::optional<std::string> Invariants::checkProgress(const State& now) const {
  const api::RolloutStatus& then = before_->rollout.status;
  const api::RolloutStatus& status = now.rollout.status;
  const std::string& current = status.current_pod_hash;
  const bool same_update = then.current_pod_hash == current && then.stable_rs == status.stable_rs;
  // From the moment at which the controller has seen the abort: what it decided just before may still arrive.
  const bool aborted = then.abort && then.aborted_at && status.abort && same_update && current != status.stable_rs;
  if (aborted && status.current_step_index.value_or(0) > then.current_step_index.value_or(0)) {
    return fmt::format("an aborted rollout advanced to step {}", *status.current_step_index);
  }
  const bool paused =
      before_->rollout.spec.paused && now.rollout.spec.paused && isObserved(*before_) && isObserved(now);
  const auto set_before = before_->sets.find(current), set_now = now.sets.find(current);
  const bool canary_side = !status.stable_rs.empty() && current != status.stable_rs && now.rollout.spec.canary;
  if (paused && canary_side && set_before != before_->sets.end() && set_now != now.sets.end() &&
      before_->replicas == now.replicas && set_now->second.wanted > set_before->second.wanted) {
    return fmt::format("a paused rollout scaled its canary from {} to {}", set_before->second.wanted,
                       set_now->second.wanted);
  }
  return std::nullopt;
}

}  // namespace crossfade::sim
