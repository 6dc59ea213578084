#include "providers/backends.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <optional>

#include "base/log.hpp"
#include "net/alarm.hpp"

namespace crossfade::providers {

// --- one backend -----------------------------------------------------------------------------------------------------

// Admits requests. A coroutine may be destroyed while it waits here or after it was let in.
class Backends::Gate : public std::enable_shared_from_this<Backends::Gate> {
 public:
  Gate(Clock& clock, BackendLimits limits, std::string name) : clock_(clock), limits_(limits), name_(std::move(name)) {}

  // The right to one request, given back when it goes.
  class Pass {
   public:
    explicit Pass(std::shared_ptr<Gate> gate) : gate_(std::move(gate)) {}
    ~Pass() {
      if (gate_) gate_->leave();
    }
    Pass(Pass&&) noexcept = default;
    Pass& operator=(Pass&&) = delete;

   private:
    std::shared_ptr<Gate> gate_;
  };

  // Waits for the right to ask. Fails with `timeout` when it doesn't come in time, and with the backend's own trouble
  // where that is why.
  static Task<Result<Pass>> enter(std::shared_ptr<Gate> gate, TimePoint deadline) {
    if (gate->waiters_.empty() && gate->open()) {
      gate->admit();
      co_return Pass(gate);
    }
    if (gate->closedUntil() >= deadline) co_return fail(gate->trouble_);
    const auto waiter = std::make_shared<Waiter>(*gate);
    gate->waiters_.push_back(waiter.get());
    gate->letIn();
    while (!waiter->admitted && !waiter->verdict) {
      const bool told = co_await waiter->changed.waitUntil(deadline);
      if (!told && !waiter->admitted && !waiter->verdict) {
        co_return fail(gate->inTrouble() ? gate->trouble_ : Error{ErrorCode::timeout, "no turn came in time"});
      }
    }
    if (waiter->verdict) co_return fail(*waiter->verdict);
    waiter->admitted = false;  // the pass has it now
    co_return Pass(gate);
  }

  // What came of a request.
  void answered(const net::Response& response) {
    const Duration rest = restOf(response);
    if (rest <= Duration(0)) {
      if (inTrouble()) log::info("{} answers again", name_);
      failures_ = 0;
      paused_until_ = TimePoint::min();
    } else {
      resting_until_ = std::max(resting_until_, clock_.now() + rest);
      trouble_ = {ErrorCode::throttled, fmt::format("status {}: the backend wants no request before {}",
                                                    response.status, formatTime(resting_until_))};
    }
    letIn();
  }
  void failed(const Error& error) {
    if (error.code != ErrorCode::unavailable && error.code != ErrorCode::timeout) return;
    ++failures_;
    trouble_ = error;
    if (!inTrouble()) return;
    if (failures_ == limits_.tolerated + 1) log::warn("{} does not answer: {}", name_, error.message);
    paused_until_ = std::max(paused_until_, clock_.now() + pause());
    // A request may be slow by itself; who can't connect can't for all of them.
    if (error.code == ErrorCode::unavailable) {
      for (Waiter* waiter : std::exchange(waiters_, {})) {
        waiter->verdict = error;
        waiter->changed.notify();
      }
    }
    letIn();
  }

  bool forgettable() const { return active_ == 0 && waiters_.empty() && closedUntil() <= clock_.now(); }

 private:
  struct Waiter {
    explicit Waiter(Gate& gate) : gate(gate), changed(gate.clock_) {}
    ~Waiter() {
      std::erase(gate.waiters_, this);
      if (admitted) gate.leave();
    }
    Gate& gate;  // kept by the coroutine that waits
    bool admitted = false;
    std::optional<Error> verdict = {};
    Signal changed;
  };

  TimePoint closedUntil() const { return std::max(paused_until_, resting_until_); }
  bool inTrouble() const { return failures_ > limits_.tolerated || closedUntil() > clock_.now(); }
  bool open() const { return active_ < limits_.at_once && closedUntil() <= clock_.now(); }
  Duration pause() const {
    constexpr int most_doublings = 10;
    const int doublings = std::clamp(failures_ - limits_.tolerated - 1, 0, most_doublings);
    return std::min<Duration>(limits_.first_pause * (1 << doublings), limits_.longest_pause);
  }

  void admit() {
    ++active_;
    if (failures_ > limits_.tolerated) paused_until_ = clock_.now() + pause();
  }
  void leave() {
    --active_;
    letIn();
  }
  void letIn() {
    while (!waiters_.empty() && open()) {
      Waiter* waiter = waiters_.front();
      waiters_.pop_front();
      waiter->admitted = true;
      admit();
      waiter->changed.notify();
    }
    if (waiters_.empty() || closedUntil() <= clock_.now()) return;
    again_.emplace(clock_, closedUntil(), [weak = weak_from_this()] {
      if (const auto gate = weak.lock()) gate->letIn();
    });
  }

