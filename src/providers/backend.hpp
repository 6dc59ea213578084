// Requests to metric backends: URLs, redirects, limits, and errors in the words that users know. spec/08 §3.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/async.hpp"
#include "base/json.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "net/aws_signature.hpp"
#include "net/http.hpp"
#include "net/url.hpp"

namespace crossfade::providers {

struct BackendRequest {
  std::string method = "GET";
  net::Url url = {};
  net::Headers headers = {};
  std::string body = {};
  bool insecure = false;  // any certificate will do
  // An error says so when its time was up, as clients with a time limit of their own do.
  bool client_timeout = false;
  // Put before the problem when the head of the answer came, but not the whole body; empty: named like any other.
  std::string body_problem = {};
};

inline constexpr std::size_t max_response_bytes = 10 << 20;
inline constexpr int max_redirects = 10;

// Sends, follows redirects, and reads the whole answer before `deadline`. Any HTTP status is a success. Errors read
// `Post "http://host/path": context deadline exceeded`, with causes in Go's words (`dial tcp 10.0.0.1:9090: connect:
// connection refused`). Compressed answers are asked for and decoded. Credentials of the URL go out as Basic
// authentication unless the request has an Authorization of its own; headers do not follow a redirect to another
// origin.
Task<Result<net::Response>> fetch(net::Dialer& dialer, Clock& clock, BackendRequest request, TimePoint deadline);

// Signs the request as it is by now (net/aws_signature.hpp).
void signForAws(BackendRequest& request, const net::AwsCredentials& credentials, const net::AwsScope& scope,
                TimePoint now);

// "a=1&b=x+y": name and value of each, in their order, as forms have them.
std::string formEncode(const std::vector<std::pair<std::string, std::string>>& fields);

// The absolute URL of `text` as url.Parse and http.NewRequest would take it, or their error: `parse "://x": missing
// protocol scheme`.
Result<net::Url> parseAddress(std::string_view text);
// What goes out as Host.
std::string hostField(const net::Url& url);
// A base URL's path and what is to be found below it; slashes at the end of the base don't count.
std::string joinPath(std::string_view base, std::string_view below);

// `Post "http://host/path"`: how an error names its request. A password reads xxxxx.
std::string describe(std::string_view method, const net::Url& url);
// `headers[]` of a metric: {key, value}.
using HeaderList = std::vector<std::pair<std::string, std::string>>;
HeaderList readHeaders(const json::object& settings);
// Sets them, the last of a name wins. The host is the address's, whatever they say.
void setHeaders(net::Headers& headers, const HeaderList& given);

// "401 Unauthorized".
std::string statusLine(int status);
// The value of an Authorization header.
std::string basicAuthorization(std::string_view user, std::string_view password);

}  // namespace crossfade::providers
