// One pass over one Rollout, as the files of this room share it. plan() (plan.cpp) runs passes until one would act
// again; see plan.hpp. A pass reads Facts, which don't change while it runs, and writes a Draft: actions with what the
// cluster will look like after them, pause and abort intents, waits. Its status is computed at the end, by functions,
// from both. Effects are always decided before the status.
//
//   plan.cpp              the order of everything; validity of the spec; merging of passes
//   facts.cpp             Facts, and what can be asked about them (this file)
//   draft.cpp             Draft
//   identity.cpp          finding, creating and claiming ReplicaSets; revisions and annotations; history cleanup
//   replica_sets.cpp      setting one ReplicaSet's size, deadlines, the hold of an aborted one
//   canary.cpp, canary_*  the canary's pass: steps, counts, weights, promotion
//   traffic.cpp           a canary's weights and SetTraffic
//   status.cpp, conditions.cpp, duration.cpp   the status
//   services.cpp          selectors of Services
//   old_replica_sets.cpp  scaling down what is neither new nor stable
//   restart.cpp           spec.restartAt
//   analysis_runs.cpp     the four kinds of AnalysisRuns
//   experiments.cpp       the Experiment of a step
//   step_plugins.cpp      steps that a plugin does
//   workload_ref.cpp      the workload behind spec.workloadRef
//   pod_metadata.cpp      ephemeral metadata
//   blue_green.cpp        the blue-green pass
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rollout/ephemeral_metadata.hpp"
#include "rollout/plan.hpp"
#include "rollout/replicas_canary.hpp"

namespace crossfade::rollout {

using ReplicaSetRef = std::shared_ptr<const api::ReplicaSet>;
using RunRef = std::shared_ptr<const api::AnalysisRun>;
using ExperimentRef = std::shared_ptr<const api::Experiment>;

// --- what is known ---------------------------------------------------------------------------------------------------

// The part of the cluster that actions change, as it is once the actions planned so far were executed. A value: the
// objects are shared and replaced, never altered.
struct World {
  std::vector<ReplicaSetRef> replica_sets;  // claimed ones, by creation time, then name
  std::vector<RunRef> runs;                 // as in the snapshot; one just created has phase "" and its own labels
  std::vector<ExperimentRef> experiments;
  std::vector<std::pair<std::string, std::string>> switched;  // Service name, hash now selected
  std::int64_t revision = 0;                                  // the Rollout's revision annotation; 0 when absent
  bool has_replicas = true;                                   // spec.replicas is there
  std::vector<StepPluginReply> plugin_replies = {};           // that no status holds yet
  // Whose replies a status of this plan holds, and why one of them couldn't be asked.
  std::vector<std::pair<std::int64_t, PluginOperation>> plugins_asked = {};
  std::optional<std::string> plugin_failure = {};
};

// The template and selector in force: the Rollout's own, or the workload's.
struct Desired {
  json::object pod_template;
  std::optional<json::object> selector;  // empty: none known
  std::string hash;                      // the computed one; the new ReplicaSet may wear another, see newHash()
  std::string legacy_hash;
};

// What a pass decides from. Cheap to make: nothing of it is parsed JSON but `desired`, which all passes share.
struct Facts {
  const Snapshot& snapshot;
  const api::Rollout& rollout;       // never read its status: it is `status` below
  const api::RolloutStatus& status;  // what the pass starts from: the persisted one, or what earlier passes made of it
  const Desired& desired;
  TimePoint now;
  std::int64_t replicas = 1;  // spec.replicas, 1 when absent
  World world;                // at the start of the pass
  // Index into world.replica_sets. spec/02 §4.3, §4.4. Both may name the same.
  std::optional<std::size_t> new_index, stable_index;

