// What server-side apply needs of objects: their fields as sets, how two of them differ, and how one is merged into
// another. The rules (which lists merge by keys, which values are taken as a whole) come from the schema; what it
// doesn't know merges by members where it is an object and is taken as a whole where it is a list.
#pragma once
#include <string>
#include <vector>

#include "local/field_set.hpp"
#include "local/schema_node.hpp"

namespace crossfade::local {

// In all of these `root` is the schema of the whole object; null: nothing is known of it but its metadata.

// The fields of an object that somebody applies.
FieldSet fieldsOf(const json::object& object, const SchemaNode* root);

struct FieldChanges {
  FieldSet added, modified, removed;
};
FieldChanges compareFields(const json::object& before, const json::object& after, const SchemaNode* root);

// `applied` over `live`. Objects must have passed typedViolations().
json::object mergeFields(const json::object& live, const json::object& applied, const SchemaNode* root);
// The object without these fields. What contained nothing else becomes null.
json::object removeFields(const json::object& object, const FieldSet& fields, const SchemaNode* root);
// The set, and with each field the members of fixed structure that lead to it.
FieldSet withNamedFields(const FieldSet& fields, const SchemaNode* root);

// Why an object can't be merged: unknown fields, values of a wrong type, list items without or with equal keys.
std::vector<std::string> typedViolations(const json::object& object, const SchemaNode* root);

}  // namespace crossfade::local
