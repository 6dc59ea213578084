#include <unordered_set>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "net/alarm.hpp"
#include "net/http.hpp"
#include "net/message.hpp"
#include "net/tls.hpp"
#include "net/wire.hpp"

namespace crossfade::net {

namespace {

// A body is written in parts of this size; a client that takes none of one within `idle_timeout` is dropped.
constexpr std::size_t write_bytes = 64 << 10;
// What a client may send ahead while a stream runs.
constexpr std::size_t max_pipelined_bytes = 64 << 10;
// How long a client may take to close after our last word.
constexpr Duration goodbye_time = seconds(1);
// Before the next try when the system has no descriptor for a connection.
constexpr Duration accept_pause = milliseconds(100);

struct Shared {
  Shared(Executor executor, Clock& clock, ServerOptions options, Handler handler)
      : executor(std::move(executor)), clock(clock), options(std::move(options)), handler(std::move(handler)) {}

  Executor executor;
  Clock& clock;
  ServerOptions options;
  Handler handler;
  std::shared_ptr<const TlsContext> tls;  // null: plain
  std::unique_ptr<Listener> listener;
  std::unordered_set<Wire*> wires;  // of all connections, to close them
  bool closed = false;
};

// One client. Held by the coroutine that serves it and, during a stream, by the one that watches it.
struct Connection {
  Connection(std::shared_ptr<Shared> shared, std::shared_ptr<Wire> wire)
      : shared(std::move(shared)), wire(std::move(wire)) {
    this->shared->wires.insert(this->wire.get());
  }
  ~Connection() { shared->wires.erase(wire.get()); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  TimePoint in(Duration duration) const { return after(shared->clock, duration); }

  std::shared_ptr<Shared> shared;
  std::shared_ptr<Wire> wire;
  std::string ahead;  // read, but not yet parsed
};
using ConnectionPtr = std::shared_ptr<Connection>;

// What to do with a connection after an exchange.
enum class Next {
  serve,   // the next request
  finish,  // end it in order
  drop,    // there is nobody, or nothing left to say
};

Task<bool> writeAll(ConnectionPtr connection, std::string bytes) {
  for (std::string_view rest = bytes; !rest.empty();) {
    const std::string_view part = rest.substr(0, write_bytes);
    rest.remove_prefix(part.size());
    const TimePoint deadline = connection->in(connection->shared->options.idle_timeout);
    if (!co_await connection->wire->write(part, deadline)) co_return false;
  }
  co_return true;
}

// Answers what is not worth a handler.
Task<Next> refuse(ConnectionPtr connection, int status, std::string why) {
  Response response{.status = status,
                    .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
                    .body = why + "\n",
                    .stream = nullptr};
  const auto head = formatResponseHead(response, Framing::length, false, connection->shared->clock.now());
  std::string bytes = *head + response.body;
  co_return co_await writeAll(connection, std::move(bytes)) ? Next::finish : Next::drop;
}

// A request that failed to arrive.
Task<Next> refuseRead(ConnectionPtr connection, Error error, bool head_done) {
  switch (error.code) {
    case ErrorCode::invalid:
      co_return co_await refuse(connection, 400, std::move(error.message));
    case ErrorCode::too_large:
      co_return co_await refuse(connection, head_done ? 413 : 431, std::move(error.message));
    case ErrorCode::timeout:
      co_return co_await refuse(connection, 408, "the request did not arrive in time");
    default:
      co_return Next::drop;
  }
}

// Looks for the client's going away while a stream has nothing to send.
struct Watch {
  explicit Watch(Clock& clock) : ended(clock) {}
  BodyReader* reader = nullptr;  // null when the stream is over
  bool running = true;
  bool gone = false;
  Signal ended;
};

Task<> watchClient(ConnectionPtr connection, std::shared_ptr<Watch> watch) {
  std::string& ahead = connection->ahead;
  while (watch->reader != nullptr) {
    const std::size_t had = ahead.size();
    ahead.resize(had + 512);
    const std::span<char> room = std::span<char>(ahead).subspan(had);
    const auto got = co_await connection->wire->read(room, TimePoint::max());
    ahead.resize(had + got.value_or(0));
    const bool interrupted = !got && got.error().code == ErrorCode::cancelled;
    if (interrupted && watch->reader == nullptr) break;
    if (!got || *got == 0 || ahead.size() > max_pipelined_bytes) {
      watch->gone = true;
      if (watch->reader != nullptr) watch->reader->cancel();
      break;
    }
  }
  watch->running = false;
  watch->ended.notify();
}

// Sends the pieces of a body as they come. True when it ended in order.
Task<bool> pump(ConnectionPtr connection, std::unique_ptr<BodyReader> reader, bool chunked) {
  const auto watch = std::make_shared<Watch>(connection->shared->clock);
  watch->reader = reader.get();
  // Also when this coroutine is destroyed in the middle, the watch must not know a reader that is gone.
  const std::unique_ptr<Watch, void (*)(Watch*)> forget(watch.get(), [](Watch* known) { known->reader = nullptr; });
  spawn(connection->shared->executor, watchClient(connection, watch));
  bool complete = false;
  while (!complete && !watch->gone) {
    auto piece = co_await reader->next(TimePoint::max());
    if (!piece) break;
    complete = piece->empty();
    std::string bytes;
    if (chunked) {
      bytes = fmt::format("{:x}\r\n", piece->size()) + std::move(*piece) + "\r\n";
    } else {
      bytes = std::move(*piece);
    }
    if (!co_await writeAll(connection, std::move(bytes))) break;
  }
  watch->reader = nullptr;
  reader.reset();
  if (watch->running) connection->wire->interruptRead();
  while (watch->running) co_await watch->ended.wait();
  co_return complete && !watch->gone;
}

Task<Next> respond(ConnectionPtr connection, Response response, bool is_head, int minor_version, bool keep_alive) {
  const bool no_body = response.status / 100 == 1 || response.status == 204 || response.status == 304;
  Framing framing = Framing::length;
  if (response.stream) framing = minor_version == 0 ? Framing::until_close : Framing::chunked;
  if (no_body) framing = Framing::none;
  keep_alive = keep_alive && framing != Framing::until_close && !connection->shared->closed;

  auto head = formatResponseHead(response, framing, keep_alive, connection->shared->clock.now());
  if (!head) {
    log::error("bug: a handler answered what can't be sent: {}", head.error().message);
    co_return co_await refuse(connection, 500, "internal error");
  }
  const Next next = keep_alive ? Next::serve : Next::finish;
  std::string bytes = std::move(*head);
  if (framing == Framing::length && !is_head) bytes += response.body;
  if (!co_await writeAll(connection, std::move(bytes))) co_return Next::drop;
  if (!response.stream || no_body || is_head) co_return next;
  co_return co_await pump(connection, std::move(response.stream), framing == Framing::chunked) ? next : Next::drop;
}

// One request and its answer.
Task<Next> serveOne(ConnectionPtr connection) {
  const ServerOptions& options = connection->shared->options;
  const auto parser = MessageParser::ofRequest();
  // Between requests: nothing, or the empty lines that some clients send.
  while (connection->ahead.empty() || connection->ahead.starts_with("\r\n")) {
    if (!connection->ahead.empty()) {
      connection->ahead.erase(0, 2);
      continue;
    }
    std::array<char, 1024> first;
    const TimePoint deadline = connection->in(options.idle_timeout);
    const auto got = co_await connection->wire->read(first, deadline);
    if (!got || *got == 0) co_return Next::drop;
    connection->ahead.assign(first.data(), *got);
  }

  const TimePoint head_deadline = connection->in(options.head_timeout);
  while (!parser->headDone()) {
    auto step = co_await advance(*connection->wire, connection->ahead, *parser, head_deadline);
    if (!step) co_return co_await refuseRead(connection, std::move(step.error()), parser->headDone());
  }
  if (auto allowed = parser->allowBody(options.max_body_bytes); !allowed) {
    co_return co_await refuseRead(connection, std::move(allowed.error()), true);
  }
  if (const std::string_view expected = parser->headers.get("Expect"); !expected.empty()) {
    if (expected != "100-continue")
      co_return co_await refuse(connection, 417, "the only expectation known is 100-continue");
    if (!parser->done()) {
      std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
      if (!co_await writeAll(connection, std::move(go_on))) co_return Next::drop;
    }
  }
  while (!parser->done()) {
    // A large body may take its time, but not stand still.
    const TimePoint deadline = connection->in(options.head_timeout);
    auto step = co_await advance(*connection->wire, connection->ahead, *parser, deadline);
    if (!step) co_return co_await refuseRead(connection, std::move(step.error()), true);
  }

  const bool is_head = parser->method == "HEAD";
  Request request{.method = std::move(parser->method),
                  .target = std::move(parser->target),
                  .headers = std::move(parser->headers),
                  .body = std::move(parser->body)};
  Response response = co_await connection->shared->handler(std::move(request));
  const std::string_view wanted = response.headers.get("Connection");
  const bool keep_alive = parser->keepAlive() && wanted != "close";
  co_return co_await respond(connection, std::move(response), is_head, parser->minor_version, keep_alive);
}

Task<> serve(ConnectionPtr connection) {
  Next next = Next::serve;
  if (connection->shared->tls) {
    const TimePoint deadline = connection->in(connection->shared->options.head_timeout);
    const auto secured = co_await connection->wire->secure(connection->shared->tls, std::string(), deadline);
    if (!secured) {
      log::debug("a client was refused: {}", secured.error().message);
      next = Next::finish;  // so that it can read why
    }
  }
  while (next == Next::serve) next = co_await serveOne(connection);
  if (next == Next::finish) co_await connection->wire->finish(connection->in(goodbye_time));
}

Task<> acceptAll(std::shared_ptr<Shared> shared) {
  while (!shared->closed) {
    auto wire = co_await shared->listener->accept();
    if (wire) {
      spawn(shared->executor, serve(std::make_shared<Connection>(shared, std::move(*wire))));
    } else if (!shared->closed) {
      log::warn("can't accept connections on port {}: {}", shared->listener->port(), wire.error().message);
      co_await sleepFor(shared->clock, accept_pause);
    }
  }
}

class SocketServer final : public Server {
 public:
  explicit SocketServer(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {
    spawn(shared_->executor, acceptAll(shared_));
  }
  ~SocketServer() override {
    shared_->closed = true;
    shared_->listener->close();
    for (Wire* wire : shared_->wires) wire->close();
  }
  std::uint16_t port() const override { return shared_->listener->port(); }

 private:
  std::shared_ptr<Shared> shared_;
};

}  // namespace

Result<std::unique_ptr<Server>> listen(Executor executor, Clock& clock, ServerOptions options, Handler handler) {
  const auto shared = std::make_shared<Shared>(executor, clock, std::move(options), std::move(handler));
  const ServerOptions& settings = shared->options;
  if (!settings.tls_cert_pem.empty() || !settings.tls_key_pem.empty()) {
    auto context = TlsContext::forServer(settings.tls_cert_pem, settings.tls_key_pem, settings.tls_client_ca_pem);
    if (!context) return fail(context.error());
    shared->tls = std::move(*context);
  }
  auto listener = openListener(executor, clock, settings.address, settings.port);
  if (!listener) return fail(listener.error());
  shared->listener = std::move(*listener);
  return std::make_unique<SocketServer>(shared);
}

}  // namespace crossfade::net
