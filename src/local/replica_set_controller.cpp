// ReplicaSets: as many pods as they want, the right ones gone first when there are too many.
#include <fmt/format.h>

#include <cmath>

#include "local/controllers.hpp"
#include "local/event_recorder.hpp"
#include "local/key_queue.hpp"
#include "local/object_facts.hpp"
#include "local/selector_index.hpp"

namespace crossfade::local {

namespace {

// More pods than that are made or deleted in further steps.
constexpr int burst = 500;

// How far two moments of the past are apart on a logarithmic scale: pods of about the same age are equally old.
std::int64_t logarithm(TimePoint then, TimePoint now) {
  const auto age = std::chrono::nanoseconds(now - then).count();
  return age > 0 ? static_cast<std::int64_t>(std::log2(static_cast<double>(age))) : -1;
}

// What decides which of two pods goes first when a ReplicaSet shrinks: a smaller tuple does.
struct Worth {
  explicit Worth(const json::object& pod, int neighbours, TimePoint now) {
    assigned = !getString(pod, {"spec", "nodeName"}).empty();
    const auto pod_phase = getString(pod, {"status", "phase"});
    phase = pod_phase == "Pending" ? 0 : pod_phase == "Running" ? 2 : 1;
    const auto since = readySince(pod);
    ready = since.has_value();
    const std::string cost_text(
        getString(pod, {"metadata", "annotations", "controller.kubernetes.io/pod-deletion-cost"}));
    cost = std::strtoll(cost_text.c_str(), nullptr, 10);
    crowded = -neighbours;
    ready_age = since ? logarithm(*since, now) : 0;
    if (const auto* statuses = getArray(pod, {"status", "containerStatuses"})) {
      for (const auto& status : *statuses) {
        if (status.is_object()) restarts = std::min(restarts, -getInt(status.get_object(), {"restartCount"}));
      }
    }
    age = logarithm(createdAt(pod), now);
    uid = uidOf(pod);
  }
  auto key() const { return std::tie(assigned, phase, ready, cost, crowded, ready_age, restarts, age, uid); }

  bool assigned, ready;
  int phase, crowded;
  std::int64_t cost, ready_age, restarts = 0, age;
  std::string uid;
};

class ReplicaSetController : public Controller {
 public:
  explicit ReplicaSetController(const ControllerContext& context)
      : context_(context),
        type_(*context.registry.resource("apps", "replicasets")),
        pod_type_(*context.registry.resource("", "pods")),
        queue_(context.clock, [this](const std::string& key) { sync(key); }),
        events_(context.registry, context.clock, "replicaset-controller") {
    for (const Object& set : context.registry.list(type_)) observeSet({Event::Type::added, set, nullptr, 0});
    sets_ = context.registry.subscribe(&type_, [this](const ResourceType&, const Event& event) { observeSet(event); });
    pods_ =
        context.registry.subscribe(&pod_type_, [this](const ResourceType&, const Event& event) { observePod(event); });
  }

 private:
  using Failure = std::optional<std::pair<std::string, std::string>>;  // reason, message

  void observeSet(const Event& event) {
    const std::string key = keyOf(*event.object);
    if (event.previous) siblings_.erase({std::string(controllerUid(*event.previous)), key});
    if (event.type == Event::Type::deleted) {
      selectors_.erase(key);
      queue_.forget(key);
      return;
    }
    if (const auto owner = controllerUid(*event.object); !owner.empty()) siblings_.emplace(owner, key);
    const auto* selector = getObject(*event.object, {"spec", "selector"});
    const auto* before = event.previous ? getObject(*event.previous, {"spec", "selector"}) : nullptr;
    if (selector != nullptr && (before == nullptr || *before != *selector)) {
      if (auto parsed = Selector::fromJson(*selector); parsed && !parsed->empty())
        selectors_.set(key, std::move(*parsed));
    }
    queue_.add(key);
  }

  void observePod(const Event& event) {
    const json::object& pod = *event.object;
    const bool mine = addOwner(pod);
    if (event.previous && controllerUid(*event.previous) != controllerUid(pod)) addOwner(*event.previous);
    if (mine || controllerOf(pod) != nullptr || event.type == Event::Type::deleted) return;
    for (const auto& key : selectors_.matching(namespaceOf(pod), labelsOf(pod))) queue_.add(key);
  }

