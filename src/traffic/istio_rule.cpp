#include <algorithm>

#include "api/names.hpp"
#include "traffic/istio.hpp"

namespace crossfade::traffic::istio {
namespace {

void setHash(json::object& subset, std::string_view hash) {
  if (!hash.empty()) {
    ensureObject(subset, {"labels"})[api::hash_label] = hash;
  } else if (json::value* labels = subset.if_contains("labels"); labels != nullptr && labels->is_object()) {
    labels->get_object().erase(api::hash_label);
  }
}

}  // namespace

void updateSubsets(json::object& destination_rule, const Config& config, const RolloutView& rollout,
                   const UpdateHash& hashes) {
  ensureObject(destination_rule, {"metadata", "annotations"})[api::managed_by_annotation] = rollout.name;
  json::array subsets;
  std::vector<Destination> extra = hashes.extra;
  const json::array* present = getArray(destination_rule, {"spec", "subsets"});
  for (json::value subset : present == nullptr ? json::array() : *present) {
    if (!subset.is_object()) continue;
    const std::string name(textAt(subset, {"name"}));
    const auto placed = std::ranges::find(extra, name, &Destination::service);
    if (name == config.canary_subset) {
      setHash(subset.get_object(), hashes.canary_hash);
    } else if (name == config.stable_subset) {
      setHash(subset.get_object(), hashes.stable_hash);
    } else if (placed != extra.end()) {
      setHash(subset.get_object(), placed->hash);
      extra.erase(placed);
    } else {
      continue;
    }
    subsets.push_back(std::move(subset));
  }
  for (const Destination& one : extra) {
    if (one.hash.empty()) continue;
    subsets.push_back({{"name", one.service}, {"labels", json::object{{api::hash_label, one.hash}}}});
  }
  ensureObject(destination_rule, {"spec"})["subsets"] = std::move(subsets);
}

SubsetHashes subsetHashes(const json::object& destination_rule, const Config& config) {
  SubsetHashes hashes;
  const json::array* subsets = getArray(destination_rule, {"spec", "subsets"});
  for (const json::value& subset : subsets == nullptr ? json::array() : *subsets) {
    const std::string_view name = textAt(subset, {"name"});
    if (name == config.canary_subset) hashes.canary = textAt(subset, {"labels", api::hash_label});
    if (name == config.stable_subset) hashes.stable = textAt(subset, {"labels", api::hash_label});
  }
  return hashes;
}

}  // namespace crossfade::traffic::istio
