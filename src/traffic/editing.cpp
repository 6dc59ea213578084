#include "traffic/editing.hpp"

#include <algorithm>

#include "api/names.hpp"

namespace crossfade::traffic {

Drafts::Draft* Drafts::find(const ObjectRef& ref) {
  const auto found = std::ranges::find_if(drafts_, [&](const Draft& draft) {
    return draft.ref.kind == ref.kind && draft.ref.ns == ref.ns && draft.ref.name == ref.name;
  });
  return found == drafts_.end() ? nullptr : &*found;
}

Result<json::object*> Drafts::open(const ObjectRef& ref) {
  if (Draft* opened = find(ref)) return &opened->edited;
  auto object = objects_.find(ref.kind, ref.ns, ref.name);
  if (!object) return fail(object.error());
  drafts_.push_back({.ref = ref, .original = *object, .edited = **object});
  return &drafts_.back().edited;
}

void Drafts::create(const ObjectRef& ref, json::object body, Telling telling) {
  json::object& metadata = ensureObject(body, {"metadata"});
  metadata["name"] = ref.name;
  metadata["namespace"] = ref.ns;
  drafts_.push_back(
      {.ref = ref, .verb = Change::Verb::create, .edited = std::move(body), .telling = std::move(telling)});
}

void Drafts::remove(const ObjectRef& ref, Telling telling) {
  Draft* opened = find(ref);
  if (opened == nullptr) opened = &drafts_.emplace_back(Draft{.ref = ref});
  opened->verb = Change::Verb::remove;
  opened->telling = std::move(telling);
}

void Drafts::tell(const ObjectRef& ref, Telling telling) {
  Draft* opened = find(ref);
  if (opened == nullptr) return;
  std::vector<EventNote> after = std::move(opened->telling.after);
  after.insert(after.end(), telling.after.begin(), telling.after.end());
  opened->telling = std::move(telling);
  opened->telling.after = std::move(after);
}

std::vector<Change> Drafts::changes() const {
  std::vector<Change> changes;
  for (const Draft& draft : drafts_) {
    std::optional<Change> change = Change{.verb = draft.verb, .object = draft.ref, .body = {}};
    if (draft.verb == Change::Verb::create) change->body = draft.edited;
    if (draft.verb == Change::Verb::patch) change = patchOf(draft.ref, *draft.original, draft.edited);
    if (!change) continue;
    change->telling = draft.telling;
    changes.push_back(std::move(*change));
  }
  return changes;
}

Shares sharesOfHundred(const SetWeight& set, std::int64_t max_weight) {
  const auto scaled = [max_weight](std::int64_t weight) {
    return max_weight == 100 || max_weight <= 0 ? weight : (weight * 200 + max_weight) / (2 * max_weight);
  };
  Shares shares{.canary = scaled(set.weight), .stable = 100, .extra = set.extra};
  shares.stable -= shares.canary;
  for (Destination& destination : shares.extra) {
    destination.weight = scaled(destination.weight);
    shares.stable -= destination.weight;
  }
  shares.stable = std::max<std::int64_t>(shares.stable, 0);
  return shares;
}

Routing EditingRouter::route(const RolloutView& rollout, const Objects& objects,
                             const std::vector<Operation>& operations) const {
  Routing routing;
  Drafts drafts(objects);
  Work work{rollout, drafts, routing.events, routing.look_again};
  struct Carry {
    const EditingRouter& router;
    Work& work;
    Result<> operator()(const SetWeight& set) const { return router.setWeight(work, set); }
    Result<> operator()(const UpdateHash& hashes) const { return router.updateHash(work, hashes); }
    Result<> operator()(const SetHeaderRoute& set) const { return router.setHeaderRoute(work, set); }
    Result<> operator()(const SetMirrorRoute& set) const { return router.setMirrorRoute(work, set); }
    Result<> operator()(const RemoveManagedRoutes&) const { return router.removeManagedRoutes(work); }
  };
  for (const Operation& operation : operations) {
    const Result<> done = std::visit(Carry{*this, work}, operation);
    if (done) continue;
    routing.error = done.error();
    routing.weight_failed = std::holds_alternative<SetWeight>(operation);
    break;
  }
  routing.changes = drafts.changes();
  return routing;
}

Result<Observed> EditingRouter::observe(const RolloutView&, const Objects&, const SetWeight&) const {
  return Observed{};
}

Result<> EditingRouter::updateHash(Work&, const UpdateHash&) const { return {}; }
Result<> EditingRouter::setHeaderRoute(Work&, const SetHeaderRoute&) const { return {}; }
Result<> EditingRouter::setMirrorRoute(Work&, const SetMirrorRoute&) const { return {}; }
Result<> EditingRouter::removeManagedRoutes(Work&) const { return {}; }

std::string_view textAt(const json::value& value, std::initializer_list<std::string_view> path) {
  return value.is_object() ? getString(value.get_object(), path) : std::string_view();
}

std::unexpected<Error> refuse(std::string message) { return fail(ErrorCode::invalid, std::move(message)); }

std::optional<Change> patchOf(const ObjectRef& ref, const json::object& original, const json::object& edited) {
  json::object patch = mergeDiff(original, edited);
  if (patch.empty()) return std::nullopt;
  const std::string_view version = getString(original, {"metadata", "resourceVersion"});
  if (!version.empty()) ensureObject(patch, {"metadata"})["resourceVersion"] = version;
  return Change{.object = ref, .body = std::move(patch)};
}

std::string canaryName(std::string_view name) {
  constexpr std::size_t longest = 246;
  return std::string(name.substr(0, longest)) + "-canary";
}

void setMember(json::object& object, std::string_view name, std::int64_t value) {
  const json::value* present = object.if_contains(name);
  if (present == nullptr || asInteger(*present) != value) object[name] = value;
}

json::object ownerReference(const RolloutView& rollout) {
  return {{"apiVersion", api::api_version},
          {"kind", "Rollout"},
          {"name", rollout.name},
          {"uid", rollout.uid},
          {"controller", true},
          {"blockOwnerDeletion", true}};
}

bool isControlledBy(const json::object& object, const RolloutView& rollout) {
  const json::array* owners = getArray(object, {"metadata", "ownerReferences"});
  if (owners == nullptr) return false;
  return std::ranges::any_of(*owners, [&](const json::value& owner) {
    return owner.is_object() && getBool(owner.get_object(), {"controller"}) &&
           getString(owner.get_object(), {"uid"}) == rollout.uid;
  });
}

}  // namespace crossfade::traffic
