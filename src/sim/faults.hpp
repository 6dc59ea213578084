// What may go wrong between the controller and the API server in a simulated world, and how often.
#pragma once
#include <cstdint>

#include "base/time.hpp"

namespace crossfade::sim {

// Probabilities are per request, or per watch event.
struct Faults {
  double lose_request = 0;     // never reaches the server; the client sees a reset
  double lose_answer = 0;      // done by the server, but the client sees a reset
  double conflict = 0;         // of a write: 409, as if somebody else had been faster
  double throttle = 0;         // 429 with Retry-After: 1
  double server_error = 0;     // 500
  double cut_watch = 0;        // the stream ends before this event
  double garble_watch = 0;     // the stream ends in the middle of this event's line
  double late_event = 0;       // the event (and what follows it) comes up to `max_delay` later
  double duplicate_event = 0;  // the event comes twice
  double expire_watch = 0;     // a watch that resumes is told 410
  double kill = 0;    // of a write: the controller dies before it, or after it with the answer lost; a new one follows
  double depose = 0;  // of a write: a second controller starts, and the first lives on for a while, hearing no news
  Duration max_delay = seconds(5);
  Duration latency = milliseconds(2);  // of every request, each way

  static Faults none() { return {}; }
  // All of the above, moderately.
  static Faults usual() {
    Faults faults;
    faults.lose_request = faults.lose_answer = faults.conflict = faults.throttle = faults.server_error = 0.02;
    faults.cut_watch = faults.garble_watch = faults.late_event = faults.duplicate_event = 0.05;
    faults.expire_watch = 0.2;
    faults.kill = faults.depose = 0.01;
    return faults;
  }
};

}  // namespace crossfade::sim
