// The tables of spec/06 §7, row by row: what is due, what is counted, which phase follows, when to look again.
#include <gtest/gtest.h>

#include "runs.hpp"

namespace crossfade::analysis {
namespace {

Resolved resolvedAs(std::vector<api::Metric> metrics) {
  Resolved resolved;
  resolved.dry_run.assign(metrics.size(), false);
  resolved.retention.assign(metrics.size(), 10);
  resolved.status_budget = 1 << 20;
  resolved.metrics = std::move(metrics);
  return resolved;
}

api::Measurement inFlight(std::optional<TimePoint> resume_at) {
  api::Measurement measurement = measurementOf("Running", std::nullopt);
  measurement.resume_at = resume_at;
  return measurement;
}

api::MetricResult withCount(api::MetricResult result, std::int64_t count) {
  result.count = count;
  return result;
}

struct Situation {
  std::string interval = {}, count = {}, initial_delay = {};
  std::optional<api::MetricResult> result = {};
  bool terminate = false;
  std::optional<TimePoint> started = T - minutes(1);
};

api::Metric metricOf(const Situation& one) {
  api::Metric metric = metricNamed("m", one.interval);
  metric.count = one.count;
  metric.initial_delay = one.initial_delay;
  return metric;
}

api::AnalysisRun runIn(const Situation& one) {
  api::AnalysisRun run = runOf({metricOf(one)});
  if (one.result) run.status.metric_results = {*one.result};
  run.status.started_at = one.started;
  run.terminate = one.terminate;
  return run;
}

TEST(Due, EveryRow) {  // spec/06 §7.2 #1-#12
  const auto running = [](api::Measurement last) { return resultOf("m", "Running", {std::move(last)}); };
  const auto finished = [&](std::string phase, Duration ago) { return running(measurementOf(phase, T - ago)); };
  const std::pair<Situation, const char*> rows[] = {
      {{.result = resultOf("m", "Successful", {measurementOf("Successful", T - hours(1))})}, ""},
      {{.result = running(inFlight(T + seconds(1)))}, ""},
      {{.result = running(inFlight(T))}, "resume"},
      {{.interval = "1s", .result = finished("Successful", hours(1)), .terminate = true}, ""},
      {{.initial_delay = "0s", .started = std::nullopt}, ""},
      {{.initial_delay = "soon"}, ""},
      {{.initial_delay = "61s"}, ""},
      {{.initial_delay = "60s"}, "run"},
      {{.interval = "1s", .count = "3", .result = withCount(finished("Successful", hours(1)), 3)}, ""},
      {{.interval = "1h", .result = finished("Error", seconds(11))}, "run"},
      {{.interval = "5s", .result = finished("Failed", seconds(6))}, "run"},
      {{.result = finished("Error", seconds(11))}, "run"},
      // The same rows from their other side.
      {{.result = running(inFlight(T + seconds(1))), .terminate = true}, "terminate"},
      {{}, "run"},
      {{.interval = "1s", .count = "3", .result = withCount(finished("Successful", hours(1)), 2)}, "run"},
      {{.interval = "1s", .result = finished("Error", seconds(10))}, ""},
      {{.interval = "5s", .result = finished("Failed", seconds(5))}, ""},
      {{.result = finished("Error", seconds(10))}, ""},
  };
  static constexpr std::array<const char*, 3> verbs{"run", "resume", "terminate"};
  int row = 0;
  for (const auto& [situation, wanted] : rows) {
    const api::AnalysisRun run = runIn(situation);
    const auto tasks = due(run, run.status, resolvedAs(run.metrics), T);
    EXPECT_EQ(tasks.empty() ? "" : verbs[static_cast<std::size_t>(tasks[0].verb)], std::string(wanted)) << ++row;
  }
}

TEST(Recording, CountersOfEveryPhase) {  // spec/06 §7.3 #1-#4
  struct Row {
    const char* phase;
    std::int64_t successful, failed, inconclusive, error, count, errors_in_a_row, successes_in_a_row;
  };
  const Row rows[] = {{"Successful", 3, 1, 1, 1, 5, 0, 3},
                      {"Failed", 2, 2, 1, 1, 5, 0, 0},
                      {"Inconclusive", 2, 1, 2, 1, 5, 0, 0},
                      {"Error", 2, 1, 1, 2, 4, 2, 0}};
  for (const Row& row : rows) {
    api::MetricResult before = resultOf("m", "Running", {measurementOf("Successful", T - minutes(1))});
    before.successful = 2;
    before.failed = before.inconclusive = before.error = before.consecutive_error = 1;
    before.consecutive_success = 2;
    before.count = 4;
    api::AnalysisRun run = runOf({metricNamed("m", "1m")}, {before});
    record(run.status, resolvedAs(run.metrics),
           {{0, MeasureTask::Verb::run}, measurementOf(row.phase, std::nullopt), {}}, T + milliseconds(700));
    const api::MetricResult& after = run.status.metric_results[0];
    EXPECT_EQ(after.successful, row.successful) << row.phase;
    EXPECT_EQ(after.failed, row.failed) << row.phase;
    EXPECT_EQ(after.inconclusive, row.inconclusive) << row.phase;
    EXPECT_EQ(after.error, row.error) << row.phase;
    EXPECT_EQ(after.count, row.count) << row.phase;
    EXPECT_EQ(after.consecutive_error, row.errors_in_a_row) << row.phase;
    EXPECT_EQ(after.consecutive_success, row.successes_in_a_row) << row.phase;
    // Filled in where the provider left it out, in whole seconds. spec/06 §20 #25
    EXPECT_EQ(after.measurements.back().finished_at, T) << row.phase;
    EXPECT_EQ(after.measurements.size(), 2U);
  }
}

TEST(Recording, OnlySomeTerminationsHaveOurMessage) {  // spec/06 §20 #26
  for (const auto& [phase, message] : {std::pair("Successful", "Metric Terminated"),
                                       {"Inconclusive", "Metric Terminated"},
                                       {"Failed", "its own"},
                                       {"Error", "its own"}}) {
    api::AnalysisRun run = runOf({metricNamed("m")}, {resultOf("m", "Running", {inFlight(std::nullopt)})});
    api::Measurement ended = measurementOf(phase);
    ended.message = "its own";
    record(run.status, resolvedAs(run.metrics), {{0, MeasureTask::Verb::terminate}, ended, {}}, T);
    EXPECT_EQ(run.status.metric_results[0].measurements.back().message, message) << phase;
  }
}

TEST(MetricPhase, EveryRow) {  // spec/06 §7.4 #1-#13
  struct Row {
    const char *stored, *last, *interval, *count, *failure, *successes;
    std::int64_t failed, inconclusive, errors, in_a_row, measured;
    bool terminating;
    const char* phase;
  };
  const Row rows[] = {
      {"Inconclusive", "Successful", "1m", "", "", "", 0, 0, 0, 0, 1, false, "Inconclusive"},
      {"Running", "", "1m", "", "", "", 0, 0, 0, 0, 0, true, "Successful"},
      {"Running", "", "1m", "", "", "", 0, 0, 0, 0, 0, false, "Pending"},
      {"Running", "Running", "1m", "", "", "", 9, 9, 9, 0, 9, false, "Running"},
      {"Running", "Error", "1m", "", "", "", 1, 1, 5, 0, 2, false, "Error"},
      {"Running", "Failed", "1m", "", "", "", 1, 1, 4, 0, 2, false, "Inconclusive"},
      {"Running", "Failed", "1m", "", "", "", 1, 0, 0, 0, 1, false, "Failed"},
      {"Running", "Successful", "1m", "", "", "2", 0, 0, 0, 2, 2, false, "Successful"},
      {"Running", "Successful", "1m", "3", "", "3", 0, 0, 0, 2, 3, false, "Inconclusive"},
      {"Running", "Successful", "1m", "3", "-1", "3", 2, 0, 0, 1, 3, false, "Failed"},
      {"Running", "Successful", "1m", "3", "", "", 0, 0, 0, 3, 3, false, "Successful"},
      {"Running", "Successful", "1m", "", "", "", 0, 0, 0, 1, 1, true, "Successful"},
      {"Running", "Successful", "1m", "", "", "", 0, 0, 0, 1, 1, false, "Running"},
  };
  int number = 0;
  for (const Row& row : rows) {
    api::Metric metric = metricNamed("m", row.interval);
    metric.count = row.count;
    metric.failure_limit = row.failure;
    metric.consecutive_success_limit = row.successes;
    api::MetricResult result = resultOf("m", row.stored);
    if (row.last[0] != '\0') result.measurements = {measurementOf(row.last)};
    result.failed = row.failed;
    result.inconclusive = row.inconclusive;
    result.consecutive_error = row.errors;
    result.consecutive_success = row.in_a_row;
    result.count = row.measured;
    api::AnalysisRun run = runOf({metric}, {result});
    run.terminate = row.terminating;
    EXPECT_EQ(assess(run, {}, T).status.metric_results[0].phase, row.phase) << "row " << ++number;
  }
}

TEST(RunPhase, EveryOutcome) {  // spec/06 §7.5 #1-#4
  const api::MetricResult good = resultOf("a", "Successful", {measurementOf("Successful")});
  const auto phase = [](std::vector<api::MetricResult> results, bool terminate) {
    api::AnalysisRun run = runOf({metricNamed("a", "1m"), metricNamed("b", "1m")}, std::move(results));
    run.status.phase = "Running";
    run.terminate = terminate;
    const api::AnalysisRunStatus status = assess(run, {}, T).status;
    return status.phase + ":" + status.message;
  };
  api::MetricResult bad = resultOf("b", "Failed", {measurementOf("Failed")});
  bad.failed = bad.count = 1;
  EXPECT_EQ(phase({}, true), "Successful:Run Terminated");
  EXPECT_EQ(phase({bad}, true), "Failed:Metric \"b\" assessed Failed due to failed (1) > failureLimit (0)");
  EXPECT_EQ(phase({good}, false), "Running:");
  EXPECT_EQ(phase({good, resultOf("b", "Successful", {measurementOf("Successful")})}, false), "Successful:");
}

// §20 #8: the message belongs to the phase, and stays with it.
TEST(RunPhase, MessagesStayWhileThePhaseDoes) {  // spec/06 §20 #8
  api::AnalysisRun run = runOf({metricNamed("a", "1m"), metricNamed("b", "1m")},
                               {resultOf("a", "Successful", {measurementOf("Successful")}),
                                resultOf("b", "Running", {measurementOf("Successful")})});
  run.status.message = "from elsewhere";
  EXPECT_EQ(assess(run, {}, T).status.message, "from elsewhere");
}

TEST(NextWakeUp, EveryRow) {  // spec/06 §7.6 #1-#8
  const auto running = [](api::Measurement last) { return resultOf("m", "Running", {std::move(last)}); };
  const std::pair<Situation, std::optional<TimePoint>> rows[] = {
      {{.initial_delay = "90s"}, T + seconds(30)},
      // Without a delay it is due now: a pass begins it, and its end is the wake-up.
      {{}, std::nullopt},
      {{.result = running(inFlight(T + seconds(7)))}, T + seconds(7)},
      {{.result = running(inFlight(std::nullopt))}, std::nullopt},
      {{.interval = "1s", .count = "3", .result = withCount(running(measurementOf("Successful")), 3)}, std::nullopt},
      {{.interval = "5m", .result = running(measurementOf("Error"))}, T + seconds(10) + Duration(1)},
      {{.interval = "5m", .result = running(measurementOf("Successful"))}, T + minutes(5) + Duration(1)},
      {{.result = running(measurementOf("Successful"))}, std::nullopt},
  };
  int row = 0;
  for (const auto& [situation, wanted] : rows) {
    const api::AnalysisRun run = runIn(situation);
    ++row;
    EXPECT_EQ(assess(run, run.status, resolvedAs(run.metrics), {false}, T).look_again, wanted) << row;
    EXPECT_EQ(assess(run, run.status, resolvedAs(run.metrics), {true}, T).look_again, std::nullopt) << row;
  }
  api::AnalysisRun run = runIn({.initial_delay = "90s", .started = std::nullopt});
  EXPECT_EQ(assess(run, {}, T + milliseconds(400)).look_again, T + seconds(90));
}

// An object that can't be read as it stands is said to be so, and nothing of it is guessed.
TEST(Unreadable, RunsEndWithAnErrorThatNamesTheField) {
  const auto message = [](std::string_view spec, std::string_view status = "{}") {
    const auto run = api::decodeAnalysisRun(
        json::parse(fmt::format(R"({{"metadata":{{"name":"r"}},"spec":{},"status":{}}})", spec, status)).get_object());
    const Due found = due(run, T);
    return found.ended ? found.ended->status.phase + ": " + found.ended->status.message : "";
  };
  constexpr std::string_view provider = R"("provider":{"prometheus":{"query":"q"}})";
  EXPECT_EQ(message(fmt::format(R"({{"metrics":[{{"name":"m","count":true,{}}}]}})", provider)),
            "Error: Analysis spec invalid: spec.metrics[0].count: an integer or a string is expected, found true");
  EXPECT_EQ(message(R"({"metrics":"none"})"),
            "Error: Analysis spec invalid: spec.metrics: a list is expected, found \"none\"");
  EXPECT_EQ(message(fmt::format(R"({{"metrics":[{{"name":"m",{}}}],"args":[{{"name":"a","value":5}}]}})", provider)),
            "Error: Analysis spec invalid: spec.args[0].value: a string is expected, found 5");
  // A number has no arguments. spec/06 §3.4 #3
  EXPECT_EQ(
      message(fmt::format(
          R"({{"metrics":[{{"name":"m",{}}}],"measurementRetention":[{{"metricName":"m","limit":"{{{{args.x}}}}"}}]}})",
          provider)),
      "Error: Analysis spec invalid: spec.measurementRetention[0].limit: an integer in range is expected, found "
      "\"{{args.x}}\"");
  EXPECT_EQ(message(R"({"metrics":[{"name":"m","provider":7}]})"),
            "Error: Analysis spec invalid: spec.metrics[0].provider: an object is expected, found 7");
  EXPECT_EQ(message(fmt::format(R"({{"metrics":[{{"name":"m",{}}}]}})", provider), R"({"startedAt":"yesterday"})"),
            "Error: Analysis spec invalid: status.startedAt: a time (RFC 3339) is expected, found \"yesterday\"");
  EXPECT_EQ(message(fmt::format(R"({{"metrics":[{{"name":"m",{}}}]}})", provider)), "");
}

}  // namespace
}  // namespace crossfade::analysis
