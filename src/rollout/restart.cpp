// Restarting pods that are older than spec.restartAt, a few at a time. spec/02 §8.
#include <algorithm>

#include "rollout/pass.hpp"

namespace crossfade::rollout {
namespace {

constexpr Duration look_again_after = seconds(30);

struct Candidate {
  std::shared_ptr<const api::Pod> pod;
  std::size_t rank;  // of its ReplicaSet: stable, new, then the others by age
  bool available;
};

std::size_t rankOf(const Facts& facts, std::size_t index) {
  if (facts.stable_index == index) return 0;
  return facts.new_index == index ? 1 : 2 + index;
}

bool isAvailablePod(const Facts& facts, const api::Pod& pod) {
  if (!pod.ready || pod.metadata.deleted) return false;
  const std::int64_t settle = facts.spec().min_ready_seconds;
  return settle == 0 || (pod.ready_since && *pod.ready_since + seconds(settle) <= facts.now);
}

// The Rollout's pods in the order in which they are restarted.
std::vector<Candidate> podsInOrder(const Facts& facts) {
  std::vector<Candidate> pods;
  for (const auto& pod : *facts.snapshot.pods) {
    if (!pod->metadata.controller) continue;
    for (std::size_t i = 0; i < facts.all().size(); ++i)
      if (facts.all()[i]->metadata.uid == pod->metadata.controller->uid)
        pods.push_back({pod, rankOf(facts, i), isAvailablePod(facts, *pod)});
  }
  std::ranges::sort(pods, {}, [](const Candidate& one) {
    return std::tuple(one.rank, one.pod->metadata.created, std::string_view(one.pod->metadata.name));
  });
  return pods;
}

}  // namespace

bool restartDue(const api::Rollout& rollout, TimePoint now) {
  const auto& at = rollout.spec.restart_at;
  return at && now > *at && rollout.status.restarted_at != at;
}

std::optional<TimePoint> restartPods(const Facts& facts, Draft& draft) {
  const auto& at = facts.spec().restart_at;
  if (!at || facts.status.restarted_at == at) return {};
  if (facts.now <= *at) {
    draft.wait(WaitKind::timer, "Pods are to be restarted later.", std::nullopt, *at + milliseconds(1));
    return {};
  }
  if (!facts.snapshot.pods) {
    draft.wait(WaitKind::pods, "Pods are to be restarted, and are looked up first.");
    return {};
  }
  const std::vector<Candidate> pods = podsInOrder(facts);
  std::int64_t asked = 0;
  for (const ReplicaSetRef& rs : facts.all()) asked += rs->replicas;
  const std::int64_t at_once = std::max<std::int64_t>(limits(facts).unavailable, 1);
  const std::int64_t needed = std::max(facts.replicas, asked) - at_once;
  std::int64_t budget = std::ranges::count_if(pods, &Candidate::available) - needed;

  std::int64_t old = 0;
  for (const Candidate& one : pods) {
    if (one.pod->metadata.created >= *at) continue;
    ++old;
    if (budget <= 0 || one.pod->metadata.deleted) continue;
    draft.act(EvictPod{one.pod->metadata.name, one.pod->metadata.uid});
    --budget;
  }
  // An eviction may be refused (a disruption budget), so a pod counts as restarted when it is gone.
  if (old == 0) return at;
  draft.wait(WaitKind::pods, fmt::format("{} pods are still to be restarted.", old), *at, facts.now + look_again_after);
  return {};
}

}  // namespace crossfade::rollout
