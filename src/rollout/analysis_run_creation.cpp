// From an analysis in a Rollout's spec to the AnalysisRun that is asked for. spec/06 §3.1, §3.2, §13.
#include <algorithm>

#include "api/names.hpp"
#include "rollout/analysis_runs.hpp"
#include "rollout/field_path.hpp"
#include "rollout/identity.hpp"

namespace crossfade::rollout {
namespace {

// A run's name is tried with so many suffixes at most; a Rollout that has more runs of one revision has other worries.
constexpr int max_suffix = 1000;

std::string_view typeLabel(RunKind kind) {
  switch (kind) {
    case RunKind::step:
      return "Step";
    case RunKind::background:
      return "Background";
    case RunKind::pre_promotion:
      return "PrePromotion";
    case RunKind::post_promotion:
      return "PostPromotion";
  }
  return {};
}

std::string baseName(const Facts& facts, const Draft& draft, RunKind kind, std::optional<std::int64_t> step_index) {
  std::string name = fmt::format("{}-{}-{}", facts.name(), facts.newHash(), draft.world.revision);
  if (kind == RunKind::pre_promotion) name += "-pre";
  if (kind == RunKind::post_promotion) name += "-post";
  if (step_index) name += fmt::format("-{}", *step_index);
  return name;
}

Labels labelsOf(const Facts& facts, RunKind kind, const api::Analysis& analysis, std::optional<std::int64_t> step) {
  Labels fixed = {{std::string(api::hash_label), std::string(facts.newHash())},
                  {std::string(api::rollout_type_label), std::string(typeLabel(kind))}};
  if (step) fixed[std::string(api::step_index_label)] = std::to_string(*step);
  if (const auto id = facts.rollout.metadata.label(api::instance_id_label); !id.empty())
    fixed[std::string(api::instance_id_label)] = id;
  Labels labels = analysis.run_labels;
  if (facts.desired.selector)
    for (const auto& [key, value] : labelsFromJson(getObject(*facts.desired.selector, {"matchLabels"})))
      labels[key] = value;
  // Runs are found again by these: nobody may overwrite them. spec/06 §20, 14.
  for (const auto& [key, value] : fixed) labels[key] = value;
  return labels;
}

json::object metadataOf(const Facts& facts, const Draft& draft, const Labels& labels, const api::Analysis& analysis) {
  json::object annotations{{api::revision_annotation, std::to_string(draft.world.revision)}};
  for (const auto& [key, value] : analysis.run_annotations) annotations[key] = value;
  return {{"labels", labelsToJson(labels)},
          {"annotations", std::move(annotations)},
          {"ownerReferences", json::array{ownerReference(facts.rollout)}}};
}

json::object metadataOnly(const api::Metadata& metadata) {
  return {{"metadata", json::object{{"name", metadata.name},
                                    {"namespace", metadata.ns},
                                    {"uid", metadata.uid},
                                    {"labels", labelsToJson(metadata.labels)},
                                    {"annotations", labelsToJson(metadata.annotations)}}}};
}

// Fills the arguments; false, with the failure said, when one can't be resolved.
bool resolveArguments(const Facts& facts, Draft& draft, const api::Analysis& analysis, CreateAnalysisRun& run) {
  for (const api::AnalysisArgument& argument : analysis.args) {
    auto resolved = resolveArgument(facts, draft, argument);
    if (!resolved) return false;
    if (resolved->path.empty())
      run.args.emplace_back(argument.name, std::move(resolved->value));
    else
      run.field_args.emplace_back(argument.name, std::move(resolved->path));
  }
  return true;
}

json::array listOf(const api::Carried& carried) {
  json::value value = carried.value();
  return value.is_array() ? std::move(value.get_array()) : json::array();
}

// A run that was created for this very purpose by a pass whose status was lost. Whether the templates and arguments are
// still those that it was made from only the shell can tell: it is asked to make it again.
bool canTakeOver(const Facts& facts, const api::AnalysisRun& run, const Labels& labels) {
  return !facts.snapshot.taken_names.contains(run.metadata.name) && isOwn(facts, run.metadata) &&
         !api::isCompletedPhase(run.status.phase) && !run.terminate && !run.metadata.deleted &&
         run.metadata.labels == labels;
}

}  // namespace

std::optional<ResolvedArgument> resolveArgument(const Facts& facts, Draft& draft,
                                                const api::AnalysisArgument& argument) {
  if (argument.pod_template_hash_value == "Latest") return ResolvedArgument{std::string(facts.newHash()), {}};
  if (argument.pod_template_hash_value == "Stable") {
    if (const api::ReplicaSet* stable = facts.stableRs()) return ResolvedArgument{std::string(stable->hash()), {}};
    draft.failure = fmt::format("argument {} asks for the stable ReplicaSet's hash, and there is none", argument.name);
    return std::nullopt;
  }
  if (!argument.pod_template_hash_value.empty() || argument.field_path.empty())
    return ResolvedArgument{argument.value, {}};
  if (!argument.field_path.starts_with("metadata")) return ResolvedArgument{{}, argument.field_path};
  auto field = fieldOfRollout(metadataOnly(facts.rollout.metadata), argument.field_path);
  if (field) return ResolvedArgument{std::move(*field), {}};
  draft.failure = fmt::format("argument {}: {}", argument.name, field.error().message);
  return std::nullopt;
}

RunRef createRun(const Facts& facts, Draft& draft, RunKind kind, const api::Analysis& analysis,
                 std::optional<std::int64_t> step_index) {
  CreateAnalysisRun create;
  create.kind = kind;
  if (!resolveArguments(facts, draft, analysis, create)) return nullptr;
  const Labels labels = labelsOf(facts, kind, analysis, step_index);
  const std::string base = baseName(facts, draft, kind, step_index);
  RunRef earlier;
  for (int suffix = 0; suffix < max_suffix && !earlier; ++suffix) {
    create.name = suffix == 0 ? base : fmt::format("{}.{}", base, suffix);
    const auto taken =
        std::ranges::find_if(draft.world.runs, [&](const RunRef& run) { return run->metadata.name == create.name; });
    if (taken == draft.world.runs.end()) break;
    if (canTakeOver(facts, **taken, labels)) earlier = *taken;
  }
  create.metadata = metadataOf(facts, draft, labels, analysis);
  for (const api::AnalysisTemplateRef& reference : analysis.templates)
    create.templates.push_back({reference.name, reference.cluster_scope});
  create.dry_run = listOf(analysis.dry_run);
  create.measurement_retention = listOf(analysis.measurement_retention);

  if (earlier) {
    draft.act(std::move(create));
    return earlier;
  }
  auto run = std::make_shared<api::AnalysisRun>();
  run->metadata.ns = facts.rollout.metadata.ns;
  run->metadata.name = create.name;
  run->metadata.created = facts.now;
  run->metadata.labels = labels;
  run->metadata.controller = api::OwnerRef{"Rollout", facts.name(), facts.rollout.metadata.uid};
  draft.world.runs.push_back(run);
  draft.act(std::move(create));
  return run;
}

}  // namespace crossfade::rollout
