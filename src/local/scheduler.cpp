#include "local/scheduler.hpp"

#include <fmt/format.h>

#include <map>

#include "local/object_facts.hpp"

namespace crossfade::local {

namespace {

bool tolerates(const json::object& pod, const json::object& taint) {
  const auto* tolerations = getArray(pod, {"spec", "tolerations"});
  if (tolerations == nullptr) return false;
  const auto tolerated = [&taint](const json::value& item) {
    const auto* toleration = item.if_object();
    if (toleration == nullptr) return false;
    const auto effect = getString(*toleration, {"effect"});
    if (!effect.empty() && effect != getString(taint, {"effect"})) return false;
    const auto key = getString(*toleration, {"key"});
    const bool exists = getString(*toleration, {"operator"}, "Equal") == "Exists";
    if (key.empty()) return exists;
    return key == getString(taint, {"key"}) &&
           (exists || getString(*toleration, {"value"}) == getString(taint, {"value"}));
  };
  return std::ranges::any_of(*tolerations, tolerated);
}

// One term of required node affinity: all its expressions hold.
bool termMatches(const json::object& term, const Labels& labels) {
  const auto* expressions = getArray(term, {"matchExpressions"});
  if (expressions == nullptr) return false;
  const auto selector = Selector::fromJson(json::object{{"matchExpressions", *expressions}});
  return selector && selector->matches(labels);
}

// Why the node refuses the pod; empty when it takes it.
std::string refusal(const json::object& pod, const json::object& node) {
  if (getBool(node, {"spec", "unschedulable"})) return "were unschedulable";
  if (const auto* taints = getArray(node, {"spec", "taints"})) {
    for (const auto& item : *taints) {
      const auto* taint = item.if_object();
      if (taint == nullptr || getString(*taint, {"effect"}) == "PreferNoSchedule" || tolerates(pod, *taint)) continue;
      return fmt::format("had untolerated taint {{{}: {}}}", getString(*taint, {"key"}), getString(*taint, {"value"}));
    }
  }
  constexpr std::string_view mismatch = "didn't match Pod's node affinity/selector";
  const Labels labels = labelsOf(node);
  const Labels wanted = labelsFromJson(getObject(pod, {"spec", "nodeSelector"}));
  if (!Selector::fromLabels(wanted).matches(labels)) return std::string(mismatch);
  const auto* terms = getArray(
      pod, {"spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"});
  if (terms == nullptr) return {};
  const bool one = std::ranges::any_of(*terms, [&labels](const json::value& term) {
    return term.is_object() && termMatches(term.get_object(), labels);
  });
  return one ? std::string() : std::string(mismatch);
}

}  // namespace

Result<std::string> chooseNode(const json::object& pod, const std::vector<NodeLoad>& nodes) {
  const NodeLoad* best = nullptr;
  std::map<std::string, int> refusals;
  for (const NodeLoad& candidate : nodes) {
    if (auto why = refusal(pod, *candidate.node); !why.empty()) {
      ++refusals[std::move(why)];
    } else if (best == nullptr || candidate.pods < best->pods) {
      best = &candidate;
    }
  }
  if (best != nullptr) return std::string(nameOf(*best->node));
  std::vector<std::string> reasons;
  for (const auto& [why, count] : refusals) reasons.push_back(fmt::format("{} node(s) {}", count, why));
  if (nodes.empty()) return fail(ErrorCode::unavailable, "no nodes available to schedule pods");
  return fail(
      ErrorCode::unavailable,
      fmt::format(
          "0/{0} nodes are available: {1}. preemption: 0/{0} nodes are available: {0} Preemption is not helpful "
          "for scheduling.",
          nodes.size(), fmt::join(reasons, ", ")));
}

}  // namespace crossfade::local
