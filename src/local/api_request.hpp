// A request to the REST face, taken apart: where it points, what the client accepts, what its query asks for.
// Internal to the room.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "local/api_status.hpp"
#include "net/http.hpp"
#include "net/url.hpp"

namespace crossfade::local {

// What /api/VERSION/... and /apis/GROUP/VERSION/... name. Empty members: not in the path.
struct ResourcePath {
  std::string group, version, ns, plural, name, subresource;
};

// The representation that the client prefers among those that we have.
struct Accepted {
  bool yaml = false;
  enum class As { object, table, partial, partial_list } as = As::object;
  std::string meta_version = "v1";  // of Table and PartialObjectMetadata
};

struct ApiRequest {
  std::string method;
  net::Target target;
  std::optional<ResourcePath> path;  // empty for everything but resources
  net::Headers headers;
  std::string body;

  std::string_view query(std::string_view name) const { return net::firstValue(target.query, name); }
  bool has(std::string_view name) const;
  // "true", "1" and a name without a value, as Go's ParseBool after the API server's conversion.
  bool flag(std::string_view name) const;
  // Empty when absent; fails in the API server's words when it is no number.
  Outcome<std::optional<std::int64_t>> integer(std::string_view name) const;
  std::string_view contentType() const;  // without parameters, lower case as it came
};

// Empty when the target can't be parsed.
std::optional<ApiRequest> parseApiRequest(net::Request request);

// By the Accept header. `available` also names what the client may get, for the message of the 406.
Outcome<Accepted> negotiate(const ApiRequest& request);
// True when the client accepts one of these media types, or any, whatever the parameters; also without an Accept
// header.
bool acceptsAny(const ApiRequest& request, std::span<const std::string_view> media_types);
// True when the client accepts this media type with all of these parameters ("application/json;g=...;v=v2;as=...").
bool acceptsExactly(const ApiRequest& request, std::string_view media_type);

}  // namespace crossfade::local
