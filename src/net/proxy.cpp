#include "net/proxy.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <cstdlib>

#include "base/base64.hpp"
#include "net/url.hpp"

namespace crossfade::net {

namespace {

namespace ip = boost::asio::ip;

std::string fromEither(const char* upper, const char* lower) {
  for (const char* name : {upper, lower}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

std::string lowerCase(std::string_view text) {
  std::string lowered(text);
  for (char& c : lowered) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lowered;
}

std::optional<ip::address> parseAddress(const std::string& text) {
  boost::system::error_code error;
  const auto address = ip::make_address(text, error);
  if (error) return std::nullopt;
  return address;
}

// "10.0.0.0/8" holds 10.1.2.3.
bool networkHolds(const std::string& cidr, const ip::address& address) {
  boost::system::error_code error;
  if (address.is_v4()) {
    const auto network = ip::make_network_v4(cidr, error);
    return !error && ip::network_v4(address.to_v4(), network.prefix_length()).canonical() == network.canonical();
  }
  const auto network = ip::make_network_v6(cidr, error);
  return !error && ip::network_v6(address.to_v6(), network.prefix_length()).canonical() == network.canonical();
}

// One entry of NO_PROXY: "*", an address, a network, "example.com" (and what is below it), ".example.com" (only what
// is below it); each with ":port" if only that port is meant.
bool matches(std::string entry, const std::string& host, const std::optional<ip::address>& address,
             std::uint16_t port) {
  if (entry == "*") return true;
  if (entry.contains('/')) return address && networkHolds(entry, *address);
  // A bare IPv6 address has colons but no port.
  if (!parseAddress(entry)) {
    if (const auto url = parseUrl("http://" + entry); url && url->port) {
      if (*url->port != port) return false;
      entry = url->host;
    }
  }
  if (const auto named = parseAddress(entry)) return address == named;
  if (entry.starts_with("*.")) entry.erase(0, 1);
  if (entry.starts_with('.')) return host.ends_with(entry);
  return host == entry || host.ends_with("." + entry);
}

bool bypassed(const std::string& no_proxy, const Origin& origin) {
  const std::string host = lowerCase(origin.host);
  const auto address = parseAddress(host);
  if (host == "localhost" || (address && address->is_loopback())) return true;
  std::string_view rest = no_proxy;
  while (!rest.empty()) {
    std::string_view entry = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(entry.size() + 1, rest.size()));
    entry.remove_prefix(std::min(entry.find_first_not_of(" \t"), entry.size()));
    entry = entry.substr(0, entry.find_last_not_of(" \t") + 1);
    if (!entry.empty() && matches(lowerCase(entry), host, address, origin.port)) return true;
  }
  return false;
}

}  // namespace

ProxySettings ProxySettings::fromEnvironment() {
  return {.http_proxy = fromEither("HTTP_PROXY", "http_proxy"),
          .https_proxy = fromEither("HTTPS_PROXY", "https_proxy"),
          .no_proxy = fromEither("NO_PROXY", "no_proxy")};
}

Result<std::optional<Proxy>> ProxySettings::proxyFor(const Origin& origin) const {
  const std::string& setting = origin.tls ? https_proxy : http_proxy;
  if (setting.empty() || bypassed(no_proxy, origin)) return std::nullopt;
  const auto url = parseUrl(setting.contains("://") ? setting : "http://" + setting);
  if (!url || url->scheme != "http") {
    return fail(ErrorCode::invalid,
                fmt::format("{} must be the URL of an HTTP proxy, http://host:port (its value is not shown here)",
                            origin.tls ? "HTTPS_PROXY" : "HTTP_PROXY"));
  }
  Proxy proxy{url->host, url->port.value_or(80), {}};
  if (!url->user.empty() || !url->password.empty()) {
    proxy.authorization = "Basic " + encodeBase64(url->user + ":" + url->password);
  }
  return proxy;
}

}  // namespace crossfade::net
