#include "sim/backend.hpp"
#include "sim/script.hpp"
#include "sim/specs.hpp"

namespace crossfade::sim {
namespace {

using Verb = Deed::Verb;

Verb laterVerb(Random& random) {
  // What happens every day stands here more often.
  constexpr Verb verbs[] = {Verb::set_image,  Verb::set_image,   Verb::set_image,      Verb::promote,
                            Verb::promote,    Verb::abort,       Verb::abort,          Verb::retry,
                            Verb::scale,      Verb::scale,       Verb::promote_full,   Verb::pause,
                            Verb::restart,    Verb::break_image, Verb::edit_steps,     Verb::delete_pod,
                            Verb::delete_pod, Verb::lose_node,   Verb::delete_service, Verb::delete_replica_set};
  return verbs[random.below(std::size(verbs))];
}

std::int64_t numberFor(Random& random, Verb verb, std::int64_t& newest) {
  switch (verb) {
    case Verb::set_image:
      // Back to the first one, sometimes: a rollback.
      return random.chance(0.3) ? 1 : ++newest;
    case Verb::scale:
      return static_cast<std::int64_t>(random.below(10));
    case Verb::edit_steps:
      return static_cast<std::int64_t>(random.below(4));
    case Verb::delete_replica_set:
    case Verb::delete_service:
      return static_cast<std::int64_t>(random.below(2));
    default:
      return 0;
  }
}

// Whether what a user does in the middle of an update may come before something or after it, so that the end depends on
// chance: before the verdict of an analysis, or before a new template of a workload has been noticed at all.
bool isRacy(const json::object& rollout) {
  const std::string text = json::serialize(rollout);
  return text.contains(verdict_bad) || text.contains(verdict_unclear) || text.contains("workloadRef");
}

// What the controller makes again: whether before or after the next deed would be chance.
bool takesAway(Verb verb) { return verb == Verb::delete_replica_set || verb == Verb::delete_service; }

}  // namespace

Script generate(std::uint64_t seed) {
  Random random(seed ^ 0x9e3779b97f4a7c15U);
  Script script;
  script.objects = generateObjects(random);

  // The first deed is an update; what follows may come in its middle.
  std::int64_t newest = 2;
  script.deeds.push_back({Verb::set_image, std::nullopt, newest});
  const std::uint64_t more = random.below(6);
  const bool racy = isRacy(script.rollout());
  for (std::uint64_t index = 0; index < more; ++index) {
    Deed deed;
    deed.verb = laterVerb(random);
    const bool races = racy || takesAway(deed.verb) || takesAway(script.deeds.back().verb);
    if (random.chance(0.5) && !races) deed.at_step = static_cast<std::int64_t>(random.below(4));
    deed.number = numberFor(random, deed.verb, newest);
    script.deeds.push_back(deed);
    if (deed.verb == Verb::pause) script.deeds.push_back({Verb::resume, std::nullopt, 0});
    if (deed.verb == Verb::delete_service) script.deeds.push_back({Verb::restore_service, std::nullopt, 0});
    if (deed.verb == Verb::abort && random.chance(0.6)) script.deeds.push_back({Verb::retry, std::nullopt, 0});
  }
  return script;
}

Script fiveStepCanary() {
  Script script;
  script.objects = {makeService("stable"), makeService("canary"), makeRoute()};
  json::array five;
  for (const int weight : {10, 25, 50, 75, 90}) {
    five.push_back(json::object{{"setWeight", weight}});
    five.push_back(json::object{{"pause", {{"duration", "1h"}}}});
  }
  script.objects.push_back(makeRollout(5, {{"canary",
                                            {{"stableService", "stable"},
                                             {"canaryService", "canary"},
                                             {"trafficRouting", makeRouting()},
                                             {"steps", std::move(five)}}}}));
  script.deeds.push_back({Verb::set_image, std::nullopt, 2});
  return script;
}

std::string imageOf(std::int64_t version) {
  return version == 0 ? "crossfade.dev/demo:missing" : fmt::format("crossfade.dev/demo:v{}", version);
}

std::string toString(const Deed& deed) {
  constexpr std::string_view names[] = {"set image",      "set an image that never gets ready",
                                        "promote",        "promote --full",
                                        "abort",          "retry",
                                        "pause",          "resume",
                                        "scale",          "restart",
                                        "edit steps",     "delete a pod",
                                        "lose the node",  "delete the ReplicaSet",
                                        "delete Service", "restore the Services"};
  std::string text(names[static_cast<std::size_t>(deed.verb)]);
  if (deed.verb == Verb::set_image) text += fmt::format(" v{}", deed.number);
  if (deed.verb == Verb::scale) text += fmt::format(" to {}", deed.number);
  if (deed.verb == Verb::edit_steps || deed.verb == Verb::delete_service)
    text += fmt::format(" number {}", deed.number);
  if (deed.verb == Verb::delete_replica_set) text += deed.number == 0 ? " that is rolled out" : " that is stable";
  return text + (deed.at_step ? fmt::format(" at step {}", *deed.at_step) : " at rest");
}

}  // namespace crossfade::sim
