// `crossfade demo`: the main job shown on the embedded cluster, and every claim checked.
#pragma once
#include <string>
#include <vector>

namespace crossfade::demo {

// Runs the demo with the arguments behind the command's name (--keep, --plain); returns the exit code: 0 only if every
// claim held.
int runDemo(const std::vector<std::string>& arguments);

}  // namespace crossfade::demo
