// Deployments: a ReplicaSet for each pod template, and the pods moved from the old ones to the new one.
#include <fmt/format.h>

#include "base/hash.hpp"
#include "local/controllers.hpp"
#include "local/deployment_scaling.hpp"
#include "local/deployment_status.hpp"
#include "local/event_recorder.hpp"
#include "local/key_queue.hpp"
#include "local/object_facts.hpp"
#include "local/selector_index.hpp"

namespace crossfade::local {

namespace {

constexpr std::string_view hash_label = "pod-template-hash";
constexpr std::string_view revision_annotation = "deployment.kubernetes.io/revision";
constexpr std::string_view history_annotation = "deployment.kubernetes.io/revision-history";
constexpr std::string_view desired_annotation = "deployment.kubernetes.io/desired-replicas";
constexpr std::string_view max_annotation = "deployment.kubernetes.io/max-replicas";
constexpr int hash_attempts = 16;

std::int64_t numberIn(const json::object& object, std::string_view annotation) {
  const std::string text(getString(object, {"metadata", "annotations", annotation}));
  return std::strtoll(text.c_str(), nullptr, 10);
}

std::int64_t replicasOf(const json::object& set) { return getInt(set, {"spec", "replicas"}, 1); }

SetSize sizeOf(const json::object& set) {
  return {.name = std::string(nameOf(set)),
          .replicas = replicasOf(set),
          .available = getInt(set, {"status", "availableReplicas"}),
          .max_before_scale = numberIn(set, max_annotation)};
}

std::vector<SetSize> sizesOf(const std::vector<Object>& sets) {
  std::vector<SetSize> sizes;
  for (const Object& set : sets) sizes.push_back(sizeOf(*set));
  return sizes;
}

// The template without the label that the controller adds to it.
json::object plainTemplate(const json::object& workload) {
  const auto* found = getObject(workload, {"spec", "template"});
  json::object result = found == nullptr ? json::object() : *found;
  if (auto* labels = find(result, {"metadata", "labels"}); labels != nullptr && labels->is_object())
    labels->get_object().erase(hash_label);
  return result;
}

// Annotations of the Deployment that its ReplicaSets don't inherit.
bool isOwnAnnotation(std::string_view key) {
  return key == "kubectl.kubernetes.io/last-applied-configuration" || key == revision_annotation ||
         key == history_annotation || key == desired_annotation || key == max_annotation ||
         key == "deprecated.deployment.rollback.to";
}

class DeploymentController : public Controller {
 public:
  explicit DeploymentController(const ControllerContext& context)
      : context_(context),
        type_(*context.registry.resource("apps", "deployments")),
        set_type_(*context.registry.resource("apps", "replicasets")),
        queue_(context.clock, [this](const std::string& key) { sync(key); }),
        events_(context.registry, context.clock, "deployment-controller") {
    for (const Object& set : context.registry.list(set_type_)) observeSet({Event::Type::added, set, nullptr, 0});
    for (const Object& deployment : context.registry.list(type_)) observe({Event::Type::added, deployment, nullptr, 0});
    deployments_ =
        context.registry.subscribe(&type_, [this](const ResourceType&, const Event& event) { observe(event); });
    sets_ =
        context.registry.subscribe(&set_type_, [this](const ResourceType&, const Event& event) { observeSet(event); });
    // A Deployment that recreates its pods waits for the last of the old ones to be gone.
    pods_ = context.registry.subscribe(
        context.registry.resource("", "pods"), [this](const ResourceType&, const Event& event) {
          if (event.type != Event::Type::deleted) return;
          const auto* owner = controllerOf(*event.object);
          if (owner == nullptr || getString(*owner, {"kind"}) != "ReplicaSet") return;
          const auto set = context_.registry.get(set_type_, namespaceOf(*event.object), getString(*owner, {"name"}));
          if (set) addOwner(**set);
        });
  }

 private:
  void observe(const Event& event) {
    const std::string key = keyOf(*event.object);
    const auto* selector = getObject(*event.object, {"spec", "selector"});
    if (event.type == Event::Type::deleted) {
      selectors_.erase(key);
      queue_.forget(key);
    } else if (selector != nullptr) {
      if (auto parsed = Selector::fromJson(*selector); parsed && !parsed->empty())
        selectors_.set(key, std::move(*parsed));
    }
    queue_.add(key);
  }

