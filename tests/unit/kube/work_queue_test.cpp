// spec/02 §2.2 and §18.3.
#include "kube/work_queue.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "support/virtual_clock.hpp"

namespace crossfade::kube {
namespace {

using namespace std::chrono_literals;

class WorkQueueTest : public testing::Test {
 protected:
  struct Run {
    std::string key;
    Duration at;  // since the start
    bool operator==(const Run&) const = default;
  };

  void make(int slots, Duration max_backoff = seconds(10)) {
    queue = std::make_unique<WorkQueue>(
        loop.executor(), loop.clock(), slots, [this](std::string key) { return work(this, std::move(key)); },
        max_backoff);
  }
  static Task<WorkQueue::Outcome> work(WorkQueueTest* test, std::string key) {
    test->runs.push_back({key, test->loop.clock().now() - test->began});
    EXPECT_EQ(test->running_keys.count(key), 0U) << key << " runs twice at once";
    test->running_keys.insert(key);
    test->most_running = std::max(test->most_running, test->running_keys.size());
    if (test->takes > Duration(0)) co_await sleepFor(test->loop.clock(), test->takes);
    test->running_keys.erase(key);
    if (test->throws) throw std::runtime_error("a bug");
    co_return test->outcome;
  }
  std::vector<Duration> times() const {
    std::vector<Duration> all;
    for (const Run& run : runs) all.push_back(run.at);
    return all;
  }

  test::VirtualLoop loop;
  const TimePoint began = loop.clock().now();
  std::vector<Run> runs;
  std::set<std::string> running_keys;
  std::size_t most_running = 0;
  Duration takes{0};
  bool throws = false;
  WorkQueue::Outcome outcome;
  std::unique_ptr<WorkQueue> queue;

