// One backend's trouble is its own: limits, pauses and rests. spec/08 §1.3, §3.
#include "providers/backends.hpp"

#include <gtest/gtest.h>

#include "providers/backend.hpp"
#include "support/provider_world.hpp"

namespace crossfade::providers {
namespace {

class BackendsTest : public ProviderTest {
 protected:
  // A request to `origin` that runs beside the others; what became of it.
  struct Asked {
    bool done = false;
    Result<net::Response> response = fail(ErrorCode::internal, "");
    TimePoint at{};
  };
  std::shared_ptr<Asked> ask(const std::string& origin, Duration limit = seconds(30)) {
    auto asked = std::make_shared<Asked>();
    loop.spawn(run(backends, loop.clock(), origin, limit, asked));
    loop.settle();
    return asked;
  }
  static Task<> run(Backends& backends, Clock& clock, std::string origin, Duration limit,
                    std::shared_ptr<Asked> asked) {
    BackendRequest request{.url = *net::parseUrl(origin + "/x")};
    asked->response = co_await fetch(backends, clock, std::move(request), clock.now() + limit);
    asked->done = true;
    asked->at = clock.now();
  }

  Backends backends{dialer, loop.clock()};
  static constexpr const char* slow = "http://slow:80";
  static constexpr const char* fast = "http://fast:80";
};

test::ScriptedTransport::Handler answers(int status, net::Headers headers = {}) {
  return [=](const net::Request&) { return net::Response{status, headers, "x", nullptr}; };
}

TEST_F(BackendsTest, ASlowOneDelaysOnlyItsOwn) {
  dialer.at(slow).otherwise(answers(200));
  dialer.at(slow).setLatency(minutes(10));
  dialer.at(fast).otherwise(answers(200));
  std::vector<std::shared_ptr<Asked>> waiting;
  for (int i = 0; i < 100; ++i) waiting.push_back(ask(slow));
  EXPECT_EQ(dialer.at(slow).requests().size(), 32U);
  const auto other = ask(fast);
  EXPECT_TRUE(other->done);
  loop.run(seconds(31));
  for (const auto& one : waiting) {
    EXPECT_TRUE(one->done);
    EXPECT_EQ(one->response.error().message, "Get \"http://slow:80/x\": context deadline exceeded");
  }
  EXPECT_EQ(dialer.at(slow).requests().size(), 32U);
}

TEST_F(BackendsTest, WhoComesLaterWaitsInLine) {
  dialer.at(fast).otherwise(answers(200));
  dialer.at(fast).setLatency(seconds(1));
  std::vector<std::shared_ptr<Asked>> asked;
  for (int i = 0; i < 64; ++i) asked.push_back(ask(fast));
  loop.run(milliseconds(1500));
  EXPECT_TRUE(asked[31]->done);
  EXPECT_FALSE(asked[32]->done);
  loop.run(seconds(1));
  for (const auto& one : asked) EXPECT_TRUE(one->done && one->response);
}

// A body that is still arriving counts.
TEST_F(BackendsTest, ABodyThatArrivesCounts) {
  std::vector<std::shared_ptr<test::ScriptedStream>> streams;
  for (int i = 0; i < 33; ++i) streams.push_back(dialer.at(slow).stream());
  std::vector<std::shared_ptr<Asked>> asked;
  for (int i = 0; i < 33; ++i) asked.push_back(ask(slow));
  EXPECT_EQ(dialer.at(slow).requests().size(), 32U);
  streams[0]->end();
  loop.settle();
  EXPECT_TRUE(asked[0]->done);
  EXPECT_EQ(dialer.at(slow).requests().size(), 33U);
}

TEST_F(BackendsTest, ADeadOneIsAskedRarely) {
  // Many measurements, each made again ten seconds after it failed.
  std::vector<std::shared_ptr<Asked>> asked;
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 200; ++i) asked.push_back(ask(slow, seconds(8)));
    loop.run(seconds(10));
  }
  for (const auto& one : asked) {
    EXPECT_TRUE(one->done);
    EXPECT_EQ(one->response.error().message, "Get \"http://slow:80/x\": connection refused");
  }
  EXPECT_LT(dialer.at(slow).requests().size(), 40U);
  // It is back: the first answer ends it for everybody.
  dialer.at(slow).otherwise(answers(200));
  const std::size_t before = dialer.at(slow).requests().size();
  std::vector<std::shared_ptr<Asked>> then;
  for (int i = 0; i < 20; ++i) then.push_back(ask(slow));
  loop.run(seconds(6));
  for (const auto& one : then) EXPECT_TRUE(one->done && one->response);
  EXPECT_EQ(dialer.at(slow).requests().size(), before + 20);
}

TEST_F(BackendsTest, OneFailureHasNoConsequences) {
  EXPECT_FALSE(ask(fast)->response);
  dialer.at(fast).otherwise(answers(200));
  EXPECT_TRUE(ask(fast)->response);
}

TEST_F(BackendsTest, ARestIsGranted) {
  dialer.at(fast).answer(429, "slow down", {{"Retry-After", "7"}});
  const auto first = ask(fast);
  EXPECT_EQ(first->response->status, 429);
  dialer.at(fast).otherwise(answers(200));
  const auto patient = ask(fast), hasty = ask(fast, seconds(3));
  // Who hasn't got that long needn't wait.
  EXPECT_TRUE(hasty->done);
  EXPECT_EQ(hasty->response.error().message,
            "Get \"http://fast:80/x\": status 429: the backend wants no request before 2024-01-01T00:00:07Z");
  loop.run(seconds(6));
  EXPECT_FALSE(patient->done);
  loop.run(seconds(2));
  EXPECT_TRUE(patient->done && patient->response);
  EXPECT_EQ(patient->at, first->at + seconds(7));
  // A 503 is an answer like any other, unless it says when to come again.
  dialer.at(fast).answer(503, "");
  EXPECT_TRUE(ask(fast)->done);
  EXPECT_TRUE(ask(fast)->done);
}

TEST_F(BackendsTest, ComesBackFromHanging) {
  dialer.at(slow).otherwise(answers(200));
  dialer.at(slow).setLatency(minutes(10));
  for (int i = 0; i < 32; ++i) ask(slow, seconds(10));
  loop.run(seconds(11));
  dialer.at(slow).setLatency(Duration(0));
  const auto next = ask(slow, seconds(10));
  loop.run(seconds(6));
  EXPECT_TRUE(next->done && next->response);
  EXPECT_TRUE(ask(slow)->done);
}

TEST_F(BackendsTest, EndsInTheMiddleOfEverything) {
  dialer.at(slow).setLatency(minutes(10));
  for (int i = 0; i < 40; ++i) ask(slow);
  for (int i = 0; i < 3; ++i) ask(fast);
  dialer.at(fast).answer(429, "", {{"Retry-After", "7"}});
  ask(fast);
  ask(fast);
  loop.kill();
}

}  // namespace
}  // namespace crossfade::providers
