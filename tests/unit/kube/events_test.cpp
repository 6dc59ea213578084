// spec/11 §7.1.
#include "kube/events.hpp"

#include <gtest/gtest.h>

#include "support/scripted_transport.hpp"
#include "support/virtual_clock.hpp"

namespace crossfade::kube {
namespace {

using namespace std::chrono_literals;

class EventsTest : public testing::Test {
 protected:
  EventsTest() {
    transport->otherwise([this](const net::Request& request) { return handle(request); });
  }
  ~EventsTest() override { loop.kill(); }

  // Keeps events by name.
  Result<net::Response> handle(const net::Request& request) {
    if (down) return fail(ErrorCode::unavailable, "connection refused");
    const auto body = parseJson(request.body);
    EXPECT_TRUE(body && body->is_object());
    net::Response response;
    if (request.method == "POST") {
      const std::string name(getString(body->get_object(), {"metadata", "name"}));
      EXPECT_FALSE(stored.contains(name));
      if (!stored.contains(name)) order.push_back(name);
      stored[name] = *body;
    } else {
      const std::string name = request.target.substr(request.target.rfind('/') + 1,
                                                     request.target.find('?') - request.target.rfind('/') - 1);
      EXPECT_EQ(request.method, "PATCH");
      EXPECT_EQ(request.headers.get("Content-Type"), "application/merge-patch+json");
      if (!stored.contains(name)) {
        response.status = 404;
        response.body = R"({"kind":"Status","reason":"NotFound","message":"gone"})";
        return response;
      }
      mergePatch(stored[name], *body);
    }
    response.body = "{}";
    return response;
  }
  // A warning, which is written at once, unless `type` says otherwise.
  void emit(std::string_view message, std::string_view reason = "RolloutUpdated", const std::string& name = "guestbook",
            std::string_view type = "Warning") {
    recorder->emit({.api_version = "argoproj.io/v1alpha1",
                    .kind = "Rollout",
                    .ns = "ns",
                    .name = name,
                    .uid = "u1",
                    .resource_version = "7"},
                   type, reason, message);
    loop.settle();
  }
  void emitNormal(std::string_view message, std::string_view reason = "RolloutUpdated") {
    emit(message, reason, "guestbook", "Normal");
  }
  const json::object& event(std::size_t index) { return stored.at(order.at(index)).get_object(); }
  std::int64_t count(std::size_t index) { return getInt(event(index), {"count"}); }
  std::string message(std::size_t index) { return std::string(getString(event(index), {"message"})); }

