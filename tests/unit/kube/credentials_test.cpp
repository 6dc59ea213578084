// Credential plugins as real processes, and a whole connection from a kubeconfig, on a real loop.
#include "kube/credentials.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/base64.hpp"
#include "kube/client.hpp"
#include "support/certificates.hpp"
#include "support/scripted_transport.hpp"
#include "unit/net/net_fixture.hpp"

namespace crossfade::kube {
namespace {

class PluginTest : public testing::Test {
 protected:
  PluginTest() { std::filesystem::create_directories(folder); }
  ~PluginTest() override { std::filesystem::remove_all(folder); }

  // A plugin that is a shell script.
  Config::Exec plugin(const std::string& script) {
    Config::Exec exec;
    exec.api_version = "client.authentication.k8s.io/v1";
    exec.command = folder + "/plugin";
    exec.interactive_mode = "Never";
    std::ofstream(exec.command) << "#!/bin/sh\n" << script << "\n";
    std::filesystem::permissions(exec.command, std::filesystem::perms::owner_all);
    return exec;
  }
  static std::string printing(const std::string& status) {
    return R"(echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":)" + status + "}'";
  }
  Result<ExecCredential> run(const Config::Exec& exec, Duration limit = seconds(20)) {
    return loop.get(runCredentialPlugin(exec, loop.clock(), limit));
  }
  std::string refusal(const Config::Exec& exec, Duration limit = seconds(20)) {
    const auto credential = run(exec, limit);
    if (credential) return "no error";
    EXPECT_EQ(credential.error().code, ErrorCode::unauthorized);
    std::string message = credential.error().message;
    if (const auto at = message.find(folder); at != std::string::npos) message.replace(at, folder.size(), "DIR");
    return message;
  }
  std::string read(const std::string& name) {
    std::ifstream file(folder + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const std::string folder = testing::TempDir() + "crossfade_plugin_" + std::to_string(::getpid());
  net::test::Loop loop;
};

TEST_F(PluginTest, PrintsATokenAndItsExpiry) {
  const auto credential = run(plugin(printing(R"({"token":"t","expirationTimestamp":"2030-01-01T00:00:00Z"})")));
  ASSERT_TRUE(credential) << credential.error().message;
  EXPECT_EQ(credential->token, "t");
  EXPECT_EQ(credential->expires, parseTime("2030-01-01T00:00:00Z"));
}

TEST_F(PluginTest, GetsItsArgumentsAndItsEnvironment) {
  Config::Exec exec = plugin("printf '%s|%s|%s' \"$1\" \"$OWN\" \"$KUBERNETES_EXEC_INFO\" > " + folder + "/seen\n" +
                             printing(R"({"token":"t"})"));
  exec.args = {"a b"};
  exec.env = {{"OWN", "value"}, {"HOME", "elsewhere"}};
  exec.cluster_info = R"({"server":"https://h"})";
  ASSERT_TRUE(run(exec));
  EXPECT_EQ(
      read("seen"),
      R"(a b|value|{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","spec":{"interactive":false,"cluster":{"server":"https://h"}}})");
}

TEST_F(PluginTest, SaysWhatIsWrong) {
  EXPECT_EQ(refusal(plugin("exit 3")), "the credential plugin \"DIR/plugin\" ended with exit code 3");
  EXPECT_EQ(refusal(plugin("kill -9 $$")), "the credential plugin \"DIR/plugin\" was killed by signal 9");
  EXPECT_EQ(refusal(plugin("echo hello")), "the credential plugin \"DIR/plugin\" did not print a JSON object");
  EXPECT_EQ(refusal(plugin("echo '{}'")), "the credential plugin \"DIR/plugin\" did not print an ExecCredential");
  EXPECT_EQ(refusal(plugin(R"(echo '{"kind":"ExecCredential","apiVersion":"v2"}')")),
            "the credential plugin \"DIR/plugin\" printed an ExecCredential of \"v2\", but "
            "\"client.authentication.k8s.io/v1\" was asked for");
  EXPECT_EQ(refusal(plugin(printing("{}"))), "the credential plugin \"DIR/plugin\" printed no status.token");
  EXPECT_EQ(refusal(plugin(printing(R"({"clientCertificateData":"x","clientKeyData":"y"})"))),
            "the credential plugin \"DIR/plugin\" printed a client certificate; only tokens are supported");
  EXPECT_EQ(refusal(plugin("head -c 2000000 /dev/zero")),
            "the credential plugin \"DIR/plugin\" printed more than 1 MiB");
  Config::Exec missing = plugin("");
  missing.command = folder + "/none";
  missing.install_hint = "Get it from the shop.";
  EXPECT_EQ(refusal(missing), "the credential plugin \"DIR/none\": No such file or directory\nGet it from the shop.");
}

TEST_F(PluginTest, IsKilledWithItsChildrenWhenItHangs) {
  EXPECT_EQ(refusal(plugin("sleep 600 & echo $! > " + folder + "/pid; wait"), milliseconds(500)),
            "the credential plugin \"DIR/plugin\" did not end within 500ms");
  const pid_t child = std::stoi(read("pid"));
  EXPECT_TRUE(loop.until([&] {
    // Gone, or waiting for whoever reaps orphans here.
    std::ifstream stat("/proc/" + std::to_string(child) + "/stat");
    const std::string text{std::istreambuf_iterator<char>(stat), {}};
    return text.empty() || text.find(") Z ") != std::string::npos;
  }));
}

TEST_F(PluginTest, RunsOnceForManyRequestsAndAgainWhenItsTokenExpires) {
  Config config;
  config.exec = plugin("echo run >> " + folder + "/runs\n" +
                       printing(R"({"token":"t","expirationTimestamp":"2020-01-01T00:00:00Z"})"));
  auto transport = std::make_shared<test::ScriptedTransport>(loop.clock());
  transport->otherwise([](const net::Request&) {
    net::Response response;
    response.body = "{}";
    return response;
  });
  Client client(transport, loop.clock(), config, "test");
  int answered = 0;
  const auto ask = [](Client& client, int& answered) -> Task<> {
    const auto answer = co_await client.get(resources::pods, "ns", "a");
    if (answer) ++answered;
  };
  for (int i = 0; i < 3; ++i) loop.spawn(ask(client, answered));
  ASSERT_TRUE(loop.until([&] { return answered == 3; }));
  EXPECT_EQ(transport->requests()[2].headers.get("Authorization"), "Bearer t");
  const auto runs = [&] { return read("runs").size() / 4; };
  // The token was expired when it came, so that those who waited asked again: but never two plugins at once.
  EXPECT_LE(runs(), 3U);
  const auto before = runs();
  loop.spawn(ask(client, answered));
  ASSERT_TRUE(loop.until([&] { return answered == 4; }));
  EXPECT_EQ(runs(), before + 1);
}

TEST_F(PluginTest, ItsFailureIsTheRequests) {
  Config config;
  config.exec = plugin("exit 1");
  auto transport = std::make_shared<test::ScriptedTransport>(loop.clock());
  Client client(transport, loop.clock(), config, "test");
  const auto answer = loop.get(client.get(resources::pods, "ns", "a"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::unauthorized);
  EXPECT_TRUE(transport->requests().empty());
}

// --- from a kubeconfig to an answer ---

class ConnectionTest : public PluginTest {
 protected:
  ConnectionTest() {
    net::ServerOptions options;
    options.tls_cert_pem = server_certificate.certPem();
    options.tls_key_pem = server_certificate.keyPem();
    auto listening = net::listen(loop.executor(), loop.clock(), options, &answer);
    EXPECT_TRUE(listening) << listening.error().message;
    server = std::move(*listening);
  }
  ~ConnectionTest() override { server.reset(); }
  static Task<net::Response> answer(net::Request request) {
    net::Response response;
    if (request.headers.get("Authorization") == "Bearer good") {
      response.body = R"({"metadata":{"name":"a"}})";
    } else {
      response.status = 401;
      response.body = R"({"kind":"Status","reason":"Unauthorized","message":"Unauthorized","code":401})";
    }
    co_return response;
  }
  Result<json::object> ask(const std::string& ca_pem, const std::string& token) {
    const std::string path = folder + "/config";
    std::ofstream(path) << fmt::format(
        R"({{"current-context":"x","contexts":[{{"name":"x","context":{{"cluster":"c","user":"u"}}}}],
        "clusters":[{{"name":"c","cluster":{{"server":"https://127.0.0.1:{}","certificate-authority-data":"{}"}}}}],
        "users":[{{"name":"u","user":{{"token":"{}"}}}}]}})",
        server->port(), encodeBase64(ca_pem), token);
    ConfigOverrides overrides;
    overrides.kubeconfig = path;
    auto config = loadConfig(overrides, [](std::string_view) { return std::nullopt; });
    if (!config) return fail(config.error());
    auto transport = net::makeDialer(loop.executor(), loop.clock())->dial(config->origin, config->tls);
    if (!transport) return fail(transport.error());
    Client client(*transport, loop.clock(), *config, "test");
    return loop.get(client.get(resources::pods, "ns", "a"));
  }

  test::Certificate authority = test::Certificate::selfSigned({.name = "authority", .authority = true});
  test::Certificate server_certificate = authority.sign({.name = "api", .subject_alt_name = "IP:127.0.0.1"});
  std::unique_ptr<net::Server> server;
};

