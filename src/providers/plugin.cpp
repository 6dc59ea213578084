// Metrics that a plugin measures, and what is said when it can't. spec/08 §15.
#include <fmt/format.h>

#include "providers/builtin.hpp"
#include "providers/plugin_host.hpp"

namespace crossfade::providers {

namespace {

constexpr std::string_view not_created =
    "failed to create plugin: unable to get metric plugin: unable to start plugin system: ";

class Plugin final : public Provider {
 public:
  Plugin(const Context& context, std::string name) : context_(context), name_(std::move(name)) {}

  Task<api::Measurement> run(const api::AnalysisRun& run, const api::Metric& metric) override {
    api::Measurement blank;
    blank.started_at = context_.clock.now();
    const Result<std::shared_ptr<MetricPlugin>> plugin = co_await open();
    if (!plugin) co_return markError(std::move(blank), context_.clock.now(), plugin.error().message);
    const Result<api::Measurement> measured = co_await (*plugin)->run(run, metric);
    co_await askMetadata(*plugin, metric);
    co_return conclude(std::move(blank), measured, "Run", "run");
  }

  Task<api::Measurement> resume(const api::AnalysisRun& run, const api::Metric& metric,
                                api::Measurement measurement) override {
    const Result<std::shared_ptr<MetricPlugin>> plugin = co_await open();
    if (!plugin) co_return markError(std::move(measurement), context_.clock.now(), plugin.error().message);
    const Result<api::Measurement> measured = co_await (*plugin)->resume(run, metric, measurement);
    co_return conclude(std::move(measurement), measured, "Resume", "resume");
  }

  Task<api::Measurement> terminate(const api::AnalysisRun& run, const api::Metric& metric,
                                   api::Measurement measurement) override {
    const Result<std::shared_ptr<MetricPlugin>> plugin = co_await open();
    if (!plugin) co_return markError(std::move(measurement), context_.clock.now(), plugin.error().message);
    const Result<api::Measurement> measured = co_await (*plugin)->terminate(run, metric, measurement);
    co_return conclude(std::move(measurement), measured, "Terminate", "terminate");
  }

  Task<Result<>> garbageCollect(const api::AnalysisRun& run, const api::Metric& metric, std::int64_t limit) override {
    const Result<std::shared_ptr<MetricPlugin>> plugin = co_await open();
    if (!plugin) co_return fail(plugin.error());
    const Result<std::string> problem = co_await (*plugin)->garbageCollect(run, metric, limit);
    if (!problem) {
      co_return fail(problem.error().code,
                     "failed to garbage collect via plugin: GarbageCollect rpc call error: " + problem.error().message);
    }
    if (!problem->empty()) co_return fail(ErrorCode::internal, "failed to garbage collect via plugin: " + *problem);
    co_return Result<>();
  }

  std::map<std::string, std::string> metadata(const api::Metric&) const override { return metadata_; }

 private:
  Task<Result<std::shared_ptr<MetricPlugin>>> open() const {
    if (name_.empty()) co_return fail(ErrorCode::invalid, std::string(not_created) + "no plugin found");
    if (context_.plugins == nullptr) {
      co_return fail(ErrorCode::invalid,
                     fmt::format("{}unable to find plugin ({}): plugin {} is not hosted: this version runs no metric "
                                 "plugins",
                                 not_created, name_, name_));
    }
    const Result<std::shared_ptr<MetricPlugin>> plugin = co_await context_.plugins->open(name_);
    if (!plugin) co_return fail(plugin.error().code, std::string(not_created) + plugin.error().message);
    co_return plugin;
  }

  // Kept for metadata(): asked for in the run, since that can't wait.
  Task<> askMetadata(std::shared_ptr<MetricPlugin> plugin, const api::Metric& metric) {
    const auto told = co_await plugin->metadata(metric);
    if (!told) {
      metadata_ = {{"error", "GetMetadata rpc call error: " + told.error().message}};
      co_return;
    }
    metadata_ = *told;
    const auto error = metadata_.find("error");
    if (error != metadata_.end()) error->second = "failed to get metadata via plugin: " + error->second;
  }

  // When the call fails the measurement stays what it was before, but for the error.
  api::Measurement conclude(api::Measurement before, const Result<api::Measurement>& measured, std::string_view call,
                            std::string_view verb) const {
    if (!measured) {
      return markError(std::move(before), context_.clock.now(),
                       fmt::format("{} rpc call error: {}", call, measured.error().message));
    }
    api::Measurement after = *measured;
    if (after.phase == "Error") after.message = fmt::format("failed to {} via plugin: {}", verb, after.message);
    return after;
  }

  const Context context_;
  const std::string name_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace

Result<std::unique_ptr<Provider>> makePlugin(const Context& context, const json::object& json) {
  return std::make_unique<Plugin>(context, json.empty() ? std::string() : std::string(json.begin()->key()));
}

}  // namespace crossfade::providers
