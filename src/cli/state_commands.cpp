// `pause`, `abort`, `retry`, `terminate`, `restart`: one small patch each. spec/10 §3.7.
#include <fmt/ostream.h>

#include <CLI/App.hpp>
#include <limits>
#include <ostream>

#include "cli/command_line.hpp"
#include "cli/human.hpp"
#include "cli/objects.hpp"
#include "rollout/user_actions.hpp"

namespace crossfade::cli {
namespace {

constexpr std::size_t any_number = std::numeric_limits<std::size_t>::max();

// One patch to each of several objects, in order; the first error ends it.
struct Change {
  kube::ResourceKey resource;
  json::object patch;
  bool of_status = false;     // goes to the status subresource first
  std::string kind, done_to;  // of the line: "<kind> '<name>' <done_to>"
};

Task<Result<>> change(Session& session, Names names, Change change) {
  for (const std::string& name : names) {
    if (change.of_status) {
      const auto sent = co_await patchStatus(session, name, change.patch, change.patch);
      if (!sent) co_return fail(sent.error());
    } else {
      const auto sent = co_await patchMain(session, change.resource, name, change.patch);
      if (!sent) co_return sent;
    }
    fmt::print(session.out, "{} '{}' {}\n", change.kind, name, change.done_to);
  }
  co_return Result<>();
}

void addChange(Commands& commands, CLI::App* parent, Command command, const Change& change) {
  command.max_names = any_number;
  command.action = [change](Session& session, Names names) { return cli::change(session, std::move(names), change); };
  commands.add(std::move(command), parent);
}

Task<Result<>> restart(Session& session, std::string name, std::string in) {
  const auto delay = parseDuration(in);
  if (!delay) co_return fail(delay.error());
  const auto sent =
      co_await patchMain(session, kube::resources::rollouts, name, rollout::restartPatch(session.clock.now() + *delay));
  if (!sent) co_return sent;
  fmt::print(session.out, "rollout '{}' restarts in {}\n", name, in);
  co_return Result<>();
}

}  // namespace

void addStateCommands(Commands& commands) {
  using namespace kube::resources;
  const std::vector<std::string> rollout_aliases{"ro", "rollouts"}, experiment_aliases{"exp", "experiments"};
  addChange(commands, nullptr, {.name = "pause", .arguments = "ROLLOUT_NAME", .description = "Pause a rollout"},
            {rollouts, rollout::pausePatch(), false, "rollout", "paused"});
  addChange(commands, nullptr, {.name = "abort", .arguments = "ROLLOUT_NAME", .description = "Abort a rollout"},
            {rollouts, rollout::abortPatch(), true, "rollout", "aborted"});

  CLI::App& retry = commands.addGroup("retry", "Retry a rollout or experiment");
  addChange(commands, &retry,
            {.name = "rollout",
             .aliases = rollout_aliases,
             .arguments = "ROLLOUT_NAME",
             .description = "Retry an aborted rollout"},
            {rollouts, rollout::retryPatch(), true, "rollout", "retried"});
  addChange(commands, &retry,
            {.name = "experiment",
             .aliases = experiment_aliases,
             .arguments = "EXPERIMENT_NAME",
             .description = "Retry an experiment"},
            {experiments, json::object{{"status", nullptr}}, false, "experiment", "retried"});

  CLI::App& terminate = commands.addGroup("terminate", "Terminate an AnalysisRun or Experiment");
  addChange(commands, &terminate,
            {.name = "analysisrun",
             .aliases = {"ar", "analysisruns"},
             .arguments = "ANALYSISRUN_NAME",
             .description = "Terminate an AnalysisRun"},
            {analysis_runs, rollout::terminatePatch(), false, "analysisRun", "terminated"});
  addChange(commands, &terminate,
            {.name = "experiment",
             .aliases = experiment_aliases,
             .arguments = "EXPERIMENT_NAME",
             .description = "Terminate an experiment"},
            {experiments, rollout::terminatePatch(), false, "experiment", "terminated"});

  const auto in = std::make_shared<std::string>("0s");
  CLI::App& app = commands.add(
      {.name = "restart",
       .arguments = "ROLLOUT_NAME",
       .description = "Restart the pods of a rollout",
       .action = [in](Session& session, Names names) { return restart(session, std::move(names[0]), *in); }});
  app.add_option("-i,--in", *in, "Amount of time before a restart (e.g. 30s, 5m, 1h)");
}

}  // namespace crossfade::cli