  void observeSet(const Event& event) {
    const std::string key = keyOf(*event.object);
    const auto place = [this, &key](const json::object& set, bool insert) {
      auto& index = controllerOf(set) == nullptr ? orphans_ : owned_;
      const std::pair entry(std::string(controllerOf(set) == nullptr ? namespaceOf(set) : controllerUid(set)), key);
      if (insert) {
        index.insert(entry);
      } else {
        index.erase(entry);
      }
    };
    if (event.previous) place(*event.previous, false);
    if (event.type != Event::Type::deleted) place(*event.object, true);
    const bool mine = addOwner(*event.object);
    if (event.previous && controllerUid(*event.previous) != controllerUid(*event.object)) addOwner(*event.previous);
    if (mine || controllerOf(*event.object) != nullptr || event.type == Event::Type::deleted) return;
    for (const auto& owner : selectors_.matching(namespaceOf(*event.object), labelsOf(*event.object)))
      queue_.add(owner);
  }

  bool addOwner(const json::object& set) {
    const auto* owner = controllerOf(set);
    if (owner == nullptr || getString(*owner, {"kind"}) != "Deployment") return false;
    queue_.add(keyOf(namespaceOf(set), getString(*owner, {"name"})));
    return true;
  }

  void sync(const std::string& key) {
    const auto [ns, name] = splitKey(key);
    const auto stored = context_.registry.get(type_, ns, name);
    if (!stored) return;
    Object deployment = *stored;
    const auto* wanted = getObject(*deployment, {"spec", "selector"});
    const auto selector = wanted == nullptr ? Result<Selector>(Selector()) : Selector::fromJson(*wanted);
    if (!selector || selector->empty()) return;
    DeploymentSets family = familyOf(*deployment, claim(*deployment, *selector));
    if (isDeleting(*deployment)) return writeStatus(*deployment, family);
    notePause(deployment);
    const bool paused = getBool(*deployment, {"spec", "paused"});
    if (!paused || family.fresh) adjustFresh(deployment, family);

    if (paused || sizeChanged(*deployment, family)) {
      resize(*deployment, family);
    } else if (DeploymentSize::of(*deployment).rolling) {
      rollOn(deployment, family);
    } else {
      recreate(deployment, family);
    }
    // What was just written brings this Deployment back here by its events.
    family = familyOf(*deployment, claim(*deployment, *selector));
    if (family.fresh && isComplete(*deployment, family)) cleanUp(*deployment, family);
    writeStatus(*deployment, family);
  }

  std::vector<Object> claim(const json::object& deployment, const Selector& selector) {
    std::vector<Object> mine;
    const auto collect = [this](const std::set<std::pair<std::string, std::string>>& index, const std::string& first) {
      std::vector<Object> found;
      for (auto it = index.lower_bound({first, ""}); it != index.end() && it->first == first; ++it) {
        const auto [ns, name] = splitKey(it->second);
        if (auto set = context_.registry.get(set_type_, ns, name)) found.push_back(std::move(*set));
      }
      return found;
    };
    for (Object& set : collect(owned_, std::string(uidOf(deployment)))) {
      if (selector.matches(labelsOf(*set))) mine.push_back(std::move(set));
    }
    if (!isDeleting(deployment)) {
      for (const Object& set : collect(orphans_, std::string(namespaceOf(deployment)))) {
        if (isDeleting(*set) || !selector.matches(labelsOf(*set))) continue;
        const auto adopted = modifySet(*set, [&deployment](json::object& copy) {
          json::value& owners = ensureObject(copy, {"metadata"})["ownerReferences"];
          if (!owners.is_array()) owners = json::array();
          owners.get_array().push_back(controllerReference(deployment));
        });
        if (adopted) mine.push_back(adopted);
      }
    }
    std::ranges::stable_sort(mine, {},
                             [](const Object& set) { return std::pair(createdAt(*set), std::string(nameOf(*set))); });
    return mine;
  }

  static DeploymentSets familyOf(const json::object& deployment, std::vector<Object> sets) {
    DeploymentSets family;
    const json::object wanted = plainTemplate(deployment);
    for (const Object& set : sets) {
      if (!family.fresh && plainTemplate(*set) == wanted) {
        family.fresh = set;
      } else {
        family.old.push_back(set);
      }
    }
    family.all = std::move(sets);
    return family;
  }

  Object modifySet(const json::object& set, const std::function<void(json::object&)>& change) {
    auto changed =
        context_.registry.modify(set_type_, namespaceOf(set), nameOf(set), Subresource::none, change, writer_);
    return changed ? *changed : nullptr;
  }

