// Creating, changing and deleting: what a request must be, what admission makes of it, and then its commit.
#include <fmt/format.h>

#include "local/admission.hpp"
#include "local/field_managers.hpp"
#include "local/json_text.hpp"
#include "local/object_facts.hpp"
#include "local/patch.hpp"
#include "local/registry_impl.hpp"

namespace crossfade::local {

namespace {

constexpr int generated_name_attempts = 8;
// What etcd takes.
constexpr std::size_t largest_object_bytes = 1536 << 10;

// Metadata that belongs to the server: taken from what is stored, whatever the client sent.
void keepSystemMetadata(const json::object& stored, json::object& metadata) {
  for (const std::string_view key : {"name", "generateName", "namespace", "uid", "resourceVersion", "generation",
                                     "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"}) {
    if (const auto* value = stored.if_contains(key)) {
      metadata[key] = *value;
    } else {
      metadata.erase(key);
    }
  }
  if (!metadata.contains("managedFields")) {
    if (const auto* fields = stored.if_contains("managedFields")) metadata["managedFields"] = *fields;
  }
}

bool isEmpty(const json::value& value) {
  if (const auto* array = value.if_array()) return array->empty();
  if (const auto* object = value.if_object()) return object->empty();
  const auto* text = value.if_string();
  return value.is_null() || (text != nullptr && text->empty());
}

// What an encoder with omitempty leaves out.
void tidyMetadata(json::object& metadata) {
  metadata.erase("selfLink");
  for (const std::string_view key : {"generateName", "namespace", "labels", "annotations", "finalizers",
                                     "ownerReferences", "deletionTimestamp", "resourceVersion", "uid"}) {
    if (const auto* value = metadata.if_contains(key); value != nullptr && isEmpty(*value)) metadata.erase(key);
  }
}

void setAt(json::object& object, const std::vector<std::string>& path, json::value value) {
  json::object* at = &object;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) at = &ensureObject(*at, {path[i]});
  if (!path.empty()) (*at)[path.back()] = std::move(value);
}

void copyMember(const json::object& from, std::string_view key, json::object& to) {
  if (const auto* value = from.if_contains(key)) {
    to[key] = *value;
  } else {
    to.erase(key);
  }
}

void copyManagers(const json::object& from, json::object& to) {
  if (const auto* fields = find(from, {"metadata", "managedFields"}))
    ensureObject(to, {"metadata"})["managedFields"] = *fields;
}

// A write to the status of a built-in kind: it takes metadata along (that is how the deployment controller notes a
// revision without a new generation), but nothing else.
json::object withStatusOf(const ResourceType& type, const json::object& old, json::object sent) {
  json::object next = old;
  copyMember(sent, "status", next);
  next["metadata"] = std::move(ensureObject(sent, {"metadata"}));
  json::object& metadata = next["metadata"].get_object();
  const json::object& stored = old.at("metadata").get_object();
  keepSystemMetadata(stored, metadata);
  if (type.group == "apps" && type.kind == "Deployment") copyMember(stored, "labels", metadata);
  if (type.group.empty() && type.kind == "Pod") copyMember(stored, "ownerReferences", metadata);
  return next;
}

// Deployments count changes of their annotations too: `kubectl rollout` reads what caused a revision there.
bool generationRises(const ResourceType& type, const json::object& old, const json::object& next) {
  if (!type.generation) return false;
  if (specDiffers(type, old, next)) return true;
  if (type.group != "apps" || type.kind != "Deployment") return false;
  const auto* before = getObject(old, {"metadata", "annotations"});
  const auto* after = getObject(next, {"metadata", "annotations"});
  return before == nullptr || after == nullptr ? before != after : !sameJson(*before, *after);
}

Result<void> checkNamespace(const Registry& registry, const ResourceType& type, std::string_view ns,
                            std::string_view name) {
  const auto found = registry.get(*registry.resource("", "namespaces"), "", ns);
  if (!found) return fail(found.error());
  if (!isDeleting(**found)) return {};
  return fail(
      ErrorCode::forbidden,
      fmt::format("{} \"{}\" is forbidden: unable to create new content in namespace {} because it is being terminated",
                  type.qualifiedName(), name, ns));
}

Result<void> checkSize(const json::object& object) {
  if (approximateSize(object) <= largest_object_bytes) return {};
  return fail(ErrorCode::too_large, "etcdserver: request is too large");
}

// What a custom resource's status is told when it is written by itself: its schema begins there, so that messages name
// fields from there on ("phase in body must be ..." about status.phase).
void tellFromStatus(std::vector<std::string>& violations) {
  constexpr std::string_view within = " in body ";
  for (auto& violation : violations) {
    const std::string field = violation.substr(0, violation.find(": "));
    if (field != "status" && !field.starts_with("status.")) continue;
    const auto at = violation.find(fmt::format(": {}{}", field, within));
    if (at != std::string::npos) violation.erase(at + 2, std::string_view("status.").size() - (field == "status"));
  }
}

}  // namespace

