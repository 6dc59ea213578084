// Commands run against a scripted API server under the virtual clock: from the words of a command line to what it
// prints and asks.
#pragma once
#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "cli/command_line.hpp"
#include "support/scripted_transport.hpp"
#include "support/virtual_clock.hpp"

namespace crossfade::cli {

inline std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

inline std::string statusBody(int code, std::string_view reason, std::string_view message) {
  return json::serialize(json::object{{"kind", "Status"},
                                      {"apiVersion", "v1"},
                                      {"status", "Failure"},
                                      {"message", message},
                                      {"reason", reason},
                                      {"code", code}});
}

class CliTest : public testing::Test {
 protected:
  ~CliTest() override { loop.kill(); }

  // What one command did.
  struct Outcome {
    std::string out, err;
    int exit_code = -1;  // -1: it did not end
  };

  Outcome run(const std::string& command, Duration limit = hours(1)) {
    CommandLine line = parseCommandLine(words(command));
    if (!line.action) return {line.out, line.err, line.exit_code};
    const auto done = loop.get(line.action(session, line.names), limit);
    Outcome outcome{take(out), take(err), -1};
    if (!done) return outcome;
    outcome.exit_code = *done ? 0 : 1;
    if (!*done) outcome.err += "Error: " + done->error().message + "\n";
    return outcome;
  }

  // The requests since the last call: "PATCH /rollouts/x/status {…}"; the path from the resource's name on.
  std::vector<std::string> requests() {
    std::vector<std::string> asked;
    for (; seen < transport->requests().size(); ++seen) {
      const net::Request& request = transport->requests()[seen];
      const std::string path = request.target.substr(0, request.target.find('?'));
      const std::size_t ns = path.find("/namespaces/web/");
      asked.push_back(request.method + " " + (ns == std::string::npos ? path : path.substr(ns + 15)));
      if (!request.body.empty()) asked.back() += " " + request.body;
    }
    return asked;
  }

  static std::string take(std::ostringstream& stream) {
    std::string text = stream.str();
    stream.str("");
    return text;
  }

  VirtualLoop loop;
  Random random{1};
  std::shared_ptr<test::ScriptedTransport> transport = std::make_shared<test::ScriptedTransport>(loop.clock());
  kube::Client client{transport, loop.clock(), kube::Config{}, "test"};
  Signal wake{loop.clock()};
  std::ostringstream out, err;
  Session session{.executor = loop.executor(),
                  .clock = loop.clock(),
                  .random = random,
                  .client = client,
                  .ns = "web",
                  .out = out,
                  .err = err,
                  .wake = wake};
  std::size_t seen = 0;
};

}  // namespace crossfade::cli
