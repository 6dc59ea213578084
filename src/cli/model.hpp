// What `get`, `status` and `list` show of a Rollout: one value, derived from the objects around it. Pure. spec/10 §2.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/analysis.hpp"
#include "api/rollout.hpp"
#include "api/workloads.hpp"

namespace crossfade::cli {

// An object, and the uids of all its owners: the tree follows any owner reference, not only the controlling one.
template <class T>
struct Owned : T {
  std::vector<std::string> owners;
};
std::vector<std::string> ownersOf(const json::object& object);

// What may belong to a Rollout: the objects of its namespace.
struct Objects {
  template <class T>
  using List = std::vector<std::shared_ptr<const Owned<T>>>;
  List<api::ReplicaSet> replica_sets;
  List<api::Pod> pods;
  List<api::Experiment> experiments;
  List<api::AnalysisRun> analysis_runs;
};

struct PodNode {
  std::string name, status;
  TimePoint created{};
  std::int64_t ready = 0, containers = 0, restarts = 0;
  bool operator==(const PodNode&) const = default;
};

// What a ReplicaSet is to its Rollout. spec/10 §2.2.
struct Roles {
  bool stable = false, canary = false, active = false, preview = false, ping = false, pong = false;
  bool operator==(const Roles&) const = default;
};

struct ReplicaSetNode {
  std::string name, status;  // health, spec/10 §2.3
  std::int64_t revision = 0, running = 0, available = 0;
  TimePoint created{};
  Roles roles;
  std::string experiment_template;  // of an Experiment's ReplicaSet
  std::string scale_down_deadline;  // RFC 3339 as it stands in the annotation; empty: none
  std::vector<std::string> images;  // of its containers, in their order
  std::vector<PodNode> pods;
  bool operator==(const ReplicaSetNode&) const = default;
};

struct JobNode {
  std::string name, status;
  std::optional<TimePoint> created;
  bool operator==(const JobNode&) const = default;
};

struct AnalysisRunNode {
  std::string name, status;
  std::int64_t revision = 0;
  TimePoint created{};
  std::int64_t successful = 0, failed = 0, inconclusive = 0, error = 0;
  std::vector<JobNode> jobs = {};
  bool operator==(const AnalysisRunNode&) const = default;
};

struct ExperimentNode {
  std::string name, status, message;
  std::int64_t revision = 0;
  TimePoint created{};
  std::vector<ReplicaSetNode> replica_sets;
  std::vector<AnalysisRunNode> analysis_runs;
  bool operator==(const ExperimentNode&) const = default;
};

struct RevisionNode {
  std::int64_t number = 0;
  std::vector<ReplicaSetNode> replica_sets;
  std::vector<ExperimentNode> experiments;
  std::vector<AnalysisRunNode> analysis_runs;
  bool operator==(const RevisionNode&) const = default;
};

// An image that runs, and in which roles.
struct ImageUse {
  std::string image;
  std::vector<std::string> tags;
  bool operator==(const ImageUse&) const = default;
};

// The phase a client sees: the controller's, unless that one is about an older state. spec/10 §2.6.
struct Phase {
  std::string status, message;
  bool operator==(const Phase&) const = default;
};
Phase rolloutPhase(const api::Rollout& rollout);

// The facts of a Rollout alone. spec/10 §2.7.
struct RolloutSummary {
  std::string ns, name;
  Phase phase;
  std::string strategy = {};    // "Canary", "BlueGreen", or empty
  std::string step = {};        // "1/4"; empty without steps and for blue-green
  std::int64_t set_weight = 0;  // canary only
  TimePoint created{};
  std::int64_t desired = 0, current = 0, updated = 0, ready = 0, available = 0;
  bool operator==(const RolloutSummary&) const = default;
};
RolloutSummary summarize(const api::Rollout& rollout);

struct RolloutTree : RolloutSummary {
  std::int64_t actual_weight = 0;       // canary only
  std::vector<ImageUse> images;         // sorted by image
  std::vector<RevisionNode> revisions;  // newest first
  bool operator==(const RolloutTree&) const = default;
};
RolloutTree buildRolloutTree(const api::Rollout& rollout, const Objects& objects);

struct ExperimentTree {
  std::string ns;
  ExperimentNode root;
  std::vector<ImageUse> images;
  bool operator==(const ExperimentTree&) const = default;
};
ExperimentTree buildExperimentTree(const api::Experiment& experiment, const Objects& objects);

}  // namespace crossfade::cli
