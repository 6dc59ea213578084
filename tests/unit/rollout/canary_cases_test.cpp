// One plan for one state of a canary, seen through what it asks for: the worked cases of spec/04.
#include <gtest/gtest.h>

#include <set>

#include "api/names.hpp"
#include "rollout/plan.hpp"

namespace crossfade::rollout {
namespace {

const TimePoint now = *parseTime("2024-05-01T12:00:00Z");

constexpr std::string_view sw20_pause_sw60 = R"("steps":[{"setWeight":20},{"pause":{}},{"setWeight":60}])";
constexpr std::string_view scales =
    R"("steps":[{"pause":{}},{"setCanaryScale":{"weight":25}},{"pause":{}},{"setWeight":50},{"pause":{}},
      {"setCanaryScale":{"replicas":3}},{"pause":{}},{"setCanaryScale":{"matchTrafficWeight":true}},{"pause":{}}])";

// "asked for / available"; the pods that exist are those asked for, unless `exist` says otherwise.
struct Rs {
  std::string hash;  // A is stable, B is new
  std::int64_t size = 0, available = 0;
  std::string knows = {};  // desired-replicas; the Rollout's replicas when empty
  std::int64_t exist = -1;
};

struct Case {
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
};

json::object object(std::string_view text) {
  const auto parsed = parseJson(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? parsed->get_object() : json::object();
}

json::object rolloutOf(const Case& one, bool routed) {
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

std::shared_ptr<api::ReplicaSet> replicaSet(const Case& one, const Rs& rs, const std::string& new_hash) {
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

Snapshot snapshotOf(const Case& one, bool routed) {
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
    const std::string& selects = name == std::string("stable") ? snapshot.rollout->status.stable_rs : new_hash;
    service->selector = {{"app", "web"}, {std::string(api::hash_label), selects}};
    snapshot.services.emplace(name, std::move(service));
  }
  return snapshot;
}

// "B 0→2", "weight 20", "held", "drop routes", "route x", "canary→A", "index 1", "pause", "resume", "abort", "no
// abort", "stable: reason", "A deadline".
std::set<std::string> effectsOf(const Snapshot& snapshot) {
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

void check(const std::vector<Case>& cases, bool routed) {
  for (const Case& one : cases) EXPECT_EQ(effectsOf(snapshotOf(one, routed)), one.effects) << one.name;
}

using Effects = std::set<std::string>;
constexpr auto paused_at = [](std::string_view start) {
  return fmt::format(
      R"({{"controllerPause":true,"pauseConditions":[{{"reason":"CanaryPauseStep","startTime":"{}"}}]}})", start);
};
const std::string aborted = R"({"abort":true,"abortedAt":"2024-05-01T11:59:30Z"})";

TEST(CanaryCases, Basic) {
  const std::string surge1 = R"("maxSurge":1,"maxUnavailable":0,)";
  const std::string two = surge1 + R"("steps":[{"setWeight":10},{"pause":{}}])";
  check(
      {
          {"X1", two, 10, 0, {{"A", 9, 9}, {"B", 1, 1}}, {"index 1", "pause"}},
          {"A2", two, 10, 0, {{"A", 9, 9}, {"B", 1, 0}}, {}},
          {"A5: a terminating pod blocks", two, 10, 0, {{"A", 9, 9, {}, 10}, {"B", 1, 1}}, {}},
          {"A9: others first", two, 10, 0, {{"A", 9, 9}, {"B", 1, 1}, {"C", 1, 1}}, {"C 1→0"}},
          {"R2",
           R"("maxSurge":2,"maxUnavailable":0,"steps":[{"setWeight":20}])",
           10,
           0,
           {{"A", 10, 10}, {"B", 0, 0}},
           {"B 0→2"}},
          {"R8: stable comes first",
           R"("maxSurge":2,"maxUnavailable":1,"steps":[{"setWeight":50}])",
           10,
           0,
           {{"A", 10, 10}, {"B", 0, 0}},
           {"A 10→9"}},
          {"X13", two, 10, 1, {{"A", 9, 9}, {"B", 1, 1}}, {"A 9→10", "index 0"}, aborted},
          {"X17",
           R"("maxSurge":10,"maxUnavailable":0,"steps":[{"setWeight":10},{"pause":{}}])",
           10,
           0,
           {{"A", 10, 10}, {"B", 0, 0}},
           {"B 0→10", "index 2"},
           R"({"promoteFull":true})"},
          {"X19: paused by hand", two, 10, 0, {{"A", 10, 10}, {"B", 0, 0}}, {}, "{}", R"({"paused":true})"},
          {"M1", R"("steps":[{"setWeight":10}])", 10, 1, {{"A", 0, 0}, {"B", 10, 9}}, {}},
          {"M2",
           R"("steps":[{"setWeight":10}])",
           10,
           1,
           {{"A", 0, 0}, {"B", 10, 10}},
           {"stable: Completed all 1 canary steps"}},
          {"M6",
           R"("steps":[{"setWeight":10},{"pause":{}},{"pause":{}}])",
           10,
           1,
           {{"A", 0, 0}, {"B", 10, 10}},
           {"index 3", "stable: Full promotion requested"},
           R"({"promoteFull":true})"},
          {"M7",
           R"("steps":[{"setWeight":10}])",
           10,
           1,
           {{"A", 10, 10}, {"B", 10, 10}},
           {"B 10→0", "index 0"},
           aborted},
          {"T12",
           R"("replicaProgressThreshold":{"type":"Percent","value":90},"steps":[{"setWeight":10}])",
           10,
           1,
           {{"A", 0, 0}, {"B", 10, 9}},
           {"stable: Completed all 1 canary steps"}},
          {"T13",
           R"("replicaProgressThreshold":{"type":"Percent","value":90},"steps":[{"setWeight":10}])",
           10,
           1,
           {{"A", 0, 0}, {"B", 10, 8}},
           {}},
          {"T14: a step smaller than the threshold",
           R"("maxSurge":1,"maxUnavailable":0,"replicaProgressThreshold":{"type":"Pods","value":5},"steps":[{"setWeight":10},{"pause":{}}])",
           10,
           0,
           {{"A", 9, 9}, {"B", 1, 1}},
           {"index 1", "pause"}},
      },
      false);
}

TEST(CanaryCases, Pauses) {  // spec/04 §7.3
  const auto pause = [](const std::string& duration, int index, std::string status, Effects effects,
                        std::string spec = "{}") {
    Case one{.name = duration + status,
             .canary = fmt::format(R"("steps":[{{"pause":{{{}}}}},{{"pause":{{}}}}])", duration),
             .replicas = 10,
             .index = index,
             .sets = {{"A", 10, 10}, {"B", 0, 0}},
             .effects = std::move(effects),
             .status = std::move(status),
             .spec = std::move(spec)};
    return one;
  };
  const std::string ten = R"("duration":10)";
  check(
      {
          pause("", 0, "{}", {"pause"}),                                                    // X2
          pause(ten, 0, paused_at("2024-05-01T11:59:51Z"), {}),                             // P1
          pause(ten, 0, paused_at("2024-05-01T11:59:49Z"), {"index 1"}),                    // P2, and the next
          pause("", 0, paused_at("2023-05-01T11:59:49Z"), {}),                              // P3
          pause("", 1, R"({"controllerPause":true})", {"index 2"}),                         // P4
          pause(R"("duration":"2h")", 0, paused_at("2024-05-01T12:00:00Z"), {}),            // P5
          pause(R"("duration":"1ms")", 0, paused_at("2024-05-01T11:59:59Z"), {"index 1"}),  // P6
          pause(ten, 0, "{}", {"pause"}),                                                   // P7
          pause(R"("duration":60)", 0, paused_at("2024-05-01T11:58:57Z"), {}, R"({"paused":true})"),  // P8
          pause(
              "", 0,
              R"({"controllerPause":true,"pauseConditions":[{"reason":"InconclusiveAnalysisRun","startTime":"2024-05-01T11:59:51Z"}]})",
              {}),  // nobody has resumed
      },
      false);
}

TEST(CanaryCases, RoutedCountsAndWeights) {
  const std::string steps(sw20_pause_sw60);
  check(
      {
          {"W: no pods yet", steps, 10, 0, {{"A", 10, 10}, {"B", 0, 0}}, {"weight 0", "drop routes", "B 0→2"}},
          {"W: at its size",
           steps,
           10,
           0,
           {{"A", 10, 10}, {"B", 2, 2}},
           {"weight 20", "index 1", "pause"},
           "{}",
           "{}",
           0},
          {"X5: not yet", steps, 10, 2, {{"A", 10, 10}, {"B", 6, 3}}, {"weight 20"}, "{}", "{}", 20},
          {"W: lower target while growing",
           steps,
           10,
           2,
           {{"A", 10, 10}, {"B", 2, 2}},
           {"weight 20", "B 2→6"},
           "{}",
           "{}",
           20},
          {"A6: stable's availability doesn't matter",
           steps,
           10,
           0,
           {{"A", 10, 8}, {"B", 2, 2}},
           {"weight 20", "index 1", "pause"},
           "{}",
           "{}",
           0},
          {"A7", steps, 10, 0, {{"A", 9, 9}, {"B", 2, 2}}, {"A 9→10"}, "{}", "{}", 0},
          {"W8: all steps done, not at size",
           steps,
           10,
           3,
           {{"A", 10, 10}, {"B", 6, 6}},
           {"weight 60", "B 6→10"},
           "{}",
           "{}",
           60},
          {"W8: all steps done",
           steps,
           10,
           3,
           {{"A", 10, 10}, {"B", 10, 10}},
           {"weight 100", "stable: Completed all 3 canary steps"},
           "{}",
           "{}",
           60},
          {"W7: no steps, no weight",
           "",
           10,
           0,
           {{"A", 10, 10}, {"B", 10, 10}},
           {"weight 0", "stable: Completed all 0 canary steps"}},
          {"a skipped step never had its weight",
           steps,
           10,
           3,
           {{"A", 10, 10}, {"B", 2, 2}},
           {"weight 20", "B 2→10"},
           "{}",
           "{}",
           20},
          {"all canary pods gone",
           steps,
           10,
           1,
           {{"A", 10, 10}, {"B", 2, 0}},
           {"weight 0", "drop routes", "pause"},
           "{}",
           "{}",
           20},
          {"a weight that falls keeps its pods",
           R"("steps":[{"setWeight":60},{"setWeight":20},{"pause":{}}])",
           10,
           1,
           {{"A", 10, 10}, {"B", 6, 6}},
           {"weight 20", "B 6→2"},
           "{}",
           "{}",
           60},
          {"… and is done when they are gone",
           R"("steps":[{"setWeight":60},{"setWeight":20},{"pause":{}}])",
           10,
           1,
           {{"A", 10, 10}, {"B", 2, 2}},
           {"weight 20", "index 2", "pause"},
           "{}",
           "{}",
           20},
          {"C7",
           R"("minPodsPerReplicaSet":2,"steps":[{"setWeight":5}])",
           10,
           0,
           {{"A", 10, 10}, {"B", 0, 0}},
           {"weight 0", "drop routes", "B 0→2"}},
          {"C9, X21",
           R"("trafficRouting":{"maxTrafficWeight":1000,"plugins":{"x":{}}},"steps":[{"setWeight":200},{"pause":{}}])",
           10,
           0,
           {{"A", 10, 10}, {"B", 2, 2}},
           {"weight 200", "index 1", "pause"},
           "{}",
           "{}",
           0},
          {"H: 1/2 of a huge weight",
           R"("trafficRouting":{"maxTrafficWeight":100000000,"plugins":{"x":{}}},"steps":[{"setWeight":50000000},{"pause":{}}])",
           23,
           0,
           {{"A", 23, 23}, {"B", 12, 12}},
           {"weight 50000000", "index 1", "pause"},
           "{}",
           "{}",
           0},
          {"30.6",
           R"("steps":[{"setWeight":5},{"setWeight":25}])",
           10,
           1,
           {{"A", 10, 10}, {"B", 10, 5}},
           {"weight 5", "drop routes", "index 2"},
           R"({"promoteFull":true})",
           "{}",
           5},
          {"30.6 dynamic",
           R"("dynamicStableScale":true,"steps":[{"setWeight":5},{"setWeight":25}])",
           10,
           1,
           {{"A", 10, 10}, {"B", 10, 5}},
           {"weight 50", "drop routes", "index 2"},
           R"({"promoteFull":true})",
           "{}",
           5},
      },
      true);
}

TEST(CanaryCases, CanaryScale) {  // spec/04 §8
  const std::string steps(scales);
  const auto at = [&](int index, std::int64_t before, std::int64_t after, std::int64_t weight) {
    Effects effects{fmt::format("weight {}", weight)};
    if (weight == 0 && before == 0) effects.insert("drop routes");
    if (before != after) effects.insert(fmt::format("B {}→{}", before, after));
    return Case{.name = fmt::format("S at {}", index),
                .canary = steps,
                .replicas = 4,
                .index = index,
                .sets = {{"A", 4, 4}, {"B", before, before}},
                .effects = effects,
                .status = paused_at("2024-05-01T11:59:51Z"),
                .weight = weight};
  };
  // Entering a pause would hide what is tested, so the pauses are under way.
  check({at(2, 0, 1, 0), at(4, 1, 1, 50), at(6, 1, 3, 50), at(8, 3, 2, 50)}, true);
  Case basic{"S10: basic mode ignores it",
             R"("maxSurge":"20%","maxUnavailable":0,"steps":[{"setWeight":20}])",
             10,
             0,
             {{"A", 10, 10}, {"B", 0, 0}},
             {"B 0→2"}};
  check({basic}, false);
}

TEST(CanaryCases, StableMustCarryItsShare) {  // spec/04 §15.6
  const std::string half = R"("dynamicStableScale":true,"steps":[{"setWeight":50},{"pause":{}}])";
  const std::string percent = R"("replicaProgressThreshold":{"type":"Percent","value":80},)" + half;
  check(
      {
          {"H1", half, 10, 0, {{"A", 10, 5}, {"B", 5, 5}}, {"weight 50", "index 1", "A 10→5", "pause"}, "{}", "{}", 50},
          {"H6", percent, 10, 0, {{"A", 5, 4}, {"B", 5, 5}}, {"weight 50", "index 1", "pause"}, "{}", "{}", 50},
          {"H7", percent, 10, 0, {{"A", 5, 3}, {"B", 5, 5}}, {"index 1", "pause"}, "{}", "{}", 50},
          {"H11: an abort needs one pod",
           R"("steps":[{"setWeight":50},{"pause":{}}])",
           10,
           0,
           {{"A", 10, 9}, {"B", 5, 5}},
           {"weight 0", "drop routes", "canary→A"},
           aborted,
           "{}",
           50},
          {"… but not none",
           R"("steps":[{"setWeight":50},{"pause":{}}])",
           10,
           0,
           {{"A", 10, 0}, {"B", 5, 5}},
           {"held", "drop routes", "canary→A"},
           aborted,
           "{}",
           50},
      },
      true);
}

TEST(CanaryCases, AbortHold) {  // spec/04 §14
  const std::string steps = R"("steps":[{"setWeight":50},{"pause":{}}])";
  const auto with = [&](const std::string& delay) {
    return delay.empty() ? steps : R"("abortScaleDownDelaySeconds":)" + delay + "," + steps;
  };
  const std::vector<Rs> full{{"A", 10, 10}, {"B", 5, 5}};
  check(
      {
          {"weight not taken back yet",
           with(""),
           10,
           0,
           full,
           {"weight 0", "drop routes", "canary→A"},
           aborted,
           "{}",
           50},
          {"clock starts",
           with(""),
           10,
           0,
           full,
           {"weight 0", "drop routes", "canary→A", "B deadline"},
           aborted,
           "{}",
           0},
          {"delay 0 keeps it", with("0"), 10, 0, full, {"weight 0", "drop routes", "canary→A"}, aborted, "{}", 0},
          {"an HPA's change reaches its annotation",
           with("30"),
           4,
           0,
           {{"A", 4, 4}, {"B", 5, 5, "5"}},
           {"B annotated"},
           aborted,
           "{}",
           50},
          {"C30: a scale in steps[0]",
           R"("abortScaleDownDelaySeconds":0,"steps":[{"setCanaryScale":{"replicas":1}},{"pause":{}}])",
           1,
           0,
           {{"A", 1, 1}, {"B", 1, 1}},
           {"weight 0", "drop routes", "canary→A"},
           aborted,
           "{}",
           0},
      },
      true);
}

TEST(CanaryCases, HeaderRoutes) {  // spec/04 §19, X9
  const std::string steps =
      R"("trafficRouting":{"managedRoutes":[{"name":"h"}],"plugins":{"x":{}}},"steps":[{"setWeight":50},
        {"setHeaderRoute":{"name":"h","match":[{"headerName":"a","headerValue":{"exact":"b"}}]}},{"pause":{}},{"pause":{}}])";
  check(
      {
          {"set",
           steps,
           10,
           1,
           {{"A", 10, 10}, {"B", 5, 5}},
           {"weight 50", "route h", "index 2", "pause"},
           "{}",
           "{}",
           50},
          {"stays", steps, 10, 3, {{"A", 10, 10}, {"B", 5, 5}}, {"weight 50", "route h", "pause"}, "{}", "{}", 50},
          {"not while held", steps, 10, 1, {{"A", 10, 4}, {"B", 5, 5}}, {}, "{}", "{}", 50},
      },
      true);
}

TEST(CanaryCases, Verification) {  // spec/04 §15.7, X6 to X8
  const std::string steps = R"("steps":[{"setWeight":20},{"pause":{}}])";
  const std::vector<Rs> step{{"A", 10, 10}, {"B", 2, 2}}, end{{"A", 10, 10}, {"B", 10, 10}};
  const ObservedTraffic no{.can_verify = true, .verified = false, .verify_error = {}};
  const ObservedTraffic yes{.can_verify = true, .verified = true, .verify_error = {}};
  const ObservedTraffic failed{.can_verify = true, .verified = {}, .verify_error = "boom"};
  check(
      {
          {"X6", steps, 10, 0, step, {"weight 20", "unverified"}, "{}", "{}", 20, no},
          {"set just now: nobody has looked", steps, 10, 0, step, {"weight 20", "unverified"}, "{}", "{}", 0, yes},
          {"taken", steps, 10, 0, step, {"weight 20", "index 1", "pause"}, "{}", "{}", 20, yes},
          {"X7", steps, 10, 2, end, {"weight 100", "unverified"}, "{}", "{}", 100, no},
          {"X7, then", steps, 10, 2, end, {"weight 100", "stable: Completed all 2 canary steps"}, "{}", "{}", 100, yes},
          {"X8",
           steps,
           10,
           0,
           step,
           {"weight 20", "Failed to verify weight: boom", "index 1", "pause"},
           "{}",
           "{}",
           20,
           failed},
      },
      true);
}

TEST(CanaryCases, ScalingEvents) {  // spec/02 §18.6
  const std::string steps = R"("maxSurge":1,"maxUnavailable":0,"steps":[{"setWeight":10},{"pause":{}}])";
  const auto paused = paused_at("2024-05-01T11:59:51Z");
  check(
      {
          {"others don't count", steps, 10, 1, {{"A", 9, 9}, {"B", 1, 1, "10"}, {"C", 3, 3, "2"}}, {"C 3→0"}, paused},
          {"stable lags", steps, 10, 1, {{"A", 5, 5, "5"}, {"B", 1, 1, "10"}}, {"A 5→9"}, paused},
          {"inactive ones don't count", steps, 10, 1, {{"A", 10, 10}, {"B", 0, 0, "5"}}, {"B 0→1"}, paused},
          {"unreadable",
           steps,
           10,
           1,
           {{"A", 9, 9, "20000000000"}, {"B", 1, 1, "abc"}},
           {"A annotated", "B annotated"},
           paused},
          {"halted: stable follows, the canary stays",
           steps,
           10,
           0,
           {{"A", 5, 5, "5"}, {"B", 1, 1, "5"}},
           {"A 5→9", "B annotated"},
           "{}",
           R"({"paused":true})"},
      },
      false);
}

TEST(CanaryCases, FirstRevisionSetsNoRoutes) {  // X10
  Case one{
      "X10",
      R"("trafficRouting":{"managedRoutes":[{"name":"h"}],"plugins":{"x":{}}},"steps":[{"setHeaderRoute":{"name":"h"}}])",
      1,
      0,
      {{"B", 1, 1}}};
  one.status = R"({"stableRS":""})";
  const auto seen = effectsOf(snapshotOf(one, true));
  EXPECT_FALSE(seen.contains("route h"));
  EXPECT_TRUE(seen.contains("stable: Initial deploy"));
}

TEST(CanaryCases, UnsupportedStepsSaySo) {
  for (const std::string step : {R"({"experiment":{"templates":[{"name":"a","specRef":"stable"}],"duration":"1m"}})",
                                 R"({"plugin":{"name":"x/y"}})"}) {
    Case one{"unsupported", R"("steps":[{"pause":{}},)" + step + "]", 10, 0, {{"A", 10, 10}, {"B", 0, 0}}};
    one.status = R"({"controllerPause":true})";
    const Snapshot snapshot = snapshotOf(one, false);
    const Plan made = plan(snapshot, now);
    EXPECT_TRUE(std::ranges::any_of(made.actions, [](const Action& action) {
      const auto* event = std::get_if<EmitEvent>(&action);
      return event && event->warning && event->reason == "StepNotSupported";
    }));
    ASSERT_FALSE(made.waits.empty());
    EXPECT_EQ(made.waits.front().kind, WaitKind::not_supported);
    EXPECT_TRUE(made.waits.front().sentence.contains("Promote to skip it")) << made.waits.front().sentence;
  }
}

}  // namespace
}  // namespace crossfade::rollout
