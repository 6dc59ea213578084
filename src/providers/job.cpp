// Jobs as measurements: a Job that completes is a success, one that fails a failure. spec/08 §9.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "api/names.hpp"
#include "base/hash.hpp"
#include "base/log.hpp"
#include "providers/builtin.hpp"

namespace crossfade::providers {

namespace {

constexpr std::string_view job_name_key = "job-name", job_namespace_key = "job-namespace";
// When the API server can't be asked the measurement stays in flight, and is asked for again after this.
constexpr Duration ask_again = seconds(10);

// "<run uid>.<metric>.<n>" within 63 characters. What is cut off a metric's name is made up for by a hash of it, so
// that two metrics that begin alike get Jobs of their own.
std::string jobName(const std::string& uid, const std::string& metric, std::int64_t number) {
  constexpr std::size_t longest = 63;
  const std::string suffix = fmt::format(".{}", number);
  const std::size_t fixed = uid.size() + 1 + suffix.size();
  const std::size_t room = fixed < longest ? longest - fixed : 0;
  if (metric.size() <= room) return uid + "." + metric + suffix;
  const std::string hash = safeEncode(fnv1a(metric));
  if (room <= hash.size() + 1) return uid + "." + hash.substr(0, room) + suffix;
  return uid + "." + metric.substr(0, room - hash.size() - 1) + "-" + hash + suffix;
}

std::int64_t nextNumber(const api::AnalysisRun& run, const std::string& metric) {
  const auto& results = run.status.metric_results;
  const auto result = std::ranges::find(results, metric, &api::MetricResult::name);
  return result == results.end() ? 1 : result->count + result->error + 1;
}

// The run that a Job belongs to: by its controller; by its label where it can't have one (another namespace or
// cluster).
std::string_view ownerUid(const api::Metadata& job, bool ownable) {
  if (job.controller) return job.controller->uid;
  return ownable ? std::string_view() : job.label(api::analysis_run_uid_label);
}

// The phase that a Job's conditions tell; the last one counts.
std::optional<std::string_view> verdictOf(const json::object& job) {
  std::optional<std::string_view> phase;
  const json::array* conditions = getArray(job, {"status", "conditions"});
  for (const json::value& item : conditions == nullptr ? json::array() : *conditions) {
    const json::object* condition = item.if_object();
    if (condition == nullptr || getString(*condition, {"status"}) != "True") continue;
    if (getString(*condition, {"type"}) == "Complete") phase = "Successful";
    if (getString(*condition, {"type"}) == "Failed") phase = "Failed";
  }
  return phase;
}

// One line for each container that can never start, because its image can't be had.
std::string hopelessContainers(const json::object& pod) {
  static constexpr std::array<std::string_view, 3> hopeless{"ErrImagePull", "ImagePullBackOff", "InvalidImageName"};
  std::string lines;
  for (const std::string_view list : {"initContainerStatuses", "containerStatuses"}) {
    const json::array* statuses = getArray(pod, {"status", list});
    for (const json::value& item : statuses == nullptr ? json::array() : *statuses) {
      const json::object* status = item.if_object();
      if (status == nullptr) continue;
      const std::string_view reason = getString(*status, {"state", "waiting", "reason"});
      if (std::ranges::find(hopeless, reason) == hopeless.end()) continue;
      lines += fmt::format("Pod {}, container {} has terminal error ({}): {}\n", getString(pod, {"metadata", "name"}),
                           getString(*status, {"name"}), reason, getString(*status, {"state", "waiting", "message"}));
    }
  }
  return lines;
}

class Job final : public Provider {
 public:
  Job(const Context& context, json::object settings)
      : client_(context.job_client == nullptr ? context.client : *context.job_client),
        foreign_cluster_(context.job_client != nullptr),
        clock_(context.clock),
        own_namespace_(context.job_namespace),
        settings_(std::move(settings)) {}

