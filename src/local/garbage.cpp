#include "local/garbage.hpp"

#include "local/custom_resources.hpp"
#include "local/object_facts.hpp"

namespace crossfade::local {

namespace {

constexpr std::string_view orphan_finalizer = "orphan";
constexpr std::string_view foreground_finalizer = "foregroundDeletion";

const json::array* ownerReferences(const json::object& object) {
  return getArray(object, {"metadata", "ownerReferences"});
}

bool hasFinalizer(const json::object& object, std::string_view name) {
  const auto* finalizers = getArray(object, {"metadata", "finalizers"});
  return finalizers != nullptr && std::ranges::any_of(*finalizers, [name](const json::value& item) {
           return item.is_string() && item.get_string() == name;
         });
}

std::vector<std::string> ownerUids(const json::object* object) {
  std::vector<std::string> uids;
  if (object == nullptr) return uids;
  if (const auto* references = ownerReferences(*object)) {
    for (const auto& reference : *references) {
      if (reference.is_object()) uids.emplace_back(getString(reference.get_object(), {"uid"}));
    }
  }
  return uids;
}

// Drops the references whose uid is in the list.
void dropReferences(json::object& object, const std::vector<std::string>& uids) {
  auto* references = find(object, {"metadata", "ownerReferences"});
  if (references == nullptr || !references->is_array()) return;
  auto& list = references->get_array();
  for (auto it = list.begin(); it != list.end();) {
    const bool drop =
        it->is_object() && std::ranges::find(uids, std::string(getString(it->get_object(), {"uid"}))) != uids.end();
    it = drop ? list.erase(it) : it + 1;
  }
}

}  // namespace

GarbageCollector::GarbageCollector(Registry& registry, Clock& clock) : registry_(registry), clock_(clock) {}

GarbageCollector::~GarbageCollector() {
  if (timer_) clock_.cancel(*timer_);
}

void GarbageCollector::observe(const ResourceType& type, const Event& event) {
  const json::object& object = *event.object;
  const std::string uid(getString(object, {"metadata", "uid"}));
  const std::string ns(getString(object, {"metadata", "namespace"}));
  const bool deleted = event.type == Event::Type::deleted;
  const auto before = ownerUids(event.previous.get());
  const auto after = deleted ? std::vector<std::string>() : ownerUids(event.object.get());

  if (event.type == Event::Type::added) {
    nodes_[uid] = Node{&type, ns, std::string(getString(object, {"metadata", "name"}))};
    if (!ns.empty()) ++contents_[ns];
  }
  if (before != after) {
    for (const auto& owner : before) {
      if (const auto known = dependents_.find(owner); known != dependents_.end()) {
        known->second.erase(uid);
        if (known->second.empty()) dependents_.erase(known);
      }
    }
    for (const auto& owner : after) {
      dependents_[owner].insert(uid);
      if (!nodes_.contains(owner)) enqueue(uid);
    }
  }
  // An owner that waits for its dependents looks again whenever one of them changes.
  for (const auto& owner : before) {
    const auto known = nodes_.find(owner);
    if (known == nodes_.end()) continue;
    const auto stored = registry_.get(*known->second.type, known->second.ns, known->second.name);
    if (stored && isDeleting(**stored)) enqueue(owner);
  }
  if (deleted) {
    nodes_.erase(uid);
    if (!ns.empty() && --contents_[ns] == 0) {
      contents_.erase(ns);
      enqueueNamespace(ns);
    }
    if (const auto orphans = dependents_.find(uid); orphans != dependents_.end()) {
      for (const auto& dependent : orphans->second) enqueue(dependent);
    }
    return;
  }
  if (isDeleting(object)) {
    if (hasFinalizer(object, orphan_finalizer) || hasFinalizer(object, foreground_finalizer)) enqueue(uid);
    if (type.group.empty() && type.kind == "Namespace")
      enqueueNamespace(std::string(getString(object, {"metadata", "name"})));
  }
}

void GarbageCollector::enqueue(std::string uid) {
  if (!queued_.insert(uid).second) return;
  queue_.push_back(std::move(uid));
  schedule();
}

void GarbageCollector::enqueueNamespace(std::string name) {
  ending_.insert(std::move(name));
  schedule();
}

void GarbageCollector::schedule() {
  if (timer_) return;
  timer_ = clock_.callAt(clock_.now(), [this] {
    timer_.reset();
    work();
  });
}

void GarbageCollector::work() {
  while (!queue_.empty()) {
    const std::string uid = std::move(queue_.front());
    queue_.pop_front();
    queued_.erase(uid);
    process(uid);
  }
  const auto ending = std::exchange(ending_, {});
  for (const auto& name : ending) emptyNamespace(name);
}

GarbageCollector::Owner GarbageCollector::judge(const Node& dependent, const json::object& reference) const {
  const std::string_view api_version = getString(reference, {"apiVersion"});
  const std::size_t slash = api_version.find('/');
  const std::string_view group = slash == std::string_view::npos ? std::string_view() : api_version.substr(0, slash);
  // Of a kind that is not served nobody can say that its object is gone.
  if (registry_.kind(group, getString(reference, {"kind"})) == nullptr) return Owner::solid;
  const auto known = nodes_.find(std::string(getString(reference, {"uid"})));
  if (known == nodes_.end()) return Owner::dangling;
  const Node& owner = known->second;
  if (!owner.ns.empty() && owner.ns != dependent.ns) return Owner::dangling;
  if (owner.type->kind != getString(reference, {"kind"}) || owner.name != getString(reference, {"name"}))
    return Owner::dangling;
  const auto stored = registry_.get(*owner.type, owner.ns, owner.name);
  if (stored && isDeleting(**stored) && hasFinalizer(**stored, foreground_finalizer)) return Owner::waiting;
  return Owner::solid;
}

void GarbageCollector::process(const std::string& uid) {
  const auto known = nodes_.find(uid);
  if (known == nodes_.end()) return;
  const Node node = known->second;
  const auto stored = registry_.get(*node.type, node.ns, node.name);
  if (!stored) return;
  const Object object = *stored;
  if (isDeleting(*object)) {
    if (hasFinalizer(*object, orphan_finalizer)) return orphanDependents(node, uid);
    if (hasFinalizer(*object, foreground_finalizer)) return deleteInForeground(node, uid);
    return;
  }
  const auto* references = ownerReferences(*object);
  if (references == nullptr || references->empty()) return;
  std::vector<std::string> gone;
  bool solid = false;
  bool waiting = false;
  for (const auto& item : *references) {
    if (!item.is_object()) continue;
    const Owner owner = judge(node, item.get_object());
    if (owner == Owner::solid) {
      solid = true;
      continue;
    }
    waiting = waiting || owner == Owner::waiting;
    gone.emplace_back(getString(item.get_object(), {"uid"}));
  }
  if (solid) {
    if (gone.empty()) return;
    static_cast<void>(registry_.modify(*node.type, node.ns, node.name, Subresource::none,
                                       [&gone](json::object& copy) { dropReferences(copy, gone); },
                                       {.field_manager = "kube-controller-manager"}));
    return;
  }
  DeleteOptions options;
  options.uid = uid;
  options.propagation = hasFinalizer(*object, orphan_finalizer)       ? Propagation::orphan
                        : hasFinalizer(*object, foreground_finalizer) ? Propagation::foreground
                                                                      : Propagation::background;
  if (waiting && dependents_.contains(uid)) options.propagation = Propagation::foreground;
  static_cast<void>(registry_.remove(*node.type, node.ns, node.name, options));
}

void GarbageCollector::orphanDependents(const Node& node, const std::string& uid) {
  if (const auto known = dependents_.find(uid); known != dependents_.end()) {
    const std::set<std::string> dependents = known->second;
    for (const auto& dependent : dependents) {
      const auto found = nodes_.find(dependent);
      if (found == nodes_.end()) continue;
      const Node target = found->second;
      static_cast<void>(registry_.modify(*target.type, target.ns, target.name, Subresource::none,
                                         [&uid](json::object& copy) { dropReferences(copy, {uid}); },
                                         {.field_manager = "kube-controller-manager"}));
    }
  }
  static_cast<void>(registry_.modify(*node.type, node.ns, node.name, Subresource::none,
                                     [](json::object& copy) { removeFinalizer(copy, orphan_finalizer); },
                                     {.field_manager = "kube-controller-manager"}));
}

void GarbageCollector::deleteInForeground(const Node& node, const std::string& uid) {
  bool blocked = false;
  if (const auto known = dependents_.find(uid); known != dependents_.end()) {
    const std::set<std::string> dependents = known->second;
    for (const auto& dependent : dependents) {
      const auto found = nodes_.find(dependent);
      if (found == nodes_.end()) continue;
      const Node target = found->second;
      const auto stored = registry_.get(*target.type, target.ns, target.name);
      if (!stored) continue;
      if (!isDeleting(**stored)) enqueue(dependent);
      for (const auto& reference : *ownerReferences(**stored)) {
        if (reference.is_object() && getString(reference.get_object(), {"uid"}) == uid &&
            getBool(reference.get_object(), {"blockOwnerDeletion"})) {
          blocked = true;
        }
      }
    }
  }
  if (blocked) return;
  static_cast<void>(registry_.modify(*node.type, node.ns, node.name, Subresource::none,
                                     [](json::object& copy) { removeFinalizer(copy, foreground_finalizer); },
                                     {.field_manager = "kube-controller-manager"}));
}

void GarbageCollector::emptyNamespace(const std::string& name) {
  const auto stored = registry_.get(*registry_.resource("", "namespaces"), "", name);
  if (!stored || !isDeleting(**stored)) return;
  for (const ResourceType* type : registry_.resources()) {
    if (!type->namespaced) continue;
    for (const Object& object : registry_.list(*type, name)) {
      if (isDeleting(*object)) continue;
      static_cast<void>(registry_.remove(*type, name, getString(*object, {"metadata", "name"})));
    }
  }
  if (!contents_.contains(name)) static_cast<void>(registry_.finalizeNamespace(name, {}));
}

}  // namespace crossfade::local
