// Types and values, with the rules and in the words of the validator that the API server uses (kube-openapi), the
// choice of what to report from several alternatives included: the one that matched furthest.
#include <fmt/format.h>
#include <re2/re2.h>

#include <cmath>

#include "local/schema_walk.hpp"

namespace crossfade::local {

namespace {

std::string_view typeName(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "boolean";
    case json::kind::int64:
    case json::kind::uint64:
      return "integer";
    case json::kind::double_:
      return "number";
    case json::kind::string:
      return "string";
    case json::kind::array:
      return "array";
    case json::kind::object:
      return "object";
  }
  return "";
}

std::string_view typeName(SchemaNode::Type type) {
  switch (type) {
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

// As Go prints a float64 with %v where it has no fraction, and otherwise nearly so.
std::string plain(double value) { return fmt::format("{}", value); }

std::size_t runes(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

// What one alternative found: its violations, and how many checks it passed on the way.
struct Outcome {
  std::vector<std::string> violations;
  int matches = 0;
  bool blocking = false;

  void add(std::string violation) {
    if (std::ranges::find(violations, violation) == violations.end()) violations.push_back(std::move(violation));
  }
  void merge(const Outcome& other) {
    for (const auto& violation : other.violations) add(violation);
    matches += other.matches;
    blocking = blocking || other.blocking;
  }
};

// A walk along the object. Leaves report; the branches of `check` only choose which of them to ask.
struct Checker {
  Outcome check(const json::value& value, const json::value* old, const SchemaNode& node, const FieldPath* at);
  Outcome fresh(const json::value& value, const json::value* old, const SchemaNode& node, const FieldPath* at);
  void checkType(const json::value& value, const SchemaNode& node, const FieldPath* at, Outcome& outcome);
  void checkAlternatives(const json::value& value, const json::value* old, const ValueRules& rules, const FieldPath* at,
                         Outcome& outcome);
  void checkString(std::string_view text, const ValueRules& rules, const FieldPath* at, Outcome& outcome);
  void checkNumber(const json::value& value, const ValueRules& rules, const FieldPath* at, Outcome& outcome);
  void checkEnumeration(const json::value& value, const ValueRules& rules, const FieldPath* at, Outcome& outcome);
  void checkArray(const json::array& array, const json::array* old, const SchemaNode& node, const FieldPath* at,
                  Outcome& outcome);
  void checkObject(const json::object& object, const json::object* old, const SchemaNode& node, const FieldPath* at,
                   Outcome& outcome);
};

std::string nameOf(const FieldPath* at) { return at == nullptr ? std::string() : at->text(); }

void Checker::checkType(const json::value& value, const SchemaNode& node, const FieldPath* at, Outcome& outcome) {
  ++outcome.matches;
  using enum SchemaNode::Type;
  const bool whole = value.is_int64() || value.is_uint64() || (value.is_double() && asInteger(value).has_value());
  bool fits = true;
  if (value.is_null()) {
    fits = node.nullable || (node.type == any && !node.int_or_string);
  } else if (node.int_or_string) {
    fits = whole || value.is_string();
  } else {
    switch (node.type) {
      case any:
        break;
      case SchemaNode::Type::object:
        fits = value.is_object();
        break;
      case SchemaNode::Type::array:
        fits = value.is_array();
        break;
      case string:
        fits = value.is_string();
        break;
      case integer:
        fits = whole;
        break;
      case number:
        fits = value.is_number();
        break;
      case boolean:
        fits = value.is_bool();
        break;
    }
  }
  if (fits) return;
  const std::string name = nameOf(at);
  outcome.blocking = true;
  outcome.add(fmt::format("{}: Invalid value: \"{}\": {} in body must be of type {}: \"{}\"",
                          name.empty() ? "<nil>" : name, typeName(value), name,
                          node.int_or_string ? "integer,string" : typeName(node.type), typeName(value)));
}

void Checker::checkAlternatives(const json::value& value, const json::value* old, const ValueRules& rules,
                                const FieldPath* at, Outcome& outcome) {
  const auto say = [&](std::string_view what) {
    outcome.add(fmt::format("<nil>: Invalid value: \"\": \"{}\" {}", nameOf(at), what));
  };
  if (!rules.any_of.empty()) {
    std::optional<Outcome> best;
    bool valid = false;
    for (const auto& alternative : rules.any_of) {
      Outcome result = fresh(value, old, alternative, at);
      valid = result.violations.empty();
      if (valid || !best || result.matches > best->matches) best = std::move(result);
      if (valid) break;
    }
    if (!valid) say("must validate at least one schema (anyOf)");
    outcome.merge(*best);
  }
  if (!rules.one_of.empty()) {
    std::optional<Outcome> best;
    std::optional<Outcome> success;
    int valid = 0;
    for (const auto& alternative : rules.one_of) {
      Outcome result = fresh(value, old, alternative, at);
      if (result.violations.empty()) {
        ++valid;
        if (!success) success = std::move(result);
      } else if (valid == 0 && (!best || result.matches > best->matches)) {
        best = std::move(result);
      }
    }
    if (valid == 1) {
      outcome.merge(*success);
    } else {
      say(fmt::format(
          "must validate one and only one schema (oneOf). {}",
          valid == 0 ? std::string("Found none valid") : fmt::format("Found {} valid alternatives", valid)));
      if (valid == 0) outcome.merge(*best);
    }
  }
  if (!rules.all_of.empty()) {
    std::size_t valid = 0;
    for (const auto& part : rules.all_of) {
      const Outcome result = fresh(value, old, part, at);
      if (result.violations.empty()) ++valid;
      outcome.merge(result);
    }
    if (valid != rules.all_of.size())
      say(fmt::format("must validate all the schemas (allOf){}", valid == 0 ? ". None validated" : ""));
  }
  if (rules.negation && fresh(value, nullptr, *rules.negation, at).violations.empty())
    say("must not validate the schema (not)");
  ++outcome.matches;
}

void Checker::checkString(std::string_view text, const ValueRules& rules, const FieldPath* at, Outcome& outcome) {
  const std::string name = nameOf(at);
  const auto length = static_cast<std::int64_t>(runes(text));
  if (rules.max_length && length > *rules.max_length) {
    outcome.blocking = true;
    outcome.add(fmt::format("{}: Too long: may not be more than {} byte{}", name, *rules.max_length,
                            *rules.max_length == 1 ? "" : "s"));
  } else if (rules.min_length && length < *rules.min_length) {
    outcome.add(fmt::format("{}: Invalid value: {}: {} in body should be at least {} chars long", name,
                            json::serialize(json::value(text)), name, *rules.min_length));
  } else if (!rules.pattern.empty() &&
             !re2::RE2::PartialMatch(re2::StringPiece(text.data(), text.size()), rules.expression())) {
    outcome.add(fmt::format("{}: Invalid value: {}: {} in body should match '{}'", name,
                            json::serialize(json::value(text)), name, rules.pattern));
  }
}

void Checker::checkNumber(const json::value& value, const ValueRules& rules, const FieldPath* at, Outcome& outcome) {
  const double number = value.to_number<double>();
  const auto say = [&](std::string_view what, double bound) {
    const std::string name = nameOf(at);
    outcome.add(fmt::format("{}: Invalid value: {}: {} in body should be {} {}", name,
                            value.is_double() ? plain(number) : json::serialize(value), name, what, plain(bound)));
  };
  if (rules.multiple_of && *rules.multiple_of > 0) {
    const double quotient = number / *rules.multiple_of;
    if (std::fabs(quotient - std::round(quotient)) > 1e-9) say("a multiple of", *rules.multiple_of);
  }
  if (rules.minimum && (number < *rules.minimum || (rules.exclusive_minimum && number == *rules.minimum))) {
    say(rules.exclusive_minimum ? "greater than" : "greater than or equal to", *rules.minimum);
  }
  if (rules.maximum && (number > *rules.maximum || (rules.exclusive_maximum && number == *rules.maximum))) {
    say(rules.exclusive_maximum ? "less than" : "less than or equal to", *rules.maximum);
  }
  ++outcome.matches;
}

void Checker::checkEnumeration(const json::value& value, const ValueRules& rules, const FieldPath* at,
                               Outcome& outcome) {
  if (rules.enumeration.empty() || std::ranges::find(rules.enumeration, value) != rules.enumeration.end()) return;
  std::vector<std::string> supported;
  for (const auto& allowed : rules.enumeration) {
    supported.push_back(allowed.is_string() ? json::serialize(allowed)
                                            : fmt::format("\"{}\"", json::serialize(allowed)));
  }
  outcome.blocking = true;
  outcome.add(fmt::format("{}: Unsupported value: {}: supported values: {}", nameOf(at), json::serialize(value),
                          fmt::join(supported, ", ")));
}

void Checker::checkArray(const json::array& array, const json::array* old, const SchemaNode& node, const FieldPath* at,
                         Outcome& outcome) {
  if (node.items) {
    for (std::size_t i = 0; i < array.size(); ++i) {
      const FieldPath here{.parent = at, .index = i};
      const bool by_key = old != nullptr && node.list_type == ListType::map;
      outcome.merge(
          check(array[i], by_key ? correlated(*old, array[i], node.list_map_keys) : nullptr, *node.items, &here));
    }
  }
  if (const ValueRules* rules = node.rules.get()) {
    const std::string name = nameOf(at);
    const auto size = static_cast<std::int64_t>(array.size());
    if (rules->min_items && size < *rules->min_items) {
      outcome.add(fmt::format("{}: Invalid value: {}: {} in body should have at least {} items", name, size, name,
                              *rules->min_items));
    }
    if (rules->max_items && size > *rules->max_items) {
      outcome.blocking = true;
      outcome.add(fmt::format("{}: Too many: {}: must have at most {} item{}", name, size, *rules->max_items,
                              *rules->max_items == 1 ? "" : "s"));
    }
    if (rules->unique_items) {
      for (std::size_t i = 1; i < array.size(); ++i) {
        if (std::find(array.begin(), array.begin() + static_cast<std::ptrdiff_t>(i), array[i]) ==
            array.begin() + static_cast<std::ptrdiff_t>(i)) {
          continue;
        }
        outcome.add(fmt::format("{}: Invalid value: \"\": {} in body shouldn't contain duplicates", name, name));
        break;
      }
    }
  }
  ++outcome.matches;
}

void Checker::checkObject(const json::object& object, const json::object* old, const SchemaNode& node,
                          const FieldPath* at, Outcome& outcome) {
  if (const ValueRules* rules = node.rules.get()) {
    const std::string name = nameOf(at);
    const auto size = static_cast<std::int64_t>(object.size());
    if (rules->min_properties && size < *rules->min_properties) {
      outcome.add(fmt::format("{}: Invalid value: {}: {} in body should have at least {} properties", name, size, name,
                              *rules->min_properties));
    }
    if (rules->max_properties && size > *rules->max_properties) {
      outcome.blocking = true;
      outcome.add(fmt::format("{}: Too many: {}: must have at most {} item{}", name, size, *rules->max_properties,
                              *rules->max_properties == 1 ? "" : "s"));
    }
  }
  for (const auto& [key, value] : object) {
    const SchemaNode* member = node.member(key);
    const FieldPath here{.parent = at, .key = key};
    if (member != nullptr) {
      // What a client calls its object is not the old object's business: both were converted to the same version.
      const bool type_meta = at == nullptr && (key == "kind" || key == "apiVersion");
      outcome.merge(check(value, old == nullptr || type_meta ? nullptr : old->if_contains(key), *member, &here));
    } else if (node.closed) {
      const std::string name = nameOf(at);
      outcome.add(fmt::format("{}: Invalid value: {}: {}.{} in body is a forbidden property",
                              name.empty() ? "<nil>" : name, json::serialize(json::value(key)), name,
                              std::string_view(key)));
    }
  }
  for (const auto& key : node.required) {
    if (object.contains(key)) continue;
    const FieldPath here{.parent = at, .key = key};
    outcome.blocking = true;
    outcome.add(fmt::format("{}: Required value", here.text()));
  }
}

Outcome Checker::fresh(const json::value& value, const json::value* old, const SchemaNode& edge, const FieldPath* at) {
  const SchemaNode& node = edge.shape();
  Outcome outcome;
  const bool typed = node.type != SchemaNode::Type::any || node.int_or_string || !node.format.empty();
  if (typed) {
    checkType(value, node, at, outcome);
    ++outcome.matches;
  }
  if (value.is_null()) {
    if (node.rules && !node.nullable) checkEnumeration(value, *node.rules, at, outcome);
    return outcome;
  }
  if (node.rules) checkAlternatives(value, old, *node.rules, at, outcome);
  outcome.matches += 2;  // the checks of alternatives and of enumerations, which always count
  if (const auto* text = value.if_string()) {
    if (node.rules) checkString(*text, *node.rules, at, outcome);
    if (!node.format.empty() && !hasFormat(*text, node.format)) {
      const std::string name = nameOf(at);
      outcome.blocking = true;
      outcome.add(fmt::format("{}: Invalid value: {}: {} in body must be of type {}: {}", name, json::serialize(value),
                              name, node.format, json::serialize(value)));
    }
    outcome.matches += node.format.empty() ? 1 : 2;
  } else if (value.is_number()) {
    if (node.rules) checkNumber(value, *node.rules, at, outcome);
    ++outcome.matches;
  } else if (const auto* array = value.if_array()) {
    checkArray(*array, old == nullptr ? nullptr : old->if_array(), node, at, outcome);
    ++outcome.matches;
  }
  if (node.rules) checkEnumeration(value, *node.rules, at, outcome);
  if (const auto* object = value.if_object()) {
    checkObject(*object, old == nullptr ? nullptr : old->if_object(), node, at, outcome);
    ++outcome.matches;
  }
  ++outcome.matches;
  return outcome;
}

Outcome Checker::check(const json::value& value, const json::value* old, const SchemaNode& node, const FieldPath* at) {
  Outcome outcome = fresh(value, old, node, at);
  // Ratcheting: an update may leave alone what a newer schema would refuse.
  if (!outcome.violations.empty() && old != nullptr && sameJson(*old, value))
    return {.violations = {}, .matches = outcome.matches};
  return outcome;
}

void checkDefaults(const SchemaNode& node, const std::string& path, std::vector<std::string>& violations) {
  if (node.default_value) {
    for (std::string violation : Checker().fresh(*node.default_value, nullptr, node, nullptr).violations) {
      if (violation.starts_with("<nil>")) violation.erase(0, 5);
      violations.push_back(fmt::format("{}.default{}{}", path, violation.starts_with(':') ? "" : ".", violation));
    }
  }
  const std::string before = path.empty() ? path : path + ".";
  for (const auto& [key, member] : node.properties)
    checkDefaults(member, fmt::format("{}properties[{}]", before, key), violations);
  if (node.items) checkDefaults(*node.items, before + "items", violations);
  if (node.additional) checkDefaults(*node.additional, before + "additionalProperties", violations);
}

}  // namespace

std::vector<std::string> defaultViolations(const SchemaNode& node) {
  std::vector<std::string> violations;
  checkDefaults(node, "", violations);
  return violations;
}

std::string FieldPath::text() const {
  const std::string before = parent == nullptr ? std::string() : parent->text();
  if (index != no_index) return fmt::format("{}[{}]", before, index);
  if (bracketed) return fmt::format("{}[{}]", before, key);
  return before.empty() ? std::string(key) : fmt::format("{}.{}", before, key);
}

const json::value* correlated(const json::array& old, const json::value& item, const std::vector<std::string>& keys) {
  const auto* wanted = item.if_object();
  if (wanted == nullptr) return nullptr;
  for (const auto& candidate : old) {
    const auto* object = candidate.if_object();
    if (object == nullptr) continue;
    const bool same = std::ranges::all_of(keys, [&](const std::string& key) {
      const auto* left = wanted->if_contains(key);
      const auto* right = object->if_contains(key);
      return left == nullptr || right == nullptr ? left == right : *left == *right;
    });
    if (same) return &candidate;
  }
  return nullptr;
}

std::vector<std::string> validateValues(const json::object& object, const json::object* old, const SchemaNode& node,
                                        bool& blocking) {
  Outcome outcome;
  const SchemaNode& shape = node.shape();
  Checker checker;
  checker.checkObject(object, old, shape, nullptr, outcome);
  if (shape.rules) {
    const json::value root = object;
    checker.checkAlternatives(root, nullptr, *shape.rules, nullptr, outcome);
  }
  blocking = outcome.blocking;
  return std::move(outcome.violations);
}

}  // namespace crossfade::local
