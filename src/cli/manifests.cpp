#include "cli/manifests.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <memory>

#include "local/embedded.hpp"
#include "local/schema.hpp"

namespace crossfade::cli {

namespace {

// Of one of our own kinds; null for others.
std::shared_ptr<const local::Schema> schemaOfOurs(std::string_view kind) {
  static const json::value definitions = parseJson(local::embedded("crds.json")).value_or(json::object());
  const json::array* items = definitions.is_object() ? getArray(definitions.get_object(), {"items"}) : nullptr;
  for (const json::value& item : items == nullptr ? json::array() : *items) {
    const json::object& definition = item.get_object();
    if (getString(definition, {"spec", "group"}) != "argoproj.io") continue;
    if (getString(definition, {"spec", "names", "kind"}) != kind) continue;
    const json::array* versions = getArray(definition, {"spec", "versions"});
    const json::object* schema = versions == nullptr || versions->empty()
                                     ? nullptr
                                     : getObject(versions->front().get_object(), {"schema", "openAPIV3Schema"});
    const auto made = schema == nullptr ? fail(ErrorCode::internal, "") : local::makeSchema(*schema);
    return made ? *made : nullptr;
  }
  return nullptr;
}

std::shared_ptr<const local::Schema> schemaOf(const Manifest& manifest) {
  if (manifest.group() == "argoproj.io") return schemaOfOurs(manifest.kind());
  const bool known = manifest.kind() == "Service" || manifest.kind() == "Ingress" || manifest.kind() == "Deployment";
  return known ? local::builtinSchema(manifest.group(), manifest.version(), manifest.kind()) : nullptr;
}

// "spec.a[1].b" without its last step; empty at the end.
std::string_view parentOf(std::string_view path) {
  const std::size_t step = path.find_last_of(".[");
  return step == std::string_view::npos ? std::string_view() : path.substr(0, step);
}

}  // namespace

std::string_view Manifest::group() const {
  const std::string_view api_version = getString(object, {"apiVersion"});
  const std::size_t slash = api_version.find('/');
  return slash == std::string_view::npos ? std::string_view() : api_version.substr(0, slash);
}
std::string_view Manifest::version() const {
  const std::string_view api_version = getString(object, {"apiVersion"});
  return api_version.substr(api_version.find('/') + 1);  // npos + 1 is 0
}

std::string Manifest::place(std::string_view path) const {
  while (!path.empty() && !document.places.contains(path)) path = parentOf(path);
  const auto found = document.places.find(path);
  const local::YamlPlace place = found == document.places.end() ? local::YamlPlace() : found->second;
  return fmt::format("{}:{}:{}", file, place.line, place.column);
}

std::string Manifest::placeOfRule(std::string_view path) const {
  constexpr std::string_view strategy = "spec.strategy.";
  if (!document.places.contains(path) && path.starts_with(strategy)) {
    for (const std::string_view kind : {"canary", "blueGreen"}) {
      if (!document.places.contains(std::string(strategy) + std::string(kind))) continue;
      return place(fmt::format("{}{}.{}", strategy, kind, path.substr(strategy.size())));
    }
  }
  return place(path);
}

Result<std::vector<Manifest>> readManifests(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return fail(ErrorCode::invalid, fmt::format("open {}: no such file or directory", file));
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  auto documents = local::parseYamlDocuments(text);
  if (!documents) return fail(ErrorCode::invalid, fmt::format("{}: {}", file, documents.error().message));
  std::vector<Manifest> manifests;
  for (local::YamlDocument& document : *documents) {
    if (document.value.is_null()) continue;
    if (!document.value.is_object()) {
      const local::YamlPlace place = document.places[""];
      return fail(ErrorCode::invalid,
                  fmt::format("{}:{}:{}: the document is no object", file, place.line, place.column));
    }
    json::object object = std::move(document.value.get_object());
    document.value = nullptr;
    manifests.push_back({file, std::move(object), std::move(document)});
  }
  return manifests;
}

std::optional<Misfit> strictMisfit(const Manifest& manifest) {
  const auto leaf = [](std::string_view path) { return path.substr(path.find_last_of('.') + 1); };
  if (!manifest.document.duplicates.empty()) {
    const std::string& path = manifest.document.duplicates.front();
    return Misfit{path, fmt::format("key \"{}\" already set in map", leaf(path))};
  }
  const auto schema = schemaOf(manifest);
  if (schema == nullptr) return std::nullopt;
  json::object copy = manifest.object;
  std::vector<std::string> unknown;
  schema->prune(copy, unknown);
  if (!unknown.empty()) return Misfit{unknown.front(), fmt::format("unknown field \"{}\"", leaf(unknown.front()))};
  return std::nullopt;
}

}  // namespace crossfade::cli
