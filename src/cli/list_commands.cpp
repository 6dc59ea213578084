// `list rollouts` and `list experiments`. spec/10 §3.3, §3.4.
#include <fmt/ostream.h>

#include <CLI/App.hpp>
#include <limits>
#include <map>
#include <ostream>

#include "base/log.hpp"
#include "cli/command_line.hpp"
#include "cli/human.hpp"
#include "cli/model.hpp"
#include "cli/table.hpp"
#include "kube/cache.hpp"
#include "kube/watcher.hpp"

namespace crossfade::cli {
namespace {

struct Flags {
  bool all_namespaces = false, watch = false, timestamps = false;
  std::string name;
};

// A column's title, and what its values are padded to before they are laid out.
struct Column {
  std::string title;
  std::size_t width;
};
using Row = std::vector<std::string>;

Row titles(const std::vector<Column>& columns) {
  Row row;
  for (const Column& column : columns) row.push_back(column.title);
  return row;
}

Row paddedRow(Row values, const std::vector<Column>& columns) {
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = padded(std::move(values[i]), columns[i].width);
  return values;
}

void print(Session& session, const std::vector<Row>& rows) {
  for (const std::string& line : layOut(rows)) session.out << line << "\n";
  session.out.flush();
}

// --- rollouts --------------------------------------------------------------------------------------------------------

std::vector<Column> rolloutColumns(const Flags& flags) {
  std::vector<Column> columns;
  if (flags.timestamps) columns.push_back({"TIMESTAMP", 20});
  if (flags.all_namespaces) columns.push_back({"NAMESPACE", 9});
  for (const Column& column : std::initializer_list<Column>{{"NAME", 10},
                                                            {"STRATEGY", 9},
                                                            {"STATUS", 12},
                                                            {"STEP", 4},
                                                            {"SET-WEIGHT", 10},
                                                            {"READY", 5},
                                                            {"DESIRED", 7},
                                                            {"UP-TO-DATE", 10},
                                                            {"AVAILABLE", 9}})
    columns.push_back(column);
  return columns;
}

// Everything behind the time.
Row rolloutRow(const RolloutSummary& rollout, const Flags& flags) {
  const bool is_canary = rollout.strategy == "Canary";
  Row row;
  if (flags.all_namespaces) row.push_back(rollout.ns);
  for (std::string value :
       {rollout.name, rollout.strategy.empty() ? "unknown" : rollout.strategy, rollout.phase.status,
        rollout.step.empty() ? "-" : rollout.step, is_canary ? std::to_string(rollout.set_weight) : "-",
        fmt::format("{}/{}", rollout.ready, rollout.current), std::to_string(rollout.desired),
        std::to_string(rollout.updated), std::to_string(rollout.available)})
    row.push_back(std::move(value));
  return row;
}

Row stamped(Row row, const Flags& flags, TimePoint now) {
  if (flags.timestamps) row.insert(row.begin(), formatTime(now));
  return paddedRow(std::move(row), rolloutColumns(flags));
}

// Prints the rows that changed, gathered for half a second so that they can be aligned.
Task<> watchRollouts(Session& session, Flags flags, std::map<std::string, Row> printed, kube::WatchTarget target) {
  constexpr Duration gather = milliseconds(500);
  session.watching = true;
  kube::Cache<api::Rollout> cache(api::decodeRollout);
  std::vector<Row> pending;
  cache.addListener([&](const auto& before, const auto& now) {
    if (!now) {
      printed.erase(before->metadata.key());
      return;
    }
    Row row = rolloutRow(summarize(*now), flags);
    Row& last = printed[now->metadata.key()];
    if (row == last) return;
    pending.push_back(stamped(row, flags, session.clock.now()));
    last = std::move(row);
  });
  kube::Watcher watcher(session.client, session.executor, session.random, std::move(target), cache);
  watcher.start();
  while (!session.interrupted) {
    co_await session.wake.waitUntil(session.clock.now() + gather);
    print(session, pending);
    pending.clear();
  }
  watcher.stop();
}

Task<Result<>> listRollouts(Session& session, Flags flags) {
  const std::string ns = flags.all_namespaces ? "" : session.ns;
  kube::ListOptions options;
  if (!flags.name.empty()) options.field_selector = "metadata.name=" + flags.name;
  const auto list = co_await session.client.list(kube::resources::rollouts, ns, options);
  if (!list) co_return fail(list.error());
  if (list->items.empty() && !flags.watch) {
    session.err << "No resources found.\n";
    co_return Result<>();
  }
  std::vector<Row> rows{titles(rolloutColumns(flags))};
  std::map<std::string, Row> printed;
  for (const json::object& item : list->items) {
    const api::Rollout rollout = api::decodeRollout(item);
    Row row = rolloutRow(summarize(rollout), flags);
    rows.push_back(stamped(row, flags, session.clock.now()));
    printed.emplace(rollout.metadata.key(), std::move(row));
  }
  print(session, rows);
  if (!flags.watch) co_return Result<>();
  kube::WatchTarget target{.resource = kube::resources::rollouts, .ns = ns, .field_selector = options.field_selector};
  co_await watchRollouts(session, flags, std::move(printed), std::move(target));
  co_return Result<>();
}

// --- experiments -----------------------------------------------------------------------------------------------------

std::vector<Column> experimentColumns(const Flags& flags) {
  std::vector<Column> columns{{"NAME", 10}, {"STATUS", 6}, {"DURATION", 8}, {"REMAINING", 9}, {"AGE", 3}};
  if (flags.all_namespaces) columns.insert(columns.begin(), {"NAMESPACE", 9});
  return columns;
}

Row experimentRow(const json::object& object, const Flags& flags, TimePoint now) {
  const api::Experiment experiment = api::decodeExperiment(object);
  std::string duration = "-", remaining = "-";
  if (const auto wanted = parseDuration(std::string(getString(object, {"spec", "duration"})))) {
    duration = humanDuration(*wanted);
    const auto available = parseTime(getString(object, {"status", "availableAt"}));
    if (available && !api::isCompletedPhase(experiment.phase) && *available + *wanted > now)
      remaining = humanDuration(*available + *wanted - now);
  }
  Row row{experiment.metadata.name, experiment.phase, duration, remaining,
          humanDuration(now - experiment.metadata.created)};
  if (flags.all_namespaces) row.insert(row.begin(), experiment.metadata.ns);
  return paddedRow(std::move(row), experimentColumns(flags));
}

Task<Result<>> listExperiments(Session& session, Flags flags) {
  const std::string ns = flags.all_namespaces ? "" : session.ns;
  const auto list = co_await session.client.list(kube::resources::experiments, ns);
  if (!list) co_return fail(list.error());
  if (list->items.empty()) {
    session.err << "No resources found.\n";
    co_return Result<>();
  }
  std::vector<Row> rows{titles(experimentColumns(flags))};
  for (const json::object& item : list->items) rows.push_back(experimentRow(item, flags, session.clock.now()));
  print(session, rows);
  co_return Result<>();
}

}  // namespace

void addListCommands(Commands& commands) {
  constexpr std::size_t any_number = std::numeric_limits<std::size_t>::max();
  CLI::App& parent = commands.addGroup("list", "List rollouts, experiments or AnalysisRuns");
  const auto flags = std::make_shared<Flags>();
  CLI::App& rollouts =
      commands.add({.name = "rollouts",
                    .aliases = {"ro", "rollout"},
                    .description = "List rollouts",
                    .min_names = 0,
                    .max_names = any_number,
                    .action = [flags](Session& session, Names) { return listRollouts(session, *flags); }},
                   &parent);
  rollouts.add_flag("-A,--all-namespaces", flags->all_namespaces, "Include all namespaces");
  rollouts.add_flag("-w,--watch", flags->watch, "Watch for changes");
  rollouts.add_flag("--timestamps", flags->timestamps, "Print timestamps on updates");
  rollouts.add_option("--name", flags->name, "Only show the rollout with this name");

  const auto experiment_flags = std::make_shared<Flags>();
  CLI::App& experiments = commands.add(
      {.name = "experiments",
       .aliases = {"exp", "experiment"},
       .description = "List experiments",
       .min_names = 0,
       .max_names = any_number,
       .action = [experiment_flags](Session& session, Names) { return listExperiments(session, *experiment_flags); }},
      &parent);
  experiments.add_flag("-A,--all-namespaces", experiment_flags->all_namespaces, "Include all namespaces");
  addListAnalysisRuns(commands, parent);
}

}  // namespace crossfade::cli
