// HorizontalPodAutoscalers, as far as there can be any without metrics: the wanted size comes from an annotation
// (controllers.hpp), and minReplicas and maxReplicas are held through the target's scale subresource.
#include <fmt/format.h>

#include <charconv>

#include "local/controllers.hpp"
#include "local/event_recorder.hpp"
#include "local/key_queue.hpp"
#include "local/object_facts.hpp"

namespace crossfade::local {

namespace {

constexpr std::string_view desired_annotation = "local.crossfade.dev/desired-replicas";

std::string_view groupOf(std::string_view api_version) {
  const std::size_t slash = api_version.find('/');
  return slash == std::string_view::npos ? std::string_view() : api_version.substr(0, slash);
}

class AutoscalerController : public Controller {
 public:
  explicit AutoscalerController(const ControllerContext& context)
      : context_(context),
        type_(*context.registry.resource("autoscaling", "horizontalpodautoscalers")),
        queue_(context.clock, [this](const std::string& key) { sync(key); }),
        events_(context.registry, context.clock, "horizontal-pod-autoscaler") {
    for (const Object& autoscaler : context.registry.list(type_)) observe({Event::Type::added, autoscaler, nullptr, 0});
    autoscalers_ =
        context.registry.subscribe(&type_, [this](const ResourceType&, const Event& event) { observe(event); });
    everything_ = context.registry.subscribe(nullptr, [this](const ResourceType& type, const Event& event) {
      if (by_target_.empty() || !type.has_scale) return;
      const auto [first, last] =
          by_target_.equal_range(fmt::format("{}/{}/{}", type.group, type.kind, keyOf(*event.object)));
      for (auto it = first; it != last; ++it) queue_.add(it->second);
    });
  }

 private:
  static std::string targetOf(const json::object& autoscaler) {
    const auto* target = getObject(autoscaler, {"spec", "scaleTargetRef"});
    if (target == nullptr) return {};
    return fmt::format("{}/{}/{}", groupOf(getString(*target, {"apiVersion"})), getString(*target, {"kind"}),
                       keyOf(namespaceOf(autoscaler), getString(*target, {"name"})));
  }

  void observe(const Event& event) {
    const std::string key = keyOf(*event.object);
    if (event.previous) {
      const auto [first, last] = by_target_.equal_range(targetOf(*event.previous));
      for (auto it = first; it != last; ++it) {
        if (it->second != key) continue;
        by_target_.erase(it);
        break;
      }
    }
    if (event.type == Event::Type::deleted) return;
    by_target_.emplace(targetOf(*event.object), key);
    queue_.add(key);
  }

