// From templates to a run: collecting templates of templates, flattening them, merging arguments. Pure. spec/06 §3, §4.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/analysis.hpp"
#include "api/rollout.hpp"
#include "base/result.hpp"

namespace crossfade::analysis {

// Looks a template up; null when there is none.
using TemplateLookup =
    std::function<std::shared_ptr<const api::AnalysisTemplate>(std::string_view name, bool cluster_scope)>;

// `spec` of an AnalysisRun from the templates named (and those that they name), with `args` merged into theirs, and the
// caller's dryRun and measurementRetention first. Errors in the words of spec/06 §4 and §16.
Result<json::object> runSpec(const std::vector<api::AnalysisTemplateRef>& templates, const TemplateLookup& lookup,
                             const std::vector<std::pair<std::string, std::string>>& args, const json::array& dry_run,
                             const json::array& measurement_retention);

// Of the templates that a Rollout refers to, as texts behind `The Rollout "x" is invalid: `: the first that isn't
// there, and the first thing that is wrong with the others. The templates of an experiment's analyses are only missed
// after all that. spec/01 §6.7, §6.8, §6.10, spec/06 §16.
std::optional<std::string> missingTemplate(const api::Rollout& rollout, const TemplateLookup& lookup);
std::optional<std::string> validateTemplates(const api::Rollout& rollout, const TemplateLookup& lookup);

}  // namespace crossfade::analysis
