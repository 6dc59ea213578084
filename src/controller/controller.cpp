#include "controller/controller.hpp"

#include <malloc.h>

#include <map>
#include <set>

#include "analysis/measurer.hpp"
#include "api/names.hpp"
#include "base/log.hpp"
#include "controller/caches.hpp"
#include "controller/collectors.hpp"
#include "controller/observer.hpp"
#include "controller/plan_executor.hpp"
#include "controller/references.hpp"
#include "controller/service_cleaner.hpp"
#include "controller/traffic_control.hpp"
#include "controller/workload_refs.hpp"
#include "expr/condition.hpp"
#include "kube/events.hpp"
#include "kube/leader.hpp"
#include "kube/work_queue.hpp"
#include "providers/backends.hpp"

namespace crossfade::controller {
namespace {

constexpr Duration event_flush_limit = seconds(5);
// A program that ends waits so long for what is being measured.
constexpr Duration measuring_limit = seconds(10);
// So long after work began the heap has holes where objects were; the allocator gives back only what lies on top.
constexpr Duration trim_delay = seconds(8);
// A plugin that is done may be followed by the next; more of them have their turn later.
constexpr int max_plugin_rounds = 4;
constexpr std::string_view component = "rollouts-controller";
constexpr std::string_view rollout_queue = "Rollouts";
constexpr std::string_view analysis_queue = "AnalysisRuns";
constexpr std::string_view service_queue = "Services";

double inSeconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

// The wiring: which change wakes which key, and what is done with a key.
struct Controller::Impl {
  using Outcome = kube::WorkQueue::Outcome;

  Impl(World world_, Settings settings_, Metrics& metrics_)
      : world(world_),
        settings(std::move(settings_)),
        metrics(metrics_),
        backends(world.dialer, world.clock),
        aws(std::make_shared<net::AwsSession>(backends, world.clock, world.environment)),
        caches(world, settings),
        traffic(world, settings,
                [this](const std::string& key, TimePoint when) {
                  when <= this->world.clock.now() ? rollouts.add(key) : rollouts.addAt(key, when);
                }),
        workloads(world, settings,
                  [this](const std::string& kind, const std::string& ns, const std::string& name,
                         std::int64_t generation) { workloadChanged(kind, ns, name, generation); }),
        events(world.client, world.executor, world.random, std::string(component)),
        observer(world, settings, caches, traffic, workloads),
        executor(world, settings, caches, traffic, events, metrics,
                 [this] { return rollouts.urgentWaits() || caches.isBusy(); }),
        cleaner(world, settings, caches),
        measurer(metricContext(), world.executor,
                 [this](const std::string& key, TimePoint when) { runs.addAt(key, when); }),
        rollouts(world.executor, world.clock, settings.rollout_slots,
                 [this](std::string key) { return reconcileRollout(std::move(key)); }),
        runs(world.executor, world.clock, settings.analysis_slots,
             [this](std::string key) { return reconcileRun(std::move(key)); }) {
    wake();
    measure(rollouts, rollout_queue, Metrics::Kind::rollout);
    measure(runs, analysis_queue, Metrics::Kind::analysis_run);
    measure(cleaner.queue(), service_queue, std::nullopt);
    metrics.setQueueStates([this] {
      std::vector<Metrics::QueueState> states;
      for (const auto& [name, queue] : {std::pair(rollout_queue, &rollouts), std::pair(analysis_queue, &runs),
                                        std::pair(service_queue, &cleaner.queue())}) {
        states.push_back({std::string(name), static_cast<double>(queue->depth()), inSeconds(queue->totalRunning()),
                          inSeconds(queue->longestRunning())});
      }
      return states;
    });
    if (!settings.analysis_only) {
      metrics.addCollector([this](GaugeSink& sink) { collectRollouts(caches, sink); });
      metrics.addCollector([this](GaugeSink& sink) { collectExperiments(caches, sink); });
    }
    metrics.addCollector([this](GaugeSink& sink) { collectAnalysis(caches, sink); });
  }

