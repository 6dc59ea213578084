// A backend that is slow, or doesn't answer at all, delays the metrics that ask it and nothing else.
#include "measuring_world.hpp"

namespace crossfade::analysis {
namespace {

using Slow = MeasuringWorld;

double longestGap(const std::vector<double>& moments) {
  double longest = 0;
  for (std::size_t i = 1; i < moments.size(); ++i) longest = std::max(longest, moments[i] - moments[i - 1]);
  return longest;
}

TEST(SlowBackends, DelayOnlyTheirOwnMetrics) {
  MeasuringWorld world;
  world.answers["slow"].latency = seconds(25);
  world.create("run", Slow::metric("fast", R"(,"interval":"2s")") + "," + Slow::metric("slow", R"(,"interval":"2s")"));
  world.create("other", Slow::metric("elsewhere", R"(,"interval":"2s")"));
  world.run(minutes(2));
  EXPECT_GT(world.asked("fast").size(), 55U);
  EXPECT_LE(longestGap(world.asked("fast")), 2.2);
  EXPECT_LE(longestGap(world.asked("elsewhere")), 2.2);
  EXPECT_LE(world.asked("slow").size(), 6U);
  const api::AnalysisRunStatus status = world.decoded("run").status;
  EXPECT_EQ(findResult(status, "slow")->successful, 4);
  EXPECT_EQ(findResult(status, "fast")->successful, static_cast<std::int64_t>(world.asked("fast").size()));
}

TEST(SlowBackends, ManyRunsOfOneDontStopTheOthers) {
  MeasuringWorld world;
  // More than the queue has slots.
  world.answers["slow"].latency = seconds(25);
  for (int i = 0; i < 100; ++i) world.create(fmt::format("slow{}", i), Slow::metric("slow", R"(,"interval":"1s")"));
  world.create("other", Slow::metric("fast", R"(,"interval":"2s")"));
  world.run(minutes(1));
  EXPECT_LE(longestGap(world.asked("fast")), 2.2);
  EXPECT_EQ(world.asked("slow").size(), 300U);
}

// startedAt is what initial delays are counted from: it doesn't wait for the first answer. spec/06 §20 #5
TEST(SlowBackends, ARunBeginsWithoutThem) {
  MeasuringWorld world;
  world.answers["slow"].latency = seconds(25);
  world.create("run", Slow::metric("slow") + "," + Slow::metric("late", R"(,"initialDelay":"5s")") + "," +
                          Slow::metric("zero", R"(,"initialDelay":"0s")"));
  world.run(milliseconds(900));
  EXPECT_EQ(world.status("run"), "") << "answers that come soon are in the first write";
  world.run(milliseconds(200));
  EXPECT_EQ(world.status("run"), "Running");
  EXPECT_EQ(world.status("run", "startedAt"), "2024-01-01T00:00:01Z");
  world.run(seconds(20));
  ASSERT_EQ(world.asked("late").size(), 1U);
  EXPECT_NEAR(world.asked("late")[0], 6.0, 0.1);
  EXPECT_NEAR(world.asked("zero").at(0), 1.0, 0.1);
  EXPECT_EQ(world.asked("slow").size(), 1U);
}

TEST(SlowBackends, WhatEndsTogetherIsWrittenTogether) {
  MeasuringWorld world;
  world.answers["b"].latency = milliseconds(70);
  world.create("run", Slow::metric("a") + "," + Slow::metric("b") + "," + Slow::metric("c"));
  world.run(seconds(30));
  EXPECT_EQ(world.status("run"), "Successful");
  EXPECT_EQ(world.patches.size(), 1U);
  // One that begins, one that records, one for the news of the write; one for "a", which waited for company.
  EXPECT_LE(world.program->passes, 4);
}

TEST(SlowBackends, AFailureWaitsForNobody) {
  MeasuringWorld world;
  world.answers["a"].value = "-1";
  world.answers["slow"].latency = seconds(25);
  world.create("run", Slow::metric("a") + "," + Slow::metric("slow"));
  world.run(milliseconds(500));
  EXPECT_EQ(world.status("run"), "Failed");
  EXPECT_EQ(world.status("run", "message"), "Metric \"a\" assessed Failed due to failed (1) > failureLimit (0)");
  world.run(minutes(1));
  EXPECT_EQ(findResult(world.decoded("run").status, "slow"), nullptr);
  EXPECT_EQ(world.patches.size(), 2U) << "the metric first, then the run";
}

// Whoever answers first, the verdict is the worst of all that was asked for.
TEST(SlowBackends, AVerdictThatCouldGetWorseWaits) {
  MeasuringWorld world;
  world.answers["a"].value = "0";
  world.answers["b"] = {"-1", seconds(5)};
  world.create("run", Slow::metric("a") + "," + Slow::metric("b"));
  world.run(seconds(4));
  EXPECT_FALSE(api::isCompletedPhase(world.status("run")));
  world.run(seconds(2));
  EXPECT_EQ(world.status("run"), "Failed");

  // But not for ever, and not for what is only a try.
  world.answers["b"].latency = seconds(25);
  world.create("hanging", Slow::metric("a") + "," + Slow::metric("b"));
  world.create("trying", Slow::metric("a") + "," + Slow::metric("b"), R"(,"dryRun":[{"metricName":"b"}])");
  world.run(seconds(1));
  EXPECT_EQ(world.status("trying"), "Inconclusive");
  world.run(seconds(8));
  EXPECT_FALSE(api::isCompletedPhase(world.status("hanging")));
  world.run(seconds(2));
  EXPECT_EQ(world.status("hanging"), "Inconclusive");
}

TEST(SlowBackends, NothingBeginsWhileAVerdictWaits) {
  MeasuringWorld world;
  world.answers["slow"].latency = seconds(8);
  world.create("run", Slow::metric("a", R"(,"interval":"3s")") + "," + Slow::metric("b", R"(,"interval":"1s")") + "," +
                          Slow::metric("slow", R"(,"initialDelay":"1s")"));
  world.run(seconds(3));
  world.answers["a"].value = "0";
  world.run(seconds(1));  // "a" is inconclusive now, and "slow" still under way
  const std::size_t asked = world.asked("b").size();
  world.run(seconds(4));
  EXPECT_EQ(world.asked("b").size(), asked);
  EXPECT_EQ(world.status("run"), "Running");
  world.run(seconds(3));
  EXPECT_EQ(world.status("run"), "Inconclusive");
  EXPECT_EQ(findResult(world.decoded("run").status, "slow")->phase, "Successful");
}

TEST(SlowBackends, ATerminatedRunEndsSoon) {
  MeasuringWorld world;
  world.answers["slow"].latency = seconds(25);
  world.create("run", Slow::metric("slow") + "," + Slow::metric("fast", R"(,"interval":"2s")"));
  world.run(seconds(5));
  world.patch("run", R"({"spec":{"terminate":true}})");
  world.run(seconds(6));
  EXPECT_EQ(world.status("run"), "Successful");
  EXPECT_EQ(world.status("run", "message"), "Run Terminated");
}

// A Job that was made for a run which ended meanwhile has nobody else who would end it.
TEST(SlowBackends, NoJobIsLeftBehind) {
  MeasuringWorld world;
  world.create("run", R"({"name":"j","provider":{"job":{"spec":{"template":{"spec":{}}}}}})");
  world.run(milliseconds(6));  // it is just being created
  world.remove("run");
  world.run(seconds(1));
  EXPECT_TRUE(world.job_calls.contains("POST uid-run.j.1"));
  EXPECT_TRUE(world.job_calls.contains("DELETE uid-run.j.1"));

  // One that the status knows is terminated before the run ends.
  world.job_calls.clear();
  world.create("known", R"({"name":"j","provider":{"job":{"spec":{"template":{"spec":{}}}}}})");
  world.run(seconds(2));
  world.patch("known", R"({"spec":{"terminate":true}})");
  world.run(seconds(2));
  EXPECT_TRUE(world.job_calls.contains("DELETE uid-known.j.1"));
  EXPECT_EQ(world.status("known"), "Inconclusive");
  EXPECT_EQ(findResult(world.decoded("known").status, "j")->message, "Metric Terminated");
}

TEST(SlowBackends, AJobIsAskedForUntilItEnds) {
  MeasuringWorld world;
  world.create("run", R"({"name":"j","provider":{"job":{"spec":{"template":{"spec":{}}}}}})");
  world.run(minutes(10));
  EXPECT_EQ(world.status("run"), "Running");
  EXPECT_GT(world.job_questions, 15);
  EXPECT_LT(world.job_questions, 60) << "more and more rarely";
  world.job = R"({"status":{"conditions":[{"type":"Complete","status":"True"}]}})";
  world.run(minutes(1));
  EXPECT_EQ(world.status("run"), "Successful");
}

// An interval below a second, or none to speak of, keeps no backend busy.
TEST(SlowBackends, NoIntervalIsShorterThanASecond) {
  MeasuringWorld world;
  world.create("run", Slow::metric("a", R"(,"interval":"1ms")") + "," + Slow::metric("b", R"(,"interval":"-5s")"));
  world.run(seconds(10));
  EXPECT_LE(world.asked("a").size(), 11U);
  EXPECT_GE(world.asked("a").size(), 9U);
  EXPECT_LE(world.asked("b").size(), 11U);
}

TEST(SlowBackends, AProgramThatEndsWritesWhatItMeasures) {
  MeasuringWorld world;
  world.answers["a"].latency = seconds(4);
  world.answers["b"].latency = seconds(25);
  world.create("run", Slow::metric("a") + "," + Slow::metric("b"));
  world.run(seconds(2));
  auto& program = *world.program;
  const auto unwritten = world.loop.get(program.measurer.finish(world.loop.clock().now() + seconds(10)));
  ASSERT_TRUE(unwritten);
  EXPECT_EQ(*unwritten, std::vector<std::string>{"ns/run"});
  world.run(seconds(1));
  EXPECT_EQ(findResult(world.decoded("run").status, "a")->successful, 1);
  EXPECT_EQ(world.asked("a").size(), 1U);
  world.answers["b"].latency = milliseconds(20);
  world.end();
  world.start();
  world.run(seconds(1));
  EXPECT_EQ(world.asked("a").size(), 1U) << "the next one doesn't measure it again";
  EXPECT_EQ(world.status("run"), "Successful");
}

}  // namespace
}  // namespace crossfade::analysis
