#include "controller/references.hpp"

namespace crossfade::controller {

analysis::TemplateLookup templateLookup(const Caches& caches, std::string ns) {
  return [&caches, ns = std::move(ns)](std::string_view name, bool cluster_scope) {
    return cluster_scope ? caches.cluster_analysis_templates.find("", name) : caches.analysis_templates.find(ns, name);
  };
}

}  // namespace crossfade::controller
