#include "local/openapi.hpp"

#include <fmt/format.h>

#include "base/hash.hpp"
#include "base/log.hpp"
#include "local/discovery.hpp"
#include "local/embedded.hpp"
#include "local/schema.hpp"

namespace crossfade::local {

namespace {

constexpr std::string_view protobuf_type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
constexpr std::string_view v3_prefix = "#/components/schemas/";
constexpr std::string_view object_meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

std::string groupVersion(std::string_view group, std::string_view version) {
  return group.empty() ? std::string(version) : fmt::format("{}/{}", group, version);
}

// The excerpt of built-in schemas, for as long as documents are made from it.
class Builtins {
 public:
  Builtins() {
    auto parsed = parseJson(embedded("builtin.json"));
    if (parsed && parsed->is_object()) {
      document_ = std::move(parsed->get_object());
    } else {
      log::error("bug: the embedded schemas can't be read");
    }
  }
  const json::object* schemas() const { return getObject(document_, {"schemas"}); }
  std::string nameOf(const ResourceType& type, std::string_view version) const {
    return std::string(
        getString(document_, {"kinds", fmt::format("{}/{}", groupVersion(type.group, version), type.kind)}));
  }

 private:
  json::object document_;
};

// Copies a named schema and all that it refers to.
void copyWithReferences(const json::object& from, std::string_view name, json::object& to);

void followReferences(const json::object& from, const json::value& value, json::object& to) {
  if (const auto* array = value.if_array()) {
    for (const auto& item : *array) followReferences(from, item, to);
  } else if (const auto* object = value.if_object()) {
    for (const auto& [key, member] : *object) {
      if (key == "$ref" && member.is_string() && std::string_view(member.get_string()).starts_with(v3_prefix)) {
        copyWithReferences(from, std::string_view(member.get_string()).substr(v3_prefix.size()), to);
      } else {
        followReferences(from, member, to);
      }
    }
  }
}

void copyWithReferences(const json::object& from, std::string_view name, json::object& to) {
  if (to.contains(name)) return;
  const auto* schema = from.if_contains(name);
  if (schema == nullptr) return;
  to[name] = *schema;
  followReferences(from, *schema, to);
}

json::object information() { return {{"title", "Kubernetes"}, {"version", server_version}}; }

}  // namespace

std::vector<OpenApi::Served> OpenApi::served() const {
  std::vector<Served> result;
  for (const ResourceType* type : registry_.resources()) {
    for (const auto& version : type->versions) result.push_back({type, version});
  }
  return result;
}

std::string OpenApi::stateOf(std::string_view group) const {
  std::string state;
  const ResourceType* definitions = registry_.resource("apiextensions.k8s.io", "customresourcedefinitions");
  for (const Object& definition : registry_.list(*definitions)) {
    if (!group.empty() && getString(*definition, {"spec", "group"}) != group) continue;
    state += fmt::format("{}/{} ", getString(*definition, {"metadata", "uid"}),
                         getInt(*definition, {"metadata", "generation"}));
  }
  return state;
}

void OpenApi::forgetIfChanged() {
  std::string state = stateOf({});
  if (state == state_) return;
  state_ = std::move(state);
  json2_.clear();
  protobuf2_.clear();
  json3_.clear();
}

json::object OpenApi::document2() const {
  const Builtins builtins;
  json::object definitions, paths;
  if (const auto* schemas = builtins.schemas()) {
    for (const auto& [name, schema] : *schemas) {
      if (schema.is_object()) definitions[name] = openApiSchema2(schema.get_object());
    }
  }
  // What is a choice of types in v3 has a name in v2.
  if (auto* schema = find(definitions, {"io.k8s.apimachinery.pkg.util.intstr.IntOrString"});
      schema != nullptr && schema->is_object()) {
    schema->get_object()["format"] = "int-or-string";
  }
  for (const Served& served : served()) {
    std::string name = builtins.nameOf(*served.type, served.version);
    if (served.type->custom) {
      const Schema* schema = registry_.schema(*served.type, served.version);
      name = customDefinitionName(*served.type, served.version);
      definitions[name] = openApiSchema2(
          customDocument(*served.type, served.version, schema == nullptr ? nullptr : &schema->document()));
    }
    addPaths(paths, *served.type, served.version, name, false);
  }
  return {{"swagger", "2.0"},
          {"info", information()},
          {"paths", std::move(paths)},
          {"definitions", std::move(definitions)}};
}

json::object OpenApi::document3(std::string_view group, std::string_view version) const {
  const Builtins builtins;
  json::object schemas, paths;
  for (const Served& served : served()) {
    if (served.type->group != group || served.version != version) continue;
    std::string name = builtins.nameOf(*served.type, served.version);
    if (served.type->custom) {
      const Schema* schema = registry_.schema(*served.type, served.version);
      name = customDefinitionName(*served.type, served.version);
      schemas[name] = customDocument(*served.type, served.version, schema == nullptr ? nullptr : &schema->document());
      if (builtins.schemas() != nullptr) copyWithReferences(*builtins.schemas(), object_meta, schemas);
    } else if (builtins.schemas() != nullptr) {
      copyWithReferences(*builtins.schemas(), name, schemas);
    }
    addPaths(paths, *served.type, served.version, name, true);
  }
  return {{"openapi", "3.0.0"},
          {"info", information()},
          {"paths", std::move(paths)},
          {"components", json::object{{"schemas", std::move(schemas)}}}};
}

net::Response OpenApi::version2(const ApiRequest& request) {
  const bool protobuf = request.headers.get("Accept").starts_with("application/com.github.proto-openapi.spec.v2");
  if (!protobuf) {
    if (auto accepted = negotiate(request); !accepted)
      return {.status = 406, .headers = {}, .body = {}, .stream = nullptr};
  }
  std::string& text = protobuf ? protobuf2_ : json2_;
  if (text.empty()) {
    const json::object document = document2();
    text = protobuf ? openApiProtobuf(document) : json::serialize(document);
  }
  return {.status = 200,
          .headers = {{"Content-Type", std::string(protobuf ? protobuf_type : "application/json")}},
          .body = text,
          .stream = nullptr};
}

net::Response OpenApi::version3Index() const {
  json::object paths;
  const auto add = [&](std::string_view group, std::string_view version) {
    const std::string path = group.empty() ? fmt::format("api/{}", version) : fmt::format("apis/{}/{}", group, version);
    // Built-in schemas change with the program, custom ones with their definitions.
    const std::string state = path + (group.empty() ? std::string() : stateOf(group));
    const std::uint32_t low = fnv1a(state);
    const std::uint32_t high = fnv1a(server_version, low);
    paths[path] = json::object{{"serverRelativeURL", fmt::format("/openapi/v3/{}?hash={:08X}{:08X}", path, high, low)}};
  };
  for (const Served& served : served()) add(served.type->group, served.version);
  for (const auto& resource : virtualResources()) add(resource.group, resource.version);
  return jsonResponse(200, json::object{{"paths", std::move(paths)}});
}

std::optional<net::Response> OpenApi::version3(const ApiRequest& request, std::string_view group,
                                               std::string_view version) {
  const auto all = served();
  const bool known =
      std::ranges::any_of(
          all, [&](const Served& served) { return served.type->group == group && served.version == version; }) ||
      std::ranges::any_of(virtualResources(), [&](const VirtualResource& resource) {
        return resource.group == group && resource.version == version;
      });
  if (!known) return std::nullopt;
  std::string& text = json3_[groupVersion(group, version)];
  if (text.empty()) text = json::serialize(document3(group, version));
  net::Response response{
      .status = 200, .headers = {{"Content-Type", "application/json"}}, .body = text, .stream = nullptr};
  // The address holds a hash of what is there: a client may keep the answer.
  if (!request.query("hash").empty()) response.headers.set("Cache-Control", "public, immutable");
  return response;
}

std::optional<net::Response> OpenApi::answer(const ApiRequest& request) {
  const auto& segments = request.target.segments;
  if (segments.size() < 2 || segments[0] != "openapi") return std::nullopt;
  forgetIfChanged();
  if (segments[1] == "v2" && segments.size() == 2) return version2(request);
  if (segments[1] != "v3") return std::nullopt;
  if (segments.size() == 2) return version3Index();
  if (segments.size() == 4 && segments[2] == "api") return version3(request, "", segments[3]);
  if (segments.size() == 5 && segments[2] == "apis") return version3(request, segments[3], segments[4]);
  return std::nullopt;
}

}  // namespace crossfade::local
