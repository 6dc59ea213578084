// How large a run's status may grow. The API server takes no object above some 1.5 MB, and a status that it refuses
// would never be written: so texts have limits, and what a run keeps of its measurements is cut to fit. Counters and
// each metric's newest measurement always stay. Pure.
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "api/analysis.hpp"

namespace crossfade::analysis {

// The longest texts that are kept, in bytes.
inline constexpr std::size_t max_value_bytes = 8 << 10;
inline constexpr std::size_t max_message_bytes = 2 << 10;
inline constexpr std::size_t max_metadata_bytes = 64 << 10;  // all keys and values of one measurement together

// Cut behind a whole character, with a note of the full length; never longer than `limit`.
std::string shortened(std::string text, std::size_t limit);

// The measurement with its texts shortened. Metadata of one in flight is its provider's memory and is left as it is:
// one with too much of it becomes an Error.
api::Measurement shortened(api::Measurement measurement, TimePoint now);
// The metadata of a metric's result, shortened.
std::map<std::string, std::string> shortened(std::map<std::string, std::string> metadata);

// What is left for the status of a run with this spec.
std::size_t statusBudget(const api::AnalysisRun& run);
// The least that the results of these metrics take when each has one measurement.
std::size_t leastStatusSize(const std::vector<api::Metric>& metrics);
// Drops what is oldest, then what is longest, until the status takes at most `budget` bytes, or nothing is left to
// drop.
void fitInto(api::AnalysisRunStatus& status, std::size_t budget);

}  // namespace crossfade::analysis
