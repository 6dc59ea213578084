// The AnalysisRun's planner: what is due to be measured, and what the measurements mean. Pure. spec/06 §7 to §11.
//
// A pass over a run is: due(), make its tasks' measurements, assess(), write the status. Times in a status are whole
// seconds, as they come back from the API server.
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

struct Outcome {
  api::AnalysisRunStatus status;
  std::vector<EventNote> events = {};
  std::optional<TimePoint> look_again = {};
  // Metrics (by index) that keep more measurements than these limits: first have their providers clean up, then trim().
  std::vector<std::pair<std::size_t, std::int64_t>> over_limit = {};
};

struct Due {
  std::vector<MeasureTask> tasks = {};
  // Set when the run can't be measured at all (arguments, validation): nothing but this status is to be written.
  std::optional<Outcome> ended = {};
  // The run is complete: nothing is to be measured or assessed any more.
  bool completed = false;
  // … and its time to live is over: delete it.
  bool expired = false;
  // A complete run's time to live ends then.
  std::optional<TimePoint> look_again = {};
};
// What `run` (arguments of its metrics not yet filled in) needs now. spec/06 §7.1 steps 1 to 7, §11.
Due due(const api::AnalysisRun& run, TimePoint now);

// The status after `measured`. Requires that due() found the run neither ended nor completed. spec/06 §7.1 steps 8
// to 11.
Outcome assess(const api::AnalysisRun& run, const std::vector<Measured>& measured, TimePoint now);

// The end of a run that can't go on, with this message. spec/06 §7.1 "early exit".
Outcome earlyExit(const api::AnalysisRun& run, std::string message, TimePoint now);

// Drops all but the newest `limit` measurements.
void trim(api::MetricResult& result, std::int64_t limit);

// The result of the metric of that name; null when there is none.
api::MetricResult* findResult(api::AnalysisRunStatus& status, std::string_view name);
const api::MetricResult* findResult(const api::AnalysisRunStatus& status, std::string_view name);

}  // namespace crossfade::analysis
