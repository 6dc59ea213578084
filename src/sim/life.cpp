#include "sim/life.hpp"

#include "base/hash.hpp"
#include "sim/deeds.hpp"
#include "sim/invariants.hpp"
#include "sim/state.hpp"

namespace crossfade::sim {
namespace {

// A life is bounded: no generated one needs a day between two deeds.
constexpr Duration patience = hours(24);
// At rest: nothing but a person can move it, and nothing has been written for so long. Longer than every delay that a
// script sets, the time-outs of a lossy network included.
constexpr Duration rest = minutes(70);
constexpr Duration silence = hours(1);
// At the end of a life its user promotes what is paused; so many times in vain, and the user promotes fully.
constexpr int patient_promotions = 12;
constexpr int max_attempts = 20;
// The version that a user puts in place of one that doesn't come up.
constexpr std::int64_t last_version = 90;

class Player {
 public:
  Player(SimWorld& world, const Script& script) : world_(world), script_(script), user_(world, script) {}

  std::optional<std::string> run() {
    for (const json::object& object : script_.objects) {
      if (const Result<> created = user_.create(object); !created) return "setting up: " + created.error().message;
    }
    world_.startController();
    for (const Deed& deed : script_.deeds) {
      if (auto broken = waitFor(deed.at_step)) return broken;
      act(deed);
    }
    if (auto broken = finish()) return broken;
    return expectSilence();
  }

 private:
  // One thing happens, and everything is looked at; the invariant that broke, if any.
  std::optional<std::string> step(TimePoint end, bool& moved) {
    moved = world_.stepUntil(end);
    if (world_.isSplit()) invariants_.noteSplit();
    const State* state = look();
    if (!state) return "the Rollout is gone";
    if (world_.rolloutWrites() != writes_) {
      writes_ = world_.rolloutWrites();
      last_write_ = world_.now();
    }
    // Not only here is the cluster looked at: what was seen in between has to be checked as well.
    if (std::exchange(checked_, seen_) == seen_) return std::nullopt;
    return invariants_.check(*state);
  }

  // The cluster as it is now, read anew only when something in it has changed; null when the Rollout is gone.
  const State* look() {
    if (const std::uint64_t version = world_.registry().resourceVersion(); version != seen_) {
      seen_ = version;
      state_ = observe(world_, std::string(rollout_name));
    }
    return state_ ? &*state_ : nullptr;
  }

  std::optional<std::string> waitFor(std::optional<std::int64_t> at_step) {
    last_write_ = world_.now();
    const TimePoint limit = world_.now() + patience;
    while (world_.now() < limit) {
      if (at_step && reached(*at_step)) return std::nullopt;
      const TimePoint quiet = last_write_ + rest;
      if (world_.now() >= quiet) return std::nullopt;
      bool moved = false;
      if (auto broken = step(quiet, moved)) return broken;
    }
    return "the Rollout never came to rest: " + look()->summary();
  }

  bool reached(std::int64_t at_step) {
    const State* state = look();
    const api::RolloutStatus& status = state->rollout.status;
    const bool observed = status.observed_generation == std::to_string(state->rollout.metadata.generation);
    return observed && status.current_pod_hash != status.stable_rs && status.current_step_index.value_or(0) >= at_step;
  }

  void act(const Deed& deed) {
    user_.act(deed, *look());
    invariants_.noteDeed(deed);
  }

  // Does what a patient user would do until the Rollout is healthy, or stays aborted.
  std::optional<std::string> finish() {
    for (int attempt = 0; attempt < max_attempts; ++attempt) {
      if (auto broken = waitFor(std::nullopt)) return broken;
      const State* state = look();
      const api::RolloutStatus& status = state->rollout.status;
      if (status.phase == "Healthy" || (status.phase == "Degraded" && status.abort)) return std::nullopt;
      if (status.phase == "Paused") {
        act({state->rollout.spec.paused     ? Deed::Verb::resume
             : attempt < patient_promotions ? Deed::Verb::promote
                                            : Deed::Verb::promote_full,
             std::nullopt, 0});
      } else if (status.phase == "Degraded") {
        const bool replaced = std::ranges::any_of(
            state->sets, [](const auto& named) { return named.second.image == imageOf(last_version); });
        act({replaced ? Deed::Verb::promote_full : Deed::Verb::set_image, std::nullopt, last_version});
      } else {
        return "the Rollout rests but is not done: " + state->summary() + " (" + status.message + ")";
      }
    }
    return "the Rollout is not healthy after all that a user can do: " + look()->summary();
  }

  // With nothing changed outside, the controller writes nothing.
  std::optional<std::string> expectSilence() {
    world_.setFaults(Faults::none());
    const std::uint64_t writes = world_.rolloutWrites();
    const TimePoint end = world_.now() + silence;
    while (world_.now() < end) {
      bool moved = false;
      if (auto broken = step(end, moved)) return broken;
    }
    if (world_.rolloutWrites() == writes) return std::nullopt;
    return fmt::format("{} writes although nothing had changed", world_.rolloutWrites() - writes);
  }

  SimWorld& world_;
  const Script& script_;
  User user_;
  Invariants invariants_;
  std::uint64_t seen_ = 0;     // the version of the cluster that `state_` shows
  std::uint64_t checked_ = 0;  // the version whose invariants were checked last
  std::optional<State> state_;
  std::uint64_t writes_ = 0;
  TimePoint last_write_{};
};

}  // namespace

Outcome play(const Script& script, std::uint64_t seed, Faults faults, Kill kill) {
  SimWorld world(seed, faults, kill);
  const TimePoint began = world.now();
  Outcome outcome;
  outcome.broken = Player(world, script).run();
  if (const std::optional<State> state = observe(world, std::string(rollout_name))) outcome.end = state->summary();
  outcome.writes = world.writes();
  outcome.virtual_time = world.now() - began;
  outcome.story = world.story();
  std::uint32_t hash = fnv_offset_basis;
  for (const std::string& line : outcome.story) hash = fnv1a(line, hash);
  outcome.digest = fmt::format("{:08x}", fnv1a(outcome.end, hash));
  return outcome;
}

Verdict judge(const Script& script, std::uint64_t seed, Faults faults) {
  Verdict verdict;
  Outcome calm = play(script, seed, Faults::none());
  verdict.virtual_time = calm.virtual_time;
  if (calm.broken) {
    verdict.broken = "without faults: " + *calm.broken;
    verdict.shown = std::move(calm);
    return verdict;
  }
  verdict.shown = play(script, seed, faults);
  verdict.virtual_time += verdict.shown.virtual_time;
  if (verdict.shown.broken) {
    verdict.broken = "with faults: " + *verdict.shown.broken;
  } else if (verdict.shown.end != calm.end) {
    verdict.broken =
        fmt::format("the end differs:\n    with faults    {}\n    without faults {}", verdict.shown.end, calm.end);
  }
  return verdict;
}

}  // namespace crossfade::sim
