// TLS: who is trusted, who is not, and what the user is told.
#include "support/certificates.hpp"
#include "unit/net/net_fixture.hpp"

namespace crossfade::net {
namespace {

using namespace test;
using crossfade::test::Certificate;

struct TlsTest : testing::Test {
  Loop loop;
  std::unique_ptr<Dialer> dialer = makeDialer(loop.executor(), loop.clock());
  std::unique_ptr<Server> server;
  Certificate authority = Certificate::selfSigned({.name = "authority", .authority = true});
  Certificate good =
      authority.sign({.name = "server", .subject_alt_name = "DNS:localhost,DNS:*.example.com,IP:127.0.0.1"});

  void serve(const Certificate& certificate, std::string client_ca = {}) {
    ServerOptions options{.tls_cert_pem = certificate.certPem(),
                          .tls_key_pem = certificate.keyPem(),
                          .tls_client_ca_pem = std::move(client_ca)};
    auto listening = listen(loop.executor(), loop.clock(), std::move(options), [](Request request) {
      Response response;
      response.body = request.body.empty() ? "hello" : std::move(request.body);
      return answer(std::move(response));
    });
    ASSERT_TRUE(listening) << listening.error().message;
    server = std::move(*listening);
  }
  Result<Response> get(const TlsOptions& tls, const std::string& host = "127.0.0.1", std::string body = {}) {
    const Origin origin{.tls = true, .host = host, .port = server->port()};
    const auto transport = dialer->dial(origin, tls);
    if (!transport) return fail(transport.error());
    return loop.get((*transport)->send({.body = std::move(body)}, seconds(10)));
  }
  void expectRefusal(const Result<Response>& response, const std::string& why) {
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, ErrorCode::unavailable);
    EXPECT_TRUE(response.error().message.contains("TLS handshake failed: certificate verify failed: " + why))
        << response.error().message;
  }
  TlsOptions trusting(const Certificate& certificate) { return {.ca_pem = certificate.certPem()}; }
};

TEST_F(TlsTest, TrustsItsAuthorityByNameAndAddress) {
  serve(good);
  for (const char* host : {"127.0.0.1", "localhost"}) {
    const auto response = get(trusting(authority), host);
    ASSERT_TRUE(response) << host << response.error().message;
    EXPECT_EQ(response->body, "hello");
  }
  TlsOptions renamed = trusting(authority);
  renamed.server_name = "api.example.com";
  EXPECT_TRUE(get(renamed));
}

TEST_F(TlsTest, TrustsAnyOfSeveralAuthorities) {
  serve(good);
  const Certificate other = Certificate::selfSigned({.name = "other", .authority = true});
  TlsOptions tls{.ca_pem = "# a comment\n" + other.certPem() + "\n" + authority.certPem()};
  EXPECT_TRUE(get(tls));
}

TEST_F(TlsTest, TrustsAServersOwnCertificateWhenNamed) {
  serve(good);
  EXPECT_TRUE(get(trusting(good)));
}

TEST_F(TlsTest, RefusesAWrongAuthority) {
  serve(good);
  const Certificate other = Certificate::selfSigned({.name = "other", .authority = true});
  expectRefusal(get(trusting(other)), "unable to get local issuer certificate");
  // The system's authorities don't know it either.
  expectRefusal(get({}), "");
}

TEST_F(TlsTest, RefusesAnExpiredCertificate) {
  serve(
      authority.sign({.subject_alt_name = "IP:127.0.0.1", .valid_from_seconds = -7200, .valid_until_seconds = -3600}));
  expectRefusal(get(trusting(authority)), "certificate has expired");
}

TEST_F(TlsTest, RefusesACertificateOfTomorrow) {
  serve(authority.sign({.subject_alt_name = "IP:127.0.0.1", .valid_from_seconds = 3000}));
  expectRefusal(get(trusting(authority)), "certificate is not yet valid");
}

TEST_F(TlsTest, RefusesAWrongName) {
  serve(authority.sign({.name = "localhost", .subject_alt_name = "DNS:elsewhere.example.com,IP:10.0.0.1"}));
  expectRefusal(get(trusting(authority), "localhost"), "hostname mismatch");
  expectRefusal(get(trusting(authority), "127.0.0.1"), "IP address mismatch");
}

TEST_F(TlsTest, SkipsTheCheckWhenTold) {
  serve(authority.sign({.name = "x", .valid_until_seconds = -10}));
  EXPECT_TRUE(get({.insecure_skip_verify = true}));
  EXPECT_FALSE(get(trusting(authority)));
}

TEST_F(TlsTest, ShowsAClientCertificate) {
  serve(good, authority.certPem());
  const Certificate client = authority.sign({.name = "client"});
  TlsOptions tls = trusting(authority);
  tls.client_cert_pem = client.certPem();
  tls.client_key_pem = client.keyPem();
  const auto response = get(tls);
  EXPECT_TRUE(response) << response.error().message;

  const auto without = get(trusting(authority));
  ASSERT_FALSE(without);
  EXPECT_TRUE(without.error().message.contains("certificate required")) << without.error().message;

  const Certificate stranger = Certificate::selfSigned({.name = "stranger"});
  tls.client_cert_pem = stranger.certPem();
  tls.client_key_pem = stranger.keyPem();
  const auto refused = get(tls);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().message.contains("alert")) << refused.error().message;
}

