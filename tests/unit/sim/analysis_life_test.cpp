// AnalysisRuns in simulated lives: no verdict depends on when the controller was killed, or on the moods of a backend.
#include <gtest/gtest.h>

#include "api/names.hpp"
#include "base/log.hpp"
#include "sim/backend.hpp"
#include "sim/life.hpp"
#include "sim/specs.hpp"

namespace crossfade::sim {
namespace {

json::object analysisOf(std::string_view verdict) {
  return {{"templates", json::array{json::object{{"templateName", verdict}}}}};
}

// An update with an analysis in the background and one of this verdict in a step.
Script analysedCanary(std::string_view verdict) {
  Script script;
  for (const std::string_view one : {verdict_good, verdict_bad, verdict_unclear, verdict_steady})
    script.objects.push_back(makeTemplate(one, Random(5)));
  json::array steps{json::object{{"setWeight", 50}}, json::object{{"analysis", analysisOf(verdict)}},
                    json::object{{"pause", {{"duration", "10m"}}}}};
  script.objects.push_back(
      makeRollout(2, {{"canary", {{"steps", std::move(steps)}, {"analysis", analysisOf(verdict_steady)}}}}));
  script.deeds.push_back({Deed::Verb::set_image, std::nullopt, 2});
  return script;
}

class AnalysisLife : public ::testing::TestWithParam<std::string_view> {
 protected:
  AnalysisLife() { log::setLevel(log::Level::error); }
};

std::string tail(const Outcome& outcome) {
  constexpr std::size_t shown = 30;
  std::string text;
  const std::size_t from = outcome.story.size() > shown ? outcome.story.size() - shown : 0;
  for (std::size_t index = from; index < outcome.story.size(); ++index) text += outcome.story[index] + "\n";
  return text;
}

// With sanitizers a life takes long: a few of the writes, other ones for each verdict.
TEST_P(AnalysisLife, KilledAroundAWrite) {
  const Script script = analysedCanary(GetParam());
  const Outcome calm = play(script, 1, Faults::none());
  ASSERT_FALSE(calm.broken) << *calm.broken << "\n" << tail(calm);
  for (std::uint64_t write = 1 + GetParam().size() % 3; write <= calm.writes; write += 9) {
    for (const bool after : {false, true}) {
      const Outcome killed = play(script, 1, Faults::none(), {write, after});
      EXPECT_FALSE(killed.broken) << *killed.broken << "\n" << tail(killed);
      EXPECT_EQ(killed.end, calm.end) << "killed " << (after ? "after" : "before") << " write " << write << "\n"
                                      << tail(killed);
    }
  }
}

TEST_P(AnalysisLife, WithABackendThatFails) {
  const Script script = analysedCanary(GetParam());
  const Outcome calm = play(script, 1, Faults::none());
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    Faults faults;
    faults.backend_error = faults.backend_delay = 0.4;
    faults.kill = 0.02;
    const Outcome stormy = play(script, seed, faults);
    EXPECT_FALSE(stormy.broken) << *stormy.broken << "\n" << tail(stormy);
    EXPECT_EQ(stormy.end, calm.end) << "seed " << seed << "\n" << tail(stormy);
  }
}

INSTANTIATE_TEST_SUITE_P(Verdicts, AnalysisLife, ::testing::Values(verdict_good, verdict_bad, verdict_unclear));

// A Rollout looks again when a run's phase changes, and not for every measurement. spec/06 §20 #15
TEST(AnalysisNews, OnlyAPhaseWakesTheRollout) {
  log::setLevel(log::Level::error);
  SimWorld world(1, Faults::none());
  ASSERT_TRUE(world.create(api::group, "analysistemplates", makeTemplate(verdict_steady, Random(5))));
  json::object rollout = makeRollout(
      2, {{"canary",
           {{"steps", json::array{json::object{{"setWeight", 50}}, json::object{{"pause", json::object()}}}},
            {"analysis", analysisOf(verdict_steady)}}}});
  ASSERT_TRUE(world.create(api::group, "rollouts", std::move(rollout)));
  world.startController();
  const auto pass = [&](Duration time) {
    const TimePoint end = world.now() + time;
    while (world.now() < end) world.stepUntil(end);
  };
  const auto plans = [&] {
    return std::ranges::count_if(world.story(), [](const std::string& line) { return line.contains("web: waits"); });
  };
  pass(minutes(2));
  const json::object container = {{"name", "app"}, {"image", imageOf(2)}};
  ASSERT_TRUE(world.mergePatch(api::group, "rollouts", rollout_name, local::Subresource::none,
                               {{"spec", {{"template", {{"spec", {{"containers", json::array{container}}}}}}}}}));
  pass(minutes(2));
  const auto runs = world.list(api::group, "analysisruns");
  ASSERT_EQ(runs.size(), 1U);
  const auto before = plans();
  const auto measured = world.writes();
  pass(minutes(5));
  EXPECT_GT(world.writes(), measured + 10);
  EXPECT_EQ(plans(), before);
  ASSERT_TRUE(world.mergePatch(api::group, "analysisruns", getString(*runs.front(), {"metadata", "name"}),
                               local::Subresource::none, {{"status", {{"phase", "Inconclusive"}}}}));
  pass(seconds(10));
  EXPECT_GT(plans(), before);
}

}  // namespace
}  // namespace crossfade::sim
