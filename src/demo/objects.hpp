// The objects that the acts apply, each as a JSON list.
#pragma once
#include <string>
#include <vector>

namespace crossfade::demo {

// A canary behind an HTTPRoute, with background analysis by a Prometheus at this URL.
std::string shopObjects(const std::string& prometheus_url);
// The weights of its steps, each followed by a pause.
std::vector<int> shopWeights();
// A blue-green Rollout that waits for its promotion.
std::string storeObjects();
// A canary without steps.
std::string newsObjects();

}  // namespace crossfade::demo
