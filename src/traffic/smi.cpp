// The Service Mesh Interface: a TrafficSplit of the Rollout's own. spec/05 §8.
#include <fmt/format.h>

#include <algorithm>

#include "traffic/builtin.hpp"
#include "traffic/editing.hpp"

namespace crossfade::traffic {
namespace {

class Smi final : public EditingRouter {
 public:
  Smi(const json::object& config, const RouterSettings& settings)
      : version_(settings.traffic_split_version),
        kind_{"split.smi-spec.io", "TrafficSplit", "trafficsplits", {version_}},
        name_(getString(config, {"trafficSplitName"})),
        root_service_(getString(config, {"rootService"})) {}

  std::string_view type() const override { return "SMI"; }
  Capabilities capabilities() const override { return {.experiments = true}; }
  std::vector<ObjectRef> reads(const RolloutView& rollout, const std::vector<Operation>&) const override {
    return {ref(rollout)};
  }

 protected:
  Result<> setWeight(Work& work, const SetWeight& set) const override {
    const RolloutView& rollout = work.rollout;
    if (std::ranges::find(supported, version_) == std::end(supported))
      return fail(ErrorCode::invalid, fmt::format("Unsupported TrafficSplit API version `{}`", version_));
    json::object spec{{"service", root_service_.empty() ? rollout.stable_service : root_service_},
                      {"backends", backends(rollout, set)}};
    const ObjectRef split = ref(rollout);
    const auto present = work.drafts.open(split);
    if (!present && present.error().code != ErrorCode::not_found) return fail(present.error());
    if (!present) {
      work.drafts.create(
          split,
          {{"apiVersion", "split.smi-spec.io/" + version_},
           {"kind", "TrafficSplit"},
           {"metadata", {{"ownerReferences", json::array{ownerReference(rollout)}}}},
           {"spec", std::move(spec)}},
          {.after = {{false, "TrafficSplitCreated", fmt::format("TrafficSplit `{}` created", split.name)}},
           .failed = EventNote{false, "TrafficSplitNotCreated",
                               fmt::format("TrafficSplit `{}` failed creation", split.name)}});
      return {};
    }
    if (!isControlledBy(**present, rollout))
      return fail(ErrorCode::invalid, fmt::format("Rollout does not own TrafficSplit `{}`", split.name));
    json::object& now = ensureObject(**present, {"spec"});
    if (getString(now, {"service"}) != spec["service"].as_string()) now["service"] = spec["service"];
    if (!sameBackends(getArray(now, {"backends"}), spec["backends"].as_array())) now["backends"] = spec["backends"];
    return {};
  }

 private:
  static constexpr std::string_view supported[] = {"v1alpha1", "v1alpha2", "v1alpha3"};

  ObjectRef ref(const RolloutView& rollout) const { return {kind_, rollout.ns, name_.empty() ? rollout.name : name_}; }

  // Canary, experiments in their order, stable. The oldest version has quantities, which are texts.
  json::array backends(const RolloutView& rollout, const SetWeight& set) const {
    const Shares shares = sharesOfHundred(set, rollout.max_weight);
    json::array list;
    const auto add = [&](const std::string& service, std::int64_t weight) {
      json::object backend{{"service", service}};
      if (version_ == "v1alpha1") {
        backend["weight"] = std::to_string(weight);
      } else {
        backend["weight"] = weight;
      }
      list.push_back(std::move(backend));
    };
    add(rollout.canary_service, shares.canary);
    for (const Destination& extra : shares.extra) add(extra.service, extra.weight);
    add(rollout.stable_service, shares.stable);
    return list;
  }

  static bool sameBackends(const json::array* present, const json::array& wanted) {
    const auto weight = [](const json::value& backend) {
      const json::value* value = find(backend, {"weight"});
      return value == nullptr     ? std::string()
             : value->is_string() ? std::string(value->get_string())
                                  : std::to_string(asInteger(*value).value_or(-1));
    };
    return present != nullptr && std::ranges::equal(*present, wanted, [&](const auto& a, const auto& b) {
             return textAt(a, {"service"}) == textAt(b, {"service"}) && weight(a) == weight(b);
           });
  }

  const std::string version_;
  const ResourceKind kind_;
  const std::string name_, root_service_;
};

}  // namespace

std::unique_ptr<Router> makeSmi(const json::object& config, const RouterSettings& settings) {
  return std::make_unique<Smi>(config, settings);
}

}  // namespace crossfade::traffic
