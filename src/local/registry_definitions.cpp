// How CustomResourceDefinitions come into force, and how they end.
#include "local/custom_resources.hpp"
#include "local/object_facts.hpp"
#include "local/registry_impl.hpp"

namespace crossfade::local {

namespace {

// A definition may be large: its generation says whether its spec changed.
bool sameGeneration(const json::object& a, const json::object& b) {
  return getInt(a, {"metadata", "generation"}) == getInt(b, {"metadata", "generation"});
}

}  // namespace

void Registry::Impl::serve(ResourceType type, Schemas schemas) {
  const std::string name = type.qualifiedName();
  if (const auto known = by_name.find(name); known != by_name.end()) {
    Store& store = *known->second;
    const bool converts = store.type.version != type.version;
    store.type = std::move(type);  // in place: pointers to it stay valid
    store.schemas = std::move(schemas);
    if (!converts) return;
    for (auto& [key, object] : store.objects) {
      json::object copy = *object;
      copy["apiVersion"] = store.type.apiVersion();
      object = std::make_shared<const json::object>(std::move(copy));
    }
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

void Registry::Impl::definitionChanged(const Event& event) {
  const json::object& definition = *event.object;
  if (event.type == Event::Type::deleted) {
    // The store stays, so that pointers to its type do, but nobody finds it any more.
    const auto known = by_name.find(nameOf(definition));
    if (known == by_name.end()) return;
    known->second->served = false;
    by_name.erase(known);
    return;
  }
  if (event.previous && sameGeneration(*event.previous, definition)) return;
  auto made = customResource(definition);
  if (!made) return;  // validation refused it before; one from an older program may still be odd
  serve(std::move(made->type), std::move(made->schemas));
}

void Registry::Impl::afterDefinition(const json::object& definition, const json::object* before) {
  const std::string name(nameOf(definition));
  if (isDeleting(definition)) return drainDefinition(name);
  if (before != nullptr && sameGeneration(*before, definition)) return;
  const TimePoint now = clock.now();
  static_cast<void>(self.modify(*definition_type, "", name, Subresource::status,
                                [now](json::object& copy) { establishDefinition(copy, now); },
                                {.field_manager = "kube-apiserver"}));
}

void Registry::Impl::afterRemoval(const Store& store) {
  if (!store.type.custom || !store.objects.empty()) return;
  const auto definition = self.get(*definition_type, "", store.type.qualifiedName());
  if (definition && isDeleting(**definition)) drainDefinition(store.type.qualifiedName());
}

void Registry::Impl::drainDefinition(std::string_view name) {
  const auto known = by_name.find(name);
  if (known != by_name.end()) {
    Store& store = *known->second;
    for (const Object& object : self.list(store.type)) {
      if (isDeleting(*object)) continue;
      static_cast<void>(self.remove(store.type, namespaceOf(*object), nameOf(*object)));
    }
    if (!store.objects.empty()) return;
  }
  static_cast<void>(self.modify(*definition_type, "", name, Subresource::none,
                                [](json::object& definition) { removeFinalizer(definition, definition_finalizer); },
                                {.field_manager = "kube-apiserver"}));
}

}  // namespace crossfade::local
