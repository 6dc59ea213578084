// Labels and annotations that pods wear only while they play a role (canary, stable, preview, active). spec/02 §10.
// What was injected is remembered as JSON in an annotation of the ReplicaSet, so that it can be taken off again.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/labels.hpp"

namespace crossfade::rollout {

struct PodMetadata {
  Labels labels;
  Labels annotations;
  bool empty() const { return labels.empty() && annotations.empty(); }
  bool operator==(const PodMetadata&) const = default;
};

json::object labelsToJson(const Labels& labels);

// The value of the ReplicaSet's annotation: {"labels":{…},"annotations":{…}}, keys sorted, empty maps left out.
std::string formatInjected(const PodMetadata& metadata);
// What an annotation's value says was injected; nothing when it is absent or can't be read.
PodMetadata parseInjected(std::string_view annotation);

// Turns an object's metadata ({"labels":…,"annotations":…}) from `injected` to `wanted`: sets what differs, removes
// what was injected and is no longer wanted, leaves everything else. True when something changed. spec/02 §10.4.
bool applyMetadata(json::object& metadata, const PodMetadata& injected, const PodMetadata& wanted);
// The same on plain maps.
bool applyMetadata(Labels& labels, Labels& annotations, const PodMetadata& injected, const PodMetadata& wanted);

}  // namespace crossfade::rollout
