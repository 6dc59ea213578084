// Nothing is measured twice and nothing left out when writes fail, answers get lost, others write in between, or the
// controller is killed around any of its writes.
#include "measuring_world.hpp"

namespace crossfade::analysis {
namespace {

std::string threeTimes(std::string_view name) {
  return MeasuringWorld::metric(name, R"(,"interval":"5s","count":3,"failureLimit":1)");
}

std::string ending(const MeasuringWorld& world, const std::string& name) {
  const api::AnalysisRunStatus status = world.decoded(name).status;
  std::string text = status.phase + " " + status.message;
  for (const api::MetricResult& result : status.metric_results) {
    text += fmt::format("; {} {} {} count {} successful {} failed {} inconclusive {} error {} row {} {} kept {}",
                        result.name, result.phase, result.message, result.count, result.successful, result.failed,
                        result.inconclusive, result.error, result.consecutive_error, result.consecutive_success,
                        result.measurements.size());
  }
  return text;
}

TEST(Writes, AFailureCostsNoSecondMeasurement) {
  MeasuringWorld world;
  int left = 5;
  world.refuse = [&]() -> std::optional<Error> {
    if (left-- > 0) return Error{ErrorCode::unavailable, "connection reset"};
    return std::nullopt;
  };
  world.create("run", MeasuringWorld::metric("m"));
  world.run(seconds(5));
  EXPECT_EQ(world.status("run"), "Successful");
  EXPECT_EQ(world.asked("m").size(), 1U);
  EXPECT_EQ(world.decoded("run").status.metric_results[0].count, 1);
}

// While the server takes no writes nothing piles up: the metric waits for its last measurement to be written.
TEST(Writes, AServerThatIsAwayStopsTheMeasuring) {
  MeasuringWorld world;
  bool away = false;
  world.refuse = [&]() -> std::optional<Error> {
    if (away) return Error{ErrorCode::unavailable, "connection reset"};
    return std::nullopt;
  };
  world.create("run", MeasuringWorld::metric("m", R"(,"interval":"2s")"));
  world.run(seconds(5));
  away = true;
  const std::size_t before = world.asked("m").size();
  world.run(minutes(5));
  EXPECT_LE(world.asked("m").size(), before + 1);
  away = false;
  world.run(seconds(30));
  EXPECT_GT(world.asked("m").size(), before + 5);
  EXPECT_EQ(world.decoded("run").status.metric_results[0].count, static_cast<std::int64_t>(world.asked("m").size()));
}

TEST(Writes, ALostAnswerCountsOnce) {
  MeasuringWorld world;
  world.lose = true;
  int left = 3;
  world.watch_delay = seconds(1);
  world.refuse = [&]() -> std::optional<Error> {
    if (left-- > 0) return Error{ErrorCode::unavailable, "connection reset"};
    return std::nullopt;
  };
  world.create("run", threeTimes("m"));
  world.runToTheEnd();
  EXPECT_EQ(world.decoded("run").status.metric_results[0].count, 3);
  EXPECT_EQ(world.asked("m").size(), 3U);
}

TEST(Writes, SomebodyElseWritesInBetween) {
  MeasuringWorld world;
  world.create("run", threeTimes("m"));
  world.watch_delay = seconds(2);
  for (int i = 0; i < 40; ++i) {
    world.patch("run", fmt::format(R"({{"metadata":{{"labels":{{"touched":"{}"}}}}}})", i));
    world.run(milliseconds(700));
  }
  world.runToTheEnd();
  EXPECT_EQ(world.decoded("run").status.metric_results[0].count, 3);
  EXPECT_EQ(world.asked("m").size(), 3U);
}

// Another controller has measured and written meanwhile: what we measured upon the old state is nobody's third.
TEST(Writes, AnotherControllerWasFaster) {
  MeasuringWorld world;
  world.answers["m"].latency = seconds(3);
  world.create("run", threeTimes("m"));
  world.run(seconds(2));
  world.patch("run", R"({"status":{"phase":"Running","startedAt":"2024-01-01T00:00:00Z","metricResults":[{"name":"m",
    "phase":"Running","count":1,"successful":1,"consecutiveSuccess":1,"measurements":[{"phase":"Successful",
    "startedAt":"2024-01-01T00:00:01Z","finishedAt":"2024-01-01T00:00:02Z","value":"[1]"}]}]}})");
  world.run(seconds(3));
  EXPECT_EQ(world.decoded("run").status.metric_results[0].count, 1);
  world.runToTheEnd();
  EXPECT_EQ(world.decoded("run").status.metric_results[0].count, 3);
}

