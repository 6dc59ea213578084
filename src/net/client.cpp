// The real Dialer: requests over pooled connections, answers whole or as streams.
#include <map>

#include "base/clock.hpp"
#include "net/alarm.hpp"
#include "net/http.hpp"
#include "net/message.hpp"
#include "net/pool.hpp"
#include "net/proxy.hpp"
#include "net/tls.hpp"
#include "net/wire.hpp"

namespace crossfade::net {

namespace {

constexpr std::uint64_t max_body_bytes = 64 << 20;
constexpr int max_interim_answers = 16;

// Everything that the requests to one origin share.
struct Upstream {
  Upstream(Executor executor, Clock& clock, Origin origin)
      : executor(executor), clock(clock), origin(origin), pool(clock) {}

  std::string name() const { return hostAndPort(origin.host, origin.port); }

  Executor executor;
  Clock& clock;
  Origin origin;
  std::shared_ptr<const TlsContext> tls;  // null for http
  std::optional<Proxy> proxy;
  Pool pool;
};

// A request under way: the connection it went over, and what has come back.
struct Exchange {
  std::shared_ptr<Upstream> upstream;
  std::shared_ptr<Wire> wire;
  std::string ahead;  // read, but not yet parsed
  std::unique_ptr<MessageParser> parser;
  bool sent_whole = true;

