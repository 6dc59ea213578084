#include "kube/config.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "base/base64.hpp"

namespace crossfade::kube {
namespace {

class ConfigTest : public testing::Test {
 protected:
  ConfigTest() {
    std::filesystem::create_directories(folder);
    environment_variables["HOME"] = folder + "/home";
  }
  ~ConfigTest() override { std::filesystem::remove_all(folder); }

  std::string write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = folder + "/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }
  Result<Config> load(const ConfigOverrides& overrides = {}) {
    return loadConfig(
        overrides,
        [this](std::string_view name) -> std::optional<std::string> {
          const auto found = environment_variables.find(std::string(name));
          return found == environment_variables.end() ? std::nullopt : std::optional(found->second);
        },
        folder + "/serviceaccount");
  }
  Result<Config> loadText(const std::string& text, ConfigOverrides overrides = {}) {
    overrides.kubeconfig = write("config", text);
    return load(overrides);
  }
  // The message of a failure, with the test's folder as "DIR".
  std::string refusal(const Result<Config>& result, ErrorCode code = ErrorCode::invalid) {
    if (result) return "no error";
    EXPECT_EQ(result.error().code, code);
    std::string message = result.error().message;
    for (auto at = message.find(folder); at != std::string::npos; at = message.find(folder))
      message.replace(at, folder.size(), "DIR");
    return message;
  }

  const std::string folder = testing::TempDir() + "crossfade_config_" + std::to_string(::getpid());
  std::map<std::string, std::string> environment_variables;
};

std::string kubeconfig(std::string_view cluster, std::string_view user) {
  return fmt::format(R"(
apiVersion: v1
kind: Config
current-context: main
clusters: [{{name: c1, cluster: {{{}}}}}]
users: [{{name: u1, user: {{{}}}}}]
contexts:
- {{name: main, context: {{cluster: c1, user: u1, namespace: apps}}}}
- {{name: bare, context: {{cluster: c1}}}}
)",
                     cluster, user);
}

TEST_F(ConfigTest, ReadsAContext) {
  const auto config = loadText(kubeconfig("server: 'https://1.2.3.4:6443/prefix', tls-server-name: api", "token: t0k"));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->origin.tls);
  EXPECT_EQ(config->origin.host, "1.2.3.4");
  EXPECT_EQ(config->origin.port, 6443);
  EXPECT_EQ(config->origin.base_path, "/prefix");
  EXPECT_EQ(config->tls.server_name, "api");
  EXPECT_EQ(config->token, "t0k");
  EXPECT_EQ(config->ns, "apps");
  EXPECT_EQ(config->description, "context \"main\" of " + folder + "/config");
}

TEST_F(ConfigTest, ReadsJsonToo) {
  const auto config = loadText(R"({"current-context":"x","clusters":[{"name":"c","cluster":{"server":"http://h"}}],
      "contexts":[{"name":"x","context":{"cluster":"c","user":""}}],"users":null})");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_FALSE(config->origin.tls);
  EXPECT_EQ(config->ns, "default");
}

TEST_F(ConfigTest, MaterialIsInlineOrInFilesBesideTheKubeconfig) {
  write("pki/ca.crt", "CA FILE");
  write("pki/user.crt", "CERT FILE");
  write("pki/user.key", "KEY FILE");
  auto config =
      loadText(kubeconfig("server: 'https://h', certificate-authority: pki/ca.crt",
                          "client-certificate: pki/user.crt, client-key: pki/user.key, tokenFile: pki/token"));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->tls.ca_pem, "CA FILE");
  EXPECT_EQ(config->tls.client_cert_pem, "CERT FILE");
  EXPECT_EQ(config->tls.client_key_pem, "KEY FILE");
  EXPECT_EQ(config->token_file, folder + "/pki/token");
  // Inline data goes before a file; an absolute path stays one.
  config = loadText(kubeconfig(
      fmt::format("server: 'https://h', certificate-authority-data: {}, certificate-authority: nowhere",
                  encodeBase64("CA DATA")),
      fmt::format("client-certificate-data: {}, client-key: {}/pki/user.key", encodeBase64("CERT DATA"), folder)));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->tls.ca_pem, "CA DATA");
  EXPECT_EQ(config->tls.client_cert_pem, "CERT DATA");
  EXPECT_EQ(config->tls.client_key_pem, "KEY FILE");
}

TEST_F(ConfigTest, MergesTheFilesOfTheEnvironment) {
  const std::string first = write("one/config", R"(
current-context: b
clusters: [{name: c, cluster: {server: 'https://first', certificate-authority: ca.crt}}]
)");
  write("one/ca.crt", "CA of one");
  const std::string second = write("two/config", R"(
current-context: ignored
clusters: [{name: c, cluster: {server: 'https://second'}}]
contexts: [{name: b, context: {cluster: c, user: u}}]
users: [{name: u, user: {token: two}}]
)");
  environment_variables["KUBECONFIG"] = first + "::" + folder + "/missing:" + second;
  const auto config = load();
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->origin.host, "first");
  EXPECT_EQ(config->tls.ca_pem, "CA of one");
  EXPECT_EQ(config->token, "two");
  EXPECT_EQ(config->description, "context \"b\" of " + first + ":" + second);
}

