// What a Rollout refers to, looked up in the caches.
#pragma once
#include <string>

#include "analysis/templates.hpp"
#include "controller/caches.hpp"

namespace crossfade::controller {

// Analysis templates as a namespace sees them. The caches outlive the function.
analysis::TemplateLookup templateLookup(const Caches& caches, std::string ns);

}  // namespace crossfade::controller
