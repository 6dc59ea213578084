#include "controller/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "controller/series.hpp"

namespace crossfade::controller {
namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Histogram;
using prometheus::MetricFamily;
using PromLabels = prometheus::Labels;

constexpr Duration forget_after = seconds(65);
const std::vector<double> reconcile_buckets = {0.01, 0.15, 0.25, 0.5, 1};
const Histogram::BucketBoundaries total_buckets = {30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800};
const Histogram::BucketBoundaries progression_buckets = {30, 60, 120, 300, 600, 900, 1800, 3600};
const Histogram::BucketBoundaries pause_buckets = {0, 60, 300, 600, 1800, 3600, 7200, 14400, 28800};
const Histogram::BucketBoundaries queue_buckets = {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1, 10};

double inSeconds(Duration duration) { return static_cast<double>(duration.count()) / 1e6; }

// Collects the gauges of one scrape in the shape that the serializer takes.
class FamilySink final : public GaugeSink {
 public:
  void family(std::string_view name, std::string_view help) override {
    families.push_back({std::string(name), std::string(help), prometheus::MetricType::Gauge, {}});
  }
  void gauge(Labels labels, double value) override {
    prometheus::ClientMetric metric;
    std::ranges::sort(labels);
    for (auto& [label, text] : labels) metric.label.push_back({std::move(label), std::move(text)});
    metric.gauge.value = value;
    families.back().metric.push_back(std::move(metric));
  }
  std::vector<MetricFamily> families;
};

}  // namespace

struct Metrics::Impl {
  struct ObjectMetrics {
    ObjectMetrics(const std::string& stem, std::string_view what, std::string_view error_what)
        : reconcile(stem + "_reconcile", fmt::format("{} reconciliation performance.", what), {"name", "namespace"},
                    reconcile_buckets),
          errors(stem + "_reconcile_error", fmt::format("Error occurring during the {}", error_what),
                 {"name", "namespace"}) {}
    HistogramSeries reconcile;
    CounterSeries errors;
  };
  struct Doomed {
    TimePoint when;
    Kind kind;
    std::string ns, name;
  };

  Impl(Clock& the_clock, std::string version) : clock(the_clock) {
    total = &histogram("rollout_duration_seconds",
                       "Total wall-clock time for a rollout from start to completion/abort/supersede");
    progression = &histogram("rollout_progression_duration_seconds",
                             "Active progression time for a rollout (excluding manual pause time)");
    manual = &histogram("rollout_manual_pause_duration_seconds",
                        "Time spent in manual pause waiting for human intervention");
    queue_adds = &counter("workqueue_adds_total", "Total number of adds handled by workqueue");
    queue_retries = &counter("workqueue_retries_total", "Total number of retries handled by workqueue");
    queue_waits = &histogram("workqueue_queue_duration_seconds",
                             "How long in seconds an item stays in workqueue before being requested");
    queue_works =
        &histogram("workqueue_work_duration_seconds", "How long in seconds processing an item from workqueue takes.");
    prometheus::BuildGauge()
        .Name("argo_rollouts_controller_info")
        .Help("Running Argo-rollouts version")
        .Register(registry)
        .Add({{"version", version}})
        .Set(1);
    prometheus::BuildGauge()
        .Name("build_info")
        .Help("A metric with a constant '1' value labeled by version from which Argo-Rollouts was built.")
        .Register(registry)
        .Add({{"version", version}, {"goversion", "g++ " __VERSION__}, {"goarch", architecture()}, {"commit", ""}})
        .Set(1);
  }

  static std::string architecture() {
#if defined(__x86_64__)
    return "amd64";
#elif defined(__aarch64__)
    return "arm64";
#else
    return "unknown";
#endif
  }

