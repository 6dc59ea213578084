#include "rollout/template_equality.hpp"

#include <algorithm>
#include <map>

#include "api/names.hpp"
#include "api/quantity.hpp"
#include "api/schema.hpp"

namespace crossfade::rollout {
namespace {

using Kind = api::Schema::Kind;
using Shape = api::Schema::Shape;
using Member = api::Schema::Member;
using Type = api::Schema::Type;

const json::value absent;

std::string defaultPullPolicy(std::string_view image) {
  if (image.contains('@')) return "IfNotPresent";
  const std::string_view name = image.substr(image.rfind('/') + 1);
  const auto colon = name.find(':');
  return colon == std::string_view::npos || name.substr(colon + 1) == "latest" ? "Always" : "IfNotPresent";
}

// What the API server writes into a member that the user left out; null where it writes nothing. spec/02 §4.3.1.
json::value defaultOf(const Type& type, std::string_view member, const json::object& desired) {
  using Place = std::pair<std::string_view, std::string_view>;
  static const std::map<Place, json::value> defaults = {
      {{"PodSpec", "dnsPolicy"}, "ClusterFirst"},
      {{"PodSpec", "restartPolicy"}, "Always"},
      {{"PodSpec", "terminationGracePeriodSeconds"}, 30},
      {{"PodSpec", "schedulerName"}, "default-scheduler"},
      {{"Container", "terminationMessagePath"}, "/dev/termination-log"},
      {{"Container", "terminationMessagePolicy"}, "File"},
      {{"ContainerPort", "protocol"}, "TCP"},
      {{"Probe", "timeoutSeconds"}, 1},
      {{"Probe", "periodSeconds"}, 10},
      {{"Probe", "successThreshold"}, 1},
      {{"Probe", "failureThreshold"}, 3},
      {{"HTTPGetAction", "path"}, "/"},
      {{"HTTPGetAction", "scheme"}, "HTTP"},
      {{"GRPCAction", "service"}, ""},
      {{"ObjectFieldSelector", "apiVersion"}, "v1"},
      {{"SecretVolumeSource", "defaultMode"}, 420},
      {{"ConfigMapVolumeSource", "defaultMode"}, 420},
      {{"DownwardAPIVolumeSource", "defaultMode"}, 420},
      {{"ProjectedVolumeSource", "defaultMode"}, 420},
      {{"ServiceAccountTokenProjection", "expirationSeconds"}, 3600},
      {{"HostPathVolumeSource", "type"}, ""},
      {{"ISCSIVolumeSource", "iscsiInterface"}, "default"},
      {{"RBDVolumeSource", "pool"}, "rbd"},
      {{"RBDVolumeSource", "user"}, "admin"},
      {{"RBDVolumeSource", "keyring"}, "/etc/ceph/keyring"},
      {{"AzureDiskVolumeSource", "cachingMode"}, "ReadWrite"},
      {{"AzureDiskVolumeSource", "kind"}, "Shared"},
      {{"AzureDiskVolumeSource", "fsType"}, "ext4"},
      {{"AzureDiskVolumeSource", "readOnly"}, false},
      {{"ScaleIOVolumeSource", "storageMode"}, "ThinProvisioned"},
      {{"ScaleIOVolumeSource", "fsType"}, "xfs"},
      {{"PersistentVolumeClaimSpec", "volumeMode"}, "Filesystem"},
  };
  if (type.name == "Container" && member == "imagePullPolicy")
    return json::value(defaultPullPolicy(getString(desired, {"image"})));
  const auto found = defaults.find({type.name, member});
  return found == defaults.end() ? json::value() : found->second;
}

// The zero value of a member that no type describes.
bool isZero(const json::value& value) {
  if (value.is_null()) return true;
  if (value.is_string()) return value.get_string().empty();
  if (value.is_bool()) return !value.get_bool();
  if (value.is_array()) return value.get_array().empty();
  if (value.is_object())
    return std::ranges::all_of(value.get_object(), [](const auto& member) { return isZero(member.value()); });
  return asInteger(value) == 0;
}

const Member* findMember(const Type& type, std::string_view name) {
  const auto found = std::ranges::find(type.members, name, &Member::name);
  return found == type.members.end() ? nullptr : &*found;
}

// As good as absent: a null, an empty list or map, the zero of a member that isn't told from its absence. An explicit
// zero of an optional one (runAsUser: 0) says something.
bool saysNothing(const Member& member, const json::value& value) {
  if (value.is_null()) return true;
  if (member.shape == Shape::list || member.shape == Shape::map) return isZero(value);
  if (member.kind == Kind::object && value.is_object()) {
    return std::ranges::all_of(value.get_object(), [&](const auto& inner) {
      const Member* known = findMember(*member.type, inner.key());
      return known ? saysNothing(*known, inner.value()) : isZero(inner.value());
    });
  }
  return member.shape == Shape::plain && isZero(value);
}

bool sameQuantity(const json::value& left, const json::value& right) {
  const auto text = [](const json::value& value) {
    return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
  };
  const auto order = api::compareQuantities(text(left), text(right));
  return order ? *order == std::strong_ordering::equal : left == right;
}

bool sameObject(const Type& type, const json::object& desired, const json::object& live);

bool sameElement(const Member& member, const json::value& desired, const json::value& live) {
  if (member.kind == Kind::quantity) return sameQuantity(desired, live);
  if (member.kind != Kind::object) return desired == live;
  static const json::object empty;
  const auto objectOf = [](const json::value& value) { return value.is_object() ? &value.get_object() : &empty; };
  return sameObject(*member.type, *objectOf(desired), *objectOf(live));
}

bool sameMember(const Member& member, const json::value& desired, const json::value& live) {
  if (saysNothing(member, desired) && saysNothing(member, live)) return true;
  if (member.shape == Shape::list) {
    return desired.is_array() && live.is_array() &&
           std::ranges::equal(desired.get_array(), live.get_array(),
                              [&](const auto& left, const auto& right) { return sameElement(member, left, right); });
  }
  if (member.shape == Shape::map) {
    if (!desired.is_object() || !live.is_object() || desired.get_object().size() != live.get_object().size())
      return false;
    return std::ranges::all_of(desired.get_object(), [&](const auto& entry) {
      const json::value* other = live.get_object().if_contains(entry.key());
      return other && sameElement(member, entry.value(), *other);
    });
  }
  // A missing struct is one without members: the server may have filled in its defaults.
  if (member.kind != Kind::object && (desired.is_null() || live.is_null())) return false;
  return sameElement(member, desired, live);
}

const json::value& memberOf(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  return found ? *found : absent;
}

bool sameObject(const Type& type, const json::object& desired, const json::object& live) {
  for (const Member& member : type.members) {
    const json::value &wanted = memberOf(desired, member.name), &found = memberOf(live, member.name);
    if (saysNothing(member, wanted) && !found.is_null() && found == defaultOf(type, member.name, desired)) continue;
    if (!sameMember(member, wanted, found)) return false;
  }
  // Members of a newer Kubernetes.
  const auto sameUnknown = [&](const json::object& one, const json::object& other) {
    return std::ranges::all_of(one, [&](const auto& member) {
      const json::value& counterpart = memberOf(other, member.key());
      return findMember(type, member.key()) || member.value() == counterpart ||
             (isZero(member.value()) && isZero(counterpart));
    });
  };
  return sameUnknown(desired, live) && sameUnknown(live, desired);
}

json::object comparable(json::object pod_template) {
  if (json::value* labels = find(pod_template, {"metadata", "labels"}); labels && labels->is_object())
    labels->get_object().erase(api::hash_label);
  if (json::value* spec = find(pod_template, {"spec"}); spec && spec->is_object())
    spec->get_object().erase("serviceAccount");
  return pod_template;
}

}  // namespace

bool sameTemplate(const json::object& desired, const json::object& live) {
  return sameObject(api::schemaType("PodTemplateSpec"), comparable(desired), comparable(live));
}

}  // namespace crossfade::rollout
