// A cluster of the controller's own kind: its World on a virtual clock, before a server that lists what a test put
// there and never says that anything changed.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "controller/world.hpp"
#include "support/scripted_transport.hpp"
#include "support/virtual_clock.hpp"

namespace crossfade::test {

class ScriptedCluster {
 public:
  ScriptedCluster() {
    transport->otherwise([this](const net::Request& request) { return reply(request); });
  }
  ~ScriptedCluster() { loop.kill(); }

  // The lists and watches asked for, in order: "/apis/apps/v1/replicasets?labelSelector=…".
  std::vector<std::string> listed() const {
    std::vector<std::string> targets;
    for (const net::Request& request : transport->requests())
      if (!request.target.contains("watch=true")) targets.push_back(request.target);
    return targets;
  }

  test::VirtualLoop loop;
  std::shared_ptr<ScriptedTransport> transport = std::make_shared<ScriptedTransport>(loop.clock());
  kube::Client client{transport, loop.clock(), kube::Config{}, "test"};
  Random random{1};
  struct NoDialer : net::Dialer {
    Result<std::shared_ptr<net::Transport>> dial(const net::Origin&, const net::TlsOptions&) override {
      return fail(ErrorCode::unavailable, "no network");
    }
  } dialer;
  controller::World world{loop.executor(), loop.clock(), random, client, dialer};
  // Path of a collection to the objects in it, as JSON. What isn't here is an empty list.
  std::map<std::string, std::vector<std::string>, std::less<>> objects;
  // Paths that answer 503.
  std::vector<std::string> broken;

 private:
  Result<net::Response> reply(const net::Request& request) {
    net::Response response;
    const std::string path = request.target.substr(0, request.target.find('?'));
    if (std::ranges::find(broken, path) != broken.end()) {
      response.status = 503;
      return response;
    }
    response.status = 200;
    if (request.target.contains("watch=true")) {
      response.stream = std::make_unique<ScriptedReader>(std::make_shared<ScriptedStream>(loop.clock()));
      return response;
    }
    std::string items;
    if (const auto found = objects.find(path); found != objects.end())
      for (const std::string& object : found->second) items += (items.empty() ? "" : ",") + object;
    response.body = fmt::format(R"({{"metadata":{{"resourceVersion":"1"}},"items":[{}]}})", items);
    return response;
  }
};

}  // namespace crossfade::test
