#include <fmt/format.h>
#include <re2/re2.h>

#include "base/log.hpp"
#include "local/schema_node.hpp"
#include "local/schema_rules.hpp"

namespace crossfade::local {

SchemaNode::SchemaNode() = default;
SchemaNode::SchemaNode(SchemaNode&&) noexcept = default;
SchemaNode& SchemaNode::operator=(SchemaNode&&) noexcept = default;
SchemaNode::~SchemaNode() = default;

const re2::RE2& ValueRules::expression() const {
  if (!compiled_pattern) compiled_pattern = std::make_shared<const re2::RE2>(pattern, re2::RE2::Quiet);
  return *compiled_pattern;
}

const SchemaNode* SchemaNode::member(std::string_view key) const {
  const auto found = properties.find(key);
  return found == properties.end() ? additional.get() : &found->second;
}

namespace {

SchemaNode::Type typeOf(std::string_view name) {
  using enum SchemaNode::Type;
  if (name == "object") return object;
  if (name == "array") return array;
  if (name == "string") return string;
  if (name == "integer") return integer;
  if (name == "number") return number;
  if (name == "boolean") return boolean;
  return any;
}

std::vector<std::string> strings(const json::array* array) {
  std::vector<std::string> result;
  if (array == nullptr) return result;
  for (const auto& item : *array) {
    if (const auto* text = item.if_string()) result.emplace_back(*text);
  }
  return result;
}

std::optional<double> number(const json::object& schema, std::string_view key) {
  const auto* value = schema.if_contains(key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->to_number<double>();
}

std::optional<std::int64_t> count(const json::object& schema, std::string_view key) {
  const auto* value = schema.if_contains(key);
  return value == nullptr ? std::nullopt : asInteger(*value);
}

// The name behind "#/components/schemas/": of the schema itself, or of the only element of its allOf, which is how
// OpenAPI says something beside a reference.
std::string_view referenceOf(const json::object& schema) {
  std::string_view reference = getString(schema, {"$ref"});
  if (const auto* all = getArray(schema, {"allOf"}); reference.empty() && all != nullptr && all->size() == 1) {
    if (const auto* only = all->front().if_object()) reference = getString(*only, {"$ref"});
  }
  return reference.substr(reference.rfind('/') + 1);
}

void readStrategies(const json::object& schema, SchemaNode& node) {
  const std::string_view strategy = getString(schema, {"x-kubernetes-patch-strategy"});
  node.patch_merge = strategy.find("merge") != std::string_view::npos;
  node.patch_replace = strategy.find("replace") != std::string_view::npos;
  node.patch_retain_keys = strategy.find("retainKeys") != std::string_view::npos;
  node.patch_merge_key = getString(schema, {"x-kubernetes-patch-merge-key"});
}

Result<std::vector<SchemaNode>> compileAll(const json::object& schema, std::string_view key, SchemaLibrary* library) {
  std::vector<SchemaNode> nodes;
  const auto* list = getArray(schema, {key});
  if (list == nullptr) return nodes;
  for (const auto& item : *list) {
    if (!item.is_object()) continue;
    auto node = compileSchema(item.get_object(), library);
    if (!node) return fail(node.error());
    nodes.push_back(std::move(*node));
  }
  return nodes;
}

Result<std::unique_ptr<SchemaNode>> compileChild(const json::object& schema, std::string_view key,
                                                 SchemaLibrary* library) {
  const auto* child = getObject(schema, {key});
  if (child == nullptr) return nullptr;
  auto node = compileSchema(*child, library);
  if (!node) return fail(node.error());
  return std::make_unique<SchemaNode>(std::move(*node));
}

// Null when the schema states no rule.
Result<std::unique_ptr<ValueRules>> compileRules(const json::object& schema, SchemaLibrary* library) {
  static constexpr std::string_view keys[] = {"minimum",
                                              "maximum",
                                              "multipleOf",
                                              "minLength",
                                              "maxLength",
                                              "minItems",
                                              "maxItems",
                                              "uniqueItems",
                                              "pattern",
                                              "minProperties",
                                              "maxProperties",
                                              "enum",
                                              "allOf",
                                              "anyOf",
                                              "oneOf",
                                              "not",
                                              "x-kubernetes-validations"};
  if (std::ranges::none_of(keys, [&schema](std::string_view key) { return schema.contains(key); })) return nullptr;
  auto rules = std::make_unique<ValueRules>();
  rules->minimum = number(schema, "minimum");
  rules->maximum = number(schema, "maximum");
  rules->multiple_of = number(schema, "multipleOf");
  rules->exclusive_minimum = getBool(schema, {"exclusiveMinimum"});
  rules->exclusive_maximum = getBool(schema, {"exclusiveMaximum"});
  rules->min_length = count(schema, "minLength");
  rules->max_length = count(schema, "maxLength");
  rules->min_items = count(schema, "minItems");
  rules->max_items = count(schema, "maxItems");
  rules->min_properties = count(schema, "minProperties");
  rules->max_properties = count(schema, "maxProperties");
  rules->unique_items = getBool(schema, {"uniqueItems"});
  rules->pattern = getString(schema, {"pattern"});
  if (const auto* values = getArray(schema, {"enum"})) rules->enumeration = *values;
  for (const auto& [key, slot] :
       {std::pair("allOf", &rules->all_of), std::pair("anyOf", &rules->any_of), std::pair("oneOf", &rules->one_of)}) {
    auto nodes = compileAll(schema, key, library);
    if (!nodes) return fail(nodes.error());
    *slot = std::move(*nodes);
  }
  auto negation = compileChild(schema, "not", library);
  if (!negation) return fail(negation.error());
  rules->negation = std::move(*negation);
  if (const auto* entries = getArray(schema, {"x-kubernetes-validations"})) {
    for (const auto& entry : *entries) {
      if (entry.is_object()) rules->validations.push_back(Rule::make(entry.get_object()));
    }
  }
  return rules;
}

}  // namespace

Result<SchemaNode> compileSchema(const json::object& schema, SchemaLibrary* library) {
  SchemaNode node;
  if (const auto* value = schema.if_contains("default")) node.default_value = *value;
  readStrategies(schema, node);
  if (const std::string_view reference = referenceOf(schema); !reference.empty()) {
    if (library != nullptr) node.target = library->find(reference);
    if (node.target == nullptr) return fail(ErrorCode::invalid, fmt::format("$ref: there is no schema {}", reference));
    return node;
  }

  node.type = typeOf(getString(schema, {"type"}));
  node.format = getString(schema, {"format"});
  node.int_or_string =
      getBool(schema, {"x-kubernetes-int-or-string"}) || (library != nullptr && node.format == "int-or-string");
  node.preserve_unknown = getBool(schema, {"x-kubernetes-preserve-unknown-fields"});
  node.embedded_resource = getBool(schema, {"x-kubernetes-embedded-resource"});
  node.nullable = getBool(schema, {"nullable"});
  node.map_atomic = getString(schema, {"x-kubernetes-map-type"}) == "atomic";
  const std::string_view list_type = getString(schema, {"x-kubernetes-list-type"});
  node.list_typed = !list_type.empty();
  node.list_type = list_type == "map" ? ListType::map : list_type == "set" ? ListType::set : ListType::atomic;
  node.list_map_keys = strings(getArray(schema, {"x-kubernetes-list-map-keys"}));
  if (!node.list_typed && node.patch_merge && library != nullptr) {
    // Built-in kinds say it in the older way.
    node.list_type = node.patch_merge_key.empty() ? ListType::set : ListType::map;
    if (!node.patch_merge_key.empty()) node.list_map_keys = {node.patch_merge_key};
  }
  node.required = strings(getArray(schema, {"required"}));
  node.nulls = strings(getArray(schema, {"x-crossfade-nulls"}));
  node.omit_zero = strings(getArray(schema, {"x-crossfade-omit-zero"}));
  if (const auto* members = getObject(schema, {"properties"})) {
    for (const auto& [key, value] : *members) {
      if (!value.is_object()) continue;
      auto member = compileSchema(value.get_object(), library);
      if (!member)
        return fail(member.error().code,
                    fmt::format("properties[{}].{}", std::string_view(key), member.error().message));
      node.properties.emplace(std::string(key), std::move(*member));
    }
  }
  if (const auto* allowed = schema.if_contains("additionalProperties"); allowed != nullptr && allowed->is_bool()) {
    node.closed = !allowed->get_bool();
    if (!node.closed) {
      node.additional = std::make_unique<SchemaNode>();
      node.additional->nullable = true;
    }
  }
  for (const auto& [key, slot] :
       {std::pair("additionalProperties", &node.additional), std::pair("items", &node.items)}) {
    if (getObject(schema, {key}) == nullptr) continue;
    auto child = compileChild(schema, key, library);
    if (!child) return fail(child.error().code, fmt::format("{}.{}", key, child.error().message));
    *slot = std::move(*child);
  }
  auto rules = compileRules(schema, library);
  if (!rules) return fail(rules.error());
  node.rules = std::move(*rules);
  node.rules_within =
      (node.rules && !node.rules->validations.empty()) || (node.items && node.items->rules_within) ||
      (node.additional && node.additional->rules_within) ||
      std::ranges::any_of(node.properties, [](const auto& member) { return member.second.rules_within; });
  return node;
}

const SchemaNode* SchemaLibrary::find(std::string_view name) {
  if (const auto known = compiled_.find(name); known != compiled_.end()) return known->second.get();
  const auto* schema = getObject(schemas_, {name});
  if (schema == nullptr) return nullptr;
  // In its place before it is compiled: a schema may refer to itself.
  SchemaNode& node = *compiled_.emplace(std::string(name), std::make_unique<SchemaNode>()).first->second;
  auto compiled = compileSchema(*schema, this);
  if (!compiled) {
    log::error("bug: schema {}: {}", name, compiled.error().message);
    return &node;
  }
  node = std::move(*compiled);
  node.name = name.substr(name.rfind('.', name.rfind('.') - 1) + 1);
  if (node.name == "resource.Quantity") {
    node.quantity = true;
    node.rules.reset();
  }
  if (node.int_or_string) node.rules.reset();
  // What the document says nothing about (RawExtension, FieldsV1, JSON) is kept as it comes.
  const bool shapeless =
      node.properties.empty() && !node.additional && !node.items && !node.int_or_string && !node.quantity;
  if (shapeless && (node.type == SchemaNode::Type::object || node.type == SchemaNode::Type::any))
    node.preserve_unknown = true;
  return &node;
}

}  // namespace crossfade::local
