// The v2 document in protobuf's wire format, as openapi_v2.Document (gnostic's OpenAPIv2.proto) lays it out: the only
// form that kubectl up to 1.26 accepts. Field numbers are from that file. Only what our documents hold is encoded.
#include "local/openapi.hpp"

#include <bit>

namespace crossfade::local {

namespace {

// One message in the making.
class Message {
 public:
  void text(int field, std::string_view value) {
    tag(field, 2);
    varint(value.size());
    bytes_ += value;
  }
  void message(int field, const Message& value) { text(field, value.bytes_); }
  void flag(int field, bool value) {
    if (!value) return;
    tag(field, 0);
    varint(1);
  }
  void integer(int field, std::int64_t value) {
    tag(field, 0);
    varint(static_cast<std::uint64_t>(value));
  }
  void real(int field, double value) {
    tag(field, 1);
    auto bits = std::bit_cast<std::uint64_t>(value);
    for (int i = 0; i < 8; ++i, bits >>= 8) bytes_ += static_cast<char>(bits & 0xff);
  }
  std::string take() && { return std::move(bytes_); }

 private:
  void tag(int field, int wire_type) {
    varint(static_cast<std::uint64_t>(field) << 3 | static_cast<std::uint64_t>(wire_type));
  }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>((value & 0x7f) | 0x80);
    bytes_ += static_cast<char>(value);
  }

