#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "providers/builtin.hpp"

namespace crossfade::providers {

namespace {

using Make = Result<std::unique_ptr<Provider>> (*)(const Context&, const json::object&);
struct Entry {
  std::string_view key, type;
  Make make;
};
// The first that a metric names wins. spec/08 §1.2.
constexpr std::array<Entry, 12> entries{{{"prometheus", "Prometheus", makePrometheus},
                                         {"job", "Job", makeJob},
                                         {"kayenta", "Kayenta", makeKayenta},
                                         {"web", "Web", makeWeb},
                                         {"datadog", "Datadog", makeDatadog},
                                         {"wavefront", "Wavefront", makeWavefront},
                                         {"newRelic", "NewRelic", makeNewRelic},
                                         {"cloudWatch", "CloudWatch", makeCloudWatch},
                                         {"graphite", "Graphite", makeGraphite},
                                         {"influxdb", "Influxdb", makeInfluxdb},
                                         {"skywalking", "skywalking", makeSkyWalking},
                                         {"plugin", "RPCPlugin", makePlugin}}};

const Entry* entryOf(const json::object& provider) {
  const auto entry =
      std::ranges::find_if(entries, [&](const Entry& one) { return getObject(provider, {one.key}) != nullptr; });
  return entry == entries.end() ? nullptr : entry;
}

}  // namespace

Result<std::unique_ptr<Provider>> makeProvider(const Context& context, const api::Metric& metric) {
  const json::object provider = metric.provider.object();
  const Entry* entry = entryOf(provider);
  if (entry == nullptr) return fail(ErrorCode::invalid, fmt::format("no valid provider in metric '{}'", metric.name));
  return entry->make(context, *getObject(provider, {entry->key}));
}

std::string_view providerType(const api::Metric& metric) {
  const Entry* entry = entryOf(metric.provider.object());
  return entry == nullptr ? "Unknown Provider" : entry->type;
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
