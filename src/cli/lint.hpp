// What is wrong with manifests, found without a cluster. spec/10 §3.12; beyond it: AnalysisTemplates and AnalysisRuns
// with their conditions, and what Rollouts say to the templates among the same files.
#pragma once
#include <string>
#include <vector>

#include "cli/manifests.hpp"

namespace crossfade::cli {

struct Finding {
  std::string path, body;  // "spec.strategy.maxSurge", "Invalid value: 0: …"
  std::string place;       // "rollout.yaml:12:7"
  // The files alone can't tell: what is missing may be in the cluster.
  bool warning = false;
};

// In the order of the documents. Requires that each of them fits its type (strictMisfit()).
std::vector<Finding> lint(const std::vector<Manifest>& manifests);

// The parts.
std::vector<Finding> lintRollout(const Manifest& manifest, const std::vector<Manifest>& all);
std::vector<Finding> lintAnalysis(const Manifest& manifest, const std::vector<Manifest>& all);

// The template of that name among the manifests; null when there is none.
const Manifest* findTemplate(const std::vector<Manifest>& all, std::string_view name, bool cluster_scope);
// A finding from a text "path: body".
Finding findingAt(const Manifest& manifest, std::string_view text);

}  // namespace crossfade::cli
