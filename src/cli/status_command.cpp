// `status`: the phase, once or until it is final. spec/10 §3.5.
#include <fmt/ostream.h>

#include <CLI/App.hpp>
#include <ostream>

#include "cli/command_line.hpp"
#include "cli/human.hpp"
#include "cli/model.hpp"
#include "cli/objects.hpp"
#include "kube/cache.hpp"
#include "kube/watcher.hpp"

namespace crossfade::cli {
namespace {

struct Flags {
  bool watch = true;
  std::string timeout = "0s";
};

bool isFinal(const Phase& phase) { return phase.status == "Healthy" || phase.status == "Degraded"; }

Task<Result<Phase>> readPhase(Session& session, std::string name) {
  const auto object = co_await getShown(session, kube::resources::rollouts, name);
  if (!object) co_return fail(object.error());
  co_return rolloutPhase(api::decodeRollout(*object));
}

// Prints the phase whenever it changes, until it is final, the time is over, or an interrupt.
Task<> follow(Session& session, std::string name, TimePoint end) {
  session.watching = true;
  kube::Cache<api::Rollout> cache(api::decodeRollout);
  cache.addListener([&session](const auto&, const auto&) { session.wake.notify(); });
  kube::WatchTarget target{
      .resource = kube::resources::rollouts, .ns = session.ns, .field_selector = "metadata.name=" + name};
  kube::Watcher watcher(session.client, session.executor, session.random, std::move(target), cache);
  watcher.start();
  std::string printed;
  while (!session.interrupted && session.clock.now() < end) {
    if (const auto rollout = cache.find(session.ns, name)) {
      const Phase phase = rolloutPhase(*rollout);
      const std::string text =
          phase.message.empty() ? phase.status : fmt::format("{} - {}", phase.status, phase.message);
      if (text != printed) session.out << text << std::endl;
      printed = text;
      if (isFinal(phase)) break;
    }
    co_await session.wake.waitUntil(end);
  }
  watcher.stop();
}

Task<Result<>> status(Session& session, std::string name, Flags flags) {
  const auto timeout = parseDuration(flags.timeout);
  if (!timeout)
    co_return fail(ErrorCode::invalid, fmt::format("invalid argument \"{}\" for \"-t, --timeout\" flag: {}",
                                                   flags.timeout, timeout.error().message));
  const TimePoint end = *timeout > Duration(0) ? session.clock.now() + *timeout : TimePoint::max();
  auto phase = co_await readPhase(session, name);
  if (!phase) co_return fail(phase.error());
  if (flags.watch) {
    co_await follow(session, name, end);
    phase = co_await readPhase(session, name);
    if (!phase) co_return fail(phase.error());
  } else if (isFinal(*phase)) {
    fmt::print(session.out, "{}\n", phase->status);
  } else {
    fmt::print(session.out, "{} - {}\n", phase->status, phase->message);
  }
  if (phase->status == "Degraded")
    co_return fail(ErrorCode::invalid, "The rollout is in a degraded state with message: " + phase->message);
  if (flags.watch && phase->status != "Healthy")
    co_return fail(ErrorCode::timeout, "Rollout status watch exceeded timeout");
  co_return Result<>();
}

}  // namespace

void addStatusCommand(Commands& commands) {
  const auto flags = std::make_shared<Flags>();
  CLI::App& app = commands.add(
      {.name = "status",
       .arguments = "ROLLOUT_NAME",
       .description = "Show the status of a rollout",
       .action = [flags](Session& session, Names names) { return status(session, std::move(names[0]), *flags); }});
  app.add_flag("-w,--watch", flags->watch, "Watch the status of the rollout until it's done");
  app.add_option("-t,--timeout", flags->timeout, "How long to watch before giving up; 0: no limit");
}

}  // namespace crossfade::cli
