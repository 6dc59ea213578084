#include "rollout/identity.hpp"

#include <algorithm>
#include <array>

#include "api/names.hpp"
#include "rollout/anti_affinity.hpp"
#include "rollout/template_equality.hpp"

namespace crossfade::rollout {
namespace {

// Annotations of the Rollout that its ReplicaSets don't get. spec/02 §4.6.
constexpr std::array not_copied = {api::last_applied_annotation, api::revision_annotation,
                                   api::revision_history_annotation, api::desired_replicas_annotation,
                                   api::notified_annotation};

Labels annotationsToCopy(const Facts& facts) {
  Labels annotations = facts.rollout.metadata.annotations;
  for (const std::string_view key : not_copied) annotations.erase(std::string(key));
  if (facts.snapshot.workload)
    annotations[std::string(api::workload_generation_annotation)] = std::to_string(facts.snapshot.workload->generation);
  else
    annotations.erase(std::string(api::workload_generation_annotation));
  return annotations;
}

std::optional<AntiAffinity> antiAffinityRule(const api::RolloutSpec& spec) {
  const Boxed<api::AntiAffinity>* configured = nullptr;
  if (spec.blue_green) configured = &spec.blue_green->anti_affinity;
  if (spec.canary && spec.canary->anti_affinity) configured = &spec.canary->anti_affinity;
  if (!configured || !*configured) return std::nullopt;
  if ((*configured)->preferred) return AntiAffinity{(*configured)->preferred_weight.value_or(0)};
  if ((*configured)->required) return AntiAffinity{};
  return std::nullopt;
}

// New pods have to stay off the nodes of the stable ones. spec/02 §11.
bool repelsStable(const Facts& facts) {
  return antiAffinityRule(facts.spec()) && !facts.status.stable_rs.empty() && facts.status.stable_rs != facts.newHash();
}

void addAntiAffinity(const Facts& facts, json::object& pod_template) {
  if (!repelsStable(facts)) return;
  injectAntiAffinity(pod_template, *antiAffinityRule(facts.spec()), facts.status.stable_rs, facts.rollout.metadata.ns);
}

// A live template without what this controller put in.
json::object bareTemplate(json::object pod_template, std::string_view injected_annotation) {
  applyMetadata(ensureObject(pod_template, {"metadata"}), parseInjected(injected_annotation), {});
  stripAntiAffinity(pod_template);
  return pod_template;
}

std::int64_t nextRevision(const Facts& facts) {
  std::int64_t newest = 0;
  for (const ReplicaSetRef& rs : facts.older()) newest = std::max(newest, revisionOf(*rs).value_or(0));
  return newest + 1;
}

// Writes the revision, and what else the Rollout itself lacks, onto the Rollout.
void updateRollout(const Facts& facts, Draft& draft, std::int64_t revision) {
  json::object patch;
  if (revision != draft.world.revision) {
    json::object& annotations = ensureObject(patch, {"metadata", "annotations"});
    annotations[api::revision_annotation] = std::to_string(revision);
    if (facts.snapshot.workload)
      annotations[api::workload_generation_annotation] = std::to_string(facts.snapshot.workload->generation);
  }
  if (!draft.world.has_replicas) ensureObject(patch, {"spec"})["replicas"] = facts.replicas;
  if (patch.empty()) return;
  const bool renumbered = revision != draft.world.revision;
  draft.world.revision = revision;
  draft.world.has_replicas = true;
  draft.act(PatchRollout{facts.rollout.metadata.resource_version, std::move(patch)});
  if (renumbered) draft.event(false, "RolloutUpdated", "Rollout updated to revision " + std::to_string(revision));
}

bool olderFirst(const ReplicaSetRef& left, const ReplicaSetRef& right) {
  return std::tie(left->metadata.created, left->metadata.name) <
         std::tie(right->metadata.created, right->metadata.name);
}

}  // namespace

json::object ownerReference(const api::Rollout& rollout) {
  return {{"apiVersion", api::api_version}, {"kind", "Rollout"},  {"name", rollout.metadata.name},
          {"uid", rollout.metadata.uid},    {"controller", true}, {"blockOwnerDeletion", true}};
}

Desired desiredOf(const Snapshot& snapshot) {
  const api::Rollout& rollout = *snapshot.rollout;
  Desired desired;
  if (!rollout.spec.selector.empty()) desired.selector = rollout.spec.selector.object();
  if (snapshot.workload) {
    desired.pod_template = snapshot.workload->pod_template;
    if (!desired.selector) desired.selector = snapshot.workload->selector;
    desired.hash = api::podTemplateHash(desired.pod_template, rollout.status.collision_count);
    desired.legacy_hash = api::podTemplateHash(desired.pod_template, rollout.status.collision_count, true);
  } else {
    desired.pod_template = rollout.spec.pod_template.object();
    desired.hash = rollout.template_hash;
    desired.legacy_hash = rollout.legacy_template_hash;
  }
  return desired;
}

Claim claimReplicaSets(const Snapshot& snapshot, const Desired& desired) {
  Claim claim;
  if (!desired.selector) return claim;
  const auto selector = Selector::fromJson(*desired.selector);
  if (!selector) return claim;
  const api::Metadata& owner = snapshot.rollout->metadata;
  for (const ReplicaSetRef& rs : snapshot.replica_sets) {
    const api::Metadata& meta = rs->metadata;
    const bool matches = selector->matches(meta.labels);
    if (meta.controller) {
      if (meta.controller->uid != owner.uid) continue;
      if (matches) {
        claim.mine.push_back(rs);
        continue;
      }
      json::object released{{"$patch", "delete"}, {"uid", owner.uid}};
      json::object patch{
          {"metadata", json::object{{"uid", meta.uid}, {"ownerReferences", json::array{std::move(released)}}}}};
      claim.actions.push_back(ClaimReplicaSet{meta.name, meta.uid, false, std::move(patch)});
    } else if (matches && !meta.deleted) {
      json::object patch{
          {"metadata",
           json::object{{"uid", meta.uid}, {"ownerReferences", json::array{ownerReference(*snapshot.rollout)}}}}};
      claim.actions.push_back(ClaimReplicaSet{meta.name, meta.uid, true, std::move(patch)});
    }
  }
  std::ranges::sort(claim.mine, olderFirst);
  return claim;
}

std::optional<std::size_t> findNew(const Desired& desired, const std::vector<ReplicaSetRef>& mine) {
  const auto indexOf = [&](auto matches) -> std::optional<std::size_t> {
    const auto found = std::ranges::find_if(mine, matches);
    return found == mine.end() ? std::nullopt : std::optional<std::size_t>(found - mine.begin());
  };
  for (const std::string& hash : {desired.hash, desired.legacy_hash}) {
    if (hash.empty()) continue;
    if (const auto found = indexOf([&](const ReplicaSetRef& rs) { return rs->hash() == hash; })) return found;
  }
  return indexOf([&](const ReplicaSetRef& rs) {
    return sameTemplate(
        desired.pod_template,
        bareTemplate(rs->pod_template.object(), rs->metadata.annotation(api::ephemeral_metadata_annotation)));
  });
}

void createNew(const Facts& facts, Draft& draft) {
  const std::string& hash = facts.desired.hash;
  const std::string name = facts.name() + "-" + hash;
  const std::int64_t revision = nextRevision(facts);

  json::object pod_template = facts.desired.pod_template;
  ensureObject(pod_template, {"metadata", "labels"})[api::hash_label] = hash;
  const json::object labels = *getObject(pod_template, {"metadata", "labels"});
  addAntiAffinity(facts, pod_template);
  const PodMetadata injected = metadataAtBirth(facts);
  const bool injects = applyMetadata(ensureObject(pod_template, {"metadata"}), {}, injected);

  Labels annotations = annotationsToCopy(facts);
  annotations[std::string(api::revision_annotation)] = std::to_string(revision);
  annotations[std::string(api::desired_replicas_annotation)] = std::to_string(facts.replicas);
  if (injects) annotations[std::string(api::ephemeral_metadata_annotation)] = formatInjected(injected);

  json::object selector = facts.desired.selector.value_or(json::object());
  ensureObject(selector, {"matchLabels"})[api::hash_label] = hash;

  json::object body{{"apiVersion", "apps/v1"},
                    {"kind", "ReplicaSet"},
                    {"metadata", json::object{{"name", name},
                                              {"namespace", facts.rollout.metadata.ns},
                                              {"labels", labels},
                                              {"annotations", labelsToJson(annotations)},
                                              {"ownerReferences", json::array{ownerReference(facts.rollout)}}}},
                    {"spec", json::object{{"replicas", 0},
                                          {"minReadySeconds", facts.spec().min_ready_seconds},
                                          {"selector", std::move(selector)},
                                          {"template", std::move(pod_template)}}}};

  auto created = std::make_shared<api::ReplicaSet>(api::decodeReplicaSet(body));
  created->metadata.created = facts.now;
  draft.world.replica_sets.push_back(std::move(created));
  draft.act(CreateReplicaSet{name, std::move(body)});
  draft.event(false, "NewReplicaSetCreated",
              "Created ReplicaSet " + name + " (revision " + std::to_string(revision) + ")");
  updateRollout(facts, draft, revision);
}

void syncRevision(const Facts& facts, Draft& draft) {
  const api::ReplicaSet* fresh = facts.newRs();
  if (!fresh) return;
  json::object changed;
  for (const auto& [key, value] : annotationsToCopy(facts)) {
    const auto live = fresh->metadata.annotations.find(key);
    if (live == fresh->metadata.annotations.end() || live->second != value) changed[key] = value;
  }
  const std::string_view before = fresh->metadata.annotation(api::revision_annotation);
  std::optional<std::int64_t> revision = revisionOf(*fresh);
  if (revision && *revision < nextRevision(facts)) {
    revision = nextRevision(facts);
    changed[api::revision_annotation] = std::to_string(*revision);
  }
  if (!revision) changed.clear();
  if (!changed.empty() && !before.empty()) {
    std::string history(fresh->metadata.annotation(api::revision_history_annotation));
    if (!history.empty()) history += ",";
    changed[api::revision_history_annotation] = history.append(before);
  }

  // Only while an update runs can a term be outdated, so a settled Rollout never parses a template here.
  std::optional<json::object> live_template;
  if (repelsStable(facts)) live_template = fresh->pod_template.object();
  const auto repelled = live_template ? injectedStableHash(*live_template) : std::nullopt;
  const bool outdated = repelled && *repelled != facts.status.stable_rs;
  if (!changed.empty() || fresh->min_ready_seconds != facts.spec().min_ready_seconds || outdated) {
    json::object patch;
    if (!changed.empty()) ensureObject(patch, {"metadata"})["annotations"] = std::move(changed);
    json::object& spec = ensureObject(patch, {"spec"});
    if (fresh->min_ready_seconds != facts.spec().min_ready_seconds)
      spec["minReadySeconds"] = facts.spec().min_ready_seconds;
    if (!live_template) live_template = fresh->pod_template.object();
    json::object refreshed = *live_template;
    stripAntiAffinity(refreshed);
    addAntiAffinity(facts, refreshed);
    if (json::object change = mergeDiff(*live_template, refreshed); !change.empty())
      spec["template"] = std::move(change);
    if (spec.empty()) patch.erase("spec");
    draft.change(*fresh, patch, "annotations of its Rollout");
  }
  updateRollout(facts, draft, revision.value_or(draft.world.revision));
}

void cleanUpHistory(const Facts& facts, Draft& draft) {
  std::vector<ReplicaSetRef> old = facts.others();
  std::erase_if(old, [](const ReplicaSetRef& rs) { return rs->metadata.deleted.has_value(); });
  const std::int64_t surplus = std::ssize(old) - facts.spec().revisionHistoryLimit();
  if (surplus <= 0) return;
  std::ranges::sort(old, olderFirst);
  for (const ReplicaSetRef& rs : std::vector(old.begin(), old.begin() + surplus)) {
    if (rs->status_replicas != 0 || rs->replicas != 0 || rs->metadata.generation > rs->observed_generation) continue;
    std::erase_if(draft.world.replica_sets,
                  [&](const ReplicaSetRef& live) { return live->metadata.name == rs->metadata.name; });
    draft.act(DeleteReplicaSet{rs->metadata.name, rs->metadata.uid});
    deleteRunsOf(facts, draft, rs->hash());
  }
}

// --- after a failed creation ---

bool isOwnCreation(const Snapshot& snapshot, const CreateReplicaSet& wanted, const json::object& live) {
  const json::object* template_wanted = getObject(wanted.body, {"spec", "template"});
  const json::object* template_live = getObject(live, {"spec", "template"});
  if (!template_wanted || !template_live) return false;
  const api::Metadata owned = api::decodeMetadata(live);
  if (!owned.controller || owned.controller->uid != snapshot.rollout->metadata.uid) return false;
  const auto bare = [](const json::object& pod_template, const json::object& rs) {
    return bareTemplate(pod_template, getString(rs, {"metadata", "annotations", api::ephemeral_metadata_annotation}));
  };
  return sameTemplate(bare(*template_wanted, wanted.body), bare(*template_live, live));
}

}  // namespace crossfade::rollout