struct Registry::Impl::Write {
  Impl& registry;
  Store& store;
  const WriteOptions& options;
  Subresource subresource = Subresource::none;
  const json::object* old = nullptr;  // null on create

  Result<void> admit(json::object& object) const;
  // What the decoder of a kind does: types, unknown fields, defaults.
  Result<void> decode(json::object& object) const;
  void track(json::object& object) const;
};

Result<void> Registry::Impl::Write::decode(json::object& object) const {
  const Schema* schema = registry.schemaOf(store);
  std::vector<std::string> unknown;
  if (schema != nullptr) {
    if (const auto fault = schema->mistyped(object)) {
      return fail(ErrorCode::invalid, fmt::format("{} in version \"{}\" cannot be handled as a {}: {}", store.type.kind,
                                                  store.type.version, store.type.kind, *fault));
    }
    schema->prune(object, unknown);
    schema->applyDefaults(object);
  }
  if (options.report != nullptr) options.report->unknown_fields = std::move(unknown);
  tidyMetadata(ensureObject(object, {"metadata"}));
  applyKindDefaults(store.type, object);
  return {};
}

void Registry::Impl::Write::track(json::object& object) const {
  const std::string_view part = subresource == Subresource::status  ? "status"
                                : subresource == Subresource::scale ? "scale"
                                                                    : "";
  if (!options.fields_tracked && !options.field_manager.empty()) {
    // Nobody knows why, but entries of the scale subresource have no time.
    const std::string now = subresource == Subresource::scale ? std::string() : formatTime(registry.clock.now());
    trackUpdate(old, object, registry.schemaOf(store), options.field_manager, store.type.apiVersion(), part, now);
  }
  if (store.type.has_status) dropUnwritableFields(object, part);
}

