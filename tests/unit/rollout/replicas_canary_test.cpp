#include "rollout/replicas_canary.hpp"

#include <set>
#include <sstream>
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

// spec/04 §11.1 F1-F15
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

// spec/04 §11.2 #1-#19: replicas, surge, and "weight canary/stable" of each cell. Where the reference gives the canary
// nothing, its one pod is wanted (spec/04 §32 #5). Both candidates come from R, also for R + 1 pods (spec/04 §33 #7).
TEST(IdealSplit, Table) {
  struct Row {
    std::vector<std::int64_t> surges;
    std::int64_t replicas;
    std::string_view cells;
  };
  const std::vector<Row> rows = {
      {{0, 1}, 0, "0 0/0  1 0/0  50 0/0  99 0/0  100 0/0"},
      {{0}, 1, "0 0/1  1 0/1  49 0/1  50 1/0  99 1/0  100 1/0"},
      {{1}, 1, "0 0/1  1 1/1  49 1/1  50 1/1  99 1/1  100 1/0"},
      {{0}, 2, "0 0/2  1 1/1  50 1/1  75 1/1  99 1/1  100 2/0"},
      {{1}, 2, "0 0/2  1 1/2  50 1/1  99 2/1  100 2/0"},
      {{0}, 3, "10 1/2  25 1/2  33 1/2  34 1/2  49 1/2  50 2/1  66 2/1  67 2/1"},
      {{1}, 3, "10 1/3  25 1/3  33 1/2  34 1/2  49 2/2  50 2/2  67 2/1"},
      {{0}, 4, "10 1/3  60 2/2"},
      {{1}, 4, "10 1/4  25 1/3  60 3/2  63 3/2"},
      {{0}, 5, "10 1/4  33 2/3  50 3/2  90 4/1"},
      {{1}, 5, "10 1/5  33 2/4  50 3/3"},
      {{0, 1}, 6, "20 1/5"},
      {{0}, 7, "50 4/3"},
      {{1}, 7, "50 4/4"},
      {{0}, 10, "1 1/9  14 1/9  15 2/8  16 2/8  41 4/6  45 5/5  95 9/1  99 9/1"},
      {{1},
       10,
       "0 0/10  1 1/10  5 1/10  18 2/9  19 2/9  20 2/8  23 2/8  24 3/8  25 3/8  41 4/6  45 5/6  55 6/5  95 10/1  "
       "99 10/1  100 10/0"},
      {{0}, 20, "1 1/19  12 2/18  13 3/17"},
      {{1}, 20, "12 2/18  13 3/18"},
      {{0, 1}, 100, "1 1/99"},
  };
  for (const Row& row : rows) {
    for (const std::int64_t surge : row.surges) {
      std::istringstream cells{std::string(row.cells)};
      char slash = 0;
      for (std::int64_t weight = 0, canary = 0, stable = 0; cells >> weight >> canary >> slash >> stable;)
        EXPECT_EQ(idealSplit(row.replicas, weight, surge), (Split{canary, stable}))
            << row.replicas << " replicas, surge " << surge << ", weight " << weight;
    }
  }
}

