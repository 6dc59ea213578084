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

bool isRouted(const State& state) { return state.rollout.spec.canary && state.rollout.spec.canary->routed(); }

// Weight that reaches a ReplicaSet through the Services that select it.
std::int64_t weightOf(const State& state, const std::string& hash) {
  std::int64_t sum = 0;
  for (const auto& [service, weight] : state.weights) {
    const auto selected = state.services.find(service);
    if (selected != state.services.end() && selected->second == hash) sum += weight;
  }
  return sum;
}

// Whether the steps only ever go up, and leave the canary's size to the weight: then no size has a reason to go back.
bool climbs(const api::Canary& canary) {
  std::int64_t highest = 0;
  for (const api::Step& step : canary.steps) {
    if (step.set_canary_scale) return false;
    if (step.set_weight && *step.set_weight < highest) return false;
    if (step.set_weight) highest = *step.set_weight;
  }
  return true;
}

}  // namespace

void Invariants::noteDeed(const Deed& deed) {
  using Verb = Deed::Verb;
  courses_.clear();
  // What follows is compared with what the user has just made of it.
  before_.reset();
  switch (deed.verb) {
    case Verb::delete_replica_set:
      sets_deleted_ = true;
      [[fallthrough]];
    case Verb::scale:
    case Verb::restart:
    case Verb::delete_pod:
    case Verb::lose_node:
    case Verb::delete_service:
    case Verb::restore_service:
      excused_ = true;
      return;
    default:
      return;
  }
}

std::optional<std::string> Invariants::check(const State& now) {
  was_healthy_ = was_healthy_ || now.rollout.status.phase == "Healthy";
  if (excused_ && isAtPeace(now)) {
    excused_ = sets_deleted_ = false;
    courses_.clear();
  }
  std::optional<std::string> broken = checkTraffic(now);
  if (!broken && was_healthy_ && !excused_) broken = checkCounts(now);
  if (!broken) broken = checkSets(now);
  if (!broken && before_) broken = checkProgress(now);
  if (!broken && before_ && !excused_) broken = checkOrder(now);
  if (!broken && before_ && !excused_) broken = checkDirections(now);
  before_ = now;
  return broken;
}

void Invariants::noteSplit() {
  courses_.clear();
  before_.reset();
  excused_ = true;
}

// Nothing of what a user took away is missing any more.
bool Invariants::isAtPeace(const State& now) {
  const api::RolloutStatus& status = now.rollout.status;
  const bool followed = isSettled(now) && isObserved(now) && hasAllPods(now) && now.sets.contains(status.stable_rs) &&
                        now.rollout.spec.restart_at == status.restarted_at;
  excused_ = false;
  const bool at_peace = followed && !checkCounts(now) && !checkTraffic(now);
  excused_ = true;
  return at_peace;
}

std::optional<std::string> Invariants::checkSets(const State& now) {
  const std::string& stable = now.rollout.status.stable_rs;
  if (!sets_deleted_ && !stable.empty() && !now.sets.contains(stable))
    return fmt::format("the stable ReplicaSet {} is gone", stable);
  std::map<std::string, std::string> hash_of;  // image to hash
  for (const auto& [hash, set] : now.sets) {
    const auto [known, fresh] = hash_of.emplace(set.image, hash);
    if (!fresh) return fmt::format("the ReplicaSets {} and {} have the same pod template", known->second, hash);
  }
  return std::nullopt;
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
  const bool whole_stable =
      isRouted(now) && !spec.canary->dynamic_stable_scale && !spec.canary->replica_progress_threshold;
  if (const auto stable = now.sets.find(now.rollout.status.stable_rs); whole_stable && stable != now.sets.end()) {
    if (stable->second.ready < now.replicas)
      return fmt::format("{} pods of the stable ReplicaSet are ready, of {}", stable->second.ready, now.replicas);
  }
  return std::nullopt;
}

std::optional<std::string> Invariants::checkTraffic(const State& now) const {
  if (!isRouted(now) || now.weights.empty() || !was_healthy_) return std::nullopt;
  std::int64_t sum = 0;
  for (const auto& [service, weight] : now.weights) {
    sum += weight;
    // A Service without a hash still selects every pod: the controller has not taken it over yet.
    const auto hash = now.services.find(service);
    if (weight == 0 || hash == now.services.end()) continue;
    const auto set = now.sets.find(hash->second);
    const std::int64_t serving = set == now.sets.end() ? 0 : set->second.ready;
    if (serving == 0 && !excused_ && now.replicas > 0)
      return fmt::format("{} % of the traffic goes to Service {}, which has no ready pod", weight, service);
  }
  // Before the first weight is written a route holds what the user gave it.
  const bool written = now.rollout.status.canary.weights.has_value();
  const std::int64_t max = now.rollout.spec.canary->maxTrafficWeight();
  if (written && sum != max) return fmt::format("the weights sum to {}, not to {}", sum, max);
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

// Nothing is scaled down while a Service or a route still needs it.
std::optional<std::string> Invariants::checkOrder(const State& now) const {
  const api::RolloutSpec& spec = now.rollout.spec;
  if (now.replicas != before_->replicas || now.replicas == 0) return std::nullopt;
  for (const auto& [hash, set] : now.sets) {
    const auto before = before_->sets.find(hash);
    if (before == before_->sets.end() || set.wanted >= before->second.wanted) continue;
    if (spec.blue_green) {
      const auto active = now.services.find(spec.blue_green->active_service);
      if (active != now.services.end() && active->second == hash && set.wanted < now.replicas)
        return fmt::format("{} was scaled to {} while the active Service selects it", hash, set.wanted);
    }
    if (!isRouted(now)) continue;
    const std::int64_t weight = weightOf(now, hash), max = spec.canary->maxTrafficWeight();
    const std::int64_t share = climbs(*spec.canary) ? weight * now.replicas / max : std::min<std::int64_t>(weight, 1);
    if (set.wanted < share)
      return fmt::format("{} was scaled to {} while {} of {} of the traffic goes to it", hash, set.wanted, weight, max);
  }
  return std::nullopt;
}

// No size goes up, down and up again for one deed (or down, up and down).
std::optional<std::string> Invariants::checkDirections(const State& now) {
  if (now.rollout.spec.canary && !climbs(*now.rollout.spec.canary)) return std::nullopt;
  // An abort by an analysis or by the deadline is a reason of its own to turn round; and what the controller decided
  // just before it saw a change may still arrive.
  if (now.rollout.status.abort && !before_->rollout.status.abort) courses_.clear();
  if (isObserved(now) && !isObserved(*before_)) courses_.clear();
  for (const auto& [hash, set] : now.sets) {
    const auto before = before_->sets.find(hash);
    const std::int64_t had = before == before_->sets.end() ? 0 : before->second.wanted;
    if (set.wanted == had) continue;
    Course& course = courses_[hash];
    const bool up = set.wanted > had;
    if (course.moved && up != course.up) ++course.turns;
    course.up = up;
    course.moved = true;
    if (course.turns > 1)
      return fmt::format("the size of {} turned round twice, now from {} to {}", hash, had, set.wanted);
  }
  return std::nullopt;
}

}  // namespace crossfade::sim
