// Strategic merge patch: like a merge patch, but lists merge by the keys that the schema names, and directives say what
// a merge can't: $patch, $retainKeys, $deleteFromPrimitiveList/LIST and $setElementOrder/LIST.
#include <fmt/format.h>

#include "local/patch.hpp"
#include "local/schema_node.hpp"

namespace crossfade::local {

namespace {

constexpr std::string_view patch_directive = "$patch";
constexpr std::string_view retain_directive = "$retainKeys";
constexpr std::string_view delete_prefix = "$deleteFromPrimitiveList/";
constexpr std::string_view order_prefix = "$setElementOrder/";

bool isDirective(std::string_view key) {
  return key == patch_directive || key == retain_directive || key.starts_with(delete_prefix) ||
         key.starts_with(order_prefix);
}

std::string_view directiveOf(const json::value& value) {
  const auto* object = value.if_object();
  return object == nullptr ? std::string_view() : getString(*object, {patch_directive});
}

// What a patch adds where nothing was: itself, without directives, nulls, and what it says to delete.
json::value plain(const json::value& value) {
  if (const auto* object = value.if_object()) {
    json::object kept;
    for (const auto& [key, member] : *object) {
      if (!isDirective(key) && !member.is_null() && directiveOf(member) != "delete") kept[key] = plain(member);
    }
    return kept;
  }
  const auto* array = value.if_array();
  if (array == nullptr) return value;
  json::array kept;
  for (const auto& item : *array) {
    if (directiveOf(item) != "delete") kept.push_back(plain(item));
  }
  return kept;
}

// Items are the same when their merge key has the same value; scalars when they are equal.
bool same(const json::value& a, const json::value& b, std::string_view merge_key) {
  if (merge_key.empty()) return a == b;
  const auto* left = find(a, {merge_key});
  const auto* right = find(b, {merge_key});
  return left != nullptr && right != nullptr && *left == *right;
}

std::optional<std::size_t> indexOf(const json::array& list, const json::value& item, std::string_view merge_key) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (same(list[i], item, merge_key)) return i;
  }
  return std::nullopt;
}

// The items in the order in which `order` has them; those that it doesn't know stay at the end.
std::vector<json::value> sortedBy(std::vector<json::value> items, const json::array& order,
                                  std::string_view merge_key) {
  std::ranges::stable_sort(
      items, {}, [&](const json::value& item) { return indexOf(order, item, merge_key).value_or(order.size()); });
  return items;
}

// Puts what the patch lists in its order, and what only the server has between them where it stood.
json::array ordered(const json::array& merged, const json::array& patch_order, const json::array& server_order,
                    std::string_view merge_key) {
  std::vector<json::value> of_patch, of_server;
  for (const auto& item : merged) (indexOf(patch_order, item, merge_key) ? of_patch : of_server).push_back(item);
  of_patch = sortedBy(std::move(of_patch), patch_order, merge_key);
  of_server = sortedBy(std::move(of_server), server_order, merge_key);
  json::array result;
  std::size_t s = 0;
  for (const auto& item : of_patch) {
    const auto place = indexOf(server_order, item, merge_key);
    while (place && s < of_server.size()) {
      const auto other = indexOf(server_order, of_server[s], merge_key);
      if (!other || *other > *place) break;
      result.push_back(of_server[s++]);
    }
    result.push_back(item);
  }
  while (s < of_server.size()) result.push_back(of_server[s++]);
  return result;
}

const SchemaNode* memberOf(const SchemaNode* node, std::string_view key) {
  return node == nullptr ? nullptr : node->shape().member(key);
}
const SchemaNode* itemsOf(const SchemaNode* node) { return node == nullptr ? nullptr : node->shape().items.get(); }

// The strategies of a field stand at the field, or at the type that it refers to.
bool merges(const SchemaNode* list) { return list != nullptr && (list->patch_merge || list->shape().patch_merge); }
std::string_view mergeKeyOf(const SchemaNode* list) {
  if (list == nullptr) return {};
  return list->patch_merge_key.empty() ? std::string_view(list->shape().patch_merge_key) : list->patch_merge_key;
}

