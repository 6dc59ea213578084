// What becomes of ReplicaSets that are neither new nor stable, in canaries. spec/04 §13, spec/02 §18.8.
#include <gtest/gtest.h>

#include "api/names.hpp"
#include "rollout/plan.hpp"

namespace crossfade::rollout {
namespace {

const TimePoint now = *parseTime("2024-05-01T12:00:00Z");
const std::string future = formatTime(now + seconds(20));

struct Rs {
  std::int64_t size = 0, available = 0;
  std::string deadline = {};
};

struct Case {
  std::string_view name;
  std::int64_t replicas = 1;
  std::string canary = "{}";
  bool promoted = false;  // the new one is the stable one
  Rs fresh, stable;       // `stable` only where not promoted
  std::vector<Rs> others = {};
  std::string status = "{}";
  std::set<std::string> effects = {};
  std::optional<bool> targets_verified = {};
};

json::object object(std::string_view text) { return parseJson(text).value_or(json::value()).as_object(); }

std::shared_ptr<api::ReplicaSet> make(const std::string& hash, std::int64_t revision, std::int64_t age, const Rs& rs,
                                      std::int64_t replicas) {
  auto made = std::make_shared<api::ReplicaSet>();
  made->metadata.name = "web-" + hash;
  made->metadata.uid = "uid-" + hash;
  made->metadata.created = now - seconds(age);
  made->metadata.labels = {{"app", "web"}, {std::string(api::hash_label), hash}};
  made->metadata.annotations = {{std::string(api::revision_annotation), std::to_string(revision)},
                                {std::string(api::desired_replicas_annotation), std::to_string(replicas)}};
  if (!rs.deadline.empty()) made->metadata.annotations[std::string(api::scale_down_deadline_annotation)] = rs.deadline;
  made->metadata.controller = api::OwnerRef{.kind = "Rollout", .name = "web", .uid = "ro"};
  made->pod_template = api::Carried(object(R"({"spec":{"containers":[{"name":"other"}]}})"));
  made->replicas = made->status_replicas = rs.size;
  made->ready_replicas = made->available_replicas = rs.available;
  return made;
}

// Of the other ReplicaSets only: "1 5→0", "2 deadline +30", "1 deadline gone" (numbers: their revisions).
std::set<std::string> effects(const Case& one) {
  json::value rollout = object(R"({"metadata":{"name":"web","namespace":"default","uid":"ro","generation":2,
      "annotations":{"rollout.argoproj.io/revision":"100"}},
    "spec":{"selector":{"matchLabels":{"app":"web"}},
      "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"app","image":"b"}]}}},
    "status":{"stableRS":"stable","observedGeneration":"2","conditions":[{"type":"Progressing","status":"True",
      "reason":"ReplicaSetUpdated","lastUpdateTime":"2024-05-01T11:59:55Z","lastTransitionTime":"2024-05-01T11:59:55Z"}]}})");
  mergePatch(rollout, json::object{{"spec", json::object{{"replicas", one.replicas},
                                                         {"strategy", json::object{{"canary", object(one.canary)}}}}}});
  const api::Rollout first = api::decodeRollout(rollout.as_object());
  mergePatch(rollout, json::object{{"status", json::object{{"currentPodHash", first.template_hash},
                                                           {"currentStepHash", first.step_hash}}}});
  if (one.promoted) mergePatch(rollout, json::object{{"status", json::object{{"stableRS", first.template_hash}}}});
  mergePatch(rollout, json::object{{"status", object(one.status)}});

