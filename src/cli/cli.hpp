// The kubectl plugin: `crossfade get rollout …`, and the same as `kubectl-argo-rollouts`. spec/10.
#pragma once
#include <string>
#include <vector>

namespace crossfade::cli {

// Runs one command; `program` is the name it was called by. Returns the exit code (0 or 1).
int runCli(const std::string& program, const std::vector<std::string>& arguments);

}  // namespace crossfade::cli
