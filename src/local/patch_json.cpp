// JSON patch (RFC 6902) and merge patch (RFC 7396).
#include <fmt/format.h>

#include <charconv>

#include "local/patch.hpp"

namespace crossfade::local {

namespace {

constexpr std::size_t max_operations = 10000;  // the API server's limit

// "/a~1b/0" as its steps, unescaped. Empty for a pointer that is none.
std::optional<std::vector<std::string>> parsePointer(std::string_view pointer) {
  std::vector<std::string> steps;
  if (pointer.empty()) return steps;
  if (pointer.front() != '/') return std::nullopt;
  for (const char c : pointer) {
    if (c == '/') {
      steps.emplace_back();
    } else {
      steps.back() += c;
    }
  }
  for (auto& step : steps) {
    for (std::size_t at = step.find('~'); at != std::string::npos; at = step.find('~', at + 1)) {
      const char escaped = at + 1 < step.size() ? step[at + 1] : ' ';
      if (escaped != '0' && escaped != '1') return std::nullopt;
      step.replace(at, 2, escaped == '0' ? "~" : "/");
    }
  }
  return steps;
}

// An index into a list of that size; negative ones count from its end. Empty when there is none.
std::optional<std::size_t> indexIn(std::string_view step, std::size_t size) {
  std::int64_t index = 0;
  const char* end = step.data() + step.size();
  const auto [rest, error] = std::from_chars(step.data(), end, index);
  if (error != std::errc() || rest != end) return std::nullopt;
  if (index < 0) index += static_cast<std::int64_t>(size);
  if (index < 0 || index >= static_cast<std::int64_t>(size)) return std::nullopt;
  return static_cast<std::size_t>(index);
}

json::value* descend(json::value& value, std::string_view step) {
  if (auto* object = value.if_object()) return object->if_contains(step);
  auto* array = value.if_array();
  if (array == nullptr) return nullptr;
  const auto index = indexIn(step, array->size());
  return index ? &(*array)[*index] : nullptr;
}

// One patch at work on one document. Each operation says whether it could be done.
struct JsonPatch {
  json::value document;

  json::value* at(std::span<const std::string> steps) {
    json::value* value = &document;
    for (const auto& step : steps) {
      value = descend(*value, step);
      if (value == nullptr) return nullptr;
    }
    return value;
  }
  bool add(const std::vector<std::string>& steps, json::value value);
  bool remove(const std::vector<std::string>& steps);
  bool apply(const json::object& operation);
};

bool JsonPatch::add(const std::vector<std::string>& steps, json::value value) {
  if (steps.empty()) {
    document = std::move(value);
    return true;
  }
  json::value* parent = at(std::span(steps).first(steps.size() - 1));
  if (parent == nullptr) return false;
  if (auto* object = parent->if_object()) {
    (*object)[steps.back()] = std::move(value);
    return true;
  }
  auto* array = parent->if_array();
  if (array == nullptr) return false;
  if (steps.back() == "-") {
    array->push_back(std::move(value));
    return true;
  }
  const auto index = indexIn(steps.back(), array->size() + 1);
  if (!index) return false;
  array->insert(array->begin() + static_cast<std::ptrdiff_t>(*index), std::move(value));
  return true;
}

bool JsonPatch::remove(const std::vector<std::string>& steps) {
  if (steps.empty()) return false;
  json::value* parent = at(std::span(steps).first(steps.size() - 1));
  if (parent == nullptr) return false;
  if (auto* object = parent->if_object()) {
    const auto member = object->find(steps.back());
    if (member == object->end()) return false;
    object->stable_erase(member);
    return true;
  }
  auto* array = parent->if_array();
  const auto index = array == nullptr ? std::nullopt : indexIn(steps.back(), array->size());
  if (!index) return false;
  array->erase(array->begin() + static_cast<std::ptrdiff_t>(*index));
  return true;
}

bool JsonPatch::apply(const json::object& operation) {
  const auto path = parsePointer(getString(operation, {"path"}));
  if (!path) return false;
  const std::string_view name = getString(operation, {"op"});
  const auto* value = operation.if_contains("value");
  if (name == "add") return value != nullptr && add(*path, *value);
  if (name == "remove") return remove(*path);
  if (name == "replace") {
    json::value* target = at(*path);
    if (target == nullptr || value == nullptr) return false;
    *target = *value;
    return true;
  }
  if (name == "test") {
    const json::value* target = at(*path);
    const bool wants_null = value == nullptr || value->is_null();
    return target == nullptr ? wants_null : *target == (value == nullptr ? json::value() : *value);
  }
  if (name != "move" && name != "copy") return false;
  const auto from = parsePointer(getString(operation, {"from"}));
  const json::value* source = from ? at(*from) : nullptr;
  if (source == nullptr) return false;
  json::value copy = *source;
  if (name == "move" && !remove(*from)) return false;
  return add(*path, std::move(copy));
}

}  // namespace

Result<json::object> jsonPatch(const json::object& object, const json::value& patch) {
  const auto* operations = patch.if_array();
  if (operations == nullptr) return fail(ErrorCode::invalid, "a JSON patch is a list of operations");
  if (operations->size() > max_operations) {
    return fail(ErrorCode::too_large, fmt::format("The allowed maximum operations in a JSON patch is {}, got {}",
                                                  max_operations, operations->size()));
  }
  JsonPatch work{.document = object};
  for (const auto& operation : *operations) {
    if (!operation.is_object() || !work.apply(operation.get_object())) {
      return fail(ErrorCode::invalid, fmt::format("{} operation does not apply: {}",
                                                  operation.is_object() ? getString(operation.get_object(), {"op"})
                                                                        : std::string_view("no"),
                                                  json::serialize(operation)));
    }
  }
  if (!work.document.is_object()) return fail(ErrorCode::invalid, "the patched document is no object");
  return std::move(work.document.get_object());
}

Result<json::object> jsonMergePatch(const json::object& object, const json::value& patch) {
  if (!patch.is_object()) return fail(ErrorCode::invalid, "a merge patch is an object");
  json::value target = object;
  mergePatch(target, patch);
  return std::move(target.get_object());
}

}  // namespace crossfade::local
