// Exec credential plugins: a child process that prints a credential. client.authentication.k8s.io/v1 and v1beta1.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>

#include "base/json.hpp"
#include "kube/credentials.hpp"

namespace crossfade::kube {

namespace asio = boost::asio;

namespace {

constexpr std::size_t max_output_bytes = 1 << 20;
constexpr Duration exit_poll = milliseconds(5);

// A child process and the pipe of what it prints. One that still runs when this goes is killed.
struct Child {
  explicit Child(asio::posix::stream_descriptor output) : output(std::move(output)) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    kill();
    if (pid > 0 && !status) ::waitpid(pid, nullptr, 0);
  }

  void kill() const {
    if (pid > 0 && !status) ::kill(group ? -pid : pid, SIGKILL);
  }
  bool ended() {
    int value = 0;
    if (!status && ::waitpid(pid, &value, WNOHANG) == pid) status = value;
    return status.has_value();
  }

  asio::posix::stream_descriptor output;
  pid_t pid = 0;
  bool group = false;         // it leads a process group of its own
  bool late = false;          // its time is over
  std::optional<int> status;  // as waitpid has it, once it has ended
};

// KUBERNETES_EXEC_INFO: what the plugin may know.
std::string execInfo(const Config::Exec& exec, bool interactive) {
  json::object spec{{"interactive", interactive}};
  if (auto cluster = parseJson(exec.cluster_info)) spec["cluster"] = std::move(*cluster);
  return json::serialize(json::object{{"kind", "ExecCredential"}, {"apiVersion", exec.api_version}, {"spec", spec}});
}

std::vector<char*> pointersTo(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Our environment, with the plugin's own variables in front: the first one of a name wins.
std::vector<std::string> childEnvironment(const Config::Exec& exec, bool interactive) {
  std::vector<std::string> variables;
  std::vector<std::string> prefixes;
  const auto set = [&](const std::string& name, const std::string& value) {
    variables.push_back(name + "=" + value);
    prefixes.push_back(name + "=");
  };
  for (const auto& [name, value] : exec.env) set(name, value);
  set("KUBERNETES_EXEC_INFO", execInfo(exec, interactive));
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text(*variable);
    if (std::ranges::none_of(prefixes, [&](const std::string& prefix) { return text.starts_with(prefix); })) {
      variables.emplace_back(text);
    }
  }
  return variables;
}

// Starts the command with stdout into `output`; its process id, or an errno.
std::expected<pid_t, int> start(const Config::Exec& exec, bool interactive, int output) {
  std::vector<std::string> words{exec.command};
  words.insert(words.end(), exec.args.begin(), exec.args.end());
  std::vector<std::string> variables = childEnvironment(exec, interactive);
  const std::vector<char*> argv = pointersTo(words), env = pointersTo(variables);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  if (!interactive) posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // A group of its own, so that what it starts dies with it; one that asks a person must stay with the terminal.
  if (!interactive) posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, exec.command.c_str(), &actions, &attributes, argv.data(), env.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return std::unexpected(error);
  return pid;
}

Result<ExecCredential> credentialFrom(const Config::Exec& exec, const std::string& output, const std::string& what) {
  const auto bad = [&](std::string_view why) { return fail(ErrorCode::unauthorized, fmt::format("{} {}", what, why)); };
  const auto parsed = parseJson(output);
  if (!parsed || !parsed->is_object()) return bad("did not print a JSON object");
  const json::object& answer = parsed->get_object();
  if (getString(answer, {"kind"}) != "ExecCredential") return bad("did not print an ExecCredential");
  if (getString(answer, {"apiVersion"}) != exec.api_version) {
    return bad(fmt::format("printed an ExecCredential of \"{}\", but \"{}\" was asked for",
                           getString(answer, {"apiVersion"}), exec.api_version));
  }
  ExecCredential credential;
  credential.token = getString(answer, {"status", "token"});
  if (credential.token.empty()) {
    return bad(getString(answer, {"status", "clientCertificateData"}).empty()
                   ? "printed no status.token"
                   : "printed a client certificate; only tokens are supported");
  }
  credential.expires = parseTime(getString(answer, {"status", "expirationTimestamp"}));
  return credential;
}

std::string describeEnd(int status) {
  return WIFEXITED(status) ? fmt::format("ended with exit code {}", WEXITSTATUS(status))
                           : fmt::format("was killed by signal {}", WTERMSIG(status));
}

}  // namespace

Task<Result<ExecCredential>> runCredentialPlugin(const Config::Exec& exec, Clock& clock, Duration limit) {
  const std::string what = fmt::format("the credential plugin \"{}\"", exec.command);
  const bool terminal = ::isatty(STDIN_FILENO) == 1;
  if (exec.interactive_mode == "Always" && !terminal) {
    co_return fail(ErrorCode::unauthorized, what + " needs a terminal, and stdin is none");
  }
  const bool interactive = terminal && exec.interactive_mode != "Never";

  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) {
    co_return fail(ErrorCode::internal, fmt::format("{}: pipe: {}", what, std::strerror(errno)));
  }
  const auto child =
      std::make_shared<Child>(asio::posix::stream_descriptor(co_await asio::this_coro::executor, pipe[0]));
  const auto pid = start(exec, interactive, pipe[1]);
  ::close(pipe[1]);
  if (!pid) {
    co_return fail(ErrorCode::unauthorized, fmt::format("{}: {}{}{}", what, std::strerror(pid.error()),
                                                        exec.install_hint.empty() ? "" : "\n", exec.install_hint));
  }
  child->pid = *pid;
  child->group = !interactive;
  const Clock::TimerId timer = clock.callAt(clock.now() + limit, [weak = std::weak_ptr(child)] {
    const auto running = weak.lock();
    if (!running) return;
    running->late = true;
    running->kill();
    running->output.close();
  });

  std::string text;
  boost::system::error_code end;
  std::array<char, 4096> piece;
  while (!end && text.size() <= max_output_bytes) {
    const std::size_t size =
        co_await child->output.async_read_some(asio::buffer(piece), asio::redirect_error(asio::use_awaitable, end));
    text.append(piece.data(), size);
  }
  if (text.size() > max_output_bytes) child->kill();
  while (!child->ended()) co_await sleepFor(clock, exit_poll);
  clock.cancel(timer);

  if (child->late) {
    co_return fail(ErrorCode::unauthorized, fmt::format("{} did not end within {}", what, formatGoDuration(limit)));
  }
  if (text.size() > max_output_bytes) co_return fail(ErrorCode::unauthorized, what + " printed more than 1 MiB");
  if (*child->status != 0) co_return fail(ErrorCode::unauthorized, what + " " + describeEnd(*child->status));
  co_return credentialFrom(exec, text, what);
}

}  // namespace crossfade::kube
