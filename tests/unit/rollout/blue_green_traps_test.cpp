// The traps of spec/03 §21, and what else one state of a blue-green Rollout shows. What takes a while is in the lives.
#include "blue_green_life.hpp"
#include "blue_green_state.hpp"

namespace crossfade::rollout {
namespace {

using namespace cases;

Rs b(std::int64_t size, std::int64_t available) { return {.hash = "B", .size = size, .available = available}; }

const Effects switched = {"active→B", "stable B", "Completed blue-green update"};
constexpr const char* resumed = R"({"controllerPause":true})";
constexpr const char* active_on_b = R"({"blueGreen":{"activeSelector":"B"}})";
constexpr const char* after = R"({"postPromotionAnalysis":{"templates":[{"templateName":"t"}]}})";

template <class Wanted>
std::vector<Wanted> actionsOf(const Plan& plan) {
  std::vector<Wanted> found;
  for (const Action& action : plan.actions)
    if (const auto* one = std::get_if<Wanted>(&action)) found.push_back(*one);
  return found;
}

TEST(BlueGreenTraps, OfOneState) {
  struct Trap {
    std::string_view id;
    Case one;
    Effects effects;
  };
  Rs a_knows_4 = full_a, b_knows_4 = full_b;
  a_knows_4.knows = b_knows_4.knows = 4;
  const Rs surplus{.hash = "B", .size = 5, .available = 6};
  const Rs as_old{.hash = "B", .size = 5, .available = 5, .age_seconds = 7200};
  const Rs old_a{.hash = "A", .size = 5, .available = 5, .age_seconds = 7200};
  const Rs o1{.hash = "O1", .size = 5, .available = 5, .revision = 1};
  const Rs o2{.hash = "O2", .size = 5, .available = 5, .revision = 2};
  const Rs nameless{.hash = "", .size = 5, .available = 5};
  const std::string promoted = R"({"stableRS":"B","blueGreen":{"activeSelector":"B"}})";
  const Trap traps[] = {
      {"spec/03 §21 #4: a size that is not known yet",
       {.blue_green = manual, .status = resumed, .sets = {a_knows_4, b_knows_4}},
       {"A knows 5", "B knows 5"}},
      {"spec/03 §21 #4: more is not equal", {.sets = {full_a, surplus}}, {}},
      {"spec/03 §21 #5: the preview is ready, and not saturated",
       {.blue_green = R"({"previewReplicaCount":3})", .sets = {full_a, b(3, 3)}},
       {"checkpoint"}},
      {"spec/03 §21 #5: both at once",
       {.blue_green = R"({"previewReplicaCount":5})", .sets = {full_a, full_b}},
       switched},
      {"spec/03 §21 #6: no analysis in the pass of the switch, and no deadline in that of the promotion",
       {.blue_green = after, .sets = {full_a, full_b}},
       {"active→B"}},
      {"spec/03 §21 #6: no deadline in the pass of the promotion",
       {.blue_green = after,
        .status = active_on_b,
        .active = "B",
        .sets = {full_a, full_b},
        .runs = {{"post", "Successful"}}},
       {"stable B", "Completed blue-green update"}},
      {"spec/03 §21 #6: the deadline in the one after it",
       {.status = promoted, .active = "B", .sets = {full_a, full_b}},
       {"A deadline +30"}},
      {"spec/03 §21 #8: never, after an abort",
       {.blue_green = R"({"abortScaleDownDelaySeconds":0})", .status = R"({"abort":true})", .sets = {full_a, full_b}},
       {}},
      {"spec/03 §21 #8: at once, when superseded",
       {.blue_green = R"({"scaleDownDelaySeconds":0})", .status = promoted, .active = "B", .sets = {full_a, full_b}},
       {"A 5→0"}},
      {"spec/03 §21 #9: not its own size",
       {.replicas = 3,
        .status = promoted,
        .active = "B",
        .sets = {{.hash = "A", .size = 5, .available = 5, .deadline = in(20)}, b(3, 3)}},
       {"A 5→3"}},
      {"spec/03 §21 #10: what is referenced doesn't count",
       {.blue_green = R"({"scaleDownDelayRevisionLimit":1})",
        .spec = R"({"paused":true})",
        .preview = "O2",
        .sets = {full_a, full_b, o1, o2}},
       {"O1 deadline +30"}},
      {"spec/03 §21 #10: the newest first",
       {.blue_green = R"({"scaleDownDelayRevisionLimit":1})",
        .status = promoted,
        .active = "B",
        .sets = {full_b, o1, o2}},
       {"O2 deadline +30", "O1 5→0"}},
      {"spec/03 §21 #11: created in the same second is not before",
       {.blue_green = manual, .spec = R"({"rollbackWindow":{"revisions":9}})", .sets = {old_a, as_old}},
       {"pause BlueGreenPause"}},
      {"spec/03 §21 #12: on an idle Rollout it ends runs, and nothing else",
       {.blue_green = R"({"autoPromotionEnabled":false,"prePromotionAnalysis":{"templates":[{"templateName":"t"}]}})",
        .status = promoted,
        .active = "B",
        .sets = {full_b},
        .runs = {{"pre", "Running"}}},
       {"terminate run-pre"}},
      {"spec/03 §21 #16: an abort that isn't on record yet switches nothing",
       {.blue_green = after,
        .status = active_on_b,
        .active = "B",
        .sets = {full_a, full_b},
        .runs = {{"post", "Failed"}}},
       {"abort"}},
      {"spec/03 §21 #16: one that is does",
       {.blue_green = after,
        .status = R"({"abort":true,"blueGreen":{"activeSelector":"B"}})",
        .active = "B",
        .sets = {full_a, full_b},
        .runs = {{"post", "Failed"}}},
       {"active→A"}},
      {"spec/03 §21 #17: in full, but not before all of its pods are there",
       {.blue_green = manual, .status = R"({"promoteFull":true})", .sets = {full_a, b(5, 4)}},
       {}},
      // Not a member of the status is set, and none of them is its hash.
      {"spec/03 §21 #19: without a hash nothing refers to it",
       {.status = R"({"stableRS":"B","blueGreen":{"activeSelector":"B","previewSelector":""}})",
        .active = "B",
        .sets = {full_b, nameless}},
       {" deadline +30"}},
  };
  for (const Trap& trap : traps) EXPECT_EQ(effects(trap.one), trap.effects) << trap.id;
}

// spec/03 §21 #13: the preview follows in the pass that sees the new template, before anything else, with no pods.
TEST(BlueGreenTraps, ThePreviewIsFirst) {
  const State state({.status = R"({"currentPodHash":"X"})", .preview = "A", .sets = {full_a, b(0, 0)}});
  const Plan made = plan(state.snapshot(), now);
  ASSERT_FALSE(made.actions.empty());
  const auto* service = std::get_if<PatchServiceSelector>(&made.actions.front());
  ASSERT_NE(service, nullptr);
  EXPECT_EQ(service->service, "preview");
  EXPECT_EQ(state.letter(service->to), "B");
}

// spec/03 §21 #1, spec/03 §13.1 life: stable is what has never served anything. The next template isn't gated either.
TEST(BlueGreenTraps, StableWithoutPods) {
  PlannerWorld world(R"({"blueGreen":{"activeService":"active","previewService":"preview","autoPromotionEnabled":false,
      "previewReplicaCount":1}})",
                     2);
  world.addService("active");
  world.addService("preview");
  world.step();
  world.broken.insert(world.hash("web:1"));
  world.run();
  EXPECT_EQ(world.status("stableRS"), world.hash("web:1"));
  EXPECT_EQ(world.selected("active"), "");
  EXPECT_EQ(world.phase(), "Progressing: updated replicas are still becoming available");

  world.now += seconds(10);
  world.setImage("web:2");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy") << lines(world.writes);
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
  EXPECT_EQ(world.size("web:2"), 2);
  EXPECT_TRUE(world.said("Initial deploy"));
}