TEST_F(ConfigTest, LooksInTheHomeFolder) {
  write("home/.kube/config", kubeconfig("server: 'https://home'", ""));
  const auto config = load();
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->origin.host, "home");
}

TEST_F(ConfigTest, FlagsOverride) {
  write("ca.crt", "FLAG CA");
  const std::string text = kubeconfig("server: 'https://h', insecure-skip-tls-verify: true",
                                      "username: u, password: p, as: jane, as-uid: '7', as-groups: [a, b]");
  auto config = loadText(text);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->tls.insecure_skip_verify);
  EXPECT_EQ(config->username, "u");
  EXPECT_EQ(config->as_user, "jane");
  EXPECT_EQ(config->as_uid, "7");
  EXPECT_EQ(config->as_groups, (std::vector<std::string>{"a", "b"}));

  ConfigOverrides overrides;
  overrides.context = "bare";
  overrides.server = "https://other:1";
  overrides.ns = "mine";
  overrides.token = "flag";
  overrides.as_user = "joe";
  overrides.as_groups = {"z"};
  overrides.tls_server_name = "name";
  config = loadText(text, overrides);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->origin.host, "other");
  EXPECT_EQ(config->ns, "mine");
  EXPECT_EQ(config->token, "flag");
  EXPECT_EQ(config->username, "");
  EXPECT_EQ(config->as_user, "joe");
  EXPECT_EQ(config->as_groups, (std::vector<std::string>{"z"}));
  EXPECT_EQ(config->tls.server_name, "name");

  overrides = {};
  overrides.insecure_skip_tls_verify = true;
  config =
      loadText(kubeconfig("server: 'https://h', certificate-authority-data: " + encodeBase64("CA"), ""), overrides);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->tls.insecure_skip_verify);
  EXPECT_EQ(config->tls.ca_pem, "");
}

TEST_F(ConfigTest, AServerAloneIsEnough) {
  ConfigOverrides overrides;
  overrides.server = "localhost:8080";
  auto config = load(overrides);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_FALSE(config->origin.tls);
  EXPECT_EQ(config->origin.port, 8080);
  overrides.insecure_skip_tls_verify = true;
  config = load(overrides);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->origin.tls);
}

TEST_F(ConfigTest, ReadsCredentialPlugins) {
  const auto config =
      loadText(kubeconfig("server: 'https://h', certificate-authority-data: Q0E=",
                          R"(exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: ./bin/plugin,
      args: [get, token], env: [{name: A, value: b}], installHint: install it, interactiveMode: Never, provideClusterInfo: true})"));
  ASSERT_TRUE(config) << config.error().message;
  ASSERT_TRUE(config->exec);
  EXPECT_EQ(config->exec->api_version, "client.authentication.k8s.io/v1beta1");
  EXPECT_EQ(config->exec->command, folder + "/bin/plugin");
  EXPECT_EQ(config->exec->args, (std::vector<std::string>{"get", "token"}));
  EXPECT_EQ(config->exec->env, (std::vector<std::pair<std::string, std::string>>{{"A", "b"}}));
  EXPECT_EQ(config->exec->install_hint, "install it");
  EXPECT_EQ(config->exec->interactive_mode, "Never");
  EXPECT_EQ(config->exec->cluster_info, R"({"server":"https://h","certificate-authority-data":"Q0E="})");
}

TEST_F(ConfigTest, UsesTheServiceAccountOfAPod) {
  environment_variables["KUBERNETES_SERVICE_HOST"] = "fd00::1";
  environment_variables["KUBERNETES_SERVICE_PORT"] = "6443";
  EXPECT_NE(refusal(load(), ErrorCode::not_found), "no error");  // no token: not in a pod
  write("serviceaccount/token", "pod token");
  write("serviceaccount/ca.crt", "POD CA");
  write("serviceaccount/namespace", "argo-rollouts");
  const auto config = load();
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->origin.tls);
  EXPECT_EQ(config->origin.host, "fd00::1");
  EXPECT_EQ(config->origin.port, 6443);
  EXPECT_EQ(config->token_file, folder + "/serviceaccount/token");
  EXPECT_EQ(config->tls.ca_pem, "POD CA");
  EXPECT_EQ(config->ns, "argo-rollouts");
  EXPECT_EQ(config->description, "the pod's service account");
  // A kubeconfig goes before it.
  write("home/.kube/config", kubeconfig("server: 'https://home'", ""));
  EXPECT_EQ(load()->origin.host, "home");
}

// --- bad input ---

