// A registry under a virtual clock, and short words for what tests do with it.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "local/registry.hpp"
#include "support/virtual_clock.hpp"

namespace crossfade::local {

inline json::object parseObject(std::string_view text) {
  const auto value = parseJson(text);
  EXPECT_TRUE(value && value->is_object()) << text;
  return value && value->is_object() ? value->get_object() : json::object();
}

class RegistryFixture : public testing::Test {
 protected:
  const ResourceType& type(std::string_view group, std::string_view plural) {
    const ResourceType* found = registry.resource(group, plural);
    EXPECT_NE(found, nullptr) << plural;
    return *found;
  }
  const ResourceType& configMaps() { return type("", "configmaps"); }

  // Creates in "default" (or cluster-wide) and must succeed.
  Object make(const ResourceType& type, std::string_view text) {
    const auto made = registry.create(type, type.namespaced ? "default" : "", parseObject(text));
    EXPECT_TRUE(made) << made.error().message;
    return made ? *made : nullptr;
  }
  Object makeConfigMap(std::string_view name, std::string_view metadata = "") {
    return make(configMaps(), R"({"metadata":{"name":")" + std::string(name) + "\"" + std::string(metadata) + "}}");
  }
  bool exists(const ResourceType& type, std::string_view name, std::string_view ns = "default") {
    return registry.get(type, type.namespaced ? ns : "", name).has_value();
  }
  // Serves `example.com/v1 Widget` with this schema of its spec, and with subresources.
  static constexpr std::string_view any_object = R"({"type":"object","x-kubernetes-preserve-unknown-fields":true})";
  const ResourceType& serveWidgets(std::string_view spec_schema,
                                   std::string_view extra = R"("subresources":{"status":{}},)",
                                   std::string_view status_schema = any_object) {
    make(type("apiextensions.k8s.io", "customresourcedefinitions"),
         R"({"metadata":{"name":"widgets.example.com"},"spec":{"group":"example.com","scope":"Namespaced",
             "names":{"plural":"widgets","kind":"Widget"},"versions":[{"name":"v1","served":true,"storage":true,)" +
             std::string(extra) + R"("schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":)" +
             std::string(spec_schema) + R"(,"status":)" + std::string(status_schema) + "}}}}]}}");
    return type("example.com", "widgets");
  }

  test::VirtualLoop loop;
  Random random{1};
  Registry registry{loop.clock(), random};
};

inline std::string_view versionOf(const Object& object) { return getString(*object, {"metadata", "resourceVersion"}); }
inline std::string uid(const Object& object) { return std::string(getString(*object, {"metadata", "uid"})); }

}  // namespace crossfade::local
