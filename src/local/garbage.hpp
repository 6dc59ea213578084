// The garbage collector and the namespace controller: what goes when its owner, or its namespace, has gone.
// Works a moment after the commit that gives it cause (a timer at `now`), never within it, as the real one does.
#pragma once
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "local/registry.hpp"

namespace crossfade::local {

class GarbageCollector {
 public:
  // Both outlive the collector.
  GarbageCollector(Registry& registry, Clock& clock);
  ~GarbageCollector();
  GarbageCollector(const GarbageCollector&) = delete;
  GarbageCollector& operator=(const GarbageCollector&) = delete;

  // Called for every commit, within it.
  void observe(const ResourceType& type, const Event& event);

 private:
  struct Node {
    const ResourceType* type;
    std::string ns, name;
  };
  // What stands between an object and its end.
  enum class Owner { solid, dangling, waiting };

  void enqueue(std::string uid);
  void enqueueNamespace(std::string name);
  void schedule();
  void work();
  void process(const std::string& uid);
  void orphanDependents(const Node& node, const std::string& uid);
  void deleteInForeground(const Node& node, const std::string& uid);
  Owner judge(const Node& dependent, const json::object& reference) const;
  void emptyNamespace(const std::string& name);

  Registry& registry_;
  Clock& clock_;
  std::unordered_map<std::string, Node> nodes_;                        // every object, by uid
  std::unordered_map<std::string, std::set<std::string>> dependents_;  // owner's uid to those of its dependents
  std::unordered_map<std::string, std::size_t> contents_;              // objects in a namespace
  std::deque<std::string> queue_;
  std::unordered_set<std::string> queued_;
  std::set<std::string> ending_;  // namespaces
  std::optional<Clock::TimerId> timer_;
};

}  // namespace crossfade::local
