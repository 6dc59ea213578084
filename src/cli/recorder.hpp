// Stands between metric providers and their backends: keeps every request with its answer, and answers from a record.
#pragma once
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "net/http.hpp"

namespace crossfade::cli {

struct RecordedAnswer {
  int status = 200;
  std::string body;
};
// What went out and what came back. `problem` instead of an answer where none came.
struct Exchange {
  std::string origin;  // "https://host:8443"
  net::Request request;
  RecordedAnswer answer;
  std::string problem;
};

class Recorder final : public net::Dialer {
 public:
  // `inner` may be null: nothing is asked then. Both outlive this.
  Recorder(net::Dialer* inner, Clock& clock) : inner_(inner), clock_(clock) {}

  // The next requests get these answers, in order. Nothing is asked from now on, even when they are used up.
  void replay(std::vector<RecordedAnswer> answers);
  // The exchanges since the last call.
  std::vector<Exchange> take() { return std::exchange(exchanges_, {}); }

  Result<std::shared_ptr<net::Transport>> dial(const net::Origin& origin, const net::TlsOptions& tls) override;

 private:
  class Line;  // to one origin

  net::Dialer* inner_;
  Clock& clock_;
  bool replaying_ = false;
  std::deque<RecordedAnswer> answers_;
  std::vector<Exchange> exchanges_;
};

// "GET https://host/path", its fields and its body, a line each. What authenticates reads *****.
std::vector<std::string> describe(const Exchange& exchange);

}  // namespace crossfade::cli
