#include "providers/query.hpp"

#include <fmt/format.h>

#include <exception>

#include "base/base64.hpp"
#include "base/go_text.hpp"
#include "base/log.hpp"
#include "expr/json_text.hpp"

namespace crossfade::providers {

namespace {

expr::Verdict assess(const Context& context, const api::Metric& metric, const expr::Measured& result, TimePoint now) {
  if (context.conditions == nullptr)
    return expr::assess(result, metric.success_condition, metric.failure_condition, now);
  return expr::assess(*context.conditions, result, metric.success_condition, metric.failure_condition, now);
}

api::Measurement conclude(const Context& context, api::Measurement measurement, const api::Metric& metric,
                          Reading reading, TimePoint now) {
  if (!reading.error.empty()) {
    measurement.metadata = std::move(reading.metadata);
    return markError(std::move(measurement), now, std::move(reading.error));
  }
  expr::Verdict verdict = assess(context, metric, reading.result, now);
  const bool failed = verdict.phase == "Error";
  if (!failed || reading.keeps_value) measurement.value = std::move(reading.value);
  if (!failed || reading.keeps_metadata) measurement.metadata = std::move(reading.metadata);
  if (failed) return markError(std::move(measurement), now, std::move(verdict.error));
  measurement.phase = std::move(verdict.phase);
  measurement.finished_at = now;
  return measurement;
}

}  // namespace

Task<api::Measurement> QueryProvider::run(const api::AnalysisRun& run, const api::Metric& metric) {
  api::Measurement measurement;
  const TimePoint began = context_.clock.now();
  measurement.started_at = began;
  Result<Reading> reading = fail(ErrorCode::internal, "");
  try {
    reading = co_await read(run, began);
    const TimePoint now = context_.clock.now();
    if (reading) co_return conclude(context_, measurement, metric, std::move(*reading), now);
  } catch (const std::exception& exception) {
    reading = fail(ErrorCode::internal, fmt::format("internal error: {}", exception.what()));
    log::error("metric {}: {}", metric.name, reading.error().message);
  }
  co_return markError(std::move(measurement), context_.clock.now(), reading.error().message);
}

Task<api::Measurement> QueryProvider::resume(const api::AnalysisRun&, const api::Metric& metric,
                                             api::Measurement measurement) {
  log::warn("metric {}: {} measurements can't be resumed", metric.name, providerType(metric));
  co_return measurement;
}

Task<api::Measurement> QueryProvider::terminate(const api::AnalysisRun&, const api::Metric& metric,
                                                api::Measurement measurement) {
  log::warn("metric {}: {} measurements can't be terminated", metric.name, providerType(metric));
  co_return measurement;
}

Task<Result<>> QueryProvider::garbageCollect(const api::AnalysisRun&, const api::Metric&, std::int64_t) {
  co_return Result<>();
}

std::map<std::string, std::string> QueryProvider::metadata(const api::Metric&) const { return {}; }

Task<Result<std::map<std::string, std::string>>> readSecret(kube::Client& client, std::string ns, std::string name) {
  const Result<json::object> secret = co_await client.get(kube::resources::secrets, ns, name);
  if (!secret) co_return fail(secret.error());
  std::map<std::string, std::string> values;
  const json::object* data = getObject(*secret, {"data"});
  for (const auto& [key, encoded] : data == nullptr ? json::object() : *data) {
    if (!encoded.is_string()) continue;
    if (auto decoded = decodeBase64(encoded.get_string())) values.emplace(key, std::move(*decoded));
  }
  co_return values;
}

std::string secretValue(const std::map<std::string, std::string>& secret, const std::string& key) {
  const auto entry = secret.find(key);
  return entry == secret.end() ? "" : entry->second;
}

std::shared_ptr<net::AwsSession> awsSession(const Context& context) {
  if (context.aws) return context.aws;
  return std::make_shared<net::AwsSession>(context.dialer, context.clock, context.environment);
}

std::string wrongType(const json::value& value, std::string_view wanted) {
  const std::string_view kind = value.is_string()   ? "string"
                                : value.is_bool()   ? "bool"
                                : value.is_array()  ? "array"
                                : value.is_object() ? "object"
                                : value.is_null()   ? "null"
                                                    : "number";
  return fmt::format("json: cannot unmarshal {} into Go value of type {}", kind, wanted);
}

std::string compactJson(const json::value& value) {
  // What came as JSON can be written as JSON, unless escapes make it too large.
  return expr::compactJson(expr::fromJson(value)).value_or("");
}

std::string listText(const std::vector<double>& values, std::string (*spell)(double)) {
  std::string list;
  for (const double value : values) list += (list.empty() ? "" : ",") + spell(value);
  return "[" + list + "]";
}

std::int64_t unixSeconds(TimePoint time) { return std::chrono::floor<seconds>(time).time_since_epoch().count(); }

}  // namespace crossfade::providers
