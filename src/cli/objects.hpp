// Requests that several commands make.
#pragma once
#include <string>

#include "cli/session.hpp"

namespace crossfade::cli {

// Reads a Rollout or an Experiment. Where it is missing the message names the resource in the singular, as the commands
// that show something do. spec/10 §1.
Task<Result<json::object>> getShown(Session& session, kube::ResourceKey resource, std::string name);

// A merge patch of the status subresource; where the server has none (404), `unified` to the main resource. spec/10
// §3.6, §3.7. True when it had to be `unified`.
Task<Result<bool>> patchStatus(Session& session, std::string rollout, json::object status, json::object unified);

// `get --watch` of a Rollout or an Experiment, until an interrupt.
Task<Result<>> watchShown(Session& session, kube::ResourceKey resource, std::string name, bool no_colour);

// A merge patch of the main resource.
Task<Result<>> patchMain(Session& session, kube::ResourceKey resource, std::string name, json::object patch);

}  // namespace crossfade::cli
