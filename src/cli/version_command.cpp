// `version`. spec/10 §3.13.
#include <fmt/ostream.h>
#include <sys/utsname.h>

#include <CLI/App.hpp>
#include <ostream>

#include "cli/command_line.hpp"

namespace crossfade::cli {
namespace {

constexpr std::string_view version = "v0.1.0+unknown";

Result<> printVersion(std::ostream& out, bool brief) {
  fmt::print(out, "kubectl-argo-rollouts: {}\n", version);
  if (brief) return {};
  utsname machine{};
  uname(&machine);
  fmt::print(out,
             "  BuildDate: unknown\n  GitCommit: unknown\n  GitTreeState: unknown\n  GoVersion: n/a\n"
             "  Compiler: g++ {} (C++{})\n  Platform: linux/{}\n",
             __VERSION__, __cplusplus / 100 % 100 >= 21 ? 23 : 20, machine.machine);
  return {};
}

}  // namespace

void addVersionCommand(Commands& commands) {
  const auto brief = std::make_shared<bool>(false);
  CLI::App& app = commands.add(
      {.name = "version",
       .description = "Print version",
       .min_names = 0,
       .max_names = 0,
       .offline = [brief](std::ostream& out, std::ostream&, const Names&) { return printVersion(out, *brief); }});
  app.add_flag("--short", *brief, "Print just the version number");
}

}  // namespace crossfade::cli
