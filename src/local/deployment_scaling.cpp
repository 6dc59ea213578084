#include "local/deployment_scaling.hpp"

#include <cmath>
#include <numeric>

#include "base/int_or_percent.hpp"

namespace crossfade::local {

namespace {

std::int64_t resolve(const json::object& deployment, std::string_view key, std::int64_t replicas, Rounding rounding) {
  const auto* value = find(deployment, {"spec", "strategy", "rollingUpdate", key});
  if (value == nullptr) return 0;
  const auto parsed = IntOrPercent::fromJson(*value);
  if (!parsed) return 0;
  return parsed->resolve(static_cast<int>(replicas), rounding).value_or(0);
}

std::int64_t total(const std::vector<SetSize>& sets) {
  return std::accumulate(sets.begin(), sets.end(), std::int64_t{0},
                         [](std::int64_t sum, const SetSize& set) { return sum + set.replicas; });
}

}  // namespace

DeploymentSize DeploymentSize::of(const json::object& deployment) {
  DeploymentSize size;
  size.replicas = getInt(deployment, {"spec", "replicas"}, 1);
  size.rolling = getString(deployment, {"spec", "strategy", "type"}, "RollingUpdate") != "Recreate";
  if (!size.rolling) return size;
  size.max_surge = resolve(deployment, "maxSurge", size.replicas, Rounding::up);
  size.max_unavailable = std::min(resolve(deployment, "maxUnavailable", size.replicas, Rounding::down), size.replicas);
  // Small percentages may both come to nothing; then nothing would ever move.
  if (size.max_surge == 0 && size.max_unavailable == 0) size.max_unavailable = 1;
  return size;
}

std::int64_t nextNewReplicas(const DeploymentSize& size, const SetSize& fresh, const std::vector<SetSize>& others) {
  if (!size.rolling || fresh.replicas >= size.replicas) return size.replicas;
  const std::int64_t room = size.replicas + size.max_surge - total(others) - fresh.replicas;
  if (room <= 0) return fresh.replicas;
  return fresh.replicas + std::min(room, size.replicas - fresh.replicas);
}

std::vector<std::int64_t> nextOldReplicas(const DeploymentSize& size, const SetSize& fresh,
                                          const std::vector<SetSize>& old) {
  std::vector<std::int64_t> next;
  for (const SetSize& set : old) next.push_back(set.replicas);
  const std::int64_t min_available = size.replicas - size.max_unavailable;
  const std::int64_t fresh_unavailable = fresh.replicas - fresh.available;
  const std::int64_t most = total(old) + fresh.replicas - min_available - fresh_unavailable;
  if (most <= 0) return next;

  std::int64_t removed = 0;
  for (std::size_t i = 0; i < old.size(); ++i) {
    const std::int64_t sick = std::clamp<std::int64_t>(old[i].replicas - old[i].available, 0, most - removed);
    next[i] -= sick;
    removed += sick;
  }
  std::int64_t available = fresh.available;
  for (const SetSize& set : old) available += set.available;
  std::int64_t spare = available - min_available;
  for (std::size_t i = 0; i < old.size() && spare > 0; ++i) {
    const std::int64_t gone = std::min(next[i], spare);
    next[i] -= gone;
    spare -= gone;
  }
  return next;
}

std::vector<std::int64_t> proportionalReplicas(const DeploymentSize& size, const std::vector<SetSize>& sets,
                                               std::int64_t replicas_before) {
  std::vector<std::int64_t> next;
  for (const SetSize& set : sets) next.push_back(set.replicas);
  const std::int64_t allowed = size.replicas > 0 ? size.replicas + size.max_surge : 0;
  const std::int64_t to_add = allowed - total(sets);
  std::int64_t added = 0;
  for (std::size_t i = 0; i < sets.size() && added != to_add; ++i) {
    const SetSize& set = sets[i];
    if (set.replicas == 0) continue;
    const std::int64_t before =
        set.max_before_scale > 0 ? set.max_before_scale : std::max<std::int64_t>(replicas_before, 1);
    const double scaled =
        static_cast<double>(set.replicas) * static_cast<double>(allowed) / static_cast<double>(before);
    const std::int64_t share = size.replicas == 0 ? -set.replicas : std::llround(scaled) - set.replicas;
    const std::int64_t rest = to_add - added;
    const std::int64_t change =
        to_add > 0 ? std::clamp<std::int64_t>(share, 0, rest) : std::clamp<std::int64_t>(share, rest, 0);
    next[i] += change;
    added += change;
  }
  if (!next.empty()) next.front() = std::max<std::int64_t>(next.front() + to_add - added, 0);
  return next;
}

}  // namespace crossfade::local
