#include "local/probes.hpp"

#include <fmt/format.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace crossfade::local {

namespace {

namespace asio = boost::asio;

struct Outcome {
  bool passed = false;
  std::string output;
};

// True when somebody listens. The timer closes the socket, which ends the wait.
Task<bool> connects(Clock& clock, std::uint16_t port, Duration timeout) {
  auto socket = std::make_shared<asio::ip::tcp::socket>(co_await asio::this_coro::executor);
  Timer timer(clock);
  timer.setAfter(timeout, [socket] {
    boost::system::error_code ignored;
    socket->close(ignored);
  });
  boost::system::error_code error;
  const asio::ip::tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
  co_await socket->async_connect(endpoint, asio::redirect_error(asio::use_awaitable, error));
  co_return !error;
}

}  // namespace

struct Prober::State : std::enable_shared_from_this<State> {
  State(Executor executor, Clock& clock, const json::object& probe, std::optional<std::uint16_t> port,
        Listener listener)
      : executor(std::move(executor)),
        clock(clock),
        probe(probe),
        port(port),
        listener(std::move(listener)),
        timer(clock) {
    period = seconds(std::max<std::int64_t>(getInt(probe, {"periodSeconds"}, 10), 1));
    timeout = seconds(std::max<std::int64_t>(getInt(probe, {"timeoutSeconds"}, 1), 1));
    success_threshold = std::max<std::int64_t>(getInt(probe, {"successThreshold"}, 1), 1);
    failure_threshold = std::max<std::int64_t>(getInt(probe, {"failureThreshold"}, 3), 1);
  }

  void tryAfter(Duration delay) {
    timer.setAfter(delay, [this] {
      if (!port) return settle({true, ""});
      if (*port == 0) return settle({false, "dial tcp: connect: connection refused"});
      spawn(executor, attempt(shared_from_this()));
    });
  }

  static Task<> attempt(std::shared_ptr<State> state) {
    Outcome outcome;
    if (getObject(state->probe, {"tcpSocket"}) != nullptr) {
      outcome.passed = co_await connects(state->clock, *state->port, state->timeout);
      if (!outcome.passed)
        outcome.output = fmt::format("dial tcp 127.0.0.1:{}: connect: connection refused", *state->port);
    } else {
      net::Request request;
      request.target = getString(state->probe, {"httpGet", "path"}, "/");
      request.headers.set("user-agent", "kube-probe/1.34");
      if (const auto* headers = getArray(state->probe, {"httpGet", "httpHeaders"})) {
        for (const auto& header : *headers) {
          if (!header.is_object()) continue;
          request.headers.set(getString(header.get_object(), {"name"}),
                              std::string(getString(header.get_object(), {"value"})));
        }
      }
      const auto transport = state->transport;
      const auto answer = co_await transport->send(std::move(request), state->timeout);
      outcome.passed = answer && answer->status >= 200 && answer->status < 400;
      if (!outcome.passed) {
        outcome.output = answer
                             ? fmt::format("HTTP probe failed with statuscode: {}", answer->status)
                             : fmt::format("Get \"http://127.0.0.1:{}{}\": {}", *state->port,
                                           getString(state->probe, {"httpGet", "path"}, "/"), answer.error().message);
      }
    }
    if (!state->ended) state->settle(std::move(outcome));
  }

  void settle(Outcome outcome) {
    const auto alive = shared_from_this();  // the listener may drop the prober
    successes = outcome.passed ? successes + 1 : 0;
    failures = outcome.passed ? 0 : failures + 1;
    // Without a socket the answer never changes: one try is enough.
    if (port) tryAfter(period);
    if (!outcome.passed) listener.failed(outcome.output);
    if (ended) return;
    const bool now_healthy = outcome.passed && (successes >= success_threshold || !port);
    const bool now_sick = !outcome.passed && failures >= failure_threshold;
    if (!now_healthy && !now_sick) return;
    if (healthy == now_healthy) return;
    healthy = now_healthy;
    listener.verdict(now_healthy);
  }

  Executor executor;
  Clock& clock;
  json::object probe;
  std::optional<std::uint16_t> port;
  Listener listener;
  Timer timer;
  std::shared_ptr<net::Transport> transport;
  Duration period{}, timeout{};
  std::int64_t success_threshold = 1, failure_threshold = 3, successes = 0, failures = 0;
  std::optional<bool> healthy;
  bool ended = false;
};

Prober::Prober(Executor executor, Clock& clock, net::Dialer* dialer, const json::object& probe,
               std::optional<std::uint16_t> port, Listener listener)
    : state_(std::make_shared<State>(std::move(executor), clock, probe, port, std::move(listener))) {
  if (port.value_or(0) != 0) {
    net::Origin origin;
    origin.host = "127.0.0.1";
    origin.port = *port;
    if (auto transport = dialer->dial(origin, {})) state_->transport = std::move(*transport);
  }
  state_->tryAfter(seconds(getInt(probe, {"initialDelaySeconds"})));
}

Prober::~Prober() {
  state_->ended = true;
  state_->timer.cancel();
}

std::optional<std::uint16_t> probedPort(const json::object& probe, const json::object& container) {
  const auto* asked = find(probe, {"httpGet", "port"});
  if (asked == nullptr) asked = find(probe, {"tcpSocket", "port"});
  if (asked == nullptr) return std::nullopt;
  if (const auto number = asInteger(*asked)) return static_cast<std::uint16_t>(*number);
  const auto* ports = getArray(container, {"ports"});
  if (ports == nullptr) return 0;
  for (const auto& port : *ports) {
    if (port.is_object() && port.get_object().if_contains("name") != nullptr &&
        *port.get_object().if_contains("name") == *asked) {
      return static_cast<std::uint16_t>(getInt(port.get_object(), {"containerPort"}));
    }
  }
  return 0;
}

}  // namespace crossfade::local
