// The controller without a process around it: watches, keys, observe, plan, execute. The same object runs in `crossfade
// controller`, in the demo beside the embedded cluster, and under the simulator's clock; only its world differs.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/async.hpp"
#include "controller/metrics.hpp"
#include "controller/settings.hpp"
#include "controller/world.hpp"
#include "rollout/plan.hpp"

namespace crossfade::controller {

class Controller {
 public:
  Controller(World world, Settings settings, Metrics& metrics);
  ~Controller();
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // Leader election (where asked for), then watches, then work. Returns when all caches are synced and workers run.
  Task<> start();
  // Called once when the lease was lost: the process is expected to end.
  void onLeaseLost(std::function<void()> lost);
  // Finishes what runs, starts nothing new, writes the events that wait.
  Task<> stop();
  bool leading() const;
  // Ready: caches synced, or standing by for the lease.
  bool ready() const;
  // For tests and the simulator: told of every plan before it is executed.
  void setPlanObserver(std::function<void(const rollout::Snapshot&, const rollout::Plan&)> observer);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Runs `crossfade controller` with the arguments behind the command's name; returns the exit code.
int runController(const std::vector<std::string>& arguments);

}  // namespace crossfade::controller
