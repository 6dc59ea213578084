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
    const auto [entry, fresh] = timers_.emplace(std::pair(std::max(when, now_), ++last_), std::move(fire));
    keys_.emplace(last_, entry->first.first);
    return last_;
  }
  void cancel(TimerId timer) override {
    const auto key = keys_.find(timer);
    if (key == keys_.end()) return;
    auto dropped = timers_.extract({key->second, timer});
    keys_.erase(timer);
  }
  void clear() override {
    const auto dropped = std::move(timers_);
    timers_.clear();
    keys_.clear();
  }
  // The next moment at which something happens; empty when nothing ever will.
  std::optional<TimePoint> next() const {
    if (timers_.empty() || timers_.begin()->first.first == TimePoint::max()) return std::nullopt;
    return timers_.begin()->first.first;
  }
  // Moves to the next timer and fires it.
  void step() {
    auto node = timers_.extract(timers_.begin());
    keys_.erase(node.key().second);
    now_ = node.key().first;
    node.mapped()();
  }
  void advanceTo(TimePoint when) { now_ = std::max(now_, when); }

 private:
  TimePoint now_;
  TimerId last_ = 0;
  std::map<std::pair<TimePoint, TimerId>, std::move_only_function<void()>> timers_;
  std::map<TimerId, TimePoint> keys_;
};

class VirtualLoop {
 public:
  // Starts at 2024-01-01T00:00:00Z.
  VirtualLoop() : clock_(TimePoint(std::chrono::sys_days(std::chrono::year(2024) / 1 / 1))) {}
  ~VirtualLoop() { kill(); }

  // Destroys every coroutine that waits (see Clock::clear). Call it before destroying what they refer to.
  void kill() {
    clock_.clear();
    settle();
  }

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
