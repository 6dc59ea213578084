#include "local/discovery.hpp"

#include <fmt/format.h>
#include <openssl/sha.h>

#include "base/base64.hpp"
#include "local/builtin_resources.hpp"

namespace crossfade::local {

namespace {

std::string groupVersion(std::string_view group, std::string_view version) {
  return group.empty() ? std::string(version) : fmt::format("{}/{}", group, version);
}

json::array strings(const auto& items) {
  json::array array;
  for (const auto& item : items) array.emplace_back(item);
  return array;
}

json::array verbsOf(const ResourceType& type) {
  // The order in which the part of the API server that serves custom resources lists them.
  if (type.custom) return {"delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"};
  if (type.group.empty() && type.plural == "namespaces") {
    return {"create", "delete", "get", "list", "patch", "update", "watch"};
  }
  return {"create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"};
}

bool serves(const ResourceType& type, std::string_view group, std::string_view version) {
  return type.group == group && std::ranges::find(type.versions, version) != type.versions.end();
}

// Tells clients when objects are stored in another version than before.
std::string storageVersionHash(const ResourceType& type) {
  const std::string text = fmt::format("{}/{}/{}", type.group, type.version, type.kind);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return encodeBase64(std::string_view(reinterpret_cast<const char*>(digest.data()), 8));
}

// One entry of the aggregated form.
json::object aggregatedResource(const ResourceType& type, std::string_view version, const json::object* definition) {
  const auto kind = [](std::string_view group, std::string_view version, std::string_view kind) {
    return json::object{{"group", group}, {"version", version}, {"kind", kind}};
  };
  const json::array on_status{"get", "patch", "update"};
  json::object resource{{"resource", type.plural},
                        {"responseKind", kind("", "", type.kind)},
                        {"scope", type.namespaced ? "Namespaced" : "Cluster"},
                        {"singularResource", type.singular},
                        {"verbs", verbsOf(type)}};
  if (!type.short_names.empty()) resource["shortNames"] = strings(type.short_names);
  if (!type.categories.empty()) resource["categories"] = strings(type.categories);
  json::array subresources;
  for (const auto& extra : extraSubresources(type)) {
    subresources.push_back(json::object{{"subresource", extra.name},
                                        {"responseKind", kind(extra.group, extra.version, extra.kind)},
                                        {"verbs", strings(extra.verbs)}});
  }
  if (hasSubresource(type, version, definition, "scale")) {
    subresources.push_back(json::object{
        {"subresource", "scale"}, {"responseKind", kind("autoscaling", "v1", "Scale")}, {"verbs", on_status}});
  }
  if (hasSubresource(type, version, definition, "status")) {
    subresources.push_back(
        json::object{{"subresource", "status"}, {"responseKind", kind("", "", type.kind)}, {"verbs", on_status}});
  }
  if (!subresources.empty()) resource["subresources"] = std::move(subresources);
  return resource;
}

}  // namespace

const std::vector<VirtualResource>& virtualResources() {
  static const std::vector<VirtualResource> resources{
      {"", "v1", "Binding", "bindings", "binding", true},
      {"authentication.k8s.io", "v1", "SelfSubjectReview", "selfsubjectreviews", "selfsubjectreview"},
      {"authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews", "selfsubjectaccessreview"},
      {"authorization.k8s.io", "v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews", "selfsubjectrulesreview"},
  };
  return resources;
}

std::vector<ExtraSubresource> extraSubresources(const ResourceType& type) {
  if (!type.group.empty()) return {};
  if (type.plural == "pods") {
    return {{"binding", "", "v1", "Binding", {"create"}},
            {"eviction", "policy", "v1", "Eviction", {"create"}},
            {"log", "", "v1", "Pod", {"get"}}};
  }
  if (type.plural == "serviceaccounts") return {{"token", "authentication.k8s.io", "v1", "TokenRequest", {"create"}}};
  if (type.plural == "namespaces") return {{"finalize", "", "v1", "Namespace", {"update"}}};
  return {};
}

Object definitionOf(const Registry& registry, const ResourceType& type) {
  if (!type.custom) return nullptr;
  const auto found =
      registry.get(*registry.resource("apiextensions.k8s.io", "customresourcedefinitions"), "", type.qualifiedName());
  return found ? *found : nullptr;
}

bool hasSubresource(const ResourceType& type, std::string_view version, const json::object* definition,
                    std::string_view name) {
  if (definition == nullptr) return name == "status" ? type.has_status : type.has_scale;
  const auto* versions = getArray(*definition, {"spec", "versions"});
  return versions != nullptr && std::ranges::any_of(*versions, [&](const json::value& item) {
           return item.is_object() && getString(item.get_object(), {"name"}) == version &&
                  find(item.get_object(), {"subresources", name}) != nullptr;
         });
}

bool Discovery::isBuiltinGroup(std::string_view group) const {
  return std::ranges::any_of(registry_.resources(),
                             [group](const ResourceType* type) { return type->group == group && !type->custom; }) ||
         std::ranges::any_of(virtualResources(),
                             [group](const VirtualResource& resource) { return resource.group == group; });
}

std::vector<Discovery::GroupVersions> Discovery::groups() const {
  std::vector<GroupVersions> result;
  const auto add = [&result](std::string_view group, std::string_view version) {
    if (group.empty()) return;
    auto known = std::ranges::find(result, group, &GroupVersions::name);
    if (known == result.end()) known = result.insert(result.end(), {std::string(group), {}});
    if (std::ranges::find(known->versions, version) == known->versions.end()) known->versions.emplace_back(version);
  };
  for (const ResourceType* type : registry_.resources()) {
    for (const auto& version : type->versions) add(type->group, version);
  }
  for (const auto& resource : virtualResources()) add(resource.group, resource.version);
  for (auto& group : result) std::ranges::sort(group.versions, betterVersion);
  return result;
}

json::object Discovery::describe(const GroupVersions& group) {
  json::array versions;
  for (const auto& version : group.versions) {
    versions.push_back(json::object{{"groupVersion", groupVersion(group.name, version)}, {"version", version}});
  }
  json::value preferred = versions.front();
  return json::object{
      {"name", group.name}, {"versions", std::move(versions)}, {"preferredVersion", std::move(preferred)}};
}

json::object Discovery::coreVersions(std::string_view address) {
  return json::object{{"kind", "APIVersions"},
                      {"versions", json::array{"v1"}},
                      {"serverAddressByClientCIDRs",
                       json::array{json::object{{"clientCIDR", "0.0.0.0/0"}, {"serverAddress", address}}}}};
}

json::object Discovery::groupList() const {
  json::array list;
  for (const auto& group : groups()) list.push_back(describe(group));
  return json::object{{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(list)}};
}

std::optional<json::object> Discovery::group(std::string_view name) const {
  for (const auto& group : groups()) {
    if (group.name != name) continue;
    json::object result{{"kind", "APIGroup"}, {"apiVersion", "v1"}};
    for (auto& [key, value] : describe(group)) result[key] = std::move(value);
    return result;
  }
  return std::nullopt;
}

std::optional<json::object> Discovery::resourceList(std::string_view group, std::string_view version) const {
  json::array list;
  const auto entry = [](std::string name, std::string_view singular, bool namespaced, std::string_view kind,
                        json::array verbs) {
    return json::object{{"name", std::move(name)},
                        {"singularName", singular},
                        {"namespaced", namespaced},
                        {"kind", kind},
                        {"verbs", std::move(verbs)}};
  };
  for (const auto& resource : virtualResources()) {
    if (resource.group == group && resource.version == version) {
      list.push_back(
          entry(std::string(resource.plural), resource.singular, resource.namespaced, resource.kind, {"create"}));
    }
  }
  for (const ResourceType* type : registry_.resources()) {
    if (!serves(*type, group, version)) continue;
    json::object main = entry(type->plural, type->singular, type->namespaced, type->kind, verbsOf(*type));
    if (!type->short_names.empty()) main["shortNames"] = strings(type->short_names);
    if (!type->categories.empty()) main["categories"] = strings(type->categories);
    main["storageVersionHash"] = storageVersionHash(*type);
    list.push_back(std::move(main));
    for (const auto& extra : extraSubresources(*type)) {
      json::object sub =
          entry(fmt::format("{}/{}", type->plural, extra.name), "", type->namespaced, extra.kind, strings(extra.verbs));
      if (extra.group != type->group) {
        sub["group"] = extra.group;
        sub["version"] = extra.version;
      }
      list.push_back(std::move(sub));
    }
    const Object definition = definitionOf(registry_, *type);
    if (hasSubresource(*type, version, definition.get(), "scale")) {
      json::object sub = entry(type->plural + "/scale", "", type->namespaced, "Scale", {"get", "patch", "update"});
      sub["group"] = "autoscaling";
      sub["version"] = "v1";
      list.push_back(std::move(sub));
    }
    if (hasSubresource(*type, version, definition.get(), "status")) {
      list.push_back(entry(type->plural + "/status", "", type->namespaced, type->kind, {"get", "patch", "update"}));
    }
  }
  if (list.empty()) return std::nullopt;
  return json::object{{"kind", "APIResourceList"},
                      {"apiVersion", "v1"},
                      {"groupVersion", groupVersion(group, version)},
                      {"resources", std::move(list)}};
}

json::object Discovery::aggregated(bool core) const {
  const auto wanted = core ? std::vector<GroupVersions>{{"", {"v1"}}} : groups();
  json::array items;
  for (const auto& group : wanted) {
    json::array versions;
    for (const auto& version : group.versions) {
      json::array resources;
      for (const auto& resource : virtualResources()) {
        if (resource.group != group.name || resource.version != version) continue;
        resources.push_back(
            json::object{{"resource", resource.plural},
                         {"responseKind", json::object{{"group", ""}, {"version", ""}, {"kind", resource.kind}}},
                         {"scope", resource.namespaced ? "Namespaced" : "Cluster"},
                         {"singularResource", resource.singular},
                         {"verbs", json::array{"create"}}});
      }
      for (const ResourceType* type : registry_.resources()) {
        if (!serves(*type, group.name, version)) continue;
        const Object definition = definitionOf(registry_, *type);
        resources.push_back(aggregatedResource(*type, version, definition.get()));
      }
      versions.push_back(
          json::object{{"version", version}, {"resources", std::move(resources)}, {"freshness", "Current"}});
    }
    json::object metadata;
    if (!group.name.empty()) metadata["name"] = group.name;
    items.push_back(json::object{{"metadata", std::move(metadata)}, {"versions", std::move(versions)}});
  }
  return json::object{{"kind", "APIGroupDiscoveryList"},
                      {"apiVersion", "apidiscovery.k8s.io/v2"},
                      {"metadata", json::object()},
                      {"items", std::move(items)}};
}

}  // namespace crossfade::local