  // Makes the ReplicaSet of the present template where it is missing, and gives it (and the Deployment) its revision.
  void adjustFresh(Object& deployment, DeploymentSets& family) {
    std::int64_t newest = 0;
    for (const Object& set : family.old) newest = std::max(newest, numberIn(*set, revision_annotation));
    const std::string revision = std::to_string(newest + 1);
    if (!family.fresh) {
      // Pods of the old template have to be gone first.
      if (!DeploymentSize::of(*deployment).rolling && !oldPodsGone(family)) return;
      family.fresh = makeSet(deployment, family, revision);
      if (!family.fresh) return;
      family.all.push_back(family.fresh);
    } else {
      const std::int64_t own = numberIn(*family.fresh, revision_annotation);
      const Object updated = modifySet(*family.fresh, [&](json::object& copy) {
        json::object& annotations = inheritAnnotations(*deployment, copy);
        if (own < newest + 1) {
          if (own > 0) {
            const std::string history(getString(annotations, {history_annotation}));
            annotations[history_annotation] =
                history.empty() ? std::to_string(own) : fmt::format("{},{}", history, own);
          }
          annotations[revision_annotation] = revision;
        }
        const std::int64_t min_ready = getInt(*deployment, {"spec", "minReadySeconds"});
        if (getInt(copy, {"spec", "minReadySeconds"}) != min_ready)
          copy["spec"].get_object()["minReadySeconds"] = min_ready;
      });
      if (updated) {
        std::ranges::replace(family.all, family.fresh, updated);
        family.fresh = updated;
      }
    }
    const std::string shown(getString(*family.fresh, {"metadata", "annotations", revision_annotation}));
    if (getString(*deployment, {"metadata", "annotations", revision_annotation}) == shown) return;
    const auto mark = [&shown](json::object& copy) {
      ensureObject(copy, {"metadata", "annotations"})[revision_annotation] = shown;
    };
    const auto marked = context_.registry.modify(type_, namespaceOf(*deployment), nameOf(*deployment),
                                                 Subresource::status, mark, writer_);
    if (marked) deployment = *marked;
  }

  static json::object& inheritAnnotations(const json::object& deployment, json::object& set) {
    json::object& annotations = ensureObject(set, {"metadata", "annotations"});
    if (const auto* own = getObject(deployment, {"metadata", "annotations"})) {
      for (const auto& [key, value] : *own) {
        if (!isOwnAnnotation(key)) annotations[key] = value;
      }
    }
    return annotations;
  }

  Object makeSet(const Object& deployment, const DeploymentSets& family, const std::string& revision) {
    const DeploymentSize size = DeploymentSize::of(*deployment);
    const std::int64_t replicas = nextNewReplicas(size, {}, sizesOf(family.old));
    const std::string plain = json::serialize(plainTemplate(*deployment));
    for (int attempt = 0; attempt < hash_attempts; ++attempt) {
      std::uint32_t hash = fnv1a(plain);
      if (attempt > 0) hash = fnv1a(std::to_string(attempt), hash);
      const std::string hash_text = safeEncode(hash);
      json::object set{{"metadata", json::object{{"name", fmt::format("{}-{}", nameOf(*deployment), hash_text)},
                                                 {"ownerReferences", json::array{controllerReference(*deployment)}}}},
                       {"spec", json::object{{"replicas", replicas},
                                             {"selector", *find(*deployment, {"spec", "selector"})},
                                             {"template", plainTemplate(*deployment)}}}};
      if (const auto ready = getInt(*deployment, {"spec", "minReadySeconds"}); ready > 0)
        set["spec"].get_object()["minReadySeconds"] = ready;
      ensureObject(set, {"spec", "template", "metadata", "labels"})[hash_label] = hash_text;
      ensureObject(set, {"spec", "selector", "matchLabels"})[hash_label] = hash_text;
      const json::value labels = *find(set, {"spec", "template", "metadata", "labels"});
      ensureObject(set, {"metadata"})["labels"] = labels;
      json::object& annotations = inheritAnnotations(*deployment, set);
      annotations[revision_annotation] = revision;
      annotations[desired_annotation] = std::to_string(size.replicas);
      annotations[max_annotation] = std::to_string(size.replicas + size.max_surge);
      const auto made = context_.registry.create(set_type_, namespaceOf(*deployment), std::move(set), writer_);
      if (!made && made.error().code == ErrorCode::already_exists) continue;  // of another template: another hash
      if (!made) {
        const std::string message =
            fmt::format("Failed to create new replica set for {}: {}", nameOf(*deployment), made.error().message);
        events_.warning(*deployment, "ReplicaSetCreateError", message);
        queue_.retry(keyOf(*deployment));
        return nullptr;
      }
      if (replicas > 0) {
        events_.normal(*deployment, "ScalingReplicaSet",
                       fmt::format("Scaled up replica set {} from 0 to {}", nameOf(**made), replicas));
      }
      noteProgress(*deployment, "True", "NewReplicaSetCreated",
                   fmt::format("Created new replica set \"{}\"", nameOf(**made)));
      return *made;
    }
    return nullptr;
  }