  // After the end of the answer: the connection may serve the next request.
  void recycle() {
    if (parser->keepAlive() && sent_whole && ahead.empty()) upstream->pool.give(std::move(wire));
    wire.reset();
  }
};

// The failure of an exchange as the caller sees it.
Error named(Error error, const Upstream& upstream) {
  // An answer that is not HTTP is the server's fault, not that of who asked.
  if (error.code == ErrorCode::invalid) error.code = ErrorCode::unavailable;
  error.message = fmt::format("{}: {}", upstream.name(), error.message);
  return error;
}

// Asks the proxy for a tunnel.
Task<Result<>> openTunnel(std::shared_ptr<Upstream> upstream, std::shared_ptr<Wire> wire, TimePoint deadline) {
  Request request{.method = "CONNECT", .target = upstream->name(), .headers = {}, .body = {}};
  if (!upstream->proxy->authorization.empty()) {
    request.headers.add("Proxy-Authorization", upstream->proxy->authorization);
  }
  const auto head = formatRequestHead(request, request.target, request.target);
  if (!head) co_return fail(head.error());
  if (const auto written = co_await wire->write(*head, deadline); !written) co_return fail(written.error());
  std::string ahead;
  const auto parser = MessageParser::ofResponse(true);
  while (!parser->headDone()) {
    if (const auto step = co_await advance(*wire, ahead, *parser, deadline); !step) co_return fail(step.error());
  }
  if (parser->status / 100 != 2) {
    co_return fail(ErrorCode::unavailable,
                   fmt::format("the proxy refused: {} {}", parser->status, reasonPhrase(parser->status)));
  }
  co_return Result<>();
}

Task<Result<std::shared_ptr<Wire>>> connectTo(std::shared_ptr<Upstream> upstream, TimePoint deadline) {
  const std::string host = upstream->proxy ? upstream->proxy->host : upstream->origin.host;
  const std::uint16_t port = upstream->proxy ? upstream->proxy->port : upstream->origin.port;
  auto wire = co_await connect(upstream->executor, upstream->clock, host, port, deadline);
  if (!wire || !upstream->tls) co_return wire;
  if (upstream->proxy) {
    if (const auto tunnel = co_await openTunnel(upstream, *wire, deadline); !tunnel) {
      Error why = tunnel.error();
      why.message = fmt::format("tunnel through {}: {}", hostAndPort(host, port), why.message);
      co_return fail(named(std::move(why), *upstream));
    }
  }
  const auto secured = co_await (*wire)->secure(upstream->tls, upstream->origin.host, deadline);
  if (!secured) co_return fail(named(secured.error(), *upstream));
  co_return wire;
}

// Writes the request and reads up to the head of the final answer.
Task<Result<>> talk(Exchange& exchange, const std::string& head, const std::string& body, bool is_head,
                    TimePoint deadline) {
  auto written = co_await exchange.wire->write(head, deadline);
  if (written && !body.empty()) written = co_await exchange.wire->write(body, deadline);
  exchange.sent_whole = written.has_value();
  // A server that did not want the whole body may have answered already.
  if (!written && written.error().code != ErrorCode::unavailable) co_return fail(written.error());
  for (int interim = 0; interim <= max_interim_answers; ++interim) {
    exchange.parser = MessageParser::ofResponse(is_head);
    while (!exchange.parser->headDone()) {
      const auto step = co_await advance(*exchange.wire, exchange.ahead, *exchange.parser, deadline);
      if (!step) co_return fail(written ? step.error() : written.error());
    }
    if (exchange.parser->status == 101)
      co_return fail(ErrorCode::unavailable, "the server changed the protocol unasked");
    if (exchange.parser->status / 100 != 1) co_return Result<>();
  }
  co_return fail(ErrorCode::unavailable, "the server keeps sending interim answers");
}

// Sends a request over an idle connection or a new one. An idle connection that turns out to be closed by the server in
// the same moment is replaced once: nothing came back over it, so the server has most likely not seen the request.
Task<Result<Exchange>> exchange(std::shared_ptr<Upstream> upstream, Request request, TimePoint deadline) {
  std::string target = request.target;
  if (upstream->proxy && !upstream->tls) {
    target = "http://" + upstream->name() + target;
    if (!upstream->proxy->authorization.empty()) {
      request.headers.set("Proxy-Authorization", upstream->proxy->authorization);
    }
  }
  const bool default_port = upstream->origin.port == (upstream->origin.tls ? 443 : 80);
  std::string host = upstream->name();
  if (default_port) host.resize(host.rfind(':'));
  const auto head = formatRequestHead(request, target, host);
  if (!head) co_return fail(head.error());

  Exchange exchange{.upstream = upstream, .wire = upstream->pool.take(), .ahead = {}, .parser = nullptr};
  bool reused = exchange.wire != nullptr;
  for (;;) {
    if (!reused) {
      auto wire = co_await connectTo(upstream, deadline);
      if (!wire) co_return fail(wire.error());
      exchange.wire = std::move(*wire);
    }
    auto talked = co_await talk(exchange, *head, request.body, request.method == "HEAD", deadline);
    if (talked) co_return exchange;
    const bool silent = exchange.ahead.empty() && talked.error().code == ErrorCode::unavailable;
    if (!reused || !silent) co_return fail(named(talked.error(), *upstream));
    reused = false;
  }
}

// Reads the rest of the answer into parser->body.
Task<Result<>> readWhole(Exchange& exchange, TimePoint deadline) {
  if (const auto allowed = exchange.parser->allowBody(max_body_bytes); !allowed) co_return fail(allowed.error());
  while (!exchange.parser->done()) {
    const auto step = co_await advance(*exchange.wire, exchange.ahead, *exchange.parser, deadline);
    if (!step) co_return fail(step.error());
  }
  exchange.recycle();
  co_return Result<>();
}

Task<Result<Response>> sendWhole(std::shared_ptr<Upstream> upstream, Request request, TimePoint deadline) {
  auto answer = co_await exchange(upstream, std::move(request), deadline);
  if (!answer) co_return fail(answer.error());
  if (const auto read = co_await readWhole(*answer, deadline); !read) co_return fail(named(read.error(), *upstream));
  MessageParser& parser = *answer->parser;
  co_return Response{parser.status, std::move(parser.headers), std::move(parser.body), nullptr};
}

class StreamReader final : public BodyReader {
 public:
  explicit StreamReader(Exchange exchange) : state_(std::make_shared<State>(std::move(exchange))) {}
  ~StreamReader() override { cancel(); }

  Task<Result<std::string>> next(TimePoint deadline) override { return pull(state_, deadline); }
  void cancel() override {
    state_->cancelled = true;
    if (state_->exchange.wire) state_->exchange.wire->close();
  }

 private:
  struct State {
    explicit State(Exchange exchange) : exchange(std::move(exchange)) {}
    Exchange exchange;
    bool cancelled = false;
  };

