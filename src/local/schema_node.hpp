// A schema as the tree that pruning, defaulting, validation and the patches walk. Internal to the room.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"

namespace re2 {
class RE2;
}

namespace crossfade::local {

// How lists merge, for server-side apply and the search for duplicates (x-kubernetes-list-type).
enum class ListType { atomic, set, map };

class Rule;
struct ValueRules;

struct SchemaNode {
  enum class Type : std::uint8_t { any, object, array, string, integer, number, boolean };

  SchemaNode();
  SchemaNode(SchemaNode&&) noexcept;
  SchemaNode& operator=(SchemaNode&&) noexcept;
  ~SchemaNode();

  // A reference to a named schema. Everything but `default_value` and the patch strategies is to be read from it.
  const SchemaNode* target = nullptr;
  // The node that says what the value looks like.
  const SchemaNode& shape() const { return target == nullptr ? *this : *target; }

  std::string name;  // "v1.DeploymentSpec", as Go calls it: of named schemas only
  Type type = Type::any;
  bool int_or_string = false;
  bool quantity = false;          // a string or a number
  bool preserve_unknown = false;  // x-kubernetes-preserve-unknown-fields
  bool embedded_resource = false;
  bool nullable = false;
  bool map_atomic = false;
  bool list_typed = false;  // whether list_type was written down
  ListType list_type = ListType::atomic;
  // Strategic merge patch: of an array, merge by patch_merge_key ("": as a set of scalars); of an object, drop what
  // isn't retained; of either, replace.
  bool patch_merge = false, patch_replace = false, patch_retain_keys = false;
  std::string patch_merge_key;
  std::vector<std::string> list_map_keys;
  std::vector<std::string> required;
  std::vector<std::string> nulls;      // of built-in kinds: members that Go writes as null when nothing is in them
  std::vector<std::string> omit_zero;  // of built-in kinds: members that Go leaves out when they are "", 0 or false
  std::string format;
  std::optional<json::value> default_value;
  std::map<std::string, SchemaNode, std::less<>> properties;
  std::unique_ptr<SchemaNode> additional;  // the schema of members that `properties` doesn't name
  bool closed = false;                     // additionalProperties: false
  std::unique_ptr<SchemaNode> items;
  std::unique_ptr<ValueRules> rules;  // null where there are none
  bool rules_within = false;          // x-kubernetes-validations here or below

  // The schema of a member; null for one that is unknown.
  const SchemaNode* member(std::string_view key) const;
  bool isMap() const { return properties.empty() && additional != nullptr; }
};

// What a value may be beyond its type.
struct ValueRules {
  std::optional<double> minimum, maximum, multiple_of;
  bool exclusive_minimum = false, exclusive_maximum = false;
  std::optional<std::int64_t> min_length, max_length, min_items, max_items, min_properties, max_properties;
  bool unique_items = false;
  std::string pattern;
  // Of `pattern`; made when the first value asks for it, because most patterns of a definition never meet one.
  const re2::RE2& expression() const;
  mutable std::shared_ptr<const re2::RE2> compiled_pattern;
  json::array enumeration;
  std::vector<SchemaNode> all_of, any_of, one_of;
  std::unique_ptr<SchemaNode> negation;  // `not`
  std::vector<std::shared_ptr<const Rule>> validations;
};

// The named schemas of one document, compiled as they are referred to. References stay inside.
class SchemaLibrary {
 public:
  // `schemas` maps names to OpenAPI v3 schemas; it outlives the library.
  explicit SchemaLibrary(const json::object& schemas) : schemas_(schemas) {}
  // Null when there is no schema of that name.
  const SchemaNode* find(std::string_view name);

 private:
  const json::object& schemas_;
  std::map<std::string, std::unique_ptr<SchemaNode>, std::less<>> compiled_;
};

// Compiles one schema. `library` resolves its references; null where there may be none.
Result<SchemaNode> compileSchema(const json::object& schema, SchemaLibrary* library);

// The violations of the rules of structural schemas, each with its path: "properties[spec].type: Required value: ...".
std::vector<std::string> structuralViolations(const json::object& schema);

// metav1.ObjectMeta of the embedded document; null when that is missing.
const SchemaNode* objectMetaNode();

}  // namespace crossfade::local
