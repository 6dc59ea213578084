// Which HTTP proxy stands between us and an origin: the rules of Go's programs, so that the environment of a pod that
// ran one means the same here.
#pragma once
#include <optional>
#include <string>

#include "base/result.hpp"
#include "net/http.hpp"

namespace crossfade::net {

struct Proxy {
  std::string host;
  std::uint16_t port = 80;
  std::string authorization;  // the value of Proxy-Authorization; empty without credentials
};

struct ProxySettings {
  std::string http_proxy, https_proxy;  // "http://user:password@proxy:3128", or "proxy:3128"
  std::string no_proxy;                 // "example.com,.internal,10.0.0.0/8,host:8080" or "*"

  // HTTP_PROXY, HTTPS_PROXY, NO_PROXY; the lower-case names where those are not set.
  static ProxySettings fromEnvironment();

  // Empty when the origin is to be reached directly: no proxy is set for its scheme, NO_PROXY names it, or it is this
  // machine. Fails with `invalid` when the proxy's URL is broken or not http://.
  Result<std::optional<Proxy>> proxyFor(const Origin& origin) const;
};

}  // namespace crossfade::net
