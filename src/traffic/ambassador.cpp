// Ambassador (Emissary): a Mapping for the canary beside each of the user's. spec/05 §9.
#include <fmt/format.h>

#include "base/time.hpp"
#include "traffic/builtin.hpp"
#include "traffic/editing.hpp"

namespace crossfade::traffic {
namespace {

// Envoy learns of the weight 0 before the Mapping goes.
constexpr Duration drain_time = seconds(5);
// When a canary Mapping that has no weight any more may go.
constexpr std::string_view delete_after_annotation = "crossfade.dev/delete-after";

std::string replaceFirst(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = from.empty() ? std::string::npos : text.find(from);
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

class Ambassador final : public EditingRouter {
 public:
  Ambassador(const json::object& config, const RouterSettings& settings)
      : kind_{settings.ambassador_group,
              "Mapping",
              settings.ambassador_group == "x.getambassador.io" ? "ambassadormappings" : "mappings",
              {settings.ambassador_version}} {
    if (kind_.plural == "ambassadormappings") kind_.kind = "AmbassadorMapping";
    if (const json::array* names = getArray(config, {"mappings"})) {
      for (const json::value& name : *names)
        if (name.is_string()) mappings_.emplace_back(name.get_string());
    }
  }

  std::string_view type() const override { return "Ambassador"; }
  Capabilities capabilities() const override { return {}; }
  std::vector<ObjectRef> reads(const RolloutView& rollout, const std::vector<Operation>&) const override {
    std::vector<ObjectRef> refs;
    for (const std::string& mapping : mappings_) {
      refs.push_back(ref(rollout, mapping));
      refs.push_back(ref(rollout, canaryName(mapping)));
    }
    return refs;
  }

 protected:
  // Every Mapping is tried; several failures are one.
  Result<> setWeight(Work& work, const SetWeight& set) const override {
    const std::int64_t weight = sharesOfHundred({set.weight, {}}, work.rollout.max_weight).canary;
    std::vector<Error> errors;
    bool changed = false;
    for (const std::string& mapping : mappings_) {
      const auto done = setWeightOf(work, mapping, weight);
      if (!done) {
        errors.push_back(done.error());
      } else {
        changed |= *done;
      }
    }
    if (changed) {
      work.events.insert(work.events.begin(),
                         {false, "CanaryMappingWeightUpdate", fmt::format("Set canary mapping weight to {}", weight)});
    }
    if (errors.empty()) return {};
    if (errors.size() == 1) return fail(errors.front());
    std::string text = fmt::format("{} errors found: ", errors.size());
    for (const Error& error : errors) text += "[" + error.message + "]";
    return fail(errors.front().code, std::move(text));
  }

 private:
  ObjectRef ref(const RolloutView& rollout, std::string name) const { return {kind_, rollout.ns, std::move(name)}; }

  // Whether a weight changes by it.
  Result<bool> setWeightOf(Work& work, const std::string& mapping, std::int64_t weight) const {
    const ObjectRef canary = ref(work.rollout, canaryName(mapping));
    const auto present = work.drafts.open(canary);
    if (!present && present.error().code != ErrorCode::not_found) return fail(present.error());
    if (!present) return weight == 0 ? Result<bool>(false) : create(work, mapping, canary, weight);
    json::object& spec = ensureObject(**present, {"spec"});
    const bool differs = getInt(spec, {"weight"}, -1) != weight;
    work.drafts.tell(canary, {.failed = EventNote{true, "CanaryMappingUpdateError",
                                                  fmt::format("Error updating canary mapping \"{}\"", canary.name)}});
    setMember(spec, "weight", weight);
    if (weight > 0) {
      json::value* annotations = find(**present, {"metadata", "annotations"});
      if (annotations != nullptr && annotations->is_object()) annotations->get_object().erase(delete_after_annotation);
      return differs;
    }
    json::object& annotations = ensureObject(**present, {"metadata", "annotations"});
    const auto due = parseTime(getString(annotations, {delete_after_annotation}));
    if (due && work.rollout.now >= *due) {
      work.drafts.remove(canary, {.failed = EventNote{true, "CanaryMappingCleanupError",
                                                      fmt::format("Error deleting canary mapping \"{}\"", canary.name)},
                                  .is_forgiven = true});
      return false;
    }
    if (!due) annotations[delete_after_annotation] = formatTime(work.rollout.now + drain_time);
    const Duration wait = due ? *due - work.rollout.now : drain_time;
    work.look_again = std::min(work.look_again.value_or(wait), wait);
    return differs;
  }

  Result<bool> create(Work& work, const std::string& mapping, const ObjectRef& canary, std::int64_t weight) const {
    const auto base = work.drafts.open(ref(work.rollout, mapping));
    if (!base) {
      if (base.error().code == ErrorCode::not_found)
        work.events.push_back(
            {true, "AmbassadorMappingNotFound", fmt::format("Ambassador mapping \"{}\" not found", mapping)});
      return fail(base.error());
    }
    if (getInt(**base, {"spec", "weight"}) != 0) {
      std::string text = fmt::format("Ambassador mapping \"{}\" can not define weight", mapping);
      work.events.push_back({true, "AmbassadorMappingConfigError", text});
      return fail(ErrorCode::invalid, std::move(text));
    }
    json::object made = **base;
    made.erase("status");
    made["metadata"] = {{"ownerReferences", json::array{ownerReference(work.rollout)}}};
    json::object& spec = ensureObject(made, {"spec"});
    spec["service"] = replaceFirst(std::string(getString(spec, {"service"})), work.rollout.stable_service,
                                   work.rollout.canary_service);
    spec["weight"] = weight;
    work.drafts.create(canary, std::move(made),
                       {.failed = EventNote{true, "CanaryMappingCreationError", "Error creating canary mapping"}});
    return true;
  }

  ResourceKind kind_;
  std::vector<std::string> mappings_;
};

}  // namespace

std::unique_ptr<Router> makeAmbassador(const json::object& config, const RouterSettings& settings) {
  return std::make_unique<Ambassador>(config, settings);
}

}  // namespace crossfade::traffic