  Snapshot snapshot;
  snapshot.rollout = std::make_shared<api::Rollout>(api::decodeRollout(rollout.as_object()));
  snapshot.replica_sets.push_back(make(first.template_hash, 100, 60, one.fresh, one.replicas));
  if (!one.promoted) snapshot.replica_sets.push_back(make("stable", 50, 7200, one.stable, one.replicas));
  for (std::size_t i = 0; i < one.others.size(); ++i) {
    const auto revision = static_cast<std::int64_t>(i) + 1;
    snapshot.replica_sets.push_back(
        make(std::to_string(revision), revision, 7200 - revision, one.others[i], one.replicas));
  }
  snapshot.targets_verified = one.targets_verified;
  const Plan made = plan(snapshot, now);
  EXPECT_EQ(made.invalid, std::nullopt) << one.name;
  std::set<std::string> seen;
  const auto note = [&](const std::string& name, const json::object& patch) {
    const json::value* deadline = find(patch, {"metadata", "annotations", api::scale_down_deadline_annotation});
    if (deadline == nullptr) return;
    const auto left =
        deadline->is_string()
            ? fmt::format("+{}", std::chrono::floor<seconds>(*parseTime(deadline->get_string()) - now).count())
            : std::string("gone");
    seen.insert(fmt::format("{} deadline {}", name.substr(4), left));
  };
  for (const Action& action : made.actions) {
    if (const auto* scale = std::get_if<ScaleReplicaSet>(&action); scale && scale->name.size() == 5) {
      seen.insert(fmt::format("{} {}→{}", scale->name.substr(4), scale->from, scale->to));
      note(scale->name, scale->patch);
    } else if (const auto* patch = std::get_if<PatchReplicaSet>(&action); patch && patch->name.size() == 5) {
      note(patch->name, patch->patch);
    }
  }
  return seen;
}

TEST(OldReplicaSets, Spec04_13) {
  const std::string basic = R"("maxSurge":1,"maxUnavailable":0)";
  const std::string routed = R"("trafficRouting":{"plugins":{"x":{}}})";
  const std::string steps = R"("steps":[{"setWeight":10},{"pause":{}}])";
  const std::string second_step = R"({"currentStepIndex":1,"controllerPause":true,
      "pauseConditions":[{"reason":"CanaryPauseStep","startTime":"2024-05-01T11:00:00Z"}],
      "conditions":[{"type":"Progressing","status":"Unknown","reason":"RolloutPaused","lastUpdateTime":"2024-05-01T11:00:00Z","lastTransitionTime":"2024-05-01T11:00:00Z"},
        {"type":"Paused","status":"True","reason":"RolloutPaused","lastUpdateTime":"2024-05-01T11:00:00Z","lastTransitionTime":"2024-05-01T11:00:00Z"}]})";
  const auto object_of = [](std::initializer_list<std::string> members) {
    std::string text;
    for (const std::string& member : members) text += (text.empty() ? "" : ",") + member;
    return "{" + text + "}";
  };
  const Case cases[] = {
      {"spec/04 §13.1 O1", 10, object_of({basic, steps}), false, {1, 1}, {9, 9}, {{}, {1, 1}}, second_step, {"2 1→0"}},
      {"spec/04 §13.1 O2", 4, object_of({basic}), true, {5, 0}, {}, {{5, 5}, {5, 5}}, "{}", {"2 5→0", "1 5→4"}},
      {"spec/04 §13.1 O3", 10, object_of({basic, steps}), false, {1, 0}, {9, 9}, {{}, {1, 0}}, second_step, {"2 1→0"}},
      // A superseded canary is given its delay: routers may still be draining. spec/04 §32 #7.
      {"spec/04 §13.1 O4",
       5,
       object_of({basic, steps, routed}),
       false,
       {1, 1},
       {5, 5},
       {{}, {5, 5}},
       second_step,
       {"2 deadline +30"}},
      {"spec/04 §13.1 O5",
       5,
       object_of({basic, steps, routed}),
       false,
       {1, 0},
       {5, 5},
       {{}, {5, 5}},
       R"({"currentStepIndex":0,"canary":{"weights":{"canary":{"weight":10,"podTemplateHash":"2"},"stable":{"weight":90,"podTemplateHash":"stable"}}}})",
       {}},
      {"spec/04 §13.1 O6",
       1,
       object_of({R"("maxSurge":1,"maxUnavailable":1)", routed}),
       true,
       {1, 1},
       {},
       {{1, 1}},
       "{}",
       {"1 deadline +30"}},
      {"spec/04 §13.1 O7",
       1,
       object_of({R"("maxSurge":1,"maxUnavailable":1,"scaleDownDelayRevisionLimit":1)", routed}),
       true,
       {1, 1},
       {},
       {{1, 1, future}, {1, 1, future}},
       "{}",
       {"1 1→0", "1 deadline gone"}},
      {"spec/04 §13.1 O8",
       10,
       object_of({basic, routed, R"("dynamicStableScale":true)"}),
       true,
       {10, 10},
       {},
       {{1, 1}},
       "{}",
       {"1 1→0"}},
      {"spec/04 §13.1 O9",
       10,
       object_of({R"("maxSurge":"25%","maxUnavailable":0)", routed}),
       true,
       {10, 9},
       {},
       {{10, 0}},
       "{}",
       {"1 10→0"}},
      {"spec/04 §13.1 O10", 10, object_of({R"("maxUnavailable":0)", routed}), true, {10, 9}, {}, {{1, 1}}, "{}", {}},
      {"spec/04 §13.1 O11", 3, object_of({routed}), true, {3, 3}, {}, {{3, 3}}, "{}", {}, false},
      {"spec/04 §13.1 O12", 3, object_of({routed}), true, {3, 3}, {}, {{3, 3, future}}, "{}", {}, false},
      {"spec/04 §33 #16, spec/04 §33 #29: only pods that don't work",
       10,
       object_of({R"("maxUnavailable":0)", routed}),
       true,
       {10, 8},
       {},
       {{2, 1, future}, {1, 1}},
       "{}",
       {"1 2→1"}},
      {"spec/04 §24.1 #6: no routers, no delay",
       4,
       object_of({basic}),
       true,
       {4, 2},
       {},
       {{2, 2, future}},
       "{}",
       {"1 deadline gone"}},
      {"spec/04 §32 #21: zero is at once",
       1,
       object_of({R"("scaleDownDelaySeconds":0)", routed}),
       true,
       {1, 1},
       {},
       {{1, 1}},
       "{}",
       {"1 1→0"}},
      {"inside its delay it keeps its own size", 4, object_of({routed}), true, {4, 4}, {}, {{2, 2, future}}, "{}", {}},
      {"a count that is not up to date", 4, object_of({basic}), true, {4, 4}, {}, {{2, 3}}, "{}", {}},
  };
  for (const Case& one : cases) EXPECT_EQ(effects(one), one.effects) << one.name;
}

}  // namespace
}  // namespace crossfade::rollout
