#include "local/registry.hpp"

#include <fmt/format.h>

#include <deque>
#include <map>
#include <set>
#include <unordered_map>

#include "base/log.hpp"
#include "local/admission.hpp"
#include "local/builtin_resources.hpp"
#include "local/custom_resources.hpp"
#include "local/garbage.hpp"
#include "local/patch.hpp"
#include "local/schema.hpp"

namespace crossfade::local {

namespace {

// Enough for a watch that lost its connection for a while; older ones list again.
constexpr std::size_t remembered_events = 8192;
constexpr int generated_name_attempts = 8;

// etcd's key: it decides the order of lists.
std::string storageKey(std::string_view ns, std::string_view name) {
  return ns.empty() ? std::string(name) : fmt::format("{}/{}", ns, name);
}

std::unexpected<Error> notFound(const ResourceType& type, std::string_view name) {
  return fail(ErrorCode::not_found, fmt::format("{} \"{}\" not found", type.qualifiedName(), name));
}

std::unexpected<Error> conflict(const ResourceType& type, std::string_view name, std::string_view why) {
  return fail(ErrorCode::conflict,
              fmt::format("Operation cannot be fulfilled on {} \"{}\": {}", type.qualifiedName(), name, why));
}

constexpr std::string_view modified_message =
    "the object has been modified; please apply your changes to the latest version and try again";

std::unexpected<Error> invalid(const ResourceType& type, std::string_view name, std::vector<std::string> violations,
                               WriteReport* report) {
  const std::string kind = type.group.empty() ? type.kind : type.kind + "." + type.group;
  std::string message = violations.size() == 1
                            ? fmt::format("{} \"{}\" is invalid: {}", kind, name, violations.front())
                            : fmt::format("{} \"{}\" is invalid: [{}]", kind, name, fmt::join(violations, ", "));
  if (report != nullptr) report->violations = std::move(violations);
  return fail(ErrorCode::invalid, std::move(message));
}

// True when anything but metadata (and status, where that is a subresource) differs.
bool specDiffers(const ResourceType& type, const json::object& before, const json::object& after) {
  const auto counts = [&type](std::string_view key) {
    return key != "metadata" && key != "apiVersion" && key != "kind" && !(type.has_status && key == "status");
  };
  for (const auto& [key, value] : after) {
    if (!counts(key)) continue;
    const auto* other = before.if_contains(key);
    if (other == nullptr || *other != value) return true;
  }
  for (const auto& [key, value] : before) {
    if (counts(key) && !after.contains(key)) return true;
  }
  return false;
}

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
  metadata.erase("selfLink");
  if (!metadata.contains("managedFields")) {
    if (const auto* fields = stored.if_contains("managedFields")) metadata["managedFields"] = *fields;
  }
}

void dropEmpty(json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr) return;
  const bool empty = value->is_null() || (value->is_array() && value->get_array().empty()) ||
                     (value->is_object() && value->get_object().empty()) ||
                     (value->is_string() && value->get_string().empty());
  if (empty) object.erase(key);
}

// What an encoder with omitempty leaves out.
void tidyMetadata(json::object& metadata) {
  for (const std::string_view key :
       {"generateName", "namespace", "labels", "annotations", "finalizers", "ownerReferences", "managedFields",
        "deletionTimestamp", "selfLink", "resourceVersion", "uid"}) {
    dropEmpty(metadata, key);
  }
}

json::value* walk(json::object& object, const std::vector<std::string>& path) {
  json::object* at = &object;
  for (std::size_t i = 0; i + 1 < path.size(); ++i) at = &ensureObject(*at, {path[i]});
  return path.empty() ? nullptr : &(*at)[path.back()];
}

const json::value* walk(const json::object& object, const std::vector<std::string>& path) {
  const json::object* at = &object;
  const json::value* value = nullptr;
  for (const auto& step : path) {
    if (at == nullptr) return nullptr;
    value = at->if_contains(step);
    if (value == nullptr) return nullptr;
    at = value->if_object();
  }
  return value;
}

}  // namespace

class Registry::Subscription {
 public:
  const ResourceType* type = nullptr;
  std::function<void(const ResourceType&, const Event&)> callback;
};

struct Registry::Impl {
  // Everything about one served resource.
  struct Store {
    ResourceType type;
    bool served = true;
    std::map<std::string, Object, std::less<>> objects;  // by storageKey
    std::deque<Event> history;
    std::uint64_t forgotten = 0;  // events up to here are gone
    std::map<std::string, std::shared_ptr<const Schema>, std::less<>> schemas;
  };

