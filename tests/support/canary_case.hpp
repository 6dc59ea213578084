// One plan for one state of a canary, seen through what it asks for: how the worked cases of spec/04 are written down.
#pragma once
#include <gtest/gtest.h>

#include <set>

#include "api/names.hpp"
#include "rollout/plan.hpp"

namespace crossfade::test {

using namespace rollout;

inline const TimePoint now = *parseTime("2024-05-01T12:00:00Z");

// "asked for / available"; the pods that exist are those asked for, unless `exist` says otherwise.
struct Rs {
  std::string hash;  // A is stable, B is new
  std::int64_t size = 0, available = 0;
  std::string knows = {};  // desired-replicas; the Rollout's replicas when empty
  std::int64_t exist = -1;
};

struct CanaryCase {
  std::string name;
  std::string canary;  // members of spec.strategy.canary
  std::int64_t replicas = 10;
  std::int64_t index = 0;
  std::vector<Rs> sets = {};
  std::set<std::string> effects = {};
  std::string status = "{}";                // merged over the status
  std::string spec = "{}";                  // merged over the spec
  std::optional<std::int64_t> weight = {};  // recorded; "B" has it
  ObservedTraffic traffic = {};
  std::string canary_selects = "B";  // the hash that the canary Service selects
};

inline json::object object(std::string_view text) {
  const auto parsed = parseJson(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? parsed->get_object() : json::object();
}

inline json::object rolloutOf(const CanaryCase& one, bool routed) {
  json::value spec = object(R"({"selector":{"matchLabels":{"app":"web"}},
      "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"app","image":"b"}]}}})");
  spec.get_object()["replicas"] = one.replicas;
  json::object canary = object("{" + one.canary + "}");
  if (routed) {
    canary["canaryService"] = "canary";
    canary["stableService"] = "stable";
    if (!canary.contains("trafficRouting")) canary["trafficRouting"] = object(R"({"plugins":{"x":{}}})");
  }
  spec.get_object()["strategy"] = json::object{{"canary", std::move(canary)}};
  mergePatch(spec, object(one.spec));
  json::object rollout{{"metadata", object(R"({"name":"web","namespace":"default","uid":"ro","generation":2,
                           "annotations":{"rollout.argoproj.io/revision":"2"}})")},
                       {"spec", spec}};
  const api::Rollout decoded = api::decodeRollout(rollout);
  json::value status = object(R"({"stableRS":"A","observedGeneration":"2","phase":"Progressing","canary":{},
      "conditions":[{"type":"Progressing","status":"True","reason":"ReplicaSetUpdated","message":"",
      "lastUpdateTime":"2024-05-01T11:59:30Z","lastTransitionTime":"2024-05-01T11:59:30Z"},
      {"type":"Completed","status":"False","reason":"RolloutCompleted","message":"RolloutCompleted",
      "lastUpdateTime":"2024-05-01T11:59:30Z","lastTransitionTime":"2024-05-01T11:59:30Z"}]})");
  json::object& fields = status.get_object();
  fields["currentPodHash"] = decoded.template_hash;
  fields["currentStepHash"] = decoded.step_hash;
  if (!decoded.spec.canary->steps.empty()) fields["currentStepIndex"] = one.index;
  if (one.weight) {
    const std::int64_t max = decoded.spec.canary->maxTrafficWeight();
    json::object weights{
        {"canary",
         json::object{{"weight", *one.weight}, {"serviceName", "canary"}, {"podTemplateHash", decoded.template_hash}}},
        {"stable", json::object{{"weight", max - *one.weight}, {"serviceName", "stable"}, {"podTemplateHash", "A"}}}};
    fields["canary"] = json::object{{"weights", std::move(weights)}};
  }
  mergePatch(status, object(one.status));
  std::string text = json::serialize(status);
  for (std::size_t at = text.find("\"B\""); at != std::string::npos; at = text.find("\"B\"", at))
    text.replace(at, 3, "\"" + decoded.template_hash + "\"");
  json::object named = object(text);
  // What a user did to the status is mirrored in the conditions already.
  const bool paused = named.contains("pauseConditions") || decoded.spec.paused;
  if (paused || getBool(named, {"abort"})) {
    json::object& progressing = named["conditions"].as_array()[0].as_object();
    progressing["status"] = paused ? "Unknown" : "False";
    progressing["reason"] = paused ? "RolloutPaused" : "RolloutAborted";
    if (paused)
      named["conditions"].as_array().push_back(object(R"({"type":"Paused","status":"True","reason":"RolloutPaused",
        "message":"Rollout is paused","lastUpdateTime":"2024-05-01T11:59:30Z","lastTransitionTime":"2024-05-01T11:59:30Z"})"));
  }
  rollout["status"] = std::move(named);
  return rollout;
}

inline std::shared_ptr<api::ReplicaSet> replicaSet(const CanaryCase& one, const Rs& rs, const std::string& new_hash) {
  const std::string real = rs.hash == "B" ? new_hash : rs.hash;
  const bool fresh = rs.hash == "B" || real == new_hash;
  const std::string knows = rs.knows.empty() ? std::to_string(one.replicas) : rs.knows;
  json::object annotations{{api::revision_annotation, fresh ? "2" : "1"}};
  if (knows != "none") annotations[api::desired_replicas_annotation] = knows;
  const json::object labels{{"app", "web"}, {api::hash_label, real}};
  return std::make_shared<api::ReplicaSet>(api::decodeReplicaSet(json::object{
      {"metadata", json::object{{"name", "web-" + rs.hash},
                                {"namespace", "default"},
                                {"uid", "uid-" + rs.hash},
                                {"creationTimestamp", formatTime(now - (fresh ? minutes(1) : minutes(60)))},
                                {"labels", labels},
                                {"annotations", annotations},
                                {"ownerReferences",
                                 json::array{json::object{{"kind", "Rollout"}, {"uid", "ro"}, {"controller", true}}}}}},
      {"spec", json::object{{"replicas", rs.size},
                            {"selector", json::object{{"matchLabels", labels}}},
                            {"template", object(R"({"spec":{"containers":[{"name":"app","image":"old"}]}})")}}},
      {"status", json::object{{"replicas", rs.exist < 0 ? rs.size : rs.exist},
                              {"readyReplicas", rs.available},
                              {"availableReplicas", rs.available}}}}));
}

inline Snapshot snapshotOf(const CanaryCase& one, bool routed) {
  Snapshot snapshot;
  snapshot.rollout = std::make_shared<api::Rollout>(api::decodeRollout(rolloutOf(one, routed)));
  EXPECT_EQ(snapshot.rollout->malformed, api::Malformed{});
  const std::string& new_hash = snapshot.rollout->template_hash;
  for (const Rs& rs : one.sets) snapshot.replica_sets.push_back(replicaSet(one, rs, new_hash));
  snapshot.traffic = one.traffic;
  snapshot.traffic.has_routers = routed;
  for (const char* name : {"canary", "stable"}) {
    if (!routed) break;
    auto service = std::make_shared<api::Service>();
    service->metadata.name = name;
    service->metadata.annotations = {{std::string(api::managed_by_annotation), "web"}};
    const std::string& canary_selects = one.canary_selects == "B" ? new_hash : one.canary_selects;
    const std::string& selects = name == std::string("stable") ? snapshot.rollout->status.stable_rs : canary_selects;
    service->selector = {{"app", "web"}, {std::string(api::hash_label), selects}};
    snapshot.services.emplace(name, std::move(service));
  }
  return snapshot;
}

// "B 0→2", "weight 20", "held", "drop routes", "route x", "canary→A", "index 1", "pause", "resume", "abort", "no
// abort", "stable: reason", "A deadline".
inline std::set<std::string> effectsOf(const Snapshot& snapshot) {
  std::set<std::string> seen;
  const Plan made = plan(snapshot, now);
  if (made.invalid) seen.insert("invalid");
  const api::RolloutStatus& before = snapshot.rollout->status;
  const std::string& fresh = snapshot.rollout->template_hash;
  for (const Action& action : made.actions) {
    if (const auto* scale = std::get_if<ScaleReplicaSet>(&action))
      seen.insert(fmt::format("{} {}→{}", scale->name.substr(4), scale->from, scale->to));
    if (const auto* patch = std::get_if<PatchReplicaSet>(&action))
      seen.insert(patch->name.substr(4) + (patch->reason == "scale-down deadline" ? " deadline" : " annotated"));
    if (const auto* set = std::get_if<SetTraffic>(&action)) {
      seen.insert(set->held ? "held" : fmt::format("weight {}", set->weight));
      if (set->remove_managed_routes) seen.insert("drop routes");
      for (const auto& route : set->routes) seen.insert("route " + std::string(getString(route.step, {"name"})));
    }
    if (const auto* service = std::get_if<PatchServiceSelector>(&action))
      seen.insert(service->service + "→" + (service->to == fresh ? "B" : service->to));
    if (const auto* event = std::get_if<EmitEvent>(&action)) {
      if (event->reason == "RolloutCompleted")
        seen.insert("stable: " + event->message.substr(event->message.rfind(": ") + 2));
      if (event->reason == "WeightVerifyError") seen.insert(event->message);
    }
    const auto* status = std::get_if<PatchStatus>(&action);
    if (!status) continue;
    const api::RolloutStatus& after = status->status;
    if (after.current_step_index != before.current_step_index)
      seen.insert(fmt::format("index {}", after.current_step_index.value_or(-1)));
    if (after.pause_conditions.size() > before.pause_conditions.size()) seen.insert("pause");
    if (after.pause_conditions.size() < before.pause_conditions.size()) seen.insert("resume");
    if (after.abort != before.abort) seen.insert(after.abort ? "abort" : "no abort");
    if (after.canary.weights && after.canary.weights->verified == false) seen.insert("unverified");
  }
  return seen;
}

using Effects = std::set<std::string>;

inline void check(const std::vector<CanaryCase>& cases, bool routed) {
  for (const CanaryCase& one : cases) EXPECT_EQ(effectsOf(snapshotOf(one, routed)), one.effects) << one.name;
}

// "Reason: message" of every event that a plan would send.
inline std::vector<std::string> eventsOf(const Plan& plan) {
  std::vector<std::string> events;
  for (const Action& action : plan.actions)
    if (const auto* event = std::get_if<EmitEvent>(&action)) events.push_back(event->reason + ": " + event->message);
  return events;
}

// The status that a plan leaves behind.
inline api::RolloutStatus statusAfter(const Snapshot& snapshot, const Plan& plan) {
  for (const Action& action : plan.actions)
    if (const auto* patch = std::get_if<PatchStatus>(&action)) return patch->status;
  return snapshot.rollout->status;
}

// The first action of its kind.
template <class Kind>
std::optional<Kind> actionOf(const Plan& plan) {
  for (const Action& action : plan.actions)
    if (const auto* found = std::get_if<Kind>(&action)) return *found;
  return std::nullopt;
}

inline std::string pausedAt(std::string_view start) {
  return fmt::format(
      R"({{"controllerPause":true,"pauseConditions":[{{"reason":"CanaryPauseStep","startTime":"{}"}}]}})", start);
}
inline const std::string aborted = R"({"abort":true,"abortedAt":"2024-05-01T11:59:30Z"})";

}  // namespace crossfade::test
