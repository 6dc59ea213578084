// Idle connections to one place, kept for the next request.
#pragma once
#include <deque>
#include <memory>
#include <optional>

#include "base/clock.hpp"
#include "net/alarm.hpp"

namespace crossfade::net {

class Wire;

class Pool {
 public:
  explicit Pool(Clock& clock) : clock_(clock) {}
  // A connection that nobody uses and that the peer has not closed as far as we know; null when there is none.
  std::shared_ptr<Wire> take();
  // Keeps a connection for 90 s, unless 100 are idle already.
  void give(std::shared_ptr<Wire> wire);
  bool empty() const { return idle_.empty(); }

 private:
  struct Idle {
    std::shared_ptr<Wire> wire;
    TimePoint until;
  };

  void closeExpired();

  Clock& clock_;
  std::deque<Idle> idle_;       // the longest idle first
  std::optional<Alarm> alarm_;  // for the first of them; may be spent
};

}  // namespace crossfade::net
