// The arguments of a run that stand in Secrets: read when they are needed, kept no longer than a measurement, and taken
// out of every text that a measurement leaves behind. spec/06 §3.5.
#pragma once
#include <memory>

#include "analysis/metrics.hpp"
#include "analysis/plan.hpp"
#include "base/async.hpp"
#include "kube/client.hpp"

namespace crossfade::analysis {

// The values of the arguments that come from Secrets, by argument. Each Secret is read once.
Task<Result<ArgumentValues>> readSecrets(kube::Client& client, std::shared_ptr<const api::AnalysisRun> run);

// Whether a failure to read them says something of the run; others pass, and are a reason to try again later.
bool isAboutTheRun(const Error& error);

// Puts ***** for every secret in what was measured: as it is, and as it reads where it was quoted or put into a URL.
void redact(Measured& measured, const ArgumentValues& secrets);

}  // namespace crossfade::analysis
