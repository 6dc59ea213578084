// From the simulated controller to the simulated API server, without sockets, with faults. Requests are carried out on
// the server's side of the loop: whoever asked may be killed at any moment, and the server does not notice.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "base/async.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "local/api_server.hpp"
#include "net/http.hpp"
#include "sim/faults.hpp"

namespace crossfade::sim {

// The network of one world: which faults happen now, and who may still speak.
struct Network {
  local::ApiServer& server;
  Executor executor;
  Clock& server_clock;
  Random& random;
  Faults faults;
  // Writes that the server carried out for a controller so far.
  std::uint64_t writes = 0;
  // Called before (`done` false) and after a write is carried out. Returning false kills the sender: it neither hears
  // nor does anything any more.
  std::function<bool(const net::Request& request, bool done)> on_write;
  // Told of every answer to a write: the story of a run.
  std::function<void(const net::Request& request, int status)> on_answer;
};

// Whether a controller is still alive as far as the network is concerned; shared by it and what it asked for.
struct Life {
  bool alive = true;
  bool deaf = false;  // its watches bring nothing any more
};

// `clock` is the controller's: what waits for an answer belongs to it. It is shared, since the server's side may hold
// an answer that nobody waits for any more. `network` outlives the transport.
std::shared_ptr<net::Transport> makeTransport(Network& network, std::shared_ptr<Clock> clock,
                                              std::shared_ptr<Life> life);

}  // namespace crossfade::sim