  Task<api::Measurement> run(const api::AnalysisRun& run, const api::Metric& metric) override {
    const json::object job = build(run, metric);
    const std::string ns = namespaceOf(run);
    api::Measurement measurement;
    measurement.started_at = clock_.now();
    const Result<json::object> created = co_await client_.create(kube::resources::jobs, ns, job);
    if (!created) {
      // Made before, and the status that said so was lost?
      bool adopted = false;
      if (created.error().code == ErrorCode::already_exists) adopted = co_await isOurs(run, job);
      if (!adopted) co_return markError(std::move(measurement), clock_.now(), created.error().message);
    }
    measurement.phase = "Running";
    measurement.metadata[std::string(job_name_key)] = getString(job, {"metadata", "name"});
    measurement.metadata[std::string(job_namespace_key)] = ns;
    measurement.resume_at = clock_.now();
    co_return measurement;
  }

  Task<api::Measurement> resume(const api::AnalysisRun& run, const api::Metric&,
                                api::Measurement measurement) override {
    const auto where = reference(run, measurement);
    if (!where) co_return markError(std::move(measurement), clock_.now(), "job metadata reference missing");
    const auto& [ns, name] = *where;
    const Result<json::object> job = co_await client_.get(kube::resources::jobs, ns, name);
    const TimePoint now = clock_.now();
    if (!job && job.error().code == ErrorCode::not_found) {
      co_return markError(std::move(measurement), now, fmt::format("job.batch \"{}\" not found", name));
    }
    if (!job) {
      log::warn("job {}/{} can't be read: {}", ns, name, job.error().message);
      measurement.resume_at = now + ask_again;
      co_return measurement;
    }
    if (const auto phase = verdictOf(*job)) {
      measurement.phase = *phase;
      measurement.finished_at = now;
      co_return measurement;
    }
    const std::string hopeless = co_await hopelessPods(*job, ns);
    if (!hopeless.empty()) {
      measurement.phase = "Inconclusive";
      measurement.message = hopeless;
      measurement.finished_at = now;
      co_return measurement;
    }
    // The longer it runs, the more rarely it is asked for; its end wakes the run anyway.
    const auto elapsed = std::chrono::duration<double>(now - measurement.started_at.value_or(now)).count();
    const auto delay = std::chrono::duration<double>(std::sqrt(2 * std::max(elapsed, 0.0)));
    measurement.resume_at = now + std::chrono::duration_cast<Duration>(delay);
    co_return measurement;
  }

  Task<api::Measurement> terminate(const api::AnalysisRun& run, const api::Metric&,
                                   api::Measurement measurement) override {
    const auto where = reference(run, measurement);
    if (!where) co_return markError(std::move(measurement), clock_.now(), "job metadata reference missing");
    const auto& [ns, name] = *where;
    const Result<json::object> removed =
        co_await client_.remove(kube::resources::jobs, ns, name, kube::Propagation::foreground);
    if (!removed && removed.error().code != ErrorCode::not_found) {
      co_return markError(std::move(measurement), clock_.now(), removed.error().message);
    }
    measurement.phase = "Inconclusive";
    measurement.finished_at = clock_.now();
    co_return measurement;
  }

  Task<Result<>> garbageCollect(const api::AnalysisRun& run, const api::Metric& metric, std::int64_t limit) override {
    kube::ListOptions options;
    options.label_selector = fmt::format("{}={}", api::analysis_run_uid_label, run.metadata.uid);
    const std::string ns = namespaceOf(run);
    const Result<kube::List> list = co_await client_.list(kube::resources::jobs, ns, options);
    if (!list) co_return fail(list.error());
    std::vector<api::Metadata> jobs;
    for (const json::object& item : list->items) {
      api::Metadata metadata = api::decodeMetadata(item);
      if (metadata.annotation(api::analysis_run_metric_annotation) == metric.name) jobs.push_back(std::move(metadata));
    }
    std::ranges::sort(jobs, {}, [](const api::Metadata& job) { return std::pair(job.created, job.name); });
    const auto excess = static_cast<std::int64_t>(jobs.size()) - limit;
    for (std::int64_t i = 0; i < excess; ++i) {
      const std::string name = jobs[static_cast<std::size_t>(i)].name;
      const Result<json::object> removed =
          co_await client_.remove(kube::resources::jobs, ns, name, kube::Propagation::foreground);
      if (!removed && removed.error().code != ErrorCode::not_found) co_return fail(removed.error());
    }
    co_return Result<>();
  }

  std::map<std::string, std::string> metadata(const api::Metric&) const override { return {}; }

