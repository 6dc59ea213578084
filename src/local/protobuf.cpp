#include "local/protobuf.hpp"

#include <fmt/format.h>

#include <bit>

#include "base/base64.hpp"
#include "base/log.hpp"
#include "base/time.hpp"
#include "local/embedded.hpp"

namespace crossfade::local {

namespace {

constexpr std::string_view magic("k8s\0", 4);
constexpr int max_depth = 64;
constexpr std::string_view meta = "k8s.io.apimachinery.pkg.apis.meta.v1.";

// schemas/protobuf.json, parsed once: data of the program, not state.
const json::object& layouts() {
  static const json::object table = [] {
    auto parsed = parseJson(embedded("protobuf.json"));
    if (parsed && parsed->is_object()) return std::move(parsed->get_object());
    log::error("bug: the embedded layouts of protobuf messages can't be read");
    return json::object();
  }();
  return table;
}

// One field of a message on the wire.
struct Field {
  int number = 0;
  std::uint64_t value = 0;  // of varints and fixed ones
  std::string_view bytes;   // of strings, messages and packed lists
  bool delimited = false;
};

// Reads field by field. After the last one, or at the first broken one, next() is empty; `broken` tells which.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool broken = false;

  std::optional<Field> next() {
    if (rest_.empty()) return std::nullopt;
    const auto tag = varint();
    if (!tag) return fault();
    Field field{.number = static_cast<int>(*tag >> 3), .bytes = {}};
    switch (*tag & 7) {
      case 0: {
        const auto value = varint();
        if (!value) return fault();
        field.value = *value;
        return field;
      }
      case 1:
        return fixed(field, 8);
      case 2: {
        const auto size = varint();
        if (!size || *size > rest_.size()) return fault();
        field.delimited = true;
        field.bytes = rest_.substr(0, *size);
        rest_.remove_prefix(*size);
        return field;
      }
      case 5:
        return fixed(field, 4);
      default:
        return fault();
    }
  }

  std::optional<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return std::nullopt;
  }

 private:
  std::nullopt_t fault() {
    broken = true;
    rest_ = {};
    return std::nullopt;
  }
  std::optional<Field> fixed(Field field, std::size_t size) {
    if (rest_.size() < size) return fault();
    for (std::size_t i = 0; i < size; ++i)
      field.value |= static_cast<std::uint64_t>(static_cast<unsigned char>(rest_[i])) << (8 * i);
    rest_.remove_prefix(size);
    return field;
  }

  std::string_view rest_;
};

std::unexpected<Error> damaged() { return fail(ErrorCode::invalid, "unexpected EOF"); }

// A message without a layout of its own in JSON: all its fields by number, the last of each.
Result<std::map<int, Field>> fieldsOf(std::string_view bytes) {
  std::map<int, Field> fields;
  Reader reader(bytes);
  while (const auto field = reader.next()) fields[field->number] = *field;
  if (reader.broken) return damaged();
  return fields;
}

class Decoder {
 public:
  Result<json::object> message(std::string_view name, std::string_view bytes, int depth) const {
    if (depth > max_depth) return fail(ErrorCode::invalid, "the message is nested too deeply");
    const auto* layout = getObject(layouts(), {"messages", name});
    if (layout == nullptr) return fail(ErrorCode::invalid, fmt::format("no layout of message {}", name));
    json::object object;
    Reader reader(bytes);
    while (const auto field = reader.next()) {
      const auto* entry = layout->if_contains(std::to_string(field->number));
      if (entry == nullptr || !entry->is_array() || entry->get_array().size() != 3) continue;  // newer than we are
      const auto& words = entry->get_array();
      const std::string_view key = words[0].get_string();
      std::string_view type = words[1].get_string();
      const std::string_view options = words[2].get_string();
      if (type.starts_with("{}")) {
        if (auto ok = mapEntry(type.substr(2), *field, object, key, depth); !ok) return fail(ok.error());
        continue;
      }
      const bool repeated = type.starts_with("[]");
      if (repeated) type.remove_prefix(2);
      if (repeated && type == "int" && field->delimited) {
        if (auto ok = packed(field->bytes, listAt(object, key)); !ok) return fail(ok.error());
        continue;
      }
      auto value = decode(type, *field, depth);
      if (!value) return fail(value.error());
      if (repeated) {
        listAt(object, key).push_back(std::move(*value));
      } else if (options.contains('i')) {
        if (value->is_object()) {
          for (auto& [name, member] : value->get_object()) object[name] = std::move(member);
        }
      } else if (!value->is_null() && !(options.contains('z') && isZero(*value))) {
        object[key] = std::move(*value);
      }
    }
    if (reader.broken) return damaged();
    return object;
  }

 private:
  static json::array& listAt(json::object& object, std::string_view key) {
    json::value& list = object[key];
    if (!list.is_array()) list = json::array();
    return list.get_array();
  }

  static bool isZero(const json::value& value) {
    return value == 0 || value == false || value == "" || (value.is_double() && value.get_double() == 0);
  }

  static Result<> packed(std::string_view bytes, json::array& list) {
    Reader reader(bytes);
    for (std::size_t i = 0; i < bytes.size(); ++i) {  // a number takes a byte at least
      const auto value = reader.varint();
      if (!value) break;
      list.push_back(static_cast<std::int64_t>(*value));
    }
    return {};
  }

