// Schemas and paths as the OpenAPI documents show them.
#include <fmt/format.h>

#include "local/openapi.hpp"

namespace crossfade::local {

namespace {

constexpr std::string_view object_meta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
constexpr std::string_view v3_prefix = "#/components/schemas/";

std::string reference2(std::string_view reference) {
  return reference.starts_with(v3_prefix) ? fmt::format("#/definitions/{}", reference.substr(v3_prefix.size()))
                                          : std::string(reference);
}

json::object schemaMap2(const json::object& schemas) {
  json::object result;
  for (const auto& [key, value] : schemas) {
    if (const auto* schema = value.if_object()) result[key] = openApiSchema2(*schema);
  }
  return result;
}

json::object groupVersionKind(const ResourceType& type, std::string_view version) {
  return {{"group", type.group}, {"version", version}, {"kind", type.kind}};
}

json::object queryParameter(std::string_view name, std::string_view type, std::string_view description, bool version3) {
  json::object parameter{{"name", name}, {"in", "query"}, {"description", description}};
  if (version3) {
    parameter["schema"] = json::object{{"type", type}, {"uniqueItems", true}};
  } else {
    parameter["type"] = type;
    parameter["uniqueItems"] = true;
  }
  return parameter;
}

json::array writeParametersOf(std::string_view action, bool version3) {
  json::array parameters{queryParameter("dryRun", "string", "All: process the request, but store nothing.", version3)};
  if (action == "delete" || action == "deletecollection") return parameters;
  parameters.push_back(queryParameter("fieldManager", "string", "The name of who makes the change.", version3));
  parameters.push_back(queryParameter("fieldValidation", "string",
                                      "What to do about unknown fields: Ignore, Warn or Strict.", version3));
  if (action == "patch")
    parameters.push_back(
        queryParameter("force", "boolean", "Take over fields that others own (apply only).", version3));
  return parameters;
}

json::object operation(const ResourceType& type, std::string_view version, std::string_view action,
                       std::string_view reference, bool version3) {
  json::object response{{"description", "OK"}};
  const bool one = action != "list" && action != "deletecollection" && action != "delete";
  if (one && !reference.empty()) {
    json::object schema{
        {"$ref", fmt::format("{}{}", version3 ? v3_prefix : std::string_view("#/definitions/"), reference)}};
    if (version3) {
      response["content"] = json::object{{"application/json", json::object{{"schema", std::move(schema)}}}};
    } else {
      response["schema"] = std::move(schema);
    }
  }
  json::object result{{"description", fmt::format("{} {}", action, type.kind)},
                      {"operationId", fmt::format("{}{}{}{}", action, type.group, version, type.kind)},
                      {"responses", json::object{{"200", std::move(response)}}},
                      {"x-kubernetes-action", action},
                      {"x-kubernetes-group-version-kind", groupVersionKind(type, version)}};
  if (action != "get" && action != "list") result["parameters"] = writeParametersOf(action, version3);
  if (action == "patch") {
    json::array types{"application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"};
    if (!type.custom) types.emplace_back("application/strategic-merge-patch+json");
    if (!version3) result["consumes"] = std::move(types);
  }
  return result;
}

}  // namespace

json::object openApiSchema2(const json::object& schema) {
  json::object result;
  const auto flag = [&schema](std::string_view key) { return getBool(schema, {key}); };
  // kubectl stumbles over items and properties beside a type that may be null or hold anything.
  const bool open = flag("nullable") || flag("x-kubernetes-preserve-unknown-fields");
  const bool int_or_string = flag("x-kubernetes-int-or-string");
  for (const auto& [key, value] : schema) {
    if (key == "$ref" && value.is_string()) {
      result["$ref"] = reference2(value.get_string());
    } else if (key == "properties" && value.is_object()) {
      if (!open) result["properties"] = schemaMap2(value.get_object());
    } else if (key == "items" && value.is_object()) {
      if (!open) result["items"] = openApiSchema2(value.get_object());
    } else if (key == "additionalProperties" && value.is_object()) {
      result["additionalProperties"] = openApiSchema2(value.get_object());
    } else if (key == "allOf" && value.is_array()) {
      // The one use that v2 knows too: a reference with a description beside it.
      const auto& all = value.get_array();
      if (all.size() == 1 && all.front().is_object()) {
        if (const auto reference = getString(all.front().get_object(), {"$ref"}); !reference.empty())
          result["$ref"] = reference2(reference);
      }
    } else if (key == "oneOf" || key == "anyOf") {
      // A choice of types: text covers them all in kubectl's eyes.
      if (!schema.contains("type") && !int_or_string) result["type"] = "string";
    } else if (key == "type") {
      if (!open && !int_or_string) result["type"] = value;
    } else if (key == "not" || key == "nullable" || key == "default" || key == "example" || key == "externalDocs" ||
               key == "x-kubernetes-validations" || key == "additionalProperties") {
      continue;
    } else {
      result[key] = value;
    }
  }
  if (getString(result, {"type"}) == "array" && !result.contains("items")) result.erase("type");
  return result;
}

std::string customDefinitionName(const ResourceType& type, std::string_view version) {
  std::string name;
  std::string_view rest = type.group;
  while (!rest.empty()) {
    const std::size_t dot = rest.rfind('.');
    name += fmt::format("{}.", dot == std::string_view::npos ? rest : rest.substr(dot + 1));
    rest = dot == std::string_view::npos ? std::string_view() : rest.substr(0, dot);
  }
  return fmt::format("{}{}.{}", name, version, type.kind);
}

json::object customDocument(const ResourceType& type, std::string_view version, const json::object* schema) {
  json::object result =
      schema == nullptr ? json::object{{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}} : *schema;
  json::object& properties = ensureObject(result, {"properties"});
  const std::string metadata_text =
      "Standard object's metadata. More info: "
      "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";
  if (!properties.contains("apiVersion")) properties["apiVersion"] = json::object{{"type", "string"}};
  if (!properties.contains("kind")) properties["kind"] = json::object{{"type", "string"}};
  properties["metadata"] =
      json::object{{"description", metadata_text},
                   {"allOf", json::array{json::object{{"$ref", fmt::format("{}{}", v3_prefix, object_meta)}}}}};
  result["x-kubernetes-group-version-kind"] = json::array{groupVersionKind(type, version)};
  return result;
}

void addPaths(json::object& paths, const ResourceType& type, std::string_view version, std::string_view reference,
              bool version3) {
  const std::string root =
      type.group.empty() ? fmt::format("/api/{}", version) : fmt::format("/apis/{}/{}", type.group, version);
  const std::string collection =
      fmt::format("{}{}/{}", root, type.namespaced ? "/namespaces/{namespace}" : "", type.plural);
  const auto make = [&](std::string_view action) { return operation(type, version, action, reference, version3); };
  paths[collection] = json::object{{"get", make("list")}, {"post", make("post")}, {"delete", make("deletecollection")}};
  const json::object one{
      {"get", make("get")}, {"put", make("put")}, {"patch", make("patch")}, {"delete", make("delete")}};
  paths[collection + "/{name}"] = one;
  if (!type.has_status) return;
  paths[collection + "/{name}/status"] =
      json::object{{"get", make("get")}, {"put", make("put")}, {"patch", make("patch")}};
}

}  // namespace crossfade::local