Result<void> mergeObject(json::object& original, const json::object& patch, const SchemaNode* node);

Result<json::array> mergeItems(json::array original, const json::array& patch, const SchemaNode* list) {
  const std::string_view key = mergeKeyOf(list);
  json::array additions;
  for (const auto& item : patch) {
    const std::string_view directive = directiveOf(item);
    if (directive.empty()) {
      additions.push_back(item);
    } else if (directive == "replace") {
      // The directive is an item of its own; everything else in the patch is the new list.
      json::array rest;
      for (const auto& other : patch) {
        if (directiveOf(other).empty()) rest.push_back(plain(other));
      }
      return rest;
    } else if (directive == "delete") {
      if (find(item, {key}) == nullptr) {
        return fail(ErrorCode::invalid,
                    fmt::format("map: {} does not contain declared merge key: {}", json::serialize(item), key));
      }
      for (auto at = indexOf(original, item, key); at; at = indexOf(original, item, key)) {
        original.erase(original.begin() + static_cast<std::ptrdiff_t>(*at));
      }
    } else {
      return fail(ErrorCode::invalid,
                  fmt::format("unknown patch type: {} in map: {}", directive, json::serialize(item)));
    }
  }
  const json::array server_order = original;
  for (const auto& item : additions) {
    if (!item.is_object() || !item.get_object().contains(key)) {
      return fail(ErrorCode::invalid,
                  fmt::format("map: {} does not contain declared merge key: {}", json::serialize(item), key));
    }
    const auto at = indexOf(original, item, key);
    if (!at || !original[*at].is_object()) {
      original.push_back(plain(item));
    } else if (auto ok = mergeObject(original[*at].get_object(), item.get_object(), itemsOf(list)); !ok) {
      return fail(ok.error());
    }
  }
  return ordered(original, additions, server_order, key);
}

Result<json::array> mergeList(const json::array& original, const json::array& patch, const SchemaNode* list) {
  if (!merges(list)) return plain(patch).get_array();
  const bool of_objects = std::ranges::any_of(original, [](const auto& item) { return item.is_object(); }) ||
                          std::ranges::any_of(patch, [](const auto& item) { return item.is_object(); });
  if (of_objects && mergeKeyOf(list).empty()) return fail(ErrorCode::invalid, "cannot merge lists without merge key");
  if (of_objects) return mergeItems(original, patch, list);
  json::array merged;
  for (const json::array* part : {&original, &patch}) {
    for (const auto& item : *part) {
      if (!indexOf(merged, item, {})) merged.push_back(item);
    }
  }
  return ordered(merged, patch, original, {});
}

// $retainKeys: the members that may stay.
Result<void> retainKeys(json::object& original, const json::object& patch) {
  const auto* directive = patch.if_contains(retain_directive);
  if (directive == nullptr) return {};
  const auto* keys = directive->if_array();
  const auto retained = [keys](std::string_view key) {
    return keys != nullptr && std::ranges::any_of(*keys, [key](const json::value& item) {
             return item.is_string() && item.get_string() == key;
           });
  };
  for (const auto& [key, value] : patch) {
    if (!isDirective(key) && !value.is_null() && !retained(key)) {
      return fail(ErrorCode::invalid, "patch contains fields not present in the retain keys list");
    }
  }
  for (auto it = original.begin(); it != original.end();) it = retained(it->key()) ? it + 1 : original.stable_erase(it);
  return {};
}

