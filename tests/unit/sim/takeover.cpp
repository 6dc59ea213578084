#include "takeover.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "api/names.hpp"
#include "takeover_watch.hpp"

namespace crossfade::sim {
namespace {

// From the moment at which the recorded objects appear to the one at which our controller starts: their pods become
// ready meanwhile.
constexpr Duration settling = seconds(5);
// A ReplicaSet that grows has made its pods by then; none of them is ready so soon.
constexpr Duration growing = milliseconds(1);
// Whoever waits does not write in this time; no recorded wait ends within it.
constexpr Duration first_look = seconds(20);

bool isKind(const json::object& object, std::string_view kind) { return getString(object, {"kind"}) == kind; }
std::string nameOf(const json::object& object) { return std::string(getString(object, {"metadata", "name"})); }

std::int64_t readyOf(const json::object& set) { return getInt(set, {"status", "readyReplicas"}); }
bool isGrowing(const json::object& set) { return readyOf(set) < getInt(set, {"spec", "replicas"}); }

// Whether a line of the story tells of a write that a controller asked for: "<time> <code> <verb> <target> <body>".
bool isWrite(const std::string& line) {
  return std::ranges::any_of(std::array{" POST ", " PATCH ", " PUT ", " DELETE "},
                             [&line](std::string_view verb) { return line.contains(verb); });
}

void pass(SimWorld& world, TimePoint end, const std::function<void()>& after_each_step) {
  while (world.now() < end) {
    (void)world.stepUntil(end);
    after_each_step();
  }
}

// --- forth -----------------------------------------------------------------------------------------------------------

class Forth {
 public:
  Forth(SimWorld& world, const Recording& recording) : world_(world), recording_(recording) {}

  std::vector<std::string> run() {
    if (auto wrong = setUp()) return {*wrong};
    TakeoverWatch watch(world_, recording_);
    const auto look = [&watch] { watch.look(); };
    std::vector<std::string> faults;
    const std::size_t before = world_.story().size();
    world_.startController();
    pass(world_, world_.now() + first_look, look);
    if (auto wrong = unexpectedWrites(before)) faults.push_back(*wrong);
    for (const Act& act : recording_.acts) {
      if (!comeTo(world_, act.when, look) && act.when) faults.push_back("never came: " + json::serialize(*act.when));
      watch.beginMovement(act);
      if (const Result<> done = perform(world_, act, recording_); !done) faults.push_back(done.error().message);
    }
    (void)comeTo(world_, std::nullopt, look);
    if (auto wrong = missing(world_, recording_.end)) faults.push_back(*wrong);
    const std::vector<std::string> seen = watch.faults();
    faults.insert(faults.end(), seen.begin(), seen.end());
    return faults;
  }

 private:
  // Puts the objects there as they are, uids, generations and all. A ReplicaSet gets its pods from the cluster's own
  // controller; those that the recording does not count as ready yet are asked for just before our controller starts.
  std::optional<std::string> setUp() {
    pass(world_, recording_.at - settling, [] {});
    std::uint64_t version = world_.registry().resourceVersion();
    for (json::object object : recording_.objects) {
      const local::ResourceType* type = typeOf(world_, object);
      if (type == nullptr) return fmt::format("no kind {} here", getString(object, {"kind"}));
      json::object& metadata = ensureObject(object, {"metadata"});
      metadata["namespace"] = world_ns;
      metadata["resourceVersion"] = std::to_string(++version);
      if (isKind(object, "ReplicaSet")) {
        if (isGrowing(object)) ensureObject(object, {"spec"})["replicas"] = readyOf(object);
        object.erase("status");
      }
      if (isKind(object, "Deployment")) object.erase("status");
      world_.registry().restore(type->group, type->plural, std::move(object));
    }
    world_.registry().restoreResourceVersion(version);
    for (const json::object& object : recording_.objects) {
      if (isKind(object, "ReplicaSet") || isKind(object, "Deployment")) wake(object, local::Subresource::status);
    }
    pass(world_, recording_.at, [] {});
    for (const json::object& object : recording_.objects) {
      if (!isKind(object, "ReplicaSet")) continue;
      if (isGrowing(object)) {
        wake(object, local::Subresource::none);
      } else if (auto wrong = otherStatus(object)) {
        return wrong;
      }
    }
    pass(world_, world_.now() + growing, [] {});
    return std::nullopt;
  }

  // The workload controllers look at what changes: here, its own recorded status or size.
  void wake(const json::object& object, local::Subresource part) {
    const std::string_view member = part == local::Subresource::status ? "status" : "spec";
    const local::ResourceType* type = typeOf(world_, object);
    json::object patch;
    if (isKind(object, "ReplicaSet") && part == local::Subresource::status) {
      patch[member] = json::object{{"replicas", 0}};
    } else if (const json::value* recorded = object.if_contains(member)) {
      patch[member] = *recorded;
    }
    (void)world_.mergePatch(type->group, type->plural, nameOf(object), part, patch);
  }

