#include "rollout/template_equality.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "api/quantity.hpp"

namespace crossfade::rollout {
namespace {

constexpr std::string_view hash_label = "rollouts-pod-template-hash";

bool isEmpty(const json::value& value) {
  if (value.is_null()) return true;
  if (value.is_string()) return value.get_string().empty();
  if (value.is_bool()) return !value.get_bool();
  if (const auto number = asInteger(value)) return *number == 0;
  if (value.is_array()) return value.get_array().empty();
  if (value.is_object())
    return std::ranges::all_of(value.get_object(), [](const auto& member) { return isEmpty(member.value()); });
  return false;
}

// What the API server writes into a member that the user left out. spec/02 §4.3.1.
bool isDefault(std::string_view key, const json::value& value) {
  static const std::multimap<std::string_view, json::value> defaults = {
      {"dnsPolicy", "ClusterFirst"},
      {"restartPolicy", "Always"},
      {"terminationGracePeriodSeconds", 30},
      {"schedulerName", "default-scheduler"},
      {"terminationMessagePath", "/dev/termination-log"},
      {"terminationMessagePolicy", "File"},
      {"protocol", "TCP"},
      {"timeoutSeconds", 1},
      {"periodSeconds", 10},
      {"successThreshold", 1},
      {"failureThreshold", 3},
      {"path", "/"},
      {"scheme", "HTTP"},
      {"apiVersion", "v1"},
      {"defaultMode", 420},
      {"expirationSeconds", 3600},
      {"iscsiInterface", "default"},
      {"pool", "rbd"},
      {"user", "admin"},
      {"keyring", "/etc/ceph/keyring"},
      {"cachingMode", "ReadWrite"},
      {"kind", "Shared"},
      {"fsType", "ext4"},
      {"fsType", "xfs"},
      {"storageMode", "ThinProvisioned"},
      {"volumeMode", "Filesystem"},
  };
  const auto [first, last] = defaults.equal_range(key);
  return std::any_of(first, last, [&](const auto& entry) { return entry.second == value; });
}

std::string_view defaultPullPolicy(std::string_view image) {
  if (image.contains('@')) return "IfNotPresent";
  const std::string_view name = image.substr(image.rfind('/') + 1);
  const auto colon = name.find(':');
  return colon == std::string_view::npos || name.substr(colon + 1) == "latest" ? "Always" : "IfNotPresent";
}

// Both are resource quantities, and worth the same; empty when one of them is none.
std::optional<bool> sameQuantity(const json::value& left, const json::value& right) {
  const auto text = [](const json::value& value) {
    return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
  };
  const auto order = api::compareQuantities(text(left), text(right));
  return order ? std::optional(*order == std::strong_ordering::equal) : std::nullopt;
}

bool same(const json::value& desired, const json::value& live, bool quantities);

// `quantities`: the members of this object are resource quantities.
bool sameObject(const json::object& desired, const json::object& live, bool quantities) {
  static const std::set<std::string_view> holds_quantities = {"limits", "requests", "overhead"};
  for (const auto& member : desired) {
    const json::value* other = live.if_contains(member.key());
    if (!other || other->is_null()) {
      if (!isEmpty(member.value())) return false;
      continue;
    }
    const bool is_quantity = quantities || member.key() == "sizeLimit" || member.key() == "divisor";
    if (is_quantity) {
      if (const auto equal = sameQuantity(member.value(), *other)) {
        if (!*equal) return false;
        continue;
      }
    }
    if (member.value().is_null()) {
      if (!isEmpty(*other) && !isDefault(member.key(), *other)) return false;
      continue;
    }
    if (!same(member.value(), *other, holds_quantities.contains(member.key()))) return false;
  }
  for (const auto& member : live) {
    if (desired.contains(member.key()) || isEmpty(member.value()) || isDefault(member.key(), member.value())) continue;
    if (member.key() == "imagePullPolicy" &&
        member.value() == json::value(defaultPullPolicy(getString(desired, {"image"}))))
      continue;
    return false;
  }
  return true;
}

bool same(const json::value& desired, const json::value& live, bool quantities) {
  if (desired.is_object() && live.is_object()) return sameObject(desired.get_object(), live.get_object(), quantities);
  if (desired.is_array() && live.is_array())
    return std::ranges::equal(
        desired.get_array(), live.get_array(),
        [](const json::value& left, const json::value& right) { return same(left, right, false); });
  if (desired == live) return true;
  return isEmpty(desired) && isEmpty(live);
}

json::object comparable(json::object pod_template) {
  if (json::value* labels = find(pod_template, {"metadata", "labels"}); labels && labels->is_object())
    labels->get_object().erase(hash_label);
  if (json::value* spec = find(pod_template, {"spec"}); spec && spec->is_object())
    spec->get_object().erase("serviceAccount");
  return pod_template;
}

}  // namespace

bool sameTemplate(const json::object& desired, const json::object& live) {
  return sameObject(comparable(desired), comparable(live), false);
}

}  // namespace crossfade::rollout
