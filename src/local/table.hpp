// Tables as kubectl prints them: the columns of built-in kinds as the API server has them, and a definition's
// additionalPrinterColumns. Internal to the room.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/time.hpp"
#include "local/registry.hpp"

namespace crossfade::local {

class TablePrinter {
 public:
  virtual ~TablePrinter() = default;
  // metav1.TableColumnDefinition objects.
  virtual json::array columns() const = 0;
  // One cell a column. Ages are counted up to `now`.
  virtual json::array cells(const json::object& object, TimePoint now) const = 0;
};

// Name and Age where nothing better is known. `definition` is the CustomResourceDefinition of a custom resource; null
// otherwise.
std::unique_ptr<TablePrinter> tablePrinter(const ResourceType& type, std::string_view version,
                                           const json::object* definition);

// "5d3h", "12m", "42s": how long ago, as kubectl writes it; "<unknown>" for an empty or odd time.
std::string age(std::string_view time, TimePoint now);
std::string humanDuration(Duration duration);

json::object tableColumn(std::string_view name, std::string_view type, std::string_view description, int priority = 0);

}  // namespace crossfade::local
