// One state of a blue-green Rollout in a few letters, and what its plan does, in letters too. For tables of cases.
#pragma once
#include <gtest/gtest.h>

#include "api/names.hpp"
#include "rollout/plan.hpp"

namespace crossfade::rollout::cases {

inline const TimePoint now = *parseTime("2024-05-01T12:00:00Z");

inline std::string in(std::int64_t after) { return formatTime(now + seconds(after)); }

// A is stable, B is new. Sizes are "asked for / available".
struct Rs {
  std::string hash;
  std::int64_t size = 0, available = 0;
  std::string deadline = {};
  std::int64_t revision = 1;
  std::int64_t age_seconds = 3600;  // B: younger
  std::int64_t knows = -1;          // desired-replicas; -1: the Rollout's replicas
  bool experiment = false;          // made by one
};

struct Case {
  std::int64_t replicas = 5;
  std::string blue_green = "{}";  // merged over {"activeService":"active"}
  std::string spec = "{}";        // merged over the spec
  std::string status = "{}";      // merged over the status
  std::string active = "A";       // what the active Service selects; "" none
  std::string preview = {};       // no preview Service when empty
  std::vector<Rs> sets = {};
  std::vector<std::pair<std::string, std::string>> runs = {};  // "pre" or "post", phase
  std::optional<bool> targets_verified = {};                   // what a load balancer says
};

inline json::object object(std::string_view text) {
  const auto parsed = parseJson(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? parsed->get_object() : json::object();
}

class State {
 public:
  explicit State(const Case& one) : case_(one) {
    json::value spec = object(R"({"selector":{"matchLabels":{"app":"web"}},
      "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"app","image":"b"}]}}})");
    mergePatch(spec, json::object{{"replicas", one.replicas}});
    mergePatch(spec, object(R"({"strategy":{"blueGreen":{"activeService":"active"}}})"));
    mergePatch(spec, json::object{{"strategy", json::object{{"blueGreen", object(one.blue_green)}}}});
    if (!one.preview.empty()) mergePatch(spec, object(R"({"strategy":{"blueGreen":{"previewService":"preview"}}})"));
    mergePatch(spec, object(one.spec));
    rollout_ = {{"metadata", object(R"({"name":"web","namespace":"default","uid":"ro","generation":2,
        "annotations":{"rollout.argoproj.io/revision":"100"}})")},
                {"spec", spec}};
    b_ = api::decodeRollout(rollout_).template_hash;
    json::value status = object(R"({"stableRS":"A","currentPodHash":"B","observedGeneration":"2","phase":"Progressing",
        "blueGreen":{"activeSelector":"A"},"conditions":[{"type":"Progressing","status":"True","reason":"ReplicaSetUpdated",
        "lastUpdateTime":"2024-05-01T11:59:55Z","lastTransitionTime":"2024-05-01T11:59:55Z","message":""}]})");
    mergePatch(status, object(one.status));
    for (const auto& [kind, phase] : one.runs) {
      const std::string key = kind == "pre" ? "prePromotionAnalysisRunStatus" : "postPromotionAnalysisRunStatus";
      mergePatch(status, json::object{{"blueGreen",
                                       json::object{{key, json::object{{"name", "run-" + kind}, {"status", phase}}}}}});
    }
    // A pause that is recorded has been mirrored in the conditions.
    const bool paused = find(status, {"pauseConditions"}) != nullptr || getBool(spec.get_object(), {"paused"});
    if (paused) {
      status.get_object()["conditions"] =
          parseJson(R"([{"type":"Progressing","status":"Unknown","reason":"RolloutPaused",
        "lastUpdateTime":"2024-05-01T11:59:55Z","lastTransitionTime":"2024-05-01T11:59:55Z","message":""},
        {"type":"Paused","status":"True","reason":"RolloutPaused","message":"Rollout is paused",
         "lastUpdateTime":"2024-05-01T11:59:55Z","lastTransitionTime":"2024-05-01T11:59:55Z"}])")
              .value();
    }
    if (getBool(status.get_object(), {"abort"})) {
      status.get_object()["conditions"] =
          parseJson(R"([{"type":"Progressing","status":"False","reason":"RolloutAborted",
        "lastUpdateTime":"2024-05-01T11:59:55Z","lastTransitionTime":"2024-05-01T11:59:55Z","message":"m"}])")
              .value();
      mergePatch(status, object(R"({"abortedAt":"2024-05-01T11:59:50Z"})"));
    }
    rollout_["status"] = json::value(parseJson(named(json::serialize(status))).value());
  }

  Snapshot snapshot() const {
    Snapshot snapshot;
    snapshot.rollout = std::make_shared<api::Rollout>(api::decodeRollout(rollout_));
    EXPECT_EQ(snapshot.rollout->malformed, api::Malformed{});
    for (const Rs& rs : case_.sets) snapshot.replica_sets.push_back(make(rs));
    snapshot.targets_verified = case_.targets_verified;
    addService(snapshot, "active", case_.active);
    if (!case_.preview.empty()) addService(snapshot, "preview", case_.preview);
    for (const auto& [kind, phase] : case_.runs) {
      auto run = std::make_shared<api::AnalysisRun>();
      run->metadata.name = "run-" + kind;
      run->metadata.labels = {{"rollouts-pod-template-hash", b_}};
      run->metadata.controller = api::OwnerRef{.kind = "Rollout", .name = "web", .uid = "ro"};
      run->status.phase = phase;
      snapshot.analysis_runs.push_back(std::move(run));
    }
    return snapshot;
  }

  std::string hash(std::string_view letter) const { return letter == "B" ? b_ : std::string(letter); }
  std::string letter(std::string_view hash) const { return hash == b_ ? "B" : std::string(hash); }

 private:
  // The text with the JSON string "B" replaced by the real hash.
  std::string named(std::string text) const {
    for (std::size_t at = text.find("\"B\""); at != std::string::npos; at = text.find("\"B\"", at))
      text.replace(at, 3, "\"" + b_ + "\"");
    return text;
  }

  std::shared_ptr<api::ReplicaSet> make(const Rs& rs) const {
    const std::string real = hash(rs.hash);
    json::object annotations{
        {api::revision_annotation, std::to_string(rs.hash == "B" ? 100 : rs.revision)},
        {api::desired_replicas_annotation, std::to_string(rs.knows < 0 ? case_.replicas : rs.knows)}};
    if (!rs.deadline.empty()) annotations[api::scale_down_deadline_annotation] = rs.deadline;
    if (rs.experiment) annotations[api::experiment_name_annotation] = "trial";
    json::object labels{{"app", "web"}};
    if (!real.empty()) labels[api::hash_label] = real;
    const std::int64_t age = rs.hash == "B" && rs.age_seconds == 3600 ? 60 : rs.age_seconds;
    return std::make_shared<api::ReplicaSet>(api::decodeReplicaSet(json::object{
        {"metadata", json::object{{"name", "web-" + rs.hash},
                                  {"namespace", "default"},
                                  {"uid", "uid-" + rs.hash},
                                  {"creationTimestamp", in(-age)},
                                  {"labels", labels},
                                  {"annotations", annotations},
                                  {"ownerReferences", json::array{json::object{
                                                          {"kind", "Rollout"}, {"uid", "ro"}, {"controller", true}}}}}},
        {"spec", json::object{{"replicas", rs.size},
                              {"selector", json::object{{"matchLabels", labels}}},
                              {"template",
                               json::object{{"metadata", json::object{{"labels", labels}}},
                                            {"spec", object(R"({"containers":[{"name":"app","image":"old"}]})")}}}}},
        {"status",
         json::object{{"replicas", rs.size}, {"readyReplicas", rs.available}, {"availableReplicas", rs.available}}}}));
  }

  void addService(Snapshot& snapshot, const std::string& name, const std::string& selects) const {
    auto service = std::make_shared<api::Service>();
    service->metadata.name = name;
    service->metadata.annotations = {{std::string(api::managed_by_annotation), "web"}};
    service->selector = {{"app", "web"}};
    if (!selects.empty()) service->selector.emplace(std::string(api::hash_label), hash(selects));
    snapshot.services.emplace(name, std::move(service));
  }

  Case case_;
  json::object rollout_;
  std::string b_;
};