Result<void> Registry::Impl::Write::admit(json::object& object) const {
  if (auto ok = decode(object); !ok) return ok;
  if (old == nullptr || !sameJson(object, *old)) track(object);
  const AdmissionContext context{registry.self, store.type, registry.clock.now()};
  if (old == nullptr) {
    prepareForCreate(context, object);
  } else {
    prepareForUpdate(context, *old, object);
  }
  json::object& metadata = object["metadata"].get_object();
  if (const auto* fields = metadata.if_contains("managedFields"); fields != nullptr && isEmpty(*fields))
    metadata.erase("managedFields");
  std::vector<std::string> violations = validateMetadata(store.type, metadata);
  if (const Schema* schema = registry.schemaOf(store)) {
    auto more = schema->validate(object, old);
    if (store.type.custom && subresource == Subresource::status) tellFromStatus(more);
    // The remark that rules were not checked comes last.
    const auto remark =
        std::ranges::find_if(more, [](const auto& text) { return text.starts_with("<nil>: Invalid value: null"); });
    const auto scale = validateScale(store.type, object);
    more.insert(remark, scale.begin(), scale.end());
    violations.insert(violations.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  }
  validateKind(context, object, old, violations);
  if (old != nullptr && isDeleting(*old)) {
    // The API server checks it twice, and tells both.
    if (const auto violation = newFinalizers(*old, object)) violations.insert(violations.end(), 2, *violation);
  }
  if (violations.empty()) return {};
  return refuseInvalid(store.type.group, store.type.kind, getString(metadata, {"name"}), std::move(violations),
                       options.report);
}

Result<Object> Registry::create(const ResourceType& type, std::string_view ns, json::object object,
                                const WriteOptions& options) {
  Impl::Store& store = impl_->storeOf(type);
  if (!store.served) return notServed();
  object["apiVersion"] = type.apiVersion();
  object["kind"] = type.kind;
  json::object& metadata = ensureObject(object, {"metadata"});
  if (type.namespaced) {
    if (const auto given = getString(metadata, {"namespace"}); !given.empty() && given != ns) {
      return fail(ErrorCode::invalid,
                  "the namespace of the provided object does not match the namespace sent on the request");
    }
    metadata["namespace"] = ns;
  } else {
    metadata.erase("namespace");
    ns = {};
  }
  for (const std::string_view key : {"deletionTimestamp", "deletionGracePeriodSeconds", "generation"})
    metadata.erase(key);
  if (!getString(metadata, {"resourceVersion"}).empty()) {
    return fail(ErrorCode::invalid, "resourceVersion should not be set on objects to be created");
  }
  if (const std::string uid(getString(metadata, {"uid"})); !uid.empty()) {
    return conflict(type, getString(metadata, {"name"}),
                    fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: ", uid));
  }
  if (!options.fields_tracked) metadata.erase("managedFields");
  const std::string base(getString(metadata, {"generateName"}));
  if (getString(metadata, {"name"}).empty() && !base.empty()) {
    // Names above 63 characters lose their tail before the suffix, not the suffix.
    for (int attempt = 0; attempt < generated_name_attempts; ++attempt) {
      metadata["name"] = base.substr(0, 58) + impl_->random.nameSuffix();
      if (!store.objects.contains(keyOf(ns, getString(metadata, {"name"})))) break;
    }
  }
  const std::string name(getString(metadata, {"name"}));
  if (type.namespaced) {
    if (auto ok = checkNamespace(*this, type, ns, name); !ok) return fail(ok.error());
  }
  metadata["uid"] = impl_->random.uuid();
  metadata["creationTimestamp"] = formatTime(impl_->clock.now());
  if (type.generation) metadata["generation"] = 1;
  const Impl::Write write{.registry = *impl_, .store = store, .options = options};
  if (auto ok = write.admit(object); !ok) return fail(ok.error());

  const std::string key = keyOf(ns, name);
  if (auto ok = checkSize(object); !ok && !options.dry_run) return fail(ok.error());
  if (store.objects.contains(key)) {
    return fail(ErrorCode::already_exists, fmt::format("{} \"{}\" already exists", type.qualifiedName(), name));
  }
  if (options.dry_run) return std::make_shared<const json::object>(std::move(object));
  const Object result = impl_->commit(store, key, nullptr, std::move(object));
  if (&type == impl_->definition_type) impl_->afterDefinition(*result, nullptr);
  impl_->deliver();
  return result;
}

Result<Object> Registry::update(const ResourceType& type, std::string_view ns, std::string_view name,
                                Subresource subresource, json::object object, const WriteOptions& options) {
  Impl::Store& store = impl_->storeOf(type);
  if (!store.served) return notServed();
  const std::string key = keyOf(type.namespaced ? ns : std::string_view(), name);
  const auto found = store.objects.find(key);
  if (found == store.objects.end()) return notFound(type, name);
  const Object stored = found->second;
  const json::object& old = *stored;

  json::object& sent = ensureObject(object, {"metadata"});
  const std::string_view old_uid = getString(old, {"metadata", "uid"});
  if (const auto uid = getString(sent, {"uid"}); !uid.empty() && uid != old_uid) {
    return conflict(
        type, name,
        fmt::format(
            "StorageError: invalid object, Code: 4, Key: /registry/{}{}/{}, ResourceVersion: 0, AdditionalErrorMsg: "
            "Precondition failed: UID in precondition: {}, UID in object meta: {}",
            type.custom ? type.group + "/" : std::string(), type.plural, key, uid, old_uid));
  }
  const auto version = getString(sent, {"resourceVersion"});
  if (!version.empty() && version != "0" && version != getString(old, {"metadata", "resourceVersion"})) {
    return conflict(type, name,
                    "the object has been modified; please apply your changes to the latest version and try again");
  }

  json::object next;
  if (subresource == Subresource::scale) {
    if (!type.has_scale) return notServed();
    const std::int64_t replicas = getInt(object, {"spec", "replicas"});
    if (replicas < 0) {
      return refuseInvalid(
          "autoscaling", "Scale", name,
          {fmt::format("spec.replicas: Invalid value: {}: must be greater than or equal to 0", replicas)},
          options.report);
    }
    next = old;
    setAt(next, type.scale_replicas, replicas);
    if (options.fields_tracked) copyManagers(object, next);
  } else if (subresource == Subresource::status && type.custom) {
    next = old;
    copyMember(object, "status", next);
    copyManagers(object, next);
  } else if (subresource == Subresource::status) {
    next = withStatusOf(type, old, std::move(object));
  } else {
    next = std::move(object);
    next["apiVersion"] = type.apiVersion();
    next["kind"] = type.kind;
    keepSystemMetadata(old.at("metadata").get_object(), next["metadata"].get_object());
    if (type.has_status) copyMember(old, "status", next);
  }
  const Impl::Write write{
      .registry = *impl_, .store = store, .options = options, .subresource = subresource, .old = &old};
  if (auto ok = write.admit(next); !ok) return fail(ok.error());
  if (subresource != Subresource::status && generationRises(type, old, next)) {
    next["metadata"].get_object()["generation"] = getInt(old, {"metadata", "generation"}) + 1;
  }
  if (sameJson(next, old) && !mayGo(type, next)) return stored;
  if (auto ok = checkSize(next); !ok && !options.dry_run) return fail(ok.error());
  return impl_->settle(store, key, stored, std::move(next), options.dry_run);
}

Result<Object> Registry::modify(const ResourceType& type, std::string_view ns, std::string_view name,
                                Subresource subresource, const std::function<void(json::object&)>& change,
                                const WriteOptions& options) {
  if (subresource == Subresource::scale) {
    auto current = scale(type, ns, name);
    if (!current) return fail(current.error());
    change(*current);
    return update(type, ns, name, subresource, std::move(*current), options);
  }
  const auto stored = get(type, ns, name);
  if (!stored) return fail(stored.error());
  json::object copy = **stored;
  change(copy);
  return update(type, ns, name, subresource, std::move(copy), options);
}

Result<Object> Registry::remove(const ResourceType& type, std::string_view ns, std::string_view name,
                                const DeleteOptions& options) {
  Impl::Store& store = impl_->storeOf(type);
  if (!store.served) return notServed();
  const std::string key = keyOf(type.namespaced ? ns : std::string_view(), name);
  const auto found = store.objects.find(key);
  if (found == store.objects.end()) return notFound(type, name);
  const Object stored = found->second;
  const std::string_view uid = getString(*stored, {"metadata", "uid"});
  const std::string_view version = getString(*stored, {"metadata", "resourceVersion"});
  const std::string kind = type.group.empty() ? type.kind : type.kind + "." + type.group;
  if (options.uid && *options.uid != uid) {
    return fail(ErrorCode::conflict, fmt::format("Operation cannot be fulfilled on {} \"{}\": the UID in the "
                                                 "precondition ({}) does not match the UID in record ({}). "
                                                 "The object might have been deleted and then recreated",
                                                 kind, name, *options.uid, uid));
  }
  if (options.resource_version && *options.resource_version != version) {
    return fail(ErrorCode::conflict, fmt::format("Operation cannot be fulfilled on {} \"{}\": the ResourceVersion in "
                                                 "the precondition ({}) does not match the "
                                                 "ResourceVersion in record ({}). The object might have been modified",
                                                 kind, name, *options.resource_version, version));
  }
  if (kind == "Namespace" && (name == "default" || name == "kube-system" || name == "kube-public")) {
    return fail(ErrorCode::forbidden,
                fmt::format("namespaces \"{}\" is forbidden: this namespace may not be deleted", name));
  }

  json::object next = *stored;
  markForDeletion({*this, type, impl_->clock.now()}, next, options);
  if (sameJson(next, *stored) && !mayGo(type, next)) return stored;
  if (auto& metadata = next["metadata"].get_object(); !isDeleting(*stored) && metadata.contains("generation")) {
    metadata["generation"] = getInt(metadata, {"generation"}) + 1;
  }
  const bool graceful = kind == "Pod";
  if (options.dry_run)
    return mayGo(type, next) && !graceful ? stored : std::make_shared<const json::object>(std::move(next));
  if (!mayGo(type, next)) return impl_->settle(store, key, stored, std::move(next), false);
  // Of kinds that go gracefully the last state is the one that was marked, however short that was.
  const Object last = graceful ? std::make_shared<const json::object>(std::move(next)) : stored;
  const Object result = impl_->commit(store, key, last, std::nullopt);
  impl_->afterRemoval(store);
  impl_->deliver();
  return result;
}

Result<Object> Registry::finalizeNamespace(std::string_view name, json::array finalizers) {
  const ResourceType& type = *resource("", "namespaces");
  Impl::Store& store = impl_->storeOf(type);
  const auto found = store.objects.find(name);
  if (found == store.objects.end()) return notFound(type, name);
  const Object stored = found->second;
  json::object next = *stored;
  ensureObject(next, {"spec"})["finalizers"] = std::move(finalizers);
  if (sameJson(next, *stored)) return stored;
  return impl_->settle(store, std::string(name), stored, std::move(next), false);
}

}  // namespace crossfade::local
