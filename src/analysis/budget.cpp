#include "analysis/budget.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "analysis/plan.hpp"
#include "base/json.hpp"
#include "providers/provider.hpp"

namespace crossfade::analysis {

namespace {

// Of the object; what the API server adds to it (managedFields above all) has the rest.
constexpr std::size_t object_budget = 1 << 20;
constexpr std::size_t smallest_status_budget = 64 << 10;
// A metric's result with one measurement, without its texts: member names, counters, times.
constexpr std::size_t bare_result_bytes = 600;
// Texts are shortened to these, one after the other, when fewer measurements are not enough.
constexpr std::size_t tighter_limits[] = {1024, 256, 64, 0};

std::size_t jsonSize(std::string_view text) { return json::serialize(json::string(text)).size(); }

std::size_t sizeOf(const std::map<std::string, std::string>& metadata) {
  std::size_t size = 0;
  for (const auto& [key, value] : metadata) size += key.size() + value.size();
  return size;
}

std::size_t longestList(const api::AnalysisRunStatus& status) {
  std::size_t longest = 0;
  for (const api::MetricResult& result : status.metric_results) longest = std::max(longest, result.measurements.size());
  return longest;
}

void shorten(std::map<std::string, std::string>& metadata, std::size_t limit) {
  for (auto& [key, value] : metadata) value = shortened(std::move(value), limit);
}

void shortenAll(api::AnalysisRunStatus& status, std::size_t limit) {
  status.message = shortened(std::move(status.message), std::max(limit, max_message_bytes));
  for (api::MetricResult& result : status.metric_results) {
    result.message = shortened(std::move(result.message), limit);
    shorten(result.metadata, limit);
    for (api::Measurement& measurement : result.measurements) {
      measurement.message = shortened(std::move(measurement.message), limit);
      measurement.value = shortened(std::move(measurement.value), limit);
      if (measurement.finished_at) shorten(measurement.metadata, limit);
    }
  }
}

}  // namespace

std::string shortened(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  const std::string note = fmt::format("… ({} bytes)", text.size());
  std::size_t kept = limit > note.size() ? limit - note.size() : 0;
  const auto continues = [&](std::size_t at) { return (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U; };
  while (kept > 0 && continues(kept)) --kept;
  text.resize(kept);
  if (limit >= note.size()) text += note;
  return text;
}

std::map<std::string, std::string> shortened(std::map<std::string, std::string> metadata) {
  shorten(metadata, max_value_bytes);
  // Many short ones can be too much as well: the last go.
  while (sizeOf(metadata) > max_metadata_bytes) metadata.erase(std::prev(metadata.end()));
  return metadata;
}

api::Measurement shortened(api::Measurement measurement, TimePoint now) {
  measurement.value = shortened(std::move(measurement.value), max_value_bytes);
  measurement.message = shortened(std::move(measurement.message), max_message_bytes);
  if (!api::isCompletedPhase(measurement.phase)) {
    const std::size_t size = sizeOf(measurement.metadata);
    if (size <= max_metadata_bytes) return measurement;
    measurement = providers::markError(
        std::move(measurement), now,
        fmt::format("the measurement's metadata takes {} bytes, more than {}", size, max_metadata_bytes));
  }
  measurement.metadata = shortened(std::move(measurement.metadata));
  return measurement;
}

std::size_t statusBudget(const api::AnalysisRun& run) {
  std::size_t spec = 0;
  for (const api::Metric& metric : run.metrics) {
    spec += metric.provider.text().size() + metric.name.size() + metric.success_condition.size() +
            metric.failure_condition.size();
  }
  for (const api::Argument& argument : run.args) spec += argument.name.size() + argument.value.value_or("").size();
  for (const auto& [key, value] : run.metadata.annotations) spec += key.size() + value.size();
  return object_budget - std::min(spec, object_budget - smallest_status_budget);
}

std::size_t leastStatusSize(const std::vector<api::Metric>& metrics) {
  std::size_t size = 0;
  for (const api::Metric& metric : metrics) size += bare_result_bytes + jsonSize(metric.name);
  return size;
}

void fitInto(api::AnalysisRunStatus& status, std::size_t budget) {
  const auto fits = [&] { return json::serialize(api::toJson(status)).size() <= budget; };
  std::size_t kept = longestList(status);
  while (!fits() && kept > 1) {
    kept = (kept + 1) / 2;
    for (api::MetricResult& result : status.metric_results) trim(result, static_cast<std::int64_t>(kept));
  }
  for (const std::size_t limit : tighter_limits) {
    if (fits()) return;
    shortenAll(status, limit);
  }
}

}  // namespace crossfade::analysis
