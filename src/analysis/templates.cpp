#include "analysis/templates.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "analysis/metrics.hpp"
#include "base/go_text.hpp"

namespace crossfade::analysis {

namespace {

// --- collecting (§4.1)
// -------------------------------------------------------------------------------------------------

struct Template {
  std::string name;
  json::object spec;
  api::Malformed malformed;
};
struct Missing {
  api::AnalysisTemplateRef reference;
  bool nested = false;  // named by another template
};
struct Collected {
  std::vector<Template> namespaced, cluster;
  std::optional<Missing> missing;

  // Every template in the order in which the parts are put together.
  std::vector<const Template*> all() const {
    std::vector<const Template*> templates;
    templates.reserve(namespaced.size() + cluster.size());
    for (const Template& one : namespaced) templates.push_back(&one);
    for (const Template& one : cluster) templates.push_back(&one);
    return templates;
  }
};

api::AnalysisTemplateRef referenceIn(const json::object& object) {
  return {std::string(getString(object, {"templateName"})), getBool(object, {"clusterScope"})};
}

std::vector<api::AnalysisTemplateRef> referencesIn(const json::object& spec) {
  std::vector<api::AnalysisTemplateRef> references;
  const json::array* list = getArray(spec, {"templates"});
  if (list == nullptr) return references;
  for (const json::value& item : *list) {
    if (const json::object* reference = item.if_object()) references.push_back(referenceIn(*reference));
  }
  return references;
}

// Depth first, each template once: a template that was met before has brought its own references along already, so a
// cycle ends by itself.
Collected collect(const std::vector<api::AnalysisTemplateRef>& references, const TemplateLookup& lookup) {
  struct Pending {
    api::AnalysisTemplateRef reference;
    bool nested;
  };
  Collected collected;
  std::set<std::pair<bool, std::string>> met;
  std::vector<Pending> pending;
  const auto push = [&](const std::vector<api::AnalysisTemplateRef>& list, bool nested) {
    for (auto reference = list.rbegin(); reference != list.rend(); ++reference) pending.push_back({*reference, nested});
  };
  push(references, false);
  while (!pending.empty()) {
    const Pending next = std::move(pending.back());
    pending.pop_back();
    if (!met.emplace(next.reference.cluster_scope, next.reference.name).second) continue;
    const auto found = lookup(next.reference.name, next.reference.cluster_scope);
    if (found == nullptr) {
      collected.missing = Missing{next.reference, next.nested};
      return collected;
    }
    auto& list = next.reference.cluster_scope ? collected.cluster : collected.namespaced;
    list.push_back({next.reference.name, found->spec.object(), found->malformed});
    push(referencesIn(list.back().spec), true);
  }
  return collected;
}

// --- putting together (§4.2, §4.3)
// -------------------------------------------------------------------------------------

// The objects of a list, in order; anything else in it is skipped.
std::vector<json::object> objectsOf(const json::array* list) {
  std::vector<json::object> objects;
  if (list == nullptr) return objects;
  for (const json::value& item : *list) {
    if (const json::object* object = item.if_object()) objects.push_back(*object);
  }
  return objects;
}

// Appends `more` to `list`; fails when two elements have the same text in `member`.
Result<> append(json::array& list, const std::vector<json::object>& more, std::string_view member,
                std::string_view what) {
  for (const json::object& object : more) {
    const std::string_view name = getString(object, {member});
    for (const json::value& other : list) {
      if (getString(*other.if_object(), {member}) == name) {
        return fail(ErrorCode::invalid, fmt::format("two {} have the same name '{}'", what, name));
      }
    }
    list.push_back(object);
  }
  return {};
}
Result<> appendMetrics(json::array& list, const std::vector<json::object>& more) {
  return append(list, more, "name", "metrics");
}
Result<> appendDryRun(json::array& list, const std::vector<json::object>& more) {
  return append(list, more, "metricName", "Dry-Run metric rules");
}
Result<> appendRetention(json::array& list, const std::vector<json::object>& more) {
  return append(list, more, "metricName", "Measurement Retention metric rules");
}

const json::value* present(const json::object& object, std::string_view member) {
  const json::value* value = object.if_contains(member);
  return value == nullptr || value->is_null() ? nullptr : value;
}
bool isResolved(const json::object& argument) {
  return present(argument, "value") != nullptr || present(argument, "valueFrom") != nullptr;
}

json::object* findArgument(json::array& arguments, std::string_view name) {
  for (json::value& item : arguments) {
    if (getString(*item.if_object(), {"name"}) == name) return item.if_object();
  }
  return nullptr;
}

Result<> appendArguments(json::array& arguments, const std::vector<json::object>& more) {
  for (const json::object& later : more) {
    const std::string_view name = getString(later, {"name"});
    json::object* earlier = findArgument(arguments, name);
    if (earlier == nullptr) {
      arguments.push_back(later);
    } else if (present(*earlier, "value") != nullptr) {
      const std::string_view ours = getString(*earlier, {"value"}), theirs = getString(later, {"value"});
      if (present(later, "value") != nullptr && ours != theirs) {
        return fail(ErrorCode::invalid,
                    fmt::format("Argument `{}` specified multiple times with different values: '{}', '{}'", name, ours,
                                theirs));
      }
    } else if (isResolved(later) || !isResolved(*earlier)) {
      // A bare declaration does not take away where the earlier one finds its value.
      *earlier = later;
    }
  }
  return {};
}

struct Flat {
  json::array metrics, dry_run, retention, arguments;
};
Result<Flat> flatten(const std::vector<const Template*>& templates) {
  Flat flat;
  using Part = Result<> (*)(json::array&, const std::vector<json::object>&);
  struct Step {
    std::string_view member;
    json::array* list;
    Part append;
  };
  const std::array<Step, 4> steps{{{"metrics", &flat.metrics, appendMetrics},
                                   {"dryRun", &flat.dry_run, appendDryRun},
                                   {"measurementRetention", &flat.retention, appendRetention},
                                   {"args", &flat.arguments, appendArguments}}};
  for (const Step& step : steps) {
    for (const Template* one : templates) {
      const auto added = step.append(*step.list, objectsOf(getArray(one->spec, {step.member})));
      if (!added) return std::unexpected(added.error());
    }
  }
  return flat;
}

using Arguments = std::vector<std::pair<std::string, std::string>>;

// spec/06 §3.3. The caller's value takes the place of wherever the template found one (§18 D10).
Result<> mergeArguments(json::array& arguments, const Arguments& incoming) {
  for (const auto& [name, value] : incoming) {
    if (json::object* argument = findArgument(arguments, name)) {
      (*argument)["value"] = value;
      if (auto* from = argument->find("valueFrom"); from != argument->end()) argument->stable_erase(from);
    }
  }
  for (const json::value& argument : arguments) {
    if (isResolved(*argument.if_object())) continue;
    return fail(ErrorCode::invalid,
                fmt::format("args.{} was not resolved", getString(*argument.if_object(), {"name"})));
  }
  return {};
}

Result<json::object> buildSpec(const std::vector<const Template*>& templates, const Arguments& args,
                               const json::array& dry_run, const json::array& retention) {
  auto flat = flatten(templates);
  if (!flat) return std::unexpected(flat.error());
  if (const auto merged = mergeArguments(flat->arguments, args); !merged) return std::unexpected(merged.error());
  json::array all_dry_run, all_retention;
  for (const json::array* rules : {&dry_run, &std::as_const(flat->dry_run)}) {
    const auto added = appendDryRun(all_dry_run, objectsOf(rules));
    if (!added) return std::unexpected(added.error());
  }
  for (const json::array* rules : {&retention, &std::as_const(flat->retention)}) {
    const auto added = appendRetention(all_retention, objectsOf(rules));
    if (!added) return std::unexpected(added.error());
  }

  json::object spec{{"metrics", std::move(flat->metrics)}};
  if (!flat->arguments.empty()) spec["args"] = std::move(flat->arguments);
  if (!all_dry_run.empty()) spec["dryRun"] = std::move(all_dry_run);
  if (!all_retention.empty()) spec["measurementRetention"] = std::move(all_retention);
  return spec;
}

// --- validation of a Rollout's references (§16)
// ------------------------------------------------------------------------

struct Use {
  std::string path;
  const api::Analysis* analysis;
  bool background = false;
};

// In the order in which they are checked.
std::vector<Use> usesOf(const api::Rollout& rollout) {
  std::vector<Use> uses;
  const auto add = [&](std::string path, const Boxed<api::Analysis>& analysis, bool background = false) {
    if (analysis && !analysis->templates.empty()) uses.push_back({std::move(path), &*analysis, background});
  };
  if (const auto& blue_green = rollout.spec.blue_green) {
    add("spec.strategy.blueGreen.prePromotionAnalysis.templates", blue_green->pre_promotion_analysis);
    add("spec.strategy.blueGreen.postPromotionAnalysis.templates", blue_green->post_promotion_analysis);
  } else if (const auto& canary = rollout.spec.canary) {
    for (std::size_t i = 0; i < canary->steps.size(); ++i) {
      add(fmt::format("spec.strategy.canary.steps[{}].analysis.templates", i), canary->steps[i].analysis);
    }
    add("spec.strategy.canary.analysis.templates", canary->analysis, true);
  }
  return uses;
}

std::string fieldError(std::string_view path, std::string_view bad_value, std::string_view detail) {
  return fmt::format("{}: Invalid value: {}: {}", path, go::quote(bad_value), detail);
}

json::array arrayOf(const api::Carried& carried) {
  const json::value value = carried.value();
  const json::array* array = value.if_array();
  return array == nullptr ? json::array() : *array;
}

// Values don't matter in a trial, only which arguments are given.
Arguments trialArguments(const api::Analysis& analysis) {
  Arguments args;
  for (const api::AnalysisArgument& argument : analysis.args) args.emplace_back(argument.name, argument.value);
  return args;
}

// Why no run could be built for this use.
std::optional<std::string> trialProblem(const api::Analysis& analysis, const std::vector<const Template*>& templates) {
  const auto built = buildSpec(templates, trialArguments(analysis), arrayOf(analysis.dry_run),
                               arrayOf(analysis.measurement_retention));
  return built ? std::nullopt : std::optional(built.error().message);
}

// A template that ends by itself needs its arguments and a count. `dummy-value` stands for arguments without a default.
std::optional<std::string> templateProblem(const Template& one) {
  const api::AnalysisRun run = api::decodeAnalysisRun({{"spec", one.spec}});
  ArgumentValues values;
  for (const api::Argument& argument : run.args) {
    if (argument.value && (!argument.secret_name.empty() || argument.field_ref)) {
      return fmt::format("AnalysisTemplate {}: arg '{}' has both Value and ValueFrom fields", one.name, argument.name);
    }
    values.emplace_back(argument.name, argument.value.value_or("dummy-value"));
  }
  for (const api::Metric& metric : run.metrics) {
    const auto filled = fillIn(metric, values);
    if (!filled) return fmt::format("AnalysisTemplate {}: {}", one.name, filled.error().message);
    if (effectiveCount(*filled)) continue;
    return fmt::format("AnalysisTemplate {} has metric {} which runs indefinitely. Invalid value for count: {}",
                       one.name, filled->name, filled->count.empty() ? "<nil>" : filled->count);
  }
  return std::nullopt;
}

std::optional<std::string> missingArgument(const Template& one, const api::Analysis& analysis) {
  for (const json::object& argument : objectsOf(getArray(one.spec, {"args"}))) {
    if (isResolved(argument)) continue;
    if (analysis.args.empty()) return "missing analysis arguments in rollout spec";
    std::string name(getString(argument, {"name"}));
    if (std::ranges::find(analysis.args, name, &api::AnalysisArgument::name) == analysis.args.end()) return name;
  }
  return std::nullopt;
}

// What can't be read of a template would be missing in its runs.
std::optional<std::string> unreadable(const Template& one) {
  if (one.malformed.empty()) return std::nullopt;
  return fmt::format("AnalysisTemplate {}: {}", one.name, fmt::join(one.malformed, "; "));
}

std::string notFound(std::string_view path, const api::AnalysisTemplateRef& reference) {
  return fieldError(
      path, reference.name,
      fmt::format("{}AnalysisTemplate '{}' not found", reference.cluster_scope ? "Cluster" : "", reference.name));
}

std::optional<std::string> useProblem(const Use& use, const TemplateLookup& lookup) {
  const Collected collected = collect(use.analysis->templates, lookup);
  const std::vector<const Template*> templates = collected.all();
  const auto firstOf = [&](auto problemOf) -> std::optional<std::string> {
    for (const Template* one : templates)
      if (const auto problem = problemOf(*one)) return fieldError(use.path, one->name, *problem);
    return std::nullopt;
  };
  if (auto problem = firstOf(unreadable)) return problem;
  // What a background lacks has words of its own; the trial would only say that something wasn't resolved.
  if (use.background && flatten(templates)) {
    const auto lacking = [&](const Template& one) { return missingArgument(one, *use.analysis); };
    if (auto problem = firstOf(lacking)) return problem;
  }
  if (const auto problem = trialProblem(*use.analysis, templates)) {
    std::string names;
    for (const Template* one : templates) names += (names.empty() ? "" : " ") + one->name;
    return fieldError(use.path, fmt::format("templateNames: [{}]", names), *problem);
  }
  return use.background ? std::nullopt : firstOf(templateProblem);
}

}  // namespace

Result<json::object> runSpec(const std::vector<api::AnalysisTemplateRef>& templates, const TemplateLookup& lookup,
                             const std::vector<std::pair<std::string, std::string>>& args, const json::array& dry_run,
                             const json::array& measurement_retention) {
  const Collected collected = collect(templates, lookup);
  if (collected.missing) {
    const auto& [name, cluster_scope] = collected.missing->reference;
    return fail(ErrorCode::not_found, fmt::format("{}analysistemplate.argoproj.io {} not found",
                                                  cluster_scope ? "cluster" : "", go::quote(name)));
  }
  const std::vector<const Template*> all = collected.all();
  for (const Template* one : all) {
    if (const auto problem = unreadable(*one)) return fail(ErrorCode::invalid, *problem);
  }
  return buildSpec(all, args, dry_run, measurement_retention);
}

std::optional<std::string> missingTemplate(const api::Rollout& rollout, const TemplateLookup& lookup) {
  for (const Use& use : usesOf(rollout)) {
    const Collected collected = collect(use.analysis->templates, lookup);
    if (!collected.missing) continue;
    return notFound(collected.missing->nested ? "spec.templates" : use.path, collected.missing->reference);
  }
  return std::nullopt;
}

std::optional<std::string> validateTemplates(const api::Rollout& rollout, const TemplateLookup& lookup) {
  for (const Use& use : usesOf(rollout)) {
    if (auto problem = useProblem(use, lookup)) return problem;
  }
  if (!rollout.spec.canary) return std::nullopt;
  for (std::size_t i = 0; i < rollout.spec.canary->steps.size(); ++i) {
    const json::object experiment = rollout.spec.canary->steps[i].experiment.object();
    const std::vector<json::object> analyses = objectsOf(getArray(experiment, {"analyses"}));
    for (std::size_t j = 0; j < analyses.size(); ++j) {
      const api::AnalysisTemplateRef reference = referenceIn(analyses[j]);
      if (lookup(reference.name, reference.cluster_scope)) continue;
      return notFound(fmt::format("spec.strategy.canary.steps[{}].experiment.analyses[{}].templateName", i, j),
                      reference);
    }
  }
  return std::nullopt;
}

}  // namespace crossfade::analysis
