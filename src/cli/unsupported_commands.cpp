// The commands of spec/10 §3 that are not built yet say so, whatever stands behind them.
#include <fmt/format.h>

#include <CLI/App.hpp>
#include <limits>

#include "cli/command_line.hpp"

namespace crossfade::cli {

void addUnsupportedCommands(Commands& commands) {
  for (const char* name : {"dashboard", "completion", "notifications", "__complete"}) {
    CLI::App& app = commands.add({.name = name,
                                  .description = "Not supported yet",
                                  .min_names = 0,
                                  .max_names = std::numeric_limits<std::size_t>::max(),
                                  .offline = [name](std::ostream&, std::ostream&, const Names&) -> Result<> {
                                    return fail(ErrorCode::invalid, fmt::format("{} is not supported yet", name));
                                  }});
    app.prefix_command();  // their own flags are not known here
    app.fallthrough(false);
    app.group("");
  }
}

}  // namespace crossfade::cli
