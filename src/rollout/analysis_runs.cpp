// Which AnalysisRuns a Rollout should have, and what their verdicts mean to it. spec/06 §14, §15; spec/03 §10; spec/04
// §17.
#include "rollout/analysis_runs.hpp"

#include <algorithm>
#include <set>

#include "api/names.hpp"
#include "rollout/blue_green.hpp"

namespace crossfade::rollout {
namespace {

constexpr std::string_view inconclusive_pause = "InconclusiveAnalysisRun";

// Asks an unfinished run to stop; null and finished runs are left alone.
void terminateRun(Draft& draft, const RunRef& run) {
  if (!run) return;
  for (RunRef& live : draft.world.runs) {
    if (live->metadata.name != run->metadata.name) continue;
    if (live->terminate || live->metadata.deleted || api::isCompletedPhase(live->status.phase)) return;
    auto stopped = std::make_shared<api::AnalysisRun>(*live);
    stopped->terminate = true;
    live = std::move(stopped);
    draft.act(TerminateAnalysisRun{run->metadata.name});
    return;
  }
}

// spec/06 §14, 1.
bool isCancelled(const Facts& facts, const Draft& draft) {
  return isFullyPromoted(facts) || isAborted(facts, draft) || facts.status.promote_full || isFastRollback(facts) ||
         facts.status.stable_rs.empty();
}

// spec/06 §14.1.
bool needsNew(const Facts& facts, const RunRef& current) {
  if (!current) return true;
  const bool resumed = facts.status.controller_pause && !hasPause(facts.status, "CanaryPauseStep") &&
                       !hasPause(facts.status, "BlueGreenPause");
  return resumed ? current->status.phase == "Inconclusive" : facts.status.aborted_at.has_value();
}

// What a run's end does to the Rollout. spec/06 §15.5. `use`: "Background analysis" and the like.
void applyVerdict(Draft& draft, const RunRef& run, std::string_view use) {
  if (!run) return;
  const std::string& phase = run->status.phase;
  if (phase == "Inconclusive") draft.pause(std::string(inconclusive_pause));
  if (phase != "Failed" && phase != "Error") return;
  std::string message = fmt::format("{} phase error/failed", use);
  if (!run->status.message.empty()) message += ": " + run->status.message;
  draft.abort(std::move(message));
}

// The current run, or the one that has to take its place. A verdict counts only for a run that stays.
RunRef keepOrRenew(const Facts& facts, Draft& draft, const RunRef& current, RunKind kind, const api::Analysis& analysis,
                   std::optional<std::int64_t> step_index, std::string_view use) {
  if (hasPause(facts.status, inconclusive_pause)) return current;
  if (needsNew(facts, current)) return createRun(facts, draft, kind, analysis, step_index);
  applyVerdict(draft, current, use);
  return current;
}

std::optional<std::int64_t> stepIndex(const Facts& facts) {
  const auto& steps = facts.spec().canary->steps;
  const std::int64_t index = facts.status.current_step_index.value_or(0);
  if (index < 0 || index >= std::ssize(steps)) return std::nullopt;
  return index;
}

// --- the four uses (spec/06 §15) ---

RunRef reconcileStep(const Facts& facts, Draft& draft, const RunRef& current) {
  if (!facts.status.pause_conditions.empty() || facts.status.abort) return current;
  const auto index = stepIndex(facts);
  const api::Step* step = index ? &facts.spec().canary->steps[*index] : nullptr;
  const bool of_other_step =
      current && index && current->metadata.label(api::step_index_label) != std::to_string(*index);
  if (!step || !isConfigured(step->analysis) || of_other_step) {
    terminateRun(draft, current);
    return nullptr;
  }
  return keepOrRenew(facts, draft, current, RunKind::step, *step->analysis, index, "Step-based analysis");
}

RunRef reconcileBackground(const Facts& facts, Draft& draft, const RunRef& current) {
  const api::Canary& canary = *facts.spec().canary;
  if (!isConfigured(canary.analysis)) {
    terminateRun(draft, current);
    return nullptr;
  }
  const bool too_early = canary.analysis->starting_step && !canary.steps.empty() &&
                         facts.status.current_step_index.value_or(0) < *canary.analysis->starting_step;
  if (facts.status.current_pod_hash.empty() || too_early) return nullptr;
  return keepOrRenew(facts, draft, current, RunKind::background, *canary.analysis, std::nullopt, "Background analysis");
}

// Before or after the active Service is switched. A run that is out of place keeps its entry in the status.
RunRef reconcilePromotion(const Facts& facts, Draft& draft, const RunRef& current, RunKind kind,
                          const Boxed<api::Analysis>& analysis, bool due, std::string_view use) {
  if (!isConfigured(analysis)) {
    terminateRun(draft, current);
    return nullptr;
  }
  if (!due) {
    terminateRun(draft, current);
    return current;
  }
  return keepOrRenew(facts, draft, current, kind, *analysis, std::nullopt, use);
}

// --- the status and the events ---

Boxed<api::RunStatus> entryOf(const RunRef& run) {
  if (!run) return std::nullopt;
  return api::RunStatus{run->metadata.name, run->status.phase, run->status.message};
}

// A cancelled blue-green run stays on record, even where the object is gone.
Boxed<api::RunStatus> recordOf(const Facts& facts, const Boxed<api::RunStatus>& recorded) {
  const RunRef run = recorded ? facts.run(recorded->name) : nullptr;
  return run ? entryOf(run) : recorded;
}

// spec/06 §14.2.
void announce(Draft& draft, std::string_view kind, const Boxed<api::RunStatus>& before,
              const Boxed<api::RunStatus>& after) {
  if (!after || after->status.empty()) return;
  if (before && (before->name != after->name || before->status == after->status)) return;
  const bool warning = after->status == "Failed" || after->status == "Error";
  draft.note(warning, "AnalysisRun" + after->status,
             fmt::format("{} Analysis Run '{}' Status New: '{}' Previous: '{}'", kind, after->name, after->status,
                         before ? before->status : "NoPreviousStatus"));
}

void announceAll(const Facts& facts, Draft& draft, const AnalysisOutcome& outcome) {
  const auto& blue_green = facts.status.blue_green;
  const auto& canary = facts.status.canary;
  announce(draft, "PostPromotion", blue_green.post_promotion_analysis_run, outcome.post_promotion);
  announce(draft, "PrePromotion", blue_green.pre_promotion_analysis_run, outcome.pre_promotion);
  announce(draft, "Step", canary.current_step_analysis_run, outcome.step);
  announce(draft, "Background", canary.current_background_analysis_run, outcome.background);
}

// --- runs that are history ---

// Those that no member of the status names (anymore).
std::vector<RunRef> otherRuns(const Facts& facts, const Draft& draft, const std::vector<RunRef>& current) {
  std::vector<RunRef> others;
  for (const RunRef& run : draft.world.runs) {
    const bool is_current = std::ranges::any_of(
        current, [&](const RunRef& one) { return one && one->metadata.name == run->metadata.name; });
    if (!is_current && isOwn(facts, run->metadata)) others.push_back(run);
  }
  return others;
}

void deleteRun(Draft& draft, const RunRef& run) {
  if (run->metadata.deleted) return;
  std::erase_if(draft.world.runs, [&](const RunRef& live) { return live->metadata.name == run->metadata.name; });
  draft.act(DeleteAnalysisRun{run->metadata.name});
}

std::vector<RunRef> recordedRuns(const Facts& facts) {
  std::vector<RunRef> runs;
  for (const auto* entry :
       {&facts.status.canary.current_step_analysis_run, &facts.status.canary.current_background_analysis_run,
        &facts.status.blue_green.pre_promotion_analysis_run, &facts.status.blue_green.post_promotion_analysis_run})
    if (const RunRef run = *entry ? facts.run((*entry)->name) : nullptr) runs.push_back(run);
  return runs;
}

}  // namespace

AnalysisOutcome reconcileAnalysis(const Facts& facts, Draft& draft) {
  AnalysisOutcome outcome;
  std::vector<RunRef> current = recordedRuns(facts);
  const auto recorded = [&](const Boxed<api::RunStatus>& entry) { return entry ? facts.run(entry->name) : nullptr; };
  if (isCancelled(facts, draft)) {
    for (const RunRef& run : current) terminateRun(draft, run);
    if (!isCanary(facts)) {
      outcome.pre_promotion = recordOf(facts, facts.status.blue_green.pre_promotion_analysis_run);
      outcome.post_promotion = recordOf(facts, facts.status.blue_green.post_promotion_analysis_run);
    }
  } else if (isCanary(facts)) {
    const RunRef step = reconcileStep(facts, draft, recorded(facts.status.canary.current_step_analysis_run));
    const RunRef background =
        reconcileBackground(facts, draft, recorded(facts.status.canary.current_background_analysis_run));
    outcome.step = entryOf(step);
    outcome.background = entryOf(background);
    current.insert(current.end(), {step, background});
  } else {
    const api::BlueGreen& blue_green = *facts.spec().blue_green;
    const RunRef pre = reconcilePromotion(facts, draft, prePromotionRun(facts), RunKind::pre_promotion,
                                          blue_green.pre_promotion_analysis, isPrePromotionDue(facts),
                                          "Blue/green pre-promotion analysis");
    const RunRef post = reconcilePromotion(facts, draft, postPromotionRun(facts), RunKind::post_promotion,
                                           blue_green.post_promotion_analysis, isPostPromotionDue(facts),
                                           "Blue/green post-promotion analysis");
    outcome.pre_promotion = entryOf(pre);
    outcome.post_promotion = entryOf(post);
    current.insert(current.end(), {pre, post});
  }
  announceAll(facts, draft, outcome);
  for (const RunRef& run : otherRuns(facts, draft, current)) terminateRun(draft, run);
  for (const RunRef& run :
       outdated(facts, otherRuns(facts, draft, current), [](const api::AnalysisRun& one) { return one.status.phase; }))
    deleteRun(draft, run);
  return outcome;
}

void deleteRunsOf(const Facts& facts, Draft& draft, std::string_view hash) {
  for (const RunRef& run : otherRuns(facts, draft, recordedRuns(facts)))
    if (run->metadata.label(api::hash_label) == hash) deleteRun(draft, run);
  std::vector<ExperimentRef> kept;
  for (const ExperimentRef& experiment : draft.world.experiments) {
    const bool goes = experiment->metadata.label(api::hash_label) == hash && isOwn(facts, experiment->metadata) &&
                      experiment->metadata.name != facts.status.canary.current_experiment &&
                      !experiment->metadata.deleted;
    if (goes)
      draft.act(DeleteExperiment{experiment->metadata.name});
    else
      kept.push_back(experiment);
  }
  draft.world.experiments = std::move(kept);
}

}  // namespace crossfade::rollout
