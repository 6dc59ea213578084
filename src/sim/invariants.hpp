// What must hold after every step of a simulated world (design.md, "How it is proved").
#pragma once
#include <map>
#include <optional>
#include <string>

#include "sim/script.hpp"
#include "sim/state.hpp"

namespace crossfade::sim {

class Invariants {
 public:
  // The first rule that `now` breaks, in words with numbers; empty when all hold. Call it after every step, in order:
  // some rules compare with the state before.
  std::optional<std::string> check(const State& now);
  // A user has just done this. Where it takes pods or objects away, rules on them rest until the Rollout is at peace
  // again.
  void noteDeed(const Deed& deed);
  // Two controllers are at work, one of them deaf: they may undo each other's deeds until there is only one again. What
  // holds all the same: the stable ReplicaSet stays, and none is made twice.
  void noteSplit();

 private:
  bool isAtPeace(const State& now);
  std::optional<std::string> checkSets(const State& now);
  std::optional<std::string> checkCounts(const State& now) const;
  std::optional<std::string> checkTraffic(const State& now) const;
  std::optional<std::string> checkProgress(const State& now) const;
  std::optional<std::string> checkOrder(const State& now) const;
  std::optional<std::string> checkDirections(const State& now);

  std::optional<State> before_;
  bool was_healthy_ = false;   // once: before, there are no pods to keep
  bool excused_ = false;       // pods went away, or another number of them is wanted
  bool sets_deleted_ = false;  // a ReplicaSet was deleted by hand since the last peace
  struct Course {
    bool up = false;  // where the size went last
    int turns = 0;    // since the last deed
    bool moved = false;
  };
  std::map<std::string, Course> courses_;  // by hash
};

}  // namespace crossfade::sim
