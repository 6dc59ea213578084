// The selectors of a Rollout's Services. spec/02 §13, spec/04 §18.
#include <algorithm>

#include "api/names.hpp"
#include "rollout/pass.hpp"

namespace crossfade::rollout {
namespace {

// The Service has a controller that writes its selector: this one, since another one's makes the spec invalid.
bool isManaged(const World& world, const api::Service& service) {
  return service.metadata.annotations.contains(api::managed_by_annotation) ||
         std::ranges::any_of(world.switched, [&](const auto& entry) { return entry.first == service.metadata.name; });
}

const api::Service* findService(const Facts& facts, std::string_view name) {
  const auto found = facts.snapshot.services.find(name);
  return found == facts.snapshot.services.end() ? nullptr : found->second.get();
}

}  // namespace

void switchService(const Facts& facts, Draft& draft, std::string_view name, std::string_view hash) {
  const api::Service* service = findService(facts, name);
  if (!service) return;
  const std::string from = selectedHash(facts, draft.world, name);
  const bool managed = isManaged(draft.world, *service);
  if (from == hash && managed) return;
  json::object patch;
  ensureObject(patch, {"spec", "selector"})[api::hash_label] = hash;
  if (!managed) ensureObject(patch, {"metadata", "annotations"})[api::managed_by_annotation] = facts.name();
  draft.act(PatchServiceSelector{std::string(name), from, std::string(hash), std::move(patch)});
  draft.event(false, "SwitchService",
              fmt::format("Switched selector for service '{}' from '{}' to '{}'", name, from, hash));
  std::erase_if(draft.world.switched, [&](const auto& entry) { return entry.first == name; });
  draft.world.switched.emplace_back(name, hash);
}

void ensureTarget(const Facts& facts, Draft& draft, std::string_view name, const api::ReplicaSet* rs, bool check) {
  const api::Service* service = rs && !name.empty() ? findService(facts, name) : nullptr;
  if (!service || selectedHash(facts, draft.world, name) == rs->hash()) return;
  // A Service that is being taken over served its pods until now: the new ones must be able to do it all at once.
  const bool ready = isManaged(draft.world, *service) ? isPartiallyAvailable(rs) : isAvailable(rs);
  if (check && !ready) {
    draft.wait(WaitKind::service,
               fmt::format("Service {} is switched when pods of {} are available.", name, rs->metadata.name));
    return;
  }
  switchService(facts, draft, name, rs->hash());
}

void reconcilePingPong(const Facts& facts, Draft& draft) {
  const auto& pair = facts.spec().canary->ping_pong;
  if (!pair || isFullyPromoted(facts)) return;
  const bool stable_is_ping = facts.status.canary.stable_ping_pong == "ping";
  ensureTarget(facts, draft, stable_is_ping ? pair->pong_service : pair->ping_service, facts.newRs(), false);
}

void reconcileCanaryServices(const Facts& facts, Draft& draft) {
  const api::Canary& canary = *facts.spec().canary;
  ensureTarget(facts, draft, canary.stable_service, facts.stableRs(), true);
  if (isAborted(facts, draft)) {
    // Routed: the traffic moves first, and then the Service with it. spec/04 §32, 17.
    if (!isRouted(facts)) ensureTarget(facts, draft, canary.canary_service, facts.stableRs(), true);
    return;
  }
  if (!isDynamicRollback(facts)) ensureTarget(facts, draft, canary.canary_service, facts.newRs(), true);
}

}  // namespace crossfade::rollout
