#include "local/table.hpp"

#include <fmt/format.h>

#include "local/table_columns.hpp"

namespace crossfade::local {

namespace {

// What the API server prints where nobody told it better.
class PlainTable : public TablePrinter {
 public:
  json::array columns() const override {
    return {nameColumn(), tableColumn("Created At", "date", creation_description)};
  }
  json::array cells(const json::object& object, TimePoint) const override {
    return {json::string(getString(object, {"metadata", "name"})),
            json::string(getString(object, {"metadata", "creationTimestamp"}))};
  }
};

}  // namespace

json::object tableColumn(std::string_view name, std::string_view type, std::string_view description, int priority) {
  return {{"name", name}, {"type", type}, {"format", ""}, {"description", description}, {"priority", priority}};
}

json::object nameColumn() {
  json::object column =
      tableColumn("Name", "string",
                  "Name must be unique within a namespace. Is required when creating resources, although some "
                  "resources may allow a client to request the generation of an appropriate name automatically. "
                  "Name is primarily intended for creation idempotence and configuration definition. Cannot be "
                  "updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names");
  column["format"] = "name";
  return column;
}

std::string humanDuration(Duration duration) {
  const auto total = std::chrono::duration_cast<seconds>(duration).count();
  if (total < -1) return "<invalid>";
  if (total < 0) return "0s";
  if (total < 120) return fmt::format("{}s", total);
  // Two units while they matter, one later; a unit of zero is left out.
  const auto both = [](std::int64_t large, char large_unit, std::int64_t small, char small_unit) {
    return small == 0 ? fmt::format("{}{}", large, large_unit)
                      : fmt::format("{}{}{}{}", large, large_unit, small, small_unit);
  };
  const std::int64_t minute_count = total / 60;
  if (minute_count < 10) return both(minute_count, 'm', total % 60, 's');
  if (minute_count < 180) return fmt::format("{}m", minute_count);
  const std::int64_t hour_count = minute_count / 60;
  if (hour_count < 8) return both(hour_count, 'h', minute_count % 60, 'm');
  if (hour_count < 48) return fmt::format("{}h", hour_count);
  const std::int64_t day_count = hour_count / 24;
  if (day_count < 8) return both(day_count, 'd', hour_count % 24, 'h');
  if (day_count < 730) return fmt::format("{}d", day_count);
  if (day_count < 2920) return both(day_count / 365, 'y', day_count % 365, 'd');
  return fmt::format("{}y", day_count / 365);
}

std::string age(std::string_view time, TimePoint now) {
  const auto moment = parseTime(time);
  return moment ? humanDuration(now - *moment) : "<unknown>";
}

std::unique_ptr<TablePrinter> tablePrinter(const ResourceType& type, std::string_view version,
                                           const json::object* definition) {
  if (definition != nullptr) return customTable(*definition, version);
  if (auto printer = builtinTable(type)) return printer;
  return std::make_unique<PlainTable>();
}

}  // namespace crossfade::local
