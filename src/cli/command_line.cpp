#include "cli/command_line.hpp"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <charconv>
#include <sstream>

namespace crossfade::cli {
namespace {

constexpr const char* program = "kubectl-argo-rollouts";

// Flags that are taken for compatibility and change nothing here.
struct Accepted {
  std::string cache_dir;
  int klog_level = 0;
  bool disable_compression = false;
};

void addGlobalFlags(CLI::App& app, GlobalFlags& flags, Accepted& accepted) {
  kube::ConfigOverrides& cluster = flags.cluster;
  const auto text = [&app](const char* name, std::string& value, const char* description) {
    app.add_option(name, value, description)->group("Global Flags");
  };
  text("--as", cluster.as_user, "User to impersonate");
  app.add_option("--as-group", cluster.as_groups, "Group to impersonate (repeatable)")
      ->allow_extra_args(false)
      ->group("Global Flags");
  text("--as-uid", cluster.as_uid, "UID to impersonate");
  text("--cache-dir", accepted.cache_dir, "Accepted; nothing is cached on disk");
  text("--certificate-authority", cluster.certificate_authority, "Path to a CA certificate");
  text("--client-certificate", cluster.client_certificate, "Path to a client certificate");
  text("--client-key", cluster.client_key, "Path to the client certificate's key");
  text("--cluster", cluster.cluster, "Cluster of the kubeconfig");
  text("--context", cluster.context, "Context of the kubeconfig");
  app.add_flag("--disable-compression", accepted.disable_compression, "Accepted; responses are not compressed")
      ->group("Global Flags");
  app.add_flag("--insecure-skip-tls-verify", cluster.insecure_skip_tls_verify, "Don't check the server's certificate")
      ->group("Global Flags");
  text("--kubeconfig", cluster.kubeconfig, "Path to a kubeconfig; else $KUBECONFIG, ~/.kube/config, in-cluster");
  app.add_option("-v,--kloglevel", accepted.klog_level, "Accepted")->group("Global Flags");
  text("--loglevel", flags.log_level, "Log level: debug, info, warn, error");
  text("-n,--namespace", cluster.ns, "Namespace; else the context's");
  text("--request-timeout", flags.request_timeout, "How long to wait for one answer; 0: the default");
  text("-s,--server", cluster.server, "Address of the API server");
  text("--tls-server-name", cluster.tls_server_name, "Name that the server's certificate must have");
  text("--token", cluster.token, "Bearer token");
  text("--user", cluster.user, "User of the kubeconfig");
}

std::string unknownFlag(const std::string& word) {
  if (word.starts_with("--")) return "unknown flag: " + word.substr(0, word.find('='));
  return fmt::format("unknown shorthand flag: '{}' in {}", word.substr(1, 1), word);
}

bool isFlag(const std::string& word) { return word.size() > 1 && word[0] == '-' && word != "--"; }

// "Usage:" as the reference prints it.
class UsageFormatter : public CLI::Formatter {
 public:
  explicit UsageFormatter(std::string arguments) : arguments_(std::move(arguments)) {}
  std::string make_usage(const CLI::App*, std::string name) const override {
    return fmt::format("Usage:\n  {}{}{} [flags]\n", name, arguments_.empty() ? "" : " ", arguments_);
  }

