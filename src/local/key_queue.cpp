#include "local/key_queue.hpp"

namespace crossfade::local {

namespace {

constexpr Duration first_retry = milliseconds(100);
constexpr Duration last_retry = minutes(5);
constexpr int most_doublings = 12;  // 100 ms << 12 is beyond five minutes

}  // namespace

KeyQueue::KeyQueue(Clock& clock, std::function<void(const std::string& key)> work)
    : clock_(clock), work_(std::move(work)), step_timer_(clock), later_timer_(clock) {}

void KeyQueue::add(const std::string& key) {
  if (!queued_.insert(key).second) return;
  ready_.push_back(key);
  if (!step_timer_.pending()) step_timer_.setAt(clock_.now(), [this] { step(); });
}

void KeyQueue::addAt(const std::string& key, TimePoint when) {
  if (when <= clock_.now()) return add(key);
  if (const auto known = later_keys_.find(key); known != later_keys_.end()) {
    if (known->second <= when) return;
    later_.erase({known->second, key});
    known->second = when;
  } else {
    later_keys_.emplace(key, when);
  }
  later_.emplace(when, key);
  armLater();
}

void KeyQueue::retry(const std::string& key) {
  const int failures = failures_[key]++;
  addAt(key, clock_.now() + std::min(first_retry * (1 << std::min(failures, most_doublings)), last_retry));
}

void KeyQueue::step() {
  const std::string key = std::move(ready_.front());
  ready_.pop_front();
  queued_.erase(key);
  if (!ready_.empty()) step_timer_.setAt(clock_.now(), [this] { step(); });
  work_(key);
}

void KeyQueue::armLater() {
  if (later_.empty()) return;
  later_timer_.setAt(later_.begin()->first, [this] {
    while (!later_.empty() && later_.begin()->first <= clock_.now()) {
      const std::string key = later_.begin()->second;
      later_.erase(later_.begin());
      later_keys_.erase(key);
      add(key);
    }
    armLater();
  });
}

}  // namespace crossfade::local
