// One simulated world: the embedded cluster and a controller in one thread, under a virtual clock, from a seed.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/virtual_clock.hpp"
#include "controller/controller.hpp"
#include "local/cluster.hpp"
#include "sim/faults.hpp"
#include "sim/transport.hpp"

namespace crossfade::sim {

inline constexpr std::string_view world_ns = "default";

// Kills the controller around its `write`th write (counted from 1): before the server carried it out, or after, with
// the answer lost. A new one starts a second later.
struct Kill {
  std::uint64_t write = 0;  // 0: never
  bool after = false;
};

class SimWorld {
 public:
  // A cluster that serves our kinds and HTTPRoutes, and no controller yet.
  SimWorld(std::uint64_t seed, Faults faults, Kill kill = {});
  ~SimWorld();
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  void startController();
  void killController();

  // Moves to the next thing that happens, at most to `end`; false when nothing does until then.
  bool stepUntil(TimePoint end);
  TimePoint now() const { return loop_.time().now(); }

  local::Registry& registry() { return cluster_->registry(); }
  // Writes of controllers that the server carried out.
  std::uint64_t writes() const { return network_->writes; }
  // Those among them that aren't the status of an AnalysisRun: a run in the background measures for ever.
  std::uint64_t rolloutWrites() const { return rollout_writes_; }
  void setFaults(Faults faults) { network_->faults = faults; }
  // Two controllers are at work, and one of them is deaf; or it was so a moment ago, and the news of what the deaf one
  // wrote last may still be on its way to the other.
  bool isSplit() const { return deposed_ != nullptr || now() < split_end_; }
  // What happened, a line each: writes and their answers, plans' reasons, kills.
  const std::vector<std::string>& story() const { return story_; }
  void tell(std::string line);

  // A user's or another controller's access, without the network. Fails as the API server would.
  Result<> create(std::string_view group, std::string_view plural, json::object object);
  Result<> mergePatch(std::string_view group, std::string_view plural, std::string_view name,
                      local::Subresource subresource, const json::object& patch);
  Result<> remove(std::string_view group, std::string_view plural, std::string_view name);
  local::Object get(std::string_view group, std::string_view plural, std::string_view name);  // null when absent
  std::vector<local::Object> list(std::string_view group, std::string_view plural);

 private:
  struct Program;  // a running controller and everything that is its own

  bool letWrite(const net::Request& request, bool done);
  void end(std::unique_ptr<Program>& program);

  VirtualLoop loop_;
  Random cluster_random_, network_random_, controller_random_;
  std::unique_ptr<local::Cluster> cluster_;
  std::unique_ptr<Network> network_;
  std::unique_ptr<Program> program_;
  // A controller that doesn't know yet that it isn't the only one any more.
  std::unique_ptr<Program> deposed_;
  TimePoint deposed_end_{};
  TimePoint split_end_{};
  bool depose_ = false;  // at the next step
  std::uint64_t rollout_writes_ = 0;
  Kill kill_;
  std::vector<std::string> story_;
};

}  // namespace crossfade::sim
