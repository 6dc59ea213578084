#include "sim/deeds.hpp"

#include "api/names.hpp"
#include "rollout/user_actions.hpp"

namespace crossfade::sim {
namespace {

struct Kind {
  std::string_view kind, group, plural;
};
constexpr Kind kinds[] = {{"Service", "", "services"},
                          {"Deployment", "apps", "deployments"},
                          {"HTTPRoute", "gateway.networking.k8s.io", "httproutes"},
                          {"AnalysisTemplate", api::group, "analysistemplates"},
                          {"Rollout", api::group, "rollouts"}};

}  // namespace

Result<> User::create(const json::object& object) {
  const std::string_view kind = getString(object, {"kind"});
  const auto* known = std::ranges::find(kinds, kind, &Kind::kind);
  if (known == std::end(kinds)) return fail(ErrorCode::invalid, fmt::format("no kind {}", kind));
  return world_.create(known->group, known->plural, object);
}

void User::act(const Deed& deed, const State& state) {
  using Verb = Deed::Verb;
  world_.tell("user: " + toString(deed));
  switch (deed.verb) {
    case Verb::set_image:
      return setImage(deed.number);
    case Verb::break_image:
      return setImage(0);
    case Verb::promote:
      return promote(false);
    case Verb::promote_full:
      return promote(true);
    case Verb::abort:
      return patchRollout(local::Subresource::status, rollout::abortPatch());
    case Verb::retry:
      return patchRollout(local::Subresource::status, rollout::retryPatch());
    case Verb::pause:
      return patchRollout(local::Subresource::none, rollout::pausePatch());
    case Verb::resume:
      return patchRollout(local::Subresource::none, rollout::resumePatch());
    case Verb::scale:
      return patchRollout(local::Subresource::none, {{"spec", {{"replicas", deed.number}}}});
    case Verb::restart:
      return patchRollout(local::Subresource::none, {{"spec", {{"restartAt", formatTime(world_.now())}}}});
    case Verb::edit_steps:
      return editSteps(deed.number);
    case Verb::delete_pod:
      return deletePods(1);
    case Verb::lose_node:
      return deletePods(SIZE_MAX);
    case Verb::delete_replica_set:
      return deleteReplicaSet(deed.number == 0 ? state.rollout.status.current_pod_hash
                                               : state.rollout.status.stable_rs);
    case Verb::delete_service:
      if (const auto made = services(); !made.empty()) {
        const json::object& service = *made[static_cast<std::size_t>(deed.number) % made.size()];
        (void)world_.remove("", "services", getString(service, {"metadata", "name"}));
      }
      return;
    case Verb::restore_service:
      for (const json::object* service : services()) {
        if (world_.get("", "services", getString(*service, {"metadata", "name"})) == nullptr) (void)create(*service);
      }
      return;
  }
}

void User::patchRollout(local::Subresource subresource, const json::object& body) {
  if (const Result<> done = world_.mergePatch(api::group, "rollouts", rollout_name, subresource, body); !done)
    world_.tell("user: refused: " + done.error().message);
}

void User::setImage(std::int64_t version) {
  const json::object container = {{"name", "app"}, {"image", imageOf(version)}};
  const json::object patch = {{"spec", {{"template", {{"spec", {{"containers", json::array{container}}}}}}}}};
  if (find(script_.rollout(), {"spec", "workloadRef"}) == nullptr) return patchRollout(local::Subresource::none, patch);
  (void)world_.mergePatch("apps", "deployments", rollout_name, local::Subresource::none, patch);
}

void User::promote(bool full) {
  const local::Object live = world_.get(api::group, "rollouts", rollout_name);
  const auto patches = rollout::promotePatches(*live, full ? rollout::PromoteMode::full : rollout::PromoteMode::plain);
  if (!patches) return world_.tell("user: " + patches.error().message);
  if (patches->status) patchRollout(local::Subresource::status, *patches->status);
  if (patches->spec) patchRollout(local::Subresource::none, *patches->spec);
}

void User::editSteps(std::int64_t number) {
  const json::object* canary = getObject(script_.rollout(), {"spec", "strategy", "canary"});
  if (canary == nullptr || !canary->contains("steps")) return;
  patchRollout(local::Subresource::none,
               {{"spec", {{"strategy", {{"canary", {{"steps", otherSteps(number, *canary)}}}}}}}});
}

void User::deletePods(std::size_t limit) {
  for (const local::Object& pod : world_.list("", "pods")) {
    if (limit-- == 0) return;
    (void)world_.remove("", "pods", getString(*pod, {"metadata", "name"}));
  }
}

void User::deleteReplicaSet(const std::string& hash) {
  for (const local::Object& object : world_.list("apps", "replicasets")) {
    if (!hash.empty() && getString(*object, {"metadata", "labels", api::hash_label}) == hash)
      (void)world_.remove("apps", "replicasets", getString(*object, {"metadata", "name"}));
  }
}

std::vector<const json::object*> User::services() const {
  std::vector<const json::object*> found;
  for (const json::object& object : script_.objects) {
    if (getString(object, {"kind"}) == "Service") found.push_back(&object);
  }
  return found;
}

}  // namespace crossfade::sim