  std::optional<std::string> otherStatus(const json::object& recorded) {
    const local::Object live = world_.get("apps", "replicasets", nameOf(recorded));
    for (const std::string_view count : {"replicas", "readyReplicas", "availableReplicas"}) {
      const std::int64_t found = getInt(*live, {"status", count}), wanted = getInt(recorded, {"status", count});
      if (found != wanted)
        return fmt::format("the recorded state can't be made: {} of {} is {}, not {}", count, nameOf(recorded), found,
                           wanted);
    }
    return std::nullopt;
  }

  std::optional<std::string> unexpectedWrites(std::size_t before) const {
    if (!recording_.first_writes) return std::nullopt;
    std::vector<std::string> expected = *recording_.first_writes;
    std::string unexpected;
    for (std::size_t index = before; index < world_.story().size(); ++index) {
      const std::string& line = world_.story()[index];
      if (!isWrite(line)) continue;
      const auto found = std::ranges::find_if(expected, [&line](const auto& part) { return line.contains(part); });
      if (found == expected.end()) {
        unexpected += "\n  " + line;
      } else {
        expected.erase(found);
      }
    }
    if (!unexpected.empty()) return "wrote although it should wait:" + unexpected;
    if (!expected.empty()) return "did not write: " + expected.front();
    return std::nullopt;
  }

  SimWorld& world_;
  const Recording& recording_;
};

// --- back ------------------------------------------------------------------------------------------------------------

// What the controller answers for in an object, without times, uids and what counts writes.
json::object shown(const json::object& object);

class Back {
 public:
  Back(SimWorld& world, const Recording& recording) : world_(world), recording_(recording) {}

  std::vector<std::string> run() {
    for (const json::object& object : recording_.objects) {
      if (auto wrong = begin(object)) return {*wrong};
    }
    for (const json::object& object : recording_.back->also) {
      const local::ResourceType* type = typeOf(world_, object);
      if (const Result<> made = world_.create(type->group, type->plural, object); !made) return {made.error().message};
    }
    const auto nothing = [] {};
    world_.startController();
    (void)comeTo(world_, std::nullopt, nothing);
    if (auto wrong = update()) return {*wrong};
    for (const Act& act : recording_.back->acts) {
      if (!comeTo(world_, act.when, nothing) && act.when) return {"never came: " + json::serialize(*act.when)};
      if (const Result<> done = perform(world_, act, recording_); !done) return {done.error().message};
    }
    if (const auto& until = recording_.back->until; !comeTo(world_, until, nothing) && until)
      return {"never came: " + missing(world_, *until).value_or("")};
    return differences();
  }

 private:
  // The object as its user made it.
  std::optional<std::string> begin(json::object object) {
    if (isKind(object, "ReplicaSet") || isKind(object, "AnalysisRun")) return std::nullopt;
    const local::ResourceType* type = typeOf(world_, object);
    if (type == nullptr) return fmt::format("no kind {} here", getString(object, {"kind"}));
    json::object& metadata = ensureObject(object, {"metadata"});
    for (const std::string_view key : {"uid", "generation", "creationTimestamp", "resourceVersion"})
      metadata.erase(key);
    for (const std::string_view key :
         {api::revision_annotation, api::workload_generation_annotation, api::managed_by_annotation})
      ensureObject(metadata, {"annotations"}).erase(key);
    object.erase("status");
    if (isKind(object, "Rollout")) {
      for (const std::string_view key : {"paused", "restartAt"}) ensureObject(object, {"spec"}).erase(key);
    }
    if (isKind(object, "Service")) ensureObject(object, {"spec", "selector"}).erase(api::hash_label);
    if (isKind(object, "HTTPRoute")) resetRoute(object);
    if (isTemplateOwner(object)) setImage(object, recording_.back->first_image);
    const Result<> made = world_.create(type->group, type->plural, std::move(object));
    return made ? std::nullopt : std::optional(made.error().message);
  }

  bool isTemplateOwner(const json::object& object) const {
    return (isKind(object, "Rollout") && find(object, {"spec", "template"}) != nullptr) || isKind(object, "Deployment");
  }

  static void setImage(json::object& object, const std::string& image) {
    json::value* list = find(object, {"spec", "template", "spec", "containers"});
    if (image.empty() || list == nullptr || !list->is_array()) return;
    for (json::value& container : list->get_array()) container.get_object()["image"] = image;
  }

  static void resetRoute(json::object& route) {
    ensureObject(route, {"metadata"}).erase("labels");
    json::array& rules = find(route, {"spec", "rules"})->get_array();
    // Named rules are the controller's.
    for (std::size_t index = rules.size(); index-- > 0;) {
      if (rules[index].get_object().contains("name")) rules.erase(rules.begin() + static_cast<std::ptrdiff_t>(index));
    }
    for (json::value& rule : rules) {
      for (json::value& backend : rule.get_object()["backendRefs"].get_array()) backend.get_object().erase("weight");
    }
  }

