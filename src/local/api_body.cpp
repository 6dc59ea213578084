#include "local/api_body.hpp"

#include <fmt/format.h>

#include <boost/json/basic_parser_impl.hpp>

#include "local/protobuf.hpp"
#include "local/schema.hpp"
#include "local/yaml.hpp"

namespace crossfade::local {

namespace {

// Follows a JSON text and notes members that an object has twice.
struct DuplicateFinder {
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  struct Level {
    std::set<std::string, std::less<>> keys;
    std::string path;       // of this object or array
    std::string member;     // of the value that comes next, in an object
    std::size_t index = 0;  // of the value that comes next, in an array
    bool array = false;
  };
  std::vector<Level> levels;
  std::string key;
  std::vector<std::string> found;

  std::string here() const {
    if (levels.empty()) return {};
    const Level& level = levels.back();
    if (level.array) return fmt::format("{}[{}]", level.path, level.index);
    return level.path.empty() ? level.member : fmt::format("{}.{}", level.path, level.member);
  }
  bool open(bool array) {
    std::string path = here();
    levels.push_back({.keys = {}, .path = std::move(path), .member = {}, .array = array});
    return true;
  }
  bool close() {
    levels.pop_back();
    return value();
  }
  bool value() {
    if (!levels.empty()) ++levels.back().index;
    return true;
  }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return open(false); }
  bool on_object_end(std::size_t, json::error_code&) { return close(); }
  bool on_array_begin(json::error_code&) { return open(true); }
  bool on_array_end(std::size_t, json::error_code&) { return close(); }
  bool on_key_part(json::string_view text, std::size_t, json::error_code&) {
    key.append(text);
    return true;
  }
  bool on_key(json::string_view text, std::size_t, json::error_code&) {
    key.append(text);
    levels.back().member = key;
    if (!levels.back().keys.insert(std::move(key)).second) found.push_back(here());
    key.clear();
    return true;
  }
  bool on_string_part(json::string_view, std::size_t, json::error_code&) { return true; }
  bool on_string(json::string_view, std::size_t, json::error_code&) { return value(); }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t, json::string_view, json::error_code&) { return value(); }
  bool on_uint64(std::uint64_t, json::string_view, json::error_code&) { return value(); }
  bool on_double(double, json::string_view, json::error_code&) { return value(); }
  bool on_bool(bool, json::error_code&) { return value(); }
  bool on_null(json::error_code&) { return value(); }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }
};

std::vector<std::string> duplicateMembers(std::string_view text) {
  json::parse_options options;
  options.max_depth = 128;  // as parseJson
  json::basic_parser<DuplicateFinder> parser{options};
  json::error_code error;
  parser.write_some(false, text.data(), text.size(), error);
  return std::move(parser.handler().found);
}

// The beginning of a body, for a message: JSON as it is, anything else in hexadecimal.
std::string head(std::string_view text) {
  constexpr std::size_t shown = 30;
  if (text.empty()) return "<empty>";
  const std::string_view part = text.substr(0, shown);
  std::string result;
  if (text.front() == '{') {
    result = part;
  } else {
    for (const char c : part) result += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return text.size() > shown ? result + " ..." : result;
}

bool isYaml(std::string_view content_type) {
  return content_type == "application/yaml" || content_type == "application/x-yaml" || content_type == "text/yaml" ||
         content_type == "text/x-yaml";
}

}  // namespace

std::expected<Body, BodyFault> readBody(const ApiRequest& request) {
  const auto unreadable = [](std::string why) { return std::unexpected(BodyFault{.why = std::move(why)}); };
  const auto content_type = request.contentType();
  Body body;
  if (content_type == "application/vnd.kubernetes.protobuf") {
    auto object = decodeProtobuf(request.body);
    if (!object) return unreadable(object.error().message);
    body.object = std::move(*object);
    return body;
  }
  if (isYaml(content_type)) {
    auto value = parseYaml(request.body);
    if (!value) return unreadable(value.error().message);
    auto* object = value->if_object();
    if (object == nullptr) return unreadable("couldn't get version/kind; the document is no object");
    body.object = std::move(*object);
    return body;
  }
  if (!content_type.empty() && content_type != "application/json")
    return std::unexpected(BodyFault{.unsupported = true, .why = {}});
  auto value = parseJson(request.body);
  if (!value) {
    const bool cut = value.error().message.find("incomplete") != std::string::npos;
    return unreadable(fmt::format("couldn't get version/kind; json parse error: {}",
                                  cut ? "unexpected end of JSON input" : std::string_view(value.error().message)));
  }
  if (value->is_null()) value = json::object();
  auto* object = value->if_object();
  if (object == nullptr) {
    return unreadable(
        fmt::format("couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go value "
                    "of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind "
                    "string \"json:\\\"kind,omitempty\\\"\" }}",
                    decodedKind(*value)));
  }
  body.object = std::move(*object);
  body.duplicates = duplicateMembers(request.body);
  return body;
}

