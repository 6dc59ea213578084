#include "net/wire.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "base/clock.hpp"
#include "net/alarm.hpp"
#include "net/tls.hpp"

namespace crossfade::net {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr auto awaiting = asio::as_tuple(asio::use_awaitable);

class SocketWire final : public Wire {
 public:
  SocketWire(Clock& clock, tcp::socket socket) : clock_(clock), socket_(std::move(socket)) {
    error_code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.set_option(asio::socket_base::keep_alive(true), ignored);
  }

  Task<Result<>> secure(std::shared_ptr<const TlsContext> context, std::string peer_name, TimePoint deadline) override {
    tls_.emplace(socket_, context->newSession(peer_name));
    bool late = false;
    const Alarm alarm(clock_, deadline, [&] { late = true, cancelAll(); });
    const auto role = context->isServer() ? asio::ssl::stream_base::server : asio::ssl::stream_base::client;
    const auto [error] = co_await tls_->async_handshake(role, awaiting);
    if (!error) co_return Result<>();
    const std::string problem = certificateProblem(tls_->native_handle());
    if (!problem.empty()) co_return fail(ErrorCode::unavailable, "TLS handshake failed: " + problem);
    Error why = explain(error, late);
    why.message = "TLS handshake failed: " + why.message;
    co_return fail(std::move(why));
  }

  Task<Result<std::size_t>> read(std::span<char> into, TimePoint deadline) override {
    if (closed_) co_return fail(ErrorCode::cancelled, "the connection was closed on this side");
    bool late = false;
    const Alarm alarm(clock_, deadline, [&] { late = true, cancelAll(); });
    const asio::mutable_buffer buffer(into.data(), into.size());
    error_code error;
    std::size_t count = 0;
    if (tls_) {
      std::tie(error, count) = co_await tls_->async_read_some(buffer, awaiting);
    } else {
      std::tie(error, count) = co_await socket_.async_read_some(buffer, awaiting);
    }
    if (count > 0) co_return count;
    if (error == asio::error::eof) co_return 0;
    co_return fail(explain(error, late));
  }

  void interruptRead() override { cancelAll(); }

  Task<Result<>> write(std::string_view bytes, TimePoint deadline) override {
    if (closed_) co_return fail(ErrorCode::cancelled, "the connection was closed on this side");
    bool late = false;
    const Alarm alarm(clock_, deadline, [&] { late = true, cancelAll(); });
    const asio::const_buffer buffer(bytes.data(), bytes.size());
    error_code error;
    if (tls_) {
      std::tie(error, std::ignore) = co_await asio::async_write(*tls_, buffer, awaiting);
    } else {
      std::tie(error, std::ignore) = co_await asio::async_write(socket_, buffer, awaiting);
    }
    if (error) co_return fail(explain(error, late));
    co_return Result<>();
  }

  Task<> finish(TimePoint deadline) override {
    const Alarm alarm(clock_, deadline, [&] { close(); });
    if (tls_) co_await tls_->async_shutdown(awaiting);
    error_code ended;
    if (!closed_) socket_.shutdown(tcp::socket::shutdown_send, ended);
    // Bounded by the deadline.
    std::string unread(4096, '\0');
    while (!ended && !closed_) {
      std::tie(ended, std::ignore) = co_await socket_.async_read_some(asio::buffer(unread), awaiting);
    }
    close();
  }

  void close() override {
    closed_ = true;
    error_code ignored;
    socket_.close(ignored);
  }

  bool looksAlive() override {
    if (closed_) return false;
    char byte = 0;
    error_code error;
    socket_.non_blocking(true, error);
    const std::size_t count = socket_.receive(asio::buffer(&byte, 1), asio::socket_base::message_peek, error);
    if (error == asio::error::would_block) return true;
    // Behind TLS there may be session tickets.
    return !error && count > 0 && tls_.has_value();
  }

 private:
  void cancelAll() {
    error_code ignored;
    socket_.cancel(ignored);
  }

  Error explain(const error_code& error, bool late) const {
    if (late) return {ErrorCode::timeout, "timed out"};
    if (closed_) return {ErrorCode::cancelled, "the connection was closed on this side"};
    if (error == asio::error::operation_aborted) return {ErrorCode::cancelled, "interrupted"};
    if (error == asio::ssl::error::stream_truncated) return {ErrorCode::unavailable, "the connection was cut"};
    return {ErrorCode::unavailable, error.message()};
  }

