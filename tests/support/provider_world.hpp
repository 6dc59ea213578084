// A world for providers: a virtual clock, an API server and any number of backends, all scripted.
#pragma once
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "kube/client.hpp"
#include "providers/provider.hpp"
#include "support/scripted_dialer.hpp"
#include "support/virtual_clock.hpp"

namespace crossfade::providers {

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

  static std::string wire(const net::Request& request) { return test::wire(request); }

  test::VirtualLoop loop;
  std::shared_ptr<test::ScriptedTransport> api = std::make_shared<test::ScriptedTransport>(loop.clock());
  kube::Client client{api, loop.clock(), kube::Config(), "crossfade/test"};
  test::ScriptedDialer dialer{loop.clock()};
  std::string prometheus_address, job_namespace;
  api::AnalysisRun analysis_run;
};

}  // namespace crossfade::providers
