// The user of a simulated world: carries out a script's deeds on its objects, past the network, as kubectl would.
#pragma once
#include "sim/script.hpp"
#include "sim/state.hpp"
#include "sim/world.hpp"

namespace crossfade::sim {

class User {
 public:
  // Both outlive the user.
  User(SimWorld& world, const Script& script) : world_(world), script_(script) {}

  // Makes one of the script's objects, or makes it again.
  Result<> create(const json::object& object);
  // `state` is the cluster as it is now. What a user of the command line would be refused is told to the story and
  // does nothing.
  void act(const Deed& deed, const State& state);

 private:
  void patchRollout(local::Subresource subresource, const json::object& body);
  void setImage(std::int64_t version);
  void promote(bool full);
  void editSteps(std::int64_t number);
  void deletePods(std::size_t limit);
  void deleteReplicaSet(const std::string& hash);
  std::vector<const json::object*> services() const;

  SimWorld& world_;
  const Script& script_;
};

}  // namespace crossfade::sim
