// What a run's spec says once its arguments are filled in: numbers, durations, rules, and whether all of it makes
// sense. Pure. spec/06 §2.2, §3.4, §5, §9, §10.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/analysis.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace crossfade::analysis {

// Argument names and their values.
using ArgumentValues = std::vector<std::pair<std::string, std::string>>;

// The values of a run's arguments: those in `secrets` win over the argument's own. Fails for an argument that has
// neither.
Result<ArgumentValues> argumentValues(const std::vector<api::Argument>& arguments, const ArgumentValues& secrets);
// The stand-ins for secrets wherever their content doesn't matter.
ArgumentValues secretPlaceholders(const std::vector<api::Argument>& arguments);
// The metric with every {{args.x}} in it replaced.
Result<api::Metric> fillIn(const api::Metric& metric, const ArgumentValues& values);

// An int-or-string integer: a text that is no integer reads as 0.
std::int64_t readInteger(std::string_view text);
// The count of measurements that ends a metric; empty: it runs until it is stopped.
std::optional<std::int64_t> effectiveCount(const api::Metric& metric);

struct Limits {
  std::int64_t failure = 0, inconclusive = 0, consecutive_error = 4, consecutive_success = 0;
};
Limits limitsOf(const api::Metric& metric);

// A run's metrics with arguments (secrets: stand-ins) filled in, and the rules that apply to each, by index.
struct Resolved {
  std::vector<api::Metric> metrics;
  std::vector<bool> dry_run;
  std::vector<std::int64_t> retention;
  std::size_t status_budget = 0;  // bytes
};
// Fails with the text of the run's status message: for what can't be read of the object first, then spec/06 §7.1 steps
// 3 to 6, then for more metrics than a status can hold.
Result<Resolved> resolve(const api::AnalysisRun& run);

}  // namespace crossfade::analysis
