// The same object in the versions that one resource is served in. Most differ in apiVersion alone; autoscaling/v1 knows
// fewer fields of a HorizontalPodAutoscaler than the stored v2.
#pragma once
#include <string_view>

#include "base/json.hpp"
#include "local/registry.hpp"

namespace crossfade::local {

// False where only apiVersion differs.
bool versionsDiffer(const ResourceType& type, std::string_view version);
// From the stored version to the one of the path, and back. Both set apiVersion.
json::object toVersion(const ResourceType& type, std::string_view version, json::object stored);
json::object fromVersion(const ResourceType& type, std::string_view version, json::object sent);

}  // namespace crossfade::local
