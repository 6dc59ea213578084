#include "sim/shrink.hpp"

#include <functional>

namespace crossfade::sim {
namespace {

struct FaultKind {
  std::string_view name;
  double Faults::* chance;
};
constexpr FaultKind fault_kinds[] = {{"lost requests", &Faults::lose_request},
                                     {"lost answers", &Faults::lose_answer},
                                     {"conflicts", &Faults::conflict},
                                     {"throttling", &Faults::throttle},
                                     {"server errors", &Faults::server_error},
                                     {"cut watches", &Faults::cut_watch},
                                     {"garbled watches", &Faults::garble_watch},
                                     {"late events", &Faults::late_event},
                                     {"duplicate events", &Faults::duplicate_event},
                                     {"expired watches", &Faults::expire_watch},
                                     {"kills", &Faults::kill},
                                     {"deposed controllers", &Faults::depose}};

class Shrinker {
 public:
  Shrinker(Failure failing, std::uint64_t seed, int plays) : best_(std::move(failing)), seed_(seed), plays_(plays) {}

  Failure run() {
    while (round()) {
    }
    return std::move(best_);
  }

 private:
  // Takes the change when the life still fails with it.
  bool attempt(const std::function<void(Failure&)>& change) {
    if (plays_ == 0) return false;
    --plays_;
    Failure candidate{best_.script, best_.faults, {}};
    change(candidate);
    candidate.verdict = judge(candidate.script, seed_, candidate.faults);
    if (!candidate.verdict.broken || candidate.verdict.broken->contains("setting up")) return false;
    best_ = std::move(candidate);
    return true;
  }

  bool round() {
    bool smaller = false;
    for (const FaultKind& kind : fault_kinds) {
      if (best_.faults.*kind.chance > 0) smaller |= attempt([&](Failure& failure) { failure.faults.*kind.chance = 0; });
    }
    for (std::size_t index = best_.script.deeds.size(); index-- > 0;) {
      smaller |= attempt([&](Failure& failure) {
        failure.script.deeds.erase(failure.script.deeds.begin() + static_cast<std::ptrdiff_t>(index));
      });
    }
    smaller |= dropMembers({"spec"}, {"replicas", "selector", "template", "strategy", "workloadRef"});
    smaller |= dropMembers({"spec", "strategy", "canary"}, {"stableService", "canaryService", "trafficRouting"});
    smaller |= dropMembers({"spec", "strategy", "blueGreen"}, {"activeService"});
    smaller |= dropSteps();
    if (const std::int64_t replicas = getInt(best_.script.rollout(), {"spec", "replicas"}); replicas > 1) {
      smaller |= attempt(
          [&](Failure& failure) { ensureObject(failure.script.objects.back(), {"spec"})["replicas"] = replicas / 2; });
    }
    return smaller && plays_ > 0;
  }

  bool dropMembers(std::initializer_list<std::string_view> path, const std::vector<std::string_view>& needed) {
    const json::object* object = getObject(best_.script.rollout(), path);
    if (object == nullptr) return false;
    std::vector<std::string> names;
    for (const auto& [name, value] : *object) {
      if (std::ranges::find(needed, std::string_view(name)) == needed.end()) names.emplace_back(name);
    }
    bool smaller = false;
    for (const std::string& name : names)
      smaller |= attempt([&](Failure& failure) { ensureObject(failure.script.objects.back(), path).erase(name); });
    return smaller;
  }

  bool dropSteps() {
    const json::array* steps = getArray(best_.script.rollout(), {"spec", "strategy", "canary", "steps"});
    bool smaller = false;
    for (std::size_t index = steps == nullptr ? 0 : steps->size(); index-- > 0;) {
      smaller |= attempt([&](Failure& failure) {
        json::array& list =
            ensureObject(failure.script.objects.back(), {"spec", "strategy", "canary"})["steps"].as_array();
        list.erase(list.begin() + static_cast<std::ptrdiff_t>(index));
      });
    }
    return smaller;
  }

  Failure best_;
  std::uint64_t seed_;
  int plays_;
};

}  // namespace

Failure shrink(Failure failing, std::uint64_t seed, int plays) {
  return Shrinker(std::move(failing), seed, plays).run();
}

std::vector<std::string> describe(const Failure& failure) {
  json::object spec = *getObject(failure.script.rollout(), {"spec"});
  for (const std::string_view plain : {"selector", "template"}) spec.erase(plain);
  std::vector<std::string> lines = {*failure.verdict.broken, "spec: " + json::serialize(spec)};
  for (const Deed& deed : failure.script.deeds) lines.push_back("deed: " + toString(deed));
  std::string faults;
  for (const FaultKind& kind : fault_kinds) {
    if (failure.faults.*kind.chance > 0) faults += (faults.empty() ? "" : ", ") + std::string(kind.name);
  }
  lines.push_back("faults: " + (faults.empty() ? "none" : faults));
  for (const std::string& line : failure.verdict.shown.story) lines.push_back("  " + line);
  return lines;
}

}  // namespace crossfade::sim