  // How long the backend wants to be left alone; zero when it doesn't say.
  Duration restOf(const net::Response& response) const {
    const std::string_view text = response.headers.get("Retry-After");
    if (response.status != 429 && (response.status != 503 || text.empty())) return Duration(0);
    int seconds_asked = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds_asked);
    const bool understood = error == std::errc() && end == text.data() + text.size() && seconds_asked > 0;
    return std::min<Duration>(understood ? Duration(seconds(seconds_asked)) : limits_.first_pause,
                              limits_.longest_rest);
  }

  Clock& clock_;
  const BackendLimits limits_;
  const std::string name_;
  std::size_t active_ = 0;
  std::deque<Waiter*> waiters_;
  int failures_ = 0;                              // in a row
  TimePoint paused_until_ = TimePoint::min();     // nobody is let in before, since it fails
  TimePoint resting_until_ = TimePoint::min();    // … since it asked for it
  Error trouble_ = {ErrorCode::unavailable, ""};  // why
  std::optional<net::Alarm> again_;
};

namespace {

using Gate = Backends::Gate;

// A body whose request counts until it is over.
class CountedReader final : public net::BodyReader {
 public:
  CountedReader(std::unique_ptr<net::BodyReader> inner, Gate::Pass pass)
      : inner_(std::move(inner)), pass_(std::move(pass)) {}
  Task<Result<std::string>> next(TimePoint deadline) override { return inner_->next(deadline); }
  void cancel() override { inner_->cancel(); }

 private:
  std::unique_ptr<net::BodyReader> inner_;
  Gate::Pass pass_;
};

class GatedTransport final : public net::Transport {
 public:
  GatedTransport(std::shared_ptr<net::Transport> inner, std::shared_ptr<Gate> gate, Clock& clock)
      : inner_(std::move(inner)), gate_(std::move(gate)), clock_(clock) {}

  Task<Result<net::Response>> send(net::Request request, Duration timeout) override {
    return ask(inner_, gate_, clock_, std::move(request), timeout, false);
  }
  Task<Result<net::Response>> open(net::Request request, Duration timeout) override {
    return ask(inner_, gate_, clock_, std::move(request), timeout, true);
  }

 private:
  static Task<Result<net::Response>> ask(std::shared_ptr<net::Transport> inner, std::shared_ptr<Gate> gate,
                                         Clock& clock, net::Request request, Duration timeout, bool streaming) {
    const TimePoint deadline = net::after(clock, timeout);
    auto entered = co_await Gate::enter(gate, deadline);
    if (!entered) co_return fail(entered.error());
    Gate::Pass pass = std::move(*entered);
    const Duration left = deadline - clock.now();
    if (left <= Duration(0)) co_return fail(ErrorCode::timeout, "the turn came too late");
    Result<net::Response> response = fail(ErrorCode::internal, "");
    if (streaming) {
      response = co_await inner->open(std::move(request), left);
    } else {
      response = co_await inner->send(std::move(request), left);
    }
    if (!response) {
      gate->failed(response.error());
      co_return response;
    }
    gate->answered(*response);
    if (response->stream) {
      response->stream = std::make_unique<CountedReader>(std::move(response->stream), std::move(pass));
    }
    co_return response;
  }

  std::shared_ptr<net::Transport> inner_;
  std::shared_ptr<Gate> gate_;
  Clock& clock_;
};

}  // namespace

// --- all of them -----------------------------------------------------------------------------------------------------

Backends::Backends(net::Dialer& inner, Clock& clock, BackendLimits limits)
    : inner_(inner), clock_(clock), limits_(limits) {}
Backends::~Backends() = default;

Result<std::shared_ptr<net::Transport>> Backends::dial(const net::Origin& origin, const net::TlsOptions& tls) {
  auto transport = inner_.dial(origin, tls);
  if (!transport) return transport;
  const std::string name = fmt::format("{}://{}:{}", origin.tls ? "https" : "http", origin.host, origin.port);
  auto gate = gates_.find(name);
  if (gate == gates_.end()) {
    // Before another one is remembered, those are forgotten that nobody asks any more.
    std::erase_if(gates_,
                  [](const auto& entry) { return entry.second.use_count() == 1 && entry.second->forgettable(); });
    gate = gates_.emplace(name, std::make_shared<Gate>(clock_, limits_, name)).first;
  }
  return std::make_shared<GatedTransport>(std::move(*transport), gate->second, clock_);
}

}  // namespace crossfade::providers
