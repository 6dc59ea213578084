// The end of a pass: from what the strategy's pass says to the status that is written. spec/02 §5, §6.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "rollout/pass.hpp"

namespace crossfade::rollout {

// --- conditions.cpp ---

const api::Condition* findCondition(const std::vector<api::Condition>& conditions, std::string_view type);
// Sets a condition unless one with the same status and reason is there; true when something changed. spec/02 §5.4.
bool setCondition(std::vector<api::Condition>& conditions, TimePoint now, std::string type, std::string status,
                  std::string reason, std::string message);
bool removeCondition(std::vector<api::Condition>& conditions, std::string_view type);
// Mirrors pauses and a retry in the conditions; empty when they do already. spec/02 §6.5.
std::optional<api::RolloutStatus> mirrorPauses(const Facts& facts);
// The update has taken too long and the Rollout wants it aborted then. spec/02 §6.7.
void abortWhenTimedOut(const Facts& facts, Draft& draft, const api::RolloutStatus& status);
// All conditions but InvalidSpec. spec/02 §5.5.
void updateConditions(const Facts& facts, Draft& draft, api::RolloutStatus& status);
// When the progress deadline has to be looked at; empty when no clock runs. spec/02 §5.9.
std::optional<TimePoint> progressCheck(const Facts& facts, const api::RolloutStatus& status);

// --- duration.cpp ---

// spec/02 §5.10.
void updateDuration(const Facts& facts, Draft& draft, api::RolloutStatus& status);

// --- status.cpp ---

// spec/02 §5.7. `replicas`: spec.replicas, 1 when absent.
void updatePhase(const api::RolloutSpec& spec, std::int64_t replicas, api::RolloutStatus& status);
// full: pause fields are rebuilt from the intents, and the spec was found valid. scaling: both stay as they are.
// mirror: so do all conditions but those that were mirrored. Events of transitions go into the draft's notes.
enum class Extent { full, scaling, mirror };
void finishStatus(const Facts& facts, Draft& draft, api::RolloutStatus& status, Extent extent);
// The status of an invalid Rollout. spec/02 §5.6.
api::RolloutStatus invalidStatus(const api::Rollout& rollout, const std::string& message, TimePoint now);
// They differ in nothing but what changes with every pod: such a write can wait a moment for the next one.
bool onlyCountersDiffer(const api::RolloutStatus& left, const api::RolloutStatus& right);

}  // namespace crossfade::rollout
