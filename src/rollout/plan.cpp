// The order of everything: what makes a Rollout unfit to be planned, the parts of one pass, and the merging of passes.
#include "rollout/plan.hpp"

#include <algorithm>
#include <charconv>

#include "api/names.hpp"
#include "api/validation.hpp"
#include "rollout/identity.hpp"
#include "rollout/pass.hpp"
#include "rollout/status.hpp"

namespace crossfade::rollout {
namespace {

// More passes than any sequence of them that only change the status; what remains is planned after the write.
constexpr int max_passes = 16;
// A pass that failed for a reason that no event will announce.
constexpr Duration failure_retry = seconds(5);
constexpr Duration claim_retry = seconds(30);
// A workload that isn't there. Its watch tells when it comes; spec/02 §2.4.
constexpr Duration workload_retry = seconds(20);

std::int64_t revisionOfRollout(const api::Rollout& rollout) {
  const std::string_view text = rollout.metadata.annotation(api::revision_annotation);
  std::int32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? number : 0;
}

// spec/02 §3.1 steps 12 and 13.
std::optional<std::string> workloadProblem(const Snapshot& snapshot) {
  if (!snapshot.rollout->spec.workload_ref) return std::nullopt;
  if (!snapshot.workload) return "the workload that spec.workloadRef names is not known";
  return snapshot.workload->error;
}

std::optional<std::string> specProblem(const Snapshot& snapshot, const Desired& desired) {
  const api::Rollout& rollout = *snapshot.rollout;
  const json::object* selector = desired.selector ? &*desired.selector : nullptr;
  if (auto error = api::validateSpec(rollout, desired.pod_template, selector)) return error;
  if (auto error = api::missingService(rollout, snapshot.services)) return error;
  if (snapshot.missing_reference) return snapshot.missing_reference;
  if (auto error = api::validateRouting(rollout)) return error;
  if (auto error = api::validateServices(rollout, desired.pod_template, snapshot.services)) return error;
  return snapshot.reference_error;
}

Plan planInvalid(const Snapshot& snapshot, const std::string& error, TimePoint now) {
  const api::Rollout& rollout = *snapshot.rollout;
  Plan plan;
  plan.invalid = "The Rollout \"" + rollout.metadata.name + "\" is invalid: " + error;
  if (api::RolloutStatus status = invalidStatus(rollout, *plan.invalid, now); status != rollout.status)
    plan.actions.emplace_back(PatchStatus{std::move(status)});
  plan.waits.push_back({WaitKind::user, *plan.invalid, {}, {}});
  return plan;
}

// What could not be read is said with the status that first takes note of it, so once for every edit. spec/01 §9.
void reportMalformed(const api::Rollout& rollout, Plan& plan) {
  if (rollout.malformed.empty()) return;
  const bool noted = std::ranges::any_of(plan.actions, [&](const Action& action) {
    const auto* write = std::get_if<PatchStatus>(&action);
    return write && write->status.observed_generation != rollout.status.observed_generation;
  });
  if (!noted) return;
  std::string message = "Can't be read and is left out:";
  for (const std::string& field : rollout.malformed) message += " " + field + ";";
  message.pop_back();
  plan.actions.emplace_back(EmitEvent{true, "MalformedObject", std::move(message)});
}

// Active new or stable ReplicaSets don't know yet how many pods the Rollout wants. spec/02 §7.3.
bool isScalingEvent(const Facts& facts) {
  return std::ranges::any_of(std::initializer_list{facts.newRs(), facts.stableRs()}, [&](const api::ReplicaSet* rs) {
    if (!rs || rs->replicas == 0) return false;
    const auto desired = desiredReplicasOf(*rs);
    return desired && *desired != facts.replicas;
  });
}

// spec/02 §7.4: everything else of the status stays.
api::RolloutStatus scale(const Facts& facts, Draft& draft) {
  if (isCanary(facts))
    scaleCanary(facts, draft);
  else
    scaleBlueGreen(facts, draft);
  const api::ReplicaSet* active = facts.withHash(facts.status.blue_green.active_selector);
  const api::RolloutStatus counted = baseStatus(facts, isCanary(facts) ? nullptr : active);
  api::RolloutStatus status = facts.status;
  status.available_replicas = counted.available_replicas;
  status.hpa_replicas = counted.hpa_replicas;
  return status;
}

// One pass: actions into the draft, and the status as it should be then. Empty: it is not to be written. spec/02 §3.1
// from step 14 on, §3.3.
std::optional<api::RolloutStatus> runPass(const Facts& facts, Draft& draft) {
  if (!facts.newRs()) {
    createNew(facts, draft);
    api::RolloutStatus status = facts.status;
    setCondition(status.conditions, facts.now, "Progressing", "True", "NewReplicaSetCreated",
                 "Created new replica set \"" + facts.name() + "-" + facts.desired.hash + "\"");
    draft.derived = true;
    return status;
  }
  if (!facts.world.has_replicas) {
    syncRevision(facts, draft);
    return facts.status;
  }
  if (isFullyPromoted(facts) && facts.status.abort) draft.intents.remove_abort = true;
  if (auto status = mirrorPauses(facts)) {
    finishStatus(facts, draft, *status, Extent::mirror);
    draft.derived = true;
    return status;
  }
  if (auto status = endTimedPause(facts, draft)) {
    finishStatus(facts, draft, *status, Extent::full);
    return status;
  }
  syncRevision(facts, draft);
  if (isScalingEvent(facts)) {
    api::RolloutStatus status = scale(facts, draft);
    finishStatus(facts, draft, status, Extent::scaling);
    return status;
  }
  std::optional<api::RolloutStatus> status = isCanary(facts) ? canaryPass(facts, draft) : blueGreenPass(facts, draft);
  if (status) finishStatus(facts, draft, *status, Extent::full);
  return status;
}

// The routers have been told already: earlier in this plan, or when the recorded weights were set.
bool isKnownToRouters(const SetTraffic& set, const std::optional<SetTraffic>& planned,
                      const Boxed<api::Weights>& recorded) {
  if (set == planned || set.held) return true;
  if (planned || !recorded || !set.routes.empty() || set.weight_before_hash) return false;
  const bool same_extra = std::ranges::equal(set.extra, recorded->additional, [](const auto& one, const auto& other) {
    return one.service == other.service_name && one.hash == other.pod_template_hash && one.weight == other.weight;
  });
  return same_extra && set.weight == recorded->canary.weight && set.canary_hash == recorded->canary.pod_template_hash &&
         set.stable_hash == recorded->stable.pod_template_hash;
}

bool isEvent(const Action& action) { return std::holds_alternative<EmitEvent>(action); }

// What a person should know when no part of the pass has said why nothing happens.
void explain(const Facts& facts, const api::RolloutStatus& status, Draft& draft) {
  if (facts.spec().paused)
    draft.wait(WaitKind::user, "The Rollout is paused by hand (spec.paused).");
  else if (status.abort)
    draft.wait(WaitKind::user, "The update is aborted. Retry it, or change the pod template.");
  else if (draft.waits.empty() && !status.pause_conditions.empty())
    draft.wait(WaitKind::user, "The Rollout is paused: " + status.pause_conditions.front().reason + ".");
  else if (draft.waits.empty() && status.phase == api::phase_progressing)
    draft.wait(WaitKind::pods, "Pods have to follow: " + status.message + ".");
}

std::optional<TimePoint> countersDue(const api::RolloutStatus& persisted, TimePoint now) {
  const api::Condition* progressing = findCondition(persisted.conditions, "Progressing");
  if (!progressing || !progressing->last_update || now < *progressing->last_update) return std::nullopt;
  const TimePoint due = *progressing->last_update + status_period;
  return now < due ? std::optional(due) : std::nullopt;
}

// The passes of one plan, merged.
class Merger {
 public:
  Merger(const Snapshot& snapshot, const Desired& desired, World world, TimePoint now)
      : snapshot_(snapshot), desired_(desired), now_(now), world_(std::move(world)), status_(snapshot.rollout->status) {
    for (const ReplicaSetRef& rs : world_.replica_sets) size_before_ += rs->replicas;
    // An abort that no pass has seen yet is younger than the wish to promote.
    if (status_.abort && !status_.aborted_at) status_.promote_full = false;
  }

