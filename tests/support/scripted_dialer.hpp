// A Dialer whose backends a test scripts, by "http://host:port"; who isn't scripted refuses connections.
#pragma once
#include <fmt/format.h>

#include <map>
#include <memory>
#include <string>

#include "net/http.hpp"
#include "support/scripted_transport.hpp"

namespace crossfade::test {

class ScriptedDialer : public net::Dialer {
 public:
  explicit ScriptedDialer(Clock& clock) : clock_(clock) {}
  ScriptedTransport& at(const std::string& origin) {
    auto& transport = transports_[origin];
    if (transport == nullptr) transport = std::make_shared<ScriptedTransport>(clock_);
    return *transport;
  }
  Result<std::shared_ptr<net::Transport>> dial(const net::Origin& origin, const net::TlsOptions& tls) override {
    last_tls = tls;
    const std::string key = fmt::format("{}://{}:{}", origin.tls ? "https" : "http", origin.host, origin.port);
    at(key);
    return std::shared_ptr<net::Transport>(transports_[key]);
  }
  net::TlsOptions last_tls;

 private:
  Clock& clock_;
  std::map<std::string, std::shared_ptr<ScriptedTransport>> transports_;
};

// "POST /path?query", the fields in their order, the body.
inline std::string wire(const net::Request& request) {
  std::string text = request.method + " " + request.target + "\n";
  for (const auto& [name, value] : request.headers) text += name + ": " + value + "\n";
  return text + "\n" + request.body;
}

}  // namespace crossfade::test