// What a plan does, in letters: "active→B", "B 3→5", "A deadline +30", "A deadline gone", "pre", "terminate run-pre",
// "pause BlueGreenPause", "resume", "abort", "no abort", "stable B", "checkpoint", "no checkpoint", reasons of
// promotion.
inline std::set<std::string> effects(const Case& one) {
  const State world(one);
  const Snapshot snapshot = world.snapshot();
  const Plan made = plan(snapshot, now);
  EXPECT_EQ(made.invalid, std::nullopt);
  std::set<std::string> seen;
  const api::RolloutStatus& before = snapshot.rollout->status;
  const auto shortName = [](const std::string& name) { return name.substr(4); };
  const auto readDeadline = [&](const std::string& name, const json::object& patch) {
    const json::value* deadline = find(patch, {"metadata", "annotations", api::scale_down_deadline_annotation});
    if (deadline == nullptr) return;
    if (!deadline->is_string()) {
      seen.insert(shortName(name) + " deadline gone");
      return;
    }
    const auto left = std::chrono::duration_cast<seconds>(*parseTime(deadline->get_string()) - now).count();
    seen.insert(fmt::format("{} deadline +{}", shortName(name), left));
  };
  for (const Action& action : made.actions) {
    if (const auto* scale = std::get_if<ScaleReplicaSet>(&action)) {
      seen.insert(fmt::format("{} {}→{}", shortName(scale->name), scale->from, scale->to));
      readDeadline(scale->name, scale->patch);
    } else if (const auto* patch = std::get_if<PatchReplicaSet>(&action)) {
      readDeadline(patch->name, patch->patch);
      if (const auto knows = getString(patch->patch, {"metadata", "annotations", api::desired_replicas_annotation});
          !knows.empty())
        seen.insert(fmt::format("{} knows {}", shortName(patch->name), knows));
    } else if (const auto* service = std::get_if<PatchServiceSelector>(&action)) {
      seen.insert(service->service + "→" + world.letter(service->to));
    } else if (const auto* run = std::get_if<CreateAnalysisRun>(&action)) {
      seen.insert(run->kind == RunKind::pre_promotion ? "pre" : "post");
    } else if (const auto* stop = std::get_if<TerminateAnalysisRun>(&action)) {
      seen.insert("terminate " + stop->name);
    } else if (const auto* event = std::get_if<EmitEvent>(&action)) {
      if (event->reason == "RolloutCompleted") seen.insert(event->message.substr(event->message.rfind(": ") + 2));
    } else if (const auto* write = std::get_if<PatchStatus>(&action)) {
      const api::RolloutStatus& after = write->status;
      for (const api::PauseCondition& pause : after.pause_conditions)
        if (before.pause_conditions.empty()) seen.insert("pause " + pause.reason);
      if (!before.pause_conditions.empty() && after.pause_conditions.empty()) seen.insert("resume");
      if (after.abort != before.abort) seen.insert(after.abort ? "abort" : "no abort");
      if (after.stable_rs != before.stable_rs) seen.insert("stable " + world.letter(after.stable_rs));
      const bool check_point = after.blue_green.scale_up_preview_check_point;
      if (check_point != before.blue_green.scale_up_preview_check_point)
        seen.insert(check_point ? "checkpoint" : "no checkpoint");
    }
  }
  return seen;
}

using Effects = std::set<std::string>;
inline constexpr const char* manual = R"({"autoPromotionEnabled":false})";
inline constexpr const char* timed = R"({"autoPromotionSeconds":10})";
inline const Rs full_a{.hash = "A", .size = 5, .available = 5};
inline const Rs full_b{.hash = "B", .size = 5, .available = 5};

inline std::string pausedSince(double ago, std::string_view reason = "BlueGreenPause") {
  return fmt::format(R"({{"controllerPause":true,"pauseConditions":[{{"reason":"{}","startTime":"{}"}}]}})", reason,
                     formatTime(now - std::chrono::duration_cast<Duration>(std::chrono::duration<double>(ago))));
}

}  // namespace crossfade::rollout::cases
