// `crossfade sim`: many lives, on as many processors as there are, and what they showed.
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <iostream>
#include <thread>

#include "base/log.hpp"
#include "sim/life.hpp"
#include "sim/shrink.hpp"
#include "sim/sim.hpp"

namespace crossfade::sim {
namespace {

struct Options {
  std::uint64_t lives = 100, seed = 1;
  bool no_faults = false, tell = false, kills = false, as_is = false;
  unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
};

struct Count {
  std::uint64_t lives = 0, failed = 0;
  double virtual_seconds = 0;
};

// One life; what it showed when it failed, made as small as it gets.
void live(std::uint64_t seed, const Options& options, Count& count) {
  const Script script = generate(seed);
  const Faults faults = options.no_faults ? Faults::none() : Faults::usual();
  Failure failure{script, faults, judge(script, seed, faults)};
  ++count.lives;
  count.virtual_seconds += std::chrono::duration<double>(failure.verdict.virtual_time).count();
  std::string text;
  if (options.tell) {
    for (const std::string& line : failure.verdict.shown.story) text += "  " + line + "\n";
  }
  if (failure.verdict.broken) {
    ++count.failed;
    text += fmt::format("seed {}: {}\n", seed, *failure.verdict.broken);
    if (!options.as_is) {
      text += "the smallest story of it:\n";
      for (const std::string& line : describe(shrink(std::move(failure), seed))) text += "    " + line + "\n";
    }
  }
  // One write: lives of several processes must not run into each other.
  if (!text.empty()) std::cout.write(text.data(), static_cast<std::streamsize>(text.size())).flush();
}

// Every `jobs`th life from the `first`th on.
Count liveMany(std::uint64_t first, const Options& options) {
  Count count;
  for (std::uint64_t index = first; index < options.lives; index += options.jobs)
    live(options.seed + index, options, count);
  return count;
}

// The same in a process for each job: a world is single-threaded, and its loggers are the process's. A job that dies
// counts as a failed life.
Count liveInParallel(const Options& options) {
  std::vector<std::pair<pid_t, int>> jobs;
  for (unsigned job = 0; job < options.jobs; ++job) {
    int ends[2];
    if (pipe(ends) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    const pid_t child = fork();
    if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (child == 0) {
      const Count count = liveMany(job, options);
      _exit(write(ends[1], &count, sizeof count) == sizeof count ? 0 : 1);
    }
    close(ends[1]);
    jobs.emplace_back(child, ends[0]);
  }
  Count total;
  for (const auto& [child, end] : jobs) {
    Count count;
    if (read(end, &count, sizeof count) != sizeof count) count = {.lives = 0, .failed = 1, .virtual_seconds = 0};
    close(end);
    waitpid(child, nullptr, 0);
    total.lives += count.lives;
    total.failed += count.failed;
    total.virtual_seconds += count.virtual_seconds;
  }
  return total;
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
      for (const std::string& line : killed.story) std::cout << "  " << line << "\n";
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
  Options options;
  CLI::App app("Plays generated lives of Rollouts in a simulated cluster and checks that what must hold holds.",
               "crossfade sim");
  app.add_option("--lives", options.lives, "Number of lives")->capture_default_str();
  app.add_option("--seed", options.seed, "Seed of the first life; each further one takes the next number")
      ->capture_default_str();
  app.add_option("--jobs", options.jobs, "Processes that play them")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_flag("--no-faults", options.no_faults, "Only the runs without faults");
  app.add_flag("--story", options.tell, "Print what happened in every life");
  app.add_flag("--as-is", options.as_is, "Don't look for the smallest story of a failure");
  app.add_flag("--kills", options.kills, "Before the lives: kill the controller around every write of a canary");
  std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  log::configure(log::Format::text, log::Level::error);

  const std::uint64_t killed = options.kills ? killEverywhere() : 0;
  const auto began = std::chrono::steady_clock::now();
  const Count count = options.jobs == 1 ? liveMany(0, options) : liveInParallel(options);
  const double real = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::cout << fmt::format("{} lives, {} failed; {:.0f} lives a minute, {:.0f} virtual seconds a second", count.lives,
                           count.failed, static_cast<double>(count.lives) * 60 / real, count.virtual_seconds / real)
            << std::endl;
  return count.failed + killed == 0 ? 0 : 1;
}

}  // namespace crossfade::sim