// --- killed around every write

struct Life {
  std::string name, metrics, more;
};

std::vector<Life> lives() {
  const std::string job = R"({"name":"j","provider":{"job":{"spec":{"template":{"spec":{}}}}}})";
  return {
      {"good", threeTimes("a") + "," + threeTimes("b"), ""},
      {"bad", threeTimes("a") + "," + threeTimes("bad"), ""},
      {"unclear", threeTimes("a") + "," + threeTimes("unclear"), ""},
      {"both", threeTimes("unclear") + "," + MeasuringWorld::metric("bad"), ""},
      {"broken", MeasuringWorld::metric("broken", R"(,"consecutiveErrorLimit":2)") + "," + threeTimes("a"), ""},
      {"dry", threeTimes("a") + "," + threeTimes("bad"), R"(,"dryRun":[{"metricName":"bad"}])"},
      {"delayed", MeasuringWorld::metric("a", R"(,"initialDelay":"7s")") + "," + MeasuringWorld::metric("b"), ""},
      {"successes", MeasuringWorld::metric("a", R"(,"interval":"3s","consecutiveSuccessLimit":3,"failureLimit":-1)"),
       ""},
      {"kept", MeasuringWorld::metric("a", R"(,"interval":"2s","count":6)"),
       R"(,"measurementRetention":[{"metricName":"a","limit":2}])"},
      {"invalid", MeasuringWorld::metric("a", R"(,"interval":"soon")"), ""},
      {"job", job + "," + MeasuringWorld::metric("bad", R"(,"initialDelay":"4s")"), ""},
  };
}

void prepare(MeasuringWorld& world) {
  world.answers["bad"].value = "-1";
  world.answers["unclear"].value = "0";
  world.answers["broken"].value = "no number";
}

TEST(Killed, AroundAnyWriteTheVerdictIsTheSame) {
  for (const Life& life : lives()) {
    MeasuringWorld calm;
    prepare(calm);
    calm.create(life.name, life.metrics, life.more);
    calm.runToTheEnd();
    const std::string end = ending(calm, life.name);
    EXPECT_TRUE(api::isCompletedPhase(calm.status(life.name))) << life.name << ": " << end;
    std::size_t asked = 0;
    for (const auto& [query, moments] : calm.requests) asked += moments.size();
    for (int write = 1; write <= calm.writes; ++write) {
      for (const bool after : {false, true}) {
        MeasuringWorld world;
        prepare(world);
        world.kill_at = write;
        world.kill_after = after;
        world.create(life.name, life.metrics, life.more);
        world.runToTheEnd();
        const std::string what = fmt::format("{}, killed {} write {}", life.name, after ? "after" : "before", write);
        EXPECT_EQ(ending(world, life.name), end) << what;
        EXPECT_EQ(world.kill_at, 0) << what;
        std::size_t asked_now = 0;
        for (const auto& [query, moments] : world.requests) asked_now += moments.size();
        // What was measured and not written is measured again: once by each metric at most. After a write nothing is.
        EXPECT_GE(asked_now, asked) << what;
        EXPECT_LE(asked_now, asked + (after ? 0 : 2)) << what;
      }
    }
  }
}

}  // namespace
}  // namespace crossfade::analysis
