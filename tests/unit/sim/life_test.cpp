// The controller and the embedded cluster together, under a virtual clock, with faults.
#include "sim/life.hpp"

#include "base/log.hpp"

namespace crossfade::sim {
namespace {

class LifeTest : public ::testing::Test {
 protected:
  LifeTest() { log::setLevel(log::Level::error); }
};

std::string tail(const Outcome& outcome) {
  constexpr std::size_t shown = 40;
  std::string text;
  const std::size_t from = outcome.story.size() > shown ? outcome.story.size() - shown : 0;
  for (std::size_t index = from; index < outcome.story.size(); ++index) text += outcome.story[index] + "\n";
  return text;
}

void expectFine(const Outcome& outcome, std::string_view what) {
  EXPECT_FALSE(outcome.broken) << what << ": " << *outcome.broken << "\n" << tail(outcome);
}

TEST_F(LifeTest, FiveStepCanaryWithHourLongPauses) {
  const Outcome outcome = play(fiveStepCanary(), 1, Faults::none());
  expectFine(outcome, "calm");
  EXPECT_GE(outcome.virtual_time, hours(5));
  EXPECT_TRUE(outcome.end.starts_with("phase Healthy abort false")) << outcome.end;
  EXPECT_TRUE(outcome.end.contains("stable weighs 100")) << outcome.end;
}

TEST_F(LifeTest, ASeedReproducesARunToTheByte) {
  const Outcome one = play(fiveStepCanary(), 7, Faults::usual());
  const Outcome other = play(fiveStepCanary(), 7, Faults::usual());
  EXPECT_EQ(one.story, other.story);
  EXPECT_EQ(one.digest, other.digest);
  EXPECT_NE(one.digest, play(fiveStepCanary(), 8, Faults::usual()).digest);
}

// design.md: a crash between any two writes leaves a state from which the next reconcile converges. With sanitizers a
// life takes seconds, so here every eighth write is tried; `crossfade sim --kills`, a tier of its own, tries all.
TEST_F(LifeTest, KilledAroundAWrite) {
  const Outcome calm = play(fiveStepCanary(), 1, Faults::none());
  expectFine(calm, "calm");
  for (std::uint64_t write = 1; write <= calm.writes; write += 8) {
    for (const bool after : {false, true}) {
      const Outcome killed = play(fiveStepCanary(), 1, Faults::none(), {write, after});
      expectFine(killed, fmt::format("killed {} write {}", after ? "after" : "before", write));
      EXPECT_EQ(killed.end, calm.end) << "killed " << (after ? "after" : "before") << " write " << write << "\n"
                                      << tail(killed);
    }
  }
}

TEST_F(LifeTest, GeneratedLivesEndAlikeWithAndWithoutFaults) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const Script script = generate(seed);
    const Outcome calm = play(script, seed, Faults::none());
    expectFine(calm, fmt::format("seed {} without faults", seed));
    const Outcome stormy = play(script, seed, Faults::usual());
    expectFine(stormy, fmt::format("seed {} with faults", seed));
    EXPECT_EQ(stormy.end, calm.end) << "seed " << seed << "\n" << tail(stormy);
  }
}

}  // namespace
}  // namespace crossfade::sim
