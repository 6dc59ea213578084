// What a structural schema promises of lists and embedded resources, beyond types and values.
#include <fmt/format.h>

#include "local/schema_walk.hpp"

namespace crossfade::local {

namespace {

// The keys of an item as an object; members that are missing are left out.
json::value keysOf(const json::value& item, const std::vector<std::string>& keys) {
  json::object result;
  if (const auto* object = item.if_object()) {
    for (const auto& key : keys) {
      if (const auto* value = object->if_contains(key)) result[key] = *value;
    }
  }
  return result;
}

// Each value that stands in the list a second time is reported once, where it does so first.
void findDuplicates(const std::vector<json::value>& values, const FieldPath* at, std::vector<std::string>& violations) {
  std::map<std::string, int> seen;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (++seen[json::serialize(values[i])] != 2) continue;
    const FieldPath here{.parent = at, .index = i};
    violations.push_back(fmt::format("{}: Duplicate value: {}", here.text(), json::serialize(values[i])));
  }
}

void checkLists(const json::value& value, const SchemaNode& node, const FieldPath* at,
                std::vector<std::string>& violations) {
  if (const auto* object = value.if_object()) {
    for (const auto& [key, member] : *object) {
      const SchemaNode* schema = node.member(key);
      if (schema == nullptr) continue;
      const FieldPath here{.parent = at, .key = key, .bracketed = !node.properties.contains(key)};
      checkLists(member, schema->shape(), &here, violations);
    }
    return;
  }
  const auto* array = value.if_array();
  if (array == nullptr) return;
  if (node.list_typed && node.list_type == ListType::set) {
    findDuplicates(std::vector<json::value>(array->begin(), array->end()), at, violations);
  } else if (node.list_typed && node.list_type == ListType::map) {
    std::vector<json::value> keys;
    for (const auto& item : *array) keys.push_back(keysOf(item, node.list_map_keys));
    findDuplicates(keys, at, violations);
  }
  if (!node.items) return;
  for (std::size_t i = 0; i < array->size(); ++i) {
    const FieldPath here{.parent = at, .index = i};
    checkLists((*array)[i], node.items->shape(), &here, violations);
  }
}

void checkEmbedded(const json::value& value, const SchemaNode& node, const FieldPath* at,
                   std::vector<std::string>& violations) {
  if (const auto* object = value.if_object()) {
    for (const std::string_view key : {"apiVersion", "kind"}) {
      if (!node.embedded_resource) break;
      const FieldPath here{.parent = at, .key = key};
      const auto* given = object->if_contains(key);
      if (given == nullptr) {
        violations.push_back(fmt::format("{}: Required value", here.text()));
      } else if (!given->is_string()) {
        violations.push_back(
            fmt::format("{}: Invalid value: {}: must be a string", here.text(), json::serialize(*given)));
      } else if (given->get_string().empty()) {
        violations.push_back(fmt::format("{}: Invalid value: \"\": must not be empty", here.text()));
      }
    }
    for (const auto& [key, member] : *object) {
      const SchemaNode* schema = node.member(key);
      if (schema == nullptr) continue;
      const FieldPath here{.parent = at, .key = key, .bracketed = !node.properties.contains(key)};
      checkEmbedded(member, schema->shape(), &here, violations);
    }
  } else if (const auto* array = value.if_array(); array != nullptr && node.items) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      const FieldPath here{.parent = at, .index = i};
      checkEmbedded((*array)[i], node.items->shape(), &here, violations);
    }
  }
}

}  // namespace

std::vector<std::string> validateLists(const json::object& object, const SchemaNode& node) {
  std::vector<std::string> violations;
  for (const auto& [key, member] : object) {
    const SchemaNode* schema = node.shape().member(key);
    const FieldPath here{.key = key};
    if (schema != nullptr) checkLists(member, schema->shape(), &here, violations);
  }
  return violations;
}

std::vector<std::string> validateEmbedded(const json::object& object, const SchemaNode& node) {
  std::vector<std::string> violations;
  for (const auto& [key, member] : object) {
    const SchemaNode* schema = node.shape().member(key);
    const FieldPath here{.key = key};
    if (schema != nullptr) checkEmbedded(member, schema->shape(), &here, violations);
  }
  return violations;
}

}  // namespace crossfade::local
