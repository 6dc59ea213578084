#include "base/clock.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <vector>

#include "support/virtual_clock.hpp"

namespace crossfade {
namespace {

TEST(Clock, SleepersWakeInTheOrderOfTheirMoments) {
  test::VirtualLoop loop;
  std::vector<int> order;
  const auto sleeper = [](Clock& clock, int after, std::vector<int>& log) -> Task<> {
    co_await sleepFor(clock, seconds(after));
    log.push_back(after);
  };
  for (const int after : {3, 1, 2}) loop.spawn(sleeper(loop.clock(), after, order));
  loop.run(seconds(2));
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  loop.run(seconds(5));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(Signal, WakesAllWhoWaitNow) {
  test::VirtualLoop loop;
  Signal signal(loop.clock());
  int woken = 0;
  const auto waiter = [](Signal& signal, int& woken) -> Task<> {
    co_await signal.wait();
    ++woken;
  };
  loop.spawn(waiter(signal, woken));
  loop.spawn(waiter(signal, woken));
  loop.settle();
  signal.notify();
  loop.settle();
  EXPECT_EQ(woken, 2);
}

TEST(Signal, TellsTheDeadlineFromTheCall) {
  test::VirtualLoop loop;
  Signal signal(loop.clock());
  EXPECT_EQ(loop.get(signal.waitUntil(loop.clock().now() + seconds(1))), false);
  loop.clock().callAt(loop.clock().now() + seconds(1), [&] { signal.notify(); });
  EXPECT_EQ(loop.get(signal.waitUntil(loop.clock().now() + seconds(2))), true);
}

TEST(Signal, DestroysItsWaitersWithItself) {
  test::VirtualLoop loop;
  auto signal = std::make_unique<Signal>(loop.clock());
  auto alive = std::make_shared<int>(1);
  const auto waiter = [](Signal& signal, std::shared_ptr<int> held) -> Task<> {
    co_await signal.wait();
    ++*held;
  };
  loop.spawn(waiter(*signal, alive));
  loop.settle();
  EXPECT_EQ(alive.use_count(), 2);
  signal.reset();
  loop.settle();
  EXPECT_EQ(alive.use_count(), 1);
}

TEST(SystemClock, FiresInOrderAndForgetsTheCancelled) {
  boost::asio::io_context io;
  const auto clock = makeSystemClock(io.get_executor());
  std::vector<int> order;
  const TimePoint now = clock->now();
  clock->callAt(now + milliseconds(20), [&] { order.push_back(2); });
  clock->callAt(now + milliseconds(10), [&] { order.push_back(1); });
  const auto dropped = clock->callAt(now + milliseconds(15), [&] { order.push_back(9); });
  clock->cancel(dropped);
  io.run();
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

}  // namespace
}  // namespace crossfade
