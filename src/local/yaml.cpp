#include "local/yaml.hpp"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>

namespace crossfade::local {

namespace {

// Far above any manifest, far below what a bomb of nested aliases would expand to.
constexpr std::size_t max_values = 2'000'000;
constexpr int max_depth = 128;

bool oneOf(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, text) != words.end();
}

std::optional<json::value> integer(std::string text) {
  std::erase(text, '_');
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0X")) {
    base = 16;
    digits.remove_prefix(2);
  } else if (digits.starts_with("0b")) {
    base = 2;
    digits.remove_prefix(2);
  } else if (digits.starts_with("0o")) {
    base = 8;
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits.front() == '0') {
    base = 8;
    digits.remove_prefix(1);
  }
  if (digits.empty() || !std::isxdigit(static_cast<unsigned char>(digits.front()))) return std::nullopt;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  constexpr auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (negative) {
    if (value > limit + 1) return std::nullopt;
    return value == limit + 1 ? std::numeric_limits<std::int64_t>::min() : -static_cast<std::int64_t>(value);
  }
  if (value > limit) return json::value(value);
  return json::value(static_cast<std::int64_t>(value));
}

std::optional<json::value> floating(std::string_view text) {
  std::string_view rest = text;
  if (rest.starts_with('-') || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest.empty() || (rest.front() != '.' && !std::isdigit(static_cast<unsigned char>(rest.front()))))
    return std::nullopt;
  if (rest.front() == '.' && (rest.size() < 2 || !std::isdigit(static_cast<unsigned char>(rest[1]))))
    return std::nullopt;
  if (text.front() == '+') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return json::value(value);
}

// A scalar without quotes and without a tag.
json::value resolve(const std::string& text) {
  if (oneOf(text, {"", "~", "null", "Null", "NULL"})) return nullptr;
  if (oneOf(text, {"y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"})) return true;
  if (oneOf(text, {"n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"})) return false;
  if (auto number = integer(text)) return std::move(*number);
  if (auto number = floating(text)) return std::move(*number);
  return json::value(text);
}

class Converter {
 public:
  // Notes places and duplicates in `document`, unless it is null.
  explicit Converter(YamlDocument* document = nullptr) : document_(document) {}

  Result<json::value> convert(const YAML::Node& node, const std::string& path = {}, int depth = 0) {
    if (document_ != nullptr) document_->places[path] = {node.Mark().line + 1, node.Mark().column + 1};
    if (++values_ > max_values || depth > max_depth) {
      return fail(ErrorCode::invalid, "document contains excessive aliasing or nesting");
    }
    switch (node.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        return json::value(nullptr);
      case YAML::NodeType::Scalar:
        return scalar(node);
      case YAML::NodeType::Sequence: {
        json::array array;
        for (const auto& item : node) {
          auto value = convert(item, below(path, fmt::format("[{}]", array.size())), depth + 1);
          if (!value) return value;
          array.push_back(std::move(*value));
        }
        return array;
      }
      case YAML::NodeType::Map:
        break;
    }
    json::object object;
    for (const auto& item : node) {
      if (!item.first.IsScalar() && !item.first.IsNull()) {
        return fail(ErrorCode::invalid, fmt::format("line {}: a key must be a scalar", item.first.Mark().line + 1));
      }
      const std::string key = item.first.IsNull() ? "null" : keyOf(item.first);
      const std::string member = below(path, path.empty() ? key : "." + key);
      if (document_ != nullptr && object.contains(key)) document_->duplicates.push_back(member);
      auto value = convert(item.second, member, depth + 1);
      if (!value) return value;
      if (key == "<<" && item.first.Tag() == "?") {
        merge(object, *value);
      } else {
        object[key] = std::move(*value);
      }
    }
    return object;
  }

 private:
  // Paths are made for a document only.
  std::string below(const std::string& path, const std::string& step) const {
    return document_ == nullptr ? std::string() : path + step;
  }

  static Result<json::value> scalar(const YAML::Node& node) {
    const std::string& tag = node.Tag();
    if (tag == "?" || tag.empty()) return resolve(node.Scalar());
    if (tag == "tag:yaml.org,2002:binary" || tag == "!" || tag == "tag:yaml.org,2002:str")
      return json::value(node.Scalar());
    if (tag.starts_with("tag:yaml.org,2002:")) return resolve(node.Scalar());
    return json::value(node.Scalar());
  }

  // Numbers and booleans as keys keep their meaning, in JSON's spelling.
  static std::string keyOf(const YAML::Node& node) {
    if (node.Tag() != "?") return node.Scalar();
    const json::value value = resolve(node.Scalar());
    return value.is_string() || value.is_null() ? node.Scalar() : json::serialize(value);
  }

  // What is there already wins.
  static void merge(json::object& object, const json::value& value) {
    if (const auto* many = value.if_array()) {
      for (const auto& item : *many) merge(object, item);
    } else if (const auto* other = value.if_object()) {
      object.insert(other->begin(), other->end());
    }
  }

  YamlDocument* document_;
  std::size_t values_ = 0;
};

}  // namespace

Result<json::value> parseYaml(std::string_view text) {
  // yaml-cpp speaks in exceptions; they end here.
  try {
    return Converter().convert(YAML::Load(std::string(text)));
  } catch (const YAML::Exception& error) {
    return fail(ErrorCode::invalid, fmt::format("yaml: line {}: {}", error.mark.line + 1, error.msg));
  }
}

Result<std::vector<YamlDocument>> parseYamlDocuments(std::string_view text) {
  std::vector<YamlDocument> documents;
  try {
    for (const YAML::Node& node : YAML::LoadAll(std::string(text))) {
      auto value = Converter(&documents.emplace_back()).convert(node);
      if (!value) return std::unexpected(value.error());
      documents.back().value = std::move(*value);
    }
  } catch (const YAML::Exception& error) {
    return fail(ErrorCode::invalid, fmt::format("yaml: line {}: {}", error.mark.line + 1, error.msg));
  }
  return documents;
}

}  // namespace crossfade::local
