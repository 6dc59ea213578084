// What the API server does to an object between decoding and storing it, beyond what a schema can say: the defaults of
// built-in kinds (defaults.cpp), allocation of service addresses, the rules that refuse (validation.cpp), and what a
// deletion means for a kind. Used by the registry only.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "local/registry.hpp"

namespace crossfade::local {

struct AdmissionContext {
  Registry& registry;
  const ResourceType& type;
  TimePoint now;
};

// The defaults of one built-in kind, as decoding sets them (defaults.cpp).
void applyKindDefaults(const ResourceType& type, json::object& object);
// The defaults of a pod spec, as they appear in every template.
void defaultPodSpec(json::object& spec);

// Fills in what the server decides: status, addresses, selectors. The object has its defaults, and its metadata is
// complete but for its resource version.
void prepareForCreate(const AdmissionContext& context, json::object& object);
// The same for a write over `old`.
void prepareForUpdate(const AdmissionContext& context, const json::object& old, json::object& object);

// Violations ("metadata.name: Invalid value: ...") of names, labels, annotations, owner references and finalizers.
std::vector<std::string> validateMetadata(const ResourceType& type, const json::object& metadata);
// Adds the violations of rules that belong to one built-in kind. `old` is null on create.
void validateKind(const AdmissionContext& context, const json::object& object, const json::object* old,
                  std::vector<std::string>& violations);

// Violations of what the scale subresource of a custom resource reads from it.
std::vector<std::string> validateScale(const ResourceType& type, const json::object& object);

// Sets deletionTimestamp, grace period, finalizers and phase as a deletion with these options leaves them.
void markForDeletion(const AdmissionContext& context, json::object& object, const DeleteOptions& options);
// The violation when `next` has finalizers that `old`, which is being deleted, has not.
std::optional<std::string> newFinalizers(const json::object& old, const json::object& next);

// Gives a Service its cluster IP and node ports, a Job the selector of its pods, a pod its priority and tolerations
// (allocation.cpp).
void allocate(const AdmissionContext& context, json::object& object);

}  // namespace crossfade::local
