#include "net/url.hpp"

#include <charconv>

#include "net/http.hpp"

namespace crossfade::net {

namespace {

bool isAlphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

std::optional<unsigned> hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const auto high = hexDigit(text[i + 1]);
      const auto low = hexDigit(text[i + 2]);
      if (!high || !low) return std::nullopt;
      decoded += static_cast<char>(*high * 16 + *low);
      i += 2;
    } else {
      decoded += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return decoded;
}

// Takes everything up to `separator` off the front, and the separator.
std::string_view takeUntil(std::string_view& text, char separator) {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

}  // namespace

std::string percentEncode(std::string_view text) {
  static constexpr std::string_view hex = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (isAlphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += '%';
      encoded += hex[byte >> 4];
      encoded += hex[byte & 15];
    }
  }
  return encoded;
}

std::optional<std::string> percentDecode(std::string_view text) { return decode(text, false); }

std::optional<QueryParameters> parseQuery(std::string_view query) {
  QueryParameters parameters;
  while (!query.empty()) {
    std::string_view value = takeUntil(query, '&');
    if (value.empty()) continue;
    auto name = decode(takeUntil(value, '='), true);
    auto decoded = decode(value, true);
    if (!name || !decoded) return std::nullopt;
    parameters.emplace_back(std::move(*name), std::move(*decoded));
  }
  return parameters;
}

std::string formatQuery(const QueryParameters& parameters) {
  std::string query;
  for (const auto& [name, value] : parameters) {
    if (!query.empty()) query += '&';
    query += percentEncode(name) + "=" + percentEncode(value);
  }
  return query;
}

std::string_view firstValue(const QueryParameters& parameters, std::string_view name) {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return {};
}

std::optional<Target> parseTarget(std::string_view target) {
  target = target.substr(0, target.find('#'));
  if (const auto scheme = target.find("://"); scheme != target.npos && scheme < target.find_first_of("/?")) {
    target.remove_prefix(scheme + 3);
    target.remove_prefix(std::min(target.find_first_of("/?"), target.size()));
    if (target.empty()) target = "/";
  }
  const std::string_view path = takeUntil(target, '?');
  if (!path.starts_with('/')) return std::nullopt;
  auto query = parseQuery(target);
  if (!query) return std::nullopt;

  Target parsed{std::string(path), {}, std::move(*query)};
  for (std::string_view rest = path; !rest.empty();) {
    const std::string_view segment = takeUntil(rest, '/');
    if (segment.empty()) continue;
    auto decoded = percentDecode(segment);
    if (!decoded) return std::nullopt;
    parsed.segments.push_back(std::move(*decoded));
  }
  return parsed;
}

std::optional<Url> parseUrl(std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return std::nullopt;
  }
  const auto colon = text.find("://");
  if (colon == text.npos || colon == 0) return std::nullopt;
  Url url;
  for (const char c : text.substr(0, colon)) {
    if (!isAlphanumeric(c) && c != '+' && c != '-' && c != '.') return std::nullopt;
    url.scheme += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  text.remove_prefix(colon + 3);

  std::string_view authority = text.substr(0, text.find_first_of("/?#"));
  text.remove_prefix(authority.size());
  if (const auto at = authority.rfind('@'); at != authority.npos) {
    std::string_view password = authority.substr(0, at);
    const auto user = percentDecode(takeUntil(password, ':'));
    const auto secret = percentDecode(password);
    if (!user || !secret) return std::nullopt;
    url.user = *user;
    url.password = *secret;
    authority.remove_prefix(at + 1);
  }
  std::size_t host_end = authority.find(':');
  if (authority.starts_with('[')) {
    const auto bracket = authority.find(']');
    if (bracket == authority.npos) return std::nullopt;
    url.host = authority.substr(1, bracket - 1);
    host_end = bracket + 1;
  } else {
    url.host = authority.substr(0, host_end);
  }
  if (url.host.empty() || url.host.find_first_of("[]\"<>\\^`{|}") != std::string::npos) return std::nullopt;
  authority.remove_prefix(std::min(host_end, authority.size()));
  if (!authority.empty()) {
    if (!authority.starts_with(':')) return std::nullopt;
    authority.remove_prefix(1);
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(authority.data(), authority.data() + authority.size(), port);
    if (!authority.empty()) {  // "host:" means the default port
      if (error != std::errc() || end != authority.data() + authority.size()) return std::nullopt;
      url.port = port;
    }
  }

  const auto hash = text.find('#');
  if (hash != text.npos) url.fragment = text.substr(hash + 1);
  text = text.substr(0, hash);
  url.path = takeUntil(text, '?');
  url.query = text;
  return url;
}

Result<Origin> Origin::parse(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorCode::invalid, fmt::format("\"{}\" is not a usable URL: {}", text, why));
  };
  const auto url = parseUrl(text);
  if (!url) return refuse("want http://host:port or https://host:port");
  if (url->scheme != "http" && url->scheme != "https") return refuse("the scheme must be http or https");
  if (!url->query.empty()) return refuse("a query does not belong here");
  if (!url->fragment.empty()) return refuse("a fragment does not belong here");
  if (!url->user.empty() || !url->password.empty()) return refuse("credentials do not belong here");
  if (url->port == 0) return refuse("port 0 can't be reached");

  Origin origin;
  origin.tls = url->scheme == "https";
  origin.host = url->host;
  origin.port = url->port.value_or(origin.tls ? 443 : 80);
  origin.base_path = url->path.substr(0, url->path.find_last_not_of('/') + 1);
  return origin;
}

}  // namespace crossfade::net
