// The hashes that existing clusters hold: recorded vectors, and those of spec/01 §8.5, §8.6 and spec/02 §18.1, §18.2.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "api/quantity.hpp"
#include "api/rollout.hpp"

namespace crossfade::api {
namespace {

std::vector<json::object> vectors(const std::string& file) {
  const char* folder = std::getenv("CROSSFADE_VECTORS");
  const std::string path =
      (folder != nullptr ? std::string(folder) : std::string(CROSSFADE_SOURCE_DIR) + "/../shared/vectors") + "/" + file;
  std::ifstream input(path);
  EXPECT_TRUE(input) << "no " << path;
  std::vector<json::object> all;
  for (std::string line; std::getline(input, line);) all.push_back(parseJson(line).value().as_object());
  return all;
}

json::object object(std::string_view text) { return parseJson(text).value().as_object(); }

TEST(PodTemplateHash, RecordedVectors) {
  const auto all = vectors("pod_template_hash.jsonl");
  EXPECT_GE(all.size(), 200U);
  for (const json::object& vector : all) {
    EXPECT_EQ(podTemplateHash(*getObject(vector, {"template"}), asInteger(*find(vector, {"collisionCount"}))),
              getString(vector, {"hash"}))
        << json::serialize(vector);
  }
}

TEST(StepHash, RecordedVectors) {
  const auto all = vectors("step_hash.jsonl");
  EXPECT_GE(all.size(), 100U);
  for (const json::object& vector : all) {
    EXPECT_EQ(stepHash(*find(vector, {"steps"})), getString(vector, {"hash"})) << json::serialize(vector);
  }
}

TEST(PodTemplateHash, Spec01_8_6) {
  const json::object web =
      object(R"({"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"web","image":"nginx:1.19"}]}})");
  EXPECT_EQ(podTemplateHash(web, std::nullopt), "5658dcf497");
  EXPECT_EQ(podTemplateHash(web, 0), "698d9cc4f");
  EXPECT_EQ(podTemplateHash(web, 1), "6fd75b69c6");
  const json::object sized = object(
      R"({"metadata":{"labels":{"foo":"bar"}},"spec":{"containers":[{"name":"container-name","image":"foo/bar",
          "resources":{"limits":{"cpu":"2000m","memory":"8192M"},"requests":{"cpu":"0.15","memory":"8192M"}}}]}})");
  EXPECT_EQ(podTemplateHash(sized, std::nullopt), "6f496f9f78");
  EXPECT_EQ(podTemplateHash(sized, std::nullopt, true), "6c5667f666");
  EXPECT_EQ(podTemplateHash({}, std::nullopt), "658c46c486");
}

TEST(StepHash, Spec01_8_6) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"null", "5ffbfbbd64"},
      {"[]", "5ffbfbbd64"},
      {R"([{"pause":{}}])", "6b9b86fbd5"},
      {R"([{"pause":{}},{"pause":{}}])", "79c9b9f6bf"},
      {R"([{"setWeight":20},{"pause":{"duration":"10s"}},{"setWeight":50},{"pause":{"duration":10}},{"pause":{}}])",
       "57d56b7dc"},
      {R"([{"setWeight":20},{"analysis":{"templates":[{"templateName":"success-rate"}]}}])", "57c88596bc"},
      {R"([{"experiment":{"templates":[{"name":"baseline","specRef":"stable"}],"duration":"1h"}}])", "5b6c457476"},
      {R"([{"setCanaryScale":{"weight":25}},{"setHeaderRoute":{"name":"h","match":[{"headerName":"v","headerValue":
          {"exact":"2"}}]}},{"plugin":{"name":"org/p","config":{"b":"x","a":1}}}])",
       "7bfbccfc4"},
  };
  for (const auto& [steps, hash] : cases) EXPECT_EQ(stepHash(parseJson(steps).value()), hash) << steps;
}

TEST(Quantity, Spec01_8_5) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"2000m", "2"},     {"0.15", "150m"},  {"1.5", "1500m"},    {"1000", "1k"},     {"1000M", "1G"},
      {"8192M", "8192M"}, {"1024Mi", "1Gi"}, {"1.5Gi", "1536Mi"}, {"0.5Gi", "512Mi"}, {"1e2", "100"},
      {"0", "0"},         {"0Mi", "0"},      {"1.500", "1.500"},  {"1.234", "1.234"}, {"+5", "+5"},
      {"12e6", "12e6"},   {"1e3", "1e3"},    {"-2000m", "-2"},    {"100Ki", "100Ki"}, {"1025Mi", "1025Mi"},
      {"0.5Ki", "512"},   {"1.", "1."},      {".5", "500m"},      {"1e-10", "1e-9"},  {"-1e-10", "-1e-9"},
  };
  for (const auto& [text, canonical] : cases) {
    EXPECT_EQ(canonicalQuantity(text), canonical) << text;
  }
  EXPECT_EQ(canonicalQuantity("9999999999999999999"), "9223372036854775807");
  for (const char* text : {"", "64Mi!", "64M i", "cpu", "1ki", "--1", ".", "e3", "1e", "1e+", "0x10"}) {
    EXPECT_FALSE(canonicalQuantity(text)) << text;
  }
  EXPECT_EQ(compareQuantities("1", "1000m"), std::strong_ordering::equal);
  EXPECT_EQ(compareQuantities("1Gi", "1G"), std::strong_ordering::greater);
  EXPECT_EQ(compareQuantities("-1", "100m"), std::strong_ordering::less);
}

}  // namespace
}  // namespace crossfade::api
