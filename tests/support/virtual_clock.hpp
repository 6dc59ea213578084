// A loop whose time jumps: coroutines run until all of them wait, then the clock moves to the next timer.
#pragma once
#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <optional>

#include "base/clock.hpp"

namespace crossfade::test {

class VirtualClock : public Clock {
 public:
  explicit VirtualClock(TimePoint start) : now_(start) {}
  TimePoint now() const override { return now_; }
  TimerId callAt(TimePoint when, std::move_only_function<void()> fire) override {
    timers_.emplace(std::pair(std::max(when, now_), ++last_), std::move(fire));
    return last_;
  }
  void cancel(TimerId timer) override {
    for (auto it = timers_.begin(); it != timers_.end(); ++it) {
      if (it->first.second == timer) {
        auto dropped = timers_.extract(it);
        return;
      }
    }
  }
  std::optional<TimePoint> next() const {
    if (timers_.empty()) return std::nullopt;
    return timers_.begin()->first.first;
  }
  // Moves to the next timer and fires it.
  void step() {
    auto node = timers_.extract(timers_.begin());
    now_ = node.key().first;
    node.mapped()();
  }
  void advanceTo(TimePoint when) { now_ = std::max(now_, when); }

 private:
  TimePoint now_;
  TimerId last_ = 0;
  std::map<std::pair<TimePoint, TimerId>, std::move_only_function<void()>> timers_;
};

class VirtualLoop {
 public:
  // Starts at 2024-01-01T00:00:00Z.
  VirtualLoop() : clock_(TimePoint(std::chrono::sys_days(std::chrono::year(2024) / 1 / 1))) {}
  // Handlers (and the coroutines in them) go before the clock that they refer to.
  ~VirtualLoop() { io_.reset(); }

  Clock& clock() { return clock_; }
  Executor executor() { return io_->get_executor(); }
  void spawn(Task<> task) { crossfade::spawn(executor(), std::move(task)); }

  // Runs what is ready without moving the clock.
  void settle() {
    io_->restart();
    while (io_->poll() > 0) {
    }
  }
  // Lets `duration` pass; every timer within it fires at its moment.
  void run(Duration duration) {
    const TimePoint end = clock_.now() + duration;
    settle();
    while (clock_.next() && *clock_.next() <= end) {
      clock_.step();
      settle();
    }
    clock_.advanceTo(end);
  }
  // Runs until the task is done, at most `limit` of virtual time; empty when it did not finish.
  template <class T>
  std::optional<T> get(Task<T> task, Duration limit = hours(24)) {
    auto result = std::make_shared<std::optional<T>>();
    spawn(store(std::move(task), result));
    const TimePoint end = clock_.now() + limit;
    settle();
    while (!*result && clock_.next() && *clock_.next() <= end) {
      clock_.step();
      settle();
    }
    return std::move(*result);
  }

 private:
  template <class T>
  static Task<> store(Task<T> task, std::shared_ptr<std::optional<T>> result) {
    result->emplace(co_await std::move(task));
  }
  VirtualClock clock_;
  std::unique_ptr<boost::asio::io_context> io_ = std::make_unique<boost::asio::io_context>();
};

}  // namespace crossfade::test
