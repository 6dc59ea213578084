// Time that jumps: coroutines run until all of them wait, then time moves to the next timer. For tests and the
// simulator.
//
// Several clocks may share one time (`VirtualTime`), each with timers of its own, so that one program of several in a
// loop can be killed (its clock cleared) while the others live on.
#pragma once
#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/clock.hpp"

namespace crossfade {

class VirtualClock;

// The moment, and the clocks that tell it. Outlives them.
class VirtualTime {
 public:
  explicit VirtualTime(TimePoint start) : now_(start) {}
  TimePoint now() const { return now_; }
  // The next moment at which something happens on any clock; empty when nothing ever will.
  std::optional<TimePoint> next() const;
  // Moves to the next timer and fires it. Timers due at the same moment fire in the order in which they were set.
  void step();
  void advanceTo(TimePoint when) { now_ = std::max(now_, when); }

 private:
  friend class VirtualClock;
  VirtualClock* earliest() const;
  TimePoint now_;
  Clock::TimerId last_ = 0;
  std::vector<VirtualClock*> clocks_;
};

class VirtualClock : public Clock {
 public:
  explicit VirtualClock(VirtualTime& time) : time_(time) { time.clocks_.push_back(this); }
  ~VirtualClock() override { std::erase(time_.clocks_, this); }
  VirtualClock(const VirtualClock&) = delete;
  VirtualClock& operator=(const VirtualClock&) = delete;

  TimePoint now() const override { return time_.now_; }
  TimerId callAt(TimePoint when, std::move_only_function<void()> fire) override {
    const TimerId id = ++time_.last_;
    const auto key = std::pair(std::max(when, time_.now_), id);
    timers_.emplace(key, std::move(fire));
    keys_.emplace(id, key.first);
    return id;
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
  bool idle() const { return timers_.empty(); }

 private:
  friend class VirtualTime;
  std::optional<std::pair<TimePoint, TimerId>> first() const {
    if (timers_.empty() || timers_.begin()->first.first == TimePoint::max()) return std::nullopt;
    return timers_.begin()->first;
  }
  void fire() {
    auto node = timers_.extract(timers_.begin());
    keys_.erase(node.key().second);
    node.mapped()();
  }

  VirtualTime& time_;
  std::map<std::pair<TimePoint, TimerId>, std::move_only_function<void()>> timers_;
  std::map<TimerId, TimePoint> keys_;
};

inline VirtualClock* VirtualTime::earliest() const {
  VirtualClock* found = nullptr;
  for (VirtualClock* clock : clocks_) {
    if (clock->first() && (found == nullptr || *clock->first() < *found->first())) found = clock;
  }
  return found;
}

inline std::optional<TimePoint> VirtualTime::next() const {
  const VirtualClock* clock = earliest();
  return clock == nullptr ? std::nullopt : std::optional(clock->first()->first);
}

inline void VirtualTime::step() {
  VirtualClock* clock = earliest();
  now_ = clock->first()->first;
  clock->fire();
}

// An event loop under a virtual clock.
class VirtualLoop {
 public:
  // Starts at 2024-01-01T00:00:00Z.
  VirtualLoop() : time_(TimePoint(std::chrono::sys_days(std::chrono::year(2024) / 1 / 1))), clock_(time_) {}
  ~VirtualLoop() { kill(); }

  // Destroys every coroutine that waits on the loop's own clock (see Clock::clear). Call it before destroying what they
  // refer to.
  void kill() { kill(clock_); }
  // The same for another clock of this time. What was just being resumed gets to its next wait first.
  void kill(VirtualClock& clock) {
    constexpr int rounds = 1000;
    clock.clear();
    settle();
    for (int round = 0; round < rounds && !clock.idle(); ++round) {
      clock.clear();
      settle();
    }
  }

  VirtualTime& time() { return time_; }
  const VirtualTime& time() const { return time_; }
  Clock& clock() { return clock_; }
  Executor executor() { return io_->get_executor(); }
  void spawn(Task<> task) { crossfade::spawn(executor(), std::move(task)); }

  // Runs what is ready without moving the clock.
  void settle() {
    io_->restart();
    while (io_->poll() > 0) {
    }
  }
  // Moves to the next timer and runs what follows from it; false when there is none until `end`.
  bool stepUntil(TimePoint end) {
    const std::optional<TimePoint> next = time_.next();
    if (!next || *next > end) return false;
    time_.step();
    settle();
    return true;
  }
  // Lets `duration` pass; every timer within it fires at its moment.
  void run(Duration duration) {
    const TimePoint end = time_.now() + duration;
    settle();
    while (stepUntil(end)) {
    }
    time_.advanceTo(end);
  }
  // Runs until the task is done, at most `limit` of virtual time; empty when it did not finish.
  template <class T>
  std::optional<T> get(Task<T> task, Duration limit = hours(24)) {
    auto result = std::make_shared<std::optional<T>>();
    spawn(store(std::move(task), result));
    const TimePoint end = time_.now() + limit;
    settle();
    while (!*result && stepUntil(end)) {
    }
    return std::move(*result);
  }

 private:
  template <class T>
  static Task<> store(Task<T> task, std::shared_ptr<std::optional<T>> result) {
    result->emplace(co_await std::move(task));
  }
  VirtualTime time_;
  VirtualClock clock_;
  std::unique_ptr<boost::asio::io_context> io_ = std::make_unique<boost::asio::io_context>();
};

}  // namespace crossfade
