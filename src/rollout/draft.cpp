// The effects of a pass, and the cluster as they leave it.
#include <algorithm>

#include "rollout/pass.hpp"

namespace crossfade::rollout {
namespace {

// One merge patch that does what `first` and then `second` do. Unlike applying a patch, nulls stay.
void compose(json::object& first, const json::object& second) {
  for (const auto& member : second) {
    json::value& slot = first[member.key()];
    if (slot.is_object() && member.value().is_object())
      compose(slot.get_object(), member.value().get_object());
    else
      slot = member.value();
  }
}

void applyLabels(Labels& labels, const json::object* patch) {
  if (!patch) return;
  for (const auto& member : *patch) {
    if (member.value().is_string())
      labels[std::string(member.key())] = std::string(member.value().get_string());
    else
      labels.erase(std::string(member.key()));
  }
}

// What a ReplicaSet becomes by a merge patch, as far as the planner reads it.
api::ReplicaSet patched(api::ReplicaSet rs, const json::object& patch) {
  applyLabels(rs.metadata.annotations, getObject(patch, {"metadata", "annotations"}));
  applyLabels(rs.metadata.labels, getObject(patch, {"metadata", "labels"}));
  rs.replicas = getInt(patch, {"spec", "replicas"}, rs.replicas);
  rs.min_ready_seconds = getInt(patch, {"spec", "minReadySeconds"}, rs.min_ready_seconds);
  if (const json::value* change = find(patch, {"spec", "template"})) {
    json::value pod_template = rs.pod_template.object();
    mergePatch(pod_template, *change);
    rs.pod_template = api::Carried(pod_template);
  }
  return rs;
}

}  // namespace

void Draft::event(bool warning, std::string reason, std::string message) {
  actions.push_back(EmitEvent{warning, std::move(reason), std::move(message)});
}

void Draft::note(bool warning, std::string reason, std::string message) {
  notes.push_back(EmitEvent{warning, std::move(reason), std::move(message)});
}

void Draft::lookAgain(TimePoint when) { look_again = look_again ? std::min(*look_again, when) : when; }

void Draft::wait(WaitKind kind, std::string sentence, std::optional<TimePoint> since, std::optional<TimePoint> until) {
  waits.push_back({kind, std::move(sentence), since, until});
  if (until) lookAgain(*until);
}

void Draft::abort(std::string message) {
  if (!intents.abort) intents.abort = std::move(message);
}

void Draft::pause(std::string reason) {
  if (std::ranges::find(intents.add, reason) == intents.add.end()) intents.add.push_back(std::move(reason));
}

void Draft::change(const api::ReplicaSet& rs, const json::object& patch, std::string_view reason,
                   std::optional<std::int64_t> replicas) {
  json::object whole = patch;
  if (replicas) ensureObject(whole, {"spec"})["replicas"] = *replicas;

  const auto live = std::ranges::find_if(
      world.replica_sets, [&](const ReplicaSetRef& other) { return other->metadata.name == rs.metadata.name; });
  if (live != world.replica_sets.end()) *live = std::make_shared<api::ReplicaSet>(patched(**live, whole));

  for (Action& action : actions) {
    if (auto* scale = std::get_if<ScaleReplicaSet>(&action); scale && scale->name == rs.metadata.name) {
      compose(scale->patch, whole);
      if (replicas) scale->to = *replicas;
      return;
    }
    if (auto* earlier = std::get_if<PatchReplicaSet>(&action); earlier && earlier->name == rs.metadata.name) {
      compose(earlier->patch, whole);
      if (!replicas) return;
      action = ScaleReplicaSet{rs.metadata.name, rs.metadata.resource_version, rs.replicas, *replicas,
                               std::move(earlier->patch)};
      return;
    }
  }
  if (replicas)
    act(ScaleReplicaSet{rs.metadata.name, rs.metadata.resource_version, rs.replicas, *replicas, std::move(whole)});
  else
    act(PatchReplicaSet{rs.metadata.name, rs.metadata.resource_version, std::string(reason), std::move(whole)});
}

const api::ReplicaSet& Draft::now(const api::ReplicaSet& rs) const {
  for (const ReplicaSetRef& live : world.replica_sets)
    if (live->metadata.name == rs.metadata.name) return *live;
  return rs;  // NOLINT(bugprone-return-const-ref-from-parameter): one of the pass's facts, which outlive the draft
}

}  // namespace crossfade::rollout
