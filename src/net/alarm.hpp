// A limit on a wait: does something at a moment unless it was destroyed before.
#pragma once
#include <functional>
#include <memory>

#include "base/clock.hpp"

namespace crossfade::net {

// Lives in the frame of the coroutine that waits. May be destroyed after its clock: at the end of a program the last
// coroutines are unwound by the event loop.
class Alarm {
 public:
  // Calls `fire` at `when`; never for TimePoint::max().
  Alarm(Clock& clock, TimePoint when, std::move_only_function<void()> fire) : clock_(clock) {
    if (when == TimePoint::max()) return;
    auto token = std::make_shared<char>();
    pending_ = token;
    timer_ = clock.callAt(when, [token = std::move(token), fire = std::move(fire)]() mutable { fire(); });
  }
  ~Alarm() {
    // The clock destroys the callback, and with it the token, when it fires, is cleared or ends.
    if (!pending_.expired()) clock_.cancel(timer_);
  }
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

 private:
  Clock& clock_;
  Clock::TimerId timer_ = 0;
  std::weak_ptr<char> pending_;
};

// The moment `duration` from now; TimePoint::max() when that is beyond it.
inline TimePoint after(const Clock& clock, Duration duration) {
  const TimePoint now = clock.now();
  return duration > TimePoint::max() - now ? TimePoint::max() : now + duration;
}

}  // namespace crossfade::net
