#include "sim/state.hpp"

#include <charconv>

#include "api/names.hpp"

namespace crossfade::sim {

std::optional<State> observe(SimWorld& world, const std::string& name) {
  const local::Object object = world.get(api::group, "rollouts", name);
  if (object == nullptr) return std::nullopt;
  State state;
  state.rollout = api::decodeRollout(*object);
  state.replicas = state.rollout.spec.replicasOrDefault();

  std::map<std::string, std::string> hash_of;  // uid of a ReplicaSet to its hash
  for (const local::Object& one : world.list("apps", "replicasets")) {
    const api::ReplicaSet rs = api::decodeReplicaSet(*one);
    if (!rs.metadata.controller || rs.metadata.controller->uid != state.rollout.metadata.uid) continue;
    const std::string hash(rs.hash());
    hash_of[rs.metadata.uid] = hash;
    State::Set& set = state.sets[hash];
    set.wanted = rs.replicas;
    const json::array* containers = getArray(*one, {"spec", "template", "spec", "containers"});
    if (containers != nullptr && !containers->empty() && containers->front().is_object())
      set.image = getString(containers->front().get_object(), {"image"});
    const std::string_view revision = rs.metadata.annotation(api::revision_annotation);
    std::from_chars(revision.data(), revision.data() + revision.size(), set.revision);
  }
  for (const local::Object& one : world.list("", "pods")) {
    const api::Pod pod = api::decodePod(*one);
    if (!pod.metadata.controller || pod.metadata.deleted) continue;
    const auto hash = hash_of.find(pod.metadata.controller->uid);
    if (hash == hash_of.end()) continue;
    State::Set& set = state.sets[hash->second];
    ++set.pods;
    if (pod.ready) ++set.ready;
  }
  for (const local::Object& one : world.list("", "services")) {
    const api::Service service = api::decodeService(*one);
    const auto hash = service.selector.find(api::hash_label);
    if (hash != service.selector.end()) state.services[service.metadata.name] = hash->second;
  }
  if (const local::Object route = world.get("gateway.networking.k8s.io", "httproutes", name)) {
    const json::array* rules = getArray(*route, {"spec", "rules"});
    const json::array* backends = rules != nullptr && !rules->empty() && rules->front().is_object()
                                      ? getArray(rules->front().get_object(), {"backendRefs"})
                                      : nullptr;
    for (const json::value& value : backends != nullptr ? *backends : json::array()) {
      if (const json::object* backend = value.if_object()) {
        state.weights[std::string(getString(*backend, {"name"}))] = getInt(*backend, {"weight"}, 1);
      }
    }
  }
  return state;
}

std::string State::summary() const {
  const api::RolloutStatus& status = rollout.status;
  std::string text = fmt::format("phase {} abort {} current {} stable {} step {}", status.phase, status.abort,
                                 status.current_pod_hash, status.stable_rs, status.current_step_index.value_or(-1));
  for (const auto& [hash, set] : sets)
    text += fmt::format("; {} wants {} ready {} revision {}", hash, set.wanted, set.ready, set.revision);
  for (const auto& [service, hash] : services) text += fmt::format("; {} selects {}", service, hash);
  for (const auto& [service, weight] : weights) text += fmt::format("; {} weighs {}", service, weight);
  return text;
}

}  // namespace crossfade::sim
