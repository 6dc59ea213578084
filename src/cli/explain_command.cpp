// `explain`: what a Rollout is doing, what it waits for, since when, and what would unblock it. The planner itself is
// asked, with what the API server has now, so the answer is the controller's own.
#include <fmt/ostream.h>

#include <algorithm>
#include <ostream>

#include "api/names.hpp"
#include "cli/command_line.hpp"
#include "cli/human.hpp"
#include "cli/model.hpp"
#include "cli/objects.hpp"
#include "rollout/plan.hpp"

namespace crossfade::cli {
namespace {

// --- what the planner has to know
// --------------------------------------------------------------------------------------

template <class T>
using List = std::vector<std::shared_ptr<const T>>;

template <class T>
Task<Result<List<T>>> list(Session& session, kube::ResourceKey resource, T (*decode)(const json::object&),
                           std::string selector = {}) {
  kube::ListOptions options;
  options.label_selector = std::move(selector);
  const auto found = co_await session.client.list(resource, session.ns, options);
  if (!found) co_return fail(found.error());
  List<T> objects;
  for (const json::object& item : found->items) objects.push_back(std::make_shared<const T>(decode(item)));
  co_return objects;
}

template <class T>
void keepOwn(List<T>& objects, const std::string& uid) {
  std::erase_if(objects, [&uid](const auto& object) {
    return !object->metadata.controller || object->metadata.controller->uid != uid;
  });
}

// The template behind workloadRef, as far as the kinds that can be referred to have one.
Task<rollout::Workload> readWorkload(Session& session, api::WorkloadRef ref) {
  rollout::Workload workload;
  kube::ResourceKey resource = kube::resources::deployments;
  if (ref.kind == "ReplicaSet") resource = kube::resources::replica_sets;
  if (ref.kind == "PodTemplate") resource = kube::resources::pod_templates;
  const auto object = co_await session.client.get(resource, session.ns, ref.name);
  if (!object) {
    workload.error = object.error().message;
    co_return workload;
  }
  const json::object* spec = resource.kind == "PodTemplate" ? &*object : getObject(*object, {"spec"});
  if (const json::object* found = spec ? getObject(*spec, {"template"}) : nullptr) workload.pod_template = *found;
  if (const json::object* found = spec ? getObject(*spec, {"selector"}) : nullptr) workload.selector = *found;
  workload.generation = getInt(*object, {"metadata", "generation"});
  if (resource.kind == "Deployment") workload.replicas = getInt(*object, {"spec", "replicas"}, 1);
  co_return workload;
}

// What the routers say is known here only by what the controller has recorded of it.
rollout::ObservedTraffic recordedTraffic(const api::Rollout& rollout) {
  rollout::ObservedTraffic traffic;
  const auto& canary = rollout.spec.canary;
  traffic.has_routers = canary && !canary->traffic_routing.object().empty();
  if (const auto& weights = rollout.status.canary.weights) {
    traffic.can_verify = weights->verified.has_value();
    traffic.verified = weights->verified;
  }
  return traffic;
}

Task<Result<rollout::Snapshot>> observe(Session& session, std::shared_ptr<const api::Rollout> rollout) {
  rollout::Snapshot snapshot;
  snapshot.rollout = rollout;
  snapshot.traffic = recordedTraffic(*rollout);
  if (rollout->spec.workload_ref) snapshot.workload = co_await readWorkload(session, *rollout->spec.workload_ref);
  auto sets =
      co_await list(session, kube::resources::replica_sets, api::decodeReplicaSet, std::string(api::hash_label));
  if (!sets) co_return fail(sets.error());
  snapshot.replica_sets = std::move(*sets);
  auto services = co_await list(session, kube::resources::services, api::decodeService);
  if (!services) co_return fail(services.error());
  for (auto& service : *services) snapshot.services.emplace(service->metadata.name, service);
  auto runs = co_await list(session, kube::resources::analysis_runs, api::decodeAnalysisRun);
  if (!runs) co_return fail(runs.error());
  snapshot.analysis_runs = std::move(*runs);
  auto experiments = co_await list(session, kube::resources::experiments, api::decodeExperiment);
  if (!experiments) co_return fail(experiments.error());
  snapshot.experiments = std::move(*experiments);
  keepOwn(snapshot.replica_sets, rollout->metadata.uid);
  keepOwn(snapshot.analysis_runs, rollout->metadata.uid);
  keepOwn(snapshot.experiments, rollout->metadata.uid);
  auto pods = co_await list(session, kube::resources::pods, api::decodePod, std::string(api::hash_label));
  if (!pods) co_return fail(pods.error());
  std::erase_if(*pods, [&snapshot](const auto& pod) {
    return std::ranges::none_of(snapshot.replica_sets, [&pod](const auto& rs) {
      return pod->metadata.controller && pod->metadata.controller->uid == rs->metadata.uid;
    });
  });
  snapshot.pods = std::move(*pods);
  co_return snapshot;
}

// --- what is printed
// ---------------------------------------------------------------------------------------------------

constexpr std::size_t shown_pods = 5;

// What the controller will do next; empty for what is done in every pass.
std::string inWords(const rollout::Action& action) {
  if (const auto* made = std::get_if<rollout::CreateReplicaSet>(&action)) return "create ReplicaSet " + made->name;
  if (const auto* scaled = std::get_if<rollout::ScaleReplicaSet>(&action))
    return fmt::format("scale ReplicaSet {} from {} to {}", scaled->name, scaled->from, scaled->to);
  if (const auto* service = std::get_if<rollout::PatchServiceSelector>(&action))
    return fmt::format("point Service {} at {}", service->service, service->to);
  if (const auto* run = std::get_if<rollout::CreateAnalysisRun>(&action)) return "start AnalysisRun " + run->name;
  if (const auto* run = std::get_if<rollout::TerminateAnalysisRun>(&action)) return "end AnalysisRun " + run->name;
  if (const auto* made = std::get_if<rollout::CreateExperiment>(&action)) return "start Experiment " + made->name;
  if (const auto* pod = std::get_if<rollout::EvictPod>(&action)) return "restart pod " + pod->name;
  if (const auto* workload = std::get_if<rollout::ScaleWorkload>(&action))
    return fmt::format("scale Deployment {} to {}", workload->deployment, workload->replicas);
  return {};
}

class Explanation {
 public:
  Explanation(Session& session, const rollout::Snapshot& snapshot)
      : out_(session.out), now_(session.clock.now()), snapshot_(snapshot), rollout_(*snapshot.rollout) {}

