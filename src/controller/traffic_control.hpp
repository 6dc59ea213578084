// From a planned SetTraffic to the routers' objects, and from those objects back to what is true. The one place where
// routers' patches are written, and tried again after a conflict.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/routes.hpp"
#include "rollout/plan.hpp"
#include "traffic/router.hpp"

namespace crossfade::controller {

class TrafficControl {
 public:
  // Asks for a look at the Rollout of that key at that moment: its route changed, or a router has more to do.
  using Wake = std::function<void(const std::string& key, TimePoint when)>;
  TrafficControl(const World& world, const Settings& settings, Wake wake);

  // What a snapshot says about traffic. Empty result for a Rollout without routing.
  Task<rollout::ObservedTraffic> observe(std::shared_ptr<const api::Rollout> rollout);
  // Why this Rollout's routers can't be used, as a field error; empty when they can. spec/01 §6.7.
  static std::optional<std::string> configurationError(const api::Rollout& rollout);

  struct Applied {
    std::vector<traffic::EventNote> events;
    std::optional<Error> error;
    bool weight_failed = false;
    std::optional<Duration> look_again;
  };
  // Every router in turn; stops at the first that fails. Writes nothing where the objects say so already.
  Task<Applied> apply(std::shared_ptr<const api::Rollout> rollout, rollout::SetTraffic wanted);

  // The Rollout changed or is gone (null): its routes are remembered, or no longer followed.
  void remember(const std::string& key, const api::Rollout* rollout);

 private:
  Task<Applied> applyOne(const traffic::Router& router, traffic::RolloutView view,
                         std::vector<traffic::Operation> operations);
  void changed(const traffic::ResourceKind& kind, const std::string& ns, const std::string& name);

  static constexpr int max_attempts = 5;
  // Writes one change; `applied` gets the events that go with it.
  Task<Result<>> write(const traffic::Change& change, Applied& applied);

  const traffic::RouterSettings& settings_;
  Clock& clock_;
  Routes routes_;
  Wake wake_;
  std::map<std::string, std::set<std::string>> users_;  // "kind/namespace/name" (or "kind/namespace/*") to Rollout keys
  std::map<std::string, std::vector<std::string>> used_by_;  // Rollout key to those
};

}  // namespace crossfade::controller
