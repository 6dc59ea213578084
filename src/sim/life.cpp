#include "sim/life.hpp"

#include "api/names.hpp"
#include "base/hash.hpp"
#include "rollout/user_actions.hpp"
#include "sim/invariants.hpp"
#include "sim/state.hpp"

namespace crossfade::sim {
namespace {

constexpr std::string_view name = "web";
// A life is bounded: no generated one needs a day between two deeds.
constexpr Duration patience = hours(24);
// At rest: nothing but a person can move it, and nothing has been written for so long. Longer than every delay that a
// script sets, the time-outs of a lossy network included.
constexpr Duration rest = minutes(70);
constexpr Duration silence = hours(1);
constexpr int max_promotions = 50;

class Player {
 public:
  Player(SimWorld& world, const Script& script) : world_(world), script_(script) {}

  std::optional<std::string> run() {
    for (const json::object& object : script_.objects) {
      if (auto failed = setUp(object)) return failed;
    }
    world_.startController();
    for (const Deed& deed : script_.deeds) {
      if (auto broken = waitFor(deed.at_step)) return broken;
      world_.tell("user: " + toString(deed));
      act(deed);
    }
    if (auto broken = finish()) return broken;
    return expectSilence();
  }

 private:
  std::optional<std::string> setUp(const json::object& object) {
    const std::string_view kind = getString(object, {"kind"});
    const std::string_view group = kind == "Service"     ? ""
                                   : kind == "HTTPRoute" ? "gateway.networking.k8s.io"
                                                         : api::group;
    const std::string_view plural = kind == "Service" ? "services" : kind == "HTTPRoute" ? "httproutes" : "rollouts";
    const Result<> created = world_.create(group, plural, object);
    return created ? std::nullopt : std::optional("setting up: " + created.error().message);
  }

  // One thing happens, and everything is looked at; the invariant that broke, if any.
  std::optional<std::string> step(TimePoint end, bool& moved) {
    moved = world_.stepUntil(end);
    const State* state = look();
    if (!state) return "the Rollout is gone";
    if (world_.writes() != writes_) {
      writes_ = world_.writes();
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
      state_ = observe(world_, std::string(name));
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

  // Promotes until nothing asks for it any more, as a patient user would.
  std::optional<std::string> finish() {
    for (int promotions = 0; promotions < max_promotions; ++promotions) {
      if (auto broken = waitFor(std::nullopt)) return broken;
      const State* state = look();
      const std::string& phase = state->rollout.status.phase;
      if (phase == "Healthy" || (phase == "Degraded" && state->rollout.status.abort)) return std::nullopt;
      if (phase != "Paused")
        return "the Rollout rests but is not done: " + state->summary() + " (" + state->rollout.status.message + ")";
      act({state->rollout.spec.paused ? Deed::Verb::resume : Deed::Verb::promote, std::nullopt, 0});
    }
    return "the Rollout is still paused after many promotions";
  }

  // With nothing changed outside, the controller writes nothing.
  std::optional<std::string> expectSilence() {
    world_.setFaults(Faults::none());
    const std::uint64_t writes = world_.writes();
    const TimePoint end = world_.now() + silence;
    while (world_.now() < end) {
      bool moved = false;
      if (auto broken = step(end, moved)) return broken;
    }
    if (world_.writes() == writes) return std::nullopt;
    return fmt::format("{} writes although nothing had changed", world_.writes() - writes);
  }

  void act(const Deed& deed) {
    switch (deed.verb) {
      case Deed::Verb::set_image:
        return setImage(deed.number);
      case Deed::Verb::promote:
        return promote(rollout::PromoteMode::plain);
      case Deed::Verb::promote_full:
        return promote(rollout::PromoteMode::full);
      case Deed::Verb::abort:
        return patch(local::Subresource::status, rollout::abortPatch());
      case Deed::Verb::retry:
        return patch(local::Subresource::status, rollout::retryPatch());
      case Deed::Verb::pause:
        return patch(local::Subresource::none, rollout::pausePatch());
      case Deed::Verb::resume:
        return patch(local::Subresource::none, rollout::resumePatch());
      case Deed::Verb::scale:
        invariants_.excuseCounts();
        return patch(local::Subresource::none, {{"spec", {{"replicas", deed.number}}}});
      case Deed::Verb::delete_pod:
        return deletePod();
    }
  }

  void patch(local::Subresource subresource, const json::object& body) {
    if (const Result<> done = world_.mergePatch(api::group, "rollouts", name, subresource, body); !done) {
      world_.tell("user: refused: " + done.error().message);
    }
  }

  void setImage(std::int64_t version) {
    const json::object container = {{"name", "app"}, {"image", fmt::format("crossfade.dev/demo:v{}", version)}};
    patch(local::Subresource::none, {{"spec", {{"template", {{"spec", {{"containers", json::array{container}}}}}}}}});
  }

  void promote(rollout::PromoteMode mode) {
    const local::Object live = world_.get(api::group, "rollouts", name);
    const Result<rollout::PromotePatches> patches = rollout::promotePatches(*live, mode);
    if (!patches) return world_.tell("user: " + patches.error().message);
    if (patches->status) patch(local::Subresource::status, *patches->status);
    if (patches->spec) patch(local::Subresource::none, *patches->spec);
  }

  void deletePod() {
    const std::vector<local::Object> pods = world_.list("", "pods");
    if (pods.empty()) return;
    invariants_.excuseCounts();
    (void)world_.remove("", "pods", getString(*pods.front(), {"metadata", "name"}));
  }

  SimWorld& world_;
  const Script& script_;
  Invariants invariants_;
  std::uint64_t seen_ = 0;     // the version of the cluster that `state_` shows
  std::uint64_t checked_ = 0;  // the version whose invariants were checked last
  std::optional<State> state_;
  std::uint64_t writes_ = 0;
  TimePoint last_write_{};
};

}  // namespace

std::string toString(const Deed& deed) {
  constexpr std::string_view names[] = {"set image", "promote", "promote --full", "abort",       "retry",
                                        "pause",     "resume",  "scale",          "delete a pod"};
  std::string text(names[static_cast<std::size_t>(deed.verb)]);
  if (deed.verb == Deed::Verb::set_image) text += fmt::format(" v{}", deed.number);
  if (deed.verb == Deed::Verb::scale) text += fmt::format(" to {}", deed.number);
  return text + (deed.at_step ? fmt::format(" at step {}", *deed.at_step) : " at rest");
}

Outcome play(const Script& script, std::uint64_t seed, Faults faults, Kill kill) {
  SimWorld world(seed, faults, kill);
  const TimePoint began = world.now();
  Outcome outcome;
  outcome.broken = Player(world, script).run();
  if (const std::optional<State> state = observe(world, std::string(name))) outcome.end = state->summary();
  outcome.writes = world.writes();
  outcome.virtual_time = world.now() - began;
  outcome.story = world.story();
  std::uint32_t hash = fnv_offset_basis;
  for (const std::string& line : outcome.story) hash = fnv1a(line, hash);
  outcome.digest = fmt::format("{:08x}", fnv1a(outcome.end, hash));
  return outcome;
}

}  // namespace crossfade::sim
