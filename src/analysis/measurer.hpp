// The measuring shell of AnalysisRuns: one pass over a run reads its secrets, begins what is due, and writes what has
// been measured. spec/06 §7.1.
//
// A pass never waits for a metric backend. Every measurement is a coroutine of its own; when it ends it asks for
// another pass, which records it. So a backend that hangs delays the metrics that ask it and nothing else: not the
// other metrics of the run, not other runs, not the end of the run. What has been measured is kept here until it is
// written, so a failed write costs no second measurement; and it is recorded only upon the state that it was begun
// from, so neither a lost answer nor another controller makes it count twice. After a restart nothing of this is known:
// what was in flight by the status is resumed, and what was not written has not been measured.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "analysis/plan.hpp"
#include "providers/provider.hpp"

namespace crossfade::analysis {

struct Reconciled {
  std::optional<Error> error = {};  // of the API server: again with back-off
  std::optional<TimePoint> look_again = {};
  std::vector<EventNote> events = {};  // to be emitted on the run
};

class Measurer {
 public:
  using Run = std::shared_ptr<const api::AnalysisRun>;
  // Asks for a pass over the run of that key ("namespace/name") at that moment.
  using Wake = std::function<void(const std::string& key, TimePoint when)>;
  // Is told of the object as it was written.
  using Observe = std::function<void(const json::object&)>;

  // What `context` refers to outlives every coroutine.
  Measurer(providers::Context context, Executor executor, Wake wake);
  ~Measurer();
  Measurer(const Measurer&) = delete;
  Measurer& operator=(const Measurer&) = delete;

  // One pass: begins what is due, writes the status (a merge patch of metricResults and what else differs, or nothing),
  // deletes an expired run. Not twice at once for one run.
  Task<Reconciled> reconcile(Run run, Observe observe);
  // The run is gone: what is being measured for it is of no use any more.
  void forget(const api::Metadata& run);
  // Begins nothing any more. Returns when what is being measured has ended, or at `deadline`; another pass over each of
  // the runs named then writes it.
  Task<std::vector<std::string>> finish(TimePoint deadline);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace crossfade::analysis
