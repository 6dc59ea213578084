// `get analysisrun` and `list analysisruns`: what a run has measured, and which runs there are.
#include <fmt/ostream.h>

#include <CLI/App.hpp>
#include <limits>
#include <ostream>

#include "api/analysis.hpp"
#include "cli/command_line.hpp"
#include "cli/human.hpp"
#include "cli/icons.hpp"
#include "cli/objects.hpp"
#include "cli/table.hpp"

namespace crossfade::cli {
namespace {

using Row = std::vector<std::string>;

std::string stateOf(const Painter& painter, std::string_view phase) {
  return phase.empty() ? std::string() : fmt::format("{} {}", painter.icon(runIcon(phase)), phase);
}

// "✔ 3 ✖ 1": the counts that aren't zero.
template <class Counts>
std::string counts(const Painter& painter, const Counts& of) {
  std::string text;
  for (const auto& [phase, count] :
       std::initializer_list<std::pair<const char*, std::int64_t>>{{"Successful", of.successful},
                                                                   {"Failed", of.failed},
                                                                   {"Inconclusive", of.inconclusive},
                                                                   {"Error", of.error}}) {
    if (count > 0) text += fmt::format("{}{} {}", text.empty() ? "" : ",", painter.icon(runIcon(phase)), count);
  }
  return text;
}

// The first line of a text, cut where it gets long.
std::string oneLine(std::string_view text) {
  constexpr std::size_t longest = 80;
  const std::string_view line = text.substr(0, std::min(text.find('\n'), longest));
  return std::string(line) + (line.size() < text.size() ? "…" : "");
}

void print(Session& session, const api::AnalysisRun& run, bool colour) {
  const Painter painter(colour);
  const TimePoint now = session.clock.now();
  const api::AnalysisRunStatus& status = run.status;
  std::vector<std::string> lines;
  const auto field = [&](const char* label, const std::string& value) {
    if (!value.empty()) lines.push_back(padded(label, 17) + value);
  };
  field("Name:", run.metadata.name);
  field("Namespace:", run.metadata.ns);
  if (run.metadata.controller) field("Owner:", run.metadata.controller->kind + "/" + run.metadata.controller->name);
  field("Status:", stateOf(painter, status.phase.empty() ? "Pending" : status.phase));
  field("Message:", status.message);
  if (run.terminate) field("Terminate:", "true");
  field("Age:", humanDuration(now - run.metadata.created));
  if (status.started_at) {
    field("Duration:", humanDuration(status.completed_at.value_or(now) - *status.started_at));
  }
  lines.emplace_back();
  std::vector<Row> rows{{"METRIC", "STATUS", "MEASURED", "LAST VALUE", "INFO"}};
  for (const api::Metric& metric : run.metrics) {
    const auto result = std::ranges::find(status.metric_results, metric.name, &api::MetricResult::name);
    if (result == status.metric_results.end()) {
      rows.push_back({metric.name, "", "", "", ""});
      continue;
    }
    const api::Measurement* last = result->measurements.empty() ? nullptr : &result->measurements.back();
    std::string info = result->message.empty() && last != nullptr ? last->message : result->message;
    if (result->dry_run) info = info.empty() ? "dry run" : "dry run: " + info;
    rows.push_back({metric.name, stateOf(painter, result->phase), counts(painter, *result),
                    last == nullptr ? "" : oneLine(last->value), oneLine(info)});
  }
  for (std::string& line : layOut(rows)) lines.push_back(std::move(line));
  for (const std::string& line : lines) session.out << line << "\n";
  session.out.flush();
}

Task<Result<>> get(Session& session, std::string name, bool no_colour) {
  const auto object = co_await getShown(session, kube::resources::analysis_runs, std::move(name));
  if (!object) co_return fail(object.error());
  print(session, api::decodeAnalysisRun(*object), session.colour && session.to_terminal && !no_colour);
  co_return Result<>();
}

std::vector<Row> rowsOf(const std::vector<json::object>& objects, bool all_namespaces, TimePoint now) {
  std::vector<Row> rows{{"NAME", "STATUS", "METRICS", "SUCCESSFUL", "FAILED", "INCONCLUSIVE", "ERROR", "AGE"}};
  if (all_namespaces) rows[0].insert(rows[0].begin(), "NAMESPACE");
  for (const json::object& object : objects) {
    const api::AnalysisRun run = api::decodeAnalysisRun(object);
    std::int64_t successful = 0, failed = 0, inconclusive = 0, error = 0;
    for (const api::MetricResult& result : run.status.metric_results) {
      successful += result.successful;
      failed += result.failed;
      inconclusive += result.inconclusive;
      error += result.error;
    }
    Row row{run.metadata.name,
            run.status.phase.empty() ? "Pending" : run.status.phase,
            std::to_string(run.metrics.size()),
            std::to_string(successful),
            std::to_string(failed),
            std::to_string(inconclusive),
            std::to_string(error),
            humanDuration(now - run.metadata.created)};
    if (all_namespaces) row.insert(row.begin(), run.metadata.ns);
    rows.push_back(std::move(row));
  }
  return rows;
}

Task<Result<>> list(Session& session, bool all_namespaces) {
  std::string ns;
  if (!all_namespaces) ns = session.ns;
  const auto found = co_await session.client.list(kube::resources::analysis_runs, ns);
  if (!found) co_return fail(found.error());
  if (found->items.empty()) {
    session.err << "No resources found.\n";
    co_return Result<>();
  }
  const std::vector<Row> rows = rowsOf(found->items, all_namespaces, session.clock.now());
  for (const std::string& line : layOut(rows)) session.out << line << "\n";
  session.out.flush();
  co_return Result<>();
}

}  // namespace

void addGetAnalysisRun(Commands& commands, CLI::App& parent) {
  const auto no_colour = std::make_shared<bool>(false);
  CLI::App& app = commands.add(
      {.name = "analysisrun",
       .aliases = {"ar", "analysisruns"},
       .arguments = "ANALYSISRUN_NAME",
       .description = "Get details about an AnalysisRun",
       .action = [no_colour](Session& session, Names names) { return get(session, std::move(names[0]), *no_colour); }},
      &parent);
  app.add_flag("--no-color", *no_colour, "Do not colorize output");
}

void addListAnalysisRuns(Commands& commands, CLI::App& parent) {
  const auto all_namespaces = std::make_shared<bool>(false);
  CLI::App& app =
      commands.add({.name = "analysisruns",
                    .aliases = {"ar", "analysisrun"},
                    .description = "List AnalysisRuns",
                    .min_names = 0,
                    .max_names = std::numeric_limits<std::size_t>::max(),
                    .action = [all_namespaces](Session& session, Names) { return list(session, *all_namespaces); }},
                   &parent);
  app.add_flag("-A,--all-namespaces", *all_namespaces, "Include all namespaces");
}

}  // namespace crossfade::cli
