#include "rollout/field_path.hpp"

#include <charconv>

#include "base/labels.hpp"

namespace crossfade::rollout {
namespace {

// Lines of key="value", sorted by key: how the downward API prints a whole map.
std::string linesOf(const Labels& labels) {
  std::string text;
  for (const auto& [key, value] : labels) {
    if (!text.empty()) text += '\n';
    text += key + "=" + json::serialize(json::value(value));
  }
  return text;
}

Result<std::string> metadataField(const json::object& rollout, std::string_view path) {
  for (const std::string_view map : {"labels", "annotations"}) {
    const std::string field = fmt::format("metadata.{}", map);
    const Labels labels = labelsFromJson(getObject(rollout, {"metadata", map}));
    if (path == field) return linesOf(labels);
    std::string_view key = path;
    if (!key.starts_with(field + "['") || !key.ends_with("']")) continue;
    key.remove_prefix(field.size() + 2);
    key.remove_suffix(2);
    const auto found = labels.find(key);
    return found == labels.end() ? std::string() : found->second;
  }
  for (const std::string_view field : {"name", "namespace", "uid"})
    if (path == fmt::format("metadata.{}", field)) return std::string(getString(rollout, {"metadata", field}));
  return fail(ErrorCode::invalid, fmt::format("unsupported fieldPath: {}", path));
}

// The next piece of a path that is split at ".", "[" and "]"; empty at its end.
std::string_view nextPiece(std::string_view& rest) {
  constexpr std::string_view separators = ".[]";
  rest.remove_prefix(std::min(rest.find_first_not_of(separators), rest.size()));
  const std::string_view piece = rest.substr(0, rest.find_first_of(separators));
  rest.remove_prefix(piece.size());
  return piece;
}

}  // namespace

Result<std::string> fieldOfRollout(const json::object& rollout, std::string_view path) {
  if (path.starts_with("metadata")) return metadataField(rollout, path);
  const auto invalid = [&] { return fail(ErrorCode::invalid, fmt::format("invalid path {} in rollout", path)); };
  std::string_view rest = path;
  std::string_view piece = nextPiece(rest);
  const json::value* value = rollout.if_contains(piece);
  for (piece = nextPiece(rest); !piece.empty(); piece = nextPiece(rest)) {
    if (value == nullptr) return invalid();
    if (const auto* list = value->if_array()) {
      std::size_t index = 0;
      const auto [end, error] = std::from_chars(piece.data(), piece.data() + piece.size(), index);
      if (error != std::errc() || end != piece.data() + piece.size())
        return fail(ErrorCode::invalid, fmt::format("invalid index '{}'", piece));
      if (index >= list->size()) return fail(ErrorCode::invalid, fmt::format("index {} out of range", index));
      value = &(*list)[index];
    } else {
      value = value->is_object() ? value->get_object().if_contains(piece) : nullptr;
    }
  }
  if (value == nullptr || value->is_null()) return invalid();
  if (value->is_structured())
    return fail(ErrorCode::invalid, fmt::format("path {} in rollout must terminate in a primitive value", path));
  if (const auto* text = value->if_string()) return std::string(*text);
  if (const auto* number = value->if_double()) return fmt::format("{}", *number);
  return json::serialize(*value);
}

}  // namespace crossfade::rollout
