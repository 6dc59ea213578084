#include "kube/work_queue.hpp"

#include <algorithm>
#include <deque>
#include <exception>
#include <unordered_map>

#include "base/log.hpp"

namespace crossfade::kube {

namespace {

constexpr Duration first_backoff = milliseconds(1);

Duration backoffAfter(int failures, Duration limit) {
  // 2^20 ms is far beyond any limit, and far from an overflow.
  return std::min<Duration>(first_backoff * (1LL << std::min(failures - 1, 20)), limit);
}

}  // namespace

struct WorkQueue::Impl : std::enable_shared_from_this<Impl> {
  // What is known of a key that waits, runs, is due some day, or failed lately.
  struct Item {
    bool waiting = false;  // it is in `ready`, or in `urgent` too
    bool urgent = false;   // it waits in `urgent`, or will when it has run
    bool running = false;
    bool urgent_slot = false;             // it runs in one
    bool again = false;                   // added while it ran
    int failures = 0;                     // in a row
    std::optional<TimePoint> asked;       // the earliest addAt
    std::optional<TimePoint> planned;     // what the last run wanted; the next one plans anew
    std::optional<Clock::TimerId> timer;  // derived: fires at the earlier of the two
    TimePoint since;                      // when it began to wait, or to run

    bool idle() const { return !waiting && !running && failures == 0 && !asked && !planned; }
  };

  Impl(Executor executor, Clock& clock, int slots, Worker worker, Duration max_backoff)
      : executor(std::move(executor)),
        clock(clock),
        slots(slots),
        worker(std::move(worker)),
        max_backoff(max_backoff),
        ended(clock) {}

  void add(const std::string& key, bool urgently = false) {
    if (draining) return;
    Item& item = items[key];
    if (item.waiting) {
      if (urgently && !std::exchange(item.urgent, true)) urgent.push_back(key);
      return;
    }
    if (observer.added) observer.added();
    item.urgent |= urgently;
    if (item.running) {
      item.again = true;
      return;
    }
    enqueue(key, item);
    dispatch();
  }

  void enqueue(const std::string& key, Item& item) {
    item.waiting = true;
    item.since = clock.now();
    ++waiting;
    (item.urgent ? urgent : ready).push_back(key);
  }

  // The next key that waits in a lane. One that became urgent stands in both: its place in `ready` is passed over.
  std::optional<std::string> next(bool urgently) {
    std::deque<std::string>& lane = urgently ? urgent : ready;
    while (!lane.empty()) {
      std::string key = std::move(lane.front());
      lane.pop_front();
      const auto found = items.find(key);
      if (found != items.end() && found->second.waiting && found->second.urgent == urgently) return key;
    }
    return std::nullopt;
  }

  // A key whose work is done at once comes back here from begin(): the loop that began it goes on, or a long line of
  // such keys would pile up on the stack.
  void dispatch() {
    if (dispatching) return;
    dispatching = true;
    while (beginNext(true) || beginNext(false)) {
    }
    dispatching = false;
  }

  bool beginNext(bool urgently) {
    int& taken = urgently ? running_urgently : running;
    if (!started || draining || taken >= slots) return false;
    std::optional<std::string> key = next(urgently);
    if (!key) return false;
    ++taken;
    begin(std::move(*key), urgently);
    return true;
  }

  void begin(std::string key, bool urgently) {
    Item& item = items[key];
    const TimePoint now = clock.now();
    if (observer.started) observer.started(now - item.since);
    --waiting;
    item.waiting = false;
    item.urgent = false;
    item.running = true;
    item.urgent_slot = urgently;
    item.since = now;
    item.planned.reset();
    if (item.asked && *item.asked <= now) item.asked.reset();
    setTimer(key, item);
    spawn(executor, run(shared_from_this(), std::move(key)));
  }

  static Task<> run(std::shared_ptr<Impl> self, std::string key) {
    Outcome outcome{.failed = true, .again_after = std::nullopt};
    try {
      Task<Outcome> work = self->worker(key);
      outcome = co_await std::move(work);
    } catch (const std::exception& error) {
      // One key's bug must not end the work on all others.
      log::error("bug: {}: recovered from an exception: {}", key, error.what());
      if (self->observer.threw) self->observer.threw(key);
    }
    self->finish(key, outcome);
  }

