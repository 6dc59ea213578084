// What the gateway counts, in Prometheus' text format.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/time.hpp"

namespace crossfade::local {

class GatewayMetrics {
 public:
  GatewayMetrics();
  ~GatewayMetrics();

  struct Destination {
    std::string ns, service, pod_template_hash;
  };
  void record(const Destination& destination, int status, std::string_view method, Duration took);
  // The exposition, for Content-Type "text/plain; version=0.0.4".
  std::string text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crossfade::local
