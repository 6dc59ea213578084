// What a Rollout refers to, and how it is looked up in the caches.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "analysis/templates.hpp"
#include "controller/caches.hpp"

namespace crossfade::controller {

// Analysis templates as a namespace sees them. The caches outlive the function.
analysis::TemplateLookup templateLookup(const Caches& caches, std::string ns);

// The Services that a Rollout names: of either strategy, ping and pong included. They are the Rollout's own strings.
std::vector<std::string_view> servicesOf(const api::Rollout& rollout);
bool namesService(const api::Rollout& rollout, std::string_view service);

}  // namespace crossfade::controller
