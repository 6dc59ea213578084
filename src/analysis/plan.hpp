// The AnalysisRun's planner: what is due to be measured, and what the measurements mean. Pure. spec/06 §7 to §11.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/analysis.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace crossfade::analysis {

struct EventNote {
  bool warning = false;
  std::string reason, message;
};

// One measurement to make: index into run.metrics, and what to do.
struct MeasureTask {
  enum class Verb { run, resume, terminate };
  std::size_t metric = 0;
  Verb verb = Verb::run;
};

struct Due {
  std::vector<MeasureTask> tasks;
  // Set when the run can't be measured at all (arguments, validation): the status to be written, and its event.
  std::optional<api::AnalysisRunStatus> ended;
  std::vector<EventNote> events;
  // The run is complete and its time to live is over: delete it.
  bool expired = false;
  // Nothing is due: look again then.
  std::optional<TimePoint> look_again;
};
// What `run` (arguments of its metrics not yet filled in) needs now. spec/06 §7.1 steps 2 to 7.
Due due(const api::AnalysisRun& run, TimePoint now);

struct Outcome {
  api::AnalysisRunStatus status;
  std::vector<EventNote> events;
  std::optional<TimePoint> look_again;
};
// The status after `measured` (pairs of task and result). spec/06 §7.1 steps 8 to 11.
Outcome assess(const api::AnalysisRun& run, const std::vector<std::pair<MeasureTask, api::Measurement>>& measured, TimePoint now);

// The metric with its {{args.x}} filled in; `secrets` holds the values of secret arguments by argument name. spec/06 §3.4.
Result<api::Metric> resolveMetric(const api::AnalysisRun& run, const api::Metric& metric,
                                  const std::vector<std::pair<std::string, std::string>>& secrets);

}  // namespace crossfade::analysis
