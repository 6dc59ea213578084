// metadata.managedFields as values: who wrote which fields, how, and when.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "local/field_set.hpp"

namespace crossfade::local {

struct FieldManager {
  std::string name;
  bool applied = false;  // operation Apply; else Update
  std::string api_version;
  std::string subresource;
  std::string time;  // RFC 3339; "" when unknown
  FieldSet fields;

  // Appliers are the same manager whatever version they apply in; updaters are one a version.
  bool sameAs(const FieldManager& other) const;
  // The text that the API server sorts managers by.
  std::string identity() const;
  // `"kubectl" using apps/v1`, as conflicts name it.
  std::string shown() const;
};

using FieldManagers = std::vector<FieldManager>;

// Entries that can't be read are left out.
FieldManagers readManagers(const json::object& object);
// Replaces metadata.managedFields, in the API server's order; managers without fields are left out, and so is an empty
// list. Beyond ten updaters the oldest are merged into "ancient-changes".
void writeManagers(FieldManagers managers, json::object& object);

// Of a kind with a status subresource: whoever writes the object owns nothing of its status, and whoever writes its
// status nothing of its spec. Takes from the entries of one subresource ("": the object itself) what it can't write.
void dropUnwritableFields(json::object& object, std::string_view subresource);

// Drops what nobody owns from a set: the object's identity and what the server writes into metadata.
FieldSet withoutServerFields(const FieldSet& fields);

}  // namespace crossfade::local
