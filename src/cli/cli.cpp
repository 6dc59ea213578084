#include "cli/cli.hpp"

#include <iostream>

#include "cli/command_line.hpp"

namespace crossfade::cli {

int runCli([[maybe_unused]] const std::string& program, const std::vector<std::string>& arguments) {
  const CommandLine line = parseCommandLine(arguments);
  std::cout << line.out << std::flush;
  std::cerr << line.err;
  return line.action ? runInProcess(line.global, line.action, line.names, line.cluster_optional) : line.exit_code;
}

}  // namespace crossfade::cli
