// Requests to metric backends: URLs, redirects, limits, and errors in the words that users know. spec/08 §3.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/async.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "net/http.hpp"
#include "net/url.hpp"

namespace crossfade::providers {

struct BackendRequest {
  std::string method = "GET";
  net::Url url = {};
  net::Headers headers = {};
  std::string body = {};
  bool insecure = false;  // any certificate will do
};

inline constexpr std::size_t max_response_bytes = 10 << 20;
inline constexpr int max_redirects = 10;

// Sends, follows redirects, and reads the whole answer before `deadline`. Any HTTP status is a success. Errors read
// `Post "http://host/path": context deadline exceeded`. Credentials of the URL go out as Basic authentication unless
// the request has an Authorization of its own; headers do not follow a redirect to another origin.
Task<Result<net::Response>> fetch(net::Dialer& dialer, Clock& clock, BackendRequest request, TimePoint deadline);

// "a=1&b=x+y": name and value of each, in their order, as forms have them.
std::string formEncode(const std::vector<std::pair<std::string, std::string>>& fields);

// `Post "http://host/path"`: how an error names its request. A password reads xxxxx.
std::string describe(std::string_view method, const net::Url& url);
// "401 Unauthorized".
std::string statusLine(int status);
// The value of an Authorization header.
std::string basicAuthorization(std::string_view user, std::string_view password);

}  // namespace crossfade::providers