  // `kind`: of the objects behind the keys, where their errors are counted.
  void measure(kube::WorkQueue& queue, std::string_view name, std::optional<Metrics::Kind> kind) {
    kube::WorkQueue::Observer told;
    told.added = [this, name] { metrics.queueAdded(name); };
    told.retried = [this, name] { metrics.queueRetried(name); };
    told.started = [this, name](Duration waited) { metrics.queueStarted(name, waited); };
    told.finished = [this, name](Duration worked) { metrics.queueFinished(name, worked); };
    if (kind) {
      told.threw = [this, kind = *kind](const std::string& key) {
        const std::size_t slash = key.find('/');
        metrics.countReconcileError(kind, key.substr(0, slash), key.substr(slash + 1));
      };
    }
    queue.setObserver(std::move(told));
  }

  // What metric providers work with: backends and credentials are shared by all runs.
  providers::Context metricContext() {
    providers::Context context{world.client, backends, world.clock, settings.prometheus_address,
                               settings.job_namespace};
    context.controller_namespace = settings.controller_namespace;
    context.environment = world.environment;
    context.aws = aws;
    context.job_client = world.job_client;
    context.conditions = &conditions;
    return context;
  }

  // --- what wakes whom (spec/02 §2.1) ---

  void wake() {
    caches.rollouts.addListener([this](const auto& before, const auto& now) {
      const std::string key = (now != nullptr ? now : before)->metadata.key();
      traffic.remember(key, now.get());
      if (before != nullptr) {
        for (const std::string_view service : servicesOf(*before))
          if (now == nullptr || !namesService(*now, service)) cleaner.add(before->metadata.ns, service);
      }
      if (now == nullptr) {
        rollouts.forget(key);
        caches.forgetCollisions(key);
        metrics.forget(Metrics::Kind::rollout, before->metadata.ns, before->metadata.name);
        executor.emit(*before, false, "RolloutDeleted",
                      fmt::format("Rollout {}/{} is deleted.", before->metadata.name, before->metadata.ns));
        return;
      }
      // A restart of the controller is silent: only a Rollout that nobody has looked at yet is news.
      if (before == nullptr && !now->has_status) {
        executor.emit(*now, false, "RolloutAddedToInformer",
                      fmt::format("Rollout resource added to informer: {}", key));
      }
      const std::int64_t generation = now->metadata.generation;
      const bool edited = before == nullptr || before->metadata.generation != generation;
      if (edited && now->status.observed_generation != std::to_string(generation)) {
        caches.noteEdit();
        rollouts.addUrgent(key);
      } else {
        rollouts.add(key);
      }
    });
    const auto wake_owner = [this](const auto& before, const auto& now) {
      for (const auto& object : {before, now}) {
        if (object == nullptr || !object->metadata.controller || object->metadata.controller->kind != "Rollout")
          continue;
        rollouts.add(object->metadata.ns + "/" + object->metadata.controller->name);
      }
    };
    caches.replica_sets.addListener(wake_owner);
    caches.experiments.addListener(wake_owner);
    caches.analysis_runs.addListener([this, wake_owner](const auto& before, const auto& now) {
      const bool same_phase = before != nullptr && now != nullptr && before->status.phase == now->status.phase;
      if (!same_phase) wake_owner(before, now);
      const std::string key = (now != nullptr ? now : before)->metadata.key();
      if (now != nullptr) {
        runs.add(key);
        return;
      }
      runs.forget(key);
      measurer.forget(before->metadata);
      metrics.forget(Metrics::Kind::analysis_run, before->metadata.ns, before->metadata.name);
    });
    caches.services.addListener([this](const auto& before, const auto& now) {
      const api::Metadata& metadata = (now != nullptr ? now : before)->metadata;
      if (now != nullptr && now->selector.contains(api::hash_label)) cleaner.add(metadata.ns, metadata.name);
      // Whoever manages the Service looks again; and whoever waits for a Service of that name to appear.
      const std::string_view manager = metadata.annotation(api::managed_by_annotation);
      if (!manager.empty()) rollouts.add(metadata.ns + "/" + std::string(manager));
      if (before != nullptr && now != nullptr && before->selector == now->selector) return;
      for (const auto& rollout : caches.rollouts.inNamespace(metadata.ns)) {
        if (namesService(*rollout, metadata.name)) rollouts.add(rollout->metadata.key());
      }
    });
    const auto wake_users = [this](const auto& before, const auto& now) {
      templateChanged((now != nullptr ? now : before)->metadata.ns);
    };
    caches.analysis_templates.addListener(wake_users);
    caches.cluster_analysis_templates.addListener(wake_users);
    caches.jobs.addListener([this](const auto& before, const auto& now) {
      if (now != nullptr && (before == nullptr || before->finished == now->finished) && !now->finished) return;
      const api::Metadata& job = (now != nullptr ? now : before)->metadata;
      if (job.controller && job.controller->kind == "AnalysisRun") {
        runs.add(job.ns + "/" + job.controller->name);
      } else if (const std::string_view name = job.annotation(api::analysis_run_name_annotation); !name.empty()) {
        runs.add(fmt::format("{}/{}", job.annotation(api::analysis_run_namespace_annotation), name));
      }
    });
  }

