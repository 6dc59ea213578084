// The texts of field errors, as the API server and the reference spell them: "<path>: <Type>[: <value>][: <detail>]".
// spec/01 §6.2.
#pragma once
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "base/go_text.hpp"

namespace crossfade::api {

using go::quote;

// `shown` is the value as it is to be printed: quote(…), a number, or JSON.
std::string invalidValue(std::string_view path, std::string_view shown, std::string_view detail);
std::string requiredValue(std::string_view path, std::string_view detail = {});
std::string forbidden(std::string_view path, std::string_view detail);
std::string duplicateValue(std::string_view path, std::string_view value);
std::string notFound(std::string_view path, std::string_view value);
std::string unsupportedValue(std::string_view path, std::string_view value,
                             std::initializer_list<std::string_view> supported);
std::string internalError(std::string_view path, std::string_view detail);

inline constexpr std::string_view not_negative = "must be greater than or equal to 0";

// What is wrong with a label (or annotation) key, with a label value; empty when nothing is.
std::optional<std::string> qualifiedNameError(std::string_view key);
std::optional<std::string> labelValueError(std::string_view value);
// The same for the name of a container, volume or port-less DNS label.
std::optional<std::string> dnsLabelError(std::string_view name);

}  // namespace crossfade::api
