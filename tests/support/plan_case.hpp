// One state of one Rollout, written down in a few numbers, and what a single plan makes of it. The Rollout is "web" in
// "default", generation 2, with 10 pods, a canary without steps unless told otherwise; its image is "b". In texts $new
// is the hash of its template, $steps that of its steps, and $-5 the moment five seconds ago.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "api/names.hpp"
#include "rollout/plan.hpp"

namespace crossfade::test {

class PlanCase {
 public:
  static inline const TimePoint now = *parseTime("2024-05-01T12:00:00Z");

  struct Set {
    std::string hash;  // "$new": made from the template
    std::int64_t size = 0, available = 0;
    std::string revision = "1";
    int age = 3600;          // seconds
    std::string knows = {};  // desired-replicas; the Rollout's replicas when empty, "none" for no annotation
    std::string deadline = {};
    std::int64_t exist = -1;         // pods that exist; `size` when negative
    std::string annotations = "{}";  // others
    std::string image = "a";         // "b" where the hash is "$new"
    std::string merged = "{}";       // over the whole object
  };

  PlanCase(std::string_view spec, std::string_view status, std::vector<Set> sets) {
    json::value object = parse(R"({"metadata":{"name":"web","namespace":"default","uid":"ro","generation":2,
        "resourceVersion":"7","annotations":{"rollout.argoproj.io/revision":"2"}},
      "spec":{"replicas":10,"selector":{"matchLabels":{"app":"web"}},"strategy":{"canary":{}},
        "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"app","image":"b"}]}}}})");
    mergePatch(object, json::object{{"spec", parse(spec)}});
    if (find(object.get_object(), {"spec", "strategy", "blueGreen"}))
      ensureObject(object.get_object(), {"spec", "strategy"}).erase("canary");
    const api::Rollout first = api::decodeRollout(object.get_object());
    hash = first.template_hash;
    step_hash = first.step_hash;
    json::value fields =
        parse(R"({"observedGeneration":"2","currentPodHash":"$new","stableRS":"old","phase":"Progressing",
      "conditions":[{"type":"Progressing","status":"True","reason":"ReplicaSetUpdated","message":"m",
      "lastUpdateTime":"$-10","lastTransitionTime":"$-60"}]})");
    if (first.spec.canary) fields.get_object()["currentStepHash"] = "$steps";
    mergePatch(fields, parse(status));
    object.get_object()["status"] = parse(resolve(json::serialize(fields)));
    rollout = std::move(object.get_object());
    for (const Set& set : sets) replica_sets.push_back(replicaSet(set));
  }

  static json::object parse(std::string_view text) {
    const auto parsed = parseJson(text);
    EXPECT_TRUE(parsed && parsed->is_object()) << text;
    return parsed && parsed->is_object() ? parsed->get_object() : json::object();
  }

  // `selects`: the hash in its selector, "" for none; `manager`: whose it is, "" for nobody's.
  PlanCase& service(std::string_view name, std::string_view selects, std::string_view manager = "web") {
    auto service = std::make_shared<api::Service>();
    service->metadata.name = name;
    if (!manager.empty()) service->metadata.annotations[std::string(api::managed_by_annotation)] = manager;
    service->selector = {{"app", "web"}};
    if (!selects.empty()) service->selector[std::string(api::hash_label)] = resolve(selects);
    services.emplace(name, std::move(service));
    return *this;
  }

  rollout::Snapshot snapshot() const {
    rollout::Snapshot snapshot;
    snapshot.rollout = std::make_shared<api::Rollout>(api::decodeRollout(rollout));
    for (const json::object& rs : replica_sets)
      snapshot.replica_sets.push_back(std::make_shared<api::ReplicaSet>(api::decodeReplicaSet(rs)));
    snapshot.services = services;
    return snapshot;
  }
  rollout::Plan plan() const { return rollout::plan(snapshot(), now); }

  std::string resolve(std::string_view text) const {
    std::string resolved(text);
    const auto replace = [&](std::string_view from, const std::string& to) {
      for (auto at = resolved.find(from); at != std::string::npos; at = resolved.find(from, at + to.size()))
        resolved.replace(at, from.size(), to);
    };
    replace("$new", hash);
    replace("$steps", step_hash);
    for (auto at = resolved.find("$-"); at != std::string::npos; at = resolved.find("$-")) {
      const auto end = std::min(resolved.find_first_not_of("0123456789", at + 2), resolved.size());
      resolved.replace(at, end - at, formatTime(now - seconds(std::stoi(resolved.substr(at + 2)))));
    }
    return resolved;
  }

  json::object rollout;
  std::vector<json::object> replica_sets;
  std::map<std::string, std::shared_ptr<const api::Service>, std::less<>> services;
  std::string hash, step_hash;

