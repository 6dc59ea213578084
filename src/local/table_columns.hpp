// What the table's files share. Internal to the room.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "local/table.hpp"

namespace crossfade::local {

inline constexpr std::string_view creation_description =
    "CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed "
    "to be set in "
    "happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 "
    "form and is in "
    "UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: "
    "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata";

json::object nameColumn();

// The table of one built-in kind: its columns, and the function that fills a row.
struct FixedColumn {
  std::string_view name, type, description;
  int priority = 0;  // 1: shown with -o wide only
};
using RowFunction = json::array (*)(const json::object& object, TimePoint now);
struct FixedTable {
  std::string_view resource;  // "deployments.apps"
  std::vector<FixedColumn> columns;
  RowFunction row;
};

// table_builtin.cpp; null for kinds without columns of their own.
std::unique_ptr<TablePrinter> builtinTable(const ResourceType& type);
// table_custom.cpp
std::unique_ptr<TablePrinter> customTable(const json::object& definition, std::string_view version);
// table_pods.cpp, table_workloads.cpp, table_network.cpp
FixedTable podTable();
std::vector<FixedTable> workloadTables();
std::vector<FixedTable> networkTables();

// Cells that many kinds have.
std::string nameOf(const json::object& object);
std::string ageOf(const json::object& object, TimePoint now);
// "a,b + 3 more..." of a list that shows `shown` items at most.
std::string listed(const std::vector<std::string>& items, std::size_t shown, std::string_view none);
// "a=b,c=d" of a map; "<none>" when it is empty.
std::string labelsText(const json::object* labels);
// A metav1.LabelSelector as text; "<none>" when it is empty.
std::string selectorText(const json::object* selector);
// The status of a condition; empty when there is no such condition.
std::string_view conditionStatus(const json::object& object, std::string_view type);

}  // namespace crossfade::local
