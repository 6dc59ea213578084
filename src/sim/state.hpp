// What the simulated cluster looks like to somebody who checks it: one Rollout and everything around it, read at one
// moment.
#pragma once
#include <map>
#include <optional>
#include <string>

#include "api/rollout.hpp"
#include "api/workloads.hpp"
#include "sim/world.hpp"

namespace crossfade::sim {

struct State {
  api::Rollout rollout;
  std::int64_t replicas = 1;
  struct Set {
    std::int64_t wanted = 0;  // spec.replicas
    std::int64_t pods = 0;    // that exist and are not being deleted
    std::int64_t ready = 0;   // of those
    std::int64_t revision = 0;
    std::string image;
  };
  std::map<std::string, Set> sets;              // by pod-template hash, those that the Rollout controls
  std::map<std::string, std::string> services;  // name to selected hash
  std::map<std::string, std::int64_t> weights;  // backend Service to weight, of the route; empty without a route

  // The whole outcome in one line, for comparing the ends of two runs.
  std::string summary() const;
};

// Empty while the Rollout `name` does not exist.
std::optional<State> observe(SimWorld& world, const std::string& name);

}  // namespace crossfade::sim
