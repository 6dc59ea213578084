// A world for providers: a virtual clock, an API server and any number of backends, all scripted.
#pragma once
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "kube/client.hpp"
#include "providers/provider.hpp"
#include "support/scripted_transport.hpp"
#include "support/virtual_clock.hpp"

namespace crossfade::providers {

// Backends by "http://host:port"; who isn't there refuses connections.
class ScriptedDialer : public net::Dialer {
 public:
  explicit ScriptedDialer(Clock& clock) : clock_(clock) {}
  test::ScriptedTransport& at(const std::string& origin) {
    auto& transport = transports_[origin];
    if (transport == nullptr) transport = std::make_shared<test::ScriptedTransport>(clock_);
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
  std::map<std::string, std::shared_ptr<test::ScriptedTransport>> transports_;
};

class ProviderTest : public testing::Test {
 protected:
  ~ProviderTest() override { loop.kill(); }

  Context context() { return {client, dialer, loop.clock(), prometheus_address, job_namespace}; }

  static api::Metric metricOf(std::string_view provider, std::string success = {}, std::string failure = {}) {
    api::Metric metric;
    metric.name = "m";
    metric.success_condition = std::move(success);
    metric.failure_condition = std::move(failure);
    metric.provider = api::Carried(json::parse(provider));
    return metric;
  }

  // run(), or the error of making the provider.
  api::Measurement run(const api::Metric& metric) {
    const auto provider = makeProvider(context(), metric);
    if (!provider) return failedMeasurement(loop.clock().now(), provider.error().message);
    return *loop.get((*provider)->run(analysis_run, metric));
  }

  // "POST /path?query", the fields in their order, the body.
  static std::string wire(const net::Request& request) {
    std::string text = request.method + " " + request.target + "\n";
    for (const auto& [name, value] : request.headers) text += name + ": " + value + "\n";
    return text + "\n" + request.body;
  }

  test::VirtualLoop loop;
  std::shared_ptr<test::ScriptedTransport> api = std::make_shared<test::ScriptedTransport>(loop.clock());
  kube::Client client{api, loop.clock(), kube::Config(), "crossfade/test"};
  ScriptedDialer dialer{loop.clock()};
  std::string prometheus_address, job_namespace;
  api::AnalysisRun analysis_run;
};

}  // namespace crossfade::providers
