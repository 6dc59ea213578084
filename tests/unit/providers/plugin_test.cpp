// spec/08 §15.2: what is said of plugins, hosted or not.
#include <gtest/gtest.h>

#include "providers/plugin_host.hpp"
#include "support/provider_world.hpp"

namespace crossfade::providers {
namespace {

constexpr const char* prefix = "failed to create plugin: unable to get metric plugin: unable to start plugin system: ";

// A plugin that answers what the test wants.
class Scripted final : public MetricPlugin {
 public:
  Result<api::Measurement> answer;
  Result<std::string> collected;
  Result<std::map<std::string, std::string>> told;

  Task<Result<api::Measurement>> run(const api::AnalysisRun&, const api::Metric&) override { co_return answer; }
  Task<Result<api::Measurement>> resume(const api::AnalysisRun&, const api::Metric&, const api::Measurement&) override {
    co_return answer;
  }
  Task<Result<api::Measurement>> terminate(const api::AnalysisRun&, const api::Metric&,
                                           const api::Measurement&) override {
    co_return answer;
  }
  Task<Result<std::string>> garbageCollect(const api::AnalysisRun&, const api::Metric&, std::int64_t) override {
    co_return collected;
  }
  Task<Result<std::map<std::string, std::string>>> metadata(const api::Metric&) override { co_return told; }
};

class Host final : public PluginHost {
 public:
  std::shared_ptr<Scripted> plugin = std::make_shared<Scripted>();
  Task<Result<std::shared_ptr<MetricPlugin>>> open(const std::string& name) override {
    if (name != "ns/sample")
      co_return fail(ErrorCode::not_found,
                     fmt::format("unable to find plugin ({0}): plugin {0} not configured in configmap", name));
    co_return std::shared_ptr<MetricPlugin>(plugin);
  }
};

class Plugin : public ProviderTest {
 protected:
  Plugin() {
    in_flight.started_at = loop.clock().now() - seconds(5);
    in_flight.metadata["id"] = "7";
  }
  api::Measurement resume() { return *loop.get(provider()->resume(analysis_run, metric, in_flight)); }
  api::Measurement terminate() { return *loop.get(provider()->terminate(analysis_run, metric, in_flight)); }
  std::shared_ptr<Provider> provider() { return std::move(*makeProvider(context(), metric)); }

  Host host;
  api::Metric metric = metricOf(R"({"plugin":{"ns/sample":{"x":1}}})");
  api::Measurement in_flight = measurementIn("Running");
};

TEST_F(Plugin, IsNotHosted) {
  EXPECT_EQ(
      run(metric).message,
      std::string(prefix) +
          "unable to find plugin (ns/sample): plugin ns/sample is not hosted: this version runs no metric plugins");
  EXPECT_EQ(run(metricOf(R"({"plugin":{}})")).message, std::string(prefix) + "no plugin found");
  const api::Measurement after = resume();
  EXPECT_EQ(after.phase, "Error");
  EXPECT_EQ(after.metadata, in_flight.metadata);
}

TEST_F(Plugin, Measures) {
  plugins = &host;
  host.plugin->answer = measurementIn("Successful", "", "5");
  host.plugin->told = std::map<std::string, std::string>{{"k", "v"}};
  const auto one = provider();
  EXPECT_EQ(loop.get(one->run(analysis_run, metric))->value, "5");
  EXPECT_EQ(one->metadata(metric), (std::map<std::string, std::string>{{"k", "v"}}));
  EXPECT_EQ(run(metricOf(R"({"plugin":{"ns/other":{}}})")).message,
            std::string(prefix) + "unable to find plugin (ns/other): plugin ns/other not configured in configmap");
}

TEST_F(Plugin, Complains) {
  plugins = &host;
  host.plugin->answer = measurementIn("Error", "no data");
  EXPECT_EQ(run(metric).message, "failed to run via plugin: no data");
  EXPECT_EQ(resume().message, "failed to resume via plugin: no data");
  EXPECT_EQ(terminate().message, "failed to terminate via plugin: no data");
  host.plugin->told = std::map<std::string, std::string>{{"error", "none"}};
  const auto one = provider();
  loop.get(one->run(analysis_run, metric));
  EXPECT_EQ(one->metadata(metric).at("error"), "failed to get metadata via plugin: none");
  host.plugin->collected = "busy";
  EXPECT_EQ(loop.get(one->garbageCollect(analysis_run, metric, 1))->error().message,
            "failed to garbage collect via plugin: busy");
}

TEST_F(Plugin, IsGoneInTheMiddle) {  // as in spec/08 §16.4 row 78
  plugins = &host;
  const auto gone = fail(ErrorCode::unavailable, "connection is shut down");
  host.plugin->answer = gone;
  host.plugin->collected = gone;
  host.plugin->told = gone;
  const auto one = provider();
  const api::Measurement measured = *loop.get(one->run(analysis_run, metric));
  EXPECT_EQ(measured.phase, "Error");
  EXPECT_EQ(measured.message, "Run rpc call error: connection is shut down");
  EXPECT_EQ(measured.started_at, loop.clock().now());
  EXPECT_EQ(resume().message, "Resume rpc call error: connection is shut down");
  EXPECT_EQ(resume().started_at, in_flight.started_at);
  EXPECT_EQ(terminate().message, "Terminate rpc call error: connection is shut down");
  EXPECT_EQ(terminate().metadata, in_flight.metadata);
  EXPECT_EQ(one->metadata(metric).at("error"), "GetMetadata rpc call error: connection is shut down");
  EXPECT_EQ(loop.get(one->garbageCollect(analysis_run, metric, 1))->error().message,
            "failed to garbage collect via plugin: GarbageCollect rpc call error: connection is shut down");
}

}  // namespace
}  // namespace crossfade::providers
