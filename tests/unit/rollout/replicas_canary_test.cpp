#include "rollout/replicas_canary.hpp"

#include <set>
#include <string>
#include <vector>

#include "support/vectors.hpp"

namespace crossfade::rollout {
namespace {

std::optional<IntOrPercent> percentOrInt(const json::value* value) {
  if (!value || value->is_null()) return std::nullopt;
  if (value->is_string()) return IntOrPercent{std::string(value->get_string())};
  return IntOrPercent{static_cast<int>(value->get_int64())};
}

IntOrPercent text(std::string value) { return {std::move(value)}; }

// spec/04 §11.1
TEST(CanaryLimits, TableF) {
  const std::optional<IntOrPercent> unset;
  struct Row {
    std::optional<IntOrPercent> surge, unavailable;
    std::int64_t replicas;
    Limits limits;
  };
  const std::vector<Row> rows = {
      {unset, unset, 1, {1, 0}},
      {unset, unset, 2, {1, 0}},
      {unset, unset, 3, {1, 0}},
      {unset, unset, 4, {1, 1}},
      {unset, unset, 5, {2, 1}},
      {unset, unset, 10, {3, 2}},
      {text("39%"), text("39%"), 10, {4, 3}},
      {text("0%"), text("0%"), 10, {0, 1}},
      {text("1%"), text("0%"), 2, {1, 0}},
      {IntOrPercent{0}, text("1%"), 2, {0, 1}},
      {IntOrPercent{0}, IntOrPercent{5}, 3, {0, 3}},
      {text("50%"), text("50%"), 3, {2, 1}},
      {IntOrPercent{5}, IntOrPercent{1}, 10, {5, 1}},
      {IntOrPercent{1}, IntOrPercent{10}, 0, {1, 0}},
      {text("oops"), text("39%"), 10, {0, 0}},
      {text("25"), text("25"), 8, {2, 2}},
  };
  for (std::size_t row = 0; row < rows.size(); ++row)
    EXPECT_EQ(canaryLimits(rows[row].surge, rows[row].unavailable, rows[row].replicas), rows[row].limits)
        << "F" << row + 1;
}

// spec/01 §7.2 #1-#13. Where the specification gives S and U apart from what is reported, it is what is reported here.
TEST(CanaryLimits, Fenceposts) {
  const std::optional<IntOrPercent> unset;
  struct Row {
    std::optional<IntOrPercent> surge, unavailable;
    std::int64_t replicas;
    Limits limits;
  };
  const std::vector<Row> rows = {
      {text("0%"), text("0%"), 0, {0, 0}},
      {text("39%"), text("39%"), 10, {4, 3}},
      {text("oops"), text("39%"), 10, {0, 0}},
      {text("55%"), text("urg"), 10, {0, 0}},
      {unset, text("39%"), 10, {3, 3}},
      {text("39%"), unset, 10, {4, 2}},
      {unset, unset, 10, {3, 2}},
      {unset, unset, 1, {1, 0}},
      {unset, unset, 4, {1, 1}},
      {unset, unset, 5, {2, 1}},
      {IntOrPercent{5}, IntOrPercent{10}, 10, {5, 10}},
      {text("5"), IntOrPercent{0}, 100, {5, 0}},
      {unset, IntOrPercent{10}, 5, {2, 5}},
  };
  for (std::size_t row = 0; row < rows.size(); ++row)
    EXPECT_EQ(canaryLimits(rows[row].surge, rows[row].unavailable, rows[row].replicas), rows[row].limits)
        << "#" << row + 1;
  // spec/01 §11 #7: any text is a percentage.
  EXPECT_EQ(canaryLimits(text("25"), text("%25"), 8), (Limits{2, 2}));
  // spec/01 §11 #8: both zero is one unavailable, unless one of them can't be read.
  EXPECT_EQ(canaryLimits(IntOrPercent{0}, text("1%"), 5), (Limits{0, 1}));
  EXPECT_EQ(canaryLimits(text("1.5%"), IntOrPercent{0}, 5), (Limits{0, 0}));
  EXPECT_EQ(canaryLimits(text(""), IntOrPercent{0}, 5), (Limits{0, 0}));
}

// spec/02 §18.5
TEST(BlueGreenLimits, NeverRaisedToOne) {  // spec/03 §21 #20
  EXPECT_EQ(blueGreenLimits(std::nullopt, 1).unavailable, 0);
  EXPECT_EQ(blueGreenLimits(std::nullopt, 8).unavailable, 2);
  EXPECT_EQ(blueGreenLimits(IntOrPercent{10}, 5).unavailable, 5);
}

// spec/04 §11.2
TEST(IdealSplit, Table) {
  struct Row {
    std::int64_t replicas, surge, weight, canary, stable;
  };
  const std::vector<Row> rows = {
      {0, 1, 50, 0, 0},   {1, 0, 49, 0, 1},  {1, 0, 50, 1, 0},   {1, 1, 1, 1, 1},    {1, 1, 99, 1, 1},
      {1, 1, 100, 1, 0},  {2, 0, 1, 1, 1},   {2, 0, 99, 1, 1},   {2, 1, 1, 1, 2},    {2, 1, 99, 2, 1},
      {3, 0, 10, 1, 2},   {3, 0, 50, 2, 1},  {3, 1, 10, 1, 3},   {3, 1, 33, 1, 2},   {3, 1, 49, 2, 2},
      {3, 1, 67, 2, 1},   {4, 0, 60, 2, 2},  {4, 1, 10, 1, 4},   {4, 1, 60, 3, 2},   {5, 0, 33, 2, 3},
      {5, 1, 33, 2, 4},   {5, 1, 50, 3, 3},  {6, 0, 20, 1, 5},   {7, 0, 50, 4, 3},   {7, 1, 50, 4, 4},
      {10, 0, 14, 1, 9},  {10, 0, 15, 2, 8}, {10, 0, 45, 5, 5},  {10, 1, 5, 1, 10},  {10, 1, 19, 2, 9},
      {10, 1, 24, 3, 8},  {10, 1, 45, 5, 6}, {10, 1, 95, 10, 1}, {20, 0, 13, 3, 17}, {20, 1, 13, 3, 18},
      {100, 1, 1, 1, 99},
  };
  for (const Row& row : rows)
    EXPECT_EQ(idealSplit(row.replicas, row.weight, row.surge), (Split{row.canary, row.stable}))
        << row.replicas << " replicas, surge " << row.surge << ", weight " << row.weight;
}

// spec/04 §32.5: the reference gives these canaries no pod at all.
TEST(IdealSplit, NeverLosesTheCanaryToRounding) {
  for (const auto& [replicas, weight] : {std::pair{2, 75}, {5, 90}, {10, 95}, {25, 98}, {50, 99}})
    EXPECT_EQ(idealSplit(replicas, weight, 0), (Split{replicas - 1, 1}));
}

// spec/04 §11.5
TEST(SplitBasicCanary, TableR) {
  struct Row {
    int number;
    std::int64_t replicas, weight, surge, unavailable, c, ca, s, sa, canary, stable;
    std::int64_t others = 0;
  };
  const std::vector<Row> rows = {
      {1, 10, 100, 3, 0, 6, 3, 7, 8, 6, 7},     {2, 10, 20, 2, 0, 0, 0, 10, 10, 2, 10},
      {3, 10, 20, 2, 0, 2, 2, 10, 10, 2, 8},    {4, 10, 30, 2, 0, 0, 0, 10, 10, 2, 10},
      {5, 10, 20, 0, 2, 0, 0, 10, 10, 0, 8},    {7, 10, 30, 0, 2, 0, 0, 10, 10, 0, 8},
      {8, 10, 50, 2, 1, 0, 0, 10, 10, 2, 9},    {9, 10, 0, 1, 1, 1, 1, 10, 10, 0, 10},
      {10, 10, 100, 1, 1, 10, 10, 1, 1, 10, 0}, {11, 1, 20, 1, 0, 0, 0, 1, 1, 1, 1},
      {13, 1, 49, 0, 1, 0, 0, 1, 1, 0, 1},      {14, 1, 51, 0, 1, 0, 0, 1, 1, 0, 0},
      {15, 1, 51, 0, 1, 0, 0, 0, 0, 1, 0},      {16, 10, 30, 1, 0, 0, 0, 1, 1, 1, 7, 3},
      {17, 10, 30, 0, 3, 4, 4, 8, 5, 3, 7},     {18, 10, 100, 1, 0, 10, 8, 10, 2, 9, 2},
      {19, 10, 30, 0, 1, 4, 2, 8, 6, 4, 8, 3},  {20, 10, 5, 0, 1, 0, 0, 10, 10, 0, 9},
      {21, 10, 5, 0, 1, 0, 0, 9, 9, 1, 9},      {23, 4, 100, 1, 0, 0, 0, 4, 1, 1, 4},
      {24, 3, 99, 0, 2, 0, 0, 3, 3, 0, 1},      {25, 3, 99, 0, 2, 0, 0, 1, 1, 2, 1},
      {26, 4, 100, 1, 0, 1, 1, 4, 1, 1, 3},     {27, 4, 0, 1, 0, 4, 4, 0, 0, 4, 1},
      {28, 4, 0, 1, 0, 4, 4, 1, 0, 4, 1},       {29, 4, 0, 1, 0, 4, 4, 1, 1, 3, 1},
      {30, 4, 100, 4, 4, 0, 0, 4, 4, 4, 0},     {31, 4, 100, 3, 0, 0, 0, 4, 4, 3, 4},
      {34, 10, 20, 1, 0, 0, 0, 5, 5, 2, 8},     {35, 8, 25, 2, 2, 1, 1, 1, 1, 2, 6},
      {36, 8, 100, 8, 2, 4, 0, 3, 3, 8, 3},     {37, 4, 100, 4, 1, 8, 0, 3, 3, 4, 3},
      {38, 8, 100, 2, 0, 2, 0, 4, 4, 6, 4},     {39, 4, 100, 2, 0, 6, 0, 4, 4, 2, 4},
      {40, 10, 50, 1, 0, 1, 0, 10, 10, 1, 10},  {41, 10, 50, 2, 0, 2, 1, 10, 10, 2, 9},
      {42, 10, 100, 1, 1, 2, 1, 9, 9, 2, 8},    {43, 10, 30, 1, 0, 4, 4, 7, 7, 3, 7},
      {44, 10, 100, 3, 0, 4, 4, 9, 9, 4, 6},    {45, 0, 50, 1, 0, 1, 1, 1, 1, 0, 1},
  };
  for (const Row& row : rows) {
    BasicCanaryInput input{row.replicas,        row.weight,          {row.surge, row.unavailable},
                           Size{row.c, row.ca}, Size{row.s, row.sa}, false,
                           row.others};
    EXPECT_EQ(splitBasicCanary(input), (Split{row.canary, row.stable})) << "R" << row.number;
  }
  // R32: the stable ReplicaSet is the canary. R33: there is no stable one.
  EXPECT_EQ(splitBasicCanary({10, 10, {0, 1}, Size{10, 0}, Size{10, 0}, true, 0}), (Split{10, 0}));
  EXPECT_EQ(splitBasicCanary({10, 10, {0, 1}, Size{9, 9}, std::nullopt, false, 0}), (Split{10, 0}));
}

// spec/04 §11.6: one action a pass, stable first; pods become available between passes.
TEST(SplitBasicCanary, SequencesQ) {
  struct Row {
    int number;
    std::int64_t replicas, weight;
    Limits limits;
    Split start;
    std::vector<Split> passes;
  };
  const std::vector<Row> rows = {
      {1, 10, 20, {1, 0}, {0, 10}, {{1, 10}, {1, 9}, {2, 9}, {2, 8}}},
      {2, 10, 20, {3, 2}, {0, 10}, {{0, 8}, {2, 8}}},
      {3, 4, 50, {1, 0}, {0, 4}, {{1, 4}, {1, 3}, {2, 3}, {2, 2}}},
      {4, 4, 50, {0, 1}, {0, 4}, {{0, 3}, {1, 3}, {1, 2}, {2, 2}}},
      {5, 5, 40, {2, 1}, {0, 5}, {{0, 4}, {2, 4}, {2, 3}}},
      {6, 1, 50, {1, 0}, {0, 1}, {{1, 1}}},
      {7, 1, 50, {0, 1}, {0, 1}, {{0, 0}, {1, 0}}},
      {8, 3, 100, {2, 0}, {0, 3}, {{2, 3}, {2, 1}, {3, 1}, {3, 0}}},
      {9, 3, 0, {2, 0}, {3, 0}, {{3, 2}, {1, 2}, {1, 3}, {0, 3}}},
      {10, 4, 100, {1, 0}, {0, 4}, {{1, 4}, {1, 3}, {2, 3}, {2, 2}, {3, 2}, {3, 1}, {4, 1}, {4, 0}}},
      {11, 10, 100, {3, 2}, {0, 10}, {{0, 8}, {5, 8}, {5, 3}, {10, 3}, {10, 0}}},
      {12, 10, 100, {3, 0}, {4, 9}, {{4, 6}, {7, 6}, {7, 3}, {10, 3}, {10, 0}}},
      {13, 3, 50, {0, 1}, {0, 3}, {{0, 2}, {1, 2}, {1, 1}, {2, 1}}},
      {14, 3, 50, {1, 0}, {0, 3}, {{1, 3}, {1, 2}, {2, 2}}},
      {15, 3, 20, {1, 0}, {0, 3}, {{1, 3}}},
      {16, 4, 25, {1, 1}, {2, 6}, {{2, 4}, {1, 4}, {1, 3}}},
      {17, 10, 0, {1, 0}, {2, 8}, {{2, 9}, {1, 9}, {1, 10}, {0, 10}}},
  };
  for (const Row& row : rows) {
    Split now = row.start;
    std::vector<Split> passes;
    for (int pass = 0; pass < 20; ++pass) {
      const Split next = splitBasicCanary(
          {row.replicas, row.weight, row.limits, Size{now.canary, now.canary}, Size{now.stable, now.stable}, false, 0});
      if (next == now) break;
      if (next.stable != now.stable)
        now.stable = next.stable;
      else
        now.canary = next.canary;
      passes.push_back(now);
    }
    EXPECT_EQ(passes, row.passes) << "Q" << row.number;
  }
}

// Every recorded case of clusters that users have: byte for byte the same counts, but for the defect of spec/04 §32.5.
TEST(SplitBasicCanary, RecordedVectors) {
  const std::set<std::pair<std::int64_t, std::int64_t>> defect = {{2, 75}, {5, 90}, {10, 95}, {25, 98}, {50, 99}};
  int checked = 0;
  for (const json::object& vector : test::vectors("basic_canary_replicas.jsonl")) {
    const json::object& in = *getObject(vector, {"in"});
    BasicCanaryInput input;
    input.replicas = getInt(in, {"replicas"});
    input.weight = getInt(in, {"weight"});
    input.limits = canaryLimits(percentOrInt(in.if_contains("maxSurge")),
                                percentOrInt(in.if_contains("maxUnavailable")), input.replicas);
    const auto size = [&in](std::string_view side) -> std::optional<Size> {
      if (!getObject(in, {side})) return std::nullopt;
      return Size{getInt(in, {side, "spec"}), getInt(in, {side, "available"})};
    };
    input.canary = size("canary");
    input.stable = size("stable");
    for (const json::value& old : *getArray(in, {"olds"})) input.others_spec += getInt(old.get_object(), {"spec"});
    if (input.limits.surge == 0 && defect.contains({input.replicas, input.weight})) continue;
    const json::object& out = *getObject(vector, {"out"});
    const Split wanted{getInt(out, {"canary"}), getInt(out, {"stable"})};
    ASSERT_EQ(splitBasicCanary(input), wanted) << json::serialize(vector);
    ++checked;
  }
  EXPECT_GT(checked, 0);
}

}  // namespace
}  // namespace crossfade::rollout
