// Every way in which the world breaks a watch, and how it goes on.
#include "kube/watcher.hpp"

#include <gtest/gtest.h>

#include "support/scripted_transport.hpp"
#include "support/virtual_clock.hpp"

namespace crossfade::kube {
namespace {

using namespace std::chrono_literals;

// Writes down what it is told: "[", "+a@1" (applied), "-a@2" (removed), "]9" (end of a list of version 9).
class Recorder : public WatchHandler {
 public:
  void listBegin() override { told += "["; }
  void apply(json::object object) override { note('+', object); }
  void remove(json::object object) override { note('-', object); }
  void listEnd(std::string_view version) override { told += fmt::format("]{} ", version); }
  std::string take() { return std::exchange(told, {}); }

  std::string told;
  std::function<void()> on_event;

 private:
  void note(char sign, const json::object& object) {
    told += fmt::format("{}{}@{} ", sign, getString(object, {"metadata", "name"}),
                        getString(object, {"metadata", "resourceVersion"}));
    if (on_event) on_event();
  }
};

std::string item(std::string_view name, std::string_view version) {
  return fmt::format(R"({{"kind":"Pod","metadata":{{"name":"{}","resourceVersion":"{}"}}}})", name, version);
}
std::string listOf(std::string_view version, std::string_view items = "", std::string_view next = "") {
  return fmt::format(R"({{"metadata":{{"resourceVersion":"{}","continue":"{}"}},"items":[{}]}})", version, next, items);
}
std::string event(std::string_view type, std::string_view name, std::string_view version) {
  return fmt::format(R"({{"type":"{}","object":{}}})", type, item(name, version)) + "\n";
}
std::string statusBody(int code, std::string_view reason) {
  return fmt::format(R"({{"kind":"Status","code":{},"reason":"{}","message":"{} happened"}})", code, reason, reason);
}
std::string errorEvent(int code, std::string_view reason) {
  return fmt::format(R"({{"type":"ERROR","object":{}}})", statusBody(code, reason)) + "\n";
}

class WatcherTest : public testing::Test {
 protected:
  ~WatcherTest() override { loop.kill(); }
  void start() {
    watcher.emplace(client, loop.executor(), random,
                    WatchTarget{.resource = resources::pods, .ns = "ns", .label_selector = "a=b"}, recorder);
    watcher->start();
    loop.settle();
  }
  // Synced at version 5 with one object, and an open watch.
  std::shared_ptr<test::ScriptedStream> startSynced() {
    transport->answer(200, listOf("5", item("a", "3")));
    auto stream = transport->stream();
    start();
    EXPECT_EQ(recorder.take(), "[+a@3 ]5 ");
    EXPECT_EQ(requests(), 2U);
    return stream;
  }
  std::size_t requests() const { return transport->requests().size(); }
  // The version at which the newest watch began; "list" when the newest request was one.
  std::string newest() const {
    const std::string& target = transport->requests().back().target;
    const auto at = target.find("resourceVersion=");
    if (!target.contains("watch=true")) return "list";
    return target.substr(at + 16, target.find('&', at) - at - 16);
  }
  // Lets time pass until another request was made; how long that took.
  Duration untilNextRequest() {
    const std::size_t before = requests();
    const TimePoint began = loop.clock().now();
    for (int i = 0; i < 100000 && requests() == before; ++i) loop.run(1ms);
    return loop.clock().now() - began;
  }