TEST_F(ConfigTest, NamesAKubeconfigThatDoesNotExist) {
  ConfigOverrides overrides;
  overrides.kubeconfig = folder + "/nowhere";
  EXPECT_EQ(refusal(load(overrides), ErrorCode::not_found), "kubeconfig DIR/nowhere: No such file or directory");
  overrides.kubeconfig = folder;
  EXPECT_EQ(refusal(load(overrides)), "kubeconfig DIR: Is a directory");
}

TEST_F(ConfigTest, SaysWhereItLookedWhenNothingIsConfigured) {
  environment_variables["KUBECONFIG"] = folder + "/nowhere";
  EXPECT_EQ(refusal(load(), ErrorCode::not_found),
            "no cluster is configured: looked for --kubeconfig, $KUBECONFIG, ~/.kube/config and the service account of "
            "a pod");
}

TEST_F(ConfigTest, NamesWhatIsWrong) {
  const std::string exec = "exec: {apiVersion: client.authentication.k8s.io/v1, command: x}";
  const struct {
    std::string text, message;
  } cases[] = {
      {"a: [", "DIR/config: yaml-cpp: error at line 1, column 1: end of sequence flow not found"},
      {"just text", "DIR/config: not a kubeconfig: it must be a mapping"},
      {"", "kubeconfig DIR/config: no current-context is set, and no --context is given"},
      {"current-context: x", "kubeconfig DIR/config: context \"x\" does not exist"},
      {"current-context: [x]", "DIR/config: current-context must be a string"},
      {"clusters: {c: d}", "DIR/config: clusters must be a list"},
      {"clusters: [c]", "DIR/config: clusters must be a list of mappings"},
      {"clusters: [{name: c, cluster: text}]", "DIR/config: clusters: cluster must be a mapping"},
      {"current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]",
       "kubeconfig DIR/config: cluster \"c\" does not exist"},
      {"current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: "
       "{server: 'http://h'}}]",
       "kubeconfig DIR/config: user \"u\" does not exist"},
      {kubeconfig("", ""), "DIR/config: cluster \"c1\": server is missing"},
      {kubeconfig("server: 'https://h', insecure-skip-tls-verify: perhaps", ""),
       "DIR/config: cluster \"c1\": insecure-skip-tls-verify must be true or false"},
      {kubeconfig("server: 'https://h', insecure-skip-tls-verify: true, certificate-authority-data: Q0E=", ""),
       "DIR/config: cluster \"c1\": insecure-skip-tls-verify contradicts a certificate-authority"},
      {kubeconfig("server: 'https://h', certificate-authority: ca.crt", ""),
       "DIR/config: cluster \"c1\": certificate-authority DIR/ca.crt can't be read: No such file or directory"},
      {kubeconfig("server: 'https://h', certificate-authority-data: '%'", ""),
       "DIR/config: cluster \"c1\": certificate-authority-data is not base64"},
      {kubeconfig("server: 'https://h', proxy-url: 'http://p:3128'", ""),
       "DIR/config: cluster \"c1\": proxy-url is not supported: set HTTPS_PROXY"},
      {kubeconfig("server: 'https://h'", "client-certificate-data: Q0E="),
       "DIR/config: user \"u1\": client-certificate and client-key must both be given"},
      {kubeconfig("server: 'https://h'", "auth-provider: {name: gcp}"),
       "DIR/config: user \"u1\": auth-provider is not supported: use an exec plugin (users[].user.exec)"},
      {kubeconfig("server: 'https://h'", "exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: x}"),
       "DIR/config: user \"u1\": exec: apiVersion \"client.authentication.k8s.io/v1alpha1\" is not supported: "
       "client.authentication.k8s.io/v1 and v1beta1 are"},
      {kubeconfig("server: 'https://h'", "exec: {apiVersion: client.authentication.k8s.io/v1}"),
       "DIR/config: user \"u1\": exec: command is missing"},
      {kubeconfig("server: 'https://h'", "as-groups: text"), "DIR/config: user \"u1\": as-groups must be a list"},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(refusal(loadText(text)), message) << text;
  EXPECT_TRUE(refusal(loadText(kubeconfig("server: 'ftp://h'", "")))
                  .starts_with("context \"main\" of DIR/config: server \"ftp://h\": "));
}

TEST_F(ConfigTest, NamesTheFlagThatIsWrong) {
  const std::string text = kubeconfig("server: 'https://h'", "");
  ConfigOverrides overrides;
  overrides.context = "nope";
  EXPECT_EQ(refusal(loadText(text, overrides)), "kubeconfig DIR/config: context \"nope\" does not exist");
  overrides = {};
  overrides.cluster = "nope";
  EXPECT_EQ(refusal(loadText(text, overrides)), "kubeconfig DIR/config: cluster \"nope\" does not exist");
  overrides = {};
  overrides.certificate_authority = folder + "/none";
  EXPECT_EQ(refusal(loadText(text, overrides)),
            "--certificate-authority: DIR/none can't be read: No such file or directory");
}

}  // namespace
}  // namespace crossfade::kube