std::string unregisteredKind(std::string_view kind, std::string_view version) {
  return fmt::format("no kind \"{}\" is registered for version \"{}\" in scheme \"pkg/runtime/scheme.go:110\"", kind,
                     version);
}

Outcome<Body> decodeBody(const ApiRequest& request, std::string_view kind) {
  auto body = readBody(request);
  if (body) return std::move(*body);
  if (body.error().unsupported) return refuse(unsupportedMediaType(readable_types));
  return refuse(badRequest(fmt::format("the object provided is unrecognized (must be of type {}): {} ({})", kind,
                                       body.error().why, head(request.body))));
}

Outcome<Body> decodeResource(const ApiRequest& request, const Registry& registry, const ResourceType& type,
                             std::string_view version) {
  auto body = decodeBody(request, type.kind);
  if (!body) return body;
  json::object& object = body->object;
  const std::string api_version = type.group.empty() ? std::string(version) : fmt::format("{}/{}", type.group, version);
  const std::string given_kind(getString(object, {"kind"}));
  const std::string given_version(getString(object, {"apiVersion"}));
  if (type.custom && (given_kind.empty() || given_version.empty())) {
    return refuse(badRequest(
        fmt::format("the object provided is unrecognized (must be of type {}): Object '{}' is missing in '{}' ({})",
                    type.kind, given_kind.empty() ? "Kind" : "apiVersion", head(request.body), head(request.body))));
  }
  if (!given_version.empty() && given_version != api_version) {
    if (type.custom) {
      return refuse(
          badRequest(fmt::format("the API version in the data ({}) does not match the expected API version ({})",
                                 given_version, api_version)));
    }
    const std::string_view kind = given_kind.empty() ? std::string_view(type.kind) : given_kind;
    const std::size_t slash = given_version.find('/');
    return refuse(badRequest(fmt::format("{} in version \"{}\" cannot be handled as a {}: {}", kind,
                                         given_version.substr(slash == std::string::npos ? 0 : slash + 1), type.kind,
                                         unregisteredKind(kind, given_version))));
  }
  if (!given_kind.empty() && given_kind != type.kind) {
    if (type.custom) {
      return refuse(invalidObject(type.group, given_kind, getString(object, {"metadata", "name"}),
                                  {fmt::format("kind: Invalid value: \"{}\": must be {}", given_kind, type.kind)}));
    }
    // A kind that the server knows is decoded as what it says it is, and only then found to be another one.
    const ResourceType* known = registry.kind(type.group, given_kind);
    const Schema* schema = known == nullptr ? nullptr : registry.schema(*known, version);
    const auto fault = schema == nullptr ? std::nullopt : schema->mistyped(object);
    const std::string why =
        fault ? *fault
        : known != nullptr
            ? fmt::format("converting ({}.{}) to ({}.{}): unknown conversion", version, given_kind,
                          type.group.empty() ? "core" : std::string_view(type.group).substr(0, type.group.find('.')),
                          type.kind)
            : unregisteredKind(given_kind, api_version);
    return refuse(badRequest(
        fmt::format("{} in version \"{}\" cannot be handled as a {}: {}", given_kind, version, type.kind, why)));
  }
  object["apiVersion"] = api_version;
  object["kind"] = type.kind;
  if (const auto* metadata = object.if_contains("metadata");
      metadata != nullptr && !metadata->is_object() && !metadata->is_null()) {
    return refuse(badRequest(
        fmt::format("{} in version \"{}\" cannot be handled as a {}: json: cannot unmarshal {} into Go struct "
                    "field {}.metadata of type v1.ObjectMeta",
                    type.kind, version, type.kind, decodedKind(*metadata), type.kind)));
  }
  if (const auto* name = find(object, {"metadata", "name"});
      name != nullptr && !name->is_string() && !name->is_null()) {
    return refuse(badRequest(
        fmt::format("{} in version \"{}\" cannot be handled as a {}: json: cannot unmarshal {} into Go struct "
                    "field ObjectMeta.metadata.name of type string",
                    type.kind, version, type.kind, decodedKind(*name))));
  }
  return body;
}

std::string_view decodedKind(const json::value& value) {
  if (value.is_object()) return "object";
  if (value.is_array()) return "array";
  if (value.is_string()) return "string";
  if (value.is_bool()) return "bool";
  return value.is_null() ? "null" : "number";
}

}  // namespace crossfade::local
