#include "analysis/plan.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/budget.hpp"

namespace crossfade::analysis {

namespace {

constexpr std::string_view running = "Running", pending = "Pending", successful = "Successful", failed = "Failed",
                           error = "Error", inconclusive = "Inconclusive";

// After a measurement that ended in an error, whatever the metric's interval is.
constexpr Duration error_retry = seconds(10);
// A measurement in flight is not asked again sooner, however short its provider's wish is; and no metric is measured
// more often, since moments in a status are whole seconds: "interval: 1ms" must not keep a backend busy.
constexpr Duration shortest_resume = seconds(1), shortest_interval = seconds(1);

TimePoint wholeSeconds(TimePoint time) { return std::chrono::floor<seconds>(time); }

bool endsWell(std::string_view phase) { return phase == successful; }
bool endsBadly(std::string_view phase) { return api::isCompletedPhase(phase) && !endsWell(phase); }

EventNote completionNote(std::string_view prefix, std::string_view phase, std::string message) {
  return {.warning = phase == failed || phase == error,
          .reason = fmt::format("{}{}", prefix, phase),
          .message = std::move(message)};
}
EventNote runNote(std::string_view phase) {
  return completionNote("AnalysisRun", phase, fmt::format("Analysis Completed. Result: {}", phase));
}

const api::Measurement* newest(const api::MetricResult* result) {
  return result == nullptr || result->measurements.empty() ? nullptr : &result->measurements.back();
}

// Whether a metric that counts has a phase that `is`.
bool anyMetric(const api::AnalysisRunStatus& status, const Resolved& resolved, bool (*is)(std::string_view phase)) {
  for (std::size_t i = 0; i < resolved.metrics.size(); ++i) {
    const api::MetricResult* result = findResult(status, resolved.metrics[i].name);
    if (result != nullptr && !result->dry_run && !resolved.dry_run[i] && is(result->phase)) return true;
  }
  return false;
}

// No measurement begins any more. Taken once a pass, before any metric's phase changes. spec/06 §7.2.
bool isTerminating(const api::AnalysisRun& run, const api::AnalysisRunStatus& status, const Resolved& resolved) {
  return run.terminate || anyMetric(status, resolved, endsBadly);
}

// --- what is due (§7.2)
// ------------------------------------------------------------------------------------------------

std::optional<MeasureTask::Verb> taskFor(const api::Metric& metric, const api::MetricResult* result,
                                         const std::optional<TimePoint>& run_started, bool terminating, TimePoint now) {
  using Verb = MeasureTask::Verb;
  if (result != nullptr && api::isCompletedPhase(result->phase)) return std::nullopt;
  const api::Measurement* last = newest(result);
  if (last != nullptr && !last->finished_at) {
    if (terminating) return Verb::terminate;
    if (last->resume_at && *last->resume_at > now) return std::nullopt;
    return Verb::resume;
  }
  if (terminating) return std::nullopt;
  if (last == nullptr) {
    if (metric.initial_delay.empty()) return Verb::run;
    const auto delay = parseGoDuration(metric.initial_delay);
    if (!run_started || !delay || *run_started + *delay > now) return std::nullopt;
    return Verb::run;
  }
  const auto count = effectiveCount(metric);
  if (count && result->count >= *count) return std::nullopt;
  Duration wait = error_retry;
  if (last->phase != error && !metric.interval.empty()) {
    const auto interval = parseGoDuration(metric.interval);
    if (!interval) return std::nullopt;
    wait = std::max<Duration>(*interval, shortest_interval);
  }
  if (now > *last->finished_at + wait) return Verb::run;
  return std::nullopt;
}

// spec/06 §11: a run is deleted when more than the chosen whole seconds have passed since its end.
std::optional<TimePoint> expiry(const api::AnalysisRun& run, const api::AnalysisRunStatus& status) {
  if (!status.completed_at) return std::nullopt;
  std::optional<std::int64_t> lifetime = run.ttl_after_completion;
  if (status.phase == successful && run.ttl_after_success) lifetime = run.ttl_after_success;
  if (status.phase == failed && run.ttl_after_failure) lifetime = run.ttl_after_failure;
  if (!lifetime) return std::nullopt;
  constexpr std::int64_t longest = INT32_MAX;
  return *status.completed_at + seconds(std::clamp<std::int64_t>(*lifetime, 0, longest) + 1);
}

// --- recording (§7.3)
// --------------------------------------------------------------------------------------------------

void count(api::MetricResult& result, std::string_view phase) {
  if (phase == error) {
    ++result.error;
    ++result.consecutive_error;
    result.consecutive_success = 0;
    return;
  }
  ++result.count;
  result.consecutive_error = 0;
  if (phase == successful) {
    ++result.successful;
    ++result.consecutive_success;
    return;
  }
  result.consecutive_success = 0;
  ++(phase == failed ? result.failed : result.inconclusive);
}

// Results in the order of the spec; those of metrics that it no longer has come last.
void sortResults(api::AnalysisRunStatus& status, const Resolved& resolved) {
  const auto position = [&](const api::MetricResult& result) {
    return std::ranges::find(resolved.metrics, result.name, &api::Metric::name) - resolved.metrics.begin();
  };
  std::ranges::stable_sort(status.metric_results, {}, position);
}

// --- the phase of a metric (§7.4)
// --------------------------------------------------------------------------------------

struct Verdict {
  std::string_view phase;
  std::string reason;  // which limit decided
  // The run's message never told this reason before (rows 9 and 10).
  bool new_reason = false;
};

// The limit that a metric has gone beyond, worst first (rows 5 to 7).
std::optional<Verdict> brokenLimit(const api::MetricResult& result, const Limits& limits) {
  if (result.consecutive_error > limits.consecutive_error) {
    return Verdict{error, fmt::format("consecutiveErrors ({}) > consecutiveErrorLimit ({})", result.consecutive_error,
                                      limits.consecutive_error)};
  }
  if (result.inconclusive > limits.inconclusive) {
    return Verdict{inconclusive,
                   fmt::format("inconclusive ({}) > inconclusiveLimit ({})", result.inconclusive, limits.inconclusive)};
  }
  if (limits.failure >= 0 && result.failed > limits.failure) {
    return Verdict{failed, fmt::format("failed ({}) > failureLimit ({})", result.failed, limits.failure)};
  }
  return std::nullopt;
}

Verdict verdictOn(const api::Metric& metric, const api::MetricResult& result, bool terminating) {
  const Limits limits = limitsOf(metric);
  const auto broken = brokenLimit(result, limits);
  const auto wanted = effectiveCount(metric);
  const bool all_measured = wanted && result.count >= *wanted;
  const bool wants_successes = limits.consecutive_success > 0;
  const bool enough_successes = wants_successes && result.consecutive_success >= limits.consecutive_success;
  const auto too_few = [&](std::string_view phase) {
    return Verdict{phase,
                   fmt::format("consecutiveSuccess ({}) < consecutiveSuccessLimit ({})", result.consecutive_success,
                               limits.consecutive_success),
                   true};
  };

  if (api::isCompletedPhase(result.phase)) {
    if (broken) return {result.phase, broken->reason};
    const bool unexplained = endsBadly(result.phase) && all_measured && wants_successes && !enough_successes;
    return unexplained ? too_few(result.phase) : Verdict{result.phase, ""};
  }
  if (result.measurements.empty()) return {terminating ? successful : pending, ""};
  if (!api::isCompletedPhase(result.measurements.back().phase)) return {running, ""};
  if (broken) return *broken;
  if (enough_successes) return {successful, ""};
  if (all_measured && wants_successes) return too_few(limits.failure >= 0 ? inconclusive : failed);
  if (all_measured || terminating) return {successful, ""};
  return {running, ""};
}

// --- the phase of the run (§7.5)
// ---------------------------------------------------------------------------------------

int severity(std::string_view phase) {
  static constexpr std::array<std::string_view, 6> order{successful, running, pending, inconclusive, error, failed};
  return static_cast<int>(std::ranges::find(order, phase) - order.begin());
}

void addTo(api::RunSummary& summary, std::string_view phase) {
  if (phase == successful) ++summary.successful;
  if (phase == failed) ++summary.failed;
  if (phase == inconclusive) ++summary.inconclusive;
  if (phase == error) ++summary.error;
}

struct Assessment {
  std::string_view worst;  // of the metrics that are complete; empty: none is
  std::string message;
  bool all_complete = true;
};

std::string explain(const api::MetricResult& result, const Verdict& verdict) {
  std::string text = fmt::format("Metric \"{}\" assessed {} due to {}", result.name, result.phase, verdict.reason);
  if (!result.message.empty()) text += fmt::format(": \"Error Message: {}\"", result.message);
  return text;
}

void takeVerdict(api::MetricResult& result, const Verdict& verdict, std::vector<EventNote>& events) {
  if (result.phase == verdict.phase) return;
  result.phase = verdict.phase;
  if (const api::Measurement* last = newest(&result)) result.message = last->message;
  if (!api::isCompletedPhase(result.phase)) return;
  events.push_back(completionNote("Metric", result.phase,
                                  fmt::format("Metric '{}' Completed. Result: {}", result.name, result.phase)));
}

Assessment assessMetrics(const api::AnalysisRun& run, const Resolved& resolved, bool terminating, Outcome& outcome) {
  Assessment assessment;
  if (run.terminate) assessment.message = "Run Terminated";
  outcome.status.run_summary = {};
  outcome.status.dry_run_summary = api::RunSummary{};
  bool explained = false;
  for (std::size_t i = 0; i < resolved.metrics.size(); ++i) {
    const api::Metric& metric = resolved.metrics[i];
    api::MetricResult* result = findResult(outcome.status, metric.name);
    const bool dry = resolved.dry_run[i] || (result != nullptr && result->dry_run);
    api::RunSummary& summary = dry ? *outcome.status.dry_run_summary : outcome.status.run_summary;
    ++summary.count;
    if (result == nullptr) {
      assessment.all_complete = false;
      continue;
    }
    const Verdict verdict = verdictOn(metric, *result, terminating);
    takeVerdict(*result, verdict, outcome.events);
    if (!api::isCompletedPhase(result->phase)) {
      assessment.all_complete = false;
      continue;
    }
    addTo(summary, result->phase);
    if (dry) {
      if (assessment.worst.empty()) assessment.worst = successful;
      if (!verdict.reason.empty()) {
        result->message = fmt::format("Metric assessed {} due to {}", result->phase, verdict.reason);
      }
    } else if (assessment.worst.empty() || severity(result->phase) > severity(assessment.worst)) {
      assessment.worst = result->phase;
      if (!verdict.reason.empty() && (!verdict.new_reason || explained || assessment.message.empty())) {
        assessment.message = explain(*result, verdict);
        explained = true;
      }
    }
  }
  return assessment;
}

std::string_view phaseOf(const Assessment& assessment, bool terminating) {
  if (terminating) return assessment.worst.empty() ? successful : assessment.worst;
  return !assessment.all_complete || assessment.worst.empty() ? running : assessment.worst;
}

// --- the next wake-up (§7.6)
// -------------------------------------------------------------------------------------------

std::optional<TimePoint> nextMoment(const api::Metric& metric, const api::MetricResult* result,
                                    const std::optional<TimePoint>& run_started, TimePoint now) {
  if (result != nullptr && api::isCompletedPhase(result->phase)) return std::nullopt;
  const api::Measurement* last = newest(result);
  if (last == nullptr) {
    const auto delay = parseGoDuration(metric.initial_delay);
    if (!delay) return std::nullopt;
    return run_started.value_or(now) + *delay;
  }
  if (!last->finished_at) {
    if (!last->resume_at) return std::nullopt;
    return std::max(*last->resume_at, now + shortest_resume);
  }
  const auto count = effectiveCount(metric);
  if (count && result->count >= *count) return std::nullopt;
  // A measurement is due when its wait is over and a moment more: waking exactly then would find nothing to do.
  constexpr Duration moment(1);
  if (last->phase == error) return *last->finished_at + error_retry + moment;
  const auto interval = parseGoDuration(metric.interval);
  if (!interval) return std::nullopt;
  return *last->finished_at + std::max<Duration>(*interval, shortest_interval) + moment;
}

}  // namespace

api::MetricResult* findResult(api::AnalysisRunStatus& status, std::string_view name) {
  const auto result = std::ranges::find(status.metric_results, name, &api::MetricResult::name);
  return result == status.metric_results.end() ? nullptr : &*result;
}
const api::MetricResult* findResult(const api::AnalysisRunStatus& status, std::string_view name) {
  const auto result = std::ranges::find(status.metric_results, name, &api::MetricResult::name);
  return result == status.metric_results.end() ? nullptr : &*result;
}

void trim(api::MetricResult& result, std::int64_t limit) {
  const auto excess = static_cast<std::int64_t>(result.measurements.size()) - std::max<std::int64_t>(limit, 1);
  if (excess > 0) result.measurements.erase(result.measurements.begin(), result.measurements.begin() + excess);
}

Outcome earlyExit(const api::AnalysisRun& run, std::string message, TimePoint now) {
  Outcome outcome{.status = run.status, .events = {runNote(error)}};
  outcome.status.phase = error;
  outcome.status.message = shortened(std::move(message), max_message_bytes);
  outcome.status.completed_at = wholeSeconds(now);
  return outcome;
}

Standing standingOf(const api::AnalysisRun& run, TimePoint now) {
  if (run.metadata.deleted) return {.over = true};
  if (!api::isCompletedPhase(run.status.phase)) return {};
  const auto end = expiry(run, run.status);
  return {.over = true, .expired = end && *end <= now, .look_again = end};
}

void record(api::AnalysisRunStatus& status, const Resolved& resolved, const Measured& measured, TimePoint now) {
  const std::size_t index = measured.task.metric;
  api::MetricResult* result = findResult(status, resolved.metrics[index].name);
  if (result == nullptr) {
    result = &status.metric_results.emplace_back();
    result->name = resolved.metrics[index].name;
    result->phase = running;
    result->dry_run = resolved.dry_run[index];
  }
  if (result->metadata.empty()) result->metadata = shortened(measured.metadata);

  api::Measurement measurement = shortened(measured.measurement, now);
  for (auto* time : {&measurement.started_at, &measurement.finished_at, &measurement.resume_at}) {
    if (*time) **time = wholeSeconds(**time);
  }
  if (measured.task.verb == MeasureTask::Verb::terminate &&
      (measurement.phase == successful || measurement.phase == inconclusive)) {
    measurement.message = "Metric Terminated";
  }
  if (api::isCompletedPhase(measurement.phase)) {
    if (!measurement.finished_at) measurement.finished_at = wholeSeconds(now);
    count(*result, measurement.phase);
  }
  if (measured.task.verb == MeasureTask::Verb::run || result->measurements.empty()) {
    result->measurements.push_back(std::move(measurement));
  } else {
    result->measurements.back() = std::move(measurement);
  }
}

std::vector<MeasureTask> due(const api::AnalysisRun& run, const api::AnalysisRunStatus& status,
                             const Resolved& resolved, TimePoint now) {
  std::vector<MeasureTask> tasks;
  const bool terminating = isTerminating(run, status, resolved);
  for (std::size_t i = 0; i < resolved.metrics.size(); ++i) {
    const api::Metric& metric = resolved.metrics[i];
    const auto verb = taskFor(metric, findResult(status, metric.name), status.started_at, terminating, now);
    if (verb) tasks.push_back({.metric = i, .verb = *verb});
  }
  return tasks;
}

Outcome assess(const api::AnalysisRun& run, api::AnalysisRunStatus given, const Resolved& resolved,
               const std::vector<bool>& measuring, TimePoint now) {
  Outcome outcome{.status = std::move(given)};
  api::AnalysisRunStatus& status = outcome.status;
  const bool terminating = isTerminating(run, status, resolved);
  sortResults(status, resolved);

  if (!status.started_at) status.started_at = wholeSeconds(now);
  const Assessment assessment = assessMetrics(run, resolved, terminating, outcome);
  const std::string_view phase = phaseOf(assessment, terminating);
  if (phase != status.phase) {
    status.phase = phase;
    status.message = phase == running ? "" : shortened(assessment.message, max_message_bytes);
    if (api::isCompletedPhase(phase)) {
      outcome.events.push_back(runNote(phase));
      if (!status.completed_at) status.completed_at = wholeSeconds(now);
    }
  }
  const bool complete = api::isCompletedPhase(phase);
  outcome.closing = complete || isTerminating(run, status, resolved);
  outcome.sealed = outcome.closing && anyMetric(status, resolved, [](std::string_view one) { return one == failed; });

  for (std::size_t i = 0; i < resolved.metrics.size(); ++i) {
    const api::MetricResult* result = findResult(status, resolved.metrics[i].name);
    if (result != nullptr && static_cast<std::int64_t>(result->measurements.size()) > resolved.retention[i]) {
      outcome.over_limit.emplace_back(i, resolved.retention[i]);
    }
  }
  if (complete) {
    outcome.look_again = expiry(run, status);
    return outcome;
  }
  for (std::size_t i = 0; i < resolved.metrics.size(); ++i) {
    if (measuring[i]) continue;
    const api::Metric& metric = resolved.metrics[i];
    const auto moment = nextMoment(metric, findResult(status, metric.name), status.started_at, now);
    if (moment && (!outcome.look_again || *moment < *outcome.look_again)) outcome.look_again = moment;
  }
  return outcome;
}

}  // namespace crossfade::analysis