  void noteProgress(const json::object& deployment, std::string_view value, std::string_view reason,
                    const std::string& message) {
    const auto note = [&](json::object& copy) {
      setDeploymentCondition(ensureObject(copy, {"status"}), "Progressing", value, reason, message,
                             context_.clock.now());
    };
    static_cast<void>(context_.registry.modify(type_, namespaceOf(deployment), nameOf(deployment), Subresource::status,
                                               note, writer_));
  }

  void notePause(Object& deployment) {
    const auto* progress = findCondition(*deployment, "Progressing");
    const auto reason = progress == nullptr ? std::string_view() : getString(*progress, {"reason"});
    if (reason == "ProgressDeadlineExceeded" || find(*deployment, {"spec", "progressDeadlineSeconds"}) == nullptr)
      return;
    const bool paused = getBool(*deployment, {"spec", "paused"});
    if (paused && reason != "DeploymentPaused") {
      noteProgress(*deployment, "Unknown", "DeploymentPaused", "Deployment is paused");
    } else if (!paused && reason == "DeploymentPaused") {
      noteProgress(*deployment, "Unknown", "DeploymentResumed", "Deployment is resumed");
    } else {
      return;
    }
    if (auto changed = context_.registry.get(type_, namespaceOf(*deployment), nameOf(*deployment)))
      deployment = *changed;
  }

  static bool sizeChanged(const json::object& deployment, const DeploymentSets& family) {
    const std::string desired = std::to_string(replicasOf(deployment));
    return std::ranges::any_of(family.all, [&desired](const Object& set) {
      const auto before = getString(*set, {"metadata", "annotations", desired_annotation});
      return replicasOf(*set) > 0 && !before.empty() && before != desired;
    });
  }

  // Sets the size (and the annotations that tell the Deployment's size) of one ReplicaSet.
  void scale(const json::object& deployment, const json::object& set, std::int64_t replicas) {
    const DeploymentSize size = DeploymentSize::of(deployment);
    const std::int64_t before = replicasOf(set);
    const Object changed = modifySet(set, [&](json::object& copy) {
      copy["spec"].get_object()["replicas"] = replicas;
      json::object& annotations = ensureObject(copy, {"metadata", "annotations"});
      annotations[desired_annotation] = std::to_string(size.replicas);
      annotations[max_annotation] = std::to_string(size.replicas + size.max_surge);
    });
    if (!changed || before == replicas) return;
    events_.normal(deployment, "ScalingReplicaSet",
                   fmt::format("Scaled {} replica set {} from {} to {}", replicas > before ? "up" : "down", nameOf(set),
                               before, replicas));
  }

  void scaleAll(const json::object& deployment, const std::vector<Object>& sets,
                const std::vector<std::int64_t>& replicas) {
    for (std::size_t i = 0; i < sets.size(); ++i) {
      if (replicasOf(*sets[i]) != replicas[i]) scale(deployment, *sets[i], replicas[i]);
    }
  }

  // The size of the Deployment changed, or it is paused: no step of an update, only its pods spread again.
  void resize(const json::object& deployment, const DeploymentSets& family) {
    const DeploymentSize size = DeploymentSize::of(deployment);
    std::vector<Object> active;
    for (const Object& set : family.all) {
      if (replicasOf(*set) > 0) active.push_back(set);
    }
    if (active.size() <= 1) {
      const Object one = !active.empty()      ? active.front()
                         : family.fresh       ? family.fresh
                         : family.all.empty() ? nullptr
                                              : family.all.back();
      if (one) scale(deployment, *one, size.replicas);
      return;
    }
    const bool saturated = family.fresh && replicasOf(*family.fresh) == size.replicas &&
                           numberIn(*family.fresh, desired_annotation) == size.replicas &&
                           getInt(*family.fresh, {"status", "availableReplicas"}) == size.replicas;
    if (saturated) return scaleAll(deployment, family.old, std::vector<std::int64_t>(family.old.size(), 0));
    if (!size.rolling) return;
    const std::int64_t now = [&active] {
      std::int64_t replicas = 0;
      for (const Object& set : active) replicas += replicasOf(*set);
      return replicas;
    }();
    // The largest first; of equals the newer one when pods are added, the older one when they are taken.
    const bool growing = size.replicas + size.max_surge > now;
    std::ranges::stable_sort(active, [growing](const Object& a, const Object& b) {
      if (replicasOf(*a) != replicasOf(*b)) return replicasOf(*a) > replicasOf(*b);
      return growing ? createdAt(*a) > createdAt(*b) : createdAt(*a) < createdAt(*b);
    });
    const auto next = proportionalReplicas(size, sizesOf(active), getInt(deployment, {"status", "replicas"}));
    for (std::size_t i = 0; i < active.size(); ++i) scale(deployment, *active[i], next[i]);
  }

