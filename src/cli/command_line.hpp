// From words to a command: which one, its flags, its names, or what is wrong with them in the words of spec/10 §1.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/session.hpp"

namespace CLI {
class App;
}

namespace crossfade::cli {

// What a command's declaration says beside its flags.
struct Command {
  std::string name;
  std::vector<std::string> aliases = {};
  std::string arguments = {};  // as the usage shows them: "ROLLOUT_NAME"
  std::string description;
  std::size_t min_names = 1, max_names = 1;
  std::function<bool(const Names& names)> valid = {};  // what else must hold of the names; otherwise: usage
  Action action = {};
  bool cluster_optional = false;  // the action can do without: its requests fail where no cluster is configured
  // Commands that need no cluster have this instead of an action. What they printed stays when they fail.
  std::function<Result<>(std::ostream& out, std::ostream& err, const Names& names)> offline = {};
};

// The commands as they are declared. Every family of commands has a function that adds its own.
class Commands {
 public:
  explicit Commands(CLI::App& root) : root_(root) {}
  // A command, below `parent` (a group) or at the top. Flags are added to what it returns; they must live as long as
  // the action, which owns them.
  CLI::App& add(Command command, CLI::App* parent = nullptr);
  // A command that only has others below it.
  CLI::App& addGroup(const std::string& name, const std::string& description);

 private:
  friend class Parser;
  struct Entry {
    Command command;
    CLI::App* app;
    Names names;
  };
  CLI::App& root_;
  std::deque<Entry> entries_;
};

// An integer flag whose complaint is Go's. `shown` is how the complaint calls it: "--to-revision".
void addInteger(CLI::App& app, const std::string& names, const std::string& shown, std::int64_t& value,
                const std::string& description);

// Either a command to run, or an end: text that was asked for or a complaint, and the exit code.
struct CommandLine {
  GlobalFlags global;
  Action action;  // empty: print `out` and `err`, exit with `exit_code`
  Names names;
  bool cluster_optional = false;
  std::string out, err;
  int exit_code = 0;
};
CommandLine parseCommandLine(const std::vector<std::string>& arguments);

// The families.
void addGetCommands(Commands& commands);
void addListCommands(Commands& commands);
void addStatusCommand(Commands& commands);
void addExplainCommand(Commands& commands);
void addPromoteCommand(Commands& commands);
void addStateCommands(Commands& commands);     // pause, abort, retry, terminate, restart
void addTemplateCommands(Commands& commands);  // undo, set image
void addAnalysisCommand(Commands& commands);   // analysis try
void addCreateCommands(Commands& commands);
void addLintCommand(Commands& commands);
void addVersionCommand(Commands& commands);
void addUnsupportedCommands(Commands& commands);

// Parts of `get` and `list`.
void addGetAnalysisRun(Commands& commands, CLI::App& parent);
void addListAnalysisRuns(Commands& commands, CLI::App& parent);

}  // namespace crossfade::cli