  Plan run() {
    for (int pass = 0; pass < max_passes && step(pass == 0); ++pass) {
    }
    writeStatus();
    return std::move(plan_);
  }

 private:
  // True when another pass should follow.
  bool step(bool first) {
    const api::Rollout& rollout = *snapshot_.rollout;
    Facts facts{.snapshot = snapshot_,
                .rollout = rollout,
                .status = status_,
                .desired = desired_,
                .now = now_,
                .replicas = rollout.spec.replicasOrDefault(),
                .world = std::move(world_),
                .new_index = std::nullopt,
                .stable_index = std::nullopt};
    facts.new_index = findNew(desired_, facts.all());
    facts.stable_index = findStable(facts);
    Draft draft(facts.world);
    std::optional<api::RolloutStatus> status = runPass(facts, draft);
    const bool acting = acts(draft);
    if (!first && (draft.failure || (acting && !mayActNow(facts, draft)))) {
      awaited_ = true;
      return false;
    }

    world_ = std::move(draft.world);
    take(std::move(draft.actions), first);
    if (status && !draft.failure) explain(facts, *status, draft);
    plan_.waits = std::move(draft.waits);
    plan_.look_again = draft.look_again;
    if (draft.failure) {
      plan_.waits.push_back({WaitKind::service, *draft.failure, {}, now_ + failure_retry});
      plan_.look_again = std::min(plan_.look_again.value_or(TimePoint::max()), now_ + failure_retry);
      return false;
    }
    std::ranges::move(draft.notes, std::back_inserter(notes_));
    std::ranges::move(draft.ended, std::back_inserter(ended_));
    // What follows is decided when the answers are there. A call for a step needs the status that says so.
    plan_.plugin_calls = std::move(draft.plugin_calls);
    awaited_ |= !first && !plan_.plugin_calls.empty();
    if (!status) return false;
    if (*status == status_) return acting && plan_.plugin_calls.empty();
    if (!onlyCountersDiffer(status_, *status)) {
      only_counters_ = false;
      only_derived_ = only_derived_ && draft.derived;
    }
    if (draft.rest_until) rest_until_ = draft.rest_until;
    status_ = std::move(*status);
    return plan_.plugin_calls.empty();
  }

