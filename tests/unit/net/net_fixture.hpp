// What the tests of net/ share: a real loop on real loopback sockets, and raw connections to misbehave with.
#pragma once
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "net/http.hpp"
#include "net/wire.hpp"

namespace crossfade::net::test {

// Members of a test that use the loop are declared behind it, so that they go before it does.
class Loop {
 public:
  ~Loop() {
    clock_->clear();
    while (io_.poll() > 0) {
    }
  }

  Executor executor() { return io_.get_executor(); }
  Clock& clock() { return *clock_; }
  void spawn(Task<> task) { crossfade::spawn(executor(), std::move(task)); }

  // Runs until the condition holds; fails the test after 20 s.
  template <class Condition>
  bool until(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) {
        ADD_FAILURE() << "the condition did not hold within 20 s";
        return false;
      }
      io_.restart();
      io_.run_one_for(milliseconds(20));
    }
    return true;
  }

  template <class T>
  T get(Task<T> task) {
    auto result = std::make_shared<std::optional<T>>();
    spawn(store(std::move(task), result));
    if (!until([&] { return result->has_value(); })) std::abort();
    return std::move(**result);
  }

 private:
  template <class T>
  static Task<> store(Task<T> task, std::shared_ptr<std::optional<T>> result) {
    result->emplace(co_await std::move(task));
  }

  boost::asio::io_context io_;
  std::unique_ptr<Clock> clock_ = makeSystemClock(io_.get_executor());
};

// A connection without any HTTP.
class RawClient {
 public:
  RawClient(Loop& loop, std::uint16_t port) : loop_(loop) {
    wire_ = loop.get(connect(loop.executor(), loop.clock(), "127.0.0.1", port, TimePoint::max())).value();
  }
  void send(std::string bytes) { EXPECT_TRUE(loop_.get(wire_->write(bytes, TimePoint::max()))); }
  // Everything up to the server's closing, or up to `end` when given.
  std::string receive(std::string_view end = {}) {
    std::string all;
    while (end.empty() || !all.contains(end)) {
      std::array<char, 4096> room;
      const auto got = loop_.get(wire_->read(room, loop_.clock().now() + seconds(10)));
      if (!got || *got == 0) break;
      all.append(room.data(), *got);
    }
    return all;
  }
  void close() { wire_->close(); }

 private:
  Loop& loop_;
  std::shared_ptr<Wire> wire_;
};

// A server that answers each connection with a script: it reads until the head of a request is whole, then sends the
// next answer. A connection is closed after `answers_each`. Answers are whole messages.
class RawServer {
 public:
  RawServer(Loop& loop, std::vector<std::string> answers, int answers_each)
      : state_(std::make_shared<State>(std::move(answers), answers_each)) {
    state_->listener = openListener(loop.executor(), loop.clock(), "127.0.0.1", 0).value();
    loop.spawn(run(state_));
  }
  ~RawServer() { state_->listener->close(); }

  Origin origin() const {
    return {.tls = false, .host = "127.0.0.1", .port = state_->listener->port(), .base_path = ""};
  }
  int connections() const { return state_->connections; }
  const std::string& received() const { return state_->received; }

 private:
  struct State {
    State(std::vector<std::string> answers, int each) : answers(std::move(answers)), each(each) {}
    std::vector<std::string> answers;
    int each;
    std::size_t next = 0;
    int connections = 0;
    std::string received;
    std::unique_ptr<Listener> listener;
  };

  static Task<> run(std::shared_ptr<State> state) {
    for (;;) {
      const auto wire = co_await state->listener->accept();
      if (!wire) co_return;
      ++state->connections;
      for (int i = 0; i < state->each; ++i) {
        std::string request;
        while (!request.contains("\r\n\r\n")) {
          std::array<char, 4096> room;
          const auto got = co_await (*wire)->read(room, TimePoint::max());
          if (!got || *got == 0) break;
          request.append(room.data(), *got);
        }
        state->received += request;
        if (request.empty() || state->next == state->answers.size()) break;
        const std::string answer = state->answers[state->next++];
        (void)co_await (*wire)->write(answer, TimePoint::max());
      }
      (*wire)->close();
    }
  }

  std::shared_ptr<State> state_;
};

// A stream whose pieces the test hands out one by one, and that tells what happens to it.
struct Faucet {
  explicit Faucet(Clock& clock) : changed(clock) {}
  std::vector<std::string> pieces;
  bool ended = false;
  bool cancelled = false;
  bool destroyed = false;
  Signal changed;

  void pour(std::string piece) {
    pieces.push_back(std::move(piece));
    changed.notify();
  }
  void end() {
    ended = true;
    changed.notify();
  }
};

class FaucetReader final : public BodyReader {
 public:
  explicit FaucetReader(std::shared_ptr<Faucet> faucet) : faucet_(std::move(faucet)) {}
  ~FaucetReader() override { faucet_->destroyed = true; }
  Task<Result<std::string>> next(TimePoint deadline) override { return pull(faucet_, deadline); }
  void cancel() override {
    faucet_->cancelled = true;
    faucet_->changed.notify();
  }

 private:
  static Task<Result<std::string>> pull(std::shared_ptr<Faucet> faucet, TimePoint deadline) {
    for (;;) {
      if (faucet->cancelled) co_return fail(ErrorCode::cancelled, "cancelled");
      if (!faucet->pieces.empty()) {
        std::string piece = std::move(faucet->pieces.front());
        faucet->pieces.erase(faucet->pieces.begin());
        co_return piece;
      }
      if (faucet->ended) co_return std::string();
      if (!co_await faucet->changed.waitUntil(deadline)) co_return fail(ErrorCode::timeout, "silent");
    }
  }
  std::shared_ptr<Faucet> faucet_;
};

inline Task<Response> answer(Response response) { co_return response; }

}  // namespace crossfade::net::test
