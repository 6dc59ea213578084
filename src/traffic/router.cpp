#include "traffic/router.hpp"

#include <algorithm>

namespace crossfade::traffic {

void Objects::put(const ObjectRef& ref, Result<Object> object) {
  objects_.insert_or_assign(Key(ref.kind.kind, ref.ns, ref.name), std::move(object));
}

void Objects::putMatches(const ObjectRef& ref, Result<std::vector<Object>> objects) {
  if (objects) {
    std::ranges::sort(*objects, {}, [](const Object& object) { return getString(*object, {"metadata", "name"}); });
  }
  matches_.insert_or_assign(Key(ref.kind.kind, ref.ns, ref.selector ? ref.selector->toString() : ""),
                            std::move(objects));
}

void Objects::add(Objects other) {
  objects_.merge(other.objects_);
  matches_.merge(other.matches_);
}

Result<Objects::Object> Objects::find(const ResourceKind& kind, std::string_view ns, std::string_view name) const {
  const auto found = objects_.find(Key(kind.kind, ns, name));
  if (found != objects_.end()) return found->second;
  for (const auto& [key, list] : matches_) {
    if (std::get<0>(key) != kind.kind || std::get<1>(key) != ns || !list) continue;
    for (const Object& object : *list) {
      if (getString(*object, {"metadata", "name"}) == name) return object;
    }
  }
  std::string resource = kind.group.empty() ? kind.plural : kind.plural + "." + kind.group;
  return fail(ErrorCode::not_found, resource + " \"" + std::string(name) + "\" not found");
}

Result<std::vector<Objects::Object>> Objects::matches(const ObjectRef& ref) const {
  const auto found = matches_.find(Key(ref.kind.kind, ref.ns, ref.selector ? ref.selector->toString() : ""));
  if (found == matches_.end()) return std::vector<Object>{};
  return found->second;
}

std::vector<ObjectRef> Router::readsNext(const RolloutView&, const Objects&) const { return {}; }

RolloutView::Pair RolloutView::services() const {
  if (!stable_service.empty() || !canary_service.empty()) return {stable_service, canary_service};
  if (stable_ping_pong == "ping") return {ping_service, pong_service};
  return {pong_service, ping_service};
}

}  // namespace crossfade::traffic
