// `get rollout` and `get experiment`: the tree, once or live. spec/10 §3.1, §3.2.
#include <fmt/ostream.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <ostream>

#include "base/log.hpp"
#include "cli/command_line.hpp"
#include "cli/namespace_view.hpp"
#include "cli/objects.hpp"
#include "cli/tree.hpp"

namespace crossfade::cli {
namespace {

struct Flags {
  bool watch = false, no_colour = false;
  std::int64_t timeout_seconds = 0;
};

// What differs between the two commands.
template <class Tree>
struct Shown {
  kube::ResourceKey resource;
  std::optional<Tree> (NamespaceView::*tree)(std::string_view name) const;
};

template <class Tree>
void print(Session& session, const Tree& tree, bool colour) {
  for (const std::string& line : draw(tree, session.clock.now(), colour)) session.out << line << "\n";
  session.out.flush();
}

// Draws at every change, at most every 200 ms, and every second because ages advance. Ends on an interrupt or when
// the time is over; both are a success.
template <class Tree>
Task<Result<>> watch(Session& session, Shown<Tree> shown, std::string name, Flags flags) {
  constexpr Duration between_draws = milliseconds(200), without_change = seconds(1);
  session.watching = true;
  const TimePoint end =
      flags.timeout_seconds > 0 ? session.clock.now() + seconds(flags.timeout_seconds) : TimePoint::max();
  NamespaceView view(session.client, session.executor, session.random, session.ns);
  std::function<void()> changed = [&session] { session.wake.notify(); };
  co_await view.follow(std::move(changed));
  const bool colour = session.colour && !flags.no_colour;
  std::optional<Tree> picture;
  while (!session.interrupted && session.clock.now() < end) {
    const TimePoint now = session.clock.now();
    std::optional<Tree> newest = (view.*shown.tree)(name);
    if (newest) {
      picture = std::move(newest);
    } else if (picture) {
      log::warn("{} \"{}\" is gone; the last picture of it stays", shown.resource.kind, name);
    }
    if (picture) {
      session.out << "\x1b[H\x1b[2J\x1b[0;0H";
      print(session, *picture, colour);
    }
    const TimePoint redraw = std::min(end, now + without_change);
    bool is_changed = false;
    while (!session.interrupted && !is_changed && session.clock.now() < redraw) {
      co_await session.wake.waitUntil(redraw);
      is_changed = (view.*shown.tree)(name) != picture;
    }
    const TimePoint earliest = std::min(end, now + between_draws);
    while (!session.interrupted && session.clock.now() < earliest) co_await session.wake.waitUntil(earliest);
  }
  view.stop();
  co_return Result<>();
}

template <class Tree>
Task<Result<>> get(Session& session, Shown<Tree> shown, std::string name, Flags flags) {
  const auto object = co_await getShown(session, shown.resource, name);
  if (!object) co_return fail(object.error());
  if (flags.watch) co_return co_await watch(session, shown, name, flags);
  NamespaceView view(session.client, session.executor, session.random, session.ns);
  const Result<> loaded = co_await view.load();
  if (!loaded) co_return loaded;
  const std::optional<Tree> tree = (view.*shown.tree)(name);
  if (!tree)
    co_return fail(ErrorCode::not_found, fmt::format("{}.{} \"{}\" not found",
                                                     shown.resource.plural.substr(0, shown.resource.plural.size() - 1),
                                                     shown.resource.group, name));
  print(session, *tree, session.colour && session.to_terminal && !flags.no_colour);
  co_return Result<>();
}

template <class Tree>
void addGet(Commands& commands, CLI::App& parent, Command command, const Shown<Tree>& shown, bool with_timeout) {
  const auto flags = std::make_shared<Flags>();
  command.action = [flags, shown](Session& session, Names names) {
    return get(session, shown, std::move(names[0]), *flags);
  };
  CLI::App& app = commands.add(std::move(command), &parent);
  app.add_flag("-w,--watch", flags->watch, "Watch live updates");
  app.add_flag("--no-color", flags->no_colour, "Do not colorize output");
  if (with_timeout)
    addInteger(app, "--timeout-seconds", "--timeout-seconds", flags->timeout_seconds,
               "Stop watching after this many seconds; 0: never");
}

}  // namespace

Task<Result<>> watchShown(Session& session, kube::ResourceKey resource, std::string name, bool no_colour) {
  const Flags flags{.watch = true, .no_colour = no_colour};
  if (resource == kube::resources::experiments) {
    const Shown<ExperimentTree> shown{std::move(resource), &NamespaceView::experimentTree};
    co_return co_await watch(session, shown, std::move(name), flags);
  }
  const Shown<RolloutTree> shown{std::move(resource), &NamespaceView::rolloutTree};
  co_return co_await watch(session, shown, std::move(name), flags);
}

void addGetCommands(Commands& commands) {
  CLI::App& parent = commands.addGroup("get", "Get details about rollouts, experiments and AnalysisRuns");
  addGet(commands, parent,
         {.name = "rollout",
          .aliases = {"ro", "rollouts"},
          .arguments = "ROLLOUT_NAME",
          .description = "Get details about a rollout"},
         Shown<RolloutTree>{kube::resources::rollouts, &NamespaceView::rolloutTree}, true);
  addGet(commands, parent,
         {.name = "experiment",
          .aliases = {"exp", "experiments"},
          .arguments = "EXPERIMENT_NAME",
          .description = "Get details about an experiment"},
         Shown<ExperimentTree>{kube::resources::experiments, &NamespaceView::experimentTree}, false);
  addGetAnalysisRun(commands, parent);
}

}  // namespace crossfade::cli
