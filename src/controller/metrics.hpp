// The controller's own Prometheus metrics, under the names that dashboards know. spec/11 §5.
//
// Two kinds: counters and histograms that are kept here, and "cache" gauges that are computed from the caches at the
// moment of a scrape (so that they vanish with their object). Belongs to the event loop; scrape() is called on it too.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace crossfade::controller {

// What a cache collector hands over: families of gauges.
class GaugeSink {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;
  virtual ~GaugeSink() = default;
  // Opens a family; gauges that follow belong to it.
  virtual void family(std::string_view name, std::string_view help) = 0;
  virtual void gauge(Labels labels, double value) = 0;
};

class Metrics {
 public:
  enum class Kind { rollout, analysis_run, experiment };
  using Collector = std::function<void(GaugeSink&)>;

  // `clock` outlives the metrics. `version` is the value of the info gauges.
  Metrics(Clock& clock, std::string version);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void observeReconcile(Kind kind, std::string_view ns, std::string_view name, Duration duration);
  void countReconcileError(Kind kind, std::string_view ns, std::string_view name);
  // An event on a Rollout, whether or not the correlator lets it through.
  void countEvent(std::string_view ns, std::string_view name, bool warning, std::string_view reason);
  // One finished rollout. `status` is status.duration.completionStatus.
  void observeRollout(std::string_view status, Duration total, Duration progression, Duration manual_pause);
  // One request to the API server: see requestLabels() for how a request becomes labels.
  void countRequest(std::string_view method, std::string_view target, int status);

  // The object is gone: its series are dropped 65 s later, unless it is counted again in the meantime.
  void forget(Kind kind, std::string_view ns, std::string_view name);

  // Work queues, by their name ("Rollouts").
  void queueAdded(std::string_view queue);
  void queueRetried(std::string_view queue);
  void queueStarted(std::string_view queue, Duration waited);
  void queueFinished(std::string_view queue, Duration worked);
  // `depth`, running items' total and longest age: asked at scrape time.
  struct QueueState {
    std::string name;
    double depth = 0, unfinished_seconds = 0, longest_seconds = 0;
  };
  void setQueueStates(std::function<std::vector<QueueState>()> states);

  // Called at each scrape, in the order in which they were added.
  void addCollector(Collector collector);

  // Prometheus text format 0.0.4.
  std::string scrape();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The labels of controller_clientset_k8s_request_total. spec/11 §5.6.
struct RequestLabels {
  std::string kind, ns, name, verb;
  bool operator==(const RequestLabels&) const = default;
};
RequestLabels requestLabels(std::string_view method, std::string_view target);

}  // namespace crossfade::controller
