// The anti-affinity term that keeps pods of a new revision off the nodes of the stable one. spec/02 §11.
// Works on pod templates as JSON ({"metadata":…,"spec":…}); never touches what the user wrote.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace crossfade::rollout {

struct AntiAffinity {
  // Set: a preferred term of this weight. Empty: a required term.
  std::optional<std::int64_t> preferred_weight;
};

// Appends the term that repels pods of `stable_hash` in `ns` to the template.
void injectAntiAffinity(json::object& pod_template, const AntiAffinity& rule, std::string_view stable_hash,
                        std::string_view ns);

// Drops the first term that names the pod-template-hash label; lists and objects left empty vanish.
void stripAntiAffinity(json::object& pod_template);

// The stable hash that the injected term names; empty when there is no such term or it has no values.
std::optional<std::string> injectedStableHash(const json::object& pod_template);

}  // namespace crossfade::rollout
