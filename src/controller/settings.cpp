#include "controller/settings.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <charconv>

namespace crossfade::controller {
namespace {

constexpr int minimum_slots = 64;

Result<log::Level> parseLevel(std::string_view text) {
  if (text == "trace" || text == "debug") return log::Level::debug;
  if (text == "info") return log::Level::info;
  if (text == "warn" || text == "warning") return log::Level::warn;
  if (text == "error" || text == "fatal" || text == "panic") return log::Level::error;
  return fail(ErrorCode::invalid, fmt::format("not a valid logrus Level: \"{}\"", text));
}

std::string lowerCase(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Flags that belong to routers and parts that read them from here once they exist, and flags of the reference that
// need no counterpart: there is no client-side rate limit, and one event loop instead of workers.
struct Unused {
  std::string group_binding, alb_tag, ingress, pprof, gateway_mode, aws_region;
  std::vector<std::string> alb_classes, nginx_classes;
  double qps = 40;
  int burst = 80, klog = 0, experiment = 10, ingress_threads = 10, ephemeral = 10;
  bool aws_verify = false, self_service = false;
  std::vector<std::string> positional;
};

// The kinds that routers work on. spec/05 §1.9.
struct RouterFlags {
  std::string ambassador = "getambassador.io/v2", traefik = "traefik.io/v1alpha1";
};

void addRouters(CLI::App& app, traffic::RouterSettings& routers, RouterFlags& flags) {
  app.add_option("--istio-api-version", routers.istio_version, "Version in networking.istio.io/<version>")
      ->capture_default_str();
  app.add_option("--ambassador-api-version", flags.ambassador, "Group and version of Mappings")->capture_default_str();
  app.add_option("--traffic-split-api-version", routers.traffic_split_version, "Version in split.smi-spec.io/<version>")
      ->capture_default_str();
  app.add_option("--traefik-api-group", routers.traefik_group, "Group of TraefikServices")->capture_default_str();
  app.add_option("--traefik-api-version", flags.traefik, "Version of TraefikServices")->capture_default_str();
  app.add_option("--appmesh-crd-version", routers.app_mesh_version, "Version in appmesh.k8s.aws/<version>")
      ->capture_default_str();
}

// "v2" and "getambassador.io/v2" are the same; of Traefik's only what stands behind the last slash counts.
void readRouters(traffic::RouterSettings& routers, const RouterFlags& flags) {
  const std::size_t slash = flags.ambassador.find('/');
  if (slash == std::string::npos) {
    routers.ambassador_version = flags.ambassador;
  } else {
    routers.ambassador_group = flags.ambassador.substr(0, slash);
    routers.ambassador_version = flags.ambassador.substr(slash + 1);
  }
  routers.traefik_version = flags.traefik.substr(flags.traefik.rfind('/') + 1);
}

void addUnused(CLI::App& app, Unused& unused) {
  app.add_option("--qps", unused.qps, "Accepted; the API server's own limits apply");
  app.add_option("--burst", unused.burst, "Accepted; the API server's own limits apply");
  app.add_option("--kloglevel", unused.klog, "Accepted");
  app.add_option("--experiment-threads", unused.experiment, "Accepted");
  app.add_option("--ingress-threads", unused.ingress_threads, "Accepted");
  app.add_option("--ephemeral-metadata-threads", unused.ephemeral, "Accepted");
  app.add_option("--aws-target-group-binding-api-version", unused.group_binding, "apiVersion of TargetGroupBindings");
  app.add_option("--alb-tag-key-resource-id", unused.alb_tag, "AWS tag that holds the ingress resource id");
  app.add_flag("--aws-verify-target-group", unused.aws_verify, "Verify target groups before advancing");
  app.add_option("--aws-region", unused.aws_region, "Accepted");
  app.add_option("--ingress-api-version", unused.ingress,
                 "extensions/v1beta1 or networking/v1; empty: by the server's version");
  app.add_option("--alb-ingress-classes", unused.alb_classes, "Ingress class treated as ALB (repeatable)")
      ->allow_extra_args(false);
  app.add_option("--nginx-ingress-classes", unused.nginx_classes, "Ingress class treated as NGINX (repeatable)")
      ->allow_extra_args(false);
  app.add_flag("--self-service-notification-enabled", unused.self_service,
               "Notification configuration in every namespace");
  app.add_option("--enable-pprof-address", unused.pprof, "Accepted; there is no profile to serve");
  app.add_option("--gateway-api-mode", unused.gateway_mode, "native")->check(CLI::IsMember({"native"}));
  app.add_option("arguments", unused.positional, "Ignored")->group("");
}

void addCluster(CLI::App& app, ClusterFlags& flags) {
  app.add_option("--kubeconfig", flags.kubeconfig,
                 "Path to a kubeconfig; else $KUBECONFIG, ~/.kube/config, in-cluster");
  app.add_option("--context", flags.context, "Context of the kubeconfig");
  app.add_option("--cluster", flags.cluster, "Cluster of the kubeconfig");
  app.add_option("--user", flags.user, "User of the kubeconfig");
  app.add_option("--server,-s", flags.server, "Address of the API server");
  app.add_option("--token", flags.token, "Bearer token");
  app.add_option("--username", flags.username, "Basic authentication");
  app.add_option("--password", flags.password, "Basic authentication");
  app.add_option("--certificate-authority", flags.certificate_authority, "Path to a CA certificate");
  app.add_option("--client-certificate", flags.client_certificate, "Path to a client certificate");
  app.add_option("--client-key", flags.client_key, "Path to a client key");
  app.add_option("--tls-server-name", flags.tls_server_name, "Name to check in the server's certificate");
  app.add_option("--proxy-url", flags.proxy_url, "HTTP proxy to the API server");
  app.add_option("--request-timeout", flags.request_timeout, "Longest time of one request (\"0\": no limit)");
  app.add_option("--as", flags.as_user, "User to impersonate");
  app.add_option("--as-uid", flags.as_uid, "UID to impersonate");
  app.add_option("--as-group", flags.as_groups, "Group to impersonate (repeatable)")->allow_extra_args(false);
  app.add_flag("--insecure-skip-tls-verify", flags.insecure_skip_tls_verify, "Don't check the server's certificate");
  app.add_flag("--disable-compression", flags.disable_compression, "Accepted");
}

CommandLine failed(const CLI::App& app, CommandLine line, const std::string& message, bool usage) {
  line.err += usage ? fmt::format("Error: {}\n{}\n", message, app.help()) : fmt::format("{}\n", message);
  if (usage) line.out += message + "\n";
  line.exit_code = 1;
  return line;
}

}  // namespace

std::string Settings::instanceSelector() const {
  constexpr std::string_view key = "argo-rollouts.argoproj.io/controller-instance-id";
  return instance_id.empty() ? fmt::format("!{}", key) : fmt::format("{}={}", key, instance_id);
}

std::string Settings::leaseName() const {
  std::string name = "argo-rollouts-controller-lock";
  if (!instance_id.empty()) name += "-" + instance_id;
  // The analysis-only mode may run next to a full controller. spec/11 §1.5.
  if (analysis_only) name += "-analysis";
  return name;
}

Result<> Settings::validate() const {
  if (!leader_elect) return {};
  if (controller_namespace.empty()) return fail(ErrorCode::invalid, "Error LeaderElectionNamespace is empty");
  if (lease_duration <= Duration::zero() || renew_deadline <= Duration::zero() || retry_period <= Duration::zero()) {
    return fail(ErrorCode::invalid,
                "leader election: lease duration, renew deadline and retry period must be greater than zero");
  }
  if (lease_duration <= renew_deadline)
    return fail(ErrorCode::invalid, "leaseDuration must be greater than renewDeadline");
  if (renew_deadline * 10 <= retry_period * 12)
    return fail(ErrorCode::invalid, "renewDeadline must be greater than retryPeriod*JitterFactor");
  return {};
}

CommandLine parseCommandLine(const std::vector<std::string>& arguments, const Environment& environment,
                             std::string_view service_account_namespace) {
  CommandLine line;
  ProcessSettings& process = line.settings;
  Settings& settings = process.controller;
  CLI::App app("The progressive-delivery controller.", "crossfade controller");
  app.set_help_flag("--help,-h", "Print this help");

  std::int64_t resync = 900;
  std::string level = "info", format, lease = "15s", renew = "10s", retry = "2s";
  int rollout_threads = 10, analysis_threads = 30, service_threads = 10;
  bool deprecated_weight = false, version = false;
  std::vector<std::string> controllers;
  Unused unused;

  app.add_option("--rollout-resync", resync, "Seconds after which every object is looked at again")
      ->capture_default_str();
  app.add_flag("--namespaced", process.namespaced, "Watch one namespace only");
  app.add_option("--namespace,-n", process.cluster.ns, "The namespace to watch with --namespaced");
  app.add_option("--loglevel", level, "panic, fatal, error, warn, info, debug, trace")->capture_default_str();
  app.add_option("--logformat", format, "text or json");
  app.add_option("--metricsPort", process.metrics_port, "Port of /metrics")->capture_default_str();
  auto* metrics_alias =
      app.add_option("--metricsport", process.metrics_port, "Deprecated: use --metricsPort")->group("");
  app.add_option("--healthzPort", process.healthz_port, "Port of /healthz")->capture_default_str();
  app.add_option("--instance-id", settings.instance_id, "Only act on objects with this instance label");
  app.add_option("--rollout-threads", rollout_threads, "Rollouts reconciled at once, at least 64");
  app.add_option("--analysis-threads", analysis_threads, "AnalysisRuns reconciled at once, at least 64");
  app.add_option("--service-threads", service_threads, "Services reconciled at once, at least 64");
  app.add_option("--ephemeral-metadata-update-pod-retries", settings.pod_attempts,
                 "Attempts to bring ephemeral metadata onto a pod")
      ->capture_default_str();
  auto* weight_alias =
      app.add_flag("--alb-verify-weight", deprecated_weight, "Deprecated: use --aws-verify-target-group")->group("");
  app.add_flag("--leader-elect", settings.leader_elect, "Run only while holding the lease");
  app.add_option("--leader-election-lease-duration", lease, "")->capture_default_str();
  app.add_option("--leader-election-renew-deadline", renew, "")->capture_default_str();
  app.add_option("--leader-election-retry-period", retry, "")->capture_default_str();
  app.add_option("--controllers", controllers, "Only these controllers: analysis")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_flag("--version", version, "Print the version");
  RouterFlags routers;
  addRouters(app, settings.routers, routers);
  addUnused(app, unused);
  addCluster(app, process.cluster);

  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    line.out = app.help();
    line.exit_code = 0;
    return line;
  } catch (const CLI::ParseError& error) {
    return failed(app, std::move(line), error.what(), true);
  }
  if (version) {
    line.out = settings.version + "\n";
    line.exit_code = 0;
    return line;
  }
  readRouters(settings.routers, routers);
  if (metrics_alias->count() > 0) line.err += "Flag --metricsport has been deprecated, use --metricsPort instead\n";
  if (weight_alias->count() > 0)
    line.err += "Flag --alb-verify-weight has been deprecated, Use --aws-verify-target-group instead\n";

