#include "cli/model.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <set>

#include "api/names.hpp"
#include "rollout/status.hpp"

namespace crossfade::cli {
namespace {

std::optional<std::int64_t> integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::int64_t revisionOf(const api::Metadata& metadata) {
  return integer(metadata.annotation(api::revision_annotation)).value_or(0);
}

template <class T>
bool isOwnedBy(const Owned<T>& object, const std::string& uid) {
  return std::ranges::find(object.owners, uid) != object.owners.end();
}

// Where the steps stand: the index of the current one; empty when there are none, or all are done.
std::optional<std::size_t> currentStep(const api::Canary& canary, const api::RolloutStatus& status) {
  const std::int64_t index = status.current_step_index.value_or(0);
  if (index < 0 || index >= static_cast<std::int64_t>(canary.steps.size())) return std::nullopt;
  return static_cast<std::size_t>(index);
}

std::int64_t setWeight(const api::Canary& canary, const api::RolloutStatus& status) {
  if (status.abort) return 0;
  const auto step = currentStep(canary, status);
  if (!step) return canary.maxTrafficWeight();
  for (std::size_t index = *step + 1; index-- > 0;) {
    if (canary.steps[index].set_weight) return *canary.steps[index].set_weight;
  }
  return 0;
}

std::int64_t actualWeight(const api::Canary& canary, const api::RolloutStatus& status, std::int64_t set_weight,
                          std::int64_t canary_available) {
  if (!currentStep(canary, status)) return canary.maxTrafficWeight();
  if (status.available_replicas <= 0) return 0;
  if (canary.routed()) return status.canary.weights ? status.canary.weights->canary.weight : set_weight;
  return canary_available * canary.maxTrafficWeight() / status.available_replicas;
}

Roles rolesOf(const api::Rollout& rollout, std::string_view hash) {
  Roles roles;
  if (hash.empty()) return roles;
  const api::RolloutStatus& status = rollout.status;
  roles.stable = hash == status.stable_rs;
  if (const auto& canary = rollout.spec.canary) {
    roles.canary = !roles.stable && hash == status.current_pod_hash;
    if (canary->ping_pong && (roles.stable || roles.canary)) {
      const bool stable_is_ping = status.canary.stable_ping_pong == "ping";
      roles.ping = roles.stable == stable_is_ping;
      roles.pong = !roles.ping;
    }
  } else if (rollout.spec.blue_green) {
    roles.active = hash == status.blue_green.active_selector;
    roles.preview = !roles.active && hash == status.blue_green.preview_selector;
  } else {
    roles.stable = false;
  }
  return roles;
}

std::string healthOf(const api::ReplicaSet& replica_set) {
  if (replica_set.metadata.generation > replica_set.observed_generation) return "Progressing";
  if (replica_set.replica_failure && replica_set.replica_failure->status == "True") return "ReplicaFailure";
  if (replica_set.available_replicas < replica_set.replicas) return "Progressing";
  return replica_set.replicas == 0 ? "ScaledDown" : "Healthy";
}

std::vector<PodNode> podsOf(const std::string& uid, const Objects& objects) {
  std::vector<PodNode> pods;
  for (const auto& pod : objects.pods) {
    if (!isOwnedBy(*pod, uid)) continue;
    pods.push_back({.name = pod->metadata.name,
                    .status = pod->reason,
                    .created = pod->metadata.created,
                    .ready = pod->ready_containers,
                    .containers = pod->containers,
                    .restarts = pod->restarts});
  }
  std::ranges::sort(pods, {}, [](const PodNode& pod) { return std::tie(pod.created, pod.name); });
  return pods;
}

std::vector<std::string> imagesOf(const api::ReplicaSet& replica_set) {
  std::vector<std::string> images;
  const json::object pod_template = replica_set.pod_template.object();
  const json::array* containers = getArray(pod_template, {"spec", "containers"});
  if (!containers) return images;
  for (const json::value& item : *containers) {
    if (const json::object* container = item.if_object()) images.emplace_back(getString(*container, {"image"}));
  }
  return images;
}

// Sorted by name.
std::vector<ReplicaSetNode> replicaSetsOf(const std::string& uid, const api::Rollout* rollout, const Objects& objects) {
  std::vector<ReplicaSetNode> nodes;
  for (const auto& replica_set : objects.replica_sets) {
    if (!isOwnedBy(*replica_set, uid)) continue;
    const api::Metadata& metadata = replica_set->metadata;
    nodes.push_back({.name = metadata.name,
                     .status = healthOf(*replica_set),
                     .revision = revisionOf(metadata),
                     .running = replica_set->status_replicas,
                     .available = replica_set->available_replicas,
                     .created = metadata.created,
                     .roles = rollout ? rolesOf(*rollout, replica_set->hash()) : Roles(),
                     .experiment_template = std::string(metadata.annotation(api::experiment_template_annotation)),
                     .scale_down_deadline = std::string(metadata.annotation(api::scale_down_deadline_annotation)),
                     .images = imagesOf(*replica_set),
                     .pods = podsOf(metadata.uid, objects)});
  }
  std::ranges::sort(nodes, {}, &ReplicaSetNode::name);
  return nodes;
}

// Oldest first, of the same age the last name first.
std::vector<AnalysisRunNode> analysisRunsOf(const std::string& uid, const Objects& objects) {
  std::vector<AnalysisRunNode> nodes;
  for (const auto& run : objects.analysis_runs) {
    if (!isOwnedBy(*run, uid)) continue;
    AnalysisRunNode node{.name = run->metadata.name,
                         .status = run->status.phase,
                         .revision = revisionOf(run->metadata),
                         .created = run->metadata.created};
    for (const api::MetricResult& result : run->status.metric_results) {
      node.successful += result.successful;
      node.failed += result.failed;
      node.inconclusive += result.inconclusive;
      node.error += result.error;
      for (const api::Measurement& measurement : result.measurements) {
        const auto job = measurement.metadata.find("job-name");
        if (job != measurement.metadata.end())
          node.jobs.push_back({.name = job->second, .status = measurement.phase, .created = measurement.started_at});
      }
    }
    nodes.push_back(std::move(node));
  }
  std::ranges::sort(nodes, [](const AnalysisRunNode& a, const AnalysisRunNode& b) {
    return a.created != b.created ? a.created < b.created : a.name > b.name;
  });
  return nodes;
}

ExperimentNode experimentNode(const api::Experiment& experiment, const Objects& objects) {
  const api::Metadata& metadata = experiment.metadata;
  return {.name = metadata.name,
          .status = experiment.phase,
          .message = experiment.message,
          .revision = revisionOf(metadata),
          .created = metadata.created,
          .replica_sets = replicaSetsOf(metadata.uid, nullptr, objects),
          .analysis_runs = analysisRunsOf(metadata.uid, objects)};
}

// --- images, spec/10 §2.9 --------------------------------------------------------------------------------------------

std::vector<std::string> imageTags(const ReplicaSetNode& replica_set) {
  std::vector<std::string> tags;
  const Roles& roles = replica_set.roles;
  if (roles.canary) tags.emplace_back("canary");
  if (roles.stable) tags.emplace_back("stable");
  if (roles.active) tags.emplace_back("active");
  if (roles.preview) tags.emplace_back("preview");
  if (roles.ping) tags.emplace_back("ping");
  if (roles.pong) tags.emplace_back("pong");
  if (!replica_set.experiment_template.empty()) tags.push_back("Σ:" + replica_set.experiment_template);
  return tags;
}

// Adds what a ReplicaSet runs. Tags of an image that others run too are merged, and then sorted.
void addImages(std::map<std::string, std::vector<std::string>>& uses, const ReplicaSetNode& replica_set) {
  if (replica_set.running <= 0) return;
  for (const std::string& image : replica_set.images) {
    const auto [use, is_new] = uses.try_emplace(image, imageTags(replica_set));
    if (is_new) continue;
    std::set<std::string> merged(use->second.begin(), use->second.end());
    for (std::string& tag : imageTags(replica_set)) merged.insert(std::move(tag));
    use->second.assign(merged.begin(), merged.end());
  }
}

std::vector<ImageUse> toList(const std::map<std::string, std::vector<std::string>>& uses) {
  std::vector<ImageUse> images;
  for (const auto& [image, tags] : uses) images.push_back({image, tags});
  return images;
}

}  // namespace

std::vector<std::string> ownersOf(const json::object& object) {
  std::vector<std::string> uids;
  const json::array* owners = getArray(object, {"metadata", "ownerReferences"});
  if (!owners) return uids;
  for (const json::value& item : *owners) {
    const json::object* owner = item.if_object();
    if (const std::string_view uid = owner ? getString(*owner, {"uid"}) : std::string_view(); !uid.empty())
      uids.emplace_back(uid);
  }
  return uids;
}

Phase rolloutPhase(const api::Rollout& rollout) {
  const api::RolloutStatus& status = rollout.status;
  // A larger or unreadable number is one of an old controller's hashes, and counts as observed.
  const auto observed = integer(status.observed_generation);
  if (observed && *observed < rollout.metadata.generation)
    return {"Progressing", "waiting for rollout spec update to be observed"};
  if (status.controller_pause && status.pause_conditions.empty())
    return {"Progressing", "waiting for rollout to unpause"};
  if (rollout.spec.workload_ref) {
    const auto wanted = integer(rollout.metadata.annotation(api::workload_generation_annotation));
    const auto seen = integer(status.workload_observed_generation);
    const bool readable = seen && *seen <= std::numeric_limits<std::int32_t>::max();
    if (wanted && readable && *wanted != *seen)
      return {"Progressing", "waiting for rollout spec update to be observed for the reference workload"};
  }
  if (!status.phase.empty()) return {status.phase, status.message};
  api::RolloutStatus computed = status;
  rollout::updatePhase(rollout.spec, rollout.spec.replicasOrDefault(), computed);
  return {computed.phase, computed.message};
}

RolloutSummary summarize(const api::Rollout& rollout) {
  const api::RolloutStatus& status = rollout.status;
  RolloutSummary summary{.ns = rollout.metadata.ns,
                         .name = rollout.metadata.name,
                         .phase = rolloutPhase(rollout),
                         .created = rollout.metadata.created,
                         .desired = rollout.spec.replicasOrDefault(),
                         .current = status.replicas,
                         .updated = status.updated_replicas,
                         .ready = status.ready_replicas,
                         .available = status.available_replicas};
  if (const auto& canary = rollout.spec.canary) {
    summary.strategy = "Canary";
    summary.set_weight = setWeight(*canary, status);
    if (status.current_step_index && !canary->steps.empty())
      summary.step = fmt::format("{}/{}", *status.current_step_index, canary->steps.size());
  } else if (rollout.spec.blue_green) {
    summary.strategy = "BlueGreen";
  }
  return summary;
}

RolloutTree buildRolloutTree(const api::Rollout& rollout, const Objects& objects) {
  RolloutTree tree{summarize(rollout), 0, {}, {}};
  const std::string& uid = rollout.metadata.uid;
  std::map<std::int64_t, RevisionNode, std::greater<>> revisions;
  std::map<std::string, std::vector<std::string>> images;
  std::int64_t canary_available = 0;
  for (ReplicaSetNode& node : replicaSetsOf(uid, &rollout, objects)) {
    addImages(images, node);
    if (node.roles.canary) canary_available = node.available;
    revisions[node.revision].replica_sets.push_back(std::move(node));
  }
  for (const auto& experiment : objects.experiments) {
    if (!isOwnedBy(*experiment, uid)) continue;
    ExperimentNode node = experimentNode(*experiment, objects);
    for (const ReplicaSetNode& replica_set : node.replica_sets) addImages(images, replica_set);
    revisions[node.revision].experiments.push_back(std::move(node));
  }
  for (AnalysisRunNode& node : analysisRunsOf(uid, objects))
    revisions[node.revision].analysis_runs.push_back(std::move(node));
  for (auto& [number, revision] : revisions) {
    revision.number = number;
    std::ranges::stable_sort(revision.experiments, {}, &ExperimentNode::created);
    tree.revisions.push_back(std::move(revision));
  }
  tree.images = toList(images);
  if (rollout.spec.canary)
    tree.actual_weight = actualWeight(*rollout.spec.canary, rollout.status, tree.set_weight, canary_available);
  return tree;
}

ExperimentTree buildExperimentTree(const api::Experiment& experiment, const Objects& objects) {
  ExperimentTree tree{experiment.metadata.ns, experimentNode(experiment, objects), {}};
  std::map<std::string, std::vector<std::string>> images;
  for (const ReplicaSetNode& replica_set : tree.root.replica_sets) addImages(images, replica_set);
  tree.images = toList(images);
  return tree;
}

}  // namespace crossfade::cli
