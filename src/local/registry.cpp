#include "local/registry.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "local/builtin_resources.hpp"
#include "local/object_facts.hpp"
#include "local/registry_impl.hpp"

namespace crossfade::local {

namespace {

std::int64_t integerAt(const json::object& object, const std::vector<std::string>& path) {
  const auto* value = valueAt(object, path);
  return value == nullptr ? 0 : asInteger(*value).value_or(0);
}

// The query syntax of what a scaled object selects its pods by; empty when it doesn't say.
std::string scaleSelector(const ResourceType& type, const json::object& object) {
  if (type.custom) {
    const auto* selector = valueAt(object, type.scale_selector);
    return selector != nullptr && selector->is_string() ? std::string(selector->get_string()) : std::string();
  }
  const auto* given = getObject(object, {"spec", "selector"});
  if (given == nullptr) return {};
  if (type.kind == "ReplicationController") return Selector::fromLabels(labelsFromJson(given)).toString();
  const auto selector = Selector::fromJson(*given);
  return selector ? selector->toString() : std::string();
}

}  // namespace

const json::value* valueAt(const json::object& object, const std::vector<std::string>& path) {
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

bool mayGo(const ResourceType& type, const json::object& object) {
  if (!isDeleting(object)) return false;
  const auto* finalizers = getArray(object, {"metadata", "finalizers"});
  if (finalizers != nullptr && !finalizers->empty()) return false;
  if (type.group.empty() && type.kind == "Pod") return getInt(object, {"metadata", "deletionGracePeriodSeconds"}) == 0;
  if (type.group.empty() && type.kind == "Namespace") {
    const auto* held = getArray(object, {"spec", "finalizers"});
    return held == nullptr || held->empty();
  }
  return true;
}

bool specDiffers(const ResourceType& type, const json::object& before, const json::object& after) {
  const auto counts = [&type](std::string_view key) {
    return key != "metadata" && key != "apiVersion" && key != "kind" && !(type.has_status && key == "status");
  };
  for (const auto& [key, value] : after) {
    if (!counts(key)) continue;
    const auto* other = before.if_contains(key);
    if (other == nullptr || !sameJson(*other, value)) return true;
  }
  return std::ranges::any_of(before,
                             [&](const auto& member) { return counts(member.key()) && !after.contains(member.key()); });
}

std::unexpected<Error> notFound(const ResourceType& type, std::string_view name) {
  return fail(ErrorCode::not_found, fmt::format("{} \"{}\" not found", type.qualifiedName(), name));
}

std::unexpected<Error> notServed() {
  return fail(ErrorCode::not_found, "the server could not find the requested resource");
}

std::unexpected<Error> conflict(const ResourceType& type, std::string_view name, std::string_view why) {
  return fail(ErrorCode::conflict,
              fmt::format("Operation cannot be fulfilled on {} \"{}\": {}", type.qualifiedName(), name, why));
}

std::unexpected<Error> refuseInvalid(std::string_view group, std::string_view kind, std::string_view name,
                                     std::vector<std::string> violations, WriteReport* report) {
  // A rule that fails twice is told once.
  std::vector<std::string_view> told;
  for (const std::string_view violation : violations) {
    if (std::ranges::find(told, violation) == told.end()) told.push_back(violation);
  }
  const std::string what = told.size() == 1 ? std::string(told.front()) : fmt::format("[{}]", fmt::join(told, ", "));
  if (report != nullptr) report->violations = std::move(violations);
  return fail(ErrorCode::invalid,
              fmt::format("{}{}{} \"{}\" is invalid: {}", kind, group.empty() ? "" : ".", group, name, what));
}

Registry::Impl::Impl(Registry& self, Clock& clock, Random& random)
    : self(self), clock(clock), random(random), garbage(self, clock) {}

Registry::Impl::~Impl() {
  if (drain_timer) clock.cancel(*drain_timer);
}

Registry::Impl::Store& Registry::Impl::storeOf(const ResourceType& type) const { return *by_type.at(&type); }

const Schema* Registry::Impl::schemaOf(const Store& store) const {
  const auto found = store.schemas.find(store.type.version);
  return found == store.schemas.end() ? nullptr : found->second.get();
}

Registry::Registry(Clock& clock, Random& random) : impl_(std::make_unique<Impl>(*this, clock, random)) {
  for (ResourceType& type : builtinResources()) {
    Schemas schemas;
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
  const auto found = objects.find(keyOf(type.namespaced ? ns : std::string_view(), name));
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

Result<json::object> Registry::scale(const ResourceType& type, std::string_view ns, std::string_view name) const {
  if (!type.has_scale) return notServed();
  const auto stored = get(type, ns, name);
  if (!stored) return fail(stored.error());
  const json::object& object = **stored;
  json::object metadata;
  for (const std::string_view key : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
    if (const auto* value = find(object, {"metadata", key})) metadata[key] = *value;
  }
  json::object spec;
  if (const auto replicas = integerAt(object, type.scale_replicas); replicas != 0) spec["replicas"] = replicas;
  json::object status{{"replicas", integerAt(object, type.scale_status_replicas)}};
  if (auto selector = scaleSelector(type, object); !selector.empty()) status["selector"] = std::move(selector);
  return json::object{{"kind", "Scale"},
                      {"apiVersion", "autoscaling/v1"},
                      {"metadata", std::move(metadata)},
                      {"spec", std::move(spec)},
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

}  // namespace crossfade::local
