// The kinds that the embedded cluster serves without a CustomResourceDefinition.
#pragma once
#include <vector>

#include "local/registry.hpp"

namespace crossfade::local {

// In the order in which discovery lists their groups.
std::vector<ResourceType> builtinResources();

// Kubernetes' order of API versions, best first: v2, v1, v1beta2, v1beta1, v1alpha1, then others by name.
bool betterVersion(std::string_view a, std::string_view b);

}  // namespace crossfade::local
