#include <fmt/format.h>

#include <array>

#include "providers/builtin.hpp"

namespace crossfade::providers {

namespace {

using Make = Result<std::unique_ptr<Provider>> (*)(const Context&, const json::object&);
struct Entry {
  std::string_view key;
  Make make;  // null: not there yet
};
// The first that a metric names wins. spec/08 §1.2.
constexpr std::array<Entry, 12> entries{{{"prometheus", makePrometheus},
                                         {"job", makeJob},
                                         {"kayenta", nullptr},
                                         {"web", nullptr},
                                         {"datadog", nullptr},
                                         {"wavefront", nullptr},
                                         {"newRelic", nullptr},
                                         {"cloudWatch", nullptr},
                                         {"graphite", nullptr},
                                         {"influxdb", nullptr},
                                         {"skywalking", nullptr},
                                         {"plugin", nullptr}}};

}  // namespace

Result<std::unique_ptr<Provider>> makeProvider(const Context& context, const api::Metric& metric) {
  const json::object provider = metric.provider.object();
  for (const auto& [key, make] : entries) {
    const json::object* settings = getObject(provider, {key});
    if (settings == nullptr) continue;
    if (make == nullptr) {
      return fail(ErrorCode::invalid, fmt::format("metric provider \"{}\" is not supported yet", key));
    }
    return make(context, *settings);
  }
  return fail(ErrorCode::invalid, fmt::format("no valid provider in metric '{}'", metric.name));
}

api::Measurement failedMeasurement(TimePoint now, std::string message) {
  api::Measurement measurement;
  measurement.started_at = now;
  return markError(std::move(measurement), now, std::move(message));
}

api::Measurement markError(api::Measurement measurement, TimePoint now, std::string message) {
  measurement.phase = "Error";
  measurement.message = std::move(message);
  if (!measurement.finished_at) measurement.finished_at = now;
  return measurement;
}

}  // namespace crossfade::providers
