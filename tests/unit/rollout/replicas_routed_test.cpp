#include "rollout/replicas_routed.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace crossfade::rollout {
namespace {

using Recorded = RoutedInput::Recorded;
constexpr std::nullopt_t none = std::nullopt;

// spec/04 §12 C1-C26; C27 to C31 as whole plans stand in canary_abort_test.cpp.
TEST(SplitRouted, TableC) {
  struct Row {
    std::string name;
    RoutedInput input;
    Split split;
  };
  const std::vector<Row> rows = {
      {"C1", {10, 100, none, false, false, none, 10, none}, {1, 10}},
      {"C2", {10, 100, none, false, false, none, 25, none}, {3, 10}},
      {"C3", {3, 100, none, false, false, none, 34, none}, {2, 3}},
      {"C4", {4, 100, none, false, false, none, 1, none}, {1, 4}},
      {"C5", {1, 100, none, false, false, none, 50, none}, {1, 1}},
      {"C6", {10, 100, 2, false, false, none, 0, none}, {0, 10}},
      {"C7", {10, 100, 2, false, false, none, 5, none}, {2, 10}},
      {"C8", {1, 100, 2, false, false, none, 100, none}, {1, 1}},
      {"C9", {10, 1000, none, false, false, none, 200, none}, {2, 10}},
      {"C10", {10, 100, 3, false, false, 1, 0, none}, {1, 10}},
      {"C11", {10, 100, 3, true, false, 1, 0, none}, {3, 10}},
      {"C12", {10, 100, none, false, false, 15, 0, none}, {15, 10}},
      {"C13", {10, 100, none, true, false, none, 10, Recorded{10, 90}}, {1, 9}},
      {"C14", {10, 100, none, true, false, none, 20, Recorded{10, 90}}, {2, 9}},
      {"C15", {10, 100, none, true, false, none, 20, Recorded{0, 100}}, {2, 10}},
      {"C16", {10, 100, none, true, false, none, 60, Recorded{20, 80}}, {6, 8}},
      {"C17", {10, 100, none, true, false, none, 20, Recorded{60, 40}}, {2, 8}},
      {"C18", {10, 100, none, true, false, none, 100, Recorded{90, 10}}, {10, 1}},
      {"C19", {10, 100, none, true, false, none, 100, Recorded{100, 0}}, {10, 0}},
      {"C20", {10, 100, 2, true, false, none, 95, Recorded{95, 5}}, {10, 2}},
      {"C21", {10, 100, none, true, false, 3, 50, Recorded{50, 50}}, {3, 10}},
      {"C22", {3, 100, none, true, false, none, 33, Recorded{33, 67}}, {1, 3}},
      {"C23", {3, 100, none, true, false, none, 50, Recorded{50, 50}}, {2, 2}},
      {"C24", {10, 100, none, true, true, none, 0, Recorded{20, 80}}, {2, 10}},
      {"C25", {10, 100, none, true, true, none, 0, Recorded{10, 90}}, {1, 10}},
      {"C26", {10, 100, none, true, true, none, 20, Recorded{60, 40}}, {6, 8}},
      {"spec/04 §32 #13", {23, 100000000, none, false, false, none, 100000000, none}, {23, 23}},
  };
  for (const Row& row : rows) EXPECT_EQ(splitRouted(row.input), row.split) << row.name;
}

// spec/04 §15.5 G1-G19
TEST(AbortWeight, TableG) {
  struct Row {
    std::string name;
    AbortWeightInput input;
    std::int64_t step, weight;
  };
  const auto abort = [](std::int64_t replicas, std::int64_t max, std::vector<std::int64_t> steps, std::int64_t canary,
                        std::int64_t stable, std::optional<std::int64_t> recorded, bool delay) {
    return AbortWeightInput{.replicas = replicas,
                            .max_weight = max,
                            .dynamic = true,
                            .aborted = true,
                            .explicit_delay = delay,
                            .step_weights = std::move(steps),
                            .canary_available = canary,
                            .stable_available = stable,
                            .recorded_canary_weight = recorded};
  };
  const std::vector<Row> rows = {
      {"G1", abort(10, 100, {10, 50}, 5, 3, 50, false), 50, 50},
      {"G2", abort(10, 100, {10, 50}, 5, 5, 50, false), 10, 50},
      {"G3", abort(10, 100, {10, 50}, 5, 9, 50, false), 10, 10},
      {"G4", abort(10, 100, {10, 50}, 1, 9, 10, false), 0, 10},
      {"G5", abort(10, 100, {10, 50}, 1, 10, 10, false), 0, 0},
      {"G6", abort(10, 100, {10, 50}, 5, 8, 50, true), 10, 50},
      {"G7", abort(10, 100, {10, 50}, 5, 9, 50, true), 0, 10},
      {"G8", abort(10, 100, {10, 50}, 5, 10, 50, true), 0, 0},
      {"G9", abort(10, 100, {10, 50}, 5, 5, none, true), 10, 50},
      {"G10", abort(5, 100, {50}, 0, 4, 0, false), 0, 0},
      {"G11", abort(5, 100, {50}, 4, 3, 100, false), 50, 50},
      {"G12", abort(5, 100, {}, 4, 1, 100, false), 0, 80},
      {"G13", abort(5, 100, {50}, 0, 5, 20, false), 0, 0},
      {"G14", abort(10, 100, {}, 5, 5, none, false), 0, 50},
      {"G15", abort(10, 100, {20}, 8, 2, none, false), 20, 80},
      {"G16", abort(10, 1000, {100, 500}, 5, 9, 500, false), 100, 100},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(stepWeightOnAbort(row.input), row.step) << row.name;
    EXPECT_EQ(abortWeight(row.input), row.weight) << row.name;
  }
  EXPECT_EQ(abortWeight(abort(0, 100, {50}, 0, 0, 50, false)), 0) << "G17";
  AbortWeightInput still = abort(10, 100, {10, 50}, 5, 10, 50, false);
  still.dynamic = false;
  EXPECT_EQ(abortWeight(still), 0) << "G18";
  // G19: a rollback to the stable template, whose available pods are those of both roles.
  AbortWeightInput back = abort(10, 100, {90}, 1, 1, 10, false);
  back.aborted = false;
  back.current_weight = 100;
  EXPECT_EQ(abortWeight(back), 10) << "G19";
  // A canary that minPodsPerReplicaSet keeps at 3 pods is as small as a step makes it: down to nothing next.
  AbortWeightInput floored = abort(5, 100, {30}, 3, 4, 20, false);
  floored.min_pods = 3;
  EXPECT_EQ(stepWeightOnAbort(floored), 0);
}

}  // namespace
}  // namespace crossfade::rollout
