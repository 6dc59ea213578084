#include "local/field_managers.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/time.hpp"

namespace crossfade::local {

namespace {

constexpr std::size_t max_updaters = 10;

void capUpdaters(FieldManagers& managers) {
  std::vector<std::size_t> updaters;
  for (std::size_t i = 0; i < managers.size(); ++i) {
    if (!managers[i].applied) updaters.push_back(i);
  }
  if (updaters.size() <= max_updaters) return;
  std::ranges::stable_sort(updaters, {},
                           [&managers](std::size_t i) { return std::tie(managers[i].time, managers[i].name); });
  // Two of a version become one, so that each step past the first of a version shortens the list by one.
  std::size_t left = updaters.size();
  std::map<std::string, std::size_t> buckets;
  for (const std::size_t i : updaters) {
    if (left <= max_updaters) break;
    const auto [bucket, fresh] = buckets.try_emplace(managers[i].api_version, i);
    if (fresh) continue;
    FieldManager& target = managers[bucket->second];
    target.name = "ancient-changes";
    target.subresource.clear();
    target.time = managers[i].time;
    target.fields = unionOf(target.fields, managers[i].fields);
    managers[i].fields = {};
    --left;
  }
}

}  // namespace

bool FieldManager::sameAs(const FieldManager& other) const {
  return name == other.name && applied == other.applied && subresource == other.subresource &&
         (applied || api_version == other.api_version);
}

std::string FieldManager::identity() const {
  json::object entry{{"manager", name}, {"operation", applied ? "Apply" : "Update"}};
  if (!applied) entry["apiVersion"] = api_version;
  if (!subresource.empty()) entry["subresource"] = subresource;
  return json::serialize(entry);
}

std::string FieldManager::shown() const {
  std::string text = fmt::format("\"{}\"", name);
  if (!subresource.empty()) text += fmt::format(" with subresource \"{}\"", subresource);
  return applied ? text : fmt::format("{} using {}", text, api_version);
}

FieldManagers readManagers(const json::object& object) {
  FieldManagers managers;
  const auto* entries = getArray(object, {"metadata", "managedFields"});
  if (entries == nullptr) return managers;
  for (const auto& item : *entries) {
    const auto* entry = item.if_object();
    const auto* fields = entry == nullptr ? nullptr : getObject(*entry, {"fieldsV1"});
    if (fields == nullptr) continue;
    managers.push_back({.name = std::string(getString(*entry, {"manager"})),
                        .applied = getString(*entry, {"operation"}) == "Apply",
                        .api_version = std::string(getString(*entry, {"apiVersion"})),
                        .subresource = std::string(getString(*entry, {"subresource"})),
                        .time = std::string(getString(*entry, {"time"})),
                        .fields = fromFieldsV1(*fields)});
  }
  return managers;
}

void writeManagers(FieldManagers managers, json::object& object) {
  capUpdaters(managers);
  std::erase_if(managers, [](const FieldManager& manager) { return manager.fields.empty(); });
  std::ranges::stable_sort(managers, [](const FieldManager& a, const FieldManager& b) {
    if (a.applied != b.applied) return a.applied;
    return std::tie(a.time, a.name, a.api_version, a.subresource) <
           std::tie(b.time, b.name, b.api_version, b.subresource);
  });
  json::object& metadata = ensureObject(object, {"metadata"});
  if (managers.empty()) {
    metadata.erase("managedFields");
    return;
  }
  json::array entries;
  for (const auto& manager : managers) {
    json::object entry{{"manager", manager.name},
                       {"operation", manager.applied ? "Apply" : "Update"},
                       {"apiVersion", manager.api_version}};
    if (!manager.time.empty()) entry["time"] = manager.time;
    entry["fieldsType"] = "FieldsV1";
    entry["fieldsV1"] = toFieldsV1(manager.fields);
    if (!manager.subresource.empty()) entry["subresource"] = manager.subresource;
    entries.push_back(std::move(entry));
  }
  metadata["managedFields"] = std::move(entries);
}

void dropUnwritableFields(json::object& object, std::string_view subresource) {
  auto* entries = find(object, {"metadata", "managedFields"});
  if (entries == nullptr || !entries->is_array() || subresource == "scale") return;
  const std::string_view out_of_reach = subresource == "status" ? "f:spec" : "f:status";
  json::array kept;
  for (auto& item : entries->get_array()) {
    auto* entry = item.if_object();
    if (entry == nullptr || getString(*entry, {"subresource"}) != subresource) {
      kept.push_back(std::move(item));
      continue;
    }
    json::object fields;
    if (const auto* all = getObject(*entry, {"fieldsV1"})) {
      for (const auto& [step, below] : *all) {
        if (step != out_of_reach) fields[step] = below;
      }
    }
    if (fields.empty()) continue;
    (*entry)["fieldsV1"] = std::move(fields);
    kept.push_back(std::move(item));
  }
  *entries = std::move(kept);
}

FieldSet withoutServerFields(const FieldSet& fields) {
  static const FieldSet nobodys = [] {
    const FieldSet leaf{.member = true, .children = {}};
    FieldSet metadata = leaf;
    for (const std::string_view name : {"name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName",
                                        "generation", "managedFields", "resourceVersion"}) {
      metadata.attach(fmt::format("f:{}", name), leaf);
    }
    FieldSet set;
    set.attach("f:apiVersion", leaf);
    set.attach("f:kind", leaf);
    set.attach("f:metadata", std::move(metadata));
    return set;
  }();
  FieldSet rest = difference(fields, nobodys);
  rest.member = false;
  return rest;
}

}  // namespace crossfade::local
