#include "local/field_set.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace crossfade::local {

namespace {

// "f:name" as ".name", `k:{"a":1,"b":"x"}` as `[a=1,b="x"]`, `v:1` as `[=1]`.
std::string shown(std::string_view step) {
  const std::string_view rest = step.substr(std::min<std::size_t>(2, step.size()));
  if (step.starts_with("f:")) return fmt::format(".{}", rest);
  if (step.starts_with("v:")) return fmt::format("[={}]", rest);
  if (!step.starts_with("k:")) return fmt::format("[{}]", rest);
  std::vector<std::string> keys;
  if (const auto parsed = parseJson(rest); parsed && parsed->is_object()) {
    for (const auto& [key, value] : parsed->get_object())
      keys.push_back(fmt::format("{}={}", std::string_view(key), json::serialize(value)));
  }
  return fmt::format("[{}]", fmt::join(keys, ","));
}

void addPaths(const FieldSet& set, const std::string& before, std::vector<std::string>& paths) {
  if (set.member) paths.push_back(before);
  for (const auto& [step, child] : set.children) addPaths(child, before + shown(step), paths);
}

// Without children a path is in the set; with some, where "." says so.
FieldSet readFields(const json::object& fields) {
  FieldSet set{.member = fields.empty(), .children = {}};
  for (const auto& [step, child] : fields) {
    if (step == ".") {
      set.member = true;
    } else if (const auto* object = child.if_object()) {
      set.attach(step, readFields(*object));
    }
  }
  return set;
}

}  // namespace

bool FieldSet::empty() const {
  return !member && std::ranges::all_of(children, [](const auto& entry) { return entry.second.empty(); });
}

const FieldSet* FieldSet::child(std::string_view step) const {
  const auto found = children.find(step);
  return found == children.end() ? nullptr : &found->second;
}

void FieldSet::attach(std::string_view step, FieldSet set) {
  if (!set.empty()) children.insert_or_assign(std::string(step), std::move(set));
}

FieldSet unionOf(const FieldSet& a, const FieldSet& b) {
  FieldSet result = a;
  result.member = a.member || b.member;
  for (const auto& [step, child] : b.children) {
    const FieldSet* other = a.child(step);
    result.attach(step, other == nullptr ? child : unionOf(*other, child));
  }
  return result;
}

FieldSet difference(const FieldSet& a, const FieldSet& b) {
  FieldSet result{.member = a.member && !b.member, .children = {}};
  for (const auto& [step, child] : a.children) {
    const FieldSet* other = b.child(step);
    result.attach(step, other == nullptr ? child : difference(child, *other));
  }
  return result;
}

FieldSet intersection(const FieldSet& a, const FieldSet& b) {
  FieldSet result{.member = a.member && b.member, .children = {}};
  for (const auto& [step, child] : a.children) {
    if (const FieldSet* other = b.child(step)) result.attach(step, intersection(child, *other));
  }
  return result;
}

json::object toFieldsV1(const FieldSet& set) {
  json::object fields;
  if (set.member && !set.children.empty()) fields["."] = json::object();
  for (const auto& [step, child] : set.children) fields[step] = toFieldsV1(child);
  return fields;
}

FieldSet fromFieldsV1(const json::object& fields) {
  FieldSet set = readFields(fields);
  set.member = false;  // the object as a whole belongs to nobody
  return set;
}

std::vector<std::string> pathsOf(const FieldSet& set) {
  std::vector<std::string> paths;
  addPaths(set, "", paths);
  return paths;
}

}  // namespace crossfade::local
