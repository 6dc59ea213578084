// The hashes that existing clusters hold: recorded vectors, and those of spec/01 §8.5, §8.6 and spec/02 §18.1, §18.2.
#include "api/quantity.hpp"
#include "api/rollout.hpp"
#include "support/vectors.hpp"

namespace crossfade::api {
namespace {

json::object object(std::string_view text) { return parseJson(text).value().as_object(); }

TEST(PodTemplateHash, RecordedVectors) {  // spec/01 §8.6 #1
  for (const json::object& vector : test::vectors("pod_template_hash.jsonl")) {
    EXPECT_EQ(podTemplateHash(*getObject(vector, {"template"}), asInteger(*find(vector, {"collisionCount"}))),
              getString(vector, {"hash"}))
        << json::serialize(vector);
  }
}

TEST(StepHash, RecordedVectors) {  // spec/01 §8.6 #2, spec/04 §24.2 #1-#8: every kind of step is among them
  const auto all = test::vectors("step_hash.jsonl");
  EXPECT_FALSE(all.empty());
  for (const json::object& vector : all) {
    EXPECT_EQ(stepHash(*find(vector, {"steps"})), getString(vector, {"hash"})) << json::serialize(vector);
  }
}

TEST(PodTemplateHash, Spec01_8_6) {
  struct Case {
    std::string_view text;  // a pod template, as users write it
    std::optional<std::int64_t> collisions;
    std::string_view hash;
  };
  constexpr std::string_view web =
      R"({"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"web","image":"nginx:1.19"}]}})";
  constexpr std::string_view sized =
      R"({"metadata":{"labels":{"foo":"bar"}},"spec":{"containers":[{"name":"container-name","image":"foo/bar",
          "resources":{"limits":{"cpu":"2000m","memory":"8192M"},"requests":{"cpu":"0.15","memory":"8192M"}}}]}})";
  // spec/01 §8.6 #3-#9, spec/01 §11 #16
  const Case cases[] = {
      {web, std::nullopt, "5658dcf497"},
      {web, 0, "698d9cc4f"},
      {web, 1, "6fd75b69c6"},
      {R"({"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"ports":[{"protocol":"TCP","containerPort":80,
          "name":"http"}],"image":"nginx:1.19","name":"web"}]}})",
       std::nullopt, "756d6755dc"},
      {R"({"metadata":{"labels":{"app":"web"}},"spec":{"containers":[{"name":"web","image":"nginx:1.19",
          "args":["a && b < c"]}]}})",
       std::nullopt, "5cd6585b9f"},
      {sized, std::nullopt, "6f496f9f78"},
      {"{}", std::nullopt, "658c46c486"},
  };
  for (const auto& [text, collisions, hash] : cases) EXPECT_EQ(podTemplateHash(object(text), collisions), hash) << text;
  EXPECT_EQ(podTemplateHash(object(sized), std::nullopt, true), "6c5667f666");
}

// spec/01 §10.5 X10
TEST(PodTemplateHash, NoCollisionCountIsNotZero) {
  const auto rollout = [](std::string_view status) {
    return decodeRollout(object(fmt::format(
        R"({{"spec":{{"template":{{"metadata":{{"labels":{{"app":"web"}}}},"spec":{{"containers":[{{"name":"web",
            "image":"nginx:1.19"}}]}}}}}},"status":{}}})",
        status)));
  };
  EXPECT_EQ(rollout("{}").template_hash, "5658dcf497");
  EXPECT_EQ(rollout(R"({"collisionCount":0})").template_hash, "698d9cc4f");
}

// spec/01 §11 #15: what the schema of the custom resource fills in is part of the hash, so nothing else may be.
TEST(PodTemplateHash, TakesTheTemplateAsItIsStored) {
  const auto hash = [](std::string_view container, std::string_view pod = "{}") {
    json::object made{{"metadata", json::object{}}, {"spec", object(pod)}};
    ensureObject(made, {"spec"})["containers"] = json::array{object(container)};
    return podTemplateHash(made, std::nullopt);
  };
  EXPECT_NE(hash(R"({"name":"a","ports":[{"containerPort":80}]})"),
            hash(R"({"name":"a","ports":[{"containerPort":80,"protocol":"TCP"}]})"));
  EXPECT_NE(hash(R"({"name":"a"})"), hash(R"({"name":"a"})", R"({"restartPolicy":"Always"})"));
  EXPECT_NE(hash(R"({"name":"a"})"), hash(R"({"name":"a","imagePullPolicy":"Always"})"));
  EXPECT_EQ(hash(R"({"name":"a"})"), hash(R"({"name":"a","resources":{},"env":[],"unheardOf":7,"command":null})"));
}

TEST(StepHash, Spec01_8_6) {
  // spec/01 §8.6 #10-#16
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"null", "5ffbfbbd64"},
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
  EXPECT_EQ(stepHash(parseJson("[]").value()), "5ffbfbbd64");
}

// spec/01 §11 #17: nothing makes up for a wrong step hash.
TEST(StepHash, PrintsWhatIsDeclaredToBePrinted) {
  const auto hash = [](std::string_view step) { return stepHash(parseJson(fmt::format("[{}]", step)).value()); };
  EXPECT_NE(hash(R"({"analysis":{"templates":[{"templateName":"a"}]}})"),
            hash(R"({"analysis":{"templates":[{"templateName":"a","clusterScope":false}]}})"));
  EXPECT_EQ(
      hash(R"({"experiment":{"templates":[{"name":"b","specRef":"stable"}]}})"),
      hash(R"({"experiment":{"analysisRunMetadata":{},"templates":[{"specRef":"stable","name":"b","metadata":{}}]}})"));
  EXPECT_NE(hash(R"({"analysis":{"templates":[{"templateName":"a"}]}})"),
            hash(R"({"analysis":{"templates":[{"templateName":"a"}],"analysisRunMetadata":{}}})"))
      << "one that may be absent is printed where it is there";
}

TEST(StepHash, Spec04_24_2) {  // spec/04 §24.2 K1-K8
  const std::tuple<std::string_view, std::string_view, std::string_view> cases[] = {
      {"K1", "null", "5ffbfbbd64"},
      {"K2", R"([{"pause":{}}])", "6b9b86fbd5"},
      {"K3", R"([{"pause":{}},{"pause":{}}])", "79c9b9f6bf"},
      {"K4", R"([{"setWeight":10}])", "54b5fccf74"},
      {"K5", R"([{"setWeight":20},{"pause":{"duration":"1h"}}])", "6d87b67cf8"},
      {"K6", R"([{"setWeight":20},{"pause":{"duration":10}},{"setWeight":40},{"pause":{}}])", "7b8db9dd54"},
      {"K7",
       R"([{"setCanaryScale":{"replicas":1}},{"setHeaderRoute":{"match":[{"headerValue":{"exact":"a"},"headerName":
          "x"}],"name":"h1"}}])",
       "6dbd66f5c4"},
      {"K8", R"([{"experiment":{"duration":"1h","templates":[{"specRef":"stable","name":"baseline"}]}}])",
       "5b6c457476"},
  };
  for (const auto& [id, steps, hash] : cases) EXPECT_EQ(stepHash(parseJson(steps).value()), hash) << id;
}

TEST(Quantity, Spec01_8_5) {
  // spec/01 §8.5 #1-#6, row by row, and more of the same
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
