// The recorded verdicts of vectors/conditions.jsonl.
#include <limits>

#include "expr/condition.hpp"
#include "support/vectors.hpp"

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

// What spec/07 A5 promises of an error's text: everything up to the message, and the message where data are missing.
// The wording of the others is promised for the texts that spec/07 lists (language_test.cpp), not for every outcome.
std::string_view contracted(std::string_view error) {
  constexpr std::string_view no_data = "metric result is nil or empty: no data returned from the metric provider";
  if (error.ends_with(no_data)) return error;
  const std::size_t message = error.rfind("\": ");
  return message == std::string_view::npos ? std::string_view() : error.substr(0, message);
}

TEST(Conditions, RecordedVerdicts) {
  for (const json::object& row : test::vectors("conditions.jsonl")) {
    const Verdict verdict =
        assess(measured(row), getString(row, {"success"}), getString(row, {"failure"}), TimePoint());
    EXPECT_EQ(verdict.phase, getString(row, {"phase"})) << json::serialize(row);
    const std::string_view error = getString(row, {"error"});
    EXPECT_EQ(verdict.error.empty(), error.empty()) << json::serialize(row);
    EXPECT_EQ(contracted(verdict.error), contracted(error)) << json::serialize(row);
  }
}

}  // namespace
}  // namespace crossfade::expr
