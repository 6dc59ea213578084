// Where the cluster is and who we are: kubeconfig files and the identity of a pod.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "net/http.hpp"

namespace crossfade::kube {

// The standard overrides of a kubeconfig (kubectl's global flags); empty members don't override.
struct ConfigOverrides {
  std::string kubeconfig, context, cluster, user, server, token, username, password, ns;
  std::string certificate_authority, client_certificate, client_key, tls_server_name, proxy_url;
  std::string as_user, as_uid;
  std::vector<std::string> as_groups;
  bool insecure_skip_tls_verify = false;
};

struct Config {
  net::Origin origin;
  net::TlsOptions tls;
  std::string proxy_url;       // "" : what the environment says (see net::Dialer)
  std::string ns = "default";  // of the context, the flag, or the pod
  // At most one of these is used, in this order.
  std::string token;
  std::string token_file;  // read again at most once a minute (bound service-account tokens rotate)
  std::string username, password;
  // An exec credential plugin (kubeconfig users[].user.exec): run when a credential is needed or a 401 came.
  struct Exec {
    std::string api_version, command;
    std::vector<std::string> args;
    std::vector<std::pair<std::string, std::string>> env;
    std::string interactive_mode = "IfAvailable";  // or "Never", "Always"
    std::string install_hint;                      // for the message when the command does not exist
    std::string cluster_info;                      // JSON of spec.cluster; empty unless provideClusterInfo
  };
  std::optional<Exec> exec;
  std::string as_user, as_uid;
  std::vector<std::string> as_groups;
  std::string description;  // for messages: "context \"x\" of /home/…/config", "the pod's service account"
};

using Environment = std::function<std::optional<std::string>(std::string_view)>;

// As kubectl does it: --kubeconfig, else $KUBECONFIG (a list of files, merged, first one wins), else ~/.kube/config;
// where none of them exists and the process runs in a pod, the pod's service account; else http://localhost:8080 is not
// assumed: an error says what was looked for. A file named explicitly must exist: `not_found` names it. A missing
// context, cluster or user, bad YAML, unreadable certificate files: `invalid` with file, context and field.
// `service_account` is the folder where a pod finds its token, ca.crt and namespace.
Result<Config> loadConfig(const ConfigOverrides& overrides, const Environment& environment,
                          const std::string& service_account = "/var/run/secrets/kubernetes.io/serviceaccount");

}  // namespace crossfade::kube
