#include "local/custom_resources.hpp"

#include <fmt/format.h>

#include "local/builtin_resources.hpp"
#include "local/object_facts.hpp"
#include "local/schema_walk.hpp"

namespace crossfade::local {

namespace {

std::vector<std::string> strings(const json::array* array) {
  std::vector<std::string> result;
  if (array == nullptr) return result;
  for (const auto& item : *array) {
    if (const auto* text = item.if_string()) result.emplace_back(*text);
  }
  return result;
}

// ".spec.replicas" as its steps.
std::vector<std::string> steps(std::string_view path) {
  std::vector<std::string> result;
  while (!path.empty()) {
    if (path.front() == '.') path.remove_prefix(1);
    const std::size_t end = std::min(path.find('.'), path.size());
    if (end > 0) result.emplace_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return result;
}

// Where the violations of a version's schema are reported: versions with one and the same schema count as having it in
// common.
std::string schemaField(const json::object& definition, std::size_t index) {
  const auto* versions = getArray(definition, {"spec", "versions"});
  const auto schemaOf = [](const json::value& version) { return find(version, {"schema", "openAPIV3Schema"}); };
  const json::value* first = versions == nullptr || versions->empty() ? nullptr : schemaOf(versions->front());
  const bool common = first != nullptr && std::ranges::all_of(*versions, [&](const json::value& version) {
                        const auto* schema = schemaOf(version);
                        return schema != nullptr && sameJson(*schema, *first);
                      });
  return common ? "spec.validation.openAPIV3Schema" : fmt::format("spec.versions[{}].schema.openAPIV3Schema", index);
}

bool sameSpec(const json::object& a, const json::object& b) {
  const auto* left = a.if_contains("spec");
  const auto* right = b.if_contains("spec");
  return left != nullptr && right != nullptr && sameJson(*left, *right);
}

// What can't change once objects may exist.
void validateChange(const json::object& old, const json::object& next, std::vector<std::string>& violations) {
  for (const auto& [path, field] : {std::pair("group", "spec.group"), std::pair("scope", "spec.scope")}) {
    if (getString(old, {"spec", path}) == getString(next, {"spec", path})) continue;
    violations.push_back(
        fmt::format("{}: Invalid value: \"{}\": field is immutable", field, getString(next, {"spec", path})));
  }
  for (const std::string_view name : {"kind", "plural"}) {
    if (getString(old, {"spec", "names", name}) == getString(next, {"spec", "names", name})) continue;
    violations.push_back(fmt::format("spec.names.{}: Invalid value: \"{}\": field is immutable", name,
                                     getString(next, {"spec", "names", name})));
  }
  const auto* stored = getArray(next, {"status", "storedVersions"});
  const auto* versions = getArray(next, {"spec", "versions"});
  if (stored == nullptr || versions == nullptr) return;
  for (std::size_t i = 0; i < stored->size(); ++i) {
    const bool kept = std::ranges::any_of(*versions, [&](const json::value& version) {
      const auto* name = find(version, {"name"});
      return name != nullptr && *name == (*stored)[i];
    });
    if (kept || !(*stored)[i].is_string()) continue;
    violations.push_back(fmt::format(
        "status.storedVersions[{}]: Invalid value: \"{}\": missing from spec.versions; {} was previously a storage "
        "version, and must remain in spec.versions until a storage migration ensures no data remains persisted in {} "
        "and removes {} from status.storedVersions",
        i, std::string_view((*stored)[i].get_string()), std::string_view((*stored)[i].get_string()),
        std::string_view((*stored)[i].get_string()), std::string_view((*stored)[i].get_string())));
  }
}

}  // namespace

Result<CustomResource> customResource(const json::object& definition) {
  CustomResource result;
  ResourceType& type = result.type;
  type.custom = true;
  type.unconditional_update = false;
  type.group = getString(definition, {"spec", "group"});
  type.kind = getString(definition, {"spec", "names", "kind"});
  type.plural = getString(definition, {"spec", "names", "plural"});
  type.singular = getString(definition, {"spec", "names", "singular"});
  if (type.singular.empty()) {
    type.singular = type.kind;
    std::ranges::transform(type.singular, type.singular.begin(), [](unsigned char c) { return std::tolower(c); });
  }
  type.short_names = strings(getArray(definition, {"spec", "names", "shortNames"}));
  type.categories = strings(getArray(definition, {"spec", "names", "categories"}));
  type.namespaced = getString(definition, {"spec", "scope"}) != "Cluster";
  const auto* versions = getArray(definition, {"spec", "versions"});
  if (versions == nullptr) return fail(ErrorCode::invalid, "spec.versions: Required value");
  for (std::size_t i = 0; i < versions->size(); ++i) {
    const auto* version = (*versions)[i].if_object();
    if (version == nullptr) continue;
    const std::string name(getString(*version, {"name"}));
    const bool served = getBool(*version, {"served"});
    if (served) type.versions.push_back(name);
    if (served || getBool(*version, {"storage"})) {
      if (const auto* document = getObject(*version, {"schema", "openAPIV3Schema"})) {
        auto schema = makeSchema(*document);
        if (!schema)
          return fail(ErrorCode::invalid, fmt::format("{}.{}", schemaField(definition, i), schema.error().message));
        result.schemas.emplace(name, std::move(*schema));
      }
    }
    if (!getBool(*version, {"storage"})) continue;
    type.version = name;
    type.has_status = find(*version, {"subresources", "status"}) != nullptr;
    if (const auto* scale = getObject(*version, {"subresources", "scale"})) {
      type.has_scale = true;
      type.scale_replicas = steps(getString(*scale, {"specReplicasPath"}));
      type.scale_status_replicas = steps(getString(*scale, {"statusReplicasPath"}));
      type.scale_selector = steps(getString(*scale, {"labelSelectorPath"}));
    }
  }
  if (type.version.empty()) {
    return fail(ErrorCode::invalid,
                "spec.versions: Invalid value: must have exactly one version marked as storage version");
  }
  std::ranges::sort(type.versions, betterVersion);
  return result;
}

std::vector<std::string> validateDefinition(const json::object& definition, const json::object* old) {
  std::vector<std::string> violations;
  if (old != nullptr) validateChange(*old, definition, violations);
  const auto group = getString(definition, {"spec", "group"});
  const auto plural = getString(definition, {"spec", "names", "plural"});
  const auto name = getString(definition, {"metadata", "name"});
  if (name != fmt::format("{}.{}", plural, group)) {
    violations.push_back(
        fmt::format("metadata.name: Invalid value: \"{}\": must be spec.names.plural+\".\"+spec.group", name));
  }
  if (group.empty()) violations.emplace_back("spec.group: Required value");
  const auto scope = getString(definition, {"spec", "scope"});
  if (scope.empty()) {
    violations.emplace_back("spec.scope: Required value");
  } else if (scope != "Cluster" && scope != "Namespaced") {
    violations.push_back(
        fmt::format("spec.scope: Unsupported value: \"{}\": supported values: \"Cluster\", \"Namespaced\"", scope));
  }
  if (plural.empty()) violations.emplace_back("spec.names.plural: Required value");
  if (getString(definition, {"spec", "names", "kind"}).empty())
    violations.emplace_back("spec.names.kind: Required value");
  const auto* versions = getArray(definition, {"spec", "versions"});
  int storage = 0;
  if (versions != nullptr) {
    for (std::size_t i = 0; i < versions->size(); ++i) {
      const auto* version = (*versions)[i].if_object();
      if (version == nullptr) continue;
      if (getBool(*version, {"storage"})) ++storage;
      const auto* schema = getObject(*version, {"schema", "openAPIV3Schema"});
      if (schema == nullptr) {
        violations.push_back(schemaField(definition, i) + ": Required value");
      } else if (old == nullptr || !sameSpec(*old, definition)) {
        for (const auto& violation : schemaViolations(*schema)) {
          auto text = fmt::format("{}.{}", schemaField(definition, i), violation);
          if (std::ranges::find(violations, text) == violations.end()) violations.push_back(std::move(text));
        }
      }
    }
  }
  if (storage != 1) {
    violations.emplace_back(
        fmt::format("spec.versions: Invalid value: {}: must have exactly one version marked as storage version",
                    versions == nullptr ? "null" : json::serialize(*versions)));
  }
  return violations;
}

void defaultDefinition(json::object& definition) {
  json::object& spec = ensureObject(definition, {"spec"});
  json::object& names = ensureObject(spec, {"names"});
  const std::string kind(getString(names, {"kind"}));
  if (!kind.empty() && getString(names, {"singular"}).empty()) {
    std::string singular = kind;
    std::ranges::transform(singular, singular.begin(), [](unsigned char c) { return std::tolower(c); });
    names["singular"] = singular;
  }
  if (!kind.empty() && getString(names, {"listKind"}).empty()) names["listKind"] = kind + "List";
  if (getString(spec, {"conversion", "strategy"}).empty()) ensureObject(spec, {"conversion"})["strategy"] = "None";
}

void establishDefinition(json::object& definition, TimePoint now) {
  json::object& status = ensureObject(definition, {"status"});
  setCondition(status, "NamesAccepted", "True", "NoConflicts", "no conflicts found", now);
  setCondition(status, "Established", "True", "InitialNamesAccepted", "the initial names have been accepted", now);
  if (const auto* names = find(definition, {"spec", "names"})) status["acceptedNames"] = *names;
  json::value& stored = status["storedVersions"];
  if (!stored.is_array()) stored = json::array();
  if (const auto* versions = getArray(definition, {"spec", "versions"})) {
    for (const auto& version : *versions) {
      if (!version.is_object() || !getBool(version.get_object(), {"storage"})) continue;
      const json::value& name = version.get_object().at("name");
      if (std::ranges::find(stored.get_array(), name) == stored.get_array().end()) stored.get_array().push_back(name);
    }
  }
}

void removeFinalizer(json::object& object, std::string_view finalizer) {
  auto* finalizers = find(object, {"metadata", "finalizers"});
  if (finalizers == nullptr || !finalizers->is_array()) return;
  auto& list = finalizers->get_array();
  for (auto it = list.begin(); it != list.end();) {
    const auto* text = it->if_string();
    it = text != nullptr && *text == finalizer ? list.erase(it) : it + 1;
  }
}

}  // namespace crossfade::local
