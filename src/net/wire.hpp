// Bytes over TCP, plain or through TLS: the only place that knows sockets.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/async.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace crossfade {
class Clock;
}

namespace crossfade::net {

class TlsContext;

// One connection. One read and one write may be pending at once; both need the Wire to stay alive, so callers hold it
// by shared_ptr. Errors: `timeout` at the deadline, `cancelled` after close(), `unavailable` for the rest.
class Wire {
 public:
  virtual ~Wire() = default;  // closes

  // Talks TLS from here on. For a client `peer_name` is the name (or address) that the certificate must hold; a server
  // passes "". A failure says why: "certificate verify failed: certificate has expired".
  virtual Task<Result<>> secure(std::shared_ptr<const TlsContext> context, std::string peer_name,
                                TimePoint deadline) = 0;

  // The number of bytes read; zero when the peer has ended the connection in order. After `timeout` and `cancelled` by
  // interruptRead() the wire stays usable.
  virtual Task<Result<std::size_t>> read(std::span<char> into, TimePoint deadline) = 0;
  // Ends a pending read with `cancelled`.
  virtual void interruptRead() = 0;

  // Writes all of it. After any error only close() makes sense.
  virtual Task<Result<>> write(std::string_view bytes, TimePoint deadline) = 0;

  // Says goodbye and takes what the peer still sends until it has closed, too: without that, the peer might lose
  // our last answer to a reset.
  virtual Task<> finish(TimePoint deadline) = 0;

  // Ends every pending operation with `cancelled`. May be called twice.
  virtual void close() = 0;

  // False when an idle connection is known to be useless: the peer closed it, or sent what nobody asked for.
  virtual bool looksAlive() = 0;
};

// Connects to a name or an address within `deadline`; every address of the name is tried. The message of an error
// names the target: "connect to 127.0.0.1:6443: Connection refused".
Task<Result<std::shared_ptr<Wire>>> connect(Executor executor, Clock& clock, std::string host, std::uint16_t port,
                                            TimePoint deadline);

// "host:port", with brackets around an IPv6 address.
std::string hostAndPort(std::string_view host, std::uint16_t port);

// A listening socket.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual std::uint16_t port() const = 0;
  // `cancelled` after close(). One call at a time.
  virtual Task<Result<std::shared_ptr<Wire>>> accept() = 0;
  virtual void close() = 0;
};
// `address` is an IP address. Port 0: any free one.
Result<std::unique_ptr<Listener>> openListener(Executor executor, Clock& clock, const std::string& address,
                                               std::uint16_t port);

}  // namespace crossfade::net
