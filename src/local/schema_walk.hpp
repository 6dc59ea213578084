// What a schema does to objects, one function a subject; local/schema.hpp puts them together. Internal to the room.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "local/schema_node.hpp"

namespace crossfade::local {

// Where a walk stands: a chain of frames on the stack, made text only when something is to be said.
struct FieldPath {
  const FieldPath* parent = nullptr;  // null: at the root
  std::string_view key{};
  std::size_t index = no_index;
  bool bracketed = false;  // the key is one of a map: `labels[key]`

  static constexpr std::size_t no_index = static_cast<std::size_t>(-1);
  // "spec.containers[0].name"; "spec" has no leading dot.
  std::string text() const;
};

// Drops what the schema doesn't know and adds its paths to `unknown`, sorted.
void pruneUnknown(json::object& object, const SchemaNode& node, std::vector<std::string>& unknown);

// Drops nulls that are not nullable and have no default, and fills in defaults.
void fillDefaults(json::object& object, const SchemaNode& node);
// What decoding into a Go struct and encoding it again does to a built-in kind: nulls and empty lists and maps that are
// not required go, structs and scalars that are always written come.
void normalizeBuiltin(json::object& object, const SchemaNode& node);

// What Go encodes of a struct that nothing was written into: structs, scalars and lists without omitempty.
json::object blankBuiltin(const SchemaNode& node);

// Violations of the types and values that the schema allows. What an update left as it was in `old` is not held
// against it. `blocking`: some are such that rules can't be evaluated.
std::vector<std::string> validateValues(const json::object& object, const json::object* old, const SchemaNode& node,
                                        bool& blocking);
// The violations of a CustomResourceDefinition's schema: of its structure, and then of its defaults. Each with its
// path: "properties[spec].type: Required value: ...".
std::vector<std::string> schemaViolations(const json::object& schema);
// Defaults that aren't what their own schema asks for.
std::vector<std::string> defaultViolations(const SchemaNode& node);
// Duplicates in sets and maps, and what embedded resources lack.
std::vector<std::string> validateLists(const json::object& object, const SchemaNode& node);
std::vector<std::string> validateEmbedded(const json::object& object, const SchemaNode& node);
// Broken x-kubernetes-validations.
std::vector<std::string> validateRules(const json::object& object, const json::object* old, const SchemaNode& node);

// The element of `old` that has the same keys as `item`; null when there is none.
const json::value* correlated(const json::array& old, const json::value& item, const std::vector<std::string>& keys);

// See Schema::mistyped().
std::optional<std::string> mistypedValue(const json::object& object, const SchemaNode& node);

// Whether a string has a format of OpenAPI or Kubernetes ("date-time", "ipv4", "k8s-short-name"). Unknown formats hold
// always.
bool hasFormat(std::string_view text, std::string_view format);

}  // namespace crossfade::local
