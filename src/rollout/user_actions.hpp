// What a person may ask of a Rollout, as the patches that ask for it: the command line and the dashboard send them, the
// controller finds them in the object. Pure; works on objects as the API server returns them. spec/10 §3, spec/02 §6.3.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace crossfade::rollout {

enum class PromoteMode {
  plain,              // end the pause, or skip the running step
  full,               // skip everything that is left
  skip_current_step,  // deprecated
  skip_all_steps,     // deprecated
};

// Bodies of JSON merge patches. Send `status` to the status subresource; when that answers 404, send `unified` to the
// main resource and leave `spec` out. Then send `spec` to the main resource. Nothing to send is a success.
struct PromotePatches {
  std::optional<json::object> status;
  std::optional<json::object> spec;
  json::object unified;
};

// Fails (invalid) with the command's own words when a step is to be skipped and there are none. spec/10 §3.6.
Result<PromotePatches> promotePatches(const json::object& rollout, PromoteMode mode);

// Merge patches. pause and restart go to the main resource; abort and retry to the status subresource, and, where that
// answers 404, to the main resource. spec/10 §3.7.
json::object pausePatch();
json::object resumePatch();
json::object abortPatch();
json::object retryPatch();
json::object restartPatch(TimePoint at);
// AnalysisRuns and Experiments, main resource.
json::object terminatePatch();

// The object that carries the pod template of a Rollout: itself, or what spec.workloadRef names.
struct TemplateOwner {
  std::string api_version, kind, name;
  bool is_rollout = true;
  // JSON pointer to the template: "/spec/template", or "/template" in a PodTemplate.
  std::string pointer;
};
// Fails (invalid): `workload of type <kind> is not supported`.
Result<TemplateOwner> templateOwner(const json::object& rollout);

struct Undo {
  TemplateOwner target;
  std::int64_t revision = 0;
  // A JSON Patch. Empty: the Rollout already has that template.
  json::array patch;
};
// Back to the template of revision `to_revision`, or of the one before the newest when that is 0. `replica_sets`: those
// that match the Rollout's selector; only the ones that it controls count. What the controller had injected into the
// ReplicaSet's template is taken out. spec/10 §3.8.
Result<Undo> undo(const json::object& rollout, const std::vector<json::object>& replica_sets, std::int64_t to_revision);

// A JSON Patch that sets the image of every container (init and ephemeral ones too) named `container`, or of all for
// "*", in `object`, which holds a pod template at `pointer`. Guarded by the containers' names, so that a concurrent
// edit answers with a failed test. spec/10 §3.9.
Result<json::array> setImagePatch(const json::object& object, std::string_view pointer, std::string_view container,
                                  std::string_view image);

}  // namespace crossfade::rollout
