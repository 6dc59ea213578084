#include "local/schema_walk.hpp"

namespace crossfade::local {

namespace {

void dropNulls(json::value& value, const SchemaNode& node) {
  if (auto* object = value.if_object()) {
    for (auto it = object->begin(); it != object->end();) {
      const SchemaNode* member = node.member(it->key());
      if (member != nullptr && it->value().is_null() && !member->shape().nullable && !member->default_value) {
        it = object->stable_erase(it);
        continue;
      }
      if (member != nullptr) dropNulls(it->value(), member->shape());
      ++it;
    }
  } else if (auto* array = value.if_array(); array != nullptr && node.items) {
    for (auto& item : *array) dropNulls(item, node.items->shape());
  }
}

bool wantsDefault(const json::value& value, const SchemaNode& node) {
  return value.is_null() && node.default_value && !node.shape().nullable;
}

void fill(json::value& value, const SchemaNode& node) {
  if (auto* object = value.if_object()) {
    for (const auto& [key, member] : node.properties) {
      if (!member.default_value) continue;
      auto* present = object->if_contains(key);
      if (present == nullptr) {
        object->emplace(key, *member.default_value);
      } else if (wantsDefault(*present, member)) {
        *present = *member.default_value;
      }
    }
    for (auto& [key, present] : *object) {
      const SchemaNode* member = node.member(key);
      if (member == nullptr) continue;
      if (wantsDefault(present, *member)) present = *member->default_value;
      fill(present, member->shape());
    }
  } else if (auto* array = value.if_array(); array != nullptr && node.items) {
    for (auto& item : *array) {
      if (wantsDefault(item, *node.items)) item = *node.items->default_value;
      fill(item, node.items->shape());
    }
  }
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

bool isZero(const json::value& value) {
  if (const auto* text = value.if_string()) return text->empty();
  return value == json::value(0) || value == json::value(false);
}

// What Go doesn't write of a member of a struct. Lists and maps are never pointers, so that an empty one is the same as
// none.
bool vanishes(const json::value& value, std::string_view key, const SchemaNode& node, const SchemaNode& shape) {
  if (value.is_null() || (contains(node.omit_zero, key) && isZero(value))) return true;
  if (contains(node.required, key)) return false;
  if (const auto* array = value.if_array()) return array->empty();
  const auto* object = value.if_object();
  return object != nullptr && object->empty() && shape.isMap();
}

void dropEmpty(json::value& value, const SchemaNode& node) {
  if (auto* object = value.if_object()) {
    for (auto it = object->begin(); it != object->end();) {
      const SchemaNode* member = node.member(it->key());
      if (member == nullptr) {
        ++it;
        continue;
      }
      const SchemaNode& shape = member->shape();
      if (node.isMap() && it->value().is_null() && shape.type == SchemaNode::Type::string) {
        it->value() = "";  // of a map of strings
      } else if (!node.isMap() && vanishes(it->value(), it->key(), node, shape)) {
        it = object->stable_erase(it);
        continue;
      }
      dropEmpty(it->value(), shape);
      ++it;
    }
  } else if (auto* array = value.if_array(); array != nullptr && node.items) {
    for (auto& item : *array) dropEmpty(item, node.items->shape());
  } else if (auto* text = value.if_string(); text != nullptr && node.format == "byte") {
    // Bytes are written without the line breaks that they were read with.
    text->erase(std::remove_if(text->begin(), text->end(), [](char c) { return c == '\n' || c == '\r'; }), text->end());
  }
}

void fillNulls(json::value& value, const SchemaNode& node) {
  if (auto* object = value.if_object()) {
    for (const auto& key : node.nulls) object->emplace(key, nullptr);
    for (auto& [key, member] : *object) {
      if (const SchemaNode* schema = node.member(key)) fillNulls(member, schema->shape());
    }
  } else if (auto* array = value.if_array(); array != nullptr && node.items) {
    for (auto& item : *array) fillNulls(item, node.items->shape());
  }
}

}  // namespace

void fillDefaults(json::object& object, const SchemaNode& node) {
  json::value root = std::move(object);
  dropNulls(root, node.shape());
  fill(root, node.shape());
  object = std::move(root.get_object());
}

void normalizeBuiltin(json::object& object, const SchemaNode& node) {
  json::value root = std::move(object);
  dropEmpty(root, node.shape());
  fill(root, node.shape());
  fillNulls(root, node.shape());
  object = std::move(root.get_object());
}

json::object blankBuiltin(const SchemaNode& edge) {
  const SchemaNode& node = edge.shape();
  json::object blank;
  for (const auto& [key, member] : node.properties) {
    const SchemaNode& shape = member.shape();
    if (shape.type == SchemaNode::Type::object && member.default_value && member.default_value->is_object()) {
      blank[key] = blankBuiltin(shape);
    } else if (member.default_value && isZero(*member.default_value)) {
      blank[key] = *member.default_value;
    } else if (contains(node.nulls, key)) {
      blank[key] = nullptr;
    }
  }
  return blank;
}

}  // namespace crossfade::local
