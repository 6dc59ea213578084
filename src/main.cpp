// Picks the command. Called as kubectl-argo-rollouts the binary is the kubectl plugin.
#include <sys/resource.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cli/cli.hpp"
#include "controller/controller.hpp"
#include "demo/demo.hpp"
#include "local/cluster.hpp"
#include "sim/sim.hpp"

// Every connection takes a file descriptor, and the usual soft limit is far below what the system allows.
static void allowManyFiles() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char** argv) {
  allowManyFiles();
  const std::string path = argc > 0 ? argv[0] : "crossfade";
  const std::string program = path.substr(path.find_last_of('/') + 1);
  const std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  if (!arguments.empty() && program != "kubectl-argo-rollouts") {
    const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
    if (arguments[0] == "controller") return crossfade::controller::runController(rest);
    if (arguments[0] == "local") return crossfade::local::runLocal(rest);
    if (arguments[0] == "demo") return crossfade::demo::runDemo(rest);
    if (arguments[0] == "sim") return crossfade::sim::runSim(rest);
  }
  return crossfade::cli::runCli(program, arguments);
}