  test::VirtualLoop loop;
  std::shared_ptr<test::ScriptedTransport> transport = std::make_shared<test::ScriptedTransport>(loop.clock());
  Client client{transport, loop.clock(), Config{}, "test"};
  Random random{1};
  Recorder recorder;
  std::optional<Watcher> watcher;
};

TEST_F(WatcherTest, ListsThenWatchesWithBookmarks) {
  const auto stream = startSynced();
  EXPECT_TRUE(watcher->synced());
  EXPECT_EQ(transport->requests()[0].target, "/api/v1/namespaces/ns/pods?labelSelector=a%3Db&limit=500");
  EXPECT_TRUE(transport->requests()[1].target.starts_with(
      "/api/v1/namespaces/ns/"
      "pods?watch=true&allowWatchBookmarks=true&labelSelector=a%3Db&resourceVersion=5&timeoutSeconds="));
  stream->push(event("ADDED", "b", "6") + event("MODIFIED", "a", "7") + event("DELETED", "b", "8"));
  loop.settle();
  EXPECT_EQ(recorder.take(), "+b@6 +a@7 -b@8 ");
  EXPECT_FALSE(watcher->lastError());
}

TEST_F(WatcherTest, ListsInPagesAndStartsOverWhenTheyExpire) {
  transport->answer(200, listOf("5", item("a", "3"), "more"));
  transport->answer(410, statusBody(410, "Expired"));
  transport->answer(200, listOf("9", item("b", "8")));
  transport->stream();
  start();
  EXPECT_EQ(recorder.take(), "[+a@3 [+b@8 ]9 ");
  EXPECT_EQ(newest(), "9");
}

TEST_F(WatcherTest, LinesMayBeCutAnywhere) {
  const std::string text = event("ADDED", "b", "6") + "\n" + event("MODIFIED", "ü", "7") + event("BOOKMARK", "", "9");
  const auto stream = startSynced();
  for (const char byte : text) {
    stream->push(std::string(1, byte));
    loop.settle();
  }
  EXPECT_EQ(recorder.take(), "+b@6 +ü@7 ");
  for (std::size_t cut = 1; cut < text.size(); cut += 7) {
    stream->push(text.substr(0, cut));
    stream->push(text.substr(cut));
    loop.settle();
    EXPECT_EQ(recorder.take(), "+b@6 +ü@7 ") << cut;
  }
}

TEST_F(WatcherTest, GoesOnAtOnceFromTheLastVersionWhenTheServerEndsTheWatch) {
  auto stream = startSynced();
  stream->push(event("ADDED", "b", "6"));
  stream->end();
  stream = transport->stream();
  loop.settle();
  EXPECT_EQ(newest(), "6");
  // A bookmark moves the version as well.
  stream->push(event("BOOKMARK", "", "40"));
  stream->end();
  transport->stream();
  loop.settle();
  EXPECT_EQ(newest(), "40");
  EXPECT_EQ(recorder.take(), "+b@6 ");
}

TEST_F(WatcherTest, ASilentConnectionIsDeadAfterItsTime) {
  const auto stream = startSynced();
  loop.run(60s);
  stream->push(event("BOOKMARK", "", "6"));
  loop.run(89s);
  EXPECT_EQ(requests(), 2U);
  EXPECT_FALSE(stream->closed());
  transport->stream();
  loop.run(2s);
  EXPECT_TRUE(stream->closed());
  EXPECT_EQ(newest(), "6");
  EXPECT_FALSE(watcher->lastError());
}

TEST_F(WatcherTest, AResetConnectionIsOpenedAgain) {
  auto stream = startSynced();
  stream->push(event("ADDED", "b", "6"));
  stream->fail(ErrorCode::unavailable, "connection reset");
  loop.settle();
  EXPECT_EQ(watcher->lastError()->message, "connection reset");
  transport->stream();
  EXPECT_LE(untilNextRequest(), 101ms);
  EXPECT_EQ(newest(), "6");
  EXPECT_FALSE(watcher->lastError());
}

TEST_F(WatcherTest, AnEventThatEndsInTheMiddleIsReadAgain) {
  auto stream = startSynced();
  const std::string second = event("MODIFIED", "a", "7");
  stream->push(event("ADDED", "b", "6") + second.substr(0, 20));
  stream->end();
  stream = transport->stream();
  untilNextRequest();
  EXPECT_EQ(newest(), "6");
  stream->push(second);
  loop.settle();
  EXPECT_EQ(recorder.take(), "+b@6 +a@7 ");
}

TEST_F(WatcherTest, AVersionThatIsGoneIsListedAgain) {
  auto stream = startSynced();
  stream->push(event("ADDED", "b", "6"));
  stream->end();
  transport->answer(410, statusBody(410, "Expired"));
  transport->answer(200, listOf("20", item("b", "6")));
  transport->stream();
  loop.run(1s);
  EXPECT_EQ(recorder.take(), "+b@6 [+b@6 ]20 ");
  EXPECT_EQ(newest(), "20");
}

TEST_F(WatcherTest, AGoneEventIsListedAgain) {
  auto stream = startSynced();
  stream->push(errorEvent(410, "Expired"));
  transport->answer(200, listOf("20"));
  stream = transport->stream();
  loop.run(1s);
  EXPECT_EQ(recorder.take(), "[]20 ");
  stream->push(errorEvent(410, "Gone"));
  transport->answer(200, listOf("30"));
  transport->stream();
  loop.run(1s);
  EXPECT_EQ(recorder.take(), "[]30 ");
  EXPECT_EQ(newest(), "30");
}

TEST_F(WatcherTest, AServerThatAlwaysForgetsIsNotHammered) {
  transport->otherwise([](const net::Request& request) {
    net::Response response;
    const bool watch = request.target.contains("watch=true");
    response.status = watch ? 410 : 200;
    response.body = watch ? statusBody(410, "Expired") : listOf("5");
    return response;
  });
  start();
  loop.run(1min);
  EXPECT_LT(requests(), 50U);
  EXPECT_GT(requests(), 10U);
}

TEST_F(WatcherTest, AnErrorEventIsReportedAndTheWatchGoesOn) {
  auto stream = startSynced();
  stream->push(event("ADDED", "b", "6") + errorEvent(500, "InternalError") + event("ADDED", "lost", "7"));
  loop.settle();
  EXPECT_EQ(watcher->lastError()->message, "InternalError happened");
  transport->stream();
  untilNextRequest();
  EXPECT_EQ(newest(), "6");
  EXPECT_EQ(recorder.take(), "+b@6 ");
}

TEST_F(WatcherTest, WhatIsUnreadableThreeTimesIsListed) {
  for (const std::string bad : {"{\"type\":\"ADDED\"\n", "null\n", "{\"type\":\"ADDED\"}\n", "<html>\n",
                                "{\"type\":\"NEW\",\"object\":{}}\n"}) {
    test::VirtualLoop own;
    Random chance(7);
    Recorder seen;
    auto server = std::make_shared<test::ScriptedTransport>(own.clock());
    Client kube(server, own.clock(), Config{}, "test");
    server->answer(200, listOf("5"));
    for (int i = 0; i < 3; ++i) server->stream()->push(bad);
    server->answer(200, listOf("8"));
    server->stream();
    Watcher watching(kube, own.executor(), chance, WatchTarget{.resource = resources::pods}, seen);
    watching.start();
    own.run(5s);
    EXPECT_EQ(seen.told, "[]5 []8 ") << bad;
    EXPECT_EQ(server->requests().size(), 6U);
    own.kill();
  }
}

TEST_F(WatcherTest, AnEndlessLineIsAnError) {
  auto stream = startSynced();
  for (int i = 0; i < 65; ++i) stream->push(std::string(1 << 20, 'x'));
  loop.settle();
  ASSERT_TRUE(watcher->lastError());
  EXPECT_EQ(watcher->lastError()->code, ErrorCode::too_large);
  EXPECT_TRUE(stream->closed());
}

TEST_F(WatcherTest, AServerThatIsDownIsTriedWithBackOffUpToTenSeconds) {
  start();
  EXPECT_EQ(watcher->lastError()->message, "connection refused");
  Duration expected = 100ms;
  for (int i = 0; i < 12; ++i) {
    const Duration waited = untilNextRequest();
    EXPECT_GE(waited, expected / 2) << i;
    EXPECT_LE(waited, expected + 1ms) << i;
    expected = std::min<Duration>(expected * 2, 10s);
  }
  EXPECT_FALSE(watcher->synced());
  transport->answer(200, listOf("5"));
  transport->stream();
  loop.run(10s);
  EXPECT_TRUE(watcher->synced());
  EXPECT_FALSE(watcher->lastError());
}

TEST_F(WatcherTest, ARestartOfTheServerCostsNoList) {
  auto stream = startSynced();
  stream->push(event("ADDED", "b", "6"));
  stream->end();
  loop.run(1min);  // refused, again and again
  EXPECT_GT(requests(), 8U);
  stream = transport->stream();
  untilNextRequest();
  EXPECT_EQ(newest(), "6");
  loop.run(2s);
  // Once a watch lasted, the back-off begins anew.
  stream->fail(ErrorCode::unavailable, "reset");
  loop.settle();
  transport->stream();
  EXPECT_LE(untilNextRequest(), 101ms);
  EXPECT_EQ(recorder.take(), "+b@6 ");
}

TEST_F(WatcherTest, AWatchThatEndsAtOnceIsNotReopenedInALoop) {
  startSynced()->end();
  transport->otherwise([this](const net::Request&) {
    net::Response response;
    auto stream = std::make_shared<test::ScriptedStream>(loop.clock());
    stream->end();
    response.stream = std::make_unique<test::ScriptedReader>(stream);
    return Result<net::Response>(std::move(response));
  });
  loop.run(1min);
  EXPECT_LT(requests(), 20U);
}

TEST_F(WatcherTest, ThrottlingIsWaitedOut) {
  auto stream = startSynced();
  stream->push(event("ADDED", "b", "6"));
  stream->end();
  transport->answer(429, statusBody(429, "TooManyRequests"), {{"Retry-After", "90"}});
  loop.settle();
  EXPECT_EQ(watcher->lastError()->code, ErrorCode::throttled);
  transport->stream();
  EXPECT_GE(untilNextRequest(), 90s);
  EXPECT_EQ(newest(), "6");
}

TEST_F(WatcherTest, AListWithoutAVersionIsAnError) {
  transport->answer(200, R"({"items":[]})");
  start();
  EXPECT_FALSE(watcher->synced());
  EXPECT_EQ(watcher->lastError()->code, ErrorCode::internal);
}

TEST_F(WatcherTest, WaitsForTheFirstList) {
  start();
  EXPECT_EQ(loop.get(watcher->waitSynced(loop.clock().now() + 50ms)), false);
  transport->answer(200, listOf("5"));
  transport->stream();
  EXPECT_EQ(loop.get(watcher->waitSynced(loop.clock().now() + 1min)), true);
  EXPECT_EQ(loop.get(watcher->waitSynced(loop.clock().now())), true);
}

TEST_F(WatcherTest, StopEndsTheStreamAndTheReports) {
  const auto stream = startSynced();
  stream->push(event("ADDED", "b", "6"));
  watcher->stop();
  stream->push(event("ADDED", "c", "7"));
  loop.run(1h);
  EXPECT_EQ(recorder.take(), "");
  EXPECT_TRUE(stream->closed());
  EXPECT_EQ(requests(), 2U);
}

TEST_F(WatcherTest, MayBeStoppedOrDestroyedByItsHandler) {
  const auto stream = startSynced();
  recorder.on_event = [this] { watcher.reset(); };
  stream->push(event("ADDED", "b", "6") + event("ADDED", "c", "7"));
  loop.run(1h);
  EXPECT_EQ(recorder.take(), "+b@6 ");
}

TEST_F(WatcherTest, MayBeDestroyedWhileItListsOrWaits) {
  transport->setLatency(1s);
  transport->answer(200, listOf("5", item("a", "3")));
  start();
  watcher.reset();
  loop.run(1min);
  EXPECT_EQ(recorder.take(), "[");
  EXPECT_EQ(requests(), 1U);
}

TEST_F(WatcherTest, TheStreamIsForgottenWhenTheLoopIsKilled) {
  startSynced();
  loop.kill();
  watcher->stop();  // must not reach for the reader, which went with its coroutine
}

}  // namespace
}  // namespace crossfade::kube