  // ReplicaSets may be scaled on a status that isn't written yet, where the next plan would find the same status again;
  // each once, because a second write would know less than the first one's answer.
  bool mayActNow(const Facts& facts, const Draft& draft) const {
    return only_derived_ && std::ranges::all_of(draft.actions, [&](const Action& action) {
             if (isEvent(action) || std::holds_alternative<SetTraffic>(action)) return !isNews(action);
             const std::string* name = nameOfChanged(action);
             if (!name) return false;
             if (creationOf(*name)) return fits(facts, action);
             return std::ranges::none_of(plan_.actions, [&](const Action& earlier) {
               const std::string* taken = nameOfChanged(earlier);
               return taken && *taken == *name;
             });
           });
  }

  // A new ReplicaSet is made before others shrink: it has to fit in beside all of them as they are, and as those become
  // that grow in this plan.
  bool fits(const Facts& facts, const Action& action) const {
    const auto* scale = std::get_if<ScaleReplicaSet>(&action);
    if (!scale || !isCanary(facts) || isRouted(facts)) return true;
    std::int64_t beside = size_before_;
    for (const Action& planned : plan_.actions)
      if (const auto* other = std::get_if<ScaleReplicaSet>(&planned))
        beside += std::max<std::int64_t>(0, other->to - other->from);
    return beside + scale->to <= std::max(facts.replicas + limits(facts).surge, size_before_);
  }

  static const std::string* nameOfChanged(const Action& action) {
    if (const auto* scale = std::get_if<ScaleReplicaSet>(&action)) return &scale->name;
    if (const auto* patch = std::get_if<PatchReplicaSet>(&action)) return &patch->name;
    return nullptr;
  }

  // The index of the planned creation of a ReplicaSet.
  std::optional<std::size_t> creationOf(std::string_view name) const {
    for (std::size_t index = 0; index < plan_.actions.size(); ++index) {
      const auto* creation = std::get_if<CreateReplicaSet>(&plan_.actions[index]);
      if (creation && creation->name == name) return index;
    }
    return std::nullopt;
  }

