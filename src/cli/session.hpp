// What a command has while it runs: a cluster, a clock, and the terminal.
#pragma once
#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "base/async.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "kube/client.hpp"
#include "net/http.hpp"

namespace crossfade::cli {

// The flags that every command takes. spec/10 §1.1.
struct GlobalFlags {
  kube::ConfigOverrides cluster;
  std::string log_level = "info";
  std::string request_timeout = "0";  // "0": the client's own
};

struct Session {
  Executor executor;
  Clock& clock;
  Random& random;
  kube::Client& client;
  std::string ns;
  std::ostream& out;
  std::ostream& err;
  Signal& wake;                   // notified by an interrupt, and by whatever a watching command lets notify it
  bool interrupted = false;       // the first SIGINT or SIGTERM; sets an end to watching
  bool watching = false;          // while false an interrupt ends the process at once
  bool colour = false;            // the terminal wants colour
  bool to_terminal = false;       // stdout is one
  net::Dialer* dialer = nullptr;  // to metric backends; null: there is no network
};

// A command's deed. An error becomes `Error: <message>` on stderr and exit code 1.
using Names = std::vector<std::string>;
using Action = std::function<Task<Result<>>(Session& session, Names names)>;

// Connects as the flags say, runs the action to its end or an interrupt, and returns the exit code. Where no cluster is
// configured that is an error, unless the command can do without: then its requests to one fail.
int runInProcess(const GlobalFlags& flags, Action action, Names names, bool cluster_optional);

}  // namespace crossfade::cli
