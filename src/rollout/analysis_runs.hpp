// The AnalysisRuns of a Rollout, one by one: what both files of this subject share. spec/06 §13, §14.
#pragma once
#include "rollout/pass.hpp"

namespace crossfade::rollout {

// Makes a run for this analysis: under its name, or (where an older run has it) under the next free one; an unfinished
// run of its own under that name is taken over. Empty, with draft.failure set, when an argument can't be resolved.
RunRef createRun(const Facts& facts, Draft& draft, RunKind kind, const api::Analysis& analysis,
                 std::optional<std::int64_t> step_index);

bool ownsRun(const Facts& facts, const api::AnalysisRun& run);

}  // namespace crossfade::rollout
