// What the controller knows of the cluster without asking: one watch a kind, decoded objects, and who owns them.
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "api/analysis.hpp"
#include "api/rollout.hpp"
#include "api/workloads.hpp"
#include "controller/owner_index.hpp"
#include "controller/settings.hpp"
#include "controller/world.hpp"
#include "kube/cache.hpp"
#include "kube/watcher.hpp"

namespace crossfade::controller {

// A Job of a metric: only whose it is, and whether it ended.
struct MetricJob {
  api::Metadata metadata;
  bool finished = false;
};

struct Caches {
  // `world` outlives the caches. Nothing is watched before start().
  Caches(const World& world, const Settings& settings);

  void start();
  // Returns when every cache holds a complete list; meanwhile logs, every ten seconds, what it waits for and why.
  Task<> waitSynced();

  // A user has edited a Rollout.
  void noteEdit();
  // Many Rollouts are being edited, or the server is behind with telling us what we wrote to Rollouts. Its watches
  // deliver in order: what we write faster than it can tell delays the news of what users want.
  bool isBusy() const;
  // Returns when it no longer is, or three seconds have passed. For writes that can wait.
  Task<> calm();

  kube::Cache<api::Rollout> rollouts;
  kube::Cache<api::ReplicaSet> replica_sets;  // those with a pod-template hash
  kube::Cache<api::Service> services;
  kube::Cache<api::AnalysisRun> analysis_runs;
  kube::Cache<api::AnalysisTemplate> analysis_templates, cluster_analysis_templates;
  kube::Cache<api::Experiment> experiments;
  kube::Cache<MetricJob> jobs;  // those of metrics

  OwnerIndex<api::ReplicaSet> replica_sets_of;
  OwnerIndex<api::AnalysisRun> analysis_runs_of;
  OwnerIndex<api::Experiment> experiments_of;

  // AnalysisRuns and Experiments of others that have a name which a Rollout wanted: its plans must see them.
  void addCollision(const std::string& rollout_key, std::string name) {
    collisions_[rollout_key].insert(std::move(name));
  }
  const std::set<std::string>& collisionsOf(const std::string& rollout_key) const;
  void forgetCollisions(const std::string& rollout_key) { collisions_.erase(rollout_key); }

 private:
  void watch(kube::Client& client, const kube::ResourceKey& resource, const std::string& ns,
             const std::string& label_selector, kube::WatchHandler& handler);

  TimePoint stormEnd() const;

  Clock& clock_;
  Signal echoed_;
  std::deque<TimePoint> edits_;  // the last ones, oldest first
  const World& world_;
  struct Named {
    std::string name;
    std::unique_ptr<kube::Watcher> watcher;
  };
  std::vector<Named> watchers_;
  std::map<std::string, std::set<std::string>> collisions_;
};

}  // namespace crossfade::controller
