#include "takeover_watch.hpp"

#include <algorithm>

#include "api/names.hpp"
#include "sim/state.hpp"

namespace crossfade::sim {
namespace {

constexpr Duration tolerance = seconds(5);

const json::object& metadataOf(const json::object& object) { return *getObject(object, {"metadata"}); }
std::string uidOf(const json::object& object) { return std::string(getString(object, {"metadata", "uid"})); }

std::string ownerUid(const json::object& object) {
  const json::array* owners = getArray(metadataOf(object), {"ownerReferences"});
  if (owners == nullptr || owners->empty() || !owners->front().is_object()) return {};
  return std::string(getString(owners->front().get_object(), {"uid"}));
}

}  // namespace

TakeoverWatch::TakeoverWatch(SimWorld& world, const Recording& recording)
    : world_(world), recording_(recording), reached_(recording.moments.size()) {
  for (const json::object& object : recording.objects) {
    if (getString(object, {"kind"}) != "Rollout") continue;
    rollout_ = getString(object, {"metadata", "name"});
    updated_ = getString(object, {"status", "currentPodHash"});
  }
  look();
}

bool TakeoverWatch::Course::turned(std::int64_t value, int allowed) {
  const std::int64_t change = value - last.value_or(value);
  last = value;
  if (change == 0) return false;
  const int now = change > 0 ? 1 : -1;
  if (std::exchange(direction, now) == -now) ++turns;
  return turns > allowed;
}

void TakeoverWatch::beginMovement(const Act& act) {
  look();
  share_.direction = share_.turns = 0;
  for (auto& [name, set] : sets_) set.course.direction = set.course.turns = 0;
  if (act.verb != "abort" && act.verb != "retry" && act.verb != "patch") return;
  step_.reset();
  for (const auto& [use, uids] : std::exchange(runs_, {})) former_runs_.insert(uids.begin(), uids.end());
}

void TakeoverWatch::look() {
  if (std::exchange(seen_, world_.registry().resourceVersion()) == world_.registry().resourceVersion()) return;
  lookAtSets();
  lookAtPods();
  lookAtSteps();
  lookAtTraffic();
  lookAtParts();
}

void TakeoverWatch::lookAtSets() {
  const bool first = sets_.empty();
  std::set<std::string> there;
  const local::Object rollout = world_.get(api::group, "rollouts", rollout_);
  for (const local::Object& object : world_.list("apps", "replicasets")) {
    if (rollout == nullptr || ownerUid(*object) != uidOf(*rollout)) continue;
    const std::string name(getString(*object, {"metadata", "name"}));
    const std::int64_t size = getInt(*object, {"spec", "replicas"});
    there.insert(name);
    const auto [found, added] = sets_.try_emplace(name);
    Set& set = found->second;
    if (added) {
      set.uid = uidOf(*object);
      set.size = size;
      const bool asked = std::ranges::find(recording_.acts, "patch", &Act::verb) != recording_.acts.end();
      if (!first && !asked) fault("a ReplicaSet was made: " + name);
    }
    if (set.uid != uidOf(*object)) fault("a ReplicaSet was made again: " + name);
    set.uid = uidOf(*object);
    (size > set.size ? set.grown : set.shrunk) += size > set.size ? size - set.size : set.size - size;
    set.size = size;
    if (set.course.turned(size, recording_.turns))
      fault(fmt::format("the size of {} changed direction too often: {}", name, size));
  }
  for (const auto& [name, set] : sets_) {
    if (!there.contains(name) && set.size > 0) fault("a ReplicaSet with pods was deleted: " + name);
  }
}

void TakeoverWatch::lookAtPods() {
  std::map<std::string, std::set<std::string>> pods;  // by the uid of their ReplicaSet
  for (const local::Object& pod : world_.list("", "pods")) {
    if (!metadataOf(*pod).contains("deletionTimestamp")) pods[ownerUid(*pod)].insert(uidOf(*pod));
  }
  for (auto& [name, set] : sets_) {
    const std::set<std::string>& now = pods[set.uid];
    const bool first = set.pods.empty() && set.made == 0 && set.grown == 0;
    for (const std::string& uid : now) set.made += first || set.pods.contains(uid) ? 0 : 1;
    for (const std::string& uid : set.pods) set.gone += now.contains(uid) ? 0 : 1;
    set.pods = now;
    if (set.made > set.grown + recording_.restarts || set.gone > set.shrunk + recording_.restarts)
      fault(fmt::format("pods of {} were replaced: {} made, {} gone, but it grew by {} and shrank by {}", name,
                        set.made, set.gone, set.grown, set.shrunk));
  }
}

void TakeoverWatch::lookAtSteps() {
  const local::Object rollout = world_.get(api::group, "rollouts", rollout_);
  if (rollout == nullptr) return fault("the Rollout is gone");
  const std::int64_t step = getInt(*rollout, {"status", "currentStepIndex"}, -1);
  if (step_ && step < *step_) fault(fmt::format("currentStepIndex fell from {} to {}", *step_, step));
  step_ = step;
  for (const local::Object& run : world_.list(api::group, "analysisruns")) {
    const std::string use = fmt::format("{} {}", getString(*run, {"metadata", "labels", "rollout-type"}),
                                        getString(*run, {"metadata", "labels", "step-index"}));
    if (former_runs_.contains(uidOf(*run))) continue;
    if (runs_[use].insert(uidOf(*run)).second && runs_[use].size() > 1) fault("a second AnalysisRun: " + use);
  }
}

// What the revision in flight gets of the traffic, through whichever Service selects it.
void TakeoverWatch::lookAtTraffic() {
  const std::optional<State> state = observe(world_, rollout_);
  if (!state) return;
  std::int64_t share = 0;
  for (const auto& [service, weight] : state->weights) {
    const auto hash = state->services.find(service);
    if (hash != state->services.end() && hash->second == updated_) share += weight;
  }
  const auto& blue_green = state->rollout.spec.blue_green;
  if (blue_green) {
    const auto active = state->services.find(blue_green->active_service);
    share = active != state->services.end() && active->second == updated_ ? 100 : 0;
  }
  if (share_.turned(share, 0)) fault(fmt::format("traffic turned back: {} % to {}", share, updated_));
}

void TakeoverWatch::lookAtParts() {
  for (const json::object& part : recording_.never) {
    if (holds(world_, part)) fault("must never be: " + json::serialize(part));
  }
  for (std::size_t index = 0; index < reached_.size(); ++index) {
    const Moment& moment = recording_.moments[index];
    if (reached_[index] || missing(world_, moment.parts)) continue;
    reached_[index] = true;
    const Duration off = world_.now() > moment.at ? world_.now() - moment.at : moment.at - world_.now();
    if (off > tolerance)
      fault(fmt::format("expected at {}, not now: {}", formatTime(moment.at), json::serialize(moment.parts)));
  }
}

std::vector<std::string> TakeoverWatch::faults() {
  for (std::size_t index = 0; index < reached_.size(); ++index) {
    if (!reached_[index]) fault("never came: " + json::serialize(recording_.moments[index].parts));
  }
  return faults_;
}

void TakeoverWatch::fault(std::string words) {
  const std::string line = fmt::format("{} {}", formatMicroTime(world_.now()), words);
  if (faults_.empty() || !faults_.back().ends_with(words)) faults_.push_back(line);
}

}  // namespace crossfade::sim
