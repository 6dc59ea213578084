// `crossfade sim`: many lives, one after another, and what they showed.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <iostream>

#include "base/log.hpp"
#include "sim/life.hpp"
#include "sim/sim.hpp"

namespace crossfade::sim {
namespace {

void printStory(const Outcome& outcome) {
  for (const std::string& line : outcome.story) std::cout << "  " << line << "\n";
}

// One life without faults and one with: the second must end as the first did.
std::optional<std::string> live(std::uint64_t seed, bool faults, bool tell, Duration& virtual_time) {
  const Script script = generate(seed);
  const Outcome calm = play(script, seed, Faults::none());
  virtual_time += calm.virtual_time;
  if (tell) printStory(calm);
  if (calm.broken) {
    printStory(calm);
    return "without faults: " + *calm.broken;
  }
  if (!faults) return std::nullopt;
  const Outcome stormy = play(script, seed, Faults::usual());
  virtual_time += stormy.virtual_time;
  std::optional<std::string> broken = stormy.broken;
  if (!broken && stormy.end != calm.end)
    broken = fmt::format("the end differs:\n    with faults    {}\n    without faults {}", stormy.end, calm.end);
  if (broken) printStory(stormy);
  return broken;
}

// The five-step canary, its controller killed around each of its writes: every run must end as the one without.
std::uint64_t killEverywhere() {
  const Outcome calm = play(fiveStepCanary(), 1, Faults::none());
  std::uint64_t failed = 0;
  for (std::uint64_t write = 1; write <= calm.writes; ++write) {
    for (const bool after : {false, true}) {
      const Outcome killed = play(fiveStepCanary(), 1, Faults::none(), {write, after});
      if (!killed.broken && killed.end == calm.end) continue;
      ++failed;
      printStory(killed);
      std::cout << fmt::format("killed {} write {}: {}", after ? "after" : "before", write,
                               killed.broken.value_or("the end differs: " + killed.end))
                << std::endl;
    }
  }
  std::cout << fmt::format("killed around {} writes, {} runs failed", calm.writes, failed) << std::endl;
  return failed;
}

}  // namespace

int runSim(const std::vector<std::string>& arguments) {
  std::uint64_t lives = 100, seed = 1;
  bool no_faults = false, tell = false, kills = false;
  CLI::App app("Plays generated lives of Rollouts in a simulated cluster and checks that what must hold holds.",
               "crossfade sim");
  app.add_option("--lives", lives, "Number of lives")->capture_default_str();
  app.add_option("--seed", seed, "Seed of the first life; each further one takes the next number")
      ->capture_default_str();
  app.add_flag("--no-faults", no_faults, "Only the runs without faults");
  app.add_flag("--story", tell, "Print what happened in every life");
  app.add_flag("--kills", kills, "Before the lives: kill the controller around every write of a five-step canary");
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  log::configure(log::Format::text, log::Level::error);

  const std::uint64_t killed = kills ? killEverywhere() : 0;
  const auto began = std::chrono::steady_clock::now();
  Duration virtual_time{};
  std::uint64_t failed = 0;
  for (std::uint64_t index = 0; index < lives; ++index) {
    const std::optional<std::string> broken = live(seed + index, !no_faults, tell, virtual_time);
    if (!broken) continue;
    ++failed;
    std::cout << "seed " << seed + index << ": " << *broken << std::endl;
    for (const Deed& deed : generate(seed + index).deeds) std::cout << "    " << toString(deed) << "\n";
  }
  const double real = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  const double simulated = std::chrono::duration<double>(virtual_time).count();
  std::cout << fmt::format("{} lives, {} failed; {:.0f} lives a minute, {:.0f} virtual seconds a second", lives, failed,
                           static_cast<double>(lives) * 60 / real, simulated / real)
            << std::endl;
  return failed + killed == 0 ? 0 : 1;
}

}  // namespace crossfade::sim
