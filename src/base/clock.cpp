#include "base/clock.hpp"

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <vector>

namespace crossfade {

namespace asio = boost::asio;

Task<> sleepUntil(Clock& clock, TimePoint when) {
  const Executor executor = co_await asio::this_coro::executor;
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
      [&clock, when, executor](auto handler) {
        clock.callAt(when,
                     [handler = std::move(handler), executor]() mutable { asio::post(executor, std::move(handler)); });
      },
      asio::use_awaitable);
}

// The coroutines that wait, by the order of their arrival. Each lives in its timer's callback, in the clock; here are
// only the names of those timers and weak links.
struct Signal::State {
  struct Waiter {
    std::move_only_function<void(bool)> resume;
  };
  struct Entry {
    std::weak_ptr<Waiter> waiter;
    Clock::TimerId timer;
  };

  explicit State(Clock& clock) : clock(clock) {}

  Clock& clock;
  std::map<std::uint64_t, Entry> entries;
  std::uint64_t last_id = 0;
};

Signal::Signal(Clock& clock) : state_(std::make_shared<State>(clock)) {}

Signal::~Signal() {
  const auto entries = std::move(state_->entries);
  state_->entries.clear();
  for (const auto& [id, entry] : entries) state_->clock.cancel(entry.timer);
}

void Signal::notify() {
  const auto entries = std::move(state_->entries);
  state_->entries.clear();
  for (const auto& [id, entry] : entries) {
    if (const auto waiter = entry.waiter.lock()) {
      auto resume = std::move(waiter->resume);
      state_->clock.cancel(entry.timer);
      if (resume) resume(true);
    }
  }
}

namespace {

template <class State>
Task<bool> waitFor(std::shared_ptr<State> state, TimePoint deadline) {
  const Executor executor = co_await asio::this_coro::executor;
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(bool)>(
      [&state, deadline, executor](auto handler) {
        auto waiter = std::make_shared<typename State::Waiter>();
        waiter->resume = [handler = std::move(handler), executor](bool notified) mutable {
          asio::post(executor, [handler = std::move(handler), notified]() mutable { handler(notified); });
        };
        const std::uint64_t id = ++state->last_id;
        auto& entry = state->entries[id];
        entry.waiter = waiter;
        entry.timer = state->clock.callAt(deadline, [weak = std::weak_ptr(state), waiter, id] {
          if (const auto alive = weak.lock()) alive->entries.erase(id);
          auto resume = std::move(waiter->resume);
          if (resume) resume(false);
        });
      },
      asio::use_awaitable);
}

}  // namespace

Task<bool> Signal::waitUntil(TimePoint deadline) { return waitFor(state_, deadline); }
Task<> Signal::wait() { co_await waitFor(state_, TimePoint::max()); }

namespace {

class SystemClock : public Clock {
 public:
  explicit SystemClock(Executor executor) : state_(std::make_shared<State>(std::move(executor))) {}
  ~SystemClock() override {
    state_->timer.cancel();
    clear();
  }

  TimePoint now() const override {
    // The wall clock, as long as it does not run backwards.
    const TimePoint wall = std::chrono::floor<Duration>(std::chrono::system_clock::now());
    last_ = std::max(last_, wall);
    return last_;
  }

  TimerId callAt(TimePoint when, std::move_only_function<void()> fire) override {
    // Waits are measured on the steady clock: a step of the wall clock neither fires nor delays them.
    const auto key = std::pair(steady() + std::max(when - now(), Duration(0)), ++state_->last_id);
    const bool first = state_->due.empty() || key < state_->due.begin()->first;
    state_->due.emplace(key, std::move(fire));
    state_->keys.emplace(key.second, key.first);
    if (first) arm(state_);
    return key.second;
  }

  void cancel(TimerId timer) override {
    const auto key = state_->keys.find(timer);
    if (key == state_->keys.end()) return;
    auto dropped = state_->due.extract({key->second, timer});
    state_->keys.erase(timer);
  }

  void clear() override {
    // The callbacks own coroutines, whose end may cancel timers: empty the list before they go.
    const auto due = std::move(state_->due);
    state_->due.clear();
    state_->keys.clear();
  }

 private:
  struct State {
    explicit State(const Executor& executor) : timer(executor) {}
    asio::steady_timer timer;
    std::map<std::pair<Duration, TimerId>, std::move_only_function<void()>> due;
    std::map<TimerId, Duration> keys;
    TimerId last_id = 0;
  };

  static Duration steady() { return std::chrono::floor<Duration>(std::chrono::steady_clock::now().time_since_epoch()); }

  static void arm(const std::shared_ptr<State>& state) {
    if (state->due.empty()) return;
    // An hour at the most: "never" would overflow the nanoseconds of the steady clock.
    const Duration next = std::min<Duration>(state->due.begin()->first.first, steady() + hours(1));
    state->timer.expires_at(std::chrono::steady_clock::time_point(next));
    state->timer.async_wait([weak = std::weak_ptr(state)](boost::system::error_code error) {
      auto alive = weak.lock();
      if (error || !alive) return;
      const Duration now = steady();
      while (!alive->due.empty() && alive->due.begin()->first.first <= now) {
        auto node = alive->due.extract(alive->due.begin());
        alive->keys.erase(node.key().second);
        node.mapped()();
      }
      arm(alive);
    });
  }

  std::shared_ptr<State> state_;
  mutable TimePoint last_{};
};

}  // namespace

std::unique_ptr<Clock> makeSystemClock(Executor executor) { return std::make_unique<SystemClock>(std::move(executor)); }

}  // namespace crossfade
