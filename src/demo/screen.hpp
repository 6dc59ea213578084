// What the demo shows: on a terminal a picture that is redrawn (the tree of the Rollout, the bar of where requests
// went, what happened last), elsewhere a line for everything that happens.
#pragma once
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace crossfade::demo {

class Screen {
 public:
  explicit Screen(bool live) : live_(live) {}
  // An act begins: its title stays above the picture.
  void act(std::string title);
  // Something happened.
  void say(std::string line);
  // Redraws; does nothing unless live. `shares`: requests of the last moments by version.
  void draw(const std::vector<std::string>& tree, const std::map<std::string, std::int64_t>& shares);
  // Leaves the picture; what is printed from now on stands below it.
  void finish();
  bool live() const { return live_; }

 private:
  bool live_;
  std::string title_;
  std::deque<std::string> said_;
};

// "v1 ████████░░ v2", 60 cells wide, and the percentages.
std::string bar(const std::map<std::string, std::int64_t>& shares, bool colour);

}  // namespace crossfade::demo