  // A template that appears may make a Rollout valid that waits for it. Others learn of templates when they use them.
  void templateChanged(const std::string& ns) {
    for (const auto& [key, rollout] : caches.rollouts.all()) {
      if (!ns.empty() && rollout->metadata.ns != ns) continue;
      const bool invalid = std::ranges::any_of(
          rollout->status.conditions, [](const api::Condition& condition) { return condition.type == "InvalidSpec"; });
      if (invalid) rollouts.add(key);
    }
  }

  void workloadChanged(const std::string& kind, const std::string& ns, const std::string& name,
                       std::int64_t generation) {
    for (const auto& rollout : caches.rollouts.inNamespace(ns)) {
      const Boxed<api::WorkloadRef>& ref = rollout->spec.workload_ref;
      if (!ref || ref->kind != kind || ref->name != name) continue;
      rollouts.add(rollout->metadata.key());
      const std::string wanted = std::to_string(generation);
      if (generation == 0 || rollout->metadata.annotation(api::workload_generation_annotation) == wanted) continue;
      std::string& pending = workload_generations[rollout->metadata.key()];
      const bool at_work = !std::exchange(pending, wanted).empty();
      if (!at_work) spawn(world.executor, annotateWorkloadGeneration(ns, rollout->metadata.name));
    }
  }

  // spec/02 §9.3. One write at a time: a workload that scales tells of itself often, and an older number must not
  // overtake a newer one. A failure is only logged: the next change, or a plan, tries again.
  Task<> annotateWorkloadGeneration(std::string ns, std::string name) {
    const std::string key = ns + "/" + name;
    for (std::string written; workload_generations[key] != written;) {
      written = workload_generations[key];
      const json::object patch = {{"metadata", {{"annotations", {{api::workload_generation_annotation, written}}}}}};
      const Result<json::object> answer =
          co_await world.client.patch(kube::resources::rollouts, ns, name, kube::PatchType::merge, patch);
      if (answer) {
        caches.rollouts.observe(*answer);
      } else {
        log::warn("{}/{}: annotating the workload's generation: {}", ns, name, answer.error().message);
      }
    }
    workload_generations.erase(key);
  }

  // --- what is done with a key ---

