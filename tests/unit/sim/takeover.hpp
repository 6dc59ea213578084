// Playing a recording of tests/takeover: forth, our controller takes the cluster over in the recorded state; and back,
// our controller leads another cluster to the same instant, and what it leaves there is compared.
#pragma once
#include <string>
#include <vector>

#include "recording.hpp"

namespace crossfade::sim {

struct Played {
  std::vector<std::string> faults;  // each in words; empty: all was as it should be
  std::vector<std::string> story;
};

Played takeOver(const Recording& recording);
Played leadThere(const Recording& recording);

}  // namespace crossfade::sim
