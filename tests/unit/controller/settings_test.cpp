#include "controller/settings.hpp"

#include <gtest/gtest.h>

namespace crossfade::controller {
namespace {

CommandLine parse(std::vector<std::string> arguments, std::map<std::string, std::string, std::less<>> environment = {},
                  std::string_view account = {}) {
  return parseCommandLine(
      arguments,
      [&](std::string_view name) -> std::optional<std::string> {
        const auto found = environment.find(name);
        if (found == environment.end()) return std::nullopt;
        return found->second;
      },
      account);
}

TEST(SettingsTest, Defaults) {
  const auto line = parse({});
  ASSERT_FALSE(line.exit_code) << line.err;
  const Settings& settings = line.settings.controller;
  EXPECT_EQ(settings.controller_namespace, "argo-rollouts");
  EXPECT_EQ(settings.resync, seconds(900));
  EXPECT_TRUE(settings.leader_elect);
  EXPECT_EQ(settings.lease_duration, seconds(15));
  EXPECT_EQ(line.settings.metrics_port, 8090);
  EXPECT_EQ(line.settings.healthz_port, 8080);
  EXPECT_GE(settings.rollout_slots, 64);
  EXPECT_EQ(settings.instanceSelector(), "!argo-rollouts.argoproj.io/controller-instance-id");
  EXPECT_EQ(settings.leaseName(), "argo-rollouts-controller-lock");
}

TEST(SettingsTest, EveryFlagOfTheReferenceIsAccepted) {  // spec/11 §1.2: manifests in the wild set them
  const auto line = parse({"positional",
                           "--rollout-resync",
                           "60",
                           "--namespaced",
                           "-n",
                           "ns",
                           "--loglevel=debug",
                           "--logformat",
                           "JSON",
                           "--kloglevel",
                           "4",
                           "--metricsport",
                           "1",
                           "--healthzPort",
                           "2",
                           "--instance-id",
                           "x",
                           "--qps",
                           "40.5",
                           "--burst",
                           "80",
                           "--rollout-threads",
                           "200",
                           "--experiment-threads",
                           "1",
                           "--analysis-threads",
                           "1",
                           "--service-threads",
                           "1",
                           "--ingress-threads",
                           "1",
                           "--ephemeral-metadata-threads",
                           "1",
                           "--ephemeral-metadata-update-pod-retries",
                           "1",
                           "--aws-target-group-binding-api-version",
                           "v",
                           "--alb-tag-key-resource-id",
                           "k",
                           "--aws-verify-target-group",
                           "--alb-verify-weight=true",
                           "--istio-api-version",
                           "v1",
                           "--ambassador-api-version",
                           "v",
                           "--traffic-split-api-version",
                           "v",
                           "--traefik-api-group",
                           "g",
                           "--traefik-api-version",
                           "v",
                           "--appmesh-crd-version",
                           "v",
                           "--ingress-api-version",
                           "networking/v1",
                           "--alb-ingress-classes",
                           "a",
                           "--alb-ingress-classes",
                           "b,c",
                           "--nginx-ingress-classes",
                           "n",
                           "--leader-elect=false",
                           "--leader-election-lease-duration",
                           "20s",
                           "--leader-election-renew-deadline",
                           "15s",
                           "--leader-election-retry-period",
                           "1m30s",
                           "--self-service-notification-enabled",
                           "--enable-pprof-address",
                           ":6060",
                           "--kubeconfig",
                           "/k",
                           "--as",
                           "u",
                           "--as-group",
                           "g1",
                           "--as-group",
                           "g2",
                           "--context",
                           "c",
                           "--insecure-skip-tls-verify=false",
                           "--server",
                           "https://x",
                           "--request-timeout",
                           "0"});
  ASSERT_FALSE(line.exit_code) << line.err;
  EXPECT_EQ(line.err,
            "Flag --metricsport has been deprecated, use --metricsPort instead\n"
            "Flag --alb-verify-weight has been deprecated, Use --aws-verify-target-group instead\n");
  EXPECT_EQ(line.settings.metrics_port, 1);
  EXPECT_EQ(line.settings.log_level, log::Level::debug);
  EXPECT_EQ(line.settings.log_format, log::Format::json);
  EXPECT_FALSE(line.settings.controller.leader_elect);
  EXPECT_EQ(line.settings.controller.rollout_slots, 200);
  EXPECT_EQ(line.settings.controller.resync, seconds(60));
  EXPECT_EQ(line.settings.cluster.as_groups, (std::vector<std::string>{"g1", "g2"}));
  EXPECT_EQ(line.settings.controller.leaseName(), "argo-rollouts-controller-lock-x");
  EXPECT_EQ(line.settings.controller.instanceSelector(), "argo-rollouts.argoproj.io/controller-instance-id=x");
}

TEST(SettingsTest, BadInput) {
  const auto unknown = parse({"--no-such-flag"});
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_TRUE(unknown.err.starts_with("Error: ")) << unknown.err;
  EXPECT_FALSE(unknown.out.empty());
  EXPECT_EQ(parse({"--metricsPort", "abc"}).exit_code, 1);
  EXPECT_EQ(parse({"--loglevel", "loud"}).err, "not a valid logrus Level: \"loud\"\n");
  EXPECT_EQ(parse({"--controllers", "rollout"}).err, "unsupported controller: rollout\n");
  EXPECT_EQ(parse({"--leader-election-lease-duration", "5s"}).exit_code, 1);
  EXPECT_EQ(parse({"--leader-election-retry-period", "9s"}).exit_code, 1);  // 10 s must exceed 1.2 x 9 s
  EXPECT_EQ(parse({"--leader-election-retry-period", "soon"}).exit_code, 1);
  EXPECT_EQ(parse({"--logformat", "xml"}).settings.unknown_log_format, "xml");
}

TEST(SettingsTest, VersionAndHelp) {
  EXPECT_EQ(parse({"--version"}).exit_code, 0);
  EXPECT_TRUE(parse({"--version"}).out.starts_with("v"));
  EXPECT_EQ(parse({"--help"}).exit_code, 0);
}

TEST(SettingsTest, WhereMetricsAreTakenAndTheirJobsRun) {  // spec/08 §4.1, §9.1
  const auto line = parse({}, {{"ARGO_ROLLOUTS_PROMETHEUS_ADDRESS", "http://prom"},
                               {"ARGO_ROLLOUTS_ANALYSIS_JOB_NAMESPACE", "jobs"},
                               {"ARGO_ROLLOUTS_ANALYSIS_JOB_KUBECONFIG", "/etc/other"}});
  EXPECT_EQ(line.settings.controller.prometheus_address, "http://prom");
  EXPECT_EQ(line.settings.controller.job_namespace, "jobs");
  EXPECT_EQ(line.settings.job_kubeconfig, "/etc/other");
  EXPECT_EQ(parse({}).settings.job_kubeconfig, "");
}

TEST(SettingsTest, ControllerNamespace) {  // spec/11 §1.3
  EXPECT_EQ(parse({}, {{"POD_NAMESPACE", "a"}}, "b").settings.controller.controller_namespace, "a");
  EXPECT_EQ(parse({}, {}, "b").settings.controller.controller_namespace, "b");
  EXPECT_EQ(parse({}, {{"POD_NAMESPACE", ""}}, "b").err, "Error LeaderElectionNamespace is empty\n");
  EXPECT_FALSE(parse({"--leader-elect=false"}, {{"POD_NAMESPACE", ""}}, "b").exit_code);
}

TEST(SettingsTest, VerifyRetryInterval) {  // spec/11 §1.3: a valid number wins, anything else keeps the default
  // spec/03 §18 defect: what can be read counts.
  // spec/01 §10.3 D8
  EXPECT_EQ(parse({}, {{"ROLLOUT_VERIFY_RETRY_INTERVAL", "30"}}).settings.controller.verify_retry_interval,
            seconds(30));
  for (const char* text : {"0", "-5", "", "99999999999"})
    EXPECT_EQ(parse({}, {{"ROLLOUT_VERIFY_RETRY_INTERVAL", text}}).settings.controller.verify_retry_interval,
              seconds(10))
        << text;
  // spec/04 §32 #22
  EXPECT_EQ(parse({}, {{"ROLLOUT_VERIFY_RETRY_INTERVAL", "3"}}).settings.controller.verify_retry_interval, seconds(3));
  EXPECT_EQ(parse({}, {{"ROLLOUT_VERIFY_RETRY_INTERVAL", "3s"}}).settings.controller.verify_retry_interval,
            seconds(10));
}

TEST(SettingsTest, AnalysisOnlyHasItsOwnLease) {  // spec/11 §1.5
  EXPECT_EQ(parse({"--controllers", "analysis"}).settings.controller.leaseName(),
            "argo-rollouts-controller-lock-analysis");
}

}  // namespace
}  // namespace crossfade::controller
