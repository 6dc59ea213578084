// The pictures of spec/10 §3.1 and §3.2, byte for byte.
#include "cli/tree.hpp"

#include <gtest/gtest.h>

namespace crossfade::cli {
namespace {

const TimePoint now = *parseTime("2024-05-10T12:00:00Z");

// Lines with their trailing blanks removed, as the specification shows them.
std::string stripped(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  return text;
}

Roles role(bool Roles::* which) {
  Roles roles;
  roles.*which = true;
  return roles;
}

PodNode pod(std::string name, std::string status, Duration age, int ready, int restarts = 0) {
  PodNode node;
  node.name = std::move(name);
  node.status = std::move(status);
  node.created = now - age;
  node.ready = ready;
  node.containers = 2;
  node.restarts = restarts;
  return node;
}

ReplicaSetNode replicaSet(std::string name, std::string status, Duration age, Roles roles = {},
                          std::vector<PodNode> pods = {}) {
  ReplicaSetNode node;
  node.name = std::move(name);
  node.status = std::move(status);
  node.created = now - age;
  node.roles = roles;
  node.pods = std::move(pods);
  return node;
}

RolloutTree canaryInTheMiddle() {
  const Duration days = hours(24 * 9);
  RolloutTree tree;
  tree.ns = "web";
  tree.name = "shop";
  tree.phase = {"Paused", "CanaryPauseStep"};
  tree.strategy = "Canary";
  tree.step = "1/4";
  tree.set_weight = tree.actual_weight = 25;
  tree.created = now - days;
  tree.desired = tree.current = tree.ready = tree.available = 4;
  tree.updated = 1;
  tree.images = {{"registry.example/shop:v1", {"stable"}}, {"registry.example/shop:v2", {"canary"}}};
  tree.revisions.resize(3);

  RevisionNode& newest = tree.revisions[0];
  newest.number = 3;
  newest.replica_sets = {replicaSet("shop-7c5d9f6b44", "Healthy", minutes(12), role(&Roles::canary),
                                    {pod("shop-7c5d9f6b44-p2x8k", "Running", minutes(12), 2, 1)})};
  ExperimentNode experiment;
  experiment.name = "shop-7c5d9f6b44-3-1";
  experiment.status = "Successful";
  experiment.created = now - minutes(11);
  experiment.replica_sets = {replicaSet("shop-7c5d9f6b44-3-1-baseline", "ScaledDown", minutes(11))};
  experiment.replica_sets[0].scale_down_deadline = formatTime(now - hours(1));  // case 26
  newest.experiments = {experiment};
  AnalysisRunNode run;
  run.name = "shop-7c5d9f6b44-3-2";
  run.status = "Running";
  run.created = now - seconds(250);
  run.successful = 6;
  run.failed = 1;
  run.jobs.push_back({"0d7b.smoke.1", "Successful", now - seconds(248)});
  newest.analysis_runs = {run};

  tree.revisions[1].number = 2;
  tree.revisions[1].replica_sets = {replicaSet(
      "shop-5f4c6d7b98", "Healthy", days, role(&Roles::stable),
      {pod("shop-5f4c6d7b98-6vkqz", "Running", days, 2), pod("shop-5f4c6d7b98-x9l2m", "Init:0/1", seconds(40), 0)})};
  tree.revisions[2].number = 1;
  tree.revisions[2].replica_sets = {replicaSet("shop-6d8bb5c9f5", "ScaledDown", days)};
  return tree;
}

TEST(Draw, ACanaryInTheMiddle) {
  EXPECT_EQ(stripped(draw(canaryInTheMiddle(), now, false)),
            R"(Name:            shop
Namespace:       web
Status:          ॥ Paused
Message:         CanaryPauseStep
Strategy:        Canary
  Step:          1/4
  SetWeight:     25
  ActualWeight:  25
Images:          registry.example/shop:v1 (stable)
                 registry.example/shop:v2 (canary)
Replicas:
  Desired:       4
  Current:       4
  Updated:       1
  Ready:         4
  Available:     4

NAME                                     KIND         STATUS        AGE    INFO
⟳ shop                                   Rollout      ॥ Paused      9d
├──# revision:3
│  ├──⧉ shop-7c5d9f6b44                  ReplicaSet   ✔ Healthy     12m    canary
│  │  └──□ shop-7c5d9f6b44-p2x8k         Pod          ✔ Running     12m    ready:2/2,restarts:1
│  ├──Σ shop-7c5d9f6b44-3-1              Experiment   ✔ Successful  11m
│  │  └──⧉ shop-7c5d9f6b44-3-1-baseline  ReplicaSet   • ScaledDown  11m    delay:passed
│  └──α shop-7c5d9f6b44-3-2              AnalysisRun  ◌ Running     4m10s  ✔ 6,✖ 1
│     └──⊞ 0d7b.smoke.1                  Job          ✔ Successful  4m8s
├──# revision:2
│  └──⧉ shop-5f4c6d7b98                  ReplicaSet   ✔ Healthy     9d     stable
│     ├──□ shop-5f4c6d7b98-6vkqz         Pod          ✔ Running     9d     ready:2/2
│     └──□ shop-5f4c6d7b98-x9l2m         Pod          ◌ Init:0/1    40s    ready:0/2
└──# revision:1
   └──⧉ shop-6d8bb5c9f5                  ReplicaSet   • ScaledDown  9d
)");
}

TEST(Draw, BlueGreen) {
  RolloutTree tree;
  tree.ns = "web";
  tree.name = "pay";
  tree.phase = {"Progressing", ""};
  tree.strategy = "BlueGreen";
  tree.created = now;
  tree.revisions.resize(1);
  tree.revisions[0].number = 2;
  ReplicaSetNode green = replicaSet("pay-b", "Progressing", seconds(3), role(&Roles::preview));
  ReplicaSetNode blue = replicaSet("pay-a", "Healthy", hours(5), role(&Roles::stable));
  blue.roles.active = true;
  blue.scale_down_deadline = formatTime(now + hours(4));
  tree.revisions[0].replica_sets = {blue, green};
  EXPECT_EQ(stripped(draw(tree, now + milliseconds(4), false)),  // case 25
            R"(Name:            pay
Namespace:       web
Status:          ◌ Progressing
Strategy:        BlueGreen
Replicas:
  Desired:       0
  Current:       0
  Updated:       0
  Ready:         0
  Available:     0

NAME             KIND        STATUS         AGE  INFO
⟳ pay            Rollout     ◌ Progressing  0s
└──# revision:2
   ├──⧉ pay-a    ReplicaSet  ✔ Healthy      5h   stable,active,delay:3h59m
   └──⧉ pay-b    ReplicaSet  ◌ Progressing  3s   preview
)");
}

TEST(Draw, AnExperiment) {
  ExperimentTree tree;
  tree.ns = "web";
  tree.root.name = "cmp";
  tree.root.status = "Running";
  tree.root.created = now - seconds(185);
  PodNode only = pod("cmp-a-8hj2k", "Running", seconds(184), 1);
  only.containers = 1;
  tree.root.replica_sets = {replicaSet("cmp-a", "Healthy", seconds(185), {}, {only})};
  AnalysisRunNode run;
  run.name = "cmp-rate";
  run.status = "Running";
  run.created = now - seconds(170);
  run.successful = 2;
  tree.root.analysis_runs = {run};
  tree.images = {{"img", {"Σ:a"}}};
  EXPECT_EQ(stripped(draw(tree, now, false)),
            R"(Name:            cmp
Namespace:       web
Status:          ◌ Running
Images:          img (Σ:a)

NAME                 KIND         STATUS     AGE    INFO
Σ cmp                Experiment   ◌ Running  3m5s
├──⧉ cmp-a           ReplicaSet   ✔ Healthy  3m5s
│  └──□ cmp-a-8hj2k  Pod          ✔ Running  3m4s   ready:1/1
└──α cmp-rate        AnalysisRun  ◌ Running  2m50s  ✔ 2
)");
}

TEST(Draw, InColour) {
  const std::vector<std::string> plain = drawTree(canaryInTheMiddle(), now, false);
  const std::vector<std::string> coloured = drawTree(canaryInTheMiddle(), now, true);
  ASSERT_EQ(coloured.size(), plain.size());
  EXPECT_EQ(coloured[0], plain[0]);
  // Rollout: only the icon. ReplicaSet: its name and tag too. AnalysisRun: its name while it runs, and the counters.
  EXPECT_TRUE(coloured[1].contains(" \x1b[0m॥\x1b[0m Paused")) << coloured[1];
  EXPECT_TRUE(coloured[3].starts_with("│  ├──⧉ \x1b[33mshop-7c5d9f6b44\x1b[0m   ")) << coloured[3];
  EXPECT_TRUE(coloured[3].ends_with("12m    \x1b[33mcanary\x1b[0m")) << coloured[3];
  EXPECT_TRUE(coloured[4].contains("□ shop-7c5d9f6b44-p2x8k ")) << coloured[4];
  EXPECT_TRUE(coloured[7].contains("α \x1b[94mshop-7c5d9f6b44-3-2\x1b[0m ")) << coloured[7];
  EXPECT_TRUE(coloured[7].ends_with("\x1b[32m✔\x1b[0m 6,\x1b[31m✖\x1b[0m 1")) << coloured[7];
}

// A row whose last cell is empty still has the gap before it.
TEST(Draw, EmptyCellsKeepTheirGap) {
  const std::vector<std::string> lines = drawTree(canaryInTheMiddle(), now, false);
  EXPECT_TRUE(lines[1].ends_with("9d     ")) << lines[1];
}

}  // namespace
}  // namespace crossfade::cli
