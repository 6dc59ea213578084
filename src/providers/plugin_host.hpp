// Metric plugins: programs of others that measure. Who runs them is behind this interface. spec/08 §15.
#pragma once
#include <map>
#include <memory>
#include <string>

#include "api/analysis.hpp"
#include "base/async.hpp"
#include "base/result.hpp"

namespace crossfade::providers {

// A plugin that runs. An Error means that the call did not reach it or that no answer came ("connection is shut down");
// what the plugin itself complains of is in its answer.
class MetricPlugin {
 public:
  virtual ~MetricPlugin() = default;
  virtual Task<Result<api::Measurement>> run(const api::AnalysisRun& run, const api::Metric& metric) = 0;
  virtual Task<Result<api::Measurement>> resume(const api::AnalysisRun& run, const api::Metric& metric,
                                                const api::Measurement& measurement) = 0;
  virtual Task<Result<api::Measurement>> terminate(const api::AnalysisRun& run, const api::Metric& metric,
                                                   const api::Measurement& measurement) = 0;
  // The plugin's own error; empty when it has none.
  virtual Task<Result<std::string>> garbageCollect(const api::AnalysisRun& run, const api::Metric& metric,
                                                   std::int64_t limit) = 0;
  virtual Task<Result<std::map<std::string, std::string>>> metadata(const api::Metric& metric) = 0;
};

class PluginHost {
 public:
  virtual ~PluginHost() = default;
  // The plugin of that name, started where it isn't running and asked whether it is alive. Fails in the words of
  // spec/08 §15.2, without their prefix ("unable to find plugin (x): …").
  virtual Task<Result<std::shared_ptr<MetricPlugin>>> open(const std::string& name) = 0;
};

}  // namespace crossfade::providers
