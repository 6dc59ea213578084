// The metric backend of a simulated world: a Prometheus that knows four kinds of queries (by how they begin), each with
// an answer that never changes, so that a verdict can't depend on when it was asked for. With faults it answers badly,
// late or not at all, but for one query never more than twice in a row: no metric fails by that alone.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "net/http.hpp"
#include "sim/faults.hpp"

namespace crossfade::sim {

inline constexpr std::string_view metric_address = "http://metrics.sim:9090";
inline constexpr std::string_view verdict_good = "good";        // 1
inline constexpr std::string_view verdict_bad = "bad";          // 0
inline constexpr std::string_view verdict_unclear = "unclear";  // 0.5
inline constexpr std::string_view verdict_steady = "steady";    // 1

// What is one for all who ask, whatever controller they are.
struct MetricBackend {
  const Faults& faults;  // those of the world, as they are now
  Random random;
  std::map<std::string, int, std::less<>> errors = {};  // in a row, by query
};

// Dials that backend and nothing else: any other address refuses the connection.
class SimDialer : public net::Dialer {
 public:
  // `backend` outlives it; `clock` is the asker's.
  SimDialer(Clock& clock, MetricBackend& backend) : clock_(clock), backend_(backend) {}
  Result<std::shared_ptr<net::Transport>> dial(const net::Origin& origin, const net::TlsOptions& tls) override;

 private:
  Clock& clock_;
  MetricBackend& backend_;
};

}  // namespace crossfade::sim
