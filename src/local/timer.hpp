// One timer that dies with its owner. The clock outlives it.
#pragma once
#include <functional>
#include <optional>

#include "base/clock.hpp"

namespace crossfade::local {

class Timer {
 public:
  explicit Timer(Clock& clock) : clock_(clock) {}
  ~Timer() { cancel(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Replaces what was set before. `fire` may set the timer again, or destroy it.
  void setAt(TimePoint when, std::move_only_function<void()> fire) {
    cancel();
    id_ = clock_.callAt(when, [this, fire = std::move(fire)]() mutable {
      id_.reset();
      fire();
    });
  }
  void setAfter(Duration delay, std::move_only_function<void()> fire) { setAt(clock_.now() + delay, std::move(fire)); }
  void cancel() {
    if (id_) clock_.cancel(*std::exchange(id_, std::nullopt));
  }
  bool pending() const { return id_.has_value(); }

 private:
  Clock& clock_;
  std::optional<Clock::TimerId> id_;
};

}  // namespace crossfade::local
