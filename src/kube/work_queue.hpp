// Delays and deduplicates keys, and runs a worker for each, never twice at once for one key. spec/02 §2.2.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/async.hpp"
#include "base/clock.hpp"

namespace crossfade::kube {

class WorkQueue {
 public:
  // What a worker says about its key when it is done.
  struct Outcome {
    bool failed = false;                  // again after back-off: 1 ms doubling to `max_backoff` per key
    std::optional<Duration> again_after;  // again no later than this (kept beside a failure's back-off)
  };
  using Worker = std::function<Task<Outcome>(std::string key)>;

  // Told for metrics; every member may be empty.
  struct Observer {
    std::function<void()> added, retried;
    std::function<void(Duration waited)> started;
    std::function<void(Duration worked)> finished;
    std::function<void(const std::string& key)> threw;  // a worker ended by an exception: a bug
  };

  // At most `slots` keys run at once, urgent ones not counted. `clock` outlives the queue.
  WorkQueue(Executor executor, Clock& clock, int slots, Worker worker, Duration max_backoff = seconds(10));
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;

  void setObserver(Observer observer);
  // As soon as a slot is free; while the key runs: once more when it ends. Ignored after drain().
  void add(std::string key);
  // The same, before all that were only added, and in slots of its own (as many again): somebody waits for it.
  void addUrgent(std::string key);
  // At `when`, or earlier when something else asks so: per key the earliest of all pending times counts.
  void addAt(std::string key, TimePoint when);
  // The object is gone: pending times and the back-off counter are forgotten.
  void forget(std::string_view key);
  // Workers start only now; keys may be added before.
  void start();
  // Starts nothing new; returns when what runs has ended.
  Task<> drain();

  std::size_t depth() const;  // waiting to run now
  bool urgentWaits() const;
  std::size_t running() const;
  Duration longestRunning() const;
  Duration totalRunning() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace crossfade::kube
