#include "local/json_text.hpp"

#include <fmt/format.h>

#include "base/go_text.hpp"

namespace crossfade::local {

void appendJsonString(std::string& text, std::string_view string) {
  text += '"';
  std::size_t plain = 0;  // where the run of characters that stand for themselves began
  for (std::size_t i = 0; i < string.size(); ++i) {
    const auto c = static_cast<unsigned char>(string[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    text.append(string, plain, i - plain);
    plain = i + 1;
    switch (c) {
      case '"':
        text += "\\\"";
        break;
      case '\\':
        text += "\\\\";
        break;
      case '\n':
        text += "\\n";
        break;
      case '\r':
        text += "\\r";
        break;
      case '\t':
        text += "\\t";
        break;
      default:
        text += fmt::format("\\u{:04x}", c);
    }
  }
  text.append(string, plain);
  text += '"';
}

void appendJson(std::string& text, const json::object& object) {
  text += '{';
  bool separate = false;
  for (const auto& [key, value] : object) {
    if (separate) text += ',';
    separate = true;
    appendJsonString(text, key);
    text += ':';
    appendJson(text, value);
  }
  text += '}';
}

void appendJson(std::string& text, const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      text += "null";
      break;
    case json::kind::bool_:
      text += value.get_bool() ? "true" : "false";
      break;
    case json::kind::int64:
      fmt::format_to(std::back_inserter(text), "{}", value.get_int64());
      break;
    case json::kind::uint64:
      fmt::format_to(std::back_inserter(text), "{}", value.get_uint64());
      break;
    case json::kind::double_:
      text += go::jsonNumber(value.get_double());
      break;
    case json::kind::string:
      appendJsonString(text, value.get_string());
      break;
    case json::kind::object:
      appendJson(text, value.get_object());
      break;
    case json::kind::array: {
      text += '[';
      bool separate = false;
      for (const auto& item : value.get_array()) {
        if (separate) text += ',';
        separate = true;
        appendJson(text, item);
      }
      text += ']';
      break;
    }
  }
}

std::string jsonText(const json::value& value) {
  std::string text;
  appendJson(text, value);
  return text;
}

std::size_t approximateSize(const json::value& value) {
  switch (value.kind()) {
    case json::kind::object: {
      std::size_t size = 2;
      for (const auto& [key, member] : value.get_object()) size += key.size() + 4 + approximateSize(member);
      return size;
    }
    case json::kind::array: {
      std::size_t size = 2;
      for (const auto& item : value.get_array()) size += 1 + approximateSize(item);
      return size;
    }
    case json::kind::string:
      return value.get_string().size() + 2;
    default:
      return 5;
  }
}

}  // namespace crossfade::local