  bool addOwner(const json::object& pod) {
    const auto* owner = controllerOf(pod);
    if (owner == nullptr || getString(*owner, {"kind"}) != "ReplicaSet") return false;
    queue_.add(keyOf(namespaceOf(pod), getString(*owner, {"name"})));
    return true;
  }

  void sync(const std::string& key) {
    const auto [ns, name] = splitKey(key);
    const auto stored = context_.registry.get(type_, ns, name);
    if (!stored) return;
    const Object set = *stored;
    const auto* wanted = getObject(*set, {"spec", "selector"});
    const auto selector = wanted == nullptr ? Result<Selector>(Selector()) : Selector::fromJson(*wanted);
    if (!selector || selector->empty()) return;

    std::vector<Object> pods = claim(*set, *selector);
    Failure failure;
    bool more = false;
    if (!isDeleting(*set)) {
      const std::int64_t missing = getInt(*set, {"spec", "replicas"}, 1) - static_cast<std::int64_t>(pods.size());
      more = missing > burst || missing < -burst;
      if (missing > 0) failure = grow(*set, static_cast<int>(std::min<std::int64_t>(missing, burst)));
      if (missing < 0) failure = shrink(*set, pods, static_cast<int>(std::min<std::int64_t>(-missing, burst)));
    }
    // Counted as the pods were before, like the original: the events of what was just done bring it back here.
    writeStatus(*set, pods, failure);
    if (failure) {
      queue_.retry(key);
    } else {
      queue_.forget(key);
      if (more) queue_.add(key);
    }
    wakeForAvailability(key, *set, pods);
  }

  // The active pods of the set, after it has taken what matches and let go what doesn't.
  std::vector<Object> claim(const json::object& set, const Selector& selector) {
    std::vector<Object> mine;
    for (Object& pod : context_.pods.ownedBy(uidOf(set))) {
      if (!isActive(*pod)) continue;
      if (selector.matches(labelsOf(*pod))) {
        mine.push_back(std::move(pod));
      } else if (!isDeleting(set)) {
        release(*pod, uidOf(set));
      }
    }
    if (isDeleting(set)) return mine;
    for (const Object& pod : context_.pods.orphans(namespaceOf(set))) {
      if (!isActive(*pod) || !selector.matches(labelsOf(*pod))) continue;
      const auto adopt = [&set](json::object& copy) {
        json::value& owners = ensureObject(copy, {"metadata"})["ownerReferences"];
        if (!owners.is_array()) owners = json::array();
        owners.get_array().push_back(controllerReference(set));
      };
      const auto adopted =
          context_.registry.modify(pod_type_, namespaceOf(*pod), nameOf(*pod), Subresource::none, adopt, writer_);
      if (adopted) mine.push_back(*adopted);
    }
    return mine;
  }

  void release(const json::object& pod, std::string_view set_uid) {
    const auto disown = [set_uid](json::object& copy) {
      auto& owners = copy["metadata"].get_object()["ownerReferences"].get_array();
      for (auto it = owners.begin(); it != owners.end();) {
        it = getString(it->get_object(), {"uid"}) == set_uid ? owners.erase(it) : it + 1;
      }
    };
    static_cast<void>(
        context_.registry.modify(pod_type_, namespaceOf(pod), nameOf(pod), Subresource::none, disown, writer_));
  }

  Failure grow(const json::object& set, int count) {
    const auto* pod_template = getObject(set, {"spec", "template"});
    for (int i = 0; i < count; ++i) {
      const auto made =
          context_.registry.create(pod_type_, namespaceOf(set), podFromTemplate(*pod_template, set), writer_);
      if (!made) {
        events_.warning(set, "FailedCreate", fmt::format("Error creating: {}", made.error().message));
        return std::pair("FailedCreate", made.error().message);
      }
      events_.normal(set, "SuccessfulCreate", fmt::format("Created pod: {}", nameOf(**made)));
    }
    return std::nullopt;
  }