  Clock& clock_;
  tcp::socket socket_;
  std::optional<asio::ssl::stream<tcp::socket&>> tls_;
  bool closed_ = false;
};

// Asio asks the system on a thread of its own and can't be hurried: the answer may come after everyone has left.
struct Lookup {
  Lookup(const Executor& executor, Clock& clock) : resolver(executor), done(clock) {}
  tcp::resolver resolver;
  Signal done;
  std::optional<Result<std::vector<tcp::endpoint>>> answer;
};

Task<> runLookup(std::shared_ptr<Lookup> lookup, std::string host, std::uint16_t port) {
  const std::string service = std::to_string(port);
  const auto [error, found] =
      co_await lookup->resolver.async_resolve(host, service, tcp::resolver::numeric_service, awaiting);
  if (error) {
    lookup->answer = fail(ErrorCode::unavailable, fmt::format("lookup of {}: {}", host, error.message()));
  } else {
    std::vector<tcp::endpoint> endpoints;
    for (const auto& entry : found) endpoints.push_back(entry.endpoint());
    lookup->answer = std::move(endpoints);
  }
  lookup->done.notify();
}

Task<Result<std::vector<tcp::endpoint>>> resolve(Executor executor, Clock& clock, std::string host, std::uint16_t port,
                                                 TimePoint deadline) {
  error_code not_an_address;
  const auto address = asio::ip::make_address(host, not_an_address);
  if (!not_an_address) co_return std::vector{tcp::endpoint(address, port)};

  const auto lookup = std::make_shared<Lookup>(executor, clock);
  spawn(executor, runLookup(lookup, host, port));
  while (!lookup->answer) {
    if (!co_await lookup->done.waitUntil(deadline)) {
      co_return fail(ErrorCode::timeout, fmt::format("lookup of {}: timed out", host));
    }
  }
  co_return std::move(*lookup->answer);
}

class SocketListener final : public Listener {
 public:
  SocketListener(Clock& clock, tcp::acceptor acceptor) : clock_(clock), acceptor_(std::move(acceptor)) {
    error_code ignored;
    port_ = acceptor_.local_endpoint(ignored).port();
  }

  std::uint16_t port() const override { return port_; }

  Task<Result<std::shared_ptr<Wire>>> accept() override {
    auto [error, socket] = co_await acceptor_.async_accept(awaiting);
    if (closed_) co_return fail(ErrorCode::cancelled, "the listener was closed");
    if (error) co_return fail(ErrorCode::unavailable, error.message());
    co_return std::make_shared<SocketWire>(clock_, std::move(socket));
  }

  void close() override {
    closed_ = true;
    error_code ignored;
    acceptor_.close(ignored);
  }

 private:
  Clock& clock_;
  tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  bool closed_ = false;
};

}  // namespace

std::string hostAndPort(std::string_view host, std::uint16_t port) {
  return host.contains(':') ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

Task<Result<std::shared_ptr<Wire>>> connect(Executor executor, Clock& clock, std::string host, std::uint16_t port,
                                            TimePoint deadline) {
  const auto endpoints = co_await resolve(executor, clock, host, port, deadline);
  if (!endpoints) co_return fail(endpoints.error());
  Error last{ErrorCode::unavailable, "no address"};
  for (std::size_t i = 0; i < endpoints->size(); ++i) {
    // One address that swallows packets must not use up the time of the others.
    const TimePoint now = clock.now();
    const auto left = static_cast<std::int64_t>(endpoints->size() - i);
    const TimePoint share = deadline == TimePoint::max() ? deadline : now + (deadline - now) / left;
    tcp::socket socket(executor);
    bool late = false;
    const Alarm alarm(clock, share, [&] {
      late = true;
      error_code ignored;
      socket.close(ignored);
    });
    const tcp::endpoint endpoint = (*endpoints)[i];
    const auto [error] = co_await socket.async_connect(endpoint, awaiting);
    if (!error) co_return std::make_shared<SocketWire>(clock, std::move(socket));
    last = late ? Error{ErrorCode::timeout, "timed out"} : Error{ErrorCode::unavailable, error.message()};
  }
  last.message = fmt::format("connect to {}: {}", hostAndPort(host, port), last.message);
  co_return fail(std::move(last));
}

Result<std::unique_ptr<Listener>> openListener(Executor executor, Clock& clock, const std::string& address,
                                               std::uint16_t port) {
  const auto refuse = [&](const error_code& error) {
    return fail(ErrorCode::unavailable, fmt::format("listen on {}: {}", hostAndPort(address, port), error.message()));
  };
  error_code error;
  const auto ip = asio::ip::make_address(address, error);
  if (error) return refuse(error);
  const tcp::endpoint endpoint(ip, port);
  tcp::acceptor acceptor(executor);
  acceptor.open(endpoint.protocol(), error);
  if (error) return refuse(error);
  acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (ip.is_v6()) acceptor.set_option(asio::ip::v6_only(false), error);
  acceptor.bind(endpoint, error);
  if (error) return refuse(error);
  acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return refuse(error);
  return std::make_unique<SocketListener>(clock, std::move(acceptor));
}

}  // namespace crossfade::net
