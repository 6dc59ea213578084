// The traps of spec/06 §20 that concern a run by itself, by their numbers.
#include "analysis/secrets.hpp"
#include "measuring_world.hpp"
#include "runs.hpp"

namespace crossfade::analysis {
namespace {

std::string plain(std::string_view name, std::string_view more = "") {
  return fmt::format(R"({{"name":"{0}","provider":{{"prometheus":{{"address":"{1}","query":"{0}"}}}}{2}}})", name,
                     MeasuringWorld::address, more);
}

TEST(Traps, WithoutAConditionEverythingIsASuccess) {  // spec/06 §20 #1
  MeasuringWorld world;
  world.answers["m"].value = "-1";
  world.create("run", plain("m"));
  world.run(seconds(5));
  EXPECT_EQ(world.status("run"), "Successful");
}

TEST(Traps, WhatNothingMeansForEachLimit) {  // spec/06 §20 #3
  const auto phase = [](std::string_view limits, const api::MetricResult& counters) {
    const auto run = api::decodeAnalysisRun(
        json::parse(fmt::format(R"({{"spec":{{"metrics":[{}]}}}})",
                                plain("m", std::string(R"(,"interval":"1m")") + std::string(limits))))
            .get_object());
    return assess(runOf(run.metrics, {counters}), {}, T).status.metric_results[0].phase;
  };
  api::MetricResult one = resultOf("m", "Running", {measurementOf("Failed")});
  one.failed = one.count = 1;
  EXPECT_EQ(phase("", one), "Failed");
  EXPECT_EQ(phase(R"(,"failureLimit":0)", one), "Failed");
  one = resultOf("m", "Running", {measurementOf("Successful")});
  one.successful = one.count = one.consecutive_success = 100;
  EXPECT_EQ(phase(R"(,"consecutiveSuccessLimit":0)", one), "Running");
  one = resultOf("m", "Running", {measurementOf("Error")});
  one.error = one.consecutive_error = 1;
  EXPECT_EQ(phase("", one), "Running");
  EXPECT_EQ(phase(R"(,"consecutiveErrorLimit":0)", one), "Error");
}

TEST(Traps, ErrorsDontCountAndComeBackAfterTenSeconds) {  // spec/06 §20 #4
  MeasuringWorld world;
  world.answers["m"].value = "no number";
  world.create("run", MeasuringWorld::metric("m", R"(,"interval":"5m","count":2)"));
  world.run(seconds(15));
  world.answers["m"].value = "1";
  world.run(minutes(6));
  const std::vector<double> moments = world.asked("m");
  ASSERT_EQ(moments.size(), 4U);
  EXPECT_NEAR(moments[1], 10, 1);
  EXPECT_NEAR(moments[2], 20, 1);
  EXPECT_NEAR(moments[3], 320, 1);
  EXPECT_EQ(findResult(world.decoded("run").status, "m")->error, 2);
  EXPECT_EQ(world.status("run"), "Successful");
}

// spec/06 §20 #6: a wake-up finds something to do, and does it once.
TEST(Traps, AWakeUpIsNeitherTooEarlyNorInVain) {
  MeasuringWorld world;
  world.run(milliseconds(640));
  world.create("run", MeasuringWorld::metric("m", R"(,"interval":"10s")"));
  world.run(seconds(1));
  const int passes = world.program->passes;
  world.run(seconds(98));
  const auto measured = static_cast<int>(world.asked("m").size());
  EXPECT_EQ(measured, 10);
  // Begun, recorded, told of the write.
  EXPECT_LE(world.program->passes - passes, 3 * (measured - 1));
}

TEST(Traps, WhetherARunIsEndingIsAskedOnceAPass) {  // spec/06 §20 #7
  api::AnalysisRun run = runOf({metricNamed("a", "60s"), metricNamed("b", "60s")},
                               {resultOf("a", "Running"), resultOf("b", "Running", {measurementOf("Successful")})});
  const Outcome outcome = assess(run, {{{0, MeasureTask::Verb::run}, measurementOf("Failed"), {}}}, T);
  EXPECT_EQ(outcome.status.metric_results[1].phase, "Running");
  EXPECT_EQ(outcome.status.phase, "Running");
  EXPECT_TRUE(outcome.closing);
  EXPECT_TRUE(outcome.sealed);
}

TEST(Traps, RulesAreUnanchoredExpressions) {  // spec/06 §20 #9
  api::AnalysisRun run = runOf({metricNamed("p99-latency-x"), metricNamed("errors")});
  run.dry_run = {{"latency", 0}};
  EXPECT_EQ(resolve(run)->dry_run, (std::vector<bool>{true, false}));
  run.dry_run = {{".*", 0}};
  EXPECT_EQ(resolve(run)->dry_run, (std::vector<bool>{true, true}));
  run.dry_run = {{"*", 0}};
  EXPECT_EQ(resolve(run).error().message, "Analysis spec invalid: dryRun[0]: Rule didn't match any metric name(s)");
}

TEST(Traps, ResultsAreWrittenWhole) {  // spec/06 §20 #19, spec/06 §20 #20
  MeasuringWorld world;
  world.create("run", plain("a") + "," + plain("b", R"(,"interval":"5s")"));
  world.run(seconds(7));
  ASSERT_EQ(world.patches.size(), 2U);
  for (const json::value& patch : world.patches)
    EXPECT_EQ(getArray(patch.get_object(), {"status", "metricResults"})->size(), 2U);
  const json::object& status = *getObject(world.objects.at("run"), {"status"});
  EXPECT_EQ(json::serialize(status.at("dryRunSummary")), "{}");
  EXPECT_TRUE(status.contains("runSummary"));
}

constexpr std::string_view secret_argument =
    R"(,"args":[{"name":"key","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}])";