TEST(BlueGreenTraps, ThePauseBeginsAfterTheAnalysis) {  // spec/03 §21 #3
  PlannerWorld world =
      deployed(R"("autoPromotionSeconds":60,"prePromotionAnalysis":{"templates":[{"templateName":"smoke"}]})");
  world.setImage("web:2");
  world.run(minutes(5));
  EXPECT_EQ(world.phase(), "Progressing: active service cutover pending");
  world.setRunPhase(onlyRun(world, "-pre"), "Successful");
  world.run(seconds(59));
  EXPECT_EQ(world.phase(), "Paused: BlueGreenPause");
  world.run(seconds(3));
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
}

// spec/03 §21 #7: the version before is stable, and stays whole, however long the analysis takes.
TEST(BlueGreenTraps, StableStaysWholeDuringPostPromotion) {
  PlannerWorld world =
      deployed(R"("scaleDownDelaySeconds":30,"postPromotionAnalysis":{"templates":[{"templateName":"load"}]})");
  world.setImage("web:2");
  world.run();
  world.setRunPhase(onlyRun(world, "-post"), "Running");
  world.run(hours(2));
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
  EXPECT_EQ(world.size("web:1"), 2);
  EXPECT_FALSE(getBool(world.runs.begin()->second, {"spec", "terminate"}));
  EXPECT_EQ(getString(*world.rsOf("web:1"), {"metadata", "annotations", "scale-down-deadline"}), "");
}

std::string_view role(const json::object* rs) {
  return getString(*rs, {"spec", "template", "metadata", "labels", "role"});
}

TEST(BlueGreenTraps, PodMetadataFollowsStable) {  // spec/03 §21 #14, spec/03 §17
  PlannerWorld world =
      deployed(R"("activeMetadata":{"labels":{"role":"active"}},"previewMetadata":{"labels":{"role":"preview"}},
      "postPromotionAnalysis":{"templates":[{"templateName":"load"}]})");
  EXPECT_EQ(role(world.rsOf("web:1")), "active");
  world.setImage("web:2");
  world.step();
  EXPECT_EQ(role(world.rsOf("web:2")), "preview") << "born with it";
  world.run();
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
  EXPECT_EQ(role(world.rsOf("web:2")), "preview");
  EXPECT_EQ(role(world.rsOf("web:1")), "active");
  world.setRunPhase(onlyRun(world, "-post"), "Successful");
  world.run();
  EXPECT_EQ(role(world.rsOf("web:2")), "active");
  EXPECT_EQ(role(world.rsOf("web:1")), "");
}

