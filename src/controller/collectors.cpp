#include "controller/collectors.hpp"

#include <array>

namespace crossfade::controller {
namespace {

// --- Rollouts --------------------------------------------------------------------------------------------------------

std::string_view strategyOf(const api::Rollout& rollout) {
  if (rollout.spec.blue_green) return "blueGreen";
  return rollout.spec.canary ? "canary" : "none";
}

// Later entries win; the others have no name here. spec/11 §5.2.
std::string_view routerOf(const api::Rollout& rollout) {
  if (!rollout.spec.canary || !rollout.spec.canary->routed()) return "";
  const json::object routing = rollout.spec.canary->traffic_routing.object();
  std::string_view name;
  constexpr std::pair<std::string_view, std::string_view> names[] = {{"alb", "ALB"},     {"ambassador", "Ambassador"},
                                                                     {"istio", "Istio"}, {"nginx", "Nginx"},
                                                                     {"smi", "SMI"},     {"appMesh", "AppMesh"}};
  for (const auto& [key, said] : names) {
    if (getObject(routing, {key}) != nullptr) name = said;
  }
  return name;
}

std::string_view phaseOf(const api::Rollout& rollout) {
  std::string_view phase = "Progressing";
  for (const api::Condition& condition : rollout.status.conditions) {
    if (condition.type == "InvalidSpec") return "InvalidSpec";
    if (condition.type != "Progressing") continue;
    if (condition.reason == "NewReplicaSetAvailable") phase = "Completed";
    if (condition.reason == "RolloutPaused") phase = "Paused";
    if (condition.reason == "ReplicaSetCreateError") phase = "Error";
    if (condition.reason == "ProgressDeadlineExceeded") phase = "Timeout";
    if (condition.reason == "RolloutAborted") phase = "Abort";
  }
  return phase;
}

// One series a phase: 1 for the current one.
template <std::size_t N>
void gaugePhases(GaugeSink& sink, const GaugeSink::Labels& labels, const std::array<std::string_view, N>& phases,
                 std::string_view current) {
  for (const std::string_view phase : phases) {
    GaugeSink::Labels with_phase = labels;
    with_phase.emplace_back("phase", phase);
    sink.gauge(std::move(with_phase), phase == current ? 1 : 0);
  }
}

GaugeSink::Labels named(const api::Metadata& metadata) { return {{"namespace", metadata.ns}, {"name", metadata.name}}; }

GaugeSink::Labels with(GaugeSink::Labels labels,
                       std::initializer_list<std::pair<std::string_view, std::string_view>> more) {
  for (const auto& [name, value] : more) labels.emplace_back(name, value);
  return labels;
}

// --- analysis --------------------------------------------------------------------------------------------------------

constexpr std::array<std::string_view, 6> run_phases = {"Pending",    "Error",   "Failed",
                                                        "Successful", "Running", "Inconclusive"};
constexpr std::array<std::string_view, 5> experiment_phases = {"Pending", "Error", "Successful", "Running",
                                                               "Inconclusive"};

std::string_view orPending(std::string_view phase) { return phase.empty() ? "Pending" : phase; }

// The name under which dashboards know a metric's provider.
std::string_view typeOf(const json::object& provider) {
  constexpr std::pair<std::string_view, std::string_view> types[] = {
      {"prometheus", "Prometheus"}, {"job", "Job"},
      {"kayenta", "Kayenta"},       {"web", "Web"},
      {"datadog", "Datadog"},       {"wavefront", "Wavefront"},
      {"newRelic", "NewRelic"},     {"cloudWatch", "CloudWatch"},
      {"graphite", "Graphite"},     {"influxdb", "Influxdb"},
      {"skywalking", "skywalking"}, {"plugin", "RPCPlugin"}};
  for (const auto& [key, type] : types) {
    if (provider.contains(key)) return type;
  }
  return "Unknown Provider";
}

}  // namespace

void collectRollouts(const Caches& caches, GaugeSink& sink) {
  const auto& rollouts = caches.rollouts.all();
  sink.family("rollout_info", "Information about rollout.");
  for (const auto& [key, rollout] : rollouts) {
    sink.gauge(with(named(rollout->metadata), {{"strategy", strategyOf(*rollout)},
                                               {"traffic_router", routerOf(*rollout)},
                                               {"phase", phaseOf(*rollout)}}),
               1);
  }
  const auto put = [&](std::string_view name, std::string_view help, auto value) {
    sink.family(name, help);
    for (const auto& [key, rollout] : rollouts)
      sink.gauge(named(rollout->metadata), static_cast<double>(value(*rollout)));
  };
  put("rollout_info_replicas_available", "The number of available replicas per rollout.",
      [](const api::Rollout& rollout) { return rollout.status.available_replicas; });
  put("rollout_info_replicas_unavailable", "The number of unavailable replicas per rollout.",
      [](const api::Rollout& rollout) { return rollout.status.replicas - rollout.status.available_replicas; });
  put("rollout_info_replicas_desired", "The number of desired replicas per rollout.",
      [](const api::Rollout& rollout) { return rollout.spec.replicasOrDefault(); });
  put("rollout_info_replicas_updated", "The number of updated replicas per rollout.",
      [](const api::Rollout& rollout) { return rollout.status.updated_replicas; });
  constexpr std::array<std::string_view, 6> phases = {"Completed", "Progressing", "Paused",
                                                      "Timeout",   "Error",       "Abort"};
  sink.family("rollout_phase", "Information on the state of the rollout (DEPRECATED - use rollout_info)");
  for (const auto& [key, rollout] : rollouts) {
    gaugePhases(sink, with(named(rollout->metadata), {{"strategy", strategyOf(*rollout)}}), phases, phaseOf(*rollout));
  }
}

void collectAnalysis(const Caches& caches, GaugeSink& sink) {
  const auto& runs = caches.analysis_runs.all();
  sink.family("analysis_run_info", "Information about analysis run.");
  for (const auto& [key, run] : runs) sink.gauge(with(named(run->metadata), {{"phase", run->status.phase}}), 1);
  sink.family("analysis_run_phase",
              "Information on the state of the Analysis Run (DEPRECATED - use analysis_run_info)");
  for (const auto& [key, run] : runs) gaugePhases(sink, named(run->metadata), run_phases, orPending(run->status.phase));
  sink.family("analysis_run_metric_type", "Information on the type of a specific metric in the Analysis Runs");
  for (const auto& [key, run] : runs) {
    for (const api::Metric& metric : run->metrics) {
      sink.gauge(with(named(run->metadata), {{"metric", metric.name}, {"type", typeOf(metric.provider.object())}}), 1);
    }
  }
  sink.family("analysis_run_metric_phase", "Information on the duration of a specific metric in the Analysis Run");
  for (const auto& [key, run] : runs) {
    for (const api::Metric& metric : run->metrics) {
      const auto result = std::ranges::find(run->status.metric_results, metric.name, &api::MetricResult::name);
      const bool measured = result != run->status.metric_results.end();
      const GaugeSink::Labels labels =
          with(named(run->metadata), {{"metric", metric.name},
                                      {"type", typeOf(metric.provider.object())},
                                      {"dry_run", measured && result->dry_run ? "true" : "false"}});
      gaugePhases(sink, labels, run_phases, measured ? orPending(result->phase) : "Pending");
    }
  }

  sink.family("analysis_template_info", "Information about analysis templates.");
  for (const auto* templates : {&caches.analysis_templates, &caches.cluster_analysis_templates}) {
    for (const auto& [key, one] : templates->all()) sink.gauge(named(one->metadata), 1);
  }
  sink.family("analysis_template_metric_info", "Information on metrics in analysis templates.");
  for (const auto* templates : {&caches.analysis_templates, &caches.cluster_analysis_templates}) {
    for (const auto& [key, one] : templates->all()) {
      const json::object spec = one->spec.object();
      const json::array* metrics = getArray(spec, {"metrics"});
      for (const json::value& value : metrics != nullptr ? *metrics : json::array()) {
        const json::object* metric = value.if_object();
        const json::object* provider = metric != nullptr ? getObject(*metric, {"provider"}) : nullptr;
        if (provider == nullptr) continue;
        sink.gauge(with(named(one->metadata), {{"type", typeOf(*provider)}, {"metric", getString(*metric, {"name"})}}),
                   1);
      }
    }
  }
}

void collectExperiments(const Caches& caches, GaugeSink& sink) {
  const auto& experiments = caches.experiments.all();
  sink.family("experiment_info", "Information about Experiment.");
  for (const auto& [key, one] : experiments) sink.gauge(with(named(one->metadata), {{"phase", one->phase}}), 1);
  sink.family("experiment_phase", "Information on the state of the experiment (DEPRECATED - use experiment_info)");
  for (const auto& [key, one] : experiments)
    gaugePhases(sink, named(one->metadata), experiment_phases, orPending(one->phase));
}

}  // namespace crossfade::controller
