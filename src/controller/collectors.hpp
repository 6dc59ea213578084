// The gauges that are computed from the caches at each scrape. spec/11 §5.2, §5.4.
#pragma once
#include "controller/caches.hpp"
#include "controller/metrics.hpp"

namespace crossfade::controller {

void collectRollouts(const Caches& caches, GaugeSink& sink);
void collectAnalysis(const Caches& caches, GaugeSink& sink);
void collectExperiments(const Caches& caches, GaugeSink& sink);

}  // namespace crossfade::controller
