// The worked cases of spec/06 §19.1 to §19.3, by their numbers.
#include "analysis/plan.hpp"

#include <gtest/gtest.h>

#include "runs.hpp"

namespace crossfade::analysis {
namespace {

// --- §19.1: the phase of a metric
// ----------------------------------------------------------------------------------------

struct MetricCase {
  int number;
  const char* interval;
  const char* count;
  const char* failure_limit;
  const char* success_limit;
  const char* inconclusive_limit;
  std::int64_t failed, successful, consecutive_success, inconclusive, consecutive_error, measured;
  const char* running;
  const char* terminating;
};

std::string phaseOf(const MetricCase& one, bool terminate) {
  api::Metric metric = metricNamed("m", one.interval);
  metric.count = one.count;
  metric.failure_limit = one.failure_limit;
  metric.consecutive_success_limit = one.success_limit;
  metric.inconclusive_limit = one.inconclusive_limit;
  api::MetricResult result = resultOf("m", "Running", {measurementOf("Successful")});
  result.failed = one.failed;
  result.successful = one.successful;
  result.consecutive_success = one.consecutive_success;
  result.inconclusive = one.inconclusive;
  result.consecutive_error = one.consecutive_error;
  result.count = one.measured;
  api::AnalysisRun run = runOf({metric}, {result});
  run.terminate = terminate;
  return assess(run, {}, T).status.metric_results[0].phase;
}

TEST(MetricPhase, WorkedCases) {  // spec/06 §19.1 #1-#19, spec/06 §19.1 #22-#25
  const MetricCase cases[] = {
      {1, "60s", "", "2", "", "", 3, 0, 0, 0, 0, 3, "Failed", "Failed"},
      {2, "60s", "", "3", "", "", 3, 0, 0, 0, 0, 3, "Running", "Successful"},
      {3, "60s", "", "-1", "3", "", 3, 4, 3, 0, 0, 7, "Successful", "Successful"},
      {4, "60s", "", "-1", "5", "", 3, 4, 3, 0, 0, 7, "Running", "Successful"},
      {5, "60s", "7", "-1", "5", "", 3, 4, 3, 0, 0, 7, "Failed", "Failed"},
      {6, "60s", "7", "-1", "3", "", 3, 4, 3, 0, 0, 7, "Successful", "Successful"},
      {7, "60s", "9", "-1", "5", "", 3, 4, 3, 0, 0, 7, "Running", "Successful"},
      {8, "60s", "", "4", "4", "", 3, 4, 3, 0, 0, 7, "Running", "Successful"},
      {9, "60s", "", "4", "4", "", 5, 5, 4, 0, 0, 10, "Failed", "Failed"},
      {10, "60s", "10", "4", "4", "", 4, 6, 3, 0, 0, 10, "Inconclusive", "Inconclusive"},
      {11, "60s", "10", "4", "4", "", 4, 6, 4, 0, 0, 10, "Successful", "Successful"},
      {12, "60s", "10", "4", "4", "", 5, 5, 3, 0, 0, 10, "Failed", "Failed"},
      {13, "60s", "10", "4", "4", "", 3, 5, 3, 0, 0, 8, "Running", "Successful"},
      {14, "60s", "", "", "", "2", 0, 0, 0, 3, 0, 3, "Inconclusive", "Inconclusive"},
      {15, "60s", "", "", "", "3", 0, 0, 0, 3, 0, 3, "Running", "Successful"},
      {16, "60s", "", "", "", "", 0, 0, 0, 0, 5, 0, "Error", "Error"},
      {17, "60s", "", "", "", "", 0, 0, 0, 0, 4, 0, "Running", "Successful"},
      {18, "60s", "10", "", "", "", 0, 10, 10, 0, 0, 10, "Successful", "Successful"},
      {19, "60s", "10", "", "", "", 0, 5, 0, 5, 0, 10, "Inconclusive", "Inconclusive"},
      {22, "60s", "", "", "", "", 1, 0, 0, 1, 5, 2, "Error", "Error"},
      {23, "60s", "", "", "", "", 1, 0, 0, 1, 0, 2, "Inconclusive", "Inconclusive"},
      {24, "", "", "", "", "", 0, 1, 1, 0, 0, 1, "Successful", "Successful"},
      {25, "", "", "", "", "", 0, 0, 0, 0, 1, 0, "Running", "Successful"},
  };
  for (const MetricCase& one : cases) {
    EXPECT_EQ(phaseOf(one, false), one.running) << one.number;
    EXPECT_EQ(phaseOf(one, true), one.terminating) << one.number << ", terminating";
  }
}

TEST(MetricPhase, WithoutAMeasurementOrWithOneInFlight) {
  const auto phase = [](const api::MetricResult& result, bool terminate) {
    api::AnalysisRun run = runOf({metricNamed("m", "60s")}, {result});
    run.terminate = terminate;
    return assess(run, {}, T).status.metric_results[0].phase;
  };
  EXPECT_EQ(phase(resultOf("m", "Running"), false), "Pending");    // spec/06 §19.1 #20
  EXPECT_EQ(phase(resultOf("m", "Running"), true), "Successful");  // spec/06 §19.1 #20
  const api::MetricResult in_flight = resultOf("m", "Running", {measurementOf("Running", std::nullopt)});
  EXPECT_EQ(phase(in_flight, false), "Running");                                              // spec/06 §19.1 #21
  EXPECT_EQ(phase(in_flight, true), "Running");                                               // spec/06 §19.1 #21
  EXPECT_EQ(phase(resultOf("m", "Failed", {measurementOf("Successful")}), false), "Failed");  // spec/06 §19.1 #26
}

// --- §19.2: what is due
// --------------------------------------------------------------------------------------------------

// "run", "resume", "terminate" or "", and the next wake-up in seconds from now ("-" for none).
std::string planned(const api::AnalysisRun& run) {
  static constexpr std::array<const char*, 3> verbs{"run", "resume", "terminate"};
  const Due now_due = due(run, T);
  std::string text;
  for (const MeasureTask& task : now_due.tasks) {
    text += fmt::format("{}{} ", run.metrics[task.metric].name, verbs[static_cast<std::size_t>(task.verb)]);
  }
  if (!now_due.tasks.empty()) return text;
  const auto next = assess(run, {}, T).look_again;
  return next ? fmt::format("{}", std::chrono::floor<seconds>(*next - T).count()) : "-";
}

api::AnalysisRun finishedAgo(std::string interval, Duration ago, std::string phase = "Successful") {
  return runOf({metricNamed("m", std::move(interval))},
               {resultOf("m", "Running", {measurementOf(std::move(phase), T - ago)})});
}

TEST(Scheduling, AfterAMeasurement) {
  EXPECT_EQ(planned(finishedAgo("60s", seconds(50))), "10");             // spec/06 §19.2 #27
  EXPECT_EQ(planned(finishedAgo("60s", seconds(60))), "0");              // spec/06 §19.2 #28
  EXPECT_EQ(planned(finishedAgo("60s", seconds(61))), "mrun ");          // spec/06 §19.2 #29
  EXPECT_EQ(planned(finishedAgo("5m", seconds(11), "Error")), "mrun ");  // spec/06 §19.2 #30
  EXPECT_EQ(planned(finishedAgo("5m", seconds(9), "Error")), "1");       // spec/06 §19.2 #30
  // A wake-up finds what it was set for.
  const auto moment = assess(finishedAgo("60s", seconds(60)), {}, T).look_again;
  ASSERT_TRUE(moment);
  EXPECT_EQ(due(finishedAgo("60s", seconds(60)), *moment).tasks.size(), 1U);
}

TEST(Scheduling, InitialDelay) {
  api::Metric metric = metricNamed("m", "60s");
  metric.initial_delay = "20s";
  api::AnalysisRun run = runOf({metric});
  EXPECT_TRUE(due(run, T).tasks.empty());  // spec/06 §19.2 #31
  run.status.started_at = T - seconds(10);
  EXPECT_EQ(planned(run), "10");  // spec/06 §19.2 #32
  run.status.started_at = T - seconds(20);
  EXPECT_EQ(planned(run), "mrun ");  // spec/06 §19.2 #33
}

TEST(Scheduling, InFlight) {
  const auto run = [](std::optional<TimePoint> resume_at, bool terminate) {
    api::Measurement measurement = measurementOf("Running", std::nullopt);
    measurement.resume_at = resume_at;
    api::AnalysisRun run = runOf({metricNamed("m")}, {resultOf("m", "Running", {measurement})});
    run.terminate = terminate;
    return run;
  };
  EXPECT_EQ(planned(run(T + seconds(10), false)), "10");          // spec/06 §19.2 #34
  EXPECT_EQ(planned(run(T + seconds(10), true)), "mterminate ");  // spec/06 §19.2 #35
  EXPECT_EQ(planned(run(T - seconds(10), false)), "mresume ");    // spec/06 §19.2 #36
  EXPECT_EQ(planned(run(std::nullopt, false)), "mresume ");       // spec/06 §19.2 #37
  EXPECT_FALSE(assess(run(std::nullopt, false), {}, T).look_again);
}

TEST(Scheduling, SeveralMetrics) {
  api::AnalysisRun run = runOf({metricNamed("a", "60s"), metricNamed("b", "60s")},
                               {resultOf("a", "Running", {measurementOf("Successful", T - seconds(30))}),
                                resultOf("b", "Running", {measurementOf("Successful", T - seconds(50))})});
  EXPECT_EQ(planned(run), "10");  // spec/06 §19.2 #38
  run = runOf({metricNamed("a", "60s"), metricNamed("b", "60s")}, {resultOf("a", "Failed", {measurementOf("Failed")})});
  run.status.metric_results[0].failed = 1;
  EXPECT_TRUE(due(run, T).tasks.empty());  // spec/06 §19.2 #39
  run.dry_run = {{"a", 0}};
  EXPECT_EQ(planned(run), "brun ");  // spec/06 §19.2 #40
}

// Plays a run whose measurements all end in `phase` at once; the moments at which it measured, in seconds.
struct Life {
  std::vector<std::int64_t> moments;
  api::AnalysisRunStatus status;
};
Life play(api::AnalysisRun run, const std::string& phase) {
  Life life;
  TimePoint now = T + milliseconds(300);
  for (int pass = 0; pass < 50; ++pass) {
    if (standingOf(run, now).over) break;
    const Due now_due = due(run, now);
    std::vector<Measured> measured;
    for (const MeasureTask& task : now_due.tasks) {
      life.moments.push_back(std::chrono::round<seconds>(now - T).count());
      measured.push_back({task, measurementOf(phase, now), {}});
    }
    const Outcome outcome = assess(run, measured, now);
    run.status = outcome.status;
    if (!outcome.look_again) break;
    now = std::max(*outcome.look_again, now + milliseconds(1));
  }
  life.status = run.status;
  return life;
}

TEST(Scheduling, WholeLives) {
  api::Metric metric = metricNamed("m", "30s");
  metric.count = "3";
  const Life three = play(runOf({metric}), "Successful");  // spec/06 §19.2 #41
  EXPECT_EQ(three.moments, (std::vector<std::int64_t>{0, 30, 60}));
  EXPECT_EQ(three.status.phase, "Successful");
  const Life errors = play(runOf({metricNamed("m")}), "Error");  // spec/06 §19.2 #42
  EXPECT_EQ(errors.moments, (std::vector<std::int64_t>{0, 10, 20, 30, 40}));
  EXPECT_EQ(errors.status.phase, "Error");
  EXPECT_EQ(errors.status.metric_results[0].phase, "Error");
}

// --- §19.3: the run
// ------------------------------------------------------------------------------------------------------

api::MetricResult failedResult(std::string name, std::string message = {}) {
  api::MetricResult result = resultOf(std::move(name), "Failed", {measurementOf("Failed")});
  result.failed = result.count = 1;
  result.message = std::move(message);
  return result;
}
api::MetricResult errorResult(std::string name) {
  api::MetricResult result = resultOf(std::move(name), "Error", {measurementOf("Error")});
  result.error = result.consecutive_error = 5;
  return result;
}
api::MetricResult successfulResult(std::string name) {
  api::MetricResult result = resultOf(std::move(name), "Successful", {measurementOf("Successful")});
  result.successful = result.count = result.consecutive_success = 1;
  return result;
}
api::MetricResult runningResult(std::string name) {
  return resultOf(std::move(name), "Running", {measurementOf("Successful")});
}

std::string failedText(std::string_view name) {
  return fmt::format("Metric \"{}\" assessed Failed due to failed (1) > failureLimit (0)", name);
}

TEST(RunPhase, WorkedCases) {  // spec/06 §19.3 #43-#48, spec/06 §19.3 #53, spec/06 §19.3 #54, spec/06 §20 #2
  struct Case {
    int number;
    std::vector<api::MetricResult> results;
    bool terminate;
    std::string phase, message;
  };
  const Case cases[] = {
      {43, {successfulResult("a"), runningResult("b")}, false, "Running", ""},
      {44, {successfulResult("a"), failedResult("b")}, false, "Failed", failedText("b")},
      {45,
       {successfulResult("a"), failedResult("b", "boom")},
       false,
       "Failed",
       failedText("b") + ": \"Error Message: boom\""},
      {46, {failedResult("a"), failedResult("b")}, false, "Failed", failedText("a")},
      {47, {errorResult("a"), failedResult("b")}, false, "Failed", failedText("b")},
      {48, {failedResult("a"), errorResult("b")}, false, "Failed", failedText("a")},
      {53, {successfulResult("a"), runningResult("b")}, true, "Successful", "Run Terminated"},
      {54, {failedResult("a"), runningResult("b")}, true, "Failed", failedText("a")},
  };
  for (const Case& one : cases) {
    api::AnalysisRun run = runOf({metricNamed("a", "60s"), metricNamed("b", "60s")}, one.results);
    run.terminate = one.terminate;
    const Outcome outcome = assess(run, {}, T);
    EXPECT_EQ(outcome.status.phase, one.phase) << one.number;
    EXPECT_EQ(outcome.status.message, one.message) << one.number;
    EXPECT_EQ(outcome.status.completed_at.has_value(), one.phase != "Running") << one.number;
  }
}

TEST(RunPhase, ATerminatedMeasurementEndsItsMetric) {  // spec/06 §19.3 #49
  api::AnalysisRun run = runOf({metricNamed("a"), metricNamed("b")},
                               {resultOf("a", "Running", {measurementOf("Running", std::nullopt)}), failedResult("b")});
  const Due now_due = due(run, T);
  ASSERT_EQ(now_due.tasks.size(), 1U);
  EXPECT_EQ(now_due.tasks[0].verb, MeasureTask::Verb::terminate);
  api::Measurement terminated = measurementOf("Inconclusive");
  terminated.message = "the provider's";
  const Outcome outcome = assess(run, {{now_due.tasks[0], terminated, {}}}, T);
  EXPECT_EQ(outcome.status.phase, "Failed");
  EXPECT_EQ(outcome.status.message, failedText("b"));
  EXPECT_EQ(outcome.status.metric_results[0].phase, "Inconclusive");
  EXPECT_EQ(outcome.status.metric_results[0].message, "Metric Terminated");
  EXPECT_EQ(outcome.status.metric_results[0].measurements.size(), 1U);
}

TEST(RunPhase, DryRun) {
  api::AnalysisRun run = runOf({metricNamed("a"), metricNamed("b")}, {failedResult("a"), failedResult("b")});
  run.dry_run = {{".*", 0}};
  Outcome outcome = assess(run, {}, T);  // spec/06 §19.3 #50
  EXPECT_EQ(outcome.status.phase, "Successful");
  EXPECT_EQ(outcome.status.message, "");
  EXPECT_EQ(outcome.status.run_summary, api::RunSummary());
  EXPECT_EQ(outcome.status.dry_run_summary, (api::RunSummary{.count = 2, .failed = 2}));
  for (const api::MetricResult& result : outcome.status.metric_results) {
    EXPECT_EQ(result.message, "Metric assessed Failed due to failed (1) > failureLimit (0)");
  }

  api::MetricResult inconclusive = resultOf("b", "Running", {measurementOf("Inconclusive")});
  inconclusive.inconclusive = inconclusive.count = 1;
  run = runOf({metricNamed("a"), metricNamed("b")}, {failedResult("a"), inconclusive});
  run.dry_run = {{"a", 0}};
  outcome = assess(run, {}, T);  // spec/06 §19.3 #51
  EXPECT_EQ(outcome.status.phase, "Inconclusive");
  EXPECT_EQ(outcome.status.message,
            "Metric \"b\" assessed Inconclusive due to inconclusive (1) > inconclusiveLimit (0)");
}

TEST(RunPhase, TerminatedBeforeItBegan) {  // spec/06 §19.3 #52
  api::Metric metric = metricNamed("m", "60s");
  metric.initial_delay = "1h";
  api::AnalysisRun run = runOf({metric});
  run.terminate = true;
  EXPECT_TRUE(due(run, T).tasks.empty());
  const Outcome outcome = assess(run, {}, T);
  EXPECT_EQ(outcome.status.phase, "Successful");
  EXPECT_EQ(outcome.status.message, "Run Terminated");
  EXPECT_EQ(outcome.status.run_summary, api::RunSummary{.count = 1});
}

TEST(RunPhase, AFailureEndsTheRunInTheNextPass) {  // spec/06 §19.3 #55
  api::AnalysisRun run =
      runOf({metricNamed("a", "60s"), metricNamed("b", "60s")}, {resultOf("a", "Running", {}), runningResult("b")});
  Outcome outcome = assess(run, {{{0, MeasureTask::Verb::run}, measurementOf("Failed"), {}}}, T);
  EXPECT_EQ(outcome.status.phase, "Running");
  EXPECT_EQ(outcome.status.metric_results[0].phase, "Failed");
  ASSERT_EQ(outcome.events.size(), 1U);
  EXPECT_EQ(outcome.events[0].reason, "MetricFailed");
  EXPECT_TRUE(outcome.events[0].warning);
  EXPECT_EQ(outcome.events[0].message, "Metric 'a' Completed. Result: Failed");
  run.status = outcome.status;
  outcome = assess(run, {}, T);
  EXPECT_EQ(outcome.status.phase, "Failed");
  EXPECT_EQ(outcome.status.message, failedText("a"));
  EXPECT_EQ(outcome.status.metric_results[1].phase, "Successful");
  ASSERT_EQ(outcome.events.size(), 2U);
  EXPECT_EQ(outcome.events[1].reason, "AnalysisRunFailed");
  EXPECT_EQ(outcome.events[1].message, "Analysis Completed. Result: Failed");
}

TEST(RunPhase, RunsThatCantBeMeasured) {
  api::Metric no_provider = metricNamed("m");
  no_provider.provider = {};
  api::Metric with_arguments = metricNamed("m");
  with_arguments.success_condition = "{{args.a}}";
  with_arguments.provider = api::Carried(json::parse(R"({"prometheus":{"query":"{{args.b}}"}})"));
  api::AnalysisRun unmatched = runOf({metricNamed("success-rate")});
  unmatched.dry_run = {{"error-rate", 0}};
  api::AnalysisRun star = runOf({metricNamed("success-rate")});
  star.measurement_retention = {{"*", 5}};
  const std::pair<api::AnalysisRun, const char*> cases[] = {
      {runOf({no_provider}), "Analysis spec invalid: metrics[0]: no provider specified"},     // spec/06 §19.3 #56
      {unmatched, "Analysis spec invalid: dryRun[0]: Rule didn't match any metric name(s)"},  // spec/06 §19.3 #57
      {runOf({with_arguments}),
       "Unable to resolve metric arguments: failed to resolve {{args.b}}"},  // spec/06 §19.3 #58
      {star, "Analysis spec invalid: measurementRetention[0]: Rule didn't match any metric name(s)"},  // §10
      {runOf({}), "Analysis spec invalid: no metrics specified"},
  };
  for (const auto& [run, message] : cases) {
    const Due now_due = due(run, T);
    ASSERT_TRUE(now_due.ended) << message;
    EXPECT_EQ(now_due.ended->status.phase, "Error");
    EXPECT_EQ(now_due.ended->status.message, message);
    EXPECT_TRUE(now_due.ended->status.completed_at);  // spec/06 §18 D5
    ASSERT_EQ(now_due.ended->events.size(), 1U);
    EXPECT_EQ(now_due.ended->events[0].reason, "AnalysisRunError");
  }
}

// spec/06 §18 D7: verdicts on consecutive successes count under their own phase and are explained.
TEST(RunPhase, TooFewConsecutiveSuccesses) {
  api::Metric metric = metricNamed("m", "60s");
  metric.count = "10";
  metric.failure_limit = "4";
  metric.consecutive_success_limit = "4";
  api::MetricResult result = resultOf("m", "Running", {measurementOf("Successful")});
  result.count = 10;
  result.failed = 4;
  result.consecutive_success = 3;
  api::AnalysisRun run = runOf({metric}, {result});
  Outcome outcome = assess(run, {}, T);
  EXPECT_EQ(outcome.status.run_summary, (api::RunSummary{.count = 1, .inconclusive = 1}));
  EXPECT_EQ(outcome.status.message,
            "Metric \"m\" assessed Inconclusive due to consecutiveSuccess (3) < consecutiveSuccessLimit (4)");
  run.terminate = true;
  EXPECT_EQ(assess(run, {}, T).status.message, "Run Terminated");
}

// --- retention (§10), time to live (§11)
// -----------------------------------------------------------------------------------

TEST(Retention, NamesTheMetricsThatKeepTooMuch) {
  std::vector<api::Measurement> many(12, measurementOf("Successful"));
  api::AnalysisRun run = runOf({metricNamed("a", "60s"), metricNamed("b", "60s")},
                               {resultOf("a", "Running", many), resultOf("b", "Running", many)});
  run.measurement_retention = {{"b", 20}, {"^b$", 3}};  // the last rule wins
  using Limits = std::vector<std::pair<std::size_t, std::int64_t>>;
  EXPECT_EQ(assess(run, {}, T).over_limit, (Limits{{0, 10}, {1, 3}}));
  trim(run.status.metric_results[1], 3);
  EXPECT_EQ(run.status.metric_results[1].measurements.size(), 3U);
}

TEST(TimeToLive, WorkedCases) {
  const auto aged = [](std::string phase, std::int64_t age_seconds) {
    api::AnalysisRun run = runOf({metricNamed("m")});
    run.status.phase = std::move(phase);
    run.status.completed_at = T - seconds(age_seconds);
    return run;
  };
  api::AnalysisRun run = aged("Successful", 86400);
  run.ttl_after_success = 86400;
  EXPECT_FALSE(standingOf(run, T).expired);  // spec/06 §19.5 #92
  EXPECT_EQ(standingOf(run, T).look_again, T + seconds(1));
  run.status.completed_at = T - seconds(86401);
  EXPECT_TRUE(standingOf(run, T).expired);  // spec/06 §19.5 #92
  run.status.phase = "Failed";
  EXPECT_FALSE(standingOf(run, T).expired);  // spec/06 §19.5 #93
  EXPECT_FALSE(standingOf(run, T).look_again);
  run = aged("Successful", 86401);
  run.ttl_after_completion = 86400;
  run.ttl_after_failure = 86401;
  EXPECT_TRUE(standingOf(run, T).expired);  // spec/06 §19.5 #94
}

TEST(Validation, OfMetrics) {  // spec/06 §5 #1-#13
  struct Case {
    const char *count, *failure, *inconclusive, *errors, *successes, *interval, *delay, *message;
  };
  const Case cases[] = {
      {"", "", "", "", "-1", "", "", "consecutiveSuccessLimit must be >= 0"},
      {"", "-2", "", "", "", "", "", "failureLimit must be >= 0, or -1 to be disabled"},
      {"", "-1", "", "", "", "", "", "failureLimit and consecutiveSuccessLimit cannot both be disabled"},
      {"", "", "-1", "", "", "", "", "inconclusiveLimit must be >= 0"},
      {"", "", "", "-1", "", "", "", "consecutiveErrorLimit must be >= 0"},
      {"3", "2", "", "", "2", "1m", "",
       "count (3) must be >= failureLimit + consecutiveSuccessLimit (2 + 2) if both >= 0"},
      {"3", "-1", "", "", "4", "1m", "", "count must be >= consecutiveSuccessLimit"},
      {"3", "", "4", "", "", "1m", "", "count must be >= inconclusiveLimit"},
      {"2", "", "", "", "", "", "", "interval must be specified when count > 1"},
      {"", "", "", "", "", "x", "", "invalid interval string: time: invalid duration \"x\""},
      {"", "", "", "", "", "1", "", "invalid interval string: time: missing unit in duration \"1\""},
      {"", "", "", "", "", "", "1d", "invalid startDelay string: time: unknown unit \"d\" in duration \"1d\""},
      {"abc", "50%", " 5", "", "", "", "", ""},  // read as 0
  };
  for (const Case& one : cases) {
    api::Metric metric = metricNamed("m", one.interval);
    metric.count = one.count;
    metric.failure_limit = one.failure;
    metric.inconclusive_limit = one.inconclusive;
    metric.consecutive_error_limit = one.errors;
    metric.consecutive_success_limit = one.successes;
    metric.initial_delay = one.delay;
    const Due now_due = due(runOf({metric}), T);
    EXPECT_EQ(now_due.ended ? now_due.ended->status.message : "",
              one.message[0] == '\0' ? "" : std::string("Analysis spec invalid: metrics[0]: ") + one.message);
  }
  api::Metric two = metricNamed("m");
  two.provider = {};
  EXPECT_EQ(due(runOf({two}), T).ended->status.message, "Analysis spec invalid: metrics[0]: no provider specified");
  two.provider = api::Carried(json::parse(R"({"prometheus":{},"web":{}})"));
  EXPECT_EQ(due(runOf({two}), T).ended->status.message,
            "Analysis spec invalid: metrics[0]: multiple providers specified");
  two.provider = api::Carried(json::parse(R"({"plugin":{"a":{},"b":{}}})"));
  EXPECT_EQ(due(runOf({two}), T).ended->status.message,
            "Analysis spec invalid: metrics[0]: multiple providers specified");
  EXPECT_EQ(due(runOf({metricNamed("m"), metricNamed("m")}), T).ended->status.message,
            "Analysis spec invalid: metrics[1]: duplicate name 'm'");
}

TEST(Arguments, AreFilledIn) {  // spec/06 §3.4 #1-#10
  api::Metric metric = metricNamed("m");
  const auto query = [&](std::string_view text, const ArgumentValues& values) -> std::string {
    metric.provider = api::Carried(json::object{{"prometheus", json::object{{"query", text}}}});
    const auto filled = fillIn(metric, values);
    if (!filled) return "! " + filled.error().message;
    return std::string(getString(filled->provider.object(), {"prometheus", "query"}));
  };
  EXPECT_EQ(query("{{args.x}}", {{"x", "say \"hi\"\n"}}), "say \"hi\"\n");  // spec/06 §19.4 #72
  EXPECT_EQ(query("{{args.x}}", {{"x", "{{args.y}}"}}), "{{args.y}}");      // spec/06 §19.4 #73
  EXPECT_EQ(query("a{{ args.x }}b{{args.x}}", {{"x", "é\t\a<"}}), "aé\t\a<bé\t\a<");
  EXPECT_EQ(query("{{{args.x}}}", {{"x", "1"}}), "! failed to resolve {{{args.x}}");
  EXPECT_EQ(query("{{ $labels.pod }}", {}), "! failed to resolve {{ $labels.pod }}");
  EXPECT_EQ(query("{{}}", {}), "! failed to resolve {{}}");
  EXPECT_TRUE(query("{{args.x", {{"x", "1"}}).starts_with("! failed to resolve {{args.x\""));
  EXPECT_EQ(query("{{args.metadata.labels['app']}}", {{"metadata.labels['app']", "shop"}}), "shop");
  metric.provider = api::Carried(json::parse(
      R"({"web":{"jsonBody":{"{{args.x}}":["{{args.x}}",{"deep":"a{{args.x}}"}]}},"job":{"spec":{"n":1}}})"));
  metric.name = "of {{args.x}}";
  const auto everywhere = fillIn(metric, {{"x", "X"}});
  EXPECT_EQ(everywhere->name, "of X");
  EXPECT_EQ(everywhere->provider.text(), R"({"web":{"jsonBody":{"X":["X",{"deep":"aX"}]}},"job":{"spec":{"n":1}}})");
  metric = metricNamed("m");
  metric.count = "{{args.n}}";
  EXPECT_EQ(fillIn(metric, {{"n", "3"}, {"metadata.labels['app']", ""}})->count, "3");

  api::Argument declared;
  declared.name = "x";
  EXPECT_EQ(argumentValues({declared}, {}).error().message, "argument \"x\" was not supplied");
  declared.value = "plain";
  EXPECT_EQ(*argumentValues({declared}, {{"x", "secret"}}), (ArgumentValues{{"x", "secret"}}));
}

}  // namespace
}  // namespace crossfade::analysis
