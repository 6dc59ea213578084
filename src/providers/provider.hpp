// Metric providers: from a metric to one measured value. One file each behind this interface, and one line in
// providers/registry.cpp. spec/08 §1, spec/06 §6.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "api/analysis.hpp"
#include "base/async.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "kube/client.hpp"
#include "net/aws_credentials.hpp"
#include "net/http.hpp"

namespace crossfade::expr {
class Conditions;  // expr/condition.hpp
}

namespace crossfade::providers {

class PluginHost;  // providers/plugin_host.hpp

// What a provider may use. Everything outlives the measurement.
struct Context {
  kube::Client& client;  // Secrets, Jobs
  net::Dialer& dialer;   // metric backends; it pools their connections
  Clock& clock;
  std::string prometheus_address;  // default for metrics without one
  std::string job_namespace;       // "": the run's

  std::string controller_namespace = "argo-rollouts";  // where the Secrets of hosted services are. spec/08 §3.2
  net::Environment environment = {};                   // variables; null: none is set
  std::shared_ptr<net::AwsSession> aws = nullptr;      // keeps temporary credentials; null: none are kept
  expr::Conditions* conditions = nullptr;              // compiled ones are kept there; null: none are kept
  PluginHost* plugins = nullptr;                       // null: no plugin is hosted
  kube::Client* job_client = nullptr;                  // of the cluster where Jobs run; null: `client`

  // The variable's value; empty when it is not set.
  std::string variable(std::string_view name) const {
    return environment ? environment(name).value_or("") : std::string();
  }
};

// Made anew for each measurement; outlives the tasks that it hands out, and so do the run and the metric given to them.
class Provider {
 public:
  virtual ~Provider() = default;
  // spec/08 §1.1. `metric` has its arguments filled in. A failure of the backend is a Measurement in phase Error whose
  // message says what happened. A measurement that is still in flight has no finished_at.
  virtual Task<api::Measurement> run(const api::AnalysisRun& run, const api::Metric& metric) = 0;
  virtual Task<api::Measurement> resume(const api::AnalysisRun& run, const api::Metric& metric,
                                        api::Measurement measurement) = 0;
  virtual Task<api::Measurement> terminate(const api::AnalysisRun& run, const api::Metric& metric,
                                           api::Measurement measurement) = 0;
  // Removes what belongs to measurements that are no longer kept (Jobs), but the newest `limit`.
  virtual Task<Result<>> garbageCollect(const api::AnalysisRun& run, const api::Metric& metric, std::int64_t limit) = 0;
  // Kept once in the metric's result.
  virtual std::map<std::string, std::string> metadata(const api::Metric& metric) const = 0;
};

// The provider that `metric` names; fails in spec/08 §1.2's words when there is none, and where its configuration makes
// no sense.
Result<std::unique_ptr<Provider>> makeProvider(const Context& context, const api::Metric& metric);
// The name of its kind in logs and lists: "Prometheus", "skywalking", "Unknown Provider". spec/08 §1.1.
std::string_view providerType(const api::Metric& metric);

// A measurement that failed before it could be made, now. spec/08 §1.3.
api::Measurement failedMeasurement(TimePoint now, std::string message);
// The measurement with its error; what it holds already stays. spec/08 §1.4.
api::Measurement markError(api::Measurement measurement, TimePoint now, std::string message);

}  // namespace crossfade::providers