TEST_F(ConnectionTest, Works) {
  const auto pod = ask(authority.certPem(), "good");
  ASSERT_TRUE(pod) << pod.error().message;
}

TEST_F(ConnectionTest, AWrongAuthorityIsNamed) {
  const auto other = test::Certificate::selfSigned({.name = "other", .authority = true});
  const auto pod = ask(other.certPem(), "good");
  ASSERT_FALSE(pod);
  EXPECT_EQ(pod.error().code, ErrorCode::unavailable);
  EXPECT_TRUE(pod.error().message.contains("certificate verify failed")) << pod.error().message;
  EXPECT_TRUE(pod.error().message.contains(std::to_string(server->port()))) << pod.error().message;
}

TEST_F(ConnectionTest, AnAuthorityThatIsNoCertificateIsInvalid) {
  const auto pod = ask("-----BEGIN CERTIFICATE-----\nrubbish\n-----END CERTIFICATE-----\n", "good");
  ASSERT_FALSE(pod);
  EXPECT_EQ(pod.error().code, ErrorCode::invalid);
}

TEST_F(ConnectionTest, AnExpiredTokenIsUnauthorized) {
  const auto pod = ask(authority.certPem(), "expired");
  ASSERT_FALSE(pod);
  EXPECT_EQ(pod.error().code, ErrorCode::unauthorized);
  EXPECT_EQ(pod.error().message,
            "Unauthorized (the API server refused the credentials of context \"x\" of " + folder + "/config)");
}

}  // namespace
}  // namespace crossfade::kube
