#include "rollout/template_equality.hpp"

#include <algorithm>
#include <map>
#include <set>

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

// A resource quantity in billionths; empty when it is none.
std::optional<__int128> quantity(const json::value& value) {
  std::string text;
  if (value.is_string())
    text = value.get_string();
  else if (value.is_number())
    text = json::serialize(value);
  else
    return std::nullopt;
  __int128 amount = 0;
  int fraction_digits = 0;
  bool negative = false, fraction = false, any = false;
  std::size_t at = 0;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) negative = text[at++] == '-';
  for (; at < text.size(); ++at) {
    const char digit = text[at];
    if (digit == '.' && !fraction) {
      fraction = true;
    } else if (digit >= '0' && digit <= '9') {
      any = true;
      if (fraction && fraction_digits == 9) continue;
      if (amount > static_cast<__int128>(1) << 80) return std::nullopt;
      amount = amount * 10 + (digit - '0');
      fraction_digits += fraction ? 1 : 0;
    } else {
      break;
    }
  }
  if (!any) return std::nullopt;
  static const std::map<std::string_view, std::pair<int, int>> suffixes = {
      {"n", {10, -9}}, {"u", {10, -6}}, {"m", {10, -3}}, {"", {10, 0}},   {"k", {10, 3}},
      {"M", {10, 6}},  {"G", {10, 9}},  {"T", {10, 12}}, {"P", {10, 15}}, {"Ki", {2, 10}},
      {"Mi", {2, 20}}, {"Gi", {2, 30}}, {"Ti", {2, 40}}, {"Pi", {2, 50}}};
  const auto suffix = suffixes.find(std::string_view(text).substr(at));
  if (suffix == suffixes.end()) return std::nullopt;
  int tens = 9 - fraction_digits;
  if (suffix->second.first == 10)
    tens += suffix->second.second;
  else
    amount <<= suffix->second.second;
  for (; tens > 0; --tens) amount *= 10;
  for (; tens < 0; ++tens) amount /= 10;
  return negative ? -amount : amount;
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
      const auto left = quantity(member.value()), right = quantity(*other);
      if (left && right) {
        if (*left != *right) return false;
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