  std::optional<std::size_t> findStable(const Facts& facts) const {
    const std::string& hash = facts.status.stable_rs;
    if (hash.empty()) return std::nullopt;
    if (facts.newRs() && facts.newRs()->hash() == hash) return facts.new_index;
    const auto found = std::ranges::find_if(facts.all(), [&](const ReplicaSetRef& rs) { return rs->hash() == hash; });
    return found == facts.all().end() ? std::nullopt : std::optional<std::size_t>(found - facts.all().begin());
  }

  bool acts(const Draft& draft) const {
    return std::ranges::any_of(draft.actions, [&](const Action& action) { return isNews(action); });
  }

  // Something that isn't done yet, nor planned.
  bool isNews(const Action& action) const {
    if (isEvent(action)) return false;
    const SetTraffic* traffic = std::get_if<SetTraffic>(&action);
    return !traffic || !isKnownToRouters(*traffic, traffic_, snapshot_.rollout->status.canary.weights);
  }

  // Of a later pass its events are new and its ReplicaSets; what it would tell the routers they know. A ReplicaSet is
  // made the way it should be: what a later pass wants of it stands in its creation, and is said right after it.
  void take(std::vector<Action> actions, bool first) {
    std::optional<std::size_t> behind;  // where the events of a change belong that joined a creation
    for (Action& action : actions) {
      if (const SetTraffic* traffic = std::get_if<SetTraffic>(&action)) {
        if (!first) continue;
        traffic_ = *traffic;
      }
      if (!isEvent(action)) {
        behind = joinCreation(action);
        if (!behind) plan_.actions.push_back(std::move(action));
      } else if (first || !isPlanned(std::get<EmitEvent>(action))) {
        const std::size_t at = behind ? (*behind)++ : plan_.actions.size();
        plan_.actions.insert(plan_.actions.begin() + static_cast<std::ptrdiff_t>(at), std::move(action));
      }
    }
  }

  // Makes a change of a ReplicaSet that is planned to be created a part of its creation; the index behind that and its
  // events. Empty when there is no such creation.
  std::optional<std::size_t> joinCreation(const Action& action) {
    const std::string* name = nameOfChanged(action);
    std::optional<std::size_t> at = name ? creationOf(*name) : std::nullopt;
    if (!at) return std::nullopt;
    json::object& body = std::get<CreateReplicaSet>(plan_.actions[*at]).body;
    const auto* scale = std::get_if<ScaleReplicaSet>(&action);
    json::value patched = std::move(body);
    mergePatch(patched, scale ? scale->patch : std::get<PatchReplicaSet>(action).patch);
    body = std::move(patched.get_object());
    while (++*at < plan_.actions.size() && isEvent(plan_.actions[*at])) {
    }
    return at;
  }

  bool isPlanned(const EmitEvent& event) const {
    return std::ranges::any_of(plan_.actions, [&](const Action& action) {
      const EmitEvent* planned = std::get_if<EmitEvent>(&action);
      return planned && planned->reason == event.reason && planned->message == event.message;
    });
  }

  void writeStatus() {
    const api::RolloutStatus& persisted = snapshot_.rollout->status;
    if (status_ == persisted) return;
    if (const auto due = writeDue(persisted); due && *due > now_) {
      plan_.look_again = std::min(plan_.look_again.value_or(*due), *due);
      return;
    }
    plan_.actions.emplace_back(PatchStatus{std::move(status_), std::move(ended_)});
    std::ranges::move(notes_, std::back_inserter(plan_.actions));
  }

  // When the status has to be written at the latest; empty: at once.
  std::optional<TimePoint> writeDue(const api::RolloutStatus& persisted) const {
    if (awaited_) return std::nullopt;
    if (only_counters_) return notes_.empty() ? countersDue(persisted, now_) : std::nullopt;
    return only_derived_ ? rest_until_ : std::nullopt;
  }

