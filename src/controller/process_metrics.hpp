// What /proc says about this process. Kept apart from Metrics: an embedded controller must not look at the machine.
#pragma once
#include "controller/metrics.hpp"

namespace crossfade::controller {

// A collector: `metrics.addCollector(collectProcess)`. spec/11 §5.6, process_* and the go_* that dashboards plot.
void collectProcess(GaugeSink& sink);

}  // namespace crossfade::controller
