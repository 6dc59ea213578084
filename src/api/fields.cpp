#include "api/fields.hpp"

namespace crossfade::api {

const json::value* Fields::member(std::string_view key) const {
  const json::value* value = object_ == nullptr ? nullptr : object_->if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

void Fields::report(std::string_view key, std::string_view expected) const {
  std::string shown = json::serialize(*object_->if_contains(key));
  if (shown.size() > 100) shown = shown.substr(0, 100) + "…";
  malformed_->push_back(fmt::format("{}.{}: {} expected, found {}", path_, key, expected, shown));
}

std::optional<std::string> Fields::optionalString(std::string_view key) const {
  const json::value* value = member(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* text = value->if_string()) return std::string(*text);
  report(key, "a string is");
  return std::nullopt;
}

std::optional<bool> Fields::optionalBoolean(std::string_view key) const {
  const json::value* value = member(key);
  if (value == nullptr) return std::nullopt;
  if (value->is_bool()) return value->get_bool();
  report(key, "true or false is");
  return std::nullopt;
}

std::optional<std::int64_t> Fields::integer(std::string_view key, std::int64_t low, std::int64_t high) const {
  const json::value* value = member(key);
  if (value == nullptr) return std::nullopt;
  const auto number = asInteger(*value);
  if (number && *number >= low && *number <= high) return number;
  report(key, "an integer in range is");
  return std::nullopt;
}

std::optional<std::int64_t> Fields::int32(std::string_view key) const {
  return integer(key, std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max());
}

std::optional<std::int64_t> Fields::int64(std::string_view key) const {
  return integer(key, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max());
}

std::optional<TimePoint> Fields::time(std::string_view key) const {
  const json::value* value = member(key);
  if (value == nullptr) return std::nullopt;
  if (const auto* text = value->if_string()) {
    if (const auto time = parseTime(*text)) return std::chrono::floor<seconds>(*time);
  }
  report(key, "a time (RFC 3339) is");
  return std::nullopt;
}

std::optional<IntOrPercent> Fields::intOrPercent(std::string_view key) const {
  const json::value* value = member(key);
  if (value == nullptr) return std::nullopt;
  if (auto read = IntOrPercent::fromJson(*value)) return std::move(*read);
  report(key, "an integer or a string is");
  return std::nullopt;
}

Labels Fields::labels(std::string_view key) const {
  const json::value* value = member(key);
  if (value == nullptr) return {};
  const auto* object = value->if_object();
  if (object == nullptr) {
    report(key, "an object is");
    return {};
  }
  for (const auto& [name, text] : *object) {
    if (!text.is_string() && !text.is_null()) {
      malformed_->push_back(fmt::format("{}.{}[{}]: a string is expected, found {}", path_, key, std::string_view(name),
                                        json::serialize(text)));
    }
  }
  return labelsFromJson(object);
}

Carried Fields::carriedObject(std::string_view key) const {
  const json::value* value = member(key);
  if (value == nullptr) return {};
  if (value->is_object()) return Carried(*value);
  report(key, "an object is");
  return {};
}

Carried Fields::carriedList(std::string_view key) const {
  const json::value* value = member(key);
  if (value == nullptr) return {};
  if (value->is_array()) return Carried(*value);
  report(key, "a list is");
  return {};
}

Fields Fields::child(std::string_view key) const {
  const json::value* value = member(key);
  if (value != nullptr && !value->is_object()) report(key, "an object is");
  return Fields(value == nullptr ? nullptr : value->if_object(), fmt::format("{}.{}", path_, key), *malformed_);
}

void Fields::each(std::string_view key, const std::function<void(const Fields&)>& read) const {
  const json::value* value = member(key);
  if (value == nullptr) return;
  const auto* list = value->if_array();
  if (list == nullptr) return report(key, "a list is");
  for (std::size_t i = 0; i < list->size(); ++i) {
    const json::value& element = (*list)[i];
    const std::string path = fmt::format("{}.{}[{}]", path_, key, i);
    if (!element.is_object() && !element.is_null()) {
      malformed_->push_back(path + ": an object is expected, found " + json::serialize(element));
    } else {
      read(Fields(element.if_object(), path, *malformed_));
    }
  }
}

std::vector<Condition> readConditions(const Fields& status) {
  std::vector<Condition> conditions;
  status.each("conditions", [&](const Fields& fields) {
    conditions.push_back({.type = fields.string("type"),
                          .status = fields.string("status"),
                          .reason = fields.string("reason"),
                          .message = fields.string("message"),
                          .last_update = fields.time("lastUpdateTime"),
                          .last_transition = fields.time("lastTransitionTime")});
  });
  conditions.shrink_to_fit();
  return conditions;
}

}  // namespace crossfade::api
