// A steady load on the gateway, and a record of where every request really went.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/async.hpp"
#include "base/clock.hpp"
#include "net/http.hpp"

namespace crossfade::demo {

// One request, from when it was sent.
struct Sample {
  TimePoint sent, answered;
  std::string version;  // who answered; empty: nobody did
  int status = 0;       // 0: no answer came
  bool good() const { return status >= 200 && status < 500; }
};

class Load {
 public:
  // Sends `rate` requests a second with this Host header, from now until stop(). The transport leads to the gateway.
  Load(Executor executor, Clock& clock, std::shared_ptr<net::Transport> gateway, std::string host, int rate);
  ~Load();
  void stop();
  const std::string& host() const;
  // Every request so far that was answered or failed, in that order.
  const std::vector<Sample>& samples() const;
  // Requests sent within [from, to), by version; "" for those without an answer.
  std::map<std::string, std::int64_t> countSent(TimePoint from, TimePoint to) const;

 private:
  struct State;
  static Task<> work(std::shared_ptr<State> state, TimePoint first);
  std::shared_ptr<State> state_;
};

}  // namespace crossfade::demo
