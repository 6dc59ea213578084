// Labels and label selectors as clients write them, and what the API server says when they are wrong. Internal to the
// room.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/labels.hpp"
#include "base/result.hpp"

namespace crossfade::local {

// The labelSelector of a query: "a=b,c!=d,e in (x,y),f notin (z),g,!h". Fails in the API server's words. ">" and "<",
// which compare labels as numbers, are refused.
Result<Selector> parseLabelSelector(std::string_view text);

// What is wrong with the labels at a field, one violation each: `metadata.labels: Invalid value: "-x": ...`.
std::vector<std::string> labelFaults(const json::object& labels, std::string_view field);
// What is wrong with {"matchLabels":{...},"matchExpressions":[...]} at a field. Without faults,
// Selector::fromJson takes it.
std::vector<std::string> labelSelectorFaults(const json::object& selector, std::string_view field);

}  // namespace crossfade::local
