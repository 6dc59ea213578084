// A Transport whose answers a test writes, one for each request in order; what was asked is kept. Without an answer
// left the server is down: connection refused.
#pragma once
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "net/http.hpp"

namespace crossfade::test {

// A streamed body that the test feeds while someone reads it.
class ScriptedStream {
 public:
  explicit ScriptedStream(Clock& clock) : changed_(clock) {}
  void push(std::string piece) { add(std::move(piece)); }
  void end() { add(std::string()); }
  void fail(ErrorCode code, std::string message) { add(crossfade::fail(code, std::move(message))); }
  // True once the reader was cancelled or dropped.
  bool closed() const { return closed_; }

 private:
  friend class ScriptedReader;
  void add(Result<std::string> piece) {
    pieces_.push_back(std::move(piece));
    changed_.notify();
  }
  std::deque<Result<std::string>> pieces_;
  bool closed_ = false;
  Signal changed_;
};

class ScriptedReader : public net::BodyReader {
 public:
  explicit ScriptedReader(std::shared_ptr<ScriptedStream> stream) : stream_(std::move(stream)) {}
  ~ScriptedReader() override { stream_->closed_ = true; }
  Task<Result<std::string>> next(TimePoint deadline) override { return read(stream_, deadline); }
  void cancel() override {
    stream_->closed_ = true;
    stream_->changed_.notify();
  }

 private:
  static Task<Result<std::string>> read(std::shared_ptr<ScriptedStream> stream, TimePoint deadline) {
    while (stream->pieces_.empty() && !stream->closed_) {
      if (!co_await stream->changed_.waitUntil(deadline)) co_return crossfade::fail(ErrorCode::timeout, "nothing came");
    }
    if (stream->closed_) co_return crossfade::fail(ErrorCode::cancelled, "cancelled");
    Result<std::string> piece = std::move(stream->pieces_.front());
    stream->pieces_.pop_front();
    co_return piece;
  }
  std::shared_ptr<ScriptedStream> stream_;
};

class ScriptedTransport : public net::Transport, public std::enable_shared_from_this<ScriptedTransport> {
 public:
  using Handler = std::function<Result<net::Response>(const net::Request&)>;

  explicit ScriptedTransport(Clock& clock) : clock_(clock) {}

  // What the next requests get, in order.
  void answer(int status, std::string body, net::Headers headers = {}) {
    answers_.push_back([=](const net::Request&) {
      net::Response response;
      response.status = status;
      response.headers = headers;
      response.body = body;
      return Result<net::Response>(std::move(response));
    });
  }
  void fail(ErrorCode code, std::string message) {
    answers_.push_back([=](const net::Request&) -> Result<net::Response> { return crossfade::fail(code, message); });
  }
  std::shared_ptr<ScriptedStream> stream() {
    auto stream = std::make_shared<ScriptedStream>(clock_);
    answers_.push_back([stream](const net::Request&) {
      net::Response response;
      response.stream = std::make_unique<ScriptedReader>(stream);
      return Result<net::Response>(std::move(response));
    });
    return stream;
  }
  // A server with a mind of its own, for the requests that nothing above answers.
  void otherwise(Handler handler) { otherwise_ = std::move(handler); }
  // Every answer takes this long from now on; requests give up after their own timeout.
  void setLatency(Duration latency) { latency_ = latency; }

  const std::vector<net::Request>& requests() const { return requests_; }
  // "GET /path?query" of the newest request.
  std::string last() const { return requests_.empty() ? "" : requests_.back().method + " " + requests_.back().target; }
  std::size_t unusedAnswers() const { return answers_.size(); }

  Task<Result<net::Response>> send(net::Request request, Duration timeout) override {
    return reply(shared_from_this(), std::move(request), timeout);
  }
  Task<Result<net::Response>> open(net::Request request, Duration timeout) override {
    return reply(shared_from_this(), std::move(request), timeout);
  }

 private:
  static Task<Result<net::Response>> reply(std::shared_ptr<ScriptedTransport> self, net::Request request,
                                           Duration timeout) {
    self->requests_.push_back(request);
    Handler handler = self->otherwise_;
    if (!self->answers_.empty()) {
      handler = std::move(self->answers_.front());
      self->answers_.pop_front();
    }
    if (self->latency_ > Duration(0)) co_await sleepFor(self->clock_, std::min(self->latency_, timeout));
    if (self->latency_ > timeout) co_return crossfade::fail(ErrorCode::timeout, "no answer in time");
    if (!handler) co_return crossfade::fail(ErrorCode::unavailable, "connection refused");
    co_return handler(request);
  }

  Clock& clock_;
  std::deque<Handler> answers_;
  Handler otherwise_;
  Duration latency_{0};
  std::vector<net::Request> requests_;
};

}  // namespace crossfade::test
