// The status of PodDisruptionBudgets: how many pods may go.
#include <fmt/format.h>

#include "base/int_or_percent.hpp"
#include "local/controllers.hpp"
#include "local/key_queue.hpp"
#include "local/object_facts.hpp"
#include "local/selector_index.hpp"

namespace crossfade::local {

namespace {

class DisruptionController : public Controller {
 public:
  explicit DisruptionController(const ControllerContext& context)
      : context_(context),
        type_(*context.registry.resource("policy", "poddisruptionbudgets")),
        queue_(context.clock, [this](const std::string& key) { sync(key); }) {
    for (const Object& budget : context.registry.list(type_)) observe({Event::Type::added, budget, nullptr, 0});
    budgets_ = context.registry.subscribe(&type_, [this](const ResourceType&, const Event& event) { observe(event); });
    pods_ = context.registry.subscribe(context.registry.resource("", "pods"),
                                       [this](const ResourceType&, const Event& event) {
                                         addMatching(*event.object);
                                         if (event.previous && labelsOf(*event.previous) != labelsOf(*event.object))
                                           addMatching(*event.previous);
                                       });
    // The size of what owns the pods, where a percentage of it counts.
    sets_ = context.registry.subscribe(
        context.registry.resource("apps", "replicasets"), [this](const ResourceType&, const Event& event) {
          const auto labels = getObject(*event.object, {"spec", "template", "metadata", "labels"});
          for (const auto& key : selectors_.matching(namespaceOf(*event.object), labelsFromJson(labels)))
            queue_.add(key);
        });
  }

 private:
  void observe(const Event& event) {
    const std::string key = keyOf(*event.object);
    selectors_.erase(key);
    if (event.type == Event::Type::deleted) return;
    const auto* selector = getObject(*event.object, {"spec", "selector"});
    if (selector == nullptr) return queue_.add(key);
    if (auto parsed = Selector::fromJson(*selector)) selectors_.set(key, std::move(*parsed));
    queue_.add(key);
  }

  void addMatching(const json::object& pod) {
    for (const auto& key : selectors_.matching(namespaceOf(pod), labelsOf(pod))) queue_.add(key);
  }

  void sync(const std::string& key) {
    const auto [ns, name] = splitKey(key);
    const auto stored = context_.registry.get(type_, ns, name);
    if (!stored) return;
    const json::object& budget = **stored;
    std::vector<Object> pods = podsOf(budget);
    std::erase_if(pods, [](const Object& pod) { return isFinished(*pod); });
    std::int64_t healthy = 0;
    for (const Object& pod : pods) healthy += isReady(*pod) && !isDeleting(*pod) ? 1 : 0;

    const auto counts = countsOf(budget, pods);
    const std::int64_t expected = counts ? counts->expected : 0;
    const std::int64_t desired = counts ? counts->desired : 0;
    const std::int64_t allowed = counts && expected > 0 ? std::max<std::int64_t>(healthy - desired, 0) : 0;
    static_cast<void>(context_.registry.modify(
        type_, ns, name, Subresource::status,
        [&](json::object& copy) {
          json::object& status = ensureObject(copy, {"status"});
          status["currentHealthy"] = healthy;
          status["desiredHealthy"] = desired;
          status["disruptionsAllowed"] = allowed;
          status["expectedPods"] = expected;
          status["observedGeneration"] = getInt(budget, {"metadata", "generation"});
          const std::string_view reason = !counts ? "SyncFailed" : allowed > 0 ? "SufficientPods" : "InsufficientPods";
          setMetaCondition(status, "DisruptionAllowed", allowed > 0 ? "True" : "False", reason,
                           counts ? "" : counts.error().message, getInt(budget, {"metadata", "generation"}),
                           context_.clock.now());
        },
        {.field_manager = std::string(controller_manager)}));
  }