  std::string bytes_;
};

// Any: a value as YAML text, of which JSON is a kind.
Message any(const json::value& value) {
  Message result;
  result.text(2, json::serialize(value));
  return result;
}

template <class Encode>
void strings(Message& message, int field, const json::value& value, const Encode& encode) {
  if (const auto* array = value.if_array()) {
    for (const auto& item : *array) encode(message, field, item);
  }
}

void textItem(Message& message, int field, const json::value& item) {
  if (item.is_string()) message.text(field, item.get_string());
}

// NamedX: a name and a message.
Message named(std::string_view name, const Message& value) {
  Message result;
  result.text(1, name);
  result.message(2, value);
  return result;
}

// `x-...` members become vendor extensions.
void extensions(Message& message, int field, const json::object& object) {
  for (const auto& [key, value] : object) {
    if (std::string_view(key).starts_with("x-")) message.message(field, named(key, any(value)));
  }
}

double real(const json::value& value) {
  if (value.is_double()) return value.get_double();
  return static_cast<double>(asInteger(value).value_or(0));
}

Message schema(const json::object& object);

void schemaMember(Message& message, std::string_view key, const json::value& value) {
  constexpr std::pair<std::string_view, int> texts[] = {
      {"$ref", 1}, {"format", 2}, {"title", 3}, {"description", 4}, {"pattern", 13}};
  constexpr std::pair<std::string_view, int> numbers[] = {{"multipleOf", 6}, {"maximum", 7}, {"minimum", 9}};
  constexpr std::pair<std::string_view, int> integers[] = {{"maxLength", 11},     {"minLength", 12},
                                                           {"maxItems", 14},      {"minItems", 15},
                                                           {"maxProperties", 17}, {"minProperties", 18}};
  constexpr std::pair<std::string_view, int> flags[] = {
      {"exclusiveMaximum", 8}, {"exclusiveMinimum", 10}, {"uniqueItems", 16}, {"readOnly", 27}};
  const auto fieldOf = [key](const auto& table) {
    for (const auto& [name, field] : table) {
      if (name == key) return field;
    }
    return 0;
  };
  if (const int field = fieldOf(texts); field != 0 && value.is_string()) return message.text(field, value.get_string());
  if (const int field = fieldOf(numbers); field != 0 && value.is_number()) return message.real(field, real(value));
  if (const int field = fieldOf(integers); field != 0 && value.is_number())
    return message.integer(field, asInteger(value).value_or(0));
  if (const int field = fieldOf(flags); field != 0 && value.is_bool()) return message.flag(field, value.get_bool());
  if (key == "required") return strings(message, 19, value, textItem);
  if (key == "enum") {
    return strings(message, 20, value,
                   [](Message& to, int field, const json::value& item) { to.message(field, any(item)); });
  }
  if (key == "additionalProperties" && value.is_object()) {
    Message item;
    item.message(1, schema(value.get_object()));
    return message.message(21, item);
  }
  if (key == "type" && value.is_string()) {
    Message type;
    type.text(1, value.get_string());
    return message.message(22, type);
  }
  if (key == "items" && value.is_object()) {
    Message items;
    items.message(1, schema(value.get_object()));
    return message.message(23, items);
  }
  if (key == "properties" && value.is_object()) {
    Message properties;
    for (const auto& [name, property] : value.get_object()) {
      if (property.is_object()) properties.message(1, named(name, schema(property.get_object())));
    }
    return message.message(25, properties);
  }
}

Message schema(const json::object& object) {
  Message result;
  for (const auto& [key, value] : object) schemaMember(result, key, value);
  extensions(result, 31, object);
  return result;
}

// ParametersItem > Parameter > NonBodyParameter > QueryParameterSubSchema: all of ours are query parameters.
Message parameter(const json::object& object) {
  Message query;
  query.text(2, getString(object, {"in"}));
  query.text(3, getString(object, {"description"}));
  query.text(4, getString(object, {"name"}));
  query.text(6, getString(object, {"type"}));
  query.flag(20, getBool(object, {"uniqueItems"}));
  Message non_body, parameter, item;
  non_body.message(3, query);
  parameter.message(2, non_body);
  item.message(1, parameter);
  return item;
}

Message responses(const json::object& object) {
  Message result;
  for (const auto& [code, value] : object) {
    if (!value.is_object()) continue;
    Message response, item;
    response.text(1, getString(value.get_object(), {"description"}));
    if (const auto* given = getObject(value.get_object(), {"schema"})) {
      Message schema_item;
      schema_item.message(1, schema(*given));
      response.message(2, schema_item);
    }
    item.message(1, response);
    result.message(1, named(code, item));
  }
  return result;
}

Message operation(const json::object& object) {
  Message result;
  result.text(3, getString(object, {"description"}));
  result.text(5, getString(object, {"operationId"}));
  if (const auto* consumes = object.if_contains("consumes")) strings(result, 7, *consumes, textItem);
  if (const auto* parameters = getArray(object, {"parameters"})) {
    for (const auto& item : *parameters) {
      if (item.is_object()) result.message(8, parameter(item.get_object()));
    }
  }
  if (const auto* given = getObject(object, {"responses"})) result.message(9, responses(*given));
  extensions(result, 13, object);
  return result;
}

Message pathItem(const json::object& object) {
  Message result;
  constexpr std::pair<std::string_view, int> methods[] = {
      {"get", 2}, {"put", 3}, {"post", 4}, {"delete", 5}, {"patch", 8}};
  for (const auto& [method, field] : methods) {
    if (const auto* given = getObject(object, {method})) result.message(field, operation(*given));
  }
  return result;
}

}  // namespace

std::string openApiProtobuf(const json::object& document) {
  Message result;
  result.text(1, getString(document, {"swagger"}));
  Message info;
  info.text(1, getString(document, {"info", "title"}));
  info.text(2, getString(document, {"info", "version"}));
  result.message(2, info);
  if (const auto* given = getObject(document, {"paths"})) {
    Message paths;
    for (const auto& [path, item] : *given) {
      if (item.is_object()) paths.message(2, named(path, pathItem(item.get_object())));
    }
    result.message(8, paths);
  }
  if (const auto* given = getObject(document, {"definitions"})) {
    Message definitions;
    for (const auto& [name, value] : *given) {
      if (value.is_object()) definitions.message(1, named(name, schema(value.get_object())));
    }
    result.message(9, definitions);
  }
  return std::move(result).take();
}

}  // namespace crossfade::local
