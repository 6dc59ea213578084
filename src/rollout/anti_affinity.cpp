#include "rollout/anti_affinity.hpp"

#include <initializer_list>

namespace crossfade::rollout {
namespace {

constexpr std::string_view hash_label = "rollouts-pod-template-hash";
constexpr std::string_view required = "requiredDuringSchedulingIgnoredDuringExecution";
constexpr std::string_view preferred = "preferredDuringSchedulingIgnoredDuringExecution";

// The expression on the hash label inside a pod affinity term; null where there is none.
const json::object* hashExpression(const json::object& term) {
  const json::array* expressions = getArray(term, {"labelSelector", "matchExpressions"});
  if (!expressions) return nullptr;
  for (const json::value& item : *expressions) {
    const json::object* expression = item.if_object();
    if (expression && getString(*expression, {"key"}) == hash_label) return expression;
  }
  return nullptr;
}

// A preferred entry wraps its term; a required one is the term.
const json::object* termOf(const json::value& entry, std::string_view kind) {
  const json::object* object = entry.if_object();
  if (!object) return nullptr;
  return kind == preferred ? getObject(*object, {"podAffinityTerm"}) : object;
}

void dropIfEmpty(json::object& parent, std::string_view key) {
  const json::value* value = parent.if_contains(key);
  if (!value) return;
  const bool empty =
      (value->is_array() && value->get_array().empty()) || (value->is_object() && value->get_object().empty());
  if (empty) parent.erase(key);
}

}  // namespace

void injectAntiAffinity(json::object& pod_template, const AntiAffinity& rule, std::string_view stable_hash,
                        std::string_view ns) {
  const json::object expression{{"key", hash_label}, {"operator", "In"}, {"values", json::array{stable_hash}}};
  json::object term{{"labelSelector", json::object{{"matchExpressions", json::array{expression}}}},
                    {"namespaces", json::array{ns}},
                    {"topologyKey", "kubernetes.io/hostname"}};
  json::object& anti_affinity = ensureObject(pod_template, {"spec", "affinity", "podAntiAffinity"});
  json::value& list = anti_affinity[rule.preferred_weight ? preferred : required];
  if (!list.is_array()) list.emplace_array();
  if (rule.preferred_weight)
    list.get_array().push_back(json::object{{"weight", *rule.preferred_weight}, {"podAffinityTerm", std::move(term)}});
  else
    list.get_array().push_back(std::move(term));
}

void stripAntiAffinity(json::object& pod_template) {
  json::value* found = find(pod_template, {"spec", "affinity", "podAntiAffinity"});
  if (!found || !found->is_object()) return;
  json::object& anti_affinity = found->get_object();
  bool dropped = false;
  for (const std::string_view kind : {required, preferred}) {
    json::value* list = anti_affinity.if_contains(kind);
    if (!list || !list->is_array()) continue;
    json::array& entries = list->get_array();
    for (auto entry = entries.begin(); entry != entries.end() && !dropped; ++entry) {
      const json::object* term = termOf(*entry, kind);
      if (!term || !hashExpression(*term)) continue;
      entries.erase(entry);
      dropped = true;
      break;
    }
    dropIfEmpty(anti_affinity, kind);
  }
  json::object& affinity = find(pod_template, {"spec", "affinity"})->get_object();
  dropIfEmpty(affinity, "podAntiAffinity");
  dropIfEmpty(find(pod_template, {"spec"})->get_object(), "affinity");
}

std::optional<std::string> injectedStableHash(const json::object& pod_template) {
  const json::object* anti_affinity = getObject(pod_template, {"spec", "affinity", "podAntiAffinity"});
  if (!anti_affinity) return std::nullopt;
  for (const std::string_view kind : {required, preferred}) {
    const json::array* entries = getArray(*anti_affinity, {kind});
    if (!entries) continue;
    for (const json::value& entry : *entries) {
      const json::object* term = termOf(entry, kind);
      const json::object* expression = term ? hashExpression(*term) : nullptr;
      if (!expression) continue;
      const json::array* values = getArray(*expression, {"values"});
      if (!values || values->empty() || !values->front().is_string()) return std::nullopt;
      return std::string(values->front().get_string());
    }
  }
  return std::nullopt;
}

}  // namespace crossfade::rollout
