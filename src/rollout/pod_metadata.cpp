// Labels and annotations that pods wear by their role, on ReplicaSets and on live pods. spec/02 §10, spec/03 §17.
#include <algorithm>

#include "api/names.hpp"
#include "rollout/pass.hpp"

namespace crossfade::rollout {
namespace {

PodMetadata wanted(const Boxed<api::PodMetadata>& configured) {
  if (!configured) return {};
  return {configured->labels, configured->annotations};
}

// Of the pods that carry the traffic, and of those on trial.
PodMetadata stableMetadata(const api::RolloutSpec& spec) {
  return wanted(spec.blue_green ? spec.blue_green->active_metadata
                : spec.canary   ? spec.canary->stable_metadata
                                : std::nullopt);
}
PodMetadata trialMetadata(const api::RolloutSpec& spec) {
  return wanted(spec.blue_green ? spec.blue_green->preview_metadata
                : spec.canary   ? spec.canary->canary_metadata
                                : std::nullopt);
}

bool isConfigured(const api::RolloutSpec& spec) {
  return !stableMetadata(spec).empty() || !trialMetadata(spec).empty();
}

bool hasInjected(const api::ReplicaSet& rs) {
  return !rs.metadata.annotation(api::ephemeral_metadata_annotation).empty();
}

PodMetadata metadataFor(const Facts& facts, const api::ReplicaSet& rs) {
  const bool updating = !facts.status.stable_rs.empty() && facts.status.stable_rs != facts.newHash();
  if (&rs == facts.newRs()) return updating ? trialMetadata(facts.spec()) : stableMetadata(facts.spec());
  if (&rs == facts.stableRs()) return stableMetadata(facts.spec());
  return {};
}

// The ReplicaSet first, so that new pods are born right.
void syncReplicaSet(Draft& draft, const api::ReplicaSet& rs, const PodMetadata& injected, const PodMetadata& metadata) {
  const json::object pod_template = rs.pod_template.object();
  json::object changed = pod_template;
  if (!applyMetadata(ensureObject(changed, {"metadata"}), injected, metadata)) return;
  json::object patch{{"spec", json::object{{"template", mergeDiff(pod_template, changed)}}}};
  ensureObject(patch, {"metadata", "annotations"})[api::ephemeral_metadata_annotation] =
      metadata.empty() ? json::value() : json::value(formatInjected(metadata));
  draft.change(rs, patch, "pod metadata");
}

json::object labelsDiff(const Labels& from, const Labels& to) {
  return mergeDiff(labelsToJson(from), labelsToJson(to));
}

void syncPod(Draft& draft, const api::Pod& pod, const PodMetadata& injected, const PodMetadata& metadata) {
  Labels labels = pod.metadata.labels, annotations = pod.metadata.annotations;
  if (!applyMetadata(labels, annotations, injected, metadata)) return;
  json::object patch;
  json::object& changed = ensureObject(patch, {"metadata"});
  if (json::object diff = labelsDiff(pod.metadata.labels, labels); !diff.empty()) changed["labels"] = std::move(diff);
  if (json::object diff = labelsDiff(pod.metadata.annotations, annotations); !diff.empty())
    changed["annotations"] = std::move(diff);
  draft.act(PatchPod{pod.metadata.name, std::move(patch)});
}

}  // namespace

bool managesPodMetadata(const Snapshot& snapshot) {
  return isConfigured(snapshot.rollout->spec) ||
         std::ranges::any_of(snapshot.replica_sets, [](const ReplicaSetRef& rs) { return hasInjected(*rs); });
}

PodMetadata metadataAtBirth(const Facts& facts) {
  return facts.stableRs() ? trialMetadata(facts.spec()) : stableMetadata(facts.spec());
}

void syncPodMetadata(const Facts& facts, Draft& draft) {
  for (const ReplicaSetRef& rs : facts.all()) {
    const PodMetadata injected = parseInjected(rs->metadata.annotation(api::ephemeral_metadata_annotation));
    const PodMetadata metadata = metadataFor(facts, *rs);
    if (injected.empty() && metadata.empty()) continue;
    syncReplicaSet(draft, *rs, injected, metadata);
    if (rs->replicas == 0 || !facts.snapshot.pods) continue;
    // Also where the ReplicaSet has it already: its pods may have been left behind.
    for (const auto& pod : *facts.snapshot.pods)
      if (pod->metadata.controller && pod->metadata.controller->uid == rs->metadata.uid)
        syncPod(draft, *pod, injected, metadata);
  }
}

}  // namespace crossfade::rollout