  const auto log_level = parseLevel(level);
  if (!log_level) return failed(app, std::move(line), log_level.error().message, false);
  process.log_level = *log_level;
  if (lowerCase(format) == "json") {
    process.log_format = log::Format::json;
  } else if (!format.empty() && lowerCase(format) != "text") {
    process.unknown_log_format = format;
  }
  for (const auto& [text, target, flag] :
       {std::tuple(&lease, &settings.lease_duration, "leader-election-lease-duration"),
        std::tuple(&renew, &settings.renew_deadline, "leader-election-renew-deadline"),
        std::tuple(&retry, &settings.retry_period, "leader-election-retry-period")}) {
    const auto parsed = parseGoDuration(*text);
    if (!parsed)
      return failed(
          app, std::move(line),
          fmt::format("invalid argument \"{}\" for \"--{}\" flag: time: invalid duration \"{}\"", *text, flag, *text),
          true);
    *target = *parsed;
  }
  for (const std::string& name : controllers) {
    if (name != "analysis") return failed(app, std::move(line), "unsupported controller: " + name, false);
    settings.analysis_only = true;
  }
  settings.resync = seconds(std::max<std::int64_t>(resync, 1));
  settings.rollout_slots = std::max(rollout_threads, minimum_slots);
  settings.analysis_slots = std::max(analysis_threads, minimum_slots);
  settings.service_slots = std::max(service_threads, minimum_slots);

  if (auto pod_namespace = environment("POD_NAMESPACE")) {
    settings.controller_namespace = *pod_namespace;
  } else if (!service_account_namespace.empty()) {
    settings.controller_namespace = service_account_namespace;
  }
  if (auto text = environment("ROLLOUT_VERIFY_RETRY_INTERVAL")) {
    int value = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
    if (error == std::errc() && end == text->data() + text->size() && value > 0)
      settings.verify_retry_interval = seconds(value);
  }
  settings.prometheus_address = environment("ARGO_ROLLOUTS_PROMETHEUS_ADDRESS").value_or("");
  settings.job_namespace = environment("ARGO_ROLLOUTS_ANALYSIS_JOB_NAMESPACE").value_or("");
  process.job_kubeconfig = environment("ARGO_ROLLOUTS_ANALYSIS_JOB_KUBECONFIG").value_or("");
  settings.hostname = environment("HOSTNAME").value_or("crossfade");
  if (auto valid = settings.validate(); !valid) return failed(app, std::move(line), valid.error().message, false);
  return line;
}

}  // namespace crossfade::controller
