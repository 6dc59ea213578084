// The keys ("namespace/name") that one controller has to look at. Duplicates are merged; each key is a step of its own,
// a moment (a timer at `now`) after its cause, so that nothing happens within a commit and no step is longer than one
// object.
#pragma once
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "base/clock.hpp"
#include "local/timer.hpp"

namespace crossfade::local {

class KeyQueue {
 public:
  // `work` may add keys, its own too. The clock outlives the queue.
  KeyQueue(Clock& clock, std::function<void(const std::string& key)> work);

  void add(const std::string& key);
  // Also at `when`. Of several moments asked for one key the earliest counts.
  void addAt(const std::string& key, TimePoint when);
  // Again after a failure: 100 ms, doubling to 5 minutes.
  void retry(const std::string& key);
  // The key did well, or is gone: the next failure starts small.
  void forget(const std::string& key) { failures_.erase(key); }

 private:
  void step();
  void armLater();

  Clock& clock_;
  std::function<void(const std::string&)> work_;
  std::deque<std::string> ready_;
  std::unordered_set<std::string> queued_;                 // those of ready_
  std::set<std::pair<TimePoint, std::string>> later_;      // by moment
  std::unordered_map<std::string, TimePoint> later_keys_;  // the same, by key
  std::unordered_map<std::string, int> failures_;
  Timer step_timer_, later_timer_;
};

}  // namespace crossfade::local
