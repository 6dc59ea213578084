#include "api/analysis.hpp"

#include "api/emit.hpp"
#include "api/fields.hpp"

namespace crossfade::api {

bool isCompletedPhase(std::string_view phase) {
  return phase == "Successful" || phase == "Failed" || phase == "Error" || phase == "Inconclusive";
}

// --- reading ---------------------------------------------------------------------------------------------------------

namespace {

std::map<std::string, std::string> readMap(const Fields& fields, std::string_view key) {
  const Labels labels = fields.labels(key);
  return {labels.begin(), labels.end()};
}

std::int64_t count(const Fields& fields, std::string_view key) { return fields.int32(key).value_or(0); }

RunSummary readSummary(const Fields& fields) {
  return {.count = count(fields, "count"),
          .successful = count(fields, "successful"),
          .failed = count(fields, "failed"),
          .inconclusive = count(fields, "inconclusive"),
          .error = count(fields, "error")};
}

Measurement readMeasurement(const Fields& fields) {
  return {.phase = fields.string("phase"),
          .message = fields.string("message"),
          .value = fields.string("value"),
          .started_at = fields.time("startedAt"),
          .finished_at = fields.time("finishedAt"),
          .resume_at = fields.time("resumeAt"),
          .metadata = readMap(fields, "metadata")};
}

MetricResult readResult(const Fields& fields) {
  MetricResult result{.name = fields.string("name"),
                      .phase = fields.string("phase"),
                      .message = fields.string("message"),
                      .measurements = {},
                      .count = count(fields, "count"),
                      .successful = count(fields, "successful"),
                      .failed = count(fields, "failed"),
                      .inconclusive = count(fields, "inconclusive"),
                      .error = count(fields, "error"),
                      .consecutive_error = count(fields, "consecutiveError"),
                      .consecutive_success = count(fields, "consecutiveSuccess"),
                      .dry_run = fields.boolean("dryRun"),
                      .metadata = readMap(fields, "metadata")};
  fields.each("measurements", [&](const Fields& item) { result.measurements.push_back(readMeasurement(item)); });
  return result;
}

AnalysisRunStatus readStatus(const Fields& fields) {
  AnalysisRunStatus status{.phase = fields.string("phase"),
                           .message = fields.string("message"),
                           .started_at = fields.time("startedAt"),
                           .completed_at = fields.time("completedAt"),
                           .metric_results = {},
                           .run_summary = readSummary(fields.child("runSummary")),
                           .dry_run_summary = std::nullopt};
  fields.each("metricResults", [&](const Fields& item) { status.metric_results.push_back(readResult(item)); });
  if (const Fields dry = fields.child("dryRunSummary"); dry.present()) status.dry_run_summary = readSummary(dry);
  return status;
}

// An int-or-string as it is written. A text that is no number counts as 0, and so does an empty one. spec/06 §2.2.
std::string readIntText(const Fields& fields, std::string_view key) {
  const auto value = fields.intOrPercent(key);
  if (!value) return {};
  if (const int* number = std::get_if<int>(&value->value)) return std::to_string(*number);
  const std::string& text = std::get<std::string>(value->value);
  return text.empty() ? "0" : text;
}

Metric readMetric(const Fields& fields) {
  return {.name = fields.string("name"),
          .interval = fields.string("interval"),
          .initial_delay = fields.string("initialDelay"),
          .success_condition = fields.string("successCondition"),
          .failure_condition = fields.string("failureCondition"),
          .count = readIntText(fields, "count"),
          .failure_limit = readIntText(fields, "failureLimit"),
          .inconclusive_limit = readIntText(fields, "inconclusiveLimit"),
          .consecutive_error_limit = readIntText(fields, "consecutiveErrorLimit"),
          .consecutive_success_limit = readIntText(fields, "consecutiveSuccessLimit"),
          .provider = fields.carriedObject("provider")};
}

Argument readArgument(const Fields& fields) {
  const Fields source = fields.child("valueFrom"), secret = source.child("secretKeyRef");
  return {.name = fields.string("name"),
          .value = fields.optionalString("value"),
          .secret_name = secret.string("name"),
          .secret_key = secret.string("key"),
          .field_ref = source.child("fieldRef").present()};
}

std::vector<MetricRule> readRules(const Fields& spec, std::string_view key) {
  std::vector<MetricRule> rules;
  spec.each(key, [&](const Fields& rule) {
    rules.push_back({.metric_name = rule.string("metricName"), .limit = count(rule, "limit")});
  });
  return rules;
}

}  // namespace

AnalysisRun decodeAnalysisRun(const json::object& object) {
  AnalysisRun run;
  const Fields spec(getObject(object, {"spec"}), "spec", run.malformed);
  const Fields ttl = spec.child("ttlStrategy");
  run.metadata = decodeMetadata(object);
  spec.each("metrics", [&](const Fields& metric) { run.metrics.push_back(readMetric(metric)); });
  spec.each("args", [&](const Fields& argument) { run.args.push_back(readArgument(argument)); });
  run.terminate = spec.boolean("terminate");
  run.dry_run = readRules(spec, "dryRun");
  run.measurement_retention = readRules(spec, "measurementRetention");
  run.ttl_after_completion = ttl.int32("secondsAfterCompletion");
  run.ttl_after_success = ttl.int32("secondsAfterSuccess");
  run.ttl_after_failure = ttl.int32("secondsAfterFailure");
  run.status = readStatus(Fields(getObject(object, {"status"}), "status", run.malformed));
  return run;
}

AnalysisTemplate decodeAnalysisTemplate(const json::object& object) {
  AnalysisTemplate read{.metadata = decodeMetadata(object), .spec = {}, .malformed = {}};
  const json::value* spec = find(object, {"spec"});
  if (spec == nullptr || !spec->is_object()) {
    read.malformed.emplace_back("spec: an object is expected");
    return read;
  }
  read.spec = Carried(*spec);
  read.malformed = decodeAnalysisRun({{"spec", *spec}}).malformed;
  Fields(&spec->get_object(), "spec", read.malformed).each("templates", [](const Fields& reference) {
    (void)reference.string("templateName");
    (void)reference.boolean("clusterScope");
  });
  return read;
}

// --- writing ---------------------------------------------------------------------------------------------------------

namespace {

void emitMap(json::object& object, std::string_view key, const std::map<std::string, std::string>& map) {
  if (map.empty()) return;
  json::object& made = object[key].emplace_object();
  for (const auto& [name, value] : map) made[name] = value;
}

json::object toJson(const RunSummary& summary) {
  json::object object;
  emit(object, "count", summary.count);
  emit(object, "successful", summary.successful);
  emit(object, "failed", summary.failed);
  emit(object, "inconclusive", summary.inconclusive);
  emit(object, "error", summary.error);
  return object;
}

json::object toJson(const Measurement& measurement) {
  json::object object{{"phase", measurement.phase}};
  emit(object, "message", measurement.message);
  emit(object, "startedAt", measurement.started_at);
  emit(object, "finishedAt", measurement.finished_at);
  emit(object, "value", measurement.value);
  emitMap(object, "metadata", measurement.metadata);
  emit(object, "resumeAt", measurement.resume_at);
  return object;
}

json::object toJson(const MetricResult& result) {
  json::object object{{"name", result.name}, {"phase", result.phase}};
  if (!result.measurements.empty()) {
    json::array& measurements = object["measurements"].emplace_array();
    for (const Measurement& measurement : result.measurements) measurements.push_back(toJson(measurement));
  }
  emit(object, "message", result.message);
  emit(object, "count", result.count);
  emit(object, "successful", result.successful);
  emit(object, "failed", result.failed);
  emit(object, "inconclusive", result.inconclusive);
  emit(object, "error", result.error);
  emit(object, "consecutiveError", result.consecutive_error);
  emit(object, "dryRun", result.dry_run);
  emitMap(object, "metadata", result.metadata);
  emit(object, "consecutiveSuccess", result.consecutive_success);
  return object;
}

}  // namespace

json::object toJson(const AnalysisRunStatus& status) {
  json::object object{{"phase", status.phase}};
  emit(object, "message", status.message);
  if (!status.metric_results.empty()) {
    json::array& results = object["metricResults"].emplace_array();
    for (const MetricResult& result : status.metric_results) results.push_back(toJson(result));
  }
  emit(object, "startedAt", status.started_at);
  object["runSummary"] = toJson(status.run_summary);
  if (status.dry_run_summary) object["dryRunSummary"] = toJson(*status.dry_run_summary);
  emit(object, "completedAt", status.completed_at);
  return object;
}

}  // namespace crossfade::api
