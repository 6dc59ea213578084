// The metric backend of a simulated world: a Prometheus that knows four queries, each with an answer that never
// changes, so that a verdict can't depend on when it was asked for.
#pragma once
#include <string_view>

#include "base/clock.hpp"
#include "net/http.hpp"

namespace crossfade::sim {

inline constexpr std::string_view metric_address = "http://metrics.sim:9090";
inline constexpr std::string_view verdict_good = "good";        // 1
inline constexpr std::string_view verdict_bad = "bad";          // 0
inline constexpr std::string_view verdict_unclear = "unclear";  // 0.5
inline constexpr std::string_view verdict_steady = "steady";    // 1

// Dials that backend and nothing else: any other address refuses the connection.
class SimDialer : public net::Dialer {
 public:
  explicit SimDialer(Clock& clock) : clock_(clock) {}
  Result<std::shared_ptr<net::Transport>> dial(const net::Origin& origin, const net::TlsOptions& tls) override;

 private:
  Clock& clock_;
};

}  // namespace crossfade::sim
