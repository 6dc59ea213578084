// A status never outgrows what the API server takes.
#include "analysis/budget.hpp"

#include <gtest/gtest.h>

#include "base/utf8.hpp"
#include "measuring_world.hpp"
#include "runs.hpp"

namespace crossfade::analysis {
namespace {

std::size_t sizeOf(const api::AnalysisRunStatus& status) { return json::serialize(api::toJson(status)).size(); }

TEST(Budget, TextsAreCutBehindAWholeCharacter) {
  EXPECT_EQ(shortened("short", 5), "short");
  EXPECT_EQ(shortened(std::string(100, 'x'), 20), std::string(5, 'x') + "… (100 bytes)");
  std::string accents;
  for (int i = 0; i < 100; ++i) accents += "é";
  for (std::size_t limit = 0; limit < 60; ++limit) {
    const std::string cut = shortened(accents, limit);
    EXPECT_LE(cut.size(), limit);
    EXPECT_EQ(shortened(cut, limit), cut) << "cutting again changes nothing";
    for (std::string_view rest = cut; !rest.empty();) {
      const auto front = utf8::decodeFront(rest);
      ASSERT_TRUE(front) << cut;
      rest.remove_prefix(front->length);
    }
  }
}

TEST(Budget, AMeasurementIsCutWhenItIsRecorded) {
  api::AnalysisRun run = runOf({metricNamed("m", "1m")}, {resultOf("m", "Running")});
  api::Measurement huge = measurementOf("Error");
  huge.value = huge.message = std::string(10 << 20, 'v');
  huge.metadata = {{"id", "7"}, {"long", huge.value}};
  const Outcome outcome =
      assess(run, {{{0, MeasureTask::Verb::run}, huge, {{"ResolvedPrometheusQuery", huge.value}}}}, T);
  const api::MetricResult& result = outcome.status.metric_results[0];
  EXPECT_EQ(result.measurements[0].value.size(), max_value_bytes);
  EXPECT_EQ(result.measurements[0].message.size(), max_message_bytes);
  EXPECT_TRUE(result.measurements[0].message.ends_with("… (10485760 bytes)"));
  EXPECT_EQ(result.measurements[0].metadata.at("id"), "7");
  EXPECT_LT(sizeOf(outcome.status), 40U << 10);
}

TEST(Budget, AMetricsMessageInTheRunsIsCutToo) {
  api::Metric metric = metricNamed(std::string(50000, 'n'));
  api::MetricResult result = resultOf(metric.name, "Running");
  api::Measurement failed = measurementOf("Failed");
  failed.message = std::string(5000, 'm');
  const Outcome outcome = assess(runOf({metric}, {result}), {{{0, MeasureTask::Verb::run}, failed, {}}}, T);
  EXPECT_EQ(outcome.status.phase, "Failed");
  EXPECT_LE(outcome.status.message.size(), max_message_bytes);
}

// What a provider needs to find its work again is never cut: too much of it is an error.
TEST(Budget, MetadataInFlightStaysWhole) {
  api::Measurement running = measurementOf("Running", std::nullopt);
  running.metadata = {{"state", std::string(max_metadata_bytes - 5, 's')}};
  EXPECT_EQ(shortened(running, T), running);
  running.metadata["state"] += "s";
  const api::Measurement ended = shortened(running, T);
  EXPECT_EQ(ended.phase, "Error");
  EXPECT_EQ(ended.message, "the measurement's metadata takes 65537 bytes, more than 65536");
  EXPECT_TRUE(ended.finished_at);
}

TEST(Budget, ManyMeasurementsAreCutToFit) {
  for (const std::size_t metrics : {1U, 10U, 150U, 1200U}) {
    api::AnalysisRunStatus status;
    for (std::size_t i = 0; i < metrics; ++i) {
      api::Measurement measurement = measurementOf("Failed");
      measurement.value = std::string(max_value_bytes, '"');
      measurement.message = std::string(max_message_bytes, '\n');
      measurement.metadata = {{"id", std::string(1000, 'x')}};
      status.metric_results.push_back(resultOf(fmt::format("metric{}", i), "Running",
                                               std::vector<api::Measurement>(metrics < 100 ? 40 : 4, measurement)));
      status.metric_results.back().failed = status.metric_results.back().count = 4000;
      status.metric_results.back().metadata = {{"ResolvedPrometheusQuery", std::string(8000, 'q')}};
    }
    constexpr std::size_t budget = 1 << 20;
    fitInto(status, budget);
    EXPECT_LE(sizeOf(status), budget) << metrics;
    for (const api::MetricResult& result : status.metric_results) {
      EXPECT_GE(result.measurements.size(), 1U) << "the newest stays";
      EXPECT_EQ(result.count, 4000) << "counters stay";
    }
    EXPECT_GE(status.metric_results[0].measurements.size(), metrics == 1 ? 10U : 1U)
        << "no more is dropped than must be";
    const api::AnalysisRunStatus once = status;
    fitInto(status, budget);
    EXPECT_EQ(status, once);
  }
}

TEST(Budget, TheSpecTakesItsShare) {
  api::AnalysisRun run = runOf({metricNamed("m")});
  EXPECT_GT(statusBudget(run), 1000U << 10);
  run.metrics[0].success_condition = std::string(500 << 10, 'c');
  EXPECT_LT(statusBudget(run), 600U << 10);
  run.metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"] = std::string(700 << 10, 'c');
  EXPECT_EQ(statusBudget(run), 64U << 10);
}

TEST(Budget, MoreMetricsThanAStatusHoldsAreNoValidSpec) {
  std::vector<api::Metric> metrics;
  for (int i = 0; i < 1500; ++i) metrics.push_back(metricNamed(fmt::format("m{}", i)));
  EXPECT_FALSE(due(runOf(metrics), T).ended);
  for (int i = 1500; i < 2500; ++i) metrics.push_back(metricNamed(fmt::format("m{}", i)));
  const Due found = due(runOf(metrics), T);
  ASSERT_TRUE(found.ended);
  EXPECT_TRUE(
      found.ended->status.message.starts_with("Analysis spec invalid: metrics: the results of 2500 metrics take 15"))
      << found.ended->status.message;
}

// A server that has less room than we think gets a smaller status, and the run goes on.
TEST(Budget, ARefusedStatusIsWrittenSmaller) {
  MeasuringWorld world;
  std::string metrics;
  for (int i = 0; i < 20; ++i) {
    const std::string name = fmt::format("m{}", i);
    metrics += (i == 0 ? "" : ",") + MeasuringWorld::metric(name, R"(,"interval":"2s","failureLimit":1000)");
    world.answers[name].value = "-1";
  }
  world.create("run", metrics, R"(,"measurementRetention":[{"metricName":".*","limit":100000}])");
  constexpr std::size_t limit = 100 << 10;
  int refused = 0;
  world.limit = [&](std::size_t size) {
    if (size <= limit) return false;
    ++refused;
    return true;
  };
  world.run(minutes(4));
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, 30) << "the size that the server takes is remembered";
  EXPECT_LE(sizeOf(world.decoded("run").status), limit);
  EXPECT_GE(world.decoded("run").status.metric_results[0].count, 100);
}

}  // namespace
}  // namespace crossfade::analysis
