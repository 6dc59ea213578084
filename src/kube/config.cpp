#include "kube/config.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/base64.hpp"
#include "base/json.hpp"

namespace crossfade::kube {

namespace {

namespace fs = std::filesystem;

Result<std::string> readFile(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text;
  std::array<char, 4096> piece;
  // read() fails, instead of throwing, for a folder, which can be opened.
  while (file.read(piece.data(), piece.size()) || file.gcount() > 0) {
    text.append(piece.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (!file.is_open() || file.bad()) {
    return fail(errno == ENOENT ? ErrorCode::not_found : ErrorCode::invalid, std::strerror(errno));
  }
  return text;
}

bool exists(const std::string& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// One mapping of a kubeconfig, and where it stands: the first thing found wrong in it is kept for the message.
class Section {
 public:
  Section(const YAML::Node& node, std::string where, fs::path folder, std::shared_ptr<std::string> wrong)
      : node_(node), where_(std::move(where)), folder_(std::move(folder)), wrong_(std::move(wrong)) {}

  std::string text(const char* key) const {
    const YAML::Node value = member(key);
    if (!value || value.IsNull()) return {};
    if (!value.IsScalar()) return complain(key, "must be a string"), std::string();
    return value.Scalar();
  }
  bool flag(const char* key) const {
    bool value = false;
    const std::string text = this->text(key);
    if (!text.empty() && !YAML::convert<bool>::decode(YAML::Node(text), value)) complain(key, "must be true or false");
    return value;
  }
  std::vector<std::string> texts(const char* key) const {
    std::vector<std::string> values;
    for (const YAML::Node& value : sequence(key)) {
      if (value.IsScalar()) {
        values.push_back(value.Scalar());
      } else {
        complain(key, "must be a list of strings");
      }
    }
    return values;
  }
  // A file's path, relative to the folder of the kubeconfig.
  std::string path(const char* key) const {
    const std::string value = text(key);
    return value.empty() ? value : (folder_ / value).lexically_normal().string();
  }
  // The bytes of `key`-data (base64), else of the file that `key` names.
  std::string material(const char* key) const {
    const std::string data_key = std::string(key) + "-data";
    if (const std::string data = text(data_key.c_str()); !data.empty()) {
      auto bytes = decodeBase64(data);
      if (!bytes) complain(data_key, "is not base64");
      return bytes.value_or(std::string());
    }
    const std::string file = path(key);
    if (file.empty()) return {};
    auto bytes = readFile(file);
    if (!bytes) complain(key, fmt::format("{} can't be read: {}", file, bytes.error().message));
    return bytes.value_or(std::string());
  }
  Section child(const char* key) const {
    const YAML::Node value = member(key);
    if (value && !value.IsNull() && !value.IsMap()) complain(key, "must be a mapping");
    return {value && value.IsMap() ? value : YAML::Node(YAML::NodeType::Map), where_ + ": " + key, folder_, wrong_};
  }
  std::vector<Section> children(const char* key) const {
    std::vector<Section> all;
    for (const YAML::Node& value : sequence(key)) {
      if (value.IsMap()) {
        all.emplace_back(value, where_ + ": " + key, folder_, wrong_);
      } else {
        complain(key, "must be a list of mappings");
      }
    }
    return all;
  }
  // The same, called otherwise in messages.
  Section named(std::string where) const { return {node_, std::move(where), folder_, wrong_}; }
  bool has(const char* key) const {
    const YAML::Node value = member(key);
    return value && !value.IsNull();
  }
  void complain(std::string_view key, std::string_view what) const {
    if (wrong_->empty()) *wrong_ = fmt::format("{}: {} {}", where_, key, what);
  }

 private:
  YAML::Node member(const char* key) const {
    const YAML::Node& node = node_;  // the const operator[] does not insert
    return node[key];
  }
  std::vector<YAML::Node> sequence(const char* key) const {
    const YAML::Node value = member(key);
    if (!value || value.IsNull()) return {};
    if (!value.IsSequence()) {
      complain(key, "must be a list");
      return {};
    }
    return {value.begin(), value.end()};
  }

  YAML::Node node_;
  std::string where_;
  fs::path folder_;
  std::shared_ptr<std::string> wrong_;
};

// Several kubeconfig files as one: of entries with the same name, and of values, the first one counts.
struct Merged {
  std::vector<std::string> files;
  std::string current_context;
  std::map<std::string, Section> clusters, users, contexts;
  std::shared_ptr<std::string> wrong = std::make_shared<std::string>();  // see Section
};

Result<> mergeFile(const std::string& file, const std::string& text, Merged& merged) {
  YAML::Node root;
  try {
    root = YAML::Load(text);
  } catch (const YAML::Exception& error) {
    return fail(ErrorCode::invalid, fmt::format("{}: {}", file, error.what()));
  }
  merged.files.push_back(file);
  if (root.IsNull()) return {};
  if (!root.IsMap()) return fail(ErrorCode::invalid, fmt::format("{}: not a kubeconfig: it must be a mapping", file));
  const Section top(root, file, fs::path(file).parent_path(), merged.wrong);
  if (merged.current_context.empty()) merged.current_context = top.text("current-context");
  const auto take = [&](const char* list, const char* content, std::map<std::string, Section>& into) {
    for (const Section& entry : top.children(list)) {
      const std::string name = entry.text("name");
      into.try_emplace(name, entry.child(content).named(fmt::format("{}: {} \"{}\"", file, content, name)));
    }
  };
  take("clusters", "cluster", merged.clusters);
  take("users", "user", merged.users);
  take("contexts", "context", merged.contexts);
  if (!merged.wrong->empty()) return fail(ErrorCode::invalid, *merged.wrong);
  return {};
}

// Reads what the flag, $KUBECONFIG or the home folder names. No file at all is no error here.
Result<Merged> readKubeconfigs(const ConfigOverrides& overrides, const Environment& environment) {
  Merged merged;
  const bool named = !overrides.kubeconfig.empty();
  std::vector<std::string> files;
  if (named) {
    files.push_back(overrides.kubeconfig);
  } else if (const auto list = environment("KUBECONFIG"); list && !list->empty()) {
    std::istringstream parts(*list);
    for (std::string file; std::getline(parts, file, ':');) {
      if (!file.empty()) files.push_back(file);
    }
  } else if (const auto home = environment("HOME"); home && !home->empty()) {
    files.push_back(*home + "/.kube/config");
  }
  for (const std::string& file : files) {
    auto text = readFile(file);
    if (!text && text.error().code == ErrorCode::not_found && !named) continue;
    if (!text) return fail(text.error().code, fmt::format("kubeconfig {}: {}", file, text.error().message));
    if (auto read = mergeFile(file, *text, merged); !read) return fail(std::move(read.error()));
  }
  return merged;
}

// The JSON of a cluster as ExecCredential's spec.cluster has it.
std::string clusterInfo(const Config& config, const std::string& server) {
  json::object info{{"server", server}};
  if (!config.tls.server_name.empty()) info["tls-server-name"] = config.tls.server_name;
  if (config.tls.insecure_skip_verify) info["insecure-skip-tls-verify"] = true;
  if (!config.tls.ca_pem.empty()) info["certificate-authority-data"] = encodeBase64(config.tls.ca_pem);
  if (!config.proxy_url.empty()) info["proxy-url"] = config.proxy_url;
  return json::serialize(info);
}

Config::Exec readExec(const Section& exec) {
  Config::Exec plugin;
  plugin.api_version = exec.text("apiVersion");
  if (plugin.api_version != "client.authentication.k8s.io/v1" &&
      plugin.api_version != "client.authentication.k8s.io/v1beta1") {
    exec.complain("apiVersion", fmt::format("\"{}\" is not supported: client.authentication.k8s.io/v1 and v1beta1 are",
                                            plugin.api_version));
  }
  plugin.command = exec.text("command");
  if (plugin.command.empty()) exec.complain("command", "is missing");
  // A name is looked up in $PATH; a path is relative to the kubeconfig.
  if (plugin.command.contains('/')) plugin.command = exec.path("command");
  plugin.args = exec.texts("args");
  for (const Section& variable : exec.children("env"))
    plugin.env.emplace_back(variable.text("name"), variable.text("value"));
  plugin.install_hint = exec.text("installHint");
  if (const std::string mode = exec.text("interactiveMode"); !mode.empty()) plugin.interactive_mode = mode;
  return plugin;
}

void readUser(const Section& user, Config& config) {
  config.tls.client_cert_pem = user.material("client-certificate");
  config.tls.client_key_pem = user.material("client-key");
  if (config.tls.client_cert_pem.empty() != config.tls.client_key_pem.empty()) {
    user.complain("client-certificate and client-key", "must both be given");
  }
  config.token_file = user.path("tokenFile");
  if (config.token_file.empty()) config.token = user.text("token");
  config.username = user.text("username");
  config.password = user.text("password");
  if (user.has("exec")) config.exec = readExec(user.child("exec"));
  if (user.has("auth-provider")) {
    user.complain("auth-provider", "is not supported: use an exec plugin (users[].user.exec)");
  }
  config.as_user = user.text("as");
  config.as_uid = user.text("as-uid");
  config.as_groups = user.texts("as-groups");
}

// The flags that name files are relative to the working directory.
void readFlagFile(const std::string& path, const char* flag, std::string& into, std::string& wrong) {
  if (path.empty()) return;
  auto bytes = readFile(path);
  if (bytes) {
    into = std::move(*bytes);
  } else if (wrong.empty()) {
    wrong = fmt::format("--{}: {} can't be read: {}", flag, path, bytes.error().message);
  }
}

void overrideWith(std::string& value, const std::string& with) {
  if (!with.empty()) value = with;
}

void applyOverrides(const ConfigOverrides& overrides, Config& config, std::string& wrong) {
  if (!overrides.token.empty()) {
    config.token = overrides.token;
    config.token_file.clear();
    config.username.clear();
    config.exec.reset();
  }
  if (!overrides.username.empty()) {
    config.username = overrides.username;
    config.token.clear();
    config.token_file.clear();
    config.exec.reset();
  }
  overrideWith(config.password, overrides.password);
  overrideWith(config.ns, overrides.ns);
  overrideWith(config.tls.server_name, overrides.tls_server_name);
  overrideWith(config.proxy_url, overrides.proxy_url);
  overrideWith(config.as_user, overrides.as_user);
  overrideWith(config.as_uid, overrides.as_uid);
  if (!overrides.as_groups.empty()) config.as_groups = overrides.as_groups;
  readFlagFile(overrides.certificate_authority, "certificate-authority", config.tls.ca_pem, wrong);
  readFlagFile(overrides.client_certificate, "client-certificate", config.tls.client_cert_pem, wrong);
  readFlagFile(overrides.client_key, "client-key", config.tls.client_key_pem, wrong);
  if (overrides.insecure_skip_tls_verify) {
    config.tls.insecure_skip_verify = true;
    config.tls.ca_pem.clear();
  }
}

// A server without a scheme is HTTPS as soon as there is anything to do with TLS.
Result<net::Origin> serverOrigin(const std::string& server, const Config& config) {
  const net::TlsOptions& tls = config.tls;
  const bool secure =
      !tls.ca_pem.empty() || !tls.client_cert_pem.empty() || tls.insecure_skip_verify || !config.token.empty();
  auto origin = net::Origin::parse(server.contains("://") ? server : (secure ? "https://" : "http://") + server);
  if (!origin)
    return fail(ErrorCode::invalid,
                fmt::format("{}: server \"{}\": {}", config.description, server, origin.error().message));
  return origin;
}

// The section that a flag, else the context names; an empty one when neither does.
Result<Section> namedSection(const std::map<std::string, Section>& sections, const std::string& name,
                             std::string_view kind, const Merged& merged) {
  if (name.empty()) return Section(YAML::Node(YAML::NodeType::Map), "command line", fs::path(), merged.wrong);
  const auto found = sections.find(name);
  if (found != sections.end()) return found->second;
  return fail(ErrorCode::invalid,
              fmt::format("kubeconfig {}: {} \"{}\" does not exist", fmt::join(merged.files, ":"), kind, name));
}

const std::string& firstOf(const std::string& a, const std::string& b) { return a.empty() ? b : a; }

Result<Config> fromKubeconfig(const ConfigOverrides& overrides, const Merged& merged) {
  const std::string context_name = firstOf(overrides.context, merged.current_context);
  const std::string files = fmt::format("{}", fmt::join(merged.files, ":"));
  if (context_name.empty() && overrides.cluster.empty() && overrides.server.empty()) {
    return fail(ErrorCode::invalid,
                fmt::format("kubeconfig {}: no current-context is set, and no --context is given", files));
  }
  const auto context = namedSection(merged.contexts, context_name, "context", merged);
  if (!context) return fail(context.error());
  const auto cluster =
      namedSection(merged.clusters, firstOf(overrides.cluster, context->text("cluster")), "cluster", merged);
  if (!cluster) return fail(cluster.error());
  const auto user = namedSection(merged.users, firstOf(overrides.user, context->text("user")), "user", merged);
  if (!user) return fail(user.error());

  Config config;
  config.description =
      context_name.empty() ? "the command line" : fmt::format("context \"{}\" of {}", context_name, files);
  if (const std::string ns = context->text("namespace"); !ns.empty()) config.ns = ns;
  config.tls.ca_pem = cluster->material("certificate-authority");
  config.tls.insecure_skip_verify = cluster->flag("insecure-skip-tls-verify");
  config.tls.server_name = cluster->text("tls-server-name");
  config.proxy_url = cluster->text("proxy-url");
  readUser(*user, config);
  applyOverrides(overrides, config, *merged.wrong);
  const std::string server = firstOf(overrides.server, cluster->text("server"));
  if (server.empty()) cluster->complain("server", "is missing");
  if (config.tls.insecure_skip_verify && !config.tls.ca_pem.empty()) {
    cluster->complain("insecure-skip-tls-verify", "contradicts a certificate-authority");
  }
  if (!config.proxy_url.empty()) {
    // The transport knows only the environment's proxies; going past this one would be worse than stopping.
    cluster->complain("proxy-url", "is not supported: set HTTPS_PROXY");
  }
  if (!merged.wrong->empty()) return fail(ErrorCode::invalid, *merged.wrong);

  auto origin = serverOrigin(server, config);
  if (!origin) return fail(std::move(origin.error()));
  config.origin = std::move(*origin);
  if (config.exec && user->child("exec").flag("provideClusterInfo"))
    config.exec->cluster_info = clusterInfo(config, server);
  return config;
}

// The identity that Kubernetes gives every pod.
Result<Config> fromServiceAccount(const ConfigOverrides& overrides, const Environment& environment,
                                  const std::string& folder) {
  Config config;
  config.description = "the pod's service account";
  config.token_file = folder + "/token";
  std::string wrong;
  if (auto authority = readFile(folder + "/ca.crt")) {
    config.tls.ca_pem = std::move(*authority);
  } else {
    wrong = fmt::format("{}: {}/ca.crt can't be read: {}", config.description, folder, authority.error().message);
  }
  if (auto ns = readFile(folder + "/namespace"); ns && !ns->empty()) config.ns = std::move(*ns);
  applyOverrides(overrides, config, wrong);
  if (!wrong.empty()) return fail(ErrorCode::invalid, std::move(wrong));
  const std::string host = environment("KUBERNETES_SERVICE_HOST").value_or("");
  const std::string server = fmt::format("https://{}:{}", host.contains(':') ? "[" + host + "]" : host,
                                         environment("KUBERNETES_SERVICE_PORT").value_or("443"));
  auto origin = serverOrigin(server, config);
  if (!origin) return fail(std::move(origin.error()));
  config.origin = std::move(*origin);
  return config;
}

}  // namespace

Result<Config> loadConfig(const ConfigOverrides& overrides, const Environment& environment,
                          const std::string& service_account) {
  auto merged = readKubeconfigs(overrides, environment);
  if (!merged) return fail(std::move(merged.error()));
  if (!merged->files.empty() || !overrides.server.empty()) return fromKubeconfig(overrides, *merged);
  if (environment("KUBERNETES_SERVICE_HOST") && exists(service_account + "/token")) {
    return fromServiceAccount(overrides, environment, service_account);
  }
  return fail(ErrorCode::not_found,
              "no cluster is configured: looked for --kubeconfig, $KUBECONFIG, ~/.kube/config and the service account "
              "of a pod");
}

}  // namespace crossfade::kube
