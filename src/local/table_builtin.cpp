// The tables of built-in kinds: how they are found, and those of the plain kinds.
#include <fmt/format.h>

#include "local/table_columns.hpp"

namespace crossfade::local {

namespace {

class FixedPrinter : public TablePrinter {
 public:
  explicit FixedPrinter(const FixedTable& table) : table_(table) {}
  json::array columns() const override {
    json::array result;
    for (const FixedColumn& column : table_.columns) {
      if (column.name == "Name" && column.description.empty()) {
        result.push_back(nameColumn());
        result.back().get_object()["priority"] = column.priority;
      } else {
        const auto description = column.name == "Age" ? creation_description : column.description;
        result.push_back(tableColumn(column.name, column.type, description, column.priority));
      }
    }
    return result;
  }
  json::array cells(const json::object& object, TimePoint now) const override { return table_.row(object, now); }

 private:
  const FixedTable& table_;
};

std::int64_t sizeOf(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (value == nullptr) return 0;
  if (value->is_object()) return static_cast<std::int64_t>(value->get_object().size());
  return value->is_array() ? static_cast<std::int64_t>(value->get_array().size()) : 0;
}

std::string orUnknown(std::string_view text) { return text.empty() ? "<unknown>" : std::string(text); }

std::string nodeAddress(const json::object& node, std::string_view type) {
  if (const auto* addresses = getArray(node, {"status", "addresses"})) {
    for (const auto& item : *addresses) {
      if (item.is_object() && getString(item.get_object(), {"type"}) == type)
        return std::string(getString(item.get_object(), {"address"}));
    }
  }
  return "<none>";
}

std::string nodeRoles(const json::object& node) {
  constexpr std::string_view prefix = "node-role.kubernetes.io/";
  std::set<std::string> roles;
  if (const auto* labels = getObject(node, {"metadata", "labels"})) {
    for (const auto& [key, value] : *labels) {
      if (std::string_view(key).starts_with(prefix) && key.size() > prefix.size())
        roles.emplace(key.substr(prefix.size()));
      if (key == "kubernetes.io/role" && value.is_string() && !value.get_string().empty())
        roles.emplace(value.get_string());
    }
  }
  return roles.empty() ? "<none>" : fmt::format("{}", fmt::join(roles, ","));
}

json::array nodeRow(const json::object& node, TimePoint now) {
  const auto ready = conditionStatus(node, "Ready");
  std::string status = ready.empty() ? "Unknown" : ready == "True" ? "Ready" : "NotReady";
  if (getBool(node, {"spec", "unschedulable"})) status += ",SchedulingDisabled";
  const auto info = [&node](std::string_view key) { return getString(node, {"status", "nodeInfo", key}); };
  return {nameOf(node),
          status,
          nodeRoles(node),
          ageOf(node, now),
          info("kubeletVersion"),
          nodeAddress(node, "InternalIP"),
          nodeAddress(node, "ExternalIP"),
          orUnknown(info("osImage")),
          orUnknown(info("kernelVersion")),
          orUnknown(info("containerRuntimeVersion"))};
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string trimmed(std::string_view text) {
  const auto space = [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return std::string(text);
}

json::array eventRow(const json::object& event, TimePoint now) {
  const auto time = [&](std::initializer_list<std::string_view> path) { return getString(event, path); };
  const auto first_time = time({"firstTimestamp"}).empty() ? time({"eventTime"}) : time({"firstTimestamp"});
  auto last_time = time({"lastTimestamp"}).empty() ? first_time : time({"lastTimestamp"});
  std::int64_t count = std::max<std::int64_t>(getInt(event, {"count"}), 1);
  if (getObject(event, {"series"}) != nullptr) {
    last_time = time({"series", "lastObservedTime"});
    count = getInt(event, {"series", "count"});
  }
  const std::string kind = lower(getString(event, {"involvedObject", "kind"}));
  const auto name = getString(event, {"involvedObject", "name"});
  const auto component = getString(event, {"source", "component"}, getString(event, {"reportingComponent"}));
  const auto host = getString(event, {"source", "host"}, getString(event, {"reportingInstance"}));
  return {age(last_time, now),
          getString(event, {"type"}),
          getString(event, {"reason"}),
          name.empty() ? kind : fmt::format("{}/{}", kind, name),
          getString(event, {"involvedObject", "fieldPath"}),
          host.empty() ? std::string(component) : fmt::format("{}, {}", component, host),
          trimmed(getString(event, {"message"})),
          age(first_time, now),
          count,
          nameOf(event)};
}

std::vector<FixedTable> plainTables() {
  const FixedColumn name{"Name", "string", ""};
  const FixedColumn age_column{"Age", "string", ""};
  return {
      {"namespaces",
       {name, {"Status", "string", "The status of the namespace"}, age_column},
       [](const json::object& object, TimePoint now) -> json::array {
         return {nameOf(object), getString(object, {"status", "phase"}), ageOf(object, now)};
       }},
      {"nodes",
       {name,
        {"Status", "string", "The status of the node"},
        {"Roles", "string", "The roles of the node"},
        age_column,
        {"Version", "string", "The version of the node's agent"},
        {"Internal-IP", "string", "The address inside the cluster", 1},
        {"External-IP", "string", "The address outside the cluster", 1},
        {"OS-Image", "string", "The operating system of the node", 1},
        {"Kernel-Version", "string", "The kernel of the node", 1},
        {"Container-Runtime", "string", "The container runtime of the node", 1}},
       nodeRow},
      {"events",
       {{"Last Seen", "string", "When this event happened last"},
        {"Type", "string", "Normal or Warning"},
        {"Reason", "string", "Why the event happened, in one word"},
        {"Object", "string", "The object that the event is about"},
        {"Subobject", "string", "The part of the object", 1},
        {"Source", "string", "Who reported the event", 1},
        {"Message", "string", "What happened"},
        {"First Seen", "string", "When this event happened first", 1},
        {"Count", "string", "How often it happened", 1},
        {"Name", "string", "", 1}},
       eventRow},
      {"configmaps",
       {name,
        {"Data", "string",
         "Data contains the configuration data. Each key must consist of alphanumeric characters, '-', '_' or '.'. "
         "Values with non-UTF-8 byte sequences must use the BinaryData field. The keys stored in Data must not overlap "
         "with the keys in the BinaryData field, this is enforced during validation process."},
        age_column},
       [](const json::object& object, TimePoint now) -> json::array {
         return {nameOf(object), sizeOf(object, "data") + sizeOf(object, "binaryData"), ageOf(object, now)};
       }},
      {"secrets",
       {name, {"Type", "string", "The type of the secret"}, {"Data", "string", "The number of entries"}, age_column},
       [](const json::object& object, TimePoint now) -> json::array {
         return {nameOf(object), getString(object, {"type"}), sizeOf(object, "data"), ageOf(object, now)};
       }},
      {"serviceaccounts",
       {name, {"Secrets", "string", "The number of secrets of the account"}, age_column},
       [](const json::object& object, TimePoint now) -> json::array {
         return {nameOf(object), sizeOf(object, "secrets"), ageOf(object, now)};
       }},
      {"leases.coordination.k8s.io",
       {name, {"Holder", "string", "The identity of the current holder"}, age_column},
       [](const json::object& object, TimePoint now) -> json::array {
         return {nameOf(object), getString(object, {"spec", "holderIdentity"}), ageOf(object, now)};
       }},
      {"priorityclasses.scheduling.k8s.io",
       {name,
        {"Value", "integer", "The value of the priority"},
        {"Global-Default", "boolean", "Whether it is the default"},
        age_column},
       [](const json::object& object, TimePoint now) -> json::array {
         return {nameOf(object), getInt(object, {"value"}), getBool(object, {"globalDefault"}), ageOf(object, now)};
       }},
  };
}

const std::vector<FixedTable>& allTables() {
  static const std::vector<FixedTable> tables = [] {
    std::vector<FixedTable> result = plainTables();
    result.push_back(podTable());
    for (auto& table : workloadTables()) result.push_back(std::move(table));
    for (auto& table : networkTables()) result.push_back(std::move(table));
    return result;
  }();
  return tables;
}

}  // namespace

std::unique_ptr<TablePrinter> builtinTable(const ResourceType& type) {
  const auto& tables = allTables();
  const auto table = std::ranges::find(tables, type.qualifiedName(), &FixedTable::resource);
  return table == tables.end() ? nullptr : std::make_unique<FixedPrinter>(*table);
}

std::string nameOf(const json::object& object) { return std::string(getString(object, {"metadata", "name"})); }

std::string ageOf(const json::object& object, TimePoint now) {
  return age(getString(object, {"metadata", "creationTimestamp"}), now);
}

std::string listed(const std::vector<std::string>& items, std::size_t shown, std::string_view none) {
  if (items.empty()) return std::string(none);
  const std::size_t count = std::min(items.size(), shown);
  std::string text =
      fmt::format("{}", fmt::join(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(count), ","));
  if (items.size() > shown) text += fmt::format(" + {} more...", items.size() - shown);
  return text;
}

std::string labelsText(const json::object* labels) {
  const Labels sorted = labelsFromJson(labels);
  if (sorted.empty()) return "<none>";
  std::string text;
  for (const auto& [key, value] : sorted) text += fmt::format("{}{}={}", text.empty() ? "" : ",", key, value);
  return text;
}

std::string selectorText(const json::object* selector) {
  if (selector == nullptr) return "<none>";
  const auto parsed = Selector::fromJson(*selector);
  if (!parsed) return "<invalid>";
  return parsed->empty() ? "<none>" : parsed->toString();
}

std::string_view conditionStatus(const json::object& object, std::string_view type) {
  if (const auto* conditions = getArray(object, {"status", "conditions"})) {
    for (const auto& item : *conditions) {
      if (item.is_object() && getString(item.get_object(), {"type"}) == type)
        return getString(item.get_object(), {"status"});
    }
  }
  return {};
}

}  // namespace crossfade::local
