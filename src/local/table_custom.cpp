// The columns of custom resources: additionalPrinterColumns of their definition.
#include <fmt/format.h>

#include "local/json_path.hpp"
#include "local/json_text.hpp"
#include "local/table_columns.hpp"

namespace crossfade::local {

namespace {

json::value cellOf(std::string_view type, const json::value& value, TimePoint now) {
  if (value.is_null()) return nullptr;
  if (type == "string") return value.is_string() ? value : json::value(jsonText(value));
  if (type == "date") return value.is_string() ? json::value(age(value.get_string(), now)) : json::value();
  if (type == "boolean") return value.is_bool() ? value : json::value();
  if (type == "number") return value.is_number() ? value : json::value();
  if (type == "integer") {
    if (value.is_double()) return static_cast<std::int64_t>(value.get_double());
    return value.is_number() ? value : json::value();
  }
  return nullptr;
}

class CustomTable : public TablePrinter {
 public:
  struct Column {
    json::object definition;
    std::string type;
    std::optional<JsonPath> path;
  };
  explicit CustomTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  json::array columns() const override {
    json::array result{nameColumn()};
    for (const Column& column : columns_) result.push_back(column.definition);
    return result;
  }
  json::array cells(const json::object& object, TimePoint now) const override {
    json::array result;
    result.emplace_back(getString(object, {"metadata", "name"}));
    const json::value root = object;
    for (const Column& column : columns_) {
      const auto found = column.path ? column.path->find(root) : std::vector<const json::value*>();
      result.push_back(found.empty() ? json::value() : cellOf(column.type, *found.front(), now));
    }
    return result;
  }

 private:
  std::vector<Column> columns_;
};

}  // namespace

std::unique_ptr<TablePrinter> customTable(const json::object& definition, std::string_view version) {
  std::vector<CustomTable::Column> columns;
  const json::array* given = nullptr;
  if (const auto* versions = getArray(definition, {"spec", "versions"})) {
    for (const auto& item : *versions) {
      if (item.is_object() && getString(item.get_object(), {"name"}) == version)
        given = getArray(item.get_object(), {"additionalPrinterColumns"});
    }
  }
  if (given != nullptr) {
    for (const auto& item : *given) {
      const auto* column = item.if_object();
      if (column == nullptr) continue;
      const auto path = getString(*column, {"jsonPath"});
      const std::string standard = fmt::format("Custom resource definition column (in JSONPath format): {}", path);
      json::object shown =
          tableColumn(getString(*column, {"name"}), getString(*column, {"type"}),
                      getString(*column, {"description"}, standard), static_cast<int>(getInt(*column, {"priority"})));
      shown["format"] = getString(*column, {"format"});
      columns.push_back({std::move(shown), std::string(getString(*column, {"type"})), JsonPath::parse(path)});
    }
  }
  if (columns.empty()) {
    columns.push_back(
        {tableColumn("Age", "date", creation_description), "date", JsonPath::parse(".metadata.creationTimestamp")});
  }
  return std::make_unique<CustomTable>(std::move(columns));
}

}  // namespace crossfade::local
