// Gateway API routes, served in-process: what the Argo Rollouts plugin `argoproj-labs/gatewayAPI` does, without the
// plugin. spec/05 §14 and §15.
//
// Each configured HTTPRoute, GRPCRoute, TCPRoute and TLSRoute gets the canary's and the stable Service's weights in
// every rule that isn't managed; header steps become named rules at the end of HTTP and GRPC routes. Routes are handled
// as the JSON that came from the server: members unknown to us survive.
#pragma once
#include <memory>

#include "traffic/router.hpp"

namespace crossfade::traffic {

// `config` is the object under the plugin's key, any shape: what can't be understood is reported when weights are set.
std::unique_ptr<Router> makeGatewayApi(const json::value& config);

extern const ResourceKind http_route_kind;
extern const ResourceKind grpc_route_kind;
extern const ResourceKind tcp_route_kind;
extern const ResourceKind tls_route_kind;
extern const ResourceKind service_kind;

}  // namespace crossfade::traffic
