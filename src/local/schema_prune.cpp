#include "local/schema_walk.hpp"

namespace crossfade::local {

namespace {

bool isTypeOrMeta(std::string_view key) { return key == "apiVersion" || key == "kind" || key == "metadata"; }

void prune(json::value& value, const SchemaNode* node, const FieldPath* at, std::vector<std::string>& unknown);

void pruneObject(json::object& object, const SchemaNode* node, const FieldPath* at, bool resource,
                 std::vector<std::string>& unknown) {
  for (auto it = object.begin(); it != object.end();) {
    const std::string_view key = it->key();
    const bool kept = resource && isTypeOrMeta(key);
    const SchemaNode* member = node == nullptr || kept ? nullptr : node->member(key);
    const FieldPath here{.parent = at, .key = key};
    if (kept && key == "metadata" && at == nullptr) {
      if (it->value().is_object() && objectMetaNode() != nullptr) prune(it->value(), objectMetaNode(), &here, unknown);
      ++it;
    } else if (member != nullptr) {
      prune(it->value(), &member->shape(), &here, unknown);
      ++it;
    } else if (kept || (node != nullptr && node->preserve_unknown)) {
      ++it;
    } else {
      unknown.push_back(here.text());
      it = object.stable_erase(it);
    }
  }
}

void prune(json::value& value, const SchemaNode* node, const FieldPath* at, std::vector<std::string>& unknown) {
  if (auto* object = value.if_object()) {
    pruneObject(*object, node, at, node != nullptr && node->embedded_resource, unknown);
  } else if (auto* array = value.if_array()) {
    const bool preserve = node != nullptr && node->preserve_unknown;
    const SchemaNode* items = node == nullptr || !node->items ? nullptr : &node->items->shape();
    if (items == nullptr && preserve) return;
    for (std::size_t i = 0; i < array->size(); ++i) {
      const FieldPath here{.parent = at, .index = i};
      prune((*array)[i], items, &here, unknown);
    }
  }
}

}  // namespace

void pruneUnknown(json::object& object, const SchemaNode& node, std::vector<std::string>& unknown) {
  pruneObject(object, &node.shape(), nullptr, true, unknown);
}

}  // namespace crossfade::local
