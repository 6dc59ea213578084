#include "expr/json_text.hpp"

#include <fmt/format.h>

#include <cmath>

#include "base/base64.hpp"
#include "base/go_text.hpp"
#include "expr/budget.hpp"

namespace crossfade::expr {

namespace {

std::string quoted(std::string_view text) {
  const std::string serialized = json::serialize(json::string(text));
  std::string escaped;
  escaped.reserve(serialized.size());
  for (std::size_t i = 0; i < serialized.size(); ++i) {
    const char c = serialized[i];
    const std::string_view three = std::string_view(serialized).substr(i, 3);
    if (c == '<' || c == '>' || c == '&') {
      escaped += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else if (three == "\u2028" || three == "\u2029") {
      escaped += three == "\u2028" ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      escaped += c;
    }
  }
  return escaped;
}

class Writer {
 public:
  explicit Writer(bool indented) : indented_(indented) {}

  Result<> write(const Value& value, std::size_t depth) {
    if (static_cast<std::int64_t>(out_.size()) > Budget::max_bytes) {
      return fail(ErrorCode::invalid, "memory budget exceeded");
    }
    if (value.isNull()) {
      out_ += "null";
    } else if (value.integer() != nullptr) {
      out_ += value.integer()->kind == Integer::Kind::uint64 ? format(value) : std::to_string(value.integer()->value);
    } else if (value.boolean() != nullptr) {
      out_ += format(value);
    } else if (value.floating() != nullptr) {
      if (!std::isfinite(*value.floating())) {
        return fail(ErrorCode::invalid, "json: unsupported value: " + go::shortestFixed(*value.floating()));
      }
      out_ += go::jsonNumber(*value.floating());
    } else if (value.string() != nullptr) {
      out_ += quoted(*value.string());
    } else if (const auto* bytes = std::get_if<Bytes>(&value.data)) {
      out_ += quoted(encodeBase64(*bytes->text));
    } else if (value.duration() != nullptr) {
      out_ += std::to_string(value.duration()->count());
    } else if (value.moment() != nullptr) {
      out_ += quoted(format(*value.moment(), "2006-01-02T15:04:05.999999999Z07:00"));
    } else if (const List* list = value.list()) {
      return items('[', ']', depth, list->items, [&](const Value& item) { return write(item, depth + 1); });
    } else if (const Map* map = value.map();
               map != nullptr && (map->shape == Map::Shape::object || map->shape == Map::Shape::structure)) {
      return items('{', '}', depth, map->entries, [&](const auto& member) {
        out_ += quoted(member.first) + (indented_ ? ": " : ":");
        return write(member.second.value, depth + 1);
      });
    } else {
      return fail(ErrorCode::invalid, "json: unsupported type: " + typeName(value));
    }
    return {};
  }

  std::string take() { return std::move(out_); }

 private:
  Result<> items(char open, char close, std::size_t depth, const auto& all, const auto& write_one) {
    out_ += open;
    bool first = true;
    for (const auto& item : all) {
      if (!first) out_ += ',';
      first = false;
      newLine(depth + 1);
      if (const auto written = write_one(item); !written) return written;
    }
    if (!first) newLine(depth);
    out_ += close;
    return {};
  }
  void newLine(std::size_t depth) {
    if (indented_) out_ += '\n' + std::string(2 * depth, ' ');
  }

  bool indented_;
  std::string out_;
};

Result<std::string> written(const Value& value, bool indented) {
  Writer writer(indented);
  if (const auto done = writer.write(value, 0); !done) return std::unexpected(done.error());
  return writer.take();
}

bool isFinite(const json::value& value) {
  if (const double* number = value.if_double()) return std::isfinite(*number);
  if (const json::array* array = value.if_array()) return std::ranges::all_of(*array, isFinite);
  const json::object* object = value.if_object();
  return object == nullptr || std::ranges::all_of(*object, [](const auto& member) { return isFinite(member.value()); });
}

}  // namespace

Result<json::value> parseAnswer(std::string_view text) {
  auto parsed = parseJson(text);
  if (parsed && !isFinite(*parsed)) return fail(ErrorCode::invalid, "invalid JSON: a number is out of range");
  return parsed;
}

Result<std::string> compactJson(const Value& value) { return written(value, false); }
Result<std::string> indentedJson(const Value& value) { return written(value, true); }

}  // namespace crossfade::expr
