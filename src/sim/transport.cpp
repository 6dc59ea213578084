#include "sim/transport.hpp"

#include <deque>
#include <optional>

namespace crossfade::sim {
namespace {

bool isWrite(const net::Request& request) { return request.method != "GET" && request.method != "HEAD"; }

bool isWatch(const net::Request& request) {
  return request.target.contains("watch=true") || request.target.contains("watch=1");
}

net::Response status(int code, std::string_view reason, std::string_view message) {
  const json::object body = {{"kind", "Status"},   {"apiVersion", "v1"}, {"status", "Failure"},
                             {"message", message}, {"reason", reason},   {"code", code}};
  net::Response response;
  response.status = code;
  response.headers.set("Content-Type", "application/json");
  response.body = json::serialize(body);
  return response;
}

Error reset() { return {ErrorCode::unavailable, "connection reset by peer (simulated)"}; }

// What passes from the server's side to the one who asked.
struct Exchange {
  explicit Exchange(std::shared_ptr<Clock> owner) : clock(std::move(owner)), arrived(*clock) {}
  std::shared_ptr<Clock> clock;
  Signal arrived;
  std::optional<Result<net::Response>> answer;
};

// --- watches ---------------------------------------------------------------------------------------------------------

struct Stream {
  explicit Stream(std::shared_ptr<Clock> owner) : clock(std::move(owner)), arrived(*clock) {}
  std::shared_ptr<Clock> clock;
  Signal arrived;
  std::deque<std::string> pieces;
  bool ended = false, cancelled = false;
  std::shared_ptr<net::BodyReader> source;
};

class StreamReader : public net::BodyReader {
 public:
  StreamReader(std::shared_ptr<Stream> stream) : stream_(std::move(stream)) {}
  ~StreamReader() override { cancel(); }

  Task<Result<std::string>> next(TimePoint deadline) override { return take(stream_, deadline); }
  void cancel() override {
    if (stream_->cancelled) return;
    stream_->cancelled = true;
    if (stream_->source != nullptr) stream_->source->cancel();
    stream_->arrived.notify();
  }

 private:
  static Task<Result<std::string>> take(std::shared_ptr<Stream> stream, TimePoint deadline) {
    while (true) {
      if (stream->cancelled) co_return fail(ErrorCode::cancelled, "cancelled");
      if (!stream->pieces.empty()) {
        std::string piece = std::move(stream->pieces.front());
        stream->pieces.pop_front();
        co_return piece;
      }
      if (stream->ended) co_return std::string();
      if (!co_await stream->arrived.waitUntil(deadline)) co_return fail(ErrorCode::timeout, "no byte arrived in time");
    }
  }
  std::shared_ptr<Stream> stream_;
};

// Reads the server's stream and hands it on, line by line, as the faults have it. Lives on the server's side.
Task<> pump(Network& network, std::shared_ptr<Life> life, std::shared_ptr<Stream> stream) {
  std::string pending;
  while (!stream->cancelled && !stream->ended) {
    const Result<std::string> piece = co_await stream->source->next(TimePoint::max());
    if (!piece || piece->empty()) break;
    if (life->deaf) continue;
    pending += *piece;
    for (auto end = pending.find('\n'); end != std::string::npos && !stream->ended; end = pending.find('\n')) {
      std::string line = pending.substr(0, end + 1);
      pending.erase(0, end + 1);
      const Faults& faults = network.faults;
      if (network.random.chance(faults.cut_watch)) {
        stream->ended = true;
        break;
      }
      if (network.random.chance(faults.garble_watch)) {
        stream->pieces.push_back(line.substr(0, line.size() / 2));
        stream->ended = true;
        break;
      }
      if (network.random.chance(faults.late_event)) {
        const auto delay = static_cast<std::uint64_t>(faults.max_delay.count());
        co_await sleepFor(network.server_clock, Duration(network.random.below(delay + 1)));
      }
      if (network.random.chance(faults.duplicate_event)) stream->pieces.push_back(line);
      stream->pieces.push_back(std::move(line));
      stream->arrived.notify();
    }
  }
  stream->ended = true;
  stream->source->cancel();
  stream->arrived.notify();
}

// --- requests --------------------------------------------------------------------------------------------------------

class SimTransport : public net::Transport {
 public:
  SimTransport(Network& network, std::shared_ptr<Clock> clock, std::shared_ptr<Life> life)
      : network_(network), clock_(std::move(clock)), life_(std::move(life)) {}

