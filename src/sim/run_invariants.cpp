#include "sim/run_invariants.hpp"

#include "analysis/plan.hpp"
#include "sim/backend.hpp"

namespace crossfade::sim {
namespace {

// The verdict that a run's metrics deserve: that of the one which decides.
std::string_view deserved(const api::AnalysisRun& run) {
  const json::object provider = run.metrics.empty() ? json::object() : run.metrics.front().provider.object();
  const std::string_view query = getString(provider, {"prometheus", "query"});
  return query == verdict_bad ? "Failed" : query == verdict_unclear ? "Inconclusive" : "Successful";
}

std::optional<std::string> checkResult(const api::AnalysisRun& run, const api::MetricResult& result) {
  if (result.count != result.successful + result.failed + result.inconclusive)
    return fmt::format("run {}: metric {} counts {} measurements, and {} + {} + {} of each kind", run.metadata.name,
                       result.name, result.count, result.successful, result.failed, result.inconclusive);
  const auto metric = std::ranges::find(run.metrics, result.name, &api::Metric::name);
  const auto wanted = metric == run.metrics.end() ? std::nullopt : analysis::effectiveCount(*metric);
  if (wanted && result.count > *wanted)
    return fmt::format("run {}: metric {} was measured {} times, for {}", run.metadata.name, result.name, result.count,
                       *wanted);
  return std::nullopt;
}

std::optional<std::string> checkChange(const api::AnalysisRun& before, const api::AnalysisRun& now) {
  const std::string& name = now.metadata.name;
  if (api::isCompletedPhase(before.status.phase) && !(before.status == now.status))
    return fmt::format("run {} was {}, and its status has changed", name, before.status.phase);
  if (before.status.started_at && now.status.started_at != before.status.started_at)
    return fmt::format("run {} has begun twice", name);
  for (const api::MetricResult& had : before.status.metric_results) {
    const api::MetricResult* has = analysis::findResult(now.status, had.name);
    if (has == nullptr || has->count < had.count || has->error < had.error)
      return fmt::format("run {}: metric {} has lost measurements", name, had.name);
    if (api::isCompletedPhase(had.phase) && has->phase != had.phase)
      return fmt::format("run {}: metric {} was {} and is {}", name, had.name, had.phase, has->phase);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> checkRuns(const State* before, const State& now) {
  for (const auto& [uid, run] : now.runs) {
    for (const api::MetricResult& result : run.status.metric_results)
      if (auto broken = checkResult(run, result)) return broken;
    const std::string& phase = run.status.phase;
    const bool stopped = run.terminate && phase == "Successful";
    if (api::isCompletedPhase(phase) && phase != deserved(run) && !stopped)
      return fmt::format("run {} is {}, and its metrics are {}: {}", run.metadata.name, phase, deserved(run),
                         run.status.message);
    if (before == nullptr || !before->runs.contains(uid)) continue;
    if (auto broken = checkChange(before->runs.at(uid), run)) return broken;
  }
  return std::nullopt;
}

}  // namespace crossfade::sim