  const api::RolloutSpec& spec() const { return rollout.spec; }
  const std::string& name() const { return rollout.metadata.name; }
  const std::vector<ReplicaSetRef>& all() const { return world.replica_sets; }
  // Null where there is none.
  const api::ReplicaSet* newRs() const { return new_index ? all()[*new_index].get() : nullptr; }
  const api::ReplicaSet* stableRs() const { return stable_index ? all()[*stable_index].get() : nullptr; }
  // The new ReplicaSet's label, or the computed hash while there is none.
  std::string_view newHash() const;
  // All but the new one (the stable one is among them during an update). spec/02 §4.5.
  std::vector<ReplicaSetRef> older() const;
  // Neither new nor stable.
  std::vector<ReplicaSetRef> others() const;
  const api::ReplicaSet* withHash(std::string_view hash) const;  // null for "" and where there is none
  // A current run or experiment by its name; null where there is none (or `name` is empty).
  RunRef run(std::string_view name) const;
};

// --- predicates on facts (all of them of the start of the pass) ---

bool isCanary(const Facts& facts);         // strategy canary; else blue-green
bool isRouted(const Facts& facts);         // canary with trafficRouting (even an empty one)
bool isDynamic(const Facts& facts);        // routed with dynamicStableScale
bool isFullyPromoted(const Facts& facts);  // stableRS == currentPodHash, also when both are "". spec/04 §1
// The pod template (or, canary only, the steps) changed since the status was written. spec/02 §5.3.
bool templateChanged(const Facts& facts);
bool stepsChanged(const Facts& facts);
// Halted: spec.paused, or a verdict that a person has to look at. spec/04 §4.3, §32, 16; spec/03 §4.4.
bool isHalted(const Facts& facts);
bool hasPause(const api::RolloutStatus& status, std::string_view reason);

// spec/02 §12.1, spec/03 §13.4. WithinDelay: when this update started the new ReplicaSet was still inside the delay
// whose deadline it wears.
bool isRollback(const Facts& facts);
bool isWithinWindow(const Facts& facts);
bool isWithinDelay(const Facts& facts);
bool isFastRollback(const Facts& facts);
// Back to a stable ReplicaSet that had been shrunk: traffic is still on the interrupted canary. spec/04 §15.3 row 1.
bool isDynamicRollback(const Facts& facts);

// Limits for basic counts, the budget of old ReplicaSets, and restarts, of the strategy in force. spec/02 §7.8.
Limits limits(const Facts& facts);
// Seconds an old ReplicaSet lives on. Zero: scale it down at once. spec/01 §5.2.
std::int64_t scaleDownDelaySeconds(const Facts& facts);
std::int64_t scaleDownDelayRevisionLimit(const Facts& facts);
struct AbortDelay {
  std::optional<std::int64_t> seconds;  // empty: never scale down
  bool explicit_value = false;          // set, and not "never"
};
AbortDelay abortScaleDownDelay(const Facts& facts);

// --- predicates on one ReplicaSet ---

// The revision annotation: 0 when absent, empty when it isn't a number.
std::optional<std::int64_t> revisionOf(const api::ReplicaSet& rs);
// desired-replicas as int32; empty when absent or unreadable.
std::optional<std::int64_t> desiredReplicasOf(const api::ReplicaSet& rs);
struct Deadline {
  bool present = false;            // the annotation is there and not empty
  std::optional<TimePoint> until;  // empty while present: unreadable
};
Deadline deadlineOf(const api::ReplicaSet& rs);
// spec/02 §7.6. `rs` may be null: false then.
bool isSaturated(const Facts& facts, const api::ReplicaSet* rs);
bool isAvailable(const api::ReplicaSet* rs);           // all it asks for, and at least one
bool isPartiallyAvailable(const api::ReplicaSet* rs);  // at least one pod
// Available pods that are sure to stay: none while its size has just been changed and its controller hasn't said yet
// what it made of that.
std::int64_t servingPods(const api::ReplicaSet& rs);
bool progressThresholdMet(const Facts& facts, const api::ReplicaSet* rs, std::int64_t desired);  // spec/04 §9

// Counters of pods, and statuses that follow from the clock, are written at most this often while nothing else happens.
inline constexpr Duration status_period = seconds(2);

// --- what is decided -------------------------------------------------------------------------------------------------

// What the parts of a pass want done with pauses and the abort flag; turned into status fields by status.cpp. spec/02
// §6.1.
struct Intents {
  std::vector<std::string> add, remove;  // pause reasons
  bool clear_pauses = false;
  std::optional<std::string> abort;  // set: abort, with this message ("" for none); the first one wins
  bool remove_abort = false;
};

// The effects of a pass. Whoever adds an action also changes `world` accordingly (the functions here do it).
struct Draft {
  explicit Draft(World start) : world(std::move(start)) {}

