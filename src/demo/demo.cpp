#include "demo/demo.hpp"

#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "base/log.hpp"
#include "demo/acts.hpp"

namespace crossfade::demo {
namespace {

class Demo {
 public:
  Demo(bool keep, bool live) : keep_(keep), stage_(io_, *clock_, folder_, live) {}

  int run() {
    if (folder_.empty()) {
      fmt::print(stderr, "crossfade demo: no temporary folder can be made\n");
      return 1;
    }
    boost::asio::signal_set signals(io_, SIGINT, SIGTERM);
    signals.async_wait([this](const boost::system::error_code& error, int) {
      if (!error) io_.stop();
    });
    spawn(io_.get_executor(), play());
    io_.run();
    stage_.screen().finish();
    // In order: what sleeps goes before what it refers to (see Clock::clear).
    clock_->clear();
    io_.restart();
    io_.poll();
    stage_.end();
    io_.restart();
    io_.poll();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
    return exit_code_;
  }

 private:
  Task<> play() {
    const TimePoint began = clock_->now();
    std::optional<Duration> last_bad;
    Result<> done = co_await stage_.start();
    if (done) done = co_await playCanary(stage_);
    if (done) done = co_await playRollback(stage_, last_bad);
    if (done) done = co_await playBlueGreen(stage_);
    if (done) done = co_await playRollingUpdate(stage_);
    stage_.screen().finish();
    summarize(clock_->now() - began, last_bad);
    if (!done) fmt::print("\nThe demo could not go on: {}\n", done.error().message);
    const bool held = std::ranges::all_of(stage_.claims(), &Claim::held);
    exit_code_ = done && held ? 0 : 1;
    if (keep_ && done) {
      explain();
    } else {
      io_.stop();
    }
  }

  void summarize(Duration took, std::optional<Duration> last_bad) {
    std::int64_t requests = 0, unanswered = 0;
    std::map<std::string, std::pair<std::int64_t, std::int64_t>> versions;  // requests, errors
    for (const auto& load : stage_.loads()) {
      for (const Sample& sample : load->samples()) {
        ++requests;
        if (sample.version.empty()) {
          ++unanswered;
          continue;
        }
        auto& [all, errors] = versions[fmt::format("{} {}", load->host(), sample.version)];
        ++all;
        if (!sample.good()) ++errors;
      }
    }
    fmt::print("\n== Measured in {:.0f} s\n", std::chrono::duration<double>(took).count());
    fmt::print("   {} requests, {} without an answer\n", requests, unanswered);
    for (const auto& [version, counts] : versions)
      fmt::print("   {:24} {:6} requests {:5} errors\n", version, counts.first, counts.second);
    if (last_bad)
      fmt::print("   from the abort to the last answer of the bad version: {} ms\n",
                 std::chrono::duration_cast<milliseconds>(*last_bad).count());
    fmt::print("\n== Claims\n");
    for (const Claim& claim : stage_.claims()) fmt::print("   {} {}\n", claim.held ? "✔" : "✘", claim.text);
    if (!keep_)
      fmt::print(
          "\nTo go on by hand: ./dev demo --keep leaves all of it running, then e.g. KUBECONFIG=… kubectl get ro -w\n");
    std::fflush(stdout);
  }

  void explain() {
    fmt::print("\n== It is still running; Ctrl-C ends it\n");
    fmt::print("   export KUBECONFIG={}\n", stage_.kubeconfig());
    fmt::print("   kubectl get ro -w\n   crossfade get rollout shop --watch\n   crossfade retry rollout shop\n");
    fmt::print("   curl -i -H 'Host: shop.localhost' http://127.0.0.1:{}/\n", stage_.gatewayPort());
    fmt::print("   Prometheus: {}   gateway metrics: http://127.0.0.1:{}/metrics\n", stage_.prometheusUrl(),
               stage_.metricsPort());
    std::fflush(stdout);
  }

  static std::string makeFolder() {
    std::string pattern = std::filesystem::temp_directory_path() / "crossfade-demo-XXXXXX";
    return mkdtemp(pattern.data()) == nullptr ? "" : pattern;
  }

  bool keep_;
  std::string folder_ = makeFolder();
  boost::asio::io_context io_{1};
  std::unique_ptr<Clock> clock_ = makeSystemClock(io_.get_executor());
  Stage stage_;
  int exit_code_ = 130;  // of an interrupted demo
};

}  // namespace

int runDemo(const std::vector<std::string>& arguments) {
  bool keep = false, plain = false;
  CLI::App app("Shows progressive delivery on the embedded cluster, and checks every claim that it makes.",
               "crossfade demo");
  app.add_flag("--keep", keep, "Leave everything running afterwards");
  app.add_flag("--plain", plain, "A line for everything that happens, no picture (as when the output is no terminal)");
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  log::configure(log::Format::text, log::Level::error);
  Demo demo(keep, !plain && isatty(STDOUT_FILENO) == 1);
  return demo.run();
}

}  // namespace crossfade::demo
