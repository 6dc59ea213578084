#include "api/canonical.hpp"

#include <charconv>
#include <cmath>

#include "api/quantity.hpp"
#include "api/rollout.hpp"
#include "api/schema.hpp"
#include "base/hash.hpp"

namespace crossfade::api {

void appendCanonicalString(std::string& out, std::string_view text) {
  static constexpr std::string_view hex = "0123456789abcdef";
  out += '"';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned char c = static_cast<unsigned char>(text[i]);
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (c < 0x20 || c == '<' || c == '>' || c == '&') {
          out += "\\u00";
          out += hex[c >> 4];
          out += hex[c & 15];
        } else if (c == 0xe2 && (text.substr(i, 3) == "\u2028" || text.substr(i, 3) == "\u2029")) {
          out += text[i + 2] == '\xa8' ? "\\u2028" : "\\u2029";
          i += 2;
        } else {
          out += text[i];
        }
    }
  }
  out += '"';
}

std::string canonicalNumber(const json::value& number) {
  if (const auto integer = asInteger(number)) return std::to_string(*integer);
  if (const auto* large = number.if_uint64()) return std::to_string(*large);
  const double value = number.if_double() ? number.get_double() : 0;
  const double magnitude = std::fabs(value);
  std::array<char, 64> buffer;
  const bool plain = magnitude >= 1e-6 && magnitude < 1e21;
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                          plain ? std::chars_format::fixed : std::chars_format::scientific);
  std::string text(buffer.data(), error == std::errc() ? end : buffer.data());
  // The reference prints 1e-07 as 1e-7.
  if (const std::size_t at = text.find("e-0"); at != std::string::npos) text.erase(at + 2, 1);
  return text;
}

void appendOpaque(std::string& out, const json::value& value) {
  if (const auto* text = value.if_string()) {
    appendCanonicalString(out, *text);
  } else if (const auto* list = value.if_array()) {
    out += '[';
    for (const json::value& element : *list) {
      if (&element != list->begin()) out += ',';
      appendOpaque(out, element);
    }
    out += ']';
  } else if (const auto* object = value.if_object()) {
    std::map<std::string_view, const json::value*> sorted;
    for (const auto& member : *object) sorted.emplace(member.key(), &member.value());
    out += '{';
    for (bool first = true; const auto& [key, member] : sorted) {
      if (!std::exchange(first, false)) out += ',';
      appendCanonicalString(out, key);
      out += ':';
      appendOpaque(out, *member);
    }
    out += '}';
  } else {
    out += value.is_number() ? canonicalNumber(value) : json::serialize(value);
  }
}

namespace {

using Shape = Schema::Shape;
using Kind = Schema::Kind;

const json::value null_value;

// Where the writer stands, for the names of malformed fields.
struct Place {
  const Place* parent;
  std::string_view key;
  std::size_t index = 0;  // used where `key` is empty: an element of a list

  std::string toString(std::string_view root) const {
    if (parent == nullptr) return std::string(root);
    const std::string before = parent->toString(root);
    if (key.empty()) return fmt::format("{}[{}]", before, index);
    return before.empty() ? std::string(key) : fmt::format("{}.{}", before, key);
  }
};

// Writes typed JSON. A write…() that returns false has nothing to say (the value is left out or doesn't fit its type):
// the caller takes back what it wrote.
class Writer {
 public:
  Writer(std::string_view root, Malformed* malformed, bool null_creation_timestamp)
      : root_(root), malformed_(malformed), null_creation_timestamp_(null_creation_timestamp) {}

  std::string out;

  // `object` may be null: an object without members.
  void writeObject(const Schema::Type& type, const json::object* object, const Place& place) {
    out += '{';
    const std::size_t begin = out.size();
    for (const Schema::Member& member : type.members) {
      const json::value* found = object == nullptr ? nullptr : object->if_contains(member.name);
      const bool printed_absent = member.required || (member.kind == Kind::time && null_creation_timestamp_);
      if (found == nullptr && !printed_absent) continue;
      const std::size_t before = out.size();
      if (before != begin) out += ',';
      appendCanonicalString(out, member.name);
      out += ':';
      const Place inside{&place, member.name};
      if (!writeMember(member, found == nullptr ? null_value : *found, inside)) out.resize(before);
    }
    out += '}';
  }

 private:
  bool report(const Place& place, std::string_view expected, const json::value& found) {
    if (malformed_ != nullptr) {
      std::string shown = json::serialize(found);
      if (shown.size() > 100) shown = shown.substr(0, 100) + "…";
      malformed_->push_back(fmt::format("{}: {} is expected, found {}", place.toString(root_), expected, shown));
    }
    return false;
  }

  bool writeMember(const Schema::Member& member, const json::value& value, const Place& place) {
    switch (member.shape) {
      case Shape::list:
        return writeList(member, value, place);
      case Shape::map:
        return writeMap(member, value, place);
      case Shape::pointer:
        if (!value.is_null()) {
          if (writeElement(member, value, place)) return true;
          if (!member.required) return false;
        }
        out += "null";
        return member.required;
      case Shape::plain:
        break;
    }
    if (member.kind == Kind::time && value.is_null() && null_creation_timestamp_) {
      out += "null";
      return true;
    }
    // Raw JSON keeps its null, its 0 and its "".
    if (!member.required && isZero(value) && member.kind != Kind::raw) return false;
    return writeElement(member, value, place) || (member.required && writeElement(member, null_value, place));
  }

