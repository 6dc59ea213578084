// One router, the objects that a server holds, and the changes carried out as a server would.
#pragma once
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "traffic/builtin.hpp"
#include "traffic/registry.hpp"

namespace crossfade::traffic {

class RouterCase {
 public:
  // `routing` is the trafficRouting of a Rollout "ro" in namespace "ns" with uid "ro-uid".
  explicit RouterCase(std::string_view routing, RouterSettings settings = {}) {
    view.ns = "ns";
    view.name = "ro";
    view.uid = "ro-uid";
    view.stable_service = "stable";
    view.canary_service = "canary";
    const json::object config = parse(routing);
    router = std::move(makeRouters(&config, settings)->at(0));
  }

  static json::object parse(std::string_view text) { return parseJson(text).value().as_object(); }

  // Puts an object there; its text needs no metadata beyond what the case is about.
  void put(const std::string& kind, const std::string& name, std::string_view text) {
    json::object object = parse(text);
    json::object& metadata = ensureObject(object, {"metadata"});
    metadata["name"] = name;
    metadata["namespace"] = "ns";
    metadata["resourceVersion"] = "7";
    server[kind + "/" + name] = std::make_shared<const json::object>(std::move(object));
  }

  // Routes and writes. What changed once doesn't change again.
  Routing apply(const std::vector<Operation>& operations) {
    Routing routing = router->route(view, read(operations), operations);
    for (const Change& change : routing.changes) write(change);
    if (!routing.error) {
      EXPECT_TRUE(router->route(view, read(operations), operations).changes.empty()) << "applied twice";
    }
    return routing;
  }
  Routing setWeight(std::int64_t weight, std::vector<Destination> extra = {}) {
    return apply({SetWeight{weight, std::move(extra)}});
  }

  const json::object& at(const std::string& key) const { return *server.at(key); }
  bool holds(const std::string& key) const { return server.contains(key); }

  RolloutView view;
  std::unique_ptr<Router> router;
  std::map<std::string, Objects::Object> server;  // by "Kind/name"

 private:
  Objects read(const std::vector<Operation>& operations) {
    Objects objects = get(router->reads(view, operations));
    objects.add(get(router->readsNext(view, objects)));
    return objects;
  }
  Objects get(const std::vector<ObjectRef>& refs) {
    Objects objects;
    for (const ObjectRef& ref : refs) {
      const auto found = server.find(ref.kind.kind + "/" + ref.name);
      if (found != server.end()) objects.put(ref, found->second);
    }
    return objects;
  }
  void write(const Change& change) {
    const std::string key = change.object.kind.kind + "/" + change.object.name;
    EXPECT_EQ(change.field_manager, "rollouts-controller");
    switch (change.verb) {
      case Change::Verb::remove:
        server.erase(key);
        return;
      case Change::Verb::create:
        EXPECT_FALSE(server.contains(key));
        server[key] = std::make_shared<const json::object>(change.body);
        return;
      case Change::Verb::patch:
        json::value target = *server.at(key);
        mergePatch(target, change.body);
        server[key] = std::make_shared<const json::object>(target.as_object());
    }
  }
};

}  // namespace crossfade::traffic
