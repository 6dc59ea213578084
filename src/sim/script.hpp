// What is played in a simulated world: a Rollout and what it needs, and what its users do to it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

namespace crossfade::sim {

// Everything that a script makes has this name, but Services and analysis templates.
inline constexpr std::string_view rollout_name = "web";

// What a user does, and when: not at a time of the clock (faults shift it) but when the Rollout has come to rest, or
// has reached a step, so that the end of a life does not depend on the faults in it.
struct Deed {
  enum class Verb {
    set_image,    // of version `number`
    break_image,  // an image that never becomes ready
    promote,
    promote_full,
    abort,
    retry,
    pause,
    resume,
    scale,  // to `number` replicas, as a person or an autoscaler does
    restart,
    edit_steps,  // the `number`th of four other lists of steps; nothing without steps
    delete_pod,
    lose_node,           // every pod is gone at once
    delete_replica_set,  // by hand: of the version that is rolled out (`number` 0), or of the stable one (1)
    delete_service,      // the `number`th that the script made; nothing without Services
    restore_service,     // all that were deleted
  };
  Verb verb = Verb::set_image;
  // Empty: at rest (nothing happens any more without a user). Otherwise: as soon as currentStepIndex is at least this
  // in the middle of an update, or at rest.
  std::optional<std::int64_t> at_step;
  std::int64_t number = 0;
};
std::string toString(const Deed& deed);

struct Script {
  std::vector<json::object> objects;  // in the order of their creation; the Rollout last
  std::vector<Deed> deeds;

  const json::object& rollout() const { return objects.back(); }
};

// A script from a seed: all strategies, their options and steps, one to six deeds.
Script generate(std::uint64_t seed);
// Five steps with pauses of an hour, one update, no deed but that.
Script fiveStepCanary();

// The image of a version; version 0 never becomes ready.
std::string imageOf(std::int64_t version);
// The list of steps that `edit_steps` puts in place.
json::array otherSteps(std::int64_t number, const json::object& canary);

}  // namespace crossfade::sim
