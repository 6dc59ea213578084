#include "providers/csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/base64.hpp"
#include "base/go_text.hpp"
#include "base/time.hpp"
#include "expr/numbers.hpp"

namespace crossfade::providers {

namespace {

std::unexpected<Error> refuse(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }

using Row = std::vector<std::string>;

// Takes the next row off the front; empty for a blank line. Fields in quotes may hold commas, line ends and ("")
// quotes.
Result<Row> takeRow(std::string_view& text) {
  Row row;
  std::string field;
  bool any = false, quoted = false;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (quoted) {
      if (c != '"') {
        field += c;
      } else if (text.starts_with('"')) {
        field += c;
        text.remove_prefix(1);
      } else {
        quoted = false;
      }
      continue;
    }
    if (c == '\n') break;
    if (c == '\r' && text.starts_with('\n')) continue;
    any = true;
    if (c == '"' && field.empty()) {
      quoted = true;
    } else if (c == ',') {
      row.push_back(std::exchange(field, {}));
    } else {
      field += c;
    }
  }
  if (quoted) return refuse("flux query error: the answer ends inside of a quoted field");
  if (any) row.push_back(std::move(field));
  return row;
}

// "2024-01-01T00:00:00.123456789Z".
Result<expr::Value> readTime(const std::string& text) {
  auto moment = expr::parseMoment("2006-01-02T15:04:05.999999999Z07:00", text, nullptr);
  if (!moment) return std::unexpected(moment.error());
  return expr::Value(std::move(*moment));
}

Result<expr::Value> readUnsigned(const std::string& text) {
  // What doesn't fit into 63 bits is close enough as a double.
  if (const auto small = expr::parseInteger(text)) {
    if (*small >= 0) return expr::Value(expr::Integer{*small, expr::Integer::Kind::int64});
    return refuse(fmt::format("strconv.ParseUint: parsing {}: invalid syntax", go::quote(text)));
  }
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
  if (!digits || text.size() > std::string_view("18446744073709551615").size()) {
    return refuse(fmt::format("strconv.ParseUint: parsing {}: invalid syntax", go::quote(text)));
  }
  return expr::Value(*expr::parseFloat(text));
}

Result<expr::Value> readValue(std::string_view type, const std::string& text) {
  if (type == "string" || type == "tag") return expr::Value(text);
  if (type == "double") {
    const auto number = expr::parseFloat(text);
    if (!number) return std::unexpected(number.error());
    return expr::Value(*number);
  }
  if (type == "long") {
    const auto number = expr::parseInteger(text);
    if (!number) return std::unexpected(number.error());
    return expr::Value(expr::Integer{*number, expr::Integer::Kind::int64});
  }
  if (type == "unsignedLong") return readUnsigned(text);
  if (type == "boolean") return expr::Value(text != "false");
  if (type.starts_with("dateTime")) return readTime(text);
  if (type == "duration") {
    const auto duration = go::parseDuration(text);
    if (!duration) return std::unexpected(duration.error());
    return expr::Value(*duration);
  }
  if (type == "base64Binary") {
    auto bytes = decodeBase64(text);
    if (!bytes) return refuse("illegal base64 data in " + go::quote(text));
    return expr::Value(expr::Bytes{std::make_shared<const std::string>(std::move(*bytes))});
  }
  return refuse(fmt::format("_value has unknown data type {}", type));
}

// The table that rows belong to at the moment.
struct Table {
  Row datatypes, defaults;
  std::optional<Row> header;

  std::optional<std::size_t> column(std::string_view name) const {
    const auto at = std::ranges::find(*header, name);
    if (at == header->end()) return std::nullopt;
    return static_cast<std::size_t>(at - header->begin());
  }
  static const std::string& cell(const Row& row, std::size_t index) {
    static const std::string none;
    return index < row.size() ? row[index] : none;
  }
};

}  // namespace

Result<expr::List> readAnnotatedCsv(std::string_view text) {
  expr::List list;
  Table table;
  if (!text.empty() && !text.ends_with('\n')) return refuse("flux query error: the answer ends inside of a row");
  while (!text.empty()) {
    const auto row = takeRow(text);
    if (!row) return std::unexpected(row.error());
    if (row->empty()) continue;
    const std::string& mark = row->front();
    if (mark.starts_with('#')) {
      // Annotations begin a table.
      if (table.header) table = Table();
      if (mark == "#datatype") table.datatypes = *row;
      if (mark == "#default") table.defaults = *row;
      continue;
    }
    if (!table.header) {
      table.header = *row;
      continue;
    }
    if (const auto error = table.column("error"); error && table.column("reference")) {
      return fail(ErrorCode::unavailable, Table::cell(*row, *error));
    }
    if (row->size() != table.header->size()) return refuse("flux query error: a row has too few or too many fields");
    const auto column = table.column("_value");
    if (!column) continue;
    std::string cell = Table::cell(*row, *column);
    if (cell.empty()) cell = Table::cell(table.defaults, *column);
    const std::string& type = Table::cell(table.datatypes, *column);
    if (cell.empty()) {
      list.items.emplace_back();
      continue;
    }
    auto value = readValue(type.empty() ? "string" : type, cell);
    if (!value) return std::unexpected(value.error());
    list.items.push_back(std::move(*value));
  }
  return list;
}

}  // namespace crossfade::providers
