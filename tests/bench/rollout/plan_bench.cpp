// What a plan that changes nothing costs: the budget is 50 µs with three ReplicaSets.
#include <benchmark/benchmark.h>

#include "support/planner_world.hpp"

namespace crossfade::rollout {
namespace {

void settledPlan(benchmark::State& state) {
  test::PlannerWorld world(
      R"({"canary":{"canaryService":"canary","stableService":"stable","trafficRouting":{"plugins":{"x":{}}},
        "steps":[{"setWeight":20},{"pause":{"duration":1}},{"setWeight":60},{"pause":{"duration":1}}]}})");
  for (const char* name : {"canary", "stable"}) world.addService(name);
  world.traffic.has_routers = true;
  for (const char* image : {"web:1", "web:2", "web:3"}) {
    world.setImage(image);
    world.run(minutes(10));
  }
  const Snapshot snapshot = world.snapshot();
  for (auto _ : state) benchmark::DoNotOptimize(plan(snapshot, world.now));
}
BENCHMARK(settledPlan)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace crossfade::rollout