  void finish(const std::string& key, const Outcome& outcome) {
    Item& item = items[key];
    const TimePoint now = clock.now();
    if (observer.finished) observer.finished(now - item.since);
    --(item.urgent_slot ? running_urgently : running);
    item.running = false;
    if (outcome.again_after) item.planned = now + *outcome.again_after;
    if (outcome.failed) {
      if (observer.retried) observer.retried();
      const TimePoint retry = now + backoffAfter(++item.failures, max_backoff);
      item.planned = std::min(item.planned.value_or(retry), retry);
    } else {
      item.failures = 0;
    }
    if (std::exchange(item.again, false) && !draining) enqueue(key, item);
    setTimer(key, item);
    dropIfIdle(key);
    if (draining) ended.notify();
    dispatch();
  }

  void setTimer(const std::string& key, Item& item) {
    if (item.timer) clock.cancel(*item.timer);
    item.timer.reset();
    if (draining || (!item.asked && !item.planned)) return;
    const TimePoint due = std::min(item.asked.value_or(TimePoint::max()), item.planned.value_or(TimePoint::max()));
    item.timer = clock.callAt(due, [weak = weak_from_this(), key] {
      if (const auto self = weak.lock()) self->fire(key);
    });
  }

  void fire(const std::string& key) {
    Item& item = items[key];
    const TimePoint now = clock.now();
    item.timer.reset();
    if (item.asked && *item.asked <= now) item.asked.reset();
    if (item.planned && *item.planned <= now) item.planned.reset();
    setTimer(key, item);
    add(key);
  }

  void dropIfIdle(const std::string& key) {
    const auto found = items.find(key);
    if (found != items.end() && found->second.idle()) items.erase(found);
  }

  bool dispatching = false;
  const Executor executor;
  Clock& clock;
  const int slots;
  const Worker worker;
  const Duration max_backoff;
  Observer observer;
  Signal ended;  // a run has ended while draining
  bool started = false;
  bool draining = false;
  int running = 0, running_urgently = 0;
  std::unordered_map<std::string, Item> items;
  std::deque<std::string> urgent, ready;  // in the order of their arrival; see next()
  std::size_t waiting = 0;
};

WorkQueue::WorkQueue(Executor executor, Clock& clock, int slots, Worker worker, Duration max_backoff)
    : impl_(std::make_shared<Impl>(std::move(executor), clock, slots, std::move(worker), max_backoff)) {}

WorkQueue::~WorkQueue() {
  impl_->draining = true;
  for (auto& [key, item] : impl_->items) impl_->setTimer(key, item);
}

void WorkQueue::setObserver(Observer observer) { impl_->observer = std::move(observer); }

void WorkQueue::add(std::string key) { impl_->add(key); }
void WorkQueue::addUrgent(std::string key) { impl_->add(key, true); }

void WorkQueue::addAt(std::string key, TimePoint when) {
  if (impl_->draining) return;
  if (when <= impl_->clock.now()) return impl_->add(key);
  Impl::Item& item = impl_->items[key];
  if (item.asked && *item.asked <= when) return;
  item.asked = when;
  impl_->setTimer(key, item);
}

void WorkQueue::forget(std::string_view key) {
  const auto found = impl_->items.find(std::string(key));
  if (found == impl_->items.end()) return;
  Impl::Item& item = found->second;
  item.failures = 0;
  item.asked.reset();
  item.planned.reset();
  impl_->setTimer(found->first, item);
  if (item.idle()) impl_->items.erase(found);
}

void WorkQueue::start() {
  impl_->started = true;
  impl_->dispatch();
}

Task<> WorkQueue::drain() {
  const std::shared_ptr<Impl> impl = impl_;
  impl->draining = true;
  for (auto& [key, item] : impl->items) impl->setTimer(key, item);
  impl->urgent.clear();
  impl->ready.clear();
  impl->waiting = 0;
  while (impl->running + impl->running_urgently > 0) co_await impl->ended.wait();
}

std::size_t WorkQueue::depth() const { return impl_->waiting; }
bool WorkQueue::urgentWaits() const { return !impl_->urgent.empty(); }
std::size_t WorkQueue::running() const {
  return static_cast<std::size_t>(impl_->running) + static_cast<std::size_t>(impl_->running_urgently);
}

Duration WorkQueue::longestRunning() const {
  Duration longest{0};
  for (const auto& [key, item] : impl_->items) {
    if (item.running) longest = std::max(longest, impl_->clock.now() - item.since);
  }
  return longest;
}

Duration WorkQueue::totalRunning() const {
  Duration total{0};
  for (const auto& [key, item] : impl_->items) {
    if (item.running) total += impl_->clock.now() - item.since;
  }
  return total;
}

}  // namespace crossfade::kube
