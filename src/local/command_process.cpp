// A container's command as a process of this machine (`--run-commands`).
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>

#include "local/object_facts.hpp"
#include "local/process.hpp"

namespace crossfade::local {

namespace {

namespace asio = boost::asio;

constexpr int last_reads = 64;  // of what a process wrote just before it ended
constexpr int signal_base = 128;

// A loopback port that nobody uses now; 0 when there is none.
std::uint16_t freePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return 0;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  const bool bound = ::bind(fd, raw, size) == 0 && ::getsockname(fd, raw, &size) == 0;
  ::close(fd);
  return bound ? ntohs(address.sin_port) : 0;
}

using Environment = std::map<std::string, std::string>;

// "$(NAME)" becomes the variable's value where there is one, "$$" a dollar: Kubernetes' rule for commands and
// arguments.
std::string expand(std::string_view text, const Environment& environment) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '$' && i + 1 < text.size() && text[i + 1] == '$') {
      result += '$';
      ++i;
      continue;
    }
    const std::size_t close =
        text[i] == '$' && i + 1 < text.size() && text[i + 1] == '(' ? text.find(')', i) : std::string_view::npos;
    const auto known = close == std::string_view::npos
                           ? environment.end()
                           : environment.find(std::string(text.substr(i + 2, close - i - 2)));
    if (known == environment.end()) {
      result += text[i];
    } else {
      result += known->second;
      i = close;
    }
  }
  return result;
}

// The value of a field reference of the downward API, as far as it is text.
std::string fieldOf(const json::object& pod, std::string_view path) {
  if (path == "spec.nodeName") return std::string(getString(pod, {"spec", "nodeName"}));
  if (path == "status.podIP") return std::string(getString(pod, {"status", "podIP"}));
  for (const std::string_view map : {"labels", "annotations"}) {
    const std::string prefix = fmt::format("metadata.{}['", map);
    if (path.starts_with(prefix) && path.ends_with("']")) {
      return std::string(
          getString(pod, {"metadata", map, path.substr(prefix.size(), path.size() - prefix.size() - 2)}));
    }
  }
  return path.starts_with("metadata.") ? std::string(getString(pod, {"metadata", path.substr(9)})) : std::string();
}

