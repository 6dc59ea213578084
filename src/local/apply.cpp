// Server-side apply, and the bookkeeping of who owns which field (structured merge of Kubernetes).
#include <fmt/format.h>

#include "local/field_managers.hpp"
#include "local/field_merge.hpp"
#include "local/patch.hpp"

namespace crossfade::local {

namespace {

const SchemaNode* rootOf(const Schema* schema) { return schema == nullptr ? nullptr : &schema->root(); }

json::object withoutManagers(json::object object) {
  if (auto* metadata = find(object, {"metadata"}); metadata != nullptr && metadata->is_object()) {
    metadata->get_object().erase("managedFields");
  }
  return object;
}

FieldManager* findManager(FieldManagers& managers, const FieldManager& wanted) {
  const auto found =
      std::ranges::find_if(managers, [&wanted](const FieldManager& manager) { return manager.sameAs(wanted); });
  return found == managers.end() ? nullptr : &*found;
}

// A client that sends an empty list, or one empty entry, wants all ownership forgotten.
bool forgetsManagers(const json::object& object) {
  const auto* entries = getArray(object, {"metadata", "managedFields"});
  if (entries == nullptr) return false;
  return entries->empty() ||
         (entries->size() == 1 && entries->front().is_object() && entries->front().get_object().empty());
}

// Gives the changed fields to `self`, and takes them (and those that are gone) from everybody.
void transfer(FieldManagers& managers, const FieldChanges& changes, FieldManager self) {
  const FieldSet taken = unionOf(changes.modified, changes.added);
  const FieldSet lost = unionOf(taken, changes.removed);
  for (auto& manager : managers) manager.fields = difference(manager.fields, lost);
  self.fields = withoutServerFields(taken);
  if (self.fields.empty()) return;
  if (FieldManager* known = findManager(managers, self)) {
    known->fields = unionOf(known->fields, self.fields);
    known->time = self.time;
  } else {
    managers.push_back(std::move(self));
  }
}

struct Conflict {
  std::string identity, manager;  // the latter as shown
  std::vector<std::string> paths;
};

std::string conflictMessage(std::vector<Conflict> conflicts) {
  std::size_t count = 0;
  for (const auto& conflict : conflicts) count += conflict.paths.size();
  if (count == 1) {
    return fmt::format("Apply failed with 1 conflict: conflict with {}: {}", conflicts.front().manager,
                       conflicts.front().paths.front());
  }
  std::ranges::sort(conflicts, {}, &Conflict::identity);
  std::vector<std::string> lines;
  for (const auto& conflict : conflicts) {
    lines.push_back(fmt::format("conflicts with {}:", conflict.manager));
    for (const auto& path : conflict.paths) lines.push_back(fmt::format("- {}", path));
  }
  return fmt::format("Apply failed with {} conflicts: {}", count, fmt::join(lines, "\n"));
}

// Removes what this manager applied the last time and does not now, unless somebody else owns it.
json::object dropAbandoned(const json::object& merged, const FieldSet& last, const FieldManagers& managers,
                           const SchemaNode* root) {
  if (last.empty()) return merged;
  FieldSet owned;
  for (const auto& manager : managers) owned = unionOf(owned, manager.fields);
  const auto gone = [&](const json::object& pruned) {
    return difference(withNamedFields(fieldsOf(merged, root), root), withNamedFields(fieldsOf(pruned, root), root));
  };
  const FieldSet last_named = withNamedFields(last, root);
  json::object pruned = removeFields(merged, last_named, root);
  pruned = removeFields(merged, difference(gone(pruned), withNamedFields(owned, root)), root);
  return removeFields(merged, intersection(gone(pruned), last_named), root);
}

// What kubectl's client-side apply wrote last: those fields are its own, under another name.
FieldSet lastAppliedFields(const json::object& live, const SchemaNode* root) {
  const auto text = getString(live, {"metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"});
  const auto parsed = parseJson(text);
  return parsed && parsed->is_object() ? fieldsOf(parsed->get_object(), root) : FieldSet();
}

Result<void> checkApplied(const json::object& applied, const SchemaNode* root) {
  if (find(applied, {"metadata", "managedFields"}) != nullptr)
    return fail(ErrorCode::invalid, "metadata.managedFields must be nil");
  const auto violations = typedViolations(applied, root);
  if (violations.empty()) return {};
  return fail(ErrorCode::internal, violations.size() == 1
                                       ? violations.front()
                                       : fmt::format("errors:\n  {}", fmt::join(violations, "\n  ")));
}

}  // namespace

Result<json::object> serverSideApply(const json::object& live, const json::object& applied, const Schema* schema,
                                     std::string_view manager, bool force, std::string_view now,
                                     std::string_view subresource) {
  const SchemaNode* root = rootOf(schema);
  if (auto ok = checkApplied(applied, root); !ok) return fail(ok.error());
  const bool creates = live.empty();
  json::object before = withoutManagers(live);
  if (creates) {
    if (schema != nullptr) before = schema->blank();
    for (const std::string_view key : {"apiVersion", "kind"}) {
      if (const auto* value = applied.if_contains(key)) before[key] = *value;
    }
  }
  const std::string api_version(getString(applied, {"apiVersion"}));
  FieldManagers managers = readManagers(live);
  if (managers.empty() && !creates) {
    const json::object blank = schema == nullptr ? json::object() : schema->blank();
    transfer(managers, compareFields(blank, before, root),
             {.name = "before-first-apply",
              .applied = false,
              .api_version = api_version,
              .subresource = std::string(subresource),
              .time = std::string(now),
              .fields = {}});
  }

  FieldManager self{.name = std::string(manager),
                    .applied = true,
                    .api_version = api_version,
                    .subresource = std::string(subresource),
                    .time = {},
                    .fields = {}};
  FieldSet last;
  if (const FieldManager* known = findManager(managers, self)) {
    last = known->fields;
    self.time = known->time;
  }
  self.fields = withoutServerFields(fieldsOf(applied, root));
  std::erase_if(managers, [&self](const FieldManager& other) { return other.sameAs(self); });
  managers.push_back(self);

  json::object after = dropAbandoned(mergeFields(before, applied, root), last, managers, root);
  const FieldChanges changes = compareFields(before, after, root);
  const FieldSet taken = unionOf(changes.modified, changes.added);
  const FieldSet own = manager == "kubectl" && !force ? lastAppliedFields(live, root) : FieldSet();
  std::vector<Conflict> conflicts;
  for (const auto& other : managers) {
    if (other.sameAs(self)) continue;
    auto paths = pathsOf(difference(intersection(other.fields, taken), own));
    if (!paths.empty()) conflicts.push_back({other.identity(), other.shown(), std::move(paths)});
  }
  if (!force && !conflicts.empty()) return fail(ErrorCode::conflict, conflictMessage(std::move(conflicts)));

  const FieldSet lost = unionOf(taken, changes.removed);
  for (auto& other : managers) {
    if (!other.sameAs(self)) {
      other.fields = difference(other.fields, lost);
    } else if (after != before) {
      other.time = now;
    }
  }
  writeManagers(std::move(managers), after);
  return after;
}

void trackUpdate(const json::object* before, json::object& after, const Schema* schema, std::string_view manager,
                 std::string_view api_version, std::string_view subresource, std::string_view now) {
  const SchemaNode* root = rootOf(schema);
  FieldManagers managers;
  if (!forgetsManagers(after) || !subresource.empty()) {
    managers = readManagers(after);
    if (before != nullptr && (managers.empty() || !subresource.empty())) managers = readManagers(*before);
  }
  // Where nobody keeps book of an object, that starts with the first apply only.
  if (before != nullptr && managers.empty()) return writeManagers({}, after);
  const json::object blank = before == nullptr && schema != nullptr ? schema->blank() : json::object();
  transfer(managers, compareFields(before == nullptr ? blank : *before, after, root),
           {.name = std::string(manager),
            .applied = false,
            .api_version = std::string(api_version),
            .subresource = std::string(subresource),
            .time = std::string(now),
            .fields = {}});
  writeManagers(std::move(managers), after);
}

}  // namespace crossfade::local