  Impl(Registry& self, Clock& clock, Random& random) : self(self), clock(clock), random(random), garbage(self, clock) {}

  Store& storeOf(const ResourceType& type) const { return *by_type.at(&type); }

  void serve(ResourceType type, std::map<std::string, std::shared_ptr<const Schema>, std::less<>> schemas) {
    const std::string name = type.qualifiedName();
    if (const auto known = by_name.find(name); known != by_name.end()) {
      known->second->type = std::move(type);  // in place: pointers to it stay valid
      known->second->schemas = std::move(schemas);
      return;
    }
    auto store = std::make_unique<Store>();
    store->type = std::move(type);
    store->schemas = std::move(schemas);
    store->forgotten = version;
    by_name.emplace(name, store.get());
    by_type.emplace(&store->type, store.get());
    stores.push_back(std::move(store));
  }

  // The store stays, so that pointers to its type do, but nobody finds it any more.
  void retire(Store& store) {
    store.served = false;
    by_name.erase(store.type.qualifiedName());
  }

  // Makes a change visible: history, indexes, journal, subscribers. `next` is null for a deletion.
  Object commit(Store& store, const std::string& key, Object previous, std::optional<json::object> next) {
    ++version;
    const Event::Type kind = !next ? Event::Type::deleted : previous ? Event::Type::modified : Event::Type::added;
    json::object state = next ? std::move(*next) : *previous;
    state["metadata"].get_object()["resourceVersion"] = std::to_string(version);
    const Object object = std::make_shared<const json::object>(std::move(state));
    if (kind == Event::Type::deleted) {
      store.objects.erase(key);
    } else {
      store.objects[key] = object;
    }
    const Event event{kind, object, std::move(previous), version};
    store.history.push_back(event);
    if (store.history.size() > remembered_events) {
      store.forgotten = store.history.front().resource_version;
      store.history.pop_front();
    }
    if (journal != nullptr) journal->committed(store.type, event);
    garbage.observe(store.type, event);
    if (store.type.kind == "CustomResourceDefinition") definitionChanged(event);
    undelivered.emplace_back(&store, event);
    return object;
  }

  // Hands out committed events in order. Writes made by a callback queue up behind the one it was called for.
  void deliver() {
    if (delivering) return;
    delivering = true;
    while (!undelivered.empty()) {
      const auto [store, event] = std::move(undelivered.front());
      undelivered.pop_front();
      for (std::size_t i = 0; i < subscriptions.size(); ++i) {
        const auto subscription = subscriptions[i].lock();
        if (subscription && (subscription->type == nullptr || subscription->type == &store->type)) {
          subscription->callback(store->type, event);
        }
      }
      std::erase_if(subscriptions, [](const auto& subscription) { return subscription.expired(); });
    }
    delivering = false;
  }

  // Serves what a CustomResourceDefinition says, or stops to.
  void definitionChanged(const Event& event) {
    const json::object& definition = *event.object;
    const std::string name(getString(definition, {"metadata", "name"}));
    if (event.type == Event::Type::deleted) {
      if (const auto known = by_name.find(name); known != by_name.end()) retire(*known->second);
      return;
    }
    if (event.previous && !specDiffers(*definition_type, *event.previous, definition)) return;
    auto made = customResource(definition);
    if (!made) return;  // validation refused it before; a restored one from an older program may still be odd
    serve(std::move(made->type), std::move(made->schemas));
  }

  // The conditions that a new definition gets a moment after it was created.
  void establish(std::string_view name) {
    const TimePoint now = clock.now();
    static_cast<void>(self.modify(*definition_type, "", name, Subresource::status,
                                  [now](json::object& definition) { establishDefinition(definition, formatTime(now)); },
                                  {.field_manager = "kube-apiserver"}));
  }

  // A definition that is being deleted goes when the last of its objects has gone.
  void drainDefinition(std::string_view name) {
    const auto known = by_name.find(name);
    if (known == by_name.end()) return;
    Store& store = *known->second;
    std::vector<Object> doomed;
    for (const auto& [key, object] : store.objects) doomed.push_back(object);
    for (const auto& object : doomed) {
      static_cast<void>(self.remove(store.type, getString(*object, {"metadata", "namespace"}),
                                    getString(*object, {"metadata", "name"})));
    }
    if (!store.objects.empty()) return;
    static_cast<void>(self.modify(*definition_type, "", name, Subresource::none,
                                  [](json::object& definition) { removeFinalizer(definition, definition_finalizer); }));
  }

