// From a CustomResourceDefinition to the resource that it makes the cluster serve.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "local/registry.hpp"
#include "local/schema.hpp"

namespace crossfade::local {

struct CustomResource {
  ResourceType type;
  std::map<std::string, std::shared_ptr<const Schema>, std::less<>> schemas;  // by served version; none: as it comes
};

// Fails, naming the field, when the definition is not one that can be served (no storage version, a schema that
// can't be compiled).
Result<CustomResource> customResource(const json::object& definition);

// Violations of a definition in the API server's words, without those of its metadata. `old` is null for a new one.
std::vector<std::string> validateDefinition(const json::object& definition, const json::object* old);

// spec.names.singular and listKind, spec.conversion: what a new or changed definition gets filled in.
void defaultDefinition(json::object& definition);

// status.conditions NamesAccepted and Established, acceptedNames, storedVersions.
void establishDefinition(json::object& definition, TimePoint now);

// What holds a deleted definition until its last object is gone.
constexpr std::string_view definition_finalizer = "customresourcecleanup.apiextensions.k8s.io";
// Removes one entry of metadata.finalizers.
void removeFinalizer(json::object& object, std::string_view finalizer);

}  // namespace crossfade::local
