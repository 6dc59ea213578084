// The spelling of URLs: percent-encoding, and a request's target taken apart.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace crossfade::net {

// Encodes every byte but RFC 3986's unreserved characters (letters, digits, "-._~"): safe as one path segment, as a
// query parameter's name and as its value. A space becomes "%20".
std::string percentEncode(std::string_view text);

// The reverse. Empty when a "%" is not followed by two hex digits. A "+" stays a "+".
std::optional<std::string> percentDecode(std::string_view text);

using QueryParameters = std::vector<std::pair<std::string, std::string>>;

// "a=1&b=x%20y" or "a=1&b=x+y": decoded pairs in their order, a "+" read as a space. A name without "=" has an empty
// value; empty pairs are skipped. Empty when a percent-encoding is broken.
std::optional<QueryParameters> parseQuery(std::string_view query);

// "a=1&b=x%20y", without a leading "?".
std::string formatQuery(const QueryParameters& parameters);

// The value of the first parameter of that name; empty when there is none.
std::string_view firstValue(const QueryParameters& parameters, std::string_view name);

// A request's target: "/api/v1/pods?limit=5#x" without its fragment.
struct Target {
  std::string path;                   // still encoded, so that "%2F" inside a segment is not a separator
  std::vector<std::string> segments;  // decoded; "/a//b/" gives a, b: empty segments are skipped
  QueryParameters query;
};
// Accepts the absolute form ("http://host/path") that proxies receive, too. Empty when the path does not begin with
// "/", or an encoding is broken.
std::optional<Target> parseTarget(std::string_view target);

// An absolute URL taken apart, nothing decoded but the credentials.
struct Url {
  std::string scheme;  // lower case
  std::string user, password;
  std::string host;                   // without the brackets of an IPv6 address
  std::optional<std::uint16_t> port;  // as written
  std::string path;                   // "" or "/..."
  std::string query;                  // without "?"
  std::string fragment;               // without "#"
};
// Empty when the text has no scheme and host, or a broken port.
std::optional<Url> parseUrl(std::string_view text);

}  // namespace crossfade::net
