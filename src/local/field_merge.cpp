#include "local/field_merge.hpp"
#include "local/json_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace crossfade::local {

namespace {

// How a value takes part: as a whole, member by member, or item by item.
enum class Shape { leaf, map, list };

bool isFree(const SchemaNode* node) {
  return node == nullptr || (node->type == SchemaNode::Type::any && !node->int_or_string && !node->quantity);
}

Shape shapeOf(const json::value& value, const SchemaNode* node) {
  if (isFree(node)) return value.is_object() || value.is_null() ? Shape::map : Shape::leaf;
  if (node->type == SchemaNode::Type::object && !node->map_atomic && (value.is_object() || value.is_null()))
    return Shape::map;
  if (node->type == SchemaNode::Type::array && node->list_type != ListType::atomic &&
      (value.is_array() || value.is_null()))
    return Shape::list;
  return Shape::leaf;
}

// A place in the schema. Metadata has its own at the root, whatever the schema says.
struct Place {
  const SchemaNode* node = nullptr;
  bool root = false;

  // Of the member of a map.
  Place member(std::string_view key) const {
    if (root && key == "metadata") return {objectMetaNode()};
    const SchemaNode* found = node == nullptr ? nullptr : node->member(key);
    return {found == nullptr ? nullptr : &found->shape()};
  }
  Place item() const { return {node != nullptr && node->items ? &node->items->shape() : nullptr}; }
  // A member of fixed structure, not a key that a user chose.
  bool names(std::string_view key) const {
    return (root && key == "metadata") || (node != nullptr && node->properties.contains(key));
  }
};

std::string memberStep(std::string_view key) { return fmt::format("f:{}", key); }

// How an item of a list that merges is known: by its keys (a missing one counts with its default), or by its value.
std::string itemStep(const json::value& item, const SchemaNode& list) {
  if (list.list_type == ListType::set) return fmt::format("v:{}", json::serialize(item));
  std::map<std::string, json::value> keys;
  const auto* object = item.if_object();
  for (const auto& key : list.list_map_keys) {
    const auto* value = object == nullptr ? nullptr : object->if_contains(key);
    if (value != nullptr) {
      keys[key] = *value;
    } else if (const SchemaNode* member = list.items ? list.items->shape().member(key) : nullptr;
               member != nullptr && member->default_value) {
      keys[key] = *member->default_value;
    }
  }
  json::object written;
  for (auto& [key, value] : keys) written[key] = std::move(value);
  return fmt::format("k:{}", json::serialize(written));
}

bool isEmpty(const json::value* value) {
  if (value == nullptr || value->is_null()) return true;
  if (const auto* object = value->if_object()) return object->empty();
  const auto* array = value->if_array();
  return array != nullptr && array->empty();
}

// --- the fields of an object ---

FieldSet collect(const json::value& value, const Place& place);

FieldSet collectMembers(const json::object& object, const Place& place) {
  FieldSet set;
  for (const auto& [key, member] : object) {
    FieldSet below = collect(member, place.member(key));
    const bool hollow = member.is_null() || (member.is_object() && member.get_object().empty());
    if (hollow || !place.names(key)) below.member = true;
    set.attach(memberStep(key), std::move(below));
  }
  return set;
}

FieldSet collect(const json::value& value, const Place& place) {
  FieldSet set;
  switch (shapeOf(value, place.node)) {
    case Shape::leaf:
      set.member = true;
      break;
    case Shape::map:
      if (value.is_object()) return collectMembers(value.get_object(), place);
      break;
    case Shape::list:
      if (!value.is_array()) break;
      for (const auto& item : value.get_array()) {
        FieldSet below = collect(item, place.item());
        below.member = true;
        set.attach(itemStep(item, *place.node), std::move(below));
      }
      break;
  }
  return set;
}

// --- what changed ---

using Items = std::vector<const json::value*>;

// The items of both lists by their steps, in no particular order.
std::map<std::string, std::pair<Items, Items>> pair(const json::value* before, const json::value* after,
                                                    const SchemaNode& list) {
  std::map<std::string, std::pair<Items, Items>> paired;
  if (const auto* items = before == nullptr ? nullptr : before->if_array()) {
    for (const auto& item : *items) paired[itemStep(item, list)].first.push_back(&item);
  }
  if (const auto* items = after == nullptr ? nullptr : after->if_array()) {
    for (const auto& item : *items) paired[itemStep(item, list)].second.push_back(&item);
  }
  return paired;
}

void attach(FieldChanges& all, std::string_view step, FieldChanges below) {
  all.added.attach(step, std::move(below.added));
  all.modified.attach(step, std::move(below.modified));
  all.removed.attach(step, std::move(below.removed));
}

// At least one of the two is there; null means missing.
FieldChanges compare(const json::value* before, const json::value* after, const Place& place);

FieldChanges compareLeaves(const json::value* before, const json::value* after) {
  FieldChanges changes;
  changes.added.member = before == nullptr;
  changes.removed.member = after == nullptr;
  changes.modified.member = before != nullptr && after != nullptr && !sameJson(*before, *after);
  return changes;
}

FieldChanges compareItems(const Items& before, const Items& after, const Place& place) {
  const auto single = [](const Items& items) { return items.empty() ? nullptr : items.front(); };
  if (before.size() <= 1 && after.size() <= 1) return compare(single(before), single(after), place);
  // Several items with the same keys are owned as one.
  FieldChanges changes;
  if (before.size() >= 2 && after.size() >= 2) {
    changes.modified.member =
        !std::ranges::equal(before, after, [](const auto* a, const auto* b) { return sameJson(*a, *b); });
  } else if (before.size() >= 2) {
    if (!after.empty()) changes = compare(nullptr, after.front(), place);
    changes.removed.member = true;
  } else {
    if (!before.empty()) changes = compare(before.front(), nullptr, place);
    changes.added.member = true;
  }
  return changes;
}

FieldChanges compareMembers(const json::object* before, const json::object* after, const Place& place) {
  FieldChanges changes;
  if (before != nullptr) {
    for (const auto& [key, value] : *before) {
      attach(changes, memberStep(key),
             compare(&value, after == nullptr ? nullptr : after->if_contains(key), place.member(key)));
    }
  }
  if (after != nullptr) {
    for (const auto& [key, value] : *after) {
      if (before == nullptr || !before->contains(key)) {
        attach(changes, memberStep(key), compare(nullptr, &value, place.member(key)));
      }
    }
  }
  return changes;
}

FieldChanges compare(const json::value* before, const json::value* after, const Place& place) {
  if (before != nullptr && after != nullptr && sameJson(*before, *after)) return {};
  const Shape left = before == nullptr ? shapeOf(*after, place.node) : shapeOf(*before, place.node);
  const Shape right = after == nullptr ? left : shapeOf(*after, place.node);
  if (left != right || left == Shape::leaf || (isEmpty(before) && isEmpty(after))) return compareLeaves(before, after);
  FieldChanges changes;
  if (left == Shape::map) {
    changes = compareMembers(before == nullptr ? nullptr : before->if_object(),
                             after == nullptr ? nullptr : after->if_object(), place);
  } else {
    for (const auto& [step, items] : pair(before, after, *place.node)) {
      attach(changes, step, compareItems(items.first, items.second, place.item()));
    }
  }
  changes.added.member = before == nullptr;
  changes.removed.member = after == nullptr;
  return changes;
}

// --- merging ---

json::value merge(const json::value* live, const json::value* applied, const Place& place);

// Keeps the applied order among the items that are applied, and the live order among the others.
json::array mergeLists(const json::array& live, const json::array& applied, const Place& place) {
  const SchemaNode& list = *place.node;
  std::vector<std::string> left, right;
  std::map<std::string, const json::value*> live_items, applied_items;
  for (const auto& item : live) {
    left.push_back(itemStep(item, list));
    live_items.emplace(left.back(), &item);
  }
  for (const auto& item : applied) {
    right.push_back(itemStep(item, list));
    applied_items.emplace(right.back(), &item);
  }
  const auto find = [](const auto& items, const std::string& step) {
    const auto found = items.find(step);
    return found == items.end() ? nullptr : found->second;
  };
  std::deque<std::string> shared;  // applied items that live knows, in applied order
  for (const auto& step : right) {
    if (live_items.contains(step)) shared.push_back(step);
  }
  std::optional<std::string> next_shared;
  const auto advance = [&] {
    next_shared.reset();
    if (shared.empty()) return;
    next_shared = std::move(shared.front());
    shared.pop_front();
  };
  advance();
  json::array merged;
  std::set<std::string> taken;
  for (std::size_t l = 0, r = 0; l < left.size() || r < right.size();) {
    if (l < left.size() && r < right.size()) {
      if (left[l] == right[r]) {
        taken.insert(left[l]);
        merged.push_back(merge(find(live_items, left[l]), find(applied_items, left[l]), place.item()));
        ++l, ++r;
        advance();
        continue;
      }
      if (applied_items.contains(left[l]) && next_shared && *next_shared != left[l]) {
        ++l;  // its turn comes with the applied items
        continue;
      }
    }
    if (l < left.size()) {
      if (!applied_items.contains(left[l])) {
        merged.push_back(live[l]);
        ++l;
        continue;
      }
      if (taken.contains(left[l])) ++l;
    }
    if (r < right.size()) {
      taken.insert(right[r]);
      merged.push_back(merge(find(live_items, right[r]), find(applied_items, right[r]), place.item()));
      if (next_shared && *next_shared == right[r]) advance();
      ++r;
    }
  }
  return merged;
}

json::object mergeMembers(const json::object& live, const json::object& applied, const Place& place) {
  json::object merged = live;
  for (const auto& [key, value] : applied) merged[key] = merge(live.if_contains(key), &value, place.member(key));
  return merged;
}

json::value merge(const json::value* live, const json::value* applied, const Place& place) {
  if (applied == nullptr) return *live;
  if (live == nullptr) return *applied;
  const Shape shape = shapeOf(*applied, place.node);
  if (shape != shapeOf(*live, place.node) || shape == Shape::leaf || (isEmpty(live) && isEmpty(applied)))
    return *applied;
  if (applied->is_null()) return *live;
  if (live->is_null()) return *applied;
  if (shape == Shape::list) return mergeLists(live->get_array(), applied->get_array(), place);
  return mergeMembers(live->get_object(), applied->get_object(), place);
}

// --- removing ---

json::value withoutFields(const json::value& value, const FieldSet& fields, const Place& place);

json::object withoutMembers(const json::object& object, const FieldSet& fields, const Place& place) {
  json::object kept;
  for (const auto& [key, member] : object) {
    const FieldSet* below = fields.child(memberStep(key));
    if (below != nullptr && below->member) continue;
    kept[key] = below == nullptr ? member : withoutFields(member, *below, place.member(key));
  }
  return kept;
}

json::value withoutFields(const json::value& value, const FieldSet& fields, const Place& place) {
  if (isEmpty(&value)) return value;
  switch (shapeOf(value, place.node)) {
    case Shape::leaf:
      return value;
    case Shape::map: {
      json::object kept = withoutMembers(value.get_object(), fields, place);
      return kept.empty() ? json::value() : json::value(std::move(kept));
    }
    case Shape::list: {
      json::array kept;
      for (const auto& item : value.get_array()) {
        const FieldSet* below = fields.child(itemStep(item, *place.node));
        if (below != nullptr && below->member) continue;
        kept.push_back(below == nullptr ? item : withoutFields(item, *below, place.item()));
      }
      return kept.empty() ? json::value() : json::value(std::move(kept));
    }
  }
  return value;
}

FieldSet named(const FieldSet& fields, const Place& place) {
  FieldSet result{.member = fields.member, .children = {}};
  for (const auto& [step, child] : fields.children) {
    const bool member = step.starts_with("f:");
    const std::string_view key = std::string_view(step).substr(2);
    FieldSet below = named(child, member ? place.member(key) : place.item());
    if (member && place.names(key)) below.member = true;
    result.attach(step, std::move(below));
  }
  return result;
}

// --- what can't be merged ---

std::string_view expectation(SchemaNode::Type type) {
  switch (type) {
    case SchemaNode::Type::object:
      return "map";
    case SchemaNode::Type::array:
      return "list";
    case SchemaNode::Type::string:
      return "string";
    case SchemaNode::Type::integer:
    case SchemaNode::Type::number:
      return "numeric (int or float)";
    case SchemaNode::Type::boolean:
      return "boolean";
    case SchemaNode::Type::any:
      break;
  }
  return "";
}

// A value that doesn't fit, as the merge library prints it: that depends on what was expected.
std::string shown(const json::value& value, const SchemaNode& node) {
  switch (node.type) {
    case SchemaNode::Type::integer:
    case SchemaNode::Type::number:
      return value.is_object()   ? "map[string]interface {}"
             : value.is_array()  ? "[]interface {}"
             : value.is_string() ? "string"
                                 : "bool";
    case SchemaNode::Type::string:
      return fmt::format("&value.valueUnstructured{{Value:{}}}", jsonText(value));
    default:
      return fmt::format("&{{{}}}", value.is_string() ? std::string(value.get_string()) : jsonText(value));
  }
}

bool fits(const json::value& value, const SchemaNode& node) {
  if (value.is_null() || node.int_or_string || node.quantity) return true;
  switch (node.type) {
    case SchemaNode::Type::object:
      return value.is_object();
    case SchemaNode::Type::array:
      return value.is_array();
    case SchemaNode::Type::string:
      return value.is_string();
    case SchemaNode::Type::integer:
    case SchemaNode::Type::number:
      return value.is_number();
    case SchemaNode::Type::boolean:
      return value.is_bool();
    case SchemaNode::Type::any:
      break;
  }
  return true;
}

void checkItems(const json::array& items, const Place& place, const std::string& path,
                std::vector<std::string>& violations);

void checkTypes(const json::value& value, const Place& place, const std::string& path,
                std::vector<std::string>& violations) {
  const SchemaNode* node = place.node;
  if (isFree(node)) return;
  if (!fits(value, *node)) {
    violations.push_back(fmt::format("{}: expected {}, got {}", path, expectation(node->type), shown(value, *node)));
    return;
  }
  if (const auto* items = value.if_array()) return checkItems(*items, place, path, violations);
  const auto* object = value.if_object();
  if (object == nullptr) return;
  for (const auto& [key, member] : *object) {
    const std::string here = fmt::format("{}.{}", path, std::string_view(key));
    const bool known =
        place.names(key) || node->additional || node->preserve_unknown ||
        ((place.root || node->embedded_resource) && (key == "apiVersion" || key == "kind" || key == "metadata"));
    if (!known) {
      violations.push_back(fmt::format("{}: field not declared in schema", here));
    } else {
      checkTypes(member, place.member(key), here, violations);
    }
  }
}

void checkItems(const json::array& items, const Place& place, const std::string& path,
                std::vector<std::string>& violations) {
  const SchemaNode& list = *place.node;
  std::map<std::string, int> seen;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (list.list_type == ListType::atomic) {
      checkTypes(items[i], place.item(), fmt::format("{}[{}]", path, i), violations);
      continue;
    }
    const bool keyed = list.list_type == ListType::map;
    if (keyed && !items[i].is_object()) {
      violations.push_back(fmt::format("{}: element {}: associative list with keys may not have {} element", path, i,
                                       items[i].is_null() ? "a null" : "non-map elements"));
      continue;
    }
    const std::string step = itemStep(items[i], list);
    if (keyed && step == "k:{}") {
      std::vector<std::string> keys;
      for (const auto& key : list.list_map_keys) keys.push_back(fmt::format("\"{}\"", key));
      violations.push_back(
          fmt::format("{}: element {}: associative list with keys has an element that omits all key fields [{}] (and "
                      "doesn't have default "
                      "values for any key fields)",
                      path, i, fmt::join(keys, " ")));
      continue;
    }
    FieldSet one;
    one.attach(step, FieldSet{.member = true, .children = {}});
    const std::string shown = pathsOf(one).front();
    if (++seen[step] == 2) violations.push_back(fmt::format("{}: duplicate entries for key {}", path, shown));
    checkTypes(items[i], place.item(), path + shown, violations);
  }
}

}  // namespace

FieldSet fieldsOf(const json::object& object, const SchemaNode* root) { return collectMembers(object, {root, true}); }

FieldChanges compareFields(const json::object& before, const json::object& after, const SchemaNode* root) {
  return compareMembers(&before, &after, {root, true});
}

json::object mergeFields(const json::object& live, const json::object& applied, const SchemaNode* root) {
  return mergeMembers(live, applied, {root, true});
}

json::object removeFields(const json::object& object, const FieldSet& fields, const SchemaNode* root) {
  return withoutMembers(object, fields, {root, true});
}

FieldSet withNamedFields(const FieldSet& fields, const SchemaNode* root) { return named(fields, {root, true}); }

std::vector<std::string> typedViolations(const json::object& object, const SchemaNode* root) {
  std::vector<std::string> violations;
  checkTypes(object, {root, true}, "", violations);
  return violations;
}

}  // namespace crossfade::local
