// The pictures of `get rollout` and `get experiment`, line by line. Pure. spec/10 §3.1, §3.2.
#pragma once
#include <string>
#include <vector>

#include "cli/model.hpp"

namespace crossfade::cli {

// The block of facts above the tree, without the blank line that follows it.
std::vector<std::string> drawHeader(const RolloutTree& tree, bool colour);
std::vector<std::string> drawHeader(const ExperimentTree& tree, bool colour);

// The tree as a table with a header row. `now` gives the ages. `colour`: with ANSI sequences; icons are always there.
std::vector<std::string> drawTree(const RolloutTree& tree, TimePoint now, bool colour);
std::vector<std::string> drawTree(const ExperimentTree& tree, TimePoint now, bool colour);

// Header, blank line, tree.
template <class Tree>
std::vector<std::string> draw(const Tree& tree, TimePoint now, bool colour) {
  std::vector<std::string> lines = drawHeader(tree, colour);
  lines.emplace_back();
  for (std::string& line : drawTree(tree, now, colour)) lines.push_back(std::move(line));
  return lines;
}

}  // namespace crossfade::cli
