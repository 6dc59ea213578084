// Where most lives of a Rollout begin.
#pragma once
#include "support/planner_world.hpp"

namespace crossfade::test {

// The first revision, healthy since an hour, with the history of its writes and events forgotten. The Services that the
// strategy names by their usual names exist, and so do routers where it names a plugin for them.
inline PlannerWorld deployed(std::string_view strategy, int replicas = 10) {
  PlannerWorld world(strategy, replicas);
  for (const char* name : {"stable", "canary", "active", "preview"})
    if (strategy.contains(fmt::format("Service\":\"{}\"", name))) world.addService(name);
  world.traffic.has_routers = strategy.contains("plugins");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy");
  world.writes.clear();
  world.events.clear();
  world.now += hours(1);
  return world;
}

}  // namespace crossfade::test