Environment environmentOf(const ProcessContext& context) {
  Environment environment;
  const char* path = ::getenv("PATH");
  environment["PATH"] = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
  environment["HOME"] = "/tmp";
  environment["HOSTNAME"] = nameOf(context.pod);
  const auto* variables = getArray(context.container, {"env"});
  if (variables == nullptr) return environment;
  for (const auto& item : *variables) {
    if (!item.is_object()) continue;
    const json::object& variable = item.get_object();
    const std::string name(getString(variable, {"name"}));
    if (const auto* field = getObject(variable, {"valueFrom", "fieldRef"})) {
      environment[name] = fieldOf(context.pod, getString(*field, {"fieldPath"}));
    } else {
      environment[name] = expand(getString(variable, {"value"}), environment);
    }
  }
  return environment;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (auto& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

// Held by the process object and by the coroutines that wait for it.
struct State {
  State(const Executor& executor, pid_t pid, int output_fd, int pid_fd, std::shared_ptr<ContainerLog> log,
        Exited exited)
      : pid(pid),
        output(executor, output_fd),
        ended(executor, pid_fd),
        log(std::move(log)),
        exited(std::move(exited)) {}
  const pid_t pid;
  asio::posix::stream_descriptor output, ended;
  std::shared_ptr<ContainerLog> log;
  Exited exited;
  bool reaped = false;
};

Task<> readOutput(std::shared_ptr<State> state) {
  std::array<char, 8192> buffer{};
  boost::system::error_code error;
  while (!error) {
    const std::size_t size =
        co_await state->output.async_read_some(asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
    state->log->append({buffer.data(), size});
  }
}

Task<> awaitEnd(std::shared_ptr<State> state) {
  boost::system::error_code error;
  co_await state->ended.async_wait(asio::posix::stream_descriptor::wait_read,
                                   asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return;
  int status = 0;
  ::waitpid(state->pid, &status, 0);
  state->reaped = true;
  std::array<char, 8192> buffer{};
  for (int i = 0; i < last_reads && state->output.is_open(); ++i) {
    const ssize_t size = ::read(state->output.native_handle(), buffer.data(), buffer.size());
    if (size <= 0) break;
    state->log->append({buffer.data(), static_cast<std::size_t>(size)});
  }
  Exited tell = std::move(state->exited);
  if (tell) tell(WIFEXITED(status) ? WEXITSTATUS(status) : signal_base + WTERMSIG(status));
}

class CommandProcess : public Process {
 public:
  CommandProcess(std::shared_ptr<State> state, std::map<std::uint16_t, std::uint16_t> ports)
      : state_(std::move(state)), ports_(std::move(ports)) {}
  ~CommandProcess() override {
    state_->exited = {};
    if (!state_->reaped) {
      ::kill(-state_->pid, SIGKILL);
      ::waitpid(state_->pid, nullptr, 0);
    }
    boost::system::error_code ignored;
    state_->output.close(ignored);
    state_->ended.close(ignored);
  }
  void terminate() override {
    if (!state_->reaped) ::kill(-state_->pid, SIGTERM);
  }
  bool real() const override { return true; }
  std::optional<std::uint16_t> port(std::uint16_t container_port) const override {
    const auto known = ports_.find(container_port);
    // What isn't declared the process opens by its own number, if at all.
    return known == ports_.end() ? container_port : known->second;
  }

 private:
  std::shared_ptr<State> state_;
  std::map<std::uint16_t, std::uint16_t> ports_;
};

}  // namespace

Result<std::unique_ptr<Process>> startCommand(const ProcessContext& context, Exited exited) {
  Environment environment = environmentOf(context);
  std::map<std::uint16_t, std::uint16_t> ports;
  if (const auto* declared = getArray(context.container, {"ports"})) {
    for (const auto& port : *declared) {
      if (!port.is_object()) continue;
      const auto number = static_cast<std::uint16_t>(getInt(port.get_object(), {"containerPort"}));
      const std::uint16_t real = freePort();
      environment[ports.empty() ? "PORT" : fmt::format("PORT_{}", number)] = std::to_string(real);
      ports[number] = real;
    }
  }
  std::vector<std::string> words, variables;
  for (const std::string_view key : {"command", "args"}) {
    const auto* list = getArray(context.container, {key});
    if (list == nullptr) continue;
    for (const auto& word : *list) {
      if (word.is_string()) words.push_back(expand(word.get_string(), environment));
    }
  }
  if (words.empty()) return fail(ErrorCode::invalid, "the command is empty");
  for (const auto& [name, value] : environment) variables.push_back(fmt::format("{}={}", name, value));

  int pipe_fds[2];
  if (::pipe2(pipe_fds, O_CLOEXEC) != 0)
    return fail(ErrorCode::unavailable, fmt::format("pipe: {}", std::strerror(errno)));
  ::fcntl(pipe_fds[0], F_SETFL, O_NONBLOCK);  // our end only: the process expects an ordinary stdout
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDERR_FILENO);
  if (const std::string folder(getString(context.container, {"workingDir"})); !folder.empty()) {
    posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  }
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, words.front().c_str(), &actions, &attributes, pointers(words).data(),
                                   pointers(variables).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  ::close(pipe_fds[1]);
  if (error != 0) {
    ::close(pipe_fds[0]);
    return fail(ErrorCode::unavailable, fmt::format("failed to start \"{}\": {}", words.front(), std::strerror(error)));
  }
  const int pid_fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pid_fd < 0) {
    const std::string why = fmt::format("pidfd_open: {}", std::strerror(errno));
    ::kill(-pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    ::close(pipe_fds[0]);
    return fail(ErrorCode::unavailable, why);
  }
  auto state = std::make_shared<State>(context.executor, pid, pipe_fds[0], pid_fd, context.log, std::move(exited));
  spawn(context.executor, readOutput(state));
  spawn(context.executor, awaitEnd(state));
  return std::make_unique<CommandProcess>(std::move(state), std::move(ports));
}

}  // namespace crossfade::local
