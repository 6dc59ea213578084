#include "providers/backend.hpp"

#include <fmt/format.h>

#include <cctype>
#include <optional>

#include "base/base64.hpp"
#include "base/clock.hpp"
#include "base/go_text.hpp"
#include "net/gzip.hpp"
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
  if (!wire.headers.has("Accept-Encoding")) wire.headers.add("Accept-Encoding", "gzip");
  const bool credentials = !request.url.user.empty() || !request.url.password.empty();
  if (credentials && !wire.headers.has("Authorization")) {
    wire.headers.set("Authorization", basicAuthorization(request.url.user, request.url.password));
  }
  return wire;
}

std::string tooLarge() { return fmt::format("the answer is larger than {} MiB", max_response_bytes >> 20); }

// A failure, and whether the head of the answer had come by then.
struct Problem {
  Error error;
  bool in_body = false;
};
using Answer = std::expected<net::Response, Problem>;

// The whole body of an answer that may still be arriving.
Task<Answer> readWhole(net::Response response, TimePoint deadline) {
  if (response.stream != nullptr) {
    const std::unique_ptr<net::BodyReader> stream = std::move(response.stream);
    while (response.body.size() <= max_response_bytes) {
      Result<std::string> piece = co_await stream->next(deadline);
      if (!piece) co_return std::unexpected(Problem{piece.error(), true});
      if (piece->empty()) break;
      response.body += *piece;
    }
  }
  const bool compressed = response.headers.get("Content-Encoding") == "gzip";
  Result<std::string> content = std::move(response.body);
  if (content->size() > max_response_bytes) content = fail(ErrorCode::too_large, tooLarge());
  if (content && compressed) content = net::gunzip(*content, max_response_bytes);
  if (!content) {
    if (content.error().code == ErrorCode::too_large) content.error().message = tooLarge();
    co_return std::unexpected(Problem{content.error(), true});
  }
  response.body = std::move(*content);
  co_return response;
}

// One hop. Errors are bare: the caller names the request.
Task<Answer> sendOnce(net::Dialer& dialer, Clock& clock, const BackendRequest& request, TimePoint deadline) {
  const net::Url& url = request.url;
  if (url.scheme != "http" && url.scheme != "https") {
    co_return std::unexpected(
        Problem{{ErrorCode::invalid, fmt::format("unsupported protocol scheme {}", go::quote(url.scheme))}});
  }
  const auto origin = net::Origin::parse(fmt::format("{}://{}", url.scheme, authority(url)));
  if (!origin) co_return std::unexpected(Problem{origin.error()});
  net::TlsOptions tls;
  tls.insecure_skip_verify = request.insecure;
  const auto transport = dialer.dial(*origin, tls);
  if (!transport) co_return std::unexpected(Problem{transport.error()});
  const Duration left = deadline - clock.now();
  if (left <= Duration(0)) co_return std::unexpected(Problem{{ErrorCode::timeout, "no time is left"}});
  net::Request wire = toWire(request);
  Result<net::Response> response = co_await (*transport)->open(std::move(wire), left);
  if (!response) co_return std::unexpected(Problem{response.error()});
  net::Response head = std::move(*response);
  co_return co_await readWhole(std::move(head), deadline);
}

// A cause in the words that users of Go programs know. spec/08 §3.
std::string causeOf(const Error& error, const BackendRequest& request, bool in_body) {
  if (error.code == ErrorCode::timeout) {
    std::string text = "context deadline exceeded";
    if (request.client_timeout) {
      text += in_body ? " (Client.Timeout or context cancellation while reading body)"
                      : " (Client.Timeout exceeded while awaiting headers)";
    }
    return text;
  }
  const std::string& message = error.message;
  const auto after = [&](std::string_view mark) {
    const auto at = message.find(mark);
    return at == message.npos ? std::string() : message.substr(at + mark.size());
  };
  if (message.starts_with("connect to ")) {
    std::string rest = after("connect to ");
    const auto colon = rest.find(": ");
    if (colon == rest.npos || colon + 2 >= rest.size()) return message;
    char& first = rest[colon + 2];
    first = static_cast<char>(std::tolower(static_cast<unsigned char>(first)));
    return fmt::format("dial tcp {}: connect: {}", rest.substr(0, colon), rest.substr(colon + 2));
  }
  if (message.starts_with("lookup of ")) {
    const std::string name = after("lookup of ");
    const bool unknown = name.find("not found") != name.npos;
    return fmt::format("dial tcp: lookup {}", unknown ? name.substr(0, name.find(": ")) + ": no such host" : name);
  }
  if (const std::string why = after("certificate verify failed: "); !why.empty()) {
    const bool unknown = why.find("issuer") != why.npos || why.starts_with("self-signed");
    return "x509: " + (unknown ? "certificate signed by unknown authority" : why);
  }
  return message;
}