// $setElementOrder/LIST: together with what the patch has for the list.
Result<void> setOrder(json::object& original, const json::object& patch, std::string_view key,
                      const json::value& directive, const SchemaNode* list) {
  const auto* order = directive.if_array();
  if (order == nullptr) return fail(ErrorCode::invalid, fmt::format("{}{} must be a list", order_prefix, key));
  const std::string_view merge_key = mergeKeyOf(list);
  const auto* before = getArray(original, {key});
  const auto* changes = getArray(patch, {key});
  if (changes != nullptr) {
    // The patch's own items must stand in the order that it asks for.
    std::size_t last = 0;
    for (const auto& item : *changes) {
      if (directiveOf(item) == "delete" || directiveOf(item) == "replace") continue;
      const auto at = indexOf(*order, item, merge_key);
      if (!at || *at < last) {
        return fail(ErrorCode::invalid,
                    fmt::format("The order in patch list:\n{}\n doesn't match {} list:\n{}\n",
                                json::serialize(*changes), "$setElementOrder", json::serialize(*order)));
      }
      last = *at;
    }
  }
  const json::array server_order = before == nullptr ? json::array() : *before;
  json::array merged = server_order;
  if (changes != nullptr) {
    auto result =
        before == nullptr ? Result<json::array>(plain(*changes).get_array()) : mergeList(*before, *changes, list);
    if (!result) return fail(result.error());
    merged = std::move(*result);
  } else if (before == nullptr) {
    return {};
  }
  original[key] = ordered(merged, *order, server_order, merge_key);
  return {};
}

Result<void> mergeMember(json::object& original, std::string_view key, const json::value& change,
                         const SchemaNode* node) {
  if (change.is_null()) {
    if (const auto member = original.find(key); member != original.end()) original.stable_erase(member);
    return {};
  }
  json::value* present = original.if_contains(key);
  if (present != nullptr && present->is_object() && change.is_object() && !(node != nullptr && node->patch_replace)) {
    return mergeObject(present->get_object(), change.get_object(), node);
  }
  if (present != nullptr && present->is_array() && change.is_array()) {
    auto merged = mergeList(present->get_array(), change.get_array(), node);
    if (!merged) return fail(merged.error());
    *present = std::move(*merged);
    return {};
  }
  original[key] = plain(change);
  return {};
}

Result<void> mergeObject(json::object& original, const json::object& patch, const SchemaNode* node) {
  if (const auto* directive = patch.if_contains(patch_directive)) {
    if (*directive == "replace") {
      original = std::move(plain(patch).get_object());
    } else if (*directive == "delete") {
      original.clear();
    } else if (*directive != "merge") {
      return fail(ErrorCode::invalid, fmt::format("unknown patch type: {} in map: {}",
                                                  directive->is_string() ? std::string_view(directive->get_string())
                                                                         : std::string_view("?"),
                                                  json::serialize(patch)));
    }
    if (*directive != "merge") return {};
  }
  if (auto ok = retainKeys(original, patch); !ok) return ok;
  std::set<std::string_view> done;
  for (const auto& [name, directive] : patch) {
    const std::string_view key = name;
    if (!key.starts_with(order_prefix)) continue;
    const std::string_view list = key.substr(order_prefix.size());
    if (auto ok = setOrder(original, patch, list, directive, memberOf(node, list)); !ok) return ok;
    done.insert(list);
  }
  for (const auto& [name, change] : patch) {
    const std::string_view key = name;
    if (key.starts_with(delete_prefix)) {
      auto* list = original.if_contains(key.substr(delete_prefix.size()));
      const auto* gone = change.if_array();
      if (list == nullptr || !list->is_array() || gone == nullptr) continue;
      json::array kept;
      for (const auto& item : list->get_array()) {
        if (!indexOf(*gone, item, {})) kept.push_back(item);
      }
      *list = std::move(kept);
    } else if (!isDirective(key) && !(done.contains(key) && change.is_array())) {
      if (auto ok = mergeMember(original, key, change, memberOf(node, key)); !ok) return ok;
    }
  }
  return {};
}

}  // namespace

Result<json::object> strategicMergePatch(const json::object& object, const json::value& patch, const Schema& schema) {
  if (!patch.is_object()) return fail(ErrorCode::invalid, "a strategic merge patch is an object");
  json::object result = object;
  if (auto ok = mergeObject(result, patch.get_object(), &schema.root()); !ok) return fail(ok.error());
  return result;
}

}  // namespace crossfade::local
