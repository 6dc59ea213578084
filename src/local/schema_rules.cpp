#include "local/schema_rules.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "local/cel.hpp"
#include "local/schema_walk.hpp"

namespace crossfade::local {

namespace {

// What a rule says that can't be evaluated.
class Unreadable : public Rule {
 public:
  std::optional<std::string> broken(const json::value&, const json::value*) const override { return std::nullopt; }
  bool transition() const override { return false; }
  const std::string& reason() const override { return nothing_; }
  const std::string& fieldPath() const override { return nothing_; }

 private:
  std::string nothing_;
};

class ExpressionRule : public Rule {
 public:
  ExpressionRule(const json::object& entry, cel::Expression expression, std::optional<cel::Expression> message)
      : text_(getString(entry, {"rule"})),
        message_(getString(entry, {"message"})),
        reason_(getString(entry, {"reason"})),
        field_path_(getString(entry, {"fieldPath"})),
        expression_(std::move(expression)),
        message_expression_(std::move(message)),
        transition_(expression_.mentions("oldSelf")) {}

  std::optional<std::string> broken(const json::value& self, const json::value* old) const override {
    cel::Variables variables{{"self", &self}};
    if (old != nullptr) variables["oldSelf"] = old;
    const auto value = expression_.evaluate(variables);
    if (!value) return fmt::format("{} evaluating rule: {}", value.error().message, plainMessage());
    if (value->is_bool() && value->get_bool()) return std::nullopt;
    if (message_expression_) {
      const auto said = message_expression_->evaluate(variables);
      if (said && said->is_string() && !said->get_string().empty()) return std::string(said->get_string());
    }
    return plainMessage();
  }
  bool transition() const override { return transition_; }
  const std::string& reason() const override { return reason_; }
  const std::string& fieldPath() const override { return field_path_; }

 private:
  std::string plainMessage() const { return message_.empty() ? "failed rule: " + text_ : message_; }

  std::string text_, message_, reason_, field_path_;
  cel::Expression expression_;
  std::optional<cel::Expression> message_expression_;
  bool transition_;
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
                std::vector<std::string>& violations);

// The rules of one node. What was there already is not held against an update.
void evaluateRules(const json::value& value, const json::value* old, const SchemaNode& node, const FieldPath* at,
                   std::vector<std::string>& violations) {
  if (!node.rules || node.rules->validations.empty() || (old != nullptr && sameJson(*old, value))) return;
  for (const auto& rule : node.rules->validations) {
    if (rule->transition() && old == nullptr) continue;
    if (const auto message = rule->broken(value, old)) violations.push_back(violation(*rule, node, at, *message));
  }
}

void checkMembers(const json::object& object, const json::object* old, const SchemaNode& node, const FieldPath* at,
                  std::vector<std::string>& violations) {
  for (const auto& [key, member] : object) {
    const SchemaNode* schema = node.member(key);
    if (schema == nullptr) continue;
    const FieldPath here{.parent = at, .key = key, .bracketed = !node.properties.contains(key)};
    checkRules(member, old == nullptr ? nullptr : old->if_contains(key), *schema, &here, violations);
  }
}

void checkRules(const json::value& value, const json::value* old, const SchemaNode& edge, const FieldPath* at,
                std::vector<std::string>& violations) {
  const SchemaNode& node = edge.shape();
  if (value.is_null() || !node.rules_within) return;
  evaluateRules(value, old, node, at, violations);
  if (const auto* object = value.if_object()) {
    checkMembers(*object, old == nullptr ? nullptr : old->if_object(), node, at, violations);
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

std::shared_ptr<const Rule> Rule::make(const json::object& entry) {
  const std::string_view text = getString(entry, {"rule"});
  auto expression = cel::Expression::parse(text);
  if (!expression) {
    log::debug("a rule of a schema is ignored: {}: {}", text, expression.error().message);
    return std::make_shared<Unreadable>();
  }
  std::optional<cel::Expression> message;
  if (const auto source = getString(entry, {"messageExpression"}); !source.empty()) {
    if (auto parsed = cel::Expression::parse(source)) message.emplace(std::move(*parsed));
  }
  return std::make_shared<ExpressionRule>(entry, std::move(*expression), std::move(message));
}

std::vector<std::string> validateRules(const json::object& object, const json::object* old, const SchemaNode& node) {
  std::vector<std::string> violations;
  if (!node.rules_within) return violations;
  const SchemaNode& root = node.shape();
  if (root.rules && !root.rules->validations.empty()) {
    // Only rules of the whole object need it as a value.
    const json::value self = object;
    const json::value before = old == nullptr ? json::value() : json::value(*old);
    evaluateRules(self, old == nullptr ? nullptr : &before, root, nullptr, violations);
  }
  checkMembers(object, old, root, nullptr, violations);
  return violations;
}

}  // namespace crossfade::local
