// Traefik: the weights of a TraefikService. spec/05 §11.
#include <fmt/format.h>

#include "traffic/builtin.hpp"
#include "traffic/editing.hpp"

namespace crossfade::traffic {
namespace {

// The first entry of that name. Entries before it have to be readable.
Result<json::object*> entryOf(json::array& services, std::string_view name, std::string_view missing) {
  for (json::value& value : services) {
    if (!value.is_object()) return refuse("Failed type assertion setting weight for traefik service");
    const json::value* own = value.get_object().if_contains("name");
    if (own == nullptr) return refuse("name field was not found in service");
    if (own->is_string() && own->get_string() == name) return &value.get_object();
  }
  return refuse(std::string(missing));
}

class Traefik final : public EditingRouter {
 public:
  Traefik(const json::object& config, const RouterSettings& settings)
      : kind_{settings.traefik_group, "TraefikService", "traefikservices", {settings.traefik_version}},
        name_(getString(config, {"weightedTraefikServiceName"})) {}

  std::string_view type() const override { return "Traefik"; }
  Capabilities capabilities() const override { return {}; }
  std::vector<ObjectRef> reads(const RolloutView& rollout, const std::vector<Operation>&) const override {
    return {ref(rollout)};
  }

 protected:
  Result<> setWeight(Work& work, const SetWeight& set) const override {
    const auto service = work.drafts.open(ref(work.rollout));
    if (!service) return fail(service.error());
    json::value* services = find(**service, {"spec", "weighted", "services"});
    if (services == nullptr || !services->is_array())
      return refuse("spec.weighted.services was not found in traefik service manifest");
    const auto canary =
        entryOf(services->get_array(), work.rollout.canary_service, "traefik canary service was not found");
    if (!canary) return fail(canary.error());
    const auto stable =
        entryOf(services->get_array(), work.rollout.stable_service, "traefik stable service was not found");
    if (!stable) return fail(stable.error());
    const Shares shares = sharesOfHundred({set.weight, {}}, work.rollout.max_weight);
    setMember(**canary, "weight", shares.canary);
    setMember(**stable, "weight", shares.stable);
    work.drafts.tell(ref(work.rollout),
                     {.failed = EventNote{true, "TraefikServiceUpdateError",
                                          fmt::format("Error updating traefik service \"{}\"", name_)}});
    return {};
  }

 private:
  ObjectRef ref(const RolloutView& rollout) const { return {kind_, rollout.ns, name_}; }

  const ResourceKind kind_;
  const std::string name_;
};

}  // namespace

std::unique_ptr<Router> makeTraefik(const json::object& config, const RouterSettings& settings) {
  return std::make_unique<Traefik>(config, settings);
}

}  // namespace crossfade::traffic