  ~WorkQueueTest() override { loop.kill(); }
};

// A restart looks at everything there is, and mostly nothing is to be done: each key ends at once.
TEST_F(WorkQueueTest, ManyKeysThatAreDoneAtOnce) {
  make(1);
  constexpr std::size_t many = 50000;
  for (std::size_t i = 0; i < many; ++i) queue->add(std::to_string(i));
  queue->start();
  loop.settle();
  EXPECT_EQ(runs.size(), many);
}

TEST_F(WorkQueueTest, KeysAddedBeforeStartRunOnceEachInOrder) {
  make(1);
  for (const char* key : {"a", "b", "a", "c", "b"}) queue->add(key);
  loop.settle();
  EXPECT_TRUE(runs.empty());
  EXPECT_EQ(queue->depth(), 3U);
  queue->start();
  loop.settle();
  EXPECT_EQ(runs, (std::vector<Run>{{"a", 0ms}, {"b", 0ms}, {"c", 0ms}}));
  EXPECT_EQ(queue->depth(), 0U);
}

TEST_F(WorkQueueTest, AKeyAddedWhileItRunsRunsOnceMoreAfterwards) {
  make(4);
  takes = 10s;
  queue->start();
  queue->add("a");
  loop.run(1s);
  queue->add("a");
  queue->add("a");
  EXPECT_EQ(queue->running(), 1U);
  EXPECT_EQ(queue->longestRunning(), 1s);
  loop.run(1min);
  EXPECT_EQ(runs, (std::vector<Run>{{"a", 0ms}, {"a", 10s}}));
}

TEST_F(WorkQueueTest, UrgentKeysOvertakeAndHaveSlotsOfTheirOwn) {
  make(1);
  takes = 2s;
  for (const char* key : {"a", "b", "c"}) queue->add(key);
  queue->addUrgent("d");
  queue->addUrgent("c");
  EXPECT_TRUE(queue->urgentWaits());
  EXPECT_EQ(queue->depth(), 4U);
  queue->start();
  loop.run(1s);
  EXPECT_EQ(queue->running(), 2U);
  queue->addUrgent("d");  // runs just now
  queue->add("c");        // waits already
  loop.run(1min);
  EXPECT_EQ(runs, (std::vector<Run>{{"d", 0s}, {"a", 0s}, {"c", 2s}, {"b", 2s}, {"d", 4s}}));
  EXPECT_FALSE(queue->urgentWaits());
  EXPECT_EQ(queue->depth(), 0U);
  queue->add("c");
  queue->add("a");
  loop.run(1min);
  EXPECT_EQ(runs.size(), 7U);
}

TEST_F(WorkQueueTest, AtMostSlotsRunAtOnce) {
  make(3);
  takes = 1s;
  for (int i = 0; i < 10; ++i) queue->add("key" + std::to_string(i));
  queue->start();
  loop.run(500ms);
  EXPECT_EQ(queue->running(), 3U);
  EXPECT_EQ(queue->depth(), 7U);
  EXPECT_EQ(queue->totalRunning(), 1500ms);
  loop.run(1min);
  EXPECT_EQ(runs.size(), 10U);
  EXPECT_EQ(most_running, 3U);
}

// spec/02 §18.3 #1: consecutive failures wait 1, 2, 4 … 8192 ms, then 10 s.
TEST_F(WorkQueueTest, FailuresBackOff) {
  make(1);
  outcome.failed = true;
  queue->start();
  queue->add("a");
  loop.run(1min);
  std::vector<Duration> expected{0ms};
  for (int n = 0; n <= 13; ++n) expected.push_back(expected.back() + milliseconds(1 << n));
  for (int n = 0; n < 4; ++n) expected.push_back(expected.back() + seconds(10));
  EXPECT_EQ(times(), expected);
}

TEST_F(WorkQueueTest, ASuccessAndForgetResetTheBackOff) {
  make(1);
  outcome.failed = true;
  queue->start();
  queue->add("a");
  loop.run(1000ms);  // 0, 1, 3, … 511 ms; the next is due at 1023
  EXPECT_EQ(runs.size(), 10U);
  outcome.failed = false;
  loop.run(100ms);
  runs.clear();
  outcome.failed = true;
  queue->add("a");
  loop.run(2ms);
  EXPECT_EQ(times(), (std::vector<Duration>{1100ms, 1101ms}));
  queue->forget("a");
  loop.run(1min);
  EXPECT_EQ(runs.size(), 2U);  // the pending try is forgotten too
  queue->add("a");
  loop.run(2ms);
  EXPECT_EQ(runs.size(), 4U);
  EXPECT_EQ(runs[3].at - runs[2].at, 1ms);
}

// spec/02 §18.3 #2: addAfter 30 s, then 5 s, then 60 s fires once, at 5 s.
TEST_F(WorkQueueTest, TheEarliestTimeCounts) {
  make(1);
  queue->start();
  for (const Duration delay : {Duration(30s), Duration(5s), Duration(60s)}) queue->addAt("a", began + delay);
  loop.run(5min);
  EXPECT_EQ(runs, (std::vector<Run>{{"a", 5s}}));
}

TEST_F(WorkQueueTest, APastTimeMeansNow) {
  make(1);
  queue->start();
  queue->addAt("a", began - 1s);
  loop.settle();
  EXPECT_EQ(runs, (std::vector<Run>{{"a", 0s}}));
}

// spec/02 §18.3 #3: a stale cache is asked again after 100 ms, without counting as a failure.
TEST_F(WorkQueueTest, AgainAfterIsNoFailure) {
  make(1);
  outcome.again_after = 100ms;
  queue->start();
  queue->add("a");
  loop.run(350ms);
  EXPECT_EQ(times(), (std::vector<Duration>{0ms, 100ms, 200ms, 300ms}));
}

TEST_F(WorkQueueTest, AFailureIsTriedEarlierThanItsPlan) {
  make(1);
  outcome = {.failed = true, .again_after = 3ms};
  queue->start();
  queue->add("a");
  loop.run(12ms);
  // Back-off 1, 2, then 4 and more: the plan's 3 ms are earlier.
  EXPECT_EQ(times(), (std::vector<Duration>{0ms, 1ms, 3ms, 6ms, 9ms, 12ms}));
}

// A steady cluster has no idle wake-ups: what a run planned is void once a later run plans anew.
TEST_F(WorkQueueTest, ALaterRunReplacesThePlanOfAnEarlierOne) {
  make(1);
  outcome.again_after = 1h;
  queue->start();
  queue->add("a");
  loop.run(10min);
  outcome.again_after.reset();
  queue->add("a");
  loop.run(24h);
  EXPECT_EQ(times(), (std::vector<Duration>{0s, 10min}));
}

TEST_F(WorkQueueTest, ATimeAskedFromOutsideSurvivesARun) {
  make(1);
  queue->start();
  queue->addAt("a", began + 1h);
  queue->add("a");
  loop.run(24h);
  EXPECT_EQ(times(), (std::vector<Duration>{0s, 1h}));
}

// spec/02 §18.3 #4: a handler that throws is logged and tried again; the others go on.
TEST_F(WorkQueueTest, AnExceptionCountsAsAFailure) {
  make(1);
  throws = true;
  std::vector<std::string> threw;
  queue->setObserver({.added = {}, .retried = {}, .started = {}, .finished = {}, .threw = [&](const std::string& key) {
                        threw.push_back(key);
                      }});
  queue->start();
  queue->add("a");
  queue->add("b");
  loop.settle();
  throws = false;
  loop.run(10ms);
  EXPECT_EQ(runs, (std::vector<Run>{{"a", 0ms}, {"b", 0ms}, {"a", 1ms}, {"b", 1ms}}));
  EXPECT_EQ(threw, (std::vector<std::string>{"a", "b"})) << "for the error metric";
}

TEST_F(WorkQueueTest, DrainLetsRunningKeysEndAndStartsNothing) {
  make(2);
  takes = 5s;
  queue->start();
  for (const char* key : {"a", "b", "c"}) queue->add(key);
  queue->addAt("d", began + 1s);
  loop.run(500ms);
  bool drained = false;
  const auto drain = [](WorkQueue& queue, bool& drained) -> Task<> {
    co_await queue.drain();
    drained = true;
  };
  loop.spawn(drain(*queue, drained));
  loop.run(1s);
  EXPECT_FALSE(drained);
  queue->add("e");
  loop.run(1min);
  EXPECT_TRUE(drained);
  EXPECT_EQ(runs.size(), 2U);
  EXPECT_EQ(queue->running(), 0U);
  EXPECT_EQ(queue->depth(), 0U);
}

TEST_F(WorkQueueTest, TellsItsObserver) {
  make(1);
  int added = 0, retried = 0;
  std::vector<Duration> waited, worked;
  queue->setObserver({.added = [&] { ++added; },
                      .retried = [&] { ++retried; },
                      .started = [&](Duration duration) { waited.push_back(duration); },
                      .finished = [&](Duration duration) { worked.push_back(duration); },
                      .threw = {}});
  takes = 2s;
  queue->start();
  queue->add("a");
  queue->add("b");
  loop.run(1s);
  outcome.failed = true;
  loop.run(2s);
  EXPECT_EQ(added, 3);  // the retry is an addition too
  EXPECT_EQ(retried, 1);
  EXPECT_EQ(waited, (std::vector<Duration>{0s, 2s}));
  EXPECT_EQ(worked, (std::vector<Duration>{2s}));
}

TEST_F(WorkQueueTest, CanBeDestroyedWhileKeysRunAndWait) {
  make(1);
  takes = 1s;
  queue->start();
  queue->add("a");
  queue->add("b");
  queue->addAt("c", began + 10s);
  loop.run(500ms);
  queue.reset();
  loop.run(1min);
  EXPECT_EQ(runs.size(), 1U);
}

}  // namespace
}  // namespace crossfade::kube
