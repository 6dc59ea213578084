#include "local/gateway_metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace crossfade::local {

namespace {

// Clients may invent methods; series may not.
std::string knownMethod(std::string_view method) {
  for (const std::string_view known : {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
    if (method == known) return std::string(known);
  }
  return "other";
}

}  // namespace

struct GatewayMetrics::Impl {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests =
      prometheus::BuildCounter()
          .Name("gateway_requests_total")
          .Help("Requests that the gateway answered, by where they went.")
          .Register(registry);
  prometheus::Family<prometheus::Histogram>& durations =
      prometheus::BuildHistogram()
          .Name("gateway_request_duration_seconds")
          .Help("From the request's arrival at the gateway to its answer.")
          .Register(registry);
};

GatewayMetrics::GatewayMetrics() : impl_(std::make_unique<Impl>()) {}
GatewayMetrics::~GatewayMetrics() = default;

void GatewayMetrics::record(const Destination& destination, int status, std::string_view method, Duration took) {
  std::map<std::string, std::string> labels{{"namespace", destination.ns},
                                            {"service", destination.service},
                                            {"pod_template_hash", destination.pod_template_hash},
                                            {"method", knownMethod(method)}};
  const prometheus::Histogram::BucketBoundaries buckets{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
  impl_->durations.Add(labels, buckets).Observe(std::chrono::duration<double>(took).count());
  labels["code"] = std::to_string(status);
  impl_->requests.Add(labels).Increment();
}

std::string GatewayMetrics::text() const { return prometheus::TextSerializer().Serialize(impl_->registry.Collect()); }

}  // namespace crossfade::local
