// HTTP proxies: when one is used, and what is said to it.
#include "net/proxy.hpp"

#include <cstdlib>

#include "support/certificates.hpp"
#include "unit/net/net_fixture.hpp"

namespace crossfade::net {
namespace {

using namespace test;

Origin origin(const char* url) { return Origin::parse(url).value(); }

TEST(Proxy, IsChosenByScheme) {
  const ProxySettings settings{.http_proxy = "proxy-a", .https_proxy = "http://u%40:p@[::1]:3128", .no_proxy = ""};
  const auto plain = settings.proxyFor(origin("http://example.com")).value();
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->host, "proxy-a");
  EXPECT_EQ(plain->port, 80);
  EXPECT_EQ(plain->authorization, "");
  const auto secure = settings.proxyFor(origin("https://example.com")).value();
  ASSERT_TRUE(secure);
  EXPECT_EQ(secure->host, "::1");
  EXPECT_EQ(secure->port, 3128);
  EXPECT_EQ(secure->authorization, "Basic dUA6cA==");
  EXPECT_FALSE(ProxySettings().proxyFor(origin("http://example.com")).value());
}

TEST(Proxy, IsLeftOutByNoProxy) {
  struct Case {
    const char* no_proxy;
    const char* url;
    bool proxied;
  };
  for (const Case& c : {
           Case{"", "http://example.com", true},
           Case{"", "http://localhost:80", false},
           Case{"", "http://127.0.0.9", false},
           Case{"", "http://[::1]", false},
           Case{"*", "http://example.com", false},
           Case{"example.com", "http://example.com", false},
           Case{"example.com", "http://EXAMPLE.com", false},
           Case{"example.com", "http://api.example.com", false},
           Case{"example.com", "http://badexample.com", true},
           Case{".example.com", "http://example.com", true},
           Case{".example.com", "http://api.example.com", false},
           Case{"*.example.com", "http://api.example.com", false},
           Case{"a, Example.com ,b", "http://example.com", false},
           Case{"example.com:8080", "http://example.com:8080", false},
           Case{"example.com:8080", "http://example.com", true},
           Case{"10.0.0.0/8", "http://10.1.2.3", false},
           Case{"10.0.0.0/8", "http://11.1.2.3", true},
           Case{"10.0.0.0/8", "http://example.com", true},
           Case{"10.0.0.1", "http://10.0.0.1:99", false},
           Case{"10.0.0.1:99", "http://10.0.0.1", true},
           Case{"fd00::/8", "http://[fd12::1]", false},
           Case{"fd00::1", "http://[fd00:0::1]", false},
           Case{"fd00::/8", "http://10.0.0.1", true},
           Case{"nonsense/x,%%%", "http://10.0.0.1", true},
       }) {
    const ProxySettings settings{.http_proxy = "http://proxy:1", .https_proxy = "", .no_proxy = c.no_proxy};
    EXPECT_EQ(settings.proxyFor(origin(c.url)).value().has_value(), c.proxied) << c.no_proxy << " " << c.url;
  }
}

TEST(Proxy, MustBeAnHttpProxy) {
  for (const char* setting : {"socks5://proxy", "https://proxy", "http://", "http://secret@:x"}) {
    const ProxySettings settings{.http_proxy = setting, .https_proxy = "", .no_proxy = ""};
    const auto proxy = settings.proxyFor(origin("http://example.com"));
    ASSERT_FALSE(proxy) << setting;
    EXPECT_EQ(proxy.error().code, ErrorCode::invalid);
    EXPECT_FALSE(proxy.error().message.contains("secret"));
  }
}

// A dialer that was made under these settings.
std::unique_ptr<Dialer> dialerBehind(Loop& loop, const std::string& proxy) {
  ::setenv("HTTP_PROXY", proxy.c_str(), 1);
  ::setenv("https_proxy", proxy.c_str(), 1);
  auto dialer = makeDialer(loop.executor(), loop.clock());
  ::unsetenv("HTTP_PROXY");
  ::unsetenv("https_proxy");
  return dialer;
}

TEST(Proxy, GetsTheWholeUrlOfAPlainRequest) {
  Loop loop;
  RawServer raw(loop, {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"}, 1);
  const auto dialer = dialerBehind(loop, fmt::format("http://u:p@127.0.0.1:{}", raw.origin().port));
  const auto transport = dialer->dial(origin("http://somewhere.test:81"), {}).value();
  const auto response = loop.get(transport->send({.target = "/x?y"}, seconds(5)));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_TRUE(raw.received().starts_with("GET http://somewhere.test:81/x?y HTTP/1.1\r\nHost: somewhere.test:81\r\n"))
      << raw.received();
  EXPECT_TRUE(raw.received().contains("Proxy-Authorization: Basic dTpw\r\n"));
}

Task<> copy(std::shared_ptr<Wire> from, std::shared_ptr<Wire> to) {
  std::string room(16 << 10, '\0');
  for (;;) {
    const auto got = co_await from->read(room, TimePoint::max());
    if (!got || *got == 0) break;
    const std::string_view bytes = std::string_view(room).substr(0, *got);
    if (!co_await to->write(bytes, TimePoint::max())) break;
  }
  to->close();
}

// Accepts one tunnel and leads it to `port`, whatever was asked.
Task<> tunnelOnce(Listener& listener, Loop& loop, std::uint16_t port, std::string& asked) {
  const auto client = co_await listener.accept();
  while (!asked.contains("\r\n\r\n")) {
    std::array<char, 1024> room;
    const auto got = co_await (*client)->read(room, TimePoint::max());
    if (!got || *got == 0) co_return;
    asked.append(room.data(), *got);
  }
  const auto server = co_await connect(loop.executor(), loop.clock(), "127.0.0.1", port, TimePoint::max());
  co_await (*client)->write("HTTP/1.1 200 Connection established\r\n\r\n", TimePoint::max());
  loop.spawn(copy(*client, *server));
  loop.spawn(copy(*server, *client));
}

TEST(Proxy, TunnelsTls) {
  Loop loop;
  using crossfade::test::Certificate;
  const auto certificate = Certificate::selfSigned({.subject_alt_name = "DNS:somewhere.test"});
  const auto server = listen(loop.executor(), loop.clock(),
                             {.tls_cert_pem = certificate.certPem(), .tls_key_pem = certificate.keyPem()},
                             [](Request request) {
                               Response response;
                               response.body = request.target;
                               return answer(std::move(response));
                             })
                          .value();
  const auto proxy = openListener(loop.executor(), loop.clock(), "127.0.0.1", 0).value();
  std::string asked;
  loop.spawn(tunnelOnce(*proxy, loop, server->port(), asked));

  const auto dialer = dialerBehind(loop, fmt::format("http://u:p@127.0.0.1:{}", proxy->port()));
  const auto transport = dialer->dial(origin("https://somewhere.test"), {.ca_pem = certificate.certPem()}).value();
  for (int i = 0; i < 2; ++i) {
    const auto response = loop.get(transport->send({.target = "/x"}, seconds(5)));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, "/x");
  }
  EXPECT_TRUE(asked.starts_with("CONNECT somewhere.test:443 HTTP/1.1\r\nHost: somewhere.test:443\r\n")) << asked;
  EXPECT_TRUE(asked.contains("Proxy-Authorization: Basic dTpw\r\n"));
}

TEST(Proxy, MayRefuseATunnel) {
  Loop loop;
  RawServer raw(loop, {"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"}, 1);
  const auto dialer = dialerBehind(loop, fmt::format("127.0.0.1:{}", raw.origin().port));
  const auto transport = dialer->dial(origin("https://somewhere.test"), {}).value();
  const auto response = loop.get(transport->send({}, seconds(5)));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().message,
            fmt::format("somewhere.test:443: tunnel through 127.0.0.1:{}: the proxy refused: 407 Proxy Authentication "
                        "Required",
                        raw.origin().port));
}

}  // namespace
}  // namespace crossfade::net
