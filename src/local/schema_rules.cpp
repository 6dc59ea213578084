#include "local/schema_rules.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "local/schema_walk.hpp"

namespace crossfade::local {

namespace {

class EqualsOld : public Rule {
 public:
  explicit EqualsOld(const json::object& entry)
      : message_(getString(entry, {"message"}, "failed rule: self == oldSelf")),
        reason_(getString(entry, {"reason"})),
        field_path_(getString(entry, {"fieldPath"})) {}
  std::optional<std::string> broken(const json::value& self, const json::value* old) const override {
    return old == nullptr || self == *old ? std::nullopt : std::optional(message_);
  }
  bool transition() const override { return true; }
  const std::string& reason() const override { return reason_; }
  const std::string& fieldPath() const override { return field_path_; }

 private:
  std::string message_, reason_, field_path_;
};

std::string_view typeName(const SchemaNode& node) {
  switch (node.type) {
    case SchemaNode::Type::any:
      return "";
    case SchemaNode::Type::object:
      return "object";
    case SchemaNode::Type::array:
      return "array";
    case SchemaNode::Type::string:
      return "string";
    case SchemaNode::Type::integer:
      return "integer";
    case SchemaNode::Type::number:
      return "number";
    case SchemaNode::Type::boolean:
      return "boolean";
  }
  return "";
}

std::string violation(const Rule& rule, const SchemaNode& node, const FieldPath* at, std::string_view message) {
  std::string path = at == nullptr ? std::string() : at->text();
  path += rule.fieldPath();
  if (path.starts_with('.')) path.erase(0, 1);
  if (path.empty()) path = "<nil>";
  if (rule.reason() == "FieldValueRequired") return fmt::format("{}: Required value: {}", path, message);
  if (rule.reason() == "FieldValueForbidden") return fmt::format("{}: Forbidden: {}", path, message);
  if (rule.reason() == "FieldValueDuplicate") return fmt::format("{}: Duplicate value: \"{}\"", path, typeName(node));
  return fmt::format("{}: Invalid value: \"{}\": {}", path, typeName(node), message);
}

void checkRules(const json::value& value, const json::value* old, const SchemaNode& edge, const FieldPath* at,
                std::vector<std::string>& violations) {
  const SchemaNode& node = edge.shape();
  if (value.is_null()) return;
  const bool unchanged = old != nullptr && *old == value;
  if (node.rules) {
    for (const auto& rule : node.rules->validations) {
      // What was there already is not held against an update.
      if (unchanged || (rule->transition() && old == nullptr)) continue;
      if (const auto message = rule->broken(value, old)) violations.push_back(violation(*rule, node, at, *message));
    }
  }
  if (const auto* object = value.if_object()) {
    const auto* before = old == nullptr ? nullptr : old->if_object();
    for (const auto& [key, member] : *object) {
      const SchemaNode* schema = node.member(key);
      if (schema == nullptr) continue;
      const FieldPath here{.parent = at, .key = key, .bracketed = !node.properties.contains(key)};
      checkRules(member, before == nullptr ? nullptr : before->if_contains(key), *schema, &here, violations);
    }
  } else if (const auto* array = value.if_array(); array != nullptr && node.items) {
    const auto* before = old == nullptr || node.list_type != ListType::map ? nullptr : old->if_array();
    for (std::size_t i = 0; i < array->size(); ++i) {
      const FieldPath here{.parent = at, .index = i};
      checkRules((*array)[i], before == nullptr ? nullptr : correlated(*before, (*array)[i], node.list_map_keys),
                 *node.items, &here, violations);
    }
  }
}

}  // namespace

std::shared_ptr<const Rule> Rule::make(const json::object& entry) { return std::make_shared<EqualsOld>(entry); }

std::vector<std::string> validateRules(const json::object& object, const json::object* old, const SchemaNode& node) {
  std::vector<std::string> violations;
  const json::value self = object;
  if (old == nullptr) {
    checkRules(self, nullptr, node, nullptr, violations);
  } else {
    const json::value before = *old;
    checkRules(self, &before, node, nullptr, violations);
  }
  return violations;
}

}  // namespace crossfade::local
