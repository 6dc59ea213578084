#include "cli/tree.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/human.hpp"
#include "cli/icons.hpp"
#include "cli/table.hpp"

namespace crossfade::cli {
namespace {

// --- the header ------------------------------------------------------------------------------------------------------

void addField(std::vector<std::string>& lines, std::string label, std::string_view value) {
  constexpr std::size_t label_width = 17;
  lines.push_back(padded(std::move(label), label_width).append(value));
}
void addField(std::vector<std::string>& lines, std::string label, std::int64_t value) {
  addField(lines, std::move(label), std::to_string(value));
}

Colour tagColour(std::string_view tag) {
  if (tag == "canary") return Colour::yellow;
  if (tag == "stable" || tag == "active") return Colour::green;
  if (tag == "preview" || tag == "ping" || tag == "pong") return Colour::blue;
  return Colour::none;
}

void addImages(std::vector<std::string>& lines, const std::vector<ImageUse>& images, const Painter& painter) {
  std::string label = "Images:";
  for (const ImageUse& use : images) {
    std::vector<std::string> tags;
    for (const std::string& tag : use.tags) tags.push_back(painter.paint(tag, tagColour(tag)));
    addField(lines, std::exchange(label, ""),
             tags.empty() ? use.image : fmt::format("{} ({})", use.image, fmt::join(tags, ", ")));
  }
}

// --- the tree --------------------------------------------------------------------------------------------------------

// Collects the rows of the table. `prefix` is what stands before the children of a row.
class TreeTable {
 public:
  TreeTable(TimePoint now, bool colour) : now_(now), painter_(colour) {
    rows_.push_back({"NAME", "KIND", "STATUS", "AGE", "INFO"});
  }

  std::vector<std::string> lines() const { return layOut(rows_); }

  void add(const RolloutTree& tree) {
    addRow("⟳ " + tree.name, "Rollout", rolloutIcon(tree.phase.status), tree.phase.status, tree.created, "");
    Branch branch("", tree.revisions.size());
    for (const RevisionNode& revision : tree.revisions) {
      const std::string fork = branch.next();
      rows_.push_back({fmt::format("{}# revision:{}", fork, revision.number), "", " ", "", ""});
      Branch inner(branch.below(),
                   revision.replica_sets.size() + revision.experiments.size() + revision.analysis_runs.size());
      for (const ReplicaSetNode& node : revision.replica_sets) addReplicaSet(node, inner);
      for (const ExperimentNode& node : revision.experiments) addExperiment(node, inner);
      for (const AnalysisRunNode& node : revision.analysis_runs) addAnalysisRun(node, inner);
    }
  }

  void add(const ExperimentNode& node, std::string_view fork, const std::string& below) {
    addRow(fmt::format("{}Σ {}", fork, painter_.paint(node.name, runColour(node.status))), "Experiment",
           runIcon(node.status), node.status, node.created, "");
    Branch branch(below, node.replica_sets.size() + node.analysis_runs.size());
    for (const ReplicaSetNode& replica_set : node.replica_sets) addReplicaSet(replica_set, branch);
    for (const AnalysisRunNode& run : node.analysis_runs) addAnalysisRun(run, branch);
  }

 private:
  // The children of one row: what is drawn before each of them, and before theirs.
  class Branch {
   public:
    Branch(std::string prefix, std::size_t children) : prefix_(std::move(prefix)), left_(children) {}
    std::string next() {
      --left_;
      return prefix_ + (left_ > 0 ? "├──" : "└──");
    }
    std::string below() const { return prefix_ + (left_ > 0 ? "│  " : "   "); }

   private:
    std::string prefix_;
    std::size_t left_;
  };

  static Colour runColour(std::string_view status) {
    return status == "Pending" || status == "Running" ? Colour::blue : Colour::none;
  }

  void addRow(std::string name, std::string kind, std::string_view icon, const std::string& status,
              std::optional<TimePoint> created, std::string info) {
    rows_.push_back({std::move(name), std::move(kind), painter_.icon(icon) + " " + status,
                     created ? humanDuration(now_ - *created) : "", std::move(info)});
  }

