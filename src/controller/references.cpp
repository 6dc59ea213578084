#include "controller/references.hpp"

#include <algorithm>

namespace crossfade::controller {

analysis::TemplateLookup templateLookup(const Caches& caches, std::string ns) {
  return [&caches, ns = std::move(ns)](std::string_view name, bool cluster_scope) {
    return cluster_scope ? caches.cluster_analysis_templates.find("", name) : caches.analysis_templates.find(ns, name);
  };
}

std::vector<std::string_view> servicesOf(const api::Rollout& rollout) {
  std::vector<std::string_view> names;
  if (const auto& blue_green = rollout.spec.blue_green)
    names = {blue_green->active_service, blue_green->preview_service};
  if (const auto& canary = rollout.spec.canary) {
    names.insert(names.end(), {canary->stable_service, canary->canary_service});
    if (canary->ping_pong)
      names.insert(names.end(), {canary->ping_pong->ping_service, canary->ping_pong->pong_service});
  }
  std::erase(names, "");
  return names;
}

bool namesService(const api::Rollout& rollout, std::string_view service) {
  const std::vector<std::string_view> names = servicesOf(rollout);
  return std::ranges::find(names, service) != names.end();
}

}  // namespace crossfade::controller
