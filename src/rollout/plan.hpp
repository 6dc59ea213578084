// The heart: what should be done for one Rollout, decided from what is known of it. Pure: no I/O, no clock, no throw.
//
//   snapshot  what the caches hold for one Rollout: the object, the ReplicaSets of its namespace, its Services, its
//             AnalysisRuns and Experiments, what the routers say
//   plan      an ordered list of actions, the moment to look again, and the reason of every wait
//
// The shell executes the actions in order and stops at the first that fails; whatever stopped it, the next snapshot
// leads to a plan that goes on from there. With nothing changed outside, the plan of a settled Rollout holds no action
// but perhaps a SetTraffic that the routers find done already.
//
// The specification describes a release as many small passes, each ending in a write of the status. A plan holds one
// such pass with its effects, and after it every following pass that would change nothing but the status: their status
// changes are written as one. A pass with effects never rests on a status that is not yet persisted, but for the sizes
// of ReplicaSets on a status that follows from the spec and the clock alone (a new template, a pause whose time has
// passed): a new ReplicaSet is made with its size, and the end of a pause may wait some seconds for its write, until it
// has a neighbour. spec/02 §3, §19.9.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/analysis.hpp"
#include "api/rollout.hpp"
#include "api/workloads.hpp"
#include "base/json.hpp"
#include "base/labels.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace crossfade::rollout {

// --- what is known -------------------------------------------------------------------------------------------------

// What the routers of a Rollout say now of the weights in its status.canary.weights. spec/05 §1.4.
struct ObservedTraffic {
  // trafficRouting names at least one router that exists.
  bool has_routers = false;
  // A router can tell whether the data plane took a weight (ALB and the like). Without one every weight that was set
  // counts as taken.
  bool can_verify = false;
  // The answer for the recorded weight; any "no" of several routers is a no. Empty: not applicable.
  std::optional<bool> verified;
  // Asking failed.
  std::optional<std::string> verify_error;
  // The hashes that a router's subsets of canary and stable select; empty where no router has such subsets.
  std::optional<std::pair<std::string, std::string>> subset_hashes = {};
};

// The template behind spec.workloadRef, or why there is none. spec/02 §9.
struct Workload {
  json::object pod_template;
  std::optional<json::object> selector;  // where the workload has one; used when the Rollout has none
  std::int64_t generation = 0;
  std::optional<std::string> error;  // everything else is meaningless then
  // Of the Deployment of that name, whatever kind is referred to, for workloadRef.scaleDown. Empty: there is none, or
  // nobody asks.
  std::optional<std::int64_t> replicas;
};

// What a step plugin is asked to do. spec/04 §26.3.
enum class PluginOperation { run, terminate, abort };

// What came of a StepPluginCall.
struct StepPluginReply {
  std::int64_t index = 0;  // of the call, as its operation
  PluginOperation operation = PluginOperation::run;
  // The installation has switched this plugin off: it was not asked.
  bool disabled = false;
  // It could not be asked at all: "could not create step plugin at index 0 : …". Tried again later.
  std::optional<std::string> unreachable = {};
  // The plugin's own failure; what follows is meaningless then.
  std::optional<std::string> error = {};
  std::string phase = {}, message = {};
  Duration requeue_after = Duration(0);
  json::value state = {};  // what the plugin wants to be given next time; null: nothing
};

// What of the installation a plan depends on.
struct Settings {
  std::string instance_id;  // "" when none is configured
  Duration verify_retry = seconds(10);
};

struct Snapshot {
  std::shared_ptr<const api::Rollout> rollout;
  // ReplicaSets of its namespace that carry the hash label and are controlled by it or by nobody. Others are ignored.
  std::vector<std::shared_ptr<const api::ReplicaSet>> replica_sets;
  // The Services that the Rollout names and that exist, by name.
  std::map<std::string, std::shared_ptr<const api::Service>, std::less<>> services;
  // Names at which the creation of an AnalysisRun or Experiment found another one: they stay that one's.
  std::set<std::string> taken_names;
  // AnalysisRuns and Experiments controlled by the Rollout, and any other whose name a creation collided with.
  std::vector<std::shared_ptr<const api::AnalysisRun>> analysis_runs;
  std::vector<std::shared_ptr<const api::Experiment>> experiments;
  // Pods that match the Rollout's selector. Wanted only when needsPods() says so.
  std::optional<std::vector<std::shared_ptr<const api::Pod>>> pods;
  std::optional<Workload> workload;  // exactly when spec.workloadRef is set
  ObservedTraffic traffic;
  // Pod-template hashes that a router's own objects select (subsets of an Istio DestinationRule): such a ReplicaSet is
  // in use.
  std::vector<std::string> routed_hashes;
  // What only the shell can look up (templates, ingresses, meshes), as field errors: the first that isn't there, and
  // the first that is wrong with what was found. spec/01 §6.7, §6.8.
  std::optional<std::string> missing_reference, reference_error;
  // Target groups of a cloud load balancer: empty when not checked or not applicable. spec/03 §18.
  std::optional<bool> targets_verified;
  // The answers to the last plan's calls.
  std::vector<StepPluginReply> plugin_replies;
  Settings settings;
};