// spec/04 §32 #13
TEST(IdealSplit, LargeNumbersDontOverflow) {
  EXPECT_EQ(idealSplit(2'000'000'000, 50, 0), (Split{1'000'000'000, 1'000'000'000}));
}

// spec/04 §32 #5: the reference gives these canaries no pod at all.
TEST(IdealSplit, NeverLosesTheCanaryToRounding) {
  for (const auto& [replicas, weight] : {std::pair{2, 75}, {5, 90}, {10, 95}, {25, 98}, {50, 99}})
    EXPECT_EQ(idealSplit(replicas, weight, 0), (Split{replicas - 1, 1}));
}

// The stable ReplicaSet never came up (somebody deleted the one before it), and the pods of an older one can't be
// spared: what is unavailable makes room, on whichever side it is.
TEST(SplitBasicCanary, PodsThatNeverCameUpMakeRoomWhenNothingElseCan) {
  BasicCanaryInput input{.replicas = 3,
                         .weight = 43,
                         .limits = {1, 0},
                         .canary = Size{0, 0},
                         .stable = Size{3, 0},
                         .others_spec = 1,
                         .others_needed = true};
  EXPECT_EQ(splitBasicCanary(input), (Split{0, 2}));
  input.weight = 0;
  std::swap(input.canary, input.stable);
  EXPECT_EQ(splitBasicCanary(input), (Split{0, 0}));
  input.others_needed = false;
  EXPECT_EQ(splitBasicCanary(input), (Split{3, 0})) << "the others go first";
}

// spec/04 §11.5 R1-R45. "absent", or "asked for/available".
TEST(SplitBasicCanary, TableR) {
  struct Row {
    std::string_view id;
    std::int64_t replicas, weight;
    IntOrPercent surge, unavailable;
    std::string canary, stable;
    Split next;
    std::int64_t others = 0;
  };
  const std::vector<Row> rows = {
      {"R1", 10, 100, {3}, {0}, "6/3", "7/8", {6, 7}},
      {"R2", 10, 20, {2}, {0}, "0/0", "10/10", {2, 10}},
      {"R3", 10, 20, text("20%"), {0}, "2/2", "10/10", {2, 8}},
      {"R4", 10, 30, {2}, {0}, "0/0", "10/10", {2, 10}},
      {"R5", 10, 20, {0}, {2}, "0/0", "10/10", {0, 8}},
      {"R6", 10, 20, {0}, text("20%"), "0/0", "10/10", {0, 8}},
      {"R7", 10, 30, {0}, {2}, "0/0", "10/10", {0, 8}},
      {"R8", 10, 50, {2}, {1}, "0/0", "10/10", {2, 9}},
      {"R9", 10, 0, {1}, {1}, "1/1", "10/10", {0, 10}},
      {"R10", 10, 100, {1}, {1}, "10/10", "1/1", {10, 0}},
      {"R11", 1, 20, {1}, {0}, "0/0", "1/1", {1, 1}},
      {"R12", 1, 90, {1}, {0}, "0/0", "1/1", {1, 1}},
      {"R13", 1, 49, {0}, {1}, "0/0", "1/1", {0, 1}},
      {"R14", 1, 51, {0}, {1}, "0/0", "1/1", {0, 0}},
      {"R15", 1, 51, {0}, {1}, "0/0", "0/0", {1, 0}},
      {"R16", 10, 30, {1}, {0}, "0/0", "1/1", {1, 7}, 3},
      {"R17", 10, 30, {0}, {3}, "4/4", "8/5", {3, 7}},
      {"R18", 10, 100, {1}, {0}, "10/8", "10/2", {9, 2}},
      {"R19", 10, 30, {0}, {1}, "4/2", "8/6", {4, 8}, 3},
      {"R20", 10, 5, {0}, {1}, "0/0", "10/10", {0, 9}},
      {"R21", 10, 5, {0}, {1}, "0/0", "9/9", {1, 9}},
      {"R22", 10, 10, text("0%"), text("0%"), "0/0", "10/10", {0, 9}},
      {"R23", 4, 100, {1}, {0}, "0/0", "4/1", {1, 4}},
      {"R24", 3, 99, {0}, {2}, "0/0", "3/3", {0, 1}},
      {"R25", 3, 99, {0}, {2}, "0/0", "1/1", {2, 1}},
      {"R26", 4, 100, {1}, {0}, "1/1", "4/1", {1, 3}},
      {"R27", 4, 0, {1}, {0}, "4/4", "0/0", {4, 1}},
      {"R28", 4, 0, {1}, {0}, "4/4", "1/0", {4, 1}},
      {"R29", 4, 0, {1}, {0}, "4/4", "1/1", {3, 1}},
      {"R30", 4, 100, {4}, {4}, "0/0", "4/4", {4, 0}},
      {"R31", 4, 100, {3}, {0}, "0/0", "4/4", {3, 4}},
      {"R32", 10, 10, {0}, {1}, "10/0", "the same", {10, 0}},
      {"R33", 10, 10, {0}, {1}, "9/9", "absent", {10, 0}},
      {"R34", 10, 20, {1}, {0}, "0/0", "5/5", {2, 8}},
      {"R35", 8, 25, text("25%"), text("25%"), "1/1", "1/1", {2, 6}},
      {"R36", 8, 100, text("100%"), text("25%"), "4/0", "3/3", {8, 3}},
      {"R37", 4, 100, text("100%"), text("25%"), "8/0", "3/3", {4, 3}},
      {"R38", 8, 100, {2}, {0}, "2/0", "4/4", {6, 4}},
      {"R39", 4, 100, {2}, {0}, "6/0", "4/4", {2, 4}},
      {"R40", 10, 50, {1}, {0}, "1/0", "10/10", {1, 10}},
      {"R41", 10, 50, {2}, {0}, "2/1", "10/10", {2, 9}},
      {"R42", 10, 100, {1}, {1}, "2/1", "9/9", {2, 8}},
      {"R43", 10, 30, {1}, {0}, "4/4", "7/7", {3, 7}},
      {"R44", 10, 100, {3}, {0}, "4/4", "9/9", {4, 6}},
      {"R45", 0, 50, {1}, {0}, "1/1", "1/1", {0, 1}},
  };
  const auto sizeOf = [](const std::string& written) -> std::optional<Size> {
    Size size;
    char slash = 0;
    std::istringstream in(written);
    return in >> size.spec >> slash >> size.available ? std::optional(size) : std::nullopt;
  };
  for (const Row& row : rows) {
    const bool same = row.stable == "the same";
    const BasicCanaryInput input{.replicas = row.replicas,
                                 .weight = row.weight,
                                 .limits = canaryLimits(row.surge, row.unavailable, row.replicas),
                                 .canary = sizeOf(row.canary),
                                 .stable = sizeOf(same ? row.canary : row.stable),
                                 .stable_is_canary = same,
                                 .others_spec = row.others};
    EXPECT_EQ(splitBasicCanary(input), row.next) << row.id;
  }
  // R45, the pass after it.
  EXPECT_EQ(splitBasicCanary({0, 50, {1, 0}, Size{0, 0}, Size{1, 1}, false, 0}), (Split{0, 0}));
}

// spec/04 §11.6 Q1-Q19: one action a pass, stable first; pods become available between passes.
// spec/04 §33 #4: the target is found anew from what is there, every time.
TEST(SplitBasicCanary, SequencesQ) {
  struct Row {
    int number;
    std::int64_t replicas, weight;
    Limits limits;
    Split start;
    std::vector<Split> passes;
    bool canary_works = true;
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
      {18, 4, 100, {4, 1}, {0, 4}, {{0, 3}, {4, 3}}, false},
      {19, 4, 100, {2, 0}, {0, 4}, {{2, 4}}, false},
  };
  for (const Row& row : rows) {
    Split now = row.start;
    std::vector<Split> passes;
    for (int pass = 0; pass < 20; ++pass) {
      const Split next =
          splitBasicCanary({row.replicas, row.weight, row.limits, Size{now.canary, row.canary_works ? now.canary : 0},
                            Size{now.stable, now.stable}, false, 0});
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

// Every recorded case of clusters that users have: byte for byte the same counts, but for the defect of spec/04 §32 #5.
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
