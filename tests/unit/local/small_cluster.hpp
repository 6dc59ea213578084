// A registry with its controllers and its node, without HTTP and without sockets, under a virtual clock.
#pragma once
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/json.hpp"
#include "local/label_selector.hpp"
#include "local/object_facts.hpp"
#include "local/pods.hpp"
#include "local/registry.hpp"
#include "local/workloads.hpp"
#include "support/virtual_clock.hpp"

namespace crossfade::local {

class SmallCluster {
 public:
  explicit SmallCluster(PodOptions options = {.sockets = false})
      : random(7), registry(loop.clock(), random), options_(options) {
    start();
  }
  ~SmallCluster() { stop(); }

  // The controllers and the node end and begin anew; the objects stay.
  void start() {
    workloads = std::make_unique<Workloads>(registry, loop.clock(), random);
    pods = std::make_unique<Pods>(registry, loop.executor(), loop.clock(), random, options_);
  }
  void stop() {
    loop.kill();
    pods.reset();
    workloads.reset();
    loop.settle();
  }

  const ResourceType& type(std::string_view plural) const {
    for (const ResourceType* known : registry.resources()) {
      if (known->plural == plural) return *known;
    }
    ADD_FAILURE() << "no resource " << plural;
    return *registry.resources().front();
  }
  // From JSON text, in namespace "default".
  Object create(std::string_view plural, std::string_view text) {
    auto made = tryCreate(plural, text);
    EXPECT_TRUE(made) << made.error().message;
    return made ? *made : nullptr;
  }
  Result<Object> tryCreate(std::string_view plural, std::string_view text) {
    auto parsed = parseJson(text);
    EXPECT_TRUE(parsed) << text;
    return registry.create(type(plural), "default", parsed->get_object());
  }
  // Null when there is none.
  Object get(std::string_view plural, std::string_view name) const {
    auto found = registry.get(type(plural), "default", name);
    return found ? *found : nullptr;
  }
  // Compact JSON of a member; "" when the object or the member is missing.
  std::string show(std::string_view plural, std::string_view name, std::initializer_list<std::string_view> path) const {
    const Object object = get(plural, name);
    const json::value* value = object ? find(*object, path) : nullptr;
    return value == nullptr ? "" : json::serialize(*value);
  }
  std::vector<Object> list(std::string_view plural, std::string_view selector = "") const {
    return registry.list(type(plural), "default", *parseLabelSelector(selector));
  }
  void patch(std::string_view plural, std::string_view name, std::string_view merge,
             Subresource subresource = Subresource::none) {
    const auto changed = registry.modify(type(plural), "default", name, subresource, [merge](json::object& object) {
      json::value value(std::move(object));
      mergePatch(value, *parseJson(merge));
      object = std::move(value.get_object());
    });
    EXPECT_TRUE(changed) << changed.error().message;
  }
  void remove(std::string_view plural, std::string_view name, DeleteOptions delete_options = {}) {
    const auto removed = registry.remove(type(plural), "default", name, delete_options);
    EXPECT_TRUE(removed) << removed.error().message;
  }
  void run(Duration duration) { loop.run(duration); }

  // "reason: message xcount" of the events about an object, in the order of their first telling.
  std::vector<std::string> events(std::string_view about) const {
    std::vector<std::string> told;
    for (const Object& event : list("events")) {
      if (getString(*event, {"involvedObject", "name"}) != about) continue;
      told.push_back(fmt::format("{}: {} x{}", getString(*event, {"reason"}), getString(*event, {"message"}),
                                 getInt(*event, {"count"})));
    }
    return told;
  }

  test::VirtualLoop loop;
  Random random;
  Registry registry;
  std::unique_ptr<Workloads> workloads;
  std::unique_ptr<Pods> pods;

 private:
  PodOptions options_;
};

// A pod template's JSON with one container "app".
inline std::string podTemplate(std::string_view app, std::string_view image, std::string_view more_of_container = "",
                               std::string_view more_of_spec = "") {
  return fmt::format(
      R"({{"metadata":{{"labels":{{"app":"{}"}}}},"spec":{{"containers":[{{"name":"app","image":"{}"{}}}]{}}}}})", app,
      image, more_of_container, more_of_spec);
}

inline std::string replicaSet(std::string_view name, int replicas, std::string_view image = "crossfade.dev/demo:v1",
                              std::string_view more_of_spec = "", std::string_view more_of_container = "") {
  return fmt::format(
      R"({{"metadata":{{"name":"{0}"}},"spec":{{"replicas":{1},"selector":{{"matchLabels":{{"app":"{0}"}}}},"template":{2}{3}}}}})",
      name, replicas, podTemplate(name, image, more_of_container), more_of_spec);
}

}  // namespace crossfade::local