  Task<Outcome> reconcileRollout(std::string key) {
    const std::shared_ptr<const api::Rollout> rollout = caches.rollouts.find(key);
    if (rollout == nullptr || rollout->metadata.deleted) co_return Outcome();
    const TimePoint began = world.clock.now();
    Outcome outcome;
    Result<> done;
    std::vector<rollout::StepPluginReply> replies;
    for (int round = 0; round < max_plugin_rounds; ++round) {
      Result<rollout::Snapshot> snapshot = co_await observer.observe(caches.rollouts.find(key));
      if (!snapshot) {
        done = fail(snapshot.error());
        break;
      }
      snapshot->plugin_replies = std::exchange(replies, {});
      const rollout::Plan plan = rollout::plan(*snapshot, world.clock.now());
      if (plan_observer) plan_observer(*snapshot, plan);
      const Result<PlanExecutor::Extent> executed = co_await executor.execute(*snapshot, plan);
      if (plan.look_again) outcome.again_after = std::max(*plan.look_again - world.clock.now(), Duration(0));
      // A workload that isn't there yet is no error. spec/01 §6.9, spec/02 §19.7.
      const bool unresolved = snapshot->workload && snapshot->workload->error;
      outcome.failed = plan.invalid && !unresolved;
      if (outcome.failed)
        metrics.countReconcileError(Metrics::Kind::rollout, rollout->metadata.ns, rollout->metadata.name);
      if (!executed) done = fail(executed.error());
      if (executed && *executed == PlanExecutor::Extent::begun) rollouts.add(key);
      if (!executed || *executed == PlanExecutor::Extent::begun) break;
      for (const rollout::StepPluginCall& call : plan.plugin_calls) replies.push_back(callStepPlugin(call));
      const auto live = caches.rollouts.find(key);
      if (replies.empty() || live == nullptr || live->metadata.deleted) break;
    }
    metrics.observeReconcile(Metrics::Kind::rollout, rollout->metadata.ns, rollout->metadata.name,
                             world.clock.now() - began);
    if (settings.trims_heap && !std::exchange(trimming, true)) spawn(world.executor, trimHeap());
    if (!done) {
      outcome.failed = true;
      report(Metrics::Kind::rollout, rollout->metadata, done.error());
    }
    co_return outcome;
  }

  // No plugin processes are hosted yet. spec/04 §26.
  static rollout::StepPluginReply callStepPlugin(const rollout::StepPluginCall& call) {
    return {
        .index = call.index,
        .operation = call.operation,
        .unreachable = fmt::format("step plugin '{}' is not hosted: this version runs no step plugins", call.plugin)};
  }

  Task<> trimHeap() {
    co_await sleepFor(world.clock, trim_delay);
    trimming = false;
    malloc_trim(0);
  }

  Task<Outcome> reconcileRun(std::string key) {
    const std::shared_ptr<const api::AnalysisRun> run = caches.analysis_runs.find(key);
    if (run == nullptr || run->metadata.deleted) co_return Outcome();
    const TimePoint began = world.clock.now();
    const analysis::Reconciled reconciled =
        co_await measurer.reconcile(run, [this](const json::object& object) { caches.analysis_runs.observe(object); });
    const api::Metadata& metadata = run->metadata;
    for (const analysis::EventNote& event : reconciled.events) {
      log::info("{}: {} ({})", key, event.message, event.reason);
      events.emit({std::string(api::api_version), "AnalysisRun", metadata.ns, metadata.name, metadata.uid,
                   metadata.resource_version},
                  event.warning ? "Warning" : "Normal", event.reason, event.message);
    }
    metrics.observeReconcile(Metrics::Kind::analysis_run, metadata.ns, metadata.name, world.clock.now() - began);
    Outcome outcome;
    if (reconciled.look_again) outcome.again_after = std::max(*reconciled.look_again - world.clock.now(), Duration(0));
    if (reconciled.error) {
      outcome.failed = true;
      report(Metrics::Kind::analysis_run, metadata, *reconciled.error);
    }
    co_return outcome;
  }