  test::VirtualLoop loop;
  std::shared_ptr<test::ScriptedTransport> transport = std::make_shared<test::ScriptedTransport>(loop.clock());
  Client client{transport, loop.clock(), Config{}, "test"};
  Random random{1};
  std::optional<EventRecorder> recorder{std::in_place, client, loop.executor(), random, "rollouts-controller"};
  std::map<std::string, json::value> stored;
  std::vector<std::string> order;
  bool down = false;
};

TEST_F(EventsTest, WritesWhatClientGoWrites) {
  emitNormal("Rollout updated to revision 2");
  loop.run(5s);
  ASSERT_EQ(order.size(), 1U);
  EXPECT_EQ(transport->last(), "POST /api/v1/namespaces/ns/events?fieldManager=rollouts-controller");
  // 2024-01-01T00:00:00Z in nanoseconds.
  EXPECT_EQ(order[0], "guestbook.17a6101701650000");
  EXPECT_EQ(stored.begin()->second, parseJson(R"({"apiVersion":"v1","kind":"Event",
      "metadata":{"name":"guestbook.17a6101701650000","namespace":"ns"},
      "involvedObject":{"kind":"Rollout","namespace":"ns","name":"guestbook","uid":"u1","apiVersion":"argoproj.io/v1alpha1","resourceVersion":"7"},
      "reason":"RolloutUpdated","message":"Rollout updated to revision 2","source":{"component":"rollouts-controller"},
      "firstTimestamp":"2024-01-01T00:00:00Z","lastTimestamp":"2024-01-01T00:00:00Z","count":1,"type":"Normal","eventTime":null,
      "reportingComponent":"rollouts-controller","reportingInstance":""})")
                                        .value());
}

TEST_F(EventsTest, EqualEventsAreCountedUp) {
  emit("same");
  loop.run(90s);
  emit("same");
  emit("same");
  ASSERT_EQ(order.size(), 1U);
  EXPECT_EQ(count(0), 3);
  EXPECT_EQ(getString(event(0), {"firstTimestamp"}), "2024-01-01T00:00:00Z");
  EXPECT_EQ(getString(event(0), {"lastTimestamp"}), "2024-01-01T00:01:30Z");
  EXPECT_EQ(transport->requests().back().body, R"({"count":3,"lastTimestamp":"2024-01-01T00:01:30Z"})");
}

TEST_F(EventsTest, AnythingDifferentIsAnotherEvent) {
  emit("same");
  emit("other");
  emit("same", "OtherReason");
  emit("same", "RolloutUpdated", "other-object");
  recorder->emit(
      {.api_version = "argoproj.io/v1alpha1", .kind = "Rollout", .ns = "ns", .name = "guestbook", .uid = "u1"},
      "Normal", "RolloutUpdated", "same");
  loop.run(5s);
  EXPECT_EQ(order.size(), 5U);
}

TEST_F(EventsTest, WhatHappensWithinFiveSecondsForOneReasonIsOneEvent) {
  emitNormal("step 1");
  emitNormal("paused", "RolloutPaused");
  loop.run(1s);
  emitNormal("step 2");
  emitNormal("paused", "RolloutPaused");
  loop.run(3900ms);
  EXPECT_TRUE(order.empty());
  loop.run(200ms);
  ASSERT_EQ(order.size(), 2U);
  EXPECT_EQ(message(0), "step 1; step 2");
  EXPECT_EQ(count(0), 2);
  EXPECT_EQ(getString(event(0), {"firstTimestamp"}), "2024-01-01T00:00:00Z");
  EXPECT_EQ(getString(event(0), {"lastTimestamp"}), "2024-01-01T00:00:01Z");
  EXPECT_EQ(message(1), "paused");
  EXPECT_EQ(count(1), 2);
  emitNormal("step 3");
  loop.run(5s);
  ASSERT_EQ(order.size(), 3U);
  EXPECT_EQ(message(2), "step 3");
}

TEST_F(EventsTest, AnEventHasRoomForAThousandBytes) {
  for (char letter = 'a'; letter < 'e'; ++letter) emitNormal(std::string(400, letter));
  loop.run(5s);
  ASSERT_EQ(order.size(), 1U);
  EXPECT_EQ(message(0), std::string(400, 'a') + "; " + std::string(400, 'b') + "; and 2 more");
  EXPECT_EQ(count(0), 4);
}

TEST_F(EventsTest, EventsOfClusterScopedObjectsAreInTheDefaultNamespace) {
  recorder->emit({.api_version = "v1", .kind = "Node", .name = "n1"}, "Normal", "R", "m");
  loop.run(5s);
  EXPECT_TRUE(transport->last().starts_with("POST /api/v1/namespaces/default/events?"));
  EXPECT_EQ(find(event(0), {"involvedObject", "namespace"}), nullptr);
}

TEST_F(EventsTest, TheTenthSimilarEventWithinTenMinutesIsCombined) {
  for (int i = 1; i <= 12; ++i) emit("message " + std::to_string(i));
  ASSERT_EQ(order.size(), 10U);
  EXPECT_EQ(message(8), "message 9");
  EXPECT_EQ(message(9), "(combined from similar events): message 12");
  EXPECT_EQ(count(9), 3);
  // Another reason is not similar.
  emit("message 13", "OtherReason");
  EXPECT_EQ(message(10), "message 13");
  // After ten quiet minutes they are told apart again.
  loop.run(10min + 1s);
  emit("message 14");
  EXPECT_EQ(message(11), "message 14");
}

TEST_F(EventsTest, AnObjectHas25EventsAndOneMoreEveryFiveMinutes) {
  for (int i = 0; i < 40; ++i) emit("same");
  EXPECT_EQ(count(0), 25);
  emit("same", "RolloutUpdated", "other-object");
  EXPECT_EQ(order.size(), 2U);
  loop.run(299s);
  emit("same");
  EXPECT_EQ(count(0), 25);
  loop.run(2s);
  emit("same");
  emit("same");
  EXPECT_EQ(count(0), 26);
}

TEST_F(EventsTest, WhatHasExpiredOnTheServerIsMadeAgain) {
  emit("same");
  stored.clear();
  order.clear();
  emit("same");
  ASSERT_EQ(order.size(), 1U);
  EXPECT_EQ(count(0), 2);
}

TEST_F(EventsTest, EventsAreWrittenOnceTheServerIsBack) {
  down = true;
  emit("one");
  emit("two");
  emit("two");
  loop.run(1min);
  EXPECT_TRUE(order.empty());
  down = false;
  loop.run(1min);
  ASSERT_EQ(order.size(), 2U);
  EXPECT_EQ(message(0), "one");
  EXPECT_EQ(count(1), 2);  // merged while they waited: one request
  EXPECT_NE(order[0], order[1]);
}

TEST_F(EventsTest, AnEventThatTheServerRefusesIsGivenUp) {
  transport->answer(403, R"({"kind":"Status","reason":"Forbidden","message":"no"})");
  emit("one");
  emit("two");
  ASSERT_EQ(order.size(), 1U);
  EXPECT_EQ(message(0), "two");
}

TEST_F(EventsTest, ADownServerIsGivenUpAfterTwelveTries) {
  down = true;
  emit("one");
  loop.run(1h);
  EXPECT_EQ(transport->requests().size(), 12U);
}

TEST_F(EventsTest, AtMostFiveThousandWait) {
  down = true;
  for (int i = 0; i < 5100; ++i) emit("m", "R", "object" + std::to_string(i));
  down = false;
  loop.run(1min);
  EXPECT_EQ(order.size(), 5001U);  // five thousand, and the one that was being written
  emit("m", "R", "object5099");    // dropped before; now there is room
  EXPECT_EQ(order.size(), 5002U);
}

TEST_F(EventsTest, FlushWaitsForTheQueueOrItsDeadline) {
  const auto flush = [](EventRecorder& recorder, TimePoint deadline, bool& done) -> Task<> {
    co_await recorder.flush(deadline);
    done = true;
  };
  transport->setLatency(1s);
  emit("one");
  emit("two");
  bool done = false;
  loop.spawn(flush(*recorder, loop.clock().now() + 1min, done));
  loop.run(1900ms);
  EXPECT_FALSE(done);
  loop.run(200ms);
  EXPECT_TRUE(done);
  emit("three");
  done = false;
  loop.spawn(flush(*recorder, loop.clock().now() + 500ms, done));
  loop.run(600ms);
  EXPECT_TRUE(done);
  done = false;
  loop.run(1min);
  loop.spawn(flush(*recorder, loop.clock().now() + 1min, done));
  loop.settle();
  EXPECT_TRUE(done);
}

TEST_F(EventsTest, FlushWritesWhatRests) {
  emitNormal("one");
  loop.spawn(recorder->flush(loop.clock().now() + 1s));
  loop.settle();
  ASSERT_EQ(order.size(), 1U);
  emitNormal("two");
  EXPECT_EQ(order.size(), 2U);
}

TEST_F(EventsTest, LongNamesStayValid) {
  emit("m", "R", std::string(253, 'x'));
  ASSERT_EQ(order.size(), 1U);
  EXPECT_EQ(order[0].size(), 253U);
}

}  // namespace
}  // namespace crossfade::kube
