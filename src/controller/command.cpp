// `crossfade controller`: the process around the controller. spec/11 §1, §4.
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "controller/controller.hpp"
#include "controller/process_metrics.hpp"
#include "kube/config.hpp"

namespace crossfade::controller {
namespace {

constexpr std::string_view namespace_file = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

std::optional<std::string> environment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

std::string readFile(std::string_view path) {
  std::ifstream file{std::string(path)};
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string hostName() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 ? name : "crossfade";
}

net::Response plainText(int status, std::string body) {
  net::Response response;
  response.status = status;
  response.headers.set("Content-Type", "text/plain; charset=utf-8");
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.body = std::move(body);
  return response;
}

std::string_view pathOf(const net::Request& request) {
  return std::string_view(request.target).substr(0, request.target.find('?'));
}

// The process: everything in the order in which it has to be destroyed (last first).
class Process {
 public:
  explicit Process(ProcessSettings settings) : settings_(std::move(settings)) {}

  int run() {
    const Settings& wanted = settings_.controller;
    log::info("Argo Rollouts controller starting version={} namespace={} instanceID={} metricsPort={} healthzPort={}",
              wanted.version, wanted.watch_namespace, wanted.instance_id, settings_.metrics_port,
              settings_.healthz_port);
    const Result<kube::Config> config = kube::loadConfig(settings_.cluster, environment);
    if (!config) return startFailed(config.error());
    const auto transport = dialer_->dial(config->origin, config->tls);
    if (!transport) return startFailed(transport.error());
    client_.emplace(*transport, *clock_, *config, "crossfade/" + wanted.version);
    client_->setObserver([this](std::string_view method, std::string_view target, int status) {
      metrics_.countRequest(method, target, status);
    });
    if (settings_.namespaced && settings_.controller.watch_namespace.empty())
      settings_.controller.watch_namespace = config->ns;
    if (const auto connected = connectToJobs(); !connected) return startFailed(connected.error());
    World world{executor(), *clock_, random_, *client_, *dialer_};
    world.environment = environment;
    if (job_client_) world.job_client = &*job_client_;
    controller_.emplace(std::move(world), settings_.controller, metrics_);
    metrics_.addCollector(collectProcess);
    const auto health = serve("Healthz", settings_.healthz_port,
                              [this](net::Request request) { return answerHealth(std::move(request)); });
    const auto metrics = serve("Metric", settings_.metrics_port,
                               [this](net::Request request) { return answerMetrics(std::move(request)); });

    controller_->onLeaseLost([this] {
      log::error("OnStoppedLeading called, shutting down: {}, context err: lease lost", settings_.controller.hostname);
      spawn(executor(), shutDown());
    });
    boost::asio::signal_set signals(io_, SIGINT, SIGTERM);
    signals.async_wait([this](const boost::system::error_code& error, int) {
      if (!error) spawn(executor(), shutDown());
    });
    spawn(executor(), controller_->start());
    io_.run();
    log::info("Exiting Main Run function");
    // Ended in order: what sleeps is destroyed with its clock, before what it refers to. See Clock::clear.
    clock_->clear();
    io_.restart();
    io_.poll();
    return 0;
  }

 private:
  crossfade::Executor executor() { return io_.get_executor(); }

  // The client of the cluster where the Jobs of metrics run, where that is another one. spec/08 §9.1.
  Result<> connectToJobs() {
    const std::string& where = settings_.job_kubeconfig;
    if (where.empty()) return {};
    kube::ConfigOverrides overrides;
    kube::Environment variables = environment;
    if (where == "in-cluster") {
      // No file counts, only where this pod runs.
      variables = [](std::string_view name) {
        return name.starts_with("KUBERNETES_SERVICE_") ? environment(name) : std::nullopt;
      };
    } else {
      overrides.kubeconfig = where;
    }
    const Result<kube::Config> config = kube::loadConfig(overrides, variables);
    if (!config) return fail(config.error());
    const auto transport = dialer_->dial(config->origin, config->tls);
    if (!transport) return fail(transport.error());
    job_client_.emplace(*transport, *clock_, *config, "crossfade/" + settings_.controller.version);
    return {};
  }

  static int startFailed(const Error& error) {
    std::cerr << "Error: " << error.message << "\n";
    return 1;
  }

  std::unique_ptr<net::Server> serve(std::string_view name, int port, net::Handler handler) {
    net::ServerOptions options;
    options.address = "0.0.0.0";
    options.port = static_cast<std::uint16_t>(port);
    log::info("Starting {} Server at 0.0.0.0:{}", name, port);
    auto server = net::listen(executor(), *clock_, options, std::move(handler));
    if (server) return std::move(*server);
    log::error("{} Server Error: {}", name, server.error().message);
    return nullptr;
  }

  Task<net::Response> answerHealth(net::Request request) {
    const std::string_view path = pathOf(request);
    if (path == "/healthz") co_return plainText(200, "ok");
    if (path != "/readyz") co_return plainText(404, "404 page not found\n");
    co_return controller_->ready() ? plainText(200, "ok") : plainText(503, "the caches are not complete yet\n");
  }

  Task<net::Response> answerMetrics(net::Request request) {
    if (pathOf(request) != "/metrics") co_return plainText(404, "404 page not found\n");
    net::Response response = plainText(200, metrics_.scrape());
    response.headers.set("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    co_return response;
  }

  Task<> shutDown() {
    if (shutting_down_) co_return;
    shutting_down_ = true;
    co_await controller_->stop();
    io_.stop();
  }

  ProcessSettings settings_;
  boost::asio::io_context io_{1};
  std::unique_ptr<Clock> clock_ = makeSystemClock(io_.get_executor());
  Random random_ = Random::fromSystem();
  std::unique_ptr<net::Dialer> dialer_ = net::makeDialer(io_.get_executor(), *clock_);
  Metrics metrics_{*clock_, settings_.controller.version};
  std::optional<kube::Client> client_, job_client_;
  std::optional<Controller> controller_;
  bool shutting_down_ = false;
};

}  // namespace

int runController(const std::vector<std::string>& arguments) {
  CommandLine line = parseCommandLine(arguments, environment, readFile(namespace_file));
  std::cout << line.out;
  std::cerr << line.err;
  if (line.exit_code) return *line.exit_code;
  log::configure(line.settings.log_format, line.settings.log_level);
  if (!line.settings.unknown_log_format.empty()) log::warn("Unknown log format: {}", line.settings.unknown_log_format);
  line.settings.controller.hostname = hostName();
  line.settings.controller.trims_heap = true;
  Process process(std::move(line.settings));
  return process.run();
}

}  // namespace crossfade::controller
