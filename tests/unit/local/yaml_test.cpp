// YAML as manifests have it, and as nobody should send it.
#include "local/yaml.hpp"

#include <gtest/gtest.h>

namespace crossfade::local {
namespace {

TEST(Yaml, ResolvesScalars) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"a: 1", R"({"a":1})"},
      {"a: \"1\"", R"({"a":"1"})"},
      {"a: '1'", R"({"a":"1"})"},
      {"a: yes", R"({"a":true})"},
      {"a: off", R"({"a":false})"},
      {"a: ~", R"({"a":null})"},
      {"a:", R"({"a":null})"},
      {"a: 1.5", R"({"a":1.5E0})"},
      {"a: 0x1F", R"({"a":31})"},
      {"a: 010", R"({"a":8})"},
      {"a: 1_000", R"({"a":1000})"},
      {"a: -7", R"({"a":-7})"},
      {"a: 9223372036854775807", R"({"a":9223372036854775807})"},
      {"a: 1e3", R"({"a":1E3})"},
      {"a: 1.2.3", R"({"a":"1.2.3"})"},
      {"a: 2024-01-01", R"({"a":"2024-01-01"})"},
      {"a: !!str 5", R"({"a":"5"})"},
      {"5: x", R"({"5":"x"})"},
      {"true: x", R"({"true":"x"})"},
      {"a: |\n  one\n  two\n", R"({"a":"one\ntwo\n"})"},
      {"[a, {b: c}]", R"(["a",{"b":"c"}])"},
      {"", "null"},
      {R"({"json":[1,true,null,"x"]})", R"({"json":[1,true,null,"x"]})"},
      {"base: &b {x: 1, z: 2}\nmore:\n  <<: *b\n  z: 3\n", R"({"base":{"x":1,"z":2},"more":{"x":1,"z":3}})"},
  };
  for (const auto& [text, expected] : cases) {
    const auto value = parseYaml(text);
    ASSERT_TRUE(value) << text << ": " << value.error().message;
    EXPECT_EQ(json::serialize(*value), expected) << text;
  }
}

TEST(Yaml, RefusesWhatIsBroken) {
  for (const std::string_view text : {"a: [b", "a: b: c", "\t- x", "{a", "? [x]\n: y", "a: *nowhere"}) {
    EXPECT_FALSE(parseYaml(text)) << text;
  }
}

TEST(Yaml, SurvivesBombs) {
  std::string laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i) {
    laughs += fmt::format("a{0}: &a{0} [*a{1},*a{1},*a{1},*a{1},*a{1},*a{1},*a{1},*a{1},*a{1},*a{1}]\n", i, i - 1);
  }
  const auto value = parseYaml(laughs);
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().message, "document contains excessive aliasing or nesting");
  EXPECT_FALSE(parseYaml(std::string(5000, '[')));
  EXPECT_FALSE(parseYaml(std::string(200, '[') + std::string(200, ']')));
}

}  // namespace
}  // namespace crossfade::local
