// The gateway of the embedded cluster: an HTTP proxy that sends each request where the cluster's objects say.
//
// Where a request goes, the first that takes it:
//   1. an HTTPRoute with a host name that matches, or whose parentRef is the Service that the Host names;
//   2. the Service that the Host names with its namespace: "web.default", "web.default.localhost",
//   "web.default.svc.cluster.local";
//   3. an HTTPRoute without host names (http_route.hpp: which of several);
//   4. the Service of namespace "default" that the Host's one label names: "web", "web.localhost".
// Which Gateway a route's parentRefs name doesn't matter: there is only this one. Of an HTTPRoute's rule one backend
// Service is chosen by weight per request, and one of its ready endpoints in turn. `x-crossfade-pod-hash`,
// `x-crossfade-service` and `x-crossfade-pod` on the answer say where it went. 503 when a Service has no ready
// endpoint, 404 when nothing matches, 500 when a rule has no backend (Gateway API's rule), 502 and 504 when a pod
// doesn't answer. A request that no pod can have seen is given to another one; so is one that may be repeated (GET,
// HEAD, OPTIONS, PUT, DELETE).
//
// GET /metrics on `metrics_port` (0: any) tells gateway_requests_total{namespace,service,pod_template_hash,code,method}
// and gateway_request_duration_seconds (histogram, same labels without code).
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/async.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "local/pods.hpp"
#include "local/registry.hpp"

namespace crossfade::local {

struct GatewayOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0, metrics_port = 0;
};

// One destination's share (an empty hash: of a Service without a ready endpoint), for the simulator's invariants and
// for tests: how the objects split requests right now.
struct BackendShare {
  std::string service, pod_template_hash;
  double share = 0;  // of 1
};

class Gateway {
 public:
  static Result<std::unique_ptr<Gateway>> start(Registry& registry, Pods& pods, Executor executor, Clock& clock,
                                                Random& random, GatewayOptions options);
  virtual ~Gateway() = default;
  virtual std::uint16_t port() const = 0;
  virtual std::uint16_t metricsPort() const = 0;
};

// Pure: the split of an HTTPRoute's first matching rule over ready endpoints, from the registry.
std::vector<BackendShare> sharesOf(const Registry& registry, std::string_view ns, std::string_view http_route);

}  // namespace crossfade::local