// spec/03 §21 #2: the conditions follow the resume first, and it is there all the same; afterwards it is gone.
TEST(BlueGreenTraps, TheResumeOutlivesAChangeOfConditions) {
  PlannerWorld world = deployed(R"("autoPromotionEnabled":false)");
  world.setImage("web:2");
  world.run();
  world.promote();
  world.step();
  EXPECT_EQ(world.condition("Paused"), "False RolloutPaused");
  EXPECT_TRUE(getBool(world.rollout, {"status", "controllerPause"}));
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  world.step();
  EXPECT_EQ(world.selected("active"), world.hash("web:2"));
  EXPECT_FALSE(getBool(world.rollout, {"status", "controllerPause"}));
}

TEST(BlueGreenTraps, ThePausedConditionKeepsItsMessage) {  // spec/03 §21 #18
  PlannerWorld world = deployed(R"("autoPromotionEnabled":false)");
  world.setImage("web:2");
  world.run();
  EXPECT_EQ(world.condition("Paused"), "True RolloutPaused");
  world.promote();
  world.run();
  EXPECT_EQ(world.condition("Paused"), "False RolloutPaused");
  for (const json::value& condition : *getArray(world.rollout, {"status", "conditions"})) {
    if (getString(condition.get_object(), {"type"}) == "Paused") {
      EXPECT_EQ(getString(condition.get_object(), {"message"}), "Rollout is paused");
    }
  }
}

// spec/03 §15, spec/03 §21 #20: one pod at a time where a quarter is none; and the pass goes on after it.
TEST(BlueGreenTraps, RestartsDontEndThePass) {
  const State state({.replicas = 3,
                     .spec = R"({"restartAt":"2024-05-01T11:59:30Z"})",
                     .sets = {{.hash = "A", .size = 3, .available = 3}, b(3, 3)}});
  Snapshot snapshot = state.snapshot();
  snapshot.pods.emplace();
  for (const char* owner : {"A", "B"})
    for (int i = 0; i < 3; ++i) {
      auto pod = std::make_shared<api::Pod>();
      pod->metadata.name = fmt::format("{}-{}", owner, i);
      pod->metadata.created = now - minutes(1);
      pod->ready = true;
      pod->ready_since = now - minutes(1);
      pod->metadata.controller = api::OwnerRef{.kind = "ReplicaSet", .name = "rs", .uid = fmt::format("uid-{}", owner)};
      snapshot.pods->push_back(std::move(pod));
    }
  const Plan made = plan(snapshot, now);
  const auto evicted = actionsOf<EvictPod>(made);
  ASSERT_EQ(evicted.size(), 1U);
  EXPECT_EQ(evicted[0].name, "A-0");
  EXPECT_EQ(actionsOf<PatchServiceSelector>(made).size(), 1U);
}

// --- the scaling pass (spec/03 §14) ---

TEST(BlueGreenTraps, ScalingPass) {
  const auto knows = [](std::string hash, std::int64_t size, std::int64_t known, std::string deadline = {}) {
    return Rs{
        .hash = std::move(hash), .size = size, .available = size, .deadline = std::move(deadline), .knows = known};
  };
  EXPECT_EQ(effects({.replicas = 2, .blue_green = manual, .sets = {knows("A", 1, 1), knows("B", 1, 1)}}),
            (Effects{"A 1→2", "B 1→2"}))
      << "spec/03 §14 #1";
  EXPECT_EQ(
      effects(
          {.replicas = 2, .blue_green = R"({"previewReplicaCount":3})", .sets = {knows("A", 1, 1), knows("B", 1, 1)}}),
      (Effects{"A 1→2", "B 1→3"}))
      << "spec/03 §14 #2";
  EXPECT_EQ(
      effects({.replicas = 2, .status = R"({"abort":true})", .sets = {knows("A", 1, 1), knows("B", 1, 1, in(20))}}),
      (Effects{"A 1→2", "B knows 2"}))
      << "spec/03 §14 #3";
  EXPECT_EQ(effects({.replicas = 2,
                     .status = R"({"stableRS":"B","blueGreen":{"activeSelector":"B"}})",
                     .active = "B",
                     .sets = {knows("A", 1, 1, in(20)), knows("B", 1, 1)}}),
            (Effects{"A 1→2", "B 1→2"}))
      << "spec/03 §14 #4";
  const State no_size({.spec = R"({"replicas":null})", .sets = {full_a, full_b}});
  const auto patches = actionsOf<PatchRollout>(plan(no_size.snapshot(), now));
  ASSERT_EQ(patches.size(), 1U);
  EXPECT_EQ(getInt(patches[0].patch, {"spec", "replicas"}), 1) << "spec/03 §14 #5";
}

}  // namespace
}  // namespace crossfade::rollout
