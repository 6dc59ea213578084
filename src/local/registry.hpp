// The embedded cluster's heart: every object of every kind, with the rules of a Kubernetes API server around it
// (resource versions, generation, uid, finalizers, owner-reference garbage collection, admission, watches), but no
// HTTP. The REST face (local/api_server.hpp) and the workload controllers inside the cluster both stand on it, so that
// they can't disagree. Synchronous, deterministic, not thread safe: it belongs to one event loop.
#pragma once
#include <boost/json.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/labels.hpp"
#include "base/random.hpp"
#include "base/result.hpp"

namespace crossfade::local {

class Schema;

// One served resource. Built-in ones are listed in local/builtin_resources.cpp; a CustomResourceDefinition adds others.
struct ResourceType {
  std::string group;    // "" for core
  std::string version;  // "v1"
  std::string kind;     // "ReplicaSet"
  std::string plural;   // "replicasets"
  std::string singular;
  std::vector<std::string> short_names;
  std::vector<std::string> categories;
  bool namespaced = true;
  // The `status` subresource: writes of the object ignore .status; writes of the status ignore the rest, but for the
  // metadata of built-in kinds.
  bool has_status = false;
  bool has_scale = false;
  bool generation = true;  // metadata.generation rises when the spec changes
  bool custom = false;     // from a CustomResourceDefinition
  // Every version that is served, best first (v1, v1beta1, v1alpha1). Objects are stored, and handled everywhere but on
  // the REST face, as `version`.
  std::vector<std::string> versions;
  // PUT without metadata.resourceVersion is accepted (most built-in kinds, never custom resources).
  bool unconditional_update = true;
  // Where the scale subresource reads and writes, as paths of member names.
  std::vector<std::string> scale_replicas, scale_status_replicas, scale_selector;

  std::string apiVersion() const { return group.empty() ? version : group + "/" + version; }
  // "pods", "deployments.apps": how the API server names a resource in its messages.
  std::string qualifiedName() const { return group.empty() ? plural : plural + "." + group; }
};

// A stored object never changes; a write stores another.
using Object = std::shared_ptr<const json::object>;

struct Event {
  enum class Type { added, modified, deleted };
  Type type;
  Object object;    // as it is after the event; for `deleted` the last state with the deletion's resourceVersion
  Object previous;  // before the event; null for `added`
  std::uint64_t resource_version;
};

enum class Subresource { none, status, scale };
enum class Propagation { background, foreground, orphan };

// What a caller may want to know about a write beside its result.
struct WriteReport {
  std::vector<std::string> violations;  // of a write that failed as invalid: one a field, "spec.x: Invalid value: ..."
  std::vector<std::string> unknown_fields;  // pruned: "spec.foo"
};

struct WriteOptions {
  std::string field_manager = "crossfade-local";
  bool dry_run = false;
  // The object's managedFields are already as they should be (server-side apply).
  bool fields_tracked = false;
  WriteReport* report = nullptr;  // filled when set
};

// Told of every commit before anybody else is: makes the registry durable (local/persistence.hpp).
class Journal {
 public:
  virtual ~Journal() = default;
  virtual void committed(const ResourceType& type, const Event& event) = 0;
};

struct DeleteOptions {
  std::optional<Propagation> propagation;            // default: background
  std::optional<std::string> uid, resource_version;  // preconditions: 409 when they differ
  std::optional<std::int64_t> grace_period_seconds;  // pods: see local/pods
  bool dry_run = false;
};

class Registry {
 public:
  // `clock` and `random` outlive the registry.
  Registry(Clock& clock, Random& random);
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // The resource served under that name; null when there is none. Pointers stay valid while the kind is served.
  const ResourceType* resource(std::string_view group, std::string_view plural) const;
  const ResourceType* kind(std::string_view group, std::string_view kind) const;
  std::vector<const ResourceType*> resources() const;

  // `ns` is empty for cluster-scoped resources; for list it then means all namespaces.
  Result<Object> get(const ResourceType& type, std::string_view ns, std::string_view name) const;
  // Sorted by namespace, then name.
  std::vector<Object> list(const ResourceType& type, std::string_view ns = {}, const Selector& selector = {}) const;

  // Admission (defaults, pruning, validation), then store. metadata.name or generateName must be set. Errors carry the
  // API server's own message: `already_exists`, `invalid`, `not_found` (namespace), `forbidden` (namespace
  // terminating), `too_large` (1.5 MiB, etcd's limit; update too).
  Result<Object> create(const ResourceType& type, std::string_view ns, json::object object, const WriteOptions& = {});

  // Replaces. Where the object names a metadata.resourceVersion that is not the stored one: `conflict`. Storing what is
  // already there changes nothing, not even the resource version.
  Result<Object> update(const ResourceType& type, std::string_view ns, std::string_view name, Subresource subresource,
                        json::object object, const WriteOptions& = {});

  // Reads, lets `change` edit a copy, and updates: what a controller inside the cluster calls.
  Result<Object> modify(const ResourceType& type, std::string_view ns, std::string_view name, Subresource subresource,
                        const std::function<void(json::object&)>& change, const WriteOptions& = {});

  // Deletes, or marks for deletion where finalizers or a grace period hold it. Returns the object as it then is.
  Result<Object> remove(const ResourceType& type, std::string_view ns, std::string_view name,
                        const DeleteOptions& = {});

  // Ends a namespace's content phase: replaces spec.finalizers and removes the namespace when it is being deleted and
  // none is left.
  Result<Object> finalizeNamespace(std::string_view name, json::array finalizers);

  // The autoscaling/v1 Scale of an object; `not_found` also where the resource has no scale. With Subresource::scale,
  // update() takes and modify() edits such a Scale, and both return the object that was scaled.
  Result<json::object> scale(const ResourceType& type, std::string_view ns, std::string_view name) const;
  // The object's structural schema in one of its served versions; null for kinds that are kept as they come.
  const Schema* schema(const ResourceType& type, std::string_view version = {}) const;

  // Every committed change of a resource (all resources when `type` is null), called within the commit, in order.
  // The callback may write to the registry: the events that follow are delivered after it returns.
  // Lives as long as the returned handle.
  class Subscription;
  std::shared_ptr<Subscription> subscribe(const ResourceType* type,
                                          std::function<void(const ResourceType&, const Event&)> callback);

  // The resource version of the last commit; the first is 1.
  std::uint64_t resourceVersion() const;
  // The events of `type` after `resource_version`, oldest first. `gone` when that is older than what is remembered.
  Result<std::vector<Event>> eventsSince(const ResourceType& type, std::uint64_t resource_version) const;
  // Forgets all events up to now, as etcd's compaction does: a watch from before answers 410. For tests and simulation.
  void compact();
  // The oldest resource version that eventsSince() still answers.
  std::uint64_t oldestResourceVersion(const ResourceType& type) const;
  // list() as it was at a past resource version. `gone` when that is no longer remembered.
  Result<std::vector<Object>> listAt(const ResourceType& type, std::string_view ns,
                                     std::uint64_t resource_version) const;

  // At most one; null takes it away. It outlives the registry or is taken away before.
  void setJournal(Journal* journal);
  // Puts an object where it was before a restart: no admission, no event, no journal. CustomResourceDefinitions first.
  // False when no such resource is served.
  bool restore(std::string_view group, std::string_view plural, json::object object);
  // Raises the resource version to where it was; watches from before answer 410.
  void restoreResourceVersion(std::uint64_t resource_version);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crossfade::local
