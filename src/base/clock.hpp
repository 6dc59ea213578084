// The one door to time. The controller, the local cluster and the tests all ask a Clock; only `SystemClock` and the
// simulator's clock know where time comes from.
#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/async.hpp"
#include "base/time.hpp"

namespace crossfade {

// Not thread safe: a Clock belongs to one event loop. It outlives everything that holds a reference to it.
class Clock {
 public:
  using TimerId = std::uint64_t;

  virtual ~Clock() = default;

  // The current moment. Never goes backwards within one Clock.
  virtual TimePoint now() const = 0;

  // Calls `fire` once on the event loop, at or after `when` (soon, but never before this call returns, when `when`
  // has passed). Timers due at the same moment fire in the order they were set. The callback is destroyed after it
  // ran or was cancelled.
  virtual TimerId callAt(TimePoint when, std::move_only_function<void()> fire) = 0;

  // Forgets a timer; does nothing if it has fired.
  virtual void cancel(TimerId timer) = 0;

  // Forgets every timer, and with them destroys every coroutine that sleeps here or waits for a Signal. Asio unwinds a
  // destroyed coroutine through its loop, so the way to end a whole program (or to kill one in simulation) is:
  // clock.clear(), let the loop run what is ready, destroy the program's objects, destroy the loop.
  virtual void clear() = 0;
};

// Suspends the calling coroutine until `when`.
Task<> sleepUntil(Clock& clock, TimePoint when);
inline Task<> sleepFor(Clock& clock, Duration duration) { return sleepUntil(clock, clock.now() + duration); }

// Wakes coroutines that wait for something to happen. A wake-up may be spurious: re-check the condition in a loop.
// The waiting coroutines belong to the clock (see Clock::clear), which a Signal must not outlive.
class Signal {
 public:
  explicit Signal(Clock& clock);
  ~Signal();  // coroutines still waiting are destroyed
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  // Wakes everyone who waits now. Does nothing for those who come later.
  void notify();
  // True when notified, false when `deadline` passed first.
  Task<bool> waitUntil(TimePoint deadline);
  // Waits without a limit.
  Task<> wait();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// The machine's clock on an Asio event loop. Never goes backwards, even when the machine's does.
std::unique_ptr<Clock> makeSystemClock(Executor executor);

}  // namespace crossfade
