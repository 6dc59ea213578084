#include "local/default_objects.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "local/embedded.hpp"

namespace crossfade::local {

namespace {

constexpr std::string_view account_name = "default";
constexpr std::string_view service_name = "kubernetes";

json::object kubernetesService() {
  return {{"metadata", json::object{{"name", service_name},
                                    {"labels", json::object{{"component", "apiserver"}, {"provider", "kubernetes"}}}}},
          {"spec",
           json::object{{"clusterIP", "10.96.0.1"},
                        {"ports", json::array{json::object{
                                      {"name", "https"}, {"port", 443}, {"protocol", "TCP"}, {"targetPort", 6443}}}}}}};
}

}  // namespace

DefaultObjects::DefaultObjects(Registry& registry, Clock& clock)
    : registry_(registry),
      namespaces_(*registry.resource("", "namespaces")),
      accounts_(*registry.resource("", "serviceaccounts")),
      services_(*registry.resource("", "services")),
      queue_(clock, [this](const std::string& ns) { complete(ns); }) {
  ensureService();
  for (const Object& ns : registry.list(namespaces_)) complete(std::string(getString(*ns, {"metadata", "name"})));
  namespace_events_ = registry.subscribe(&namespaces_, [this](const ResourceType&, const Event& event) {
    if (event.type == Event::Type::added) queue_.add(std::string(getString(*event.object, {"metadata", "name"})));
  });
  account_events_ = registry.subscribe(&accounts_, [this](const ResourceType&, const Event& event) {
    if (event.type == Event::Type::deleted && getString(*event.object, {"metadata", "name"}) == account_name) {
      queue_.add(std::string(getString(*event.object, {"metadata", "namespace"})));
    }
  });
  service_events_ = registry.subscribe(&services_, [this](const ResourceType&, const Event& event) {
    if (event.type == Event::Type::deleted && getString(*event.object, {"metadata", "name"}) == service_name)
      queue_.add("default");
  });
}

void DefaultObjects::ensureService() {
  if (registry_.get(services_, "default", service_name)) return;
  const auto made = registry_.create(services_, "default", kubernetesService(), {.field_manager = "kube-apiserver"});
  if (!made) log::error("bug: the service {}: {}", service_name, made.error().message);
}

void DefaultObjects::complete(const std::string& ns) {
  if (ns == "default") ensureService();
  const auto stored = registry_.get(namespaces_, "", ns);
  if (!stored || find(**stored, {"metadata", "deletionTimestamp"}) != nullptr) return;
  if (registry_.get(accounts_, ns, account_name)) return;
  const auto made = registry_.create(accounts_, ns, json::object{{"metadata", json::object{{"name", account_name}}}},
                                     {.field_manager = "kube-controller-manager"});
  if (!made) log::error("bug: the default service account of {}: {}", ns, made.error().message);
}

Result<> installDefinitions(Registry& registry) {
  const auto list = parseJson(embedded("crds.json"));
  const auto* items = list && list->is_object() ? getArray(list->get_object(), {"items"}) : nullptr;
  if (items == nullptr) return fail(ErrorCode::internal, "the embedded CustomResourceDefinitions can't be read");
  const ResourceType& type = *registry.resource("apiextensions.k8s.io", "customresourcedefinitions");
  const WriteOptions options{.field_manager = "crossfade-local"};
  for (const auto& item : *items) {
    const auto* definition = item.if_object();
    if (definition == nullptr) continue;
    const std::string name(getString(*definition, {"metadata", "name"}));
    const auto* spec = definition->if_contains("spec");
    const bool known = registry.get(type, "", name).has_value();
    const auto written =
        known && spec != nullptr
            ? registry.modify(
                  type, "", name, Subresource::none, [spec](json::object& object) { object["spec"] = *spec; }, options)
            : registry.create(type, "", *definition, options);
    if (!written)
      return fail(written.error().code, fmt::format("the embedded definition {}: {}", name, written.error().message));
  }
  return {};
}

}  // namespace crossfade::local
