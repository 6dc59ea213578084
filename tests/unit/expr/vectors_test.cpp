// The recorded verdicts of vectors/conditions.jsonl.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <limits>

#include "base/json.hpp"
#include "expr/condition.hpp"

namespace crossfade::expr {
namespace {

// {"$float":"NaN"} and {"$float":"Inf"} stand for what JSON lacks.
double number(const json::value& value) {
  if (const json::object* special = value.if_object()) {
    return getString(*special, {"$float"}) == "NaN" ? std::numeric_limits<double>::quiet_NaN()
                                                    : std::numeric_limits<double>::infinity();
  }
  return value.to_number<double>();
}

Measured measured(const json::object& row) {
  const json::value& result = *find(row, {"result"});
  const std::string_view type = getString(row, {"resultType"});
  if (type == "float") return number(result);
  if (type == "string") return std::string(result.get_string());
  if (type == "object") return result;
  if (type == "bool-nil") return result.is_null() ? Measured() : Measured(result.get_bool());
  std::vector<double> list;
  for (const json::value& item : result.get_array()) list.push_back(number(item));
  return list;
}

TEST(Conditions, RecordedVerdicts) {
  const char* folder = std::getenv("CROSSFADE_VECTORS");
  if (folder == nullptr) GTEST_SKIP() << "CROSSFADE_VECTORS is not set";
  std::ifstream file(std::string(folder) + "/conditions.jsonl");
  ASSERT_TRUE(file) << "no conditions.jsonl in " << folder;
  int rows = 0;
  for (std::string line; std::getline(file, line); ++rows) {
    const auto parsed = parseJson(line);
    ASSERT_TRUE(parsed) << line;
    const json::object& row = parsed->get_object();
    const Verdict verdict =
        assess(measured(row), getString(row, {"success"}), getString(row, {"failure"}), TimePoint());
    EXPECT_EQ(verdict.phase, getString(row, {"phase"})) << line;
    EXPECT_EQ(verdict.error, getString(row, {"error"})) << line;
  }
  EXPECT_GT(rows, 0);
}

}  // namespace
}  // namespace crossfade::expr