 private:
  std::string arguments_;
};

CommandLine complain(const std::string& message) {
  CommandLine line;
  line.err = "Error: " + message + "\n";
  line.exit_code = 1;
  return line;
}

}  // namespace

CLI::App& Commands::addGroup(const std::string& name, const std::string& description) {
  CLI::App* group = root_.add_subcommand(name, description);
  group->require_subcommand(0, 1);
  return *group;
}

CLI::App& Commands::add(Command command, CLI::App* parent) {
  CLI::App* app = (parent ? parent : &root_)->add_subcommand(command.name, command.description);
  for (const std::string& alias : command.aliases) app->alias(alias);
  Entry& entry = entries_.emplace_back(Entry{std::move(command), app, {}});
  app->add_option("NAMES", entry.names)->group("");
  app->formatter(std::make_shared<UsageFormatter>(entry.command.arguments));
  return *app;
}

void addInteger(CLI::App& app, const std::string& names, const std::string& shown, std::int64_t& value,
                const std::string& description) {
  app.add_option_function<std::string>(
      names,
      [shown, &value](const std::string& text) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error == std::errc() && end == text.data() + text.size()) return;
        throw CLI::ConversionError(
            fmt::format("invalid argument \"{0}\" for \"{1}\" flag: strconv.ParseInt: parsing \"{0}\": invalid syntax",
                        text, shown),
            CLI::ExitCodes::ConversionError);
      },
      description);
}

// Finds the command that was meant and checks its names.
class Parser {
 public:
  Parser() : root_("Manage Argo Rollouts: `kubectl argo rollouts COMMAND`.", program) {
    root_.allow_extras();
    root_.fallthrough();
    root_.require_subcommand(0, 1);
    root_.formatter(std::make_shared<UsageFormatter>("COMMAND"));
    addGlobalFlags(root_, line_.global, accepted_);
    addGetCommands(commands_);
    addListCommands(commands_);
    addStatusCommand(commands_);
    addExplainCommand(commands_);
    addPromoteCommand(commands_);
    addStateCommands(commands_);
    addTemplateCommands(commands_);
    addAnalysisCommand(commands_);
    addCreateCommands(commands_);
    addLintCommand(commands_);
    addVersionCommand(commands_);
    addUnsupportedCommands(commands_);
  }

  CommandLine parse(std::vector<std::string> arguments) {
    if (!arguments.empty() && arguments[0] == "help") {
      arguments.erase(arguments.begin());
      arguments.push_back("--help");
    }
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());  // CLI11 takes them from the end
    try {
      root_.parse(std::move(reversed));
    } catch (const CLI::CallForHelp&) {
      line_.out = root_.help();
      return line_;
    } catch (const CLI::ArgumentMismatch& error) {
      return complain(std::string("flag needs an argument: ") + error.what());
    } catch (const CLI::ParseError& error) {
      return complain(error.what());
    }
    return choose();
  }

 private:
  CommandLine usage() {
    line_.err = root_.help();
    line_.exit_code = 1;
    return line_;
  }

  CommandLine choose() {
    const std::vector<std::string> unknown = root_.remaining();
    const auto flag = std::ranges::find_if(unknown, isFlag);
    if (root_.get_subcommands().empty()) {
      const auto word = std::ranges::find_if_not(unknown, isFlag);
      if (word != unknown.end() && (flag == unknown.end() || word < flag))
        return complain(fmt::format("unknown command \"{}\" for \"{}\"", *word, program));
    }
    if (flag != unknown.end()) return complain(unknownFlag(*flag));
    for (const Commands::Entry& entry : commands_.entries_) {
      // A command that has others below it counts when none of them is meant.
      if (!entry.app->parsed() || !entry.app->get_subcommands().empty()) continue;
      const Command& command = entry.command;
      if (entry.names.size() < command.min_names || entry.names.size() > command.max_names) return usage();
      if (command.valid && !command.valid(entry.names)) return usage();
      if (command.offline) return runOffline(command, entry.names);
      line_.action = command.action;
      line_.names = entry.names;
      line_.cluster_optional = command.cluster_optional;
      return line_;
    }
    return usage();
  }

  CommandLine runOffline(const Command& command, const Names& names) {
    std::ostringstream out, err;
    const Result<> done = command.offline(out, err, names);
    if (!done) line_ = complain(done.error().message);
    line_.out = out.str();
    line_.err = err.str() + line_.err;
    return line_;
  }

  CommandLine line_;
  Accepted accepted_;
  CLI::App root_;
  Commands commands_{root_};
};

CommandLine parseCommandLine(const std::vector<std::string>& arguments) { return Parser().parse(arguments); }

}  // namespace crossfade::cli
