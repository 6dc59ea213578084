// What the lives of blue-green releases start from, and what is looked at in them.
#pragma once
#include "support/planner_world.hpp"

namespace crossfade::rollout::cases {

using test::PlannerWorld;

inline std::string lines(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += text + "\n";
  return all;
}

// The first revision, healthy and an hour old, with the history of its writes forgotten. `more`: members of
// spec.strategy.blueGreen beside the two Services.
inline PlannerWorld deployed(std::string_view more = "", int replicas = 2) {
  PlannerWorld world(fmt::format(R"({{"blueGreen":{{"activeService":"active","previewService":"preview"{}{}}}}})",
                                 more.empty() ? "" : ",", more),
                     replicas);
  world.addService("active");
  world.addService("preview");
  world.run();
  EXPECT_EQ(world.phase(), "Healthy") << lines(world.writes);
  EXPECT_EQ(world.selected("active"), world.hash("web:1"));
  world.writes.clear();
  world.events.clear();
  world.now += hours(1);
  return world;
}

inline std::string checkPoint(const PlannerWorld& world) {
  return getBool(world.rollout, {"status", "blueGreen", "scaleUpPreviewCheckPoint"}) ? "reached" : "ahead";
}

inline std::string onlyRun(const PlannerWorld& world, std::string_view suffix) {
  for (const auto& [name, run] : world.runs)
    if (name.ends_with(suffix)) return name;
  return {};
}

}  // namespace crossfade::rollout::cases
