#include <fmt/ranges.h>

#include "api/rollout.hpp"

namespace crossfade::api {

// Not Selector::toString(): here `In` with one value is "k in (v)" and only matchLabels are "k=v". spec/01 §3.2.
std::string formatSelector(const json::object& selector) {
  if (!Selector::fromJson(selector)) return "<error>";
  std::multimap<std::string, std::string> parts;  // by key
  for (const auto& [key, value] : labelsFromJson(getObject(selector, {"matchLabels"}))) {
    parts.emplace(key, fmt::format("{}={}", key, value));
  }
  if (const auto* expressions = getArray(selector, {"matchExpressions"})) {
    for (const json::value& expression : *expressions) {
      const Selector::Requirement requirement =
          Selector::fromJson({{"matchExpressions", json::array{expression}}})->requirements().front();
      const std::string values = fmt::format("{}", fmt::join(requirement.values, ","));
      const std::string& key = requirement.key;
      switch (requirement.op) {
        case Selector::Operator::in:
          parts.emplace(key, fmt::format("{} in ({})", key, values));
          break;
        case Selector::Operator::not_in:
          parts.emplace(key, fmt::format("{} notin ({})", key, values));
          break;
        case Selector::Operator::exists:
          parts.emplace(key, key);
          break;
        case Selector::Operator::does_not_exist:
          parts.emplace(key, "!" + key);
          break;
      }
    }
  }
  if (parts.empty()) return "<none>";
  std::string text;
  for (const auto& [key, part] : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

}  // namespace crossfade::api
