// Request bodies: from bytes to an object, or to the failure that the API server would answer. Internal to the room.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "local/api_request.hpp"
#include "local/registry.hpp"

namespace crossfade::local {

// What a client sent, and what is odd about it.
struct Body {
  json::object object;
  std::vector<std::string> duplicates;  // paths of members that a JSON text names twice
};

// Why a body can't be read.
struct BodyFault {
  bool unsupported = false;  // its content type is none that we read
  std::string why;           // "couldn't get version/kind; json parse error: ..."
};

constexpr std::string_view readable_types = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

// JSON, YAML or protobuf by the content type; JSON where there is none.
std::expected<Body, BodyFault> readBody(const ApiRequest& request);
// `no kind "Foo" is registered for version "v1" in scheme ...`
std::string unregisteredKind(std::string_view kind, std::string_view version);

// The body of a create or an update of `kind`, or the failure that tells what it should have been.
Outcome<Body> decodeBody(const ApiRequest& request, std::string_view kind);

// The same, held against the resource: apiVersion and kind are those of the path (filled in where a built-in kind's are
// missing), metadata is an object.
Outcome<Body> decodeResource(const ApiRequest& request, const Registry& registry, const ResourceType& type,
                             std::string_view version);

// What Go's decoder calls a value: "object", "array", "string", "number", "bool".
std::string_view decodedKind(const json::value& value);

}  // namespace crossfade::local
