// What must hold after every step of a simulated world (design.md, "How it is proved").
#pragma once
#include <optional>
#include <string>

#include "sim/state.hpp"

namespace crossfade::sim {

class Invariants {
 public:
  // The first rule that `now` breaks, in words with numbers; empty when all hold. Call it after every step, in order:
  // some rules compare with the state before.
  std::optional<std::string> check(const State& now);
  // A user changed the size or took pods away: rules on pods rest until the Rollout is at peace again.
  void excuseCounts() { excused_ = true; }

 private:
  std::optional<std::string> checkCounts(const State& now) const;
  std::optional<std::string> checkTraffic(const State& now) const;
  std::optional<std::string> checkProgress(const State& now) const;

  std::optional<State> before_;
  bool was_healthy_ = false;  // once: before, there are no pods to keep
  bool excused_ = false;
};

}  // namespace crossfade::sim
