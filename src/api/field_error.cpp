#include "api/field_error.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace crossfade::api {

std::string invalidValue(std::string_view path, std::string_view shown, std::string_view detail) {
  return fmt::format("{}: Invalid value: {}: {}", path, shown, detail);
}
std::string requiredValue(std::string_view path, std::string_view detail) {
  return fmt::format("{}: Required value{}{}", path, detail.empty() ? "" : ": ", detail);
}
std::string forbidden(std::string_view path, std::string_view detail) {
  return fmt::format("{}: Forbidden: {}", path, detail);
}
std::string duplicateValue(std::string_view path, std::string_view value) {
  return fmt::format("{}: Duplicate value: {}", path, quote(value));
}
std::string notFound(std::string_view path, std::string_view value) {
  return fmt::format("{}: Not found: {}", path, quote(value));
}
std::string unsupportedValue(std::string_view path, std::string_view value,
                             std::initializer_list<std::string_view> supported) {
  std::string list;
  for (const std::string_view one : supported) list += (list.empty() ? "" : ", ") + quote(one);
  return fmt::format("{}: Unsupported value: {}: supported values: {}", path, quote(value), list);
}
std::string internalError(std::string_view path, std::string_view detail) {
  return fmt::format("{}: Internal error: {}", path, detail);
}

namespace {

bool isAlphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }
bool isLowercase(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

// Begins and ends with what `outer` allows; `inner` may stand between.
bool isName(std::string_view text, bool (*outer)(char), std::string_view inner) {
  return !text.empty() && outer(text.front()) && outer(text.back()) &&
         std::ranges::all_of(text, [&](char c) { return outer(c) || inner.contains(c); });
}

bool isDnsLabel(std::string_view text) { return isName(text, isLowercase, "-"); }

bool isSubdomain(std::string_view text) {
  if (text.size() > 253) return false;
  while (true) {
    const std::size_t dot = text.find('.');
    if (!isDnsLabel(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

}  // namespace

std::optional<std::string> qualifiedNameError(std::string_view key) {
  static constexpr std::string_view parts_hint =
      "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
      "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
      "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. "
      "'example.com/MyName')";
  std::string_view name = key;
  if (const std::size_t slash = key.find('/'); slash != std::string_view::npos) {
    const std::string_view prefix = key.substr(0, slash);
    name = key.substr(slash + 1);
    if (name.contains('/')) return std::string(parts_hint);
    if (prefix.empty()) return "prefix part must be non-empty";
    if (!isSubdomain(prefix)) {
      return "prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
             "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for "
             "validation "
             "is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    }
  }
  if (name.empty()) return "name part must be non-empty";
  if (name.size() > 63) return "name part must be no more than 63 bytes";
  if (!isName(name, isAlphanumeric, "-_.")) {
    return "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
           "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
           "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
  }
  return std::nullopt;
}

std::optional<std::string> labelValueError(std::string_view value) {
  if (value.size() > 63) return "must be no more than 63 bytes";
  if (!value.empty() && !isName(value, isAlphanumeric, "-_.")) {
    return "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
           "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
           "validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
  }
  return std::nullopt;
}

std::optional<std::string> dnsLabelError(std::string_view name) {
  if (name.size() > 63) return "must be no more than 63 bytes";
  if (!isDnsLabel(name)) {
    return "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and "
           "end "
           "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
           "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
  }
  return std::nullopt;
}

}  // namespace crossfade::api