  // Holds the state, so that the reader may go while this waits.
  static Task<Result<std::string>> pull(std::shared_ptr<State> state, TimePoint deadline) {
    Exchange& exchange = state->exchange;
    MessageParser& parser = *exchange.parser;
    while (!state->cancelled) {
      if (!parser.body.empty()) co_return std::exchange(parser.body, {});
      if (parser.done()) {
        if (exchange.wire) exchange.recycle();
        co_return std::string();
      }
      const auto step = co_await advance(*exchange.wire, exchange.ahead, parser, deadline);
      if (!step && !state->cancelled) co_return fail(named(step.error(), *exchange.upstream));
    }
    co_return fail(ErrorCode::cancelled, "the stream was cancelled");
  }

  std::shared_ptr<State> state_;
};

Task<Result<Response>> openStream(std::shared_ptr<Upstream> upstream, Request request, TimePoint deadline) {
  auto answer = co_await exchange(upstream, std::move(request), deadline);
  if (!answer) co_return fail(answer.error());
  MessageParser& parser = *answer->parser;
  Response response{parser.status, std::move(parser.headers), {}, nullptr};
  if (response.status / 100 == 2) {
    const auto unlimited = parser.allowBody(std::numeric_limits<std::uint64_t>::max());
    response.stream = std::make_unique<StreamReader>(std::move(*answer));
    co_return response;
  }
  if (const auto read = co_await readWhole(*answer, deadline); !read) co_return fail(named(read.error(), *upstream));
  response.body = std::move(parser.body);
  co_return response;
}

class HttpTransport final : public Transport {
 public:
  explicit HttpTransport(std::shared_ptr<Upstream> upstream) : upstream_(std::move(upstream)) {}

  Task<Result<Response>> send(Request request, Duration timeout) override {
    return sendWhole(upstream_, std::move(request), after(upstream_->clock, timeout));
  }
  Task<Result<Response>> open(Request request, Duration timeout) override {
    return openStream(upstream_, std::move(request), after(upstream_->clock, timeout));
  }

 private:
  std::shared_ptr<Upstream> upstream_;
};

class SocketDialer final : public Dialer {
 public:
  SocketDialer(Executor executor, Clock& clock)
      : executor_(std::move(executor)), clock_(clock), proxies_(ProxySettings::fromEnvironment()) {}

  Result<std::shared_ptr<Transport>> dial(const Origin& origin, const TlsOptions& tls) override {
    // Who dials the same place for each request still finds its idle connections here.
    std::erase_if(upstreams_,
                  [](const auto& entry) { return entry.second.use_count() == 1 && entry.second->pool.empty(); });
    const Key key(origin.tls, origin.host, origin.port, tls.ca_pem, tls.client_cert_pem, tls.client_key_pem,
                  tls.server_name, tls.insecure_skip_verify);
    auto& upstream = upstreams_[key];
    if (!upstream) {
      auto made = makeUpstream(origin, tls);
      if (!made) {
        upstreams_.erase(key);
        return fail(made.error());
      }
      upstream = std::move(*made);
    }
    return std::make_shared<HttpTransport>(upstream);
  }

 private:
  using Key = std::tuple<bool, std::string, std::uint16_t, std::string, std::string, std::string, std::string, bool>;

  Result<std::shared_ptr<Upstream>> makeUpstream(const Origin& origin, const TlsOptions& tls) {
    auto upstream = std::make_shared<Upstream>(executor_, clock_, origin);
    auto proxy = proxies_.proxyFor(origin);
    if (!proxy) return fail(proxy.error());
    upstream->proxy = std::move(*proxy);
    if (origin.tls) {
      auto context = TlsContext::forClient(tls, authorities_);
      if (!context) return fail(context.error());
      upstream->tls = std::move(*context);
    }
    return upstream;
  }

  Executor executor_;
  Clock& clock_;
  ProxySettings proxies_;
  SystemAuthorities authorities_;
  std::map<Key, std::shared_ptr<Upstream>> upstreams_;
};

}  // namespace

std::unique_ptr<Dialer> makeDialer(Executor executor, Clock& clock) {
  return std::make_unique<SocketDialer>(std::move(executor), clock);
}

}  // namespace crossfade::net