  // A conflict is everyday life: somebody else wrote, the next plan knows.
  void report(Metrics::Kind kind, const api::Metadata& metadata, const Error& error) {
    if (error.code == ErrorCode::conflict) {
      log::debug("{}: {}", metadata.key(), error.message);
      return;
    }
    metrics.countReconcileError(kind, metadata.ns, metadata.name);
    log::warn("{}: {}", metadata.key(), error.message);
  }

  // --- life ---

  Task<> start() {
    if (settings.leader_elect) {
      kube::LeaderSettings wanted;
      wanted.ns = settings.controller_namespace;
      wanted.name = settings.leaseName();
      wanted.identity = settings.hostname + "_" + world.random.uuid();
      wanted.lease_duration = settings.lease_duration;
      wanted.renew_deadline = settings.renew_deadline;
      wanted.retry_period = settings.retry_period;
      log::info("Leaderelection get id {}", wanted.identity);
      log::info("Using leader election lease lock name {}", wanted.name);
      elector.emplace(world.client, world.executor, world.random, std::move(wanted));
      elector->onLost([this] {
        if (lost) lost();
      });
      standing_by = true;
      co_await elector->acquire();
      standing_by = false;
    } else {
      log::info("Leader election is turned off. Running in single-instance mode");
    }
    caches.start();
    co_await caches.waitSynced();
    synced = true;
    rollouts.start();
    runs.start();
    cleaner.queue().start();
    log::info("Started controller");
    spawn(world.executor, resync());
  }

  // Nothing depends on it as long as every wake-up arrives; it bounds the damage if one ever does not.
  Task<> resync() {
    while (!stopping) {
      co_await sleepFor(world.clock, settings.resync);
      for (const auto& [key, rollout] : caches.rollouts.all()) rollouts.add(key);
      for (const auto& [key, run] : caches.analysis_runs.all()) runs.add(key);
      cleaner.addAll();
    }
  }

  Task<> stop() {
    stopping = true;
    log::info("Shutting down workers");
    co_await rollouts.drain();
    co_await runs.drain();
    const std::vector<std::string> unwritten = co_await measurer.finish(world.clock.now() + measuring_limit);
    for (const std::string& key : unwritten) co_await reconcileRun(key);
    co_await cleaner.queue().drain();
    co_await events.flush(world.clock.now() + event_flush_limit);
  }

  World world;
  Settings settings;
  Metrics& metrics;
  providers::Backends backends;
  std::shared_ptr<net::AwsSession> aws;
  expr::Conditions conditions;
  Caches caches;
  TrafficControl traffic;
  WorkloadRefs workloads;
  kube::EventRecorder events;
  Observer observer;
  PlanExecutor executor;
  ServiceCleaner cleaner;
  analysis::Measurer measurer;
  kube::WorkQueue rollouts, runs;
  std::optional<kube::LeaderElector> elector;
  std::function<void()> lost;
  std::function<void(const rollout::Snapshot&, const rollout::Plan&)> plan_observer;
  std::map<std::string, std::string> workload_generations;  // that are being written, the newest, by Rollout
  bool standing_by = false, synced = false, stopping = false;
  bool trimming = false;
};

Controller::Controller(World world, Settings settings, Metrics& metrics)
    : impl_(std::make_unique<Impl>(world, std::move(settings), metrics)) {}
Controller::~Controller() = default;

Task<> Controller::start() { return impl_->start(); }
void Controller::onLeaseLost(std::function<void()> lost) { impl_->lost = std::move(lost); }
Task<> Controller::stop() { return impl_->stop(); }
bool Controller::leading() const {
  return !impl_->settings.leader_elect || (impl_->elector && impl_->elector->leading());
}
bool Controller::ready() const { return impl_->standing_by || impl_->synced; }
void Controller::setPlanObserver(std::function<void(const rollout::Snapshot&, const rollout::Plan&)> observer) {
  impl_->plan_observer = std::move(observer);
}

}  // namespace crossfade::controller