TEST(Traps, ASecretThatGoesEndsTheRun) {  // spec/06 §20 #21
  MeasuringWorld world;
  world.secrets["s"] = json::parse(R"({"data":{"k":"eA=="}})").get_object();
  world.create("run", MeasuringWorld::metric("m", R"(,"interval":"5s")"), secret_argument);
  world.run(seconds(12));
  EXPECT_EQ(world.status("run"), "Running");
  world.secrets.clear();
  world.run(seconds(6));
  EXPECT_EQ(world.status("run"), "Error");
  EXPECT_EQ(world.status("run", "message"), "Unable to resolve metric arguments: secrets \"s\" not found");
  EXPECT_NE(world.status("run", "completedAt"), "") << "spec/06 §18 D5";
  EXPECT_EQ(world.events.back(), "AnalysisRunError: Analysis Completed. Result: Error");
}

// Whatever way a secret is written in a text, it is taken out of it, also out of a value that echoes it.
// spec/06 §3.5, spec/08 §16.4 #77, spec/08 §18 #6
TEST(Secrets, AreTakenOutOfEveryText) {
  const ArgumentValues secrets{{"a", "p\"w/d"}, {"b", "p\"w/d and more"}, {"c", ""}};
  Measured measured;
  measured.measurement = measurementOf("Error");
  measured.measurement.message = R"(Get "http://x/?key=p%22w%2Fd": said p"w/d, and "p\"w/d and more")";
  measured.measurement.value = R"({"echo":"p\"w/d"})";
  measured.measurement.metadata["q"] = "p\"w/d";
  measured.metadata["query"] = "p\"w/d and more";
  redact(measured, secrets);
  EXPECT_EQ(measured.measurement.message, R"(Get "http://x/?key=*****": said *****, and "*****")");
  EXPECT_EQ(measured.measurement.value, R"({"echo":"*****"})");
  EXPECT_EQ(measured.measurement.metadata["q"], "*****");
  EXPECT_EQ(measured.metadata["query"], "*****");
  // The name of a Job that runs is not a text.
  measured.measurement = measurementOf("Running", std::nullopt);
  measured.measurement.metadata["job-name"] = "p\"w/d";
  redact(measured, secrets);
  EXPECT_EQ(measured.measurement.metadata["job-name"], "p\"w/d");
}

}  // namespace
}  // namespace crossfade::analysis