  World world;  // after the actions
  Intents intents;
  std::vector<Action> actions;   // effects and their events, in order
  std::vector<EmitEvent> notes;  // said once the status is written
  std::vector<StepPluginCall> plugin_calls;
  std::vector<api::DurationStatus> ended;  // updates that ended in this pass
  std::vector<Wait> waits;
  std::optional<TimePoint> look_again;
  // What the pass makes of the status follows from the spec and the clock alone: it will be found again until it is
  // written, so that ReplicaSets may be scaled ahead of the write.
  bool derived = false;
  // A derived status may stay unwritten until then, when nothing but counters comes to it.
  std::optional<TimePoint> rest_until;
  // The pass ends here without writing a status; the sentence says why. Retried with the shell's back-off.
  std::optional<std::string> failure;

  void act(Action action) { actions.push_back(std::move(action)); }
  // An event that goes with the action before it.
  void event(bool warning, std::string reason, std::string message);
  void note(bool warning, std::string reason, std::string message);
  // The earliest moment wins.
  void lookAgain(TimePoint when);
  void wait(WaitKind kind, std::string sentence, std::optional<TimePoint> since = {},
            std::optional<TimePoint> until = {});
  void abort(std::string message);
  void pause(std::string reason);

  // One ReplicaSet's pending change: all changes of a pass go over the wire as one write. `patch` is a merge patch
  // without metadata.resourceVersion; `replicas` a new size. `reason` is for the log.
  void change(const api::ReplicaSet& rs, const json::object& patch, std::string_view reason,
              std::optional<std::int64_t> replicas = {});
  // The ReplicaSet as it will be.
  const api::ReplicaSet& now(const api::ReplicaSet& rs) const;
};

// Aborted in this pass or before, and not taken back in this pass. spec/02 §6.1.
bool isAborted(const Facts& facts, const Draft& draft);
// A pause reason that is in the status, or was added in this pass.
bool isPausing(const Facts& facts, const Draft& draft);
// The hash that a Service selects, switches of this plan included; "" when it doesn't exist or selects none.
std::string selectedHash(const Facts& facts, const World& world, std::string_view service);
// spec/02 §7.6: something still points to this ReplicaSet.
bool isReferenced(const Facts& facts, const World& world, const api::ReplicaSet& rs);

// --- identity.cpp ---

// Revision, copied annotations, minReadySeconds and affinity of the new ReplicaSet, and the Rollout's revision. spec/02
// §4.8.
void syncRevision(const Facts& facts, Draft& draft);
// Deletes drained ReplicaSets beyond revisionHistoryLimit, with their runs. spec/02 §4.9.
void cleanUpHistory(const Facts& facts, Draft& draft);

// --- replica_sets.cpp ---

// Brings a ReplicaSet to `replicas` pods and its annotations up to date; true when its size changed. `keep_deadline`:
// an aborted new one that goes to 0 keeps its deadline. spec/02 §7.1.
bool scaleTo(const Facts& facts, Draft& draft, const api::ReplicaSet& rs, std::int64_t replicas,
             bool keep_deadline = false);
void setDeadline(Draft& draft, const api::ReplicaSet& rs, TimePoint until);
void removeDeadline(Draft& draft, const api::ReplicaSet& rs);
// The aborted new ReplicaSet is kept for a while. spec/02 §7.5, spec/04 §14.
bool isAbortHeld(const Facts& facts, const Draft& draft);
// Step 6a of blue-green and 10a of a canary: stale deadlines of new and stable. spec/03 §5.4.
void removeStaleDeadlines(const Facts& facts, Draft& draft);
// The new ReplicaSet to its strategy's target, or what the abort hold makes of it. True when its size changed.
bool scaleNew(const Facts& facts, Draft& draft, std::int64_t target);

// --- status.cpp ---

// The counters, hashes and carried fields of spec/02 §5.1 for both strategies; a strategy's pass goes on from there.
// `active` (blue-green): the ReplicaSet that the active Service selects after this pass, or null.
api::RolloutStatus baseStatus(const Facts& facts, const api::ReplicaSet* active);
// What a changed template or changed steps do to `status` and the intents. spec/02 §5.3.
void resetStatus(const Facts& facts, Draft& draft, api::RolloutStatus& status);
// The new ReplicaSet becomes the stable one, for `reason`. spec/02 §5.8. Includes workloadRef's onsuccess.
void promoteToStable(const Facts& facts, Draft& draft, api::RolloutStatus& status, const std::string& reason);

// --- canary.cpp, blue_green.cpp ---

// The whole pass of a strategy: actions into `draft`; the status as far as the strategy knows it (pause and abort
// fields, conditions, phase and duration are added by plan()). Empty: the pass ends without writing a status.
std::optional<api::RolloutStatus> canaryPass(const Facts& facts, Draft& draft);
std::optional<api::RolloutStatus> blueGreenPass(const Facts& facts, Draft& draft);
// A canary's step that is a pause of so many seconds, which have passed: the status with the next step, and no effects.
// Empty where anything else has to be decided first. spec/04 §7.3.
std::optional<api::RolloutStatus> endTimedPause(const Facts& facts, Draft& draft);
// The ReplicaSets only (a scaling event, spec/02 §7.4): step 10 of a canary, step 6 of blue-green.
void scaleCanary(const Facts& facts, Draft& draft);
void scaleBlueGreen(const Facts& facts, Draft& draft);
// Blue-green's own predicates, used by conditions.cpp and analysis_runs.cpp.
std::int64_t blueGreenTarget(const Facts& facts);  // pods of the new ReplicaSet. spec/03 §5.2

// --- services.cpp (spec/02 §13, spec/04 §18) ---

// The switch primitive: selector, managed-by annotation, event. Does nothing when both are as they should be.
void switchService(const Facts& facts, Draft& draft, std::string_view service, std::string_view hash);
// A canary's Services before its traffic: ping-pong, then stable and canary.
void reconcilePingPong(const Facts& facts, Draft& draft);
void reconcileCanaryServices(const Facts& facts, Draft& draft);
// Points `service` at `rs` (may be null: nothing happens); with `check` only where its availability allows. spec/04
// §18.1.
void ensureTarget(const Facts& facts, Draft& draft, std::string_view service, const api::ReplicaSet* rs, bool check);

// --- old_replica_sets.cpp (spec/02 §7.7, spec/03 §6, spec/04 §13) ---

// True when a size changed.
bool scaleDownOthers(const Facts& facts, Draft& draft);

// --- restart.cpp (spec/02 §8) ---

// True when the pods have to be seen for it.
bool restartDue(const api::Rollout& rollout, TimePoint now);
// Evicts pods that are too old. When all are young enough: the new status.restartedAt.
std::optional<TimePoint> restartPods(const Facts& facts, Draft& draft);

// --- analysis_runs.cpp (spec/06 §13 to §15) ---

// What the status says of the runs afterwards. A canary leaves the second pair empty, blue-green the first.
struct AnalysisOutcome {
  Boxed<api::RunStatus> step, background;
  Boxed<api::RunStatus> pre_promotion, post_promotion;
};
// Creates, terminates and deletes runs; verdicts become intents (pause, abort).
AnalysisOutcome reconcileAnalysis(const Facts& facts, Draft& draft);
// The runs (but the current ones) of a ReplicaSet that is being deleted. spec/02 §4.9.
void deleteRunsOf(const Facts& facts, Draft& draft, std::string_view hash);

// --- workload_ref.cpp (spec/02 §9.4, §9.5) ---

void scaleWorkloadOnSuccess(const Facts& facts, Draft& draft);
// `scaling_down`: the new ReplicaSet got smaller in this pass.
void scaleWorkloadProgressively(const Facts& facts, Draft& draft, bool scaling_down);
std::string workloadObservedGeneration(const Facts& facts);

// --- pod_metadata.cpp (spec/02 §10) ---

// True when pods have to be seen for it.
bool managesPodMetadata(const Snapshot& snapshot);
// What the pods of a new ReplicaSet are born with.
PodMetadata metadataAtBirth(const Facts& facts);
void syncPodMetadata(const Facts& facts, Draft& draft);

}  // namespace crossfade::rollout