  Result<> mapEntry(std::string_view type, const Field& field, json::object& object, std::string_view key,
                    int depth) const {
    const auto entry = fieldsOf(field.bytes);
    if (!entry) return fail(entry.error());
    json::value& map = object[key];
    if (!map.is_object()) map = json::object();
    const auto name = entry->find(1);
    const auto given = entry->find(2);
    Field empty;
    empty.delimited = true;
    auto value = decode(type, given == entry->end() ? empty : given->second, depth);
    if (!value) return fail(value.error());
    map.get_object()[name == entry->end() ? std::string_view() : name->second.bytes] = std::move(*value);
    return {};
  }

  Result<json::value> decode(std::string_view type, const Field& field, int depth) const {
    if (type == "string") return json::value(json::string(field.bytes));
    if (type == "int") return json::value(static_cast<std::int64_t>(field.value));
    if (type == "bool") return json::value(field.value != 0);
    if (type == "bytes") return json::value(encodeBase64(field.bytes));
    if (type == "double") return json::value(std::bit_cast<double>(field.value));
    if (!type.starts_with("k8s.io.")) return fail(ErrorCode::invalid, fmt::format("no layout of type {}", type));
    const std::string_view name = type.substr(type.rfind('.') + 1);
    if (type.starts_with(meta) && (name == "Time" || name == "MicroTime"))
      return moment(field.bytes, name == "MicroTime");
    if (type.starts_with("k8s.io.apimachinery.") || name == "ExtraValue") {
      if (auto special = plainForm(name, field.bytes)) return std::move(*special);
    }
    auto object = message(type, field.bytes, depth + 1);
    if (!object) return fail(object.error());
    return json::value(std::move(*object));
  }

  // Null for the zero time.
  static Result<json::value> moment(std::string_view bytes, bool micro) {
    const auto fields = fieldsOf(bytes);
    if (!fields) return fail(fields.error());
    if (fields->empty()) return json::value();
    const auto number = [&fields](int field) {
      const auto found = fields->find(field);
      return found == fields->end() ? std::int64_t(0) : static_cast<std::int64_t>(found->second.value);
    };
    constexpr std::int64_t latest = 253402300799;  // the last second of the year 9999
    if (number(1) < -latest || number(1) > latest) return fail(ErrorCode::invalid, "a time is out of range");
    const TimePoint time =
        TimePoint(seconds(number(1))) + std::chrono::floor<Duration>(std::chrono::nanoseconds(number(2)));
    return json::value(micro ? formatMicroTime(time) : formatTime(time));
  }

  // Messages that JSON writes as something simpler. Empty for all others.
  static std::optional<Result<json::value>> plainForm(std::string_view name, std::string_view bytes) {
    const auto fields = fieldsOf(bytes);
    if (!fields) return damaged();
    const auto at = [&fields](int number) {
      const auto found = fields->find(number);
      return found == fields->end() ? Field() : found->second;
    };
    if (name == "Quantity") return json::value(json::string(at(1).bytes));
    if (name == "IntOrString") {
      if (at(1).value != 0) return json::value(json::string(at(3).bytes));
      return json::value(static_cast<std::int64_t>(at(2).value));
    }
    if (name == "Duration")
      return json::value(formatGoDuration(
          std::chrono::floor<Duration>(std::chrono::nanoseconds(static_cast<std::int64_t>(at(1).value)))));
    if (name == "FieldsV1" || name == "RawExtension") {
      if (at(1).bytes.empty()) return json::value();
      auto value = parseJson(at(1).bytes);
      if (!value) return fail(ErrorCode::invalid, value.error().message);
      return std::move(*value);
    }
    if (name == "ExtraValue") {
      json::array items;
      Reader reader(bytes);
      while (const auto field = reader.next()) items.emplace_back(json::string(field->bytes));
      return json::value(std::move(items));
    }
    return std::nullopt;
  }
};

}  // namespace

Result<json::object> decodeProtobuf(std::string_view body) {
  if (!body.starts_with(magic))
    return fail(ErrorCode::invalid,
                "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  // runtime.Unknown: typeMeta = 1 (apiVersion = 1, kind = 2), raw = 2.
  const auto envelope = fieldsOf(body.substr(magic.size()));
  if (!envelope) return fail(envelope.error());
  const auto at = [](const std::map<int, Field>& fields, int number) {
    const auto found = fields.find(number);
    return found == fields.end() ? std::string_view() : found->second.bytes;
  };
  const auto type = fieldsOf(at(*envelope, 1));
  if (!type) return fail(type.error());
  const std::string api_version(at(*type, 1));
  const std::string kind(at(*type, 2));
  // Options belong to no group: every client sends them in the one of its object.
  const std::string name = kind == "DeleteOptions" ? "v1/DeleteOptions" : fmt::format("{}/{}", api_version, kind);
  const std::string layout(getString(layouts(), {"kinds", name}));
  if (layout.empty())
    return fail(ErrorCode::invalid, fmt::format("no kind \"{}\" is registered for version \"{}\"", kind, api_version));
  auto object = Decoder().message(layout, at(*envelope, 2), 0);
  if (!object) return object;
  (*object)["apiVersion"] = api_version;
  (*object)["kind"] = kind;
  return object;
}

}  // namespace crossfade::local