  void addReplicaSet(const ReplicaSetNode& node, Branch& parent) {
    std::vector<std::string> info;
    Colour colour = Colour::none;
    const auto tag = [&](bool applies, std::string_view name) {
      if (!applies) return;
      colour = tagColour(name);
      info.push_back(painter_.paint(name, colour));
    };
    tag(node.roles.stable, "stable");
    tag(node.roles.canary, "canary");
    tag(node.roles.active, "active");
    tag(node.roles.preview, "preview");
    tag(node.roles.ping, "ping");
    tag(node.roles.pong, "pong");
    if (!node.scale_down_deadline.empty()) info.push_back("delay:" + untilDeadline(node.scale_down_deadline));

    const std::string fork = parent.next();
    addRow(fmt::format("{}⧉ {}", fork, painter_.paint(node.name, colour)), "ReplicaSet", replicaSetIcon(node.status),
           node.status, node.created, fmt::format("{}", fmt::join(info, ",")));
    Branch branch(parent.below(), node.pods.size());
    for (const PodNode& pod : node.pods) {
      std::string pod_info = fmt::format("ready:{}/{}", pod.ready, pod.containers);
      if (pod.restarts > 0) pod_info += fmt::format(",restarts:{}", pod.restarts);
      addRow(fmt::format("{}□ {}", branch.next(), pod.name), "Pod", podIcon(pod.status), pod.status, pod.created,
             std::move(pod_info));
    }
  }

  void addExperiment(const ExperimentNode& node, Branch& parent) {
    const std::string fork = parent.next();
    add(node, fork, parent.below());
  }

  void addAnalysisRun(const AnalysisRunNode& node, Branch& parent) {
    std::vector<std::string> info;
    const auto count = [&](std::int64_t number, std::string_view glyph) {
      if (number > 0) info.push_back(fmt::format("{} {}", painter_.icon(glyph), number));
    };
    count(node.successful, "✔");
    count(node.failed, "✖");
    count(node.inconclusive, "?");
    count(node.error, "⚠");
    const std::string fork = parent.next();
    addRow(fmt::format("{}α {}", fork, painter_.paint(node.name, runColour(node.status))), "AnalysisRun",
           runIcon(node.status), node.status, node.created, fmt::format("{}", fmt::join(info, ",")));
    Branch branch(parent.below(), node.jobs.size());
    for (const JobNode& job : node.jobs) {
      addRow(fmt::format("{}⊞ {}", branch.next(), painter_.paint(job.name, runColour(job.status))), "Job",
             runIcon(job.status), job.status, job.created, "");
    }
  }

  std::string untilDeadline(const std::string& deadline) const {
    const auto when = parseTime(deadline);
    if (!when) return "";
    return *when < now_ ? "passed" : humanDuration(*when - now_);
  }

  TimePoint now_;
  Painter painter_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace

std::vector<std::string> drawHeader(const RolloutTree& tree, bool colour) {
  const Painter painter(colour);
  std::vector<std::string> lines;
  addField(lines, "Name:", tree.name);
  addField(lines, "Namespace:", tree.ns);
  addField(lines, "Status:", painter.icon(rolloutIcon(tree.phase.status)) + " " + tree.phase.status);
  if (!tree.phase.message.empty()) addField(lines, "Message:", tree.phase.message);
  addField(lines, "Strategy:", tree.strategy);
  if (tree.strategy == "Canary") {
    addField(lines, "  Step:", tree.step);
    addField(lines, "  SetWeight:", tree.set_weight);
    addField(lines, "  ActualWeight:", tree.actual_weight);
  }
  addImages(lines, tree.images, painter);
  lines.emplace_back("Replicas:");
  addField(lines, "  Desired:", tree.desired);
  addField(lines, "  Current:", tree.current);
  addField(lines, "  Updated:", tree.updated);
  addField(lines, "  Ready:", tree.ready);
  addField(lines, "  Available:", tree.available);
  return lines;
}

std::vector<std::string> drawHeader(const ExperimentTree& tree, bool colour) {
  const Painter painter(colour);
  std::vector<std::string> lines;
  addField(lines, "Name:", tree.root.name);
  addField(lines, "Namespace:", tree.ns);
  addField(lines, "Status:", painter.icon(runIcon(tree.root.status)) + " " + tree.root.status);
  if (!tree.root.message.empty()) addField(lines, "Message:", tree.root.message);
  addImages(lines, tree.images, painter);
  return lines;
}

std::vector<std::string> drawTree(const RolloutTree& tree, TimePoint now, bool colour) {
  TreeTable table(now, colour);
  table.add(tree);
  return table.lines();
}

std::vector<std::string> drawTree(const ExperimentTree& tree, TimePoint now, bool colour) {
  TreeTable table(now, colour);
  table.add(tree.root, "", "");
  return table.lines();
}

}  // namespace crossfade::cli
