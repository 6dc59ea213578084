// AnalysisRuns for tests, built field by field.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "analysis/plan.hpp"
#include "api/analysis.hpp"
#include "base/json.hpp"

namespace crossfade::analysis {

inline constexpr TimePoint T{std::chrono::sys_days(std::chrono::year(2026) / 1 / 1)};

inline api::Metric metricNamed(std::string name, std::string interval = {}) {
  api::Metric metric;
  metric.name = std::move(name);
  metric.interval = std::move(interval);
  metric.provider = api::Carried(json::object{{"prometheus", json::object{{"address", "http://p"}, {"query", "q"}}}});
  return metric;
}

inline api::Measurement measurementOf(std::string phase, std::optional<TimePoint> finished = T) {
  api::Measurement measurement;
  measurement.phase = std::move(phase);
  measurement.started_at = T;
  measurement.finished_at = finished;
  return measurement;
}

inline api::MetricResult resultOf(std::string name, std::string phase,
                                  std::vector<api::Measurement> measurements = {}) {
  api::MetricResult result;
  result.name = std::move(name);
  result.phase = std::move(phase);
  result.measurements = std::move(measurements);
  return result;
}

inline api::AnalysisRun runOf(std::vector<api::Metric> metrics, std::vector<api::MetricResult> results = {}) {
  api::AnalysisRun run;
  run.metadata.ns = "ns";
  run.metadata.name = "run";
  run.metadata.uid = "uid";
  run.metrics = std::move(metrics);
  if (!results.empty()) {
    run.status.phase = "Running";
    run.status.started_at = T - minutes(10);
  }
  run.status.metric_results = std::move(results);
  return run;
}

// What a run needs now, or its end where it can't be measured at all.
struct Due {
  std::vector<MeasureTask> tasks = {};
  std::optional<Outcome> ended = {};
};
inline Due due(const api::AnalysisRun& run, TimePoint now) {
  const auto resolved = resolve(run);
  if (!resolved) return {.ended = earlyExit(run, resolved.error().message, now)};
  return {.tasks = due(run, run.status, *resolved, now)};
}
// A pass over a run for which this has been measured, and nothing is being measured.
inline Outcome assess(const api::AnalysisRun& run, const std::vector<Measured>& measured, TimePoint now) {
  const auto resolved = resolve(run);
  if (!resolved) return earlyExit(run, resolved.error().message, now);
  api::AnalysisRunStatus status = run.status;
  for (const Measured& one : measured) record(status, *resolved, one, now);
  return assess(run, std::move(status), *resolved, std::vector<bool>(resolved->metrics.size()), now);
}

}  // namespace crossfade::analysis
