#include "cli/session.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>

#include "base/log.hpp"
#include "cli/human.hpp"
#include "kube/config.hpp"

namespace crossfade::cli {
namespace {

std::optional<std::string> environment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

Result<log::Level> parseLevel(std::string_view text) {
  if (text == "trace" || text == "debug") return log::Level::debug;
  if (text == "info") return log::Level::info;
  if (text == "warn" || text == "warning") return log::Level::warn;
  if (text == "error" || text == "fatal" || text == "panic") return log::Level::error;
  return fail(ErrorCode::invalid, fmt::format("not a valid logrus Level: \"{}\"", text));
}

// Gives up on an answer after the time that --request-timeout says.
class ImpatientTransport : public net::Transport {
 public:
  ImpatientTransport(std::shared_ptr<net::Transport> inner, Duration limit) : inner_(std::move(inner)), limit_(limit) {}
  Task<Result<net::Response>> send(net::Request request, Duration timeout) override {
    return inner_->send(std::move(request), std::min(timeout, limit_));
  }
  Task<Result<net::Response>> open(net::Request request, Duration timeout) override {
    return inner_->open(std::move(request), std::min(timeout, limit_));
  }

 private:
  std::shared_ptr<net::Transport> inner_;
  Duration limit_;
};

// Stands for a cluster that isn't configured.
class NoCluster : public net::Transport {
 public:
  explicit NoCluster(Error error) : error_(std::move(error)) {}
  Task<Result<net::Response>> send(net::Request, Duration) override { co_return fail(error_); }
  Task<Result<net::Response>> open(net::Request, Duration) override { co_return fail(error_); }

 private:
  Error error_;
};

// The process: everything in the order in which it has to be destroyed (last first).
class Process {
 public:
  int run(const GlobalFlags& flags, const Action& action, const Names& names, bool cluster_optional) {
    const auto level = parseLevel(flags.log_level);
    if (!level) return failed(level.error());
    log::configure(log::Format::text, *level);
    const auto patience = parseDuration(flags.request_timeout);
    if (!patience) return failed(patience.error());
    const auto config = kube::loadConfig(flags.cluster, environment);
    if (!config && !cluster_optional) return failed(config.error());
    auto transport = config ? dialer_->dial(config->origin, config->tls)
                            : Result<std::shared_ptr<net::Transport>>(std::make_shared<NoCluster>(config.error()));
    if (!transport) return failed(transport.error());
    if (*patience > Duration(0)) *transport = std::make_shared<ImpatientTransport>(*transport, *patience);
    client_.emplace(*transport, *clock_, config.value_or(kube::Config{}), "kubectl-argo-rollouts");

    const bool to_terminal = isatty(STDOUT_FILENO) != 0;
    const bool colour = environment("TERM").value_or("") != "dumb" && environment("NO_COLOR").value_or("").empty();
    session_.emplace(Session{.executor = io_.get_executor(),
                             .clock = *clock_,
                             .random = random_,
                             .client = *client_,
                             .ns = config ? config->ns : "default",
                             .out = std::cout,
                             .err = std::cerr,
                             .wake = wake_,
                             .colour = colour,
                             .to_terminal = to_terminal,
                             .dialer = dialer_.get()});
    boost::asio::signal_set signals(io_, SIGINT, SIGTERM);
    awaitInterrupt(signals);
    spawn(io_.get_executor(), perform(action, names));
    io_.run();
    // Ended in order: what sleeps is destroyed with its clock, before what it refers to. See Clock::clear.
    clock_->clear();
    signals.cancel();
    io_.restart();
    io_.poll();
    std::cout.flush();
    return exit_code_;
  }

 private:
  static int failed(const Error& error) {
    std::cerr << "Error: " << error.message << "\n";
    return 1;
  }

  void awaitInterrupt(boost::asio::signal_set& signals) {
    signals.async_wait([this, &signals](const boost::system::error_code& error, int) {
      if (error) return;
      if (!session_->watching || session_->interrupted) {
        std::cout.flush();
        std::_Exit(1);  // at once: whatever is under way is left as it is
      }
      session_->interrupted = true;
      wake_.notify();
      awaitInterrupt(signals);
    });
  }

  Task<> perform(Action action, Names names) {
    const Result<> done = co_await action(*session_, std::move(names));
    std::cout.flush();
    exit_code_ = done ? 0 : failed(done.error());
    io_.stop();
  }

  boost::asio::io_context io_{1};
  std::unique_ptr<Clock> clock_ = makeSystemClock(io_.get_executor());
  Random random_ = Random::fromSystem();
  Signal wake_{*clock_};
  std::unique_ptr<net::Dialer> dialer_ = net::makeDialer(io_.get_executor(), *clock_);
  std::optional<kube::Client> client_;
  std::optional<Session> session_;
  int exit_code_ = 1;
};

}  // namespace

int runInProcess(const GlobalFlags& flags, Action action, Names names, bool cluster_optional) {
  Process process;
  return process.run(flags, action, names, cluster_optional);
}

}  // namespace crossfade::cli
