// The AnalysisRun's planner: what is due to be measured, and what the measurements mean. Pure. spec/06 §7 to §11.
//
// A pass over a run: record() what has been measured since the last one, assess() that, write the status; and begin
// what is due(). Measurements take their time: a metric that is being measured waits for its own result, the others
// go on. Times in a status are whole seconds, as they come back from the API server.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "analysis/metrics.hpp"
#include "api/analysis.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace crossfade::analysis {

struct EventNote {
  bool warning = false;
  std::string reason = {}, message = {};
};

// One measurement to make: index into run.metrics, and what to do.
struct MeasureTask {
  enum class Verb { run, resume, terminate };
  std::size_t metric = 0;
  Verb verb = Verb::run;
};
// What came of it. `metadata` is the provider's, for the metric's result.
struct Measured {
  MeasureTask task;
  api::Measurement measurement;
  std::map<std::string, std::string> metadata;
};

// Whether a run is at its end, and what becomes of it then. spec/06 §7.1 steps 1 and 2, §11.
struct Standing {
  bool over = false;                         // complete, or being deleted: nothing is measured or assessed any more
  bool expired = false;                      // its time to live has passed: delete it
  std::optional<TimePoint> look_again = {};  // its time to live ends then
};
Standing standingOf(const api::AnalysisRun& run, TimePoint now);

struct Outcome {
  api::AnalysisRunStatus status;
  std::vector<EventNote> events = {};
  std::optional<TimePoint> look_again = {};
  // Metrics (by index) that keep more measurements than these limits: first have their providers clean up, then trim().
  std::vector<std::pair<std::size_t, std::int64_t>> over_limit = {};
  // With this status no measurement begins any more.
  bool closing = false;
  // … and none that is still being made could make the run's verdict worse.
  bool sealed = false;
};

// In what follows `status` is the run's, with what has been recorded since it was written, and `resolved` is what
// resolve() made of the run, which is not over.

// The status with one more measurement in it (or the next state of the one in flight): counters, times, texts cut to
// size. Phases are assess()'s. spec/06 §7.3.
void record(api::AnalysisRunStatus& status, const Resolved& resolved, const Measured& measured, TimePoint now);

// What the run needs now, in the order of its metrics. spec/06 §7.2.
std::vector<MeasureTask> due(const api::AnalysisRun& run, const api::AnalysisRunStatus& status,
                             const Resolved& resolved, TimePoint now);

// Phases, messages, summaries and the next wake-up. `measuring`: of each metric, whether something is being measured
// for it; its end is a wake-up of its own. spec/06 §7.1 steps 9 to 11.
Outcome assess(const api::AnalysisRun& run, api::AnalysisRunStatus status, const Resolved& resolved,
               const std::vector<bool>& measuring, TimePoint now);

// The end of a run that can't go on, with this message. spec/06 §7.1 "early exit".
Outcome earlyExit(const api::AnalysisRun& run, std::string message, TimePoint now);

// Drops all but the newest `limit` measurements.
void trim(api::MetricResult& result, std::int64_t limit);

// The result of the metric of that name; null when there is none.
api::MetricResult* findResult(api::AnalysisRunStatus& status, std::string_view name);
const api::MetricResult* findResult(const api::AnalysisRunStatus& status, std::string_view name);

}  // namespace crossfade::analysis