  void rollOn(const Object& deployment, const DeploymentSets& family) {
    if (!family.fresh) return;
    const DeploymentSize size = DeploymentSize::of(*deployment);
    const SetSize fresh = sizeOf(*family.fresh);
    const std::vector<SetSize> old = sizesOf(family.old);
    if (const std::int64_t next = nextNewReplicas(size, fresh, old); next != fresh.replicas) {
      return scale(*deployment, *family.fresh, next);
    }
    scaleAll(*deployment, family.old, nextOldReplicas(size, fresh, old));
  }

  void recreate(const Object& deployment, const DeploymentSets& family) {
    const bool running = std::ranges::any_of(family.old, [](const Object& set) { return replicasOf(*set) > 0; });
    if (running) return scaleAll(*deployment, family.old, std::vector<std::int64_t>(family.old.size(), 0));
    if (family.fresh && oldPodsGone(family) && replicasOf(*family.fresh) != replicasOf(*deployment)) {
      scale(*deployment, *family.fresh, replicasOf(*deployment));
    }
  }

  bool oldPodsGone(const DeploymentSets& family) const {
    for (const Object& set : family.old) {
      if (replicasOf(*set) > 0) return false;
      for (const Object& pod : context_.pods.ownedBy(uidOf(*set))) {
        if (!isFinished(*pod)) return false;
      }
    }
    return true;
  }

  // Old ReplicaSets beyond revisionHistoryLimit, the lowest revisions first.
  void cleanUp(const json::object& deployment, const DeploymentSets& family) {
    std::vector<Object> idle;
    for (const Object& set : family.old) {
      const bool over = replicasOf(*set) == 0 && getInt(*set, {"status", "replicas"}) == 0 && !isDeleting(*set) &&
                        getInt(*set, {"metadata", "generation"}) <= getInt(*set, {"status", "observedGeneration"});
      if (over) idle.push_back(set);
    }
    const std::int64_t limit = getInt(deployment, {"spec", "revisionHistoryLimit"}, 10);
    const std::int64_t excess = static_cast<std::int64_t>(idle.size()) - limit;
    std::ranges::stable_sort(idle, {}, [](const Object& set) { return numberIn(*set, revision_annotation); });
    for (std::int64_t i = 0; i < excess; ++i) {
      static_cast<void>(removeExactly(context_.registry, set_type_, *idle[static_cast<std::size_t>(i)]));
    }
  }

  void writeStatus(const json::object& deployment, const DeploymentSets& sets) {
    const auto fill = [&](json::object& copy) {
      fillDeploymentStatus(deployment, sets, ensureObject(copy, {"status"}), context_.clock.now());
    };
    const auto written = context_.registry.modify(type_, namespaceOf(deployment), nameOf(deployment),
                                                  Subresource::status, fill, writer_);
    const auto due = written ? progressDeadline(**written) : std::nullopt;
    if (due && *due > context_.clock.now()) queue_.addAt(keyOf(deployment), *due);
  }

  ControllerContext context_;
  const ResourceType& type_;
  const ResourceType& set_type_;
  const WriteOptions writer_{.field_manager = std::string(controller_manager)};
  KeyQueue queue_;
  EventRecorder events_;
  SelectorIndex selectors_;                                // of the Deployments, for ReplicaSets without an owner
  std::set<std::pair<std::string, std::string>> owned_;    // owner's uid, key of the ReplicaSet
  std::set<std::pair<std::string, std::string>> orphans_;  // namespace, key of the ReplicaSet
  std::shared_ptr<Registry::Subscription> deployments_, sets_, pods_;
};

}  // namespace

std::unique_ptr<Controller> makeDeploymentController(const ControllerContext& context) {
  return std::make_unique<DeploymentController>(context);
}

}  // namespace crossfade::local