 private:
  json::object replicaSet(const Set& set) const {
    const std::string real = resolve(set.hash);
    const std::string image = set.hash == "$new" ? "b" : set.image;
    json::value annotations = parse(set.annotations);
    if (!set.revision.empty()) annotations.get_object()[api::revision_annotation] = set.revision;
    if (set.knows != "none")
      annotations.get_object()[api::desired_replicas_annotation] =
          set.knows.empty() ? std::to_string(getInt(rollout, {"spec", "replicas"})) : set.knows;
    if (!set.deadline.empty()) annotations.get_object()[api::scale_down_deadline_annotation] = resolve(set.deadline);
    const json::object labels{{"app", "web"}, {api::hash_label, real}};
    json::value rs = json::object{
        {"metadata", json::object{{"name", "web-" + real},
                                  {"namespace", "default"},
                                  {"uid", "uid-" + real},
                                  {"resourceVersion", "3"},
                                  {"creationTimestamp", formatTime(now - seconds(set.age))},
                                  {"labels", labels},
                                  {"annotations", annotations},
                                  {"ownerReferences",
                                   json::array{json::object{
                                       {"kind", "Rollout"}, {"name", "web"}, {"uid", "ro"}, {"controller", true}}}}}},
        {"spec",
         json::object{
             {"replicas", set.size},
             {"selector", json::object{{"matchLabels", labels}}},
             {"template",
              parse(fmt::format(
                  R"({{"metadata":{{"labels":{{"app":"web","{}":"{}"}}}},"spec":{{"containers":[{{"name":"app","image":"{}"}}]}}}})",
                  api::hash_label, real, image))}}},
        {"status", json::object{{"replicas", set.exist < 0 ? set.size : set.exist},
                                {"readyReplicas", set.available},
                                {"availableReplicas", set.available}}}};
    mergePatch(rs, parse(set.merged));
    return std::move(rs.get_object());
  }
};

// --- what a plan holds ---

template <class Kind>
std::vector<Kind> actionsOf(const rollout::Plan& plan) {
  std::vector<Kind> found;
  for (const rollout::Action& action : plan.actions)
    if (const auto* one = std::get_if<Kind>(&action)) found.push_back(*one);
  return found;
}

// The status that is written; nothing when none is.
inline std::optional<api::RolloutStatus> writtenStatus(const rollout::Plan& plan) {
  const auto writes = actionsOf<rollout::PatchStatus>(plan);
  EXPECT_LE(writes.size(), 1U);
  return writes.empty() ? std::nullopt : std::optional(writes.back().status);
}

// "Normal Reason: message", in order; of one reason only where that is given.
inline std::vector<std::string> eventsOf(const rollout::Plan& plan, std::string_view reason = {}) {
  std::vector<std::string> events;
  for (const auto& event : actionsOf<rollout::EmitEvent>(plan))
    if (reason.empty() || event.reason == reason)
      events.push_back(fmt::format("{} {}: {}", event.warning ? "Warning" : "Normal", event.reason, event.message));
  return events;
}

inline std::optional<api::Condition> conditionOf(const std::optional<api::RolloutStatus>& status,
                                                 std::string_view type) {
  if (!status) return std::nullopt;
  const auto found = std::ranges::find(status->conditions, type, &api::Condition::type);
  return found == status->conditions.end() ? std::nullopt : std::optional(*found);
}

// "old 10→0", "old deadline +30", "old deadline gone", "old knows 4"; hashes as they are, but for $new.
inline std::vector<std::string> changesOf(const PlanCase& world, const rollout::Plan& plan) {
  std::vector<std::string> seen;
  const auto note = [&](const std::string& name, const json::object& patch) {
    std::string hash = name.substr(4);
    if (hash == world.hash) hash = "$new";
    if (const json::value* deadline = find(patch, {"metadata", "annotations", api::scale_down_deadline_annotation})) {
      seen.push_back(
          deadline->is_string()
              ? fmt::format("{} deadline +{}", hash,
                            std::chrono::floor<seconds>(*parseTime(deadline->get_string()) - PlanCase::now).count())
              : hash + " deadline gone");
    }
    const std::string_view knows = getString(patch, {"metadata", "annotations", api::desired_replicas_annotation});
    if (!knows.empty() && !find(patch, {"spec", "replicas"})) seen.push_back(fmt::format("{} knows {}", hash, knows));
  };
  for (const rollout::Action& action : plan.actions) {
    if (const auto* scale = std::get_if<rollout::ScaleReplicaSet>(&action)) {
      const std::string hash = scale->name.substr(4);
      seen.push_back(fmt::format("{} {}→{}", hash == world.hash ? "$new" : hash, scale->from, scale->to));
      note(scale->name, scale->patch);
    } else if (const auto* patch = std::get_if<rollout::PatchReplicaSet>(&action)) {
      note(patch->name, patch->patch);
    }
  }
  return seen;
}

}  // namespace crossfade::test
