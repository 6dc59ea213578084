// `crossfade local`: the embedded cluster as a process of its own.
#include <fmt/format.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "base/log.hpp"
#include "local/cluster.hpp"

namespace crossfade::local {

namespace {

struct CommandLine {
  ClusterOptions cluster;
  std::string kubeconfig = "crossfade-local.kubeconfig";
};

// The options, or the exit code with which the program is done: help was printed, or a complaint.
std::expected<CommandLine, int> parse(const std::vector<std::string>& arguments) {
  CommandLine line;
  GatewayOptions gateway;
  std::string ready_delay = "500ms";
  bool no_crds = false, no_gateway = false;
  CLI::App app("A Kubernetes cluster in one process: API server, workload controllers, pods and a weighted gateway.",
               "crossfade local");
  app.add_option("--port", line.cluster.port, "Port of the API server; 0: any free one")->capture_default_str();
  app.add_option("--gateway-port", gateway.port, "Port of the gateway; 0: any free one")->capture_default_str();
  app.add_option("--metrics-port", gateway.metrics_port, "Port of the gateway's metrics; 0: any free one")
      ->capture_default_str();
  app.add_option("--kubeconfig", line.kubeconfig, "The kubeconfig to write")->capture_default_str();
  app.add_option("--data", line.cluster.data, "Keep the cluster's objects in this file (default: in memory only)");
  app.add_flag("--run-commands", line.cluster.pods.run_commands,
               "Run containers that have a command as local processes");
  app.add_option("--ready-delay", ready_delay, "How long an ordinary image takes to become ready")
      ->capture_default_str();
  app.add_flag("--no-crds", no_crds, "Don't install the CustomResourceDefinitions of rollouts and of the Gateway API");
  app.add_flag("--no-gateway", no_gateway, "Start no gateway");
  // CLI11 takes them from the end.
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    return std::unexpected(app.exit(error) == 0 ? 0 : 2);
  }
  const auto delay = parseGoDuration(ready_delay);
  if (!delay || *delay < Duration(0)) {
    fmt::print(stderr, "crossfade local: --ready-delay: \"{}\" is no duration; try 500ms or 2s\n", ready_delay);
    return std::unexpected(2);
  }
  line.cluster.pods.ready_delay = *delay;
  line.cluster.install_crds = !no_crds;
  if (!no_gateway) line.cluster.gateway = gateway;
  return line;
}

// Puts the file in its place whole, readable by its owner only.
bool writePrivately(const std::string& path, const std::string& text) {
  const std::string draft = path + ".new";
  {
    const mode_t before = umask(S_IRWXG | S_IRWXO);
    std::ofstream file(draft, std::ios::trunc);
    file << text;
    file.close();
    umask(before);
    if (!file) return false;
  }
  return std::rename(draft.c_str(), path.c_str()) == 0;
}

void printHelp(Cluster& cluster, const CommandLine& line) {
  fmt::print("API server  http://127.0.0.1:{}\n", cluster.port());
  if (const Gateway* gateway = cluster.gateway()) {
    fmt::print("gateway     http://127.0.0.1:{}   (metrics: http://127.0.0.1:{}/metrics)\n", gateway->port(),
               gateway->metricsPort());
  }
  if (!line.cluster.data.empty()) fmt::print("data        {}\n", line.cluster.data);
  fmt::print("\n  export KUBECONFIG={}\n  kubectl get all -A\n", line.kubeconfig);
  if (line.cluster.install_crds) fmt::print("  crossfade controller --kubeconfig {}\n", line.kubeconfig);
  if (cluster.gateway() != nullptr) {
    fmt::print("  curl -H 'Host: SERVICE.NAMESPACE' http://127.0.0.1:{}/\n", cluster.gateway()->port());
  }
  fmt::print("\nCtrl-C ends it.\n");
  std::fflush(stdout);
}

int run(const CommandLine& line) {
  boost::asio::io_context io(1);
  const auto clock = makeSystemClock(io.get_executor());
  Random random = Random::fromSystem();
  auto cluster = Cluster::start(io.get_executor(), *clock, random, line.cluster);
  int exit_code = 0;
  if (!cluster) {
    fmt::print(stderr, "crossfade local: {}\n", cluster.error().message);
    exit_code = 1;
  } else if (!writePrivately(line.kubeconfig, (*cluster)->kubeconfig())) {
    fmt::print(stderr, "crossfade local: {}: the kubeconfig can't be written\n", line.kubeconfig);
    exit_code = 1;
  } else {
    printHelp(**cluster, line);
    boost::asio::signal_set signals(io, SIGINT, SIGTERM);
    signals.async_wait([&io](const boost::system::error_code& error, int) {
      if (!error) io.stop();
    });
    io.run();
  }
  // In order: what sleeps goes before what it refers to (see Clock::clear).
  clock->clear();
  io.restart();
  io.poll();
  if (cluster) cluster->reset();
  io.restart();
  io.poll();
  return exit_code;
}

}  // namespace

int runLocal(const std::vector<std::string>& arguments) {
  const auto line = parse(arguments);
  return line ? run(*line) : line.error();
}

}  // namespace crossfade::local