  Family<Counter>& counter(const std::string& name, const std::string& help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  Family<Histogram>& histogram(const std::string& name, const std::string& help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }

  void keep(Kind kind, std::string_view ns, std::string_view name) {
    std::erase_if(doomed,
                  [&](const Doomed& object) { return object.kind == kind && object.ns == ns && object.name == name; });
  }

  // Drops the series of objects whose time is over. Done at scrapes and when objects go: nobody sees them in between.
  void sweep() {
    const TimePoint now = clock.now();
    std::erase_if(doomed, [&](const Doomed& object) {
      if (object.when > now) return false;
      ObjectMetrics& metrics = kinds[static_cast<std::size_t>(object.kind)];
      metrics.reconcile.remove({object.name, object.ns});
      metrics.errors.remove({object.name, object.ns});
      if (object.kind == Kind::rollout) events.remove({object.name, object.ns});
      return true;
    });
  }

  Clock& clock;
  prometheus::Registry registry;
  std::array<ObjectMetrics, 3> kinds = {ObjectMetrics("rollout", "Rollout", "rollout"),
                                        ObjectMetrics("analysis_run", "Analysis Run", "analysis run"),
                                        ObjectMetrics("experiment", "Experiments", "experiment")};
  CounterSeries events{"rollout_events_total", "Count of rollout events", {"name", "namespace", "reason", "type"}};
  CounterSeries requests{"controller_clientset_k8s_request_total",
                         "Number of kubernetes requests executed during application reconciliation.",
                         {"kind", "name", "namespace", "status_code", "verb"}};
  Family<Counter>*queue_adds, *queue_retries;
  Family<Histogram>*total, *progression, *manual, *queue_waits, *queue_works;
  std::vector<Doomed> doomed;
  std::vector<Collector> collectors;
  std::function<std::vector<QueueState>()> queue_states;
};

Metrics::Metrics(Clock& clock, std::string version) : impl_(std::make_unique<Impl>(clock, std::move(version))) {}
Metrics::~Metrics() = default;

void Metrics::observeReconcile(Kind kind, std::string_view ns, std::string_view name, Duration duration) {
  impl_->keep(kind, ns, name);
  impl_->kinds[static_cast<std::size_t>(kind)].reconcile.observe({name, ns}, inSeconds(duration));
}

void Metrics::countReconcileError(Kind kind, std::string_view ns, std::string_view name) {
  impl_->keep(kind, ns, name);
  impl_->kinds[static_cast<std::size_t>(kind)].errors.increment({name, ns});
}

void Metrics::countEvent(std::string_view ns, std::string_view name, bool warning, std::string_view reason) {
  impl_->events.increment({name, ns, reason, warning ? "Warning" : "Normal"});
}

void Metrics::observeRollout(std::string_view status, Duration total, Duration progression, Duration manual_pause) {
  const PromLabels labels = {{"status", std::string(status)}};
  impl_->total->Add(labels, total_buckets).Observe(inSeconds(total));
  impl_->progression->Add(labels, progression_buckets).Observe(inSeconds(progression));
  impl_->manual->Add(labels, pause_buckets).Observe(inSeconds(manual_pause));
}

void Metrics::countRequest(std::string_view method, std::string_view target, int status) {
  const RequestLabels labels = requestLabels(method, target);
  impl_->requests.increment({labels.kind, labels.name, labels.ns, std::to_string(status), labels.verb});
}

void Metrics::forget(Kind kind, std::string_view ns, std::string_view name) {
  impl_->sweep();
  impl_->keep(kind, ns, name);
  impl_->doomed.push_back({impl_->clock.now() + forget_after, kind, std::string(ns), std::string(name)});
}

void Metrics::queueAdded(std::string_view queue) { impl_->queue_adds->Add({{"name", std::string(queue)}}).Increment(); }
void Metrics::queueRetried(std::string_view queue) {
  impl_->queue_retries->Add({{"name", std::string(queue)}}).Increment();
}
void Metrics::queueStarted(std::string_view queue, Duration waited) {
  impl_->queue_waits->Add({{"name", std::string(queue)}}, queue_buckets).Observe(inSeconds(waited));
}
void Metrics::queueFinished(std::string_view queue, Duration worked) {
  impl_->queue_works->Add({{"name", std::string(queue)}}, queue_buckets).Observe(inSeconds(worked));
}
void Metrics::setQueueStates(std::function<std::vector<QueueState>()> states) {
  impl_->queue_states = std::move(states);
}
void Metrics::addCollector(Collector collector) { impl_->collectors.push_back(std::move(collector)); }

std::string Metrics::scrape() {
  impl_->sweep();
  std::vector<MetricFamily> families = impl_->registry.Collect();
  for (const Impl::ObjectMetrics& metrics : impl_->kinds) {
    families.push_back(metrics.reconcile.collect());
    families.push_back(metrics.errors.collect());
  }
  families.push_back(impl_->events.collect());
  families.push_back(impl_->requests.collect());
  std::erase_if(families, [](const MetricFamily& family) { return family.metric.empty(); });
  FamilySink sink;
  for (const Collector& collect : impl_->collectors) collect(sink);
  if (impl_->queue_states) {
    const std::vector<QueueState> states = impl_->queue_states();
    const auto put = [&](std::string_view name, std::string_view help, double QueueState::* member) {
      sink.family(name, help);
      for (const QueueState& state : states) sink.gauge({{"name", state.name}}, state.*member);
    };
    put("workqueue_depth", "Current depth of workqueue", &QueueState::depth);
    put("workqueue_unfinished_work_seconds",
        "Seconds of work in progress that hasn't been observed by work_duration yet.", &QueueState::unfinished_seconds);
    put("workqueue_longest_running_processor_seconds", "Age of the longest running item.",
        &QueueState::longest_seconds);
  }
  for (MetricFamily& family : sink.families) {
    if (!family.metric.empty()) families.push_back(std::move(family));
  }
  return prometheus::TextSerializer().Serialize(families);
}

RequestLabels requestLabels(std::string_view method, std::string_view target) {
  const auto question = target.find('?');
  const std::string_view query = question == std::string_view::npos ? "" : target.substr(question + 1);
  std::vector<std::string_view> parts;
  for (std::string_view rest = target.substr(0, question); !rest.empty();) {
    const auto slash = rest.find('/');
    if (const std::string_view part = rest.substr(0, slash); !part.empty()) parts.push_back(part);
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  }
  // /api/v1/... or /apis/group/version/..., then [namespaces/NS/]RESOURCE[/NAME[/SUBRESOURCE]]
  const RequestLabels unknown = {"Unknown", "Unknown", "Unknown", "Unknown"};
  const std::size_t start = !parts.empty() && parts[0] == "api" ? 2 : !parts.empty() && parts[0] == "apis" ? 3 : 0;
  if (start == 0 || parts.size() <= start) return unknown;
  RequestLabels labels;
  std::size_t at = start;
  if (parts[at] == "namespaces" && parts.size() > at + 2) {
    labels.ns = parts[at + 1];
    at += 2;
  }
  labels.kind = parts[at];
  if (parts.size() > at + 1) labels.name = parts[at + 1];

  if (method == "GET") {
    labels.verb = query.contains("watch=true") || query.contains("watch=1") ? "Watch"
                  : labels.name.empty()                                     ? "List"
                                                                            : "Get";
  } else if (method == "POST") {
    labels.verb = "Create";
  } else if (method == "PUT") {
    labels.verb = "Update";
  } else if (method == "PATCH") {
    labels.verb = "Patch";
  } else if (method == "DELETE") {
    labels.verb = "Delete";
  } else {
    return unknown;
  }
  if (labels.verb == "List" || labels.kind == "events" || labels.kind == "replicasets") labels.name = "N/A";
  return labels;
}

}  // namespace crossfade::controller