  void print(const rollout::Plan& plan) {
    const RolloutSummary summary = summarize(rollout_);
    fmt::print(out_, "{}: {}{}\n", summary.name, summary.phase.status,
               summary.phase.message.empty() ? "" : " - " + summary.phase.message);
    printVersions(summary);
    for (const rollout::Action& action : plan.actions) {
      if (const std::string words = inWords(action); !words.empty()) fmt::print(out_, "About to {}.\n", words);
    }
    if (plan.waits.empty()) fmt::print(out_, "Waits for nothing.\n");
    for (const rollout::Wait& wait : plan.waits) printWait(wait);
  }

 private:
  void printVersions(const RolloutSummary& summary) {
    const std::string& stable = rollout_.status.stable_rs;
    const std::string& current = rollout_.status.current_pod_hash;
    for (const auto& rs : snapshot_.replica_sets) {
      const bool is_new = rs->hash() == current, is_stable = rs->hash() == stable;
      if (!is_new && !is_stable && rs->replicas == 0) continue;
      const std::string_view role = is_stable ? (is_new ? "stable" : "stable, being replaced") : is_new ? "new" : "old";
      fmt::print(out_, "  {} ({}): {} of {} pods available, {} wanted\n", rs->metadata.name, role,
                 rs->available_replicas, rs->status_replicas, rs->replicas);
    }
    if (stable != current && !summary.step.empty()) fmt::print(out_, "  step {}\n", summary.step);
    if (const auto& weights = rollout_.status.canary.weights)
      fmt::print(out_, "  traffic: {} to the canary, {} to the stable version\n", weights->canary.weight,
                 weights->stable.weight);
  }

