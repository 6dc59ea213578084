// Whether a schema is structural: what a CustomResourceDefinition must be to be accepted.
#include <fmt/format.h>
#include <re2/re2.h>

#include "local/schema_node.hpp"

namespace crossfade::local {

namespace {

enum class Level { root, item, field };

// A walk over the schema document; collects violations with their paths.
struct Structure {
  std::vector<std::string> violations;
  std::set<std::string> patterns;  // seen already: definitions repeat the same few hundreds of times

  void say(const std::string& path, std::string_view field, std::string_view what) {
    violations.push_back(fmt::format("{}{}{}: {}", path, path.empty() ? "" : ".", field, what));
  }
  void check(const json::object& schema, Level level, const std::string& path);
  void checkType(const json::object& schema, Level level, const std::string& path);
  void checkListType(const json::object& schema, const std::string& path);
  void checkMetadata(const json::object& schema, Level level, const std::string& path);
  void checkValues(const json::object& schema, const std::string& path, bool int_or_string);
  void checkNested(const json::value& nested, const std::string& path, bool int_or_string);
};

std::string below(const std::string& path, std::string_view step) {
  return path.empty() ? std::string(step) : fmt::format("{}.{}", path, step);
}

bool flag(const json::object& schema, std::string_view key) { return getBool(schema, {key}); }

// [{"type":"integer"},{"type":"string"}]: the one place where alternatives may state types.
bool isIntOrStringPair(const json::object& schema) {
  static const json::array pair{json::object{{"type", "integer"}}, json::object{{"type", "string"}}};
  const auto* any = getArray(schema, {"anyOf"});
  return any != nullptr && *any == pair;
}

// The same complaint in the words of Go's regular expressions.
std::string goError(const re2::RE2& expression) {
  const std::string_view what = [&expression]() -> std::string_view {
    switch (expression.error_code()) {
      case re2::RE2::ErrorBadEscape:
        return "invalid escape sequence";
      case re2::RE2::ErrorBadCharRange:
        return "invalid character class range";
      case re2::RE2::ErrorMissingBracket:
        return "missing closing ]";
      case re2::RE2::ErrorMissingParen:
        return "missing closing )";
      case re2::RE2::ErrorUnexpectedParen:
        return "unexpected )";
      case re2::RE2::ErrorRepeatArgument:
        return "missing argument to repetition operator";
      case re2::RE2::ErrorRepeatSize:
        return "invalid repeat count";
      case re2::RE2::ErrorRepeatOp:
        return "invalid nested repetition operator";
      case re2::RE2::ErrorBadPerlOp:
        return "invalid or unsupported Perl syntax";
      case re2::RE2::ErrorBadUTF8:
        return "invalid UTF-8";
      default:
        return "invalid regular expression";
    }
  }();
  return fmt::format("error parsing regexp: {}: `{}`", what, expression.error_arg());
}

void Structure::checkType(const json::object& schema, Level level, const std::string& path) {
  const std::string_view type = getString(schema, {"type"});
  const bool free = flag(schema, "x-kubernetes-int-or-string") || flag(schema, "x-kubernetes-preserve-unknown-fields");
  if (flag(schema, "x-kubernetes-embedded-resource") && type != "object") {
    say(path, "type",
        type.empty()
            ? std::string("Required value: must be object if x-kubernetes-embedded-resource is true")
            : fmt::format("Invalid value: \"{}\": must be object if x-kubernetes-embedded-resource is true", type));
  } else if (type.empty() && !free) {
    say(path, "type",
        level == Level::root   ? "Required value: must not be empty at the root"
        : level == Level::item ? "Required value: must not be empty for specified array items"
                               : "Required value: must not be empty for specified object fields");
  }
  if (level == Level::root && !type.empty() && type != "object") {
    say(path, "type", fmt::format("Invalid value: \"{}\": must be object at the root", type));
  }
}

void Structure::checkListType(const json::object& schema, const std::string& path) {
  const std::string_view type = getString(schema, {"type"});
  const std::string_view list_type = getString(schema, {"x-kubernetes-list-type"});
  const auto* keys = getArray(schema, {"x-kubernetes-list-map-keys"});
  const auto wants = [&](std::string_view wanted, std::string_view why) {
    if (type == wanted) return;
    say(path, "type",
        type.empty() ? fmt::format("Required value: must be {} if {} is specified", wanted, why)
                     : fmt::format("Invalid value: \"{}\": must be {} if {} is specified", type, wanted, why));
  };
  if (const std::string_view map_type = getString(schema, {"x-kubernetes-map-type"}); !map_type.empty()) {
    wants("object", "x-kubernetes-map-type");
    if (map_type != "atomic" && map_type != "granular") {
      say(path, "x-kubernetes-map-type",
          fmt::format("Unsupported value: \"{}\": supported values: \"atomic\", \"granular\"", map_type));
    }
  }
  if (!list_type.empty()) {
    wants("array", "x-kubernetes-list-type");
    if (list_type != "atomic" && list_type != "set" && list_type != "map") {
      say(path, "x-kubernetes-list-type",
          fmt::format("Unsupported value: \"{}\": supported values: \"atomic\", \"set\", \"map\"", list_type));
    }
  }
  if (keys != nullptr && !keys->empty() && list_type != "map") {
    say(path, "x-kubernetes-list-type",
        list_type.empty()
            ? std::string("Required value: must be map if x-kubernetes-list-map-keys is non-empty")
            : fmt::format("Invalid value: \"{}\": must be map if x-kubernetes-list-map-keys is non-empty", list_type));
  }
  if (list_type != "map") return;
  if (keys == nullptr || keys->empty()) {
    say(path, "x-kubernetes-list-map-keys", "Required value: must not be empty if x-kubernetes-list-type is map");
  }
  if (const auto item = getString(schema, {"items", "type"}); item != "object") {
    say(path, "items.type",
        fmt::format("Invalid value: \"{}\": must be object if parent array's x-kubernetes-list-type is map", item));
  }
  const auto* members = getObject(schema, {"items", "properties"});
  for (const auto& key : keys == nullptr ? json::array() : *keys) {
    if (members != nullptr && key.is_string() && members->contains(key.get_string())) continue;
    say(path, "x-kubernetes-list-map-keys",
        fmt::format("Invalid value: {}: entries must all be names of item properties", json::serialize(*keys)));
  }
}

void Structure::checkMetadata(const json::object& schema, Level level, const std::string& path) {
  if (level != Level::root && !flag(schema, "x-kubernetes-embedded-resource")) return;
  for (const std::string_view key : {"apiVersion", "kind"}) {
    const auto* member = getObject(schema, {"properties", key});
    if (member != nullptr && getString(*member, {"type"}) != "string") {
      say(path, fmt::format("properties[{}].type", key),
          fmt::format("Invalid value: \"{}\": must be string", getString(*member, {"type"})));
    }
  }
  const auto* metadata = getObject(schema, {"properties", "metadata"});
  if (metadata == nullptr) return;
  if (getString(*metadata, {"type"}) != "object") {
    say(path, "properties[metadata].type",
        fmt::format("Invalid value: \"{}\": must be object", getString(*metadata, {"type"})));
  }
  if (level != Level::root) return;
  const auto* members = getObject(*metadata, {"properties"});
  const bool more = members != nullptr && std::ranges::any_of(*members, [](const auto& member) {
                      return member.key() != "name" && member.key() != "generateName";
                    });
  if (more || metadata->contains("additionalProperties")) {
    say(path, "properties[metadata]",
        "Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified");
  }
}

void Structure::checkValues(const json::object& schema, const std::string& path, bool int_or_string) {
  for (const std::string_view key : {"anyOf", "allOf", "oneOf"}) {
    const auto* list = getArray(schema, {key});
    if (list == nullptr || (key == "anyOf" && int_or_string && isIntOrStringPair(schema))) continue;
    for (std::size_t i = 0; i < list->size(); ++i) {
      checkNested((*list)[i], below(path, fmt::format("{}[{}]", key, i)), int_or_string && key == "allOf" && i == 0);
    }
  }
  if (const auto* negation = schema.if_contains("not")) checkNested(*negation, below(path, "not"), false);
  const std::string pattern(getString(schema, {"pattern"}));
  if (pattern.empty() || !patterns.insert(pattern).second) return;
  if (const re2::RE2 expression(pattern, re2::RE2::Quiet); !expression.ok()) {
    say(path, "pattern",
        fmt::format("Invalid value: {}: must be a valid regular expression, but isn't: {}",
                    json::serialize(json::value(pattern)), goError(expression)));
  }
}

// Alternatives may restrict values; what a value looks like is said outside of them.
void Structure::checkNested(const json::value& nested, const std::string& path, bool int_or_string) {
  const auto* schema = nested.if_object();
  if (schema == nullptr) return;
  checkValues(*schema, path, int_or_string);
  if (const auto* items = schema->if_contains("items")) checkNested(*items, below(path, "items"), false);
  if (const auto* members = getObject(*schema, {"properties"})) {
    for (const auto& [key, member] : *members) {
      if (key == "metadata") say(path, "properties[metadata]", "Forbidden: must not be specified in a nested context");
      checkNested(member, below(path, fmt::format("properties[{}]", std::string_view(key))), false);
    }
  }
  for (const std::string_view key :
       {"type", "title", "description", "x-kubernetes-validations", "x-kubernetes-list-map-keys"}) {
    if (schema->contains(key)) say(path, key, "Forbidden: must be empty to be structural");
  }
  for (const std::string_view key :
       {"additionalProperties", "default", "x-kubernetes-list-type", "x-kubernetes-map-type"}) {
    if (schema->contains(key)) say(path, key, "Forbidden: must be undefined to be structural");
  }
  for (const std::string_view key : {"nullable", "x-kubernetes-preserve-unknown-fields",
                                     "x-kubernetes-embedded-resource", "x-kubernetes-int-or-string"}) {
    if (flag(*schema, key)) say(path, key, "Forbidden: must be false to be structural");
  }
}

void Structure::check(const json::object& schema, Level level, const std::string& path) {
  const auto* items = getObject(schema, {"items"});
  if (getString(schema, {"type"}) == "array" && items == nullptr)
    say(path, "items", "Required value: must be specified");
  if (items != nullptr) check(*items, Level::item, below(path, "items"));
  if (const auto* members = getObject(schema, {"properties"})) {
    for (const auto& [key, member] : *members) {
      // Metadata at the root has rules of its own.
      if (!member.is_object() || (level == Level::root && key == "metadata")) continue;
      check(member.get_object(), Level::field, below(path, fmt::format("properties[{}]", std::string_view(key))));
    }
  }
  if (schema.contains("additionalProperties")) {
    if (level == Level::root) say(path, "additionalProperties", "Forbidden: must not be used at the root");
    if (schema.contains("properties")) {
      say(path, "additionalProperties", "Forbidden: additionalProperties and properties are mutual exclusive");
    }
    if (const auto* additional = getObject(schema, {"additionalProperties"})) {
      check(*additional, Level::field, below(path, "additionalProperties"));
    }
  }
  if (schema.contains("$ref")) say(path, "$ref", "Forbidden: $ref is not supported");
  if (flag(schema, "uniqueItems")) {
    say(path, "uniqueItems",
        "Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic");
  }
  checkType(schema, level, path);
  checkListType(schema, path);
  checkMetadata(schema, level, path);
  checkValues(schema, path, flag(schema, "x-kubernetes-int-or-string"));
}

}  // namespace

std::vector<std::string> structuralViolations(const json::object& schema) {
  Structure structure;
  structure.check(schema, Level::root, "");
  std::ranges::sort(structure.violations);
  return std::move(structure.violations);
}

}  // namespace crossfade::local