// True when the next plan() has to see the pods (a restart is due, pod metadata is managed). spec/02 §8, §10.
bool needsPods(const Snapshot& snapshot, TimePoint now);

// --- what to do ----------------------------------------------------------------------------------------------------

// All names are in the Rollout's namespace. `patch` is a JSON merge patch. Where `resource_version` is not empty the
// write must fail with `conflict` when the object has changed since: put it into metadata.resourceVersion.

// POST of a whole ReplicaSet. When it answers already_exists, read the live one: isOwnCreation() true means go on as
// if it had been created, else execute onNameCollision(). On any other failure execute onCreateFailed().
struct CreateReplicaSet {
  std::string name;
  json::object body;
};
// `old`: neither the new nor the stable one. Nothing that follows depends on it: when it fails the plan goes on, and
// the failure is reported at its end. spec/02 §19.22.
struct ScaleReplicaSet {
  std::string name;
  std::string resource_version;
  std::int64_t from = 0, to = 0;
  json::object patch;
  bool old = false;
};
// Annotations, minReadySeconds, pod template metadata or affinity; without a change of size.
struct PatchReplicaSet {
  std::string name;
  std::string resource_version;
  std::string reason;  // for the log
  json::object patch;
  bool old = false;  // as above
};
// Make the Rollout the controller of an orphan (`adopt`), or stop being it. Guarded by the ReplicaSet's uid. Before an
// adoption make sure, once, that the live Rollout has the same uid and isn't being deleted. spec/02 §4.7. not_found
// (and invalid, for a release) are no failures.
struct ClaimReplicaSet {
  std::string name;
  std::string uid;
  bool adopt = true;
  json::object patch;  // strategic merge patch
};
struct DeleteReplicaSet {
  std::string name;
  std::string uid;
};
struct PatchServiceSelector {
  std::string service;
  std::string from, to;  // hashes; `from` may be empty
  json::object patch;
};
// What every router should do, in this order: drop the managed routes (if asked), then, unless `held`: routes in their
// order, the weight (if `weight_before_hash`), the hashes, the weight. Idempotent: planned in every pass, and nothing
// is to be written where the routers' objects already say so. A failure ends the plan; when it is the weight that
// failed, with a Warning event TrafficRoutingError. spec/05 §1.4.
struct SetTraffic {
  struct Destination {
    std::string service, hash;
    std::int64_t weight = 0;
    bool operator==(const Destination&) const = default;
  };
  bool remove_managed_routes = false;
  bool held = false;  // the stable side can't carry its share yet: nothing else is touched
  std::string canary_hash = {}, stable_hash = {};
  std::int64_t weight = 0;  // of max_weight
  std::int64_t max_weight = 100;
  std::vector<Destination> extra = {};  // of a running experiment
  bool weight_before_hash = false;
  // Header and mirror routes: the steps' own objects {"name":…,"match":…,"percentage":…}; without match: remove that
  // route.
  struct Route {
    bool mirror = false;
    json::object step;
    bool operator==(const Route&) const = default;
  };
  std::vector<Route> routes = {};
  bool operator==(const SetTraffic&) const = default;
};

