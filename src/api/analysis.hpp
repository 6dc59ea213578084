// AnalysisRuns and their templates. spec/06 §2.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/object.hpp"

namespace crossfade::api {

// Phases as the API spells them: "", "Pending", "Running", "Successful", "Failed", "Error", "Inconclusive".
bool isCompletedPhase(std::string_view phase);

struct Measurement {
  std::string phase, message, value;
  std::optional<TimePoint> started_at, finished_at, resume_at;
  std::map<std::string, std::string> metadata;
  bool operator==(const Measurement&) const = default;
};
struct MetricResult {
  std::string name, phase, message;
  std::vector<Measurement> measurements;
  std::int64_t count = 0, successful = 0, failed = 0, inconclusive = 0, error = 0;
  std::int64_t consecutive_error = 0, consecutive_success = 0;
  bool dry_run = false;
  std::map<std::string, std::string> metadata;
  bool operator==(const MetricResult&) const = default;
};
struct RunSummary {
  std::int64_t count = 0, successful = 0, failed = 0, inconclusive = 0, error = 0;
  bool operator==(const RunSummary&) const = default;
};
struct AnalysisRunStatus {
  std::string phase, message;
  std::optional<TimePoint> started_at, completed_at;
  std::vector<MetricResult> metric_results;
  RunSummary run_summary;
  std::optional<RunSummary> dry_run_summary;
  bool operator==(const AnalysisRunStatus&) const = default;
};
json::object toJson(const AnalysisRunStatus& status);

// A metric, its conditions and limits; `provider` is the one member of spec.metrics[].provider, by its key.
struct Metric {
  std::string name, interval, initial_delay, success_condition, failure_condition;
  // Int-or-string integers as they are written (a string may hold {{args.x}}); empty: absent.
  std::string count, failure_limit, inconclusive_limit, consecutive_error_limit, consecutive_success_limit;
  Carried provider;  // {"prometheus":{…}}
  bool operator==(const Metric&) const = default;
};
struct Argument {
  std::string name;
  std::optional<std::string> value;
  std::string secret_name, secret_key;  // valueFrom.secretKeyRef
  bool field_ref = false;               // valueFrom.fieldRef is present
  bool operator==(const Argument&) const = default;
};
struct MetricRule {  // dryRun[], measurementRetention[]
  std::string metric_name;
  std::int64_t limit = 0;
  bool operator==(const MetricRule&) const = default;
};

struct AnalysisRun {
  Metadata metadata;
  std::vector<Metric> metrics;
  std::vector<Argument> args;
  bool terminate = false;
  std::vector<MetricRule> dry_run, measurement_retention;
  std::optional<std::int64_t> ttl_after_completion, ttl_after_success, ttl_after_failure;
  AnalysisRunStatus status;
  Malformed malformed;
};
AnalysisRun decodeAnalysisRun(const json::object& object);

// AnalysisTemplate and ClusterAnalysisTemplate: `spec` is carried, since a run is built from it as JSON.
struct AnalysisTemplate {
  Metadata metadata;
  Carried spec;
  Malformed malformed;  // what no run could be made of
};
AnalysisTemplate decodeAnalysisTemplate(const json::object& object);

}  // namespace crossfade::api
