#include "local/field_selector.hpp"

#include <fmt/format.h>

namespace crossfade::local {

namespace {

// Labels whose path in the object is another one. The rest are their own path.
struct Field {
  std::string_view label, path = label;
};

std::vector<Field> fieldsOf(const ResourceType& type) {
  if (type.custom) return {};
  const std::string name = type.qualifiedName();
  if (name == "pods") {
    return {{"spec.nodeName"},    {"spec.restartPolicy"}, {"spec.schedulerName"}, {"spec.serviceAccountName"},
            {"spec.hostNetwork"}, {"status.phase"},       {"status.podIP"},       {"status.nominatedNodeName"}};
  }
  if (name == "events") {
    return {{"involvedObject.kind"},
            {"involvedObject.namespace"},
            {"involvedObject.name"},
            {"involvedObject.uid"},
            {"involvedObject.apiVersion"},
            {"involvedObject.resourceVersion"},
            {"involvedObject.fieldPath"},
            {"reason"},
            {"reportingComponent"},
            {"source", "source.component"},
            {"type"}};
  }
  if (name == "secrets") return {{"type"}};
  if (name == "namespaces") return {{"status.phase"}};
  if (name == "nodes") return {{"spec.unschedulable"}};
  if (name == "jobs.batch") return {{"status.successful", "status.succeeded"}};
  if (name == "replicasets.apps" || name == "replicationcontrollers") return {{"status.replicas"}};
  return {};
}

std::vector<std::string> steps(std::string_view path) {
  std::vector<std::string> result;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('.'), path.size());
    if (end > 0) result.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return result;
}

std::optional<std::vector<std::string>> pathOf(std::string_view label, const ResourceType& type,
                                               std::string_view version, const json::object* definition) {
  if (label == "metadata.name" || (label == "metadata.namespace" && type.namespaced)) return steps(label);
  for (const Field& field : fieldsOf(type)) {
    if (field.label == label) return steps(field.path);
  }
  const auto* versions = definition == nullptr ? nullptr : getArray(*definition, {"spec", "versions"});
  if (versions == nullptr) return std::nullopt;
  for (const auto& item : *versions) {
    const auto* entry = item.if_object();
    if (entry == nullptr || getString(*entry, {"name"}) != version) continue;
    const auto* fields = getArray(*entry, {"selectableFields"});
    if (fields == nullptr) continue;
    for (const auto& field : *fields) {
      if (!field.is_object()) continue;
      const auto path = getString(field.get_object(), {"jsonPath"});
      if (path.starts_with('.') && path.substr(1) == label) return steps(label);
    }
  }
  return std::nullopt;
}

// The field as text; absent ones are empty, as in the Go structs that the API server reads.
std::string textAt(const json::object& object, const std::vector<std::string>& path) {
  const json::object* at = &object;
  const json::value* value = nullptr;
  for (const auto& step : path) {
    value = at == nullptr ? nullptr : at->if_contains(step);
    if (value == nullptr) break;
    at = value->if_object();
  }
  if (value == nullptr || value->is_null()) {
    // Go's zero values of the fields that are no strings.
    if (path.back() == "unschedulable" || path.back() == "hostNetwork") return "false";
    if (path.back() == "succeeded" || path.back() == "replicas") return "0";
    return {};
  }
  return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

// Splits at commas that no backslash protects.
std::vector<std::string> terms(std::string_view text) {
  std::vector<std::string> result(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      result.back() += text[i];
      result.back() += text[++i];
    } else if (text[i] == ',') {
      result.emplace_back();
    } else {
      result.back() += text[i];
    }
  }
  return result;
}

Outcome<std::string> unescape(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      if (text[i] == '=')
        return refuse(badRequest(fmt::format("invalid field selector: unescaped character in value: {}", text[i])));
      result += text[i];
      continue;
    }
    if (++i == text.size() || (text[i] != '\\' && text[i] != ',' && text[i] != '=')) {
      return refuse(badRequest(fmt::format("invalid field selector: invalid escape sequence: \\{}",
                                           i < text.size() ? text.substr(i, 1) : "")));
    }
    result += text[i];
  }
  return result;
}

}  // namespace

Outcome<FieldSelector> FieldSelector::parse(std::string_view text, const ResourceType& type, std::string_view version,
                                            const json::object* definition) {
  FieldSelector selector;
  for (const std::string& part : terms(text)) {
    if (part.empty()) continue;
    const std::size_t at = part.find('=');
    if (at == std::string::npos) {
      return refuse(badRequest(fmt::format("invalid selector: '{}'; can't understand '{}'", text, part)));
    }
    Term term;
    std::string_view label = std::string_view(part).substr(0, at);
    std::string_view value = std::string_view(part).substr(at + 1);
    if (label.ends_with('!')) {
      term.equal = false;
      label.remove_suffix(1);
    } else if (value.starts_with('=')) {
      value.remove_prefix(1);
    }
    auto plain = unescape(value);
    if (!plain) return refuse(std::move(plain.error()));
    term.value = std::move(*plain);
    auto path = pathOf(label, type, version, definition);
    if (!path) {
      if (!type.custom && fieldsOf(type).empty()) {
        return refuse(badRequest(fmt::format(
            "\"{}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"", label)));
      }
      return refuse(badRequest(fmt::format("field label not supported: {}", label)));
    }
    term.path = std::move(*path);
    selector.terms_.push_back(std::move(term));
  }
  return selector;
}

bool FieldSelector::matches(const json::object& object) const {
  return std::ranges::all_of(
      terms_, [&object](const Term& term) { return (textAt(object, term.path) == term.value) == term.equal; });
}

}  // namespace crossfade::local