  void printWait(const rollout::Wait& wait) {
    std::string since;
    if (const auto begin = wait.since ? wait.since : sinceCondition())
      since = fmt::format(" for {}", humanDuration(now_ - *begin));
    fmt::print(out_, "Waits{}: {}\n", since, wait.sentence);
    if (wait.kind == rollout::WaitKind::pods || wait.kind == rollout::WaitKind::service) printPods();
    if (wait.kind == rollout::WaitKind::analysis) printRuns();
    fmt::print(out_, "  Unblocked by: {}\n", remedy(wait));
  }

  // Since when the Rollout is in the state that it is in.
  std::optional<TimePoint> sinceCondition() const {
    for (const api::Condition& condition : rollout_.status.conditions)
      if (condition.type == "Progressing") return condition.last_update;
    return std::nullopt;
  }

  void printPods() {
    std::size_t printed = 0, more = 0;
    for (const auto& pod : *snapshot_.pods) {
      if (pod->ready && !pod->metadata.deleted) continue;
      if (printed == shown_pods) {
        ++more;
        continue;
      }
      ++printed;
      fmt::print(out_, "  pod {} {}, for {}\n", pod->metadata.name, pod->metadata.deleted ? "Terminating" : pod->reason,
                 humanDuration(now_ - pod->metadata.created));
    }
    if (more > 0) fmt::print(out_, "  and {} more pods\n", more);
  }

  void printRuns() {
    for (const auto& run : snapshot_.analysis_runs) {
      if (api::isCompletedPhase(run->status.phase)) continue;
      fmt::print(out_, "  AnalysisRun {} {}{}\n", run->metadata.name,
                 run->status.phase.empty() ? "not started" : run->status.phase,
                 run->status.message.empty() ? "" : ": " + run->status.message);
    }
  }

  std::string remedy(const rollout::Wait& wait) const {
    const std::string& name = rollout_.metadata.name;
    switch (wait.kind) {
      case rollout::WaitKind::user:
        return userRemedy();
      case rollout::WaitKind::timer:
        return wait.until ? fmt::format("time, in {}", humanDuration(*wait.until - now_)) : "time";
      case rollout::WaitKind::pods:
        return "pods that become available, or go (kubectl describe pod NAME tells what keeps one)";
      case rollout::WaitKind::service:
        return "available pods, or the Service's repair";
      case rollout::WaitKind::analysis:
        return fmt::format("the run's verdict; `promote {} --full` doesn't wait for it", name);
      case rollout::WaitKind::experiment:
        return fmt::format("the Experiment's end; `promote {}` skips the step", name);
      case rollout::WaitKind::plugin:
        return fmt::format("the plugin's answer; `promote {}` skips the step", name);
      case rollout::WaitKind::traffic:
        return "the router, once it has taken the weight";
      case rollout::WaitKind::not_supported:
        return fmt::format("`promote {}`, which skips it", name);
    }
    return {};
  }

  std::string userRemedy() const {
    const std::string& name = rollout_.metadata.name;
    const auto invalid = std::ranges::find(rollout_.status.conditions, "InvalidSpec", &api::Condition::type);
    if (invalid != rollout_.status.conditions.end()) return "a change of the field that the message names";
    if (rollout_.status.abort) return fmt::format("`retry rollout {}`, or another pod template", name);
    return fmt::format("`promote {}`; `abort {}` goes back", name, name);
  }

  std::ostream& out_;
  TimePoint now_;
  const rollout::Snapshot& snapshot_;
  const api::Rollout& rollout_;
};

Task<Result<>> explain(Session& session, std::string name) {
  const auto object = co_await getShown(session, kube::resources::rollouts, name);
  if (!object) co_return fail(object.error());
  const auto snapshot = co_await observe(session, std::make_shared<const api::Rollout>(api::decodeRollout(*object)));
  if (!snapshot) co_return fail(snapshot.error());
  Explanation(session, *snapshot).print(rollout::plan(*snapshot, session.clock.now()));
  session.out.flush();
  co_return Result<>();
}

}  // namespace

void addExplainCommand(Commands& commands) {
  commands.add({.name = "explain",
                .arguments = "ROLLOUT_NAME",
                .description = "Tell what a rollout is doing, what it waits for, and what would unblock it",
                .action = [](Session& session, Names names) { return explain(session, std::move(names[0])); }});
}

}  // namespace crossfade::cli
