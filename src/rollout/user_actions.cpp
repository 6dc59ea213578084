#include "rollout/user_actions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "base/labels.hpp"
#include "rollout/anti_affinity.hpp"
#include "rollout/ephemeral_metadata.hpp"

namespace crossfade::rollout {
namespace {

constexpr std::string_view hash_label = "rollouts-pod-template-hash";

json::object statusPatch(json::object status) { return {{"status", std::move(status)}}; }
json::object specPatch(json::object spec) { return {{"spec", std::move(spec)}}; }

bool isControlledBy(const json::object& object, std::string_view uid) {
  const json::array* owners = getArray(object, {"metadata", "ownerReferences"});
  return owners && std::ranges::any_of(*owners, [&](const json::value& item) {
           const json::object* owner = item.if_object();
           return owner && getBool(*owner, {"controller"}) && getString(*owner, {"uid"}) == uid;
         });
}

// A missing annotation is revision 0; one that is no number is none.
std::optional<std::int64_t> revisionOf(const json::object& replica_set) {
  const std::string_view text = getString(replica_set, {"metadata", "annotations", "rollout.argoproj.io/revision"});
  if (text.empty()) return 0;
  std::int64_t revision = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), revision);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return revision;
}

// Every member that `wanted` has, `actual` has with the same value.
bool covers(const json::value& wanted, const json::value& actual) {
  if (wanted.is_object() && actual.is_object())
    return std::ranges::all_of(wanted.get_object(), [&](const auto& member) {
      if (member.key() == hash_label) return true;
      const json::value* other = actual.get_object().if_contains(member.key());
      return other ? covers(member.value(), *other) : member.value().is_null();
    });
  if (wanted.is_array() && actual.is_array()) return std::ranges::equal(wanted.get_array(), actual.get_array(), covers);
  return wanted == actual;
}

json::object userTemplate(const json::object& replica_set) {
  const json::object* live = getObject(replica_set, {"spec", "template"});
  json::object pod_template = live ? *live : json::object();
  if (json::value* labels = find(pod_template, {"metadata", "labels"}); labels && labels->is_object())
    labels->get_object().erase(hash_label);
  const PodMetadata injected =
      parseInjected(getString(replica_set, {"metadata", "annotations", "rollout.argoproj.io/ephemeral-metadata"}));
  if (!injected.empty()) applyMetadata(ensureObject(pod_template, {"metadata"}), injected, {});
  stripAntiAffinity(pod_template);
  return pod_template;
}

}  // namespace

Result<PromotePatches> promotePatches(const json::object& rollout, PromoteMode mode) {
  const bool is_canary = getObject(rollout, {"spec", "strategy", "canary"}) != nullptr;
  const bool is_blue_green = getObject(rollout, {"spec", "strategy", "blueGreen"}) != nullptr;
  const json::array* steps = getArray(rollout, {"spec", "strategy", "canary", "steps"});
  const std::int64_t count = is_canary && steps ? static_cast<std::int64_t>(steps->size()) : 0;
  const bool skips = mode == PromoteMode::skip_current_step || mode == PromoteMode::skip_all_steps;
  if (skips && is_blue_green)
    return fail(ErrorCode::invalid, "Cannot skip steps of a bluegreen rollout. Run without a flags");
  if (skips && count == 0) return fail(ErrorCode::invalid, "Cannot skip steps of a rollout without steps");

  const std::int64_t index = getInt(rollout, {"status", "currentStepIndex"});
  const std::int64_t next = index < count ? index + 1 : index;
  const bool spec_paused = getBool(rollout, {"spec", "paused"});
  PromotePatches patches;
  const json::object unpause{{"paused", false}};

  if (mode == PromoteMode::skip_current_step || mode == PromoteMode::skip_all_steps) {
    patches.status = statusPatch({{"currentStepIndex", mode == PromoteMode::skip_current_step ? next : count}});
    patches.unified = *patches.status;
    return patches;
  }
  if (spec_paused) patches.spec = specPatch(unpause);
  if (mode == PromoteMode::full) {
    if (getString(rollout, {"status", "currentPodHash"}) != getString(rollout, {"status", "stableRS"}))
      patches.status = statusPatch({{"promoteFull", true}});
    patches.unified = {{"spec", unpause}, {"status", json::object{{"promoteFull", true}}}};
    return patches;
  }
  const json::array* pauses = getArray(rollout, {"status", "pauseConditions"});
  const bool paused = pauses && !pauses->empty();
  const bool inconclusive_step =
      is_canary && paused && getBool(rollout, {"status", "controllerPause"}) &&
      getString(rollout, {"status", "canary", "currentStepAnalysisRunStatus", "status"}) == "Inconclusive";
  patches.unified = {{"spec", unpause}, {"status", json::object{{"pauseConditions", nullptr}}}};
  if (inconclusive_step) {
    if (count > 0)
      patches.status =
          statusPatch({{"pauseConditions", nullptr}, {"controllerPause", false}, {"currentStepIndex", next}});
  } else if (paused) {
    patches.status = statusPatch({{"pauseConditions", nullptr}});
  } else if (count > 0) {
    patches.status = statusPatch({{"pauseConditions", nullptr}, {"currentStepIndex", next}});
    patches.unified = {{"spec", unpause},
                       {"status", json::object{{"pauseConditions", nullptr}, {"currentStepIndex", next}}}};
  }
  return patches;
}

