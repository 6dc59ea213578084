// The worked cases of spec/03 §20: one plan for one state of a Rollout, seen through what it asks for.
#include <gtest/gtest.h>

#include "api/names.hpp"
#include "rollout/plan.hpp"

namespace crossfade::rollout {
namespace {

const TimePoint now = *parseTime("2024-05-01T12:00:00Z");

std::string in(std::int64_t after) { return formatTime(now + seconds(after)); }

// A is stable, B is new. Sizes are "asked for / available".
struct Rs {
  std::string hash;
  std::int64_t size = 0, available = 0;
  std::string deadline = {};
  std::int64_t revision = 1;
  std::int64_t age_seconds = 3600;  // B: younger
  std::int64_t knows = -1;          // desired-replicas; -1: the Rollout's replicas
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
};

json::object object(std::string_view text) {
  const auto parsed = parseJson(text);
  EXPECT_TRUE(parsed) << text;
  return parsed ? parsed->get_object() : json::object();
}

class World {
 public:
  explicit World(const Case& one) : case_(one) {
    json::value spec = object(R"({"selector":{"matchLabels":{"app":"web"}},
      "template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"app","image":"b"}]}}})");
    mergePatch(spec, json::object{{"replicas", one.replicas}});
    mergePatch(spec, object(R"({"strategy":{"blueGreen":{"activeService":"active"}}})"));
    mergePatch(spec, json::object{{"strategy", json::object{{"blueGreen", object(one.blue_green)}}}});
    if (!one.preview.empty()) mergePatch(spec, object(R"({"strategy":{"blueGreen":{"previewService":"preview"}}})"));
    mergePatch(spec, object(one.spec));
    rollout_ = {{"metadata", object(R"({"name":"web","namespace":"default","uid":"ro","generation":2,
        "annotations":{"rollout.argoproj.io/revision":"2"}})")},
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
    addService(snapshot, "active", case_.active);
    if (!case_.preview.empty()) addService(snapshot, "preview", case_.preview);
    for (const auto& [kind, phase] : case_.runs) {
      auto run = std::make_shared<api::AnalysisRun>();
      run->metadata.name = "run-" + kind;
      run->metadata.labels = {{"rollouts-pod-template-hash", b_}};
      run->metadata.controller = api::OwnerRef{.api_version = "", .kind = "Rollout", .name = "web", .uid = "ro"};
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
    const json::object labels{{"app", "web"}, {api::hash_label, real}};
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
std::set<std::string> effects(const Case& one) {
  const World world(one);
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
constexpr const char* manual = R"({"autoPromotionEnabled":false})";
constexpr const char* timed = R"({"autoPromotionSeconds":10})";
const Rs full_a{.hash = "A", .size = 5, .available = 5};
const Rs full_b{.hash = "B", .size = 5, .available = 5};

std::string pausedSince(double ago, std::string_view reason = "BlueGreenPause") {
  return fmt::format(R"({{"controllerPause":true,"pauseConditions":[{{"reason":"{}","startTime":"{}"}}]}})", reason,
                     formatTime(now - std::chrono::duration_cast<Duration>(std::chrono::duration<double>(ago))));
}

// --- §20.1: the size of the new ReplicaSet ---

TEST(BlueGreenCases, Target) {
  const auto sized = [](std::string blue_green, std::string status, Rs b, std::string active = "A",
                        std::int64_t replicas = 5) {
    Rs a = full_a;
    a.size = a.available = replicas;
    for (const std::string& effect :
         effects({.replicas = replicas, .blue_green = blue_green, .status = status, .active = active, .sets = {a, b}}))
      if (effect.starts_with("B ") && effect.contains("→")) return effect;
    return std::string();
  };
  const Rs none{.hash = "B"};
  EXPECT_EQ(sized("{}", "{}", none), "B 0→5") << "B1";
  EXPECT_EQ(sized(R"({"previewReplicaCount":1})", R"({"blueGreen":{"activeSelector":null}})", none, ""), "B 0→5")
      << "B2";
  EXPECT_EQ(sized(R"({"previewReplicaCount":1})", R"({"blueGreen":{"activeSelector":"B"}})", none, "B"), "B 0→5")
      << "B3";
  EXPECT_EQ(sized(R"({"previewReplicaCount":1})", R"({"blueGreen":{"scaleUpPreviewCheckPoint":true}})", none), "B 0→5")
      << "B5";
  EXPECT_EQ(sized(R"({"previewReplicaCount":1})", "{}", none), "B 0→1") << "B6";
  EXPECT_EQ(sized(R"({"previewReplicaCount":1})", R"({"promoteFull":true})", none), "B 0→5") << "B7";
  Rs one{.hash = "B", .size = 1, .available = 1};
  EXPECT_EQ(
      sized(
          R"({"previewReplicaCount":1})",
          R"({"controllerPause":true,"pauseConditions":[{"reason":"InconclusiveAnalysisRun","startTime":"2024-05-01T11:00:00Z"}],
                      "blueGreen":{"scaleUpPreviewCheckPoint":true}})",
          one),
      "")
      << "B8";
  EXPECT_EQ(sized(R"({"previewReplicaCount":3})", "{}", none, "A", 2), "B 0→3") << "B9";
  EXPECT_EQ(
      effects({.blue_green = R"({"previewReplicaCount":0,"autoPromotionEnabled":false})", .sets = {full_a, none}}),
      (Effects{"pause BlueGreenPause"}))
      << "B10: ready with no pods";
  EXPECT_EQ(sized("{}", "{}", {.hash = "B", .size = 12, .available = 12}), "B 12→5") << "B71";
  EXPECT_EQ(sized("{}", "{}", {.hash = "B", .size = 3, .available = 3}), "B 3→5") << "B72";
}

// B4: until the update is on record the size is that of the preview; the status is reset with it.
TEST(BlueGreenCases, UpdateNotYetRecorded) {
  const Effects seen = effects({.blue_green = R"({"previewReplicaCount":1})",
                                .status = R"({"currentPodHash":"X","blueGreen":{"scaleUpPreviewCheckPoint":true}})",
                                .sets = {full_a, {.hash = "B"}}});
  EXPECT_EQ(seen, (Effects{"B 0→1", "no checkpoint"}));
}

// --- §20.2, §20.3: pauses and the switch of the active Service ---

TEST(BlueGreenCases, PauseAndSwitch) {
  const Effects switched = {"active→B", "stable B", "Completed blue-green update"};
  struct Expected {
    std::string_view name;
    Case one;
    Effects effects;
  };
  const Rs short_b{.hash = "B", .size = 5, .available = 4};
  const auto preview = [](std::string more) {
    return R"({"prePromotionAnalysis":{"templates":[{"templateName":"t"}]})" + more + "}";
  };
  const Expected cases[] = {
      {"B12", {.blue_green = timed, .status = pausedSince(10), .sets = {full_a, full_b}}, {}},
      {"B13",
       {.blue_green = timed, .status = pausedSince(11), .sets = {full_a, full_b}},
       {"active→B", "stable B", "Completed blue-green update", "resume"}},
      {"B14, as it should be",
       {.blue_green = timed, .status = R"({"controllerPause":true})", .sets = {full_a, full_b}},
       switched},
      {"B15", {.blue_green = manual, .status = pausedSince(5), .sets = {full_a, full_b}}, {}},
      {"B16", {.blue_green = manual, .status = R"({"controllerPause":true})", .sets = {full_a, full_b}}, switched},
      {"B17",
       {.blue_green = R"({"autoPromotionEnabled":false,"autoPromotionSeconds":10})",
        .status = pausedSince(3600),
        .sets = {full_a, full_b}},
       {}},
      {"B20", {.blue_green = manual, .sets = {full_a, short_b}}, {}},
      {"B21", {.blue_green = manual, .sets = {full_a, full_b}}, {"pause BlueGreenPause"}},
      {"B22", {.sets = {full_a, full_b}}, switched},
      {"B23", {.spec = R"({"paused":true})", .sets = {full_a, full_b}}, {}},
      {"B24",
       {.blue_green = timed, .status = pausedSince(10.5), .sets = {full_a, full_b}},
       {"active→B", "stable B", "Completed blue-green update", "resume"}},
      {"B25",
       {.blue_green = timed, .spec = R"({"paused":true})", .status = pausedSince(20), .sets = {full_a, full_b}},
       {}},
      {"B26",
       {.blue_green = preview(R"(,"autoPromotionEnabled":false)"),
        .sets = {full_a, full_b},
        .runs = {{"pre", "Running"}}},
       {}},
      {"B27",
       {.blue_green = preview(R"(,"autoPromotionSeconds":10)"),
        .status = pausedSince(10.5),
        .sets = {full_a, full_b},
        .runs = {{"pre", "Successful"}}},
       {"active→B", "stable B", "Completed blue-green update", "resume"}},
      {"B28",
       {.blue_green = preview(""),
        .status = pausedSince(20, "InconclusiveAnalysisRun"),
        .sets = {full_a, full_b},
        .runs = {{"pre", "Inconclusive"}}},
       {}},
      {"B29",
       {.blue_green = manual,
        .status = R"({"blueGreen":{"activeSelector":null}})",
        .active = "",
        .sets = {full_a, full_b}},
       {"active→B", "stable B", "Completed blue-green update"}},
      {"B31",
       {.status = R"({"abort":true,"blueGreen":{"activeSelector":"B"}})", .active = "B", .sets = {full_a, full_b}},
       {"active→A"}},
      {"B32, as it should be",
       {.status = R"({"abort":true,"blueGreen":{"activeSelector":"B"}})", .active = "B", .sets = {full_a, short_b}},
       {"active→A"}},
      {"B32, halted",
       {.spec = R"({"paused":true})",
        .status = R"({"abort":true,"blueGreen":{"activeSelector":"B"}})",
        .active = "B",
        .sets = {full_a, short_b}},
       {"active→A"}},
      {"B33",
       {.blue_green = R"({"previewReplicaCount":3})", .sets = {full_a, {.hash = "B", .size = 3, .available = 3}}},
       {"checkpoint"}},
      {"B34",
       {.blue_green = R"({"previewReplicaCount":3})",
        .status = R"({"blueGreen":{"scaleUpPreviewCheckPoint":true}})",
        .sets = {full_a, {.hash = "B", .size = 3, .available = 3}}},
       {"B 3→5"}},
      {"B35",
       {.blue_green = R"({"previewReplicaCount":3})",
        .status = R"({"blueGreen":{"scaleUpPreviewCheckPoint":true}})",
        .sets = {full_a, full_b}},
       {"active→B", "stable B", "Completed blue-green update", "no checkpoint"}},
      {"B36", {.blue_green = manual, .sets = {full_a, {.hash = "B", .size = 6, .available = 6}}}, {"B 6→5"}},
      {"templates: [] counts as none",
       {.blue_green = R"({"prePromotionAnalysis":{"templates":[]},"postPromotionAnalysis":{}})",
        .sets = {full_a, full_b}},
       switched},
      {"pre-analysis starts", {.blue_green = preview(""), .sets = {full_a, full_b}}, {"pre"}},
      {"pre-analysis failed",
       {.blue_green = preview(""), .sets = {full_a, full_b}, .runs = {{"pre", "Failed"}}},
       {"abort"}},
      {"pre-analysis inconclusive",
       {.blue_green = preview(""), .sets = {full_a, full_b}, .runs = {{"pre", "Inconclusive"}}},
       {"pause InconclusiveAnalysisRun"}},
  };
  for (const Expected& expected : cases) EXPECT_EQ(effects(expected.one), expected.effects) << expected.name;
}

TEST(BlueGreenCases, FullPromotion) {  // B30
  const Effects seen = effects({.blue_green = R"({"autoPromotionEnabled":false,
        "prePromotionAnalysis":{"templates":[{"templateName":"t"}]},"postPromotionAnalysis":{"templates":[{"templateName":"t"}]}})",
                                .status = R"({"promoteFull":true,"controllerPause":true,
        "pauseConditions":[{"reason":"BlueGreenPause","startTime":"2024-05-01T11:00:00Z"}]})",
                                .sets = {full_a, full_b},
                                .runs = {{"pre", "Running"}}});
  EXPECT_EQ(seen, (Effects{"active→B", "stable B", "Full promotion requested", "resume", "terminate run-pre"}));
}

// --- §20.4, §20.5: promotion and rollback ---

TEST(BlueGreenCases, Promotion) {
  const std::string post = R"({"postPromotionAnalysis":{"templates":[{"templateName":"t"}]}})";
  const std::string switched = R"({"blueGreen":{"activeSelector":"B"}})";
  const auto promotion = [](const Case& one) {
    for (const std::string& effect : effects(one))
      if (effect.contains("update") || effect.contains("deploy") || effect.contains("ollback")) return effect;
    return std::string();
  };
  EXPECT_EQ(
      promotion({.status = R"({"stableRS":null,"blueGreen":{"activeSelector":null}})", .active = "", .sets = {full_b}}),
      "Initial deploy")
      << "B37";
  EXPECT_EQ(
      promotion({.status = R"({"blueGreen":{"activeSelector":null}})", .active = "", .sets = {full_a, {.hash = "B"}}}),
      "Initial deploy")
      << "B38";
  EXPECT_EQ(promotion({.blue_green = post,
                       .status = switched,
                       .active = "B",
                       .sets = {full_a, full_b},
                       .runs = {{"post", "Running"}}}),
            "")
      << "B40";
  EXPECT_EQ(promotion({.blue_green = post,
                       .status = switched,
                       .active = "B",
                       .sets = {full_a, full_b},
                       .runs = {{"post", "Successful"}}}),
            "Completed blue-green update")
      << "B41";
  EXPECT_EQ(
      promotion(
          {.status = R"({"abort":true,"blueGreen":{"activeSelector":"B"}})", .active = "B", .sets = {full_a, full_b}}),
      "")
      << "B43";
  const Rs old_b{.hash = "B", .size = 5, .available = 5, .age_seconds = 7200};
  EXPECT_EQ(promotion({.spec = R"({"rollbackWindow":{"revisions":1}})", .sets = {full_a, old_b}}),
            "Rollback within window")
      << "B44";
  EXPECT_EQ(
      effects(
          {.spec = R"({"rollbackWindow":{"revisions":1}})", .status = R"({"abort":true})", .sets = {full_a, old_b}}),
      (Effects{"no abort", "B deadline +30"}))
      << "B45a";
  const Rs kept_b{.hash = "B", .size = 5, .available = 5, .deadline = in(20), .age_seconds = 7200};
  EXPECT_EQ(effects({.blue_green = manual, .sets = {full_a, kept_b}}),
            (Effects{"active→B", "stable B", "Fast rollback", "B deadline gone"}))
      << "back inside the delay, spec/03 §13.4";
}

TEST(BlueGreenCases, UnverifiedTargetsHoldThePromotion) {  // B42
  const World world({.status = R"({"blueGreen":{"activeSelector":"B"}})", .active = "B", .sets = {full_a, full_b}});
  Snapshot snapshot = world.snapshot();
  snapshot.targets_verified = false;
  const Plan made = plan(snapshot, now);
  for (const Action& action : made.actions) {
    if (const auto* write = std::get_if<PatchStatus>(&action)) {
      EXPECT_EQ(write->status.stable_rs, "A");
    }
  }
  EXPECT_EQ(made.look_again, now + seconds(10));
}

// --- §20.6: superseded ReplicaSets ---

TEST(BlueGreenCases, SupersededReplicaSets) {
  struct Expected {
    std::string_view name;
    std::vector<Rs> others;
    std::string blue_green;
    Effects effects;
    std::string preview;
    std::int64_t replicas = 1;
  };
  const auto rs = [](std::string hash, std::int64_t revision, std::string deadline, std::int64_t size = 1) {
    return Rs{.hash = hash, .size = size, .available = size, .deadline = deadline, .revision = revision};
  };
  const std::string future = in(20), past = in(-20);
  const Expected cases[] = {
      {"B52", {rs("O1", 1, "")}, "{}", {"O1 deadline +30"}, ""},
      {"B53", {rs("O1", 1, future)}, "{}", {}, ""},
      {"B54", {rs("O1", 1, past)}, "{}", {"O1 1→0", "O1 deadline gone"}, ""},
      {"B55", {rs("O1", 1, "Abcd123")}, "{}", {"O1 1→0", "O1 deadline gone"}, ""},
      {"B56",
       {rs("O1", 1, future), rs("O2", 2, future)},
       R"({"scaleDownDelayRevisionLimit":1})",
       {"O1 1→0", "O1 deadline gone"},
       ""},
      {"B57",
       {rs("O1", 1, ""), rs("O2", 2, "")},
       R"({"scaleDownDelayRevisionLimit":1})",
       {"O1 1→0", "O2 deadline +30"},
       ""},
      {"B58", {rs("O1", 1, "")}, R"({"scaleDownDelayRevisionLimit":0})", {"O1 1→0"}, ""},
      {"B60", {rs("O1", 1, future, 2)}, "{}", {"O1 2→4"}, "", 4},
      {"zero is at once, spec/03 §6", {rs("O1", 1, "")}, R"({"scaleDownDelaySeconds":0})", {"O1 1→0"}, ""},
  };
  for (const Expected& expected : cases) {
    std::vector<Rs> sets = expected.others;
    sets.push_back({.hash = "B", .size = expected.replicas, .available = expected.replicas});
    EXPECT_EQ(effects({.replicas = expected.replicas,
                       .blue_green = expected.blue_green,
                       .status = R"({"stableRS":"B","blueGreen":{"activeSelector":"B"}})",
                       .active = "B",
                       .preview = expected.preview,
                       .sets = sets}),
              expected.effects)
        << expected.name;
  }
}

TEST(BlueGreenCases, ReferencedAndAwaitedReplicaSetsStay) {
  const Rs a{.hash = "A", .size = 1, .available = 1}, b{.hash = "B", .size = 1, .available = 1};
  const Rs other{.hash = "O1", .size = 1, .available = 1};
  EXPECT_EQ(effects({.replicas = 1, .spec = R"({"paused":true})", .preview = "O1", .sets = {a, b, other}}), (Effects{}))
      << "B59";
  const std::string post = R"({"postPromotionAnalysis":{"templates":[{"templateName":"t"}]})";
  const Case running{.replicas = 1,
                     .blue_green = post + "}",
                     .status = R"({"blueGreen":{"activeSelector":"B"}})",
                     .active = "B",
                     .sets = {a, b, other},
                     .runs = {{"post", "Running"}}};
  EXPECT_EQ(effects(running), (Effects{})) << "B61";
  Case explicit_delay = running;
  explicit_delay.blue_green = post + R"(,"scaleDownDelaySeconds":30})";
  EXPECT_EQ(effects(explicit_delay), (Effects{"O1 deadline +30"})) << "B62";
}

// --- §20.7: an aborted update's ReplicaSet ---

TEST(BlueGreenCases, AbortHold) {
  struct Expected {
    std::string_view name;
    std::string blue_green;
    Rs a, b;
    Effects effects;
    std::int64_t replicas = 10;
  };
  const Rs a{.hash = "A", .size = 10, .available = 10};
  const auto b = [](std::int64_t size, std::string deadline) {
    return Rs{.hash = "B", .size = size, .available = size, .deadline = deadline};
  };
  const Expected cases[] = {
      {"B64", R"({"abortScaleDownDelaySeconds":5})", a, b(10, in(-1)), {"B 10→0"}},
      {"B65", R"({"abortScaleDownDelaySeconds":5})", a, b(8, in(4)), {}},
      {"B66", R"({"abortScaleDownDelaySeconds":5})", a, b(10, ""), {"B deadline +5"}},
      {"B67", "{}", a, b(10, ""), {"B deadline +30"}},
      {"B68", R"({"abortScaleDownDelaySeconds":0})", a, b(10, ""), {}},
      {"B70", "{}", {.hash = "A", .size = 10, .available = 9}, b(10, ""), {}},
      {"unparsable: the update's own size", "{}", a, b(8, "soon"), {"B 8→10"}},
  };
  for (const Expected& expected : cases)
    EXPECT_EQ(effects({.replicas = expected.replicas,
                       .blue_green = expected.blue_green,
                       .status = R"({"abort":true})",
                       .sets = {expected.a, expected.b}}),
              expected.effects)
        << expected.name;
  // B69: a scaling event while aborted.
  EXPECT_EQ(effects({.replicas = 4,
                     .status = R"({"abort":true})",
                     .sets = {{.hash = "A", .size = 4, .available = 4},
                              {.hash = "B", .size = 5, .available = 5, .knows = 5}}}),
            (Effects{"B knows 4", "B deadline +30"}));
}

// --- §20.8: the status ---

TEST(BlueGreenCases, Counters) {
  const auto counted = [](const Case& one) {
    const World world(one);
    const Plan made = plan(world.snapshot(), now + seconds(60));
    for (const Action& action : made.actions)
      if (const auto* write = std::get_if<PatchStatus>(&action)) {
        const api::RolloutStatus& status = write->status;
        std::string selector = status.selector;
        if (const std::size_t at = selector.find(world.hash("B")); at != std::string::npos)
          selector.replace(at, world.hash("B").size(), "B");
        return fmt::format("{} {} {} {} {} {}", status.replicas, status.updated_replicas, status.ready_replicas,
                           status.available_replicas, status.hpa_replicas, selector);
      }
    return std::string("nothing written");
  };
  const Rs a{.hash = "A", .size = 2, .available = 2};
  EXPECT_EQ(counted({.replicas = 2,
                     .blue_green = R"({"previewReplicaCount":1,"autoPromotionEnabled":false})",
                     .sets = {a, {.hash = "B", .size = 1, .available = 1}}}),
            "3 1 2 2 2 app=web,rollouts-pod-template-hash=A")
      << "B73";
  EXPECT_EQ(counted({.replicas = 2,
                     .status = R"({"stableRS":"B","blueGreen":{"activeSelector":"B"}})",
                     .active = "B",
                     .sets = {a, {.hash = "B", .size = 2, .available = 2}}}),
            "4 2 2 2 2 app=web,rollouts-pod-template-hash=B")
      << "B74";
  EXPECT_EQ(counted({.replicas = 2,
                     .status = R"({"stableRS":null,"blueGreen":{"activeSelector":null}})",
                     .active = "",
                     .sets = {{.hash = "B", .size = 1, .available = 1}}}),
            "1 1 1 1 1 app=web")
      << "B75";
}

}  // namespace
}  // namespace crossfade::rollout