enum class RunKind { step, background, pre_promotion, post_promotion };
// An AnalysisRun of the templates named; the shell flattens them and merges `args` into theirs (spec/06 §4, §3.3). When
// the name turns out to be taken by an unfinished run of this Rollout with the very spec that would have been written,
// that is it: go on as if it had been created. By any other: add that run to the snapshot, and its name to
// `taken_names`, and plan again. spec/06 §13.1.
struct CreateAnalysisRun {
  RunKind kind = RunKind::step;
  std::string name;
  // `metadata` of the object, without the namespace: labels, annotations, ownerReferences.
  json::object metadata;
  struct TemplateRef {
    std::string name;
    bool cluster_scope = false;
  };
  std::vector<TemplateRef> templates;
  std::vector<std::pair<std::string, std::string>> args;  // resolved against the Rollout, in order
  // Arguments whose value stands elsewhere in the Rollout: name and path. Read the live Rollout and add to `args` what
  // fieldOfRollout() finds there (rollout/field_path.hpp). spec/06 §3.2.
  std::vector<std::pair<std::string, std::string>> field_args;
  json::array dry_run, measurement_retention;  // as the Rollout has them
};
struct TerminateAnalysisRun {
  std::string name;
};
struct DeleteAnalysisRun {
  std::string name;
};
// As a run's, an Experiment's name may turn out to be taken.
struct CreateExperiment {
  std::string name;
  json::object body;
  // Values of arguments that stand elsewhere in the Rollout, as in CreateAnalysisRun: to be put into
  // spec.analyses[analysis].args[argument].value.
  struct FieldArg {
    std::size_t analysis = 0, argument = 0;
    std::string path;
  };
  std::vector<FieldArg> field_args = {};
};
struct TerminateExperiment {
  std::string name;
};
struct DeleteExperiment {
  std::string name;
};
// POST of an Eviction (policy/v1). throttled (a PodDisruptionBudget) is no failure. Once one was granted the plan ends
// with its evictions: what follows rests on counts of pods that no longer hold. spec/02 §8.
struct EvictPod {
  std::string name;
  std::string uid;
};
// Labels and annotations of one pod, on top of whatever else it has by then. not_found is no failure.
struct PatchPod {
  std::string name;
  json::object patch;
};
// Merge patch of the Rollout itself: the revision annotation, spec.replicas.
struct PatchRollout {
  std::string resource_version;
  json::object patch;
};
// Replicas of the Deployment behind workloadRef. spec/02 §9.5. `required`: a failure ends the plan; otherwise it is
// logged.
struct ScaleWorkload {
  std::string deployment;
  std::int64_t replicas = 0;
  bool required = false;
};
// The whole status as it should be. The shell writes the difference to the snapshot's status as one merge patch without
// a lock (so that a user's change of another member survives), or nothing when there is none. Once it is written, the
// updates that ended are measured: `status.duration` may be that of the next one already.
struct PatchStatus {
  api::RolloutStatus status;
  std::vector<api::DurationStatus> ended = {};
};
struct EmitEvent {
  bool warning = false;
  std::string reason, message;
};

using Action = std::variant<CreateReplicaSet, ScaleReplicaSet, PatchReplicaSet, ClaimReplicaSet, DeleteReplicaSet,
                            PatchServiceSelector, SetTraffic, CreateAnalysisRun, TerminateAnalysisRun,
                            DeleteAnalysisRun, CreateExperiment, TerminateExperiment, DeleteExperiment, EvictPod,
                            PatchPod, PatchRollout, ScaleWorkload, PatchStatus, EmitEvent>;

// A step plugin is to be asked. Carries what the plugin is given, next to the Rollout.
struct StepPluginCall {
  std::int64_t index = 0;  // of the step
  std::string plugin;
  PluginOperation operation = PluginOperation::run;
  json::value config, state;  // as the step has it; as the plugin left it. Null where there is none
};

// Why nothing (more) happens now.
enum class WaitKind {
  user,      // somebody has to promote, resume, retry or repair the spec
  timer,     // `until` has to pass
  pods,      // pods have to become available, or to end
  service,   // a Service can't be switched yet
  analysis,  // a run has to end
  experiment,
  plugin,         // a step plugin has to finish, or to be there
  traffic,        // the data plane has to take a weight
  not_supported,  // the Rollout asks for something that this version can't do
};
struct Wait {
  WaitKind kind = WaitKind::pods;
  std::string sentence;  // for a person
  std::optional<TimePoint> since, until;
};

struct Plan {
  std::vector<Action> actions;
  // To be made when all actions are done, in this order: then put the replies into the snapshot and plan again at once.
  // A reply that gets lost (a crash) leads to the same call again.
  std::vector<StepPluginCall> plugin_calls = {};
  // Plan again at this moment at the latest, even if no event came.
  std::optional<TimePoint> look_again;
  std::vector<Wait> waits;
  // The spec (or what it refers to) is invalid; nothing but the status is touched. Retry with back-off, unless
  // `look_again` says when.
  std::optional<std::string> invalid;
};

Plan plan(const Snapshot& snapshot, TimePoint now);

// --- after a failed CreateReplicaSet (spec/02 §4.6) ---

// The ReplicaSet that has the name already is the one that was to be created: only the cache was slow.
bool isOwnCreation(const Snapshot& snapshot, const CreateReplicaSet& wanted, const json::object& live);
// Another template has the name: counts the collision, so that the next plan takes another one.
Plan onNameCollision(const Snapshot& snapshot);
Plan onCreateFailed(const Snapshot& snapshot, const CreateReplicaSet& wanted, const Error& error, TimePoint now);

// The name of a wait's kind: "user", "not_supported".
std::string_view toString(WaitKind kind);

}  // namespace crossfade::rollout
