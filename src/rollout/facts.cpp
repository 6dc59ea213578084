// What can be asked about a pass's facts. Nothing here changes anything.
#include <algorithm>
#include <charconv>

#include "api/names.hpp"
#include "rollout/pass.hpp"

namespace crossfade::rollout {
namespace {

std::optional<std::int64_t> asInt32(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string_view Facts::newHash() const {
  const api::ReplicaSet* rs = newRs();
  return rs ? rs->hash() : std::string_view(desired.hash);
}

std::vector<ReplicaSetRef> Facts::older() const {
  std::vector<ReplicaSetRef> older;
  for (std::size_t i = 0; i < all().size(); ++i)
    if (new_index != i) older.push_back(all()[i]);
  return older;
}

std::vector<ReplicaSetRef> Facts::others() const {
  std::vector<ReplicaSetRef> others;
  for (std::size_t i = 0; i < all().size(); ++i)
    if (new_index != i && stable_index != i) others.push_back(all()[i]);
  return others;
}

const api::ReplicaSet* Facts::withHash(std::string_view hash) const {
  if (hash.empty()) return nullptr;
  const auto found = std::ranges::find_if(all(), [hash](const ReplicaSetRef& rs) { return rs->hash() == hash; });
  return found == all().end() ? nullptr : found->get();
}

RunRef Facts::run(std::string_view name) const {
  if (name.empty()) return nullptr;
  const auto found = std::ranges::find_if(world.runs, [name](const RunRef& run) { return run->metadata.name == name; });
  return found == world.runs.end() ? nullptr : *found;
}

// --- of the Rollout ---

bool isCanary(const Facts& facts) { return !facts.spec().blue_green && facts.spec().canary; }

bool isRouted(const Facts& facts) { return isCanary(facts) && facts.spec().canary->routed(); }

bool isDynamic(const Facts& facts) { return isRouted(facts) && facts.spec().canary->dynamic_stable_scale; }

bool isFullyPromoted(const Facts& facts) { return facts.status.stable_rs == facts.status.current_pod_hash; }

bool templateChanged(const Facts& facts) {
  return !facts.status.current_pod_hash.empty() && facts.status.current_pod_hash != facts.newHash();
}

bool stepsChanged(const Facts& facts) {
  return facts.status.current_step_hash.empty() || facts.status.current_step_hash != facts.rollout.step_hash;
}

bool isHalted(const Facts& facts) {
  return facts.spec().paused || hasPause(facts.status, "InconclusiveAnalysisRun") ||
         hasPause(facts.status, "InconclusiveExperiment");
}

bool hasPause(const api::RolloutStatus& status, std::string_view reason) {
  return std::ranges::any_of(status.pause_conditions,
                             [reason](const api::PauseCondition& pause) { return pause.reason == reason; });
}

bool isRollback(const Facts& facts) {
  const api::ReplicaSet *fresh = facts.newRs(), *stable = facts.stableRs();
  if (!fresh || !stable) return false;
  return facts.status.stable_rs == fresh->hash() || fresh->metadata.created < stable->metadata.created;
}

bool isWithinWindow(const Facts& facts) {
  const api::ReplicaSet *fresh = facts.newRs(), *stable = facts.stableRs();
  const std::int64_t window = facts.spec().rollback_window_revisions;
  if (!fresh || !stable || window <= 0 || fresh->metadata.created >= stable->metadata.created) return false;
  const auto between = std::ranges::count_if(facts.all(), [&](const ReplicaSetRef& rs) {
    return fresh->metadata.created < rs->metadata.created && rs->metadata.created < stable->metadata.created &&
           rs->metadata.annotation(api::experiment_name_annotation).empty();
  });
  return between < window;
}

bool isWithinDelay(const Facts& facts) {
  const api::ReplicaSet* fresh = facts.newRs();
  // The deadline of an abort says nothing of that kind.
  if (!fresh || facts.status.abort || facts.status.aborted_at) return false;
  const Deadline deadline = deadlineOf(*fresh);
  // Decided when the update starts, and for all of it.
  const auto& duration = facts.status.duration;
  const bool running = duration && duration->rollout_started_at && !duration->finished_at && !templateChanged(facts);
  return deadline.until && (running ? *duration->rollout_started_at : facts.now) < *deadline.until;
}

bool isFastRollback(const Facts& facts) {
  if (!isRollback(facts)) return false;
  return isWithinWindow(facts) || (!isCanary(facts) && isWithinDelay(facts)) ||
         facts.status.stable_rs == facts.newHash();
}

bool isDynamicRollback(const Facts& facts) {
  const api::ReplicaSet* fresh = facts.newRs();
  const auto& weights = facts.status.canary.weights;
  return isFullyPromoted(facts) && isDynamic(facts) && weights && fresh &&
         weights->canary.pod_template_hash != fresh->hash() && fresh->available_replicas < facts.replicas;
}

Limits limits(const Facts& facts) {
  if (facts.spec().blue_green) return blueGreenLimits(facts.spec().blue_green->max_unavailable, facts.replicas);
  if (!facts.spec().canary) return {};
  return canaryLimits(facts.spec().canary->max_surge, facts.spec().canary->max_unavailable, facts.replicas);
}

std::int64_t scaleDownDelaySeconds(const Facts& facts) {
  if (facts.spec().blue_green) return facts.spec().blue_green->scale_down_delay_seconds.value_or(30);
  return isRouted(facts) ? facts.spec().canary->scale_down_delay_seconds.value_or(30) : 0;
}

std::int64_t scaleDownDelayRevisionLimit(const Facts& facts) {
  constexpr std::int64_t unlimited = 2147483647;
  if (facts.spec().blue_green) return facts.spec().blue_green->scale_down_delay_revision_limit.value_or(unlimited);
  return isCanary(facts) ? facts.spec().canary->scale_down_delay_revision_limit.value_or(unlimited) : unlimited;
}

AbortDelay abortScaleDownDelay(const Facts& facts) {
  std::optional<std::int64_t> set;
  if (facts.spec().blue_green)
    set = facts.spec().blue_green->abort_scale_down_delay_seconds;
  else if (isRouted(facts))
    set = facts.spec().canary->abort_scale_down_delay_seconds;
  else
    return {0, false};
  if (!set) return {30, false};
  if (*set == 0) return {std::nullopt, false};
  return {set, true};
}

// --- of one ReplicaSet ---

std::optional<std::int64_t> revisionOf(const api::ReplicaSet& rs) {
  const std::string_view text = rs.metadata.annotation(api::revision_annotation);
  if (text.empty()) return 0;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::int64_t> desiredReplicasOf(const api::ReplicaSet& rs) {
  return asInt32(rs.metadata.annotation(api::desired_replicas_annotation));
}

Deadline deadlineOf(const api::ReplicaSet& rs) {
  const std::string_view text = rs.metadata.annotation(api::scale_down_deadline_annotation);
  if (text.empty()) return {};
  return {true, parseTime(text)};
}

bool isSaturated(const Facts& facts, const api::ReplicaSet* rs) {
  return rs && rs->replicas == facts.replicas && desiredReplicasOf(*rs) == facts.replicas &&
         rs->available_replicas == facts.replicas;
}

bool isAvailable(const api::ReplicaSet* rs) {
  return rs && rs->replicas != 0 && rs->available_replicas != 0 && rs->available_replicas >= rs->replicas;
}

bool isPartiallyAvailable(const api::ReplicaSet* rs) { return rs && rs->available_replicas > 0; }

std::int64_t servingPods(const api::ReplicaSet& rs) {
  if (rs.observed_generation < rs.metadata.generation) return 0;
  return std::min(rs.available_replicas, rs.replicas);
}

bool progressThresholdMet(const Facts& facts, const api::ReplicaSet* rs, std::int64_t desired) {
  if (!rs) return false;
  const auto& threshold = facts.spec().canary ? facts.spec().canary->replica_progress_threshold : std::nullopt;
  const std::int64_t available = rs->available_replicas;
  if (!threshold || threshold->value < 0) return rs->replicas == desired && available == desired;
  if (threshold->type == "Percent") return desired == 0 || 100 * available >= threshold->value * desired;
  // A step smaller than the threshold could never complete: all of its pods are enough. spec/04 §32, 4.
  return available >= std::min(threshold->value, desired);
}

// --- of a draft ---

bool isAborted(const Facts& facts, const Draft& draft) {
  if (draft.intents.remove_abort) return false;
  return facts.status.abort || draft.intents.abort;
}

bool isPausing(const Facts& facts, const Draft& draft) {
  return !facts.status.pause_conditions.empty() || !draft.intents.add.empty();
}

std::string selectedHash(const Facts& facts, const World& world, std::string_view service) {
  for (const auto& [name, hash] : world.switched)
    if (name == service) return hash;
  const auto found = facts.snapshot.services.find(service);
  if (found == facts.snapshot.services.end()) return {};
  const auto selected = found->second->selector.find(api::hash_label);
  return selected == found->second->selector.end() ? std::string() : selected->second;
}

bool isReferenced(const Facts& facts, const World& world, const api::ReplicaSet& rs) {
  const std::string_view hash = rs.hash();
  if (hash.empty()) return false;
  const api::RolloutStatus& status = facts.status;
  if (hash == status.stable_rs || hash == status.current_pod_hash || hash == status.blue_green.active_selector ||
      hash == status.blue_green.preview_selector)
    return true;
  if (const auto& weights = status.canary.weights)
    if (hash == weights->canary.pod_template_hash || hash == weights->stable.pod_template_hash) return true;
  if (std::ranges::find(facts.snapshot.routed_hashes, hash) != facts.snapshot.routed_hashes.end()) return true;
  const auto selectedBy = [&](std::string_view service) {
    return !service.empty() && selectedHash(facts, world, service) == hash;
  };
  if (const auto& blue_green = facts.spec().blue_green)
    return selectedBy(blue_green->active_service) || selectedBy(blue_green->preview_service);
  if (!facts.spec().canary) return false;
  const api::Canary& canary = *facts.spec().canary;
  if (selectedBy(canary.canary_service) || selectedBy(canary.stable_service)) return true;
  // The idle one of a ping-pong pair keeps its old hash until the next update: only the one that carries traffic
  // counts.
  if (!canary.ping_pong) return false;
  const bool stable_is_ping = status.canary.stable_ping_pong == "ping";
  if (selectedBy(stable_is_ping ? canary.ping_pong->ping_service : canary.ping_pong->pong_service)) return true;
  return !isFullyPromoted(facts) &&
         selectedBy(stable_is_ping ? canary.ping_pong->pong_service : canary.ping_pong->ping_service);
}

}  // namespace crossfade::rollout