  const Snapshot& snapshot_;
  const Desired& desired_;
  const TimePoint now_;
  World world_;
  std::int64_t size_before_ = 0;  // all ReplicaSets together, at the start
  api::RolloutStatus status_;
  Plan plan_;
  std::vector<EmitEvent> notes_;
  std::vector<api::DurationStatus> ended_;
  std::optional<SetTraffic> traffic_;
  bool awaited_ = false;       // the next pass acts on the status that this plan writes
  bool only_counters_ = true;  // nothing of the status has changed but counters
  bool only_derived_ = true;   // ... or what follows from the spec and the clock
  std::optional<TimePoint> rest_until_;
};

Plan planReadable(const Snapshot& snapshot, TimePoint now) {
  const api::Rollout& rollout = *snapshot.rollout;
  if (rollout.metadata.deleted) return {};
  if (const auto problem = workloadProblem(snapshot)) {
    Plan plan = planInvalid(snapshot, *problem, now);
    plan.look_again = now + workload_retry;
    return plan;
  }
  const Desired desired = desiredOf(snapshot);
  if (const auto problem = specProblem(snapshot, desired)) return planInvalid(snapshot, *problem, now);

  Claim claim = claimReplicaSets(snapshot, desired);
  if (!claim.actions.empty()) {
    Plan plan{.actions = std::move(claim.actions), .look_again = now + claim_retry, .waits = {}, .invalid = {}};
    plan.waits.push_back({WaitKind::pods, "ReplicaSets are being adopted or released first.", {}, {}});
    return plan;
  }
  // A template of which a part can't be read is not rolled out; where it runs already, nothing is lost. spec/01 §9.
  const auto unreadable =
      std::ranges::find_if(rollout.malformed, [](const std::string& field) { return field.starts_with("spec."); });
  if (unreadable != rollout.malformed.end() && !findNew(desired, claim.mine))
    return planInvalid(snapshot, *unreadable, now);

  World world{.replica_sets = std::move(claim.mine),
              .runs = snapshot.analysis_runs,
              .experiments = snapshot.experiments,
              .switched = {},
              .revision = revisionOfRollout(rollout),
              .has_replicas = rollout.spec.replicas.has_value(),
              .plugin_replies = snapshot.plugin_replies};
  return Merger(snapshot, desired, std::move(world), now).run();
}

}  // namespace

bool needsPods(const Snapshot& snapshot, TimePoint now) {
  return restartDue(*snapshot.rollout, now) || managesPodMetadata(snapshot);
}

Plan plan(const Snapshot& snapshot, TimePoint now) {
  Plan made = planReadable(snapshot, now);
  reportMalformed(*snapshot.rollout, made);
  return made;
}

Plan onNameCollision(const Snapshot& snapshot) {
  api::RolloutStatus status = snapshot.rollout->status;
  status.collision_count = status.collision_count.value_or(0) + 1;
  Plan plan;
  plan.actions.emplace_back(PatchStatus{std::move(status)});
  return plan;
}

Plan onCreateFailed(const Snapshot& snapshot, const CreateReplicaSet& wanted, const Error& error, TimePoint now) {
  const std::string message = "Failed to create new replica set \"" + wanted.name + "\": " + error.message;
  api::RolloutStatus status = snapshot.rollout->status;
  setCondition(status.conditions, now, "Progressing", "False", "ReplicaSetCreateError", message);
  status.observed_generation = std::to_string(snapshot.rollout->metadata.generation);
  updatePhase(snapshot.rollout->spec, snapshot.rollout->spec.replicasOrDefault(), status);
  Plan plan;
  plan.actions.emplace_back(EmitEvent{true, "ReplicaSetCreateError", message});
  if (status != snapshot.rollout->status) plan.actions.emplace_back(PatchStatus{std::move(status)});
  return plan;
}

std::string_view toString(WaitKind kind) {
  switch (kind) {
    case WaitKind::user:
      return "user";
    case WaitKind::timer:
      return "timer";
    case WaitKind::pods:
      return "pods";
    case WaitKind::service:
      return "service";
    case WaitKind::analysis:
      return "analysis";
    case WaitKind::experiment:
      return "experiment";
    case WaitKind::plugin:
      return "plugin";
    case WaitKind::traffic:
      return "traffic";
    case WaitKind::not_supported:
      return "not_supported";
  }
  return "unknown";
}

}  // namespace crossfade::rollout
