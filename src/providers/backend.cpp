#include "providers/backend.hpp"

#include <fmt/format.h>

#include <cctype>
#include <optional>

#include "base/base64.hpp"
#include "base/clock.hpp"
#include "base/go_text.hpp"
#include "net/message.hpp"

namespace crossfade::providers {

namespace {

std::string authority(const net::Url& url) {
  const bool v6 = url.host.find(':') != std::string::npos;
  std::string text = v6 ? "[" + url.host + "]" : url.host;
  if (url.port) text += fmt::format(":{}", *url.port);
  return text;
}

std::string targetOf(const net::Url& url) {
  return (url.path.empty() ? "/" : url.path) + (url.query.empty() ? "" : "?" + url.query);
}

bool sameOrigin(const net::Url& left, const net::Url& right) {
  return left.scheme == right.scheme && authority(left) == authority(right);
}

bool isRedirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// Where a Location leads, seen from `base`; empty when it can't be understood.
std::optional<net::Url> follow(const net::Url& base, std::string_view location) {
  if (location.starts_with("//")) return net::parseUrl(base.scheme + ":" + std::string(location));
  if (location.find("://") != std::string_view::npos) return net::parseUrl(location);
  std::string path(location);
  if (!location.starts_with('/')) path = base.path.substr(0, base.path.rfind('/') + 1) + path;
  if (!path.starts_with('/')) path = "/" + path;
  return net::parseUrl(fmt::format("{}://{}{}", base.scheme, authority(base), path));
}

// The request that a redirect asks for.
void redirect(BackendRequest& request, net::Url target, int status) {
  if (!sameOrigin(request.url, target)) {
    net::Headers kept;
    for (const auto& [name, value] : request.headers) {
      if (name == "Content-Type") kept.add(name, value);
    }
    request.headers = std::move(kept);
  } else {
    target.user = request.url.user;
    target.password = request.url.password;
  }
  request.url = std::move(target);
  if (status == 307 || status == 308 || request.method == "GET") return;
  request.method = "GET";
  request.body.clear();
}

net::Request toWire(const BackendRequest& request) {
  net::Request wire;
  wire.method = request.method;
  wire.target = targetOf(request.url);
  wire.headers = request.headers;
  wire.body = request.body;
  const bool credentials = !request.url.user.empty() || !request.url.password.empty();
  if (credentials && !wire.headers.has("Authorization")) {
    wire.headers.set("Authorization", basicAuthorization(request.url.user, request.url.password));
  }
  return wire;
}

std::string tooLarge() { return fmt::format("the answer is larger than {} MiB", max_response_bytes >> 20); }

// The whole body of an answer that may still be arriving.
Task<Result<net::Response>> readWhole(net::Response response, TimePoint deadline) {
  if (response.stream != nullptr) {
    const std::unique_ptr<net::BodyReader> stream = std::move(response.stream);
    while (response.body.size() <= max_response_bytes) {
      Result<std::string> piece = co_await stream->next(deadline);
      if (!piece) co_return fail(piece.error());
      if (piece->empty()) co_return response;
      response.body += *piece;
    }
  }
  if (response.body.size() > max_response_bytes) co_return fail(ErrorCode::too_large, tooLarge());
  co_return response;
}

// One hop. Errors are bare: the caller names the request.
Task<Result<net::Response>> sendOnce(net::Dialer& dialer, Clock& clock, const BackendRequest& request,
                                     TimePoint deadline) {
  const net::Url& url = request.url;
  if (url.scheme != "http" && url.scheme != "https") {
    co_return fail(ErrorCode::invalid, fmt::format("unsupported protocol scheme {}", go::quote(url.scheme)));
  }
  const auto origin = net::Origin::parse(fmt::format("{}://{}", url.scheme, authority(url)));
  if (!origin) co_return fail(origin.error());
  net::TlsOptions tls;
  tls.insecure_skip_verify = request.insecure;
  const auto transport = dialer.dial(*origin, tls);
  if (!transport) co_return fail(transport.error());
  const Duration left = deadline - clock.now();
  if (left <= Duration(0)) co_return fail(ErrorCode::timeout, "no time is left");
  net::Request wire = toWire(request);
  Result<net::Response> response = co_await (*transport)->open(std::move(wire), left);
  if (!response) co_return fail(response.error());
  net::Response head = std::move(*response);
  co_return co_await readWhole(std::move(head), deadline);
}

}  // namespace

Task<Result<net::Response>> fetch(net::Dialer& dialer, Clock& clock, BackendRequest request, TimePoint deadline) {
  for (int hop = 0;; ++hop) {
    Result<net::Response> response = co_await sendOnce(dialer, clock, request, deadline);
    const auto named = [&](std::string_view cause) {
      return fmt::format("{}: {}", describe(request.method, request.url), cause);
    };
    if (!response) {
      const Error& error = response.error();
      const bool late = error.code == ErrorCode::timeout;
      co_return fail(error.code, named(late ? "context deadline exceeded" : error.message));
    }
    const std::string location(response->headers.get("Location"));
    if (!isRedirect(response->status) || location.empty()) co_return response;
    auto target = follow(request.url, location);
    if (!target) {
      co_return fail(ErrorCode::invalid, named(fmt::format("failed to parse Location header {}", go::quote(location))));
    }
    redirect(request, std::move(*target), response->status);
    if (hop + 1 >= max_redirects) {
      co_return fail(ErrorCode::invalid, named(fmt::format("stopped after {} redirects", max_redirects)));
    }
  }
}

std::string formEncode(const std::vector<std::pair<std::string, std::string>>& fields) {
  // "%20" can only be a blank: a percent sign of the text itself became "%25".
  const auto encode = [](std::string_view text) {
    std::string encoded = net::percentEncode(text);
    for (std::size_t at = encoded.find("%20"); at != std::string::npos; at = encoded.find("%20", at)) {
      encoded.replace(at, 3, "+");
    }
    return encoded;
  };
  std::string form;
  for (const auto& [name, value] : fields) {
    if (!form.empty()) form += '&';
    form += encode(name) + "=" + encode(value);
  }
  return form;
}

std::string describe(std::string_view method, const net::Url& url) {
  std::string name(method);
  for (std::size_t i = 1; i < name.size(); ++i)
    name[i] = static_cast<char>(std::tolower(static_cast<unsigned char>(name[i])));
  std::string credentials = net::percentEncode(url.user);
  if (!url.password.empty()) credentials += ":xxxxx";
  if (!credentials.empty()) credentials += "@";
  const std::string query = url.query.empty() ? "" : "?" + url.query;
  return fmt::format("{} {}", name,
                     go::quote(fmt::format("{}://{}{}{}{}", url.scheme, credentials, authority(url), url.path, query)));
}

std::string statusLine(int status) { return fmt::format("{} {}", status, net::reasonPhrase(status)); }

std::string basicAuthorization(std::string_view user, std::string_view password) {
  return "Basic " + encodeBase64(fmt::format("{}:{}", user, password));
}

}  // namespace crossfade::providers