  Result<void> checkNamespace(const ResourceType& type, std::string_view ns, std::string_view name) const {
    const auto& namespaces = by_name.find("namespaces")->second->objects;
    const auto found = namespaces.find(ns);
    if (found == namespaces.end()) return fail(ErrorCode::not_found, fmt::format("namespaces \"{}\" not found", ns));
    if (find(*found->second, {"metadata", "deletionTimestamp"}) != nullptr) {
      return fail(
          ErrorCode::forbidden,
          fmt::format(
              "{} \"{}\" is forbidden: unable to create new content in namespace {} because it is being terminated",
              type.qualifiedName(), name, ns));
    }
    return {};
  }

  // Pruning, defaults and every rule that says no. `old` is null on create.
  Result<void> admit(Store& store, json::object& object, const json::object* old, const WriteOptions& options) {
    const auto schema = store.schemas.find(store.type.version);
    std::vector<std::string> unknown;
    if (schema != store.schemas.end() && schema->second) {
      schema->second->prune(object, unknown);
      schema->second->applyDefaults(object);
    }
    if (options.report != nullptr) options.report->unknown_fields = std::move(unknown);
    const AdmissionContext context{self, store.type, clock.now()};
    if (old == nullptr) {
      prepareForCreate(context, object);
    } else {
      prepareForUpdate(context, *old, object);
    }
    tidyMetadata(object["metadata"].get_object());
    std::vector<std::string> violations = validateMetadata(store.type, object["metadata"].get_object());
    if (schema != store.schemas.end() && schema->second) {
      auto more = schema->second->validate(object, old);
      violations.insert(violations.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    }
    validateKind(context, object, old, violations);
    if (!violations.empty()) {
      return invalid(store.type, getString(object, {"metadata", "name"}), std::move(violations), options.report);
    }
    return {};
  }

  const Schema* schemaOf(const Store& store) const {
    const auto found = store.schemas.find(store.type.version);
    return found == store.schemas.end() ? nullptr : found->second.get();
  }

  void track(const Store& store, const json::object* before, json::object& after, Subresource subresource,
             const WriteOptions& options) const {
    if (options.fields_tracked || options.field_manager.empty()) return;
    const std::string_view part = subresource == Subresource::status  ? "status"
                                  : subresource == Subresource::scale ? "scale"
                                                                      : "";
    trackUpdate(before, after, schemaOf(store), options.field_manager, store.type.apiVersion(), part,
                formatTime(clock.now()));
  }

  // The last step of every update: stores, or removes an object that only its finalizers held.
  Object settle(Store& store, const std::string& key, const Object& stored, json::object next, bool dry_run) {
    const bool gone = mayGo(store.type, next);
    if (dry_run) return std::make_shared<const json::object>(std::move(next));
    const Object result = [&] {
      if (!gone) return commit(store, key, stored, std::move(next));
      // The last finalizer is gone: what watchers see as deleted is the state without it.
      return commit(store, key, std::make_shared<const json::object>(std::move(next)), std::nullopt);
    }();
    const bool definition = &store.type == definition_type;
    if (definition && !gone) afterDefinition(*result, stored.get());
    afterRemoval(store, gone);
    deliver();
    return result;
  }

  void afterDefinition(const json::object& definition, const json::object* before) {
    const std::string name(getString(definition, {"metadata", "name"}));
    if (find(definition, {"metadata", "deletionTimestamp"}) != nullptr) {
      drainDefinition(name);
    } else if (before == nullptr || specDiffers(*definition_type, *before, definition)) {
      establish(name);
    }
  }

  // The last object of a kind whose definition waits for it.
  void afterRemoval(const Store& store, bool gone) {
    if (!gone || !store.type.custom || !store.objects.empty()) return;
    const auto& definitions = storeOf(*definition_type).objects;
    const auto definition = definitions.find(store.type.qualifiedName());
    if (definition != definitions.end() && find(*definition->second, {"metadata", "deletionTimestamp"}) != nullptr) {
      drainDefinition(store.type.qualifiedName());
    }
  }

  static bool mayGo(const ResourceType& type, const json::object& object) {
    if (find(object, {"metadata", "deletionTimestamp"}) == nullptr) return false;
    const auto* finalizers = getArray(object, {"metadata", "finalizers"});
    if (finalizers != nullptr && !finalizers->empty()) return false;
    if (type.group.empty() && type.kind == "Pod")
      return getInt(object, {"metadata", "deletionGracePeriodSeconds"}) == 0;
    if (type.group.empty() && type.kind == "Namespace") {
      const auto* held = getArray(object, {"spec", "finalizers"});
      return held == nullptr || held->empty();
    }
    return true;
  }

  Registry& self;
  Clock& clock;
  Random& random;
  std::vector<std::unique_ptr<Store>> stores;
  std::map<std::string, Store*, std::less<>> by_name;  // "deployments.apps", served ones only
  std::unordered_map<const ResourceType*, Store*> by_type;
  const ResourceType* definition_type = nullptr;
  std::uint64_t version = 0;
  std::deque<std::pair<Store*, Event>> undelivered;
  bool delivering = false;
  std::vector<std::weak_ptr<Subscription>> subscriptions;
  Journal* journal = nullptr;
  GarbageCollector garbage;
};

Registry::Registry(Clock& clock, Random& random) : impl_(std::make_unique<Impl>(*this, clock, random)) {
  for (ResourceType& type : builtinResources()) {
    std::map<std::string, std::shared_ptr<const Schema>, std::less<>> schemas;
    for (const auto& version : type.versions) {
      if (auto schema = builtinSchema(type.group, version, type.kind)) schemas.emplace(version, std::move(schema));
    }
    impl_->serve(std::move(type), std::move(schemas));
  }
  impl_->definition_type = resource("apiextensions.k8s.io", "customresourcedefinitions");
  const ResourceType& namespaces = *resource("", "namespaces");
  for (const std::string_view name : {"default", "kube-node-lease", "kube-public", "kube-system"}) {
    const auto made = create(namespaces, "", json::object{{"metadata", json::object{{"name", name}}}},
                             {.field_manager = "kube-apiserver"});
    if (!made) log::error("bug: namespace {}: {}", name, made.error().message);
  }
}

Registry::~Registry() = default;

const ResourceType* Registry::resource(std::string_view group, std::string_view plural) const {
  const auto found =
      group.empty() ? impl_->by_name.find(plural) : impl_->by_name.find(fmt::format("{}.{}", plural, group));
  return found == impl_->by_name.end() ? nullptr : &found->second->type;
}

const ResourceType* Registry::kind(std::string_view group, std::string_view kind) const {
  for (const auto& store : impl_->stores) {
    if (store->served && store->type.group == group && store->type.kind == kind) return &store->type;
  }
  return nullptr;
}

std::vector<const ResourceType*> Registry::resources() const {
  std::vector<const ResourceType*> types;
  for (const auto& store : impl_->stores) {
    if (store->served) types.push_back(&store->type);
  }
  return types;
}

Result<Object> Registry::get(const ResourceType& type, std::string_view ns, std::string_view name) const {
  const auto& objects = impl_->storeOf(type).objects;
  const auto found = objects.find(storageKey(type.namespaced ? ns : std::string_view(), name));
  if (found == objects.end()) return notFound(type, name);
  return found->second;
}

std::vector<Object> Registry::list(const ResourceType& type, std::string_view ns, const Selector& selector) const {
  const auto& objects = impl_->storeOf(type).objects;
  const std::string prefix = ns.empty() || !type.namespaced ? std::string() : fmt::format("{}/", ns);
  std::vector<Object> result;
  for (auto it = objects.lower_bound(prefix); it != objects.end() && it->first.starts_with(prefix); ++it) {
    if (selector.empty() || selector.matches(labelsFromJson(getObject(*it->second, {"metadata", "labels"})))) {
      result.push_back(it->second);
    }
  }
  return result;
}

Result<Object> Registry::create(const ResourceType& type, std::string_view ns, json::object object,
                                const WriteOptions& options) {
  Impl::Store& store = impl_->storeOf(type);
  object["apiVersion"] = type.apiVersion();
  object["kind"] = type.kind;
  json::object& metadata = ensureObject(object, {"metadata"});
  if (type.namespaced) {
    const auto given = getString(metadata, {"namespace"});
    if (!given.empty() && given != ns) {
      return fail(ErrorCode::invalid,
                  "the namespace of the provided object does not match the namespace sent on the request");
    }
    metadata["namespace"] = ns;
  } else {
    metadata.erase("namespace");
    ns = {};
  }
  for (const std::string_view key : {"deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "generation"}) {
    metadata.erase(key);
  }
  if (!getString(metadata, {"resourceVersion"}).empty()) {
    return fail(ErrorCode::invalid, "resourceVersion should not be set on objects to be created");
  }
  if (!options.fields_tracked) metadata.erase("managedFields");
  if (!getString(metadata, {"uid"}).empty()) {
    const std::string name(getString(metadata, {"name"}));
    return conflict(type, name,
                    fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: ",
                                getString(metadata, {"uid"})));
  }
  const std::string base(getString(metadata, {"generateName"}));
  const bool generated = getString(metadata, {"name"}).empty() && !base.empty();
  if (generated) {
    // The API server's rule: names above 63 characters lose their tail before the suffix, not the suffix.
    const std::string head = base.substr(0, 58);
    for (int attempt = 0; attempt < generated_name_attempts; ++attempt) {
      metadata["name"] = head + impl_->random.nameSuffix();
      if (!store.objects.contains(storageKey(ns, getString(metadata, {"name"})))) break;
    }
  }
  const std::string name(getString(metadata, {"name"}));
  if (type.namespaced) {
    if (auto ok = impl_->checkNamespace(type, ns, name); !ok) return fail(ok.error());
  }
  metadata["uid"] = impl_->random.uuid();
  metadata["creationTimestamp"] = formatTime(impl_->clock.now());
  if (type.generation) metadata["generation"] = 1;
  if (auto ok = impl_->admit(store, object, nullptr, options); !ok) return fail(ok.error());

  const std::string key = storageKey(ns, name);
  if (store.objects.contains(key)) {
    return fail(ErrorCode::already_exists, fmt::format("{} \"{}\" already exists", type.qualifiedName(), name));
  }
  impl_->track(store, nullptr, object, Subresource::none, options);
  if (options.dry_run) return std::make_shared<const json::object>(std::move(object));
  const Object result = impl_->commit(store, key, nullptr, std::move(object));
  if (&type == impl_->definition_type) impl_->afterDefinition(*result, nullptr);
  impl_->deliver();
  return result;
}

Result<Object> Registry::update(const ResourceType& type, std::string_view ns, std::string_view name,
                                Subresource subresource, json::object object, const WriteOptions& options) {
  Impl::Store& store = impl_->storeOf(type);
  const std::string key = storageKey(type.namespaced ? ns : std::string_view(), name);
  const auto found = store.objects.find(key);
  if (found == store.objects.end()) return notFound(type, name);
  const Object stored = found->second;
  const json::object& old = *stored;

  json::object& sent = ensureObject(object, {"metadata"});
  if (const auto uid = getString(sent, {"uid"}); !uid.empty() && uid != getString(old, {"metadata", "uid"})) {
    return conflict(type, name,
                    fmt::format("Precondition failed: UID in precondition: {}, UID in object meta: {}", uid,
                                getString(old, {"metadata", "uid"})));
  }
  const auto version = getString(sent, {"resourceVersion"});
  if (!version.empty() && version != "0" && version != getString(old, {"metadata", "resourceVersion"})) {
    return conflict(type, name, modified_message);
  }

  json::object next;
  if (subresource == Subresource::scale) {
    if (!type.has_scale) return fail(ErrorCode::not_found, "the server could not find the requested resource");
    const std::int64_t replicas = getInt(object, {"spec", "replicas"});
    if (replicas < 0) {
      std::vector<std::string> violations{
          fmt::format("spec.replicas: Invalid value: {}: must be greater than or equal to 0", replicas)};
      static const ResourceType scale_type{.group = "autoscaling",
                                           .version = "v1",
                                           .kind = "Scale",
                                           .plural = "scales",
                                           .singular = "scale",
                                           .short_names = {},
                                           .categories = {},
                                           .versions = {},
                                           .scale_replicas = {},
                                           .scale_status_replicas = {},
                                           .scale_selector = {}};
      return invalid(scale_type, name, std::move(violations), options.report);
    }
    next = old;
    *walk(next, type.scale_replicas) = replicas;
    if (options.fields_tracked) {
      if (const auto* fields = find(object, {"metadata", "managedFields"}))
        next["metadata"].get_object()["managedFields"] = *fields;
    }
  } else if (subresource == Subresource::status) {
    next = old;
    if (const auto* status = object.if_contains("status")) {
      next["status"] = *status;
    } else {
      next.erase("status");
    }
    if (const auto* fields = sent.if_contains("managedFields"))
      next["metadata"].get_object()["managedFields"] = *fields;
  } else {
    next = std::move(object);
    next["apiVersion"] = type.apiVersion();
    next["kind"] = type.kind;
    keepSystemMetadata(old.at("metadata").get_object(), next["metadata"].get_object());
    if (type.has_status) {
      if (const auto* status = old.if_contains("status")) {
        next["status"] = *status;
      } else {
        next.erase("status");
      }
    }
  }
  if (auto ok = impl_->admit(store, next, &old, options); !ok) return fail(ok.error());
  if (find(old, {"metadata", "deletionTimestamp"}) != nullptr) {
    if (auto violation = newFinalizers(old, next)) return invalid(type, name, {*violation}, options.report);
  }
  if (subresource != Subresource::status && type.generation && specDiffers(type, old, next)) {
    next["metadata"].get_object()["generation"] = getInt(old, {"metadata", "generation"}) + 1;
  }
  if (next == old && !Impl::mayGo(type, next)) return stored;
  impl_->track(store, &old, next, subresource, options);
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
  const std::string key = storageKey(type.namespaced ? ns : std::string_view(), name);
  const auto found = store.objects.find(key);
  if (found == store.objects.end()) return notFound(type, name);
  const Object stored = found->second;
  const std::string_view uid = getString(*stored, {"metadata", "uid"});
  const std::string_view version = getString(*stored, {"metadata", "resourceVersion"});
  const std::string kind = type.group.empty() ? type.kind : type.kind + "." + type.group;
  if (options.uid && *options.uid != uid) {
    return fail(
        ErrorCode::conflict,
        fmt::format(
            "Operation cannot be fulfilled on {} \"{}\": the UID in the precondition ({}) does not match the UID in "
            "record ({}). The object might have been deleted and then recreated",
            kind, name, *options.uid, uid));
  }
  if (options.resource_version && *options.resource_version != version) {
    return fail(
        ErrorCode::conflict,
        fmt::format(
            "Operation cannot be fulfilled on {} \"{}\": the ResourceVersion in the precondition ({}) does not match "
            "the ResourceVersion in record ({}). The object might have been modified",
            kind, name, *options.resource_version, version));
  }
  const bool core = type.group.empty();
  if (core && type.kind == "Namespace" && (name == "default" || name == "kube-system" || name == "kube-public")) {
    return fail(ErrorCode::forbidden,
                fmt::format("namespaces \"{}\" is forbidden: this namespace may not be deleted", name));
  }

  json::object next = *stored;
  const bool deleting = find(next, {"metadata", "deletionTimestamp"}) != nullptr;
  markForDeletion({*this, type, impl_->clock.now()}, next, options);
  if (!Impl::mayGo(type, next)) {
    if (next == *stored || options.dry_run) return stored;
    auto& metadata = next["metadata"].get_object();
    if (!deleting && metadata.contains("generation")) metadata["generation"] = getInt(metadata, {"generation"}) + 1;
    return impl_->settle(store, key, stored, std::move(next), false);
  }
  if (options.dry_run) return stored;
  const Object result = impl_->commit(store, key, stored, std::nullopt);
  impl_->afterRemoval(store, true);
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
  if (next == *stored) return stored;
  return impl_->settle(store, std::string(name), stored, std::move(next), false);
}

Result<json::object> Registry::scale(const ResourceType& type, std::string_view ns, std::string_view name) const {
  if (!type.has_scale) return fail(ErrorCode::not_found, "the server could not find the requested resource");
  const auto stored = get(type, ns, name);
  if (!stored) return fail(stored.error());
  const json::object& object = **stored;
  json::object metadata;
  for (const std::string_view key : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
    if (const auto* value = find(object, {"metadata", key})) metadata[key] = *value;
  }
  const auto integer = [&object](const std::vector<std::string>& path) {
    const auto* value = walk(object, path);
    return value == nullptr ? 0 : asInteger(*value).value_or(0);
  };
  json::object status{{"replicas", integer(type.scale_status_replicas)}};
  if (type.custom) {
    if (const auto* selector = walk(object, type.scale_selector); selector != nullptr && selector->is_string()) {
      status["selector"] = *selector;
    }
  } else if (type.kind == "ReplicationController") {
    status["selector"] = Selector::fromLabels(labelsFromJson(getObject(object, {"spec", "selector"}))).toString();
  } else if (const auto* given = getObject(object, {"spec", "selector"})) {
    if (const auto selector = Selector::fromJson(*given)) status["selector"] = selector->toString();
  }
  return json::object{{"kind", "Scale"},
                      {"apiVersion", "autoscaling/v1"},
                      {"metadata", std::move(metadata)},
                      {"spec", json::object{{"replicas", integer(type.scale_replicas)}}},
                      {"status", std::move(status)}};
}

const Schema* Registry::schema(const ResourceType& type, std::string_view version) const {
  const auto& schemas = impl_->storeOf(type).schemas;
  const auto found = schemas.find(version.empty() ? std::string_view(type.version) : version);
  return found == schemas.end() ? nullptr : found->second.get();
}

std::shared_ptr<Registry::Subscription> Registry::subscribe(
    const ResourceType* type, std::function<void(const ResourceType&, const Event&)> callback) {
  auto subscription = std::make_shared<Subscription>();
  subscription->type = type;
  subscription->callback = std::move(callback);
  impl_->subscriptions.push_back(subscription);
  return subscription;
}

std::uint64_t Registry::resourceVersion() const { return impl_->version; }

std::uint64_t Registry::oldestResourceVersion(const ResourceType& type) const { return impl_->storeOf(type).forgotten; }

Result<std::vector<Event>> Registry::eventsSince(const ResourceType& type, std::uint64_t resource_version) const {
  const Impl::Store& store = impl_->storeOf(type);
  if (resource_version < store.forgotten) {
    return fail(ErrorCode::gone, fmt::format("too old resource version: {} ({})", resource_version, store.forgotten));
  }
  const auto first = std::ranges::upper_bound(store.history, resource_version, {}, &Event::resource_version);
  return std::vector<Event>(first, store.history.end());
}

Result<std::vector<Object>> Registry::listAt(const ResourceType& type, std::string_view ns,
                                             std::uint64_t resource_version) const {
  const auto since = eventsSince(type, resource_version);
  if (!since) return fail(since.error());
  if (since->empty()) return list(type, ns);
  // Undo what happened since, newest first.
  std::map<std::string, Object, std::less<>> objects = impl_->storeOf(type).objects;
  for (auto event = since->rbegin(); event != since->rend(); ++event) {
    const std::string key = storageKey(getString(*event->object, {"metadata", "namespace"}),
                                       getString(*event->object, {"metadata", "name"}));
    if (event->previous) {
      objects[key] = event->previous;
    } else {
      objects.erase(key);
    }
  }
  std::vector<Object> result;
  for (const auto& [key, object] : objects) {
    if (ns.empty() || !type.namespaced || getString(*object, {"metadata", "namespace"}) == ns) result.push_back(object);
  }
  return result;
}

void Registry::compact() {
  for (const auto& store : impl_->stores) {
    store->history.clear();
    store->forgotten = impl_->version;
  }
}

void Registry::setJournal(Journal* journal) { impl_->journal = journal; }

bool Registry::restore(std::string_view group, std::string_view plural, json::object object) {
  const ResourceType* type = resource(group, plural);
  if (type == nullptr || !object.contains("metadata") || !object["metadata"].is_object()) return false;
  Impl::Store& store = impl_->storeOf(*type);
  const std::string key =
      storageKey(getString(object, {"metadata", "namespace"}), getString(object, {"metadata", "name"}));
  const Object stored = std::make_shared<const json::object>(std::move(object));
  Object& slot = store.objects[key];
  const Event event{slot ? Event::Type::modified : Event::Type::added, stored, slot, impl_->version};
  if (slot) impl_->garbage.observe(*type, {Event::Type::deleted, slot, slot, impl_->version});
  slot = stored;
  impl_->garbage.observe(*type, {Event::Type::added, stored, nullptr, impl_->version});
  if (type == impl_->definition_type) impl_->definitionChanged({Event::Type::added, stored, nullptr, impl_->version});
  return true;
}

void Registry::restoreResourceVersion(std::uint64_t resource_version) {
  impl_->version = std::max(impl_->version, resource_version);
  compact();
}

}  // namespace crossfade::local