json::object pausePatch() { return specPatch({{"paused", true}}); }
json::object resumePatch() { return specPatch({{"paused", false}}); }
json::object abortPatch() { return statusPatch({{"abort", true}}); }
json::object retryPatch() { return statusPatch({{"abort", false}}); }
json::object restartPatch(TimePoint at) { return specPatch({{"restartAt", formatTime(at)}}); }
json::object terminatePatch() { return specPatch({{"terminate", true}}); }

Result<TemplateOwner> templateOwner(const json::object& rollout) {
  const json::object* reference = getObject(rollout, {"spec", "workloadRef"});
  if (!reference)
    return TemplateOwner{std::string(getString(rollout, {"apiVersion"}, "argoproj.io/v1alpha1")), "Rollout",
                         std::string(getString(rollout, {"metadata", "name"})), true, "/spec/template"};
  TemplateOwner owner{std::string(getString(*reference, {"apiVersion"})), std::string(getString(*reference, {"kind"})),
                      std::string(getString(*reference, {"name"})), false, "/spec/template"};
  if (owner.kind == "PodTemplate")
    owner.pointer = "/template";
  else if (owner.kind != "Deployment" && owner.kind != "ReplicaSet")
    return fail(ErrorCode::invalid, fmt::format("workload of type {} is not supported", owner.kind));
  return owner;
}

Result<Undo> undo(const json::object& rollout, const std::vector<json::object>& replica_sets,
                  std::int64_t to_revision) {
  const std::string_view name = getString(rollout, {"metadata", "name"});
  const std::string_view uid = getString(rollout, {"metadata", "uid"});
  std::multimap<std::int64_t, const json::object*, std::greater<>> by_revision;
  for (const json::object& replica_set : replica_sets) {
    const auto revision = revisionOf(replica_set);
    if (revision && isControlledBy(replica_set, uid)) by_revision.emplace(*revision, &replica_set);
  }
  auto picked = by_revision.end();
  if (to_revision > 0) {
    picked = by_revision.find(to_revision);
    if (picked == by_revision.end())
      return fail(ErrorCode::not_found, fmt::format("unable to find specified revision {} in history", to_revision));
  } else if (to_revision == 0 && by_revision.size() > 1) {
    picked = std::next(by_revision.begin());
  }
  if (picked == by_revision.end())
    return fail(ErrorCode::not_found, fmt::format("no revision found for rollout \"{}\"", name));

  auto owner = templateOwner(rollout);
  if (!owner)
    return fail(owner.error().code,
                fmt::format("failed restoring revision {}: {}", to_revision, owner.error().message));
  Undo undo{std::move(*owner), picked->first, {}};
  json::object pod_template = userTemplate(*picked->second);
  const json::object* current = getObject(rollout, {"spec", "template"});
  if (undo.target.is_rollout && current && covers(*current, pod_template)) return undo;
  undo.patch.push_back(
      json::object{{"op", "replace"}, {"path", undo.target.pointer}, {"value", std::move(pod_template)}});
  return undo;
}

Result<json::array> setImagePatch(const json::object& object, std::string_view pointer, std::string_view container,
                                  std::string_view image) {
  const json::object* pod_spec = pointer == "/template" ? getObject(object, {"template", "spec"})
                                                        : getObject(object, {"spec", "template", "spec"});
  json::array patch;
  for (const std::string_view list_name : {"initContainers", "containers", "ephemeralContainers"}) {
    const json::array* list = pod_spec ? getArray(*pod_spec, {list_name}) : nullptr;
    if (!list) continue;
    for (std::size_t index = 0; index < list->size(); ++index) {
      const json::object* item = (*list)[index].if_object();
      if (!item) continue;
      const std::string_view name = getString(*item, {"name"});
      if (container != "*" && name != container) continue;
      const std::string path = fmt::format("{}/spec/{}/{}", pointer, list_name, index);
      patch.push_back(json::object{{"op", "test"}, {"path", path + "/name"}, {"value", name}});
      patch.push_back(json::object{{"op", "add"}, {"path", path + "/image"}, {"value", image}});
    }
  }
  if (patch.empty()) return fail(ErrorCode::not_found, fmt::format("unable to find container named \"{}\"", container));
  return patch;
}

}  // namespace crossfade::rollout
