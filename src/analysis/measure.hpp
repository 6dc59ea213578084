// The measuring shell of AnalysisRuns: secrets, providers, one reconcile of one run.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "analysis/plan.hpp"
#include "providers/provider.hpp"

namespace crossfade::analysis {

struct Reconciled {
  std::optional<Error> error = {};  // of the API server: again with back-off
  std::optional<TimePoint> look_again = {};
  std::vector<EventNote> events = {};  // to be emitted on the run
};
// One pass over a run: measures what is due (all at once), writes the status (a merge patch of metricResults and what
// else differs, or nothing), deletes an expired run. `observe` is told of the object as written.
Task<Reconciled> reconcile(const providers::Context& context, std::shared_ptr<const api::AnalysisRun> run,
                           std::function<void(const json::object&)> observe);

}  // namespace crossfade::analysis