  void sync(const std::string& key) {
    const auto [ns, name] = splitKey(key);
    const auto stored = context_.registry.get(type_, ns, name);
    if (!stored || isDeleting(**stored)) return;
    const json::object& autoscaler = **stored;
    const std::string target(getString(autoscaler, {"spec", "scaleTargetRef", "name"}));
    const ResourceType* type =
        context_.registry.kind(groupOf(getString(autoscaler, {"spec", "scaleTargetRef", "apiVersion"})),
                               getString(autoscaler, {"spec", "scaleTargetRef", "kind"}));
    const auto scale = type == nullptr ? Result<json::object>(fail(ErrorCode::not_found, "no such kind is served"))
                                       : context_.registry.scale(*type, ns, target);
    if (!scale) {
      const std::string message =
          fmt::format("the HPA controller was unable to get the target's current scale: {}", scale.error().message);
      events_.warning(autoscaler, "FailedGetScale", scale.error().message);
      return writeStatus(autoscaler, [&](json::object& status) {
        setCondition(status, "AbleToScale", "False", "FailedGetScale", message, context_.clock.now());
      });
    }
    const std::int64_t current = getInt(*scale, {"spec", "replicas"});
    const std::int64_t observed = getInt(*scale, {"status", "replicas"});
    if (current == 0) {
      return writeStatus(autoscaler, [&](json::object& status) {
        setCounts(status, observed, 0);
        setCondition(status, "AbleToScale", "True", "SucceededGetScale",
                     "the HPA controller was able to get the target's current scale", context_.clock.now());
        setCondition(status, "ScalingActive", "False", "ScalingDisabled",
                     "scaling is disabled since the replica count of the target is zero", context_.clock.now());
      });
    }
    const std::int64_t low = getInt(autoscaler, {"spec", "minReplicas"}, 1);
    const std::int64_t high = std::max(getInt(autoscaler, {"spec", "maxReplicas"}, low), low);
    const std::int64_t asked = askedBy(autoscaler).value_or(current);
    const std::int64_t desired = std::clamp(asked, low, high);
    if (desired != current && !rescale(autoscaler, *type, target, desired, current)) return queue_.retry(key);
    queue_.forget(key);
    writeStatus(autoscaler, [&](json::object& status) {
      const TimePoint now = context_.clock.now();
      setCounts(status, observed, desired);
      if (desired != current) status["lastScaleTime"] = formatTime(now);
      if (desired != current) {
        setCondition(status, "AbleToScale", "True", "SucceededRescale",
                     fmt::format("the HPA controller was able to update the target scale to {}", desired), now);
      } else {
        setCondition(status, "AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size", now);
      }
      setCondition(status, "ScalingActive", "True", "ValidMetricFound",
                   "the HPA was able to successfully calculate a replica count", now);
      if (asked > high) {
        setCondition(status, "ScalingLimited", "True", "TooManyReplicas",
                     "the desired replica count is more than the maximum replica count", now);
      } else if (asked < low) {
        setCondition(status, "ScalingLimited", "True", "TooFewReplicas",
                     "the desired replica count is less than the minimum replica count", now);
      } else {
        setCondition(status, "ScalingLimited", "False", "DesiredWithinRange",
                     "the desired count is within the acceptable range", now);
      }
    });
  }

  static std::optional<std::int64_t> askedBy(const json::object& autoscaler) {
    const auto text = getString(autoscaler, {"metadata", "annotations", desired_annotation});
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
  }

  bool rescale(const json::object& autoscaler, const ResourceType& type, const std::string& target,
               std::int64_t desired, std::int64_t current) {
    const auto scaled = context_.registry.modify(
        type, namespaceOf(autoscaler), target, Subresource::scale,
        [desired](json::object& scale) { ensureObject(scale, {"spec"})["replicas"] = desired; }, writer_);
    if (!scaled) {
      events_.warning(autoscaler, "FailedRescale",
                      fmt::format("New size: {}; error: {}", desired, scaled.error().message));
      return false;
    }
    const std::string_view reason = askedBy(autoscaler) ? "the annotation asks for it"
                                    : desired > current ? "Current number of replicas below Spec.MinReplicas"
                                                        : "Current number of replicas above Spec.MaxReplicas";
    events_.normal(autoscaler, "SuccessfulRescale", fmt::format("New size: {}; reason: {}", desired, reason));
    return true;
  }

  static void setCounts(json::object& status, std::int64_t current, std::int64_t desired) {
    setCount(status, "currentReplicas", current);
    status["desiredReplicas"] = desired;
  }

  void writeStatus(const json::object& autoscaler, const std::function<void(json::object&)>& fill) {
    static_cast<void>(context_.registry.modify(
        type_, namespaceOf(autoscaler), nameOf(autoscaler), Subresource::status,
        [&](json::object& copy) { fill(ensureObject(copy, {"status"})); }, writer_));
  }

  ControllerContext context_;
  const ResourceType& type_;
  const WriteOptions writer_{.field_manager = std::string(controller_manager)};
  KeyQueue queue_;
  EventRecorder events_;
  std::multimap<std::string, std::string> by_target_;  // "group/kind/namespace/name" to the autoscaler's key
  std::shared_ptr<Registry::Subscription> autoscalers_, everything_;
};

}  // namespace

std::unique_ptr<Controller> makeAutoscalerController(const ControllerContext& context) {
  return std::make_unique<AutoscalerController>(context);
}

}  // namespace crossfade::local