 private:
  std::string namespaceOf(const api::AnalysisRun& run) const {
    return own_namespace_.empty() ? run.metadata.ns : own_namespace_;
  }

  json::object build(const api::AnalysisRun& run, const api::Metric& metric) const {
    const std::string ns = namespaceOf(run);
    json::object labels, annotations;
    if (const json::object* given = getObject(settings_, {"metadata", "labels"})) labels = *given;
    if (const json::object* given = getObject(settings_, {"metadata", "annotations"})) annotations = *given;
    labels[api::analysis_run_uid_label] = run.metadata.uid;
    annotations[api::analysis_run_name_annotation] = run.metadata.name;
    annotations[api::analysis_run_namespace_annotation] = run.metadata.ns;
    annotations[api::analysis_run_metric_annotation] = metric.name;
    json::object metadata{{"name", jobName(run.metadata.uid, metric.name, nextNumber(run, metric.name))},
                          {"namespace", ns},
                          {"labels", std::move(labels)},
                          {"annotations", std::move(annotations)}};
    if (ownable(run)) {
      metadata["ownerReferences"] = json::array{json::object{{"apiVersion", api::api_version},
                                                             {"kind", "AnalysisRun"},
                                                             {"name", run.metadata.name},
                                                             {"uid", run.metadata.uid},
                                                             {"controller", true},
                                                             {"blockOwnerDeletion", true}}};
    }
    json::object spec;
    if (const json::object* given = getObject(settings_, {"spec"})) spec = *given;
    ensureObject(spec, {"template", "metadata", "labels"})[api::analysis_run_uid_label] = run.metadata.uid;
    return {{"apiVersion", "batch/v1"}, {"kind", "Job"}, {"metadata", std::move(metadata)}, {"spec", std::move(spec)}};
  }

  // Whether the Job that has the name of `wanted` already is this run's.
  Task<bool> isOurs(const api::AnalysisRun& run, const json::object& wanted) {
    const std::string ns = namespaceOf(run);
    const std::string name(getString(wanted, {"metadata", "name"}));
    const Result<json::object> existing = co_await client_.get(kube::resources::jobs, ns, name);
    if (!existing) co_return false;
    const api::Metadata metadata = api::decodeMetadata(*existing);
    co_return ownerUid(metadata, ownable(run)) == run.metadata.uid;
  }

  // Namespace and name of a measurement's Job.
  static std::optional<std::pair<std::string, std::string>> reference(const api::AnalysisRun& run,
                                                                      const api::Measurement& measurement) {
    const auto get = [&](std::string_view key) {
      const auto entry = measurement.metadata.find(std::string(key));
      return entry == measurement.metadata.end() ? std::string() : entry->second;
    };
    const std::string ns = get(job_namespace_key), name = get(job_name_key);
    if (name.empty()) return std::nullopt;
    return std::pair(ns.empty() ? run.metadata.ns : ns, name);
  }

  // The lines of hopelessContainers() of all pods of a Job. Not being able to list them is no reason to give up.
  Task<std::string> hopelessPods(const json::object& job, std::string ns) {
    const json::object* selector_json = getObject(job, {"spec", "selector"});
    if (selector_json == nullptr || selector_json->empty()) co_return std::string();
    const auto selector = Selector::fromJson(*selector_json);
    if (!selector) co_return std::string();
    kube::ListOptions options;
    options.label_selector = selector->toString();
    const Result<kube::List> pods = co_await client_.list(kube::resources::pods, ns, options);
    std::string lines;
    if (!pods) co_return lines;
    for (const json::object& pod : pods->items) lines += hopelessContainers(pod);
    co_return lines;
  }

  // Owners are known within one namespace of one cluster only.
  bool ownable(const api::AnalysisRun& run) const { return !foreign_cluster_ && namespaceOf(run) == run.metadata.ns; }

  kube::Client& client_;
  const bool foreign_cluster_;
  Clock& clock_;
  const std::string own_namespace_;
  const json::object settings_;
};

}  // namespace

Result<std::unique_ptr<Provider>> makeJob(const Context& context, const json::object& settings) {
  return std::make_unique<Job>(context, settings);
}

}  // namespace crossfade::providers