  Failure shrink(const json::object& set, const std::vector<Object>& pods, int count) {
    std::vector<std::pair<Worth, Object>> ranked;
    if (static_cast<std::size_t>(count) < pods.size()) {
      const auto crowds = crowdOfNodes(set, pods);
      for (const Object& pod : pods) {
        ranked.emplace_back(
            Worth(*pod, crowds.at(std::string(getString(*pod, {"spec", "nodeName"}))), context_.clock.now()), pod);
      }
      std::ranges::sort(ranked, {}, [](const auto& entry) { return entry.first.key(); });
    } else {
      for (const Object& pod : pods) ranked.emplace_back(Worth(*pod, 0, context_.clock.now()), pod);
    }
    for (int i = 0; i < count; ++i) {
      const json::object& pod = *ranked[static_cast<std::size_t>(i)].second;
      if (const auto gone = removeExactly(context_.registry, pod_type_, pod); !gone) {
        events_.warning(set, "FailedDelete", fmt::format("Error deleting: {}", gone.error().message));
        return std::pair("FailedDelete", gone.error().message);
      }
      events_.normal(set, "SuccessfulDelete", fmt::format("Deleted pod: {}", nameOf(pod)));
    }
    return std::nullopt;
  }

  // Active pods on each node, of this set and of those with the same owner.
  std::unordered_map<std::string, int> crowdOfNodes(const json::object& set, const std::vector<Object>& pods) const {
    std::unordered_map<std::string, int> crowds;
    const auto count = [&crowds](const std::vector<Object>& list) {
      for (const Object& pod : list) {
        if (isActive(*pod)) ++crowds[std::string(getString(*pod, {"spec", "nodeName"}))];
      }
    };
    count(pods);
    const std::string owner(controllerUid(set));
    if (owner.empty()) return crowds;
    const std::string own_key = keyOf(set);
    for (auto it = siblings_.lower_bound({owner, ""}); it != siblings_.end() && it->first == owner; ++it) {
      if (it->second == own_key) continue;
      const auto [ns, name] = splitKey(it->second);
      if (const auto sibling = context_.registry.get(type_, ns, name)) count(context_.pods.ownedBy(uidOf(**sibling)));
    }
    return crowds;
  }

  void writeStatus(const json::object& set, const std::vector<Object>& pods, const Failure& failure) {
    const TimePoint now = context_.clock.now();
    const std::int64_t min_ready_seconds = getInt(set, {"spec", "minReadySeconds"});
    const auto template_labels =
        Selector::fromLabels(labelsFromJson(getObject(set, {"spec", "template", "metadata", "labels"})));
    std::int64_t labelled = 0, ready = 0, available = 0;
    for (const Object& pod : pods) {
      labelled += template_labels.matches(labelsOf(*pod)) ? 1 : 0;
      const auto from = availableFrom(*pod, min_ready_seconds);
      ready += from ? 1 : 0;
      available += from && *from <= now ? 1 : 0;
    }
    const auto fill = [&](json::object& copy) {
      json::object& status = ensureObject(copy, {"status"});
      status["replicas"] = pods.size();
      setCount(status, "fullyLabeledReplicas", labelled);
      setCount(status, "readyReplicas", ready);
      setCount(status, "availableReplicas", available);
      status["observedGeneration"] = getInt(set, {"metadata", "generation"});
      if (!failure) return removeCondition(status, "ReplicaFailure");
      // The first failure stays: the next one only names another pod, and each write would be a cause to try again at
      // once.
      if (findCondition(copy, "ReplicaFailure") != nullptr) return;
      setCondition(status, "ReplicaFailure", "True", failure->first, failure->second, now);
    };
    static_cast<void>(
        context_.registry.modify(type_, namespaceOf(set), nameOf(set), Subresource::status, fill, writer_));
  }

  void wakeForAvailability(const std::string& key, const json::object& set, const std::vector<Object>& pods) {
    const std::int64_t min_ready_seconds = getInt(set, {"spec", "minReadySeconds"});
    if (min_ready_seconds == 0) return;
    for (const Object& pod : pods) {
      const auto from = availableFrom(*pod, min_ready_seconds);
      if (from && *from > context_.clock.now()) queue_.addAt(key, *from);
    }
  }

  ControllerContext context_;
  const ResourceType& type_;
  const ResourceType& pod_type_;
  const WriteOptions writer_{.field_manager = std::string(controller_manager)};
  KeyQueue queue_;
  EventRecorder events_;
  SelectorIndex selectors_;                                 // of the sets, for pods without an owner
  std::set<std::pair<std::string, std::string>> siblings_;  // owner's uid, key of the set
  std::shared_ptr<Registry::Subscription> sets_, pods_;
};

}  // namespace

std::unique_ptr<Controller> makeReplicaSetController(const ControllerContext& context) {
  return std::make_unique<ReplicaSetController>(context);
}

}  // namespace crossfade::local
