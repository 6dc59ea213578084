// All metric backends at once: a Dialer that keeps the trouble of one backend from being the trouble of the others, and
// ours from being the backend's. Requests to one origin share connections (the inner Dialer's) and a limit; who comes
// later waits in line, within its own time. spec/08 §1.3, §3.
//
// A backend that fails several times in a row is asked by one request a pause only, and the pause grows. Whoever waits
// meanwhile shares the failure of the one that asked. It is over with the first answer. A backend that says 429 (or 503
// with Retry-After) is left alone for as long as it asks; an answer of any other kind is none of this file's business.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "net/http.hpp"

namespace crossfade::providers {

struct BackendLimits {
  std::size_t at_once = 32;  // requests to one origin
  int tolerated = 2;         // failures in a row without consequences
  Duration first_pause = milliseconds(500), longest_pause = seconds(5);
  Duration longest_rest = seconds(60);  // that a backend can ask for
};

class Backends final : public net::Dialer {
 public:
  // Both outlive this.
  Backends(net::Dialer& inner, Clock& clock, BackendLimits limits = BackendLimits());
  ~Backends() override;

  Result<std::shared_ptr<net::Transport>> dial(const net::Origin& origin, const net::TlsOptions& tls) override;

  class Gate;  // of one origin

 private:
  net::Dialer& inner_;
  Clock& clock_;
  const BackendLimits limits_;
  std::map<std::string, std::shared_ptr<Gate>> gates_;
};

}  // namespace crossfade::providers