  Task<Result<net::Response>> send(net::Request request, Duration timeout) override {
    return ask(std::move(request), timeout);
  }
  Task<Result<net::Response>> open(net::Request request, Duration timeout) override {
    return ask(std::move(request), timeout);
  }

 private:
  Task<Result<net::Response>> ask(net::Request request, Duration timeout) {
    const auto exchange = std::make_shared<Exchange>(clock_);
    const TimePoint deadline = clock_->now() + timeout;
    spawn(network_.executor, carryOut(network_, clock_, life_, std::move(request), exchange));
    while (!exchange->answer) {
      if (!co_await exchange->arrived.waitUntil(deadline))
        co_return fail(ErrorCode::timeout, "no answer in time (simulated)");
    }
    co_return std::move(*exchange->answer);
  }

  static Task<> carryOut(Network& network, std::shared_ptr<Clock> clock, std::shared_ptr<Life> life,
                         net::Request request, std::shared_ptr<Exchange> exchange) {
    co_await sleepFor(network.server_clock, network.faults.latency);
    if (!life->alive) co_return;
    const bool write = isWrite(request);
    std::optional<Result<net::Response>> answer = trouble(network, request);
    if (!answer) {
      if (write && network.on_write && !network.on_write(request, false)) life->alive = false;
      if (!life->alive) co_return;
      net::Response response = co_await network.server.handle(request);
      if (write) {
        ++network.writes;
        if (network.on_answer) network.on_answer(request, response.status);
        if (network.on_write && !network.on_write(request, true)) life->alive = false;
        if (!life->alive) co_return;
      }
      if (response.stream != nullptr) response.stream = follow(network, clock, life, std::move(response.stream));
      answer = std::move(response);
      if (network.random.chance(network.faults.lose_answer)) answer = fail(reset());
    }
    co_await sleepFor(network.server_clock, network.faults.latency);
    if (!life->alive) co_return;
    exchange->answer = std::move(*answer);
    exchange->arrived.notify();
  }

  // What happens to a request before the server sees it.
  static std::optional<Result<net::Response>> trouble(Network& network, const net::Request& request) {
    const Faults& faults = network.faults;
    Random& random = network.random;
    if (random.chance(faults.lose_request)) return fail(reset());
    if (random.chance(faults.server_error)) return status(500, "InternalError", "simulated trouble");
    if (random.chance(faults.throttle)) {
      net::Response response = status(429, "TooManyRequests", "simulated load");
      response.headers.set("Retry-After", "1");
      return response;
    }
    if (isWatch(request) && request.target.contains("resourceVersion=") && random.chance(faults.expire_watch)) {
      return status(410, "Expired", "too old resource version (simulated)");
    }
    if (request.method == "PATCH" && random.chance(faults.conflict))
      return status(409, "Conflict", "the object has been modified (simulated)");
    return std::nullopt;
  }

  static std::unique_ptr<net::BodyReader> follow(Network& network, std::shared_ptr<Clock> clock,
                                                 std::shared_ptr<Life> life, std::unique_ptr<net::BodyReader> source) {
    const auto stream = std::make_shared<Stream>(clock);
    stream->source = std::move(source);
    spawn(network.executor, pump(network, std::move(life), stream));
    return std::make_unique<StreamReader>(stream);
  }

  Network& network_;
  std::shared_ptr<Clock> clock_;
  std::shared_ptr<Life> life_;
};

}  // namespace

std::shared_ptr<net::Transport> makeTransport(Network& network, std::shared_ptr<Clock> clock,
                                              std::shared_ptr<Life> life) {
  return std::make_shared<SimTransport>(network, std::move(clock), std::move(life));
}

}  // namespace crossfade::sim