Error nameProblem(const Problem& problem, const BackendRequest& request) {
  Error error = problem.error;
  std::string cause = causeOf(error, request, problem.in_body);
  const bool body = problem.in_body && !request.body_problem.empty();
  error.message =
      body ? request.body_problem + cause : fmt::format("{}: {}", describe(request.method, request.url), cause);
  return error;
}

}  // namespace

Task<Result<net::Response>> fetch(net::Dialer& dialer, Clock& clock, BackendRequest request, TimePoint deadline) {
  for (int hop = 0;; ++hop) {
    Answer response = co_await sendOnce(dialer, clock, request, deadline);
    if (!response) co_return fail(nameProblem(response.error(), request));
    const std::string location(response->headers.get("Location"));
    if (!isRedirect(response->status) || location.empty()) co_return std::move(*response);
    auto target = follow(request.url, location);
    const auto named = [&](std::string_view cause) {
      return fmt::format("{}: {}", describe(request.method, request.url), cause);
    };
    if (!target) {
      co_return fail(ErrorCode::invalid, named(fmt::format("failed to parse Location header {}", go::quote(location))));
    }
    redirect(request, std::move(*target), response->status);
    if (hop + 1 >= max_redirects) {
      co_return fail(ErrorCode::invalid, named(fmt::format("stopped after {} redirects", max_redirects)));
    }
  }
}

void signForAws(BackendRequest& request, const net::AwsCredentials& credentials, const net::AwsScope& scope,
                TimePoint now) {
  net::Request wire{request.method, targetOf(request.url), request.headers, request.body};
  net::signForAws(wire, hostField(request.url), credentials, scope, now);
  request.headers = std::move(wire.headers);
}

Result<net::Url> parseAddress(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorCode::invalid, fmt::format("parse {}: {}", go::quote(text), why));
  };
  if (const auto url = net::parseUrl(text)) return *url;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) return refuse("net/url: invalid control character in URL");
  }
  if (text.starts_with(':')) return refuse("missing protocol scheme");
  const auto colon = text.find(':');
  if (text.find("://") != text.npos) return refuse(text.find("://") + 3 >= text.size() ? "no host" : "invalid host");
  // Go parses these, and then knows no way to send them.
  const std::string_view scheme = colon == text.npos ? std::string_view() : text.substr(0, colon);
  return fail(ErrorCode::invalid,
              fmt::format("{}: unsupported protocol scheme {}", go::quote(text), go::quote(scheme)));
}

std::string hostField(const net::Url& url) {
  net::Url shown = url;
  if (shown.port && *shown.port == (shown.scheme == "https" ? 443 : 80)) shown.port.reset();
  return authority(shown);
}

std::string joinPath(std::string_view base, std::string_view below) {
  while (base.ends_with('/')) base.remove_suffix(1);
  return std::string(base) + std::string(below);
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

HeaderList readHeaders(const json::object& settings) {
  HeaderList headers;
  const json::array* given = getArray(settings, {"headers"});
  for (const json::value& header : given == nullptr ? json::array() : *given) {
    const json::object* pair = header.if_object();
    if (pair != nullptr) headers.emplace_back(getString(*pair, {"key"}), getString(*pair, {"value"}));
  }
  return headers;
}

void setHeaders(net::Headers& headers, const HeaderList& given) {
  for (const auto& [name, value] : given) {
    if (!name.empty() && !net::Headers{{name, ""}}.has("Host")) headers.set(name, value);
  }
}

std::string statusLine(int status) { return fmt::format("{} {}", status, net::reasonPhrase(status)); }

std::string basicAuthorization(std::string_view user, std::string_view password) {
  return "Basic " + encodeBase64(fmt::format("{}:{}", user, password));
}

}  // namespace crossfade::providers
