// The REST face of the registry: what kubectl and the controller speak to. One function from request to response, so
// that the same code serves HTTP (net::listen) and the simulator (called directly).
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/async.hpp"
#include "base/clock.hpp"
#include "local/log_options.hpp"
#include "local/registry.hpp"
#include "net/http.hpp"

namespace crossfade::local {

struct ApiServerOptions {
  // A bearer token that every request must show; "": none is asked for.
  std::string token;
  // How often a watch that asked for bookmarks gets one.
  Duration bookmark_interval = seconds(60);
  // Request bodies above: 413. (What an object may weigh is the registry's rule.)
  std::size_t max_request_bytes = 3 << 20;
};

// What the pods of the cluster can tell (local/pods.hpp implements it).
class PodLogs {
 public:
  virtual ~PodLogs() = default;
  // `container` may be "" where a pod has but one. `not_found`/`invalid` in the API server's words. With `follow`,
  // `stream` of the answer is set.
  virtual Task<Result<net::Response>> log(std::string_view ns, std::string_view pod, std::string_view container,
                                          LogOptions options) = 0;
};

class ApiServer {
 public:
  // All outlive the server. `logs` may be null: then pods have no logs.
  ApiServer(Registry& registry, Clock& clock, ApiServerOptions options, PodLogs* logs = nullptr);
  ~ApiServer();
  // Answers any request; never throws. Safe to call many times at once.
  Task<net::Response> handle(net::Request request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crossfade::local