  static bool isZero(const json::value& value) {
    if (value.is_null()) return true;
    if (const auto* text = value.if_string()) return text->empty();
    if (value.is_bool()) return !value.get_bool();
    return value.is_number() && asInteger(value) == 0;
  }

  // One value of the member's kind, whatever its shape; null stands for the zero value.
  bool writeElement(const Schema::Member& member, const json::value& value, const Place& place) {
    switch (member.kind) {
      case Kind::object:
        if (!value.is_object() && !value.is_null()) return report(place, "an object", value);
        writeObject(*member.type, value.if_object(), place);
        return true;
      case Kind::raw:
        appendOpaque(out, value);
        return true;
      case Kind::quantity:
        return writeQuantity(value, place);
      case Kind::int_or_string:
        if (!value.is_null() && !value.is_string() && !asInteger(value))
          return report(place, "an integer or a string", value);
        break;
      case Kind::integer:
        if (!value.is_null() && !asInteger(value)) return report(place, "an integer", value);
        break;
      case Kind::time:
      case Kind::scalar:
        if (value.is_object() || value.is_array()) return report(place, "a single value", value);
        break;
    }
    if (value.is_null()) {
      out += member.kind == Kind::scalar || member.kind == Kind::time ? "\"\"" : "0";
    } else {
      appendOpaque(out, value);
    }
    return true;
  }

  bool writeQuantity(const json::value& value, const Place& place) {
    std::optional<std::string> quantity;
    if (value.is_null()) {
      quantity = "0";
    } else if (const auto* text = value.if_string()) {
      quantity = canonicalQuantity(*text);
    } else if (value.is_number()) {
      quantity = canonicalQuantity(canonicalNumber(value));
    }
    if (!quantity) {
      return report(place,
                    "a quantity (quantities must match the regular expression "
                    "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$')",
                    value);
    }
    appendCanonicalString(out, *quantity);
    return true;
  }

  bool writeList(const Schema::Member& member, const json::value& value, const Place& place) {
    if (!value.is_array() && !value.is_null()) {
      report(place, "a list", value);
    } else if (value.is_array() && (member.required || !value.get_array().empty())) {
      out += '[';
      const std::size_t begin = out.size();
      for (std::size_t i = 0; i < value.get_array().size(); ++i) {
        const std::size_t before = out.size();
        if (before != begin) out += ',';
        if (!writeElement(member, value.get_array()[i], Place{&place, {}, i})) out.resize(before);
      }
      out += ']';
      return true;
    }
    out += "null";
    return member.required;
  }

  bool writeMap(const Schema::Member& member, const json::value& value, const Place& place) {
    if (value.is_null()) return false;
    if (!value.is_object()) return report(place, "an object", value);
    std::map<std::string_view, const json::value*> sorted;
    for (const auto& element : value.get_object()) sorted.emplace(element.key(), &element.value());
    out += '{';
    const std::size_t begin = out.size();
    for (const auto& [key, element] : sorted) {
      const std::size_t before = out.size();
      if (before != begin) out += ',';
      appendCanonicalString(out, key);
      out += ':';
      if (!writeElement(member, *element, Place{&place, key})) out.resize(before);
    }
    const bool empty = out.size() == begin;
    out += '}';
    return !empty;
  }

  std::string_view root_;
  Malformed* malformed_;
  bool null_creation_timestamp_;
};

std::string podTemplateJson(const json::object& pod_template, bool null_creation_timestamp, Malformed* malformed) {
  Writer writer("spec.template", malformed, null_creation_timestamp);
  static const Schema::Type& type = schemaType("PodTemplateSpec");
  writer.writeObject(type, &pod_template, Place{nullptr, {}});
  return std::move(writer.out);
}

std::string hashOf(std::string text, std::optional<std::int64_t> collision_count) {
  if (collision_count) {
    for (int shift = 0; shift < 32; shift += 8) text += static_cast<char>(*collision_count >> shift & 0xff);
    text.append(4, '\0');
  }
  return safeEncode(fnv1a(text));
}

}  // namespace

std::string canonicalJson(std::string_view type, const json::value& value, std::string_view path,
                          Malformed* malformed) {
  Writer writer(path, malformed, false);
  writer.writeObject(schemaType(type), value.if_object(), Place{nullptr, {}});
  return std::move(writer.out);
}

std::string podTemplateHash(const json::object& pod_template, std::optional<std::int64_t> collision_count,
                            bool with_null_creation_timestamp) {
  return hashOf(podTemplateJson(pod_template, with_null_creation_timestamp, nullptr), collision_count);
}

PodTemplateHashes podTemplateHashes(const json::object& pod_template, std::optional<std::int64_t> collision_count,
                                    Malformed* malformed) {
  return {.current = hashOf(podTemplateJson(pod_template, false, malformed), collision_count),
          .legacy = hashOf(podTemplateJson(pod_template, true, nullptr), collision_count)};
}

std::string stepHash(const json::value& steps) {
  const auto* list = steps.if_array();
  if (list == nullptr || list->empty()) return safeEncode(fnv1a("null"));
  std::string text = "[";
  for (const json::value& step : *list) {
    if (text.size() > 1) text += ',';
    text += canonicalJson("CanaryStep", step);
  }
  return safeEncode(fnv1a(text + "]"));
}

}  // namespace crossfade::api
