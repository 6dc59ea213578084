// The controller dies before one of its writes: the next one goes on from what is there, and ends where the life
// without the crash ended.
#include "support/planner_world.hpp"

namespace crossfade::rollout {
namespace {

using test::PlannerWorld;

struct Life {
  std::string name, strategy;
  int replicas = 4;
  // What people do, each time nothing happens any more.
  std::vector<void (*)(PlannerWorld&)> deeds;
};

void update(PlannerWorld& world) { world.setImage("web:2"); }
void goBack(PlannerWorld& world) { world.setImage("web:1"); }
void updateAgain(PlannerWorld& world) { world.setImage("web:3"); }
void promote(PlannerWorld& world) { world.promote(); }
void promoteFull(PlannerWorld& world) { world.patchStatus(R"({"promoteFull":true})"); }
void abortIt(PlannerWorld& world) { world.abort(); }
void retry(PlannerWorld& world) { world.retry(); }
void endExperiments(PlannerWorld& world) {
  for (const auto& [name, experiment] : world.experiments) world.setExperimentStatus(name, R"({"phase":"Successful"})");
}
void grow(PlannerWorld& world) { world.edit(R"({"spec":{"replicas":7}})"); }

std::string endOf(const Life& life, std::size_t dies_at, std::size_t& writes) {
  PlannerWorld world("{" + life.strategy + "}", life.replicas);
  for (const char* name : {"stable", "canary", "active", "preview", "ping", "pong"})
    if (life.strategy.contains(fmt::format("{}Service\":\"{}\"", name, name))) world.addService(name);
  world.plugin = [](const StepPluginCall&) { return StepPluginReply{.phase = "Successful"}; };
  world.traffic.has_routers = life.strategy.contains("trafficRouting");
  world.dies_at = dies_at;
  world.run(minutes(2));
  for (const auto deed : life.deeds) {
    deed(world);
    world.run(minutes(2));
  }
  EXPECT_EQ(world.step(), 0U) << life.name << ": settled";
  writes = world.writes.size();
  std::string end = fmt::format("{}, stable {}, index {}, weight {}", world.phase(), world.status("stableRS"),
                                world.number("currentStepIndex"), world.weight);
  for (const auto& [name, rs] : world.replica_sets)
    end += fmt::format(", {} {} rev {}", name, getInt(rs, {"spec", "replicas"}),
                       getString(rs, {"metadata", "annotations", "rollout.argoproj.io/revision"}));
  for (const auto& [name, service] : world.services) end += fmt::format(", {}→{}", name, world.selected(name));
  return end;
}

// Sanitized, every write of every life would take half a minute: each life tries every fifth, from another one on.
TEST(CrashLife, EndsAsIfNothingHadHappened) {  // spec/02 §19 #9
  constexpr std::size_t stride = 5;

  const std::string basic =
      R"("canary":{"maxSurge":1,"steps":[{"setWeight":50},{"pause":{"duration":1}},{"setWeight":75},{"pause":{}}]})";
  const std::string routed =
      R"("canary":{"canaryService":"canary","stableService":"stable","trafficRouting":{"plugins":{"x":{}}},
        "steps":[{"setWeight":50},{"pause":{"duration":1}},{"setWeight":75},{"pause":{}}]})";
  std::string dynamic = routed;
  dynamic.replace(dynamic.find("\"steps\""), 7, "\"dynamicStableScale\":true,\"steps\"");
  const std::string ping_pong = R"("canary":{"pingPong":{"pingService":"ping","pongService":"pong"},
      "trafficRouting":{"plugins":{"x":{}}},"steps":[{"setWeight":50},{"pause":{}}]})";
  const std::string blue_green =
      R"("blueGreen":{"activeService":"active","previewService":"preview","autoPromotionEnabled":false})";
  const auto more = [&](std::string_view members) {
    return blue_green.substr(0, blue_green.size() - 1) + std::string(members) + "}";
  };
  const std::string blue_green_kept = more(R"(,"scaleDownDelaySeconds":600)");
  const std::string blue_green_preview = more(R"(,"previewReplicaCount":1)");
  const std::string helped = R"("canary":{"steps":[{"setWeight":50},{"experiment":{"templates":[{"name":"base",
      "specRef":"stable"}]}},{"plugin":{"name":"a/b"}},{"pause":{}}]})";
  const std::vector<Life> lives = {
      {"basic", basic, 4, {update, promote}},
      {"basic, aborted and retried", basic, 4, {update, abortIt, retry, promote}},
      {"basic, back to stable", basic, 4, {update, goBack}},
      {"basic, grown", basic, 4, {update, grow, promote}},
      {"helped", helped, 4, {update, endExperiments, abortIt, retry, endExperiments, promote}},
      {"no steps", R"("canary":{})", 4, {update, goBack}},
      {"routed", routed, 4, {update, promote}},
      {"routed, aborted and retried", routed, 4, {update, abortIt, retry, promote}},
      {"routed, superseded", routed, 4, {update, updateAgain, promote}},
      {"routed, in full", routed, 4, {update, promoteFull}},
      {"dynamic", dynamic, 4, {update, promote}},
      {"dynamic, aborted", dynamic, 4, {update, abortIt}},
      {"dynamic, back to stable", dynamic, 4, {update, goBack}},
      {"ping-pong", ping_pong, 2, {update, promote, updateAgain, promote}},
      {"blue-green", blue_green, 2, {update, promote}},
      {"blue-green, aborted and retried", blue_green, 2, {update, abortIt, retry, promote}},
      {"blue-green, superseded", blue_green, 2, {update, updateAgain, promote}},
      {"blue-green, back inside the delay", blue_green_kept, 2, {update, promote, goBack}},
      {"blue-green, a preview", blue_green_preview, 3, {update, promote, grow, updateAgain, promoteFull}},
  };
  for (std::size_t i = 0; i < lives.size(); ++i) {
    std::size_t writes = 0, ignored = 0;
    const std::string end = endOf(lives[i], SIZE_MAX, writes);
    for (std::size_t crash = i % stride; crash < writes; crash += stride)
      ASSERT_EQ(endOf(lives[i], crash, ignored), end) << lives[i].name << ", crashed before write " << crash;
  }
}

}  // namespace
}  // namespace crossfade::rollout
