// What the API server's JSON decoder says when a value doesn't fit the Go field it belongs to.
#include <fmt/format.h>
#include <re2/re2.h>

#include <charconv>

#include "base/time.hpp"
#include "local/schema_walk.hpp"

namespace crossfade::local {

namespace {

std::string goType(const SchemaNode& edge) {
  const SchemaNode& node = edge.shape();
  using enum SchemaNode::Type;
  switch (node.type) {
    case string:
      return node.format == "byte" ? "[]uint8" : "string";
    case integer:
      return node.format == "int64" ? "int64" : "int32";
    case number:
      return "float64";
    case boolean:
      return "bool";
    case array:
      return "[]" + (node.items ? goType(*node.items) : std::string("interface {}"));
    case object:
      if (!node.name.empty()) return node.name;
      return "map[string]" + (node.additional ? goType(*node.additional) : std::string("interface {}"));
    case any:
      break;
  }
  return node.name;
}

std::string decoderName(const json::value& value) {
  if (value.is_bool()) return "bool";
  if (value.is_string()) return "string";
  if (value.is_array()) return "array";
  if (value.is_object()) return "object";
  return "number";
}

bool isQuantity(const json::value& value) {
  static const re2::RE2 expression("[+-]?(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:[KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?");
  if (value.is_number()) return true;
  const auto* text = value.if_string();
  return text != nullptr && re2::RE2::FullMatch(re2::StringPiece(text->data(), text->size()), expression);
}

// The byte at which Go's decoder gives up on base64; empty when it doesn't.
std::optional<std::size_t> base64Fault(std::string_view text) {
  const auto lineBreak = [](char c) { return c == '\n' || c == '\r'; };
  std::size_t quantum = 0;  // characters of the group of four that is being read
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (lineBreak(c)) continue;
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '/') {
      quantum = (quantum + 1) % 4;
      continue;
    }
    if (c != '=' || quantum < 2) return i;
    std::size_t next = i + 1;
    const auto skipBreaks = [&] {
      while (next < text.size() && lineBreak(text[next])) ++next;
    };
    skipBreaks();
    if (quantum == 2) {  // a second one must follow
      if (next == text.size()) return next;
      if (text[next] != '=') return next - 1;
      ++next;
      skipBreaks();
    }
    return next < text.size() ? std::optional(next) : std::nullopt;
  }
  return quantum == 0 ? std::nullopt : std::optional(text.size() - quantum);
}

// `owner` is the struct that has the field, `field` its path without indices and keys of maps.
std::optional<std::string> find(const json::value& value, const SchemaNode& edge, std::string_view owner,
                                const std::string& field);

std::optional<std::string> findInObject(const json::object& object, const SchemaNode& node, std::string_view owner,
                                        const std::string& field) {
  const std::string_view own = node.name.empty() ? owner : std::string_view(node.name).substr(node.name.rfind('.') + 1);
  for (const auto& [key, member] : object) {
    const SchemaNode* schema = node.member(key);
    if (schema == nullptr) continue;
    std::string path = field;
    if (node.properties.contains(key)) path += (path.empty() ? "" : ".") + std::string(key);
    if (auto wrong = find(member, *schema, own, path)) return wrong;
  }
  return std::nullopt;
}

std::optional<std::string> find(const json::value& value, const SchemaNode& edge, std::string_view owner,
                                const std::string& field) {
  const SchemaNode& node = edge.shape();
  if (value.is_null()) return std::nullopt;
  const auto wrong = [&](std::string_view what) {
    return fmt::format("json: cannot unmarshal {} into Go struct field {}.{} of type {}", what, owner, field,
                       goType(edge));
  };
  if (node.quantity) {
    if (isQuantity(value)) return std::nullopt;
    return "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  }
  if (node.int_or_string) {
    if (value.is_string() || asInteger(value)) return std::nullopt;
    return fmt::format("json: cannot unmarshal {} into Go value of type int32", decoderName(value));
  }
  using enum SchemaNode::Type;
  switch (node.type) {
    case any:
      return std::nullopt;
    case object:
      if (value.is_object()) return findInObject(value.get_object(), node, owner, field);
      return node.preserve_unknown ? std::nullopt : std::optional(wrong(decoderName(value)));
    case array: {
      const auto* items = value.if_array();
      if (items == nullptr) return wrong(decoderName(value));
      for (const auto& item : *items) {
        if (!node.items) break;
        if (auto found = find(item, *node.items, owner, field)) return found;
      }
      return std::nullopt;
    }
    case string: {
      const auto* text = value.if_string();
      if (text == nullptr) return wrong(decoderName(value));
      if (node.format == "date-time" && !text->empty() && !parseTime(*text)) {
        return fmt::format("parsing time {0} as \"2006-01-02T15:04:05Z07:00\": cannot parse {0} as \"2006\"",
                           json::serialize(value));
      }
      if (node.format == "byte") {
        if (const auto fault = base64Fault(*text)) return fmt::format("illegal base64 data at input byte {}", *fault);
      }
      return std::nullopt;
    }
    case integer: {
      if (!value.is_number()) return wrong(decoderName(value));
      const auto whole = asInteger(value);
      const bool narrow = node.format == "int32";
      if (!whole || (narrow && (*whole > INT32_MAX || *whole < INT32_MIN)))
        return wrong(value.is_double() ? fmt::format("number {}", value.get_double())
                                       : "number " + json::serialize(value));
      return std::nullopt;
    }
    case number:
      return value.is_number() ? std::nullopt : std::optional(wrong(decoderName(value)));
    case boolean:
      return value.is_bool() ? std::nullopt : std::optional(wrong(decoderName(value)));
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> mistypedValue(const json::object& object, const SchemaNode& node) {
  return findInObject(object, node.shape(), "", "");
}

}  // namespace crossfade::local
