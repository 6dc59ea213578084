#include "base/labels.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/json.hpp"

namespace crossfade {

Labels labelsFromJson(const json::object* object) {
  Labels labels;
  if (object == nullptr) return labels;
  labels.reserve(object->size());
  for (const auto& [key, value] : *object) {
    if (const auto* text = value.if_string()) labels.emplace(key, *text);
  }
  return labels;
}

Result<Selector> Selector::fromJson(const json::object& selector) {
  std::vector<Requirement> requirements;
  for (const auto& [key, value] : labelsFromJson(getObject(selector, {"matchLabels"}))) {
    requirements.push_back({key, Operator::in, {value}});
  }
  if (const auto* expressions = getArray(selector, {"matchExpressions"})) {
    for (const auto& item : *expressions) {
      const auto* expression = item.if_object();
      if (expression == nullptr) return fail(ErrorCode::invalid, "matchExpressions: an element is not an object");
      Requirement requirement{std::string(getString(*expression, {"key"})), Operator::exists, {}};
      if (const auto* values = getArray(*expression, {"values"})) {
        for (const auto& value : *values) {
          if (const auto* text = value.if_string()) requirement.values.emplace_back(*text);
        }
      }
      const std::string_view op = getString(*expression, {"operator"});
      if (op == "In" || op == "NotIn") {
        requirement.op = op == "In" ? Operator::in : Operator::not_in;
        if (requirement.values.empty()) {
          return fail(ErrorCode::invalid,
                      "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty");
        }
        std::ranges::sort(requirement.values);
      } else if (op == "Exists" || op == "DoesNotExist") {
        requirement.op = op == "Exists" ? Operator::exists : Operator::does_not_exist;
        if (!requirement.values.empty()) {
          return fail(ErrorCode::invalid,
                      "values: Invalid value: values set must be empty for exists and does not exist");
        }
      } else {
        return fail(ErrorCode::invalid, fmt::format("\"{}\" is not a valid label selector operator", op));
      }
      requirements.push_back(std::move(requirement));
    }
  }
  return Selector(std::move(requirements));
}

Selector Selector::fromLabels(const Labels& labels) {
  std::vector<Requirement> requirements;
  for (const auto& [key, value] : labels) requirements.push_back({key, Operator::in, {value}});
  return Selector(std::move(requirements));
}

bool Selector::matches(const Labels& labels) const {
  return std::ranges::all_of(requirements_, [&](const Requirement& requirement) {
    const auto label = labels.find(requirement.key);
    const bool present = label != labels.end();
    switch (requirement.op) {
      case Operator::in:
        return present && std::ranges::find(requirement.values, label->second) != requirement.values.end();
      case Operator::not_in:
        return !present || std::ranges::find(requirement.values, label->second) == requirement.values.end();
      case Operator::exists:
        return present;
      case Operator::does_not_exist:
        return !present;
    }
    return false;
  });
}

std::string Selector::toString() const {
  std::vector<Requirement> sorted = requirements_;
  std::ranges::stable_sort(sorted, {}, &Requirement::key);
  std::vector<std::string> parts;
  for (const auto& requirement : sorted) {
    const std::string values = fmt::format("{}", fmt::join(requirement.values, ","));
    switch (requirement.op) {
      case Operator::in:
        parts.push_back(requirement.values.size() == 1 ? requirement.key + "=" + values
                                                       : fmt::format("{} in ({})", requirement.key, values));
        break;
      case Operator::not_in:
        parts.push_back(requirement.values.size() == 1 ? requirement.key + "!=" + values
                                                       : fmt::format("{} notin ({})", requirement.key, values));
        break;
      case Operator::exists:
        parts.push_back(requirement.key);
        break;
      case Operator::does_not_exist:
        parts.push_back("!" + requirement.key);
        break;
    }
  }
  return fmt::format("{}", fmt::join(parts, ","));
}

}  // namespace crossfade
