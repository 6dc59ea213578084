// HTTP as the rest of the house sees it: messages are values, a connection is a Transport, a server is a Handler.
// No Beast, no Asio sockets here: those stay in net/*.cpp.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/async.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace crossfade {
class Clock;
}

namespace crossfade::net {

// Header fields in the order they were given. Names compare without case.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}
  // The first field of that name; empty when there is none.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  // Replaces every field of that name.
  void set(std::string_view name, std::string value);
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct Request {
  std::string method = "GET";
  std::string target = "/";  // path and query, percent-encoded: "/api/v1/pods?limit=5"
  Headers headers = {};
  std::string body = {};
};

// A body that arrives over time: a watch, a log that is followed.
class BodyReader {
 public:
  virtual ~BodyReader() = default;  // closes the stream
  // The next bytes, in pieces of any size; empty string at the regular end. `timeout` when nothing came before
  // `deadline` (the stream stays usable), `cancelled` after cancel(). One call at a time.
  virtual Task<Result<std::string>> next(TimePoint deadline) = 0;
  // Ends a pending next() soon. Safe to call at any time, also twice.
  virtual void cancel() = 0;
};

struct Response {
  int status = 200;
  Headers headers = {};
  std::string body = {};                         // whole, when `stream` is null
  std::unique_ptr<BodyReader> stream = nullptr;  // set instead of `body` for streaming responses
};

// A way to one origin (scheme, host, port, TLS settings). Real ones pool their connections; the simulator's calls the
// local cluster directly and may lose, delay or refuse. Not thread safe.
class Transport {
 public:
  virtual ~Transport() = default;
  // Sends and reads the whole answer. Any HTTP status is a success here; an Error means that no complete answer came:
  // `unavailable` (refused, reset, TLS failure: the message says which), `timeout`, `too_large` (above 64 MiB).
  virtual Task<Result<Response>> send(Request request, Duration timeout) = 0;
  // Sends and reads the head within `timeout`. When the status is 2xx, `stream` is set and delivers the body;
  // otherwise `body` holds it whole.
  virtual Task<Result<Response>> open(Request request, Duration timeout) = 0;
};

struct TlsOptions {
  std::string ca_pem = {};           // certificates to trust; empty: the system's
  std::string client_cert_pem = {};  // with client_key_pem: mutual TLS
  std::string client_key_pem = {};
  std::string server_name = {};  // overrides the name that is checked (and SNI)
  bool insecure_skip_verify = false;
};

// "https://host:port" split. `base_path` is "" or "/prefix" without a trailing slash: callers put it before their
// targets, a Transport does not.
struct Origin {
  bool tls = false;
  std::string host;
  std::uint16_t port = 80;
  std::string base_path = {};
  // Accepts http:// and https:// URLs; IPv6 hosts in brackets. Query and fragment are an error.
  static Result<Origin> parse(std::string_view url);
};

// Makes transports. The one door from the controller to any network: the simulator has its own.
class Dialer {
 public:
  virtual ~Dialer() = default;
  // Fails at once only when the TLS material can't be read; connecting happens at the first request.
  // HTTP proxies from the environment (HTTPS_PROXY, NO_PROXY) are honoured by the real one.
  virtual Result<std::shared_ptr<Transport>> dial(const Origin& origin, const TlsOptions& tls) = 0;
};

// Plain sockets and OpenSSL, with keep-alive pools (at most 100 idle connections an origin, closed after 90 s idle).
std::unique_ptr<Dialer> makeDialer(Executor executor, crossfade::Clock& clock);

// Answers one request. Runs on the loop; many at once. The fields of the framing (Content-Length, Transfer-Encoding,
// Connection) are the server's; "Connection: close" ends the connection after the answer.
using Handler = std::function<Task<Response>(Request)>;

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;                 // 0: any free one
  std::size_t max_body_bytes = 16 << 20;  // above: 413
  Duration head_timeout = seconds(30);    // a client that sends half a head or body and stays is dropped
  Duration idle_timeout = seconds(120);   // between requests of one connection
  std::string tls_cert_pem = {};          // with tls_key_pem: HTTPS
  std::string tls_key_pem = {};
  std::string tls_client_ca_pem = {};  // set: clients must show a certificate that it signed
};

// An HTTP/1.1 server. A streaming response is sent chunked, piece by piece as its reader delivers; when the client
// goes away the reader is cancelled and destroyed. Dropping the Server closes the listener and all connections.
class Server {
 public:
  virtual ~Server() = default;
  virtual std::uint16_t port() const = 0;
};
// Fails with the address in the message when it can't bind.
Result<std::unique_ptr<Server>> listen(Executor executor, crossfade::Clock& clock, ServerOptions options,
                                       Handler handler);

}  // namespace crossfade::net
