#include "rollout/ephemeral_metadata.hpp"

namespace crossfade::rollout {

json::object labelsToJson(const Labels& labels) {
  json::object object;
  for (const auto& [key, value] : labels) object.emplace(key, value);
  return object;
}

namespace {

bool applyOne(Labels& current, const Labels& injected, const Labels& wanted) {
  bool changed = false;
  for (const auto& [key, value] : wanted) {
    const auto found = current.find(key);
    if (found == current.end() ? value.empty() : found->second == value) continue;
    current[key] = value;
    changed = true;
  }
  for (const auto& [key, value] : injected)
    if (!wanted.contains(key)) changed |= current.erase(key) > 0;
  return changed;
}

bool applyOne(json::object& metadata, std::string_view member, const Labels& injected, const Labels& wanted) {
  Labels current = labelsFromJson(getObject(metadata, {member}));
  if (!applyOne(current, injected, wanted)) return false;
  if (current.empty())
    metadata.erase(member);
  else
    metadata[member] = labelsToJson(current);
  return true;
}

}  // namespace

std::string formatInjected(const PodMetadata& metadata) {
  json::object object;
  if (!metadata.labels.empty()) object.emplace("labels", labelsToJson(metadata.labels));
  if (!metadata.annotations.empty()) object.emplace("annotations", labelsToJson(metadata.annotations));
  return json::serialize(object);
}

PodMetadata parseInjected(std::string_view annotation) {
  if (annotation.empty()) return {};
  const auto parsed = parseJson(annotation);
  if (!parsed || !parsed->is_object()) return {};
  const json::object& object = parsed->get_object();
  return {labelsFromJson(getObject(object, {"labels"})), labelsFromJson(getObject(object, {"annotations"}))};
}

bool applyMetadata(json::object& metadata, const PodMetadata& injected, const PodMetadata& wanted) {
  const bool labels = applyOne(metadata, "labels", injected.labels, wanted.labels);
  const bool annotations = applyOne(metadata, "annotations", injected.annotations, wanted.annotations);
  return labels || annotations;
}

bool applyMetadata(Labels& labels, Labels& annotations, const PodMetadata& injected, const PodMetadata& wanted) {
  const bool changed_labels = applyOne(labels, injected.labels, wanted.labels);
  const bool changed_annotations = applyOne(annotations, injected.annotations, wanted.annotations);
  return changed_labels || changed_annotations;
}

}  // namespace crossfade::rollout
