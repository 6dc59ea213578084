// From a Rollout's `trafficRouting` to its routers. The one place that knows which routers exist.
#pragma once
#include <memory>
#include <vector>

#include "api/rollout.hpp"
#include "traffic/builtin.hpp"
#include "traffic/router.hpp"

namespace crossfade::traffic {

// The routers of `spec.strategy.canary.trafficRouting`, in the order in which they act (spec/05 §1.2; plugins by name).
// Empty for null and for an object without a router. Fails, naming the router, where one is asked for that isn't there.
Result<std::vector<std::unique_ptr<Router>>> makeRouters(const json::object* traffic_routing,
                                                         const RouterSettings& settings);

// The key under `plugins` that is served in-process.
inline constexpr std::string_view gateway_api_plugin = "argoproj-labs/gatewayAPI";

// What the routers know of a Rollout.
RolloutView viewOf(const api::Rollout& rollout, TimePoint now);

// Whether objects of this kind are worth a watch: all that routers own a part of. Services are only looked up.
bool isWatched(const ResourceKind& kind);

}  // namespace crossfade::traffic
