// Sets of fields, as metadata.managedFields keeps them (FieldsV1): who owns what. Values; nothing here knows a schema.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace crossfade::local {

// A set of paths, as a tree. A step of a path is written as FieldsV1 does: "f:name" of a member, `k:{"name":"x"}` of
// the list item with these keys, `v:"x"` of an item of a set.
struct FieldSet {
  bool member = false;  // the path that leads here is in the set
  std::map<std::string, FieldSet, std::less<>> children;

  // True when no path is in the set.
  bool empty() const;
  const FieldSet* child(std::string_view step) const;
  // Puts a set below a step; an empty one leaves no trace.
  void attach(std::string_view step, FieldSet set);
};

FieldSet unionOf(const FieldSet& a, const FieldSet& b);
FieldSet difference(const FieldSet& a, const FieldSet& b);
FieldSet intersection(const FieldSet& a, const FieldSet& b);

json::object toFieldsV1(const FieldSet& set);
FieldSet fromFieldsV1(const json::object& fields);

// The paths of a set as messages show them: `.spec.containers[name="web"].image`.
std::vector<std::string> pathsOf(const FieldSet& set);

}  // namespace crossfade::local