TEST_F(TlsTest, RefusesMaterialThatItCantRead) {
  serve(good);
  const Certificate client = authority.sign({.name = "client"});
  const std::string cut = client.certPem().substr(0, 200);
  struct Case {
    TlsOptions tls;
    const char* message;
  };
  for (const Case& c : {
           Case{{.ca_pem = "not PEM"}, "the certificate authority holds no readable PEM certificate"},
           Case{{.ca_pem = authority.certPem() + cut}, "the certificate authority holds no readable PEM certificate"},
           Case{{.client_cert_pem = client.certPem()}, "must be given together"},
           Case{{.client_cert_pem = cut, .client_key_pem = client.keyPem()},
                "the client certificate holds no readable"},
           Case{{.client_cert_pem = client.certPem(), .client_key_pem = "x"}, "the client key is no readable PEM key"},
           Case{{.client_cert_pem = client.certPem(), .client_key_pem = client.encryptedKeyPem("secret")},
                "the client key is no readable PEM key"},
           Case{{.client_cert_pem = client.certPem(), .client_key_pem = good.keyPem()}, "does not fit the certificate"},
       }) {
    const auto response = get(c.tls);
    ASSERT_FALSE(response) << c.message;
    EXPECT_EQ(response.error().code, ErrorCode::invalid);
    EXPECT_TRUE(response.error().message.contains(c.message)) << response.error().message;
  }
}

TEST_F(TlsTest, TellsAPlainServer) {
  server = listen(loop.executor(), loop.clock(), {}, [](Request) { return answer({}); }).value();
  const auto response = get(trusting(authority));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::unavailable);
  EXPECT_TRUE(response.error().message.contains("TLS handshake failed: ")) << response.error().message;
}

TEST_F(TlsTest, APlainClientIsDropped) {
  serve(good);
  RawClient client(loop, server->port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_FALSE(client.receive().starts_with("HTTP"));
}

TEST_F(TlsTest, ASilentServerTimesOut) {
  const auto listener = openListener(loop.executor(), loop.clock(), "127.0.0.1", 0).value();
  const auto transport = dialer->dial({.tls = true, .host = "127.0.0.1", .port = listener->port()}, {}).value();
  const auto response = loop.get(transport->send({}, milliseconds(50)));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, ErrorCode::timeout);
}

TEST_F(TlsTest, CarriesBigBodiesBothWays) {
  serve(good);
  std::string body(8 << 20, 'x');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 7 + i / 1000);
  const auto response = get(trusting(authority), "127.0.0.1", body);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_TRUE(response->body == body);
}

TEST_F(TlsTest, StreamsTimeOutGoOnAndAreCancelled) {
  const auto faucet = std::make_shared<Faucet>(loop.clock());
  server = listen(loop.executor(), loop.clock(), {.tls_cert_pem = good.certPem(), .tls_key_pem = good.keyPem()},
                  [faucet](Request) {
                    Response response;
                    response.stream = std::make_unique<FaucetReader>(faucet);
                    return answer(std::move(response));
                  })
               .value();
  const auto transport =
      dialer->dial({.tls = true, .host = "127.0.0.1", .port = server->port()}, trusting(authority)).value();
  auto response = loop.get(transport->open({}, seconds(5)));
  ASSERT_TRUE(response) << response.error().message;
  for (int i = 0; i < 3; ++i) {
    const auto silent = loop.get(response->stream->next(loop.clock().now() + milliseconds(10)));
    ASSERT_FALSE(silent);
    EXPECT_EQ(silent.error().code, ErrorCode::timeout);
    faucet->pour("piece");
    EXPECT_EQ(loop.get(response->stream->next(TimePoint::max())), "piece");
  }
  response->stream.reset();
  EXPECT_TRUE(loop.until([&] { return faucet->destroyed; }));
}

TEST_F(TlsTest, TheConnectionLivesOnAfterAStream) {
  const auto faucet = std::make_shared<Faucet>(loop.clock());
  server = listen(loop.executor(), loop.clock(), {.tls_cert_pem = good.certPem(), .tls_key_pem = good.keyPem()},
                  [faucet](Request) {
                    faucet->ended = true;
                    Response response;
                    response.stream = std::make_unique<FaucetReader>(faucet);
                    return answer(std::move(response));
                  })
               .value();
  const auto transport =
      dialer->dial({.tls = true, .host = "127.0.0.1", .port = server->port()}, trusting(authority)).value();
  for (int i = 0; i < 20; ++i) {
    faucet->pieces = {"piece"};
    const auto response = loop.get(transport->send({}, seconds(5)));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->body, "piece");
  }
}

}  // namespace
}  // namespace crossfade::net