  std::optional<std::string> update() {
    if (recording_.back->first_image.empty()) return std::nullopt;
    for (const json::object& object : recording_.objects) {
      if (!isTemplateOwner(object)) continue;
      const local::ResourceType* type = typeOf(world_, object);
      const json::object patch = {{"spec", {{"template", *find(object, {"spec", "template"})}}}};
      const Result<> done =
          world_.mergePatch(type->group, type->plural, nameOf(object), local::Subresource::none, patch);
      if (!done) return done.error().message;
    }
    return std::nullopt;
  }

  std::vector<std::string> differences() {
    std::vector<std::string> found;
    for (const json::object& recorded : recording_.objects) {
      const json::object wanted = left(recorded);
      if (wanted.empty()) continue;
      const local::ResourceType* type = typeOf(world_, recorded);
      const local::Object live = world_.get(type->group, type->plural, nameOf(recorded));
      const std::string what = std::string(getString(recorded, {"kind"})) + " " + nameOf(recorded);
      if (live == nullptr) {
        found.push_back(what + " does not exist");
        continue;
      }
      json::object other = mergeDiff(wanted, left(*live));
      for (const std::string& allowed : recording_.back->differs) {
        if (allowed.starts_with(getString(recorded, {"kind"}))) other.erase(allowed.substr(allowed.find('.') + 1));
      }
      if (!other.empty()) {
        found.push_back(fmt::format("{} is left otherwise: {}\n  recorded: {}", what, json::serialize(other),
                                    json::serialize(mergeDiff(left(*live), wanted))));
      }
    }
    return found;
  }

  json::object left(const json::object& object) const {
    json::object made = shown(object);
    json::value* conditions = find(made, {"status", "conditions"});
    if (recording_.back->any_order && conditions != nullptr && conditions->is_array()) {
      std::ranges::sort(conditions->get_array(), {}, [](const json::value& condition) {
        return std::string(getString(condition.get_object(), {"type"}));
      });
    }
    return made;
  }

  SimWorld& world_;
  const Recording& recording_;
};

json::value withoutTimes(const json::value& value) {
  if (const json::string* text = value.if_string())
    return text->size() >= 20 && parseTime(*text) ? json::value("<time>") : value;
  if (const json::array* list = value.if_array()) {
    json::array made;
    for (const json::value& item : *list) made.push_back(withoutTimes(item));
    return made;
  }
  if (!value.is_object()) return value;
  json::object made;
  for (const auto& [key, member] : value.get_object()) {
    if (key != "uid" && key != "totalManualPauseDurationSeconds") made[key] = withoutTimes(member);
  }
  return made;
}

void take(const json::object& from, std::initializer_list<std::string_view> path, json::object& to) {
  const json::value* found = find(from, path);
  if (found == nullptr) return;
  if (found->is_object() && found->get_object().empty()) return;
  std::string name;
  for (const std::string_view part : path) name += (name.empty() ? "" : ".") + std::string(part);
  to[name] = withoutTimes(*found);
}

json::object shown(const json::object& object) {
  json::object made;
  if (isKind(object, "Rollout")) {
    take(object, {"metadata", "annotations"}, made);
    take(object, {"status"}, made);
    const json::value* observed = find(object, {"status", "observedGeneration"});
    if (json::object* status = made.if_contains("status") ? made["status"].if_object() : nullptr; observed != nullptr) {
      const bool current = getString(object, {"status", "observedGeneration"}) ==
                           std::to_string(getInt(object, {"metadata", "generation"}));
      (*status)["observedGeneration"] = current ? "<current>" : "<old>";
    }
  }
  if (isKind(object, "ReplicaSet")) {
    for (const std::string_view key : {"labels", "annotations", "ownerReferences"})
      take(object, {"metadata", key}, made);
    for (const std::string_view key : {"replicas", "selector", "minReadySeconds"}) take(object, {"spec", key}, made);
    take(object, {"spec", "template"}, made);
  }
  if (isKind(object, "Service")) {
    take(object, {"metadata", "annotations"}, made);
    take(object, {"spec", "selector"}, made);
  }
  if (isKind(object, "AnalysisRun")) {
    for (const std::string_view key : {"labels", "annotations", "ownerReferences"})
      take(object, {"metadata", key}, made);
    take(object, {"spec"}, made);
  }
  if (isKind(object, "HTTPRoute")) {
    take(object, {"metadata", "labels"}, made);
    take(object, {"spec", "rules"}, made);
  }
  if (isKind(object, "Deployment")) take(object, {"spec", "replicas"}, made);
  return made;
}

template <class Player>
Played play(const Recording& recording) {
  constexpr std::uint64_t seed = 1;
  SimWorld world(seed, Faults::none());
  Played played;
  played.faults = Player(world, recording).run();
  played.story = world.story();
  return played;
}

}  // namespace

Played takeOver(const Recording& recording) { return play<Forth>(recording); }
Played leadThere(const Recording& recording) { return play<Back>(recording); }

}  // namespace crossfade::sim
