// JSON as Go's encoder writes it: 1.5 and not 1.5E0. What clients compare as text is the same as from a real API
// server.
#pragma once
#include <string>

#include "base/json.hpp"

namespace crossfade::local {

void appendJson(std::string& text, const json::value& value);
void appendJson(std::string& text, const json::object& object);
void appendJsonString(std::string& text, std::string_view string);
std::string jsonText(const json::value& value);
// Bytes that the value takes as JSON, within a few percent, without writing it.
std::size_t approximateSize(const json::value& value);

}  // namespace crossfade::local
