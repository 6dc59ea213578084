// The AnalysisRuns and Experiments of a Rollout, one by one: what the files of these subjects share. spec/06 §13, §14;
// spec/09 §16.
#pragma once
#include <algorithm>
#include <tuple>
#include <vector>

#include "api/names.hpp"
#include "rollout/pass.hpp"

namespace crossfade::rollout {

// Makes a run for this analysis: under its name, or (where an older run has it) under the next free one; an unfinished
// run of its own under that name is taken over. Empty, with draft.failure set, when an argument can't be resolved.
RunRef createRun(const Facts& facts, Draft& draft, RunKind kind, const api::Analysis& analysis,
                 std::optional<std::int64_t> step_index);

// What an argument stands for: a value, or the place in the live Rollout where the shell finds it (then `path` is set).
struct ResolvedArgument {
  std::string value, path;
};
// spec/06 §3.2. Empty, with draft.failure set, when there is nothing that it could stand for.
std::optional<ResolvedArgument> resolveArgument(const Facts& facts, Draft& draft,
                                                const api::AnalysisArgument& argument);

// The Rollout made it.
inline bool isOwn(const Facts& facts, const api::Metadata& metadata) {
  return metadata.controller && metadata.controller->uid == facts.rollout.metadata.uid;
}

// Of runs or Experiments that are history those that are to be deleted: their ReplicaSet is gone, or newer ones that
// ended alike fill the limits. spec/06 §14 step 6, spec/09 §16.2. `phase_of` takes an element.
template <class Ref, class PhaseOf>
std::vector<Ref> outdated(const Facts& facts, std::vector<Ref> history, PhaseOf phase_of) {
  std::ranges::sort(history, [](const Ref& left, const Ref& right) {
    return std::tie(left->metadata.created, left->metadata.name) >
           std::tie(right->metadata.created, right->metadata.name);
  });
  std::int64_t successful = facts.spec().successful_run_history_limit.value_or(5);
  std::int64_t unsuccessful = facts.spec().unsuccessful_run_history_limit.value_or(5);
  std::erase_if(history, [&](const Ref& one) {
    const api::ReplicaSet* rs = facts.withHash(one->metadata.label(api::hash_label));
    if (!rs || rs->metadata.deleted) return false;
    const std::string phase = phase_of(*one);
    if (!api::isCompletedPhase(phase)) return true;
    return (phase == "Successful" ? successful-- : unsuccessful--) > 0;
  });
  return history;
}

}  // namespace crossfade::rollout