  // An empty selector means every pod of the namespace here, none at all means no pod.
  std::vector<Object> podsOf(const json::object& budget) const {
    const auto* selector = getObject(budget, {"spec", "selector"});
    if (selector == nullptr) return {};
    const auto parsed = Selector::fromJson(*selector);
    if (!parsed) return {};
    const ResourceType& pods = *context_.registry.resource("", "pods");
    return parsed->empty() ? context_.registry.list(pods, namespaceOf(budget))
                           : context_.pods.matching(namespaceOf(budget), *parsed);
  }

  struct Counts {
    std::int64_t expected = 0, desired = 0;
  };

  Result<Counts> countsOf(const json::object& budget, const std::vector<Object>& pods) const {
    const auto* min_available = find(budget, {"spec", "minAvailable"});
    const auto* max_unavailable = find(budget, {"spec", "maxUnavailable"});
    if (min_available != nullptr && asInteger(*min_available)) {
      return Counts{static_cast<std::int64_t>(pods.size()), *asInteger(*min_available)};
    }
    const auto* asked = max_unavailable != nullptr ? max_unavailable : min_available;
    if (asked == nullptr) return Counts{};
    const auto expected = sizeOfOwners(budget, pods);
    if (!expected) return fail(expected.error());
    const auto parsed = IntOrPercent::fromJson(*asked);
    if (!parsed) return fail(parsed.error());
    const auto number = parsed->resolve(static_cast<int>(*expected), Rounding::up);
    if (!number) return fail(number.error());
    if (max_unavailable == nullptr) return Counts{*expected, *number};
    return Counts{*expected, std::max<std::int64_t>(*expected - *number, 0)};
  }

  // The sum of spec.replicas of what owns the pods: of a Deployment where one owns their ReplicaSet.
  Result<std::int64_t> sizeOfOwners(const json::object& budget, const std::vector<Object>& pods) const {
    std::map<std::string, std::int64_t> sizes;  // by the owner's uid
    for (const Object& pod : pods) {
      const auto* owner = controllerOf(*pod);
      if (owner == nullptr) {
        return fail(ErrorCode::invalid, fmt::format("found no controller ref for pod \"{}\"", nameOf(*pod)));
      }
      const auto group = [](std::string_view api_version) {
        return api_version.substr(0, std::min(api_version.find('/'), api_version.size()));
      };
      std::string kind(getString(*owner, {"kind"})), name(getString(*owner, {"name"})), uid(getString(*owner, {"uid"}));
      std::string owner_group(group(getString(*owner, {"apiVersion"})));
      if (kind == "ReplicaSet") {
        const auto set =
            context_.registry.get(*context_.registry.resource("apps", "replicasets"), namespaceOf(budget), name);
        const auto* above = set ? controllerOf(**set) : nullptr;
        if (above != nullptr && getString(*above, {"kind"}) == "Deployment") {
          kind = "Deployment";
          name = getString(*above, {"name"});
          uid = getString(*above, {"uid"});
        }
      }
      if (sizes.contains(uid)) continue;
      const ResourceType* type = context_.registry.kind(owner_group, kind);
      const auto scale = type == nullptr ? Result<json::object>(fail(ErrorCode::not_found, ""))
                                         : context_.registry.scale(*type, namespaceOf(budget), name);
      if (!scale) {
        return fail(ErrorCode::invalid, fmt::format("{} does not implement the scale subresource", kind));
      }
      sizes[uid] = getInt(*scale, {"spec", "replicas"});
    }
    std::int64_t total = 0;
    for (const auto& [uid, size] : sizes) total += size;
    return total;
  }

  ControllerContext context_;
  const ResourceType& type_;
  KeyQueue queue_;
  SelectorIndex selectors_;
  std::shared_ptr<Registry::Subscription> budgets_, pods_, sets_;
};

}  // namespace

std::unique_ptr<Controller> makeDisruptionController(const ControllerContext& context) {
  return std::make_unique<DisruptionController>(context);
}

}  // namespace crossfade::local
