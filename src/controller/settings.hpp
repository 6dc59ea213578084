// What an operator can set about the controller: `crossfade controller`'s flags and environment. spec/11 §1.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "kube/config.hpp"
#include "traffic/builtin.hpp"

namespace crossfade::controller {

// What the controller itself needs: values only, nothing of the machine that it runs on.
struct Settings {
  std::string watch_namespace;                         // empty: all namespaces
  std::string controller_namespace = "argo-rollouts";  // where the lease lives
  std::string instance_id;                             // act only on objects with that label; empty: only without it
  std::string hostname = "crossfade";                  // first half of the leader's identity
  std::string version = "v0.1.0";
  bool analysis_only = false;  // --controllers analysis

  bool leader_elect = true;
  Duration lease_duration = seconds(15);
  Duration renew_deadline = seconds(10);
  Duration retry_period = seconds(2);

  Duration resync = seconds(900);  // every object is looked at again at least this often
  Duration verify_retry_interval = seconds(10);
  int pod_attempts = 3;  // to write ephemeral metadata onto a pod
  // Reconciles in flight at once, by kind. The flags of the reference (10, 30) are lower bounds that its workers need;
  // coroutines cost nothing, so these never go below 64.
  bool trims_heap = false;  // the whole process is the controller: memory goes back to the system
  int rollout_slots = 64;
  int analysis_slots = 64;
  int service_slots = 64;

  std::string prometheus_address;  // default for analysis: ARGO_ROLLOUTS_PROMETHEUS_ADDRESS
  std::string job_namespace;       // ARGO_ROLLOUTS_ANALYSIS_JOB_NAMESPACE; empty: the run's

  traffic::RouterSettings routers;  // the kinds of routers' objects

  // The label selector that says which of our custom resources are ours. spec/11 §3.2.
  std::string instanceSelector() const;
  // The Lease's name. spec/11 §1.5, §2.
  std::string leaseName() const;
  // Fails in words for an operator when the leader election's times can't work. spec/11 §2.
  Result<> validate() const;
};

// How to reach the API server: the standard kubeconfig overrides, and two that are accepted without effect.
struct ClusterFlags : kube::ConfigOverrides {
  std::string request_timeout;
  bool disable_compression = false;
};

// What the process around the controller needs besides.
struct ProcessSettings {
  Settings controller;
  ClusterFlags cluster;
  // Where the Jobs of metrics run: a kubeconfig's path or "in-cluster"; empty: in the cluster of everything else.
  std::string job_kubeconfig;
  bool namespaced = false;
  log::Level log_level = log::Level::info;
  log::Format log_format = log::Format::text;
  std::string unknown_log_format;  // said in the log, then text
  int metrics_port = 8090;
  int healthz_port = 8080;
};

// The outcome of parsing: either settings to run with, or `exit_code` and what to print.
struct CommandLine {
  ProcessSettings settings;
  std::optional<int> exit_code;
  std::string out, err;  // to be printed in any case (deprecation notes go to err)
};

using Environment = std::function<std::optional<std::string>(std::string_view)>;

// Parses the arguments behind the command's name. `environment` looks up variables; `service_account_namespace` is the
// content of the in-cluster namespace file, empty when there is none.
CommandLine parseCommandLine(const std::vector<std::string>& arguments, const Environment& environment,
                             std::string_view service_account_namespace = {});

}  // namespace crossfade::controller
