// What a plan that changes nothing costs (the budget is 50 µs with three ReplicaSets), and what the caches hold for
// such a Rollout (the budget is 10 kB with its three ReplicaSets).
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <malloc.h>

#include "support/planner_world.hpp"

namespace crossfade::rollout {
namespace {

test::PlannerWorld settled() {
  test::PlannerWorld world(
      R"({"canary":{"canaryService":"canary","stableService":"stable","trafficRouting":{"plugins":{"x":{}}},
        "steps":[{"setWeight":20},{"pause":{"duration":1}},{"setWeight":60},{"pause":{"duration":1}}]}})");
  for (const char* name : {"canary", "stable"}) world.addService(name);
  world.traffic.has_routers = true;
  // As a real API server stores it, with its defaults.
  world.edit(R"({"spec":{"template":{"spec":{"restartPolicy":"Always","terminationGracePeriodSeconds":30,
    "dnsPolicy":"ClusterFirst","securityContext":{},"schedulerName":"default-scheduler"}}}})");
  constexpr std::string_view container =
      R"("resources":{"limits":{"cpu":"500m","memory":"256Mi"},"requests":{"cpu":"100m","memory":"128Mi"}},
         "ports":[{"name":"http","containerPort":8080,"protocol":"TCP"}],
         "env":[{"name":"MODE","value":"production"},{"name":"POD_NAME","valueFrom":{"fieldRef":{"apiVersion":"v1",
         "fieldPath":"metadata.name"}}}],"readinessProbe":{"httpGet":{"path":"/healthz","port":"http","scheme":"HTTP"},
         "timeoutSeconds":1,"periodSeconds":5,"successThreshold":1,"failureThreshold":3},
         "terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File",
         "imagePullPolicy":"IfNotPresent")";
  for (const char* image : {"web:1", "web:2", "web:3"}) {
    world.edit(
        fmt::format(R"({{"spec":{{"template":{{"spec":{{"containers":[{{"name":"app","image":"{}",{}}}]}}}}}}}})",
                    image, container));
    world.run(minutes(10));
  }
  return world;
}

void settledPlan(benchmark::State& state) {
  const test::PlannerWorld world = settled();
  const Snapshot snapshot = world.snapshot();
  for (auto _ : state) benchmark::DoNotOptimize(plan(snapshot, world.now));
}
BENCHMARK(settledPlan)->Unit(benchmark::kMicrosecond);

void cachedBytes(benchmark::State& state) {
  const test::PlannerWorld world = settled();
  constexpr std::size_t copies = 200;
  std::vector<Snapshot> held;
  held.reserve(copies);
  const std::size_t before = mallinfo2().uordblks;
  for (auto _ : state) {
    for (std::size_t copy = 0; copy < copies; ++copy) {
      held.push_back(world.snapshot());
      held.back().services.clear();  // not per Rollout: a few in a namespace
      held.back().replica_sets.shrink_to_fit();
    }
  }
  state.counters["bytes"] = static_cast<double>(mallinfo2().uordblks - before) / copies;
}
BENCHMARK(cachedBytes)->Iterations(1);

}  // namespace
}  // namespace crossfade::rollout
